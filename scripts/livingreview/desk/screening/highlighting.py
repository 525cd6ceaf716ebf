"""Words of the protocol and of the model, marked in what a person reads."""

import functools
import re
from typing import NamedTuple

from livingreview.search.query import fields, syntax
from livingreview.search.query.matching import STOPWORDS

PROTOCOL, FOR, AGAINST = "protocol", "for", "against"
# Beyond this many characters a text is shown and not searched for terms; see `ranking.reading.LONGEST`.
LONGEST = 50_000
TERM = re.compile(r"(?:(?:title|other reviews): )?(?P<text>.+) \((?P<moved>[+-]\d+\.\d+)\)")
WORD = re.compile(r"[^\W\d_][\w-]*")
SHORTEST = 4  # letters of a word of the eligibility criteria


class Piece(NamedTuple):
    """A piece of a text, and what it is marked as: PROTOCOL, FOR, AGAINST, or None."""

    text: str
    kind: str | None


def model_terms(cell):
    """The terms of a queue's column ``terms`` that can stand in a text: a dict of terms to FOR or AGAINST.

    >>> model_terms("randomized (+0.74); other reviews: face (-0.67)")
    {'randomized': 'for', 'face': 'against'}
    """
    found = [TERM.fullmatch(part) for part in (cell or "").split("; ")]
    return {one["text"]: FOR if one["moved"][0] == "+" else AGAINST for one in found if one}


def protocol_terms(query, eligibility):
    """What the protocol looks for: the query's words in texts, and the words of the eligibility criteria.

    Parameters
    ----------
    query : str
        In PubMed's syntax; ``*`` at the end of a word stays.
    eligibility : dict
        include, exclude: lists of sentences.

    Returns
    -------
    tuple of str
        In small letters, each once.
    """
    try:
        terms = syntax.terms(syntax.parse(query).tree)
    except syntax.QueryError:
        terms = []
    asked = [term.text for term in terms if isinstance(term, syntax.Term) and term.name in fields.TEXTS]
    sentences = " ".join([*eligibility["include"], *eligibility["exclude"]])
    words = [word for word in WORD.findall(sentences) if len(word) >= SHORTEST]
    every = [one.lower().strip() for one in (*asked, *words)]
    return tuple(dict.fromkeys(one for one in every if one and one not in STOPWORDS))


def marked(text, terms):
    """A text in pieces.

    Parameters
    ----------
    text : str or None
    terms : dict
        Terms to kinds; of two that begin in one place the longer one is marked.

    Returns
    -------
    list of Piece
        Which joined give the text again, character by character.
    """
    text = text or ""
    if not terms or not text or len(text) > LONGEST:
        return [Piece(text, None)] if text else []
    pattern, kinds = _pattern(tuple(terms.items()))
    pieces, end = [], 0
    for match in pattern.finditer(text):
        if match.start() > end:
            pieces.append(Piece(text[end : match.start()], None))
        pieces.append(Piece(match[0], kinds[int(match.lastgroup[1:])]))
        end = match.end()
    if end < len(text):
        pieces.append(Piece(text[end:], None))
    return pieces


@functools.lru_cache(maxsize=64)
def _pattern(terms):
    """One pattern for all terms, each a group of its own, and the kinds of the groups."""
    longest_first = sorted(terms, key=lambda one: -len(one[0]))
    groups = [(_of_term(text), kind) for text, kind in longest_first]
    groups = [(pattern, kind) for pattern, kind in groups if pattern]
    parts = [f"(?P<t{place}>{pattern})" for place, (pattern, _) in enumerate(groups)]
    whole = rf"(?<!\w)(?:{'|'.join(parts)})(?!\w)" if parts else r"(?!)"
    return re.compile(whole, re.I), [kind for _, kind in groups]


def _of_term(text):
    """The pattern of one term: its words with anything between them; ``*`` is the end of a word."""
    words = [(word.rstrip("*"), word[-1] == "*") for word in re.findall(r"\w+\*?", text)]
    return r"\W{1,3}".join(re.escape(word) + (r"\w*" if cut else "") for word, cut in words)
