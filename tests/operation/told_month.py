"""A review's folder after a month, as much of it as the digest and its sending look at."""

import datetime

import yaml

from livingreview import tables
from livingreview.operation.job.outcome import EXIT_CODES, FAILED, NOTHING_NEW, WORK_WAITS

RUN = "2026-11"
NOW = datetime.datetime(2026, 11, 2, 5, 19, tzinfo=datetime.UTC)
WORK = {
    "kind": "records to decide on",
    "n": 4,
    "since": "2026-11",
    "months": 0,
    "whom": "reviewers",
    "todo": "screen them at the desk, or fill in the queue, then run “make decisions”",
    "file": "results/2026-11/queue.csv",
}
FAILURE = {
    "rule": "search_pubmed",
    "log": "logs/2026-11/search_pubmed.log",
    "error": "PubMed did not answer within 60 s\nNothing was saved.",
}
EMAIL = {
    "host": "127.0.0.1",
    "security": "none",
    "from": "review@example.org",
    "to": ["anna@example.org", "ben@example.org"],
}


def clock():
    return NOW


def news(**changed):
    """The content of whats_new.json."""
    month = {
        "run": RUN,
        "searched_at": "2026-11-01T00:00:00+00:00",
        "n_matched": 9,
        "n_new": 1,
        "n_new_other": 1,
    }
    month |= {"n_decided": 1, "n_included": 1, "n_studies_extracted": 0, "n_retracted": 0, "n_waiting": 3}
    month |= {"oldest_waiting_months": 15, "releases": []}
    earlier = month | {"run": "2026-10", "oldest_waiting_months": None, "releases": [{"version": "26.10.0"}]}
    found = {"statement": ["PubMed was searched on 1 November 2026; no new record was found."]}
    found |= {"run": RUN, "fired": [], "waiting": [], "waiting_more": 0, "runs": [month, earlier]}
    return found | changed


class ToldMonth:
    """A folder with config.yaml, month.json and, where there is any, what is new."""

    def __init__(self, folder):
        self.folder = folder
        self.logs = folder / "logs" / RUN
        self.config(notify=None)
        self.ended()
        self.results(news())

    def config(self, *, notify, title="Example pain", demonstration="", url=None):
        review = {"title": title, "demonstration": demonstration} | ({"url": url} if url else {})
        text = yaml.safe_dump({"review": review} | ({"notify": notify} if notify else {}), sort_keys=False)
        tables.write_text(text, self.folder / "config.yaml")

    def ended(self, outcome=NOTHING_NEW, **more):
        about = {
            "run": RUN,
            "title": "Example pain",
            "outcome": outcome,
            "exit_code": EXIT_CODES.get(outcome),
            "started_at": "2026-11-02T05:17:03Z",
            "ended_at": "2026-11-02T05:19:10Z",
            "starts": 1,
            "reason": "",
            "hint": "",
            "failed": [],
            "n_new": 0,
            "n_waiting": 0,
            "waiting": [],
            "fired": [],
            "remarks": [],
        }
        tables.write_json(about | more, self.logs / "month.json")

    def failed(self, **changed):
        self.ended(FAILED, failed=[FAILURE | changed], hint="mend what the reason names")

    def waits(self, **changed):
        self.ended(WORK_WAITS, n_new=4, n_waiting=4, waiting=[WORK | changed])

    def results(self, found):
        tables.write_json(found, self.folder / "results" / RUN / "whats_new.json")

    def sent(self):
        return tables.read_json(self.logs / "sent.json")["messages"]
