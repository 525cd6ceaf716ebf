"""Numbers under which registries of trials keep a trial."""

import re
from typing import NamedTuple


class Registry(NamedTuple):
    """How one registry's numbers are written."""

    prefix: str  # what `find` writes before a number
    sign: bytes  # how each of its numbers begins, in lower case and with 0 for every digit
    number: str  # the pattern of a whole number, from its sign on


# What may stand between a registry's name and its number: "EudraCT registration number (no.): ".
LEAD = (
    r"(?:\W|_|(?:clinical|trials?|study|regist(?:er|ry|ration|ered)|database|numbers?|num|nos?|nr|id|identifier"
    r"|code|ref|reference|is|was|as|under)\b){0,20}"
)
# The numbers of CTIS are those whose second part begins with 5; they are longer by a version.
EUDRACT = rf"{LEAD}(20[0-9]{{2}}-[0-4][0-9]{{5}}-[0-9]{{2}})(?!-?[0-9])"
# One pattern per registry, each with the digits that its numbers have; a bare run of digits is never one.
LONG = [  # all have five digits in a row
    Registry("NCT", b"nct", r"NCT[ :#-]?([0-9]{8})\b"),
    Registry("ISRCTN", b"isrctn", r"ISRCTN[ :#-]?([0-9]{8})\b"),
    Registry("ACTRN", b"actrn", r"ACTRN[ :#-]?([0-9]{14})p?\b"),
    Registry("DRKS", b"drks", r"DRKS[ :#-]?([0-9]{8})\b"),
    Registry("EudraCT ", b"eudract", "EudraCT" + EUDRACT),
    Registry("EudraCT ", b"euctr", "EUCTR" + EUDRACT),
    Registry("CTIS ", b"0000-000000-00-00", r"(?<![0-9-])(20[0-9]{2}-5[0-9]{5}-[0-9]{2})-[0-9]{2}\b"),
    Registry("ChiCTR", b"chictr", r"ChiCTR[ :#-]?((?:-?[A-Z]{2,4}-?)?[0-9]{8,12})\b"),
    Registry("CTRI/", b"ctri/", r"CTRI/([0-9]{4}/[0-9]{2,3}/[0-9]{6})\b"),
    Registry("UMIN", b"umin", r"UMIN[ :#-]?([0-9]{9})\b"),
    Registry("jRCT", b"jrct", r"jRCT(s?[0-9]{9,10})\b"),
    Registry("JapicCTI-", b"japiccti", r"JapicCTI[ :#-]?([0-9]{6})\b"),
    Registry("IRCT", b"irct", r"IRCT[ :#-]?([0-9]{8,18}N[0-9]{1,3})\b"),
    Registry("KCT", b"kct", r"\bKCT[ :#-]?([0-9]{7})\b"),
    Registry("PACTR", b"pactr", r"PACTR[ :#-]?([0-9]{15,16})\b"),
    Registry("TCTR", b"tctr", r"TCTR[ :#-]?([0-9]{11})\b"),
    Registry("RPCEC", b"rpcec", r"RPCEC[ :#-]?([0-9]{8})\b"),
]
SHORT = [
    Registry("NTR", b"ntr", r"\bNTR[ :#-]?([1-9][0-9]{1,3})\b"),
    Registry("NL-OMON", b"nl-omon0", r"\bNL-OMON([0-9]{4,6})\b"),
    Registry("RBR-", b"rbr-0", r"\bRBR-([0-9][0-9a-z]{4,7})\b"),
    Registry("SLCTR/", b"slctr/0000/", r"SLCTR/([0-9]{4}/[0-9]{3})\b"),
]
PATTERNS = {one: re.compile(one.number, re.I | re.A) for one in LONG + SHORT}
FOLDED = bytes(48 if 48 <= code < 58 else code + 32 if 65 <= code < 91 else code for code in range(256))
YEAR = re.compile("(?:19|20)[0-9]{2}")
SPEAKS_OF_TRIALS = re.compile(r"regist|trial|dutch|netherlands|nederland", re.I)
BEFORE = 60  # characters before an NTR number in which a trial register must be spoken of


def find(text):
    """Trial numbers that a text names, in one spelling each, in order and each once.

    "NCT 01234567" and "nct01234567" both give "NCT01234567". A number that is taken wrongly would make two
    trials one, so what may be something else is left alone:

    - A number counts only with its registry's name directly before it; a grant or an ethics approval may look
      the same. Between EudraCT or EUCTR and its number may stand words such as "registration number". Only
      the numbers of CTIS (2022-500001-26-00) are told by their shape.
    - NTR with three or four digits directly behind it counts (NTR1234). Two digits, digits set apart
      (NTR 1234) and what could be a year (NTR2019) count only where the text just before speaks of a trial, a
      register or the Netherlands, or names another trial number; a year set apart (NTR 2019) never does.
    - RBR counts with a number that begins with a digit: RBR-2abc3d, not "RBR-based".

    Returns
    -------
    tuple of str
    """
    found = sorted(_matches(text or ""), key=lambda pair: pair[1].start())
    numbers, end = [], -1
    for one, match in found:
        if one.prefix != "NTR" or _is_of_the_dutch_register(match, text, end):
            numbers.append(_written(one, match[1]))
            end = match.end()
    return tuple(dict.fromkeys(numbers))


def registry(number):
    """The prefix that tells from which registry a number (as `find` writes it) is, in lower case."""
    name = next((one.prefix for one in PATTERNS if number.startswith(one.prefix)), "")
    return name.strip(" /-").casefold()


def _matches(text):
    """Pairs of a `Registry` and a match, by registry. Signs are looked for first: patterns are far slower."""
    folded = text.encode("ascii", "replace").translate(FOLDED)
    for one in LONG + SHORT if b"00000" in folded else SHORT:
        place = folded.find(one.sign)
        while place >= 0:
            match = PATTERNS[one].match(text, place)
            if match:
                yield one, match
            place = folded.find(one.sign, place + 1)


def _is_of_the_dutch_register(match, text, end):
    """Whether an NTR number is one of trials; `end` is where the number before it ends.

    NTR is also an enzyme, a receptor and more, with numbers behind it.
    """
    apart, year = not match[0][3].isdigit(), YEAR.fullmatch(match[1])
    if apart and year:
        return False
    if not (apart or year) and len(match[1]) > 2:
        return True
    before = max(0, match.start() - BEFORE)
    return end >= before or bool(SPEAKS_OF_TRIALS.search(text, before, match.start()))


def _written(one, number):
    if one.prefix == "ChiCTR":
        number = number.lstrip("-")
    return one.prefix + number.upper()
