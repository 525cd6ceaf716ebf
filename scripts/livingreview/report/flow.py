"""The flow diagram in two forms, laid out from the counts of the ledger.

That of PRISMA 2020 for updated reviews with databases and other sources (Page MJ et al., BMJ 2021;372:n71),
and the living form across versions that PRISMA-LSR asks for (BMJ 2024;387:e079183).
"""

from livingreview.errors import InputError
from livingreview.report import prose
from livingreview.report.prose import count

# The ledger excludes retracted reports by itself, and reports that could not be had are no exclusions.
RETRACTED = {"retracted": "Retracted"}
# Between the base version and the last one, more versions than this stand in one column together.
MOST_BETWEEN = 1
# Lines of the boxes of the living form: (heading, count beside it, lines below as (text, count)).
LIVING = (
    ("Records identified", "identified", (("Duplicates", "duplicates"), ("Not screened yet", "unscreened"))),
    ("Records screened", "screened", (("Excluded", "excluded"),)),
    (
        "Reports sought",
        "sought",
        (("Not retrieved", "not_retrieved"), ("Not assessed yet", "not_assessed")),
    ),
    (
        "Reports assessed",
        "assessed",
        (("Excluded", "excluded_full_text"), ("Awaiting classification", "awaiting")),
    ),
    (
        "Included",
        None,
        (
            ("Studies", "studies"),
            ("Reports", "reports"),
            ("Reports awaiting extraction", "awaiting_extraction"),
        ),
    ),
)
ALWAYS = ("duplicates", "excluded", "excluded_full_text", "studies", "reports")  # shown at zero too


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
    total += _if_any("Of these retracted", flow["removed_by_notice"]["studies"])
    total += _if_any("Reports no longer included", flow["removed"]["reports"])
    total += _if_any("Reports found to be one with another", flow["merged_reports"])
    out.append(_box("total", 6, "Total in this version", total, arrow=""))
    return out


def _studies(counts):
    return [("Studies", counts["studies"]), ("Reports", counts["reports"])]


def _if_any(text, n):
    return [(text, n)] if n else []


def _stream(part, column, head, reasons):
    side = f"{column}-side"
    reasons = RETRACTED | reasons
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
        _box(
            side,
            3,
            "Reports not retrieved",
            [("", part["not_retrieved"]), *_if_any("Not assessed yet", part["not_assessed"])],
            arrow="right",
        ),
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


def in_words(flow, *, release):
    """The first diagram in sentences: its text alternative."""
    parts = [flow[name] for name in ("databases", "other")]
    n = {box: sum(part[box] for part in parts) for box in parts[0] if box != "excluded_reasons"}
    since = f" since version {release}" if release is not None else ""
    said = [*_found(n, since), *_from_before(flow)]
    still = release is not None and not (n["included_reports"] or _from_before(flow))
    said.append(
        f"The review {'still' if still else 'now'} holds"
        f" {prose.plural(flow['total']['studies'], 'study', 'studies')} in"
        f" {prose.plural(flow['total']['reports'], 'report')}."
    )
    return " ".join(said)


def _found(n, since):
    """What became of the records that were found; a step that none reached is not told."""
    if not n["identified"]:
        yield f"No record was identified{since}."
        return
    yield (
        f"{prose.plural(n['identified'], 'record was', 'records were')} identified{since}:"
        f" {prose.plural(n['duplicates'], 'duplicate')}, {count(n['screened'])} screened"
        f"{_also(n['unscreened'], 'not screened yet')}."
    )
    if n["screened"]:
        yield (
            f"{prose.plural(n['excluded'], 'record was', 'records were')} excluded on title and abstract and"
            f" {prose.plural(n['sought'], 'report')} sought in full text"
            f"{_also(n['not_retrieved'], 'not retrieved')}{_also(n['not_assessed'], 'not assessed yet')}."
        )
    if n["assessed"]:
        yield (
            f"Of {prose.plural(n['assessed'], 'report')} assessed,"
            f" {prose.plural(n['included_reports'], 'was', 'were')} included,"
            f" {count(n['excluded_full_text'])} excluded and {prose.plural(n['awaiting'], 'awaits', 'await')}"
            " classification."
        )


def _from_before(flow):
    """What came of records found earlier, and which studies left; a list of sentences."""
    said = []
    earlier, retracted = flow["from_earlier_searches"], flow["removed_by_notice"]["studies"]
    others = flow["removed"]["studies"] - retracted
    if earlier:
        verb = "was" if earlier == 1 else "were"
        said.append(f"{prose.plural(earlier, 'report')} found before that {verb} included.")
    if retracted:
        verb = "has" if retracted == 1 else "have"
        said.append(f"{prose.plural(retracted, 'study', 'studies')} {verb} left after a retraction.")
    if others:
        verb = "is" if others == 1 else "are"
        said.append(f"{prose.plural(others, 'study', 'studies')} {verb} no longer included.")
    return said


def _also(n, text):
    return f", {count(n)} {text}" if n else ""


ROWS = (
    ("identified", "Records identified"),
    ("duplicates", "Duplicates"),
    ("unscreened", "Not screened yet"),
    ("screened", "Records screened"),
    ("excluded", "Excluded on title and abstract"),
    ("sought", "Reports sought"),
    ("not_retrieved", "Reports not retrieved"),
    ("not_assessed", "Not assessed yet"),
    ("assessed", "Reports assessed"),
    ("excluded_full_text", "Excluded on full text"),
    ("awaiting", "Awaiting classification"),
    ("included_reports", "Reports included"),
    ("awaiting_extraction", "Of these awaiting extraction"),
    ("reports", "Reports of included studies"),
    ("studies", "Included studies"),
)
# Rows under which the reasons stand, each with a count.
WITH_REASONS = "excluded_full_text"


def table(parts, reasons):
    """A diagram as a table.

    Parameters
    ----------
    parts : list of dict
        The boxes of each column.
    reasons : dict
        Reason code -> what it means.

    Returns
    -------
    list of dict
        ``label``, ``values`` (as printed, one per part), ``reason`` (whether the row is one of the reasons).
    """
    reasons = RETRACTED | reasons
    rows = []
    for box, label in ROWS:
        if box not in parts[0]:
            continue
        rows.append({"label": label, "values": [_signed(part[box]) for part in parts], "reason": False})
        if box == WITH_REASONS:
            rows += _rows_of_reasons([part["excluded_reasons"] for part in parts], reasons)
    return rows


def _rows_of_reasons(counts, reasons):
    """One row per reason, most frequent first."""
    n = {}
    for one in counts:
        for code, value in one.items():
            n[code] = n.get(code, 0) + value
    return [
        {
            "label": reasons.get(code, code),
            "values": [_signed(one.get(code, 0)) for one in counts],
            "reason": True,
        }
        for code in sorted(n, key=lambda code: (-n[code], reasons.get(code, code)))
    ]


def _signed(n):
    """A count that may be negative, with a real minus sign."""
    return prose.number(n, 0)


def living_columns(flow):
    """The columns of the living form: base version, versions between, this version, all.

    Returns
    -------
    list of dict
        ``head``, ``when``, ``total`` (whether it is the sum of the others) and ``boxes``: title, n (as
        printed, or None), lines. Empty for a first version, in which nothing was added to anything.
    """
    versions = flow["versions"]
    if len(versions) < 2:
        return []
    columns = [_column(f"Base version {versions[0]['version']}", versions[:1])]
    between = versions[1:-1]
    if len(between) > MOST_BETWEEN:
        head = f"Versions {between[0]['version']} to {between[-1]['version']}"
        columns.append(_column(head, between))
    else:
        columns += [_column(f"Version {one['version']}", [one]) for one in between]
    columns.append(_column("This version", versions[-1:]))
    when = f"{prose.month(versions[0]['run'])} to {prose.month(versions[-1]['run'])}"
    columns.append({"head": "All versions", "when": when, "counts": flow["cumulative"], "total": True})
    boxes = [box for box, _ in ROWS]
    shown = [box for box in boxes if box in ALWAYS or any(column["counts"][box] for column in columns)]
    return [
        {**{key: column[key] for key in ("head", "when", "total")}, "boxes": _cards(column["counts"], shown)}
        for column in columns
    ]


def _column(head, versions):
    first, last = prose.month(versions[0]["run"]), prose.month(versions[-1]["run"])
    when = first if len(versions) == 1 else f"{first} to {last}, {prose.spelled(len(versions))} versions"
    boxes = [box for box in versions[0]["added"] if box != "excluded_reasons"]
    counts = {box: sum(one["added"][box] for one in versions) for box in boxes}
    return {"head": head, "when": when, "counts": counts, "total": False}


def _cards(counts, shown):
    return [
        {
            "title": title,
            "n": _signed(counts[box]) if box else None,
            "lines": [(text, _signed(counts[key])) for text, key in lines if key in shown],
        }
        for title, box, lines in LIVING
    ]


def restated(flow):
    """What a release printed and what the tables say of its month today, as sentences."""
    return [_restated(row) for row in flow["restated"]]


def _restated(row):
    if row["what"] == "box":
        part, box = row["id"].split(": ")
        where = {"cumulative": "all versions"}.get(part, part)
        return (
            f"Version {row['version']}, {where}, {box.replace('_', ' ')}: {count(row['released'])} as"
            f" released, {count(row['now'])} today."
        )
    now = row["now"] or "not in the ledger"
    return f"Version {row['version']}, {row['what']} {row['id']}: {row['released']} as released, {now} today."
