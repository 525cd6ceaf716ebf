"""Nothing that a reviewer can open at the desk depends on what the other has said first."""

import collections
import difflib
import html
import re

import pytest
from desk.conftest import Client
from desk.two_reviewers import ANN, BO, FT, TA, ask_two, file, ledger, said, waiting

from livingreview.desk import guard

SECRET = "zugzwang"  # stands nowhere in the review
EACH = 4  # so many pages of one kind are opened, and every page of a record that the other has decided
# What a curious reviewer would type, of a record.
TYPED = (
    "/history/record/{0}",
    "/history/decision?record={0}&stage={1}",
    "/conflicts/record?record={0}&stage={1}",
    "/screening?stage={1}&record={0}",
)
BY_OTHERS = (
    "/history/decisions?reviewer=Bo+Sample",
    "/history/decisions?decision=exclude&run=2026-11",
    "/screening/list?state=awaiting",
    "/exports/records/file?tool=asreview&part=all",
    "/exports/records/file?tool=rayyan&part=all",
    "/exports/records/file?tool=zotero&part=all&form=ris",
)
LEFT_OUT = {"person.page", "static", "tokens"}


@pytest.fixture
def reviews(built_once, tmp_path):
    """Two copies of a review in which the other said opposite things, in another order, of the same records."""
    made = []
    for number in range(2):
        folder = built_once.copy(tmp_path / f"copy-{number}" / "review").folder
        ask_two(folder)
        one, other = waiting(folder, TA)[:2]
        full = waiting(folder, FT)[0]
        rows = [
            said(one, BO, "include", note=f"{SECRET} a"),
            said(other, BO, "exclude", reason="commentary", note=f"{SECRET} b"),
            said(full, BO, "exclude", stage=FT, reason="protocol", note=f"{SECRET} c"),
        ]
        if number:
            rows = [
                said(full, BO, "include", stage=FT),
                said(other, BO, "include"),
                said(one, BO, "awaiting", reason="check_design", note=f"{SECRET} d"),
            ]
        file(folder, *rows)
        made.append(folder)
    return made, {one, other, full}


def crawled(client, records):
    """What every kind of page says, by its address, from the first page on; tokens of forms left out."""
    typed = dict.fromkeys(
        line.format(one, stage) for one in sorted(records) for stage in (TA, FT) for line in TYPED
    )
    asked = collections.deque(["/", *BY_OTHERS, *typed])
    found, known, kinds = {}, set(asked), collections.Counter()
    routes = client.app.url_map.bind("127.0.0.1")
    while asked:
        address = asked.popleft()
        answer = client.get(address)
        found[address] = answer.status_code, _without_tokens(answer.data)
        if answer.mimetype != "text/html":
            continue
        for link in map(html.unescape, re.findall(r'(?:href|action|src)="(/[^"#]*)', answer.text)):
            if link in known:
                continue
            known.add(link)
            endpoint = _endpoint(routes, link)
            kinds[endpoint] += 1
            if endpoint is None or endpoint in LEFT_OUT:
                continue
            if kinds[endpoint] <= EACH or any(one in link for one in records):
                asked.append(link)
    return found


def _endpoint(routes, link):
    try:
        return routes.match(link.split("?")[0], method="GET")[0]
    except Exception:  # a form's address, which cannot be opened
        return None


def _without_tokens(data):
    """An answer without its form's token, and without the versions of style and script."""
    return re.sub(rb'name="csrf_token" value="[^"]+"|[?&]v=[0-9a-f]{12}"', b"", data)


def _difference(one, other):
    """The lines in which two answers differ."""
    lines = [data.decode("utf-8", "replace").splitlines() for data in (one, other)]
    return [line for line in difflib.unified_diff(*lines, n=0, lineterm="") if line[:2] not in ("--", "++")]


def test_no_page_or_file_depends_on_what_the_other_said_before_both_did(reviews):
    folders, records = reviews
    # The addresses of the report's files follow from it.
    key = guard.key_of(folders[0])
    (folders[1] / guard.KEY).parent.mkdir(parents=True, exist_ok=True)
    (folders[1] / guard.KEY).write_text(key, encoding="ascii")
    pages = [crawled(Client(folder, name=ANN), records) for folder in folders]
    assert len(pages[0]) > 25
    kinds = {address.split("?")[0] for address in pages[0]}
    assert {"/", "/screening", "/conflicts", "/full-texts", "/extraction", "/history", "/exports"} <= kinds
    assert pages[0].keys() == pages[1].keys()
    differing = {
        address: _difference(said[1], pages[1][address][1])
        for address, said in pages[0].items()
        if said != pages[1][address]
    }
    assert differing == {}
    assert [address for address, (_, said) in pages[0].items() if SECRET.encode() in said] == []
    assert {status for status, _ in pages[0].values()} <= {200, 302, 404}


def test_what_one_has_said_is_shown_to_the_one_who_said_it(reviews):
    (folder, _), _ = reviews
    assert SECRET in Client(folder, name=BO).get("/history/decisions?reviewer=Bo+Sample").text


def test_once_both_have_decided_each_sees_what_the_other_said(reviews):
    (folder, _), _ = reviews
    other = waiting(folder, TA)[1]
    file(folder, said(other, ANN, "include", at="2026-11-13T09:00:00Z"))
    page = Client(folder, name=ANN).get(f"/conflicts/record?record={other}&stage={TA}").text
    assert f"{SECRET} b" in page
    assert f"{SECRET} a" not in page


def test_a_decision_is_taken_although_the_other_has_decided_since_the_page_was_shown(reviews):
    (folder, _), _ = reviews
    record_id = waiting(folder, TA)[2]
    client = Client(folder, name=ANN)
    path = f"/screening?stage={TA}&record={record_id}"
    seen = re.search(r'name="seen" value="([^"]*)"', client.get(path).text)[1]
    file(folder, said(record_id, BO, "exclude", note=f"{SECRET} e", at="2026-11-14T09:00:00Z"))
    fields = {"record": record_id, "stage": TA, "seen": seen, "decision": "include"}
    answer = client.post("/screening/decide", page=path, follow=False, **fields)
    assert (answer.status_code, SECRET in answer.text) == (302, False)
    assert list(ledger(folder).iloc[-1][["reviewer", "decision"]]) == [ANN, "include"]
