"""All pages of the desk at once: addresses and forms that nobody means well, and text that is no text."""

import collections
import json
import re
import urllib.parse

import lxml.html
import pandas as pd
import pytest
from desk.conftest import TOKEN, Client

TEXT = "\"'><img src=x onerror=alert(1)><script>alert(2)</script><svg onload=alert(3)>{{7*7}}"
# Columns and keys that hold words of others.
WORDS = """title authors journal abstract keywords vernacular_title label note expected hint detail why evidence quote
    first_author intervention_detail comparator_detail condition_detail arm_1 arm_2 revision_reason terms text
    sentence short message title_a title_b""".split()
SCHEMATIC = ("data/trials/studies.csv", "data/trials/outcomes.csv", "data/decisions/screening.csv")
NAMES = (
    "%2e%2e",
    "..%2f..%2fetc%2fpasswd",
    "%00",
    "%E2%80%AE",
    "%3Cscript%3E",
    "-1",
    ".lock",
    "con",
    "x" * 3000,
)
PER_KIND = 1  # pages that differ in their last names alone


@pytest.fixture(scope="module")
def client(built_once, tmp_path_factory):
    folder = built_once.copy(tmp_path_factory.mktemp("hostile") / "review").folder
    _plant(folder)
    return Client(folder)


def _plant(folder):
    """Hostile text wherever a table or a result holds words."""
    (results,) = folder.glob("results/*-*")
    for path in [*(folder / name for name in SCHEMATIC), *results.glob("*.csv")]:
        frame = pd.read_csv(path, dtype=str, keep_default_na=False)
        for name in set(WORDS) & set(frame.columns):
            frame[name] = frame[name].where(frame[name] == "", TEXT)
        frame.to_csv(path, index=False)
    for path in results.glob("*.json"):
        path.write_text(json.dumps(_planted(json.loads(path.read_text("utf-8")))), encoding="utf-8")


def _planted(value, name=None):
    if isinstance(value, dict):
        return {key: _planted(one, key) for key, one in value.items()}
    if isinstance(value, list):
        return [_planted(one, name) for one in value]
    return TEXT if isinstance(value, str) and name in WORDS else value


def addresses(client, method):
    """Each address of a method, with its variable parts as a pattern."""
    rules = client.app.url_map.iter_rules()
    return sorted(re.sub(r"<any\((\w+).*?>", r"\1", one.rule) for one in rules if method in one.methods)


def test_no_form_is_taken_without_the_token_of_its_page(client):
    asked = [re.sub("<.+?>", "x", address) for address in addresses(client, "POST")]
    assert len(asked) > 20
    for address in asked:
        for sent in ({"data": {"name": "Eve"}}, {"data": {"csrf_token": "guess"}}, {"json": {"name": "Eve"}}):
            assert client.http.post(address, base_url=client.base, **sent).status_code == 400, address
        null = client.http.post(address, base_url=client.base, headers={"Origin": "null"})
        assert null.status_code == 403, address


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_no_name_in_an_address_leads_anywhere_or_is_a_fault(client, method):
    token = re.search(r'name="csrf_token" value="([^"]+)"', client.get("/who").text)[1]
    data = {"csrf_token": token} if method == "POST" else None
    for address in addresses(client, method):
        if "<" not in address:
            continue
        for name in NAMES:
            asked = re.sub("<.+?>", name, address)
            answer = client.http.open(asked, method=method, data=data, base_url=client.base)
            assert 300 <= answer.status_code < 500, (asked, answer.status_code)
            assert b"root:" not in answer.data


def test_no_text_of_a_table_is_markup_on_any_page(client):
    waiting, seen, kinds, shown = collections.deque(["/"]), set(), collections.Counter(), set()
    while waiting:
        path = waiting.popleft()
        kind = re.sub(r"=[^&]*", "=", "/".join(path.split("/")[:3]))
        if path in seen or kinds[kind] == PER_KIND or path.startswith(("/files/", "/report/")):
            continue
        seen.add(path)
        kinds[kind] += 1
        answer = client.get(path)
        if answer.mimetype != "text/html":
            continue
        assert answer.status_code == 200, path
        page = lxml.html.fromstring(answer.text)
        _only_what_templates_hold(page, path)
        if "onerror=alert(1)" in page.text_content():
            shown.add(path.split("?")[0].split("/")[1])
        links = (urllib.parse.urljoin(path, link).split("#")[0] for link in page.xpath("//a/@href"))
        waiting.extend(link for link in links if link.startswith("/"))
    assert shown >= {"", "screening", "full-texts", "extraction", "risk-of-bias", "history", "effects"}


def _only_what_templates_hold(page, path):
    assert page.xpath("//script[not(@src)] | //img[@src='x'] | //style | //iframe") == [], path
    names = {name for element in page.iter("*") for name in element.attrib}
    assert not {name for name in names if name.startswith("on")} | (names & {"style", "srcdoc"}), path
    schemes = {
        urllib.parse.urlsplit(link).scheme for link in page.xpath("//a/@href | //@action | //@formaction")
    }
    assert schemes <= {"", "http", "https"}, path
    assert "{49}" not in page.text_content().replace("{{7*7}}", ""), path


def test_the_cookie_is_for_this_desk_alone_and_for_no_script(client):
    answer = client.app.test_client().get(f"/?token={TOKEN}", base_url=client.base)
    cookie = answer.headers["Set-Cookie"]
    assert cookie.startswith("desk-8642=")
    assert {"HttpOnly", "SameSite=Lax", "Path=/"} <= set(cookie.split("; "))
    assert "Domain" not in cookie
    assert TOKEN not in cookie + answer.text + answer.headers["Location"]
