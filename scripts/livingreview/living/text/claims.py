"""What a clause of hand-written text claims about a result, found by its words.

A claim has a kind and a value; whether the result bears it out is for `support` to say. Words are
looked for in the order of the list at the end, the more particular first: what one pattern has read is not
read by another, so that "moderate heterogeneity" is no claim about the size of an effect.
"""

import re
from dataclasses import dataclass, replace

from livingreview.living.text.numbers import SPELLED, value_of

FLAGS = re.IGNORECASE
MANY = 10  # from so many trials the Cochrane Handbook (13.3.5.4) would test a funnel for asymmetry
NEGATION = re.compile(
    r"\b(?:not|never|neither|nor|no|none|without|cannot|fail(?:s|ed)? to|hardly|unlikely to|lack(?:s|ed)? of"
    r"|absence of|rather than|lacked|lacks)\b|n['’]t\b",
    FLAGS,
)
HEDGE = re.compile(
    r"\b(?:may|might|could|can|possibl[ey]|perhaps|probabl[ey]|likely|potential(?:ly)?|suggest\w*|appear\w*"
    r"|seem\w*|tend\w*|hint\w*|indicat\w+)\b",
    FLAGS,
)
# What is asked, planned, hoped or supposed is not claimed.
NOT_CLAIMED = re.compile(
    r"\b(?:whether|if|how (?:much|far|well|large|small|to)|aim\w*|intend\w*|designed|"
    r"meant|hop(?:e|ed|es|ing)|expect\w*"
    r"|hypothes\w+|in order to|would|should|asks?|asked|try|tries|seeks?|sought|supposed|measures? of"
    r"|goal|purpose|to (?:see|learn|find out|test)|(?:values|effects|scores|"
    r"numbers) (?:below|above|under|over)"
    r"|(?:negative|positive|lower|higher) (?:values|effects|scores|numbers))\b",
    FLAGS,
)
# "To reduce pain" is a purpose, unless what stands before says that it was so.
PURPOSE = re.compile(
    r"(?<!appears )(?<!appear )(?<!seems )(?<!seem )(?<!tends )(?<!tend )(?<!likely )(?<!found )(?<!shown )"
    r"(?<!proved )(?<!proven )(?<!able )(?<!fails )(?<!failed )(?<!continues )(?<!seen )\bto\s+(?:\w+ly )?$",
    FLAGS,
)
# A clause that sets a condition and names no outcome speaks of a case, not of a result.
CONDITION = re.compile(r"\b(?:where|when|if|unless|until|once)\b", FLAGS)
# What would be, or should be, is not claimed to be; "if there is an effect, it is large" is.
WISHED = re.compile(r"\b(?:would|should|whether|will|how|aim\w*|intend\w*|designed|hope[ds]?)\b", FLAGS)
WISHABLE = {"size", "significant", "important", "precise", "heterogeneity", "null", "confident"}
UNCERTAIN = re.compile(
    r"\b(?:un(?:clear|certain|known|sure)|not (?:yet )?(?:clear|known|certain|sure)|inconclusive"
    r"|(?:cannot|can not|could not) (?:be (?:said|judged|told|determined)|say|tell|judge|conclude)"
    r"|(?:do|does) not (?:yet )?know|remains? open|uncertainty)\b",
    FLAGS,
)
EARLIER = re.compile(
    r"\b(?:since|than(?: it was)?(?: in| before)?|from|compared (?:with|to)|as in|of|in|at)\s+"
    r"(?:the |our |its |this review['’]s )?(?:last|previous|preceding|earlier|prior)\s+"
    r"(?:version|release|update|report|run|edition)\b"
    r"|\bsince then\b|\bthan before\b|\bas before\b|\bany ?more\b|\bany longer\b|\bno longer\b",
    FLAGS,
)
EFFECT_NOUN = (
    r"(?:effects?|estimates?|benefits?|harms?|reductions?|decreases?|increases?|differences?|improvements?"
    r"|changes?|results?|findings?|advantages?|gains?|rise|fall|drop|decline|worsening|relief|impact)"
)


@dataclass(frozen=True)
class Claim:
    """One claim: its kind and value, the words that made it, and how it is put."""

    kind: str
    value: object
    words: str
    start: int
    negated: bool = False
    hedged: bool = False


def claims(clause, *, names):
    """The claims of one clause.

    Parameters
    ----------
    clause : str
        With keys taken out.
    names : regular expression
        Names of outcomes, for the words that claim something only before one ("less pain").

    Returns
    -------
    list of Claim
    """
    found = []
    left = clause
    for reader in READERS:
        for claim in reader(left, names):
            found.append(claim)
            left = _blank(left, claim.start, len(claim.words))
    return [
        claim for claim in found if claim.kind not in WISHABLE or not WISHED.search(clause[: claim.start])
    ]


def is_elliptic(clause):
    """Whether a clause says only that the claim before it does, or does not, hold: ``anxiety did not``.

    Returns
    -------
    bool or None
        True where it is denied, False where it is affirmed, None where it is no such clause.
    """
    text = clause.strip(" .,;")
    if re.search(r"\b(?:did|does|do|was|were|is|are|has|have)(?: not|n['’]t)$", text, FLAGS):
        return True
    if re.match(r"(?:and |but )?not\b", text, FLAGS) or re.match(r"nor\b", text, FLAGS):
        return True
    if re.search(r"\b(?:did|does|do|was|were|is|are)(?: so| too)?$", text, FLAGS):
        return False
    return None


def completed(first, second):
    """``little for disability`` with the noun of the clause before it; None where it is no such clause."""
    degree = re.match(
        rf"(?:{'|'.join(words for _, words in (*DEGREES, *SIZES))})(?=\s+(?:for|in|on)\b)", second, FLAGS
    )
    noun = re.search(rf"\b(?:{UNLIKE}|{EFFECT_NOUN})\b", first, FLAGS)
    if not degree or not noun:
        return None
    return f"{degree.group()} {noun.group()}{second[degree.end() :]}"


# Of what is uncertain, counted or precise there are too many things to take it for the pooled outcomes.
BESIDE_AN_OUTCOME = {"uncertain", "k", "precise", "confident", "added"}
SMALL_COUNT = 3  # "two or three trials" is as often a rule as a result


def says_nothing_alone(claim, clause):
    """Whether a claim needs an outcome that is named: ``nothing is certain``, ``one trial was stopped``."""
    if CONDITION.search(clause[: claim.start]):
        return True
    if claim.kind == "k" and claim.value[0] not in ("few", "many"):
        return claim.value[1] <= SMALL_COUNT
    return claim.kind in BESIDE_AN_OUTCOME


SHOWN = re.compile(r"\b(?:show(?:s|ed|n)?|found|saw|seen|demonstrat\w+|had|gave|got)\b", FLAGS)


def is_a_topic(claim, clause):
    """Whether a word claims something only beside the outcome that it speaks of: ``benefits and harms``."""
    if SHOWN.search(clause[: claim.start]):
        return False
    return claim.kind == "direction" and re.fullmatch(
        r"(?:harm|benefit|help|work|cut|ease)s?|helping|relief|better|higher|lower|rises?",
        claim.words.strip(),
        FLAGS,
    )


def _blank(text, start, length):
    return text[:start] + " " * length + text[start + length :]


def _put(claim, text):
    """The claim with how it is put: denied or hedged by what stands before it in the clause."""
    before = text[: claim.start]
    near = " ".join(before.split()[-6:])
    # "Neither" and "nor" deny all that follows, however far.
    denied = NEGATION.search(near) or re.search(r"\b(?:neither|nor)\b", before, FLAGS)
    return replace(claim, negated=claim.negated or bool(denied), hedged=bool(HEDGE.search(before)))


def _all(pattern, text):
    return re.finditer(pattern, text, FLAGS)


def _made(kind, value, match, text, *, put=True, negated=False):
    claim = Claim(kind, value, match.group(), match.start(), negated=negated)
    return _put(claim, text) if put else claim


def _uncertain(text, _names):
    for match in UNCERTAIN.finditer(text):
        yield Claim("uncertain", None, match.group(), match.start())


LEVELS = {"very low": "very low", "low": "low", "moderate": "moderate", "high": "high"}
LEVEL = r"(very[- ]low|low|moderate|high)"


def _certainty(text, _names):
    patterns = [
        rf"\b{LEVEL}(?:[- ](?:certainty|quality|confidence))\b",
        r"\b(?:certainty|confidence|quality)\b[^.;]*?\b(?:is|was|as|remains?|stays?|be|to|"
        rf"of)\s+(?:\w+ly )?{LEVEL}\b",
        rf"\b{LEVEL} (?:level of )?(?:certainty|confidence|quality)\b",
    ]
    for pattern in patterns:
        for match in _all(pattern, text):
            level = LEVELS[match[1].lower().replace("-", " ")]
            yield Claim(
                "certainty",
                level,
                match.group(),
                match.start(),
                bool(re.search(r"\bnot\b", text[: match.start(1)][-20:], FLAGS)),
            )
    for match in _all(r"\b(?:confident|certain|sure)\b(?! (?:of|that) (?:direction))", text):
        yield _made("confident", None, match, text)


# That something is other than it was, or not, without naming what it was.
PERFECT = re.compile(
    r"\b(?:has|have|had)\b[^.;]*\b(?:become|grown|shrunk|changed|increased|decreased"
    r"|strengthened|weakened|risen|fallen|narrowed|widened|improved|worsened)\b"
    r"|\b(?:now|unchanged|stood|stands)\b|\bstays? the same\b",
    FLAGS,
)
MOVES = (
    (
        "same",
        r"\b(?:unchanged|stable|identical|not (?:been )?(?:changed?|altered?|moved?)|the same|"
        r"as before|did(?: not|n['’]t) (?:change|move)|stands?|stood|unaltered)\b|"
        r"(?<=not )changed",
    ),
    (
        "grew",
        r"\b(?:increased?|increases|grown|grew|grows|larger|bigger|stronger|greater|"
        r"strengthened|strengthens|risen|rose|higher|widened|wider|improved)\b",
    ),
    (
        "shrank",
        r"\b(?:decreased?|decreases|shrunk|shrank|shrinks|smaller|weaker|weakened|weakens|"
        r"attenuated|diminished|declined|fallen|fell|lower|narrowed|narrower|reduced|"
        r"worsened)\b",
    ),
    ("moved", r"\b(?:changed|moved|altered|shifted)\b"),
)


def _change(text, _names):
    earlier = EARLIER.search(text)
    perfect = PERFECT.search(text)
    for match in _all(
        r"\bno (?:new|further|additional|more) (?:trials?|studies|study|evidence|data|comparisons?)\b", text
    ):
        yield Claim("added", False, match.group(), match.start())
    for match in _all(
        r"\b(?:new|further|additional|more) (?:trials?|studies|study|comparisons?)\b"
        r"[^.;]*\b(?:added|entered|joined|included|found|come|came|appeared)\b",
        text,
    ):
        yield _made("added", True, match, text)
    for match in _all(
        r"\b(?:trials?|stud(?:y|ies)|comparisons?) (?:was|were|has been|have been) (?:newly )?added\b", text
    ):
        yield _made("added", True, match, text)
    if re.search(r"\b(?:interval|CI|estimate)\b", text, FLAGS) and not re.search(
        r"\bprediction\b", text, FLAGS
    ):
        yield from _now_crosses(text)
    if not (earlier or perfect):
        return
    if not re.search(
        rf"\b(?:{EFFECT_NOUN[3:-1]}|conclusions?|interval|CI|certainty|heterogeneity|"
        r"inconsistency|size|picture|evidence)\b",
        text,
        FLAGS,
    ):
        return
    about = _about(text)
    for value, pattern in MOVES:
        for match in _all(pattern, text):
            denied = value != "same" and bool(NEGATION.search(" ".join(text[: match.start()].split()[-3:])))
            yield Claim("change", (about, value), match.group(), match.start(), denied)
            return


def _now_crosses(text):
    zero = r"(?:zero|no effect|no difference|the null|null)"
    for value, pattern in (
        (
            True,
            rf"\bnow (?:includes?|crosses|contains?|holds?|spans?|reaches) {zero}|"
            rf"\bno longer excludes? {zero}",
        ),
        (False, rf"\bnow excludes? {zero}|\bno longer (?:includes?|crosses|contains?|holds?|spans?) {zero}"),
    ):
        for match in _all(pattern, text):
            yield Claim("now_crosses", value, match.group(), match.start())


def _about(text):
    for what, pattern in (
        ("certainty", r"\b(?:certainty|confidence)\b"),
        ("heterogeneity", r"\b(?:heterogeneity|inconsistency)\b"),
        ("width", r"\b(?:interval|CI)\b"),
        ("conclusion", r"\bconclusions?\b"),
    ):
        if re.search(pattern, text, FLAGS):
            return what
    return "effect"


ZERO = r"(?:zero|no effect|no difference|the null|null)"


def _interval(text, _names):
    subject = r"\b(?:intervals?|CIs?|limits?|estimate|it|range|effects?|results?|data)\b"
    if not re.search(subject, text, FLAGS):
        return
    which = "pi" if re.search(r"\bprediction\b|\bnew setting\b", text, FLAGS) else "ci"
    if not re.search(r"\b(?:intervals?|CIs?|limits?|compatible|range[sd]?|lies?|setting)\b", text, FLAGS):
        return
    for match in _all(
        r"\bfrom (?:benefit|harm) to no effect\b|\breach(?:es|ed)? into\b[^.;]*\bno effect\b", text
    ):
        yield _made("reaches", which, match, text)
    for match in _all(
        r"\bboth\b[^.;]*\bbenefits?\b[^.;]*\bharms?\b|\bfrom\b[^.;]*\bbenefits?\b[^.;]*\bto\b"
        r"[^.;]*\bharms?\b",
        text,
    ):
        yield _made("spans", which, match, text, negated=False)
    for match in _all(
        r"\b(?:includes?|included|cross(?:es|ed)?|contain(?:s|ed)?|holds?|spans?|overlaps?|"
        r"covers?|reach(?:es)?|touch(?:es)?|compatible with|"
        rf"straddles?)\s+(?:\w+\s+){{0,2}}?{ZERO}\b",
        text,
    ):
        yield _made("crosses", which, match, text)
    for match in _all(
        rf"\b(?:excludes?|excluded|rules? out|ruled out|clear of|away from)\s+(?:\w+\s+){{0,2}}?{ZERO}\b",
        text,
    ):
        yield _made("excludes", which, match, text)
    for match in _all(
        r"\b(?:on|to) the side of (benefit|harm|treatment|control)\b|\b(?:lies?|lying|"
        r"falls?) (?:entirely |wholly |completely )?(below|above) zero\b",
        text,
    ):
        side = (match[1] or match[2]).lower()
        yield _made(
            "side", (which, "benefit" if side in ("benefit", "treatment", "below") else "harm"), match, text
        )


def _significance(text, _names):
    for match in _all(
        r"\b(?:strong|good|robust|compelling|solid) evidence (?:of|for|that)\b"
        r"|\bevidence of an? (?:effect|difference|benefit|reduction|improvement|change)\b",
        text,
    ):
        yield _made("significant", None, match, text)
    for match in _all(r"\b(?:non[- ]?|in)significant(?:ly)?\b", text):
        yield Claim("significant", None, match.group(), match.start(), negated=True)
    for match in _all(
        r"\b(?:clinically|practically) (?:\w+ )?(?:significant|important|relevant|"
        r"meaningful)\b|\b(?:important|meaningful|worthwhile) (?:effect|benefit|difference|"
        r"improvement|reduction)s?\b",
        text,
    ):
        yield _made("important", None, match, text)
    for match in _all(r"\b(?:statistically )?significant(?:ly)?\b|\bsignificance\b", text):
        yield _made("significant", None, match, text)
    for match in _all(
        r"\b(?:clear|definite|conclusive|convincing|demonstrable) (?:effect|difference|"
        r"benefit|reduction|improvement|change|evidence)s?\b|\bclearly\b",
        text,
    ):
        yield _made("significant", None, match, text)
    for match in _all(
        r"\b(?:im|un)precise(?:ly)?\b|\bimprecision\b|\bwide (?:confidence )?intervals?\b|"
        r"\bintervals? (?:is|are|was|were) (?:\w+ )?wide\b",
        text,
    ):
        yield _made("precise", False, match, text)
    for match in _all(
        r"\bprecise(?:ly)?\b|\bprecision\b|\bnarrow (?:confidence )?intervals?\b|"
        r"\bintervals? (?:is|are|was|were) (?:\w+ )?narrow\b",
        text,
    ):
        yield _made("precise", True, match, text)


DEGREES = (
    ("low", r"low|little|minimal|small|slight|negligible|mild|minor"),
    ("moderate", r"moderate|some|medium"),
    ("considerable", r"considerabl[ey]|very high|extreme(?:ly)?|very large"),
    (
        "substantial",
        r"substantial(?:ly)?|high(?:ly)?|large|marked(?:ly)?|great(?:ly)?|strong(?:ly)?|much|"
        r"wide(?:ly)?|severe",
    ),
)
UNLIKE = r"(?:heterogeneity|inconsistency|variation|variability|disagreement)"


def _heterogeneity(text, _names):
    for degree, words in DEGREES:
        for match in _all(
            rf"\b(?:{words})(?:\s+(?:statistical|between[- ]\w+|unexplained))*\s+{UNLIKE}\b", text
        ):
            yield _made("heterogeneity", degree, match, text)
        for match in _all(
            rf"\b{UNLIKE}\b[^.;]{{0,60}}?\b(?:is|was|remains?|were|became)\s+(?:\w+ly )?(?:{words})\b", text
        ):
            yield _made(
                "heterogeneity",
                degree,
                match,
                text,
                put=False,
                negated=bool(re.search(r"\bnot\b", match.group(), FLAGS)),
            )
        for match in _all(
            rf"\b(?:{words})\s+(?:heterogeneous|inconsistent|variable)\b|\b(?:var(?:y|ied|ies)|"
            rf"differ(?:s|ed)?|diverged?|disagree[ds]?)\s+(?:{words})\b(?=.*\b(?:trials?|stud(?:y|"
            r"ies))\b)",
            text,
        ):
            yield _made("heterogeneity", degree, match, text)
    for match in _all(
        r"\b(?:heterogeneous|inconsistent|contradict\w*|conflicting|diverse|mixed)\b(?! (?:pain|population|"
        r"condition|group|sample)s?)",
        text,
    ):
        yield _made("heterogeneity", "heterogeneous", match, text)
    for match in _all(
        r"\b(?:results?|effects?|findings?|trials?|studies|estimates?)\b[^.;]*?\b(?:var(?:y|"
        r"ied|ies)(?! in\b)|disagree[ds]?|diverged?)\b|\bdiffer(?:s|ed)? (?:between|across|"
        r"among) (?:the )?(?:trials|studies)\b",
        text,
    ):
        yield _made("heterogeneity", "heterogeneous", match, text)
    for match in _all(
        r"\b(?:consistent(?:ly)?(?! with)|homogen(?:e)?ous|homogeneity|in agreement|"
        r"(?:results?|effects?|findings?|trials|studies|"
        r"estimates)\s+(?:\w+\s+){0,2}?agree[ds]?|similar (?:results|effects|findings|"
        r"estimates)|similar (?:across|between|among|"
        r"in all) (?:the )?(?:trials|studies)|"
        r"consistency)\b",
        text,
    ):
        yield _made("heterogeneity", "homogeneous", match, text)
    for match in _all(rf"\b{UNLIKE}\b", text):
        claim = _made("heterogeneity", "heterogeneous", match, text)
        # The word alone names a topic; denied, or said to be found, it is a claim.
        if claim.negated or re.search(
            r"\b(?:there (?:is|was)|found|saw|showed|shows?|observed|evidence of|due to)\b", text, FLAGS
        ):
            yield claim


TRIALS = r"(?:trials?|stud(?:y|ies)|comparisons?|RCTs?)"
SUBSET = (
    r"(?:(?<!were )(?<!was )(?<!been )found|finds?|show(?:ed|s)?|favou?r(?:ed|s)?|saw|"
    r"sees|observed|suggest(?:ed|s)?|had|point(?:ed|s)?|reported (?:a|an|no|lower|higher|"
    r"less|more|better|worse)\b)"
)


def _votes(text, names):
    """Claims about how the trials' own results point."""
    pattern = (
        r"\b(all|every|each|both|most|the majority|no|none|nearly all|"
        rf"almost all)(?: of)?(?: the)?(?: (?!new|further|additional|more)\w+)?? {TRIALS}\b"
        rf"[^.;]*?\b{SUBSET}"
    )
    for match in _all(pattern, text):
        share = {
            "every": "all",
            "each": "all",
            "both": "all",
            "the majority": "most",
            "nearly all": "most",
            "almost all": "most",
            "none": "no",
        }
        word = match[1].lower()
        rest = text[match.start() :]
        side = "harm" if _harmful(rest, names) else "benefit"
        # Blanks to the end of the clause: its direction is that of the trials, not of the pool.
        yield Claim("votes", (share.get(word, word), side), rest.rstrip(" .,;"), match.start())


def _harmful(text, names):
    benefit, harm = _benefit(text, names), _harm(text, names)
    return bool(next(iter(harm), None)) and not next(iter(benefit), None)


HOW_MANY = {
    "no": ("exactly", 0),
    "a single": ("exactly", 1),
    "only a single": ("exactly", 1),
    "several": ("at least", 3),
    "many": ("many", MANY),
    "numerous": ("many", MANY),
}
BOUNDS = {
    "more than": "above",
    "over": "above",
    "at least": "at least",
    "no fewer than": "at least",
    "fewer than": "below",
    "less than": "below",
    "under": "below",
    "at most": "at most",
    "up to": "at most",
    "no more than": "at most",
}


def _k(text, _names):
    adjective = r"(?:\s+(?!trials|studies)[\w-]+){0,2}?"
    for match in _all(
        r"\b(no|too few|very few|few|many|several|a single|only a single|"
        rf"numerous|(?:only )?a handful of)(?: of the)?{adjective}\s+{TRIALS}\b",
        text,
    ):
        if re.search(rf"{TRIALS} {SUBSET}", text[match.start() :], FLAGS) and match[1].lower() not in (
            "a single",
        ):
            continue
        word = match[1].lower()
        yield Claim("k", HOW_MANY.get(word, ("few", MANY)), match.group(), match.start())
    for match in _all(
        r"\b(?:nobody|no one|none)\s+(?:\w+ )?(?:has |have )?(?:yet |so far )?(?:measured|assessed"
        r"|reported|studied|examined)\b",
        text,
    ):
        yield Claim("k", ("exactly", 0), match.group(), match.start())
    for match in _all(
        rf"\b{TRIALS} (?:is|are|remain) (?:too |very |still )?(few|scarce|many|numerous)\b", text
    ):
        value = ("many", MANY) if match[1].lower() in ("many", "numerous") else ("few", MANY)
        yield Claim("k", value, match.group(), match.start())
    bound = (
        r"(?:(more than|over|at least|no fewer than|fewer than|less than|under|at most|up to|"
        r"no more than|only|just|exactly|all|the)\s+)?"
    )
    for match in _all(rf"\b{bound}({SPELLED}){adjective}\s+{TRIALS}\b", text):
        word = (match[1] or "").lower()
        tail = text[match.end() :]
        subset = re.match(rf"\s+(?:\w+ )?{SUBSET}", tail, FLAGS) and word not in (
            "only",
            "just",
            "exactly",
            "all",
            "the",
        )
        yield Claim(
            "k",
            ("at least" if subset else BOUNDS.get(word, "exactly"), value_of(match[2])),
            match.group(),
            match.start(),
        )


SIZES = (
    ("none", r"trivial|negligible|unimportant|nil"),
    ("very small", r"very (?:small|slight(?:ly)?)|tiny|minute|marginal(?:ly)?|minimal(?:ly)?|minor"),
    ("small to moderate", r"small[- ]to[- ]moderate|small[- ]to[- ]medium"),
    ("moderate to large", r"moderate[- ]to[- ]large|medium[- ]to[- ]large"),
    (
        "large",
        r"very large|large(?:ly)?|substantial(?:ly)?|strong(?:ly)?|marked(?:ly)?|"
        r"considerabl[ey]|great(?:ly)?|dramatic(?:ally)?|big|huge|sizeable|pronounced|a lot|"
        r"much|striking(?:ly)?|powerful(?:ly)?",
    ),
    ("moderate", r"moderate(?:ly)?|medium(?:-sized)?"),
    ("small", r"small|slight(?:ly)?|modest(?:ly)?|a little|somewhat|limited|weak(?:ly)?"),
)
CHANGING = (
    r"(?:reduc\w*|decreas\w*|lower\w*|improv\w*|reliev\w*|alleviat\w*|increas\w*|worse\w*|"
    r"rais\w*|fell|fall\w*|dropped|rose"
    r"|declin\w*|lessen\w*|better|eas(?:ed|es|e)|benefi\w*|help\w*|less|more|effective|"
    r"superior|ameliorat\w*|diminish\w*)"
)


def _size(text, _names):
    for value, words in SIZES:
        patterns = [
            rf"\b({words})(?:,? (?:but |and |yet )?\w+)?\s+(?:\w+\s+)??(?={EFFECT_NOUN}\b)",
            rf"\b{EFFECT_NOUN}\b[^.;]{{0,50}}?\b(?:is|was|were|are|be|remains?|seems?|appears?|"
            rf"looks?)\s+(?:\w+ly |at most |at best |rather |quite )?({words})\b(?! {TRIALS})",
            rf"\b({words})\s+(?={CHANGING}\b)",
            rf"\b{CHANGING}\b[^.;]{{0,40}}?\b({words})(?=\s*(?:$|[.,;]|in|with|by|after|compared|"
            rf"among|than|for|on|at|and|but))(?! {TRIALS})",
            rf"\bto an? ({words}) (?:degree|extent)\b",
        ]
        for pattern in patterns:
            for match in _all(pattern, text):
                word = match.start(1)
                if re.match(
                    rf"\s+(?:\w+ )?(?:{TRIALS}|sample|number|share|certainty|group)",
                    text[match.end(1) :],
                    FLAGS,
                ):
                    continue
                claim = Claim("size", value, match[1], word)
                yield _put(claim, text)


def _null(text, names):
    about = r"(?:effects?|differences?|changes?|impact|influence)"
    for match in _all(
        r"\b(?:(?:no|little) evidence (?:that|of|for|to suggest|in favour)|no (?:sign|hint|"
        r"indication|proof) (?:that|of)|nothing (?:suggests|indicates|shows))\b[^.;]*",
        text,
    ):
        rest = match.group()
        if re.search(rf"\b(?:{UNLIKE}|bias|small[- ]study)\b", rest, FLAGS):
            continue
        # An effect on an outcome that is not named as harm is one to its good.
        yield Claim(
            "no_evidence", "harm" if _harmful(rest, names) else "benefit", rest.rstrip(" .,;"), match.start()
        )
    for match in _all(
        r"\b(?:little or no|little to no|no(?: \w+)?|without(?: an| any)?|not (?:any|"
        rf"an?)) {about}\b|\b(?:unaffected|ineffective|unhelpful|useless|(?:of )?no (?:use|"
        r"help))\b|\bno (?:better|worse|"
        r"different) than\b|\b(?:barely|hardly|scarcely) (?:changed?|moved?|differ(?:ed|s)?|"
        r"affect(?:ed|s)?)\b|\brul(?:es?|ed) out (?:any|an|every)(?: \w+)?? (?:effect|benefit|"
        r"difference)\b|\bnot differ\b(?! (?:between|across|among) (?:the )?(?:trials|"
        r"studies))"
        r"|\bthe same in both\b|\bin both (?:arms|groups)\b[^.;]*\bthe same\b|\b(?:similar|"
        r"equivalent|comparable|equal) (?:to|with|in both|"
        r"between)\b|\b(?:not|n['’]t) (?:affect|change|influence|alter)\b",
        text,
    ):
        if re.match(
            r"(?:no|little)\s+(?:statistically|significant|clear|clinically|important|definite|convincing)",
            match.group(),
            FLAGS,
        ):
            continue
        hedged = bool(HEDGE.search(text[: match.start()]))
        yield Claim("null", None, match.group(), match.start(), hedged=hedged)


def _benefit(text, names):
    yield from _all(
        r"\b(?:reduc(?:e|es|ed|ing|tions?)|decreas(?:e|es|ed|ing)|lower(?:s|ed|ing)?|"
        r"lessen(?:s|ed|ing)?|improv(?:e|es|ed|ing|ements?)"
        r"|reliev(?:e|es|ed|ing)|relief|alleviat(?:e|es|ed|ing|ion)|eas(?:e|es|ed|ing)|"
        r"diminish(?:es|ed|ing)?|f[ae]ll|falls|(?:went|goes|gone|came) down|dropped|drops|declined?|declines"
        r"|benefits?|benefited|beneficial|help(?:s|ed|ful|ing)?|effective(?:ly|ness)?|"
        r"efficacious|better|superior(?:ity)?|outperform\w*"
        r"|mitigat\w+|ameliorat\w+|(?:milder|fewer)|cuts?|works?|worked|did well|favou?r(?:s|"
        r"ed|ing|able)?(?! (?:the )?(?:control|comparator|usual|waiting))|"
        r"in favour of (?:the )?(?:\w+ )?treatment)\b",
        text,
    )
    yield from _all(rf"\bless(?:\s+\w+)?\s+(?={names.pattern})", text)


def _harm(text, names):
    yield from _all(
        r"\b(?:increas(?:e|es|ed|ing)|wors(?:e|en|ens|ened|ening)|rais(?:e|es|ed|ing)|rose|"
        r"rises?|risen|aggravat\w+|harm(?:s|ed|ful|ing)?"
        r"|exacerbat\w+|inferior|higher|heighten\w*|deteriorat\w+|detriment\w*|elevat\w+|"
        r"intensif\w+|(?:in )?favou?r(?:s|ed|ing)?(?: of)? (?:the )?(?:control|comparator|"
        r"usual care|waiting list))\b",
        text,
    )
    yield from _all(rf"\bmore(?:\s+\w+)?\s+(?={names.pattern})", text)


def _direction(text, names):
    for side, reader in (("harm", _harm), ("benefit", _benefit)):
        for match in reader(text, names):
            before = text[: match.start()]
            if NOT_CLAIMED.search(before) or PURPOSE.search(before):
                continue
            yield _made("direction", side, match, text)


READERS = (
    _uncertain,
    _certainty,
    _votes,
    _change,
    _interval,
    _heterogeneity,
    _null,
    _k,
    _significance,
    _size,
    _direction,
)
