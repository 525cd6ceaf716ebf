"""What values that were typed do to the result, before a run has pooled them."""
