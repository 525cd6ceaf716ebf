"""Every page that is made forbids a browser what the page does not hold."""

import re
from pathlib import Path

import pytest

from livingreview import tables

ROOT = Path(__file__).resolve().parents[2]
PAGES = [
    path for path in sorted((ROOT / "templates").glob("*.j2")) if "<html" in path.read_text(encoding="utf-8")
]
POLICY = re.compile(r'<meta http-equiv="Content-Security-Policy" content="([^"]*)">')


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.name)
def test_every_page_forbids_what_it_does_not_hold(path):
    text = path.read_text(encoding="utf-8")
    policy = dict(part.strip().split(" ", 1) for part in POLICY.search(text)[1].split(";"))
    assert policy["default-src"] == "'none'"
    assert policy["base-uri"] == policy["form-action"] == "'none'"
    # The one script of the report is let through by its digest; no address is.
    scripts = policy.pop("script-src", "'none'")
    assert re.fullmatch(r"'none'|'sha256-\{\{ script_digest \}\}'", scripts)
    assert "http" not in "".join(policy.values())
    assert not re.search(r"<(iframe|object|embed|form|base)\b|<link (?!rel=.alternate)|\son\w+=", text)


def test_no_template_marks_a_text_as_safe():
    for path in (ROOT / "templates").rglob("*.j2"):
        text = path.read_text(encoding="utf-8")
        assert not re.search(r"\|\s*safe\b|autoescape\s+false", text), path


def test_no_address_of_data_becomes_a_link_unless_it_is_of_the_web():
    """Links are made from ids (PMID, DOI) or from the one address that the schema holds to http and https."""
    url = tables.load_schema("config")["properties"]["review"]["properties"]["url"]["pattern"]
    assert url.startswith("^https?://")
