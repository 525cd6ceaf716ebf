"""One person's assessment of one trial with one tool: what is on file, and what a form holds.

`cells` throughout: a dict of (domain, question) to a dict of text, ``answer``, ``support`` and ``page``; of
(domain, None) to the judgement of a domain or overall, ``judgement``, ``reason``, ``support`` and ``page``.
"""

from dataclasses import dataclass

import pandas as pd

from livingreview import tables
from livingreview.trials import bias_tools, risk_of_bias
from livingreview.trials.bias_tools import IS_NOT_ASKED, OVERALL
from livingreview.trials.revisions import rows_at

FILE = risk_of_bias.RISK_OF_BIAS_FILE
OF_QUESTION = ("answer", "support", "page")
OF_DOMAIN = ("judgement", "reason", "support", "page")
MEANINGS = {
    "Y": "Yes",
    "PY": "Probably yes",
    "PN": "Probably no",
    "N": "No",
    "NI": "No information",
    "NA": "Not applicable",
}


@dataclass(frozen=True)
class Place:
    """Whose assessment of what.

    Attributes
    ----------
    study_id : str
    outcome : str or None
        None: for all outcomes of the study.
    tool : str
    reviewer : str or None
        None: as a source has it.
    """

    study_id: str
    outcome: str | None
    tool: str
    reviewer: str | None

    def of(self, reviewer):
        """The same by somebody else."""
        return Place(self.study_id, self.outcome, self.tool, reviewer)


def rows_of(frame, place):
    """All rows of an assessment, of every revision, in the order of the file."""
    kept = (frame["study_id"] == place.study_id) & (frame["tool"] == place.tool)
    for column, value in (("outcome", place.outcome), ("reviewer", place.reviewer)):
        kept &= frame[column].isna() if value is None else frame[column] == value
    return frame[kept]


def in_force(frame, place, run):
    """The rows of an assessment as they stand at a run."""
    return rows_at(rows_of(frame, place), run, risk_of_bias.KEY)


def reviewers(frame, place, run):
    """Who has judged the same with the same tool, as they stand in the file; None for a source."""
    kept = (frame["study_id"] == place.study_id) & (frame["tool"] == place.tool) & (frame["run"] <= run)
    kept &= frame["outcome"].isna() if place.outcome is None else frame["outcome"] == place.outcome
    found = frame.loc[kept, "reviewer"]
    return list(dict.fromkeys(None if pd.isna(name) else name for name in found))


def cells_of(rows):
    """What the rows in force of an assessment say, as `cells`."""
    found = {}
    for row in tables.plain_rows(rows):
        names = OF_QUESTION if row["question"] else OF_DOMAIN
        found[row["domain"], row["question"]] = {name: row.get(name) or "" for name in names}
    return found


def keys(tool):
    """Every cell of a tool, in its order: questions, then the judgement, of each domain; overall last."""
    for domain in tool.domains:
        yield from ((domain.name, question.id) for question in domain.questions)
        yield domain.name, None
    yield OVERALL, None


def field(name, key):
    """The name of a form's field."""
    return ".".join([name, *(part for part in key if part is not None)])


def typed(form, tool):
    """What a form holds, as `cells`; a field that is missing counts as empty."""
    return {
        key: {
            name: " ".join(form.get(field(name, key), "").split())
            for name in (OF_DOMAIN if key[1] is None else OF_QUESTION)
        }
        for key in keys(tool)
    }


def states(tool, cells):
    """Of each question whether it is asked after the answers: (domain, question) to `bias_tools.states`."""
    return {
        (domain.name, question): state
        for domain in tool.domains
        for question, state in bias_tools.states(domain, _answers(domain, cells)).items()
    }


def _answers(domain, cells):
    given = {q.id: cells.get((domain.name, q.id), {}).get("answer", "") for q in domain.questions}
    return {question: answer for question, answer in given.items() if answer}


def judged(tool, cells, place):
    """What follows from an assessment by itself.

    Parameters
    ----------
    tool : Tool
    cells : dict
        An override without a reason does not count yet.
    place : Place

    Returns
    -------
    dict of str to dict
        Of each domain and overall ``judgement`` ("" while there is none), ``basis`` and ``detail`` as
        `risk_of_bias.judgements` gives them, and ``rules``: what the tool's rules alone say of it.
    """
    answers = {key: cell for key, cell in cells.items() if key[1] is not None}
    said = {key: cell for key, cell in cells.items() if key[1] is None and _counts(key, cells, tool)}
    of_domains = {key: cell for key, cell in said.items() if key[0] != OVERALL}
    alone, by_domains, found = (
        _judged(tool, some, place) for some in (answers, answers | of_domains, answers | said)
    )
    # The rules for the whole take the domains as people judged them.
    rules = alone | {OVERALL: by_domains[OVERALL]}
    return {domain: one | {"rules": rules[domain]["judgement"]} for domain, one in found.items()}


def _counts(key, cells, tool):
    """Whether a judgement that was written stands: one beside answers or domains only with its reason."""
    if not cells[key]["judgement"] or cells[key]["reason"]:
        return bool(cells[key]["judgement"])
    if key[0] != OVERALL:
        return not tool.domain(key[0]).questions
    return not any(cell.get("answer") or cell.get("judgement") for one, cell in cells.items() if one != key)


def _judged(tool, cells, place):
    """The judgements that the workflow would make of these cells alone."""
    rows = [row_of(key, cell, place) | {"source": "as typed"} for key, cell in _written(tool, cells).items()]
    if not rows:
        nothing = {"judgement": "", "basis": risk_of_bias.INCOMPLETE, "detail": ""}
        return {name: dict(nothing) for name in (*(domain.name for domain in tool.domains), OVERALL)}
    made = risk_of_bias.judgements(frame_of(rows), {tool.name: tool})
    kept = made[["domain", "judgement", "basis", "detail"]].to_dict("records")
    return {row.pop("domain"): row for row in kept}


def _written(tool, cells):
    """The cells that have a row: judgements, and answers to what is asked or may yet be."""
    asked = states(tool, cells)
    return {
        key: cell
        for key, cell in cells.items()
        if (cell.get("answer") and asked.get(key) != IS_NOT_ASKED) or cell.get("judgement")
    }


def row_of(key, cell, place):
    """A cell as a row of the table, without who filed it when and why."""
    domain, question = key
    texts = {name: cell.get(name) or None for name in (*OF_QUESTION, *OF_DOMAIN)}
    of_place = {"study_id": place.study_id, "outcome": place.outcome, "tool": place.tool}
    return of_place | texts | {"domain": domain, "question": question, "reviewer": place.reviewer}


def frame_of(rows):
    """Rows as a frame in the columns of the table, nothing missing taken for a number."""
    columns = tables.columns("risk_of_bias")
    return pd.DataFrame(
        [{name: row.get(name) for name in columns} for row in rows], columns=columns, dtype=object
    )
