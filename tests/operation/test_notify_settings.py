"""The key `notify`: what it may hold, that no secret belongs there, and that it stays out of results."""

from pathlib import Path

import pytest
import yaml

from livingreview import config, run_log
from livingreview.errors import InputError
from livingreview.operation.job import month
from livingreview.operation.telling import sending, settings

ROOT = Path(__file__).resolve().parents[2]
BUNDLED = (ROOT / "config.yaml").read_text(encoding="utf-8")
EMAIL = {"host": "smtp.example.org", "from": "a@example.org", "to": ["b@example.org"]}


def check(notify):
    """Check the bundled protocol with such a part; returns the message of the refusal, or None."""
    try:
        config.check(yaml.safe_load(BUNDLED) | {"notify": notify})
    except InputError as error:
        return str(error)
    return None


def test_the_commented_example_in_the_bundled_protocol_is_right_and_complete():
    start = BUNDLED.index("# notify:\n")
    lines = BUNDLED[start:].split("\n\n")[0].splitlines()
    part = yaml.safe_load("\n".join(line.removeprefix("# ") for line in lines))["notify"]
    assert check(part) is None
    schema = config.tables.load_schema("config")["properties"]["notify"]["properties"]
    assert part.keys() == schema.keys()
    assert {name: part[name].keys() for name in ("email", "webhook")} == {
        name: schema[name]["properties"].keys() for name in ("email", "webhook")
    }


@pytest.mark.parametrize(
    "notify",
    [
        {"email": EMAIL},
        {"email": EMAIL | {"security": "tls", "user": "u", "port": 465, "when": "failures"}},
        {"email": EMAIL | {"security": "none", "host": "localhost"}},
        {"webhook": {"format": "json"}},
        {"folder": "somewhere"},
    ],
)
def test_what_is_allowed(notify):
    assert check(notify) is None


@pytest.mark.parametrize(
    ("notify", "message"),
    [
        ({}, "key notify; allowed: email, webhook or both, with what each needs"),
        ({"webhook": {}}, "missing key notify.webhook.format"),
        (
            {"emial": EMAIL},
            "unknown key notify.emial; allowed: folder, email, webhook; hint: did you mean email?",
        ),
        ({"webhook": {"format": "teams"}}, "key notify.webhook.format; allowed: slack, json"),
        ({"email": EMAIL | {"when": "never"}}, "key notify.email.when; allowed: always, news, failures"),
        ({"email": EMAIL | {"to": []}}, "key notify.email.to; allowed: a list of e-mail addresses"),
        (
            {"email": EMAIL | {"to": ["b@example.org\n"]}},
            "key notify.email.to.0; allowed: an e-mail address alone",
        ),
        (
            {"email": EMAIL | {"to": ["b@example.org, c@example.org"]}},
            "key notify.email.to.0; allowed: an e-mail",
        ),
        (
            {"email": EMAIL | {"from": "Anna <a@example.org>"}},
            "key notify.email.from; allowed: an e-mail address alone",
        ),
        (
            {"email": EMAIL | {"host": "smtp.example.org:25"}},
            "key notify.email.host; allowed: the name of a mail server",
        ),
        ({"email": EMAIL | {"port": "25"}}, "key notify.email.port; allowed: a port from 1 to 65535"),
        (
            {"email": EMAIL | {"security": "none", "user": "u"}},
            "key notify.email; allowed: no key user where security is none: a password must not travel unencrypted",
        ),
        (
            {"webhook": {"format": "json", "url": "https://x/y"}},
            "environment variable LIVING_REVIEW_WEBHOOK_URL",
        ),
        (
            {"webhook": {"format": "json", "token": "s3cret"}},
            "environment variable LIVING_REVIEW_WEBHOOK_TOKEN",
        ),
        ({"email": EMAIL | {"smtp_password": "s3cret"}}, "environment variable LIVING_REVIEW_SMTP_PASSWORD"),
        (
            {"email": EMAIL | {"user": "s3cret with blanks"}},
            "key notify.email.user; allowed: a user name without",
        ),
    ],
)
def test_what_is_refused_is_named_and_not_repeated(notify, message):
    said = check(notify)
    assert message in said
    for value in ("s3cret", "https://x/y", "Anna <", ":25"):
        assert value not in said
    with pytest.raises(InputError, match="notify"):
        config.check_notify(notify)


@pytest.mark.parametrize(
    ("text", "left"),
    [
        (
            "a: 1\nnotify:\n  email:\n    to:\n\n      - x\n  # of it\n\n# next\nb: 2\n",
            "a: 1\n\n# next\nb: 2\n",
        ),
        ("a: 1\nnotify: {webhook: {format: json}}\n", "a: 1\n"),
        ("notify:\n  folder: x", ""),
        (BUNDLED, BUNDLED),
        ("a:\n  notify: 1\n", "a:\n  notify: 1\n"),
    ],
)
def test_what_is_published_of_a_protocol_names_nobody_who_is_told(text, left):
    assert config.without_notify(text) == left
    assert "notify" not in (yaml.safe_load(left) or {})


def test_no_rule_sees_whom_a_month_tells():
    assert 'config.pop("notify", None)' in (ROOT / "rules/common.smk").read_text(encoding="utf-8")


def test_a_config_that_cannot_be_read_tells_nobody_and_says_so(tmp_path):
    (tmp_path / "config.yaml").write_text("review: [")
    assert settings.loose(tmp_path) == {}
    with pytest.raises(InputError, match="it cannot be read, so that nobody can be told"):
        settings.notify(tmp_path)


@pytest.mark.parametrize(("state", "level", "remarks"), [("sent", "info", 0), ("not sent", "warning", 1)])
def test_the_month_notes_what_became_of_its_message(tmp_path, monkeypatch, state, level, remarks):
    played = month.Month(tmp_path, "2026-11", None, {"remarks": []})
    monkeypatch.setattr(sending, "tell", lambda *_, **__: [sending.Delivery("email", state, "so it is")])
    month.tell_people(played, {"outcome": "all done"}, clock=None, environ={})
    (row,) = [row for row in run_log.read(played.log) if row["event"].startswith("message")]
    assert (row["level"], row["message"]) == (level, "email: so it is")
    assert len(played.about["remarks"]) == remarks
    month.tell_people(played, None, clock=None, environ={})
