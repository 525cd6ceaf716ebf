"""The digest tells people who were not watching what a month came to, and nothing from data is markup in it."""

import html.parser
import re

import pytest
from operation.told_month import FAILURE, RUN, WORK, ToldMonth, news

from livingreview import tables
from livingreview.errors import ReviewError
from livingreview.operation.job.outcome import (
    ALL_DONE,
    EXIT_CODES,
    FAILED,
    INTERRUPTED,
    LOCKED,
    PAUSED,
    RUNNING,
    TRIGGER_FIRED,
    UNFILED,
    WORK_WAITS,
)
from livingreview.operation.telling import digest

HOSTILE = "<script>x</script> @anna fixes #12 [a](http://evil.example) | $x$ 'q\" \u202etxt"
FIRED = {"name": "ratio", "outcome": "pain", "label": "Pain", "sentence": "It is twice what it was."}


@pytest.fixture
def told(tmp_path):
    return ToldMonth(tmp_path)


def made(told):
    """The view, and both files as text."""
    seen = digest.write(told.folder, RUN, environ={})
    return seen, *((told.logs / name).read_text(encoding="utf-8") for name in digest.MADE)


def test_a_month_in_which_nothing_is_new_says_so_and_that_the_job_lives(told):
    seen, text, page = made(told)
    assert seen["subject"] == "Nothing new: Example pain, November 2026"
    assert text.startswith("# Example pain\n\n**November 2026: Nothing new**\n")
    assert "PubMed was searched on 1 November 2026; no new record was found." in text
    assert "Run from 2026-11-02 05:17 to 2026-11-02 05:19 UTC." in text
    assert "What waits" not in text + page


def test_what_waits_is_told_with_how_long_for_whom_and_where(told):
    told.waits(n=29, since="2016-01", months=130)
    seen, text, page = made(told)
    assert seen["subject"].startswith("4 new records, 4 items wait for people: Example pain")
    row = "| Records to decide on | 29 | 130 months, since January 2016 | reviewers | screen them at the desk, or fill in the queue, then run “make decisions” | `results/2026-11/queue.csv` |"
    assert row in text.splitlines()
    assert f"followed by RUN={RUN} REVIEW={told.folder}." in text
    for words in ("records to decide on", "130 months, since January 2016", "results/2026-11/queue.csv"):
        assert words in page


def test_one_piece_of_work_is_spoken_of_as_one(told):
    told.waits(n=1, kind="studies to extract")
    _, _, page = made(told)
    assert "<strong>1</strong> study to extract" in page


def test_a_trigger_comes_first_in_the_subject(told):
    told.results(news(fired=[FIRED, FIRED | {"name": "no_effect"}]))
    told.ended(TRIGGER_FIRED, n_waiting=1, waiting=[WORK | {"n": 1}], hint="read the report")
    seen, text, _ = made(told)
    assert seen["subject"].startswith("2 triggers fired, 1 item waits for people: ")
    assert "- Pain: It is twice what it was." in text
    assert "What to do: Read the report." in text
    assert seen["fired_names"] == ["no_effect pain", "ratio pain"]


def test_a_failure_says_what_failed_where_its_log_is_and_what_to_do(told):
    told.failed()
    seen, text, page = made(told)
    assert seen["subject"] == "Failed: Example pain, November 2026"
    assert "The step search\\_pubmed failed:\n\n    PubMed did not answer within 60 s\n" in text
    assert "What to do: Mend what the reason names." in text
    assert "are those of an earlier start and may be older" in text
    assert FAILURE["log"] in page


def test_a_month_that_failed_before_anything_was_built_names_the_last_report(told):
    (told.folder / "results" / RUN / "whats_new.json").unlink()
    tables.write_text("x", told.folder / "results/2026-10/report.html")
    told.ended(FAILED, reason="config.yaml: unknown key serach")
    _, text, page = made(told)
    assert "    config.yaml: unknown key serach\n" in text
    for made_of in (text, page):
        assert "The last report is results/2026-10/report.html." in made_of.replace("\\", "")


def test_a_failure_without_a_config_is_told_under_the_title_that_the_month_knew(told):
    tables.write_text("review: [", told.folder / "config.yaml")
    told.failed()
    assert made(told)[0]["title"] == "Example pain"


def test_a_step_that_was_killed_left_no_error(told):
    told.failed(error=None, log=None)
    assert "ended without a word: was it killed" in made(told)[1]


def test_results_that_cannot_be_read_are_named(told):
    tables.write_text("{", told.folder / "results" / RUN / "whats_new.json")
    assert "could not be read from results/2026-11/whats" in made(told)[1]


@pytest.mark.parametrize("outcome", sorted(set(EXIT_CODES) - {LOCKED}))
def test_every_outcome_has_words_of_its_own(told, outcome):
    told.ended(outcome, n_new=2, n_waiting=1, reason="because")
    seen = made(told)[0]
    assert seen["head"]
    assert seen["head"] != outcome
    assert seen["subject"] == f"{seen['head']}: Example pain, November 2026"


@pytest.mark.parametrize(
    ("outcome", "head"),
    [
        (PAUSED, "Paused, nothing was searched, 1 item waits for people"),
        (UNFILED, "Stopped: what people filled in is not filed yet"),
        (INTERRUPTED, "Interrupted"),
        (ALL_DONE, "2 new records, nothing waits"),
        (WORK_WAITS, "2 new records, 1 item waits for people"),
    ],
)
def test_outcomes_in_words(told, outcome, head):
    told.ended(outcome, n_new=2, n_waiting=0 if outcome == ALL_DONE else 1)
    assert made(told)[0]["head"] == head


def test_a_month_that_has_not_ended_has_no_digest(told):
    told.ended(RUNNING)
    with pytest.raises(ReviewError, match=r"month\.json: the month has not ended; hint: wait for it"):
        digest.write(told.folder, RUN)
    (told.logs / "month.json").unlink()
    with pytest.raises(ReviewError, match="hint: make month RUN=2026-11 writes it"):
        digest.write(told.folder, RUN)


def test_a_demonstration_says_that_it_is_one_in_every_form(told):
    told.config(notify=None, demonstration="Do not use it.")
    seen, text, page = made(told)
    assert seen["subject"].startswith("[Demonstration] Nothing new: ")
    assert "Demonstration. Do not use it." in text
    assert "<strong>Demonstration.</strong> Do not use it." in page
    assert digest.as_plain(seen).startswith("[Demonstration] ")


def test_of_many_months_the_last_twelve_are_shown_and_the_others_counted(told):
    row = news()["runs"][0]
    told.results(news(runs=[row | {"run": f"20{year:02d}-01"} for year in range(40, 10, -1)]))
    _, text, page = made(told)
    assert text.count("\n| 20") == 12
    for made_of in (text, page):
        assert "18 earlier months are in the report." in made_of


def test_of_many_triggers_and_failed_steps_the_first_are_told_and_the_others_counted(told):
    told.results(news(fired=[FIRED | {"outcome": f"outcome_{number}"} for number in range(45)]))
    told.ended(TRIGGER_FIRED)
    seen, text, page = made(told)
    assert seen["head"] == "45 triggers fired"
    for made_of in (text, page):
        assert made_of.count("It is twice what it was.") == 40
        assert "and 5 more triggers" in made_of
    told.ended(FAILED, failed=[FAILURE | {"rule": f"step_{number}"} for number in range(6)])
    _, text, page = made(told)
    for made_of in (text, page):
        assert made_of.count("Nothing was saved.") == 5
        assert "and 1 more step failed." in made_of


def test_the_markdown_fits_beside_the_queue_into_the_body_of_an_issue(told):
    told.results(news(statement=[f"Sentence {number} of many. " * 20 for number in range(200)]))
    text = made(told)[1]
    assert len(text.encode()) <= 32_000
    assert re.search(r"^\d+ more lines did not fit here; the files hold all\.$", text, re.M)


class Tags(html.parser.HTMLParser):
    """Collects the tags and attributes of a page."""

    def __init__(self, page):
        super().__init__()
        self.found = []
        self.feed(page)

    def handle_starttag(self, tag, attrs):
        self.found.append((tag, dict(attrs)))


@pytest.fixture
def hostile(told):
    told.config(
        notify={"webhook": {"format": "json"}, "folder": HOSTILE}, title=HOSTILE, demonstration=HOSTILE
    )
    told.results(
        news(
            statement=[HOSTILE],
            fired=[FIRED | {"label": HOSTILE, "sentence": HOSTILE}],
            waiting=[{"text": HOSTILE}],
            waiting_more=3,
        )
    )
    told.ended(TRIGGER_FIRED, hint=HOSTILE, remarks=[HOSTILE], waiting=[WORK | {"whom": HOSTILE}])
    return told


def test_nothing_from_data_is_markup_in_the_page_and_nothing_is_loaded(hostile):
    page = made(hostile)[2]
    tags = Tags(page).found
    assert {tag for tag, _ in tags} <= set(
        "html head meta title style body table tr td th p h1 h2 ul li strong span pre".split()
    )
    for _, attributes in tags:
        assert not [name for name in attributes if name in ("src", "href", "srcset") or name.startswith("on")]
    assert "url(" not in page
    assert "@import" not in page
    assert "&lt;script&gt;x&lt;/script&gt;" in page


def test_nothing_from_data_is_markup_in_the_markdown(hostile):
    markdown_it = pytest.importorskip("markdown_it")
    text = made(hostile)[1]
    tags = Tags(markdown_it.MarkdownIt("commonmark").enable("table").render(text)).found
    assert {tag for tag, _ in tags} <= set("h1 h2 p strong ul li table thead tbody tr th td code".split())
    assert "\n@" not in text
    assert not re.search(r"@\w|#\d|://|\u202e", text)


def test_a_secret_of_the_environment_is_in_no_form(told):
    told.failed(error="https://hooks.example/services/T0000000000000000/B11111111111111111 refused")
    environ = {
        "LIVING_REVIEW_WEBHOOK_URL": "https://hooks.example/services/T0000000000000000/B11111111111111111"
    }
    digest.write(told.folder, RUN, environ=environ)
    for name in digest.MADE:
        text = (told.logs / name).read_text(encoding="utf-8")
        assert "T0000000000000000" not in text
        assert "LIVING" in text
