"""The one place where parsers of XML are made: none loads anything, expands entities or reads without bound.

XML comes from PubMed, from whatever answers in its place, from other databases' exports and from workbooks.
None of them needs a document type of its own.
"""

import re

from lxml import etree

# The first part of a document type that is more than a name and an address.
DECLARES = re.compile(r"<!(?:DOCTYPE[^>\[]*\[|ENTITY)", re.IGNORECASE)
ENCODING = re.compile(r"""<\?xml[^>]*?encoding\s*=\s*["']([^"']*)""", re.IGNORECASE)
# In which a declaration can be seen by `declares`; all that is read here is written in one of them.
ENCODINGS = {
    "utf-8",
    "utf8",
    "us-ascii",
    "ascii",
    "iso-8859-1",
    "windows-1252",
    "utf-16",
    "utf-16le",
    "utf-16be",
}


def parser(**options):
    """A parser for XML from elsewhere: no network, no document types, no entities, bounded in depth and size.

    Parameters
    ----------
    **options
        Further options of ``lxml.etree.XMLParser``; the ones that are set here cannot be changed.
    """
    return etree.XMLParser(
        resolve_entities=False,
        load_dtd=False,
        dtd_validation=False,
        attribute_defaults=False,
        no_network=True,
        huge_tree=False,
        recover=False,
        **options,
    )


def declares(data):
    """Whether a document has declarations of its own, or is written so that this cannot be seen.

    Parameters
    ----------
    data : bytes
        The whole document.
    """
    # Of UTF-16 the zero bytes are left out: its letters of ASCII, and so all declarations, stay.
    text = data.replace(b"\0", b"").decode("latin-1")
    named = ENCODING.search(text[:1000])
    return bool(DECLARES.search(text)) or (named is not None and named[1].lower() not in ENCODINGS)
