"""Paths that come from data: they name a place within a folder, or they are refused.

What a file, an archive or a table of a review says of places is not believed: it may come from another
group's deposit or from a stranger's pull request.
"""

import os
import stat
import unicodedata
from pathlib import Path

from livingreview.errors import InputError

# Of file systems in use the smallest limit of one name, in bytes, less what temporary names add to it.
LONGEST_NAME = 200
LONGEST = 1000  # characters of a whole path below its folder
# Names that Windows keeps for devices, with any ending: a review is shared by git, and must be there whole.
DEVICES = {"con", "prn", "aux", "nul", *(f"{kind}{n}" for kind in ("com", "lpt") for n in range(1, 10))}
# The last ones turn the direction of writing: a name would not be what it looks like.
NOT_IN_NAMES = set('\\:*?"<>|\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069')
ALLOWED = (
    'names joined by single slashes, each without control characters, \\ : * ? " < > | and blanks or full'
    f" stops at its end, not a name of Windows' own (con, nul), at most {LONGEST_NAME} bytes"
)


def fault(path):
    """What is wrong with a relative path from data, in words, or None.

    Parameters
    ----------
    path : str
        Names joined by ``/``.
    """
    if not isinstance(path, str) or not path:
        return "no path"
    if path.startswith(("/", "~")):
        return "a path from the root or the home folder"
    if len(path) > LONGEST:
        return f"a path of more than {LONGEST} characters"
    return next((wrong for name in path.split("/") if (wrong := _fault_of_name(name))), None)


def _fault_of_name(name):
    if name in ("", ".", ".."):
        return "a path with an empty name, . or .."
    if any(unicodedata.category(c) in ("Cc", "Cs", "Zl", "Zp") for c in name) or NOT_IN_NAMES & set(name):
        return "a name with characters that file systems mind"
    if name != name.strip() or name.endswith("."):
        return "a name that begins or ends with a blank, or ends with a full stop"
    if name.split(".")[0].strip().casefold() in DEVICES:
        return "a name that Windows keeps for a device"
    if len(name.encode("utf-8")) > LONGEST_NAME:
        return f"a name of more than {LONGEST_NAME} bytes"
    return None


def confined(root, *parts, file=None):
    """The path of a place within a folder, however its parts came about.

    Parameters
    ----------
    root : path
        The folder; it may itself be a link.
    *parts : str
        Relative paths from data, joined.
    file : path, optional
        Where they were read, for the message.

    Returns
    -------
    Path
        ``root / parts``, not resolved; it need not exist.

    Raises
    ------
    InputError
        If it leads out of the folder, by its names or by links that are there, or is no name that every file
        system takes.
    """
    text = "/".join(map(str, parts))
    wrong = fault(text)
    path = Path(root, text) if not wrong else None
    if path is not None and not path.resolve().is_relative_to(Path(root).resolve()):
        wrong = "a link leads out of the folder"
    if wrong:
        raise InputError(
            file if file is not None else root,
            problem=f"this names no place within {root}: {wrong}",
            found=text[:200],
            allowed=ALLOWED,
        )
    return path


def refuse_strays(review, folders=("data",)):
    """Refuse links that lead out of a review, and what is neither file nor folder.

    Git keeps links: one in ``data/`` could name any file of the computer that builds the review, and its
    content would stand in a published report. A folder that is named here may itself be a link, to another
    disk, say.

    Parameters
    ----------
    review : path
    folders : sequence of str, optional
        Folders of the review that are looked through; one that is not there is passed over.

    Raises
    ------
    InputError
        Naming all of them.
    """
    problems = []
    for name in folders:
        top = Path(review, name)
        inside = top.resolve()
        for entry in _entries(top):
            if entry.is_symlink():
                if not Path(entry.path).resolve().is_relative_to(inside):
                    problems.append(f"{entry.path}: a link that leads out of {name}/")
            elif not stat.S_ISREG(mode := entry.stat(follow_symlinks=False).st_mode) and not stat.S_ISDIR(
                mode
            ):
                problems.append(f"{entry.path}: neither a file nor a folder")
    if problems:
        raise InputError(
            review,
            problems=[f"{line}; hint: put the file itself there, and mind who made it" for line in problems],
        )


def _entries(folder):
    """Whatever is below a folder, by name; links are not followed."""
    if not folder.is_dir():
        return
    with os.scandir(folder) as found:
        entries = sorted(found, key=lambda entry: entry.name)
    for entry in entries:
        yield entry
        if entry.is_dir(follow_symlinks=False):
            yield from _entries(Path(entry.path))
