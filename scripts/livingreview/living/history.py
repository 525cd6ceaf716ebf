"""What happened in every run of the review, one row each: also in those that found nothing.

All counts follow from state: snapshots, people's tables up to the run, and releases. A run is told as it
stood at its end; records that have been merged since count under the record that is kept today.
"""

from livingreview.screening.decisions import (
    AWAITING,
    EXCLUDED_FULL_TEXT,
    EXCLUDED_TITLE_ABSTRACT,
    INCLUDED,
    TO_ASSESS,
    UNSCREENED,
    months_between,
    said_by,
    statuses,
)
from livingreview.search.records import PUBMED

WAITING = (UNSCREENED, TO_ASSESS, AWAITING)


def runs(records, *, decisions, reports, outcomes, notices, events, provenances, releases, stages):
    """Each run up to this one.

    Parameters
    ----------
    records, notices, events : DataFrame
        Results of this run.
    decisions, reports : DataFrame
        People's tables under the records that are kept.
    outcomes : DataFrame
        data/trials/outcomes.csv, all revisions.
    provenances : list of dict
        Of the snapshots up to this run: run, searched_at, count, base_url, query_changed.
    releases : list of dict
        The review's own releases: version, run, frozen_on, note.
    stages : list of str
        The protocol's stages.

    Returns
    -------
    list of dict
        Newest first: run, searched_at, sandbox, n_matched, n_new (of PubMed), n_new_other, query_changed;
        n_decided (records), n_included, n_excluded; n_reports_linked, n_studies_extracted, n_corrected
        (rows of outcomes with a later revision); n_retracted and n_restored (reports of studies);
        n_waiting, n_awaiting and oldest_waiting_months at its end; releases (of this run: version, frozen_on,
        note).
    """
    ordered = sorted(provenances, key=lambda row: row["run"])
    kept = records[records["duplicate_of"].isna()]
    of_run = _Standing(kept, decisions, stages)
    rows = []
    last = ""
    for provenance in ordered:
        run = provenance["run"]
        between = (last, run)
        standing, decided = of_run.advance(run)
        rows.append(
            {
                "run": run,
                "searched_at": provenance["searched_at"],
                "sandbox": provenance["base_url"] == "sandbox",
                "n_matched": provenance["count"],
                "query_changed": bool(provenance.get("query_changed")) and bool(last),
                **_found(kept, between),
                "n_decided": len(decided),
                "n_included": sum(standing[one] == INCLUDED for one in decided),
                "n_excluded": sum(
                    standing[one] in (EXCLUDED_TITLE_ABSTRACT, EXCLUDED_FULL_TEXT) for one in decided
                ),
                **_extracted(reports, outcomes, between),
                **_retracted(notices, events, _reports_of_studies(reports, standing, run), between),
                **of_run.waiting(run),
                "releases": [
                    {key: release.get(key) for key in ("version", "frozen_on", "note")}
                    for release in releases
                    if last < release["run"] <= run
                ],
            }
        )
        last = run
    return rows[::-1]


class _Standing:
    """Where records stand, run by run; only those that were decided on in a run are looked at again."""

    def __init__(self, kept, decisions, stages):
        self.kept, self.decisions, self.stages = kept, decisions, stages
        self.first = dict(zip(kept["record_id"], kept["first_run"], strict=True))
        self.standing = {}
        self.last = ""

    def advance(self, run):
        """The standing of all records decided on so far, and the records that this run decided on."""
        rows = self.decisions[(self.decisions["run"] > self.last) & (self.decisions["run"] <= run)]
        touched = [one for one in dict.fromkeys(rows["record_id"]) if one in self.first]
        told = statuses(
            touched,
            self.decisions[self.decisions["record_id"].isin(set(touched))],
            run=run,
            stages=self.stages,
        )
        self.standing |= {row.record_id: row.status for row in told.itertuples()}
        counted = said_by(self.decisions, run)
        decided = set(counted.loc[counted["run"] > self.last, "record_id"])
        self.last = run
        return self.standing, [one for one in touched if one in decided]

    def waiting(self, run):
        """What waits at the end of a run, and how old the oldest is, in months."""
        known = [one for one, first in self.first.items() if first <= run]
        waiting = [one for one in known if self.standing.get(one, UNSCREENED) in WAITING]
        oldest = min((self.first[one] for one in waiting), default=None)
        return {
            "n_waiting": len(waiting),
            "n_awaiting": sum(self.standing.get(one) == AWAITING for one in waiting),
            "oldest_waiting_months": None if oldest is None else months_between(oldest, run),
        }


def _within(frame, between, column="run"):
    return frame[(frame[column] > between[0]) & (frame[column] <= between[1])]


def _found(kept, between):
    rows = _within(kept, between, "first_run")
    from_pubmed = int((rows["source"] == PUBMED).sum())
    return {"n_new": from_pubmed, "n_new_other": len(rows) - from_pubmed}


def _extracted(reports, outcomes, between):
    first = outcomes.groupby("study_id", as_index=False)["run"].min()
    return {
        "n_reports_linked": int(_within(reports, between)["record_id"].nunique()),
        "n_studies_extracted": len(_within(first, between)),
        "n_corrected": int((_within(outcomes, between)["revision"] > 1).sum()),
    }


def _reports_of_studies(reports, standing, run):
    """The records that a study carried, or that were included, at a run."""
    included = {record_id for record_id, status in standing.items() if status == INCLUDED}
    return included | set(reports.loc[reports["run"] <= run, "record_id"])


def _retracted(notices, events, of_studies, between):
    """Reports of studies that were retracted, or put back, in a run; those put back later count too."""
    happened = _within(events, between)
    happened = happened[happened["pmid"].isin(of_studies)]
    seen = _within(notices[notices["kind"] == "retracted"], between, "since_run")
    retracted = set(seen["record_id"]) | set(happened.loc[happened["event"] == "retraction", "pmid"])
    return {
        "n_retracted": len(retracted),
        "n_restored": int(happened.loc[happened["event"] == "retraction removed", "pmid"].nunique()),
    }


def corrected(outcomes, told):
    """The studies of which rows were corrected after the run before the newest, up to that one, sorted.

    Parameters
    ----------
    outcomes : DataFrame
        data/trials/outcomes.csv.
    told : list of dict
        From `runs`, newest first.
    """
    last = told[1]["run"] if len(told) > 1 else ""
    rows = outcomes[(outcomes["run"] > last) & (outcomes["run"] <= told[0]["run"])]
    return sorted(set(rows.loc[rows["revision"] > 1, "study_id"]))
