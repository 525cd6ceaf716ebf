"""Which reviews of a checkout a hosted schedule runs in a month, and from which unmerged months each goes on.

A hosted runner starts from nothing, so all that an earlier month left must come from the repository: what was
merged, and the branches of months whose pull request is still open.
"""

import re
from pathlib import Path

from livingreview import config as protocol
from livingreview.errors import InputError
from livingreview.operation.reviews import folders
from livingreview.search.snapshot import RUN

# Part of branch names, of names of artifacts and of shell words: nothing that any of them could misread.
NAME = re.compile(r"[a-z0-9]([a-z0-9-]*[a-z0-9])?")
REVIEWS = "reviews"
OWN = "root"  # the name of the review in the checkout's own folder


def reviews(root):
    """The reviews of a checkout, name to folder: its own folder, and each below ``reviews/``.

    Raises
    ------
    InputError
        If a folder's name would not do for a branch, or is taken by the checkout's own review.
    """
    root = Path(root)
    found = {OWN: "."} if (root / folders.CONFIG).is_file() else {}
    for name in _below(root / REVIEWS):
        if not NAME.fullmatch(name) or name == OWN:
            raise InputError(
                f"{REVIEWS}/{name}",
                problem="a schedule names branches after the folder of a review",
                found=name,
                allowed=f"small letters, digits and hyphens between them, and not {OWN!r}",
                hint="rename the folder",
            )
        found[name] = f"{REVIEWS}/{name}"
    return found


def _below(folder):
    try:
        return [one.name for one in folders.find(folder)[0]]
    except InputError:
        # No review is there: the checkout's own may be the only one.
        return []


def branch(name, run):
    """The branch that holds a month of a review until people merge it.

    >>> branch("pain", "2026-12")
    'month/pain/2026-12'
    """
    return f"month/{name}/{run}"


def plan(root, *, run, chosen="", by_hand=False, open_branches=()):
    """What to run.

    Parameters
    ----------
    root : path
        The checkout.
    run : str
        The month, YYYY-MM.
    chosen : str
        Folder of one review, as `reviews` names it; empty for all.
    by_hand : bool
        Whether a person asks. A schedule leaves out what does not ask PubMed.
    open_branches : iterable of str
        Branches of this repository with an open pull request.

    Returns
    -------
    wanted : list of dict
        ``name``, ``folder``, ``live`` (whether PubMed is asked: only then is there anything to merge),
        ``shareable`` (whether results may leave the machine although the repository is public) and ``carry``
        (open branches of this and earlier months, oldest first).
    left_out : list of str
        A sentence for each review that is not run.

    Raises
    ------
    InputError
        If the month is none or the review does not exist.
    """
    if not RUN.fullmatch(run):
        raise InputError("the month", found=run, allowed="YYYY-MM", hint="such as 2026-12")
    found = reviews(root)
    if chosen and chosen not in found.values():
        raise InputError("the review", found=chosen, allowed=", ".join(found.values()) or "none is there")
    wanted, left_out = [], []
    for name, folder in found.items():
        if chosen and folder != chosen:
            continue
        review = _protocol(Path(root) / folder / folders.CONFIG, run=run)
        reason = _reason(review) if review and not by_hand else None
        if reason:
            left_out.append(f"{folder}: {reason}")
            continue
        wanted.append(
            {
                "name": name,
                "folder": folder,
                "live": review is None or _asks_pubmed(review),
                "shareable": review is not None and review["search"].get("bodies") != "local",
                "carry": _carried(name, run, open_branches),
            }
        )
    return wanted, left_out


def _protocol(path, *, run):
    """A review's protocol; None where it cannot be read: its month then fails, and says why, by itself."""
    try:
        return protocol.load(path, run=run)
    except InputError:
        return None


def _asks_pubmed(review):
    return review["search"]["base_url"].startswith("https://")


def _reason(review):
    """Why a schedule leaves a review out, or None."""
    if not _asks_pubmed(review):
        return (
            f"its search is answered by {review['search']['base_url']!r}, not by PubMed; a schedule runs only"
            " what asks PubMed (search.base_url in config.yaml)"
        )
    return None


def _carried(name, run, open_branches):
    own = re.compile(rf"month/{re.escape(name)}/({RUN.pattern})")
    found = {one for one in open_branches if (match := own.fullmatch(one)) and match[1] <= run}
    return sorted(found)
