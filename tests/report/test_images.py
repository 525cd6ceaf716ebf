"""Images of earlier months save drawing them again, and change nothing."""

import logging

import pytest

from livingreview.report import standalone
from livingreview.report.images import Images


@pytest.fixture
def drawn(monkeypatch):
    """The texts that were drawn, in order; an image says which text it is of."""
    texts = []

    def png(text, *, fonts):
        texts.append(text)
        return b"\x89PNG\r\n" + text.encode()

    monkeypatch.setattr(standalone, "png", png)
    return texts


def month(folder, *texts, code="one"):
    """The images of a month, as it asks for them."""
    images = Images(folder, code=code, fonts=[])
    made = [images.png(text) for text in texts]
    images.forget_others()
    return made


def test_an_image_that_was_drawn_before_is_taken_over(tmp_path, drawn):
    first = month(tmp_path, "a", "b")
    assert month(tmp_path, "b", "c", "b") == [first[1], b"\x89PNG\r\nc", first[1]]
    assert drawn == ["a", "b", "c"]


def test_only_what_the_month_used_is_kept_and_no_file_of_others_is_removed(tmp_path, drawn):
    (tmp_path / "photograph.png").write_bytes(b"of somebody")
    month(tmp_path, "a", "b")
    month(tmp_path, "b")
    assert len(list(tmp_path.glob("figure-*.png"))) == 1
    month(tmp_path, "a", "b")
    assert drawn == ["a", "b", "a"]
    assert (tmp_path / "photograph.png").read_bytes() == b"of somebody"


def test_other_code_knows_no_image_and_what_the_old_one_knew_is_removed(tmp_path, drawn):
    month(tmp_path, "a")
    old = list(tmp_path.iterdir())
    month(tmp_path, "a", code="two")
    assert drawn == ["a", "a"]
    assert len(list(tmp_path.iterdir())) == 1
    assert list(tmp_path.iterdir()) != old


@pytest.mark.parametrize(
    "damaged",
    [lambda _: b"", lambda whole: whole[:-1], lambda whole: whole.replace(b"PNG", b"GIF")],
    ids=["empty", "cut short", "other bytes"],
)
def test_a_damaged_image_is_told_and_drawn_again(tmp_path, drawn, caplog, damaged):
    said = month(tmp_path, "a")
    (kept,) = tmp_path.iterdir()
    kept.write_bytes(damaged(kept.read_bytes()))
    assert month(tmp_path, "a") == said
    assert drawn == ["a", "a"]
    assert f"{kept} can't be used, and is drawn again: it is not as it was written" in caplog.text
    assert month(tmp_path, "a") == said
    assert drawn == ["a", "a"]


def test_a_folder_in_the_place_of_an_image_costs_time_and_no_month(tmp_path, drawn, caplog):
    said = month(tmp_path, "a")
    (kept,) = tmp_path.iterdir()
    kept.unlink()
    kept.mkdir()
    assert month(tmp_path, "a") == said
    assert month(tmp_path, "b") == [b"\x89PNG\r\nb"]
    assert drawn == ["a", "a", "b"]
    assert "could not be kept for the next month" in caplog.text
    assert "images of earlier months could not be removed" in caplog.text


def test_where_nothing_can_be_kept_it_is_said_once(tmp_path, drawn, caplog):
    (tmp_path / "file").write_text("a file where a folder should be", encoding="utf-8")
    with caplog.at_level(logging.WARNING):
        month(tmp_path / "file" / "images", "a", "b", "c")
    assert drawn == ["a", "b", "c"]
    assert caplog.text.count("could not be kept for the next month, which will take longer") == 1
