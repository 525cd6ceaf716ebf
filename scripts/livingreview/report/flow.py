"""The PRISMA 2020 flow diagram for updated reviews, laid out from the counts of the ledger.

The form is that of Page MJ et al., BMJ 2021;372:n71, for updated reviews with databases and other sources.
"""

from livingreview.errors import InputError
from livingreview.report.prose import count


def check(flow, *, file):
    """Stop unless every identity in the flow holds.

    Raises
    ------
    InputError
        Naming the identities whose two sides differ.
    """
    broken = [
        f"{row['identity']}: {row['left']} is not {row['right']}"
        for row in flow["checks"]
        if row["left"] != row["right"]
    ]
    if broken:
        raise InputError(file, problem=f"the flow does not add up: {'; '.join(broken)}")


def boxes(flow, reasons, *, release):
    """The boxes of the diagram, in reading order.

    Parameters
    ----------
    flow : dict
        ``flow.json``. A box that may be empty (not yet screened, removed, awaiting) is left out at zero, and
        the whole stream of other sources where it identified nothing.
    reasons : dict
        Reason code -> what it means, from the protocol.
    release : str or None
        Version of the release before; None for a first version, which has no column of previous studies.

    Returns
    -------
    list of dict
        ``column`` (previous, databases, databases-side, other, other-side, new, total), ``row`` (1 to 6),
        ``head`` (of the column, or empty), ``title``, ``lines`` (text or empty, count), ``arrow`` (down,
        right, or empty).
    """
    out = []
    if release is not None:
        title = f"Included in version {release}"
        out.append(
            _box("previous", 1, title, _studies(flow["previous"]), arrow="down", head="Previous studies")
        )
    new = "New studies" if release is not None else "Studies"
    out += _stream(flow["databases"], "databases", f"{new} via databases", reasons)
    if flow["other"]["identified"]:
        out += _stream(flow["other"], "other", f"{new} via other sources", reasons)
    found = _studies(flow["new"]) + _if_any("Reports awaiting extraction", flow["awaiting_extraction"])
    found += _if_any("Reports of records found earlier", flow["from_earlier_searches"])
    found += _if_any("Reports already in the previous version", flow["included_before"])
    out.append(_box("new", 5, "New in this version", found, arrow="down"))
    total = _studies(flow["total"]) + _if_any("Studies no longer included", flow["removed"]["studies"])
    out.append(_box("total", 6, "Total in this version", total, arrow=""))
    return out


def _studies(counts):
    return [("Studies", counts["studies"]), ("Reports", counts["reports"])]


def _if_any(text, n):
    return [(text, n)] if n else []


def _stream(part, column, head, reasons):
    side = f"{column}-side"
    codes = sorted(part["excluded_reasons"].items(), key=lambda item: (-item[1], item[0]))
    before = [("Duplicates", part["duplicates"]), *_if_any("Not screened yet", part["unscreened"])]
    after = [(reasons.get(code, code), n) for code, n in codes]
    after += _if_any("Awaiting classification", part["awaiting"])
    return [
        _box(column, 1, "Records identified", [("", part["identified"])], arrow="down", head=head),
        _box(side, 1, "Not screened", before, arrow="right"),
        _box(column, 2, "Records screened", [("", part["screened"])], arrow="down"),
        _box(side, 2, "Records excluded", [("", part["excluded"])], arrow="right"),
        _box(column, 3, "Reports sought", [("", part["sought"])], arrow="down"),
        _box(side, 3, "Reports not yet assessed", [("", part["not_assessed"])], arrow="right"),
        _box(
            column,
            4,
            "Reports assessed",
            [("", part["assessed"]), ("Included", part["included_reports"])],
            arrow="down",
        ),
        _box(side, 4, "Reports not included", after or [("", 0)], arrow="right"),
    ]


def _box(column, row, title, lines, *, arrow, head=""):
    shown = [(text, count(n)) for text, n in lines]
    return {"column": column, "row": row, "title": title, "lines": shown, "arrow": arrow, "head": head}
