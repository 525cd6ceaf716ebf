"""What is read of a record: the text of its cells, and the words of a text."""

import re

# What scikit-learn's vectorisers take for a word: two or more letters or digits, of any script.
_words = re.compile(r"\w\w+").findall

# Longer texts are no abstracts; beyond this many characters nothing is read, and it is counted.
LONGEST = 50_000

# The columns of a record that the ranker reads, and its id.
READS = (
    "record_id",
    "title",
    "abstract",
    "keywords",
    "mesh_terms",
    "publication_types",
    "medline_status",
    "indexing_method",
)


def tokens(text):
    """The words of a text, lower case, in order; a list."""
    return _words(text[:LONGEST].lower())


def cell(record, name):
    """The text of a record's cell; "" where it is missing, None or NaN."""
    value = record.get(name)
    return value if isinstance(value, str) else ""
