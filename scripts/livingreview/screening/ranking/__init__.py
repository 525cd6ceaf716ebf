"""The ranker: one estimator and the parts that it blends."""

from pathlib import Path

# What other reviews tend to include (`prior`); here for who needs its place without the ranker.
SHIPPED = Path(__file__).with_name("prior_terms.csv")
