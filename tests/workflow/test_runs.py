"""Building months: once, again, the next one, an earlier one, and after an edit."""

import csv
import fcntl
import os
import shutil
import signal
import time

import pytest
from workflow.conftest import CODE, ROOT, Review

from livingreview.report.downloads import CONTENTS

SHIPPED = ["2016-01", "2018-01", "2025-07", "2026-01"]


def rules_to_run(review, *options):
    """The rules that a dry run would run."""
    done = review.snakemake("--dry-run", "--quiet", "rules", *options)
    assert done.returncode == 0, done.stderr
    said = done.stdout + done.stderr
    lines = said.split("Job stats:", 1)[1].split("total", 1)[0].splitlines() if "Job stats:" in said else []
    return {line.split()[0] for line in lines if line.strip() and line.split()[-1].isdigit()} - {"all"}


def rows(path):
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_a_clone_builds_every_promised_file_for_its_current_month(built_once):
    results = built_once.path("results/2026-11")
    promised = "report.html archive.html feed.atom queue.csv records.csv included.csv extraction.csv effects.csv estimates.csv"
    promised += (
        " estimates.json leave_one_out.csv subgroups.csv changes.json flow.json status.json ranking.json"
    )
    promised += " checked.json record_events.csv imports.json companions.csv pairs.csv"
    promised += " backtest.json backtest.csv predictions.csv suspicious.csv conflicts.csv agreement.json"
    promised += " extraction_agreement.json extraction_conflicts.csv corrections.csv findings.csv"
    promised += " risk_of_bias.csv sensitivity.csv influence.csv cumulative.csv ledger.csv"
    promised += " triggers.json methods_changes.json methods_reasons.csv"
    promised += " notices.csv certainty.json drift.json whats_new.json whats_new.md report.json figures"
    promised += " checklists.csv text.json text_keys.csv queue.md"
    assert sorted(p.name for p in results.iterdir()) == sorted(promised.split())
    assert set(CONTENTS) <= set(promised.split())
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    assert [name for name in promised.split() if f"`{name}" not in readme] == []


def test_tables_that_other_tools_read_have_their_columns(built_once):
    effects = rows(built_once.path("results/2026-11/effects.csv"))
    assert {"study", "outcome", "yi", "vi", "in_pool", "source", "conversion"} <= set(effects[0])
    estimates = rows(built_once.path("results/2026-11/estimates.csv"))
    promised = "outcome k estimate se ci_low ci_high pi_low pi_high tau2 I2 QE QE_p"
    promised += " method_tau2 method_ci method_pi method_I2"
    assert set(promised.split()) <= set(estimates[0])
    assert [row["outcome"] for row in estimates] == [
        "interference_disability",
        "pain_intensity",
        "catastrophizing",
        "depression",
        "anxiety",
    ]
    queue = rows(built_once.path("results/2026-11/queue.csv"))
    promised = "pmid title journal year design score p_title_abstract p_full_text band terms model link"
    promised += " decision reason reviewer note"
    assert set(promised.split()) <= set(queue[0])


def test_every_new_record_of_the_month_is_in_the_queue(built_once):
    results = built_once.path("results/2026-11")
    new = {row["record_id"] for row in rows(results / "records.csv") if row["first_run"] == "2026-11"}
    queued = {row["record_id"] for row in rows(results / "queue.csv")}
    assert new == {"41701966", "42134789", "42372252", "doi:10.1037/rep0000670"}
    assert new <= queued


def test_a_pair_that_looks_like_one_record_is_listed_and_not_merged(built_once):
    results = built_once.path("results/2026-11")
    duplicate_of = {row["record_id"]: row["duplicate_of"] for row in rows(results / "records.csv")}
    pairs = [row for row in rows(results / "pairs.csv") if row["kind"] == "duplicate"]
    assert [row for row in pairs if duplicate_of[row["record_a"]] or duplicate_of[row["record_b"]]] == []
    assert {row["verdict"] for row in rows(results / "pairs.csv")} <= {""}


def test_nothing_in_a_pool_lacks_a_person_who_included_it(built_once):
    included = {
        row["record_id"]
        for row in rows(built_once.path("data/decisions/screening.csv"))
        if row["stage"] == "full-text" and row["decision"] == "include"
    }
    report_of = {
        row["study_id"]: row["record_id"] for row in rows(built_once.path("data/trials/reports.csv"))
    }
    pooled = {
        row["study"]
        for row in rows(built_once.path("results/2026-11/effects.csv"))
        if row["in_pool"] == "true"
    }
    assert len(pooled) == 28
    assert {report_of[study] for study in pooled} <= included


def test_a_second_run_has_nothing_to_do(built):
    before = built.files("results")
    done = built.snakemake()
    assert done.returncode == 0
    assert "Nothing to be done" in done.stdout + done.stderr
    assert "INFO:snakemake" not in done.stdout + done.stderr, "Snakemake says everything twice"
    assert built.files("results") == before


def test_a_run_that_was_killed_is_followed_by_running_again_and_gives_the_same_bytes(clone, built_once):
    run = clone.start()
    deadline = time.monotonic() + 60
    while not clone.path("results/2026-11/records.csv").exists() and time.monotonic() < deadline:
        time.sleep(0.05)
    os.killpg(run.pid, signal.SIGKILL)
    run.wait()
    assert not clone.path("results/2026-11/report.html").exists()
    done = clone.snakemake()
    assert done.returncode == 0, done.stderr
    assert_the_same_bytes(clone, built_once)


def assert_the_same_bytes(one, other):
    """Each file of results and snapshots, of the same month built twice in different folders."""
    for part in ("results", "data/searches"):
        assert one.files(part) == other.files(part)


def test_a_second_run_at_the_same_time_is_told_and_does_nothing(built):
    lock = built.path(".snakemake/living-review.lock")
    with lock.open("a+") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        done = built.snakemake("--config", "run=2026-12")
    assert done.returncode != 0
    assert "another run is working in this folder" in done.stderr.strip().splitlines()[-1]
    assert not built.path("results/2026-12").exists()


@pytest.mark.parametrize("run", SHIPPED)
def test_a_clone_never_searches_a_shipped_month_again(clone, run):
    assert "search_pubmed" not in rules_to_run(clone, "--config", f"run={run}")


def test_even_a_forced_run_does_not_search_again(built):
    forced = rules_to_run(built, "--forceall")
    assert "search_pubmed" not in forced
    assert "fold_corpus" in forced


def test_an_earlier_month_knows_nothing_of_later_decisions(built):
    wanted = [f"results/2018-01/{name}.csv" for name in ("effects", "records")]
    done = built.snakemake("--config", "run=2018-01", "--", *wanted)
    assert done.returncode == 0, done.stderr
    effects = rows(built.path("results/2018-01/effects.csv"))
    assert {row["run"] for row in effects} == {"2016-01", "2018-01"}
    records = rows(built.path("results/2018-01/records.csv"))
    assert max(row["first_run"] for row in records) == "2018-01"


@pytest.fixture
def own_code(built, tmp_path):
    """A copy of the code, to edit, with the bundled review as the same code has built it elsewhere."""
    code = tmp_path / "code"
    code.mkdir()
    for name in CODE:
        source = ROOT / name
        (code / name).parent.mkdir(parents=True, exist_ok=True)
        if source.is_dir():
            shutil.copytree(source, code / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy2(source, code / name)
    return Review(built.folder, code)


def test_an_edited_module_runs_again_what_depends_on_it_and_new_time_stamps_alone_do_not(own_code):
    for path in own_code.code.rglob("*"):
        os.utime(path)
    assert rules_to_run(own_code) == set()
    module = own_code.code / "scripts/livingreview/pooling/heterogeneity.py"
    module.write_text(module.read_text(encoding="utf-8") + "\n# edited\n", encoding="utf-8")
    assert "pool_outcomes" in rules_to_run(own_code)
    assert rules_to_run(own_code).isdisjoint({"fold_corpus", "rank_records", "compute_effects"})
    template = own_code.code / "templates/report/outcomes.html.j2"
    module.write_text(module.read_text(encoding="utf-8").replace("\n# edited\n", ""), encoding="utf-8")
    assert rules_to_run(own_code) == set()
    template.write_text(template.read_text(encoding="utf-8") + "\n", encoding="utf-8")
    assert rules_to_run(own_code) == {"build_report", "build_archive", "draw_figures"}
