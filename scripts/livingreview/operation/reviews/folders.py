"""Which reviews a folder holds, and what looks like a review and is none."""

import os
from dataclasses import dataclass
from pathlib import Path

from livingreview.errors import InputError

CONFIG = "config.yaml"
# What only a review has; a folder with one of them and without a config has lost it.
TRACES = ("data/decisions", "data/searches", "data/trials")


@dataclass(frozen=True)
class Review:
    """A folder that is, or seems to be, a review.

    Attributes
    ----------
    name : str
        Of the folder.
    path : Path
    fault : str or None
        Why no month of it can be built; None where one can be tried.
    """

    name: str
    path: Path
    fault: str | None = None


def find(folder):
    """The reviews in a folder, by name, and the other folders there.

    A review is a folder, or a link to one, with a config.yaml. A folder without it that holds a review's
    data is named as a review with a fault, and so is a second name of a folder that is listed already: to run
    it twice would be to wait for its own lock.

    Returns
    -------
    reviews : list of Review
    others : list of str
        Names of folders that hold nothing of a review.

    Raises
    ------
    InputError
        If there is no such folder, or no review in it.
    """
    folder = Path(folder)
    hint = (
        'begin one with: make review NAME=reviews/my-review TITLE="..."; or name the folder: REVIEWS=folder'
    )
    if not folder.is_dir():
        raise InputError(folder, problem="there is no such folder of reviews", hint=hint)
    reviews, others, seen = [], [], {}
    for path in sorted(folder.iterdir()):
        if path.name.startswith(".") or not (path.is_dir() or path.is_symlink()):
            continue
        review = _look(path)
        if review is None:
            others.append(path.name)
            continue
        real = path.resolve()
        if review.fault is None and real in seen:
            review = Review(path.name, path, f"The same folder as {seen[real]}; remove one of the two names")
        seen.setdefault(real, path.name)
        reviews.append(review)
    if not reviews:
        named = f": {', '.join(others)}" if others else ""
        raise InputError(
            folder, problem=f"no folder in it has a {CONFIG}{named}", allowed="one folder a review", hint=hint
        )
    return reviews, others


def _look(path):
    try:
        path.name.encode()
    except UnicodeEncodeError:
        shown = os.fsencode(path.name).decode(errors="replace")
        return Review(
            shown, path, "Its name is no text in UTF-8, so that no page can name it; rename the folder"
        )
    if not path.exists():
        return Review(path.name, path, "A link that leads nowhere; mend or remove it")
    if not (path / CONFIG).is_file():
        if any((path / trace).exists() for trace in TRACES):
            return Review(path.name, path, f"It holds a review's data and no {CONFIG}; restore that file")
        return None
    return Review(path.name, path)
