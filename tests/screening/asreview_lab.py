"""Plays a session in ASReview LAB through its own web interface; runs in ASReview's own environment.

Usage: python asreview_lab.py FILE LABELS OUT. FILE is imported as a new project. LABELS is JSON: labels a
person gives, a list of {"at": position in FILE, "label": 1 or 0, "note": text or "", "reason": tag or ""}. The
project's own model ranks the rest; then LAB's export of all records is written to OUT, as CSV and as RIS. Prints
JSON: what the project had as prior knowledge, and how many records and groups of equal records it sees.
"""

import json
import os
import sys
import tempfile
from pathlib import Path

COLLECTIONS = "collections=relevant&collections=not_seen&collections=irrelevant"


def checked(response):
    """A response that must have succeeded."""
    if response.status_code >= 400:
        sys.exit(f"{response.request.path}: {response.status} {response.get_data(as_text=True)[:500]}")
    return response


def main(source, labels, out):
    """Import, label, rank, export."""
    from asreview import Project
    from asreview.webapp._tasks import run_task
    from asreview.webapp.app import create_app
    from asreview.webapp.utils import get_project_path

    client = create_app(testing=True, authentication=False, secret_key="none").test_client()
    with source.open("rb") as file:
        form = {"mode": "oracle", "file": (file, source.name)}
        project = checked(client.post("/api/projects/create", data=form)).json["id"]
    base = f"/api/projects/{project}"
    with Project(get_project_path(project), project_id=project) as held, held.db as db:
        rows = db.input[["record_id", "dataset_row", "group_id"]]
        priors = db.get_results_table(groups=True)
    checked(client.put(f"{base}/review", data={"status": "review"}))
    tags = sorted({one["reason"] for one in labels if one["reason"]})
    group = {"name": "reason", "export": "reason", "values": [{"name": tag, "export": tag} for tag in tags]}
    if tags:
        checked(client.post(f"{base}/tags", data={"group": json.dumps(group)}))
    number = dict(zip(rows["dataset_row"], rows["record_id"], strict=True))
    run_task(project)
    for one in labels:
        record = int(number[one["at"]])
        values = [tag | {"checked": tag["export"] == one["reason"]} for tag in group["values"]]
        form = {"record_id": record, "label": one["label"], "tags": json.dumps([group | {"values": values}])}
        checked(client.post(f"{base}/record/{record}", data=form))
        if one["note"]:
            checked(client.put(f"{base}/record/{record}/note", data={"note": one["note"]}))
    run_task(project)
    # LAB offers RIS only for projects that began with RIS.
    for ending in ("csv", "ris") if source.suffix == ".ris" else ("csv",):
        exported = checked(client.get(f"{base}/export_dataset?format={ending}&{COLLECTIONS}"))
        (out / f"export.{ending}").write_bytes(exported.get_data())
    told = {int(row.record_id): int(row.label) for row in priors.itertuples()}
    at = {record: place for place, record in number.items()}
    print(
        json.dumps(
            {
                "priors": {str(at[record]): label for record, label in told.items()},
                "records": len(rows),
                "groups": int(rows["group_id"].nunique()),
            }
        )
    )


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        os.environ["ASREVIEW_PATH"] = folder
        main(Path(sys.argv[1]), json.loads(Path(sys.argv[2]).read_text(encoding="utf-8")), Path(sys.argv[3]))
