"""Who may speak to the desk."""

import pytest
from desk.conftest import TOKEN, Client


@pytest.fixture
def client(built_once):
    return Client(built_once.folder)


def test_nothing_is_shown_without_the_address_that_was_printed(client):
    stranger = client.app.test_client()
    assert stranger.get("/", base_url=client.base).status_code == 401
    assert stranger.get("/?token=guess", base_url=client.base).status_code == 401
    assert stranger.get(f"/?token={TOKEN}", base_url=client.base).status_code == 302
    assert stranger.get("/who", base_url=client.base).status_code == 200


def test_another_name_of_the_host_is_refused(client):
    assert client.http.get("/", base_url="http://evil.example:8642").status_code == 421
    assert client.http.get("/", base_url="http://127.0.0.1:9999").status_code == 421


def test_another_page_cannot_make_the_browser_file_something(client):
    for headers in ({"Origin": "http://evil.example"}, {"Origin": "null"}, {"Sec-Fetch-Site": "cross-site"}):
        answer = client.http.post("/who", data={"name": "Eve"}, base_url=client.base, headers=headers)
        assert (answer.status_code, "Nothing was done" in answer.text) == (403, True)


def test_a_form_without_its_token_is_refused(client):
    answer = client.http.post("/who", data={"name": "Eve"}, base_url=client.base)
    assert answer.status_code == 400
    assert "Nothing was saved" in answer.text


def test_every_answer_allows_nothing_from_elsewhere(client):
    for path in ("/", "/who", "/static/desk.css", "/nothing-here"):
        policy = client.get(path).headers["Content-Security-Policy"]
        assert policy.startswith("default-src 'none'; script-src 'self'; style-src 'self';")
