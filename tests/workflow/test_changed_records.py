"""Whole runs around what other people change: records in PubMed, exports of other databases, verdicts on pairs."""

import contextlib
import csv
import datetime
import json
import re
import shutil

import pytest
import yaml
from lxml import html
from workflow.conftest import ROOT, Review

from livingreview.search.sandbox import Sandbox

FIRST, SECOND = "2026-10", "2026-11"
POOLS = ("included", "effects", "estimates", "leave_one_out", "subgroups")


def row(pmid, title, **cells):
    """A record of the sandbox; see livingreview.search.sandbox.citation_xml for what a row may say."""
    given = {"pmid": pmid, "title": title, "journal": "Example J", "year": "2019", "language": "eng"}
    given |= {"entry_date": "2019-05-05", "publication_types": "Journal Article", "doi": f"10.1000/ex.{pmid}"}
    return given | cells


ROWS = [
    row("101", "Internet treatment for example pain: a randomized trial", authors="Example AB"),
    row("102", "Online course for sample pain: a randomized trial", authors="Sample C"),
    row("103", "Imaging of other pain in patients", authors="Other D"),
    row("104", "Web pages about late pain", authors="Late E"),
    row("105", "Telephone calls for steady pain", authors="Steady F"),
]


def change(pmid, **cells):
    """All records, one of them changed."""
    return [one | cells if one["pmid"] == pmid else one for one in ROWS]


class Small(Review):
    """A review of five records, two of them included trials with numbers, asked for over HTTP."""

    def begin(self, write_example):
        config = yaml.safe_load((ROOT / "config.yaml").read_text(encoding="utf-8"))
        config["review"]["demonstration"] = ""
        config["search"] |= {"query": "pain[ti]", "acknowledged": [], "drop_tolerance_percent": 50}
        self.path("data").mkdir(parents=True)
        self.configure(config)
        both = [{"stage": stage} for stage in ("title-abstract", "full-text")]
        decided = [{"record_id": pmid} | stage for pmid in ("101", "102") for stage in both]
        decided.append({"record_id": "104", "decision": "exclude"})
        write_example("screening", *decided, path=self.path("data/decisions/screening.csv"))
        write_example("pairs", path=self.path("data/decisions/pairs.csv"))
        trials = {"101": "example_2019", "102": "sample_2019"}
        reports = [{"record_id": pmid, "study_id": study} for pmid, study in trials.items()]
        studies = [{"study_id": study} for study in trials.values()]
        outcomes = [{"study_id": one, "row_id": f"{one}.pain_intensity.1"} for one in trials.values()]
        for name, rows in (("reports", reports), ("studies", studies), ("outcomes", outcomes)):
            write_example(name, *rows, path=self.path(f"data/trials/{name}.csv"))
        return self

    def configure(self, config):
        self.path("config.yaml").write_text(yaml.safe_dump(config, sort_keys=False), encoding="utf-8")

    def set_search(self, **keys):
        config = yaml.safe_load(self.path("config.yaml").read_text(encoding="utf-8"))
        config["search"] |= keys
        self.configure(config)

    @contextlib.contextmanager
    def served(self, rows, run):
        """Points the review at a server that holds some rows, on the first day of a run."""
        with Sandbox(rows, datetime.date.fromisoformat(f"{run}-01")) as sandbox:
            self.set_search(base_url=sandbox.url)
            yield sandbox

    def build(self, rows, run, *wanted):
        with self.served(rows, run) as sandbox:
            done = self.snakemake("--config", f"run={run}", "--", *wanted)
            assert done.returncode == 0, done.stderr
            return sandbox.requests

    def json(self, run, name):
        return json.loads(self.path("results", run, f"{name}.json").read_text(encoding="utf-8"))

    def table(self, run, name):
        with self.path("results", run, f"{name}.csv").open(encoding="utf-8", newline="") as file:
            return list(csv.DictReader(file))

    def page(self, run):
        return html.fromstring(self.path("results", run, "report.html").read_text(encoding="utf-8"))

    def export(self, run, records, n_records):
        """Drops a RIS file of a searched database into a month's folder."""
        folder = self.path("data/searches", run, "imports")
        folder.mkdir(parents=True, exist_ok=True)
        folder.joinpath("embase.ris").write_text("".join(map(ris, records)), encoding="utf-8")
        columns = "file,database,platform,searched_on,strategy,limits,n_records,exported_by,note"
        source = f"embase.ris,Embase,Ovid,{run}-02,pain.ti.,,{n_records},EX,"
        folder.joinpath("sources.csv").write_text(f"{columns}\n{source}\n", encoding="utf-8")


def ris(record):
    lines = {"TY": "JOUR", "TI": record["title"], "PY": "2019", "T2": "Example J", **record["tags"]}
    return "".join(f"{tag}  - {value}\n" for tag, value in lines.items()) + "ER  - \n\n"


def text_of(element):
    return re.sub(r"\s+", " ", element.text_content()).strip()


@pytest.fixture(scope="module")
def first_month(tmp_path_factory, write_example):
    """The small review with its first month built; not to be changed."""
    review = Small(tmp_path_factory.mktemp("small") / "review").begin(write_example)
    review.build(ROWS, FIRST)
    return review


@pytest.fixture
def review(first_month, tmp_path):
    """A copy of it, to go on with."""
    return Small(first_month.copy(tmp_path / "review").folder)


@pytest.fixture(scope="module")
def second_month(first_month, tmp_path_factory):
    """The month after, in which PubMed says something else of four records; not to be changed."""
    review = Small(first_month.copy(tmp_path_factory.mktemp("changed") / "review").folder)
    notice = "RetractionIn:900:Example J. 2026"
    changed = {
        "101": {"notices": notice, "publication_types": "Journal Article; Retracted Publication"},
        "102": {"notices": "ErratumIn:901:Example J. 2026", "date_revised": "2026-10-20"},
        "104": {"notices": notice},
    }
    review.build([one | changed.get(one["pmid"], {}) for one in ROWS if one["pmid"] != "103"], SECOND)
    return review


def test_a_retracted_included_trial_is_told_on_the_first_screen_in_neutral_words(second_month):
    header = second_month.page(SECOND).xpath("//header")[0]
    notices = [text_of(one) for one in header.xpath(".//*[@aria-label='Notices on included reports']/p")]
    assert notices == [
        f"Excluded report. {ROWS[0]['title']} has been retracted. Its numbers have left the analyses;"
        " the study is listed as excluded, with its notice. Notice of retraction 900",
        f"Included report. {ROWS[1]['title']} has a published erratum; the maintainers have to check the"
        " extracted values against it. Each pool that holds them has a sensitivity analysis without them."
        " Erratum 901",
    ]
    assert "to look at" in text_of(second_month.page(SECOND).xpath("//main")[0])


def test_every_change_stands_in_the_search_section_those_that_need_a_person_first(second_month):
    section = second_month.page(SECOND).get_element_by_id("search")
    rows = section.xpath(".//table[thead//th='What PubMed says now']/tbody/tr")
    cells = [[text_of(cell) for cell in one][:3] for one in rows]
    by_title = {one["title"]: one["pmid"] for one in ROWS}
    assert [(by_title[title], *rest) for title, *rest in cells] == [
        ("101", "has been retracted (900)", "excluded now, was included"),
        ("102", "has a published erratum (901)", "included"),
        ("103", "is no longer in PubMed; the copy kept here stays", "unscreened"),
        ("104", "has been retracted (900)", "no action needed"),
        ("101", "publication types changed", "no action needed"),
    ]
    said = text_of(section)
    assert "The one included record that has a PMID is found by the query." in said
    assert (
        "The service announced 4 records and listed 4 in one part; 4 were delivered, none is missing." in said
    )
    assert "No record of PubMed is new this month." in said


def test_the_status_alerts_people_to_records_that_are_not_excluded(second_month):
    alerts = second_month.json(SECOND, "status")["alerts"]
    assert [(one["record_id"], one["event"], one["other_pmid"]) for one in alerts] == [
        ("101", "retraction", "900"),
        ("102", "erratum", "901"),
        ("103", "disappeared", None),
    ]
    assert second_month.json(FIRST, "status")["alerts"] == []


def test_the_retracted_trial_leaves_every_pool_and_is_listed_with_its_notice(second_month):
    assert [one["study_id"] for one in second_month.table(FIRST, "included")] == [
        "example_2019",
        "sample_2019",
    ]
    assert [one["study_id"] for one in second_month.table(SECOND, "included")] == ["sample_2019"]
    rows = [tuple(one.values()) for one in second_month.table(SECOND, "notices")]
    assert rows == [
        ("101", "example_2019", "retracted", "excluded", "RetractionIn:900", SECOND),
        ("102", "sample_2019", "corrected", "flagged", "ErratumIn:901", SECOND),
    ]
    out, kept = second_month.table(SECOND, "effects")
    assert (out["study"], out["in_pool"], out["in_sensitivity"]) == ("example_2019", "false", "false")
    assert (out["reason"], out["withdrawn"]) == ("report 101 was retracted (notice: 900)", "true")
    assert (kept["in_pool"], kept["notice"], kept["withdrawn"]) == ("true", "corrected", "false")
    before, after = (
        next(one for one in second_month.table(run, "estimates") if one["outcome"] == "pain_intensity")
        for run in (FIRST, SECOND)
    )
    assert (before["k"], after["k"]) == ("2", "1")
    sensitivity = {
        one["analysis"]: one
        for one in second_month.table(SECOND, "sensitivity")
        if one["outcome"] == "pain_intensity"
    }
    assert (sensitivity["with_retracted"]["k"], sensitivity["with_retracted"]["estimate"]) == (
        "2",
        before["estimate"],
    )
    assert sensitivity["without_notices"]["k"] == "0"


def test_the_page_shows_the_excluded_trial_and_each_pool_before_and_after(second_month):
    section = second_month.page(SECOND).get_element_by_id("notices")
    (excluded,) = section.xpath(".//div[@aria-label='Excluded trials']//tbody/tr")
    assert "notice of retraction 900" in text_of(excluded)
    (pool,) = section.xpath(".//div[@aria-label='Pools before and after retractions']//tbody/tr")
    assert [text_of(cell)[-5:] for cell in pool[2:4]] == ["k = 2", "k = 1"]
    assert second_month.page(FIRST).xpath("//*[@id='notices']") == []


def test_the_month_tells_of_the_retraction_and_people_s_tables_stay_as_they_were(first_month, second_month):
    news = second_month.json(SECOND, "whats_new")
    assert news["kind"] == "triggered"
    said = [one for one in news["statement"] if "retracted" in one]
    assert len(said) == 1
    assert said[0].startswith("One included study (Example 2020")
    assert said[0].endswith(") has a retracted report; its numbers have left all analyses.")
    assert [row["n_retracted"] for row in news["runs"]] == [1, 0]
    for part in ("data/trials", "data/decisions"):
        after = {name: data for name, data in second_month.files(part).items() if "sheets" not in name}
        assert after == {name: data for name, data in first_month.files(part).items() if "sheets" not in name}


def test_a_record_that_is_gone_stays_in_the_review_as_it_was_last_seen(second_month):
    records = {one["record_id"]: one for one in second_month.table(SECOND, "records")}
    assert list(records) == ["101", "102", "103", "104", "105"]
    assert (records["103"]["title"], records["103"]["retrieval"]) == (
        ROWS[2]["title"],
        "gone from PubMed",
    )
    assert "103" in {one["record_id"] for one in second_month.table(SECOND, "queue")}


def test_only_changed_records_are_kept_again_and_the_first_month_is_as_it_was(first_month, second_month):
    assert second_month.files("results", FIRST) == first_month.files("results", FIRST)
    searched = "data/searches"
    assert second_month.files(searched, FIRST) == first_month.files(searched, FIRST)
    with second_month.path(searched, SECOND, "pubmed/records.csv").open(encoding="utf-8", newline="") as file:
        kept = [(one["pmid"], one["state"]) for one in csv.DictReader(file)]
    assert kept == [("101", "held"), ("102", "held"), ("103", "gone"), ("104", "held")]


def clone_of(review, folder):
    """The review as version control gives it to another machine: without results and what is ignored."""
    ignored = review.path("data/searches", FIRST, "pubmed/.gitignore").read_text().split()
    shutil.copytree(review.path("data"), folder / "data", ignore=shutil.ignore_patterns(*ignored))
    shutil.copy2(review.path("config.yaml"), folder)
    return Small(folder)


def test_records_kept_on_one_machine_are_fetched_again_once_by_another(tmp_path, write_example):
    here = Small(tmp_path / "here").begin(write_example)
    here.set_search(bodies="local")
    here.build(ROWS, FIRST, *(f"results/{FIRST}/{name}.csv" for name in POOLS))
    there = clone_of(here, tmp_path / "there")
    assert not list(there.path("data").rglob("efetch-*"))
    searched = there.files("data/searches", FIRST, "pubmed")

    with there.served(change("102", title="Online course for sample pain, corrected"), FIRST) as sandbox:
        done = there.snakemake("--config", f"run={FIRST}")
        assert done.returncode == 0, done.stderr
        asked = [one.service for one in sandbox.requests]
        again = there.snakemake("--config", f"run={FIRST}")

    assert asked == ["efetch.fcgi"]
    assert len(sandbox.requests) == 1
    assert "Nothing to be done" in again.stdout + again.stderr
    assert there.files("data/searches", FIRST, "pubmed") == searched
    said = text_of(there.page(FIRST).get_element_by_id("search"))
    assert "The records of October 2026 are kept on another machine; 5 records were fetched again" in said
    assert "Changed since then: PMID 102; their present state is used here." in said
    titles = [one["title"] for one in there.table(FIRST, "records")]
    assert titles[1] == "Online course for sample pain, corrected"
    assert there.path("data/searches", FIRST, "refetched/.gitignore").read_text() == "*\n"

    for name in POOLS:
        assert there.path("results", FIRST, f"{name}.csv").read_bytes() == (
            here.path("results", FIRST, f"{name}.csv").read_bytes()
        )


EMBASE = [
    {"title": ROWS[0]["title"], "tags": {"AU": "Example, A. B.", "AN": "L1", "DO": "10.1000/ex.101"}},
    {"title": ROWS[1]["title"], "tags": {"AU": "Sample, C.", "AN": "L2", "C5": "102"}},
    {"title": "A trial of knitting for pain", "tags": {"AU": "Knitter, G.", "AN": "L3"}},
    {"title": "Telephone call for steady pain", "tags": {"AU": "Steady, F.", "AN": "L5"}},
]


@pytest.fixture(scope="module")
def with_export(first_month, tmp_path_factory):
    """The first month built again with an export of Embase, which knows two of its records, perhaps a third."""
    review = Small(first_month.copy(tmp_path_factory.mktemp("export") / "review").folder)
    review.export(FIRST, EMBASE, n_records=len(EMBASE))
    assert review.build(ROWS, FIRST) == []
    return review


def test_a_file_dropped_into_the_imports_enters_the_corpus_and_is_counted_under_databases(
    first_month, with_export
):
    before, review = first_month.json(FIRST, "flow"), with_export
    records = {one["record_id"]: one for one in review.table(FIRST, "records")}
    assert records["doi:10.1000/ex.101"]["duplicate_of"] == "101"
    assert records["embase:l2"]["duplicate_of"] == "102"
    assert records["embase:l3"]["title"] == "A trial of knitting for pain"
    after = review.json(FIRST, "flow")
    for box, more in (("identified", 4), ("duplicates", 2), ("unscreened", 2), ("screened", 0)):
        assert after["databases"][box] == before["databases"][box] + more, box
    assert after["other"] == before["other"]
    assert "embase:l3" in {one["record_id"] for one in review.table(FIRST, "queue")}
    said = text_of(review.page(FIRST).get_element_by_id("search"))
    assert "pain.ti." in said
    assert "7 records from all searches and imports after 2 duplicates, 2 of them from other sources" in said


def test_a_faulty_export_stops_the_run_and_leaves_the_results_as_they_were(review):
    before = review.files("results", FIRST)
    del before["checked.json"]
    review.export(FIRST, EMBASE, n_records=5)
    with review.served(ROWS, FIRST):
        done = review.snakemake("--config", f"run={FIRST}")
    assert done.returncode != 0
    said = " ".join(done.stderr.strip().splitlines()[-6:])
    assert "embase.ris: the file does not hold what the database stated" in said
    assert "found '4 records'; allowed: 5; hint: export it again, or correct n_records" in said
    assert review.files("results", FIRST) == before


def test_a_verdict_on_a_pair_is_filed_by_the_command_and_stops_the_run_until_then(with_export, tmp_path):
    review = Small(with_export.copy(tmp_path / "review").folder)
    (pair,) = review.table(FIRST, "pairs")
    assert (pair["record_a"], pair["record_b"], pair["kind"]) == ("105", "embase:l5", "duplicate")
    assert "One uncertain pair waits for a person" in text_of(review.page(FIRST).get_element_by_id("search"))
    path = review.path("results", FIRST, "pairs.csv")
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(pair), lineterminator="\n")
        writer.writeheader()
        writer.writerow(pair | {"verdict": "same_record", "reviewer": "EX"})
    before = review.files("results")
    with review.served(ROWS, FIRST):
        done = review.snakemake("--config", f"run={FIRST}")
    assert done.returncode != 0
    said = " ".join(done.stderr.strip().splitlines()[-4:])
    assert "1 filled-in rows are not filed as verdicts yet; found '105 and embase:l5'" in said
    assert "make decisions files them" in said
    assert review.files("results") == before

    done = review.command("file_decisions.py", "--run", FIRST)

    assert done.returncode == 0, done.stderr
    assert f"1 verdict on pairs filed for run {FIRST}" in done.stdout
    review.build(ROWS, FIRST, *(f"results/{FIRST}/{name}.csv" for name in ("records", "pairs", "queue")))
    records = {one["record_id"]: one for one in review.table(FIRST, "records")}
    assert records["embase:l5"]["duplicate_of"] == "105"
    assert review.table(FIRST, "pairs") == []
    assert "embase:l5" not in {one["record_id"] for one in review.table(FIRST, "queue")}
