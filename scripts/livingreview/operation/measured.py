"""What each step of a run took, as Snakemake measured it: a table and a drawing beside the logs.

Times differ from machine to machine and from day to day, and the report does not: the same files make it the
same to the byte. So what was measured stands in files of its own, and the report's last section shows them.
"""

import csv
import io
from dataclasses import dataclass
from pathlib import Path

from lxml import etree

from livingreview import tables
from livingreview.report import prose, svg

FOLDER = "measured"  # of the files that the rules' key `benchmark` names
TABLE, DRAWING = "measured.csv", "measured.svg"
COLUMNS = ("rule", "seconds", "cpu_seconds", "peak_mb")
NOT_MEASURED = (
    "",
    "NA",
    "-",
)  # a step that ends before Snakemake looks at it has no memory or processor time

# Narrow enough for a phone at full size.
WIDTH, ROW, HEAD, FOOT, EDGE = 358, 24, 48, 12, 2
NAME_END, BAR_END, MEMORY_END = 140, 250, WIDTH - EDGE
# A file of its own sees nothing of the page's style; as an image it follows the reader's light or dark mode.
STYLE = """
text { font: 13px system-ui, sans-serif; fill: #1d2327 }
text.head { font-weight: 600; font-size: 12px; fill: #565f67 }
.bar { fill: #1c4e80 }
@media (prefers-color-scheme: dark) {
  text { fill: #e3e7ea } text.head { fill: #aab4bb } .bar { fill: #93c1ee }
}
"""


@dataclass(frozen=True)
class Step:
    """What one rule took when it last ran.

    Attributes
    ----------
    rule : str
    seconds : float
        From its start to its end, Python's start included.
    cpu_seconds : float or None
        Of the processor; None where the step was too short to be looked at.
    peak_mb : float or None
        The most memory that it held at once (resident set), in MiB; None likewise.
    """

    rule: str
    seconds: float
    cpu_seconds: float | None
    peak_mb: float | None


def step(rule, text):
    """The `Step` that a file of Snakemake's key ``benchmark`` tells; None where a killed job left none."""
    rows = list(csv.DictReader(io.StringIO(text), delimiter="\t"))
    try:
        return Step(
            rule,
            float(rows[-1]["s"]),
            _measured(rows[-1]["cpu_time"]),
            _measured(rows[-1]["max_rss"]),
        )
    except (IndexError, KeyError, TypeError, ValueError):
        return None


def _measured(cell):
    return None if cell in NOT_MEASURED else float(cell)


def read(logs):
    """The steps of a run, the longest first.

    Parameters
    ----------
    logs : path
        The folder of the run's logs.
    """
    found = [
        step(path.stem, path.read_text(encoding="utf-8", errors="replace"))
        for path in Path(logs, FOLDER).glob("*.tsv")
    ]
    return sorted(filter(None, found), key=lambda one: (-one.seconds, one.rule))


def write(logs):
    """Write the table and the drawing of what a run took; nothing where nothing was measured."""
    steps = read(logs)
    if steps:
        tables.write_text(table(steps), Path(logs, TABLE))
        tables.write_text(drawing(steps), Path(logs, DRAWING))


def table(steps):
    """The steps as CSV, with `COLUMNS`; what was not measured is empty."""
    out = io.StringIO()
    lines = csv.writer(out, lineterminator="\n")
    lines.writerow(COLUMNS)
    for one in steps:
        lines.writerow([one.rule, one.seconds, _shown(one.cpu_seconds), _shown(one.peak_mb)])
    return out.getvalue()


def _shown(value):
    return "" if value is None else value


def drawing(steps):
    """The steps as an SVG file: a bar as long as each took, and its memory.

    Raises
    ------
    ValueError
        Without a step.
    """
    height = HEAD + ROW * len(steps) + FOOT
    picture = svg.start(WIDTH, height, "measured")
    picture.set("xmlns", "http://www.w3.org/2000/svg")
    svg.describe(picture, name="measured", title="Time and memory of each step", description=said(steps))
    etree.SubElement(picture, "style").text = STYLE
    svg.text(picture, (EDGE, 16), said(steps))
    svg.text(picture, (NAME_END, HEAD - 10), "step", "head", anchor="end")
    svg.text(picture, (NAME_END + 10, HEAD - 10), "seconds", "head")
    svg.text(picture, (MEMORY_END, HEAD - 10), "MB at most", "head", anchor="end")
    longest = max(0.01, *(one.seconds for one in steps))
    for number, one in enumerate(steps):
        top = HEAD + ROW * number
        end = NAME_END + 10 + (BAR_END - NAME_END - 10) * one.seconds / longest
        svg.text(picture, (NAME_END, top + 14), one.rule, anchor="end")
        svg.box(picture, (NAME_END + 10, top + 3), (end, top + 17), "bar")
        svg.text(picture, (end + 6, top + 14), f"{one.seconds:.1f}")
        memory = "–" if one.peak_mb is None else f"{one.peak_mb:.0f}"
        svg.text(picture, (MEMORY_END, top + 14), memory, anchor="end")
    return str(svg.markup(picture))


def said(steps):
    """The steps in one sentence."""
    used = [one.peak_mb for one in steps if one.peak_mb is not None]
    memory = f"; none held more than {max(used):.0f} MB" if used else ""
    return f"{prose.plural(len(steps), 'step')}, {sum(one.seconds for one in steps):.0f} s in sum{memory}."
