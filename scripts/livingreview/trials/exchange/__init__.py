"""Trials and effects out to Metapsy's tools, metafor and RevMan, and Metapsy's data sets back in."""
