"""Long lists of the desk, a page at a time."""

import pandas as pd
import pytest

from livingreview.desk import faults, paging
from livingreview.errors import InputError, ReviewError, problem


@pytest.mark.parametrize(
    ("asked", "number", "rows"), [(1, 1, [0, 1]), (3, 3, [4]), (-7, 1, [0, 1]), (10**9, 3, [4])]
)
def test_a_page_that_is_not_there_is_the_nearest_one(asked, number, rows):
    page = paging.page(list(range(5)), asked, size=2)
    assert (page.number, page.last, page.n, page.begin, page.rows) == (number, 3, 5, 2 * (number - 1), rows)


def test_rows_of_a_frame_are_taken_by_their_place_whatever_their_index():
    frame = pd.DataFrame({"a": list("abcde")}, index=[9, 7, 5, 3, 1])
    assert list(paging.page(frame, 2, size=2).rows["a"]) == ["c", "d"]


def test_an_empty_list_has_one_page():
    assert paging.page([], 4, size=2) == ([], 0, 1, 1, 0)


def test_an_error_beside_a_form_names_neither_file_nor_row():
    error = InputError(
        "data/a.csv", problems=[problem("it says nothing", row=3, column="b", hint="try"), "so"]
    )
    assert faults.lines(error) == ["It says nothing; hint: try", "So"]
    assert faults.lines(ReviewError("somebody else was here")) == ["somebody else was here"]
