"""The public site of reviews: their frozen releases, copied, with an address that leads to the newest.

Nothing is computed. Below the address of a review its releases stand at the same paths as in its folder, so
that links in frozen pages, in feeds and in citations hold.
"""

import re
import shutil
from html import escape
from pathlib import Path

from livingreview import config as protocol
from livingreview import paths, tables
from livingreview.errors import ReviewError
from livingreview.living import releases, versions
from livingreview.operation.hosted import plan
from livingreview.report import archive, feed

TAG = re.compile(r"v?(?:(?P<name>[a-z0-9][a-z0-9-]*)-)?(?P<version>\d\d\.\d+\.\d+)")


def tagged(root, tag):
    """The folder and the version of a review that a tag names; None if it names none.

    Parameters
    ----------
    root : path
        The checkout.
    tag : str
        ``26.1.0`` of the checkout's own review, ``pain-26.1.0`` of ``reviews/pain``; with or without a ``v``.

    Raises
    ------
    InputError
        If the review has no such release.
    """
    found = TAG.fullmatch(tag)
    folder = found and plan.reviews(root).get(found["name"] or plan.OWN)
    if not folder:
        return None
    releases.find(Path(root) / folder, found["version"])
    return folder, found["version"]


def collect(root, output):
    """Copy what the reviews of a checkout have released.

    Parameters
    ----------
    root : path
        The checkout.
    output : path
        A folder that does not exist yet.

    Returns
    -------
    dict
        Folder of each review that has a release with a report, to its versions, newest first.

    Raises
    ------
    ReviewError
        If a frozen file is not what it was when it was frozen or a link leads elsewhere, or no review has a
        release with a report.
    """
    root, output = Path(root), Path(output)
    shown = {}
    for folder in plan.reviews(root).values():
        review = root / folder
        # What a link leads to, a file of this computer perhaps, would be copied in its place.
        paths.refuse_strays(review, ("data/releases",))
        own = sorted(
            versions.own(releases.read_all(review)),
            key=lambda one: versions.parse(one["version"]),
            reverse=True,
        )
        if any(_has_report(one) for one in own):
            _copy(review, own, output / folder)
            shown[folder] = [one["version"] for one in own]
    if not shown:
        raise ReviewError(
            f"{root}: no review here has a release with a report; freeze one with:"
            ' make release VERSION=26.1.0 NOTE="..."'
        )
    if "." not in shown:
        tables.write_text(_contents(root, shown), output / "index.html")
    return shown


def _copy(review, own, target):
    for release in own:
        wrong = releases.damaged(release)
        if wrong:
            raise ReviewError(
                f"{release['path']}: {', '.join(wrong)} differ from the release's checksums; nothing is"
                " published. Take the folder from version control again, as it was committed"
            )
        shutil.copytree(release["path"], target / "data/releases" / release["version"])
    config = protocol.load(review / "config.yaml")
    entries = [feed.release_entry(one) for one in own]
    tables.write_bytes(feed.feed(entries, config["review"], top=""), target / "feed.atom")
    newest = next(one for one in own if _has_report(one))
    address = f"data/releases/{newest['version']}/{archive.REPORT}"
    tables.write_text(_leading_to(address, title=config["review"]["title"]), target / "index.html")


def _has_report(release):
    return (Path(release["path"]) / archive.REPORT).is_file()


def _leading_to(address, *, title):
    """A page that leads on by itself; addresses of versions stay what they are."""
    return (
        '<!doctype html>\n<html lang="en">\n<meta charset="utf-8">\n'
        f'<meta http-equiv="refresh" content="0; url={escape(address)}">\n'
        f"<title>{escape(title)}</title>\n"
        '<link rel="alternate" type="application/atom+xml" href="feed.atom">\n'
        f'<p><a href="{escape(address)}">{escape(title)}</a></p>\n</html>\n'
    )


def _contents(root, shown):
    """A page with a link to each review, for a checkout whose own folder has released nothing."""
    titles = {folder: protocol.load(root / folder / "config.yaml")["review"]["title"] for folder in shown}
    rows = "".join(
        f'<li><a href="{escape(folder)}/">{escape(title)}</a>, version {escape(shown[folder][0])}</li>\n'
        for folder, title in titles.items()
    )
    return (
        '<!doctype html>\n<html lang="en">\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width">\n<title>Living systematic reviews</title>\n'
        f"<h1>Living systematic reviews</h1>\n<ul>\n{rows}</ul>\n</html>\n"
    )
