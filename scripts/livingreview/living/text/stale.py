"""Hand-written text held against the results of today: what no longer holds is named, sentence by sentence.

Two things are looked for. A *bare number* is one that was typed and not quoted by key (`numbers`). A
*claim* is a word of direction, size, interval, heterogeneity, number of trials, certainty or change
(`claims`), held against every outcome that its clause names (`support`). A clause that names none
speaks of the outcome of the clause or sentence before it; with none there either, words about effects are
held against every pooled outcome. Sentences that end in a citation ``[@key]``, block quotes and questions
claim nothing about this review.

This is a reader of words, not of meaning: it finds the claims that its patterns know, and what it passed is
not thereby true.
"""

import re
from dataclasses import dataclass, replace

from livingreview.living.text import claims, numbers, support
from livingreview.living.text.claims import FLAGS, Claim

KEY = re.compile(r"\{\{[ \t]*([^{}\n]*?)[ \t]*\}\}")
CITED = re.compile(r"\[[^\]]*@[^\]]+\]\s*[.!]?\s*$")
# People with a condition are whom a sentence is about, not what was measured in them.
PEOPLE = (
    r"\b(?:people|persons?|patients|participants|adults|adolescents|children|young people|women|men|those"
    r"|individuals|populations?|samples?|trials of people|living|someone|"
    r"anyone)\s+(?:who (?:have|had|live with)"
    r"|with|having|living with|suffering from)\s+(?:(?!(?:in|on|of|for|had|have|has|\w+ed)\b)[\w-]+\s+){0,3}?"
)
BREAK = re.compile(
    r"\s*[;:]\s+|\s+[–—]\s+|,?\s+\b(?:but|whereas|while|although|though|however|"
    r"(?<!not )(?<!has )(?<!have )yet|"
    r"even though)\b\s*,?|^(?:Although|While|Whereas|Though)\b",
    FLAGS,
)
BACK = re.compile(
    r"\b(?:it|its|this|these|they|the (?:effects?|estimates?|intervals?|results?|trials?|"
    r"differences?|benefits?|harms?"
    r"|reductions?|improvements?|certainty|evidence|heterogeneity|findings?|confidence|prediction))\b",
    FLAGS,
)
EVIDENCE = re.compile(
    r"\b(?:effects?|estimates?|outcomes?|evidence|trials?|stud(?:y|ies)|results?|findings?|interventions?"
    r"|treatments?|treated|therap(?:y|ies)|programmes?|control|certainty|heterogeneity|"
    r"interval|version|symptoms)\b",
    FLAGS,
)
ALL = re.compile(
    r"\b(?:all|every|each|any|both|none|no)(?: of)?(?: the)?(?: \w+)? outcomes?\b|\bacross outcomes\b", FLAGS
)
SOME = re.compile(r"\b(?:some|several|most|many|at least one|a few|one)(?: of)?(?: the)? outcomes?\b", FLAGS)
# A stop after one of these ends no sentence, whatever follows.
ABBREVIATIONS = "".join(
    rf"(?<!\b{short})"
    for short in (r"e\.g\.", r"i\.e\.", r"vs\.", r"cf\.", r"et al\.", r"Fig\.", r"No\.", r"Dr\.", r"St\.")
)
SENTENCE_END = re.compile(rf"(?<=[.!?]){ABBREVIATIONS}[\"”’)\]]*(\s+)(?=[\"“‘(\[]*[A-Z0-9{{\ue000])")


# Characters of a sentence. What is longer nobody reads, and to check it takes the square of the time.
LONGEST = 800
SHORTER = f"make two sentences of it; at most {LONGEST} characters are read as one"


@dataclass(frozen=True)
class Fault:
    """One thing that a sentence says and the results do not."""

    sentence: str
    word: str
    kind: str
    outcome: str | None
    found: str
    right: str


@dataclass
class Names:
    """The names of outcomes as a pattern, and which outcome each name means."""

    pattern: str
    outcomes: dict

    @classmethod
    def of(cls, outcomes):
        """From a mapping of outcome to its names; a name that two outcomes share is an error.

        Raises
        ------
        ValueError
            Naming the shared name.
        """
        known = {}
        for outcome, names in outcomes.items():
            for name in names:
                if known.setdefault(name.lower(), outcome) != outcome:
                    raise ValueError(f"{name!r} names both {known[name.lower()]} and {outcome}")
        longest = sorted(known, key=lambda name: (-len(name), name))
        return cls("(?:" + "|".join(rf"\b{re.escape(name)}\b" for name in longest) + ")", known)

    def mentions(self, text):
        """Outcomes named in a text as what was measured, in order: list of (outcome, start)."""
        found = []
        for match in re.finditer(self.pattern, text, FLAGS):
            before = text[: match.start()]
            if re.search(f"{PEOPLE}$", before, FLAGS) or re.search(
                r"\b(?:chronic|persistent)\s+$", before, FLAGS
            ):
                continue
            found.append((self.outcomes[match.group().lower()], match.start()))
        return found


def spans(paragraph):
    """Where the sentences of a paragraph stand; its lines are joined by single blanks.

    Returns
    -------
    list of (int, int)
    """
    ends = [(match.start(1), match.end(1)) for match in SENTENCE_END.finditer(paragraph)]
    starts = [0, *(end for _, end in ends)]
    stops = [*(start for start, _ in ends), len(paragraph)]
    return [(a, b) for a, b in zip(starts, stops, strict=True) if paragraph[a:b].strip()]


def sentences(paragraph):
    """The sentences of a paragraph whose lines are joined by single blanks."""
    return [paragraph[start:stop].strip() for start, stop in spans(paragraph)]


def check(paragraph, results, *, names, rules, topic=()):
    """The faults of one paragraph.

    Parameters
    ----------
    paragraph : list of str
        Its sentences, keys as they were written.
    results : dict of str to support.Result
        By outcome.
    names : Names
    rules : dict
        The protocol's ``interpretation``: ``no_effect``, ``small``, ``moderate``, ``large``,
        ``minimum_studies``.
    topic : sequence of str
        Outcomes that the section or heading is about.

    Returns
    -------
    list of (int, Fault)
        Position of the sentence, and what is wrong.
    """
    found, last = [], list(topic)
    for position, sentence in enumerate(paragraph):
        if len(sentence) > LONGEST:
            words = f"{sentence[:60].rstrip()} …"
            told = f"{len(sentence)} characters"
            found.append((position, Fault(words, told, "length", None, told, SHORTER)))
            continue
        if CITED.search(sentence):
            continue
        faults = [
            Fault(sentence, number, "number", None, "a number that was typed", _by_key(number))
            for number in numbers.bare_numbers(KEY.sub(" ", sentence))
        ]
        made, last = _claims(sentence, names, results, last)
        for claim, outcomes, some in made:
            faults += _faults(sentence, claim, outcomes, some=some, results=results, rules=rules)
        found += [(position, fault) for fault in dict.fromkeys(faults)]
    return found


def claims_in(sentence, *, names, results, topic=()):
    """The claims of one sentence by itself, each with the outcomes that it is held against.

    Returns
    -------
    list of (Claim, list of str)
    """
    return [(claim, outcomes) for claim, outcomes, _ in _claims(sentence, names, results, list(topic))[0]]


def _by_key(number):
    return (
        f'quote the result by key; a number that is no result: {{{{ literal "{number}": why it is none }}}}'
    )


def _faults(sentence, claim, outcomes, *, some, results, rules):
    wrong = [name for name in outcomes if not support.borne_out(claim, results[name], rules)]
    if some and len(wrong) < len(outcomes):
        return []
    return [
        Fault(
            sentence,
            claim.words.strip(),
            claim.kind,
            name,
            support.described(results[name], claim.kind, rules),
            support.right(results[name], claim.kind, rules),
        )
        for name in wrong
    ]


def _claims(sentence, names, results, last):
    """(claim, outcomes, whether one of them is enough) of a sentence, and the outcomes it leaves in mind."""
    named_by_key = [key.split(".")[0] for key in KEY.findall(sentence) if key.split(".")[0] in results]
    text = KEY.sub(lambda match: " " * len(match.group()), sentence)
    if len(sentence) > LONGEST:
        return [], last
    if sentence.rstrip().endswith("?"):
        return [], [name for name, _ in names.mentions(text)] or last
    clauses = _clauses(text, names)
    mentioned = [list(dict.fromkeys(name for name, _ in names.mentions(clause))) for clause in clauses]
    out, previous = [], []
    for index, clause in enumerate(clauses):
        read = _together(claims.claims(clause, names=names))
        denied = claims.is_elliptic(clause)
        if not read and denied is not None and mentioned[index]:
            base = [claim for claim in previous if claim.kind in ("direction", "significant", "change")]
            read = [
                replace(claim, negated=claim.negated != denied, words=clause.strip(" .,")) for claim in base
            ]
        if not read:
            continue
        previous = read
        about, some = _about(index, clause, mentioned, named_by_key=named_by_key, last=last, results=results)
        if not (any(mentioned) or named_by_key or (last and BACK.search(clause))):
            read = [claim for claim in read if not claims.says_nothing_alone(claim, clause)]

        if not mentioned[index]:
            read = [claim for claim in read if not claims.is_a_topic(claim, clause)]
        out += [(claim, about, some) for claim in read if about]
    everything = list(dict.fromkeys([name for part in mentioned for name in part] or named_by_key))
    return out, everything or last


def _about(index, clause, mentioned, *, named_by_key, last, results):
    pooled = [name for name, result in results.items() if support.pooled(result.now)]
    if mentioned[index]:
        return mentioned[index], False
    if ALL.search(clause):
        return pooled, False
    if SOME.search(clause):
        return pooled, True
    if named_by_key:
        return list(dict.fromkeys(named_by_key)), False
    for other in (*mentioned[:index][::-1], *mentioned[index + 1 :]):
        if other:
            return other, False
    if last and BACK.search(clause):
        return last, False
    return (pooled, False) if EVIDENCE.search(clause) else ([], False)


def _clauses(text, names):
    """Parts of a sentence that make claims of their own."""
    parts = [part for part in BREAK.split(text) if part and part.strip()]
    out = []
    for part in parts:
        out += _halves(part, names)
    return out


def _halves(part, names):
    """Two halves of ``A improved and B worsened``, where each names an outcome and says something of it."""
    for match in re.finditer(r",?\s+and\s+", part, FLAGS):
        sides = part[: match.start()], part[match.end() :]
        if all(names.mentions(side) and claims.claims(side, names=names) for side in sides):
            return [sides[0], *_halves(sides[1], names)]
        if names.mentions(sides[1]) and claims.is_elliptic(sides[1]) is not None:
            return [sides[0], *_halves(sides[1], names)]
        full = claims.completed(*sides)
        if full and names.mentions(sides[1]):
            return [sides[0], full]
    return [part]


def _together(read):
    """Claims of one clause, without those that another one already says more exactly."""
    kinds = {claim.kind for claim in read}
    if "uncertain" in kinds:
        return [claim for claim in read if claim.kind in ("uncertain", "k", "certainty")]
    weaker = any(claim.kind in ("significant", "important", "precise") and claim.negated for claim in read)
    if weaker or kinds & {"no_evidence", "votes", "side", "spans", "reaches", "null"}:
        read = [claim for claim in read if claim.kind != "direction"]
    if kinds & {"change", "now_crosses"}:
        read = [claim for claim in read if claim.kind not in ("direction", "size", "crosses", "excludes")]
    if any(claim.kind == "size" and claim.value == "none" for claim in read):
        read = [claim for claim in read if claim.kind != "direction"]
    return read


__all__ = ["Claim", "Fault", "Names", "check", "claims_in", "sentences"]
