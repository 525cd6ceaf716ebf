"""Characters that neither HTML nor SVG can hold, shown as the replacement character."""

import re

from markupsafe import Markup

# What is no "Char" in XML 1.0, and the control characters that are errors in HTML. Tabs and line ends are
# white space.
UNFIT = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff\ufdd0-\ufdef\ufffe\uffff]")


def fit(value):
    """Text with U+FFFD for every character that a page cannot hold; markup and other values as they are."""
    return UNFIT.sub("\ufffd", value) if isinstance(value, str) and not isinstance(value, Markup) else value
