"""Elements of an SVG drawing: text is escaped, coordinates are rounded, styles are classes of the page."""

from lxml import etree
from markupsafe import Markup

from livingreview.report.characters import fit


def start(width, height, style, *, hidden=False):
    """An empty drawing, `width` by `height` pixels at full size.

    `hidden` is for drawings whose digits stand beside them: screen readers pass them over.
    """
    size = {"width": f"{width:g}", "height": f"{height:g}", "viewBox": f"0 0 {width:g} {height:g}"}
    return etree.Element("svg", size | {"class": style} | ({"aria-hidden": "true"} if hidden else {}))


def describe(svg, *, name, title, description):
    """Make the drawing an image with a title and a description; `name` must be unique in the page."""
    svg.set("role", "img")
    svg.set("aria-labelledby", f"{name}-title {name}-desc")
    etree.SubElement(svg, "title", id=f"{name}-title").text = fit(title)
    etree.SubElement(svg, "desc", id=f"{name}-desc").text = fit(description)


def line(svg, start, end, style="rule"):
    """A straight line between two points."""
    (x1, y1), (x2, y2) = start, end
    _add(svg, "line", style, x1=x1, y1=y1, x2=x2, y2=y2)


def box(svg, left_top, right_bottom, style):
    """A rectangle between two corners."""
    (x1, y1), (x2, y2) = left_top, right_bottom
    _add(svg, "rect", style, x=x1, y=y1, width=x2 - x1, height=y2 - y1)


def square(svg, centre, side):
    """A square around a point."""
    x, y = centre
    box(svg, (x - side / 2, y - side / 2), (x + side / 2, y + side / 2), "square")


def circle(svg, centre, radius, style):
    """A circle around a point."""
    _add(svg, "circle", style, cx=centre[0], cy=centre[1], r=radius)


def polygon(svg, points, style):
    """A closed shape."""
    shape = etree.SubElement(svg, "polygon", points=" ".join(f"{x:.2f},{y:.2f}" for x, y in points))
    shape.set("class", style)


def text(svg, point, content, style="", *, anchor="start"):
    """A line of text; `anchor` is start, middle or end. Returns the element."""
    element = _add(svg, "text", style, x=point[0], y=point[1])
    element.set("text-anchor", anchor)
    element.text = fit(content)
    return element


def markup(svg):
    """The drawing as markup; empty elements stay self-closing, as HTML allows inside an svg element."""
    return Markup(etree.tostring(svg, encoding="unicode"))


def _add(svg, tag, style, **numbers):
    element = etree.SubElement(svg, tag, {name: f"{value:.2f}" for name, value in numbers.items()})
    element.set("class", style)
    return element
