"""One more trial, or one corrected number, changes what it should in results and report, and nothing else."""

import csv
import io
import json
import math

import openpyxl
import pytest
from lxml import html
from workflow import made_up

RUN = "2026-11"
OUTCOMES = {"pain_intensity": "Pain", "sleep": "Sleep"}
NEW = "201"  # the included record that waits for its sheet
SHEET = f"data/trials/sheets/{NEW}"
# Tables of which each row belongs to an outcome.
PER_OUTCOME = ("estimates", "sensitivity", "influence", "cumulative", "leave_one_out", "subgroups")


def trials():
    """Records, studies, reports and rows of outcomes of six trials, each with both outcomes."""
    records, studies, reports, outcomes = [], [], [], []
    for number in range(6):
        study, record = f"example_{2010 + number}", str(101 + number)
        records.append(made_up.record(int(record), wanted=True, entered="2019-06-01"))
        studies.append({"study_id": study, "year": str(2010 + number)})
        reports.append({"record_id": record, "study_id": study})
        for outcome in OUTCOMES:
            outcomes.append(
                {
                    "row_id": f"{study}.{outcome}.1",
                    "study_id": study,
                    "outcome": outcome,
                    "mean_1": f"{4 + 0.1 * number + (outcome == 'sleep') * 0.3:.1f}",
                    # No two rows alike, which would be a finding of the checks.
                    "sd_1": f"{(2.0 if outcome == 'sleep' else 2.2) + 0.03 * number:.2f}",
                    "sd_2": f"{(2.1 if outcome == 'sleep' else 2.3) - 0.04 * number:.2f}",
                    "n_1": str(40 + 7 * number),
                    "n_2": str(44 + 5 * number),
                }
            )
    return records, studies, reports, outcomes


def included(record):
    return {"record_id": record["pmid"], "stage": "full-text", "run": "2026-10", "decided_at": "2026-10-15"}


@pytest.fixture(scope="module")
def before(tmp_path_factory, write_example):
    """The review with six trials pooled and the sheet of a seventh made; not to be changed."""
    records, studies, reports, outcomes = trials()
    records.append(made_up.record(int(NEW), wanted=True, entered="2026-09-05", year="2026"))
    review = made_up.begin(
        tmp_path_factory.mktemp("one_more") / "review",
        write_example,
        records,
        run=RUN,
        screening={"stages": ["full-text"]},
        decided=[included(row) for row in records],
        outcomes={name: {"label": label, "short": label} for name, label in OUTCOMES.items()},
    )
    for name, rows in (("studies", studies), ("reports", reports), ("outcomes", outcomes)):
        write_example(name, *rows, path=review.path(f"data/trials/{name}.csv"))
    done = review.snakemake()
    assert done.returncode == 0, done.stderr
    return review


def built(review):
    """The review after its month was built again."""
    done = review.snakemake()
    assert done.returncode == 0, done.stderr
    return review


@pytest.fixture(scope="module")
def with_trial(before, tmp_path_factory):
    """The same review after the sheet's workbook was filled in for one outcome and marked as ready."""
    review = before.copy(tmp_path_factory.mktemp("with_trial") / "review")
    path = review.path(SHEET, "extraction.xlsx")
    book = openpyxl.load_workbook(path)
    study = {
        "ready": "yes",
        "population": "adult",
        "condition": "back",
        "comparator_class": "waitlist",
        "intervention_class": "cbt",
        "guided": "yes",
    }
    outcome = {
        "instrument": "NRS",
        "higher_is": "worse",
        "mean_1": 3.4,
        "sd_1": 2.1,
        "n_1": 60,
        "mean_2": 4.9,
        "sd_2": 1.9,
        "n_2": 62,
        "effect_type": "means",
        "source": "the report",
        "page": "7",
    }
    for name, cells in (("study", study), ("outcomes", outcome)):
        header = [cell.value for cell in book[name][1]]
        for column, value in cells.items():
            book[name].cell(2, header.index(column) + 1).value = value
    book.save(path)
    return built(review)


@pytest.fixture(scope="module")
def corrected(before, tmp_path_factory):
    """The same review after one row got a second revision with two other numbers and a reason."""
    review = before.copy(tmp_path_factory.mktemp("corrected") / "review")
    path = review.path("data/trials/outcomes.csv")
    rows = list(csv.DictReader(io.StringIO(path.read_text(encoding="utf-8"))))
    (old,) = [row for row in rows if row["row_id"] == "example_2012.sleep.1"]
    new = {"mean_1": "3.7", "n_1": "50", "run": RUN, "revision": "2", "revision_reason": "misread table 2"}
    with path.open("a", encoding="utf-8", newline="") as file:
        csv.DictWriter(file, list(old), lineterminator="\n").writerow(old | new)
    return built(review)


def lines(review, name):
    return review.path("results", RUN, f"{name}.csv").read_text(encoding="utf-8").splitlines()


def rows(review, name):
    return list(csv.DictReader(lines(review, name)))


def of_outcome(review, name, outcome):
    """The lines of a results table that belong to an outcome, as they stand in the file."""
    at = lines(review, name)
    return [line for line in at[1:] if line.startswith(f"{outcome},")]


def page(review):
    return html.fromstring(review.path("results", RUN, "report.html").read_bytes())


def sections(review):
    """The parts of the page by id, with each outcome as a part of its own."""
    top = page(review)
    names = [*top.xpath("//main/section/@id"), *OUTCOMES]
    outcomes = top.get_element_by_id("outcomes")
    parts = {name: html.tostring(top.get_element_by_id(name)) for name in names if name != "outcomes"}
    for name in OUTCOMES:
        outcomes.remove(outcomes.xpath(f".//section[@id='{name}']")[0])
    return parts | {"outcomes": html.tostring(outcomes)}


def changed_sections(one, other):
    first, second = sections(one), sections(other)
    assert set(first) == set(second)
    return {name for name in first if first[name] != second[name]}


def said(review, section):
    """Lines of text of a section: its paragraphs, table rows, list items and definitions."""
    part = page(review).get_element_by_id(section)
    return [" ".join(line.text_content().split()) for line in part.iter("p", "tr", "li", "dd")]


def differing(one, other, section):
    """Lines of a section that only the one page has, and that only the other has."""
    first, second = said(one, section), said(other, section)
    return [line for line in first if line not in second], [line for line in second if line not in first]


def test_one_filled_sheet_adds_one_effect_and_touches_no_other(before, with_trial):
    old, new = lines(before, "effects"), lines(with_trial, "effects")
    (added,) = [line for line in new if line not in old]
    assert [line for line in new if line != added] == old
    row = next(row for row in rows(with_trial, "effects") if row["study"] == "example_2026")
    assert (row["row_id"], row["in_pool"], row["entered"]) == ("example_2026.pain_intensity.1", "true", RUN)
    # Hedges (1981), equations 4 and 6e: the difference over the pooled standard deviation, times J(120).
    pooled = math.sqrt((59 * 2.1**2 + 61 * 1.9**2) / 120)
    exact = math.exp(math.lgamma(60) - math.lgamma(59.5)) / math.sqrt(60)
    assert float(row["yi"]) == pytest.approx((3.4 - 4.9) / pooled * exact, rel=1e-8)


@pytest.mark.parametrize("table", PER_OUTCOME)
def test_one_filled_sheet_changes_the_rows_of_its_outcome_only(before, with_trial, table):
    assert lines(with_trial, table)[:1] == lines(before, table)[:1]
    assert of_outcome(with_trial, table, "sleep") == of_outcome(before, table, "sleep")
    pain = of_outcome(before, table, "pain_intensity"), of_outcome(with_trial, table, "pain_intensity")
    assert pain[0] != pain[1] or table == "subgroups"
    if table in ("influence", "cumulative", "leave_one_out"):
        assert len(pain[1]) == len(pain[0]) + 1
        assert sum("example_2026" in line for line in pain[1]) == 1
    else:
        assert len(pain[1]) == len(pain[0])


def test_one_filled_sheet_adds_a_row_to_each_table_of_trials_and_leaves_the_others_as_they_are(
    before, with_trial
):
    for name in ("studies", "reports", "outcomes"):
        old, new = (r.path(f"data/trials/{name}.csv").read_text().splitlines() for r in (before, with_trial))
        assert new[: len(old)] == old
        assert len(new) == len(old) + 1
    assert not with_trial.path(SHEET).exists()
    assert with_trial.path("data/trials/sheets/merged", NEW, "extraction.xlsx").is_file()
    for name in ("queue", "records", "corrections", "findings"):
        assert lines(with_trial, name) == lines(before, name)


def test_one_filled_sheet_changes_only_the_parts_of_the_report_that_speak_of_it(before, with_trial):
    assert changed_sections(before, with_trial) == {
        "summary",
        "findings",  # the summary of findings
        "pain_intensity",
        "studies",
        "records",
        "search",
        "whats-new",
        "changes",
        "downloads",  # the sizes of the files
        "provenance",
    }
    gone, come = differing(before, with_trial, "summary")
    assert [line[:10] for line in gone] == ["Pain 6 tri", "6 trials i"]
    assert [line[:10] for line in come] == ["Pain 7 tri", "7 trials i"]
    assert "awaiting extraction" in gone[1]
    assert "awaiting" not in come[1]
    gone, come = differing(before, with_trial, "changes")
    assert all(line.startswith("Pain ") for line in [*gone, *come])
    assert (len(gone), len(come)) == (1, 1)
    gone, come = differing(before, with_trial, "studies")
    assert [line for line in gone if NEW in line and SHEET in line]
    assert [line for line in come if line.startswith("Example 2026")]
    gone, come = differing(before, with_trial, "search")
    assert (gone, come) == (
        ["All 6 included records that have a PMID are found by the query."],
        ["All 7 included records that have a PMID are found by the query."],
    )
    assert any("7 trials, 806 participants" in line for line in said(with_trial, "pain_intensity"))


def test_one_filled_sheet_changes_the_counts_of_studies_and_of_nothing_else(before, with_trial):
    old, new = (json.loads(r.path("results", RUN, "flow.json").read_text()) for r in (before, with_trial))
    assert {name for name in old if old[name] != new[name]} >= {"awaiting_extraction"}
    assert (old["awaiting_extraction"], new["awaiting_extraction"]) == (1, 0)
    old, new = (json.loads(r.path("results", RUN, "status.json").read_text()) for r in (before, with_trial))
    assert (old["studies_included"], new["studies_included"]) == (6, 7)
    assert (old["rows_extracted"], new["rows_extracted"]) == (12, 13)


def test_a_correction_changes_its_own_row_and_is_listed_field_by_field(before, corrected):
    old, new = lines(before, "effects"), lines(corrected, "effects")
    assert len(old) == len(new)
    at = [number for number, pair in enumerate(zip(old, new, strict=True)) if pair[0] != pair[1]]
    assert [new[number].split(",")[0] for number in at] == ["example_2012.sleep.1"]
    reason = "misread table 2"
    assert [tuple(row.values()) for row in rows(corrected, "corrections")] == [
        (RUN, "outcomes", "example_2012.sleep.1", "mean_1", "4.5", "3.7", reason),
        (RUN, "outcomes", "example_2012.sleep.1", "n_1", "54", "50", reason),
    ]
    # It entered the review when its first revision did.
    row = next(row for row in rows(corrected, "effects") if row["row_id"] == "example_2012.sleep.1")
    assert row["entered"] == "2026-10"


@pytest.mark.parametrize("table", PER_OUTCOME)
def test_a_correction_changes_the_rows_of_its_outcome_only(before, corrected, table):
    assert of_outcome(corrected, table, "pain_intensity") == of_outcome(before, table, "pain_intensity")
    sleep = of_outcome(before, table, "sleep"), of_outcome(corrected, table, "sleep")
    assert sleep[0] != sleep[1] or table == "subgroups"
    assert len(sleep[0]) == len(sleep[1])


def test_a_correction_changes_only_the_parts_of_the_report_that_speak_of_it(before, corrected):
    told = {"summary", "findings", "sleep", "extraction", "changes", "whats-new", "downloads", "provenance"}
    assert changed_sections(before, corrected) == told
    gone, come = differing(before, corrected, "summary")
    assert all(line.startswith("Sleep ") for line in [*gone, *come])
    gone, come = differing(before, corrected, "extraction")
    assert gone == ["No extracted value has been corrected."]
    assert sum("misread table 2" in line for line in come) == 2
