"""What people wrote for this version, with today's numbers in it, as safe HTML.

The Markdown is read with keys standing as marks, and each mark is replaced by its escaped text afterwards: a
label or note that came from data can therefore be neither markup nor Markdown.
"""

import re

from markupsafe import Markup, escape

from livingreview.living.text import parts
from livingreview.living.text.stale import KEY
from livingreview.report.prose import sentence, spelled, spelled_plural

LEVEL = 3  # of the title of a section; headings within begin one below
DEEPEST = 6


def text(context):
    """The sections in the order of their files' names, and how they were checked.

    Returns
    -------
    dict
        ``sections``: name, title, html, references (id, text); ``lead``: how much was read; ``literals``.
    """
    sections = [_section(one) for one in context["text"]["sections"]]
    given = context["text"]["sections"]
    return {
        "sections": sections,
        "lead": _lead(given),
        "literals": [{"title": one["title"], **literal} for one in given for literal in one["literals"]],
    }


def _lead(given):
    """How much was read, in words."""
    total, claims, others = (sum(one[key] for one in given) for key in ("sentences", "claims", "others"))
    keys = len({key for one in given for key in one["values"]})
    said = "none makes a claim about a result"
    if claims:
        held = _do(claims, "was", "were", bare=True)
        said = f"{_do(claims, 'makes', 'make')} a claim about a result and {held} held against it"
    if others:
        held = _do(others, "was", "were", bare=True)
        said += f"; {_do(others, 'quotes or cites', 'quote or cite')} others and {held} not"
    read = (
        f"{sentence(spelled_plural(total, 'sentence'))} {_do(total, 'was', 'were', bare=True)} read: {said}."
    )
    quoted = f"{sentence(spelled_plural(keys, 'result'))} {_do(keys, 'is', 'are', bare=True)} quoted by key."
    return f"{read} {quoted}"


def _do(number, one, many, *, bare=False):
    """A verb in the number of its subject, after it unless bare."""
    verb = one if number == 1 else many
    return verb if bare else f"{spelled(number)} {verb}"


def _section(one):
    references = list(one["references"])
    return {
        "name": one["name"],
        "title": one["title"],
        "html": rendered(one["body"], one["values"], references=references, name=one["name"]),
        "references": [
            {"id": _reference_id(one["name"], key), "text": one["references"][key]} for key in references
        ],
    }


def rendered(body, values, *, references=(), name="text"):
    """Markdown with keys as HTML that needs no escaping.

    Parameters
    ----------
    body : str
    values : dict of str to str
        Key to its text as printed.
    references : sequence of str
        Keys of references in the order of their numbers.
    name : str
        Of the section, for the anchors of references.

    Returns
    -------
    Markup
    """
    held = []

    def key(match):
        given = parts.literal(match[1])
        held.append(escape(given[0] if given else values[match[1]]))
        return f"{parts.OPEN}{len(held) - 1}{parts.CLOSE}"

    def cited(match):
        found = parts.CITED_KEY.findall(match[1])
        links = [
            Markup('<a href="#{}">{}</a>').format(_reference_id(name, one), references.index(one) + 1)
            for one in found
        ]
        held.append(Markup("[{}]").format(Markup(", ").join(links)))
        return f"{parts.OPEN}{len(held) - 1}{parts.CLOSE}"

    marked = parts.CITATION.sub(cited, KEY.sub(key, body))
    reader = parts.markdown()
    tokens = reader.parse(marked)
    _lower_headings(tokens)
    html = reader.renderer.render(tokens, reader.options, {})
    return Markup(parts.held_text(html, held))


def _lower_headings(tokens):
    """Headings begin below the section's title, and go down one level at a time."""
    depth = []
    for token in tokens:
        if token.type == "heading_open":
            asked = int(token.tag[1])
            depth = [one for one in depth if one < asked] + [asked]
        if token.type in ("heading_open", "heading_close"):
            token.tag = f"h{min(LEVEL + len(depth), DEEPEST)}"


def _reference_id(name, key):
    return f"text-{name}-{re.sub('[^A-Za-z0-9_-]', '-', key)}"
