"""Markdown in which nothing that comes from data is more than text, wherever it is pasted."""

import re

from livingreview.report import characters

# What Markdown, or a mail program, would take for more than text; between dollar signs GitHub sets formulas.
SPECIAL = re.compile(r"([\\`*_{}\[\]<>#|!~&$])")
# What GitHub and chat programs make of a text after its Markdown is read, so that a backslash does not help:
# a mention, a reference to an issue (which a pull request could even close), an address, an emoji. A space of
# no width is put behind what is matched.
AFTER_MARKDOWN = re.compile(
    r"@(?=\w)|#(?=\d)|\bGH-(?=\d)|\bwww(?=\.)|\b[a-z][a-z0-9+.-]{0,30}:(?=//)|\b(?:mailto|xmpp):(?=\S)|:(?=[\w+-]+:)",
    re.IGNORECASE,
)
NO_WIDTH = "\u200b"
# They turn the direction of the text around them, so that a line reads as something else.
TURNING = re.compile("[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]")
# Bytes of a text that fit, with those of another of this size, into the body of an issue or a pull request on
# GitHub, which holds 65,536 characters.
LARGEST = 32_000


def escaped(text):
    """Text on one line in which nothing is markup; also no line can begin with a list or a number."""
    flat = TURNING.sub("", characters.fit(" ".join(str(text).split())))
    flat = AFTER_MARKDOWN.sub(lambda found: found[0] + NO_WIDTH, flat)
    flat = SPECIAL.sub(r"\\\1", flat)
    return re.sub(r"^([-+=]|\d+[.)])", r"\\\1", flat)


def link(text, address):
    """A link, or the text alone where there is no address; the address comes from `links`."""
    if not address:
        return escaped(text)
    for sign, code in (("(", "%28"), (")", "%29"), ("<", "%3C"), (">", "%3E"), ("|", "%7C"), ("\\", "%5C")):
        address = address.replace(sign, code)
    return f"[{escaped(text)}]({address})"


def table(head, rows):
    """The lines of a table; cells are Markdown already."""
    return [row(head), row(["---"] * len(head)), *map(row, rows)]


def row(cells):
    """One line of a table."""
    return f"| {' | '.join(map(str, cells))} |"


def bounded(lines, *, largest, rest):
    """As many of the first lines as fit, and how many were left out.

    Parameters
    ----------
    lines : list of str
    largest : int
        Bytes, line ends and the last line included.
    rest : callable
        Given the number of lines left out, the line that says so.

    Returns
    -------
    list of str
    """
    sizes = [len(line.encode()) + 1 for line in lines]
    if sum(sizes) <= largest:
        return list(lines)
    left = largest - len(rest(len(lines)).encode()) - 1
    kept = 0
    while kept < len(lines) and sizes[kept] <= left:
        left -= sizes[kept]
        kept += 1
    return [*lines[:kept], rest(len(lines) - kept)]
