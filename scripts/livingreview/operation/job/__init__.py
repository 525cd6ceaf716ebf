"""The month of one review: whether it is due, what builds it, what it came to and what waits for people."""
