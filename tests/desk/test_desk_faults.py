"""What the desk says when something did not work: what to do, what was typed, and nothing else."""

import errno
import logging
import re
import stat

import pandas as pd
import pytest
from desk.conftest import Client
from security.planted import PLANTED, leaks
from workflow.conftest import clone  # noqa: F401

from livingreview import tables
from livingreview.desk import faults, guard, saving
from livingreview.errors import InputError


@pytest.fixture(scope="module")
def client(built_once):
    return Client(built_once.folder)


@pytest.fixture
def stop(client, monkeypatch):
    """Lets the form at /who stop with an error; returns the client."""

    def make(error):
        monkeypatch.setitem(client.app.view_functions, "person.choose", lambda: _raise(error))
        return client

    return make


def _raise(error):
    raise error


@pytest.fixture
def logged(tmp_path):
    """The folder whose log the desk's faults go to, for one test."""
    handler = faults.keep_log(tmp_path)
    root = logging.getLogger()
    root.addHandler(handler)
    yield tmp_path / faults.LOG
    root.removeHandler(handler)
    handler.close()


def test_a_fault_of_the_program_says_so_and_tells_the_log_what_it_was(stop, logged, monkeypatch):
    for name, value in PLANTED.items():
        monkeypatch.setenv(name, value)
    client = stop(RuntimeError(f"refused {PLANTED['NCBI_API_KEY']}"))
    answer = client.post("/who", note="a long note <i>")
    assert answer.status_code == 500
    assert "This is a fault of the program, not of your data" in answer.text
    assert faults.LOG in answer.text
    assert "<dd>a long note &lt;i&gt;</dd>" in answer.text
    assert "RuntimeError" not in answer.text
    assert "Traceback" not in answer.text
    text = logged.read_text(encoding="utf-8")
    assert "a fault in answering POST /who" in text
    assert "RuntimeError: refused [NCBI_API_KEY]" in text
    assert leaks(answer.text, text) == []
    assert stat.S_IMODE(logged.stat().st_mode) == 0o600


def test_a_link_in_the_place_of_the_log_is_not_followed(tmp_path):
    (tmp_path / "logs").mkdir()
    (tmp_path / "precious").write_text("mine")
    (tmp_path / faults.LOG).symlink_to(tmp_path / "precious")
    handler = faults.keep_log(tmp_path)
    handler.emit(logging.makeLogRecord({"msg": "something"}))
    handler.close()
    assert (tmp_path / "precious").read_text() == "mine"


def test_a_log_that_cannot_be_written_stops_nothing(tmp_path):
    (tmp_path / "logs").write_text("a file where a folder is needed")
    assert isinstance(faults.keep_log(tmp_path), logging.NullHandler)


def test_a_full_disk_is_named_with_what_was_typed(stop, caplog):
    error = OSError(errno.ENOSPC, "No space left on device")
    answer = stop(error).post("/who", note="kept")
    assert answer.status_code == 503
    assert "No space left on device" in answer.text
    assert "Is the disk full" in answer.text
    assert "<dd>kept</dd>" in answer.text
    assert "did not let /who be answered" in caplog.text


def test_a_stop_that_people_can_act_on_is_shown_whole(stop):
    error = InputError("data/decisions/screening.csv", row=3, column="reason", found="<b>", allowed="design")
    answer = stop(error).post("/who", note="kept")
    assert answer.status_code == 409
    assert "data/decisions/screening.csv: row 3, column reason: found &#39;&lt;b&gt;&#39;" in answer.text
    assert "<dd>kept</dd>" in answer.text


def test_the_later_of_two_sees_what_is_on_file_beside_what_was_typed(stop):
    rows = pd.DataFrame([{"decision": "exclude", "reason": "<population>", "note": None, "score": 0.5}])
    client = stop(saving.Changed("record 1 was changed.", rows))
    answer = client.post("/who", decision="include", note="first line\nsecond", seen="abc")
    assert answer.status_code == 409
    pairs = re.findall(r"<dt>(.*?)</dt><dd>(.*?)</dd>", answer.text, re.S)
    assert pairs == [
        ("decision", "include"),
        ("note", "first line\nsecond"),
        ("decision", "exclude"),
        ("reason", "&lt;population&gt;"),
        ("score", "0.5"),
    ]


def test_back_leads_to_the_page_of_the_form_and_nowhere_else(stop):
    client = stop(saving.Changed("changed"))
    form = re.search(r'name="csrf_token" value="([^"]+)"', client.get("/who").text)[1]
    for referrer, back in (
        (f"{client.base}/screening?stage=full-text", "/screening?stage=full-text"),
        ("http://evil.example/", "/"),
        (f"{client.base}//evil.example", "/"),
        (f"{client.base}.evil.example/", "/"),
    ):
        headers = {"Referer": referrer}
        answer = client.http.post("/who", data={"csrf_token": form}, base_url=client.base, headers=headers)
        assert f'<a class="button" href="{back}">{"This month" if back == "/" else "Back"}</a>' in answer.text


def test_another_method_names_those_that_there_are(client):
    answer = client.http.put("/static/desk.css", base_url=client.base)
    assert answer.status_code in (400, 405)
    answer = client.http.get("/nothing-here", base_url=client.base)
    assert (answer.status_code, "<h1>Not Found</h1>" in answer.text) == (404, True)


def test_a_protocol_that_is_broken_while_the_desk_is_open_is_told_until_it_is_mended(built):
    client = Client(built.folder)
    path = built.path("config.yaml")
    whole = path.read_bytes()
    for broken, told in (
        (b"review: [", "config.yaml"),
        (b"", "config.yaml"),
        (None, "there is no such file"),
    ):
        path.write_bytes(broken) if broken is not None else path.unlink()
        answer = client.get("/who")
        assert (answer.status_code, told in answer.text) == (409, True)
        assert client.get("/nothing-here").status_code == 404
    path.write_bytes(whole)
    assert client.get("/who").status_code == 200


def test_a_review_without_any_month_says_what_to_do_first(clone):  # noqa: F811
    client = Client(clone.folder)
    for address in [rule.rule for rule in client.app.url_map.iter_rules() if "GET" in rule.methods]:
        if "<" not in address and not address.startswith("/static"):
            assert client.get(address).status_code < 500, address


def test_no_page_holds_a_secret_of_the_environment(client, monkeypatch):
    for name, value in PLANTED.items():
        monkeypatch.setenv(name, value)
    for rule in client.app.url_map.iter_rules():
        if "<" not in rule.rule and "GET" in rule.methods:
            answer = client.get(rule.rule)
            assert answer.status_code < 500, rule
            assert leaks(answer.data.decode("latin-1"), str(answer.headers)) == [], rule


def test_an_unreadable_table_is_told_by_its_page_and_the_desk_stays_open(built):
    client = Client(built.folder)
    built.path("data/decisions/screening.csv").write_text("nonsense\n1\n", encoding="utf-8")
    with pytest.raises(InputError):
        tables.read(built.path("data/decisions/screening.csv"), "screening")
    for path in ("/", "/screening", "/conflicts", "/extraction", "/history", "/exports"):
        assert client.get(path).status_code in (200, 409), path
    assert client.get("/who").status_code == 200


def test_a_page_of_a_stranger_is_the_same_whatever_the_review(client):
    answer = client.app.test_client().get("/", base_url=client.base)
    assert "<title>Unauthorized · The desk</title>" in answer.text
    assert guard.NOT_OPENED.split("”")[0] in answer.text
