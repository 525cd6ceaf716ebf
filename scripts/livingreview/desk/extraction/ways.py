"""The ways in which papers print a result: what each is called, and the columns of the sheet that it fills.

A way is a choice on the screen and no column: the sheet holds its effect type and what was typed.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Way:
    """One way in which a paper prints a result.

    Attributes
    ----------
    id, label : str
    effect_type : str
        As the column of that name holds it.
    arms : tuple of str
        Numbers of each arm: columns without their ending ``_1`` or ``_2``.
    whole : tuple of str
        Columns about both arms together.
    """

    id: str
    label: str
    effect_type: str
    arms: tuple = ()
    whole: tuple = ()

    @property
    def columns(self):
        """Every column that the way shows, in the order of the form."""
        return (*(f"{name}_{arm}" for name in self.arms for arm in "12"), *self.whole)


BEFORE = ("baseline_mean", "baseline_sd")
INTERVAL = ("ci_low", "ci_high")
PRINTED = ("printed_effect", "printed_se", "printed_ci_low", "printed_ci_high", "printed_direction")
CORRELATION = ("correlation", "correlation_source")

WAYS = {
    way.id: way
    for way in (
        Way("means_sd", "Means and standard deviations", "means", ("n", "mean", "sd", *BEFORE)),
        Way("means_se", "Means and standard errors", "means", ("n", "mean", "se", *BEFORE)),
        Way("means_ci", "Means and confidence intervals", "means", ("n", "mean", *INTERVAL, *BEFORE)),
        Way("medians_iqr", "Medians and quartiles", "medians", ("n", "median", "q1", "q3")),
        Way("medians_range", "Medians and ranges", "medians", ("n", "median", "min", "max")),
        Way(
            "medians_both",
            "Medians, quartiles and ranges",
            "medians",
            ("n", "median", "q1", "q3", "min", "max"),
        ),
        Way(
            "change_sd",
            "Change scores and their standard deviations",
            "change_scores",
            ("n", "change_mean", "change_sd", "baseline_sd"),
            ("outcome_sd", *CORRELATION),
        ),
        Way(
            "change_se",
            "Change scores and standard errors or intervals",
            "change_scores",
            ("n", "change_mean", "se", *INTERVAL, "baseline_sd"),
            ("outcome_sd",),
        ),
        Way(
            "before_after",
            "Means before and after, with their correlation",
            "change_scores",
            ("n", "baseline_mean", "baseline_sd", "mean", "sd"),
            CORRELATION,
        ),
        Way(
            "adjusted_means",
            "Adjusted means (analysis of covariance)",
            "adjusted_means",
            ("n", "mean", "se", *INTERVAL, "sd"),
            ("outcome_sd", "n_covariates", *CORRELATION),
        ),
        Way(
            "mean_difference",
            "Mean difference with its interval or error",
            "mean_difference",
            ("n", "sd"),
            (*PRINTED, "outcome_sd", "n_covariates"),
        ),
        Way(
            "regression",
            "Regression coefficient of the arm",
            "regression_coefficient",
            ("n", "sd"),
            (*PRINTED, "outcome_sd", "n_covariates"),
        ),
        Way("hedges_g", "Hedges’ g as printed", "hedges_g", ("n",), (*PRINTED, "n_total")),
        Way("cohen_d", "Cohen’s d as printed", "cohen_d", ("n",), (*PRINTED, "n_total")),
        Way("t_test", "t test of the two arms", "t_test", ("n",), ("t_value", "printed_direction")),
        Way("f_test", "F test of the two arms", "f_test", ("n",), ("f_value", "printed_direction")),
        Way("p_value", "Exact p of the two arms", "p_value", ("n",), ("p_value", "printed_direction")),
        Way("events", "People with an event", "events", ("events", "n"), ("printed_direction",)),
        Way("odds_ratio", "Odds ratio as printed", "odds_ratio", ("events", "n"), PRINTED),
        Way("risk_ratio", "Risk ratio as printed", "risk_ratio", ("events", "n"), PRINTED),
        Way("risk_difference", "Risk difference as printed", "risk_difference", ("events", "n"), PRINTED),
        Way("mean_change", "Mean change, without its spread", "mean_change", ("n", "change_mean"), PRINTED),
        Way(
            "partial_eta_squared", "Partial eta squared", "partial_eta_squared", ("n",), (*PRINTED, "n_total")
        ),
        Way("proportions", "Percentages, without counts", "proportions", ("n",), (*PRINTED, "n_total")),
        Way("single_group", "One group, without control", "single_group", ("n", "mean", "sd", *BEFORE)),
        Way(
            "unspecified",
            "An effect of a kind that is not said",
            "unspecified",
            ("n",),
            (*PRINTED, "n_total"),
        ),
    )
}


def way_of(row):
    """The way that fits a row, a dict of text: of those of its effect type the one that shows most of it.

    Returns
    -------
    str
        An id of `WAYS`; "" while nothing says how the result is printed.
    """
    filled = {column for column, text in row.items() if text}
    fitting = [way for way in WAYS.values() if way.effect_type == row.get("effect_type")]
    if not fitting:
        return ""
    # The first of equals: the most usual way, and the one with the fewest cells, comes first.
    return max(fitting, key=lambda way: len(filled.intersection(way.columns))).id
