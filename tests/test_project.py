"""The project's files agree with each other: pins, style, documentation, rules, layers and the bundled data."""

import ast
import re
import subprocess
import sys
import tomllib
from pathlib import Path
from types import SimpleNamespace

import analysis_steps
import pandas as pd
import pytest
import yaml

import fold_corpus
from livingreview import tables
from livingreview.screening import decisions as ledger
from livingreview.search import content, events, guards, imports, records, snapshot

ROOT = Path(__file__).resolve().parents[1]
DATA = ROOT / "data"
PACKAGE = ROOT / "scripts" / "livingreview"
ROOMS = ["search", "screening", "trials", "pooling", "living", "report", "operation", "desk"]
SHARED = ["tables", "errors", "config", "stage", "fingerprint", "messages", "secrets"]
# Schemas of tables, with the heading under which data/README.md describes their columns.
DOCUMENTED = {
    "import_sources": "searches/<run>/imports/sources.csv",
    "import_records": "searches/<run>/imports/*.csv",
    "screening": "decisions/screening.csv",
    "pairs": "decisions/pairs.csv",
    "full_texts": "decisions/full_texts.csv",
    "studies": "trials/studies.csv",
    "reports": "trials/reports.csv",
    "outcomes": "trials/outcomes.csv",
    "instruments": "trials/instruments.csv",
    "extraction_conflicts": "trials/sheets/<record>/conflicts.csv",
    "sheet_history": "trials/sheets/<record>/history.csv",
    "risk_of_bias": "trials/risk_of_bias.csv",
    "clearances": "trials/clearances.csv",
    "ratings": "certainty/ratings.csv",
    "methods_changes": "methods/changes.csv",
    "sandbox_records": "sandbox/records.csv",
}
# Tables that a machine writes, likewise.
WRITTEN = {
    "searches/<run>/pubmed/records.csv": events.RECORD_COLUMNS,
    "searches/<run>/pubmed/events.csv": events.EVENT_COLUMNS,
}
# The queues are results and not data; config.yaml carries its own comments.
ELSEWHERE = {"queue", "conflicts", "pair_queue", "config"}
# What asks PubMed is never made again, so its code is not watched.
ASKING = {"search_pubmed", "refetch_records"}


def pins(lines, separator):
    """Versions by name, names as package indexes compare them."""
    parted = (line.split(separator) for line in lines)
    return {re.sub(r"[-_.]+", "-", name).lower(): version for name, version in parted}


def listed_for_conda():
    """What environment.yml names: conda's packages, and those that come by pip since conda has them not."""
    listed = yaml.safe_load((ROOT / "environment.yml").read_text())["dependencies"]
    plain = [one for one in listed if isinstance(one, str)]
    return plain, [line for one in listed if isinstance(one, dict) for line in one["pip"]]


def locked_lines():
    """Names and versions in requirements.lock, without the systems they are for and their hashes."""
    lines = (ROOT / "requirements.lock").read_text().splitlines()
    return [re.split(r" [;\\]", line)[0] for line in lines if "==" in line]


@pytest.fixture(scope="module")
def direct():
    """The project's own pins, those for development included."""
    with (ROOT / "pyproject.toml").open("rb") as file:
        project = tomllib.load(file)
    return pins([*project["project"]["dependencies"], *project["dependency-groups"]["dev"]], "==")


def test_the_conda_environment_has_the_same_pins(direct):
    conda, by_pip = listed_for_conda()
    unpinned = {line for line in conda if "=" not in line} | {line for line in conda if ">" in line}
    assert len(unpinned) == 2, f"only Python itself and pip are not pinned: {unpinned}"
    assert "pip" in unpinned
    pinned = [line for line in conda if line not in unpinned]
    by_conda, by_pip = pins(pinned, "="), pins(by_pip, "==")
    assert by_conda.keys().isdisjoint(by_pip)
    assert by_conda | by_pip == direct


def test_the_lock_file_has_the_same_pins(direct):
    locked = pins(locked_lines(), "==")
    assert {name: locked.get(name) for name in direct} == direct


def test_what_is_installed_is_checked_against_hashes():
    lines = (ROOT / "requirements.lock").read_text().splitlines()
    entries = [number for number, line in enumerate(lines) if "==" in line]
    assert entries
    for number in entries:
        assert lines[number].endswith("\\"), lines[number]
        assert re.fullmatch(r"    --hash=sha256:[0-9a-f]{64}( \\)?", lines[number + 1]), lines[number]
    assert "--require-hashes -r requirements.lock" in (ROOT / "Makefile").read_text()


def test_the_oldest_python_is_the_same_everywhere():
    with (ROOT / "pyproject.toml").open("rb") as file:
        project = tomllib.load(file)
    oldest = project["project"]["requires-python"]
    assert f"python{oldest}" in listed_for_conda()[0]
    assert project["tool"]["ruff"]["target-version"] == "py" + oldest.removeprefix(">=").replace(".", "")


@pytest.mark.parametrize(
    "command",
    [
        ["ruff", "check", "."],
        ["ruff", "format", "--check", "."],
        ["snakefmt", "--check", "Snakefile", "rules"],
        ["snakemake", "--lint"],
    ],
    ids=" ".join,
)
def test_style_is_clean(command):
    program = Path(sys.executable).with_name(command[0])
    done = subprocess.run([program, *command[1:]], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_every_schema_of_a_table_is_documented_or_known_to_be_elsewhere():
    schemas = {path.name.removesuffix(".schema.json") for path in (ROOT / "schemas").glob("*.json")}
    assert schemas == DOCUMENTED.keys() | ELSEWHERE


@pytest.mark.parametrize("heading", [*DOCUMENTED.values(), *WRITTEN])
def test_the_data_dictionary_describes_exactly_the_columns_of_a_table(heading):
    text = (DATA / "README.md").read_text(encoding="utf-8")
    section = re.search(rf"^## {re.escape(heading)}\n(.*?)(?=^## |\Z)", text, re.M | re.S)[1]
    cells = re.findall(r"^\| (`[^|]*) \|", section, re.M)
    described = [name for cell in cells for name in re.findall(r"`([^`]+)`", cell)]
    schemas = {place: schema for schema, place in DOCUMENTED.items()}
    columns = WRITTEN[heading] if heading in WRITTEN else tables.columns(schemas[heading])
    assert sorted(described) == sorted(columns)


def rules():
    """(rule, its text) of every rule file."""
    text = "\n".join(path.read_text(encoding="utf-8") for path in sorted((ROOT / "rules").glob("*.smk")))
    parts = re.split(r"^ *(?:rule|checkpoint) (\w+):\n", text, flags=re.M)[1:]
    return dict(zip(parts[::2], parts[1::2], strict=True))


@pytest.mark.parametrize("rule", rules())
def test_a_rule_runs_the_script_of_its_name_and_watches_its_code(rule):
    text = rules()[rule]
    assert re.findall(r'script:\s+"([^"]+)"', text) == [f"../scripts/{rule}.py"]
    assert (ROOT / "scripts" / f"{rule}.py").is_file()
    watched = [] if rule in ASKING else [f"{rule}.py"]
    assert re.findall(r'fingerprint\(\s*"([^"]+)"', text) == watched


@pytest.mark.parametrize("path", sorted((ROOT / "scripts").glob("*.py")), ids=lambda path: path.name)
def test_a_script_belongs_to_a_rule_or_is_a_command(path):
    text = path.read_text(encoding="utf-8")
    assert ('if "snakemake" in globals():' in text) == (path.stem in rules())
    assert ('if __name__ == "__main__":' in text) == (path.stem not in rules())


def imported(path):
    """The names under livingreview that a module imports, such as search.records."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: imports name the whole module"
            if node.module and node.module.split(".")[0] == "livingreview":
                yield from (f"{node.module}.{alias.name}".split(".", 1)[1] for alias in node.names)
        elif isinstance(node, ast.Import):
            yield from (
                alias.name.split(".", 1)[1] for alias in node.names if alias.name.startswith("livingreview.")
            )


@pytest.mark.parametrize("room", ROOMS)
def test_a_room_imports_from_no_later_room(room):
    later = ROOMS[ROOMS.index(room) + 1 :]
    wrong = [
        f"{path.relative_to(PACKAGE)} imports {name}"
        for path in sorted((PACKAGE / room).rglob("*.py"))
        for name in imported(path)
        if name.split(".")[0] in later
    ]
    assert wrong == []


@pytest.mark.parametrize("module", SHARED)
def test_what_all_rooms_share_imports_from_none(module):
    assert [name for name in imported(PACKAGE / f"{module}.py") if name.split(".")[0] in ROOMS] == []


def test_every_folder_of_the_package_is_a_room():
    assert sorted(path.parent.name for path in PACKAGE.glob("*/__init__.py")) == sorted(ROOMS)


@pytest.fixture(scope="module")
def config():
    return yaml.safe_load((ROOT / "config.yaml").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def bundled():
    """The bundled tables of which there is one each; reading them checks them."""
    places = {schema: DATA / heading for schema, heading in DOCUMENTED.items() if "<" not in heading}
    return SimpleNamespace(**{schema: tables.read(path, schema) for schema, path in places.items()})


@pytest.fixture(scope="module")
def fold(tmp_path_factory):
    """Folds the shipped snapshots and imports up to a run; returns the path of the records."""

    def run(last):
        folder = tmp_path_factory.mktemp("records")
        found = sorted(DATA.glob("searches/*/pubmed/provenance.json"))
        fold_corpus.main(
            SimpleNamespace(
                input=SimpleNamespace(
                    snapshots=[str(path) for path in found if path.parents[1].name <= last],
                    pairs=DATA / "decisions/pairs.csv",
                    decisions=DATA / "decisions/screening.csv",
                ),
                output=SimpleNamespace(
                    records=folder / "records.csv",
                    events=folder / "events.csv",
                    imports=folder / "imports.json",
                ),
                params=SimpleNamespace(run=last, searches=str(DATA / "searches")),
            )
        )
        return folder / "records.csv"

    return run


# The month that config.yaml names is searched by whoever builds it; what is shipped ends before it.
SHIPPED = ["2016-01", "2018-01", "2025-07", "2026-01"]


@pytest.mark.parametrize("run", SHIPPED)
def test_a_shipped_snapshot_is_whole_and_its_sums_hold(run, config):
    shipped = snapshot.read(DATA / "searches" / run / "pubmed")
    assert guards.broken_sums(shipped.provenance, listed=len(shipped.pmids)) == []
    assert len(shipped.pmids) == shipped.provenance["count"]
    found = {
        article.pmid for article in snapshot.read_articles(shipped, records.latest_files([shipped])[run])
    }
    assert found == {row["pmid"] for row in shipped.records}
    assert set(shipped.provenance["dropped"]) <= set(config["search"]["acknowledged"])
    assert {row["content_version"] for row in shipped.records} == {str(content.VERSION)}


def test_what_is_shipped_of_other_sources_says_that_no_database_was_searched():
    imported = imports.read_runs(DATA / "searches", up_to="9999-12")
    assert sum(len(one.rows) for one in imported) > 0
    assert {source["strategy"] for one in imported for source in one.sources} == {""}
    assert all("No database was searched" in source["note"] for one in imported for source in one.sources)
    assert [remark for one in imported for remark in one.remarks] == []


def test_every_included_study_rests_on_a_record_that_is_bundled(bundled, fold, config):
    run = max(bundled.screening["run"])
    known = tables.read_results(fold(run))["record_id"]
    stages = config["screening"]["stages"]
    state = ledger.statuses(bundled.reports["record_id"], bundled.screening, run=run, stages=stages)
    included = bundled.reports.merge(state[state["status"] == ledger.INCLUDED], on="record_id")
    assert included["study_id"].nunique() > 0
    assert sorted(set(included["record_id"]) - set(known)) == []
    assert sorted(set(included["study_id"]) - set(bundled.studies["study_id"])) == []


def test_every_decision_is_of_a_bundled_record_with_a_reason_of_the_protocol(bundled, fold, config):
    known = set(tables.read_results(fold(max(bundled.screening["run"])))["record_id"])
    assert sorted(set(bundled.screening["record_id"]) - known) == []
    assert sorted(set(bundled.screening["reason"].dropna()) - set(config["screening"]["reasons"])) == []
    assert sorted(set(bundled.screening["stage"]) - set(config["screening"]["stages"])) == []


def test_no_decision_is_older_than_its_record(bundled, fold):
    corpus = tables.read_results(fold(max(bundled.screening["run"]))).set_index("record_id")
    first = bundled.screening["record_id"].map(corpus["first_run"])
    early = bundled.screening[bundled.screening["run"] < first]
    assert early["record_id"].tolist() == []


def test_demonstration_decisions_say_that_they_are(bundled, config):
    assert config["review"]["demonstration"].strip()
    assert set(bundled.screening["reviewer"]) == {"demonstration"}


def test_every_value_names_its_source_and_every_value_set_aside_its_reason(bundled):
    usable = bundled.outcomes["status"] == "ok"
    assert usable.any()
    assert (bundled.outcomes.loc[usable, "source"].str.len() > 5).all()
    assert (bundled.outcomes.loc[~usable, "set_aside_reason"].str.len() > 5).all()
    assert (bundled.studies["source"].str.len() > 5).all()


def test_every_outcome_row_belongs_to_a_study_that_a_report_carries(bundled):
    assert sorted(set(bundled.outcomes["study_id"]) - set(bundled.studies["study_id"])) == []
    assert sorted(set(bundled.studies["study_id"]) - set(bundled.reports["study_id"])) == []


@pytest.fixture(scope="module")
def baseline(tmp_path_factory, fold, config):
    """What the bundled data give at the run of the first release: its folder of results."""
    records = fold("2016-01")
    return analysis_steps.write(
        tmp_path_factory.mktemp("baseline"),
        records=records,
        events=records.with_name("events.csv"),
        data=DATA,
        config=config,
        run="2016-01",
    )


@pytest.mark.parametrize("name", ["included", "effects", "estimates"])
def test_the_first_release_is_what_the_bundled_data_give(baseline, name):
    frozen = tables.read_results(DATA / "releases/26.0.0" / f"{name}.csv")
    computed = tables.read_results(baseline / f"{name}.csv")
    # Columns of later versions stand after those of the release.
    assert list(computed.columns)[: len(frozen.columns)] == list(frozen.columns)
    pd.testing.assert_frame_equal(computed[frozen.columns], frozen, check_exact=False, rtol=0, atol=1e-8)
    assert len(frozen) > 0


def test_the_first_release_says_which_run_it_froze():
    about = tables.read_json(DATA / "releases/26.0.0/release.json")
    assert (about["version"], about["kind"], about["run"]) == ("26.0.0", "release", "2016-01")
