"""The comparison of rankings: its splits, what it leaves out, its sums, and the whole command on made-up sets."""

import collections
import csv
import gzip
import importlib.util
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.metrics import average_precision_score
from sklearn.svm import LinearSVC

from livingreview.errors import InputError, ReviewError

BENCHMARKS = Path(__file__).resolve().parents[2] / "benchmarks"
PEER = os.environ.get("ASREVIEW_PYTHON")
COLUMNS = ["record_id", "title", "abstract", "year", "label_included", "is_duplicate"]


def load(name):
    spec = importlib.util.spec_from_file_location(name, BENCHMARKS / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def program():
    """The benchmark, and its neighbours on the path while these tests run."""
    before = list(sys.path)
    yield load("rank_updates")
    sys.path[:] = before


def row(number, *, year="2000", label="0", duplicate="0", text="an example of an abstract."):
    cells = [f"r{number}", f"Example {number}", text, year, label, duplicate]
    return dict(zip(COLUMNS, cells, strict=True))


def write(folder, name, rows, columns=COLUMNS):
    folder.mkdir(exist_ok=True)
    path = folder / f"{name}.csv.gz"
    with gzip.open(path, "wt", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, columns, extrasaction="ignore")
        writer.writeheader()
        writer.writerows(rows)
    return path


def invented(n, *, years, seed):
    """Records on example treatments; about a third included, most of which can be told by their words."""
    rng = np.random.default_rng(seed)
    themes = {
        True: "online guided course pain exercise".split(),
        False: "surgery imaging tumour cohort registry".split(),
    }
    common = "patients weeks clinic group outcome sample adults follow".split()
    rows = []
    for number in range(n):
        label = bool(rng.random() < 0.35)
        theme = themes[label if rng.random() < 0.8 else not label]
        words = [*rng.choice(theme, 3), *rng.choice(common, 6)]
        text = f"{' '.join(words[:5]).capitalize()}. {' '.join(words[5:]).capitalize()}."
        year = str(2000 + number % 10) if years else ""
        rows.append(row(number, year=year, label=str(int(label)), text=text))
    return rows


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Two sets that can be measured, by year and at random, and one that can't."""
    folder = tmp_path_factory.mktemp("sets")
    rows = invented(150, years=True, seed=1)
    rows[3]["year"], rows[4]["is_duplicate"], rows[5]["label_included"] = "n.d.", "1", ""
    write(folder, "dated", rows)
    write(folder, "undated", invented(120, years=False, seed=2))
    write(folder, "small", invented(20, years=True, seed=3))
    return folder


@pytest.fixture(scope="module")
def alone(program, folder):
    """What the command writes when this project's ranker is measured alone."""
    out = folder / "alone.json"
    readme = (BENCHMARKS / "README.md").read_bytes()
    assert program.main(["--data", str(folder), "--out", str(out), "--without-peer"]) == 0
    assert (BENCHMARKS / "README.md").read_bytes() == readme
    return json.loads(out.read_text())


def test_the_cut_is_the_year_at_the_70th_percentile_and_is_ranked(program):
    years = [2005, 2001, None, 2003, 2003, 2002, 2004, 2003, 2000, 2003, 2001]
    cut, train, new = program.by_year(years)
    # Sorted: 2000 2001 2001 2002 2003 2003 2003 2003 2004 2005; the eighth of ten.
    assert cut == 2003
    assert train.tolist() == [8, 1, 10, 5]
    assert new.tolist() == [3, 4, 7, 9, 6, 0]


def test_one_year_for_all_leaves_nothing_to_train_on(program):
    cut, train, new = program.by_year([2000] * 4)
    assert (cut, train.tolist(), new.tolist()) == (2000, [], [0, 1, 2, 3])


def test_random_splits_are_seventy_to_thirty_seeded_and_lose_nobody(program):
    for seed in range(5):
        train, new = program.at_random(101, seed)
        assert (len(train), len(new)) == (70, 31)
        assert sorted([*train, *new]) == list(range(101))
        assert train.tolist() == np.random.RandomState(seed).permutation(101)[:70].tolist()
    assert program.at_random(101, 0)[0].tolist() != program.at_random(101, 1)[0].tolist()


@pytest.mark.parametrize(
    ("n_train", "n_new", "n_other", "reason"),
    [
        (5, 5, 25, None),
        (4, 5, 25, "4 included to train on (at least 5 needed)"),
        (5, 4, 26, "4 included to rank (at least 5 needed)"),
        (5, 5, 24, "29 to rank (at least 30 needed)"),
        (0, 0, 2, "0 included to train on"),
    ],
)
def test_splits_with_too_few_records_say_what_is_short(program, n_train, n_new, n_other, reason):
    included = np.array([True] * (n_train + n_new) + [False] * n_other)
    train, new = np.arange(n_train), np.arange(n_train, len(included))
    found = program.too_few(included, train, new)
    assert found == reason if reason is None else found.startswith(reason)


def records_of(program, years, included):
    return program.LabelledSet(
        name="made",
        digest="",
        ids=[f"r{i}" for i in range(len(years))],
        records=[{"title": f"t{i}", "abstract": "", "year": year} for i, year in enumerate(years)],
        included=np.array(included),
        n_duplicates=0,
        unlabelled=[],
    )


def test_records_without_a_year_are_left_out_of_a_set_that_has_years_and_are_named(program):
    years = [None if i % 2 else 2000 + i // 20 for i in range(200)]
    splits, told = program.splits_of(records_of(program, years, [i % 3 == 0 for i in range(200)]))
    assert (told["split"], told["cut"]) == ("by year", 2007)
    assert told["without_year"] == [f"r{i}" for i in range(200) if i % 2]
    (split,) = splits
    assert sorted(split["train"] + split["new"]) == list(range(0, 200, 2))
    assert split["ordered"] is True


def test_a_set_in_which_most_records_lack_a_year_is_split_at_random_with_all_its_records(program):
    years = [None if i % 2 or i == 0 else 2000 + i // 20 for i in range(200)]
    splits, told = program.splits_of(records_of(program, years, [i % 3 == 0 for i in range(200)]))
    assert (told["split"], told["cut"], told["without_year"]) == ("random", None, [])
    assert [split["seed"] for split in splits] == [0, 1, 2, 3, 4]
    assert all(sorted(split["train"] + split["new"]) == list(range(200)) for split in splits)
    assert not any(split["ordered"] for split in splits)


def test_a_method_is_given_the_labels_of_the_training_records_and_no_others(program):
    included = np.arange(150) % 4 == 0
    one = records_of(program, [2000 + i // 10 for i in range(150)], included)
    ((split,), _) = program.splits_of(one)
    assert split["labels"] == included[split["train"]].astype(int).tolist()
    assert set(split) == {"train", "new", "labels", "seed", "ordered"}
    assert all(set(record) == {"title", "abstract", "year"} for record in one.records)


def test_random_splits_that_are_too_small_are_left_out_and_named(program):
    included = np.arange(120) < 16
    splits, told = program.splits_of(records_of(program, [None] * 120, included))
    counts = {seed: int(included[program.at_random(120, seed)[1]].sum()) for seed in range(5)}
    assert {split["seed"] for split in splits} == {seed for seed, n in counts.items() if n >= 5}
    assert [one["seed"] for one in told["skipped_splits"]] == [s for s, n in counts.items() if n < 5]
    assert len(splits) + len(told["skipped_splits"]) == 5


@pytest.mark.parametrize(
    ("text", "year"),
    [
        ("2003", 2003),
        (" 2003.0", 2003),
        ("2003-05-01", 2003),
        ("1999/2000", 1999),
        ("", None),
        ("n.d.", None),
        ("0", None),
        ("12003", None),
        ("203", None),
    ],
)
def test_a_year_is_read_or_is_none(program, text, year):
    assert program.year_of(text) == year


def test_duplicates_are_dropped_and_records_without_label_named(program, tmp_path):
    rows = [row(1, label="1"), row(2, duplicate="1"), row(3, label=""), row(4, year="", label="0.0")]
    one = program.read_set(write(tmp_path, "made", rows))
    assert (one.name, one.ids, one.n_duplicates, one.unlabelled) == ("made", ["r1", "r4"], 1, ["r3"])
    assert one.included.tolist() == [True, False]
    assert [record["year"] for record in one.records] == [2000, None]
    assert set(one.records[0]) == {"title", "abstract", "year"}


def test_line_breaks_of_any_kind_stay_within_their_record(program, tmp_path):
    text = 'one\u2028two\x0bthree\nfour, "five"'
    one = program.read_set(write(tmp_path, "made", [row(1, text=text), row(2)]))
    assert [record["abstract"] for record in one.records] == [text, "an example of an abstract."]


@pytest.mark.parametrize(
    ("rows", "columns", "message"),
    [
        (
            [row(1), row(2, label="maybe")],
            COLUMNS,
            r"row 3, column label_included: found 'maybe'; allowed: 0 or 1",
        ),
        ([row(1, duplicate="2")], COLUMNS, r"row 2, column is_duplicate: found '2'"),
        ([row(1)], ["record_id", "title"], r"no column or no row: abstract, label_included"),
        ([], COLUMNS, r"no column or no row"),
    ],
)
def test_a_faulty_file_is_refused_by_row_and_column(program, tmp_path, rows, columns, message):
    with pytest.raises(InputError, match=message):
        program.read_set(write(tmp_path, "made", rows, columns))


def test_a_faulty_file_stops_the_command_before_anything_is_measured(program, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(program, "ask", lambda *_: pytest.fail("a method was asked"))
    write(tmp_path, "a", invented(150, years=True, seed=1))
    write(tmp_path, "b", [row(1, label="maybe")])
    out = tmp_path / "out.json"
    assert program.main(["--data", str(tmp_path), "--out", str(out), "--without-peer"]) == 1
    assert "b.csv.gz: row 2, column label_included: found 'maybe'" in capsys.readouterr().err
    assert not out.exists()


def test_a_row_of_the_wrong_length_and_a_file_that_is_no_gzip_are_refused(program, tmp_path):
    ragged = tmp_path / "ragged.csv.gz"
    ragged.write_bytes(gzip.compress(b"record_id,title,abstract,label_included\na,b,c\na,b,c,1,e\n"))
    with pytest.raises(
        InputError, match=r"(?s)row 2: has more or fewer cells.*row 3: has more or fewer cells"
    ):
        program.read_set(ragged)
    plain = tmp_path / "plain.csv.gz"
    whole = gzip.compress(b"record_id,title,abstract,label_included\n" * 9)
    for content in (b"record_id,title\n", whole[:-20], whole[:20] + b"\xff" * 20, gzip.compress(b"\xff\xfe")):
        plain.write_bytes(content)
        with pytest.raises(InputError, match=r"plain\.csv\.gz: can't be read"):
            program.read_set(plain)


def test_a_folder_without_sets_is_refused_and_nothing_is_written(program, tmp_path, capsys):
    out = tmp_path / "out.json"
    assert program.main(["--data", str(tmp_path), "--out", str(out), "--without-peer"]) == 1
    assert "holds no set; allowed: files named *.csv.gz" in capsys.readouterr().err
    assert not out.exists()


def test_the_measures_of_a_split_are_what_the_counts_say(program):
    included = np.array([True, False, True, False, False, False, False, False, False, False])
    answer = {
        "scores": list(range(10, 0, -1)),
        "probabilities": [0.5] + [0.1] * 9,
        "read_first": [True] + [False] * 9,
        "seconds": 1.5,
    }
    found = program.measures(included, answer)
    assert list(found) == program.KEYS
    expected = {
        "average_precision": (1 + 2 / 3) / 2,
        "wss_95": 1 - 0.3 - 0.05,
        "recall_10": 0.5,
        "recall_20": 0.5,
        "recall_50": 1.0,
        "roc_auc": 15 / 16,
        "tnr_95": 7 / 8,
        "ndcg": (1 + 1 / np.log2(4)) / (1 + 1 / np.log2(3)),
        "atd": (1 + 3) / 2 / 10,
        # The bin of 0.5: one record, 0.5 away. The bin of 0.1: nine, said 0.1, seen 1/9.
        "ece": (0.5 + 9 * abs(1 / 9 - 0.1)) / 10,
        # Fifteen bins for ten records: each has its own.
        "ece_equal_mass": (0.5 + 0.9 + 8 * 0.1) / 10,
        "brier": (0.25 + 0.81 + 8 * 0.01) / 10,
        "read_first_recall": 0.5,
        "read_first_share": 0.1,
        "seconds": 1.5,
    }
    assert {key: found[key] for key in expected} == pytest.approx(expected)


def test_a_method_without_probabilities_or_band_has_none_of_their_measures(program):
    answer = {"scores": [2, 1], "probabilities": None, "read_first": None, "seconds": 1}
    found = program.measures(np.array([True, False]), answer)
    assert [key for key, value in found.items() if value is None] == [*program.OURS_ALONE, "peak_memory_mb"]
    assert program.mean([found, found])["brier"] is None
    assert program.mean([])["average_precision"] is None


def compared(program, ours, peer):
    """Rows of sets with the given pairs of (average precision, WSS@95)."""
    blank = dict.fromkeys(program.KEYS)
    return [
        {
            "name": f"s{i}",
            **{
                method: blank
                | {"average_precision": ap, "wss_95": wss, "seconds": 1 + i * (method == "ours")}
                | ({"read_first_recall": 0.94 + i / 100, "read_first_share": 0.5} if method == "ours" else {})
                for method, (ap, wss) in (("ours", a), ("elas_u4", b))
            },
        }
        for i, (a, b) in enumerate(zip(ours, peer, strict=True))
    ]


def test_means_ratios_differences_and_wins_are_over_sets(program):
    sets = compared(program, [(0.6, 0.5), (0.2, 0.1), (0.4, 0.3)], [(0.5, 0.4), (0.3, 0.1), (0.4, 0.1)])
    found = program.compare(sets, ["ours", "elas_u4"])
    assert found["macro"]["ours"]["average_precision"] == pytest.approx(0.4)
    assert found["macro"]["elas_u4"]["wss_95"] == pytest.approx(0.2)
    assert found["ratios"]["average_precision"] == pytest.approx(1.0)
    assert found["differences"]["wss_95"] == pytest.approx(0.1)
    assert found["wins"]["average_precision"] == {"wins": 1, "losses": 1, "ties": 1}
    assert found["wins"]["wss_95"] == {"wins": 2, "losses": 0, "ties": 1}
    # Fewer seconds are better.
    assert found["wins"]["seconds"] == {"wins": 0, "losses": 2, "ties": 1}
    assert found["target"] == {"recall": 0.95, "sets_reaching_it": 2, "sets": 3}
    assert set(found["ratios"]) == {"average_precision", "wss_95", "seconds"}


def test_without_a_peer_or_a_set_nothing_is_compared(program):
    sets = compared(program, [(0.6, 0.5)], [(0.5, 0.4)])
    for found in (program.compare(sets, ["ours"]), program.compare([], ["ours", "elas_u4"])):
        assert [found[key] for key in ("ratios", "differences", "wins", "bootstrap")] == [None] * 4


def test_the_bootstrap_is_paired_over_sets(program):
    rng = np.random.default_rng(1)
    peer = [tuple(values) for values in rng.uniform(0.1, 0.6, (20, 2))]
    ours = [(1.2 * ap, wss + 0.05) for ap, wss in peer]
    found = program.bootstrap(compared(program, ours, peer), resamples=500, seed=1)
    # The same gain on each set has no spread, however different the sets are.
    for name, value in (("average_precision_ratio", 1.2), ("wss_95_difference", 0.05)):
        assert list(found[name].values()) == pytest.approx([value] * 3)


def test_the_bootstrap_interval_is_that_of_resampled_means_and_is_seeded(program):
    rng = np.random.default_rng(2)
    ours, peer = ([tuple(values) for values in rng.uniform(0.2, 0.8, (12, 2))] for _ in range(2))
    sets = compared(program, ours, peer)
    found = program.bootstrap(sets, resamples=4000, seed=3)
    assert found == program.bootstrap(sets, resamples=4000, seed=3)
    assert found != program.bootstrap(sets, resamples=4000, seed=4)
    gains = np.array([a[1] - b[1] for a, b in zip(ours, peer, strict=True)])
    interval = found["wss_95_difference"]
    assert interval["estimate"] == pytest.approx(gains.mean())
    # About the normal interval of a mean of twelve.
    half = 1.96 * gains.std() / np.sqrt(len(gains))
    assert interval["low"] == pytest.approx(gains.mean() - half, abs=0.15 * half)
    assert interval["high"] == pytest.approx(gains.mean() + half, abs=0.15 * half)


def test_the_command_writes_every_set_with_what_was_left_out_of_it(program, alone):
    assert [one["name"] for one in alone["sets"]] == ["dated", "undated"]
    dated, undated = alone["sets"]
    assert (dated["without_year"], dated["n_duplicates"], dated["unlabelled"]) == (["r3"], 1, ["r5"])
    assert (dated["split"], undated["split"]) == ("by year", "random")
    assert (dated["cut"], dated["n_train"] + dated["n_new"]) == (2007, 147)
    assert (undated["n_train"], undated["n_new"]) == (84, 36)
    assert [(one["name"], one["reason"].split(" (")[0]) for one in alone["skipped"]] == [
        ("small", alone["skipped"][0]["skipped_splits"][0]["reason"].split(" (")[0])
    ]
    assert alone["failed"] == []
    assert set(alone["macro"]) == {"ours"}
    assert list(alone["macro"]["ours"]) == sorted(program.KEYS)
    for key in ("average_precision", "wss_95", "ece", "brier", "seconds", "peak_memory_mb"):
        values = [one["ours"][key] for one in alone["sets"]]
        assert alone["macro"]["ours"][key] == pytest.approx(np.mean(values))
    assert alone["macro"]["ours"]["roc_auc"] > 0.6
    assert alone["macro"]["ours"]["peak_memory_mb"] > 20


def test_the_values_of_a_set_are_those_of_the_ranker_on_its_splits(program, alone, folder):
    ours = load("our_ranker").ours
    one = program.read_set(folder / "undated.csv.gz")
    found = []
    for split in program.splits_of(one)[0]:
        train, new = ([one.records[i] for i in split[part]] for part in ("train", "new"))
        given = ours(train, split["labels"], None, new, split["seed"])
        # The higher the score, the likelier the inclusion.
        assert np.corrcoef(given["scores"], given["probabilities"])[0, 1] > 0
        found.append(program.measures(one.included[split["new"]], given | {"seconds": 0}))
    expected = program.mean(found)
    for key in ("average_precision", "wss_95", "recall_20", "roc_auc", "ece", "ece_equal_mass", "brier"):
        assert alone["sets"][1]["ours"][key] == pytest.approx(expected[key])


def test_a_method_that_fails_is_named_with_its_words_and_the_command_fails(
    program, folder, tmp_path, monkeypatch, capsys
):
    broken = tmp_path / "broken.py"
    broken.write_text("raise SystemExit('the ranker fell over')")
    monkeypatch.setitem(program.PROGRAMS, "ours", broken)
    out = tmp_path / "out.json"
    assert program.main(["--data", str(folder), "--out", str(out), "--without-peer"]) == 1
    result = json.loads(out.read_text())
    assert [one["reason"] for one in result["failed"]] == ["ours: the ranker fell over"] * 2
    assert (result["sets"], result["macro"]["ours"]["average_precision"]) == ([], None)
    assert "dated: ours failed: the ranker fell over" in capsys.readouterr().err


def test_what_a_method_leaves_beside_itself_is_gone_with_it(program, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    method = tmp_path / "method.py"
    method.write_text(
        f"import pathlib, sys; sys.path.insert(0, {str(BENCHMARKS)!r}); from ranking_task import serve\n"
        "pathlib.Path('litter').touch(); import warnings\n"
        "def rank(train, labels, order, new, seed):\n"
        "    warnings.warn('an example')\n"
        "    return {'scores': [len(train), *labels, *order, len(new), seed]}\n"
        "serve(rank, versions={'example': '1'})\n"
    )
    records = [{"title": "", "abstract": "", "year": year} for year in (2001, 2002, 2003)]
    split = {"train": [2, 0], "labels": [1, 0], "new": [1], "seed": 9, "ordered": True}
    answer = program.ask(sys.executable, method, records, [split])
    assert answer["splits"][0]["scores"] == [2, 1, 0, 2003, 2001, 1, 9]
    assert answer["splits"][0]["seconds"] >= 0
    assert answer["warnings"] == ["UserWarning: an example"]
    assert set(answer["versions"]) == {"python", "example"}
    assert [path.name for path in tmp_path.iterdir()] == ["method.py"]


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="needs Linux's account of a process")
def test_a_method_is_not_charged_with_the_memory_of_the_program_that_starts_it(program):
    child = f"import sys; sys.path.insert(0, {str(BENCHMARKS)!r}); import ranking_task as t; print(t.peak_memory_mb())"
    parent = f"import subprocess, sys; held = bytearray(300 * 2**20); subprocess.run([sys.executable, '-c', {child!r}], check=True)"
    done = subprocess.run([sys.executable, "-c", parent], capture_output=True, text=True, check=True)
    assert 5 < float(done.stdout) < 150


@pytest.fixture
def interpreters(tmp_path):
    """Two programs that say that they have asreview, and one that says that it has not."""
    for name, status in (("here", 0), ("there", 0), ("without", 1)):
        path = tmp_path / name
        path.write_text(f"#!/bin/sh\nexit {status}\n")
        path.chmod(0o755)
    return tmp_path


def test_the_peer_is_the_interpreter_named_or_the_one_in_the_environment(program, interpreters, monkeypatch):
    environ = {"ASREVIEW_PYTHON": str(interpreters / "there")}
    monkeypatch.chdir(interpreters)
    assert program.peer_python("./here", environ) == str(interpreters / "here")
    assert program.peer_python(None, environ) == str(interpreters / "there")


@pytest.mark.parametrize("name", ["without", "absent"])
def test_an_interpreter_without_the_peer_is_refused_before_anything_is_measured(
    program, interpreters, folder, capsys, name
):
    out = interpreters / "out.json"
    peer = str(interpreters / name)
    assert program.main(["--data", str(folder), "--out", str(out), "--peer-python", peer]) == 1
    assert capsys.readouterr().err == f"{peer}: is no Python that has asreview; hint: name another, or none\n"
    assert not out.exists()


def test_an_environment_made_before_from_the_same_lock_is_used_again(program, tmp_path):
    lock = tmp_path / "lock"
    lock.write_text("./example-1.0-py3-none-any.whl\n")
    environ = {"XDG_CACHE_HOME": str(tmp_path / "cache")}
    # Made once, without its library, which is not there to be installed: said, and not taken for made.
    with pytest.raises(ReviewError, match=r"environment could not be made .*hint: name an interpreter"):
        program.peer_python(None, environ, lock=lock)
    (made,) = (tmp_path / "cache/living-review").iterdir()
    assert (made / "bin/python").exists()
    assert not (made / "ready").exists()
    (made / "ready").touch()
    assert program.peer_python(None, environ, lock=lock) == str(made / "bin/python")


def sentences(records, at):
    return collections.Counter(
        part for i in at for part in re.split(r"(?<=[.!?])\s+", records[i]["abstract"]) if part
    )


def test_a_made_up_review_keeps_the_sentences_of_each_label_and_deals_them_anew(program, folder):
    pool = [program.read_set(folder / f"{name}.csv.gz") for name in ("dated", "undated")]
    records, included = program.made(pool, 400, seed=1)
    assert (len(records), len(included)) == (400, 400)
    years = [record["year"] for record in records]
    assert years == sorted(years)
    assert {type(year) for year in years} == {int}
    known = {
        label: {
            part
            for one in pool
            for i in np.flatnonzero(one.included == label)
            for part in sentences(one.records, [i])
        }
        for label in (True, False)
    }
    for label in (True, False):
        dealt = sentences(records, np.flatnonzero(included == label))
        assert set(dealt) <= known[label]
        assert sum(dealt.values()) == 2 * (included == label).sum()
    whole = {record["abstract"] for one in pool for record in one.records}
    assert np.mean([record["abstract"] in whole for record in records]) < 0.1
    again, labels = program.made(pool, 400, seed=1)
    assert (again, labels.tolist()) == (records, included.tolist())
    assert program.made(pool, 400, seed=2)[0] != records


def test_the_cost_of_sizes_is_measured_for_each_method_that_is_there(program, folder, monkeypatch):
    monkeypatch.setattr(program, "SCALES", {"tiny": (100, 40, ["ours", "elas_u4"])})
    found = program.scale([program.read_set(folder / "dated.csv.gz")], {"ours": sys.executable})
    assert set(found["tiny"]) == {"n_train", "n_new", "included_train", "ours"}
    assert (found["tiny"]["n_train"], found["tiny"]["n_new"]) == (100, 40)
    assert found["tiny"]["ours"]["seconds"] > 0


def result_of(program):
    sets = compared(program, [(0.6, 0.5), (0.2, 0.1)], [(0.5, 0.4), (0.4, 0.1)])
    told = {"split": "by year", "without_year": [], "unlabelled": [], "n_duplicates": 0, "skipped_splits": []}
    sizes = {"n_train": 100.0, "included_train": 20.0, "n_new": 50.0, "included_new": 10.0}
    sets = [{**told, **sizes, **one} for one in sets]
    sets[1] |= {"split": "random", "without_year": ["r1", "r2"], "n_duplicates": 3}
    return {
        **program.compare(sets, ["ours", "elas_u4"]),
        "sets": sets,
        "skipped": [{"name": "tiny", "reason": "3 to rank (at least 30 needed)"}],
        "failed": [],
        "environment": {"methods": {"elas_u4": {"asreview": "3.0.8"}}, "cores": 2, "machine": "example"},
    }


README = "Before\n<!-- ranking: begin -->\noutdated\n<!-- ranking: end -->\nBetween\n<!-- ranking cost: begin -->\ncost\n<!-- ranking cost: end -->\nAfter\n"


def test_the_table_says_what_the_file_says_and_leaves_the_rest_of_the_page(program, tmp_path):
    page = tmp_path / "README.md"
    page.write_text(README)
    program.renew(page, result_of(program))
    text = page.read_text()
    assert text.startswith("Before\n<!-- ranking: begin -->\n| mean of 2 sets |")
    assert text.endswith(README.partition("<!-- ranking: end -->")[2])
    assert "outdated" not in text
    lines = text.splitlines()
    assert "| average precision | 0.4000 | 0.4500 | 0.889 | 1 / 1 / 0 |" in lines
    assert (
        "| s0 | 100 (20) | 50 (10) | 0.600 | 0.500 | 1.20 | 0.500 | 0.400 | +0.100 | 0.940 | 0.500 | 1.00 |"
        in lines
    )
    assert any(line.startswith("| s1, random splits | 100 (20) |") for line in lines)
    assert any(line.startswith("| **mean** |  |  | **0.400** | **0.450** | **0.89** |") for line in lines)
    assert "- tiny: skipped, 3 to rank (at least 30 needed)" in lines
    assert "- s1: 2 without a year; 3 marked as a duplicate" in lines
    assert "on 1 of 2 sets" in text
    assert "Average precision is 0.889 times ELAS u4's" in text
    before = page.read_bytes()
    program.renew(page, result_of(program))
    assert page.read_bytes() == before


def test_the_table_of_costs_is_renewed_where_costs_were_measured(program, tmp_path):
    page = tmp_path / "README.md"
    page.write_text(README)
    cost = {"seconds": 2.0, "peak_memory_mb": 1234.0}
    row = {"n_train": 7000, "n_new": 3000, "included_train": 350, "ours": cost}
    peer = {"elas_u4": {"seconds": 1.0, "peak_memory_mb": 300.0}, "seconds_ratio": 2.0}
    program.renew(page, result_of(program) | {"scale": {"a": row | peer, "b": row}})
    text = page.read_text()
    assert "| 7,000 (350) | 3,000 | 2.0 | 1,234 | 1.0 | 300 | 2.00 |" in text
    assert "| 7,000 (350) | 3,000 | 2.0 | 1,234 | – | – | – |" in text
    assert "\ncost\n" not in text


def test_a_page_without_its_markers_is_refused_and_left_as_it_is(program, tmp_path):
    page = tmp_path / "README.md"
    page.write_text("Nothing here\n")
    with pytest.raises(InputError, match=r"README\.md: no place for the table 'ranking'"):
        program.renew(page, result_of(program))
    assert page.read_text() == "Nothing here\n"


def test_the_page_of_this_project_has_both_places(program, tmp_path):
    page = tmp_path / "README.md"
    page.write_bytes((BENCHMARKS / "README.md").read_bytes())
    cost = {"n_train": 1, "n_new": 1, "included_train": 1, "ours": {"seconds": 1.0, "peak_memory_mb": 1.0}}
    program.renew(page, result_of(program) | {"scale": {"a": cost}})
    assert page.read_text().count("<!-- ranking") == 4


@pytest.mark.skipif(not PEER, reason="needs ASREVIEW_PYTHON, an interpreter that has asreview")
def test_the_peer_ranks_as_its_published_parts_do(program, folder, tmp_path, monkeypatch):
    monkeypatch.setattr(program, "SCALES", {"tiny": (100, 40, ["ours", "elas_u4"])})
    out = tmp_path / "both.json"
    command = ["--data", str(folder), "--out", str(out), "--scale", "--peer-python", PEER]
    assert program.main(command) == 0
    result = json.loads(out.read_text())
    one = program.read_set(folder / "dated.csv.gz")
    ((split,), _) = program.splits_of(one)
    at = [*split["train"], *split["new"]]
    texts = [f"{one.records[i]['title']} {one.records[i]['abstract']}" for i in at]
    features = TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True, max_df=0.95).fit_transform(texts)
    labels = np.array(split["labels"])
    # Excluded records weigh, in all, the 9.8th part of the included ones.
    weights = np.where(labels == 1, 1.0, labels.sum() / (9.8 * (labels == 0).sum()))
    model = LinearSVC(loss="squared_hinge", C=0.11, random_state=0)
    model.fit(features[: len(labels)], labels, sample_weight=weights * len(labels) / weights.sum())
    scores = model.decision_function(features[len(labels) :])
    found = result["sets"][0]["elas_u4"]
    assert found["average_precision"] == pytest.approx(
        average_precision_score(one.included[split["new"]], scores), abs=0.005
    )
    assert [key for key, value in found.items() if value is None] == sorted(program.OURS_ALONE)
    ours, peer = (result["macro"][method]["average_precision"] for method in ("ours", "elas_u4"))
    assert result["ratios"]["average_precision"] == pytest.approx(ours / peer)
    assert result["bootstrap"]["average_precision_ratio"]["estimate"] == pytest.approx(ours / peer)
    assert result["environment"]["methods"]["elas_u4"]["asreview"].startswith("3.")
    assert set(result["scale"]["tiny"]["elas_u4"]) == {"seconds", "peak_memory_mb"}


def test_a_set_that_the_shipped_weights_have_seen_is_ranked_by_weights_of_the_others(
    program, folder, monkeypatch
):
    import priors

    sets = [program.read_set(path) for path in sorted(folder.glob("*.csv.gz"))]
    usable = [one for one in sets if priors.usable(one)]
    assert len(usable) >= 2
    seen = usable[0]
    monkeypatch.setattr(priors, "sources", lambda: {priors.digest(seen.records)})
    found = priors.LeaveOneOut(sets)
    assert found.without(usable[1].name) is None
    others = [priors.prior.sample(one.records, one.included, seed=priors.SEED) for one in usable[1:]]
    expected = priors.prior.fit(others, seed=priors.SEED)
    given = found.without(seen.name)
    assert list(given.terms) == list(expected.terms)
    assert given.coef == pytest.approx(expected.coef)
    alone = priors.LeaveOneOut([seen])
    with pytest.raises(ValueError, match="no other to learn from"):
        alone.without(seen.name)
    (failed,) = program.measure_all([seen], {"ours": sys.executable})["failed"]
    assert "there is no other to learn from" in failed["reason"]


def test_a_set_is_known_again_in_another_order_and_case(program):
    import priors

    titles = ["A trial of an example", "Another  example", "A third"]
    records = [{"title": title} for title in titles]
    assert priors.digest(records) == priors.digest([{"title": title.upper()} for title in reversed(titles)])
    assert priors.digest(records) != priors.digest(records[:2])


def test_the_sources_of_the_shipped_weights_are_named(program):
    import priors

    assert len(priors.sources()) >= 30
