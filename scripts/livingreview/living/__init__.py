"""What makes the review living: flow of records, status, releases, and what changed since."""
