"""What an article says, in a form that can be compared from month to month; and what its notices mean.

PubMed changes records in place. Each is reduced to parts of canonical text; their digests are kept with every
snapshot, so that a change can be named later, even where the article itself is not kept.
"""

import hashlib
import json

# Raise it whenever the same article would give other digests than before: digests of different versions are
# not compared.
VERSION = 1

RETRACTED_TYPE = "D016441"  # Retracted Publication; MeSH
RETRACTION_TYPE = "D016440"  # Retraction of Publication, since 2025 Retraction Notice: the notice
# RefTypes that stand on the original and point to the notice (NLM, CommentsCorrectionsList); the ones that
# end in "Of" or "For" stand on the notice and must never be taken for these.
# Partial retractions are in older records only; the DTD of 2025 names them no more.
RETRACTING = ("RetractionIn", "RetractedandRepublishedIn", "PartialRetractionIn")
RETRACTS = ("RetractionOf", "PartialRetractionOf")
RETRACTION_TYPES = (RETRACTION_TYPE, "Retraction of Publication", "Retraction Notice")
RETRACTED_TITLES = ("RETRACTED:", "RETRACTED ARTICLE:", "[RETRACTED]")
CONCERN = ("ExpressionOfConcernIn",)
CORRECTING = ("ErratumIn", "CorrectedandRepublishedIn")
UPDATING = ("UpdateIn", "RepublishedIn")
NOTICES_ON_ORIGINALS = {
    **dict.fromkeys(RETRACTING, "retraction"),
    **dict.fromkeys(CONCERN, "expression of concern"),
    **dict.fromkeys(CORRECTING, "erratum"),
    **dict.fromkeys(UPDATING, "update"),
    "CommentIn": "comment",
}
PARTS = (
    "title",
    "abstract",
    "other_abstracts",
    "authors",
    "publication",
    "identifiers",
    "publication_types",
    "mesh",
    "keywords",
    "registry",
    "notices",
    "interests",
    "indexing",
)
DIGEST = 10  # hexadecimal digits of a part; what collides by chance is still told apart by the whole


def parts(article):
    """The parts of an article as canonical values; a part that PubMed leaves empty is "" or ().

    Dates of revision and of PubMed's own history are left out: they move without anything being said anew.
    """
    return {
        "title": (article.title, article.vernacular_title)
        if article.title or article.vernacular_title
        else (),
        "abstract": article.abstract,
        "other_abstracts": article.other_abstracts,
        "authors": article.authors,
        "publication": (
            article.kind,
            article.journal,
            article.volume,
            article.issue,
            article.pages,
            article.published,
            article.electronic_date,
            article.languages,
        ),
        "identifiers": (article.doi, article.pmcid, article.pii),
        "publication_types": tuple(sorted(article.publication_types)),
        "mesh": tuple(sorted(article.mesh)),
        "keywords": article.keywords,
        "registry": tuple(sorted(article.registry)),
        "notices": tuple(sorted(article.notices)),
        "interests": article.coi_statement,
        "indexing": (article.status, article.indexing_method),
    }


def digests(article):
    """Digests of an article: one for each of `PARTS` ("" where it is empty), and ``sha256`` of the whole."""
    values = parts(article)
    whole = hashlib.sha256(_canonical([VERSION, article.pmid, article.version, values])).hexdigest()
    short = {name: _short(values[name]) if values[name] else "" for name in PARTS}
    return {**short, "sha256": whole}


def notices(article):
    """The notices of an article as one cell: ``RetractionIn:8655018; ErratumIn:9634358``.

    A notice without a PMID is named by its source, whose semicolons become commas.
    """
    named = {
        f"{notice.ref_type}:{notice.pmid or ' '.join(notice.source.replace(';', ',').split())}"
        for notice in article.notices
    }
    return "; ".join(sorted(named))


def split_notices(cell):
    """A cell of notices as a set of (RefType, PMID or source)."""
    return {tuple(entry.split(":", 1)) for entry in (cell or "").split("; ") if entry}


def editorial_status(article):
    """ "retracted", "expression of concern", "corrected", "retraction notice", or "" for an article.

    An article is retracted if its publication type, a notice or its title says so. A notice of another
    article's retraction is never called retracted for it, although some publishers give it the title of the
    article with "Retracted:" before it; one that was itself retracted is.
    """
    types = {one.ui for one in article.publication_types} | {one.name for one in article.publication_types}
    kinds = {notice.ref_type for notice in article.notices}
    is_notice = bool(types.intersection(RETRACTION_TYPES) or kinds.intersection(RETRACTS))
    if (
        types & {RETRACTED_TYPE, "Retracted Publication"}
        or kinds.intersection(RETRACTING)
        or (not is_notice and article.title.upper().startswith(RETRACTED_TITLES))
    ):
        return "retracted"
    if is_notice:
        return "retraction notice"
    if kinds.intersection(CONCERN):
        return "expression of concern"
    if kinds.intersection(CORRECTING):
        return "corrected"
    return ""


def _short(value):
    return hashlib.sha256(_canonical(value)).hexdigest()[:DIGEST]


def _canonical(value):
    return json.dumps(value, sort_keys=True, ensure_ascii=False, separators=(",", ":")).encode()
