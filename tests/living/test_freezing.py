"""A release is written once, whole or not at all, and a run is compared with what readers had before it."""

import pytest

from livingreview import tables
from livingreview.errors import InputError
from livingreview.living import releases


@pytest.fixture
def results(tmp_path):
    """A built run."""
    folder = tmp_path / "results" / "2020-02"
    folder.mkdir(parents=True)
    for name in releases.KEPT:
        (folder / name).write_text(f"content of {name}\n")
    return folder


@pytest.fixture
def freeze(tmp_path, results):
    def run(version="20.1.0", **options):
        given = {"version": version, "run": "2020-02", "frozen_on": "2020-02-15", "note": "An example."}
        return releases.freeze(results, tmp_path / "releases", **given | options)

    return run


@pytest.fixture
def held(tmp_path):
    """The releases on disk."""
    return lambda: releases.read((tmp_path / "releases").glob("*/release.json"))


def test_a_release_keeps_the_results_to_the_byte_and_says_what_it_is(freeze, results, held):
    folder = freeze()
    assert folder.name == "20.1.0"
    for name in ("estimates.csv", "estimates.json", "effects.csv", "included.csv", "flow.json"):
        assert (folder / name).read_bytes() == (results / name).read_bytes()
    assert held() == [
        {
            "version": "20.1.0",
            "kind": "release",
            "run": "2020-02",
            "frozen_on": "2020-02-15",
            "note": "An example.",
            "path": str(folder),
        }
    ]


@pytest.mark.parametrize("version", ["20.1.0", "20.0.9", "19.12.31", "9.9.9"])
def test_a_version_that_is_not_newer_is_refused(freeze, tmp_path, version):
    folder = freeze("20.1.0")
    (folder / "estimates.csv").write_text("as published\n")
    with pytest.raises(InputError) as caught:
        freeze(version)
    assert str(caught.value) == (
        f"{tmp_path}/releases: a release is never replaced; found {version!r}; allowed: a version after 20.1.0"
    )
    assert (folder / "estimates.csv").read_text() == "as published\n"


def test_versions_are_numbers_and_not_words(freeze, held):
    for version in ("20.2.0", "20.10.0", "20.10.1"):
        freeze(version)
    assert [release["version"] for release in held()] == ["20.2.0", "20.10.0", "20.10.1"]


@pytest.mark.parametrize("version", ["20.1", "v20.1.0", "20.1.0.1", "", "first"])
def test_what_is_no_version_is_refused(freeze, version):
    with pytest.raises(
        InputError, match=r"data/releases: version; found '.*'; allowed: YY.minor.patch, such as 26.1.0"
    ):
        freeze(version)


def test_a_run_that_is_not_built_cannot_be_released(freeze, results, held):
    (results / "flow.json").unlink()
    (results / "effects.csv").unlink()
    with pytest.raises(InputError) as caught:
        freeze()
    assert str(caught.value) == (
        f"{results}: effects.csv, flow.json missing; hint: build the run 2020-02 before releasing it"
    )
    assert held() == []


@pytest.mark.parametrize("crash_at", ["write_bytes", "write_json"])
def test_a_crash_leaves_no_release_and_the_next_attempt_succeeds(
    freeze, held, tmp_path, monkeypatch, crash_at
):
    def crash(*_):
        raise OSError("the disk is full")

    with monkeypatch.context() as patch:
        patch.setattr(releases.tables, crash_at, crash)
        with pytest.raises(OSError, match="the disk is full"):
            freeze()
    assert held() == []
    freeze()
    assert [path.name for path in (tmp_path / "releases").iterdir()] == ["20.1.0"]


def test_a_frozen_table_is_read_as_a_frame(freeze, results, held):
    tables.write_text(
        "study_id,record_ids,since_run\nexample_2020,101; 102,2020-01\n", results / "included.csv"
    )
    freeze()
    assert releases.table(held()[0], "included").to_dict("records") == [
        {"study_id": "example_2020", "record_ids": "101; 102", "since_run": "2020-01"}
    ]


def release(version, run, kind="release"):
    return {"version": version, "run": run, "kind": kind}


@pytest.mark.parametrize(
    ("run", "version"),
    [
        ("2020-01", None),
        ("2020-02", "20.0.1"),
        ("2020-03", "20.0.1"),
        ("2020-06", "20.0.1"),
        ("2020-07", "20.1.0"),
        ("2021-01", "20.1.0"),
    ],
)
def test_a_run_is_compared_with_the_newest_release_of_an_earlier_run(run, version):
    known = [
        release("16.0.0", "2015-12", kind="published"),
        release("20.0.0", "2020-01"),
        release("20.0.1", "2020-01"),
        release("20.1.0", "2020-06"),
    ]
    found = releases.last_before(known, run)
    assert (found and found["version"]) == version


def test_the_run_outranks_the_version():
    """A correction of an old month, released late, is not what readers of a later month had."""
    known = [release("20.1.0", "2020-06"), release("20.2.0", "2020-01")]
    assert releases.last_before(known, "2020-07")["version"] == "20.1.0"


def test_without_releases_there_is_nothing_to_compare_with():
    assert releases.last_before([], "2020-01") is None
