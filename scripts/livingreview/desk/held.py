"""The review's files in memory, each as it is on disk at the moment it is asked for."""

import collections
import re
import threading
from pathlib import Path

import pandas as pd

from livingreview import config as protocol
from livingreview import tables
from livingreview.errors import InputError

# Of answers that were made of files; a page asks for some ten.
MOST = 500
RESULTS = "results/"


class Held:
    """Reads each file once, and again when it has changed; writes nothing.

    Only the present version of each file is kept, so that memory does not grow with use.

    Parameters
    ----------
    review : path
        The review's folder.
    run : str, optional
        The month to work on; left out, the latest that was built (`run`).
    """

    def __init__(self, review, *, run=None):
        self.review = Path(review)
        self._asked = run
        self._latest = ""
        self._kept = collections.OrderedDict()
        # One for each key, so that who waits for a long answer holds up nobody who asks for another.
        self._locks = collections.defaultdict(threading.RLock)
        self._lock = threading.Lock()

    def run(self):
        """The month to work on: the one that was named, the latest with a queue, or config.yaml's.

        A run that makes the queue anew takes it away first: what is decided meanwhile is of the same month.
        """
        if self._asked:
            return self._asked
        months = _months(self.review / "results")
        built = (one for one in months if one == self._latest or self.exists(f"results/{one}/queue.csv"))
        if latest := next(built, None):
            self._latest = latest
            return latest
        return self.derived("first run", ["config.yaml"], lambda path: protocol.load(path)["run"])

    def config(self):
        """The protocol, for `run`."""
        run = self.run()
        return self.derived(("config", run), ["config.yaml"], lambda path: protocol.load(path, run=run))

    def results(self, name):
        """The path of a file of the month's results, from the review's folder: ``results/<run>/<name>``."""
        return f"results/{self.run()}/{name}"

    def table(self, path, schema=None, *, optional=False):
        """A table as a DataFrame: one that people own by its schema, or one of results; do not change it.

        With `optional`, one that a review may do without has no rows where it is missing.

        Raises
        ------
        InputError
            If it is missing or broken.
        """
        if optional and not self.exists(path):
            return pd.DataFrame(columns=tables.columns(schema), dtype=object)
        if schema is None:
            return self.derived(("table", path), [path], tables.read_results)
        return self.checked(path, schema).frame

    def checked(self, path, schema):
        """A table that people own with what `tables.append` wants to know of it: a `tables.Checked`."""
        return self.derived(("checked", path, schema), [path], lambda file: tables.checked(file, schema))

    def json(self, path):
        """What a JSON file holds; do not change it."""
        return self.derived(("json", path), [path], tables.read_json)

    def exists(self, path):
        """Whether a file is there."""
        return (self.review / path).is_file()

    def stamp(self, path):
        """What changes when a file does; None where there is none."""
        try:
            found = (self.review / path).stat()
        except (FileNotFoundError, NotADirectoryError):
            return None
        return found.st_mtime_ns, found.st_size, found.st_ino

    def derived(self, key, paths, make, *, optional=False):
        """What `make` makes of files, made again when one of them has changed.

        Parameters
        ----------
        key : hashable
            Names it; the last answer of each key is kept.
        paths : list of str
            From the review's folder.
        make : callable
            Takes the absolute paths of the files, in this order. What it reads it reads when it is called:
            a frame that was asked for before may be older than the file.
        optional : bool
            Whether files may be missing.

        Notes
        -----
        A step of a run takes its results away before it makes them anew, and nobody who screens meanwhile is
        to be stopped by that: what was made of them before is given on.
        """
        with self._lock_of(key):
            stamps = tuple(self.stamp(path) for path in paths)
            with self._lock:
                if key in self._kept and self._kept[key][0] == stamps:
                    self._kept.move_to_end(key)
                    return self._kept[key][1]
                before = self._kept.get(key)
            missing = [path for path, stamp in zip(paths, stamps, strict=True) if stamp is None]
            if missing and not optional:
                absent = InputError(missing[0], problem="there is no such file", hint=_hint(missing[0]))
                if before is None or not all(path.startswith(RESULTS) for path in missing):
                    raise absent
                if all(now in (None, then) for now, then in zip(stamps, before[0], strict=True)):
                    return before[1]
            try:
                made = make(*(self.review / path for path in paths))
            except FileNotFoundError:
                if not missing or optional:
                    raise
                raise absent from None
            self._keep(key, stamps, made)
            return made

    def still(self, key, paths):
        """What `derived` has made of files, if it is of the files as they are; None otherwise."""
        with self._lock:
            stamps, made = self._kept.get(key, (None, None))
        return made if stamps == tuple(self.stamp(path) for path in paths) else None

    def replace(self, key, paths, made):
        """Say what `derived` would now make, after this process itself has changed a file.

        Only for one who holds the file's lock (`saving.changing`): another's change would pass for one's own.
        """
        with self._lock_of(key):
            self._keep(key, tuple(self.stamp(path) for path in paths), made)

    def _lock_of(self, key):
        with self._lock:
            return self._locks[key]

    def _keep(self, key, stamps, made):
        with self._lock:
            self._kept[key] = stamps, made
            self._kept.move_to_end(key)
            while len(self._kept) > MOST:
                self._kept.popitem(last=False)


def _months(folder):
    """The names of the months in a folder, the latest first."""
    try:
        names = [one.name for one in folder.iterdir() if re.fullmatch(r"\d{4}-\d\d", one.name)]
    except (FileNotFoundError, NotADirectoryError):
        return []
    return sorted(names, reverse=True)


def _hint(path):
    if path.startswith(RESULTS):
        return (
            "build the month first: the button on the page This month, or make month; while a run is making"
            " it anew, try again in a moment"
        )
    return "restore it from version control, or begin with a copy of the bundled one cut to its header"
