"""Months of a living review one after the other, as readers are told of them: nothing new, notices, all at once."""

import csv
import datetime
import io
import json
import math
from types import SimpleNamespace

import pytest
import yaml
from lxml import html
from workflow import made_up

import freeze_release
import search_pubmed
from livingreview import tables
from livingreview.search.sandbox import Sandbox

RELEASED, EMPTY, BUSY = "2026-11", "2026-12", "2027-01"
OUTCOMES = {"pain_intensity": "Pain", "sleep": "Sleep"}
NAMES = ["Abel", "Baker", "Clark", "Davis", "Evans", "Foster"]
MEANS = [3.1, 4.3, 4.0, 4.6, 4.2, 3.9]  # of the treated, against 5.0 without treatment
OF_SLEEP = 4  # the first so many trials have numbers on sleep too
NEW = made_up.record(201, wanted=True, entered="2026-12-20", year="2026")
REASON = "Example: the estimator of the earlier version"


def study(number):
    return f"{NAMES[number].lower()}_{2010 + number}"


def trials():
    """Records, studies, reports and rows of outcomes of six trials."""
    records, studies, reports, outcomes = [], [], [], []
    for number, name in enumerate(NAMES):
        record = made_up.record(101 + number, wanted=True, entered="2019-06-01")
        records.append(record | {"title": f"{name} example trial: internet treatment for pain"})
        about = {"study_id": study(number), "first_author": name, "year": str(2010 + number)}
        comparator = ["waitlist", "usual_care"][number % 2]
        studies.append(about | {"title": records[-1]["title"], "comparator_class": comparator})
        reports.append({"record_id": record["pmid"], "study_id": study(number)})
        for at, outcome in enumerate(OUTCOMES):
            if at and number >= OF_SLEEP:
                continue
            outcomes.append(
                {
                    "row_id": f"{study(number)}.{outcome}.1",
                    "study_id": study(number),
                    "outcome": outcome,
                    "mean_1": f"{MEANS[number] + 0.3 * at:.1f}",
                    # No two rows alike, which would be a finding of the checks.
                    "sd_1": f"{2.2 - 0.2 * at + 0.03 * number:.2f}",
                    "sd_2": f"{2.3 - 0.2 * at - 0.04 * number:.2f}",
                    "n_1": str(40 + 7 * number),
                    "n_2": str(44 + 5 * number),
                }
            )
    return records, studies, reports, outcomes


RECORDS, STUDIES, REPORTS, ROWS = trials()


def noticed(**cells):
    """All records, with what PubMed says now of some."""
    return [row | cells.get(f"of_{row['pmid']}", {}) for row in RECORDS]


WITH_NOTICES = noticed(
    of_101={
        "notices": "RetractionIn:900:Example J. 2026",
        "publication_types": "Journal Article; Retracted Publication",
    },
    of_102={"notices": "ExpressionOfConcernIn:902:Example J. 2026"},
    of_104={"notices": "ErratumIn:901:Example J. 2026"},
)


class Month:
    """One run of the review, as it was built."""

    def __init__(self, review, run):
        self.review, self.run = review, run
        self.page = html.fromstring(review.path("results", run, "report.html").read_bytes())
        # What a later month must leave alone.
        self.earlier = review.files("results", RELEASED), review.files("data/searches", RELEASED)

    def json(self, name):
        return json.loads(self.review.path("results", self.run, f"{name}.json").read_text(encoding="utf-8"))

    def table(self, name):
        text = self.review.path("results", self.run, f"{name}.csv").read_text(encoding="utf-8")
        return list(csv.DictReader(io.StringIO(text)))

    def said(self, section):
        return words(self.page.get_element_by_id(section))

    def header(self):
        return words(self.page.xpath("//header")[0])

    def news(self):
        return self.json("whats_new")["statement"]


def words(element):
    return " ".join(element.text_content().split())


def search(review, rows, run):
    """The month's search, of a service that holds some rows; the rest of the workflow finds it done."""
    protocol = yaml.safe_load(review.path("config.yaml").read_text(encoding="utf-8"))["search"]
    with Sandbox(rows, datetime.date.fromisoformat(f"{run}-01")) as sandbox:
        provenance = review.path("data/searches", run, "pubmed/provenance.json")
        params = SimpleNamespace(run=run, search=protocol | {"base_url": sandbox.url})
        search_pubmed.main(SimpleNamespace(params=params, output=SimpleNamespace(provenance=provenance)))


def build(review, run, version=None):
    done = review.snakemake("--config", f"run={run}", *([f"version={version}"] if version else []))
    assert done.returncode == 0, done.stderr
    return Month(review, run)


def append(review, name, **cells):
    """One more row of a table that people fill in."""
    path = review.path("data", name)
    columns = path.read_text(encoding="utf-8").splitlines()[0].split(",")
    with path.open("a", encoding="utf-8", newline="") as file:
        csv.DictWriter(file, columns, lineterminator="\n").writerow(cells)


def rows_of(review, name):
    return list(csv.DictReader(io.StringIO(review.path("data", name).read_text(encoding="utf-8"))))


@pytest.fixture(scope="module")
def released(tmp_path_factory, write_example):
    """Six trials, pooled and released as version 26.1.0; each month goes on where the one before ended."""
    both = [
        {"record_id": row["pmid"], "stage": stage}
        for row in RECORDS
        for stage in ("title-abstract", "full-text")
    ]
    review = made_up.begin(
        tmp_path_factory.mktemp("months") / "review",
        write_example,
        RECORDS,
        run=RELEASED,
        decided=both,
        outcomes={name: {"label": label, "short": label} for name, label in OUTCOMES.items()},
    )
    for name, rows in (("studies", STUDIES), ("reports", REPORTS), ("outcomes", ROWS)):
        write_example(name, *rows, path=review.path(f"data/trials/{name}.csv"))
    search(review, RECORDS, RELEASED)

    def once(_folder, *, run, version=None, cores=None):
        """The run under its version is what counts here; under its own name it is not built again."""
        if version:
            build(review, run, version)

    options = ["26.1.0", "--directory", str(review.folder), "--run", RELEASED, "--note", "An example"]
    assert freeze_release.main(options, build=once) == 0
    return Month(review, RELEASED)


@pytest.fixture(scope="module")
def empty(released):
    """A month in which PubMed holds nothing new and nobody does anything."""
    search(released.review, RECORDS, EMPTY)
    return build(released.review, EMPTY)


@pytest.fixture(scope="module")
def busy(empty):
    """A month of everything: notices on three trials, a trial comes in, a row is corrected, the method changes."""
    review = empty.review
    search(review, [*WITH_NOTICES, NEW], BUSY)
    for stage in ("title-abstract", "full-text"):
        append(
            review,
            "decisions/screening.csv",
            record_id="201",
            run=BUSY,
            stage=stage,
            decision="include",
            reviewer="EX",
            decided_at=f"{BUSY}-03",
        )
    new = {"study_id": "grant_2026", "run": BUSY}
    about = rows_of(review, "trials/studies.csv")[0]
    append(
        review,
        "trials/studies.csv",
        **about | new | {"first_author": "Grant", "year": "2026", "title": NEW["title"]},
    )
    append(review, "trials/reports.csv", record_id="201", **new)
    outcomes = {row["row_id"]: row for row in rows_of(review, "trials/outcomes.csv")}
    numbers = {"mean_1": "3.0", "n_1": "120", "n_2": "118"}
    append(
        review,
        "trials/outcomes.csv",
        **outcomes["evans_2014.pain_intensity.1"] | new | numbers | {"row_id": "grant_2026.pain_intensity.1"},
    )
    append(
        review,
        "trials/outcomes.csv",
        **outcomes["clark_2012.pain_intensity.1"]
        | {"mean_1": "3.2", "n_1": "50", "run": BUSY, "revision": "2", "revision_reason": "misread table 2"},
    )
    review.replace("config.yaml", "method_tau2: REML", "method_tau2: DL")
    reasons = review.path("data/methods/changes.csv")
    reasons.parent.mkdir()
    reasons.write_text(",".join(tables.columns("methods_changes")) + "\n", encoding="utf-8")
    change = {"key": "analysis.method_tau2", "before": "REML", "after": "DL", "run": BUSY}
    append(review, "methods/changes.csv", **change, reason=REASON, by="EX", decided_at=f"{BUSY}-03")
    return build(review, BUSY)


def test_an_empty_month_is_told_as_one_in_which_nothing_was_found(empty):
    assert empty.json("whats_new")["kind"] == "nothing found"
    assert empty.news() == [
        "PubMed was searched on 1 December 2026; no new record was found.",
        "No new study was included.",
        "No record waits for a decision.",
        "No estimate differs from release 26.1.0.",
        "No trigger of the protocol fired since release 26.1.0.",
        "A new version is published when a trigger fires. The next search is planned for January 2027.",
    ]
    for place in ("feed.atom", "whats_new.md"):
        text = empty.review.path("results", EMPTY, place).read_text(encoding="utf-8")
        assert "no new record was found" in text
        assert "No estimate differs from release 26" in text
    assert (
        "No record was identified since version 26.1.0. The review still holds 6 studies in 6 reports."
        in empty.said("records")
    )
    assert "No difference was found." in empty.said("changes")
    assert empty.said("changes").count("no change in the data") == len(OUTCOMES)
    assert "Retractions" not in words(empty.page.xpath("//main//nav")[0])


def test_an_empty_month_has_the_numbers_of_the_release_and_adds_a_snapshot_only(released, empty):
    frozen = empty.review.path("data/releases/26.1.0/effects.csv").read_bytes()
    assert empty.review.path("results", EMPTY, "effects.csv").read_bytes() == frozen
    assert all(row["difference"] == 0 for row in empty.json("changes")["outcomes"].values())
    assert empty.earlier == released.earlier
    found = json.loads(empty.review.path("data/searches", EMPTY, "pubmed/provenance.json").read_text())
    assert (found["count"], found["n_new"], found["known"]["unchanged"]) == (6, 0, 6)
    assert found["n_events"] == found["bodies"] == {}
    assert "None of the 6 known records says anything else than before." in empty.said("search")
    assert "Notices on included reports" not in html.tostring(empty.page, encoding="unicode")


def test_everything_that_happened_in_a_busy_month_is_told_with_its_trial(busy):
    told = busy.news()
    assert told[:7] == [
        "PubMed was searched on 1 January 2027; one new record was found.",
        "One new study (Grant 2026) was included.",
        "No record waits for a decision.",
        "One included study (Abel 2010) has a retracted report; its numbers have left all analyses.",
        "One included study (Baker 2011) now has an expression of concern; its numbers stay in the analyses.",
        "One included study (Davis 2013) now has a published erratum; its numbers stay in the analyses.",
        "Extracted values of one study (Clark 2012) were corrected.",
    ]
    assert told[7].startswith("Two estimates differ from release 26.1.0: Pain (")
    assert told[8] == "How effects are made or pooled has changed since that release."
    header = busy.header()
    assert "Excluded report. Abel example trial" in header
    assert header.count("Included report. ") == 2
    assert "Notice of retraction 900" in header
    assert "excluded now, was included" in busy.said("search")
    summary = busy.said("summary")
    assert "6 trials included" in summary
    assert "1 excluded after a retraction" in summary


def test_a_retracted_trial_is_in_no_analysis_but_the_one_with_retracted_trials(busy):
    estimates = busy.json("estimates")["outcomes"]
    left = {"pain_intensity": {*map(study, range(1, 6)), "grant_2026"}, "sleep": set(map(study, range(1, 4)))}
    for name, studies in left.items():
        found = estimates[name]
        assert {row["row_id"].split(".")[0] for row in found["weights"]} == studies
        assert found["main"]["k"] == len(studies)
        (forest,) = busy.page.xpath(f"//section[@id='{name}']//table[contains(@class, 'forest-table')]")
        assert "Baker" in words(forest)
        assert "Abel" not in words(forest)
    for name in ("included", "leave_one_out", "influence", "cumulative"):
        assert [row for row in busy.table(name) if "abel_2010" in row.values()] == []
    with_them = [row for row in busy.table("sensitivity") if row["analysis"] == "with_retracted"]
    assert [row["k"] for row in with_them] == ["7", "4"]
    assert {(row["study_id"], row["kind"], row["effect"]) for row in busy.table("notices")} == {
        ("abel_2010", "retracted", "excluded"),
        ("baker_2011", "expression of concern", "flagged"),
        ("davis_2013", "corrected", "flagged"),
    }


def test_a_busy_month_gives_each_cause_its_trial_and_they_add_up(busy):
    change = busy.json("changes")["outcomes"]["pain_intensity"]
    trials_of = {part["cause"]: [one["label"] for one in part["trials"]] for part in change["causes"]}
    assert trials_of == {
        "added": ["Grant 2026"],
        "retracted": ["Abel 2010"],
        "corrected": ["Clark 2012"],
        "method": [],
    }
    shares = sum(part["estimate"] for part in change["shapley"])
    assert math.isclose(shares, change["difference"], abs_tol=1e-8)
    changed = busy.said("changes")
    for cause in (
        "1 trial added (Grant 2026)",
        "1 trial retracted (Abel 2010)",
        "values corrected in 1 trial (Clark 2012)",
        "method changed",
    ):
        assert cause in changed
        assert cause in busy.said("summary")
    assert "mean 1 from 4 to 3.2 and n 1 from 54 to 50 (misread table 2)" in changed
    assert "One change, with its reason." in changed
    assert REASON in changed


def test_in_a_busy_month_all_places_name_the_same_numbers(busy):
    flow, status = busy.json("flow"), busy.json("status")
    assert flow["total"]["studies"] == status["studies_included"] == len(busy.table("included")) == 6
    assert all(row["left"] == row["right"] for row in flow["checks"])
    assert "1 study has left after a retraction. The review now holds 6 studies in 6 reports." in (
        busy.said("records")
    )
    k = {name: found["main"]["k"] for name, found in busy.json("estimates")["outcomes"].items()}
    pooled = [row["outcome"] for row in busy.table("effects") if row["in_pool"] == "true"]
    assert k == {name: pooled.count(name) for name in OUTCOMES} == {"pain_intensity": 6, "sleep": 3}
    triggers = [row for row in busy.json("triggers")["triggers"] if row["state"] == "fired"]
    assert len(busy.json("whats_new")["fired"]) == len(triggers)
    retraction = [row["sentence"] for row in triggers if row["name"] == "retraction"]
    assert retraction == ["Retracted since the release: Abel 2010."]
    assert retraction[0] in busy.said("changes")


def test_months_that_were_told_before_stay_as_they_were_told(empty, busy):
    row = next(row for row in busy.json("whats_new")["runs"] if row["run"] == EMPTY)
    assert (row["n_new"], row["n_decided"], row["n_corrected"], row["n_retracted"]) == (0, 0, 0, 0)
    assert "no new record was found" in empty.news()[0]
