"""PubMed's search fields: every tag that PubMed knows, under the long name its QueryTranslation uses.

Sources: the field list that EInfo returns for PubMed, and the tags of the PubMed User Guide.
PubMed ignores an unknown tag without a word and searches all fields instead, hence this list.
"""

import difflib

# Long name as printed in QueryTranslation -> the tags that a person may write, lower case.
TAGS = {
    "Affiliation": ["ad", "affl", "affiliation"],
    "All Fields": ["all", "all fields"],
    "Article Identifier": ["aid", "article identifier"],
    "Author": ["au", "auth", "author", "full"],
    "Author - Corporate": ["cn", "coln", "corporate author", "author - corporate"],
    "Author - First": ["1au", "faut", "first author name", "first author", "author - first"],
    "Author - Identifier": ["auid", "author identifier", "author - identifier"],
    "Author - Last": ["lastau", "laut", "last author name", "last author", "author - last"],
    "Abstract": ["ab", "abstract"],
    "Book": ["book"],
    "Conflict of Interest Statements": [
        "cois",
        "conflict of interest statement",
        "conflict of interest statements",
    ],
    "Date - Completion": ["dcom", "cdat", "completion date", "date - completion", "date completed"],
    "Date - Create": ["crdt", "create date", "date - create"],
    "Date - Entry": ["edat", "entry date", "entrez date", "date - entry", "date - entrez"],
    "Date - MeSH": ["mhda", "mesh date", "date - mesh"],
    "Date - Modification": ["lr", "mdat", "modification date", "date - modification"],
    "Date - Publication": ["dp", "pdat", "publication date", "date - publication"],
    "EC/RN Number": ["rn", "ecno", "ec/rn number"],
    "Editor": ["ed", "editor"],
    "Electronic Publication Date": ["epdt", "epdat", "electronic publication date"],
    "Filter": ["filter", "filt", "sb", "subset"],
    "Full Author Name": ["fau", "full author name"],
    "Full Investigator Name": ["fir", "full investigator name"],
    "Grants and Funding": ["gr", "grnt", "grant number", "grants and funding"],
    "ISBN": ["isbn"],
    "ISSN": ["is", "issn"],
    "Investigator": ["ir", "finv", "investigator"],
    "Issue": ["ip", "iss", "issue"],
    "Journal": ["ta", "jour", "journal", "journal title", "so"],
    "Language": ["la", "lang", "language"],
    "Location ID": ["lid", "doi", "location id"],
    "MeSH Major Topic": ["majr", "mesh major topic"],
    "MeSH Subheading": ["sh", "subh", "mesh subheading", "mesh subheadings"],
    "MeSH Terms": ["mh", "mesh", "mesh terms", "mesh term"],
    "NLM Unique ID": ["jid", "nlm unique id"],
    "Other Term": ["ot", "otrm", "other term"],
    "Pagination": ["pg", "page", "pagination"],
    "Pharmacological Action": ["pa", "papx", "pharmacological action"],
    "Place of Publication": ["pl", "cnty", "place of publication"],
    "PMCID": ["pmcid", "pmc"],
    "Print Publication Date": ["ppdt", "ppdat", "print publication date"],
    "Publication Type": ["pt", "ptyp", "publication type"],
    "Publisher": ["pubn", "publisher"],
    "Secondary Source ID": ["si", "secondary source id"],
    "Subject - Personal Name": ["ps", "personal name as subject", "subject - personal name"],
    "Supplementary Concept": ["nm", "subs", "supplementary concept"],
    "Text Word": ["tw", "word", "text word", "text words"],
    "Title": ["ti", "titl", "title"],
    "Title/Abstract": ["tiab", "title/abstract"],
    "Transliterated Title": ["tt", "transliterated title"],
    "UID": ["uid", "pmid"],
    "Volume": ["vi", "vol", "volume"],
}
NAMES = {tag: name for name, tags in TAGS.items() for tag in tags}

DATES = {
    "Date - Completion",
    "Date - Create",
    "Date - Entry",
    "Date - MeSH",
    "Date - Modification",
    "Date - Publication",
    "Electronic Publication Date",
    "Print Publication Date",
}
# Hierarchies: a term includes the narrower ones unless it is written with :noexp.
NO_EXPLOSION = {"MeSH Terms", "MeSH Major Topic", "MeSH Subheading", "Publication Type"}
PROXIMITY = {"Title", "Title/Abstract", "Affiliation"}
# What a record carries only once it has been indexed; publishers supply some publication types before.
INDEXED = NO_EXPLOSION | {"EC/RN Number", "Pharmacological Action", "Supplementary Concept"}
# Fields that are searched by word and phrase, and in which stop words find nothing.
TEXTS = {
    "Abstract",
    "All Fields",
    "Other Term",
    "Text Word",
    "Title",
    "Title/Abstract",
    "Transliterated Title",
}
# Tags of other databases and common inventions, with the tag that does the same here.
ELSEWHERE = {
    "abs": "ab",
    "date": "dp",
    "de": "mh",
    "kf": "ot",
    "kw": "ot",
    "key": "ot",
    "keyword": "ot",
    "keywords": "ot",
    "mesh major": "majr",
    "mj": "majr",
    "mm": "majr",
    "mp": "tw",
    "pd": "dp",
    "py": "dp",
    "su": "mh",
    "tab": "tiab",
    "tiabkw": "tiab",
    "title-abs": "tiab",
    "title-abs-key": "tiab",
    "ts": "tw",
    "year": "dp",
    "yr": "dp",
}


def name(tag):
    """The long name of a tag as a person may write it, or None where PubMed knows no such tag."""
    return NAMES.get(" ".join(tag.lower().split()))


def closest(tag):
    """The known tag that an unknown one most likely stands for, or None."""
    if tag.lower().strip() in ELSEWHERE:
        return ELSEWHERE[tag.lower().strip()]
    found = difflib.get_close_matches(tag.lower().strip(), NAMES, n=1, cutoff=0.5)
    return found[0] if found else None
