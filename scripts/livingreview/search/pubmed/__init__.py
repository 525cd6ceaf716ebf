"""PubMed itself: its service, its articles, and the files that it publishes."""
