import sys
from pathlib import Path

import example

sys.path.insert(0, str(Path(__file__).parents[2] / "benchmarks"))

import hostile_text
from hostile_strings import STRINGS

# Fields that hold words, by the last part of their name; the benchmark finds all fields by itself.
WORDS = """title authors journal label note reason source reviewer terms design found expected hint citation question
    favours_left favours_right statement retirement demonstration instrument assumption conversion evidence link doi
    cleared_by clearance_note limits platform strategy query_translation sentence text short""".split()
# Words by which rows are tied together, or of which only those that the code knows are let through.
KEYS = {
    "estimates.outcomes.*.sensitivity_table.*.reason",
    "estimates.outcomes.*.sensitivity_table.*.note",
    "months.*.label",
}
SAMPLE = 8  # strings that stand alone in every field; the benchmark does that with all of them


def test_two_hundred_different_strings_are_at_hand():
    assert len(STRINGS) == len(set(STRINGS)) == 200


def test_no_text_of_the_page_does_anything_but_be_read(browser):
    context = example.context()
    fields = sorted({hostile_text.field(path) for path, _ in hostile_text.texts(context)})
    words = [name for name in fields if name.rsplit(".", 1)[-1] in WORDS and name not in KEYS]
    assert len(words) > 40
    found = hostile_text.check_pages(
        STRINGS,
        context=context,
        texts_of=words,
        ties=[],
        browser=browser,
        alone=STRINGS[:: len(STRINGS) // SAMPLE],
        per_page=40,
    )
    assert found == []


def test_no_text_of_a_table_is_a_formula_and_all_come_back():
    assert hostile_text.check_tables(STRINGS) == []


def test_no_text_does_anything_on_the_page_of_versions(browser):
    assert hostile_text.check_archive(STRINGS[::10], browser) == []


def test_no_text_is_more_than_text_in_digest_feed_figure_or_citation():
    assert hostile_text.check_files(STRINGS) == []
