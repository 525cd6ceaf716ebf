"""Judgements of risk of bias from what people answered and recorded, by the rules of the tool that they used.

A row of the table is an answer to a signalling question, or a judgement of a domain or overall. A judgement
beside answers is an override and says why; one without answers was recorded as its source has it.
"""

from collections import Counter
from dataclasses import dataclass

import pandas as pd

from livingreview.errors import InputError, problem
from livingreview.trials.bias_tools import OVERALL, judge

RISK_OF_BIAS_FILE = "data/trials/risk_of_bias.csv"
# The reviewer under whose name people file what they agreed on.
CONSENSUS = "consensus"
KEY = ["study_id", "outcome", "tool", "domain", "question", "reviewer"]
COLUMNS = ("study_id", "outcome", "tool", "domain", "judgement", "basis", "detail", "reviewers", "source")
AGREEMENT_COLUMNS = ("tool", "domain", "reviewer_1", "reviewer_2", "n", "n_agree", "agreement", "kappa")

ALGORITHM, OVERRIDE, RECORDED = "algorithm", "override", "recorded"
INCOMPLETE, NOT_AGREED = "incomplete", "not agreed"


@dataclass(frozen=True)
class Judged:
    """One judgement: `judgement` is "" where there is none; `basis` says how it came about, or why not."""

    judgement: str
    basis: str
    detail: str = ""


def judgements(frame, tools, *, studies=None, outcomes=None, file=RISK_OF_BIAS_FILE):
    """Judge each study (and outcome) in each domain and overall.

    Parameters
    ----------
    frame : DataFrame
        Rows of the table as they stand at a run (see `revisions.rows_at`, with `KEY`).
    tools : dict of str to Tool
        See `bias_tools.load`.
    studies, outcomes : collection of str, optional
        Names that exist; any other is refused.
    file : str
        For messages.

    Returns
    -------
    DataFrame
        `COLUMNS`. For each study, outcome (None: all of the study's) and tool one row per domain in the
        tool's order, and ``overall`` last. ``judgement`` is empty where none follows. ``basis`` is one of
        ``algorithm``; ``override`` (``detail`` has the reason); ``recorded``; ``incomplete`` (``detail``
        names what is missing); ``not agreed`` (``detail`` has each reviewer's judgement).

    Raises
    ------
    InputError
        Every unknown tool, domain, question, answer or judgement, answers to questions that are not asked,
        overrides without a reason, unknown studies and outcomes, in one error.

    Notes
    -----
    Overall is the worst of the tool's key domains, or a person's override of it. Where several reviewers
    judged, the rows of the reviewer ``consensus`` count, else what all of them agree on.
    """
    rows = frame.astype(object).where(frame.notna(), None)
    problems = _problems(rows, tools, studies, outcomes)
    judged = {}
    if not problems:
        for keys, part in _groups(rows, ["study_id", "outcome", "tool", "reviewer"]):
            judged.setdefault(keys[:3], {})[keys[3]] = _assessment(part, tools[keys[2]], keys, problems)
    if problems:
        raise InputError(file, problems=problems)
    sources = {
        keys: "; ".join(dict.fromkeys(row["source"] for row in part)) for keys, part in _groups(rows, KEY[:3])
    }
    return pd.DataFrame(
        [
            dict(zip(COLUMNS, (*keys, domain, one.judgement, one.basis, one.detail,
                               ", ".join(name for name in of_people if name), sources[keys]), strict=True))
            for keys, of_people in judged.items()
            for domain, one in _together(of_people, tools[keys[2]]).items()
        ],
        columns=list(COLUMNS),
    )  # fmt: skip


def overall(judged, study_id, outcome=None, *, tool=None):
    """The overall judgement of a study for an outcome, or "" if there is none.

    Parameters
    ----------
    judged : DataFrame
        From `judgements`.
    study_id, outcome : str
        A judgement for that outcome goes before one for all outcomes.
    tool : str, optional
        Only judgements by this tool; by any if left out.

    Returns
    -------
    str
        Judgements by several tools that differ are joined with semicolons.
    """
    # Read back from a file, a judgement that there is not is missing and not "".
    rows = judged[(judged["study_id"] == study_id) & (judged["domain"] == OVERALL)]
    rows = rows[rows["judgement"].notna() & (rows["judgement"] != "")]
    if tool is not None:
        rows = rows[rows["tool"] == tool]
    own = rows[rows["outcome"] == outcome]
    rows = own if len(own) else rows[rows["outcome"].isna()]
    return "; ".join(dict.fromkeys(rows["judgement"]))


def agreement(frame, tools):
    """Cohen's kappa of each pair of reviewers, for each domain of each tool and overall.

    Parameters
    ----------
    frame, tools
        As `judgements`; the reviewer ``consensus`` and rows without reviewer are left out.

    Returns
    -------
    DataFrame
        `AGREEMENT_COLUMNS`. ``n`` counts what both judged; ``kappa`` = (po - pe) / (1 - pe) (Cohen 1960) is
        NaN where both gave one and the same judgement to all.
    """
    given = frame[frame["reviewer"].notna() & (frame["reviewer"] != CONSENSUS)]
    by_person = {
        name: {
            (row.tool, row.domain, row.study_id, row.outcome): row.judgement
            for row in judgements(part, tools).itertuples()
            if row.judgement
        }
        for name, part in given.groupby("reviewer")
    }
    names = sorted(by_person)
    rows = []
    for position, one in enumerate(names):
        for other in names[position + 1 :]:
            both = by_person[one].keys() & by_person[other].keys()
            for tool, domain in sorted({key[:2] for key in both}):
                pairs = [(by_person[one][k], by_person[other][k]) for k in both if k[:2] == (tool, domain)]
                rows.append((tool, domain, one, other, *_kappa(pairs)))
    return pd.DataFrame(rows, columns=list(AGREEMENT_COLUMNS))


def _kappa(pairs):
    n = len(pairs)
    agree = sum(a == b for a, b in pairs)
    first, second = Counter(a for a, _ in pairs), Counter(b for _, b in pairs)
    expected = sum(first[value] * second[value] for value in first) / n**2
    kappa = (agree / n - expected) / (1 - expected) if expected < 1 else float("nan")
    return n, agree, agree / n, kappa


def _groups(rows, keys):
    """(key, rows as dicts) sorted by key; None counts as a value."""
    parts = {}
    for row in rows.to_dict("records"):
        parts.setdefault(tuple(row[key] for key in keys), []).append(row)
    return sorted(parts.items(), key=lambda part: tuple(value or "" for value in part[0]))


def _problems(rows, tools, studies, outcomes):
    found = []
    for row in rows.to_dict("records"):
        where = _where(row)
        if studies is not None and row["study_id"] not in studies:
            found.append(problem("no such study in data/trials/studies.csv", row=where, column="study_id",
                                 found=row["study_id"]))  # fmt: skip
        if outcomes is not None and row["outcome"] is not None and row["outcome"] not in outcomes:
            found.append(problem(row=where, column="outcome", found=row["outcome"],
                                 allowed=f"(empty: all outcomes), {', '.join(outcomes)}"))  # fmt: skip
        if row["tool"] not in tools:
            found.append(problem(row=where, column="tool", found=row["tool"],
                                 allowed=", ".join(sorted(tools)),
                                 hint="a tool is a file in data/trials/tools/"))  # fmt: skip
        else:
            found += _row_problems(row, tools[row["tool"]], where)
    return found


def _row_problems(row, tool, where):
    names = [domain.name for domain in tool.domains]
    if row["domain"] not in (*names, OVERALL):
        return [
            problem(row=where, column="domain", found=row["domain"], allowed=", ".join([*names, OVERALL]))
        ]
    domain = tool.domain(row["domain"])
    if row["question"] is not None and (domain is None or not domain.questions):
        return [problem(f"{tool.name} asks no questions in {row['domain']}", row=where, column="question",
                        found=row["question"], allowed="(empty)", hint="write the judgement")]  # fmt: skip
    if row["question"] is None and row["judgement"] not in tool.judgements:
        return [problem(row=where, column="judgement", found=row["judgement"],
                        allowed=", ".join(tool.judgements))]  # fmt: skip
    return []


def _where(row):
    parts = [row["study_id"], row["outcome"], row["tool"], row["domain"], row["question"], row["reviewer"]]
    return " / ".join(str(part) for part in parts if part)


def _assessment(part, tool, keys, problems):
    """Domain to Judged of one reviewer, overall last; faults are added to `problems`."""
    where = " / ".join(key for key in keys if key)
    found = {}
    for domain in tool.domains:
        answers, said = _split([row for row in part if row["domain"] == domain.name])
        derived = judge(tool, domain, answers) if answers else None
        if derived is not None:
            problems += [problem(row=f"{where} / {domain.name}", **fault) for fault in derived.faults]
        found[domain.name] = _with_override(derived, said, f"{where} / {domain.name}", problems)
    _, said = _split([row for row in part if row["domain"] == OVERALL])
    if said is not None and all(one.basis == INCOMPLETE and not one.detail for one in found.values()):
        found[OVERALL] = Judged(said["judgement"], RECORDED, said["reason"] or "")
        return found
    found[OVERALL] = _overridden(_overall(found, tool), said, f"{where} / {OVERALL}", problems)
    return found


def _split(rows):
    """Answers by question, and the judgement that stands beside them or None."""
    answers = {row["question"]: row["answer"] for row in rows if row["question"] is not None}
    return answers, next((row for row in rows if row["question"] is None), None)


def _with_override(derived, said, where, problems):
    if derived is None:
        return (
            Judged("", INCOMPLETE)
            if said is None
            else Judged(said["judgement"], RECORDED, said["reason"] or "")
        )
    if derived.judgement is None:
        result = Judged("", INCOMPLETE, f"not answered: {', '.join(derived.missing)}")
    else:
        result = Judged(derived.judgement, ALGORITHM)
    return _overridden(result, said, where, problems)


def _overridden(result, said, where, problems):
    """A person's judgement over that of the algorithm; one that says the same changes nothing."""
    if said is None or said["judgement"] == result.judgement:
        return result
    if said["reason"] is None:
        problems.append(
            problem(
                "an override says why",
                row=where,
                column="reason",
                found="(empty)",
                hint=f"the rules give {result.judgement or 'nothing yet'}; {said['judgement']} was written",
            )
        )
    derived = f"rules: {result.judgement}" if result.judgement else result.detail
    return Judged(said["judgement"], OVERRIDE, f"{said['reason']} ({derived})")


def _overall(found, tool):
    missing = [name for name in tool.key_domains if not found[name].judgement]
    if missing:
        return Judged("", INCOMPLETE, f"not judged: {', '.join(missing)}")
    return Judged(tool.worst(found[name].judgement for name in tool.key_domains), ALGORITHM)


def _together(of_people, tool):
    """What counts of several reviewers' assessments, domain by domain."""
    if CONSENSUS in of_people:
        return of_people[CONSENSUS]
    first = next(iter(of_people.values()))
    if len(of_people) == 1:
        return first
    agreed = {}
    for domain in (*(one.name for one in tool.domains), OVERALL):
        given = {name or "no reviewer": one[domain] for name, one in of_people.items()}
        if len({one.judgement for one in given.values()}) == 1:
            agreed[domain] = first[domain]
        else:
            said = "; ".join(f"{name}: {one.judgement or one.basis}" for name, one in given.items())
            agreed[domain] = Judged("", NOT_AGREED, said)
    return agreed
