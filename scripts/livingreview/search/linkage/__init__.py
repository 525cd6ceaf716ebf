"""Which records are one, and which are reports of one trial."""
