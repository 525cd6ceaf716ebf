"""What was typed of an assessment into rows of the table: what is new, and what corrects an earlier row."""

from livingreview.desk.risk_of_bias import assessment
from livingreview.errors import InputError, problem
from livingreview.trials.bias_tools import IS_NOT_ASKED, NOT_ASKED, OVERALL


def new_rows(tool, before, cells, place, *, stamp, reason):
    """The rows that file an assessment.

    Parameters
    ----------
    tool : Tool
    before : DataFrame
        The rows of the assessment in force.
    cells : dict
        What was typed, see `assessment`. An answer or a judgement left empty stays as it was.
    place : Place
    stamp : dict
        ``run``, ``source`` and ``decided_at`` of the new rows.
    reason : str
        Why earlier rows are corrected; "" where nothing is.

    Returns
    -------
    rows : list of dict
        Empty where nothing is different.
    notes : list of str
        What a person should be told of it: answers that were not kept.

    Raises
    ------
    InputError
        An override or a correction without its reason, a judgement that cannot be taken back yet.
    """
    held = {(row["domain"], row["question"]): row for row in before.to_dict("records")}
    was = assessment.cells_of(before)
    whole = {key: _merged(was.get(key, {}), cells.get(key, {})) for key in assessment.keys(tool)}
    asked = assessment.states(tool, whole)
    wanted, notes = {}, []
    for key, cell in whole.items():
        if key[1] is None:
            continue
        if asked[key] == IS_NOT_ASKED:
            if cell["answer"] not in ("", NOT_ASKED):
                notes.append(f"{key[1]} is not asked after these answers; its answer was not kept.")
                if key in held:
                    wanted[key] = {"answer": NOT_ASKED}
        elif cell["answer"]:
            wanted[key] = cell
    wanted |= _said(tool, was, whole, place)
    changed = {key: cell for key, cell in wanted.items() if not _same(was.get(key), cell)}
    rows = [
        _filed(key, cell, place, held.get(key), stamp=stamp, reason=reason) for key, cell in changed.items()
    ]
    if any(row["revision"] > 1 for row in rows) and not reason:
        names = ", ".join(_named(key) for key in changed if key in held)
        text = f"an entry on file is corrected with a reason, and there is none for {names}"
        raise _refused(text, "revision_reason")
    return rows, notes


def _merged(was, typed):
    """A cell as typed; an answer that was left empty is still that of the file."""
    if not typed.get("answer") and was.get("answer", "") not in ("", NOT_ASKED):
        return was
    empty = dict.fromkeys((*assessment.OF_QUESTION, *assessment.OF_DOMAIN), "")
    return empty | typed


def _said(tool, was, whole, place):
    """Judgements to be filed: overrides with their reason, what has no rules, and overrides taken back."""
    found = {}
    for key in [(domain.name, None) for domain in tool.domains] + [(OVERALL, None)]:
        cell = whole[key]
        if cell["judgement"]:
            found[key] = _with_reason(tool, whole, place, key, on_file=key in was)
        elif was.get(key, {}).get("judgement"):
            found[key] = _taken_back(tool, whole, place, key, was[key])
    return {key: cell for key, cell in found.items() if cell is not None}


def _with_reason(tool, whole, place, key, *, on_file):
    cell = whole[key]
    domain = tool.domain(key[0])
    if cell["reason"] or (domain is not None and not domain.questions):
        return cell
    others = {one: other for one, other in whole.items() if one != key}
    if not any(other["answer"] or other["judgement"] for other in others.values()):
        return cell  # an overall judgement alone, as somebody gave it
    rules = _rules(tool, others | {key: cell | {"judgement": ""}}, place, key)
    if cell["judgement"] == rules:
        return cell if on_file else None
    raise _refused(
        f"{_named(key)}: a judgement other than that of the rules says why",
        "reason",
        found=cell["judgement"],
        hint=f"the rules give {rules or 'nothing yet'}",
    )


def _taken_back(tool, whole, place, key, was):
    """That the rules count again: the earlier row says what they give, and overrides nothing then."""
    domain = tool.domain(key[0])
    if domain is not None and not domain.questions:
        return None  # a judgement is changed, and not taken back
    rules = _rules(tool, whole, place, key)
    if was["judgement"] == rules:
        return None
    if not rules:
        raise _refused(
            f"{_named(key)}: the judgement on file stays until the rules give one",
            "judgement",
            found=was["judgement"],
            hint="answer the questions first, or choose another judgement",
        )
    return dict.fromkeys(assessment.OF_DOMAIN, "") | {"judgement": rules, "reason": "as the rules give"}


def _rules(tool, cells, place, key):
    return assessment.judged(tool, cells, place)[key[0]]["rules"]


def _same(was, cell):
    return was is not None and all(was.get(name, "") == cell.get(name, "") for name in was)


def _filed(key, cell, place, earlier, *, stamp, reason):
    revision = int(earlier["revision"]) + 1 if earlier else 1
    why = reason if earlier else None
    return (
        assessment.row_of(key, cell, place) | stamp | {"revision": revision, "revision_reason": why or None}
    )


def _named(key):
    domain, question = key
    return f"question {question}" if question else domain.replace("_", " ")


def _refused(text, column, **details):
    return InputError(assessment.FILE, problems=[problem(text, column=column, **details)])
