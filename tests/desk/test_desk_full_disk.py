"""A disk without room, or a folder that is another's, at every step of saving: nothing is half written or lost."""

import errno
import io
import os
from pathlib import Path

import lxml.html
import pytest
from desk.conftest import Client

from livingreview import kept_rows, tables
from livingreview.screening import filing, full_texts
from livingreview.trials import risk_of_bias

TYPED = "what was typed"


class Refusing:
    """From the n-th time on, whatever makes or flushes a file fails."""

    def __init__(self, patch, n, code):
        self.n, self.code, self.asked = n, code, 0
        opened, replaced, flushed, made = os.open, os.replace, os.fsync, os.mkdir
        patch.setattr(
            os, "open", lambda path, flags, *rest, **more: self._open(opened, path, flags, *rest, **more)
        )
        patch.setattr(os, "replace", lambda *given, **more: self._of(replaced, *given, **more))
        patch.setattr(os, "fsync", lambda *given: self._of(flushed, *given))
        patch.setattr(os, "mkdir", lambda *given, **more: self._of(made, *given, **more))

    def _of(self, act, *given, **more):
        self.asked += 1
        if self.asked > self.n:
            raise OSError(self.code, os.strerror(self.code))
        return act(*given, **more)

    def _open(self, opened, path, flags, *rest, **more):
        if flags & os.O_CREAT and not Path(path).exists():
            return self._of(opened, path, flags, *rest, **more)
        return opened(path, flags, *rest, **more)


SCREENING = ("/screening?stage=title-abstract", "/screening/decide", {"decision": "include", "note": TYPED})
CASES = {
    "a decision": (*SCREENING, None, filing.LEDGER, "screening"),
    "a PDF": (
        "/full-texts",
        "/full-text",
        {"note": TYPED},
        b"%PDF-1.7 a report",
        full_texts.TABLE,
        full_texts.SCHEMA,
    ),
    "a judgement of bias": (
        "/risk-of-bias/dear_2013?tool=rob2",
        "/risk-of-bias/dear_2013",
        {"answer.selection.5.1": "NI", "support.selection.5.1": TYPED},
        None,
        risk_of_bias.RISK_OF_BIAS_FILE,
        "risk_of_bias",
    ),
    "a judgement of certainty": (
        "/history/certainty",
        "/history/certainty",
        {"rating": "-1", "reason": TYPED},
        None,
        "data/certainty/ratings.csv",
        "ratings",
    ),
    "a correction": (
        "/history/value/outcomes/dear_2013.anxiety.1",
        "/history/value/outcomes/dear_2013.anxiety.1",
        {"cell.weeks": "9", "reason": TYPED},
        None,
        "data/trials/outcomes.csv",
        "outcomes",
    ),
}


def form(client, page, action):
    """What the form of a page holds that is sent to an address."""
    for one in lxml.html.fromstring(client.get(page).data).forms:
        if (one.action or page) == action:
            return dict(one.form_values())
    raise AssertionError(f"{page} has no form for {action}")


def rows(review, path, schema):
    return len(tables.read(review / path, schema)) if (review / path).is_file() else 0


CODES = {"a decision": errno.EACCES, "a judgement of bias": errno.EROFS}  # of the others the disk is full


@pytest.mark.parametrize("case", CASES)
def test_what_could_not_be_written_is_told_with_what_was_typed_and_goes_in_once_there_is_room(built, case):
    page, action, typed, pdf, table, schema = CASES[case]
    code = CODES.get(case, errno.ENOSPC)
    client = Client(built.folder)
    before, n = rows(built.folder, table, schema), 0
    while True:
        sent = form(client, page, action) | typed
        if pdf:
            sent["pdf"] = (io.BytesIO(pdf), "report.pdf")
        with pytest.MonkeyPatch.context() as patch:
            Refusing(patch, n, code)
            answer = client.http.post(action, data=sent, base_url=client.base)
        assert not list(built.path("data").rglob(f"*{tables.PARTIAL}"))
        assert {path.read_bytes() for path in built.path("full_texts").glob("*")} <= {pdf}
        if answer.status_code != 503:
            break
        assert rows(built.folder, table, schema) == before
        assert TYPED in answer.text
        assert os.strerror(code) in answer.text
        n += 1
    assert (answer.status_code in (302, 303), n > 3) == (True, True)
    assert rows(built.folder, table, schema) > before


def test_a_decision_is_confirmed_where_only_the_cache_cannot_be_written(built):
    folder = built.path(kept_rows.FOLDER)
    for path in sorted(folder.glob(".*")) + sorted(folder.glob("*")):
        path.unlink(missing_ok=True)
    folder.rmdir()
    folder.write_text("a file where a folder is needed")
    client, before = Client(built.folder), rows(built.folder, filing.LEDGER, "screening")
    page, action, typed = SCREENING
    assert (
        client.http.post(action, data=form(client, page, action) | typed, base_url=client.base).status_code
        == 302
    )
    assert rows(built.folder, filing.LEDGER, "screening") == before + 1
