"""What people save while a run works: no result may come from half of a file, or from two versions of it."""

from pathlib import Path

from livingreview.fingerprint import digests

# From the review's folder. Not among them are snapshots of searches, which nobody edits, and sheets, which
# the run itself makes and merges.
FOLDERS = ("data/decisions/", "data/trials/", "data/text/", "data/certainty/", "data/methods/")
OF_NO_RESULT = {"full_texts.csv"}  # where the PDFs are: nothing is made of it


def among(paths):
    """Those of some paths that people edit."""
    return [path for path in map(str, paths) if path.startswith(FOLDERS)]


def seen(review="."):
    """Digests of all that people edit, as `changed` wants them; lock files are left out."""
    review = Path(review)
    every = (path for folder in FOLDERS for path in sorted((review / folder).glob("[!.~]*")))
    return digests(path for path in every if path.is_file() and path.name not in OF_NO_RESULT)


def changed(before, now):
    """Paths that differ between two looks, or stand in one only; sorted."""
    return sorted(path for path in {*before, *now} if before.get(path) != now.get(path))
