"""Long lists, a page at a time."""

from typing import NamedTuple


class Page(NamedTuple):
    """One page of a list.

    Attributes
    ----------
    rows : list or DataFrame
    n : int
        Rows of the whole list.
    number, last : int
        This page and the last one, from 1.
    begin : int
        Rows on the pages before.
    """

    rows: object
    n: int
    number: int
    last: int
    begin: int


def page(rows, number, *, size):
    """A page of a list or a frame; a number that is too low or too high gives the first or the last one."""
    last = max(1, -(-len(rows) // size))
    number = min(max(1, number), last)
    begin = (number - 1) * size
    return Page(rows[begin : begin + size], len(rows), number, last, begin)
