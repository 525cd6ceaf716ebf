"""Each rule's script and each command, from its files to its files, in a small review of made-up trials."""

import csv
import datetime
import math
import shutil
from pathlib import Path
from types import SimpleNamespace

import pytest
import yaml

import backtest_ranking
import check_data
import compare_extractions
import compare_release
import compute_effects
import count_flow
import describe_status
import evaluate_triggers
import file_decisions
import find_notices
import fold_corpus
import freeze_release
import group_companions
import judge_risk_of_bias
import keep_ledger
import link_studies
import list_corrections
import merge_trials
import pool_outcomes
import prefill_sheets
import rank_records
import search_pubmed
import suggest_certainty
import tell_news
from livingreview import __version__, tables
from livingreview.errors import InputError, ReviewError

TODAY = datetime.date(2020, 2, 15)
NOW = datetime.datetime(2020, 2, 15, 12, 30, tzinfo=datetime.UTC)
CORPUS = [
    {
        "pmid": "101",
        "title": "Internet treatment for example pain: a randomized trial",
        "authors": "Example AB",
    },
    {"pmid": "102", "title": "Online course for sample pain: a randomized trial", "authors": "Sample C"},
    {"pmid": "103", "title": "Imaging of pain in patients", "authors": "Other D"},
    {
        "pmid": "104",
        "title": "Web-based programme for late pain",
        "doi": "10.1000/late",
        "authors": "Late E",
        "entry_date": "2020-01-15",
    },
]
STUDY = {
    "year": "2019",
    "population": "adult",
    "condition": "back",
    "comparator_class": "waitlist",
    "intervention_class": "cbt",
    "guided": "yes",
}
MEANS = {
    "higher_is": "worse",
    "mean_1": "4.0",
    "sd_1": "2.0",
    "n_1": "40",
    "mean_2": "5.0",
    "sd_2": "2.0",
    "n_2": "40",
    "effect_type": "means",
    "source": "the report",
    "table_or_figure": "table 2",
}
# d = (4 - 5) / 2, times J(78); its variance as in metafor's escalc.
G = -0.5 * math.exp(math.lgamma(39) - math.log(39) / 2 - math.lgamma(38.5))
V = 2 / 40 + G**2 / 160


class Review:
    """A review in a folder, whose rules are run one by one."""

    def __init__(self, folder, config):
        self.folder = folder
        self.config = config

    def begin(self, write_example):
        """A review with a corpus to search and nothing else."""
        tables.write_text(yaml.safe_dump(self.config, sort_keys=False), self.folder / "config.yaml")
        write_example("sandbox_records", *CORPUS, path=self.folder / "corpus.csv")
        write_example("screening", path=self.folder / "data/decisions/screening.csv")
        write_example("pairs", path=self.folder / "data/decisions/pairs.csv")
        for name in ("studies", "reports", "outcomes"):
            write_example(name, path=self.folder / f"data/trials/{name}.csv")
        (self.folder / "data/releases").mkdir()
        (self.folder / "data/searches").mkdir()
        return self

    def path(self, run, name):
        places = {
            "decisions": "data/decisions/screening.csv",
            "screening": "data/decisions/screening.csv",
            "pairs": "data/decisions/pairs.csv",
            "provenance": f"data/searches/{run}/pubmed/provenance.json",
            **{one: f"data/trials/{one}.csv" for one in ("studies", "reports", "outcomes")},
            **{
                one: f"results/{run}/{one}.json"
                for one in (
                    "extraction_agreement",
                    "imports",
                    "backtest",
                    "ranking",
                    "changes",
                    "flow",
                    "status",
                    "certainty",
                    "triggers",
                    "whats_new",
                    "checked",
                )
            },
            "months": f"results/{run}/backtest.csv",
            "events": f"results/{run}/record_events.csv",
            "pair_queue": f"results/{run}/pairs.csv",
            "details": f"results/{run}/estimates.json",
            "news": f"results/{run}/whats_new.json",
            "digest": f"results/{run}/whats_new.md",
            "queue_page": f"results/{run}/queue.md",
        }
        return str(self.folder / places.get(name, f"results/{run}/{name}.csv"))

    def run(self, script, run, inputs, outputs, **params):
        """Runs a rule's main(job); inputs and outputs are names, the rest of a job is given."""
        given = {name: self.path(run, name) for name in inputs.split()}
        if "releases" in given:
            given["releases"] = [str(path) for path in self.folder.glob("data/releases/*/release.json")]
        if "entered" in given:
            table = self.folder / "data/trials/risk_of_bias.csv"
            given["entered"] = [str(table)] if table.is_file() else []
        given |= {name: [] for name in ("instruments", "rated", "corpus") if name in given}
        for name in {"snapshots", "provenances"} & set(given):
            found = self.folder.glob("data/searches/*/pubmed/provenance.json")
            given[name] = sorted(str(path) for path in found if path.parents[1].name <= run)
        script.main(
            SimpleNamespace(
                input=SimpleNamespace(**given),
                output=SimpleNamespace(**{name: self.path(run, name) for name in outputs.split()}),
                params=SimpleNamespace(run=run, **params),
            )
        )

    def search(self, run):
        search = self.config["search"] | {
            "base_url": "sandbox",
            "sandbox_corpus": str(self.folder / "corpus.csv"),
            "query": "pain[ti]",
            "acknowledged": [],
        }
        self.run(search_pubmed, run, "", "provenance", search=search)
        self.fold(run)

    def fold(self, run):
        searches = str(self.folder / "data/searches")
        self.run(fold_corpus, run, "snapshots pairs decisions", "records events imports", searches=searches)

    def group(self, run):
        """The groups of reports and the pairs for people, which are an output of this rule and not an input."""
        path = self.path(run, "pair_queue")
        given = {name: self.path(run, name) for name in ("records", "pairs", "reports", "decisions")}
        group_companions.main(
            SimpleNamespace(
                input=SimpleNamespace(**given),
                output=SimpleNamespace(companions=self.path(run, "companions"), pairs=path),
                params=SimpleNamespace(run=run, stages=self.config["screening"]["stages"]),
            )
        )
        return Path(path)

    def rank(self, run):
        screening, review = self.config["screening"], self.config["review"]
        options = {"stages": screening["stages"], "ranking": screening["ranking"]}
        options |= {"question": review["question"], "eligibility": self.config["eligibility"]}
        self.backtest(run, **options)
        options |= {"independent": 1, "interests": None, "version": "test"}
        given = "records decisions backtest predictions"
        self.run(rank_records, run, given, "queue ranking suspicious", **options)
        return tables.read(self.path(run, "queue"), "queue")

    def backtest(self, run, **options):
        """The back-test, whose outputs are named otherwise than the files."""
        backtest_ranking.main(
            SimpleNamespace(
                input=SimpleNamespace(**{name: self.path(run, name) for name in ("records", "decisions")}),
                output=SimpleNamespace(
                    about=self.path(run, "backtest"),
                    months=self.path(run, "months"),
                    predictions=self.path(run, "predictions"),
                ),
                params=SimpleNamespace(run=run, known=self.folder / ".cache", code="test", **options),
            )
        )

    def link(self, run, extractors=None):
        stages = self.config["screening"]["stages"]
        self.run(find_notices, run, "records events decisions reports", "notices", stages=stages)
        self.run(link_studies, run, "records notices decisions studies reports", "included", stages=stages)
        self.run(
            prefill_sheets,
            run,
            "records notices decisions studies reports",
            "extraction",
            stages=stages,
            outcomes=list(self.config["outcomes"]),
            other_outcomes=[],
            timepoint="post",
            extractors=extractors or {},
        )

    def check(self, run):
        reasons, outcomes = list(self.config["screening"]["reasons"]), list(self.config["outcomes"])
        searches = str(self.folder / "data/searches")
        options = {"reasons": reasons, "stages": self.config["screening"]["stages"], "outcomes": outcomes}
        kept = str(self.folder / ".cache/rows")
        self.run(check_data, run, CHECKED, "checked", searches=searches, kept=kept, **options)

    def pool(self, run):
        options = {name: self.config[name] for name in ("outcomes", "analysis", "subgroups")}
        self.run(compute_effects, run, "studies outcomes included notices", "effects", **options)
        names = list(options["outcomes"])
        self.run(
            judge_risk_of_bias,
            run,
            "studies entered",
            "judged",
            outcomes=names,
            folder=str(self.folder / "data/trials/tools"),
            assessors=[],
        )
        options["interpretation"] = self.config["interpretation"]
        outputs = " ".join(("estimates", "details", "subgroups", *pool_outcomes.PARTS))
        self.run(pool_outcomes, run, "effects judged", outputs, **options)

    def count(self, run):
        options = {name: self.config[name] for name in ("outcomes", "analysis", "subgroups")}
        inputs = "estimates effects included notices studies outcomes releases"
        self.run(compare_release, run, inputs, "changes", **options)
        screening = self.config["screening"]
        given = "records notices imports decisions reports pairs releases"
        self.run(keep_ledger, run, given, "ledger", stages=screening["stages"])
        reasons = list(screening["reasons"])
        self.run(count_flow, run, "ledger records included extraction releases", "flow", reasons=reasons)
        self.judge_certainty(run)
        self.run(
            describe_status,
            run,
            "records events notices queue included effects extraction triggers certainty decisions reports"
            " studies outcomes provenances releases corpus",
            "status",
            stages=screening["stages"],
            living=self.config["living"],
        )
        self.run(
            tell_news,
            run,
            "status changes triggers queue records events notices included decisions reports studies outcomes"
            " provenances releases",
            "news digest queue_page",
            stages=screening["stages"],
            title=self.config["review"]["title"],
            outcomes=self.config["outcomes"],
            own=[],
        )

    def judge_certainty(self, run):
        self.run(
            suggest_certainty,
            run,
            "details effects judged included studies outcomes instruments rated",
            "certainty",
            domains=self.config["outcomes"],
            timepoint="post",
            interpretation=self.config["interpretation"],
            subgroups=self.config["subgroups"],
            certainty={},
            folder=str(self.folder / "data/trials/tools"),
        )
        self.run(
            evaluate_triggers,
            run,
            "changes certainty included notices studies releases",
            "triggers",
            outcomes=list(self.config["outcomes"]),
            triggers={},
            certainty={},
            interpretation=self.config["interpretation"],
        )

    def build(self, run):
        """All rules after the search, in order."""
        self.fold(run)
        self.rank(run)
        self.link(run)
        self.pool(run)
        self.count(run)

    def decide(self, run, **cells):
        """Fill in the queue, {"p101": cells}, and file it; returns the command's exit status."""
        path = Path(self.path(run, "queue"))
        edit(
            path,
            "record_id",
            {name.removeprefix("p"): {"reviewer": "EX"} | typed for name, typed in cells.items()},
        )
        return file_decisions.main(["--directory", str(self.folder), "--run", run], now=NOW)

    def include(self, run, *pmids):
        """Both decisions of some records."""
        for _ in self.config["screening"]["stages"]:
            self.rank(run)
            assert self.decide(run, **{f"p{pmid}": {"decision": "include"} for pmid in pmids}) == 0

    def fill_sheet(self, name):
        folder = self.folder / "data/trials/sheets" / name
        study = tables.read_results(folder / "study.csv")
        edit(folder / "study.csv", "study_id", {study["study_id"][0]: STUDY})
        # Each trial has means of its own, with the same difference.
        shift = sum(map(ord, name.split("/")[0])) % 17 / 10
        means = {one: f"{float(MEANS[one]) + shift:.1f}" for one in ("mean_1", "mean_2")}
        edit(folder / "outcomes.csv", "outcome", {"pain_intensity": MEANS | means})

    def merge(self, run, *options):
        return merge_trials.main(["--directory", str(self.folder), "--run", run, *options])

    def freeze(self, version, run, note="An example.", build=lambda *_, **__: None):
        """Freeze what is built; the workflow itself is not run unless `build` runs it."""
        command = [version, "--directory", str(self.folder), "--run", run, "--note", note]
        return freeze_release.main(command, today=TODAY, build=build)

    def json(self, run, name):
        return tables.read_json(self.path(run, name))


def edit(path, key, changes):
    """Type cells into the rows of a CSV file that a column names."""
    with path.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    for row in rows:
        row.update(changes.get(row[key], {}))
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


@pytest.fixture(scope="module")
def config():
    """The bundled config, for January 2020."""
    path = Path(__file__).resolve().parents[1] / "config.yaml"
    return yaml.safe_load(path.read_text(encoding="utf-8")) | {"run": "2020-01"}


@pytest.fixture
def review(tmp_path, config, write_example, monkeypatch):
    """A review before its first search."""
    monkeypatch.chdir(tmp_path)
    return Review(tmp_path, config).begin(write_example)


@pytest.fixture(scope="module")
def prepared(tmp_path_factory, config, write_example):
    folder = tmp_path_factory.mktemp("review")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        review = Review(folder, config).begin(write_example)
        review.search("2020-01")
        review.include("2020-01", "101", "102")
        review.link("2020-01")
        review.fill_sheet("101")
        assert review.merge("2020-01") == 0
        review.build("2020-01")
    return folder


@pytest.fixture
def extracted(tmp_path, prepared, config, monkeypatch):
    """Run 2020-01 with the trials 101 and 102 included and the numbers of 101 merged."""
    folder = tmp_path / "review"
    shutil.copytree(prepared, folder)
    monkeypatch.chdir(folder)
    return Review(folder, config)


def test_a_month_goes_from_the_search_to_an_estimate(extracted, capsys):
    run = "2020-01"
    included = tables.read_results(extracted.path(run, "included"))
    assert included.to_dict("records") == [
        {"study_id": "example", "record_ids": "101", "since_run": "2020-01"}
    ]
    extraction = tables.read_results(extracted.path(run, "extraction")).to_dict("records")
    assert extraction == [
        {
            "record_id": "102",
            "title": CORPUS[1]["title"],
            "sheet": "data/trials/sheets/102",
            "state": "empty",
            "note": None,
        }
    ]
    effect = tables.read_results(extracted.path(run, "effects")).loc[0]
    assert effect[["study", "outcome", "in_pool", "reason"]].tolist() == [
        "example",
        "pain_intensity",
        True,
        None,
    ]
    assert effect[["yi", "vi"]].tolist() == pytest.approx([G, V], abs=1e-9)
    estimates = tables.read_results(extracted.path(run, "estimates")).set_index("outcome")
    assert estimates["k"].to_dict() == {
        "interference_disability": 0,
        "pain_intensity": 1,
        "catastrophizing": 0,
        "depression": 0,
        "anxiety": 0,
    }
    assert estimates.loc["pain_intensity", "estimate"] == pytest.approx(G, abs=1e-9)
    status = extracted.json(run, "status")
    assert (status["n_matched"], status["n_included_this_run"], status["n_queue"]) == (3, 2, 1)
    assert [row["record_id"] for row in status["awaiting_extraction"]] == ["102"]
    flow = extracted.json(run, "flow")
    assert flow["new"] == flow["total"] == {"studies": 1, "reports": 1}
    assert flow["awaiting_extraction"] == 1


def test_the_next_month_says_what_changed_since_the_release(extracted, capsys):
    assert extracted.freeze("20.0.0", "2020-01") == 0
    assert "Release 20.0.0 of run 2020-01: " in capsys.readouterr().out
    extracted.search("2020-02")
    extracted.fill_sheet("102")
    assert extracted.merge("2020-02", "--sheet", "102") == 0
    extracted.build("2020-02")
    changes = extracted.json("2020-02", "changes")
    assert changes["release"]["version"] == "20.0.0"
    pain = changes["outcomes"]["pain_intensity"]
    assert [row["row_id"] for row in pain["added"]] == ["sample.pain_intensity.1"]
    assert (pain["removed"], pain["corrected"]) == ([], [])
    assert (pain["before"]["k"], pain["after"]["k"], pain["difference"]) == (1, 2, 0)
    assert changes["outcomes"]["anxiety"]["added"] == []
    flow = extracted.json("2020-02", "flow")
    assert flow["previous"] == {"studies": 1, "reports": 1}
    assert flow["databases"]["identified"] == 1
    assert flow["from_earlier_searches"] == 1
    status = extracted.json("2020-02", "status")
    assert (status["n_matched"], status["n_new_records"]) == (4, 1)
    assert [row["record_id"] for row in status["waiting"]] == ["103", "104"]


def test_a_retracted_trial_leaves_the_review_and_is_back_when_pubmed_withdraws_it(extracted, example_table):
    """Of the two trials one is extracted; the other waits for it, and is retracted in the same month."""
    retracted = {"publication_types": "Journal Article; Retracted Publication"}
    changed = [one | (retracted if one["pmid"] in ("101", "102") else {}) for one in CORPUS]
    example_table("sandbox_records", *changed, path=extracted.folder / "corpus.csv")
    extracted.search("2020-02")
    extracted.build("2020-02")
    found = tables.read_results(extracted.path("2020-02", "notices"))
    assert found[["record_id", "study_id", "effect", "since_run"]].to_numpy().tolist() == [
        ["101", "example", "excluded", "2020-02"],
        ["102", None, "excluded", "2020-02"],
    ]
    assert tables.read_results(extracted.path("2020-02", "included")).empty
    assert tables.read_results(extracted.path("2020-02", "extraction")).empty
    effect = tables.read_results(extracted.path("2020-02", "effects")).loc[0]
    assert (effect["in_pool"], effect["withdrawn"], effect["notice"]) == (False, True, "retracted")
    assert effect["reason"] == "report 101 was retracted"
    assert effect["yi"] == pytest.approx(G, abs=1e-9)
    flow = extracted.json("2020-02", "flow")
    assert (flow["total"], flow["awaiting_extraction"]) == ({"studies": 0, "reports": 0}, 0)
    news = extracted.json("2020-02", "whats_new")
    assert (news["kind"], len(news["retracted"]), news["runs"][0]["n_retracted"]) == ("triggered", 1, 2)

    example_table("sandbox_records", *CORPUS, path=extracted.folder / "corpus.csv")
    extracted.search("2020-03")
    extracted.build("2020-03")
    assert tables.read_results(extracted.path("2020-03", "notices")).empty
    included = tables.read_results(extracted.path("2020-03", "included"))
    assert included["study_id"].tolist() == ["example"]
    assert tables.read_results(extracted.path("2020-03", "effects"))["in_pool"].tolist() == [True]
    assert extracted.json("2020-03", "flow")["total"] == {"studies": 1, "reports": 1}
    assert [row["n_restored"] for row in extracted.json("2020-03", "whats_new")["runs"]] == [2, 0, 0]


def test_an_earlier_month_rebuilt_later_is_the_same_to_the_byte(extracted):
    folder = Path(extracted.path("2020-01", "queue")).parent
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    assert extracted.freeze("20.0.0", "2020-01") == 0
    extracted.search("2020-02")
    extracted.include("2020-02", "103", "104")
    extracted.link("2020-02")
    extracted.fill_sheet("102")
    extracted.fill_sheet("104")
    assert extracted.merge("2020-02") == 0
    for path in folder.iterdir():
        path.unlink()
    extracted.build("2020-01")
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before


def test_a_review_without_any_decision_has_a_complete_month(review):
    review.search("2020-01")
    review.build("2020-01")
    assert len(tables.read_results(review.path("2020-01", "included"))) == 0
    assert len(tables.read_results(review.path("2020-01", "effects"))) == 0
    status = review.json("2020-01", "status")
    assert (status["n_queue"], status["studies_included"], status["studies_in_any_pool"]) == (3, 0, 0)
    pain = review.json("2020-01", "changes")["outcomes"]["pain_intensity"]
    assert (pain["before"], pain["after"]["k"], pain["after"]["estimate"], pain["added"]) == (
        None,
        0,
        None,
        [],
    )


@pytest.mark.parametrize("released", [False, True], ids=["before any release", "after a release"])
def test_a_trial_from_elsewhere_that_pubmed_finds_later_stays_one_trial(review, example_table, released):
    """Its decision and its report were made for the record from elsewhere, now a duplicate of PubMed's."""
    record_id = "doi:10.1000/late"
    other = {"doi": "10.1000/late", "title": CORPUS[3]["title"], "authors": "Late E", "year": "2020"}
    imports = review.folder / "data/searches/2020-01/imports"
    example_table("import_records", other, path=imports / "example.csv")
    example_table("import_sources", {}, path=imports / "sources.csv")
    review.search("2020-01")
    review.include("2020-01", record_id)
    review.link("2020-01")
    review.fill_sheet("doi_10.1000_late")
    assert review.merge("2020-01") == 0
    review.build("2020-01")
    if released:
        assert review.freeze("20.0.0", "2020-01") == 0
    review.search("2020-02")
    records = tables.read_results(review.path("2020-02", "records")).set_index("record_id")
    assert records.loc[record_id, "duplicate_of"] == "104"
    review.build("2020-02")
    assert "104" not in tables.read(review.path("2020-02", "queue"), "queue")["record_id"].tolist()
    assert tables.read_results(review.path("2020-02", "included"))["study_id"].tolist() == ["late_2020"]
    assert len(tables.read_results(review.path("2020-02", "extraction"))) == 0
    flow = review.json("2020-02", "flow")
    assert flow["total"] == {"studies": 1, "reports": 1}
    assert flow["previous"]["studies"] == int(released)
    assert flow["other"]["duplicates"] == int(not released)
    assert flow["new"]["reports"] == int(not released)
    assert flow["included_before"] == int(released)
    assert flow["removed"] == {"studies": 0, "reports": 0}


def test_the_ranking_is_written_beside_the_queue(review):
    review.search("2020-01")
    queue = review.rank("2020-01")
    assert sorted(queue["record_id"]) == ["101", "102", "103"]
    ranking = review.json("2020-01", "ranking")
    assert (ranking["method"], ranking["n_queue"]) == ("likeness to the protocol", 3)
    assert set(queue["band"]) == {"not ranked by decisions"}
    assert len(tables.read_results(review.path("2020-01", "suspicious"))) == 0
    assert {row["item"] for row in ranking["statement"]} >= {"tool", "people", "model"}


def test_linking_names_a_report_that_no_search_found(review, example_table):
    review.search("2020-01")
    example_table("studies", {}, path=Path(review.path("", "studies")))
    example_table("reports", {"record_id": "999"}, path=Path(review.path("", "reports")))
    with pytest.raises(
        InputError, match=r"data/trials/reports\.csv: row 2, column record_id: no search or import"
    ):
        review.link("2020-01")


def test_sheets_that_exist_are_listed_and_left_alone(extracted):
    extracted.fill_sheet("102")
    folder = extracted.folder / "data/trials/sheets/102"
    typed = {path.name: path.read_bytes() for path in folder.iterdir()}
    extracted.link("2020-01")
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == typed
    assert tables.read_results(extracted.path("2020-01", "extraction"))["record_id"].tolist() == ["102"]


def test_each_of_two_extractors_gets_a_sheet_of_their_own(extracted):
    shutil.rmtree(extracted.folder / "data/trials/sheets/102")
    names = {"Ann Example": "ann-example", "Ben": "ben"}
    extracted.link("2020-01", extractors=names)
    folder = extracted.folder / "data/trials/sheets/102"
    assert (folder / "record_id.txt").read_text() == "102\n"
    for name, own in names.items():
        rows = tables.read_results(folder / own / "outcomes.csv")
        assert set(rows["extractor"]) == {name}
        assert (folder / own / "extraction.xlsx").is_file()
    row = tables.read_results(extracted.path("2020-01", "extraction")).loc[0]
    assert row[["state", "note"]].tolist() == ["empty", "ann-example: empty; ben: empty"]
    typed = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    # Whoever is asked for later, what was handed out stays.
    extracted.link("2020-01")
    extracted.link("2020-01", extractors={"Ann Example": "ann-example", "Cy": "cy"})
    assert {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()} == typed


def test_differences_of_two_extractors_are_listed_with_their_agreement(extracted):
    shutil.rmtree(extracted.folder / "data/trials/sheets/102")
    extracted.link("2020-01", extractors={"Ann": "ann", "Ben": "ben"})
    for name, sd in (("ann", "2.0"), ("ben", "2.5")):
        extracted.fill_sheet(f"102/{name}")
        folder = extracted.folder / "data/trials/sheets/102" / name
        edit(folder / "study.csv", "pmid", {"102": {"ready": "yes"}})
        edit(folder / "outcomes.csv", "outcome", {"pain_intensity": {"sd_1": sd}})
    extracted.run(compare_extractions, "2020-01", "extraction", "extraction_agreement extraction_conflicts")
    found = tables.read_results(extracted.path("2020-01", "extraction_conflicts")).loc[0]
    assert found[["sheet", "field", "extractor_1", "extractor_2"]].tolist() == [
        "data/trials/sheets/102",
        "sd_1",
        "ann",
        "ben",
    ]
    agreement = extracted.json("2020-01", "extraction_agreement")
    assert agreement["records"] == 1
    assert agreement["kinds"]["numbers"]["different"] == 1
    assert agreement["kinds"]["categories"]["share"] == 1


def test_corrections_are_listed_for_the_report(extracted, example_table):
    path = Path(extracted.path("", "outcomes"))
    row = tables.read(path, "outcomes")
    again = row.assign(revision=2, revision_reason="a misprint", sd_1=2.2)
    tables.append(again, path, "outcomes")
    extracted.run(list_corrections, "2020-01", "studies outcomes", "corrections")
    found = tables.read_results(extracted.path("2020-01", "corrections")).loc[0]
    assert found[["table", "field", "reason"]].tolist() == ["outcomes", "sd_1", "a misprint"]
    assert [float(found["old"]), float(found["new"])] == [2.0, 2.2]


def test_two_trials_of_one_author_and_year_get_two_ids(review, example_table):
    twins = [row | {"authors": "Twin A", "year": "2019"} for row in CORPUS[:2]]
    example_table("sandbox_records", *twins, path=review.folder / "corpus.csv")
    review.search("2020-01")
    review.include("2020-01", "101", "102")
    review.link("2020-01")
    ids = [
        tables.read_results(path)["study_id"][0]
        for path in sorted(Path("data/trials/sheets").glob("*/study.csv"))
    ]
    assert ids == ["twin_2019", "twin_2019_b"]


CHECKED = "screening studies reports outcomes pairs"


def test_the_tables_that_people_edit_are_counted_once_they_are_checked(extracted):
    extracted.check("2020-01")
    assert extracted.json("2020-01", "checked") == {
        extracted.path("", name): rows
        for name, rows in {
            "screening": 4,
            "studies": 1,
            "reports": 1,
            "outcomes": 1,
            "pairs": 0,
        }.items()
    }


@pytest.mark.parametrize(
    ("table", "key", "cells", "message"),
    [
        ("studies", "study_id", {"example": {"guided": "maybe"}}, "row 2, column guided: found 'maybe'"),
        ("screening", "record_id", {"101": {"reviewer": ""}}, "row 2, column reviewer: "),
        (
            "outcomes",
            "row_id",
            {"example.pain_intensity.1": {"sd_2": ""}},
            "row example.pain_intensity.1, column sd_2: means need both means and both standard deviations",
        ),
    ],
)
def test_a_fault_in_a_table_is_found_before_anything_is_built(extracted, table, key, cells, message):
    edit(Path(extracted.path("", table)), key, cells)
    with pytest.raises(InputError) as caught:
        extracted.check("2020-01")
    assert (
        str(caught.value)
        .replace("2 problems\n  - ", "")
        .startswith(f"{extracted.path('', table)}: {message}")
    )
    assert not Path(extracted.path("2020-01", "checked")).exists()


def test_filing_says_how_many_rows_it_filed(review, capsys):
    review.search("2020-01")
    review.rank("2020-01")
    assert review.decide("2020-01", p101={"decision": "include"}, p103={"decision": "exclude"}) == 0
    assert (
        capsys.readouterr().out == "2 decisions filed for run 2020-01; 0 filled-in rows were filed before.\n"
    )
    assert review.decide("2020-01", p102={"decision": "include"}) == 0
    assert (
        capsys.readouterr().out == "1 decision filed for run 2020-01; 2 filled-in rows were filed before.\n"
    )
    rows = tables.read(review.path("", "decisions"), "screening")
    assert rows[["record_id", "decision", "run", "decided_at"]].values.tolist() == [
        ["101", "include", "2020-01", "2020-02-15T12:30:00Z"],
        ["103", "exclude", "2020-01", "2020-02-15T12:30:00Z"],
        ["102", "include", "2020-01", "2020-02-15T12:30:00Z"],
    ]
    assert rows["score"].notna().all()


def test_filing_an_untouched_queue_files_nothing(review, capsys):
    review.search("2020-01")
    review.rank("2020-01")
    assert review.decide("2020-01") == 0
    assert (
        capsys.readouterr().out == "0 decisions filed for run 2020-01; 0 filled-in rows were filed before.\n"
    )


def test_a_refused_filing_says_why_and_that_nothing_was_filed(review, capsys):
    review.search("2020-01")
    review.rank("2020-01")
    before = Path(review.path("", "decisions")).read_bytes()
    assert (
        review.decide("2020-01", p101={"decision": "include"}, p102={"decision": "include", "reviewer": ""})
        == 1
    )
    error = capsys.readouterr().err
    assert "(102, title-abstract), column reviewer: a decision needs a name" in error
    assert error.endswith("\nNo decisions were filed.\n")
    assert Path(review.path("", "decisions")).read_bytes() == before


@pytest.fixture
def uncertain(review, example_table):
    """A run with an import that is probably, and not surely, PubMed's record 101."""
    record = {"record_id": "other:a", "doi": "", "authors": "Example AB", "year": "2020"}
    record |= {"title": "Internet treatment of example pain: randomized trial"}
    imports = review.folder / "data/searches/2020-01/imports"
    example_table("import_records", record, path=imports / "example.csv")
    example_table("import_sources", {}, path=imports / "sources.csv")
    twin = CORPUS[0] | {"year": "2020"}
    example_table("sandbox_records", twin, *CORPUS[1:], path=review.folder / "corpus.csv")
    review.search("2020-01")
    review.rank("2020-01")
    review.pairs = review.group("2020-01")
    return review


def judge(review, **cells):
    """Fill in the only pair of the list and file everything; returns the command's exit status."""
    edit(review.pairs, "record_b", {"other:a": cells})
    return file_decisions.main(["--directory", str(review.folder), "--run", "2020-01"], now=NOW)


def verdicts(review):
    filed = tables.read(review.path("", "pairs"), "pairs")
    return filed[["record_a", "record_b", "verdict", "run", "decided_at"]].values.tolist()


def test_a_verdict_on_a_pair_is_filed_and_counts_from_then_on(uncertain, capsys):
    assert tables.read(uncertain.pairs, "pair_queue")["kind"].tolist() == ["duplicate"]
    assert judge(uncertain, verdict="same_record", reviewer="EX") == 0
    assert "1 verdict on pairs filed for run 2020-01; 0 filled-in rows" in capsys.readouterr().out
    assert verdicts(uncertain) == [["101", "other:a", "same_record", "2020-01", "2020-02-15"]]
    uncertain.fold("2020-01")
    records = tables.read_results(uncertain.path("2020-01", "records")).set_index("record_id")
    assert records.loc["other:a", "duplicate_of"] == "101"
    assert len(tables.read(uncertain.group("2020-01"), "pair_queue")) == 0
    assert len(uncertain.rank("2020-01")) == 3


def test_a_faulty_verdict_is_not_filed_and_faultless_decisions_beside_it_are(uncertain, capsys):
    edit(
        Path(uncertain.path("2020-01", "queue")),
        "record_id",
        {"103": {"decision": "exclude", "reviewer": "EX"}},
    )
    assert judge(uncertain, verdict="same_record", reviewer="") == 1
    said = capsys.readouterr()
    assert said.out == "1 decision filed for run 2020-01; 0 filled-in rows were filed before.\n"
    assert "row 2 (101, other:a), column reviewer: a verdict needs a name" in said.err
    assert said.err.endswith("\nNo verdicts on pairs were filed.\n")
    assert verdicts(uncertain) == []


def test_a_verdict_is_corrected_with_its_option_and_note(uncertain, capsys):
    assert judge(uncertain, verdict="different", reviewer="EX") == 0
    assert judge(uncertain, verdict="same_record", reviewer="EX", note="misread") == 1
    assert "conflicts with the verdict of EX in run 2020-01" in capsys.readouterr().err
    command = ["--directory", str(uncertain.folder), "--run", "2020-01", "--correct"]
    assert file_decisions.main(command, now=NOW) == 0
    assert [row[2] for row in verdicts(uncertain)] == ["different", "same_record"]


def test_imports_are_counted_with_the_tables_and_a_fault_in_them_is_found_first(extracted, example_table):
    imports = extracted.folder / "data/searches/2020-01/imports"
    example_table("import_records", {}, {"doi": "10.1000/other"}, path=imports / "example.csv")
    example_table("import_sources", {"n_records": "2"}, path=imports / "sources.csv")
    extracted.check("2020-01")
    assert extracted.json("2020-01", "checked")["2020-01/imports"] == 2
    Path(extracted.path("2020-01", "checked")).unlink()
    example_table("import_sources", {"n_records": "3"}, path=imports / "sources.csv")
    with pytest.raises(InputError, match=r"example\.csv: .* found '2 records'; allowed: 3"):
        extracted.check("2020-01")
    assert not Path(extracted.path("2020-01", "checked")).exists()


def test_a_record_of_a_searched_database_flows_with_the_databases(review, example_table):
    imports = review.folder / "data/searches/2020-01/imports"
    example_table("import_records", {}, path=imports / "embase.csv")
    example_table("import_records", {"doi": "10.1000/other", "title": "By hand"}, path=imports / "hand.csv")
    searched = {
        "file": "embase.csv",
        "database": "Embase",
        "strategy": "pain.ti.",
        "searched_on": "2020-01-10",
    }
    by_hand = {"file": "hand.csv", "database": "Handsearch"}
    example_table("import_sources", searched, by_hand, path=imports / "sources.csv")
    review.search("2020-01")
    review.build("2020-01")
    flow = review.json("2020-01", "flow")
    assert (flow["databases"]["identified"], flow["other"]["identified"]) == (4, 1)


def test_a_correction_is_filed_with_its_option_and_note(review, capsys):
    review.search("2020-01")
    review.rank("2020-01")
    review.decide("2020-01", p101={"decision": "exclude"})
    review.rank("2020-01")
    kept = Path(review.folder / "mine.csv")
    kept.write_bytes(Path(review.path("2020-01", "queue")).read_bytes())
    edit(
        kept,
        "record_id",
        {"102": {"record_id": "101", "decision": "include", "reviewer": "EX", "note": "misread"}},
    )
    command = ["--directory", str(review.folder), "--queue", str(kept)]
    assert file_decisions.main(command, now=NOW) == 1
    assert "EX said exclude of it on the same day, 2020-02-15" in capsys.readouterr().err
    assert file_decisions.main([*command, "--correct"], now=NOW) == 0
    assert tables.read(review.path("", "decisions"), "screening")["decision"].tolist() == [
        "exclude",
        "include",
    ]


def test_a_run_that_was_never_built_cannot_be_filed(review, capsys):
    assert file_decisions.main(["--directory", str(review.folder), "--run", "2020-03"]) == 1
    error = capsys.readouterr().err
    assert error == (
        f"{review.folder}/results/2020-03/queue.csv: there is no such file; hint: build the run 2020-03 first\n"
        "Nothing was filed.\n"
    )


@pytest.mark.parametrize(
    ("command", "said"),
    [
        (file_decisions, "Nothing was filed."),
        (merge_trials, "Nothing was merged."),
    ],
)
@pytest.mark.parametrize("run", ["june", "2020-13"])
def test_commands_refuse_a_run_that_is_no_month(review, capsys, command, said, run):
    assert command.main(["--directory", str(review.folder), "--run", run]) == 1
    assert capsys.readouterr().err == (
        f"config.yaml: key run; found {run!r}; allowed: a month as YYYY-MM, in quotation marks\n{said}\n"
    )


@pytest.mark.parametrize(
    ("command", "options"),
    [(file_decisions, []), (merge_trials, []), (freeze_release, ["20.0.0", "--note", "x"])],
)
def test_commands_name_a_folder_without_a_review(tmp_path, capsys, command, options):
    assert command.main([*options, "--directory", str(tmp_path)]) == 1
    assert capsys.readouterr().err.startswith(
        f"{tmp_path}/config.yaml: there is no such file; hint: run the command in"
    )


def test_merging_without_sheets_says_so(review, capsys):
    assert review.merge("2020-01") == 0
    assert capsys.readouterr().out == "No sheet waits under data/trials/sheets.\n"


def test_a_refused_merge_says_why_and_that_nothing_was_merged(extracted, capsys):
    extracted.fill_sheet("102")
    folder = extracted.folder / "data/trials/sheets/102"
    edit(folder / "outcomes.csv", "outcome", {"pain_intensity": {"sd_1": "0"}})
    before = Path(extracted.path("", "outcomes")).read_bytes()
    assert extracted.merge("2020-01") == 1
    assert capsys.readouterr().err == (
        f"{folder}/outcomes.csv: row 3, column sd_1: found 0.0; allowed: more than 0\nNothing was merged.\n"
    )
    assert Path(extracted.path("", "outcomes")).read_bytes() == before


def test_a_release_of_a_run_that_was_not_built_is_refused(review, capsys):
    assert review.freeze("20.0.0", "2020-01") == 1
    error = capsys.readouterr().err
    assert "hint: build the run 2020-01 before releasing it\nNothing was released.\n" in error
    assert list((review.folder / "data/releases").iterdir()) == []


def test_a_release_takes_its_run_from_the_config_its_day_from_the_clock_given_and_names_the_program(
    extracted,
):
    command = ["20.0.0", "--directory", str(extracted.folder), "--note", "An example.", "--doi", "10.1000/x"]
    assert freeze_release.main(command, today=TODAY, build=lambda *_, **__: None) == 0
    assert extracted.freeze("20.0.0", "2020-01") == 1
    about = tables.read_json(extracted.folder / "data/releases/20.0.0/release.json")
    software, code = about.pop("software"), about.pop("code")
    assert about == {
        "version": "20.0.0",
        "kind": "release",
        "run": "2020-01",
        "frozen_on": "2020-02-15",
        "note": "An example.",
        "doi": "10.1000/x",
        "previous": None,
    }
    assert software["living-review"] == __version__
    assert {"Python", "numpy", "scikit-learn", "snakemake"} <= set(software)
    assert set(code) == {"fingerprint", "commit", "edited"}
    assert len(code["fingerprint"]) == 64
    assert (extracted.folder / "results/releases/20.0.0.zip").is_file()
    assert (extracted.folder / "data/releases/20.0.0/archive.html").is_file()


def test_a_release_builds_the_run_under_its_version_and_then_as_it_was(extracted):
    built = []
    assert extracted.freeze("20.0.0", "2020-01", build=lambda _, **given: built.append(given)) == 0
    assert built == [
        {"run": "2020-01", "version": "20.0.0", "cores": "2"},
        {"run": "2020-01", "cores": "2"},
    ]


def released(review):
    return [path.name for path in (review.folder / "data/releases").iterdir()]


@pytest.mark.parametrize(
    ("version", "note", "message"),
    [
        ("20.0.0", " ", "the note: it is empty"),
        ("20.0.1", "x", "a new minor, and patch 0"),
        ("21.0.0", "x", "the first part of a version is a year"),
    ],
)
def test_a_slip_in_the_version_or_the_note_is_told_before_anything_is_built(
    extracted, capsys, version, note, message
):
    def build(*_, **__):
        raise AssertionError("nothing is built")

    assert extracted.freeze(version, "2020-01", note=note, build=build) == 1
    assert message in capsys.readouterr().err
    assert released(extracted) == []


def test_what_people_typed_and_did_not_file_stops_a_release(extracted, capsys):
    queue = Path(extracted.path("2020-01", "queue"))
    edit(queue, "record_id", {"103": {"decision": "exclude", "reason": "not_rct", "reviewer": "Ann"}})
    assert extracted.freeze("20.0.0", "2020-01") == 1
    assert "1 filled-in rows are not filed as decisions yet; found '103'" in capsys.readouterr().err
    assert released(extracted) == []


def test_an_extraction_that_is_ready_and_not_merged_stops_a_release(extracted, capsys):
    extracted.fill_sheet("102")
    sheet = extracted.folder / "data/trials/sheets/102/study.csv"
    edit(sheet, "year", {STUDY["year"]: {"ready": "yes"}})
    assert extracted.freeze("20.0.0", "2020-01") == 1
    assert "sheets are marked as ready and not merged yet; found '102'" in capsys.readouterr().err
    assert released(extracted) == []


def test_a_change_of_methods_without_a_reason_stops_a_release(extracted, capsys):
    change = {"key": "analysis.method_tau2", "before": "DL", "after": "REML", "reason": None, "by": None}
    tables.write_json({"changes": [change]}, extracted.folder / "results/2020-01/methods_changes.json")
    assert extracted.freeze("20.0.0", "2020-01") == 1
    assert "analysis.method_tau2 changed from 'DL' to 'REML' without a reason" in capsys.readouterr().err
    assert released(extracted) == []


def test_a_run_that_cannot_be_built_is_not_released(extracted, capsys):
    def build(*_, **__):
        raise ReviewError("the workflow failed")

    assert extracted.freeze("20.0.0", "2020-01", build=build) == 1
    assert capsys.readouterr().err == "the workflow failed\nNothing was released.\n"
    assert released(extracted) == []


def test_a_release_stands_when_only_the_page_of_all_versions_cannot_be_built(extracted, capsys):
    def build(*_, version=None, **__):
        if version is None:
            raise ReviewError("the workflow failed")

    assert extracted.freeze("20.0.0", "2020-01", build=build) == 1
    assert capsys.readouterr().err.endswith(
        "The release stands; make report renews the page of all versions.\n"
    )
    assert released(extracted) == ["20.0.0"]


def test_the_program_must_not_change_while_it_builds_a_release(extracted, capsys, monkeypatch):
    fingerprints = iter(["before", "after"])
    monkeypatch.setattr(freeze_release.fingerprint, "of_all_code", lambda _: next(fingerprints))
    assert extracted.freeze("20.0.0", "2020-01") == 1
    assert "the program was edited while it built the run" in capsys.readouterr().err
    assert released(extracted) == []
