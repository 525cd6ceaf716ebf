"""Pooled estimates: random effects, heterogeneity, subgroups, influence."""
