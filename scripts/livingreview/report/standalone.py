"""A figure as a file of its own: SVG with its style, title and origin inside, and PNG drawn from that.

The style is that of the page, with the colours that the page has on light paper.
"""

import re
import textwrap

import resvg_py
from lxml import etree

from livingreview.report import svg

NAMESPACE = "http://www.w3.org/2000/svg"
# The family of the fonts that come with the templates; other machines take what they have.
FAMILY = "Source Sans Pro"
MARGIN, TITLE, ORIGIN = 16, 34, 26  # room around the figure, above it and below it, in pixels
LINE, TITLE_LINE = 15, 20  # height of a line of the words below and above
# Letters of the words below and above, in pixels, so wide that a line of them never leaves the figure.
LETTER, TITLE_LETTER = 5.6, 8.4
ZOOM = 2.0
# Programs refuse images that are taller; a long forest plot is drawn with fewer pixels to a row.
TALLEST = 16000


def light_style(tokens, rules):
    """The rules of the figures with colours instead of variables.

    Parameters
    ----------
    tokens : str
        A style sheet whose first ``:root`` block defines the variables for light paper.
    rules : str
        The rules of the figures, which use them.

    Raises
    ------
    KeyError
        A variable that the block does not define.
    """
    block = re.search(r":root\s*\{(.*?)\}", tokens, re.S)[1]
    values = {name: value.strip() for name, value in re.findall(r"--([\w-]+):\s*([^;]+);", block)}
    resolved = re.sub(r"var\(--([\w-]+)\)", lambda found: values[found[1]], rules)
    return f'svg {{ font-family: "{FAMILY}", {values["sans"]}; }}\n{resolved}'


def standalone(drawing, *, style, title, origin):
    """A drawing of the page as an SVG file.

    Parameters
    ----------
    drawing : str
        Markup of one svg element, from the functions that draw the figures.
    style : str
        From `light_style`.
    title, origin : str
        Words above and below the figure: what it shows, and which review and run it is from.

    Returns
    -------
    str
    """
    inner = etree.fromstring(str(drawing))
    width, height = (float(inner.get(side)) for side in ("width", "height"))
    above = textwrap.wrap(title, int(width / TITLE_LETTER))
    below = textwrap.wrap(origin, int(width / LETTER))
    top = TITLE + TITLE_LINE * (len(above) - 1)
    bottom = ORIGIN + LINE * (len(below) - 1) + MARGIN
    whole = (width + 2 * MARGIN, height + top + bottom)
    made = svg.start(*whole, inner.get("class"))
    made.set("viewBox", f"{-MARGIN:g} {-top:g} {whole[0]:g} {whole[1]:g}")
    for name in ("role", "aria-labelledby"):
        made.set(name, inner.get(name))
    etree.SubElement(made, "style").text = style
    svg.box(made, (-MARGIN, -top), (width + MARGIN, height + bottom), "paper")
    for at, line in enumerate(reversed(above)):
        svg.text(made, (0, -12 - TITLE_LINE * at), line, "heading")
    made.extend(list(inner))
    for at, line in enumerate(below):
        svg.text(made, (0, height + ORIGIN + LINE * at), line, "small")
    text = etree.tostring(made, encoding="unicode").replace("<svg ", f'<svg xmlns="{NAMESPACE}" ', 1)
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{text}\n'


def png(text, *, fonts):
    """An SVG file as PNG, with no fonts but those given, so that every machine makes the same bytes.

    Parameters
    ----------
    text : str
        From `standalone`.
    fonts : list of str
        Font files of `FAMILY`. A character that none of them has is drawn as an empty box.

    Returns
    -------
    bytes
        `ZOOM` pixels to each of the drawing's, fewer where it would be taller than `TALLEST`.
    """
    height = float(re.search(r'height="([\d.]+)"', text)[1])
    return resvg_py.svg_to_bytes(
        svg_string=text,
        zoom=min(ZOOM, TALLEST / height),
        background="white",
        skip_system_fonts=True,
        font_files=list(fonts),
        font_family=FAMILY,
        sans_serif_family=FAMILY,
    )
