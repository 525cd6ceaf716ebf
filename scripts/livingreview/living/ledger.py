"""The ledger: the state of every record, report and study in every version; all flows are counted from it.

A version is a frozen release of this review, or the run that is built. The states at a version are what
people had decided by its run, of the records that were known and merged by then. A *record* is a citation; it
becomes a *report* once it is sought in full text; a *study* is here from the version that first includes it.

The table is in long form and grows only with what is new: a row stands where a state differs from the version
before. `at` gives the state at any version.
"""

from collections import Counter
from typing import NamedTuple

import pandas as pd

from livingreview.errors import ReviewError
from livingreview.living.versions import known_before, own
from livingreview.screening import decisions
from livingreview.trials.notices import COLUMNS as OF_NOTICES
from livingreview.trials.notices import EXCLUDED, REASON, SIBLING

COLUMNS = [
    "kind",
    "id",
    "version",
    "run",
    "state",
    "reason",
    "stream",
    "sources",
    "study_id",
    "since_run",
]


class Row(NamedTuple):
    """A row of the ledger; an empty cell is None."""

    kind: str
    id: str
    version: str
    run: str
    state: str
    reason: str | None
    stream: str | None
    sources: int
    study_id: str | None
    since_run: str | None


RECORD, REPORT, STUDY = "record", "report", "study"
KINDS = (RECORD, REPORT, STUDY)
DATABASES, OTHER = "databases", "other"
STREAMS = (DATABASES, OTHER)

# States of a record. One of which the report is sought has its fate under the kind report.
DUPLICATE = "duplicate"
UNSCREENED = decisions.UNSCREENED
EXCLUDED_TITLE_ABSTRACT = decisions.EXCLUDED_TITLE_ABSTRACT
SOUGHT = "report sought"

# States of a report.
NOT_RETRIEVED = "report not retrieved"
TO_ASSESS = decisions.TO_ASSESS
AWAITING = decisions.AWAITING
EXCLUDED_FULL_TEXT = decisions.EXCLUDED_FULL_TEXT
INCLUDED = decisions.INCLUDED
MERGED = "merged into another report"  # its record turned out to be a duplicate
NOT_SOUGHT = "no longer sought"  # people took its record back to title and abstract

# States of a study besides INCLUDED.
REMOVED = "no longer included"

GONE = (MERGED, NOT_SOUGHT)  # reports that are none any more
STATES = {
    RECORD: (DUPLICATE, UNSCREENED, EXCLUDED_TITLE_ABSTRACT, SOUGHT),
    REPORT: (NOT_RETRIEVED, TO_ASSESS, AWAITING, EXCLUDED_FULL_TEXT, INCLUDED, MERGED, NOT_SOUGHT),
    STUDY: (INCLUDED, REMOVED),
}
RETRACTED = REASON  # the reason of a report that a notice of retraction takes out


def versions(releases, run):
    """The versions up to a run, oldest first; the last one is the run itself, under its own name.

    Parameters
    ----------
    releases : list of dict
        From ``releases.read``. Others' published reviews, and releases of this run or a later one, are no
        versions before it.
    run : str
        A month YYYY-MM.

    Returns
    -------
    list of dict
        ``version`` and ``run``.
    """
    # `releases` come by version; a sort by run that keeps this order agrees with ``versions.last_before``.
    earlier = sorted(own(known_before(releases, run)), key=lambda one: one["run"])
    return [
        *({"version": one["version"], "run": one["run"]} for one in earlier),
        {"version": run, "run": run},
    ]


def build(records, screening, reports, *, versions, stages, databases, pairs=None, notices=None):
    """The ledger of all versions.

    Parameters
    ----------
    records : DataFrame
        The corpus at the last version's run: record_id, first_run, found_in, duplicate_of.
    screening, reports : DataFrame
        data/decisions/screening.csv and data/trials/reports.csv, as people wrote them.
    versions : list of dict
        From `versions`.
    stages : list of str
        The protocol's stages.
    databases : collection of str
        Of the names in `found_in`, those of databases that were searched; any other came by other ways.
    pairs : DataFrame, optional
        People's verdicts on pairs of records: two that a person called the same were two until then.
    notices : DataFrame, optional
        Notices on the reports of studies (``trials.notices.find``).

    Returns
    -------
    DataFrame
        `COLUMNS`, sorted by kind, id and version. ``reason`` is the coded reason of an exclusion, of a
        duplicate the record that is kept; ``sources`` counts the sources that hold a record (0 of a report or
        a study); ``study_id`` the studies of a report, semicolons between; ``since_run`` the run since which
        it stands there. Which sources hold a record is known as of the last version only.
    """
    merged = _merged_since(records, pairs)
    about = _about(records, databases)
    if notices is None:
        notices = pd.DataFrame(columns=list(OF_NOTICES), dtype=object)
    rows, before, done = [], {}, ""
    for version in versions:
        states = _states(
            about,
            _Known(screening, reports, notices, merged, run=version["run"], since=done),
            before,
            run=version["run"],
            stages=stages,
        )
        for key, told in states.items():
            # A new since_run alone makes no other state.
            if key not in before or before[key][:-1] != told[:-1]:
                rows.append((*key, version["version"], version["run"], *told))
                before[key] = told
        done = version["run"]
    order = {one["version"]: number for number, one in enumerate(versions)}
    rows.sort(key=lambda row: (KINDS.index(row[0]), row[1], order[row[2]]))
    return pd.DataFrame(rows, columns=COLUMNS, dtype=object).astype({"sources": int})


def _merged_since(records, pairs):
    """Of each duplicate, (the record that is kept, the run since which both are one): a dict."""
    first = dict(zip(records["record_id"], records["first_run"], strict=True))
    said = {}
    if pairs is not None:
        for row in pairs.drop_duplicates(["record_a", "record_b"], keep="last").itertuples():
            if row.verdict == "same":
                for one in (row.record_a, row.record_b):
                    said[one] = min(said.get(one, row.run), row.run)
    kept = decisions.kept_ids(records)
    return {
        one: (into, max(first[one], first.get(into, ""), said.get(one, ""))) for one, into in kept.items()
    }


def _about(records, databases):
    """Of each record: first_run, stream and number of sources."""
    found = [names.split("; ") for names in records["found_in"]]
    return {
        record_id: (first, OTHER if set(names).isdisjoint(databases) else DATABASES, len(names))
        for record_id, first, names in zip(records["record_id"], records["first_run"], found, strict=True)
    }


class _Known:
    """What was known by a run: decisions and links under the records kept then, and what that touches."""

    def __init__(self, screening, reports, notices, merged, *, run, since):
        self.kept = {one: into for one, (into, when) in merged.items() if when <= run}
        self.merged = {one: merged[one][1] for one in self.kept}
        self.decisions = decisions.under_kept(screening[screening["run"] <= run], self.kept, run=run)
        links = decisions.under_kept(reports[reports["run"] <= run], self.kept)
        self.studies = {}
        for row in links.itertuples():
            self.studies.setdefault(row.record_id, set()).add(row.study_id)
        out = notices[(notices["effect"] == EXCLUDED) & (notices["since_run"] <= run)]
        # Whichever of its reports is retracted takes a study out, and its other reports with it, each unless
        # it is a report of another study too.
        own = out[out["kind"] != SIBLING]
        self.retracted = own.groupby("record_id")["since_run"].min().to_dict()
        self.studies_out = out.dropna(subset="study_id").groupby("study_id")["since_run"].min().to_dict()
        # Whatever is not touched stands where it stood; a decision on a duplicate touches both records.
        fresh = {one for one, (_, when) in merged.items() if since < when <= run}
        fresh |= set(screening.loc[(screening["run"] > since) & (screening["run"] <= run), "record_id"])
        fresh |= set(reports.loc[(reports["run"] > since) & (reports["run"] <= run), "record_id"])
        fresh |= {one for one, when in self.retracted.items() if when > since}
        newly_out = {study for study, when in self.studies_out.items() if when > since}
        fresh |= {one for one, studies in self.studies.items() if not newly_out.isdisjoint(studies)}
        self.touched = fresh | {self.kept[one] for one in fresh if one in self.kept}

    def out_since(self, record_id):
        """The run since which a notice takes a report out, or None: its own, or that of all its studies."""
        studies = self.studies.get(record_id, set())
        when = [self.studies_out[one] for one in studies] if studies <= self.studies_out.keys() else []
        return self.retracted.get(record_id, max(when, default=None))


def _states(about, known, before, *, run, stages):
    """States that may be new at a run: (kind, id) -> state, reason, stream, sources, study_id, since_run."""
    now = [one for one, (first, _, _) in about.items() if first <= run]
    asked = [one for one in now if one in known.touched or (RECORD, one) not in before]
    decided = set(known.decisions["record_id"])
    of_decided = decisions.statuses(
        [one for one in asked if one in decided and one not in known.kept],
        known.decisions[known.decisions["record_id"].isin(asked)],
        run=run,
        stages=stages,
    )
    status = {row.record_id: row for row in of_decided.itertuples()}
    found = {}
    for one in asked:
        _, stream, sources = about[one]
        if one in known.kept:
            found |= _duplicate(one, known, stream, sources, before)
        else:
            found |= _record(one, status.get(one), known, about[one], before)
    return found | _studies(found, before, run, known.studies_out)


def _duplicate(one, known, stream, sources, before):
    into, when = known.kept[one], known.merged[one]
    found = {(RECORD, one): (DUPLICATE, into, stream, sources, None, when)}
    if (REPORT, one) in before:
        found[REPORT, one] = (MERGED, into, stream, 0, None, when)
    return found


def _record(one, status, known, about, before):
    """A record that is kept, and its report if that is sought."""
    first, stream, sources = about
    state = status.status if status is not None else UNSCREENED
    if state in (UNSCREENED, EXCLUDED_TITLE_ABSTRACT):
        reason, since = (None, first) if state == UNSCREENED else (status.reason, status.since_run)
        found = {(RECORD, one): (state, reason, stream, sources, None, since)}
        if (REPORT, one) in before:
            found[REPORT, one] = (NOT_SOUGHT, None, stream, 0, None, since)
        return found
    report, reason, since = _report(status, known.out_since(one))
    # A report that another study keeps carries only that one.
    gone = known.studies_out if report == INCLUDED else ()
    studies = "; ".join(sorted(known.studies.get(one, set()).difference(gone))) or None
    return {
        (RECORD, one): (SOUGHT, None, stream, sources, None, status.since_run),
        (REPORT, one): (report, reason, stream, 0, studies, since),
    }


def _report(status, retracted):
    """State, reason and since_run of a report that is sought."""
    if decisions.not_retrieved(status):
        return NOT_RETRIEVED, None, status.since_run
    if status.status == INCLUDED and retracted is not None:
        return EXCLUDED_FULL_TEXT, RETRACTED, max(retracted, status.since_run)
    reason = status.reason if status.status in (EXCLUDED_FULL_TEXT, AWAITING) else None
    return status.status, reason, status.since_run


def _studies(found, before, run, retracted):
    """The studies that the new states of reports touch."""
    touched = set()
    for (kind, one), told in found.items():
        if kind == REPORT:
            old = before.get((REPORT, one))
            touched |= {*_listed(told), *(_listed(old) if old else ())}
    if not touched:
        return {}
    reports = {key[1]: told for key, told in (before | found).items() if key[0] == REPORT}
    of_study = {}
    for told in reports.values():
        for study in touched.intersection(_listed(told)):
            of_study.setdefault(study, []).append(told)
    out = {}
    for study in sorted(touched):
        told = of_study.get(study, [])
        since = [one[-1] for one in told if one[0] == INCLUDED]
        if since:
            out[STUDY, study] = (INCLUDED, None, None, 0, study, min(since))
        elif (STUDY, study) in before:
            held = before[STUDY, study]
            reason = RETRACTED if study in retracted else None
            out[STUDY, study] = (REMOVED, reason, None, 0, study, run if held[0] == INCLUDED else held[-1])
    return out


def _listed(told):
    return told[4].split("; ") if told[4] else []


def at(ledger, versions, version=None):
    """The state of everything at a version.

    Parameters
    ----------
    ledger : DataFrame
        From `build`.
    versions : list of dict
        From `versions`, oldest first.
    version : str, optional
        The last one if left out.

    Returns
    -------
    DataFrame
        One row per kind and id that was known then, in the order of the ledger.

    Raises
    ------
    ReviewError
        If there is no such version.
    """
    names = [one["version"] for one in versions]
    if version is not None and version not in names:
        raise ReviewError(f"the ledger has no version {version}; it has {', '.join(names)}")
    until = names[: names.index(version) + 1] if version is not None else names
    return ledger[ledger["version"].isin(until)].drop_duplicates(["kind", "id"], keep="last")


def rows(ledger):
    """The ledger as a list of `Row`, in its order: for loops over it, many times faster than a table."""
    # Of what comes from a file, an empty cell is not equal to itself.
    cells = [
        [None if cell is None or cell != cell else cell for cell in ledger[name].tolist()]  # noqa: PLR0124
        for name in COLUMNS
    ]
    return list(map(Row, *cells))


def standing(told, versions):
    """The row at which each (kind, id) stands after some versions: a dict; of rows as from `rows`."""
    names = {one["version"] for one in versions}
    return {(row.kind, row.id): row for row in told if row.version in names}


def check(ledger, versions):
    """Stop unless every id is in exactly one known state in every version.

    Raises
    ------
    ReviewError
        Naming what is wrong, with the first ids.
    """
    told = rows(ledger)
    faults = list(_faults(told, versions).items())
    for number, one in enumerate(versions, start=1):
        faults += _unpaired(standing(told, versions[:number]), one["version"])
    shown = [f"{text}: {_first(ids)}" for text, ids in faults if ids]
    if shown:
        raise ReviewError(
            f"the ledger of records, reports and studies is broken: {'; '.join(shown)}."
            " The ledger is made from the tables under data/ and is not edited by hand: remove"
            " results/<run>/ledger.csv and build again; if this stands again, report it with that file"
        )


def _first(ids, n=5):
    ids = sorted(set(map(str, ids)))
    return ", ".join(ids[:n]) + (f" and {len(ids) - n} more" if len(ids) > n else "")


def _faults(told, versions):
    """What is wrong with single rows, as a dict of a text and the ids."""
    runs = {one["version"]: one["run"] for one in versions}
    order = {name: number for number, name in enumerate(runs)}
    times = Counter(row[:3] for row in told)
    found = {}
    for before, row in zip([None, *told], told, strict=False):
        again = before is not None and before[:2] == row[:2]
        late = again and order.get(row.version, 0) < order.get(before.version, 0)
        needs_reason = row.kind != STUDY and row.state in (DUPLICATE, EXCLUDED_FULL_TEXT)
        for text, wrong in (
            ("two states in one version", times[row[:3]] > 1),
            ("no such state", row.state not in STATES.get(row.kind, ())),
            ("no such version", row.version not in runs),
            ("not the run of its version", runs.get(row.version, row.run) != row.run),
            ("versions out of order", late and {row.version, before.version} <= runs.keys()),
            ("a state that was there before is told as new", again and _what(row) == _what(before)),
            ("no reason", needs_reason and row.reason is None),
            ("no stream", row.kind != STUDY and row.stream not in STREAMS),
            ("a record of no source", row.kind == RECORD and not (row.sources and row.sources >= 1)),
        ):
            if wrong:
                found.setdefault(text, []).append(row.id)
    return found


def _what(row):
    return row.state, row.reason, row.stream, row.sources, row.study_id


def _unpaired(held, version):
    """What lacks its counterpart: (what is wrong, ids) of reports and records, of studies and reports."""
    of_kind = {kind: [row for row in held.values() if row.kind == kind] for kind in KINDS}
    records, reports, studies = (of_kind[kind] for kind in KINDS)
    sought = {row.id for row in records if row.state == SOUGHT}
    live = {row.id for row in reports if row.state not in GONE}
    carried = {
        study
        for row in reports
        if row.state == INCLUDED and row.study_id is not None
        for study in row.study_id.split("; ")
    }
    included = {row.id for row in studies if row.state == INCLUDED}
    into = {row.reason for row in records if row.state == DUPLICATE and row.reason is not None}
    where = f" ({version})"
    return [
        (f"a report is sought and has no state{where}", sought - live),
        (f"a report that is not sought has a state{where}", live - sought),
        (f"a study is included without an included report{where}", included - carried),
        (f"a report of a study is included without its study{where}", carried - included),
        (f"a duplicate of no known record{where}", into - {row.id for row in records}),
    ]
