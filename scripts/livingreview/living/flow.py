"""The flow of records, reports and studies, counted from the ledger alone, with the sums that must hold.

Two forms. That of PRISMA 2020 for updated reviews tells what became of the records that are new since the
last version. The living form tells what each version added, whichever version a record came in, and where
everything stands now; its columns add up.

Sources: Page MJ, McKenzie JE, Bossuyt PM, et al. The PRISMA 2020 statement. BMJ 2021;372:n71, the flow
diagram for updated reviews with searches of databases and other sources. Extension of the PRISMA 2020
statement for living systematic reviews (PRISMA-LSR). BMJ 2024;387:e079183, search and selection across
versions.
"""

import pandas as pd

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
    flow = _version(ledger, versions, codes)
    flow["versions"] = [
        one | {"added": _added(ledger, versions, number, codes)} for number, one in enumerate(versions)
    ]
    for one in flow["versions"]:
        one["standing"] = _living_boxes(book.at(ledger, versions, one["version"]), codes)
    flow["cumulative"] = _living_boxes(book.at(ledger, versions), codes)
    flow["corpus"] = _corpus(ledger, versions, known=known, included=included, waiting=waiting)
    flow["restated"] = _restated(ledger, versions, flow["versions"], codes, frozen or {})
    flow["checks"] = checks(flow)
    broken = [check for check in flow["checks"] if check["left"] != check["right"]]
    if broken:
        shown = "; ".join(f"{check['identity']}: {check['left']} is not {check['right']}" for check in broken)
        raise ReviewError(f"the flow of records does not add up: {shown}")
    return flow


def _version(ledger, versions, codes):
    """The PRISMA 2020 flow of the last of some versions."""
    now = book.at(ledger, versions)
    came = book.entered(ledger)
    cohort = set(came[came == versions[-1]["version"]].index)
    # A report is as new as its record, however long after it was sought.
    kinds = now["kind"].where(now["kind"] != book.REPORT, book.RECORD)
    new = now[_among(cohort, kinds, now["id"])]
    flow = {stream: _boxes(new[new["stream"] == stream], codes) for stream in book.STREAMS}
    return flow | _totals(
        now, _before(ledger, versions), new_ids=set(new.loc[new["kind"] == book.REPORT, "id"])
    )


def _among(keys, kinds, ids):
    """Which rows have one of some keys (kind, id); a mask."""
    found = [key in keys for key in zip(kinds, ids, strict=True)]
    return pd.Series(found, index=ids.index, dtype=bool)


def _before(ledger, versions):
    """Where everything stood at the version before the last; no rows where there is none."""
    return book.at(ledger, versions, versions[-2]["version"]) if len(versions) > 1 else ledger[:0]


def _totals(now, before, *, new_ids):
    """Studies and reports: previous, new, removed and total, and what leads from the boxes to them."""
    studies, studies_before = _ids(now, book.STUDY), _ids(before, book.STUDY)
    reports, reports_before = _ids(now, book.REPORT), _ids(before, book.REPORT)
    state = now[now["kind"] == book.REPORT].set_index("id")
    merged = state.loc[state["state"] == book.MERGED, "reason"].to_dict()
    # A report that was published under another record is the same report.
    same = {merged.get(one, one) for one in reports_before}
    included = set(state.index[state["state"] == book.INCLUDED])
    out = now[now["reason"] == book.RETRACTED]
    retracted = {kind: set(out.loc[out["kind"] == kind, "id"]) for kind in book.KINDS}
    gone = {book.STUDY: studies_before - studies, book.REPORT: same - reports}
    by_notice = {kind: len(ids & retracted[kind]) for kind, ids in gone.items()}
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


def _ids(rows, kind):
    """Ids of included studies, or of included reports that a study carries."""
    held = rows[(rows["kind"] == kind) & (rows["state"] == book.INCLUDED) & rows["study_id"].notna()]
    return set(held["id"])


def _boxes(rows, codes):
    """The boxes of one stream of the diagram, from states of records and reports.

    A record that several sources hold was identified in each of them; the further times are duplicates.
    """
    records, reports = (rows[rows["kind"] == kind] for kind in (book.RECORD, book.REPORT))
    kept = records[records["state"] != book.DUPLICATE]
    of_record, of_report = kept["state"].value_counts(), reports["state"].value_counts()
    excluded = reports.loc[reports["state"] == book.EXCLUDED_FULL_TEXT, "reason"].value_counts()
    identified = int(records["sources"].sum())
    return {
        "identified": identified,
        "duplicates": identified - len(kept),
        "screened": int((kept["state"] != book.UNSCREENED).sum()),
        "unscreened": int(of_record.get(book.UNSCREENED, 0)),
        "excluded": int(of_record.get(book.EXCLUDED_TITLE_ABSTRACT, 0)),
        "sought": int(of_record.get(book.SOUGHT, 0)),
        "not_retrieved": int(of_report.get(book.NOT_RETRIEVED, 0)),
        "not_assessed": int(of_report.get(book.TO_ASSESS, 0)),
        "assessed": int(reports["state"].isin(ASSESSED).sum()),
        "excluded_full_text": int(of_report.get(book.EXCLUDED_FULL_TEXT, 0)),
        "excluded_reasons": {
            code: int(excluded[code]) for code in dict.fromkeys([*codes, book.RETRACTED]) if code in excluded
        },
        "awaiting": int(of_report.get(book.AWAITING, 0)),
        "included_reports": int(of_report.get(book.INCLUDED, 0)),
    }


def _living_boxes(rows, codes):
    """The boxes of the living form: both streams, and the studies."""
    boxes = _boxes(rows, codes)
    reports, studies = len(_ids(rows, book.REPORT)), len(_ids(rows, book.STUDY))
    return boxes | {"awaiting_extraction": len(_waiting(rows)), "reports": reports, "studies": studies}


def _waiting(rows):
    """Ids of included reports that no study carries."""
    held = rows[(rows["kind"] == book.REPORT) & (rows["state"] == book.INCLUDED) & rows["study_id"].isna()]
    return set(held["id"])


def _added(ledger, versions, number, codes):
    """What a version added: its states, less those that the same ids had before.

    A record that waited and was decided leaves one box and enters another, so that a number can be negative.
    """
    entering = ledger[ledger["version"] == versions[number]["version"]]
    before = _before(ledger, versions[: number + 1])
    came = set(zip(entering["kind"], entering["id"], strict=True))
    leaving = before[_among(came, before["kind"], before["id"])]
    plus, minus = _living_boxes(entering, codes), _living_boxes(leaving, codes)
    reasons = plus["excluded_reasons"] | minus["excluded_reasons"]
    added = {code: _less(plus["excluded_reasons"], minus["excluded_reasons"], code) for code in reasons}
    return {
        **{box: plus[box] - minus[box] for box in LIVING_BOXES},
        "excluded_reasons": {code: n for code, n in added.items() if n},
    }


def _less(plus, minus, code):
    return plus.get(code, 0) - minus.get(code, 0)


def _corpus(ledger, versions, *, known, included, waiting):
    """The same things as counted in the tables that the workflow makes by other roads."""
    now = book.at(ledger, versions)
    studies = set(included["study_id"])
    reports = {one for ids in included["record_ids"] for one in ids.split("; ")}
    return {
        "records": {"ledger": int((now["kind"] == book.RECORD).sum()), "table": int(known)},
        "studies": _compared(_ids(now, book.STUDY), studies),
        "reports": _compared(_ids(now, book.REPORT), reports),
        "awaiting_extraction": _compared(_waiting(now), set(waiting)),
    }


def _compared(ours, theirs):
    return {"ledger": len(ours), "table": len(theirs), "in_one_only": len(ours ^ theirs)}


def _restated(ledger, versions, counted, codes, frozen):
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
        rows += _restated_ids(book.at(ledger, until, one["version"]), released["included"], one["version"])
        if released.get("flow"):
            then = _version(*_as_published(ledger, until), codes)
            rows += _restated_boxes(then, one["standing"], released["flow"], one["version"])
    return rows


def _as_published(ledger, versions):
    """Ledger and versions as the last of some versions counted them.

    A release that corrects another of the same run was compared, as that one, with the release before both.
    """
    last = versions[-1]
    before = [one for one in versions if one["run"] < last["run"]]
    names = [one["version"] for one in before]
    known = ledger[ledger["version"].isin([one["version"] for one in versions])]
    known = known.assign(version=known["version"].where(known["version"].isin(names), last["version"]))
    return known.drop_duplicates(["kind", "id", "version"], keep="last"), [*before, last]


def _restated_ids(held, included, version):
    """Studies and reports that a release included and the ledger does not, or the other way round."""
    released = {
        book.STUDY: set(included["study_id"]),
        book.REPORT: {one for ids in included["record_ids"] for one in ids.split("; ")},
    }
    rows = []
    for kind, ids in released.items():
        state = held[held["kind"] == kind].set_index("id")["state"]
        for one in sorted(ids ^ _ids(held, kind)):
            then = book.INCLUDED if one in ids else "not included"
            rows.append(
                {"version": version, "what": kind, "id": one, "released": then, "now": state.get(one)}
            )
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
