"""The loop closed: from a search over people's decisions and extractions to a changed report."""

import csv
import json

import yaml
from lxml import html
from workflow.conftest import Review

import rehearse_months
from livingreview import tables


def pooled(review, run, outcome):
    return json.loads(review.path("results", run, "estimates.json").read_text())["outcomes"][outcome]["main"]


def test_a_month_goes_from_search_through_decisions_and_extraction_to_a_changed_report(
    clone, tmp_path, capsys
):
    clone.replace("config.yaml", "  months: 3", "  months: 1")
    assert rehearse_months.main(["--directory", str(clone.folder), "--target", str(tmp_path / "copy")]) == 0
    said = capsys.readouterr().out
    assert "2018-01" in said
    assert "2018-02" in said
    header, *months = [line.split() for line in said.splitlines() if line.startswith(("run", "2018-"))]
    assert {"first/audit/then", "low-ranked"} <= set(header)
    # All of the first month is decided already; the next month's new records are handed out.
    (first, last), at = months, header.index("first/audit/then")
    assert first[at] == "0/0/0"
    assert sum(map(int, last[at].split("/"))) == int(last[header.index("new")]) > 0
    copy = Review(tmp_path / "copy")
    before, after = (pooled(copy, run, "interference_disability") for run in ("2018-01", "2018-02"))
    assert (before["k"], after["k"]) == (15, 16)
    # Guarino 2018, g 0.089 in favour of treatment: nearer to zero than the pool, so the pool moves up.
    assert before["estimate"] < after["estimate"] < -0.2
    changes = json.loads(copy.path("results/2018-02/changes.json").read_text())
    added = [row["study"] for row in changes["outcomes"]["interference_disability"]["added"]]
    assert "guarino_2018" in added
    page = copy.path("results/2018-02/report.html").read_text(encoding="utf-8")
    assert "Guarino 2018" in page
    for part in tables.read_json(copy.path("results/2018-02/ranking.json"))["statement"]:
        assert part["text"] in " ".join(html.fromstring(page).text_content().split())
    filed = tables.read(copy.path("data/decisions/screening.csv"), "screening").set_index(
        ["record_id", "stage"]
    )
    seen = filed.loc[("29346579", "title-abstract")]
    assert seen["band"] == "read first"
    assert seen["probability"] > 0.2
    assert seen["model"].startswith("ranker-")
    assert copy.path("data/trials/sheets/merged/29346579/study.csv").is_file()
    # The review itself knows nothing of its rehearsal.
    assert not clone.path("data/searches/2018-02").exists()


def test_a_second_review_needs_no_code_and_starts_from_nothing(tmp_path, clone):
    """Another question, another outcome, no decisions, no trials, no release."""
    review = Review(tmp_path / "tea")
    (review.folder / "data/sandbox").mkdir(parents=True)
    config = yaml.safe_load(clone.path("config.yaml").read_text(encoding="utf-8"))
    config["search"] |= {"query": "tea[tiab] AND sleep[tiab]", "acknowledged": []}
    config["outcomes"] = {"sleep_quality": {"label": "Sleep quality", "short": "Sleep"}}
    config["screening"]["stages"] = ["full-text"]
    config["subgroups"] = []
    del config["rehearsal"]
    config["review"] = {"title": "Tea for sleep", "question": "Does tea improve sleep?", "demonstration": ""}
    review.path("config.yaml").write_text(yaml.safe_dump(config), encoding="utf-8")
    for folder, schema, path in [
        ("decisions", "screening", "decisions/screening.csv"),
        ("trials", "studies", "trials/studies.csv"),
        ("trials", "reports", "trials/reports.csv"),
        ("trials", "outcomes", "trials/outcomes.csv"),
        ("decisions", "pairs", "decisions/pairs.csv"),
    ]:
        review.path("data", folder).mkdir(exist_ok=True)
        review.path("data", path).write_text(",".join(tables.columns(schema)) + "\n", encoding="utf-8")
    corpus = tables.columns("sandbox_records")
    record = dict.fromkeys(corpus, "") | {"pmid": "101", "title": "Green tea and sleep: an example trial"}
    record |= {"entry_date": "2026-10-05", "entry_date_basis": "PubMed", "source": "made up for this test"}
    with review.path("data/sandbox/records.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, corpus)
        writer.writeheader()
        writer.writerow(record)

    done = review.snakemake()

    assert done.returncode == 0, done.stderr
    queue = tables.read(review.path("results/2026-11/queue.csv"), "queue")
    assert queue["record_id"].to_list() == ["101"]
    assert queue["band"].to_list() == ["not ranked by decisions"]
    assert "Too few decisions" in review.path("results/2026-11/ranking.json").read_text(encoding="utf-8")
    assert pooled(review, "2026-11", "sleep_quality")["k"] == 0
    page = review.path("results/2026-11/report.html").read_text(encoding="utf-8")
    assert "Tea for sleep" in page
    assert "Demonstration" not in page
    assert "chronic pain" not in page
    news = review.path("results/2026-11/whats_new.md").read_text(encoding="utf-8")
    assert "There is no earlier release to compare with." in news
    versions = review.path("results/2026-11/archive.html").read_text(encoding="utf-8")
    assert "Nothing was released yet." in versions

    # A person includes it; the next build asks for its numbers.
    queue.loc[0, ["decision", "reviewer"]] = ["include", "AB"]
    tables.write(queue, review.path("results/2026-11/queue.csv"))
    done = review.command("file_decisions.py")
    assert done.returncode == 0, done.stderr
    assert "1 decision filed" in done.stdout
    done = review.snakemake("results/2026-11/extraction.csv", "results/2026-11/report.html")
    assert done.returncode == 0, done.stderr
    assert review.path("data/trials/sheets/101/outcomes.csv").is_file()
    assert "Green tea and sleep" in review.path("results/2026-11/report.html").read_text(encoding="utf-8")
