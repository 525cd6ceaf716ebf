"""Months with nobody watching: what a scheduled run came to, who is told, and several reviews at once."""
