"""Templates that escape everything and stop at a name that is not defined."""

import functools
from pathlib import Path

import jinja2

from livingreview.report import characters

TEMPLATES = Path(__file__).resolve().parents[3] / "templates"


@functools.cache  # to compile the templates takes longer than to fill them
def environment(templates=TEMPLATES):
    """The templates of a folder."""
    return jinja2.Environment(
        loader=jinja2.FileSystemLoader(templates),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        finalize=characters.fit,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
