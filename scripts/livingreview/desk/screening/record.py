"""All that a page shows of one record."""

import re

from livingreview.desk.screening import highlighting
from livingreview.report import links
from livingreview.search.query.documents import split_list

REGISTRIES = {
    "NCT": "https://clinicaltrials.gov/study/{}",
    "ISRCTN": "https://www.isrctn.com/{}",
}
NOTICES = {
    "retracted": "Retracted",
    "expression of concern": "Expression of concern",
    "corrected": "Corrected: there is an erratum",
    "retraction notice": "This is itself a notice of retraction",
}


def described(record, *, terms):
    """A record's cells as a page shows them.

    Parameters
    ----------
    record : dict
        A row of ``records.csv``, missing values None.
    terms : dict
        As for `highlighting.marked`.

    Returns
    -------
    dict
        title, abstract: paragraphs of pieces, the abstract without any where there is none; authors, journal,
        year, types, mesh, keywords, language, found_in, first_run; pubmed, doi (addresses or None); registry:
        (number, address or None); notice: in words that it is retracted or the like, or None.
    """
    abstract = record.get("abstract") or record.get("other_abstract") or ""
    return {
        "record_id": record["record_id"],
        "title": highlighting.marked(record["title"] or "(no title)", terms),
        "vernacular_title": record.get("vernacular_title"),
        "abstract": [highlighting.marked(part, terms) for part in paragraphs(abstract)],
        "is_other_abstract": not record.get("abstract") and bool(record.get("other_abstract")),
        "authors": _shortened(split_list(record["authors"])),
        "journal": record["journal"],
        "year": record["year"],
        "types": split_list(record["publication_types"]),
        "mesh": split_list(record["mesh_terms"]),
        "keywords": split_list(record["keywords"]),
        "language": None if record["language"] in (None, "eng", "English", "en") else record["language"],
        "found_in": record["found_in"],
        "first_run": record["first_run"],
        "pmid": record["pmid"],
        "pubmed": links.pubmed_link(record["pmid"]),
        "doi": record["doi"],
        "doi_link": links.doi_link(record["doi"]),
        "registry": [(number, _registered(number)) for number in split_list(record["registry_ids"])],
        "notice": NOTICES.get(record["editorial_status"], record["editorial_status"]),
        "notice_links": split_list(record["notices"]),
    }


def _shortened(names):
    """Up to six authors, and how many more."""
    return "; ".join(names[:6]) + (f"; and {len(names) - 6} more" if len(names) > 6 else "")


def _registered(number):
    """The page of a trial in its registry, for the registries whose address is made of the number alone."""
    for sign, address in REGISTRIES.items():
        if number.startswith(sign) and number[len(sign) :].isdigit():
            return address.format(number)
    return None


def related(groups, record_id):
    """Other records that are reports of the same trial, with why.

    Parameters
    ----------
    groups : DataFrame
        ``companions.csv``.

    Returns
    -------
    list of (str, str)
        Record id, evidence.
    """
    own = groups.loc[groups["record_id"] == record_id, "group_id"]
    same = groups[groups["group_id"].isin(own) & (groups["record_id"] != record_id)]
    return list(dict(zip(same["record_id"], same["evidence"], strict=True)).items())


# Where a labelled part of a structured abstract begins: "... of pain. METHODS: Adults ..."
PART = re.compile(r"(?<=[.?!)\]] )(?=[A-Z][A-Z ,/&'-]{2,60}: )|\n+")


def paragraphs(abstract):
    """An abstract in its labelled parts, which joined by blanks give it again; a list of str."""
    return [part.strip() for part in PART.split(abstract) if part.strip()]
