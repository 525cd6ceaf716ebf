"""A new review: its protocol says what is to be filled in, its tables are valid, and its folder is whole."""

import datetime
import re
import stat

import pytest
import yaml

import start_review
from livingreview import config as protocol
from livingreview import tables
from livingreview.errors import InputError
from livingreview.operation.reviews import scaffold

NOW = datetime.datetime(2026, 11, 28, tzinfo=datetime.UTC)


@pytest.fixture
def begun(tmp_path):
    """The folder of a new review."""
    assert start_review.main([str(tmp_path / "reviews/example"), "--title", "An example"], now=NOW) == 0
    return tmp_path / "reviews/example"


def filled(text):
    """The protocol of a new review with something in every open place."""
    text = text.replace(f"{protocol.KEY_TO_FILL_IN}:", "fatigue:").replace('"FILL IN: an address', '"a@b.org')
    return re.sub(r"a@b\.org[^\"]*", "a@b.org", re.sub(rf"{protocol.TO_FILL_IN} ", "", text))


def test_a_new_review_stops_the_run_and_names_every_open_place(begun):
    with pytest.raises(InputError) as caught:
        protocol.load(begun / "config.yaml")
    named = [re.match(r"key (\S+) is still to be", line)[1] for line in caught.value.problems]
    assert named == [
        "review.question",
        "search.email",
        "search.query",
        "eligibility.include",
        "screening.interests",
        "outcomes.fill_in",
        "outcomes.fill_in.label",
        "outcomes.fill_in.short",
        "interpretation.treatment",
    ]


def test_without_a_title_the_title_is_asked_for(tmp_path):
    start_review.main([str(tmp_path / "example")], now=NOW)
    with pytest.raises(InputError, match=r"review\.title is still to be filled in"):
        protocol.load(tmp_path / "example/config.yaml")


def test_once_it_is_filled_in_the_protocol_holds_and_asks_pubmed(begun):
    path = begun / "config.yaml"
    path.write_text(filled(path.read_text(encoding="utf-8")), encoding="utf-8")
    config = protocol.load(path)
    assert (config["run"], config["review"]["title"]) == ("2026-11", "An example")
    assert config["search"]["base_url"] == "https://eutils.ncbi.nlm.nih.gov/entrez/eutils/"
    assert config["review"]["demonstration"] == ""
    assert list(config["outcomes"]) == ["fatigue"]


def test_nothing_of_the_bundled_example_is_left_in_it(begun, root):
    bundled = protocol.load(root / "config.yaml")
    config = yaml.safe_load((begun / "config.yaml").read_text(encoding="utf-8"))
    assert config.keys() == bundled.keys() - {"rehearsal"}
    for part in ("question", "demonstration"):
        assert config["review"][part] != bundled["review"][part]
    for key in ("authors", "license", "follows"):
        assert key not in config["review"]
    assert config["search"]["acknowledged"] == config["subgroups"] == config["other_outcomes"] == []
    said = (begun / "config.yaml").read_text(encoding="utf-8").lower()
    assert [word for word in ("maintainer@", "the example", "the sandbox's corpus") if word in said] == []


def test_what_no_review_changes_first_is_as_in_the_bundled_one_comments_included(begun, root):
    bundled = (root / "config.yaml").read_text(encoding="utf-8")
    text = (begun / "config.yaml").read_text(encoding="utf-8")
    analysis = bundled[bundled.index("\nanalysis:") : bundled.index("\nsubgroups:")]
    assert analysis in text
    comments = {line.strip() for line in bundled.splitlines() if line.strip().startswith("# ")}
    kept = {line.strip() for line in text.splitlines()}
    assert len(comments & kept) > 0.85 * len(comments)


@pytest.mark.parametrize("title", ['A "title": with # and \\ signs', "{{ x }} – % ü", "yes", "2026", "- [a]"])
def test_any_title_is_a_title(tmp_path, title):
    start_review.main([str(tmp_path / "example"), "--title", title], now=NOW)
    config = yaml.safe_load((tmp_path / "example/config.yaml").read_text(encoding="utf-8"))
    assert config["review"]["title"] == title


@pytest.mark.parametrize(("path", "schema"), scaffold.TABLES.items())
def test_a_table_begins_empty_and_valid(begun, path, schema):
    frame = tables.read(begun / "data" / path, schema)
    assert (len(frame), list(frame.columns)) == (0, tables.columns(schema))


def test_every_table_that_a_run_cannot_do_without_is_there(begun, root):
    common = (root / "rules/common.smk").read_text(encoding="utf-8")
    needed = re.findall(r'"data/([\w/]+\.csv)"', common)
    assert set(needed) >= {"decisions/screening.csv", "trials/outcomes.csv"}
    assert set(needed) <= scaffold.TABLES.keys()


def test_what_a_run_makes_is_kept_out_of_version_control_as_in_the_program(begun, root):
    ours = (root / ".gitignore").read_text(encoding="utf-8").splitlines()
    assert set((begun / ".gitignore").read_text(encoding="utf-8").splitlines()) <= set(ours)


def test_the_folder_is_for_the_group_as_others_are(begun):
    assert stat.S_IMODE(begun.stat().st_mode) == stat.S_IMODE((begun / "data").stat().st_mode)
    assert [path.name for path in begun.parent.iterdir()] == ["example"]


def test_a_folder_that_exists_is_left_alone(begun, capsys):
    before = sorted(begun.rglob("*"))
    assert start_review.main([str(begun), "--title", "Another"], now=NOW) == 1
    assert "exists already, and is left alone" in capsys.readouterr().err
    assert sorted(begun.rglob("*")) == before


@pytest.mark.parametrize("name", ["My Review", "a/..", "-x", "root", "x;y", "ü", ""])
def test_a_name_that_could_not_stand_in_an_address_is_refused(tmp_path, name, capsys):
    assert start_review.main([f"{tmp_path}/sub/{name}", "--title", "x"], now=NOW) in (0, 1)
    if name:
        assert "allowed: small letters, digits and hyphens" in capsys.readouterr().err
        assert not (tmp_path / "sub").exists()


def test_a_month_that_is_none_is_refused(tmp_path):
    with pytest.raises(SystemExit, match="2"):
        start_review.main([str(tmp_path / "x"), "--run", "2026-13"], now=NOW)


def test_what_fails_on_the_way_leaves_nothing(tmp_path, monkeypatch):
    def full(*_args):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(tables, "write_text", full)
    assert start_review.main([str(tmp_path / "reviews/x"), "--title", "x"], now=NOW) == 1
    assert list((tmp_path / "reviews").iterdir()) == []


def test_a_bundled_protocol_that_lost_a_key_is_not_copied_in_silence(root):
    bundled = (root / "config.yaml").read_text(encoding="utf-8")
    with pytest.raises(InputError, match=r"no key search\.query"):
        scaffold.config_text(bundled.replace("  query: >-", "  other: >-"), title="x", run="2026-11")
