"""A release is written once, whole or not at all, with all that is needed to cite it and to build it again."""

import hashlib
import io
import json
import subprocess
import zipfile

import pytest

from livingreview import tables
from livingreview.errors import InputError
from livingreview.living import bundles, releases

CONFIG = {
    "review": {
        "title": "An example of a review",
        "question": "Does it help?",
        "demonstration": "",
        "authors": [{"name": "Ann Example", "role": "lead"}],
    },
    "search": {"bodies": "committed", "base_url": "https://example.org/"},
}
SNAPSHOT = {"run": "2020-01", "bodies_kept": "committed", "bodies": {"efetch-001.xml.gz": {}}, "files": {}}


@pytest.fixture(autouse=True)
def without_waiting_for_the_disk(monkeypatch):
    """Hundreds of small files are written here, and none has to outlive the machine."""
    monkeypatch.setattr(tables.os, "fsync", lambda _: None)


@pytest.fixture
def review(tmp_path):
    """The folder of a review with a built run, one that is later, and what must not be frozen."""
    files = {
        "config.yaml": "run: '2020-02'  # as typed\n",
        "data/decisions/screening.csv": "record_id\n",
        "data/decisions/.screening.csv.lock": "",
        "data/trials/studies.csv": "study_id\n",
        "data/trials/sheets/101/study.csv": "ready\n",
        "data/trials/sheets/101/.as_made": "{}\n",
        "data/sandbox/records.csv": "pmid\n",
        "data/searches/2020-01/pubmed/provenance.json": json.dumps(SNAPSHOT),
        "data/searches/2020-01/pubmed/efetch-001.xml.gz": "records",
        "data/searches/2020-01/pubmed/.gitignore": "*.gz\n",
        "data/searches/2020-01/imports/embase.csv": "title\n",
        "data/searches/2020-03/pubmed/provenance.json": "{}",
        "data/searches/.2020-04.partial/pubmed/provenance.json": "{}",
        **{f"results/2020-02/{name}": f"content of {name}\n" for name in releases.KEPT},
        "results/2020-02/records.csv": "abstracts\n",
        "results/2020-02/figures/forest.svg": "<svg/>\n",
    }
    for name, text in files.items():
        tables.write_text(text, tmp_path / name)
    return tmp_path


@pytest.fixture
def freeze(review):
    def run(version="20.1.0", **options):
        given = {"version": version, "run": "2020-02", "frozen_on": "2020-02-15", "note": "An example."}
        return releases.freeze(review, options.pop("config", CONFIG), **given | options)

    return run


def held(review):
    """The releases on disk."""
    return [release["version"] for release in releases.read_all(review)]


def test_a_release_keeps_the_results_and_the_protocol_to_the_byte_and_says_what_it_is(freeze, review):
    folder = freeze()
    assert folder == review / "data/releases/20.1.0"
    for name in releases.KEPT:
        assert (folder / name).read_bytes() == (review / "results/2020-02" / name).read_bytes()
    assert (folder / "config.yaml").read_text() == "run: '2020-02'  # as typed\n"
    assert not (folder / "records.csv").exists()
    assert tables.read_json(folder / "release.json") == {
        "version": "20.1.0",
        "kind": "release",
        "run": "2020-02",
        "frozen_on": "2020-02-15",
        "note": "An example.",
        "previous": None,
    }


def test_a_release_names_the_one_before_it_its_doi_and_the_program(freeze, review):
    freeze()
    made_by = {"software": {"living-review": "1.2"}, "code": {"fingerprint": "0123", "commit": None}}
    about = tables.read_json(freeze("20.1.1", doi="10.5281/zenodo.1", made_by=made_by) / "release.json")
    assert (about["previous"], about["doi"]) == ("20.1.0", "10.5281/zenodo.1")
    assert (about["software"], about["code"]) == (made_by["software"], made_by["code"])


def test_what_a_run_did_not_make_is_not_kept_and_what_it_must_have_made_is_asked_for(freeze, review):
    results = review / "results/2020-02"
    (results / "triggers.json").unlink()
    assert not (freeze() / "triggers.json").exists()
    (results / "flow.json").unlink()
    (results / "effects.csv").unlink()
    with pytest.raises(InputError) as caught:
        freeze("20.1.1")
    assert str(caught.value) == (
        f"{results}: effects.csv, flow.json missing; hint: build the run 2020-02 before releasing it"
    )
    assert held(review) == ["20.1.0"]


def test_people_s_tables_are_kept_as_they_were_and_locks_searches_and_the_sandbox_are_not(freeze):
    kept = bundles.read(freeze() / "inputs.zip")
    assert kept == {
        "data/decisions/screening.csv": b"record_id\n",
        "data/trials/sheets/101/.as_made": b"{}\n",
        "data/trials/sheets/101/study.csv": b"ready\n",
        "data/trials/studies.csv": b"study_id\n",
    }


def test_the_records_of_the_sandbox_are_kept_where_it_answered(freeze):
    sandbox = {"bodies": "committed", "base_url": "sandbox", "sandbox_corpus": "data/sandbox/records.csv"}
    kept = bundles.read(freeze(config=CONFIG | {"search": sandbox}) / "inputs.zip")
    assert kept["data/sandbox/records.csv"] == b"pmid\n"


def test_searches_up_to_the_run_and_earlier_releases_are_named_by_their_digests(freeze, review):
    freeze()
    inputs = tables.read_json(freeze("20.1.1") / "inputs.json")
    assert inputs["searches"] == {
        f"data/searches/2020-01/{name}": {"bytes": len(text), "sha256": hashlib.sha256(text).hexdigest()}
        for name, text in (
            ("imports/embase.csv", b"title\n"),
            ("pubmed/efetch-001.xml.gz", b"records"),
            ("pubmed/provenance.json", json.dumps(SNAPSHOT).encode()),
        )
    }
    assert inputs["releases"] == {"20.1.0": releases.folder_digest(review / "data/releases/20.1.0")}


def test_the_checksums_are_of_every_file_and_sha256sum_agrees(freeze):
    folder = freeze()
    lines = (folder / "checksums.sha256").read_text().splitlines()
    assert sorted(line.split("  ", 1)[1] for line in lines) == sorted(
        path.name for path in folder.iterdir() if path.name != "checksums.sha256"
    )
    done = subprocess.run(
        ["sha256sum", "-c", "checksums.sha256"], cwd=folder, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")
    release = {"path": str(folder)}
    assert releases.damaged(release) == []
    (folder / "effects.csv").write_text("edited\n")
    (folder / "flow.json").unlink()
    assert releases.damaged(release) == ["effects.csv", "flow.json"]


def test_the_same_release_frozen_in_another_folder_has_the_same_bytes(freeze, review, tmp_path_factory):
    other = tmp_path_factory.mktemp("other")
    for path in review.rglob("*"):
        if path.is_file():
            tables.write_bytes(path.read_bytes(), other / path.relative_to(review))
    given = {"version": "20.1.0", "run": "2020-02", "frozen_on": "2020-02-15", "note": "An example."}
    one, two = freeze(), releases.freeze(other, CONFIG, **given)
    assert {p.name: p.read_bytes() for p in one.iterdir()} == {p.name: p.read_bytes() for p in two.iterdir()}


def test_what_a_killed_freeze_of_another_version_left_is_no_hindrance_and_goes(freeze, review):
    left = review / "data/releases/.draft/20.9.0"
    left.mkdir(parents=True)
    (left / "estimates.csv").write_text("half")
    assert freeze("20.1.0").is_dir()
    assert held(review) == ["20.1.0"]
    assert not left.parent.exists()


@pytest.mark.parametrize("version", ["20.1.0", "20.0.9", "19.12.31", "9.9.9"])
def test_a_version_that_is_not_newer_is_refused_and_the_release_stays_as_published(freeze, review, version):
    folder = freeze("20.1.0")
    (folder / "estimates.csv").write_text("as published\n")
    with pytest.raises(InputError, match=f"a release is never replaced; found '{version}'"):
        freeze(version)
    assert (folder / "estimates.csv").read_text() == "as published\n"
    assert held(review) == ["20.1.0"]


def test_versions_are_numbers_and_not_words(freeze, review):
    for version in ("20.2.0", "20.2.9", "20.2.10"):
        freeze(version)
    assert held(review) == ["20.2.0", "20.2.9", "20.2.10"]


@pytest.mark.parametrize("note", ["", "  \n"])
def test_an_empty_note_is_refused(freeze, review, note):
    with pytest.raises(InputError, match=r"the note: it is empty; hint: make release VERSION=26\.1\.0 NOTE="):
        freeze(note=note)
    assert held(review) == []


@pytest.mark.parametrize(
    ("where", "crash_at"),
    [("tables", "write_bytes"), ("tables", "write_json"), ("bundles", "write"), ("crate", "describe")],
)
def test_a_crash_leaves_no_release_and_the_next_attempt_succeeds(
    freeze, review, monkeypatch, where, crash_at
):
    def crash(*_, **__):
        raise OSError("the disk is full")

    with monkeypatch.context() as patch:
        patch.setattr(getattr(releases, where), crash_at, crash)
        with pytest.raises(OSError, match="the disk is full"):
            freeze()
    assert held(review) == []
    assert list((review / "data/releases").glob("*/release.json")) == []
    freeze()
    assert [path.name for path in (review / "data/releases").iterdir()] == ["20.1.0"]


def test_the_page_of_all_versions_is_given_the_release_that_is_being_frozen(freeze, review):
    freeze()

    def page(known):
        return ", ".join(one["version"] for one in known)

    assert (freeze("20.1.1", page=page) / "archive.html").read_text() == "20.1.0, 20.1.1"


def test_a_frozen_table_is_read_as_a_frame(freeze, review):
    tables.write_text(
        "study_id,record_ids,since_run\nexample_2020,101; 102,2020-01\n",
        review / "results/2020-02/included.csv",
    )
    freeze()
    assert releases.table(releases.find(review, "20.1.0"), "included").to_dict("records") == [
        {"study_id": "example_2020", "record_ids": "101; 102", "since_run": "2020-01"}
    ]


def test_a_release_that_is_not_there_is_named_with_those_that_are(freeze, review):
    with pytest.raises(
        InputError, match=r"no such release; found '20.1.0'; allowed: none: nothing was released"
    ):
        releases.find(review, "20.1.0")
    freeze()
    tables.write_json(
        {"version": "16.0.0", "kind": "published review"}, review / "data/releases/16.0.0/release.json"
    )
    with pytest.raises(
        InputError, match=r"a published review, and no release of this one; found '16.0.0'; allowed: 20.1.0"
    ):
        releases.find(review, "16.0.0")


def package(review, config=CONFIG):
    """The zip of the release, as (what was left out, content by path)."""
    left_out = releases.package(review, config, releases.find(review, "20.1.0"), review / "out/20.1.0.zip")
    return left_out, bundles.read(review / "out/20.1.0.zip")


def test_a_package_is_a_whole_review_from_which_the_release_can_be_built_again(freeze, review):
    freeze()
    left_out, held_in = package(review)
    assert left_out == []
    assert {"config.yaml", "CITATION.cff", ".zenodo.json", "README.md"} <= set(held_in)
    assert held_in["data/decisions/screening.csv"] == b"record_id\n"
    assert held_in["data/searches/2020-01/pubmed/efetch-001.xml.gz"] == b"records"
    assert held_in["data/releases/20.1.0/effects.csv"] == b"content of effects.csv\n"
    assert held_in["results/2020-02/figures/forest.svg"] == b"<svg/>\n"
    assert not [name for name in held_in if "2020-03" in name or "records.csv" in name]
    assert b"make replay VERSION=20.1.0" in held_in["README.md"]
    listed = {row["@id"]: row for row in json.loads(held_in["ro-crate-metadata.json"])["@graph"]}
    assert set(held_in) - {"ro-crate-metadata.json"} <= set(listed)
    digest = hashlib.sha256(b"records").hexdigest()
    assert listed["data/searches/2020-01/pubmed/efetch-001.xml.gz"]["sha256"] == digest


def test_the_same_package_written_twice_is_the_same_to_the_byte(freeze, review):
    freeze()
    package(review)
    first = (review / "out/20.1.0.zip").read_bytes()
    package(review)
    assert (review / "out/20.1.0.zip").read_bytes() == first
    assert [path.name for path in (review / "out").iterdir()] == ["20.1.0.zip"]


def test_records_that_stay_on_the_machine_that_fetched_them_are_not_passed_on_and_are_named(freeze, review):
    local = {**SNAPSHOT, "bodies_kept": "local"}
    tables.write_json(local, review / "data/searches/2020-01/pubmed/provenance.json")
    freeze()
    left_out, held_in = package(review, CONFIG | {"search": {"bodies": "local"}})
    assert left_out == [
        "data/searches/2020-01/imports/embase.csv",
        "data/searches/2020-01/pubmed/efetch-001.xml.gz",
    ]
    assert set(left_out).isdisjoint(held_in)
    assert "data/searches/2020-01/pubmed/provenance.json" in held_in
    assert all(f"- {name}" in held_in["README.md"].decode() for name in left_out)
    assert "data/releases/20.1.0/inputs.json" in held_in


def test_a_zip_has_one_date_sorted_content_and_nothing_that_leads_out_of_it():
    file = io.BytesIO()
    bundles.write(file, [("a/b.csv", b"1"), ("c", b"")], day="2026-11-28")
    with zipfile.ZipFile(file) as bundle:
        assert [(one.filename, one.date_time) for one in bundle.infolist()] == [
            ("a/b.csv", (2026, 11, 28, 0, 0, 0)),
            ("c", (2026, 11, 28, 0, 0, 0)),
        ]
    for name in ("../x", "/x", "a/../x", "a\\x", "", "a//x"):
        with pytest.raises(ValueError, match="a zip holds no member"):
            bundles.write(io.BytesIO(), [(name, b"")], day="2026-11-28")
    with pytest.raises(ValueError, match="'x' \\(again\\)"):
        bundles.write(io.BytesIO(), [("x", b""), ("x", b"")], day="2026-11-28")


def test_a_zip_of_others_that_leads_out_of_its_folder_is_refused():
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as bundle:
        bundle.writestr("../../etc/x", "")
    with pytest.raises(ValueError, match="leads out of the zip"):
        bundles.read(file)
