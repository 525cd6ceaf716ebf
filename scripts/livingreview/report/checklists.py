"""Reporting checklists, filled from the page: where an item is answered, and what the authors have to write.

The items stand in ``templates/checklists.yaml``. An answer names a place on the page and counts only while
the fact that it depends on holds; hand-written text fills what a program cannot know.
"""

import re

import yaml

from livingreview.errors import ReviewError
from livingreview.report.prose import count, plural

ANSWERED, PARTLY, GAP = "answered", "partly", "author to write"
NOTHING = "nothing to report"
COLUMNS = ["checklist", "item", "topic", "state", "where", "says", "to_write"]
REGISTRY = re.compile(r"clinicaltrials|ictrp|isrctn|registr|eudract|anzctr|drks", re.IGNORECASE)


def items(text):
    """The checklists of a YAML text, as they stand there."""
    return yaml.safe_load(text)


def facts(context):
    """What holds of a run, by the name that ``when`` uses.

    Returns
    -------
    dict of str to bool
    """
    config, flow = context["config"], context["flow"]
    outcomes = [context["estimates"]["outcomes"][name] for name in config["outcomes"]]
    compared = [row["between"] for one in outcomes for row in one["subgroups"]]
    sources = context["imports"]
    return {
        "subgroups": bool(config["subgroups"]),
        "subgroups_pooled": any(between is not None for between in compared),
        "imports": bool(sources),
        "strategies": all(source.get("strategy") for source in sources),
        "registries": any(REGISTRY.search(str(source.get("database"))) for source in sources),
        "two_extractors": bool(context["extraction_agreement"]["records"]),
        "risk_of_bias": bool(context["judged"]),
        "studies": bool(context["studies"]),
        "excluded_full_text": any(
            flow[stream]["excluded_full_text"] for stream in ("databases", "other") if stream in flow
        ),
        "pooled": any(one["main"]["k"] for one in outcomes),
        "release": context["changes"]["release"] is not None,
        "retirement": bool(config["living"].get("retirement")),
        "justification": bool(config["living"].get("justification")),
        "authors": bool(config["review"].get("authors")),
        "interests": bool(config["screening"].get("interests")),
    }


def checklists(context, given):
    """Every checklist with its items filled.

    Parameters
    ----------
    context : dict
        As for `pages.build`.
    given : list of dict
        From `items`.

    Returns
    -------
    list of dict
        ``name``, ``title``, ``source``, ``lead`` (counts in words), ``gaps`` (item and what to write) and
        ``items``: item, topic, state, answers (at, says), gaps, notes (why there is nothing to report).
    """
    known = facts(context)
    sections = {one["name"]: one["title"] for one in context["text"]["sections"]}
    out = []
    for one in given:
        filled = [_filled(item, known, sections) for item in one["items"]]
        gaps = [
            {"item": item["item"], "topic": item["topic"], "text": text}
            for item in filled
            for text in item["gaps"]
        ]
        out.append(
            {key: one[key] for key in ("name", "title", "source")}
            | {"items": filled, "gaps": gaps, "lead": _lead(filled)}
        )
    return out


def _filled(item, known, sections):
    answers = [
        {"at": answer["at"], "says": answer["says"]}
        for answer in item.get("answers", [])
        if "when" not in answer or known[answer["when"]]
    ]
    gaps = [
        answer["else"] for answer in item.get("answers", []) if "else" in answer and not known[answer["when"]]
    ]
    notes = [
        answer["none"] for answer in item.get("answers", []) if "none" in answer and not known[answer["when"]]
    ]
    written = [name for name in item.get("text", []) if name in sections]
    answers += [{"at": f"text-{name}", "says": f"the authors: {sections[name]}"} for name in written]
    if "write" in item and not written:
        gaps.append(item["write"])
    # A part of an item that nothing answers and nobody asks for would be lost.
    if not (answers or gaps or notes):
        gaps.append("the page does not answer it")
    whole, lacking = (ANSWERED, PARTLY) if answers else (NOTHING, GAP)
    return {
        "item": item["item"],
        "topic": item["topic"],
        "state": lacking if gaps else whole,
        "answers": answers,
        "gaps": gaps,
        "notes": notes,
    }


def _lead(filled):
    states = [item["state"] for item in filled]
    answered, partly, gap, nothing = (states.count(one) for one in (ANSWERED, PARTLY, GAP, NOTHING))
    rest = f" For {plural(nothing, 'item')} there is nothing to report." if nothing else ""
    are, wait = "is" if answered == 1 else "are", "waits" if gap == 1 else "wait"
    return (
        f"{count(answered)} of {plural(len(filled), 'item')} {are} answered on this page, {count(partly)} in"
        f" part; {count(gap)} {wait} for the authors.{rest}"
    )


def rows(filled):
    """The checklists as rows of a table with `COLUMNS`."""
    return [
        {
            "checklist": one["title"],
            "item": item["item"],
            "topic": item["topic"],
            "state": item["state"],
            "where": "; ".join(f"#{answer['at']}" for answer in item["answers"]),
            "says": "; ".join([*(answer["says"] for answer in item["answers"]), *item["notes"]]),
            "to_write": "; ".join(item["gaps"]),
        }
        for one in filled
        for item in one["items"]
    ]


def check_places(filled, page):
    """Refuse a page whose checklists point to places that it does not have.

    Raises
    ------
    ReviewError
        A fault of the program, never of the data.
    """
    places = set(re.findall(r'\sid="([^"]+)"', page))
    lost = [
        f"{one['title']}, item {item['item']}: #{answer['at']}"
        for one in filled
        for item in one["items"]
        for answer in item["answers"]
        if answer["at"] not in places
    ]
    if lost:
        raise ReviewError(f"checklists point to places that the page does not have: {'; '.join(lost)}")
