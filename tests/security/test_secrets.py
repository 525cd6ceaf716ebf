"""Secrets are found however they are written, and reach no log, no traceback and no stream."""

import base64
import html
import io
import json
import logging
import urllib.parse

import pytest
from hypothesis import given
from hypothesis import strategies as st

from livingreview import secrets
from livingreview.errors import ReviewError
from livingreview.secrets import Scrubbed, Scrubbing, scrub

KEY = "f00dfeed0123456789abcdef9876543210ab"
PASSWORD = """pä ss/w+'rd&"\\<x>"""
HOOK = "https://hooks.example.org/services/T0001/B0002/abcdEFGHijklMNOPqrst?wait=1"
ENVIRON = {
    "NCBI_API_KEY": KEY,
    "LIVING_REVIEW_SMTP_PASSWORD": PASSWORD,
    "LIVING_REVIEW_WEBHOOK_URL": HOOK,
    "LIVING_REVIEW_WEBHOOK_TOKEN": "",
    "HOME": "/home/example",
}
# Without blanks, which are no part of a secret, and long enough to be one.
SECRETS = st.text(st.characters(exclude_categories=["Cs", "Cc", "Z"]), min_size=secrets.SHORTEST, max_size=40)


@pytest.mark.parametrize(
    "spell",
    [
        str,
        urllib.parse.quote,
        urllib.parse.quote_plus,
        lambda text: urllib.parse.quote(text, safe=""),
        lambda text: urllib.parse.quote(text, safe="").lower(),
        lambda text: urllib.parse.urlencode({"api_key": text}),
        lambda text: urllib.parse.quote(urllib.parse.quote(text, safe=""), safe=""),
        json.dumps,
        lambda text: json.dumps(text, ensure_ascii=False),
        lambda text: json.dumps({"answer": json.dumps({"key": text})}),
        lambda text: json.dumps(text).replace("/", r"\/"),
        repr,
        lambda text: repr(text.encode()),
        html.escape,
        lambda text: html.escape(text, quote=False),
        lambda text: html.escape(text).replace("&#x27;", "&#39;"),
        str.upper,
    ],
)
@pytest.mark.parametrize("name", ["NCBI_API_KEY", "LIVING_REVIEW_SMTP_PASSWORD", "LIVING_REVIEW_WEBHOOK_URL"])
def test_a_secret_is_found_however_it_is_written(name, spell):
    value = ENVIRON[name]
    plain = spell("\N{BULLET}").replace("\N{BULLET}", "")
    found = scrub(f"before {spell(value)} after", ENVIRON)
    assert f"[{name}]" in found
    assert len(found) <= len(f"before {plain} after [{name}]") + 60, found
    for piece in (KEY, "w+'rd", "abcdEFGHijklMNOPqrst"):
        assert piece.lower() not in found.lower()


@pytest.mark.parametrize("user", ["a", "ab", "abc", "someone@example.org"])
@given(password=SECRETS)
def test_a_password_is_found_in_what_a_mail_server_is_sent(user, password):
    environ = {"LIVING_REVIEW_SMTP_PASSWORD": password}
    if len(password.encode()) < 8:
        return
    for sent in (f"\0{user}\0{password}", password):
        text = base64.b64encode(sent.encode()).decode()
        assert "[LIVING_REVIEW_SMTP_PASSWORD]" in scrub(f"AUTH PLAIN {text}", environ)


@given(secret=SECRETS, before=st.text(max_size=20), after=st.text(max_size=20))
def test_no_secret_survives_in_any_text(secret, before, after):
    environ = {"NCBI_API_KEY": secret}
    # A mark that holds the secret itself, or a secret made anew at its edges, is no leak of it.
    if secret.lower() in "[ncbi_api_key] [credentials]":
        return
    assert secret not in scrub(f"{before} {secret} {after}", environ)


@given(text=st.text())
def test_text_without_secrets_stays_as_it_is(text):
    assert scrub(text, {"HOME": "/home/example"}) == text or "://" in text


def test_the_path_of_a_webhook_is_as_secret_as_its_whole_address():
    said = "HTTPSConnectionPool(host='hooks.example.org', port=443): Max retries exceeded with url: "
    assert scrub(f"{said}/services/T0001/B0002/abcdEFGHijklMNOPqrst?wait=1", ENVIRON) == (
        f"{said}[LIVING_REVIEW_WEBHOOK_URL]"
    )
    assert scrub("token abcdEFGHijklMNOPqrst", ENVIRON) == "token [LIVING_REVIEW_WEBHOOK_URL]"
    assert scrub("the services of hooks.example.org", ENVIRON) == "the services of hooks.example.org"


def test_names_and_passwords_in_addresses_are_no_ones_business():
    said = "ProxyError: http://someone:geheim@proxy.example.org:3128/ and https://ghp_token@example.org/x"
    assert scrub(said, {}) == (
        "ProxyError: http://[credentials]@proxy.example.org:3128/ and https://[credentials]@example.org/x"
    )
    assert scrub("see https://example.org/@someone and a@example.org", {}) == (
        "see https://example.org/@someone and a@example.org"
    )


def test_a_short_secret_is_marked_where_it_stands_alone_and_refused_before_use():
    environ = {"NCBI_API_KEY": "ab1"}
    assert scrub("key=ab1, cab12 is a word", environ) == "key=[NCBI_API_KEY], cab12 is a word"
    with pytest.raises(ReviewError, match="NCBI_API_KEY: found fewer than 6 characters") as stopped:
        secrets.check(environ)
    assert "ab1" not in str(stopped.value)
    secrets.check(ENVIRON)
    secrets.check({})


def test_what_a_handler_writes_holds_no_secret():
    out = io.StringIO()
    handler = logging.StreamHandler(out)
    handler.setFormatter(logging.Formatter("%(message)s %(answer)s"))
    handler.addFilter(Scrubbing(ENVIRON))
    log = logging.Logger("example")
    log.addHandler(handler)
    try:
        raise ValueError(f"refused {KEY}")
    except ValueError:
        log.exception(
            "asked %s with %s", "example.org", KEY, extra={"answer": {"keys": [PASSWORD]}}, stack_info=True
        )
    log.info("%d of %s", "no number", KEY, extra={"answer": None})
    said = out.getvalue()
    assert "asked example.org with [NCBI_API_KEY] {'keys': ['[LIVING_REVIEW_SMTP_PASSWORD]']}" in said
    assert "ValueError: refused [NCBI_API_KEY]" in said
    assert "could not be filled in" in said
    assert KEY not in said
    assert PASSWORD not in said


def test_a_record_without_secrets_passes_unchanged():
    record = logging.LogRecord("example", logging.INFO, "x.py", 1, "%d rows", (7,), None)
    assert Scrubbing(ENVIRON).filter(record)
    assert (record.msg, record.args, record.exc_text) == ("%d rows", (7,), None)


def test_a_secret_cannot_pass_a_stream_in_halves():
    out = io.StringIO()
    stream = Scrubbed(out, ENVIRON)
    stream.write(f"one {KEY[:10]}")
    stream.writelines([f"{KEY[10:]} two\nthree ", KEY])
    stream.flush()
    assert out.getvalue() == "one [NCBI_API_KEY] two\nthree [NCBI_API_KEY]"


@pytest.mark.parametrize("before", range(150, 200, 7))
def test_an_answer_that_is_cut_short_does_not_end_in_half_a_secret(before):
    import smtplib

    from livingreview.operation.telling import mail, webhook

    said = "x" * before + " " + KEY
    answer = mail._answer(
        smtplib.SMTPResponseException(535, said.encode()), {"LIVING_REVIEW_SMTP_PASSWORD": KEY}
    )
    assert KEY[:5] not in answer

    class Answer:
        def iter_content(self, _):
            return iter([said.encode()])

    assert KEY[:5] not in webhook._beginning(Answer(), {"LIVING_REVIEW_WEBHOOK_TOKEN": KEY})
