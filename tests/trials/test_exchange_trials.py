"""Trials out to metafor, Metapsy's tools and RevMan, and a Metapsy data set back in."""

import csv
import io
import math
import shutil
import subprocess
from pathlib import Path
from types import SimpleNamespace

import pandas as pd
import pytest
import yaml

import export_trials
import import_trials
from livingreview import tables
from livingreview.errors import InputError
from livingreview.formulas import unguarded
from livingreview.pooling import random_effects
from livingreview.pooling.subgroups import between, by_group
from livingreview.trials import effects, smd
from livingreview.trials.exchange import metafor, metapsy, revman, revman_import

ROOT = Path(__file__).resolve().parents[2]
REFERENCE = ROOT / "tests/reference/exchange"
RUN = "2026-11"
PAIN = "pain_intensity"
# study, comparison, n_1, mean_1, n_2, mean_2: SDs are 2.1 and 2.3.
TRIALS = [
    ("a_2010", None, 40, 4.1, 42, 5.2),
    ("b_2011", None, 25, 3.9, 24, 4.4),
    ("c_2012", "a", 31, 4.4, 30, 4.9),
    ("c_2012", "b", 29, 3.2, 30, 4.9),
    ("d_2013", None, 80, 5.0, 77, 5.1),
    ("e_2014", None, 18, 2.9, 20, 5.3),
]


def outcome_row(number, study, comparison, **given):
    empty = dict.fromkeys(tables.columns("outcomes"))
    return empty | {
        "row_id": f"{study}.{PAIN}.{number}", "study_id": study, "comparison": comparison, "outcome": PAIN,
        "instrument": "NRS", "higher_is": "worse", "timepoint": "post", "weeks": 8.0, "arm_1": "internet CBT",
        "arm_2": "=waiting; list", "effect_type": "means", "priority": 1, "status": "ok", "source": "report",
        "run": RUN, "revision": 1,
    } | given  # fmt: skip


def study_row(study):
    empty = dict.fromkeys(tables.columns("studies"))
    name, year = study.split("_")
    return empty | {
        "study_id": study, "first_author": name.upper(), "year": year, "title": study, "population": "adult",
        "condition": "back" if name in "abc" else "headache", "comparator_class": "waitlist",
        "intervention_class": "cbt", "guided": "yes", "source": "report", "run": RUN, "revision": 1,
    }  # fmt: skip


def invented():
    """Studies and outcomes: two arms with a shared control, a printed d, means that point the other way."""
    rows = [
        outcome_row(i, study, comparison, n_1=n1, mean_1=m1, sd_1=2.1, n_2=n2, mean_2=m2, sd_2=2.3,
                    shared_control="whole" if comparison else None)
        for i, (study, comparison, n1, m1, n2, m2) in enumerate(TRIALS)
    ]  # fmt: skip
    rows += [
        outcome_row(7, "f_2015", None, n_1=33, mean_1=7.0, sd_1=2.1, n_2=35, mean_2=6.1, sd_2=2.2,
                    higher_is="better"),
        outcome_row(8, "g_2016", None, effect_type="cohen_d", printed_effect="0.31", n_1=51, n_2=49,
                    printed_direction="positive favours treatment"),
    ]  # fmt: skip
    studies = [study_row(study) for study in sorted({row["study_id"] for row in rows})]
    frames = [pd.DataFrame(found).astype(object) for found in (studies, rows)]
    return SimpleNamespace(studies=frames[0], outcomes=frames[1])


def reread(frame, schema):
    """A frame as it comes back from its table."""
    lines = list(csv.reader(io.StringIO(tables.to_csv(frame))))
    rows = [[unguarded(cell) for cell in line] for line in lines[1:]]
    return tables.read_cells("invented", lines[0], list(enumerate(rows, start=2)), schema)


def computed(studies, outcomes, **options):
    subgroups = yaml.safe_load((ROOT / "config.yaml").read_text(encoding="utf-8"))["subgroups"]
    studies, outcomes = reread(studies, "studies"), reread(outcomes, "outcomes")
    included = set(studies["study_id"])
    return effects.compute(outcomes, studies, included, protocol=[PAIN], subgroups=subgroups, **options)


def estimates(pool, outcomes):
    """What estimates.csv says of the exported numbers; one outcome has effects."""
    rows = []
    for outcome in outcomes:
        part = pool[pool["outcome"] == outcome]
        one = random_effects.fit(part["yi"], part["vi"])
        rows.append({"outcome": outcome} | {name: getattr(one, name) for name in metafor.OVERALL})
    return pd.DataFrame(rows)


def groups(pool, subgroups):
    """What subgroups.csv says of them."""
    rows = []
    for variable in (definition["variable"] for definition in subgroups):
        given = pool["yi"], pool["vi"], list(pool[variable])
        test = between(*given)
        tested = dict.fromkeys(metafor.BETWEEN, math.nan)
        if test is not None:
            tested = {"QM": test.QM, "QM_df": test.df, "QM_p": test.p}
        for value, one in by_group(*given).items():
            numbers = {name: getattr(one, name) for name in metafor.GROUP}
            rows.append({"outcome": PAIN, "variable": variable, "value": value} | numbers | tested)
    return pd.DataFrame(rows)


@pytest.fixture
def review(tmp_path):
    """A folder with a built run of the invented trials."""
    given = invented()
    config = yaml.safe_load((ROOT / "config.yaml").read_text(encoding="utf-8"))
    (tmp_path / "config.yaml").write_text(yaml.safe_dump(config, sort_keys=False), encoding="utf-8")
    tables.write(given.studies, tmp_path / "data/trials/studies.csv")
    tables.write(given.outcomes, tmp_path / "data/trials/outcomes.csv")
    results = tmp_path / "results" / RUN
    tables.write(computed(given.studies, given.outcomes), results / "effects.csv")
    pool = tables.read_results(results / "effects.csv")
    tables.write(estimates(pool, config["outcomes"]), results / "estimates.csv")
    tables.write(groups(pool, config["subgroups"]), results / "subgroups.csv")
    judged = "study_id,outcome,tool,domain,judgement,basis,detail,reviewers,source\n"
    judged += "a_2010,,rob2,overall,low,recorded,,,s\nb_2011,,rob2,overall,some concerns,recorded,,,s\n"
    tables.write_text(judged, results / "risk_of_bias.csv")
    return tmp_path


def exported(review):
    assert export_trials.main(["--directory", str(review), "--run", RUN]) == 0
    return review / "results" / RUN / "export"


def test_the_r_script_finds_the_main_results_and_fails_where_one_differs(review):
    if shutil.which("Rscript") is None:
        pytest.skip("Rscript is not installed; the script is compared with metafor where it is")
    out = exported(review)
    done = subprocess.run(["Rscript", "analysis.R"], cwd=out, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "numbers compared with metafor" in done.stdout
    assert done.stdout.strip().endswith("0 differ")
    expected = pd.read_csv(out / "expected.csv")
    assert {"overall", "q_profile", "three_level", "group", "between"} == set(expected["model"])
    at = (expected["model"] == "overall") & (expected["statistic"] == "se")
    expected.loc[at, "expected"] *= 1 + 3e-6
    expected.to_csv(out / "expected.csv", index=False)
    done = subprocess.run(["Rscript", "analysis.R"], cwd=out, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "1 differ" in done.stdout


def test_metafor_gets_the_pooled_effects_with_standard_errors_and_subgroups(review):
    frame = pd.read_csv(exported(review) / "effects.csv")
    assert len(frame) == 8
    assert frame["sei"].tolist() == pytest.approx([math.sqrt(v) for v in frame["vi"]], rel=1e-9)
    assert {"population", "condition", "comparator", "in_pool", "effect", "study"} <= set(frame)


def test_the_metapsy_file_is_as_the_standard_says(review):
    text = (exported(review) / "metapsy.csv").read_text(encoding="utf-8")
    rows = list(csv.DictReader(io.StringIO(text), delimiter=";"))
    assert list(metapsy.REQUIRED) == list(rows[0])[: len(metapsy.REQUIRED)]
    assert len(metapsy.REQUIRED) == 20
    assert text.count(";") == (len(rows) + 1) * (len(metapsy.COLUMNS) - 1), "no cell holds a semicolon"
    assert all(cell != "" for row in rows for cell in row.values()), "what is missing is NA"
    for row in rows:
        for column, kind in metapsy.REQUIRED.items():
            if kind == "numeric" and row[column] != "NA":
                float(row[column].replace(",", "."))
                assert "." not in row[column]
    assert rows[0]["study"] == "A, 2010"
    assert [row["multi_arm1"] for row in rows][2:4] == ["internet CBT (a)", "internet CBT (b)"]
    assert [row["rob"] for row in rows][:3] == ["3", "2", "NA"]
    assert rows[0]["condition_arm2"] == "'=waiting, list"
    assert [row["change_sign"] for row in rows if row["study"].startswith("F")] == ["TRUE"]


def test_every_metapsy_row_has_one_group_of_raw_data_and_the_effect_as_pooled(review):
    out = exported(review)
    found = metapsy.read((out / "metapsy.csv").read_bytes(), name="metapsy.csv")
    pooled = pd.read_csv(review / "results" / RUN / "effects.csv").set_index("row_id")
    for row in found:
        assert (row["mean_arm1"] is None) != (row["precalc_g"] is None)
        assert row[".g"] == pytest.approx(pooled["yi"][row["row_id"]], rel=1e-9)
        assert row[".g_se"] ** 2 == pytest.approx(pooled["vi"][row["row_id"]], rel=1e-9)


def test_r_reads_the_stored_export_with_the_classes_of_check_data_format():
    stored = pd.read_csv(REFERENCE / "classes.csv").set_index("column")["class"]
    for column, kind in metapsy.REQUIRED.items():
        # A column without any value is read as logical, which checkDataFormat converts.
        assert stored[column] in (
            {"numeric", "integer", "logical"} if kind == "numeric" else {kind, "logical"}
        )


def test_the_means_of_the_stored_export_give_r_the_effects_that_are_pooled():
    """metafor's escalc on the exported means, turned by change_sign, is .g; so is its variance."""
    stored = pd.read_csv(REFERENCE / "escalc.csv")
    alone = stored[stored["comparison"].isna()]
    assert len(alone) >= 5
    assert alone["g"].tolist() == pytest.approx(alone["yi"].tolist(), rel=1e-6)
    assert (alone["g_se"] ** 2).tolist() == pytest.approx(alone["vi"].tolist(), rel=1e-6)


def test_the_stored_export_is_what_the_code_writes():
    given = invented()
    found = metapsy.rows(
        computed(given.studies, given.outcomes),
        reread(given.outcomes, "outcomes"),
        reread(given.studies, "studies"),
    )
    now, stored = (
        metapsy.read(data, name="x")
        for data in (metapsy.to_bytes(found), (REFERENCE / "metapsy_example.csv").read_bytes())
    )
    assert len(now) == len(stored) == 8
    for one, other in zip(now, stored, strict=True):
        assert one.keys() == other.keys()
        assert all(
            one[key] == (pytest.approx(other[key], rel=1e-12) if isinstance(one[key], float) else other[key])
            for key in one
        )


@pytest.mark.parametrize("dialect", ["csv2", "csv"])
def test_out_and_in_again_gives_the_same_effects(dialect):
    given = invented()
    first = computed(given.studies, given.outcomes)
    out = metapsy.rows(first, reread(given.outcomes, "outcomes"), reread(given.studies, "studies"))
    data = metapsy.to_bytes(out, dialect=dialect)
    studies, outcomes, left_out = metapsy.to_tables(
        metapsy.read(data, name="m.csv"), source="set 1.0", data=data, name="m.csv", run=RUN
    )
    assert left_out == []
    second = computed(studies, outcomes).set_index("row_id")
    assert set(second.index) == set(first["row_id"])
    for row in first.itertuples():
        assert second["yi"][row.row_id] == pytest.approx(row.yi, rel=1e-9)
        assert second["vi"][row.row_id] == pytest.approx(row.vi, rel=1e-9)
        assert second["in_pool"][row.row_id] == row.in_pool
    assert outcomes["source"].iloc[0].startswith("set 1.0; m.csv (sha256 ")
    assert outcomes["arm_2"].iloc[0] == "=waiting, list"


@pytest.fixture
def empty(tmp_path):
    """A second review with empty tables; config and the header rows only."""
    folder = tmp_path / "second"
    shutil.copytree(ROOT / "data/trials", folder / "data/trials", ignore=shutil.ignore_patterns("*"))
    shutil.copy(ROOT / "config.yaml", folder / "config.yaml")
    for name in ("studies", "outcomes"):
        tables.write(pd.DataFrame(columns=tables.columns(name)), folder / f"data/trials/{name}.csv")
    return folder


def run_import(folder, file, *more):
    return import_trials.main(
        [str(file), "--directory", str(folder), "--run", RUN, "--source", "set 1.0", *more]
    )


def test_a_file_is_imported_once_and_a_second_time_adds_nothing(review, empty, capsys):
    file = exported(review) / "metapsy.csv"
    assert run_import(empty, file) == 0
    first = (empty / "data/trials/outcomes.csv").read_bytes()
    assert len(tables.read(empty / "data/trials/outcomes.csv", "outcomes")) == 8
    assert run_import(empty, file) == 0
    assert (empty / "data/trials/outcomes.csv").read_bytes() == first
    assert "0 rows added to outcomes.csv for run 2026-11, 8 were there already" in capsys.readouterr().out


def test_a_row_that_exists_is_never_replaced(review, capsys):
    file = exported(review) / "metapsy.csv"
    before = (review / "data/trials/outcomes.csv").read_bytes()
    assert run_import(review, file) == 1
    said = capsys.readouterr().err
    assert "this row exists, from another source; nothing is ever replaced" in said
    assert said.endswith("Nothing was imported.\n")
    assert (review / "data/trials/outcomes.csv").read_bytes() == before


def altered(review, **cells):
    """The export without its own columns, with some cells of the first row altered."""
    rows = list(csv.reader(io.StringIO((exported(review) / "metapsy.csv").read_text("utf-8")), delimiter=";"))
    keep = [i for i, c in enumerate(rows[0]) if c in (*metapsy.REQUIRED, *metapsy.PRECALCULATED)]
    rows = [[row[i] for i in keep] for row in rows]
    for column, value in cells.items():
        rows[1][rows[0].index(column)] = value
    path = review / "altered.csv"
    path.write_text("\n".join(";".join(row) for row in rows), encoding="utf-8")
    return path


def test_a_foreign_file_needs_its_outcome_and_direction_and_gets_new_ids(review, empty, capsys):
    file = altered(review)
    assert run_import(empty, file) == 1
    assert "no outcome; hint: name it with OUTCOME=" in capsys.readouterr().err
    assert run_import(empty, file, "--outcome", PAIN, "--higher-is", "worse", "--favours", "positive") == 0
    found = tables.read(empty / "data/trials/outcomes.csv", "outcomes")
    assert found["row_id"].iloc[0] == "a_2010.pain_intensity.1"
    arms = found[found["study_id"] == "c_2012"]
    assert arms["comparison"].tolist() == ["a", "b"]
    assert arms["shared_control"].tolist() == ["whole", "whole"]
    assert set(found.loc[found["effect_type"] == "hedges_g", "printed_direction"]) == {
        "positive favours treatment"
    }


@pytest.mark.parametrize(
    ("cells", "message"),
    [
        ({"time": "later"}, "row 2, column time: found 'later'; allowed: post, follow-up"),
        ({"mean_arm1": "four"}, "row 2, column mean_arm1: found 'four'; allowed: a number, or NA"),
        ({"sd_arm1": "-2,1"}, "row 2, column sd_1"),
    ],
)
def test_a_cell_that_cannot_be_is_named_and_nothing_is_written(review, empty, capsys, cells, message):
    file = altered(review, **cells)
    assert run_import(empty, file, "--outcome", PAIN, "--higher-is", "worse") == 1
    assert message in capsys.readouterr().err
    assert tables.read(empty / "data/trials/outcomes.csv", "outcomes").empty


def test_an_outcome_that_the_protocol_lacks_is_refused(review, empty, capsys):
    assert run_import(empty, altered(review), "--outcome", "mood", "--higher-is", "worse") == 1
    assert "mood" in capsys.readouterr().err


def test_a_row_without_numbers_is_left_out_and_said(review, empty, capsys):
    file = altered(review, mean_arm1="NA")
    assert run_import(empty, file, "--outcome", PAIN, "--higher-is", "worse") == 0
    assert "Left out: 1 rows without usable numbers.\n  row 2 (A, 2010)" in capsys.readouterr().out


def test_events_and_changes_are_taken_as_such():
    base = dict.fromkeys((*metapsy.REQUIRED, *metapsy.CHANGE, *metapsy.PRECALCULATED)) | {
        "study": "X, 2020", "condition_arm1": "cbt", "condition_arm2": "wl", "instrument": "NRS", "time": "FU",
        "_row": 2}  # fmt: skip
    events = {"event_arm1": 3.0, "event_arm2": 5.0, "totaln_arm1": 20.0, "totaln_arm2": 21.0}
    change = dict(zip(metapsy.CHANGE, (-2.0, -0.5, 1.9, 2.0, 30.0, 31.0), strict=True))
    _, outcomes, _ = metapsy.to_tables(
        [base | events, base | change], source="s", data=b"", name="x.csv", run=RUN, outcome=PAIN,
        higher_is="worse",
    )  # fmt: skip
    found = reread(outcomes, "outcomes")
    assert found["effect_type"].tolist() == ["events", "change_scores"]
    assert found["timepoint"].tolist() == ["follow-up", "follow-up"]
    assert (found["events_1"][0], found["n_2"][0]) == (3, 21)
    assert (found["change_mean_1"][1], found["change_sd_2"][1], found["n_1"][1]) == (-2.0, 2.0, 30)


def test_a_second_instrument_gets_the_next_priority_and_more_than_one_arm_a_letter_each():
    row = dict.fromkeys((*metapsy.REQUIRED, *metapsy.CHANGE, *metapsy.PRECALCULATED)) | {
        "study": "X, 2020", "condition_arm1": "cbt", "condition_arm2": "wl", "instrument": "NRS", "time": "post",
        "precalc_g": -0.3, "precalc_g_se": 0.2, "_row": 2}  # fmt: skip
    _, outcomes, _ = metapsy.to_tables(
        [row, row | {"instrument": "VAS", "_row": 3}], source="s", data=b"", name="x.csv", run=RUN,
        outcome=PAIN, higher_is="worse",
    )  # fmt: skip
    assert outcomes["priority"].tolist() == [1, 2]
    assert outcomes["row_id"].tolist() == ["x_2020.pain_intensity.1", "x_2020.pain_intensity.2"]


def test_missing_columns_are_all_named():
    with pytest.raises(InputError, match=r"(?s)column condition_arm1.*column totaln_arm2"):
        metapsy.read(b"study;time\nA;post\n", name="x.csv")


def test_revman_rows_give_the_effect_or_the_means_behind_it(review):
    frame = pd.read_csv(exported(review) / "revman.csv")
    assert list(frame) == list(revman.COLUMNS)
    assert len(frame) == 8
    by_study = frame.set_index("Study")
    a = by_study.loc["A 2010"]
    assert a["Data type"] == "Continuous"
    assert (a["Experimental mean"], a["Control SD"], a["Control N"]) == (4.1, 2.3, 42)
    assert (a["CI end"] - a["CI start"]) / (2 * a["GIV SE"]) == pytest.approx(1.959963984540054, rel=1e-8)
    for study, why in (("F 2015", "turned"), ("C 2012 a", "shared control")):
        row = by_study.loc[study]
        assert row["Data type"] == "Generic inverse variance"
        assert math.isnan(row["Experimental mean"])
        assert why in row["Footnotes"]
    pooled = pd.read_csv(review / "results" / RUN / "effects.csv").set_index("label")
    assert frame["GIV Mean"].tolist() == pytest.approx(pooled["yi"][frame["Study"]].tolist(), rel=1e-9)


def test_revman_study_data_give_the_pooled_effects_back(review):
    out = exported(review)
    arms = pd.read_csv(out / "revman_study_arms.csv", dtype=str)
    rows = pd.read_csv(out / "revman_study_results.csv")
    assert (list(arms), list(rows)) == (list(revman_import.ARM_COLUMNS), list(revman_import.RESULT_COLUMNS))
    assert arms[arms["Study"] == "A 2010"]["Intervention"].tolist() == ["cbt", "waitlist"]
    named = set(zip(arms["Study"], arms["Arm"], strict=True))
    assert set(zip(rows["Study"], rows["Arm"], strict=True)) <= named
    assert not rows.duplicated(["Study", "Outcome", "Arm"]).any(), "RevMan takes one result of an arm"
    pooled = pd.read_csv(review / "results" / RUN / "effects.csv").set_index("label")
    assert set(rows["Study"]) == set(pooled.index)
    for study, of_study in rows.groupby("Study"):
        if of_study["Effect measure"].isna().all():
            (n1, m1, s1), (n2, m2, s2) = of_study[["Sample size", "Mean", "SD"]].to_numpy(float)
            yi, vi = smd.from_means(mean_1=m1, sd_1=s1, n_1=n1, mean_2=m2, sd_2=s2, n_2=n2)
        else:
            contrast = of_study.iloc[0]
            assert (len(of_study), contrast["Effect measure"]) == (1, "SMD")
            assert (contrast["Study"], contrast["Reference arm"]) in named
            yi, vi = contrast["Mean"], contrast["SE"] ** 2
        assert (yi, vi) == pytest.approx(tuple(pooled.loc[study, ["yi", "vi"]]), rel=1e-8)


@pytest.mark.parametrize(
    "options", [{"several_effects": "composite", "assumed_correlation": 0.5}, {"several_effects": "all"}]
)
def test_several_instruments_leave_as_they_are_pooled(options):
    given = invented()
    numbers = {"n_1": 40, "mean_1": 41.0, "sd_1": 20.0, "n_2": 42, "mean_2": 49.0, "sd_2": 22.0}
    second = outcome_row(9, "a_2010", None, instrument="VAS", priority=2, **numbers)
    outcomes = pd.concat([given.outcomes, pd.DataFrame([second]).astype(object)], ignore_index=True)
    found = computed(given.studies, outcomes, **options)
    outcomes, studies = reread(outcomes, "outcomes"), reread(given.studies, "studies")
    first = metapsy.rows(found, outcomes, studies).set_index("row_id").loc[f"a_2010.{PAIN}.0"]
    _, results = revman_import.tables(found, outcomes, studies, labels={PAIN: "Pain"})
    assert not results.duplicated(["Study", "Outcome", "Arm"]).any()
    of_a = results[results["Study"].str.startswith("A 2010")]
    if options["several_effects"] == "composite":
        assert (first["instrument"], first["precalc_g"]) == ("NRS; VAS", first[".g"])
        assert pd.isna(first["mean_arm1"])
        assert of_a["Mean"].tolist() == [first[".g"]]
    else:
        assert (first["instrument"], first["mean_arm1"]) == ("NRS", 4.1)
        assert len(of_a) == 4
        assert of_a["Study"].nunique() == 2


def test_an_export_before_the_run_is_built_says_so(tmp_path, capsys):
    shutil.copy(ROOT / "config.yaml", tmp_path / "config.yaml")
    assert export_trials.main(["--directory", str(tmp_path), "--run", RUN]) == 1
    assert "build run 2026-11 first: make report" in capsys.readouterr().err


def test_no_effects_give_files_with_headers_only():
    given = invented()
    none = computed(given.studies, given.outcomes).iloc[:0]
    assert metapsy.to_bytes(metapsy.rows(none, given.outcomes, given.studies)).count(b"\n") == 1
    assert revman.rows(none, given.outcomes, given.studies, labels={PAIN: "Pain"}).empty
    study_data = revman_import.tables(none, given.outcomes, given.studies, labels={PAIN: "Pain"})
    assert [frame.empty for frame in study_data] == [True, True]
