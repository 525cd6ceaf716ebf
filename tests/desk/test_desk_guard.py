"""Who may speak to the desk."""

import os
import re
import stat
import threading
import time

import flask
import itsdangerous
import pytest
from desk.conftest import NOW, TOKEN, Client

from livingreview.desk import app, guard
from livingreview.desk.desk import Desk
from livingreview.desk.held import Held
from livingreview.errors import ReviewError

HOSTS = {"127.0.0.1:8642", "localhost:8642"}


@pytest.fixture(scope="module")
def shared(built_once):
    return Client(built_once.folder)


@pytest.fixture
def client(shared):
    """A browser of its own at a desk that all tests share."""
    shared.http = shared.app.test_client()
    shared.get(f"/?token={TOKEN}")
    shared.post("/who", name="EX")
    return shared


def title(client):
    return client.desk.held.config()["review"]["title"]


def test_nothing_is_shown_without_the_address_that_was_printed(client):
    stranger = client.app.test_client()
    for path in ("/", "/?token=guess", "/?token=", "/who", "/screening", "/nothing-here", "/?token=%ff%00"):
        answer = stranger.get(path, base_url=client.base)
        assert answer.status_code == 401
        assert "make desk" in answer.text
        assert title(client) not in answer.text
        assert client.desk.held.run() not in answer.text
    assert stranger.get(f"/?token={TOKEN}", base_url=client.base).status_code == 302
    assert stranger.get("/who", base_url=client.base).status_code == 200


def test_the_token_leaves_the_address_and_the_rest_of_it_stays(client):
    answer = client.app.test_client().get(
        f"/screening?stage=full-text&token={TOKEN}&q=a%26b", base_url=client.base
    )
    assert answer.headers["Location"] == "/screening?stage=full-text&q=a%26b"
    answer = client.app.test_client().get(f"/nothing/here?token={TOKEN}", base_url=client.base)
    assert answer.headers["Location"] == "/nothing/here"
    answer = client.app.test_client().get(f"//evil.example/?token={TOKEN}", base_url=client.base)
    assert guard.is_local(answer.headers["Location"])


def test_a_token_for_one_time_opens_the_desk_one_time(built_once):
    desk = Desk(built_once.folder, Held(built_once.folder), clock=lambda: NOW)
    made = app.create(desk, key="k" * 64, token=TOKEN, hosts=HOSTS, once=["single"])
    asked = [
        made.test_client().get(f"/?token={token}", base_url="http://localhost:8642").status_code
        for token in ("single", "single", TOKEN, TOKEN)
    ]
    assert asked == [302, 401, 302, 302]


def test_tokens_are_compared_in_constant_time(client, monkeypatch):
    compared = []
    compare = guard.hmac.compare_digest
    monkeypatch.setattr(guard.hmac, "compare_digest", lambda *two: compared.append(two) or compare(*two))
    client.app.test_client().get("/?token=guess", base_url=client.base)
    assert (b"guess", TOKEN.encode()) in compared


def test_another_name_of_the_host_is_refused(client):
    for host in (
        "evil.example:8642",
        "127.0.0.1:9999",
        "127.0.0.1",
        "localhost.evil.example:8642",
        "[::1]:8642",
    ):
        answer = client.app.test_client().get(f"/?token={TOKEN}", base_url=f"http://{host}")
        assert answer.status_code == 421
        assert title(client) not in answer.text
        assert "Set-Cookie" not in answer.headers
    assert client.http.get("/", base_url="http://LOCALHOST:8642").status_code in (200, 401)
    answer = client.http.get("/", base_url=client.base, headers={"X-Forwarded-Host": "evil.example"})
    assert "evil.example" not in answer.text + str(answer.headers)


def test_another_page_cannot_make_the_browser_file_something(client):
    for headers in (
        {"Origin": "http://evil.example"},
        {"Origin": "null"},
        {"Origin": "https://127.0.0.1:8642"},
        {"Origin": "http://127.0.0.1:9999"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
    ):
        answer = client.http.post("/who", data={"name": "Eve"}, base_url=client.base, headers=headers)
        assert (answer.status_code, "Nothing was done" in answer.text) == (403, True)
        assert "Eve" not in answer.text


def test_every_answer_allows_nothing_from_elsewhere(client):
    for path in ("/", "/who", "/static/desk.css", "/static/desk.js", "/tokens.css", "/nothing-here"):
        headers = client.get(path).headers
        assert headers["Content-Security-Policy"] == guard.POLICY
        assert (headers["X-Content-Type-Options"], headers["X-Frame-Options"]) == ("nosniff", "DENY")
        assert headers["Cache-Control"] == ("no-cache" if path.endswith(("css", "js")) else "no-store")
    assert "unsafe" not in guard.POLICY
    assert "http" not in guard.POLICY


def test_a_browser_asks_for_each_style_and_script_once_and_again_when_it_has_changed(
    client, tmp_path, monkeypatch
):
    address = re.search(r'href="(/static/desk.css\?v=\w+)"', client.get("/who").text)[1]
    answer = client.get(address)
    assert answer.headers["Cache-Control"] == "private, max-age=31536000, immutable"
    assert answer.mimetype == "text/css"
    changed = tmp_path / "desk.css"
    changed.write_bytes(answer.data + b"/* changed */")
    monkeypatch.setattr(app, "STATIC", tmp_path)
    with client.app.test_request_context(base_url=client.base):
        assert flask.url_for("static", filename="desk.css") != address


def test_no_page_of_the_desk_has_a_script_or_a_style_within(built_once):
    templates = (app.templating.TEMPLATES / "desk").rglob("*.j2")
    for path in templates:
        text = path.read_text(encoding="utf-8")
        assert not re.search(r"\son\w+=|\sstyle=|<style|javascript:", text), path
        assert re.findall(r"<script(?! src=)", text) == [], path
        assert not re.search(r"\|\s*safe\b|Markup", text.replace("drawing | safe", "")), path


def test_every_form_that_changes_something_has_its_token():
    for path in (app.templating.TEMPLATES / "desk").rglob("*.j2"):
        text = path.read_text(encoding="utf-8")
        for form in re.findall(r'<form[^>]*method="post".*?</form>', text, re.S):
            assert "csrf_token" in form, path


@pytest.mark.parametrize(
    "path",
    [
        "/static/../app.py",
        "/static/%2e%2e/tokens.css",
        "/static/..%2f..%2ftokens.css",
        "/static//etc/passwd",
        "/static/%2fetc/passwd",
    ],
)
def test_no_path_leads_out_of_the_folder_of_styles(client, path):
    assert client.get(path).status_code in (404, 308)


@pytest.mark.parametrize(
    "then",
    [
        "//evil.example",
        "/\\evil.example",
        "/\t/evil.example",
        "/\n/evil.example",
        "http://evil.example",
        "\\\\evil.example",
        "javascript:alert(1)",
        "/a\r\nSet-Cookie: a=b",
        "evil",
    ],
)
def test_no_form_leads_to_another_place(client, then):
    answer = client.post("/who", name="EX", then=then, follow=False)
    assert (answer.status_code, answer.headers["Location"]) == (302, "/")
    assert 'name="then" value="/"' in client.get("/who", query_string={"then": then}).text


def test_a_form_leads_back_to_where_somebody_was(client):
    answer = client.post("/who", name="EX", then="/screening?stage=full-text", follow=False)
    assert answer.headers["Location"] == "/screening?stage=full-text"


@pytest.mark.parametrize(
    ("method", "status"),
    [("HEAD", 200), ("OPTIONS", 200), ("PUT", 405), ("DELETE", 405), ("TRACE", 405), ("PROPFIND", 405)],
)
def test_methods_that_no_page_has_are_refused(client, method, status):
    answer = client.http.open("/who", method=method, base_url=client.base, headers={"Origin": client.base})
    assert answer.status_code in (status, 400)
    if method == "HEAD":
        assert answer.data == b""
    stranger = client.app.test_client().open("/who", method=method, base_url=client.base)
    assert stranger.status_code == 401


def test_what_is_too_large_is_refused_with_a_page(client):
    answer = client.http.post("/who", data={"name": "x" * (app.LARGEST + 1)}, base_url=client.base)
    assert (answer.status_code, "<h1>Request Entity Too Large</h1>" in answer.text) == (413, True)
    assert "more than the desk takes at once, and nothing was saved" in answer.text


def test_names_are_plain_and_short(client):
    for name in ("", "   ", "x" * 101, "a\x00b", "a\u202eb"):
        answer = client.post("/who", name=name)
        assert "A name or initials, of at most 100 letters." in answer.text
    assert "O&#39;Neill &lt;b&gt;" in client.post("/who", name="  O'Neill   <b> ").text


def test_the_key_is_for_its_owner_alone_and_kept(tmp_path):
    first = guard.key_of(tmp_path)
    assert re.fullmatch("[0-9a-f]{64}", first)
    assert stat.S_IMODE((tmp_path / guard.KEY).stat().st_mode) == 0o600
    (tmp_path / guard.KEY).chmod(0o644)
    assert guard.key_of(tmp_path) == first
    assert stat.S_IMODE((tmp_path / guard.KEY).stat().st_mode) == 0o600


@pytest.mark.parametrize("left", ["", "0123456789abcdef", "g" * 64, "a" * 65, "ß" * 64])
def test_a_key_that_a_kill_left_half_written_is_made_anew(tmp_path, left):
    path = tmp_path / guard.KEY
    path.parent.mkdir(parents=True)
    path.write_text(left, encoding="utf-8")
    made = guard.key_of(tmp_path)
    assert made != left
    assert path.read_text(encoding="ascii") == made == guard.key_of(tmp_path)


def test_a_link_in_the_place_of_the_key_is_refused_and_not_followed(tmp_path):
    (tmp_path / "elsewhere").write_text("a" * 64)
    (tmp_path / guard.KEY).parent.mkdir(parents=True)
    (tmp_path / guard.KEY).symlink_to(tmp_path / "elsewhere")
    with pytest.raises(ReviewError, match="not a link or a folder; hint: delete it"):
        guard.key_of(tmp_path)
    assert (tmp_path / "elsewhere").read_text() == "a" * 64


def test_a_pipe_in_the_place_of_the_key_is_refused(tmp_path):
    (tmp_path / guard.KEY).parent.mkdir(parents=True)
    os.mkfifo(tmp_path / guard.KEY)
    with pytest.raises(ReviewError, match="a file of the desk's own, not a link"):
        guard.key_of(tmp_path)


def test_desks_that_start_at_once_have_one_key(tmp_path):
    keys = []
    threads = [threading.Thread(target=lambda: keys.append(guard.key_of(tmp_path))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(keys) == 8
    assert len(set(keys)) == 1


def test_a_desk_whose_key_cannot_be_kept_opens_all_the_same(tmp_path, caplog):
    (tmp_path / ".cache").write_text("a file where a folder is needed")
    assert re.fullmatch("[0-9a-f]{64}", guard.key_of(tmp_path))
    assert "cannot be kept" in caplog.text


def test_the_cookie_of_one_desk_opens_no_other(built_once, client):
    cookie = client.http.get_cookie(guard.cookie_name(HOSTS), domain="127.0.0.1")
    assert (cookie.http_only, cookie.same_site) == (True, "Lax")
    desk = Desk(built_once.folder, Held(built_once.folder), clock=lambda: NOW)
    other = app.create(desk, key="another review's".ljust(64), token="t", hosts=HOSTS)
    for made, status in ((other, 401), (client.app, 200)):
        browser = made.test_client()
        browser.set_cookie(cookie.key, cookie.value, domain="127.0.0.1")
        assert browser.get("/who", base_url=client.base).status_code == status
    assert guard.cookie_name(HOSTS) != guard.cookie_name({"127.0.0.1:8643"})


def test_a_desk_that_was_started_again_takes_the_forms_that_were_open(built):
    before = Client(built.folder)
    form = re.search(r'name="csrf_token" value="([^"]+)"', before.get("/who").text)[1]
    after = Client(built.folder, name=None)
    after.http = after.app.test_client()
    cookie = before.http.get_cookie(guard.cookie_name(HOSTS), domain="127.0.0.1")
    after.http.set_cookie(cookie.key, cookie.value, domain="127.0.0.1")
    answer = after.http.post("/who", data={"name": "AB", "csrf_token": form}, base_url=after.base)
    assert answer.status_code == 302


@pytest.mark.parametrize(("ahead", "status"), [(86_400, 200), (-86_400, 200), (-40 * 86_400, 401)])
def test_a_clock_that_is_set_back_signs_nobody_out_and_an_old_cookie_does_not_last(
    client, monkeypatch, ahead, status
):
    moment = int(time.time()) + ahead
    with monkeypatch.context() as patch:
        patch.setattr(itsdangerous.TimestampSigner, "get_timestamp", lambda _signer: moment)
        assert client.get("/who").status_code == 200  # and a cookie of then
    assert client.get("/who").status_code == status


def test_a_form_without_its_token_is_not_taken_and_gives_back_what_was_typed(client):
    typed = {"name": "Eve <b>", "csrf_token": "stale", "then": "/exports"}
    answer = client.http.post("/who", data=typed, base_url=client.base)
    assert answer.status_code == 400
    assert "Nothing was saved" in answer.text
    assert "<dd>Eve &lt;b&gt;</dd>" in answer.text
    assert "Send it again as EX" in answer.text
    sent = dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)">', answer.text))
    again = client.http.post("/who", data=sent, base_url=client.base)
    assert (again.status_code, again.headers["Location"]) == (302, "/exports")


def test_a_page_that_was_opened_under_another_name_is_not_sent_under_this_one_without_a_word(client):
    form = re.search(r'name="csrf_token" value="([^"]+)"', client.get("/who").text)[1]
    client.post("/who", name="AB")
    answer = client.http.post("/who", data={"name": "CD", "csrf_token": form}, base_url=client.base)
    assert (answer.status_code, "Send it again as AB" in answer.text) == (400, True)


def test_a_stranger_s_form_gives_its_text_back_too(client):
    stranger = client.app.test_client()
    answer = stranger.post("/who", data={"name": "my long note"}, base_url=client.base)
    assert (answer.status_code, "my long note" in answer.text, "<form" in answer.text) == (401, True, False)


def test_every_page_but_style_and_script_is_behind_the_token(client):
    stranger = client.app.test_client()
    with client.app.test_request_context(base_url=client.base):
        rules = [rule for rule in client.app.url_map.iter_rules() if rule.endpoint not in guard.OPEN]
    assert len(rules) > 5
    for rule in rules:
        path = re.sub(r"<[^>]+>", "1", rule.rule)
        for method in rule.methods:
            answer = stranger.open(path, method=method, base_url=client.base)
            assert answer.status_code == 401, rule
