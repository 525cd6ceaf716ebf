"""Real answers of PubMed, field by field, where a folder of them lies beside the repository; skipped otherwise."""

import csv
import functools
import gzip
import io
import re
import urllib.request
from pathlib import Path

import pytest
from search.article_fixtures import DOCTYPE, by_biopython, comparable

from livingreview.search.pubmed import articles

FOLDER = Path(__file__).resolve().parents[3] / "shared" / "data" / "pubmed"
KINDS = ("efetch", "efetch (empty set)", "baseline")
ARTICLE = re.compile(rb"<(Pubmed(?:Book)?Article)[\s>].*?</\1>", re.S)
END = b"</PubmedArticleSet>"
pytestmark = pytest.mark.skipif(
    not (FOLDER / "INDEX.csv").is_file(), reason="no folder of real files beside the repository"
)


@functools.cache
def bodies():
    """Whole documents by file name, of those files that hold articles which are to be told apart."""
    with (FOLDER / "INDEX.csv").open(encoding="utf-8", newline="") as file:
        listed = [row for row in csv.DictReader(file) if row["kind"] in KINDS]
    return {
        row["file"]: body_of(row["file"]) for row in listed if row["records"] != "0" or "empty" in row["kind"]
    }


def body_of(name):
    data = (FOLDER / name).read_bytes()
    return gzip.decompress(data) if name.endswith(".gz") else data


@functools.cache
def found():
    return {name: articles.read(body) for name, body in bodies().items()}


def test_every_real_article_is_read_and_keeps_its_bytes():
    for name, body in bodies().items():
        assert [one.raw for one in found()[name]] == [match[0] for match in ARTICLE.finditer(body)], name
        assert all(one.pmid.isdigit() for one in found()[name]), name
    assert sum(map(len, found().values())) > 250


def test_every_real_document_that_is_cut_is_refused():
    for body in bodies().values():
        whole = body.rstrip()
        for share in (0.1, 0.5, 0.9, 0.999):
            with pytest.raises((articles.ArticleError, articles.Broken)):
                articles.read(whole[: int(len(whole) * share)])


def test_real_articles_are_the_same_in_several_processes():
    body = b"".join(one.raw for many in found().values() for one in many)
    body = b"<PubmedArticleSet>" + body + b"</PubmedArticleSet>"
    assert list(articles.read_parallel(io.BytesIO(body), workers=2)) == articles.read(body)


def read_by_biopython(many):
    """Pairs of an article and its fields as Biopython reads them, and what it says of those that it refuses."""
    body = "\n".join(['<?xml version="1.0" ?>', DOCTYPE.format(25), "<PubmedArticleSet>"]).encode()
    many = sorted(many, key=lambda one: one.kind)
    try:
        return list(zip(many, by_biopython(body + b"".join(one.raw for one in many) + END), strict=True)), []
    except ValueError as error:  # ValidationError is one
        if len(many) == 1:
            return [], [str(error)]
    parts = [read_by_biopython([one]) for one in many]
    return [pair for pairs, _ in parts for pair in pairs], [why for _, whys in parts for why in whys]


def test_every_field_of_real_articles_is_what_biopython_reads(monkeypatch):
    monkeypatch.setattr(urllib.request, "urlopen", lambda *_, **__: pytest.fail("the network was asked"))
    compared, refused = 0, []
    for name, many in found().items():
        pairs, whys = read_by_biopython(many)
        refused += whys
        for one, theirs in pairs:
            assert comparable(one) == theirs, (name, one.pmid)
            compared += 1
    # Elements that NLM gave up long ago, and MathML in a default namespace: Biopython reads neither.
    assert all("DateCreated" in why or "Unknown prefix" in why for why in refused), refused
    assert len(refused) < 15
    assert compared > 250
