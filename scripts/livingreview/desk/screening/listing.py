"""The queue as a list: filtered, searched, sorted, a page at a time."""

from typing import NamedTuple

from livingreview.search.query.documents import normalise

PER_PAGE = 100
SORTS = ("order", "year", "title", "first_run")


class Asked(NamedTuple):
    """What a list is asked for; empty text leaves a filter out.

    Attributes
    ----------
    state, band, year : str
        As in the queue.
    words : str
        All must stand in the title or the abstract, each as the beginning of a word.
    sort : str
        One of `SORTS`; other text is taken for the first.
    """

    state: str = ""
    band: str = ""
    year: str = ""
    words: str = ""
    sort: str = "order"


def texts(records):
    """Of each record its title and abstract as `normalise` gives them, to be searched; a dict of ids."""
    cells = zip(records["record_id"], records["title"], records["abstract"], strict=True)
    return {record_id: f" {normalise(title)} {normalise(abstract)}" for record_id, title, abstract in cells}


def found(rows, texts_of, asked):
    """The rows of a queue that are asked for, in the order asked for.

    Parameters
    ----------
    rows : list of dict
        In the order of the queue.
    texts_of : callable
        Returns what `texts` gives; called only if words are searched.
    asked : Asked
    """
    for name in ("state", "band", "year"):
        wanted = getattr(asked, name)
        if wanted:
            rows = [row for row in rows if (row[name] or "") == wanted]
    words = [f" {word}" for word in normalise(asked.words).split()]
    if words:
        held = texts_of()
        rows = [row for row in rows if all(word in held.get(row["record_id"], "") for word in words)]
    if asked.sort == "year":
        return sorted(rows, key=lambda row: row["year"] or "", reverse=True)
    if asked.sort in SORTS[2:]:
        return sorted(rows, key=lambda row: (row[asked.sort] is None, (row[asked.sort] or "").casefold()))
    return rows


def values(rows, name):
    """The values that a column has, with how many rows have each, most first."""
    counts = {}
    for row in rows:
        if row[name]:
            counts[row[name]] = counts.get(row[name], 0) + 1
    return sorted(counts.items(), key=lambda one: (-one[1], one[0]))
