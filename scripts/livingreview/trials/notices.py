"""Editorial notices on the reports of included studies, and what follows from them.

Cochrane's policy on retracted studies: their data leave all analyses, and the study is listed as excluded
with its notice, in neutral words. Under an expression of concern, or with an erratum, a study stays, is
marked, and a sensitivity analysis does without it. People's tables are never changed by a notice, so that a
retraction which is itself withdrawn puts the study back.

The rule for a study of several reports is the cautious one: whichever of its reports is retracted takes the
study out, since its data may come from there. People say otherwise by a decision on the retracted report:

- Excluded on either stage for another reason than the notice, it gives the study no data: the study is
  marked.
- A partial retraction, or an article that was retracted and republished, comes back when people have checked
  the values against the notice and file "include" on full text again, in the month in which the notice was
  seen or later, with the reason `CHECKED`. A full retraction has no such way back.
- A report that PubMed does not hold is excluded on full text with the reason `REASON`.
"""

import pandas as pd

from livingreview.screening import decisions as ledger
from livingreview.search import content

RETRACTED, CONCERN, CORRECTED, OF_ANOTHER = (
    "retracted",
    "expression of concern",
    "corrected",
    "retraction notice",
)
SIBLING = "other report"  # of a study that is out because of a retracted report
KINDS = (RETRACTED, CONCERN, CORRECTED, OF_ANOTHER, SIBLING)  # the gravest first
EXCLUDED, FLAGGED = "excluded", "flagged"
COLUMNS = ("record_id", "study_id", "kind", "effect", "notices", "since_run")

# Coded reasons of decisions, which a protocol lists among its reasons where it wants to use them.
REASON = "retracted"
CHECKED = "notice_checked"

# Notices after which something of the article may stand, or stands in a new version.
PARTLY = ("RetractedandRepublishedIn", "PartialRetractionIn")
# How a notice that the corpus holds reads on the article that it is about.
TURNED = {"RetractionOf": "RetractionIn", "PartialRetractionOf": "PartialRetractionIn"}
RECORDED = "Recorded"  # stands for PubMed's RefType where people recorded the notice
EVENT_OF = {RETRACTED: "retraction", CONCERN: "expression of concern", CORRECTED: "erratum"}
BY_TYPE = "publication type or title"  # of an event that no notice stands behind


def find(records, events, decisions, reports, *, run, stages):
    """The notices on the reports of studies, and on included records that no study carries yet.

    Parameters
    ----------
    records : DataFrame
        The corpus at this run; a notice on a duplicate counts for the record that is kept.
    events : DataFrame
        What changed in records, of all runs up to this one.
    decisions, reports : DataFrame
        People's tables under the records that are kept (`ledger.under_kept`).
    run : str
        A month YYYY-MM.
    stages : list of str
        The protocol's stages.

    Returns
    -------
    DataFrame
        `COLUMNS`; sorted by study and record. ``kind`` is the gravest notice on the record, or `SIBLING`;
        ``effect`` says whether the record counts as excluded, and with it its study, or is flagged only;
        ``notices`` what PubMed says (RefType:PMID) or what people recorded (Recorded:text); ``since_run`` the
        run in which it was first seen, without a break. ``study_id`` is None for an included record that no
        study carries.
    """
    reports = reports[reports["run"] <= run].drop_duplicates(["record_id", "study_id"])
    said = _of_pubmed(records, events)
    ids = _concerned(records, reports, decisions, said)
    decisions = decisions[decisions["record_id"].isin(ids)]
    state = ledger.statuses(ids, decisions, run=run, stages=stages)
    standing = {row["record_id"]: row for row in state.to_dict("records")}
    said |= _of_people(standing, decisions, run=run)
    checked = _checked(decisions, run)
    studies = reports.groupby("record_id")["study_id"].agg(list).to_dict()
    rows = []
    for record_id, notice in said.items():
        state = standing.get(record_id)
        carried = studies.get(record_id, [])
        if not carried and (state is None or state["status"] != ledger.INCLUDED):
            continue
        effect = _effect(notice, state, checked_in=checked.get(record_id))
        rows += [
            {"record_id": record_id, "study_id": study, **notice, "effect": effect}
            for study in carried or [None]
        ]
    rows = _with_siblings(rows, reports, standing)
    rows.sort(key=lambda row: (row["study_id"] is None, row["study_id"] or "", row["record_id"]))
    return pd.DataFrame(rows, columns=list(COLUMNS), dtype=object)


def excluded_studies(notices):
    """The studies that a notice takes out; a set of study ids."""
    return set(notices.loc[notices["effect"] == EXCLUDED, "study_id"].dropna())


def newly_out(notices, run):
    """The studies that a retraction takes out since this run and that were not out before, sorted."""
    out = notices[(notices["effect"] == EXCLUDED) & (notices["kind"] == RETRACTED)]
    since = out.dropna(subset=["study_id"]).groupby("study_id")["since_run"].min()
    return sorted(since.index[since == run])


def newly_flagged(notices, run, kind):
    """The studies that stay and have a notice of a kind since this run, sorted."""
    found = notices[(notices["effect"] == FLAGGED) & (notices["kind"] == kind)]
    return sorted(set(found.loc[found["since_run"] == run, "study_id"].dropna()))


def excluded_records(notices):
    """The records that no longer count as included: retracted, or another report of a study that is out."""
    return set(notices.loc[notices["effect"] == EXCLUDED, "record_id"])


def mark(effects, notices):
    """Take effects of studies that are out from every pool, and mark those of studies with a notice.

    Parameters
    ----------
    effects : DataFrame
        From ``effects.compute``, with studies that are out counted as included.
    notices : DataFrame
        From `find`.

    Returns
    -------
    DataFrame
        `effects` with the columns ``notice`` (the gravest kind on a report of the study that says anything of
        its data, or "") and ``withdrawn`` (whether the effect would be in the pool but for a retraction).
    """
    out = excluded_studies(notices)
    kinds = kind_by_study(notices)
    gone = effects["study"].isin(out).astype(bool)
    texts = {study: reason(rows) for study, rows in notices.groupby("study_id")}
    in_pool = effects["in_pool"].astype(bool)
    in_sensitivity = effects["in_sensitivity"].astype(bool)
    reasons = [
        texts[study] if hit and used else text
        for study, hit, used, text in zip(
            effects["study"], gone, in_pool | in_sensitivity, effects["reason"], strict=True
        )
    ]
    return effects.assign(
        reason=reasons,
        in_pool=in_pool & ~gone,
        in_sensitivity=in_sensitivity & ~gone,
        notice=pd.Series([kinds.get(study, "") for study in effects["study"]], effects.index, dtype=object),
        withdrawn=in_pool & gone,
    )


def kind_by_study(notices):
    """The gravest kind of notice on each study, of those that say anything of its data."""
    rows = notices[notices["study_id"].notna() & ~notices["kind"].isin((OF_ANOTHER, SIBLING))]
    return {study: min(of_study["kind"], key=KINDS.index) for study, of_study in rows.groupby("study_id")}


def reason(rows):
    """Why a study is out, in neutral words: ``report 101 was retracted (notice: 900)``.

    The notices of its retraction are named, by PMID or source; an erratum beside them is not.
    """
    out = rows[(rows["effect"] == EXCLUDED) & (rows["kind"] == RETRACTED)]
    return "; ".join(f"report {row.record_id} was retracted{_named(row.notices)}" for row in out.itertuples())


def _named(notices):
    given = content.split_notices(notices if isinstance(notices, str) else "")
    where = sorted(where for kind, where in given if kind in content.RETRACTING)
    return f" (notice: {', '.join(where)})" if where else ""


def is_partial(notices):
    """Whether a cell of notices tells of retractions in part, or with a new version, and of no other."""
    kinds = {entry.partition(":")[0] for entry in (notices or "").split("; ")}.intersection(
        content.RETRACTING
    )
    return bool(kinds) and kinds <= set(PARTLY)


def _concerned(records, reports, decisions, said):
    """The records whose standing matters: reports, and those of which PubMed or people may say something."""
    of_people = decisions.loc[decisions["reason"] == REASON, "record_id"]
    told = records["record_id"].isin({*said, *of_people})
    return list(dict.fromkeys([*records.loc[told, "record_id"], *reports["record_id"]]))


def _of_pubmed(records, events):
    """What PubMed says of each record: a dict of record ids to kind, notices and since_run."""
    said = {}
    by_pmid = dict(iter(events.groupby("pmid")))
    marked = records[records["editorial_status"].notna() & (records["editorial_status"] != "")]
    for row in marked.itertuples():
        notice = {
            "kind": row.editorial_status,
            "notices": row.notices or "",
            "since_run": _since(row, by_pmid.get(row.pmid)),
        }
        _keep_gravest(said, row.duplicate_of or row.record_id, notice)
    on_others = marked[marked["editorial_status"] == OF_ANOTHER]
    named = {pmid for notices in on_others["notices"] for _, pmid in content.split_notices(notices)}
    kept = {row.pmid: row for row in records[records["pmid"].isin(named)].itertuples()}
    for row in on_others.itertuples():
        for kind, pmid in sorted(content.split_notices(row.notices)):
            if kind in TURNED and pmid in kept:
                target = kept[pmid]
                notice = {
                    "kind": RETRACTED,
                    "notices": f"{TURNED[kind]}:{row.pmid or row.record_id}",
                    "since_run": max(row.first_run, target.first_run),
                }
                _keep_gravest(said, target.duplicate_of or target.record_id, notice)
    return said


def _keep_gravest(said, record_id, notice):
    before = said.get(record_id)
    if before is None or KINDS.index(notice["kind"]) < KINDS.index(before["kind"]):
        said[record_id] = notice


def _since(row, events):
    """The run in which PubMed's notice was first seen without a break."""
    wanted = EVENT_OF.get(row.editorial_status)
    if events is None or wanted is None:
        return row.first_run
    added = events[events["event"] == wanted]
    removed = events.loc[events["event"] == f"{wanted} removed", "run"]
    if len(removed):
        later = added.loc[added["run"] > removed.max(), "run"]
        return later.min() if len(later) else row.first_run
    kinds = [content.NOTICES_ON_ORIGINALS.get(kind) for kind, _ in content.split_notices(row.notices)]
    came_later = (added["detail"] != BY_TYPE).sum()
    if added.empty or (came_later and kinds.count(wanted) > came_later):
        return row.first_run  # it had one when it was found first
    return added["run"].min()


def _of_people(standing, decisions, run):
    """Retractions that people recorded by excluding a report for that reason."""
    said = {
        record_id
        for record_id, state in standing.items()
        if state["status"] == ledger.EXCLUDED_FULL_TEXT and state["reason"] == REASON
    }
    found = {}
    rows = ledger.latest(decisions, run)
    for row in rows[rows["record_id"].isin(said)].itertuples():
        if (row.stage, row.reason) == (ledger.FULL_TEXT, REASON):
            text = " ".join((row.note or "").replace(";", ",").split())
            notices = f"{RECORDED}:{text or 'without a note'}"
            found[row.record_id] = {"kind": RETRACTED, "notices": notices, "since_run": row.run}
    return found


def _checked(decisions, run):
    """The run in which people said of a record that its values were checked against the notice."""
    rows = ledger.latest(decisions, run)
    rows = rows[
        (rows["stage"] == ledger.FULL_TEXT) & (rows["decision"] == "include") & (rows["reason"] == CHECKED)
    ]
    return dict(zip(rows["record_id"], rows["run"], strict=True))


def _effect(notice, state, *, checked_in):
    if notice["kind"] != RETRACTED:
        return FLAGGED
    excluded = (ledger.EXCLUDED_TITLE_ABSTRACT, ledger.EXCLUDED_FULL_TEXT)
    if state is not None and state["status"] in excluded and state["reason"] != REASON:
        return FLAGGED
    if is_partial(notice["notices"]) and checked_in is not None and checked_in >= notice["since_run"]:
        return FLAGGED
    return EXCLUDED


def _with_siblings(rows, reports, standing):
    """The rows, and one for each other included report of a study that is out."""
    seen = {}
    for row in rows:
        if row["effect"] == EXCLUDED and row["study_id"] is not None:
            seen[row["study_id"]] = min(row["since_run"], seen.get(row["study_id"], row["since_run"]))
    rows = [dict(row) for row in rows]
    by_key = {(row["record_id"], row["study_id"]): row for row in rows}
    for report in reports[reports["study_id"].isin(set(seen))].itertuples():
        key = (report.record_id, report.study_id)
        if standing[report.record_id]["status"] != ledger.INCLUDED:
            continue
        if key in by_key:
            by_key[key]["effect"] = EXCLUDED
            continue
        since = max(report.run, seen[report.study_id])
        sibling = {"kind": SIBLING, "effect": EXCLUDED, "notices": "", "since_run": since}
        rows.append(dict(zip(("record_id", "study_id"), key, strict=True)) | sibling)
    return rows
