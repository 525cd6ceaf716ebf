"""Records of PubMed as rows of a table, and all sources folded into one."""

import pandas as pd

from livingreview.search import content, events, imports
from livingreview.search.linkage import pairs
from livingreview.search.pubmed.articles import abstract_text

PUBMED = "PubMed"
COLUMNS = [
    "record_id",
    "pmid",
    "doi",
    "title",
    "vernacular_title",
    "authors",
    "journal",
    "year",
    "volume",
    "issue",
    "pages",
    "publication_types",
    "mesh_terms",
    "keywords",
    "abstract",
    "other_abstract",
    "language",
    "registry_ids",
    "entry_date",
    "medline_status",
    "indexing_method",
    "editorial_status",
    "notices",
    "source",
    "found_in",
    "first_run",
    "last_run",
    "arrival",
    "retrieval",
    "duplicate_of",
]
# What became of a record of PubMed by this run's search.
FOUND, NOT_FOUND, GONE = "found", "no longer found", "gone from PubMed"


def row(article):
    """An article as a row of the table.

    Parameters
    ----------
    article : livingreview.search.pubmed.articles.Article

    Returns
    -------
    dict
        Those of `COLUMNS` that an article fills itself; str, "" where PubMed says nothing. Lists are joined
        by "; "; a semicolon within an entry becomes a comma.
    """
    return {
        "record_id": article.pmid,
        "pmid": article.pmid,
        "doi": article.doi,
        "title": article.title or article.vernacular_title,
        "vernacular_title": article.vernacular_title,
        "authors": _join(_name(author) for author in article.authors),
        "journal": article.journal_abbreviation or article.journal,
        "year": article.published.year or article.electronic_date[:4],
        "volume": article.volume,
        "issue": article.issue,
        "pages": article.pages,
        "publication_types": _join(one.name for one in article.publication_types),
        "mesh_terms": _join(_heading(heading) for heading in article.mesh),
        "keywords": _join(keyword.text for keyword in article.keywords),
        "abstract": abstract_text(article.abstract),
        "other_abstract": " ".join(abstract_text(one.parts) for one in article.other_abstracts),
        "language": _join(article.languages),
        "registry_ids": _join(one.number for one in article.registry),
        "entry_date": dict(article.history).get("entrez", ""),
        "medline_status": article.status,
        "indexing_method": article.indexing_method,
        "editorial_status": content.editorial_status(article),
        "notices": content.notices(article),
        "source": PUBMED,
    }


def fold(snapshots, articles, imported, *, duplicate_of):
    """All records of all runs, PubMed's and others', one row each.

    Parameters
    ----------
    snapshots : list of livingreview.search.snapshot.Snapshot
        In any order; `first_run` and `last_run` of a row are the first and last whose search found it.
    articles : iterable of livingreview.search.pubmed.articles.Article
        The latest state of every PMID of which a snapshot holds one.
    imported : list of livingreview.search.imports.Imported
        Records from other databases.
    duplicate_of : callable
        Given all rows, a dict of the record ids that are duplicates to the ids of the records kept.

    Returns
    -------
    frame : DataFrame
        `COLUMNS`, all str, PubMed's records by number and then the others by id. A PMID that no EFetch has
        ever returned has no row; provenance files list it under ``absent``.
    folded : livingreview.search.imports.Folded
        What became of the imported records.
    """
    ordered = sorted(snapshots, key=lambda snapshot: snapshot.run)
    seen = {}
    for snapshot in ordered:
        for pmid in snapshot.pmids:
            first, _ = seen.setdefault(pmid, (snapshot.run, snapshot.run))
            seen[pmid] = (first, snapshot.run)
    last = {row["pmid"]: row for snapshot in ordered for row in snapshot.records}
    now = set(ordered[-1].pmids) if ordered else set()
    rows = [
        {
            **row(article),
            "first_run": seen[article.pmid][0],
            "last_run": seen[article.pmid][1],
            "arrival": last[article.pmid]["arrival"],
            "retrieval": _retrieval(last[article.pmid], now),
        }
        for article in sorted(articles, key=lambda article: int(article.pmid))
    ]
    rows += _without_text(last, {one["record_id"] for one in rows}, seen, now)
    folded = imports.fold(imported, rows)
    rows = folded.rows
    kept = duplicate_of(rows)
    rows.sort(key=lambda one: (one["source"] != PUBMED, pairs.id_order(one["record_id"])))
    rows = [
        {**dict.fromkeys(COLUMNS, ""), **one, "duplicate_of": kept.get(one["record_id"], "")} for one in rows
    ]
    return pd.DataFrame(rows, columns=COLUMNS, dtype=object), folded


def _without_text(last, held, seen, now):
    """Rows of known records whose text is nowhere: kept on another machine, and gone from PubMed since."""
    return [
        {
            **{name: one[name] for name in ("pmid", "doi", "entry_date", "editorial_status", "notices")},
            "record_id": pmid,
            "title": "[The text of this record is no longer to be had]",
            "source": PUBMED,
            "first_run": seen[pmid][0],
            "last_run": seen[pmid][1],
            "arrival": one["arrival"],
            "retrieval": _retrieval(one, now),
        }
        for pmid, one in last.items()
        if pmid not in held
    ]


def latest_files(snapshots):
    """Where the latest state of each PMID lies: run to {PMID: file}.

    A record that is gone from PubMed is found where it was last seen.
    """
    where = {}
    for snapshot in sorted(snapshots, key=lambda one: one.run):
        for one in snapshot.records:
            if one["state"] == events.HELD:
                where[one["pmid"]] = (snapshot.run, one["file"])
    by_run = {}
    for pmid, (run, file) in where.items():
        by_run.setdefault(run, {})[pmid] = file
    return by_run


def _retrieval(last, now):
    if last["state"] == events.GONE:
        return GONE
    return FOUND if last["pmid"] in now else NOT_FOUND


def _join(texts):
    """Entries in one cell, each once; a semicolon within an entry becomes a comma."""
    return "; ".join(dict.fromkeys(text.replace(";", ",") for text in texts if text))


def _name(author):
    return author.collective or f"{author.last} {author.initials}".strip()


def _heading(heading):
    parts = [(heading.name, heading.major), *((name, major) for _, name, major in heading.qualifiers)]
    return " / ".join(name + ("*" if major else "") for name, major in parts)
