"""Made-up reviews with what their months leave behind, as small as the portfolio reads them."""

import json

TITLE = "Example treatment for example pain"
CONFIG = f"""\
run: "2026-11"
review: {{title: "{TITLE}"}}
"""
HOSTILE = "<img src=x onerror=document.title=1><script>document.title=1</script>"
STATUS = {
    "searched_at": "2026-11-01T04:00:00+00:00",
    "sandbox": False,
    "n_new_records": 3,
    "n_new_other": 1,
    "n_queue": 2,
    "oldest_waiting_since": "2026-09",
    "waiting": [
        {"record_id": "1", "state": "new", "waits_for": None, "since_run": "2026-09"},
        {"record_id": "2", "state": "new", "waits_for": None, "since_run": "2026-11"},
    ],
    "alerts": [],
    "sentinels": {"missing": []},
}
FIRED = {"label": "Pain", "name": "no_effect", "outcome": "pain", "sentence": "It crossed 0.10."}
TABLES = {
    "pairs.csv": "record_a,record_b,verdict\n",
    "extraction.csv": "record_id,since_run\n",
    "extraction_conflicts.csv": "row_id,adjudicated\n",
    "findings.csv": "row_id,cleared_by\n",
    "methods_reasons.csv": "key,reason\n",
}


def built(review, run, *, fired=(), **status):
    """Results of a month that was built to its end."""
    folder = review / "results" / run
    folder.mkdir(parents=True)
    (folder / "status.json").write_text(json.dumps(STATUS | status))
    (folder / "whats_new.json").write_text(json.dumps({"fired": list(fired)}))
    (folder / "report.html").write_text("a report")
    for name, text in TABLES.items():
        (folder / name).write_text(text)


def month(review, run, *, status, outcome, **more):
    """What a month says of itself."""
    folder = review / "logs" / run
    folder.mkdir(parents=True)
    about = {"run": run, "exit_code": status, "outcome": outcome, "reason": "", "hint": "", **more}
    (folder / "month.json").write_text(json.dumps(about))


def released(review, version, run):
    """A release of the review, with its report."""
    folder = review / "data/releases" / version
    folder.mkdir(parents=True)
    about = {"version": version, "run": run, "kind": "release", "frozen_on": f"{run}-20", "note": "n"}
    (folder / "release.json").write_text(json.dumps(about))
    (folder / "report.html").write_text("a report")
