"""The flow of records and studies, counted from data: PRISMA 2020 for updated reviews.

Source: Page MJ, McKenzie JE, Bossuyt PM, et al. The PRISMA 2020 statement. BMJ 2021;372:n71, the flow
diagram for updated reviews with searches of databases and other sources.
"""

from livingreview.errors import ReviewError
from livingreview.screening import decisions as ledger


def count(records, statuses, included, *, release, codes, databases):
    """Count the flow since the last release.

    Parameters
    ----------
    records : DataFrame
        The corpus at this run.
    statuses : DataFrame
        Of the same records, from ``screening.decisions.statuses``.
    included : DataFrame
        The included studies (``trials.inclusion.included_studies``).
    release : dict or None
        The release compared with: its run, and its frame ``included``.
    codes : collection of str
        Coded reasons of the protocol.
    databases : collection of str
        Of the names in `found_in`, those of databases that were searched; PubMed is one.

    Returns
    -------
    dict
        ``previous``, ``databases``, ``other``, ``from_earlier_searches``, ``included_before``,
        ``awaiting_extraction``, ``new``, ``removed``, ``total`` and the ``checks``.

    Raises
    ------
    ReviewError
        If an identity does not hold; that is a fault of the program, never of rounding.
    """
    table = records.merge(statuses, on="record_id", how="left", validate="one_to_one")
    since = table if release is None else table[table["first_run"] > release["run"]]
    found_in = since["found_in"].map(lambda names: names.split("; "))
    searched = found_in.map(lambda names: not set(names).isdisjoint(databases)).astype(bool)
    overlap = found_in.map(len) - 1
    flow = {
        "databases": _stream(since[searched], codes, overlap=int(overlap[searched].sum())),
        "other": _stream(since[~searched], codes, overlap=int(overlap[~searched].sum())),
    }
    before, reports_before = _ids(None if release is None else release["included"])
    now, reports_now = _ids(included)
    all_included = set(table.loc[table["status"] == ledger.INCLUDED, "record_id"])
    flow["previous"] = {"studies": len(before), "reports": len(reports_before)}
    flow["new"] = {"studies": len(now - before), "reports": len(reports_now - reports_before)}
    flow["removed"] = {"studies": len(before - now), "reports": len(reports_before - reports_now)}
    flow["total"] = {"studies": len(now), "reports": len(reports_now)}
    # Records found before the release (they waited for information, say) and included since.
    flow["from_earlier_searches"] = len(all_included - set(since["record_id"]) - reports_before)
    # Trials that PubMed lists since the release and that other sources had brought in before it.
    flow["included_before"] = len(all_included & set(since["record_id"]) & reports_before)
    flow["awaiting_extraction"] = len(all_included - reports_now)
    flow["checks"] = _checks(flow)
    broken = [check for check in flow["checks"] if check["left"] != check["right"]]
    if broken:
        shown = "; ".join(f"{check['identity']}: {check['left']} is not {check['right']}" for check in broken)
        raise ReviewError(f"the flow of records does not add up: {shown}")
    return flow


def _ids(included):
    """Study ids and record ids of a table of included studies."""
    if included is None:
        return set(), set()
    records = {record_id for ids in included["record_ids"] for record_id in ids.split("; ")}
    return set(included["study_id"]), records


def _stream(table, codes, *, overlap):
    """The boxes of one stream of the diagram.

    A record that several sources hold was identified in each of them: `overlap` counts the further times, all
    of them duplicates.
    """
    duplicates = table["duplicate_of"].notna()
    status = table.loc[~duplicates, "status"]
    n = status.value_counts()
    excluded = table[(table["status"] == ledger.EXCLUDED_FULL_TEXT) & ~duplicates]
    reasons = excluded["reason"].value_counts()
    return {
        "identified": len(table) + overlap,
        "duplicates": int(duplicates.sum()) + overlap,
        "screened": int((status != ledger.UNSCREENED).sum()),
        "unscreened": int(n.get(ledger.UNSCREENED, 0)),
        "excluded": int(n.get(ledger.EXCLUDED_TITLE_ABSTRACT, 0)),
        "sought": int(status.isin([ledger.TO_ASSESS, *ASSESSED]).sum()),
        "not_assessed": int(n.get(ledger.TO_ASSESS, 0)),
        "assessed": int(status.isin(ASSESSED).sum()),
        "excluded_full_text": len(excluded),
        "excluded_reasons": {code: int(reasons[code]) for code in codes if code in reasons},
        "awaiting": int(n.get(ledger.AWAITING, 0)),
        "included_reports": int(n.get(ledger.INCLUDED, 0)),
    }


ASSESSED = [ledger.AWAITING, ledger.EXCLUDED_FULL_TEXT, ledger.INCLUDED]


def _checks(flow):
    """The identities that must hold, each with both sides."""
    checks = []
    for name in ("databases", "other"):
        box = flow[name]
        checks += [
            _check(
                f"{name}: identified = duplicates + screened + unscreened",
                box["identified"],
                box["duplicates"] + box["screened"] + box["unscreened"],
            ),
            _check(f"{name}: screened = excluded + sought", box["screened"], box["excluded"] + box["sought"]),
            _check(
                f"{name}: sought = not yet assessed + assessed",
                box["sought"],
                box["not_assessed"] + box["assessed"],
            ),
            _check(
                f"{name}: assessed = excluded + awaiting + included",
                box["assessed"],
                box["excluded_full_text"] + box["awaiting"] + box["included_reports"],
            ),
            _check(
                f"{name}: every full-text exclusion has a reason",
                box["excluded_full_text"],
                sum(box["excluded_reasons"].values()),
            ),
        ]
    for what in ("studies", "reports"):
        checks.append(
            _check(
                f"total {what} = previous + new - removed",
                flow["total"][what],
                flow["previous"][what] + flow["new"][what] - flow["removed"][what],
            )
        )
    checks.append(
        _check(
            "new reports + reports included before + included records that await extraction = included from "
            "databases, from other sources, and of records found before",
            flow["new"]["reports"] + flow["included_before"] + flow["awaiting_extraction"],
            flow["databases"]["included_reports"]
            + flow["other"]["included_reports"]
            + flow["from_earlier_searches"],
        )
    )
    return checks


def _check(identity, left, right):
    return {"identity": identity, "left": int(left), "right": int(right)}
