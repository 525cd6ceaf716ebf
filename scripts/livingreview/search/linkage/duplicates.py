"""One record in several databases: merged where the evidence leaves no doubt, else shown to people.

A false merge loses a record for good, a missed one costs a second look; so a merge needs agreement in several
fields and no contradiction in any, and everything alike short of that is listed for people. PubMed's own
records are never merged with each other by rule.
"""

from collections import Counter, defaultdict
from itertools import combinations
from typing import NamedTuple

from livingreview.errors import InputError, problem
from livingreview.search.linkage import likeness, pairs
from livingreview.search.linkage.clusters import Clusters

# Titles shorter than these are shared by different papers ("Introduction", "Chronic pain").
DISTINCT_LETTERS = 25
DISTINCT_WORDS = 4
ALIKE = 0.8  # share of runs of three letters; a typing error in a title of 80 letters leaves 0.96
WHOLE_ABSTRACT = 200  # letters; what is shorter is a note such as "No abstract available"
# One article's DOI carries its title in a few spellings; a supplement's carries every abstract's.
MOST_TITLES = 5
PARTS = frozenset({"part", "parts", "volume", "chapter"})
# Titles that more records share than this are generic; such records are compared within author and year.
LARGE_BLOCK = 60


class Duplicates(NamedTuple):
    """`duplicate_of` names the kept record of each that is not kept; `uncertain` are Pairs for people."""

    duplicate_of: dict
    uncertain: list


class _Judgement(NamedTuple):
    merge: bool
    evidence: str
    score: float


def find(rows, verdicts, decided=None):
    """Records that are one, and pairs that may be.

    Parameters
    ----------
    rows : iterable of dict
        Records, each id once; a record of PubMed has the source "PubMed". Columns beyond record_id that are
        missing count as unknown; `volume` and `pages` make merges surer. `first_run` decides which of several
        imported records is kept.
    verdicts : iterable of dict
        Rows of the ledger of pairs up to the run, in the order of filing: people's word, above every rule.
    decided : dict, optional
        Record id to ``{stage: decision}``. No rule makes records one of which people decided differently at
        a stage: one of the decisions would count no longer. Such pairs are shown to people.

    Returns
    -------
    Duplicates
        The kept record is PubMed's, else that of the earliest run, else that of the smallest id. The order of
        `rows` does not matter.

    Raises
    ------
    ValueError
        If an id occurs twice.
    InputError
        If verdicts contradict each other: a and b the same, b and c the same, a and c not.
    """
    rows = sorted(rows, key=lambda row: pairs.id_order(row["record_id"]))
    cards = {row["record_id"]: likeness.citation(row) for row in rows}
    _forget_shared_dois(cards.values())
    if len(cards) != len(rows):
        raise ValueError("a record id occurs twice; fold the records first")
    known = {pair: said for pair, said in pairs.latest(verdicts).items() if set(pair) <= cards.keys()}
    clusters = Clusters(cards, [pair for pair, said in known.items() if said != pairs.SAME_RECORD])
    _unite_by_verdict(clusters, known)
    sure, unsure = [], []
    for left, right in sorted(_candidates(cards.values())):
        a, b = cards[left], cards[right]
        judged = judge(a, b)
        if judged is None:
            continue
        pair = pairs.make(left, right, kind=pairs.DUPLICATE, evidence=judged.evidence, score=judged.score)
        (sure if judged.merge and not (a.from_pubmed and b.from_pubmed) else unsure).append(pair)
    unsure += _unite_by_rule(clusters, cards, sure, decided or {})
    order = {row["record_id"]: _kept_first(row) for row in rows}
    kept = {one: min(members, key=order.get) for members in clusters.all() for one in members}
    uncertain = [_between_kept(pair, kept) for pair in unsure]
    return Duplicates(
        {
            row["record_id"]: kept[row["record_id"]]
            for row in rows
            if kept[row["record_id"]] != row["record_id"]
        },
        pairs.by_score(
            pair
            for pair, raw in zip(uncertain, unsure, strict=True)
            if pair.record_a != pair.record_b and not {raw[:2], pair[:2]} & known.keys()
        ),
    )


def _forget_shared_dois(cards):
    """A DOI that many titles carry is that of a volume of abstracts, and no evidence."""
    titles = defaultdict(set)
    for card in cards:
        titles[card.doi].add(card.title)
    for card in cards:
        if len(titles[card.doi]) > MOST_TITLES:
            card.doi = ""


def _unite_by_verdict(clusters, known):
    same = sorted(pair for pair, said in known.items() if said == pairs.SAME_RECORD)
    for left, right in same:
        clusters.unite(left, right)
    broken = sorted(
        pair for pair, said in known.items() if said != pairs.SAME_RECORD and clusters.together(*pair)
    )
    if broken:
        raise InputError(
            "data/decisions/pairs.csv",
            problems=[
                problem(
                    f"{a} and {b} are {known[a, b]}, yet other verdicts make them one record",
                    hint="correct one of the verdicts; each correction is a new row",
                )
                for a, b in broken
            ],
        )


def _unite_by_rule(clusters, cards, sure, decided):
    """Unite what is sure, best evidence first; returns the pairs that something between them forbids."""
    refused = []
    for pair in sorted(sure, key=lambda pair: (-pair.score, pairs.id_order(pair.record_a), pair)):
        left, right = pair.record_a, pair.record_b
        if clusters.together(left, right):
            continue
        between = clusters.between(left, right) or _chain(clusters.of(left), clusters.of(right), cards)
        apart = _decided_apart(clusters.of(left), clusters.of(right), decided)
        if between:
            a, b = between[0]
            refused.append(pair._replace(evidence=f"{pair.evidence}; would make {a} and {b} one record"))
        elif apart:
            refused.append(pair._replace(evidence=f"{pair.evidence}; decided differently: {apart}"))
        else:
            clusters.unite(left, right)
    return refused


def _decided_apart(left, right, decided):
    """The first two decisions on members of two clusters that differ at one stage, in words, else ""."""
    ours, theirs = (
        [decided[one] for one in sorted(side, key=pairs.id_order) if one in decided] for side in (left, right)
    )
    for a in ours:
        for b in theirs:
            differing = pairs.differing(a, b)
            if differing:
                return f"{a[differing[0]]} and {b[differing[0]]}"
    return ""


def _chain(left, right, cards):
    """Two records, one of each cluster, that a chain of merges would make one against what both say.

    Two clusters with PubMed's records, or with PMIDs or DOIs of which none is shared, stay two; so do
    clusters in which any two records contradict each other.
    """
    left, right = ([cards[one] for one in sorted(side, key=pairs.id_order)] for side in (left, right))
    for says in (lambda card: card.from_pubmed and card.record_id, _pmid, _doi):
        ours, theirs = ({says(card): card for card in side if says(card)} for side in (left, right))
        if ours and theirs and not ours.keys() & theirs.keys():
            return [(min(ours.values(), key=_id).record_id, min(theirs.values(), key=_id).record_id)]
    for a in left:
        for b in right:
            common = _compare(a, b)
            beside = BESIDE_AN_ID if common.doi or common.pmid else frozenset()
            if set(common.against) - beside - {"different PMIDs", "different DOIs"}:
                return [(a.record_id, b.record_id)]
    return []


def _pmid(card):
    return card.pmid


def _doi(card):
    return card.doi


def _id(card):
    return pairs.id_order(card.record_id)


def _kept_first(row):
    from_pubmed = row.get("source") == "PubMed"
    return (
        not from_pubmed,
        "" if from_pubmed else row.get("first_run") or "",
        pairs.id_order(row["record_id"]),
    )


def _between_kept(pair, kept):
    left, right = pairs.ordered(kept[pair.record_a], kept[pair.record_b])
    return pair._replace(record_a=left, record_b=right)


class _Common(NamedTuple):
    """What two citations share, as far as both say it."""

    doi: bool
    pmid: bool
    title: float  # share of runs of three letters
    same_words: bool
    begins: bool  # one title is the beginning of the other
    distinct: bool  # both titles say enough to be one paper's only
    authors: bool | None  # None where unknown
    years: int | None  # years apart
    page: bool
    place: bool  # the same first page, and no other volume
    abstract: bool
    journal: bool | None
    against: tuple


def judge(a, b):
    """What two citations have in common, or None if nothing is worth a look.

    Parameters
    ----------
    a, b : livingreview.search.linkage.likeness.Citation
    """
    common = _compare(a, b)
    if common.doi or common.pmid:
        translated = common.pmid and common.authors is True and common.years in (0, 1)
        sure = (common.title >= ALIKE or common.begins or translated) and not (
            set(common.against) - BESIDE_AN_ID
        )
    else:
        if _another_paper(a, b, common):
            return None
        sure = _sure(common)
        if not sure and not _worth_a_look(a, b, common):
            return None
    return _Judgement(sure, _in_words(common), _score(common))


# Against these a shared DOI or PMID stands: databases print years, journals and authors in different ways.
BESIDE_AN_ID = frozenset(
    {"different journals", "different volumes", "different first authors", "years 2 apart"}
)


def _compare(a, b):
    years = abs(a.year - b.year) if a.year and b.year else None
    authors = _same_authors(a, b)
    journal = likeness.same_journal(a.journal, b.journal)
    page = bool(a.page) and a.page == b.page
    begins = likeness.starts_alike(a.title, b.title, at_least=DISTINCT_LETTERS)
    against = {
        "different PMIDs": _differ(a.pmid, b.pmid),
        "different DOIs": _differ(a.doi, b.doi),
        "different first authors": authors is False,
        f"years {years} apart": years is not None and years > 1,
        "different numbers in the titles": a.numbers != b.numbers,
        "one is a notice or reply": a.notices != b.notices,
        "different kinds of report": a.kinds != b.kinds and not begins,
        "one is a meeting abstract": a.meeting != b.meeting,
        "different volumes": _differ(a.volume, b.volume),
        "different pages": _differ(a.page, b.page),
        "different journals": journal is False and not page,
    }
    return _Common(
        doi=bool(a.doi) and a.doi == b.doi,
        pmid=bool(a.pmid) and a.pmid == b.pmid,
        title=likeness.dice(a.trigrams, b.trigrams) if a.title and b.title else 0.0,
        same_words=bool(a.title) and a.title == b.title,
        begins=begins,
        distinct=min(len(a.title), len(b.title)) >= DISTINCT_LETTERS
        and min(len(a.words), len(b.words)) >= DISTINCT_WORDS,
        authors=authors,
        years=years,
        page=page,
        place=page and not _differ(a.volume, b.volume),
        abstract=min(len(a.abstract), len(b.abstract)) >= WHOLE_ABSTRACT and a.abstract == b.abstract,
        journal=journal,
        against=tuple(words for words, true in against.items() if true),
    )


def _sure(common):
    """Whether titles, authors, years and places leave no doubt, where no number is shared."""
    if common.against or common.years not in (0, 1) or not common.distinct:
        return False
    located = common.place or common.abstract
    if not common.same_words:
        # A title that differs needs the same place in the same volume, or the same abstract.
        alike = common.title >= ALIKE or common.begins
        return alike and common.authors is True and common.years == 0 and located
    if common.authors is True:
        return common.years == 0 or located or common.journal is True
    # Title and year alone do not do: journals of abstracts print comments under the title of the paper and in
    # its year, and so do editorials beside it.
    return common.years == 0 and located


def _another_paper(a, b, common):
    """Whether the titles say that these are two papers: one is a notice, a part of a series, a protocol."""
    if a.notices != b.notices:
        return True
    if a.numbers != b.numbers:
        in_parts = PARTS & (set(a.words) ^ set(b.words))
        return bool(in_parts) or not common.begins
    return a.kinds != b.kinds and common.title < 0.9 and not common.place


def _worth_a_look(a, b, common):
    if "different PMIDs" in common.against:
        # PubMed holds them as two; only what else would be merged is worth asking about.
        alone = len(common.against) == 1
        return (
            alone and common.same_words and common.distinct and common.authors is True and common.years == 0
        )
    if common.place and common.authors is True and common.years == 0 and a.volume and b.volume:
        return True  # one may be a translated title
    if common.same_words:
        near = common.years is None or common.years <= 3
        return (common.distinct or common.authors is True) and common.authors is not False and near
    if (common.title < ALIKE and not common.begins) or not common.distinct or (common.years or 0) > 1:
        return False
    if common.authors is None:
        return common.place or (common.years == 0 and common.journal is not False)
    return common.authors


def _in_words(common):
    said = {
        "same DOI": common.doi,
        "same PMID": common.pmid,
        "same title": common.same_words,
        f"titles {common.title:.2f} alike": not common.same_words,
        "same first author": common.authors is True,
        "same year": common.years == 0,
        "same first page": common.page,
        "same abstract": common.abstract,
    }
    return "; ".join([*(words for words, true in said.items() if true), *common.against])


def _score(common):
    """Orders the list for people, 0 to 1: agreement adds, each contradiction takes a little away."""
    title = max(common.title, 0.85 if common.begins else 0.0)
    authors = {True: 1.0, None: 0.5, False: 0.0}[common.authors]
    years = 0.5 if common.years is None else max(0.0, 1 - common.years / 2)
    place = 1.0 if common.doi or common.pmid else 0.5 if common.page else 0.25
    agreement = 0.45 * title + 0.2 * authors + 0.15 * years + 0.2 * place
    return max(0.0, agreement - 0.08 * len(common.against))


def _same_authors(a, b):
    """True if the first authors are one, False if neither is among the other's authors, else None."""
    if not a.authors or not b.authors:
        return None
    if likeness.same_name(a.authors[0], b.authors[0]):
        return True
    among = any(likeness.same_name(a.authors[0], name) for name in b.authors) or any(
        likeness.same_name(b.authors[0], name) for name in a.authors
    )
    return None if among else False


def _differ(left, right):
    return bool(left) and bool(right) and left != right


def _candidates(cards):
    """Pairs of ids that share a number, a title or its beginning, two rare words of it, or a place."""
    blocks = defaultdict(list)
    counts = Counter(word for card in cards for word in set(card.words))
    for card in cards:
        for key in _keys(card, counts):
            blocks[key].append(card)
    found = set()
    for block in blocks.values():
        for group in _groups(block):
            found.update(combinations([card.record_id for card in group], 2))
    return found


def _keys(card, counts):
    if card.doi:
        yield "doi", card.doi
    if card.pmid:
        yield "pmid", card.pmid
    if card.title:
        yield "title", card.title
        yield "start", card.title[:DISTINCT_LETTERS]
    rare = sorted(
        {word for word in card.words if word not in likeness.STOP}, key=lambda word: (counts[word], word)
    )
    for two in combinations(rare[:4], 2):
        yield "words", two
    if card.page and card.year:
        yield "place", card.year, card.volume, card.page
    if len(card.abstract) >= WHOLE_ABSTRACT:
        yield "abstract", card.abstract


def _groups(block):
    """The block itself, or its parts by author and year where it is large."""
    if len(block) < 2:
        return
    if len(block) <= LARGE_BLOCK:
        yield block
        return
    parts = defaultdict(list)
    for card in block:
        parts[card.authors[:1], card.year].append(card)
    for part in parts.values():
        # What is alike in title, author and year is merged through any of its members.
        for start in range(0, max(1, len(part) - 1), LARGE_BLOCK - 1):
            yield [part[0], *part[start + 1 : start + LARGE_BLOCK]]
