"""The steps of a month in plain words: those that the workflow's own rules give."""

import functools
import re

from livingreview.operation.job.month import ROOT

RULE = re.compile(r"^ *rule (\w+):\n(.*?)(?=^ *rule \w+:|\Z)", re.MULTILINE | re.DOTALL)
MESSAGE = re.compile(r'message:\s+"([^"]+)"')


@functools.cache
def messages():
    """What each rule says that it does: a dict of rules to texts, which may hold ``{params.run}``."""
    text = "\n".join(path.read_text(encoding="utf-8") for path in sorted((ROOT / "rules").glob("*.smk")))
    found = {rule: MESSAGE.search(body) for rule, body in RULE.findall(text)}
    return {rule: message[1] for rule, message in found.items() if message}


def words(rule, run):
    """What a rule does, for people; its name where it says nothing.

    >>> words("search_pubmed", "2026-12")
    'Searching PubMed for run 2026-12'
    """
    said = messages().get(rule, rule.replace("_", " ").capitalize())
    return re.sub(r"\{[^}]*\}", run, said)
