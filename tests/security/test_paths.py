"""Paths from data stay within their folder, whatever they say and whatever links are there."""

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from livingreview import paths
from livingreview.errors import InputError

HOSTILE = [
    "",
    ".",
    "..",
    "../x",
    "a/../../x",
    "a/./b",
    "a//b",
    "a/",
    "/etc/passwd",
    "~/x",
    "~root",
    "..\\x",
    "C:/x",
    "C:x",
    "\\\\server\\share",
    "x\0.csv",
    "x\n",
    "x\r",
    "x\u2028",
    " x",
    "x ",
    "x.",
    "...",
    "con",
    "NUL.csv",
    "a/Com1",
    "file:stream",
    "x" * 201,
    "ä" * 101,
    "/".join(["a"] * 501),
    "\ud800",
]


@pytest.mark.parametrize("text", HOSTILE, ids=lambda text: repr(text)[:20])
def test_a_hostile_path_is_refused_with_what_was_found(tmp_path, text):
    with pytest.raises(InputError, match="names no place within") as stopped:
        paths.confined(tmp_path, text, file="inputs.json")
    assert str(stopped.value).startswith("inputs.json: ")
    assert len(str(stopped.value)) < 1200


@pytest.mark.parametrize(
    "text", ["a.csv", "data/searches/2026-11/pubmed/x.xml.gz", "ä ö.csv", ".as_made", "..a"]
)
def test_a_plain_path_is_taken(tmp_path, text):
    assert paths.confined(tmp_path, text) == tmp_path / text


@given(text=st.one_of(st.text(max_size=30), st.text("./\\ :a~\0", max_size=12)))
def test_no_text_leads_out_of_its_folder(tmp_path_factory, text):
    root = tmp_path_factory.getbasetemp() / "root"
    try:
        path = paths.confined(root, text)
    except InputError:
        return
    normal = Path(os.path.normpath(path))
    assert normal.is_relative_to(root)
    assert normal != root


def test_a_link_is_followed_to_see_where_it_leads(tmp_path):
    root, outside = tmp_path / "root", tmp_path / "outside"
    (root / "inner").mkdir(parents=True)
    outside.mkdir()
    (root / "out").symlink_to(outside)
    (root / "in").symlink_to("inner")
    assert paths.confined(root, "in", "x.csv") == root / "in/x.csv"
    with pytest.raises(InputError, match="a link leads out"):
        paths.confined(root, "out/x.csv")


def test_a_folder_that_is_itself_a_link_is_the_maintainer_s_choice(tmp_path):
    (tmp_path / "disk").mkdir()
    (tmp_path / "root").symlink_to("disk")
    assert paths.confined(tmp_path / "root", "x.csv") == tmp_path / "root/x.csv"


def test_every_link_out_of_the_data_and_every_pipe_is_named(tmp_path):
    data = tmp_path / "data"
    (data / "searches/2020-01/imports").mkdir(parents=True)
    (data / "trials").mkdir()
    (data / "trials/same.csv").symlink_to("../decisions.csv")
    paths.refuse_strays(tmp_path)
    (data / "searches/2020-01/imports/a.csv").symlink_to("/etc/hostname")
    (data / "searches/2020-02").symlink_to("../../..")
    (data / "trials/gone.csv").symlink_to("/nowhere/at/all")
    os.mkfifo(data / "trials/pipe.csv")
    with pytest.raises(InputError) as stopped:
        paths.refuse_strays(tmp_path)
    said = str(stopped.value)
    for name in ("2020-01/imports/a.csv: a link", "2020-02: a link", "gone.csv: a link", "pipe.csv: neither"):
        assert name in said
    assert "same.csv" not in said


def test_data_that_is_itself_a_link_is_looked_through(tmp_path):
    (tmp_path / "disk").mkdir()
    (tmp_path / "disk/x.csv").symlink_to("/etc/hostname")
    (tmp_path / "review").mkdir()
    (tmp_path / "review/data").symlink_to("../disk")
    with pytest.raises(InputError, match=r"x\.csv: a link that leads out"):
        paths.refuse_strays(tmp_path / "review")
    paths.refuse_strays(tmp_path / "review", folders=["not there"])
