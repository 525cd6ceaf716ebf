"""Images of earlier months, kept so that a figure which shows the same again is not drawn twice.

They are no results: without them the same images are made, and that takes longer. Each lies in a file named
after all that it follows from, whose first line is the digest of the rest: what a disk, a backup or a hand
has changed is not believed.
"""

import hashlib
import json
import logging
import platform
from importlib import metadata
from pathlib import Path

from livingreview import tables
from livingreview.report import standalone

log = logging.getLogger(__name__)


class Images:
    """PNG of figures, taken over from an earlier month where the figure is the same.

    Parameters
    ----------
    folder : path
        Where they are kept; its files named ``figure-*.png`` are this class's own.
    code : str
        Digest of the code that makes them, with the fonts.
    fonts : list of str
        As `standalone.png` takes them.
    """

    def __init__(self, folder, *, code, fonts):
        self._folder, self._fonts = Path(folder), fonts
        self._made_with = [code, platform.machine(), metadata.version("resvg-py")]
        self._used, self._keeps = set(), True

    def png(self, text):
        """The image of an SVG file, as `standalone.png` makes it, and kept for the next month."""
        path = self._place(text)
        self._used.add(path)
        image = _read(path)
        if image is None:
            image = standalone.png(text, fonts=self._fonts)
            self._keep(image, path)
        return image

    def forget_others(self):
        """Remove every kept image that was not asked for since this was made."""
        try:
            for other in sorted(set(self._folder.glob("figure-*.png")) - self._used):
                other.unlink(missing_ok=True)
        except OSError as error:
            log.warning("images of earlier months could not be removed: %s", error)

    def _place(self, text):
        digest = hashlib.sha256(json.dumps([*self._made_with, text]).encode()).hexdigest()
        return self._folder / f"figure-{digest[:32]}.png"

    def _keep(self, image, path):
        if not self._keeps:
            return
        try:
            tables.write_bytes(_digest(image) + b"\n" + image, path)
        except OSError as error:
            self._keeps = False  # the others would fare no better, and it is said once
            log.warning("images could not be kept for the next month, which will take longer: %s", error)


def _read(path):
    """A kept image; None where there is none, or it is not whole."""
    try:
        if not path.is_file():
            return None
        digest, _, image = path.read_bytes().partition(b"\n")
        if digest != _digest(image):
            raise ValueError("it is not as it was written")
        return image
    except (OSError, ValueError) as error:
        log.warning("%s can't be used, and is drawn again: %s", path, error)
        return None


def _digest(image):
    return hashlib.sha256(image).hexdigest().encode()
