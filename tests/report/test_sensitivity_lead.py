"""The sentence on other analyses: their range, where zero lies, and what rests on too few effects."""

import pytest

from livingreview.report import sensitivity

MAIN = {"analysis": "main", "reason": "", "note": "", "estimate": -0.3, "ci_low": -0.5, "ci_high": -0.1}
OTHER = MAIN | {"analysis": "common"}
OPEN = OTHER | {"analysis": "pet_peese", "estimate": -0.1, "ci_low": -0.4, "ci_high": 0.2}
GUESS = OPEN | {"note": "PET by its rule; not to be interpreted: 3 effects, at least 10 are needed"}
FEW = "One adjustment for small-study effects cannot be interpreted and is not counted."


@pytest.mark.parametrize(
    ("others", "said"),
    [
        ([], "No other analysis could be computed."),
        ([OTHER | {"reason": "no effect"}], "No other analysis could be computed."),
        ([GUESS], f"No other analysis could be computed. {FEW}"),
        (
            [OTHER, OPEN],
            "In two other analyses g lies between \u22120.30 and \u22120.10; the interval of one of them includes"
            " zero, that of the main analysis excludes it.",
        ),
        (
            [OTHER, GUESS],
            "In one other analysis g is \u22120.30; the interval of none of them includes zero,"
            f" that of the main analysis excludes it. {FEW}",
        ),
        (
            [OPEN, OPEN],
            "In two other analyses g is \u22120.10; the interval of all of them includes zero,"
            " that of the main analysis excludes it.",
        ),
        ([OTHER | {"ci_low": None, "ci_high": None}], "In one other analysis g is \u22120.30."),
    ],
)
def test_other_analyses_are_told_in_one_sentence(others, said):
    assert sensitivity.lead([MAIN, *others]) == said


def test_a_main_analysis_whose_interval_holds_zero_is_said_to():
    main = MAIN | {"ci_high": 0.1}
    assert sensitivity.lead([main, OTHER]).endswith("that of the main analysis includes it.")
