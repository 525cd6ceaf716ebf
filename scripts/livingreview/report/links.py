"""Addresses that the report links to; nothing is loaded from any of them."""

import re
from urllib.parse import quote


def pubmed_link(pmid):
    """Address of a PubMed record, or None."""
    return f"https://pubmed.ncbi.nlm.nih.gov/{quote(str(pmid), safe='')}/" if pmid else None


def doi_link(doi):
    """Address of a DOI, or None."""
    return f"https://doi.org/{quote(str(doi), safe='/:;().-_')}" if doi else None


def named(record):
    """Where a record or study is, by its ``pmid`` and ``doi``: pairs of a name and an address."""
    found = (("PubMed", pubmed_link(record["pmid"])), ("DOI", doi_link(record["doi"])))
    return [(name, address) for name, address in found if address]


def web_link(text):
    """The text if it is a web address, else None."""
    return text if text and re.match(r"https?://", str(text)) else None
