"""The doctor names what would stop a month before a month is stopped by it, and changes nothing."""

import contextlib
import datetime
import shutil
import socket
import subprocess
from pathlib import Path
from types import SimpleNamespace

import pytest
import yaml

import doctor as command
from livingreview import lock, tables
from livingreview.errors import ReviewError
from livingreview.operation import doctor
from livingreview.operation.doctor import FAULT, NOTE, OK, WARNING
from livingreview.search.pubmed.entrez import Client
from livingreview.search.sandbox import serve

ROOT = Path(__file__).resolve().parents[2]
NOW = datetime.datetime(2026, 11, 28, 12, tzinfo=datetime.UTC)
KEY = "0123456789abcdef0123456789abcdef0123"


@pytest.fixture(scope="module")
def shipped(tmp_path_factory):
    folder = tmp_path_factory.mktemp("shipped")
    shutil.copy2(ROOT / "config.yaml", folder)
    shutil.copytree(ROOT / "data", folder / "data", ignore=shutil.ignore_patterns(".*"))
    shutil.rmtree(folder / "data/searches/2026-11", ignore_errors=True)
    return folder


@pytest.fixture
def review(shipped, tmp_path):
    return Path(shutil.copytree(shipped, tmp_path / "review"))


@pytest.fixture
def config():
    return yaml.safe_load((ROOT / "config.yaml").read_text(encoding="utf-8"))


def states(found):
    return {(one.about, one.state) for one in found}


def faults(found):
    return [one for one in found if one.state == FAULT]


def of_protocol(config, **environ):
    return list(doctor.of_protocol(config, environ=environ, today="2026-11"))


def change(path, old, new):
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8")


def test_the_bundled_review_can_run_and_stays_as_it_was(review, capsys):
    before = {path: path.read_bytes() for path in review.rglob("*") if path.is_file()}
    assert command.main(["--directory", str(review)]) == 0
    told = capsys.readouterr().out
    assert "sandbox answers: 153 records for this query" in told
    assert told.endswith("0 faults, 1 warning. A month can run; look at the warnings.\n")
    assert "this folder is under none" in told
    assert {path: path.read_bytes() for path in review.rglob("*") if path.is_file()} == before


def test_a_fault_of_a_table_names_file_row_and_what_is_allowed(review, capsys):
    change(review / "data/trials/outcomes.csv", ",post,", ",after,")
    assert command.main(["--directory", str(review), "--offline"]) == 1
    told = capsys.readouterr().out
    assert "FAULT   data" in told
    assert "data/trials/outcomes.csv: row " in told
    assert "found 'after'" in told
    assert "A month would fail; mend the faults first." in told


def test_a_protocol_that_cannot_be_read_ends_the_visit_with_its_faults(review, capsys):
    change(review / "config.yaml", "method_tau2", "method_tau")
    assert command.main(["--directory", str(review)]) == 1
    told = capsys.readouterr().out
    assert "unknown key analysis.method_tau" in told
    assert "did you mean method_tau2?" in told
    assert "tables" not in told


def test_a_folder_that_is_not_there_is_wrong_usage(tmp_path, capsys):
    assert command.main(["--directory", str(tmp_path / "none")]) == 2
    assert "there is no such folder" in capsys.readouterr().err


def test_packages_of_another_version_are_named(tmp_path):
    (tmp_path / "pyproject.toml").write_text('[project]\ndependencies = ["pandas==0.1", "not-there==1.0"]\n')
    (found,) = [one for one in doctor.of_programs(tmp_path) if one.about == "packages"]
    assert found.state == FAULT
    assert "pinned 0.1" in found.text
    assert "not-there missing, pinned 1.0" in found.text


@pytest.mark.parametrize(
    ("free", "state"), [(50_000_000, FAULT), (500_000_000, WARNING), (5_000_000_000, OK)]
)
def test_a_disk_that_is_nearly_full_is_told(tmp_path, free, state):
    found = doctor.of_folder(tmp_path, disk=lambda _: SimpleNamespace(free=free))
    assert {one.state for one in found if one.about == "space"} == {state}


def test_a_folder_on_a_network_is_told_for_its_locks(tmp_path):
    mounts = tmp_path / "mounts"
    mounts.write_text(f"/dev/sda1 / ext4 rw 0 0\nserver:/home {tmp_path} nfs4 rw 0 0\n")
    found = doctor.of_folder(tmp_path, mounts=mounts)
    assert [one.text for one in found if one.about == "locking"] == [
        f"{tmp_path} lies on a network file system (nfs4)"
    ]
    mounts.write_text("/dev/sda1 / ext4 rw 0 0\nserver:/home /elsewhere nfs4 rw 0 0\n")
    assert "locking" not in {one.about for one in doctor.of_folder(tmp_path, mounts=mounts)}


def test_a_run_that_goes_on_is_told_and_not_disturbed(tmp_path):
    with lock.held(tmp_path / lock.OF_A_REVIEW, what="the month 2026-11"):
        (found,) = [one for one in doctor.of_folder(tmp_path) if one.about == "lock"]
    assert found.state == NOTE
    assert "another run is working in this folder" in found.text
    assert ("lock", OK) in states(doctor.of_folder(tmp_path))


@pytest.mark.parametrize(("outcome", "told"), [("running", 1), ("failed", 0)])
def test_a_month_that_never_came_to_its_end_is_told(tmp_path, outcome, told):
    about = {"outcome": outcome, "started_at": "2026-11-02T04:17:00Z"}
    tables.write_json(about | {"outcome": "running"}, tmp_path / "logs/2026-10/month.json")
    tables.write_json(about, tmp_path / "logs/2026-11/month.json")
    (tmp_path / lock.OF_A_REVIEW).parent.mkdir()
    (tmp_path / lock.OF_A_REVIEW).touch()
    found = [one for one in doctor.of_folder(tmp_path) if one.about == "last month"]
    assert len(found) == told
    for one in found:
        assert one.state == WARNING
        assert one.text == "the month 2026-11 began at 2026-11-02T04:17:00Z and never came to its end"


def test_what_a_killed_search_left_is_told(tmp_path):
    (tmp_path / "data/searches/2026-11/.pubmed.partial").mkdir(parents=True)
    (found,) = [one for one in doctor.of_folder(tmp_path) if one.about == "left behind"]
    assert found.state == NOTE
    assert found.text.endswith(".pubmed.partial: of a run that was stopped; the next one removes it")


def test_work_that_is_not_committed_is_counted(tmp_path):
    subprocess.run(["git", "init", "-q", str(tmp_path)], check=True)
    (tmp_path / "data").mkdir()
    (tmp_path / "data/a.csv").touch()
    (found,) = doctor.of_version_control(tmp_path)
    assert (found.state, found.text) == (
        WARNING,
        "1 file of data/ is not committed, such as data/a.csv",
    )


def test_a_computer_without_git_is_no_fault(tmp_path):
    def run(*_, **__):
        raise FileNotFoundError("git")

    assert states(doctor.of_version_control(tmp_path, run=run)) == {("version control", NOTE)}


def test_a_live_review_with_the_placeholder_address_would_fail(config):
    config["search"] |= {"base_url": "https://eutils.ncbi.nlm.nih.gov/entrez/eutils/"}
    found = of_protocol(config, NCBI_API_KEY=KEY)
    assert [one.text for one in faults(found)] == ["maintainer@example.org is a placeholder"]
    assert ("API key", OK) in states(found)


@pytest.mark.parametrize(
    ("key", "state"), [("", NOTE), (KEY, OK), (f" {KEY}\n", OK), (KEY[:-1], WARNING), ("x" * 36, WARNING)]
)
def test_a_key_that_cannot_be_one_is_told_without_showing_it(config, key, state):
    config["search"] |= {"base_url": "https://eutils.ncbi.nlm.nih.gov/entrez/eutils/"}
    (found,) = [one for one in of_protocol(config, NCBI_API_KEY=key) if one.about == "API key"]
    assert found.state == state
    assert not key.strip() or key.strip() not in found.text


def test_a_query_that_pubmed_would_misread_is_a_fault(config):
    config["search"]["query"] = '(pain[ti] AND "web'
    found = doctor.looked_at("protocol", lambda: of_protocol(config))
    assert [one.state for one in found] == [FAULT]


def test_a_paused_review_says_that_nothing_is_searched(config):
    config["living"]["mode"] = "paused"
    assert ("living mode", NOTE) in states(of_protocol(config))


def test_a_secret_in_a_file_is_found_and_not_repeated(tmp_path):
    (tmp_path / "config.yaml").write_text(f"note: {KEY}\n")
    found = list(doctor.of_secrets(tmp_path, environ={"NCBI_API_KEY": KEY}))
    assert [one.text for one in faults(found)] == [f"{tmp_path / 'config.yaml'} holds NCBI_API_KEY"]


def test_a_damaged_snapshot_and_a_damaged_release_are_faults(review, config):
    (review / "data/searches/2026-01/pubmed/events.csv").write_text("changed")
    (found,) = doctor.looked_at("data", lambda: doctor.of_data(review, config, check_tables=lambda: 0))
    assert found.state == FAULT
    assert "events.csv differs from what provenance.json recorded" in found.text
    shutil.rmtree(review / "data/searches/2026-01")
    folder = review / "data/releases/26.0.0"
    (folder / "checksums.sha256").write_text(f"{'0' * 64}  estimates.csv\n")
    found = list(doctor.of_data(review, config, check_tables=lambda: 0))
    assert [(one.about, one.text) for one in faults(found)] == [("releases", "26.0.0: estimates.csv")]


def messages(review, notify, **environ):
    (review / "config.yaml").write_text(yaml.safe_dump({"notify": notify} if notify else {}))
    return doctor.looked_at("messages", lambda: doctor.of_messages(review, environ=environ, ask=True))


def test_a_review_that_tells_nobody_is_noted(tmp_path):
    assert states(messages(tmp_path, {})) == {("messages", NOTE)}


def test_a_webhook_without_its_secret_is_a_fault(tmp_path):
    (found,) = messages(tmp_path, {"webhook": {"format": "slack"}})
    assert found.state == FAULT
    assert "LIVING_REVIEW_WEBHOOK_URL is not set" in found.text
    (found,) = messages(
        tmp_path, {"webhook": {"format": "slack"}}, LIVING_REVIEW_WEBHOOK_URL="https://a.example/b"
    )
    assert found.state == OK
    assert "a.example" not in found.text


def test_a_mail_server_that_is_not_there_is_a_fault(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as unused:
        port = unused.getsockname()[1]
    email = {
        "host": "127.0.0.1",
        "port": port,
        "security": "none",
        "from": "a@example.org",
        "to": ["b@example.org"],
    }
    (found,) = messages(tmp_path, {"email": email})
    assert found.state == FAULT
    assert f"no connection with 127.0.0.1:{port}" in found.text


@contextlib.contextmanager
def answering(run, search):
    day = datetime.date.fromisoformat(f"{run}-01")
    with (
        serve(ROOT / search["sandbox_corpus"], day) as url,
        Client(url, tool="doctor", email="maintainer@example.org", environ={}) as client,
    ):
        yield client


def test_what_the_next_search_would_stop_at_is_told_before(config):
    config["search"]["acknowledged"] = []
    before = {"run": "2026-10", "count": 400, "query": config["search"]["query"], "base_url": "sandbox"}
    found = list(doctor.of_search(config, run="2026-11", connected=answering, before=before, now=NOW))
    told = "\n".join(one.text for one in faults(found))
    assert len(faults(found)) == 2
    assert "'\"Headache Disorders\"[mh]'" in told
    assert "PubMed holds 153 records for this query; in 2026-10 it held 400." in told


def test_a_clock_that_is_days_off_is_told(config):
    @contextlib.contextmanager
    def live(run, search):
        with answering(run, search | {"base_url": "sandbox"}) as client:
            yield client

    config["search"]["base_url"] = "https://eutils.ncbi.nlm.nih.gov/entrez/eutils/"
    options = {"run": "2026-11", "connected": live, "before": None}
    near = datetime.datetime(2026, 11, 1, 6, tzinfo=datetime.UTC)
    assert ("clock", OK) in states(doctor.of_search(config, now=near, **options))
    assert ("clock", WARNING) in states(doctor.of_search(config, now=NOW, **options))


def test_a_server_that_cannot_be_reached_is_a_fault_with_its_reason():
    def check():
        raise ReviewError("PubMed could not be reached")

    assert doctor.looked_at("search", check) == [
        doctor.Finding("search", FAULT, "PubMed could not be reached")
    ]


def test_a_check_that_breaks_is_a_finding_and_stops_no_other():
    (found,) = doctor.looked_at("space", lambda: 1 / 0)
    assert (found.state, found.hint) == (FAULT, "please report it")
    assert "ZeroDivisionError" in found.text
