"""Text that people write for the report: its files, its keys, its sentences.

A file is Markdown below a short head::

    ---
    title: Background
    since: "2026-11"               # optional: earlier runs, built again, do not print it
    about: [pain_intensity]        # optional: outcomes that sentences without one speak of
    references:                    # optional: what [@example2016] cites
      example2016: Example A. An example review. Example J 2016.
    ---
    The effect on pain was {{ pain_intensity.estimate }} (95% by {{ level }}).

Numbers of the review come by key, ``{{ outcome.what }}``. A number that is no result may be typed where its
reason stands beside it: ``{{ literal "24": hours in a day }}``. There are no other instructions: what stands
between the braces is looked up and never run.
"""

import difflib
import re
from dataclasses import dataclass, field

import yaml
from markdown_it import MarkdownIt

from livingreview.errors import InputError, problem
from livingreview.living.text.stale import KEY, spans

HEAD = re.compile(r"\A---[ \t]*\n(.*?)\n---[ \t]*\n", re.DOTALL)
FIELDS = ("title", "since", "about", "references")
MONTH = re.compile(r"\d{4}-(?:0[1-9]|1[0-2])")
LITERAL = re.compile(r'literal\s+"([^"{}]*)"\s*:\s*(\S.*)')
CITATION = re.compile(r"\[((?:@[\w:.-]+(?:\s*[;,]\s*)?)+)\]")
CITED_KEY = re.compile(r"@([\w:.-]*\w)")
ADDRESS = re.compile(r"(?:https?://|mailto:|#)", re.IGNORECASE)
# Characters that stand for keys while Markdown is read; nobody types them.
OPEN, CLOSE = "\ue000", "\ue001"
NAME = re.compile(r"[a-z][a-z0-9_]*")


@dataclass(frozen=True)
class Section:
    """One file of text: its name (the file's stem), head, body, and the line on which the body begins."""

    file: str
    name: str
    title: str
    body: str
    first_line: int
    since: str = ""
    about: tuple = ()
    references: dict = field(default_factory=dict)


@dataclass(frozen=True)
class Paragraph:
    """The sentences of a paragraph, heading, list item or cell, each with its line; whether it is quoted."""

    sentences: tuple
    lines: tuple
    quoted: bool = False


def parse(file, text, *, outcomes):
    """A file of text as a `Section`.

    Parameters
    ----------
    file : str
        Its path, for messages; the stem is the section's name.
    text : str
    outcomes : collection of str
        What ``about`` may name.

    Raises
    ------
    InputError
        Without a head or title, with an unknown field, outcome or name, or with characters that text does
        not have.
    """
    name = str(file).rsplit("/", 1)[-1].removesuffix(".md")
    if not NAME.fullmatch(name):
        raise InputError(
            file, problem="this name cannot be a section's", allowed="small letters, digits and _"
        )
    text = text.removeprefix("\ufeff").replace("\r\n", "\n")
    odd = sorted(
        {f"U+{ord(one):04X}" for one in text if one in (OPEN, CLOSE) or (one < " " and one not in "\n\t")}
    )
    if odd:
        raise InputError(file, problem="characters that are no text", found=", ".join(odd))
    match = HEAD.match(text)
    if not match:
        hint = "begin the file with three lines: ---, title: the heading to print, ---"
        raise InputError(file, problem="the file has no head", row=1, hint=hint)
    head = _head(file, match[1], outcomes)
    return Section(
        file=str(file),
        name=name,
        title=head["title"],
        body=text[match.end() :],
        first_line=text[: match.end()].count("\n") + 1,
        since=head.get("since", ""),
        about=tuple(head.get("about", ())),
        references=dict(head.get("references", {})),
    )


def _head(file, text, outcomes):
    try:
        head = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise InputError(file, problem=f"the head is not YAML: {error}", row=1) from None
    if not isinstance(head, dict):
        raise InputError(file, problem="the head holds no fields", row=1, allowed=", ".join(FIELDS))
    faults = [
        problem(f"unknown field {key} in the head", allowed=", ".join(FIELDS), hint=near(str(key), FIELDS))
        for key in head
        if key not in FIELDS
    ]
    if not isinstance(head.get("title"), str) or not head["title"].strip():
        faults.append(problem("the head has no title", hint="title: the heading to print"))
    since = head.get("since", "")
    if since and not (isinstance(since, str) and MONTH.fullmatch(since)):
        faults.append(problem("field since", found=since, allowed="a month as YYYY-MM, in quotation marks"))
    about = head.get("about", [])
    if not isinstance(about, list):
        faults.append(problem("field about", found=about, allowed="a list of outcomes, in brackets"))
        about = []
    faults += [
        problem("field about", found=one, allowed=", ".join(outcomes), hint=near(str(one), outcomes))
        for one in about
        if one not in outcomes
    ]
    references = head.get("references", {})
    if not isinstance(references, dict) or not all(isinstance(one, str) for one in references.values()):
        faults.append(problem("field references", allowed="one line for each: key: the reference as printed"))
    if faults:
        raise InputError(file, problems=faults)
    return head


def near(found, allowed):
    """A hint that names the nearest of what is allowed, or None."""
    close = difflib.get_close_matches(found, list(allowed), n=3, cutoff=0.5)
    return f"did you mean {' or '.join(close)}?" if close else None


def markdown(refused=None):
    """A reader of Markdown that takes no HTML, no pictures, and only web, mail and page addresses.

    Parameters
    ----------
    refused : list, optional
        Receives every address that was not taken.
    """
    reader = MarkdownIt("commonmark", {"html": False}).enable("table").disable("image")

    def allowed(address):
        good = bool(ADDRESS.match(address))
        if not good and refused is not None:
            refused.append(address)
        return good

    reader.validateLink = allowed
    return reader


def paragraphs(section):
    """What a reader reads of a section, sentence by sentence; code is not read.

    Returns
    -------
    list of Paragraph
        Keys stand in the sentences as they were typed.
    """
    held = []
    body = KEY.sub(lambda match: _hold(match.group(), held), section.body)
    out, depth = [], 0
    for token in markdown().parse(body):
        if token.type in ("blockquote_open", "blockquote_close"):
            depth += token.nesting
        if token.type != "inline":
            continue
        out.append(_paragraph(token, held, section.first_line, quoted=depth > 0))
    return out


def _hold(text, held):
    held.append(text)
    return f"{OPEN}{len(held) - 1}{CLOSE}"


def held_text(text, held):
    """The text with what was held put back."""
    return re.sub(f"{OPEN}(\\d+){CLOSE}", lambda match: held[int(match[1])], text)


def _paragraph(token, held, first_line, *, quoted):
    flat = token.content.replace("\n", " ")
    found = spans(flat)
    lines = [first_line + token.map[0] + token.content[:start].count("\n") for start, _ in found]
    read = [held_text(flat[start:end], held).strip() for start, end in found]
    return Paragraph(tuple(read), tuple(lines), quoted)


def keys(section):
    """Every key of a section with its line: list of (int, str)."""
    return [
        (section.first_line + section.body[: match.start()].count("\n"), match[1])
        for match in KEY.finditer(section.body)
    ]


def literal(key):
    """The text and the reason of a literal, or None where a key is none."""
    match = LITERAL.fullmatch(key)
    return (match[1], match[2].strip()) if match else None


def check_keys(section, values):
    """Refuse keys, braces, citations and addresses that lead nowhere.

    Parameters
    ----------
    section : Section
    values : dict of str to (str or None)
        Every key with its text as printed; None where this run has no such number.

    Returns
    -------
    dict
        ``keys`` (used, sorted) and ``literals`` (dicts of line, text, reason).

    Raises
    ------
    InputError
        Naming line, key and the nearest keys.
    """
    faults, used, literals = [], set(), []
    for line, key in keys(section):
        given = literal(key)
        if given:
            literals.append({"line": line, "text": given[0], "reason": given[1]})
        elif key in values and values[key] is not None:
            used.add(key)
        else:
            faults.append(problem(row=line, **_unknown(key, values)))
    faults += _loose_braces(section) + _citations(section) + _addresses(section)
    if faults:
        raise InputError(section.file, problems=faults)
    return {"keys": sorted(used), "literals": literals}


def _unknown(key, values):
    if key in values:
        return {
            "text": f"{{{{ {key} }}}} has no value in this run",
            "hint": "the sentence speaks of a number that does not exist today; rewrite it",
        }
    if key.startswith("literal"):
        return {
            "text": "a literal without its reason",
            "found": key,
            "allowed": '{{ literal "24": why this number is no result }}',
        }
    hint = near(key, values) or "all keys stand in text_keys.csv among the results"
    return {"text": f"unknown key {key}", "hint": hint}


def _loose_braces(section):
    left = KEY.sub(lambda match: "\n" * match.group().count("\n"), section.body)
    return [
        problem("braces that belong to no key", row=section.first_line + number, found=line.strip()[:60])
        for number, line in enumerate(left.split("\n"))
        if "{{" in line or "}}" in line
    ]


def _citations(section):
    return [
        problem(
            f"unknown reference @{key}",
            row=section.first_line + section.body[: match.start()].count("\n"),
            allowed=", ".join(section.references) or "none: the head names no references",
            hint=near(key, section.references),
        )
        for match in CITATION.finditer(section.body)
        for key in CITED_KEY.findall(match[1])
        if key not in section.references
    ]


def _addresses(section):
    refused = []
    markdown(refused).parse(KEY.sub("key", section.body))
    lines = section.body.split("\n")
    return [
        problem(
            "an address that is not taken",
            row=next((section.first_line + n for n, line in enumerate(lines) if address in line), None),
            found=address[:80],
            allowed="https://, http://, mailto: and # for a place on the page",
        )
        for address in dict.fromkeys(refused)
    ]
