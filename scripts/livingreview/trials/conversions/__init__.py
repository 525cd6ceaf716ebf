"""Conversions: from the forms in which trials print an outcome to means and spreads, and to effects."""
