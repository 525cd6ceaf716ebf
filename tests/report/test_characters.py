import example
import pytest
from markupsafe import Markup

from livingreview.report import pages
from livingreview.report.characters import fit


@pytest.mark.parametrize("text", ["\x00", "\x0b", "\x1b", "\x85", "\ud800", "\ufffe"])
def test_what_a_page_cannot_hold_is_shown_as_the_replacement_character(text):
    assert fit(f"a{text}b") == "a\ufffdb"


@pytest.mark.parametrize("value", ["plain", "tab\tand\r\nline end", "ä→😀", 3, None, Markup("<b>\x1b</b>")])
def test_all_else_stays(value):
    assert fit(value) is value or fit(value) == value


def test_a_title_with_a_null_byte_is_built_into_page_and_drawing():
    context = example.context()
    context["studies"][0]["title"] = "before\x00after"
    context["config"]["interpretation"]["favours_left"] = "favours\x00x"
    page = pages.build(context)
    assert "\x00" not in page
    assert "before\ufffdafter" in page
