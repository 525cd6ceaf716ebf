"""The digest: the sentences of the page as text, in which nothing from data is markup."""

import pytest
from report import example

from livingreview.report import digest


def test_a_month_without_news_is_a_digest_too():
    news = example.context()["whats_new"]
    assert digest.digest(news, title="Example pain").splitlines() == [
        "# Example pain",
        "",
        "What is new in November 2026",
        "",
        "PubMed was searched on 1 November 2026; no new record was found.",
        "",
        "## Every run",
        "",
        "| Run | Searched | Matched | New | Decided | Included | Studies extracted | Retracted | Waiting |",
        "| --- | --- | --- | --- | --- | --- | --- | --- | --- |",
        "| 2026-11 | 2026-11-01 | 9 | 2 | 1 | 1 | 0 | 0 | 3 (oldest 15 months) |",
        "| 2026-10, release 26.10.0 | 2026-11-01 | 9 | 2 | 1 | 1 | 0 | 0 | 3 |",
    ]


def test_triggers_and_what_waits_are_listed_and_the_rest_counted():
    news = example.context()["whats_new"] | {
        "fired": [{"label": "Pain", "sentence": "It moved."}, {"label": None, "sentence": "New people."}],
        "waiting": [{"text": "A trial (101): new"}],
        "waiting_more": 7,
    }
    lines = digest.digest(news, title="x").splitlines()
    for line in ("- Pain: It moved.", "- New people.", "- A trial (101): new", "- and 7 more"):
        assert line in lines


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("<script>alert(1)</script>", "\\<script\\>alert(1)\\</script\\>"),
        ("[a](javascript:x)", "\\[a\\](javascript:x)"),
        ("two\nlines | cell", "two lines \\| cell"),
        ("- item", "\\- item"),
        ("=SUM(A1)", "\\=SUM(A1)"),
        ("1. first", "\\1. first"),
        (
            "*bold* _it_ `c` # h ~s~ !i &amp; \\",
            "\\*bold\\* \\_it\\_ \\`c\\` \\# h \\~s\\~ \\!i \\&amp; \\\\",
        ),
    ],
)
def test_text_from_data_is_never_markup(text, line):
    assert digest.escaped(text) == line
