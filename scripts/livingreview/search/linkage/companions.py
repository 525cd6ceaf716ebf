"""Several reports of one trial, grouped; what only looks like it is shown to people.

A shared registry number and PubMed's own links between versions and notices of a report group records.
Authors, titles and sample sizes in common only ask: a protocol, its main report and its follow-up look
alike, but so do two trials of one team.
"""

import re
from collections import Counter, defaultdict
from itertools import combinations
from typing import NamedTuple

import pandas as pd

from livingreview.search import registries
from livingreview.search.linkage import likeness, pairs
from livingreview.search.linkage.clusters import Clusters

# PubMed's links between versions of a report, and between a report and notices about it.
VERSIONS = re.compile(
    r"(?:Update|Erratum|(?:CorrectedandR|RetractedandR|R)epublished|Reprint|(?:Partial)?Retraction"
    r"|ExpressionOfConcern)(?:In|Of|For|From)"
)
# Links between papers that need not report one trial.
RELATED = frozenset({"AssociatedPublication", "OriginalReportIn", "SummaryForPatientsIn"})
# A trial is registered in one registry, sometimes in two; who names more trials reports on several.
MOST_NUMBERS = 2
# A number that so many reports share is that of a programme or cohort rather than of one trial.
MOST_REPORTS = 25
SEVERAL_TRIALS = re.compile(
    r"\b(systematic review|meta analys[ie]s|pooled analys[ie]s|individual (?:participant|patient) data"
    r"|umbrella review|scoping review|overview of reviews)\b"
)
REPORT_OF_A_TRIAL = re.compile(
    r"\b(protocol|rationale and design|study design|follow up|long term|secondary analys[ie]s|post hoc"
    r"|ancillary|exploratory analys[ie]s|cost effectiveness|cost utility|economic evaluation|mediat\w+"
    r"|moderat\w+|predict\w+|process evaluation|qualitative|baseline|subgroup|extension|adherence|pilot"
    r"|feasibility)\b"
)
SAMPLE = re.compile(
    r"\b[nN]\s*=\s*(\d{1,2},\d{3}|\d{2,5})\b"
    r"|\b(\d{1,2},\d{3}|\d{2,5})\s+(?:\w+\s+){0,4}?"
    r"(?:participants|patients|adults|adolescents|children|individuals|people|women|men|subjects|veterans"
    r"|persons)\b",
)
# A name with capitals within, as trials give themselves (selfBACK); many illnesses have three letters.
ACRONYM = re.compile(r"(?<![\w-])(?=[\w-]{4})[\w-]*[A-Z][A-Za-z0-9]*[A-Z][\w-]*")
# Years that a protocol and a last follow-up may lie apart.
SPAN = 8
ASK = 0.5  # see `_likeness`: the same first author and one further sign, or three weaker ones


class Groups(NamedTuple):
    """`group_of` gives every record its group, named by the smallest id in it; a lone record is a group.

    `evidence` says of each record of a larger group what links it; `uncertain` are Pairs for people.
    """

    group_of: dict
    evidence: dict
    uncertain: list


class _Numbers(NamedTuple):
    named: tuple
    several: bool  # a review or pooled analysis


class _Link(NamedTuple):
    left: str
    right: str
    evidence: str
    score: float


def group(rows, verdicts, known_studies, *, ask_about=None):
    """Reports of one trial.

    Parameters
    ----------
    rows : iterable of dict
        Records, each id once, with `duplicate_of` where it is known: what a duplicate says counts for the
        record that is kept, and only kept records are grouped. `notices` holds PubMed's links as
        "RefType:PMID; ...".
    verdicts : iterable of dict
        Rows of the ledger of pairs up to the run, in the order of filing. `same_study` and `same_record`
        unite, `different` keeps apart, above all rules.
    known_studies : dict
        From record id to study id, as people filed reports. They unite too; records of two studies stay
        apart.
    ask_about : collection of str, optional
        Records about which people are asked; all if left out. Sure links are drawn for all records.

    Returns
    -------
    Groups
        The order of `rows` does not matter.
    """
    rows = sorted(rows, key=lambda row: pairs.id_order(row["record_id"]))
    kept = {row["record_id"]: row.get("duplicate_of") or row["record_id"] for row in rows}
    ids = [one for one, keeper in kept.items() if one == keeper]
    said = _under_kept(pairs.latest(verdicts), kept)
    studies = {kept[one]: study for one, study in sorted(known_studies.items()) if one in kept}
    clusters = Clusters(ids, [pair for pair, verdict in said.items() if verdict == pairs.DIFFERENT])
    evidence = defaultdict(list)
    by_people = [
        _Link(*pair, "people's verdict", 1.0) for pair, v in sorted(said.items()) if v != pairs.DIFFERENT
    ]
    by_people += _chained(studies, lambda study: f"filed under the study {study}")
    numbers = _numbers(rows, kept)
    sure, unsure = _by_number(numbers)
    linked, related = _by_notices(rows, kept)
    refused = _unite(clusters, by_people, evidence, lambda *_: "")
    refused += _unite(
        clusters, [*linked, *sure], evidence, lambda left, right: _against(left, right, studies, numbers)
    )
    asked = set(ids) if ask_about is None else {kept[one] for one in ask_about if one in kept}
    looks = _by_looks([row for row in rows if kept[row["record_id"]] == row["record_id"]], asked)
    uncertain = [
        pairs.make(link.left, link.right, kind=pairs.COMPANION, evidence=link.evidence, score=link.score)
        for link in [*refused, *unsure, *related, *looks]
        if {link.left, link.right} <= asked and not clusters.together(link.left, link.right)
    ]
    group_of = {one: min(members, key=pairs.id_order) for members in clusters.all() for one in members}
    return Groups(
        {one: group_of[one] for one in ids},
        {one: "; ".join(dict.fromkeys(evidence[one])) for one in ids if evidence[one]},
        [
            pair
            for pair in pairs.by_score(uncertain)
            if pair[:2] not in said
            and not _filed_apart(pair.record_a, pair.record_b, clusters, studies, pair.score)
        ],
    )


def table(groups):
    """Records in groups of two and more, as the table ``companions.csv``; all others stand alone.

    Returns
    -------
    DataFrame
        Columns group_id, record_id, evidence; by group and record.
    """
    sizes = Counter(groups.group_of.values())
    found = [
        (name, one, groups.evidence.get(one, "")) for one, name in groups.group_of.items() if sizes[name] > 1
    ]
    found.sort(key=lambda row: (pairs.id_order(row[0]), pairs.id_order(row[1])))
    return pd.DataFrame(found, columns=["group_id", "record_id", "evidence"], dtype=object)


def _under_kept(verdicts, kept):
    """Verdicts on the kept records; one on a record that is gone says nothing here."""
    found = {}
    for (left, right), verdict in sorted(verdicts.items()):
        if left in kept and right in kept and kept[left] != kept[right]:
            pair = pairs.ordered(kept[left], kept[right])
            # Of two verdicts that fall on one pair, the one that keeps apart wins: it can be undone by hand.
            if found.get(pair) != pairs.DIFFERENT:
                found[pair] = verdict
    return found


def _chained(named, words, score=1.0):
    """Links from each record of a name to the first of that name."""
    members = defaultdict(list)
    for one in sorted(named, key=pairs.id_order):
        members[named[one]].append(one)
    return [
        _Link(some[0], other, words(name), score)
        for name, some in sorted(members.items())
        for other in some[1:]
    ]


def _unite(clusters, links, evidence, against):
    """Unite along links, best first; returns the links that something forbids, with what it is.

    ``against`` is told the members of two clusters and says in words why they are not one trial, or "".
    """
    refused = []
    for link in sorted(links, key=lambda link: (-link.score, *map(pairs.id_order, link[:2]), link.evidence)):
        if not clusters.together(link.left, link.right):
            between = clusters.between(link.left, link.right)
            why = against(clusters.of(link.left), clusters.of(link.right))
            if between:
                a, b = sorted(between[0], key=pairs.id_order)
                why = f"{a} and {b} are known to be different"
            if why:
                refused.append(link._replace(evidence=f"{link.evidence}; yet {why}"))
                continue
            clusters.unite(link.left, link.right)
        evidence[link.left].append(link.evidence)
        evidence[link.right].append(link.evidence)
    return refused


def _against(left, right, studies, numbers):
    """Why two groups are not one trial, in words: two studies of people's, or two numbers of one registry."""
    ours, theirs = _studies(left, studies), _studies(right, studies)
    if ours and theirs and ours != theirs:
        return f"filed under the studies {' and '.join(sorted(ours | theirs))}"
    named = dict.fromkeys(
        number
        for one in (*left, *right)
        if not numbers[one].several and _one_trial(numbers[one].named)
        for number in numbers[one].named
    )
    if named and not _one_registration(named):
        return f"together they name {', '.join(sorted(named))}"
    return ""


def _studies(members, studies):
    return {studies[one] for one in members if one in studies}


def _filed_apart(left, right, clusters, studies, score):
    """Whether people have filed the two under different studies and nothing sure contradicts them."""
    ours, theirs = _studies(clusters.of(left), studies), _studies(clusters.of(right), studies)
    return bool(ours and theirs) and score < 1.0


def _numbers(rows, kept):
    """Of each kept record, the trial numbers that it and its duplicates name, and whether it pools trials."""
    found = {}
    for row in rows:
        text = " ".join(row.get(name) or "" for name in ("registry_ids", "title", "abstract"))
        named, several = found.get(kept[row["record_id"]], ((), False))
        found[kept[row["record_id"]]] = _Numbers(
            tuple(dict.fromkeys([*named, *registries.find(text)])), several or _on_several_trials(row)
        )
    return found


def _by_number(numbers):
    """Sure and unsure links by registry numbers."""
    holders = defaultdict(list)
    for one, said in numbers.items():
        for number in said.named:
            holders[number].append(one)
    sure, unsure = [], []
    for number, some in sorted(holders.items()):
        alone = [one for one in some if not numbers[one].several and _one_trial(numbers[one].named)]
        whole = _chained(dict.fromkeys(alone, number), lambda name: f"both name {name}")
        if len(alone) > MOST_REPORTS:
            unsure += [
                link._replace(evidence=f"{link.evidence}, as do {len(alone)} records", score=0.9)
                for link in whole
            ]
        else:
            sure += whole
        unsure += [
            _Link(alone[0], one, f"both name {number}; {one} {_of_many(numbers[one])}", 0.9)
            for one in some
            if alone and one not in alone
        ]
    return sure, unsure


def _of_many(said):
    return "brings several trials together" if said.several else f"names {len(said.named)} numbers"


def _one_trial(named):
    """Whether a record's numbers can be one trial's: few, and no two of one registry."""
    return len(named) <= MOST_NUMBERS and _one_registration(named)


def _one_registration(named):
    return len({registries.registry(number) for number in named}) == len(named)


def _on_several_trials(row):
    text = " ".join(likeness.words(f"{row.get('title') or ''} ; {row.get('publication_types') or ''}"))
    return bool(SEVERAL_TRIALS.search(text))


def _by_notices(rows, kept):
    sure, unsure = [], []
    for row in rows:
        for entry in (row.get("notices") or "").split(";"):
            kind, _, pmid = entry.strip().partition(":")
            pmid = pmid.strip()
            one = kept[row["record_id"]]
            other = kept.get(pmid)
            if other is None or other == one:
                continue
            link = _Link(*pairs.ordered(one, other), f"PubMed: {kind} {pmid}", 1.0)
            if VERSIONS.fullmatch(kind):
                sure.append(link)
            elif kind in RELATED:
                unsure.append(link._replace(score=0.8))
    return sure, unsure


def _by_looks(rows, asked):
    """Links by authors, titles, sample sizes and names of trials: questions, never answers."""
    rows = [row for row in rows if row["record_id"] in asked and not _on_several_trials(row)]
    cards = [_card(row) for row in rows]
    held = Counter(name for card in cards for name in card["acronyms"])
    blocks = defaultdict(list)
    for at, card in enumerate(cards):
        for name in {*card["authors"][:1], *card["authors"][-1:]}:
            blocks["author", name].append(at)
        for name in card["acronyms"]:
            # A name that many records hold is a method's, an instrument's or an illness's.
            if held[name] <= 6:
                blocks["acronym", name].append(at)
    candidates = {pair for block in blocks.values() for pair in combinations(block, 2)}
    found = []
    for left, right in sorted(candidates):
        a, b = cards[left], cards[right]
        score, evidence = _likeness(a, b, held)
        if score >= ASK:
            found.append(
                _Link(
                    *pairs.ordered(a["citation"].record_id, b["citation"].record_id),
                    "; ".join(evidence),
                    score,
                )
            )
    return found


def _card(row):
    title = row.get("title") or ""
    text = f"{title}. {row.get('abstract') or ''}"
    citation = likeness.citation(row)
    return {
        "citation": citation,
        "authors": tuple(
            _with_initial(name) for name in (row.get("authors") or "").split(";") if name.strip()
        ),
        "words": frozenset(citation.words) - likeness.STOP - likeness.SMALL,
        "samples": frozenset((one or other).replace(",", "") for one, other in SAMPLE.findall(text)),
        "acronyms": frozenset() if title.isupper() else frozenset(map(str.upper, ACRONYM.findall(title))),
        "kind": frozenset(found[0] for found in REPORT_OF_A_TRIAL.finditer(" ".join(citation.words))),
    }


def _with_initial(author):
    """Last name and first initial: the last name alone is that of very many."""
    name = likeness.last_name(author)
    rest = likeness.words(author.strip().rpartition(" ")[2])
    return f"{name} {rest[0][0]}" if rest and rest[0] != name else name


def _likeness(a, b, held):
    """Signs that two records report one trial, each with its weight, and the sum.

    The weights are judgement: with them the same first author, two thirds of the title's words and another
    kind of report are asked about, and the same first author alone is not.
    """
    one, other = a["citation"], b["citation"]
    if one.year and other.year and abs(one.year - other.year) > SPAN:
        return 0.0, []
    score, evidence = 0.0, []
    if a["authors"] and b["authors"]:
        if a["authors"][0] == b["authors"][0]:
            score += 0.25
            evidence.append("same first author")
        shared = set(a["authors"]) & set(b["authors"])
        if len(shared) > 1:
            score += 0.25 * len(shared) / min(len(a["authors"]), len(b["authors"]))
            evidence.append(f"{len(shared)} authors in common")
    shared = len(a["words"] & b["words"]) / max(1, min(len(a["words"]), len(b["words"])))
    if shared >= 0.4:
        score += 0.3 * shared
        evidence.append(f"{shared:.0%} of the title's words")
    samples = a["samples"] & b["samples"]
    if samples:
        score += 0.2
        evidence.append(f"sample of {', '.join(sorted(samples, key=int))}")
    named = sorted(name for name in a["acronyms"] & b["acronyms"] if held[name] <= 6)
    if named:
        score += 0.3
        evidence.append(f"both named {', '.join(named)}")
    if a["kind"] != b["kind"] and shared >= 0.4:
        score += 0.1
        evidence.append("report of another kind: " + ", ".join(sorted(a["kind"] ^ b["kind"])))
    return min(score, 0.95), evidence
