"""The bytes of a PubmedArticleSet, cut into its articles as they come.

Every byte of the document is accounted for: its head, what stands between the articles, and its end. Nothing
is interpreted here; the cuts are where the articles begin and end, and comments and CDATA sections that
mention an end do not count.
"""

import re
import zlib
from gzip import BadGzipFile
from typing import NamedTuple
from xml.parsers import expat

from lxml import etree

from livingreview import xml_reading
from livingreview.errors import ReviewError

CHUNK = 1 << 20
# Far more than any article has: the longest lists of authors and their affiliations come to some megabytes.
MOST = 32 << 20
SETS = ("PubmedArticleSet", "PubmedBookArticleSet", "MedlineCitationSet")
ARTICLES = ("PubmedArticle", "PubmedBookArticle")
DELETIONS = ("DeleteCitation", "DeleteDocument")
ENCODINGS = ("utf-8", "utf8", "us-ascii", "ascii")
SPACE = re.compile(rb"[ \t\r\n]*")
START = re.compile(rb"<(PubmedArticle|PubmedBookArticle|DeleteCitation|DeleteDocument)(?=[ \t\r\n/>])")
# Nothing in it is tried twice: a document of opening brackets alone is refused as fast as it is read.
START_TAG = re.compile(rb"""<[^\s/<>"']++(?:[^<>"']|"[^"]*"|'[^']*')*+>""")
CLOSE = re.compile(rb"[ \t\r\n]*>")
ASIDES = {b"<!--": b"-->", b"<![CDATA[": b"]]>", b"<?": b"?>"}
LONGEST_START = 64  # bytes that tell what begins at a place


class Broken(ReviewError):
    """A document that is not whole, not well-formed, or not a set of PubMed's articles."""


class Slice(NamedTuple):
    """One article's bytes, its element, its number in the document from 1, and its first byte's place."""

    name: str
    number: int
    offset: int
    body: bytes


class _Stop(Exception):
    """Enough was read of the head."""


def parser():
    """A parser for one element: strict, no network, no document types, bounded in depth and length."""
    return xml_reading.parser(encoding="utf-8", remove_comments=True, remove_pis=True, collect_ids=False)


class Stream:
    """Articles of a document, one after another.

    Parameters
    ----------
    file : binary file object
        Plain XML; what `gzip.open` returns is read too. Only `read` is called.

    Attributes
    ----------
    deleted : tuple of str
        PMIDs that the document declares deleted; complete after the last article.
    wrapper : tuple of bytes
        Start and end tag of the root where the root declares something that holds for the articles in it;
        otherwise two empty ones.
    """

    def __init__(self, file):
        self.deleted = ()
        self.wrapper = (b"", b"")
        self._file = file
        self._data = b""
        self._at = 0
        self._before = 0
        self._ended = False
        self._number = 0

    def __iter__(self):
        """Yield a `Slice` for each article; raises `Broken`."""
        root = self._head()
        if root in ARTICLES:
            self._number = 1
            yield self._cut(root.encode())
        elif self._open(root):
            yield from self._content(root.encode())
        self._tail()

    def _content(self, root):
        while True:
            self._skip_space()
            start = START.match(self._data, self._at)
            if start is None:
                if self._closes(root):
                    return
                self._aside(f"between articles, after number {self._number}")
                continue
            name = start[1]
            if name.decode() in DELETIONS:
                self._delete(name)
                continue
            self._number += 1
            yield self._cut(name)

    def _head(self):
        """Read up to the root element; its name."""
        self._more()
        if not self._data.strip():
            raise Broken(self._told("it is empty"))
        if b"\0" in self._data[:4] or self._data[:2] in (b"\xff\xfe", b"\xfe\xff"):
            raise Broken(self._told("it is not UTF-8", found=self._data[:20]))
        head = _Head()
        while not head.feed(self._data, self._told):
            size = len(self._data)
            if size > MOST or not self._more():
                raise Broken(self._told("it has no root element", found=self._data[:80]))
        self._at = head.root_at
        return head.root

    def _open(self, root):
        """Pass the root's start tag; False where the root is empty and closed by it."""
        tag = START_TAG.match(self._data, self._at)
        while tag is None and len(self._data) < MOST and self._more():
            tag = START_TAG.match(self._data, self._at)
        if tag is None:
            raise Broken(self._told("its root element is not whole", found=self._data[self._at :][:80]))
        self._at = tag.end()
        body = tag[0]
        if body.endswith(b"/>"):
            return False
        if b"=" in body:
            self.wrapper = (body, b"</" + root.encode() + b">")
            self._well_formed(body + self.wrapper[1])
        return True

    def _cut(self, name):
        """The bytes of the element that begins here."""
        end = self._end_of(name)
        body = self._data[self._at : end]
        made = Slice(name.decode(), self._number, self._before + self._at, body)
        self._at = end
        return made

    def _end_of(self, name):
        """Index just after the end of the element that begins here."""
        closed = START_TAG.match(self._data, self._at)
        if closed and closed[0].endswith(b"/>"):
            return closed.end()
        end = self._find_end(b"</" + name)
        body = self._data[self._at : end]
        # A search for one character is many times faster than one for two.
        if (b"!" in body and b"<!" in body) or (b"?" in body and b"<?" in body):
            return self._end_beside_asides(b"</" + name)
        return end

    def _find_end(self, tag, start=0):
        """Index just after the first end tag; `start` counts from here."""
        while True:
            found = self._data.find(tag, self._at + start)
            if found < 0:
                start = max(start, len(self._data) - self._at - len(tag))
                self._grow()
                continue
            end = CLOSE.match(self._data, found + len(tag))
            if end:
                return end.end()
            if len(self._data) - found > LONGEST_START or self._ended:
                self._not_whole()
            start = found - self._at
            self._grow()

    def _end_beside_asides(self, tag):
        """The same where comments, CDATA sections or processing instructions may mention an end tag."""
        token = re.compile(b"|".join([re.escape(start) for start in ASIDES] + [tag + rb"(?=[ \t\r\n>])"]))
        start = 0
        while True:
            found = token.search(self._data, self._at + start)
            if found is None:
                start = max(start, len(self._data) - self._at - LONGEST_START)
                self._grow()
            elif found[0] == tag:
                return self._find_end(tag, found.start() - self._at)
            else:
                start = self._end_of_aside(found.start() - self._at, found[0])

    def _end_of_aside(self, start, opening):
        """Offset from here just after a comment and its like that begins at offset `start`."""
        closing, sought = ASIDES[opening], start + len(opening)
        while (found := self._data.find(closing, self._at + sought)) < 0:
            sought = max(sought, len(self._data) - self._at - len(closing) + 1)
            self._grow()
        return found - self._at + len(closing)

    def _closes(self, root):
        """Whether the root ends here; passes its end tag."""
        if not self._data.startswith(b"</" + root, self._at):
            return False
        end = CLOSE.match(self._data, self._at + 2 + len(root))
        if end:
            self._at = end.end()
        return bool(end)

    def _delete(self, name):
        end = self._end_of(name)
        element = self._well_formed(self.wrapper[0] + self._data[self._at : end] + self.wrapper[1])
        self._at = end
        pmids = [(pmid.text or "").strip() for pmid in element.iter("PMID")]
        wrong = [pmid for pmid in pmids if not (pmid.isascii() and pmid.isdigit())]
        if wrong:
            raise Broken(self._told(f"its {name.decode()} names what is no PMID", found=wrong[0]))
        self.deleted += tuple(pmids)

    def _tail(self):
        """What follows the root: white space, comments, processing instructions."""
        self._skip_space()
        while self._at < len(self._data):
            self._aside("after its end")
            self._skip_space()

    def _aside(self, where):
        """Pass a comment or processing instruction; anything else does not belong here."""
        opening = next((one for one in (b"<!--", b"<?") if self._data.startswith(one, self._at)), None)
        if opening is None:
            rest = self._data[self._at :]
            if self._ended and (not rest or b"</PubmedBookArticleSet></PubmedArticleSet>".find(rest) >= 0):
                self._not_whole()
            found = self._data[self._at : self._at + 80]
            raise Broken(self._told(f"something stands {where} that does not belong there", found=found))
        length = self._end_of_aside(0, opening)
        self._well_formed(b"<a>" + self._data[self._at : self._at + length] + b"</a>")
        self._at += length

    def _well_formed(self, body):
        try:
            return etree.fromstring(body, parser())
        except etree.XMLSyntaxError as error:
            raise Broken(self._told(error.msg, found=body[:80])) from error

    def _skip_space(self):
        """Move to what is not white space, with enough of it at hand to tell what it is."""
        while True:
            self._at = SPACE.match(self._data, self._at).end()
            if len(self._data) - self._at >= LONGEST_START or not self._more():
                return

    def _grow(self):
        """Read on within an element, or say that the document ends in it."""
        if len(self._data) - self._at > MOST:
            text = f"article number {self._number} is longer than {MOST >> 20} MB"
            raise Broken(self._told(text))
        if not self._more():
            self._not_whole()

    def _more(self):
        """Read one chunk; False at the end. What was passed is let go."""
        if self._ended:
            return False
        try:
            chunk = self._file.read(CHUNK)
        except (EOFError, zlib.error, BadGzipFile) as error:
            raise Broken(self._told(f"its compressed bytes are not whole: {error}")) from error
        if not chunk:
            self._ended = True
            return False
        self._before += self._at
        self._data = self._data[self._at :] + chunk
        self._at = 0
        return True

    def _not_whole(self):
        where = (
            f"in or after article number {self._number}" if self._number else "before its first article ends"
        )
        raise Broken(self._told(f"it is not whole: it ends {where}"))

    def _told(self, text, *, found=None):
        name = getattr(self._file, "name", None)
        document = name if isinstance(name, str) else "PubMed's document"
        at = f" (byte {self._before + self._at})"
        shown = f"; found {found.decode('utf-8', 'replace') if isinstance(found, bytes) else found!r}"
        return f"{document}: {text}{at}{shown if found else ''}; hint: fetch it again"


class _Head:
    """What stands before the root element, checked by a parser of its own."""

    def __init__(self):
        self.root = ""
        self.root_at = 0
        self._fault = ""

    def feed(self, data, told):
        """Read from the beginning; True when the root element was found."""
        checker = expat.ParserCreate()
        checker.XmlDeclHandler = self._declaration
        checker.StartDoctypeDeclHandler = self._document_type
        checker.EntityDeclHandler = self._entity
        checker.StartElementHandler = lambda name, _: self._element(name, checker.CurrentByteIndex)
        try:
            checker.Parse(data, False)
        except _Stop:
            pass
        except expat.ExpatError as error:
            raise Broken(told(f"it is not well-formed XML ({error})", found=data[:80])) from error
        if self._fault:
            raise Broken(told(self._fault))
        if self.root and self.root not in SETS + ARTICLES:
            allowed = ", ".join(SETS + ARTICLES)
            text = f"its root element is {self.root}; allowed: {allowed}"
            raise Broken(told(text, found=data[self.root_at :][:200]))
        return bool(self.root)

    def _declaration(self, _version, encoding, _standalone):
        if encoding and encoding.lower() not in ENCODINGS:
            self._fault = f"its encoding is {encoding}; PubMed's documents are UTF-8"
            raise _Stop

    def _document_type(self, _name, _system, _public, internal):
        # Defaults of attributes, declared in the document, would change what the articles say.
        if internal:
            self._fault = "its document type has declarations of its own; PubMed's documents have none"

    def _entity(self, name, *_):
        self._fault = f"it declares an entity ({name}); PubMed's documents declare none"
        raise _Stop  # before anything could expand it

    def _element(self, name, index):
        self.root, self.root_at = name, index
        raise _Stop
