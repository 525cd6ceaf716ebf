"""Wherever a path is made of data, data cannot lead out of the review."""

import csv
import gzip
import json
import os
import string
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from livingreview import paths, replay, tables
from livingreview.errors import InputError, ReviewError
from livingreview.living import bundles, releases
from livingreview.screening import filing
from livingreview.screening.exchange import returning
from livingreview.search import snapshot
from livingreview.trials import double_extraction, sheets

ROOT = Path(__file__).resolve().parents[2]
OUT = [
    "../../outside",
    "/etc/hostname",
    "data/../../outside",
    "a\\..\\..\\outside",
    "C:/outside",
    "data/x\0y",
]
NAMES = st.text(min_size=1, max_size=50).filter(str.strip)


@pytest.fixture
def release(tmp_path):
    """A frozen release of a small review; `tmp_path` holds a file that is none of its."""
    review = tmp_path / "review"
    for name, text in {
        "config.yaml": "run: '2020-02'\n",
        "data/decisions/screening.csv": "as it was\n",
        "data/searches/2020-01/imports/x.csv": "title\n",
        **{f"results/2020-02/{name}": f"{name}\n" for name in releases.REQUIRED},
    }.items():
        tables.write_text(text, review / name)
    (tmp_path / "outside").write_text("private")
    config = {
        "review": {"title": "An example", "question": "?", "demonstration": ""},
        "search": {"bodies": "committed"},
    }
    options = {"version": "20.1.0", "run": "2020-02", "frozen_on": "2020-02-15", "note": "An example."}
    releases.freeze(review, config, **options)
    return review, config


def forge(review, name, data):
    """Replace a file of the release, and its digest, as somebody who hands on a whole release could."""
    folder = review / "data/releases/20.1.0"
    (folder / name).write_bytes(data)
    sums = (folder / releases.CHECKSUMS).read_text().splitlines()
    kept = [line for line in sums if not line.endswith(f"  {name}")]
    kept.append(f"{releases.digest(data)['sha256']}  {name}")
    (folder / releases.CHECKSUMS).write_text("".join(f"{line}\n" for line in kept))


def below(folder):
    return {path: path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


@pytest.mark.parametrize("part", ["searches", "releases"])
@pytest.mark.parametrize("name", OUT)
def test_a_forged_release_reads_and_writes_nothing_outside(release, tmp_path, part, name):
    review, config = release
    inputs = tables.read_json(review / "data/releases/20.1.0" / releases.INPUTS)
    inputs[part][name] = releases.digest(b"private") if part == "searches" else "0" * 64
    forge(review, releases.INPUTS, json.dumps(inputs).encode())
    before = below(tmp_path)
    found = releases.find(review, "20.1.0")
    with pytest.raises(InputError, match="names no place within"):
        replay.lay_out(review, found, tmp_path / "again")
    with pytest.raises(InputError, match="names no place within"):
        releases.package(review, config, found, tmp_path / "package.zip")
    (tmp_path / "package.zip").unlink(missing_ok=True)
    made = {path for path in below(tmp_path) if not path.is_relative_to(tmp_path / "again")}
    assert made == set(before)
    assert (tmp_path / "outside").read_text() == "private"


@pytest.mark.parametrize("name", [*OUT[:3], "data//x", "./x"])
def test_a_forged_bundle_of_tables_writes_nothing_outside(release, tmp_path, name):
    review, _ = release
    path = tmp_path / "forged.zip"
    with zipfile.ZipFile(path, "w") as file:
        file.writestr(name, "forged")
    forge(review, releases.TABLES, path.read_bytes())
    with pytest.raises(InputError, match="leads out of the zip"):
        replay.lay_out(review, releases.find(review, "20.1.0"), tmp_path / "again")
    assert (tmp_path / "outside").read_text() == "private"


def test_a_forged_bundle_that_unpacks_to_more_than_any_review_is_not_unpacked(release, tmp_path, monkeypatch):
    monkeypatch.setattr(bundles, "MOST_BYTES", 1000)
    review, _ = release
    path = tmp_path / "forged.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr("data/x.csv", "x" * 1001)
    for data, said in ((path.read_bytes(), "unpacks to 1,001 bytes"), (b"no zip", "no whole zip")):
        forge(review, releases.TABLES, data)
        with pytest.raises(InputError, match=said):
            replay.lay_out(review, releases.find(review, "20.1.0"), tmp_path / "again")


@pytest.mark.parametrize("name", OUT)
@pytest.mark.parametrize("part", ["files", "bodies"])
def test_a_snapshot_names_its_own_files_only(tmp_path, name, part):
    folder = tmp_path / "2020-01/pubmed"
    provenance = {"run": "2020-01", "files": {}, "bodies": {}, "parts": []}
    provenance[part] = {name: releases.digest(b"private")}
    tables.write_json(provenance, folder / snapshot.PROVENANCE)
    with pytest.raises(ReviewError, match="names no place within"):
        snapshot.read(folder)


def test_a_packed_file_of_a_snapshot_is_not_unpacked_without_bound(monkeypatch):
    data = gzip.compress(b"x" * 1001)
    assert snapshot._unpacked(data, "x.gz") == b"x" * 1001
    monkeypatch.setattr(snapshot, "LARGEST_BODY", 1000)
    with pytest.raises(snapshot.SnapshotError, match="unpacks to more than 1,000 bytes"):
        snapshot._unpacked(data, "x.gz")


@pytest.mark.parametrize("version", ["../../outside", "26.1.0/..", "/26.1.0", "26.1.0\n", "26.1.x", ""])
def test_a_version_is_a_number_and_no_path(release, version):
    review, config = release
    options = {"run": "2020-02", "frozen_on": "2020-02-16", "note": "An example."}
    with pytest.raises(ReviewError):
        releases.freeze(review, config, version=version, **options)
    with pytest.raises(ReviewError, match="no such release"):
        releases.find(review, version)


@given(names=st.lists(NAMES, min_size=2, max_size=2, unique=True))
def test_no_reviewer_s_name_leads_anywhere(names):
    try:
        found = filing.own_queues({"reviewers": {"independent": 2, "names": names}})
        folders = double_extraction.extractors({"extractors": {"independent": 2, "names": names}})
    except InputError:
        return
    for name in (*found.values(), *folders.values()):
        assert paths.fault(name) is None
        assert "/" not in name


@pytest.mark.parametrize("name", ["Con", "NUL", "Aux.", "\ufdfa" * 40])
def test_a_name_that_some_file_system_does_not_take_is_refused_in_the_config(name):
    asked = {"independent": 2, "names": [name, "Another"]}
    with pytest.raises(InputError, match=r"screening\.reviewers\.names"):
        filing.own_queues({"reviewers": asked})
    with pytest.raises(InputError, match=r"extraction\.extractors\.names"):
        double_extraction.extractors({"extractors": asked})


@given(
    rest=st.text(string.printable, min_size=1, max_size=400),
    start=st.sampled_from(["doi:10.1000/", "db:", ""]),
)
def test_the_folder_of_a_sheet_is_one_name_whatever_the_record_is_called(rest, start):
    name = sheets.folder_name(start + rest, apart=not start)
    assert "/" not in name
    assert name not in (".", "..")
    assert 0 < len(name) <= sheets.LONGEST_FOLDER


def test_long_record_ids_that_differ_at_their_end_have_different_folders():
    first, second = (f"doi:10.1000/{'x' * 300}{end}" for end in "12")
    assert sheets.folder_name(first) != sheets.folder_name(second)
    assert sheets.folder_name("doi:10.1000/x(1") == sheets.folder_name("doi:10.1000/x_1")
    assert sheets.folder_name("doi:10.1000/x(1", apart=True) != sheets.folder_name(
        "doi:10.1000/x_1", apart=True
    )


@given(name=NAMES)
def test_the_copy_of_another_program_s_export_has_a_plain_name(name):
    assert paths.fault(f"0123456789ab-{returning._plain(Path(name).name)}x") is None


def test_a_month_of_a_review_with_a_link_out_of_its_data_stops_before_any_job(tmp_path, review_of):
    review = review_of(tmp_path / "review")
    (review / "data/text").mkdir(exist_ok=True)
    (review / "data/text/lead.md").unlink(missing_ok=True)
    (review / "data/text/lead.md").symlink_to("/etc/hostname")
    command = [sys.executable, "-m", "snakemake", "--snakefile", ROOT / "Snakefile", "--directory", review]
    command += ["--cores", "1", "--dry-run"]
    done = subprocess.run(
        list(map(str, command)), env=os.environ, capture_output=True, text=True, check=False
    )
    assert done.returncode == 1
    assert "data/text/lead.md: a link that leads out of data/" in done.stderr.strip().splitlines()[-1]
    assert not (review / "results").exists()


@pytest.mark.parametrize("cell", ["x" * 200_000, '"' + "x\n" * 100_000 + '"'])
def test_a_cell_beyond_all_bounds_is_told(example_table, cell):
    # Python's own limit, which holds for the whole process: benchmarks that ran before in it have raised it.
    before = csv.field_size_limit(131_072)
    path = example_table("screening", {"note": "MARK"})
    path.write_text(path.read_text().replace("MARK", cell))
    try:
        with pytest.raises(InputError, match="not a CSV file: field larger than field limit"):
            tables.read(path, "screening")
    finally:
        csv.field_size_limit(before)
