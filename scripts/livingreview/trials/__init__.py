"""What people extracted from each trial, and the effect sizes that follow from it."""
