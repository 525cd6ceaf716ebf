"""An assessment as its form shows it."""

from livingreview import tables
from livingreview.desk.risk_of_bias import assessment, listing
from livingreview.trials import bias_blinding, bias_tools, risk_of_bias
from livingreview.trials.bias_tools import IS_NOT_ASKED, OVERALL


def form(tool, cells, place):
    """The domains of a tool with what was typed and what follows from it.

    Returns
    -------
    dict
        ``domains`` and ``overall``.
    """
    found = assessment.judged(tool, cells, place)
    asked = assessment.states(tool, cells)
    whole = {"name": OVERALL, "label": "Overall", "questions": []}
    return {
        "domains": [
            {
                "name": domain.name,
                "label": domain.label,
                "questions": [
                    _question(domain, question, cells, asked[domain.name, question.id])
                    for question in domain.questions
                ],
                **_judgement(tool, domain.name, cells, found),
            }
            for domain in tool.domains
        ],
        "overall": whole | _judgement(tool, OVERALL, cells, found),
    }


def _question(domain, question, cells, state):
    key = (domain.name, question.id)
    cell = _cell(cells, key, assessment.OF_QUESTION)
    given = "" if state == IS_NOT_ASKED else cell["answer"]
    return {
        "id": question.id,
        "text": question.text,
        "state": state,
        "asked_if": bias_tools.in_words(question.asked_if),
        "element": assessment.field("question", key),
        "fields": {name: assessment.field(name, key) for name in assessment.OF_QUESTION},
        "answers": [(one, assessment.MEANINGS[one], one == given) for one in question.answers],
        "support": cell["support"],
        "page": cell["page"],
    }


def _judgement(tool, name, cells, found):
    key = (name, None)
    cell = _cell(cells, key, assessment.OF_DOMAIN)
    domain = tool.domain(name)
    rules = found[name]["rules"]
    has_rules = domain is None or bool(domain.questions)
    return {
        "has_rules": has_rules,
        "element": assessment.field("judged", key),
        "fields": {one: assessment.field(one, key) for one in assessment.OF_DOMAIN},
        "choices": [
            (one, cell["judgement"] == one and not (has_rules and cell["judgement"] == rules))
            for one in tool.judgements
        ],
        "overridden": has_rules and bool(cell["judgement"]) and cell["judgement"] != rules,
        "reason": cell["reason"],
        "support": cell["support"],
        "page": cell["page"],
        "judged": _told(found[name]),
    }


def _cell(cells, key, names):
    return dict.fromkeys(names, "") | cells.get(key, {})


def judgements(tool, found):
    """Of each domain and overall what the page says of it, by the element that says it."""
    return {
        assessment.field("judged", (name, None)): _told(found[name])
        for name in (*(domain.name for domain in tool.domains), OVERALL)
    }


def _told(one):
    """A judgement as a light with words, and how it came about."""
    basis = listing.BASES[one["basis"]] if one["judgement"] else ""
    detail = one["detail"] if one["basis"] != risk_of_bias.ALGORITHM else ""
    return listing.light(one["judgement"]) | {"basis": basis, "detail": detail}


def others(frame, tool, place, run):
    """What others say of the same: for each person the cells that they filled in, by key.

    Parameters
    ----------
    frame : DataFrame
        What this person may see.
    """
    found = {}
    for name in assessment.reviewers(frame, place, run):
        if name == place.reviewer:
            continue
        cells = assessment.cells_of(assessment.in_force(frame, place.of(name), run))
        found[name or "a source"] = {
            "judged": judgements(tool, assessment.judged(tool, cells, place.of(name))),
            "said": {_element(key): _words(cell) for key, cell in cells.items()},
        }
    return found


def _element(key):
    return assessment.field("judged" if key[1] is None else "question", key)


def _words(cell):
    """A cell in a line: the answer or judgement, its quote and page, its reason."""
    parts = [cell.get("answer") or cell.get("judgement"), cell.get("reason")]
    if cell.get("support"):
        parts.append(f"“{cell['support']}”")
    if cell.get("page"):
        parts.append(f"page {cell['page']}")
    return ", ".join(part for part in parts if part)


def may_settle(frame, tool, place, run, names):
    """Whether people differ or may be settled: two have judged the same, as far as it may be seen."""
    by_people = [one for one in assessment.reviewers(frame, place, run) if one != risk_of_bias.CONSENSUS]
    if names:
        done = bias_blinding.complete(frame, {tool.name: tool}, run)
        key = (place.study_id, place.outcome, place.tool)
        return all(key in done.get(name, ()) for name in names)
    return len(by_people) > 1


def agreed(frame, tool, place, run):
    """What a form to settle begins with: the cells that everybody who judged filled in alike."""
    people = [one for one in assessment.reviewers(frame, place, run) if one != risk_of_bias.CONSENSUS]
    said = [assessment.cells_of(assessment.in_force(frame, place.of(one), run)) for one in people]
    found = {}
    for key in assessment.keys(tool):
        name = "judgement" if key[1] is None else "answer"
        values = {cells.get(key, {}).get(name, "") for cells in said}
        if len(values) == 1 and values != {""}:
            found[key] = said[0][key]
    return found


def differing(tool, cells, before):
    """Where what was typed and what is on file differ: (what, on file, typed)."""
    was = assessment.cells_of(before)
    rows = []
    for key in assessment.keys(tool):
        on_file, typed = _words(was.get(key, {})), _words(cells.get(key, {}))
        if on_file and on_file != typed:
            rows.append((key[1] or key[0].replace("_", " "), on_file, typed or "(empty)"))
    return rows


def history(own):
    """Every entry of an assessment, the latest first."""
    rows = tables.plain_rows(own)
    return [
        {
            "what": f"{row['domain'].replace('_', ' ')} {row['question'] or ''}".strip(),
            "said": _words({name: row.get(name) or "" for name in row}),
            "when": row.get("decided_at") or row["run"],
            "revision": int(row["revision"]),
            "why": row["revision_reason"] or "",
            "source": row["source"],
        }
        for row in reversed(rows)
    ]
