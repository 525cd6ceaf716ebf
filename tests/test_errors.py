"""The text of an error is what a maintainer reads, so it is tested to the letter."""

from livingreview.errors import InputError, ReviewError, problem


def test_a_problem_names_row_column_found_allowed_and_hint_in_this_order():
    line = problem(
        "a slip", row=7, column="sd_1", found=0.0, allowed="more than 0", hint="a variance in its place?"
    )
    assert line == (
        "row 7, column sd_1: a slip; found 0.0; allowed: more than 0; hint: a variance in its place?"
    )


def test_what_is_not_given_leaves_no_trace():
    assert problem("a slip") == "a slip"
    assert problem(column="run", found="June") == "column run: found 'June'"
    assert problem(row=3, allowed="a name") == "row 3: allowed: a name"
    assert (
        problem(column="reviewer", allowed="a name", hint="yours")
        == "column reviewer: allowed: a name; hint: yours"
    )


def test_a_value_of_zero_or_false_is_still_shown():
    assert problem(column="sd_1", found=0) == "column sd_1: found 0"
    assert problem(column="in_pool", found=False) == "column in_pool: found False"


def test_one_fault_is_one_line_with_its_file():
    error = InputError("data/trials/reports.csv", row=2, column="run", found="June", allowed="a month")
    assert str(error) == "data/trials/reports.csv: row 2, column run: found 'June'; allowed: a month"
    assert error.problems == ["row 2, column run: found 'June'; allowed: a month"]
    assert isinstance(error, ReviewError)


def test_several_faults_are_a_list_under_their_number():
    assert (
        str(InputError("config.yaml", problems=["one", "two"])) == "config.yaml: 2 problems\n  - one\n  - two"
    )


def test_twenty_five_faults_are_all_shown_and_of_more_the_rest_is_counted():
    lines = [f"fault {n}" for n in range(1, 28)]
    assert "more" not in str(InputError("x.csv", problems=lines[:25]))
    shown = str(InputError("x.csv", problems=lines)).splitlines()
    assert shown[0] == "x.csv: 27 problems"
    assert shown[25:] == ["  - fault 25", "  - and 2 more"]


def test_a_fault_knows_its_place_and_is_the_line_that_people_read():
    found = problem("too large", row=3, column="n_1", allowed="2 or more")
    assert found == "row 3, column n_1: too large; allowed: 2 or more"
    assert (found.row, found.column, found.what) == (3, "n_1", "too large; allowed: 2 or more")
