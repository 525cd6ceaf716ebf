"""The flow of records, reports and studies, counted from the ledger alone, with the sums that must hold.

Two forms. That of PRISMA 2020 for updated reviews tells what became of the records that are new since the
last version. The living form tells what each version added, whichever version a record came in, and where
everything stands now; its columns add up.

Sources: Page MJ, McKenzie JE, Bossuyt PM, et al. The PRISMA 2020 statement. BMJ 2021;372:n71, the flow
diagram for updated reviews with searches of databases and other sources. Extension of the PRISMA 2020
statement for living systematic reviews (PRISMA-LSR). BMJ 2024;387:e079183, search and selection across
versions.
"""

from collections import Counter

from livingreview.errors import ReviewError
from livingreview.living import ledger as book

ASSESSED = [book.AWAITING, book.EXCLUDED_FULL_TEXT, book.INCLUDED]
# Boxes of either form, in the order of the diagram; the last three stand in the living form only.
BOXES = (
    "identified",
    "duplicates",
    "unscreened",
    "screened",
    "excluded",
    "sought",
    "not_retrieved",
    "not_assessed",
    "assessed",
    "excluded_full_text",
    "awaiting",
    "included_reports",
)
LIVING_BOXES = (*BOXES, "awaiting_extraction", "reports", "studies")


def count(ledger, *, versions, codes, known, included, waiting, frozen=None):
    """Count the flow of the last version, and of all versions.

    Parameters
    ----------
    ledger : DataFrame
        From ``living.ledger.build``.
    versions : list of dict
        From ``living.ledger.versions``, oldest first.
    codes : collection of str
        Coded reasons of the protocol; "retracted" is counted without being one.
    known : int
        Records of the corpus, duplicates included; to be those of the ledger.
    included : DataFrame
        The included studies at the last version (included.csv): study_id, record_ids.
    waiting : collection of str
        Included records that no study carries yet, as the sheets to fill in have them (extraction.csv).
    frozen : dict, optional
        Version -> what a release froze: ``included`` (DataFrame) and ``flow`` (dict, or None).

    Returns
    -------
    dict
        Of the last version: ``previous``, ``new``, ``removed`` (of these ``removed_by_notice`` and
        ``removed_otherwise``) and ``total`` studies and reports, ``merged_reports``, the streams
        ``databases`` and ``other``, ``from_earlier_searches``, ``included_before``, ``awaiting_extraction``.
        Of all versions: ``versions`` (each with what it ``added`` and where all records were ``standing``
        then) and ``cumulative``. ``corpus``: what other tables count. ``restated``: where a release's frozen
        numbers differ from what the tables say of its run today. ``checks``: identity, left, right.

    Raises
    ------
    ReviewError
        If an identity does not hold; that is a fault of the program, never of rounding.
    """
    book.check(ledger, versions)
    told = book.rows(ledger)
    flow = _version(told, versions, codes)
    flow["versions"] = []
    for number, one in enumerate(versions):
        standing = _living_boxes(book.standing(told, versions[: number + 1]).values(), codes)
        added = _added(told, versions[: number + 1], codes)
        flow["versions"].append(one | {"added": added, "standing": standing})
    now = book.standing(told, versions)
    flow["cumulative"] = _living_boxes(now.values(), codes)
    flow["corpus"] = _corpus(now.values(), known=known, included=included, waiting=waiting)
    flow["restated"] = _restated(told, versions, flow["versions"], codes, frozen or {})
    flow["checks"] = checks(flow)
    broken = [check for check in flow["checks"] if check["left"] != check["right"]]
    if broken:
        shown = "; ".join(f"{check['identity']}: {check['left']} is not {check['right']}" for check in broken)
        raise ReviewError(f"the flow of records does not add up: {shown}")
    return flow


def _version(told, versions, codes):
    """The PRISMA 2020 flow of the last of some versions."""
    now, before = (book.standing(told, some) for some in (versions, versions[:-1]))
    # A report is as new as its record, however long after it was sought.
    new = [
        row
        for row in now.values()
        if (book.RECORD if row.kind == book.REPORT else row.kind, row.id) not in before
    ]
    flow = {stream: _boxes([row for row in new if row.stream == stream], codes) for stream in book.STREAMS}
    new_ids = {row.id for row in new if row.kind == book.REPORT}
    return flow | _totals(now.values(), before.values(), new_ids=new_ids)


def _totals(now, before, *, new_ids):
    """Studies and reports: previous, new, removed and total, and what leads from the boxes to them."""
    studies, studies_before = _ids(now, book.STUDY), _ids(before, book.STUDY)
    reports, reports_before = _ids(now, book.REPORT), _ids(before, book.REPORT)
    of_reports = [row for row in now if row.kind == book.REPORT]
    merged = {row.id: row.reason for row in of_reports if row.state == book.MERGED}
    # A report that was published under another record is the same report.
    same = {merged.get(one, one) for one in reports_before}
    included = {row.id for row in of_reports if row.state == book.INCLUDED}
    out = {kind: {row.id for row in now if _retracted(row, kind)} for kind in (book.STUDY, book.REPORT)}
    gone = {book.STUDY: studies_before - studies, book.REPORT: same - reports}
    by_notice = {kind: len(ids & out[kind]) for kind, ids in gone.items()}
    return {
        "previous": {"studies": len(studies_before), "reports": len(reports_before)},
        "new": {"studies": len(studies - studies_before), "reports": len(reports - same)},
        "removed": {"studies": len(gone[book.STUDY]), "reports": len(gone[book.REPORT])},
        "removed_by_notice": {"studies": by_notice[book.STUDY], "reports": by_notice[book.REPORT]},
        "removed_otherwise": {
            "studies": len(gone[book.STUDY]) - by_notice[book.STUDY],
            "reports": len(gone[book.REPORT]) - by_notice[book.REPORT],
        },
        "merged_reports": len(reports_before) - len(same),
        "total": {"studies": len(studies), "reports": len(reports)},
        # Records found before the last version (they waited for information, say) and included since.
        "from_earlier_searches": len(included - new_ids - same),
        # Trials that PubMed lists since the last version and that other sources had brought in before it.
        "included_before": len(included & new_ids & same),
        "awaiting_extraction": len(included - reports),
    }


def _retracted(row, kind):
    return row.kind == kind and row.reason == book.RETRACTED


def _ids(rows, kind):
    """Ids of included studies, or of included reports that a study carries."""
    return {
        row.id for row in rows if row.kind == kind and row.state == book.INCLUDED and row.study_id is not None
    }


def _boxes(rows, codes):
    """The boxes of one stream of the diagram, from states of records and reports.

    A record that several sources hold was identified in each of them; the further times are duplicates.
    """
    records = [row for row in rows if row.kind == book.RECORD]
    reports = [row for row in rows if row.kind == book.REPORT]
    of_record, of_report = (Counter(row.state for row in some) for some in (records, reports))
    excluded = Counter(row.reason for row in reports if row.state == book.EXCLUDED_FULL_TEXT)
    identified = int(sum(row.sources for row in records))
    kept = len(records) - of_record[book.DUPLICATE]
    return {
        "identified": identified,
        "duplicates": identified - kept,
        "screened": kept - of_record[book.UNSCREENED],
        "unscreened": of_record[book.UNSCREENED],
        "excluded": of_record[book.EXCLUDED_TITLE_ABSTRACT],
        "sought": of_record[book.SOUGHT],
        "not_retrieved": of_report[book.NOT_RETRIEVED],
        "not_assessed": of_report[book.TO_ASSESS],
        "assessed": sum(of_report[state] for state in ASSESSED),
        "excluded_full_text": of_report[book.EXCLUDED_FULL_TEXT],
        "excluded_reasons": {
            code: excluded[code] for code in dict.fromkeys([*codes, book.RETRACTED]) if code in excluded
        },
        "awaiting": of_report[book.AWAITING],
        "included_reports": of_report[book.INCLUDED],
    }


def _living_boxes(rows, codes):
    """The boxes of the living form: both streams, and the studies."""
    boxes = _boxes(rows, codes)
    reports, studies = len(_ids(rows, book.REPORT)), len(_ids(rows, book.STUDY))
    return boxes | {"awaiting_extraction": len(_waiting(rows)), "reports": reports, "studies": studies}


def _waiting(rows):
    """Ids of included reports that no study carries."""
    return {
        row.id
        for row in rows
        if row.kind == book.REPORT and row.state == book.INCLUDED and row.study_id is None
    }


def _added(told, versions, codes):
    """What the last of some versions added: its states, less those that the same ids had before.

    A record that waited and was decided leaves one box and enters another, so that a number can be negative.
    """
    before, entering = (book.standing(told, some) for some in (versions[:-1], versions[-1:]))
    leaving = [before[key] for key in entering if key in before]
    plus, minus = _living_boxes(entering.values(), codes), _living_boxes(leaving, codes)
    reasons = plus["excluded_reasons"] | minus["excluded_reasons"]
    added = {code: _less(plus["excluded_reasons"], minus["excluded_reasons"], code) for code in reasons}
    return {
        **{box: plus[box] - minus[box] for box in LIVING_BOXES},
        "excluded_reasons": {code: n for code, n in added.items() if n},
    }


def _less(plus, minus, code):
    return plus.get(code, 0) - minus.get(code, 0)


def _corpus(now, *, known, included, waiting):
    """The same things as counted in the tables that the workflow makes by other roads."""
    studies = set(included["study_id"])
    reports = {one for ids in included["record_ids"] for one in ids.split("; ")}
    return {
        "records": {"ledger": sum(row.kind == book.RECORD for row in now), "table": int(known)},
        "studies": _compared(_ids(now, book.STUDY), studies),
        "reports": _compared(_ids(now, book.REPORT), reports),
        "awaiting_extraction": _compared(_waiting(now), set(waiting)),
    }


def _compared(ours, theirs):
    return {"ledger": len(ours), "table": len(theirs), "in_one_only": len(ours ^ theirs)}


def _restated(told, versions, counted, codes, frozen):
    """Where what a release froze differs from what the tables say of its run today.

    People may file a decision for an earlier run, and records may turn out to be one; what was published
    stays as it was, and that it differs is not hidden. A box that an older program lacks is not compared.
    """
    rows = []
    for number, one in enumerate(counted):
        if one["version"] not in frozen:
            continue
        released = frozen[one["version"]]
        until = versions[: number + 1]
        held = book.standing(told, until)
        rows += _restated_ids(held, released["included"], one["version"])
        if released.get("flow"):
            then = _version(*_as_published(told, until), codes)
            rows += _restated_boxes(then, one["standing"], released["flow"], one["version"])
    return rows


def _as_published(told, versions):
    """Rows and versions as the last of some versions counted them.

    A release that corrects another of the same run was compared, as that one, with the release before both.
    """
    last = versions[-1]
    before = [one for one in versions if one["run"] < last["run"]]
    of_its_run = {one["version"] for one in versions[len(before) :]}
    known = [row._replace(version=last["version"]) if row.version in of_its_run else row for row in told]
    return known, [*before, last]


def _restated_ids(held, included, version):
    """Studies and reports that a release included and the ledger does not, or the other way round."""
    released = {
        book.STUDY: set(included["study_id"]),
        book.REPORT: {one for ids in included["record_ids"] for one in ids.split("; ")},
    }
    rows = []
    for kind, ids in released.items():
        for one in sorted(ids ^ _ids(held.values(), kind)):
            then = book.INCLUDED if one in ids else "not included"
            now = held[kind, one].state if (kind, one) in held else None
            rows.append({"version": version, "what": kind, "id": one, "released": then, "now": now})
    return rows


def _restated_boxes(flow, cumulative, released, version):
    """Boxes whose number a release printed and that the ledger counts otherwise."""
    rows = []
    flow = flow | {"cumulative": cumulative}
    for part in (*book.STREAMS, "previous", "new", "removed", "total", "cumulative"):
        for box in sorted(released.get(part, {})):
            then, now = released[part][box], flow[part].get(box)
            if isinstance(then, int) and now is not None and then != now:
                rows.append(
                    {"version": version, "what": "box", "id": f"{part}: {box}", "released": then, "now": now}
                )
    return rows


def checks(flow):
    """The identities that must hold, each with both sides.

    Parameters
    ----------
    flow : dict
        As from `count`.

    Returns
    -------
    list of dict
        ``identity``, ``left``, ``right``; of those within one version also ``version``.
    """
    found = [check for name in book.STREAMS for check in _of_boxes(name, flow[name])]
    for what, merged in (("studies", 0), ("reports", flow["merged_reports"])):
        joined = " - merged" if what == "reports" else ""
        found.append(
            _check(
                f"total {what} = previous + new - removed{joined}",
                flow["total"][what],
                flow["previous"][what] + flow["new"][what] - flow["removed"][what] - merged,
            )
        )
        found.append(
            _check(
                f"removed {what} = by a notice of retraction + otherwise",
                flow["removed"][what],
                flow["removed_by_notice"][what] + flow["removed_otherwise"][what],
            )
        )
    found.append(
        _check(
            "new reports + reports included before + included records that await extraction = included from "
            "databases, from other sources, and of records found before",
            flow["new"]["reports"] + flow["included_before"] + flow["awaiting_extraction"],
            flow["databases"]["included_reports"]
            + flow["other"]["included_reports"]
            + flow["from_earlier_searches"],
        )
    )
    return found + _of_versions(flow) + _of_corpus(flow)


def _of_boxes(name, box):
    """Identities of one set of boxes."""
    return [
        _check(
            f"{name}: identified - duplicates = screened + not yet screened",
            box["identified"] - box["duplicates"],
            box["screened"] + box["unscreened"],
        ),
        _check(f"{name}: screened = excluded + sought", box["screened"], box["excluded"] + box["sought"]),
        _check(
            f"{name}: sought = not retrieved + not yet assessed + assessed",
            box["sought"],
            box["not_retrieved"] + box["not_assessed"] + box["assessed"],
        ),
        _check(
            f"{name}: assessed = included + excluded + awaiting",
            box["assessed"],
            box["included_reports"] + box["excluded_full_text"] + box["awaiting"],
        ),
        _check(
            f"{name}: every full-text exclusion has a reason",
            box["excluded_full_text"],
            sum(box["excluded_reasons"].values()),
        ),
    ]


def _of_versions(flow):
    """Identities of the living form: within each version, from version to version, and over all."""
    found, sums = [], dict.fromkeys(LIVING_BOXES, 0)
    for one in flow["versions"]:
        sums = {box: sums[box] + one["added"][box] for box in LIVING_BOXES}
        found += [check | {"version": one["version"]} for check in _of_version(one, sums)]
    found += _of_boxes("all versions", flow["cumulative"])
    found.append(_extracted("all versions", flow["cumulative"]))
    found += [
        _check(f"all versions: {_words(box)} is the sum over versions", sums[box], flow["cumulative"][box])
        for box in LIVING_BOXES
    ]
    return found


def _of_version(one, sums):
    """Identities of one version: of what it added, of where all stood, and of the sums up to it."""
    name = one["version"]
    return [
        *_of_boxes(f"added by {name}", one["added"]),
        _extracted(f"added by {name}", one["added"]),
        *_of_boxes(f"standing at {name}", one["standing"]),
        *(
            _check(f"{name}: {_words(box)} of all versions so far", sums[box], one["standing"][box])
            for box in LIVING_BOXES
        ),
    ]


def _extracted(name, box):
    return _check(
        f"{name}: included reports = reports of studies + those that await extraction",
        box["included_reports"],
        box["reports"] + box["awaiting_extraction"],
    )


def _of_corpus(flow):
    """The ledger against the corpus, the table of included studies, and the totals."""
    corpus, total = flow["corpus"], flow["total"]
    found = [_check("records in the ledger = records of the corpus", *_sides(corpus["records"]))]
    for what, table in (
        ("studies", "included studies"),
        ("reports", "reports of included studies"),
        ("awaiting_extraction", "sheets to be filled in"),
    ):
        found += [
            _check(f"{_words(what)} in the ledger = {table}", *_sides(corpus[what])),
            _check(f"{_words(what)}: in only one of ledger and {table}", corpus[what]["in_one_only"], 0),
        ]
    for what in ("studies", "reports"):
        found += [
            _check(f"total {what} = {what} of all versions", total[what], flow["cumulative"][what]),
        ]
    waiting = flow["awaiting_extraction"]
    found.append(
        _check("await extraction = of all versions", waiting, flow["cumulative"]["awaiting_extraction"])
    )
    return found


def _sides(compared):
    return compared["ledger"], compared["table"]


def _words(box):
    return box.replace("_", " ")


def _check(identity, left, right):
    return {"identity": identity, "left": int(left), "right": int(right)}
