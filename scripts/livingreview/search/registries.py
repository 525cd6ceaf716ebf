"""Numbers under which registries of trials keep a trial."""

import re

# One pattern per registry, each with the digits that its numbers have; a bare run of digits is never one.
PATTERNS = {
    "ClinicalTrials.gov": r"NCT[ :#-]?(?P<nct>\d{8})\b",
    "ISRCTN": r"ISRCTN[ :#-]?(?P<isrctn>\d{8})\b",
    "ANZCTR": r"ACTRN[ :#-]?(?P<actrn>\d{14})p?\b",
    "DRKS": r"DRKS[ :#-]?(?P<drks>\d{8})\b",
    "EudraCT": r"(?:EudraCT|EUCTR)\D{0,12}(?P<eudract>\d{4}-\d{6}-\d{2})\b",
    "CTIS": r"\b(?P<ctis>20\d{2}-5\d{5}-\d{2})-\d{2}\b",
    "ChiCTR": r"ChiCTR[ :#-]?(?P<chictr>(?:-?[A-Z]{2,4}-?)?\d{8,12})\b",
    "CTRI": r"CTRI/(?P<ctri>\d{4}/\d{2,3}/\d{6})\b",
    "UMIN": r"UMIN[ :#-]?(?P<umin>\d{9})\b",
    "jRCT": r"jRCT(?P<jrct>s?\d{9,10})\b",
    "JapicCTI": r"JapicCTI[ :#-]?(?P<japic>\d{6})\b",
    "NTR": r"\bNTR[ :#-]?(?P<ntr>\d{2,5})\b",
    "NL-OMON": r"\bNL-OMON(?P<omon>\d{4,6})\b",
    "IRCT": r"IRCT[ :#-]?(?P<irct>\d{8,18}N\d{1,3})\b",
    "KCT": r"\bKCT[ :#-]?(?P<kct>\d{7})\b",
    "PACTR": r"PACTR[ :#-]?(?P<pactr>\d{15,16})\b",
    "ReBec": r"\bRBR-(?P<rbr>[0-9a-z]{5,8})\b",
    "SLCTR": r"SLCTR/(?P<slctr>\d{4}/\d{3})\b",
    "TCTR": r"TCTR[ :#-]?(?P<tctr>\d{11})\b",
    "RPCEC": r"RPCEC[ :#-]?(?P<rpcec>\d{8})\b",
}
PREFIX = {
    "nct": "NCT",
    "isrctn": "ISRCTN",
    "actrn": "ACTRN",
    "drks": "DRKS",
    "eudract": "EudraCT ",
    "ctis": "CTIS ",
    "chictr": "ChiCTR",
    "ctri": "CTRI/",
    "umin": "UMIN",
    "jrct": "jRCT",
    "japic": "JapicCTI-",
    "ntr": "NTR",
    "omon": "NL-OMON",
    "irct": "IRCT",
    "kct": "KCT",
    "pactr": "PACTR",
    "rbr": "RBR-",
    "slctr": "SLCTR/",
    "tctr": "TCTR",
    "rpcec": "RPCEC",
}
NUMBER = re.compile("|".join(PATTERNS.values()), re.I)


def find(text):
    """Trial numbers that a text names, in one spelling each, in order and each once.

    "NCT 01234567" and "nct01234567" both give "NCT01234567". A number whose registry is not named beside it
    is left alone, since it may be a grant or an ethics approval.

    Returns
    -------
    tuple of str
    """
    found = []
    for match in NUMBER.finditer(text or ""):
        name, digits = match.lastgroup, match.group(match.lastgroup)
        found.append(PREFIX[name] + (digits.lstrip("-").upper() if name == "chictr" else digits.upper()))
    return tuple(dict.fromkeys(found))


def registry(number):
    """The prefix that tells from which registry a number (as `find` writes it) is, in lower case."""
    name = next((prefix for prefix in PREFIX.values() if number.startswith(prefix)), "")
    return name.strip(" /-").casefold()
