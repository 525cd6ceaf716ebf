"""Whether a record reports a randomised trial, as far as its indexing and its words can tell.

Information for the person who reads the queue, never a filter: no record moves or is left out for it.
Headings and publication types that were assigned without a person are not trusted to rule anything out; they
leave such a record where it would be with no indexing at all, or higher.
"""

import re

BY_PEOPLE = "randomised trial (indexed by people)"
CONTROLLED = "controlled trial (indexed by people)"
AUTOMATED = "indexed automatically as randomised trial"
BY_SOURCE = "called a randomised trial by its publisher or database"
IN_TEXT = "signs of a randomised trial in the text"
OTHER = "indexed by people as another design"
ANIMALS = "indexed by people as a study of animals"
NO_SIGN = "no sign of a randomised trial"
NO_SIGN_NO_ABSTRACT = "no sign of a randomised trial in the title (no abstract)"

# The surest sign first; what speaks against a randomised trial last. Only people's indexing is ever last.
LABELS = [
    BY_PEOPLE,
    CONTROLLED,
    AUTOMATED,
    BY_SOURCE,
    IN_TEXT,
    NO_SIGN_NO_ABSTRACT,
    NO_SIGN,
    OTHER,
    ANIMALS,
]

# PubMed: no IndexingMethod means that people alone indexed the citation, "Curated" that one reviewed what
# an algorithm proposed, "Automated" that none did (NLM Technical Bulletin 2018;423:e2). True of indexed
# citations only, whose status is MEDLINE; the types of others were supplied by publishers.
INDEXED = "MEDLINE"
PEOPLE = {"", "Curated", "Manual"}

# Cochrane's highly sensitive search strategy for MEDLINE, sensitivity- and precision-maximising version (2023
# revision; Handbook, technical supplement to chapter 4): the type with those below it in MeSH's tree.
RANDOMISED = {"Randomized Controlled Trial", "Equivalence Trial", "Pragmatic Clinical Trial"}
CONTROLLED_TRIAL = "Controlled Clinical Trial"
TOPIC = "Clinical Trials as Topic"
# Its words; PubMed looks for all but "trial" in title, abstract and keywords, for that in the title alone.
WORDS = re.compile(r"\b(?:randomi[sz]ed|randomly|placebo)\b", re.I)
TITLE_WORD = re.compile(r"\btrial\b", re.I)

# Types that name a design other than a randomised trial. Letter, comment, editorial and the like are not
# among them: they say how something was published, and trials were published as letters.
OTHER_DESIGNS = {
    "Case Reports",
    "Consensus Development Conference",
    "Guideline",
    "Meta-Analysis",
    "Network Meta-Analysis",
    "Observational Study",
    "Practice Guideline",
    "Review",
    "Scoping Review",
    "Systematic Review",
}


def signals(record):
    """One label of `LABELS`.

    Parameters
    ----------
    record : mapping
        title, abstract, keywords, publication_types, mesh_terms (lists joined by "; "), medline_status,
        indexing_method; missing keys and None are empty.

    Returns
    -------
    str
        From people's indexing where there is any: animals if it has that heading and not "Humans" (as in the
        strategy), a randomised or controlled trial if it has such a type, another design if it has the type
        of one; else, and for all other records, from the words of the text. A type that no person assigned
        counts for more than words where it says randomised or controlled trial, and any other for nothing.
    """
    types = _entries(record, "publication_types")
    trial = types & (RANDOMISED | {CONTROLLED_TRIAL})
    if indexed_by_people(record):
        return _of_people(record, types, trial)
    if not trial:
        return _of_text(record)
    return AUTOMATED if record.get("medline_status") == INDEXED else BY_SOURCE


def indexed_by_people(record):
    """Whether a person chose, or checked, the headings and publication types of a record."""
    return record.get("medline_status") == INDEXED and (record.get("indexing_method") or "") in PEOPLE


def _of_people(record, types, trial):
    headings = {heading.split(" / ")[0].rstrip("*") for heading in _entries(record, "mesh_terms")}
    if "Animals" in headings and "Humans" not in headings:
        return ANIMALS
    if trial:
        return BY_PEOPLE if trial & RANDOMISED else CONTROLLED
    if types & OTHER_DESIGNS:
        return OTHER
    return IN_TEXT if TOPIC in headings else _of_text(record)


def _of_text(record):
    title, abstract, keywords = (record.get(name) or "" for name in ("title", "abstract", "keywords"))
    if TITLE_WORD.search(title) or any(WORDS.search(text) for text in (title, abstract, keywords)):
        return IN_TEXT
    return NO_SIGN if abstract.strip() else NO_SIGN_NO_ABSTRACT


def _entries(record, name):
    return {entry.strip() for entry in (record.get(name) or "").split(";")} - {""}
