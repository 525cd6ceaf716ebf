"""Texts of a length that nobody writes cost time in proportion to it: quadratic, these would take hours."""

import pytest

from livingreview import secrets
from livingreview.formulas import guarded, unguarded
from livingreview.report import markdown
from livingreview.search.imports import reading
from livingreview.search.linkage import companions
from livingreview.search.pubmed import articles

LONG = 300_000
UNITS = ["a", "A", "a.", "a-", "A-", ":", "@", "://a", "'", "=", "1", "{", "[", "<", "&"]


def long(unit):
    return unit * (LONG // len(unit))


@pytest.mark.parametrize("unit", UNITS)
def test_a_long_title_is_written_for_people(unit):
    assert len(markdown.escaped(long(unit))) >= LONG
    assert unguarded(guarded(long(unit))) == long(unit)


@pytest.mark.parametrize("unit", UNITS)
def test_a_long_line_is_scrubbed(unit):
    environ = {"NCBI_API_KEY": "f00dfeed0123456789", "LIVING_REVIEW_SMTP_PASSWORD": "aaaaaaab:://a"}
    assert secrets.scrub(long(unit), environ)


@pytest.mark.parametrize("unit", ["A", "a", "aA", "A-", "-"])
def test_acronyms_of_a_long_title_are_found(unit):
    companions.ACRONYM.findall(long(unit))


@pytest.mark.parametrize(
    "body", [b"<" * LONG, b"<a" * LONG, b"<a '" * LONG, b'<a b="' * LONG, b"<!--" * LONG]
)
def test_a_long_document_that_is_none_is_refused(body):
    with pytest.raises(articles.Broken):
        list(articles.read(b"<PubmedArticleSet " + body))
    with pytest.raises(articles.Broken):
        list(articles.read(body))


def test_a_long_identifier_of_an_export_is_looked_through():
    row = {"file": "x.nbib", "database": "PubMed", "n_records": 1}
    data = f"PMID- 101\nTI  - An example\nLID - {'x' * LONG}\nAID - 10.1000/x [doi]\nSO  - J. 2020\n".encode()
    records, _, faults = reading._records(data, row)
    assert faults == []
    assert "'doi': '10.1000/x'" in str(records)
