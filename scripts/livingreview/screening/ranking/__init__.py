"""The ranker: one estimator and the parts that it blends."""
