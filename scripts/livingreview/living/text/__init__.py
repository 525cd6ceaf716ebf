"""Text that people write for the report: its sections, and what they claim held against the results."""
