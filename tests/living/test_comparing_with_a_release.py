"""The three scripts that compare a run with a release, from their files to their files."""

import copy
from types import SimpleNamespace

import pandas as pd
import pytest
import yaml

import compare_methods
import compare_release
import compute_effects
import evaluate_triggers
from livingreview import tables
from livingreview.living import attribution
from livingreview.pooling import outcomes

NOTICES = "record_id,study_id,kind,effect,notices,since_run\n"
MEANS = {"mean_1": "4.0", "sd_1": "2.0", "n_1": "40", "mean_2": "5.0", "sd_2": "2.0", "n_2": "40"}


class Living:
    """A review of one outcome whose trials are typed in, with a frozen release and a later run."""

    def __init__(self, folder, config, write_example):
        self.folder, self.config, self.write = folder, config, write_example
        self.rows = []

    def path(self, name):
        return str(self.folder / name)

    def add(self, study, *, run="2020-01", revision="1", **cells):
        self.rows.append(
            {"study_id": study, "row_id": f"{study}.pain_intensity.1", "run": run, "revision": revision}
            | MEANS
            | cells
        )

    def trials(self):
        names = dict.fromkeys(row["study_id"] for row in self.rows)
        about = [{"study_id": name, "first_author": name.title(), "run": "2020-01"} for name in names]
        self.write("studies", *about, path=self.folder / "studies.csv")
        self.write("outcomes", *self.rows, path=self.folder / "outcomes.csv")

    def pool(self, run, *, without=(), notices=NOTICES):
        """Effects and estimates of a run, in its folder."""
        self.trials()
        inside = dict.fromkeys(row["study_id"] for row in self.rows if row["run"] <= run)
        kept = "".join(f"{name},1,2020-01\n" for name in inside if name not in without)
        tables.write_text(f"study_id,record_ids,since_run\n{kept}", self.path(f"{run}/included.csv"))
        tables.write_text(notices, self.path(f"{run}/notices.csv"))
        params = SimpleNamespace(run=run, **self.params())
        given, out = self.inputs(run), SimpleNamespace(effects=self.path(f"{run}/effects.csv"))
        compute_effects.main(SimpleNamespace(input=SimpleNamespace(**given), output=out, params=params))
        self.estimate(run)

    def estimate(self, run):
        """The main analysis alone; the others take long and are compared with nothing."""
        effects = tables.read_results(self.path(f"{run}/effects.csv"))
        rows = effects[effects["in_pool"]]
        result = outcomes.pool_rows(rows, **outcomes.fitting(self.config["analysis"]))
        known, unknown = outcomes.participants(rows["ni"].to_numpy(float))
        main = {"outcome": "pain_intensity", "k": result.k, "n_studies": rows["study"].nunique()}
        main |= {"n_participants": known, "n_participants_unknown_rows": unknown, "measure": "SMD"}
        main |= {name: getattr(result, name) for name in (*outcomes.STATISTICS, *outcomes.METHODS)}
        tables.write(pd.DataFrame([main]), self.path(f"{run}/estimates.csv"))
        level = self.config["analysis"]["level"]
        tables.write_json({"level": level}, self.path(f"{run}/estimates.json"))

    def params(self):
        names = ("analysis", "subgroups", "interpretation")
        return {name: self.config[name] for name in names} | {
            "outcomes": {"pain_intensity": self.config["outcomes"]["pain_intensity"]}
        }

    def inputs(self, run):
        names = ("included", "notices", "effects", "estimates")
        return {name: self.path(f"{run}/{name}.csv") for name in names} | {
            "studies": self.path("studies.csv"),
            "outcomes": self.path("outcomes.csv"),
            "releases": [str(path) for path in self.folder.glob("releases/*/release.json")],
            "reasons": [str(path) for path in self.folder.glob("reasons.csv")],
            "changes": self.path(f"{run}/changes.json"),
            "certainty": self.path("certainty.json"),
        }

    def freeze(self, run, *, config=None, **about):
        """A release of what the run's folder holds."""
        release = self.folder / "releases/20.0.0"
        for name in ("effects.csv", "estimates.csv", "estimates.json", "included.csv"):
            tables.write_bytes((self.folder / run / name).read_bytes(), release / name)
        if config:
            tables.write_text(yaml.safe_dump(config), release / "config.yaml")
        about = {"version": "20.0.0", "kind": "release", "run": run, "frozen_on": "2020-01-15"} | about
        tables.write_json(about | {"note": "x"}, release / "release.json")

    def compare(self, script, run, name, **params):
        out = SimpleNamespace(
            changes=self.path(f"{run}/{name}.json"),
            triggers=self.path(f"{run}/{name}.json"),
            wanted=self.path(f"{run}/methods_reasons.csv"),
        )
        params = SimpleNamespace(run=run, **self.params() | params)
        script.main(SimpleNamespace(input=SimpleNamespace(**self.inputs(run)), output=out, params=params))
        return tables.read_json(self.folder / run / f"{name}.json")

    def changes(self, run="2020-02"):
        return self.compare(compare_release, run, "changes")["outcomes"]["pain_intensity"]


@pytest.fixture
def living(tmp_path, shipped, write_example):
    review = Living(tmp_path, shipped, write_example)
    for study, mean in (("a", "3.2"), ("b", "4.6"), ("c", "4.1"), ("d", "3.6")):
        review.add(study, mean_1=mean)
    return review


def check_adds_up(found):
    parts = sum(part["estimate"] for part in found["shapley"]) + found["software"]["estimate"]
    assert parts == pytest.approx(found["total"]["estimate"], abs=1e-9)
    assert found["after"]["estimate"] - found["before"]["estimate"] == pytest.approx(parts, abs=1e-9)


def causes(found):
    return [part["cause"] for part in found["causes"]]


def test_an_addition_a_correction_a_withdrawal_and_a_retraction_are_told_apart_from_files(living):
    living.pool("2020-01")
    living.freeze("2020-01", config=living.config)
    living.add("new", run="2020-02", mean_1="3.0")
    living.add("a", run="2020-02", revision="2", mean_1="4.4", revision_reason="misread")
    retracted = NOTICES + "9,d,retracted,excluded,RetractionIn:900,2020-02\n"
    living.pool("2020-02", without=("b", "d"), notices=retracted)
    found = living.changes()
    assert causes(found) == ["added", "set_aside", "retracted", "corrected"]
    assert [part["trials"][0]["study"] for part in found["causes"]] == ["new", "b", "d", "a"]
    assert abs(found["software"]["estimate"]) < 1e-8
    assert found["participants_added"] == {"known": 80, "unknown_rows": 0}
    check_adds_up(found)


def test_the_frozen_protocol_is_the_method_then(living):
    then = copy.deepcopy(living.config)
    then["analysis"]["method_tau2"] = "DL"
    now, living.config = living.config, then
    living.pool("2020-01")
    living.freeze("2020-01", config=then)
    living.config = now
    living.pool("2020-02")
    found = living.changes()
    assert causes(found) == ["method"]
    assert found["total"]["estimate"] != 0
    check_adds_up(found)


def test_a_release_without_a_protocol_has_the_method_that_its_estimates_name(living):
    now = living.config
    living.config = copy.deepcopy(now)
    living.config["analysis"]["method_tau2"] = "DL"
    living.pool("2020-01")
    living.freeze("2020-01")
    living.config = now
    living.pool("2020-02")
    found = living.changes()
    assert causes(found) == ["method"]
    assert abs(found["software"]["estimate"]) < 1e-8


def test_effects_that_the_protocol_lets_in_now_are_the_method_s_part_and_new_trials_are_not(living):
    total_only = {"n_1": "", "n_2": "", "n_total": "80", "effect_type": "cohen_d", "printed_effect": "0.9"}
    total_only |= dict.fromkeys(("mean_1", "sd_1", "mean_2", "sd_2"), "")
    living.add("e", printed_direction="favours treatment", **total_only)
    living.pool("2020-01")
    living.freeze("2020-01", config=living.config)
    living.config = copy.deepcopy(living.config)
    living.config["analysis"]["arm_sizes_not_printed"] = "equal"
    living.add("new", run="2020-02", mean_1="3.0")
    living.pool("2020-02")
    found = living.changes()
    assert causes(found) == ["added", "method"]
    assert found["causes"][0]["trials"][0]["study"] == "new"
    assert [row["row_ids"] for row in found["by_change"]][1] == ["e.pain_intensity.1"]
    assert (found["before"]["k"], found["steps"][0]["k"], found["after"]["k"]) == (4, 5, 6)
    check_adds_up(found)


def test_without_a_release_changes_methods_and_triggers_are_written_and_say_so(living):
    living.pool("2020-02")
    tables.write_json({"outcomes": {}}, living.path("certainty.json"))
    found = living.changes()
    assert (found["before"], "causes" in found) == (None, False)
    methods = living.compare(compare_methods, "2020-02", "methods_changes", config=living.config)
    assert (methods["release"], methods["changes"]) == (None, [])
    told = living.compare(evaluate_triggers, "2020-02", "triggers", triggers={}, certainty={})
    assert {row["state"] for row in told["triggers"]} == {"not evaluated"}


def test_a_pool_that_was_empty_at_the_release_is_not_taken_apart(living):
    living.pool("2020-01", without="abcd")
    living.freeze("2020-01", config=living.config)
    living.pool("2020-02")
    found = living.changes()
    assert found["reason"] == "the release has no estimate to start from"
    assert causes(found) == ["admitted"]


def test_triggers_are_evaluated_from_files_with_the_ratings_that_the_release_kept(living):
    rated = {
        "suggested": {domain: {"rating": 0} for domain in ("risk_of_bias", "inconsistency", "indirectness")}
        | {domain: {"rating": 0} for domain in ("imprecision", "publication_bias")},
        "people": {},
    }
    living.pool("2020-01")
    living.freeze("2020-01", config=living.config)
    tables.write_json(
        {"outcomes": {"pain_intensity": rated}}, living.folder / "releases/20.0.0/certainty.json"
    )
    living.add("new", run="2020-02", mean_1="7.0")
    living.pool("2020-02")
    living.changes()
    people = rated | {"people": {"imprecision": {"rating": -1}}}
    tables.write_json({"outcomes": {"pain_intensity": people}}, living.path("certainty.json"))
    told = living.compare(evaluate_triggers, "2020-02", "triggers", triggers={}, certainty={})
    by_name = {row["name"]: row for row in told["triggers"]}
    assert told["release"] == {"version": "20.0.0", "run": "2020-01"}
    assert by_name["certainty"]["state"] == "fired"
    assert by_name["certainty"]["numbers"]["imprecision"] == {"before": 0, "after": -1}
    assert by_name["participants"]["sentence"].startswith("80 participants new to this pool beside 320, 25%")


def test_a_change_of_methods_wants_its_row_and_takes_the_reason_from_the_table(living):
    then = copy.deepcopy(living.config)
    then["analysis"]["method_tau2"] = "DL"
    living.pool("2020-01")
    living.freeze("2020-01", config=then, software={"living-review": "0.0.1"})
    living.pool("2020-02")
    found = living.compare(compare_methods, "2020-02", "methods_changes", config=living.config)
    assert [row["key"] for row in found["changes"]] == ["analysis.method_tau2", "software.living-review"]
    wanted = (living.folder / "2020-02/methods_reasons.csv").read_text()
    assert wanted.splitlines()[1] == "analysis.method_tau2,DL,REML,,,2020-02,"
    filled = wanted.replace(",DL,REML,,,2020-02,", ",DL,REML,Few trials.,EX,2020-02,2020-02-10")
    tables.write_text("\n".join(filled.splitlines()[:2]) + "\n", living.path("reasons.csv"))
    again = living.compare(compare_methods, "2020-02", "methods_changes", config=living.config)
    assert [row["reason"] for row in again["changes"]] == ["Few trials.", None]
    assert again["unused_reasons"] == []
    old = "analysis.level,0.9,0.95,Before the release.,EX,2020-01,2020-01-10\n"
    odd = "analysis.levle,0.9,0.95,Misspelt.,EX,2020-02,2020-02-10\n"
    later = "analysis.method_tau2,DL,REML,Of a later month.,EX,2020-03,2020-03-10\n"
    path = living.folder / "reasons.csv"
    tables.write_text(path.read_text() + old + odd + later, path)
    again = living.compare(compare_methods, "2020-02", "methods_changes", config=living.config)
    assert [row["key"] for row in again["unused_reasons"]] == ["analysis.levle"]
    assert again["changes"][0]["reason"] == "Few trials."


def test_the_same_files_give_the_same_bytes(living):
    living.pool("2020-01")
    living.freeze("2020-01", config=living.config)
    living.add("new", run="2020-02", mean_1="3.0")
    living.pool("2020-02")
    living.changes()
    first = (living.folder / "2020-02/changes.json").read_bytes()
    living.changes()
    assert (living.folder / "2020-02/changes.json").read_bytes() == first
    assert attribution.SHOWN[0].encode() in first
