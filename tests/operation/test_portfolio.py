"""The page of all reviews, from what their months left behind."""

import json
import re

import pytest
import several_reviews as made

import build_portfolio
from livingreview.operation.reviews import folders as reviews
from livingreview.operation.reviews import months, portfolio
from livingreview.operation.reviews.folders import Review
from livingreview.operation.reviews.months import Ended


@pytest.fixture
def review(tmp_path, shipped):
    """Makes a review's folder; keys of the protocol's `living` may differ."""

    def make(name="pain", *, title=made.TITLE, **living):
        folder = tmp_path / "reviews" / name
        folder.mkdir(parents=True)
        shipped["review"]["title"] = title
        config = shipped | {"living": shipped["living"] | living}
        # JSON is YAML.
        (folder / "config.yaml").write_text(json.dumps(config), encoding="utf-8")
        return folder

    return make


@pytest.fixture
def collect(tmp_path):
    def read(**options):
        found, _ = reviews.find(tmp_path / "reviews")
        return portfolio.collect(found, **options)

    return read


def only(collected):
    [row] = collected["reviews"]
    return row


def text_of(page):
    return re.sub(r"\s+", " ", re.sub(r"<style>.*?</style>|<[^>]+>", " ", page, flags=re.S))


def test_a_review_that_never_ran_says_so(review, collect):
    review()
    row = only(collect())
    assert (row["state"], row["good"], row["month"], row["links"]["report"]) == (
        "never run",
        None,
        None,
        None,
    )
    assert "Pain" not in row["title"]
    assert "It has not been run yet." in text_of(portfolio.page(collect()))


def test_a_month_that_was_built_tells_its_numbers_and_links_to_its_pages(review, collect):
    folder = review("chronic-pain")
    made.built(folder, "2026-11", fired=[made.FIRED])
    (folder / "results/2026-11/archive.html").write_text("all versions")
    made.month(folder, "2026-11", status=20, outcome="trigger fired", hint="read the report")
    (folder / "logs/2026-11/digest.html").write_text("a digest")
    made.released(folder, "26.1.0", "2026-08")
    made.released(folder, "26.0.0", "2026-02")
    row = only(collect())
    assert (row["state"], row["outcome"], row["hint"]) == (
        "trigger fired",
        "trigger fired",
        "read the report",
    )
    assert (row["good"]["n_new"], row["good"]["n_to_decide"], row["good"]["age"]) == (4, 2, 0)
    assert [(one["kind"], one["n"], one["since"]) for one in row["good"]["waiting"]] == [
        ("records to decide on", 2, "2026-09")
    ]
    assert row["release"]["version"] == "26.1.0"
    assert row["links"] == {
        "report": "chronic-pain/results/2026-11/report.html",
        "archive": "chronic-pain/results/2026-11/archive.html",
        "digest": "chronic-pain/logs/2026-11/digest.html",
        "release": "chronic-pain/data/releases/26.1.0/report.html",
    }
    said = text_of(portfolio.page(collect()))
    for words in (
        "Pain: It crossed 0.10.",
        "2 records to decide on, since September 2026",
        "4 new",
        "26.1.0",
    ):
        assert words in said


def test_a_failed_month_keeps_the_last_good_report_with_its_age(review, collect):
    folder = review()
    made.built(folder, "2026-09")
    made.month(folder, "2026-12", status=1, outcome="failed", reason="the disk is full", hint="make room")
    row = only(collect())
    assert (row["state"], row["reason"], row["hint"]) == ("failed", "the disk is full", "make room")
    assert (row["good"]["run"], row["good"]["age"]) == ("2026-09", 3)
    said = text_of(portfolio.page(collect()))
    assert "The last good report is of September 2026, 3 months before December 2026." in said


def test_a_month_of_which_only_a_part_was_built_is_no_good_report(review, collect):
    folder = review()
    made.built(folder, "2026-09")
    made.built(folder, "2026-10")
    (folder / "results/2026-10/report.html").unlink()
    assert only(collect())["good"]["run"] == "2026-09"


@pytest.mark.parametrize(("mode", "since"), [("paused", "2026-08"), ("retired", None)])
def test_a_review_that_rests_is_marked_and_stands_after_those_that_do_not(review, collect, mode, since):
    resting = review("a-first", mode=mode, **({"since": since} if since else {}))
    made.month(resting, "2026-12", status=0, outcome=mode, reason=f"the review is {mode}")
    made.month(review("b-second"), "2026-12", status=0, outcome="nothing new")
    rows = collect()["reviews"]
    assert [(row["name"], row["outcome"]) for row in rows] == [("b-second", "nothing new"), ("a-first", mode)]
    wanted = f"{mode} since August 2026" if since else mode
    assert wanted in text_of(portfolio.page(collect()))


def test_a_demonstration_is_marked_as_one(review, collect):
    path = review() / "config.yaml"
    assert only(collect())["demonstration"] is True
    assert '<span class="tag">demonstration</span>' in portfolio.page(collect())
    config = json.loads(path.read_text(encoding="utf-8"))
    config["review"]["demonstration"] = ""
    path.write_text(json.dumps(config), encoding="utf-8")
    assert 'class="tag"' not in portfolio.page(collect())


@pytest.mark.parametrize(
    ("last", "every", "state"),
    [
        ("2026-11", 1, "behind"),
        ("2026-11", 3, "work waits"),
        ("2026-09", 3, "behind"),
        ("2026-12", 1, "work waits"),
    ],
)
def test_a_review_that_was_due_and_not_run_is_behind(review, collect, last, every, state):
    made.built(review(search_every_months=every), last)
    assert only(collect(run="2026-12"))["state"] == state


def test_a_scheduled_month_that_did_not_start_is_seen(review, collect):
    made.month(review("a"), "2026-11", status=0, outcome="not due")
    made.month(review("b"), "2026-12", status=0, outcome="not due")
    assert {row["name"]: row["state"] for row in collect()["reviews"]} == {"a": "behind", "b": "nothing new"}


def test_a_month_that_never_came_to_its_end_is_not_taken_for_a_good_one(review, collect):
    folder = review()
    made.built(folder, "2026-12")
    made.month(folder, "2026-12", status=None, outcome="running")
    row = only(collect())
    assert (row["state"], row["outcome"]) == ("unended", "running")
    assert "A start of it has not come to its end" in text_of(portfolio.page(collect()))


def test_how_a_month_just_ended_counts_before_what_an_older_start_left(review, collect):
    folder = review()
    made.month(folder, "2026-12", status=0, outcome="nothing new")
    ended = Ended(Review("pain", folder), months.FAILED, "killed by signal 9", None, 1.0)
    row = only(collect(run="2026-12", ended=[ended]))
    assert (row["state"], row["reason"], row["hint"]) == ("failed", "killed by signal 9", None)


@pytest.mark.parametrize("text", ["[]", "{", '{"exit_code": "x"', "\x00", '"text"'])
@pytest.mark.parametrize("place", ["logs/2026-12/month.json", "results/2026-12/status.json"])
def test_a_file_that_cannot_be_read_is_named_and_stops_no_page(review, collect, place, text):
    folder = review()
    made.built(folder, "2026-12")
    made.month(folder, "2026-12", status=0, outcome="nothing new")
    (folder / place).write_text(text)
    assert any(place in line for line in only(collect())["unreadable"])
    assert f"Could not be read: {folder / place}" in text_of(portfolio.page(collect()))


def test_results_of_another_version_are_named(review, collect):
    folder = review()
    made.built(folder, "2026-12")
    (folder / "results/2026-12/status.json").write_text("{}")
    row = only(collect())
    assert (row["good"], "build the month again" in row["unreadable"][0]) == (None, True)


@pytest.mark.parametrize("value", [None, [], {}, "<b>", 1, True, [1], 10**30])
@pytest.mark.parametrize(
    ("place", "key"),
    [
        *(
            ("results/2026-12/status.json", key)
            for key in ("searched_at", "n_queue", "waiting", "n_new_other")
        ),
        ("results/2026-12/whats_new.json", "fired"),
        *(("logs/2026-12/month.json", key) for key in ("exit_code", "outcome", "reason", "hint")),
        *(("data/releases/26.1.0/release.json", key) for key in ("version", "run", "frozen_on")),
    ],
)
def test_a_value_of_another_kind_in_a_file_stops_no_page(review, collect, place, key, value):
    folder = review()
    made.built(folder, "2026-12")
    made.month(folder, "2026-12", status=0, outcome="nothing new")
    made.released(folder, "26.0.0", "2026-11")
    made.released(folder, "26.1.0", "2026-12")
    about = json.loads((folder / place).read_text())
    (folder / place).write_text(json.dumps(about | {key: value}))
    assert made.TITLE in portfolio.page(collect())


def test_a_config_that_cannot_be_read_leaves_the_rest_of_the_review_on_the_page(review, collect):
    folder = review()
    made.built(folder, "2026-12")
    (folder / "config.yaml").write_text("run: [")
    row = only(collect())
    assert (row["title"], row["good"]["run"]) == ("pain", "2026-12")
    assert "this is not YAML" in row["unreadable"][0]


def test_what_wants_attention_first_stands_first(review, collect):
    for name, status, outcome in [
        ("a", 0, "nothing new"),
        ("b", 10, "work waits"),
        ("c", 1, "failed"),
        ("d", 20, "trigger fired"),
        ("e", None, "running"),
    ]:
        made.month(review(name), "2026-12", status=status, outcome=outcome)
    review("f")
    collected = collect()
    assert "".join(row["name"] for row in collected["reviews"]) == "cdbefa"
    assert portfolio.lead(collected["reviews"]) == (
        "Six reviews: one failed, one has a trigger that fired, one waits for people, one has a month that has"
        " not ended, one never ran and one has nothing new. No record waits for a decision."
    )


def test_a_single_review_is_spoken_of_as_one(review, collect):
    made.built(review(), "2026-12")
    assert portfolio.lead(collect()["reviews"]) == (
        "One review: it waits for people. Two records wait for a decision."
    )


def test_words_of_a_review_are_text_and_no_markup(review, collect):
    folder = review(title=f"Pain {made.HOSTILE}")
    made.built(folder, "2026-12", fired=[made.FIRED | {"sentence": made.HOSTILE}])
    made.month(folder, "2026-12", status=1, outcome="failed", reason=made.HOSTILE, hint=made.HOSTILE)
    made.released(folder, "26.0.0", "2026-02")
    page = portfolio.page(collect(), others=[made.HOSTILE])
    assert made.HOSTILE not in page
    assert page.count("&lt;script&gt;document.title=1") >= 5
    assert "<script" not in page


def test_the_command_writes_page_and_data_again_to_the_same_bytes(review, tmp_path, capsys):
    made.built(review(), "2026-12")
    folder = tmp_path / "reviews"
    pages = []
    for _ in range(2):
        assert build_portfolio.main(["--reviews", str(folder)]) == 0
        pages.append([(folder / name).read_bytes() for name in ("portfolio.html", "portfolio.json")])
    assert pages[0] == pages[1]
    assert str(folder / "portfolio.html") in capsys.readouterr().out
    assert json.loads(pages[0][1])["reviews"][0]["good"]["run"] == "2026-12"


def test_the_command_names_what_is_no_folder_of_reviews(tmp_path, capsys):
    assert build_portfolio.main(["--reviews", str(tmp_path / "none")]) == 1
    assert "no such folder of reviews" in capsys.readouterr().err
