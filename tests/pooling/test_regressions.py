import math

import numpy as np
import pandas as pd
import pytest

from livingreview.pooling.random_effects import fit
from livingreview.pooling.regressions import POINTS, regression

Y = [-0.9, -0.5, -0.42, -0.3, -0.25, 0.1]
V = [0.02, 0.03, 0.04, 0.05, 0.06, 0.07]
YEARS = [2005.0, 2008.0, 2011.0, 2012.0, 2018.0, 2020.0]


def rows(y=Y, v=V):
    names = [f"r{at}" for at in range(len(y))]
    return pd.DataFrame(
        {"row_id": names, "label": [f"Example {one}" for one in names], "study": names, "yi": y, "vi": v}
    )


def of_years(years=YEARS, **options):
    values = {f"r{at}": year for at, year in enumerate(years)}
    frame = rows(Y[: len(years)], V[: len(years)])
    return regression(frame, variable="year", label="Year", values=values, **options)


def test_the_slope_is_that_of_the_meta_regression_which_agrees_with_metafor():
    found = of_years()
    expected = fit(Y, V, mods={"year": np.array(YEARS)})
    slope = expected.coefficients[1]
    assert found["slope"] == pytest.approx(slope.estimate, rel=1e-6)
    assert found["slope_se"] == pytest.approx(slope.se, rel=1e-6)
    assert (found["ci_low"], found["ci_high"]) == pytest.approx((slope.ci_low, slope.ci_high), rel=1e-6)
    assert found["R2"] == pytest.approx(expected.R2, rel=1e-6)
    assert (found["k"], found["reason"]) == (6, None)


def test_the_line_runs_over_the_range_of_the_number_and_its_interval_is_narrowest_inside():
    found = of_years(test="z", method="DL")
    values = [one["value"] for one in found["line"]]
    assert (len(values), values[0], values[-1]) == (POINTS, 2005.0, 2020.0)
    rise = found["line"][-1]["estimate"] - found["line"][0]["estimate"]
    assert rise == pytest.approx(15 * found["slope"])
    widths = [one["ci_high"] - one["ci_low"] for one in found["line"]]
    assert min(widths) < widths[0]
    assert min(widths) < widths[-1]


def test_effects_without_the_number_are_left_out_and_named():
    found = of_years([2005.0, 2008.0, math.nan, 2012.0, 2018.0, 2020.0])
    assert (found["k"], found["left_out"]) == (5, ["Example r2"])
    assert [one["row_id"] for one in found["points"]] == ["r0", "r1", "r3", "r4", "r5"]
    assert sum(one["weight"] for one in found["points"]) == pytest.approx(100)


@pytest.mark.parametrize(
    ("years", "reason"),
    [
        ([], "0 effects have the number"),
        ([2005.0], "1 effect has the number"),
        ([2005.0, 2006.0], "at least 3 are needed"),
        ([2005.0] * 4, "all effects have the same number, 2005"),
    ],
)
def test_too_few_or_equal_numbers_give_no_slope_and_say_why(years, reason):
    found = of_years(years)
    assert reason in found["reason"]
    assert math.isnan(found["slope"])
    assert (found["points"], found["line"]) == ([], [])


def test_fewer_than_ten_effects_come_with_a_caution():
    assert of_years()["advice"] == "fewer than 10 effects"
