"""Random histories of living reviews: does the ledger keep every identity, and is every broken one caught?

A history is some months of a made-up review, drawn at random: records arrive from several sources, some of
them turn out to be duplicates at once and some a person calls the same later, people decide, alone or two by
two, correct themselves, wait for information, cannot get a report, trials are linked, notices of retraction
come, and in between versions are released. Each release is frozen from the tables as they stood in its month.
Then the last month is built from all of them, as the workflow builds it.

Measured, per history:

- kept: every identity of the flow holds, in every version and over all versions;
- replayed: the ledger of the last month says of each release's month what a ledger made then said, row by
  row, and nothing that the release froze is restated (unless a decision was filed for a past month after its
  release; then, and only then, the difference must be listed);
- caught: each identity broken on purpose is refused. Every number of the flow is raised by one, one at a
  time, and the ledger is damaged in each of the ways of `DAMAGES`, one at a time.

Then, from `attributed_versions.py`: made-up versions of a pool, whose moves are to be taken apart exactly by
cause.

    python benchmarks/histories.py --seed 1 [--histories 1000]

Prints a table, and last one line of JSON. No network, no files.
"""

import argparse
import copy
import json
import sys
from pathlib import Path

import numpy as np
import pandas as pd

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "scripts"))
sys.path.insert(0, str(Path(__file__).resolve().parent))

from attributed_versions import attribution_histories

from livingreview.errors import ReviewError
from livingreview.living import flow, ledger
from livingreview.screening import decisions
from livingreview.trials import notices as editorial
from livingreview.trials.inclusion import awaiting_extraction, included_studies

STAGES = [decisions.TITLE_ABSTRACT, decisions.FULL_TEXT]
CODES = ["not_rct", "review", "not_internet"]
DATABASES = {"PubMed", "Embase"}
STATED = ["kind", "id", "state", "reason", "stream", "sources", "study_id", "since_run"]
# States that only a ledger with an earlier version can hold.
OF_THE_PAST = (*ledger.GONE, ledger.REMOVED)


class History:
    """The tables of a review, month by month, and what was released in between.

    Attributes
    ----------
    runs : list of str
    records, decisions, reports, pairs, notices : list of dict
        Rows as the workflow's tables hold them; of a record also ``merged``, the run since which it is a
        duplicate.
    releases : list of dict
        version, run, and ``frozen`` as ``flow.count`` takes it.
    filed_late : str or None
        The record on which a decision was filed for a month whose version was out.
    """

    def __init__(self, rng):
        self.rng = rng
        self.runs = [f"{2020 + n // 12}-{n % 12 + 1:02d}" for n in range(rng.integers(2, 8))]
        self.records, self.decisions, self.reports, self.pairs, self.notices = [], [], [], [], []
        self.releases = []
        self.filed_late = None
        for run in self.runs:
            self._arrive(run)
            self._merge(run)
            self._decide(run)
            self._link(run)
            self._retract(run)
            if run != self.runs[-1] and rng.random() < 0.6:
                self._release(run)
                if rng.random() < 0.2:  # a release that corrects the report, of the same run
                    self._release(run)
        if self.releases and rng.random() < 0.3:
            self._file_late()

    def _arrive(self, run):
        for _ in range(self.rng.integers(0, 13)):
            number = 1000 + len(self.records)
            from_pubmed = self.rng.random() < 0.7
            others = list(self.rng.permutation(["Embase", "Example", "A colleague"])[: self.rng.integers(3)])
            self.records.append(
                {
                    "record_id": str(number) if from_pubmed else f"other:r{number}",
                    "first_run": run,
                    "found_in": "; ".join(["PubMed", *others] if from_pubmed else others or ["Example"]),
                    "duplicate_of": None,
                    "merged": "",
                }
            )

    def _merge(self, run):
        """New records that a rule takes for known ones, and old ones that a person calls the same."""
        into = {row["duplicate_of"] for row in self.records}
        for row in self.records:
            new = row["first_run"] == run
            if row["duplicate_of"] or row["record_id"] in into or self.rng.random() > (0.1 if new else 0.02):
                continue
            kept = [one for one in self.records if not one["duplicate_of"] and one is not row]
            if not kept:
                continue
            other = kept[self.rng.integers(len(kept))]
            into.add(other["record_id"])
            row["duplicate_of"], row["merged"] = other["record_id"], run
            if not new and other["first_run"] != run:  # otherwise a rule sees it when the second one arrives
                pair = {"record_a": row["record_id"], "record_b": other["record_id"]}
                self.pairs.append(pair | {"verdict": "same", "run": run})

    def _decide(self, run):
        held = decisions.in_force(self._decisions(), run)
        for row in self.records:
            if row["duplicate_of"] or self.rng.random() > 0.6:
                continue
            said = held.get(row["record_id"], {})
            again = self.rng.random() < 0.1  # a correction of the first stage
            passed = said.get(decisions.TITLE_ABSTRACT) == "include" and not again
            stage = decisions.FULL_TEXT if passed else decisions.TITLE_ABSTRACT
            if said.get(stage, "awaiting") != "awaiting" and self.rng.random() < 0.8:
                continue
            self._say(row["record_id"], run, stage)

    def _say(self, record_id, run, stage):
        decision = str(self.rng.choice(["include", "include", "exclude", "awaiting"]))
        reason = None
        if stage == decisions.FULL_TEXT and decision != "include":
            reason = str(self.rng.choice([*CODES, decisions.NOT_RETRIEVED]))
        alone = self.rng.random() < 0.7
        for reviewer in ["EX"] if alone else ["EX", "EY"][: self.rng.integers(1, 3)]:
            self.decisions.append(
                {
                    "record_id": record_id,
                    "run": run,
                    "stage": stage,
                    "decision": decision,
                    "reason": reason,
                    "role": None if alone else decisions.INDEPENDENT,
                    "reviewer": reviewer,
                    "note": None,
                }
            )

    def _decisions(self):
        columns = ["record_id", "run", "stage", "decision", "reason", "role", "reviewer", "note"]
        return pd.DataFrame(self.decisions, columns=columns, dtype=object)

    def _included(self, run):
        known, under, _ = self._under(run)
        state = decisions.statuses(known["records"]["record_id"], under, run=run, stages=STAGES)
        return set(state.loc[state["status"] == decisions.INCLUDED, "record_id"])

    def _link(self, run):
        linked = {row["record_id"] for row in self.reports}
        for record_id in sorted(self._included(run) - linked):
            if self.rng.random() < 0.75:
                for study in {f"study_{self.rng.integers(30)}" for _ in range(1 + (self.rng.random() < 0.1))}:
                    self.reports.append({"record_id": record_id, "study_id": study, "run": run})

    def _retract(self, run):
        noticed = {row["record_id"] for row in self.notices}
        duplicates = {row["record_id"] for row in self.records if row["duplicate_of"]}
        carried = {row["record_id"] for row in self.reports} - noticed - duplicates
        for record_id in sorted(carried):
            if self.rng.random() < 0.04:
                effect = editorial.EXCLUDED if self.rng.random() < 0.7 else editorial.FLAGGED
                about = {"record_id": record_id, "kind": editorial.RETRACTED, "effect": effect, "notices": ""}
                studies = [row["study_id"] for row in self.reports if row["record_id"] == record_id]
                self.notices += [about | {"study_id": one, "since_run": run} for one in studies]

    def _release(self, run):
        version = f"20.{len(self.releases)}.0"
        versions = self.versions(run)
        versions[-1] = {"version": version, "run": run}
        built = self.build(run, versions)
        counted = self.count(run, built, versions)
        self.releases.append(
            {
                "version": version,
                "run": run,
                "kind": "release",
                "frozen": {"included": self.included(run), "flow": counted},
                "stated": stated(ledger.at(built, versions)),
            }
        )

    def _file_late(self):
        """A decision for a month whose version is out, on a record on which people had not decided."""
        run = self.releases[-1]["run"]
        decided = {row["record_id"] for row in self.decisions}
        for row in self.records:
            if row["first_run"] <= run and not row["duplicate_of"] and row["record_id"] not in decided:
                self._say(row["record_id"], run, decisions.TITLE_ABSTRACT)
                self.filed_late = row["record_id"]
                return

    def tables(self, run):
        """The tables as they stood in a month."""
        columns = ["record_id", "first_run", "found_in", "duplicate_of"]
        known = [row for row in self.records if row["first_run"] <= run]
        known = [
            row | {"duplicate_of": row["duplicate_of"] if row["merged"] <= run else None} for row in known
        ]
        parts = {"reports": ["record_id", "study_id", "run"]}
        parts |= {"pairs": ["record_a", "record_b", "verdict", "run"]}
        found = {
            name: pd.DataFrame(getattr(self, name), columns=names, dtype=object)
            for name, names in parts.items()
        }
        found = {name: frame[frame["run"] <= run] for name, frame in found.items()}
        held = self._decisions()
        notices = pd.DataFrame(self.notices, columns=list(editorial.COLUMNS), dtype=object)
        return found | {
            "records": pd.DataFrame(known, columns=columns, dtype=object),
            "screening": held[held["run"] <= run],
            "notices": notices[notices["since_run"] <= run],
        }

    def versions(self, run):
        """The versions up to a month, which has no release yet."""
        return ledger.versions(self.releases, run)

    def build(self, run, versions):
        """The ledger as built in a month."""
        known = self.tables(run)
        return ledger.build(
            known["records"],
            known["screening"],
            known["reports"],
            versions=versions,
            stages=STAGES,
            databases=DATABASES,
            pairs=known["pairs"],
            notices=known["notices"],
        )

    def included(self, run):
        """The table of included studies as linked in a month, by the workflow's other road."""
        known, under, kept = self._under(run)
        studies = known["reports"].drop_duplicates("study_id")[["study_id", "run"]].assign(revision=1)
        reports = decisions.under_kept(known["reports"], kept)
        found = included_studies(studies, reports, under, run=run, stages=STAGES, known=None)
        return found[~found["study_id"].isin(editorial.excluded_studies(known["notices"]))]

    def waiting(self, run):
        """The records for which sheets are made in a month, by the workflow's other road."""
        known, under, kept = self._under(run)
        ids = [one for one in known["records"]["record_id"] if one not in kept]
        reports = decisions.under_kept(known["reports"], kept)
        found = awaiting_extraction(ids, reports, under, run=run, stages=STAGES)
        return set(found) - editorial.excluded_records(known["notices"])

    def _under(self, run):
        """Tables of a month, its decisions under the records that are kept, and these."""
        known = self.tables(run)
        kept = decisions.kept_ids(known["records"])
        return known, decisions.under_kept(known["screening"], kept, run=run), kept

    def expected(self, run):
        """What the other tables of a month count, as ``flow.count`` takes it."""
        return {
            "known": len(self.tables(run)["records"]),
            "included": self.included(run),
            "waiting": self.waiting(run),
        }

    def count(self, run, built, versions):
        """The flow as counted in a month."""
        frozen = {one["version"]: one["frozen"] for one in self.releases if one["run"] < run}
        return flow.count(built, versions=versions, codes=CODES, frozen=frozen, **self.expected(run))


def stated(held):
    """What a ledger says at one version, as a set of rows; without what only a past can have left there."""
    held = held[~held["state"].isin(OF_THE_PAST)]
    return set(
        held[STATED].astype(object).where(held[STATED].notna(), None).itertuples(index=False, name=None)
    )


def replayed(history, built, versions, counted):
    """Whether the ledger says of each release's month what was said then; a list of versions that differ."""
    wrong = []
    for one in history.releases:
        now = stated(ledger.at(built, versions, one["version"]))
        differs = now != one["stated"]
        listed = [row for row in counted["restated"] if row["version"] == one["version"]]
        if history.filed_late is None and (differs or listed):
            wrong.append(f"version {one['version']} is told otherwise than it was")
        # Filed late, a decision that only says again what held by a duplicate's moves a date and no number.
        restated = {row[:-1] for row in now} != {row[:-1] for row in one["stated"]}
        if history.filed_late is not None and restated != bool(listed):
            wrong.append(f"version {one['version']}: a decision filed late is not listed, or listed in vain")
    return wrong


def _numbers(flow_part, path=()):
    """Paths to every number of a flow that an identity guards."""
    if isinstance(flow_part, dict):
        for key in flow_part:
            if key not in ("checks", "restated"):
                yield from _numbers(flow_part[key], (*path, key))
    elif isinstance(flow_part, list):
        for number, one in enumerate(flow_part):
            yield from _numbers(one, (*path, number))
    elif isinstance(flow_part, int):
        yield path


def broken_numbers(counted):
    """Raise every number of a flow by one, one at a time.

    Returns
    -------
    n : int
        How many there are.
    missed : list of str
        Those that no identity notices.
    """
    paths = list(_numbers(counted))
    missed = []
    for path in paths:
        wrong = copy.copy(counted)
        part = wrong
        for key in path[:-1]:
            part[key] = copy.copy(part[key])
            part = part[key]
        part[path[-1]] += 1
        if all(one["left"] == one["right"] for one in flow.checks(wrong)):
            missed.append(".".join(map(str, path)))
    return len(paths), missed


def _changed(built, index, **cells):
    wrong = built.copy()
    for column, value in cells.items():
        wrong.loc[index, column] = value
    return wrong


def _in_state(built, versions, kind, states):
    """Index of the rows of the last version that are in some states."""
    held = ledger.at(built, versions)
    return held.index[(held["kind"] == kind) & held["state"].isin(states)]


def _other_state(built, index, **cells):
    """A row moved into another state of its kind."""
    kind, state = built.loc[index, "kind"], built.loc[index, "state"]
    others = [one for one in ledger.STATES[kind] if one not in (state, *OF_THE_PAST)]
    return _changed(built, index, state=others[0], **cells)


# What may go wrong in a ledger: (kind, states of the row that is damaged, the damage).
DAMAGES = {
    "a row twice": (ledger.RECORD, ledger.STATES[ledger.RECORD], lambda b, i: pd.concat([b, b.loc[[i]]])),
    "a record lost": (ledger.RECORD, ledger.STATES[ledger.RECORD], lambda b, i: b[b["id"] != b.loc[i, "id"]]),
    "a report lost": (ledger.REPORT, [ledger.INCLUDED], lambda b, i: b.drop(i)),
    "a study lost": (ledger.STUDY, [ledger.INCLUDED], lambda b, i: b.drop(i)),
    "a record made up": (
        ledger.RECORD,
        ledger.STATES[ledger.RECORD],
        lambda b, i: pd.concat([b, _changed(b.loc[[i]], i, id="9")], ignore_index=True),
    ),
    "an unknown state": (ledger.RECORD, [ledger.UNSCREENED], lambda b, i: _changed(b, i, state="lost")),
    "an unknown version": (ledger.RECORD, [ledger.UNSCREENED], lambda b, i: _changed(b, i, version="9.9.9")),
    "a wrong run": (ledger.RECORD, [ledger.UNSCREENED], lambda b, i: _changed(b, i, run="1999-01")),
    "no stream": (ledger.RECORD, [ledger.UNSCREENED], lambda b, i: _changed(b, i, stream=None)),
    "no source": (ledger.RECORD, [ledger.UNSCREENED], lambda b, i: _changed(b, i, sources=0)),
    "an exclusion without its reason": (
        ledger.REPORT,
        [ledger.EXCLUDED_FULL_TEXT],
        lambda b, i: _changed(b, i, reason=None),
    ),
    "an exclusion for a reason of no protocol": (
        ledger.REPORT,
        [ledger.EXCLUDED_FULL_TEXT],
        lambda b, i: _changed(b, i, reason="boring"),
    ),
    "a duplicate of nothing": (
        ledger.RECORD,
        [ledger.DUPLICATE],
        lambda b, i: _changed(b, i, reason="other:nothing"),
    ),
    "a sought record taken back": (
        ledger.RECORD,
        [ledger.SOUGHT],
        lambda b, i: _changed(b, i, state=ledger.EXCLUDED_TITLE_ABSTRACT),
    ),
    "an included report in another state": (ledger.REPORT, [ledger.INCLUDED], _other_state),
    "an included study taken out": (
        ledger.STUDY,
        [ledger.INCLUDED],
        lambda b, i: _changed(b, i, state=ledger.REMOVED),
    ),
    "a report under another study": (
        ledger.REPORT,
        [ledger.INCLUDED],
        lambda b, i: _changed(b, i, study_id="study_nobody_knows"),
    ),
    "a state told twice": (
        ledger.RECORD,
        [ledger.UNSCREENED],
        None,  # needs two versions: made in `damaged`
    ),
}


def damaged(history, built, versions, rng):
    """Damage the ledger in every way, one at a time.

    Returns
    -------
    tried : dict
        Damage -> whether it was caught; without those for which the history has no row.
    """
    tried, expected = {}, history.expected(history.runs[-1])
    for name, (kind, states, damage) in DAMAGES.items():
        rows = _in_state(built, versions, kind, states)
        if not len(rows) or (damage is None and len(versions) < 2):
            continue
        index = rows[rng.integers(len(rows))]
        wrong = _told_twice(built, versions) if damage is None else damage(built, index)
        if wrong is None:
            continue
        try:
            flow.count(wrong, versions=versions, codes=CODES, **expected)
        except ReviewError:
            tried[name] = True
        else:
            tried[name] = False
    return tried


def _told_twice(built, versions):
    """The first row that no later version changed, told again by the last version; None without one."""
    last = versions[-1]
    held = ledger.at(built, versions)
    old = held[held["version"] != last["version"]]
    if old.empty:
        return None
    index = old.index[0]
    again = built.loc[[index]].assign(version=last["version"], run=last["run"])
    return pd.concat([built.loc[:index], again, built.loc[index:][1:]], ignore_index=True)


def measure(seed, number):
    """One history: its size, what does not hold, and what broken identities went unseen.

    Returns
    -------
    dict
        ``records``, ``versions``, ``identities`` (how many were checked), ``failures``, ``numbers`` (raised
        by one), ``missed`` (of these and of the damages), ``damages`` (name -> caught).
    """
    rng = np.random.default_rng([seed, number])
    found = {"records": 0, "versions": 0, "identities": 0, "failures": [], "numbers": 0}
    found |= {"missed": [], "damages": {}}
    try:
        history = History(rng)
        run = history.runs[-1]
        versions = history.versions(run)
        built = history.build(run, versions)
        counted = history.count(run, built, versions)
    except ReviewError as error:
        return found | {"failures": [f"history {number}: {error}"]}
    found |= {"records": len(history.records), "versions": len(versions)}
    found["identities"] = len(counted["checks"])
    found["failures"] = [f"history {number}: {one}" for one in replayed(history, built, versions, counted)]
    found["numbers"], found["missed"] = broken_numbers(counted)
    found["damages"] = damaged(history, built, versions, rng)
    found["missed"] += [name for name, caught in found["damages"].items() if not caught]
    return found


def main(argv=None):
    """Command line; returns the exit status: 0 if every identity holds and every broken one is caught."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--histories", type=int, default=1000)
    args = parser.parse_args(argv)
    found = [measure(args.seed, number) for number in range(args.histories)]
    damages = {name: [one["damages"][name] for one in found if name in one["damages"]] for name in DAMAGES}
    summary = {
        "histories": len(found),
        "records": sum(one["records"] for one in found),
        "versions": sum(one["versions"] for one in found),
        "identities_checked": sum(one["identities"] for one in found),
        "histories_that_fail": sum(bool(one["failures"]) for one in found),
        "numbers_broken": sum(one["numbers"] for one in found),
        "damages_done": sum(map(len, damages.values())),
        "broken_and_not_caught": sum(len(one["missed"]) for one in found),
    }
    print(f"{'what':<45}{'number':>12}")
    for name, value in summary.items():
        print(f"{name.replace('_', ' '):<45}{value:>12,}")
    print(f"\n{'damage to the ledger':<45}{'done':>12}{'caught':>12}")
    for name, caught in damages.items():
        print(f"{name:<45}{len(caught):>12,}{sum(caught):>12,}")
    for line in [line for one in found for line in one["failures"]][:20]:
        print(line)
    for name in sorted({name for one in found for name in one["missed"]})[:20]:
        print(f"not caught: {name}")
    never = [name for name, caught in damages.items() if not caught]
    table, attributed = attribution_histories(args.seed)
    print(f"\n{pd.DataFrame(table).to_string(index=False)}")
    print(json.dumps({"seed": args.seed, "ledger": summary | {"damages_never_done": never}} | attributed))
    kept = not (summary["histories_that_fail"] or summary["broken_and_not_caught"] or never)
    return 0 if kept and attributed["attribution_all_exact"] else 1


if __name__ == "__main__":
    sys.exit(main())
