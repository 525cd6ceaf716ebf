"""Two made-up releases in a row, and a published review before them."""

import math

import pandas as pd


def release(version, estimates, effects, **also):
    """A release; estimates as (outcome, estimate, k), effects as (row_id, outcome, yi, in_pool)."""
    return {
        "version": version,
        "kind": "release",
        "run": "2020-01",
        "estimates": pd.DataFrame(
            [
                {
                    "outcome": name,
                    "label": name.title(),
                    "estimate": value,
                    "ci_low": value - 0.1,
                    "ci_high": value + 0.1,
                    "k": k,
                    "n_studies": k,
                }
                for name, value, k in estimates
            ]
        ),
        "effects": pd.DataFrame(
            [
                {
                    "row_id": row,
                    "label": f"Trial {row}",
                    "outcome": name,
                    "yi": yi,
                    "vi": 0.1,
                    "in_pool": pooled,
                }
                for row, name, yi, pooled in effects
            ],
            columns=["row_id", "label", "outcome", "yi", "vi", "in_pool"],
        ).astype({"in_pool": bool}),
        **also,
    }


FIRST = release(
    "20.0.0",
    [("pain", -0.2, 2), ("mood", math.nan, 0), ("sleep", -0.1, 1)],
    [("a", "pain", -0.1, True), ("b", "pain", -0.3, True), ("c", "sleep", -0.1, True)],
)
SECOND = release(
    "20.1.0",
    [("pain", -0.35, 2), ("mood", -0.4, 1), ("fear", math.nan, 0)],
    [
        ("a", "pain", -0.1, True),
        ("b", "pain", -0.6, True),
        ("d", "mood", -0.4, True),
        ("e", "pain", 9.0, False),
    ],
)
PUBLISHED = {"version": "16.0.0", "kind": "published review", "citation": "Someone 2016"}
