"""The queue as a Markdown table: rows in the order of the queue, and nothing in a title is markup."""

import html.parser
import re

import pytest

from livingreview.report import markdown, queue_page

RUN = "2026-11"


def row(record_id="101", **changed):
    made = {"record_id": record_id, "pmid": record_id, "stage": "title-abstract", "state": "new"}
    made |= {"title": f"Trial {record_id}", "journal": "Pain", "year": "2026", "band": "read first"}
    made |= {"terms": "randomized (+0.8); app (+0.5); pain (+0.2); review (-0.1)"}
    return made | {"p_title_abstract": 0.734, "p_full_text": None} | changed


def waits(**changed):
    return {"since_run": RUN, "months": 0, "waits_for": None} | changed


def page(queue, waiting=None, **options):
    waiting = waiting or [waits() for _ in queue]
    return queue_page.page(queue, waiting, run=RUN, title="Example pain", **options)


def test_a_row_says_what_it_is_why_it_stands_there_and_for_how_long_it_waits():
    text = page([row(), row("102", state="awaiting")], [waits(), waits(since_run="2025-07", months=16)])
    assert text.splitlines() == [
        "# Queue of November 2026",
        "",
        "Example pain",
        "",
        "2 records wait for a decision, the oldest since July 2025. Decide at the desk (`make desk RUN=2026-11`); or fill in `results/2026-11/queue.csv`, then `make decisions RUN=2026-11`.",
        "Read from the top. A percentage is the chance, by the review's own decisions, that people would include the record. A term behind a place speaks for the record with a plus, against it with a minus.",
        "",
        "|  | Band | Record | Published | Why it stands here | State | Waits |",
        "| --- | --- | --- | --- | --- | --- | --- |",
        "| 1 | read first, 73% | [Trial 101](https://pubmed.ncbi.nlm.nih.gov/101/) | Pain, 2026 | randomized (+0.8); app (+0.5); pain (+0.2) | title and abstract: new | since this month |",
        "| 2 | read first, 73% | [Trial 102](https://pubmed.ncbi.nlm.nih.gov/102/) | Pain, 2026 | randomized (+0.8); app (+0.5); pain (+0.2) | title and abstract: awaits further information | 16 months, since July 2025 |",
    ]


def test_an_empty_queue_says_so():
    assert page([]).endswith("\n\nNo record waits for a decision.\n")


def test_records_without_a_pmid_link_to_their_doi_or_to_nothing():
    text = page([row("doi:10.1000/a(b)|c", pmid=None), row("other:x_1", pmid=None, title=None)])
    assert "[Trial doi:10.1000/a(b)\\|c](https://doi.org/10.1000/a%28b%29%7Cc)" in text
    assert "| other:x\\_1 |" in text


def test_what_is_not_known_leaves_its_cell_empty():
    bare = dict.fromkeys(("journal", "year", "band", "terms", "p_title_abstract"))
    assert (
        "| 1 |  | [Trial 101](https://pubmed.ncbi.nlm.nih.gov/101/) |  |  | title and abstract: new |"
        in page([row(**bare)])
    )


def test_a_chance_learnt_at_the_last_stage_is_shown_at_the_first_too():
    assert "| read first, 12% |" in page([row(p_title_abstract=None, p_full_text=0.12)])


def test_for_whom_a_record_waits_is_told_and_not_what_was_said():
    text = page(
        [row(), row("102")],
        [waits(waits_for="second reviewer"), waits(waits_for="adjudication")],
        own=["anna.csv", "ben.csv"],
    )
    assert (
        "or each reviewer fills in their own of `results/2026-11/queues/anna.csv` and `results/2026-11/queues/ben.csv`,"
        in text
    )
    assert "title and abstract: new, for the second reviewer" in text
    assert "title and abstract: new, for the adjudicator" in text


def test_a_long_queue_fits_and_says_how_many_are_left_out():
    queue = [row(str(number), title="Long title " * 20) for number in range(1000, 3000)]
    text = page(queue)
    assert len(text.encode()) <= markdown.LARGEST
    shown = len(re.findall(r"^\| \d+ \|", text, re.M))
    assert shown > 50
    assert text.endswith(
        f"\n\n{2000 - shown:,} more records did not fit here; all are in `results/2026-11/queue.csv`.\n"
    )


HOSTILE = [
    "@anna and @org/team",
    "Fixes #12, GH-12 and owner/repo#12",
    "<img src=x onerror=alert(1)> <!-- --> &amp;",
    "[a](javascript:alert(1)) ![b](http://evil.example/x.png)",
    "a | b \\| c",
    "https://github.com/o/r/issues/1 www.evil.example a@evil.example mailto:a@evil.example",
    "`code` $x^2$ *a* _b_ ~~c~~ :smile: # head",
    "- item\n1. one\n> quote\n\n    code",
    "\u202eright to left\u2066",
    "](https://evil.example) | x |",
]


class Tags(html.parser.HTMLParser):
    def __init__(self, text):
        super().__init__()
        self.tags, self.links, self.words = [], [], []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.links += [value for name, value in attrs if name in ("href", "src")]

    def handle_data(self, data):
        self.words.append(data)


@pytest.mark.parametrize("text", HOSTILE)
def test_no_text_of_a_record_calls_links_or_breaks_the_table(text):
    markdown_it = pytest.importorskip("markdown_it")
    hostile = dict.fromkeys(("title", "journal", "band"), text) | {"terms": f"{text}; {text}"}
    made = queue_page.page([row(**hostile), row("102")], [waits(), waits()], run=RUN, title=text)
    seen = Tags(markdown_it.MarkdownIt("commonmark").enable("table").render(made))
    assert set(seen.tags) <= set("h1 p code table thead tbody tr th td a".split())
    assert (seen.tags.count("tr"), seen.tags.count("td")) == (3, 14)
    assert seen.links == [f"https://pubmed.ncbi.nlm.nih.gov/{pmid}/" for pmid in ("101", "102")]
    shown = "".join(seen.words)
    # What programs make of a text after its Markdown was read.
    assert not re.search(r"@\w|#\d|GH-\d|www\.|\w://|mailto:\w|:\w+:|\u202e", shown)


@pytest.mark.parametrize("text", HOSTILE[:8])
def test_a_text_is_still_read_as_it_is(text):
    markdown_it = pytest.importorskip("markdown_it")
    seen = Tags(markdown_it.MarkdownIt("commonmark").render(markdown.escaped(text)))
    shown = "".join(seen.words).replace(markdown.NO_WIDTH, "").strip()
    assert shown == " ".join(text.split())
