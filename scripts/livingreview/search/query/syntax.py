"""PubMed's query language: text to tree, and tree to PubMed's QueryTranslation.

The sandbox evaluates the same tree that the check before sending looks at, so both read a query alike.
"""

import re
from dataclasses import dataclass, field
from typing import NamedTuple

from livingreview.search.query import fields

OPERATORS = ("AND", "OR", "NOT")

TOKEN = re.compile(
    r"""(?P<space>\s+)
    |(?P<open>\()
    |(?P<close>\))
    |"(?P<phrase>[^"]*)"
    |\[(?P<tag>[^\[\]]*)\]
    |(?P<colon>(?<=[\s"\]\d]):(?=[\s"\d]))
    |(?P<word>(?:(?!:[\d"])[^\s()"\[\]])+)
    """,
    re.X,
)
DATE = re.compile(r"(\d{4})(?:/(\d{1,2})(?:/(\d{1,2}))?)?")
RELATIVE = re.compile(r"last (\d+) (day|week|month|year)s?", re.I)


class QueryError(Exception):
    """A query that has no tree: PubMed answers such a one with "Search Backend failed".

    Attributes
    ----------
    found, hint : str
        The piece of the query, and what to do about it.
    start : int
        Where in the query it begins.
    """

    def __init__(self, text, *, found, hint=None, start=0):
        super().__init__(text)
        self.found = found
        self.hint = hint
        self.start = start


@dataclass(frozen=True)
class Term:
    """One search term.

    Attributes
    ----------
    text : str
        As written, without quotation marks and tag.
    name : str
        Long name of the field; "All Fields" where no tag, or an unknown one, was written.
    tag : str or None
        The tag as written; None where there was none.
    quoted : bool
        Whether it stood in quotation marks.
    modifier : str or None
        What followed a colon in the tag, such as "noexp" or "~3".
    start, end : int
        Where in the query it stands. Two terms that differ in this alone are equal.
    """

    text: str
    name: str = "All Fields"
    tag: str | None = None
    quoted: bool = False
    modifier: str | None = None
    start: int = field(default=0, compare=False)
    end: int = field(default=0, compare=False)

    def written(self):
        """The term as it stood in the query."""
        text = f'"{self.text}"' if self.quoted else self.text
        return text if self.tag is None else f"{text}[{self.tag}]"


@dataclass(frozen=True)
class Range:
    """A range of dates or UIDs, both ends included.

    Attributes
    ----------
    low, high : str
        Dates as YYYY/MM/DD, or UIDs.
    name : str
        Long name of the field.
    text : tuple of str
        Both ends as they were written.
    start, end : int
        Where in the query it stands.
    """

    low: str
    high: str
    name: str
    text: tuple = field(default=(), compare=False)
    start: int = field(default=0, compare=False)
    end: int = field(default=0, compare=False)

    def written(self):
        """The range as PubMed's translation writes it."""
        return f"{self.low}:{self.high}[{self.name}]"


@dataclass(frozen=True)
class Join:
    """Two or more operands under one operator.

    Attributes
    ----------
    operator : str
        AND, OR or NOT.
    parts : tuple
        The operands in order; under NOT the second and later ones are taken away from the first.
    """

    operator: str
    parts: tuple


class Ignored(NamedTuple):
    """A tag that PubMed ignores without saying so: as written, why, what to write, where."""

    written: str
    reason: str
    hint: str
    start: int


class Mixed(NamedTuple):
    """A change of operator without parentheses: the operators before and from `start` on."""

    before: str
    operator: str
    start: int


@dataclass
class Query:
    """A parsed query: its tree, and what a reader of the text may not expect of it.

    Attributes
    ----------
    tree : Term, Range or Join
    ignored : list of Ignored
        Tags that do nothing, in order.
    mixed : list of Mixed
        Places where the order of evaluation decides, in order.
    """

    tree: object
    ignored: list = field(default_factory=list)
    mixed: list = field(default_factory=list)


def parse(text):
    """The tree of a query.

    Operators have one precedence and bind from left to right, as in PubMed; terms side by side mean AND.

    Raises
    ------
    QueryError
        For unbalanced parentheses or quotation marks, operators without operands, ranges without a field.
    """
    return _Parser(text, _tokens(text)).query()


def translate(node, *, missing=()):
    """A tree in the form of PubMed's QueryTranslation; `missing` terms stay as they were written."""
    if isinstance(node, Join):
        parts = [translate(part, missing=missing) for part in node.parts]
        grouped = [isinstance(part, Join) for part in node.parts]
        texts = [f"({text})" if group else text for text, group in zip(parts, grouped, strict=True)]
        return f" {node.operator} ".join(texts)
    if isinstance(node, Range):
        return node.written()
    return node.written() if node in missing else _translate_term(node)


def terms(node):
    """All terms and ranges of a tree, from left to right."""
    if isinstance(node, Join):
        return [term for part in node.parts for term in terms(part)]
    return [node]


def extent(node):
    """Where a tree begins and ends in the query; parentheses around the whole of it are not counted."""
    leaves = terms(node)
    return leaves[0].start, leaves[-1].end


def days(text):
    """First and last day that a date may mean, as (year, month, day).

    "2020" reaches from 1 January to 31 December; the last day of a month is written 31 throughout, as the
    tuples are only compared.

    Raises
    ------
    QueryError
        If `text` is not YYYY, YYYY/MM or YYYY/MM/DD.
    """
    match = DATE.fullmatch(text.strip())
    year, month, day = (int(part) if part else None for part in match.groups()) if match else (None,) * 3
    if year is None or not 1 <= (month or 1) <= 12 or not 1 <= (day or 1) <= 31:
        raise QueryError("this is not a date", found=text, hint="write YYYY, YYYY/MM or YYYY/MM/DD")
    return (year, month or 1, day or 1), (year, month or 12, day or 31)


def _translate_term(term):
    if term.name in fields.DATES and DATE.fullmatch(term.text.strip()):
        low, high = days(term.text)
        return f"{_slashed(low)}:{_slashed(high)}[{term.name}]"
    if term.name == "UID":
        return f"{term.text}[UID]"
    if term.name == "All Fields" and not term.quoted:
        words = [f'"{word}"[All Fields]' for word in term.text.split()]
        return words[0] if len(words) == 1 else f"({' AND '.join(words)})"
    suffix = f":{term.modifier}" if term.modifier else ""
    text = re.sub(r"[\[\]]", " ", term.text).strip()
    return f'"{text}"[{term.name}{suffix}]'


def _slashed(day):
    return "{:04d}/{:02d}/{:02d}".format(*day)


class _Token(NamedTuple):
    kind: str
    value: str
    start: int
    end: int


def _tokens(text):
    tokens = []
    position = 0
    while position < len(text):
        match = TOKEN.match(text, position)
        if not match:
            raise _untokenised(text, position)
        position = match.end()
        kind = match.lastgroup
        if kind != "space":
            value = match[kind]
            kind = "operator" if kind == "word" and value in OPERATORS else kind
            tokens.append(_Token(kind, value, match.start(), match.end()))
    return tokens


def _untokenised(text, position):
    found = text[position : position + 30]
    if text[position] == '"':
        return QueryError(
            "a quotation mark is opened and never closed",
            found=found,
            hint="every phrase needs two",
            start=position,
        )
    if text[position] in "[]":
        return QueryError(
            "a square bracket has no partner",
            found=found,
            hint="a tag is written like [tiab]",
            start=position,
        )
    return QueryError(
        "this cannot be read here", found=found, hint="a range is written 2020:2021[dp]", start=position
    )


class _Parser:
    """Recursive descent over tokens."""

    def __init__(self, text, tokens):
        self._source = text
        self._tokens = tokens
        self._next = 0
        self._ignored = []
        self._mixed = []

    def query(self):
        tree = self._operands()
        if self._peek() == "close":
            raise QueryError(
                "a parenthesis is closed that was never opened",
                found=self._around(),
                hint="count the parentheses, or write each concept on a line of its own",
                start=self._tokens[self._next].start,
            )
        return Query(tree, self._ignored, sorted(self._mixed, key=lambda one: one.start))

    def _operands(self):
        tree = self._operand()
        joined = False  # whether `tree` is a chain begun here, not a group in parentheses
        while self._peek() not in (None, "close"):
            start = self._tokens[self._next].start
            operator = self._take().value if self._peek() == "operator" else "AND"
            extend = joined and tree.operator == operator
            if joined and not extend and (tree.operator, operator) != ("AND", "NOT"):
                self._mixed.append(Mixed(tree.operator, operator, start))
            tree = Join(operator, (*(tree.parts if extend else (tree,)), self._operand()))
            joined = True
        return tree

    def _operand(self):
        kind = self._peek()
        if kind == "open":
            return self._group()
        if kind in ("word", "phrase"):
            return self._term()
        if kind == "tag":
            raise self._error("a field tag has no term before it", hint='"chronic pain"[tiab]')
        before = [token.value for token in self._tokens[max(0, self._next - 1) : self._next + 1]]
        raise self._error(
            "a search term is missing here",
            hint="PubMed takes NOT alone, as in a NOT b"
            if before == ["AND", "NOT"]
            else "AND, OR and NOT stand between two terms or groups; a group is not empty",
        )

    def _group(self):
        opened = self._take()
        tree = self._operands()
        if self._peek() != "close":
            raise QueryError(
                "a parenthesis is opened and never closed",
                found=self._source[opened.start : opened.start + 40],
                hint="count the parentheses, or write each concept on a line of its own",
                start=opened.start,
            )
        self._take()
        if self._peek() == "tag":
            tag = self._take()
            self._ignored.append(
                Ignored(
                    f"(…)[{tag.value}]",
                    "PubMed ignores a field tag after a parenthesis and searches all fields",
                    f"write the tag after each term: {_tagged_each(tree, tag.value)}",
                    tag.start,
                )
            )
        return tree

    def _term(self):
        start = self._tokens[self._next].start
        text, quoted = self._text()
        low_tag = self._take().value if self._peek() == "tag" else None
        if self._peek() == "colon":
            return self._range(text, low_tag, start)
        return self._tagged(text, quoted, low_tag, start)

    def _text(self):
        if self._peek() == "phrase":
            return self._take().value.strip(), True
        words = []
        while self._peek() == "word":
            words.append(self._take().value)
        return " ".join(words), False

    def _range(self, low, low_tag, start):
        self._take()
        if self._peek() not in ("word", "phrase"):
            raise QueryError(
                "a range has no upper end",
                found=f"{low}:",
                hint="a range is written 2020:2021[dp]",
                start=start,
            )
        high, _ = self._text()
        tag = self._take().value if self._peek() == "tag" else low_tag
        name = fields.name(tag) if tag else None
        if name not in fields.DATES and name != "UID":
            raise QueryError(
                "a range needs the tag of a date or of the PMID",
                found=f"{low}:{high}[{tag or ''}]",
                hint="2020/01/01:2020/12/31[crdt] or 1:100000[uid]",
                start=start,
            )
        try:
            ends = _ends(low, high, name)
        except QueryError as error:
            error.start = start
            raise
        return Range(*ends, name, (low, high), start, self._end())

    def _tagged(self, text, quoted, tag, start):
        if tag is None:
            return Term(text, quoted=quoted, start=start, end=self._end())
        base, _, modifier = tag.partition(":")
        name = fields.name(base)
        if name is None:
            self._ignored.append(
                Ignored(
                    f"{text}[{tag}]",
                    f"PubMed knows no field tag [{base}]; it would search all fields instead",
                    _instead(text, base),
                    start,
                )
            )
            return Term(text, start=start, end=self._end())
        if modifier and not _known_modifier(name, modifier):
            self._ignored.append(
                Ignored(
                    f"{text}[{tag}]",
                    f"PubMed ignores :{modifier} in [{tag}]",
                    "[mh:noexp], [majr:noexp], [sh:noexp] and [pt:noexp] exist, and [tiab:~3], [ti:~3],"
                    " [ad:~3] for a quoted phrase",
                    start,
                )
            )
            modifier = None
        modifier = modifier.lower() or None if modifier else None
        return Term(text, name, tag, quoted, modifier, start, self._end())

    def _peek(self):
        return self._tokens[self._next].kind if self._next < len(self._tokens) else None

    def _take(self):
        self._next += 1
        return self._tokens[self._next - 1]

    def _end(self):
        return self._tokens[self._next - 1].end

    def _error(self, text, *, hint):
        at_end = self._next >= len(self._tokens)
        start = len(self._source.rstrip()) if at_end else self._tokens[self._next].start
        return QueryError(text, found=self._around(), hint=hint, start=start)

    def _around(self):
        near = self._tokens[max(0, self._next - 3) : self._next + 3]
        shown = {"phrase": '"{}"', "tag": "[{}]"}
        text = " ".join(shown.get(token.kind, "{}").format(token.value) for token in near)
        return text + ("" if self._next < len(self._tokens) else " (end of the query)")


SHOWN_TERMS = 3  # of a group, in a hint


def _tagged_each(tree, tag):
    """A group with the tag after each of its terms, the first few written out."""
    leaves = [leaf for leaf in terms(tree) if isinstance(leaf, Term)]
    if not isinstance(tree, Join) or len(leaves) < 2:
        return f"(asthma[{tag}] OR copd[{tag}])"
    parts = [leaf.written() if leaf.tag else f"{leaf.written()}[{tag}]" for leaf in leaves[:SHOWN_TERMS]]
    return f"({f' {tree.operator} '.join(parts)}{' …' if len(leaves) > SHOWN_TERMS else ''})"


def _instead(text, tag):
    several = [name for name in re.split(r"[\s,;/|]+|\bOR\b", tag) if fields.name(name)]
    if len(several) > 1:
        return f"one tag to a term: ({' OR '.join(f'{text}[{name}]' for name in several)})"
    closest = fields.closest(tag)
    return f"did you mean [{closest}]?" if closest else "see Search field tags in the PubMed User Guide"


def _ends(low, high, name):
    if name == "UID":
        if not (low.isdigit() and high.isdigit()):
            raise QueryError(
                "a range of PMIDs needs two numbers", found=f"{low}:{high}", hint="1:100000[uid]"
            )
        return low, high
    return _slashed(days(low)[0]), _slashed(days(high)[1])


def _known_modifier(name, modifier):
    if modifier.lower() == "noexp":
        return name in fields.NO_EXPLOSION
    return bool(re.fullmatch(r"~\d+", modifier)) and name in fields.PROXIMITY
