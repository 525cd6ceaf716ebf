"""An Atom feed of a review's versions and of what is new in a run.

Source: Nottingham M, Sayre R. The Atom Syndication Format. RFC 4287, 2005; ids are tag URIs (RFC 4151), or,
for a review that has no address, UUIDs made from its title (RFC 4122, version 5).
"""

import re
import uuid
from pathlib import Path
from urllib.parse import quote, urlsplit

from lxml import etree

from livingreview.living import releases
from livingreview.report import archive

ATOM = "http://www.w3.org/2005/Atom"
XML = "http://www.w3.org/XML/1998/namespace"
MEDIA = "application/atom+xml"
# Whatever is none of the characters of XML 1.0.
UNPRINTABLE = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def feed(entries, review, *, top):
    """The feed.

    Parameters
    ----------
    entries : list of dict
        Newest first, one at least: ``part`` (what tells it from the review's other entries, such as
        ``release/26.1.0``), ``date`` (the month or day from which its id is), ``title``, ``updated``
        (an ISO date, or date and time), ``summary`` (plain text), ``link`` (an address, relative to the
        review's folder).
    review : dict
        The protocol's part ``review``: title, and url and authors if it has them.
    top : str
        Path from the feed to the review's folder, such as ``../../``; the links of a review without an
        address begin with it.

    Returns
    -------
    bytes
        XML in UTF-8.
    """
    root = etree.Element(_tag("feed"), nsmap={None: ATOM})
    root.set(f"{{{XML}}}lang", "en")
    url = review.get("url")
    if url:
        root.set(f"{{{XML}}}base", url)
    _add(root, "id", url or entry_id(review, part="feed", date=""))
    _add(root, "title", f"{review['title']}: living systematic review")
    _add(root, "updated", max(instant(entry["updated"]) for entry in entries))
    for author in review.get("authors") or [{"name": review["title"]}]:
        _add(_add(root, "author"), "name", author["name"])
    _add(root, "generator", "living-review")
    if url:
        _link(root, "self", f"{url}feed.atom", MEDIA)
    for entry in entries:
        found = _add(root, "entry")
        _add(found, "id", entry_id(review, part=entry["part"], date=entry["date"]))
        _add(found, "title", entry["title"])
        _add(found, "updated", instant(entry["updated"]))
        _link(found, "alternate", entry["link"] if url else top + entry["link"], "text/html")
        _add(found, "summary", entry["summary"])
    etree.indent(root, " ")
    return etree.tostring(root, xml_declaration=True, encoding="UTF-8") + b"\n"


def release_entry(release):
    """A release, as from `releases.read`, as an entry of the feed."""
    folder = f"data/releases/{release['version']}"
    kept = (Path(release["path"]) / archive.REPORT).is_file()
    return {
        "part": f"release/{release['version']}",
        "date": release["frozen_on"],
        "title": f"Version {release['version']}",
        "updated": release["frozen_on"],
        "summary": release["note"],
        "link": f"{folder}/{archive.REPORT if kept else releases.RELEASE}",
    }


def entry_id(review, *, part, date):
    """An id that no other entry has and that never changes while the review keeps its address, or its title.

    >>> entry_id({"title": "T", "url": "https://example.org/pain/"}, part="release/26.1.0", date="2026-11-28")
    'tag:example.org,2026-11-28:pain/release/26.1.0'
    """
    url = review.get("url")
    if not url:
        return uuid.uuid5(uuid.NAMESPACE_URL, f"living-review:{review['title']}:{part}").urn
    address = urlsplit(url)
    return f"tag:{address.hostname},{date}:{address.path.lstrip('/')}{part}"


def instant(text):
    """An ISO date, or date and time, as RFC 3339 wants it; a date is its midnight in UTC.

    >>> instant("2026-11-28")
    '2026-11-28T00:00:00Z'
    >>> instant("2026-11-28T17:01:02+00:00")
    '2026-11-28T17:01:02+00:00'
    """
    return f"{text}T00:00:00Z" if len(text) == len("2026-11-28") else text


def _tag(name):
    return f"{{{ATOM}}}{name}"


def _add(parent, name, text=None):
    element = etree.SubElement(parent, _tag(name))
    if text is not None:
        element.text = printable(text)
    return element


def printable(text):
    """A text without the control characters that XML 1.0 cannot hold, each as a question mark.

    >>> printable("a\\x00b")
    'a?b'
    """
    return UNPRINTABLE.sub("?", text)


def _link(parent, relation, address, media):
    link = _add(parent, "link")
    link.set("rel", relation)
    link.set("type", media)
    link.set("href", quote(address, safe="/:?#[]@!$&'()*+,;=%-._~"))
