"""Numbers of trials in running text: which are taken, which are left alone, and that the quick search misses none."""

import random

import pytest

from livingreview.search import registries


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("NTR1234", ["NTR1234"]),
        ("(ntr567).", ["NTR567"]),
        ("Dutch Trial Register, NTR 1234", ["NTR1234"]),
        ("Netherlands register NTR:45 and NTR46", ["NTR45", "NTR46"]),
        ("DRKS00000001, NTR 1234", ["DRKS00000001", "NTR1234"]),
        ("Trial registration: NTR2019", ["NTR2019"]),
        ("Trial registration: NTR 2019", []),
        ("at the NTR 2019 and NTR2019 meetings", []),
        ("NTR 1234 cells, NTR-12 and NTR45 mice", []),
        ("The trial is of long standing. " + "Words. " * 10 + "NTR 1234 cells", []),
        ("NTR1, NTR2 and NTR12345; INTR1234; NTR0123", []),
    ],
)
def test_a_dutch_number_stands_with_its_name_or_among_words_on_trials(text, found):
    assert list(registries.find(text)) == found


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("EudraCT registration number: 2010-000001-12", ["EudraCT 2010-000001-12"]),
        ("EudraCT (Clinical Trials Database) no. 2010-000001-12", ["EudraCT 2010-000001-12"]),
        ("EUCTR2010-000001-12-GB", ["EudraCT 2010-000001-12"]),
        ("EudraCT and ethics approval 2010-000001-12", []),
        ("EudraCT 2010-000001-123 and EudraCT 1990-000001-12", []),
        ("EudraCT 2022-500001-26-00", ["CTIS 2022-500001-26"]),
        ("CTIS2022-500001-26-00 and 2022-500002-27-01", ["CTIS 2022-500001-26", "CTIS 2022-500002-27"]),
        ("part 12022-500001-26-00 or 2022-500001-26", []),
    ],
)
def test_european_numbers_have_a_lead_or_a_shape_of_their_own(text, found):
    assert list(registries.find(text)) == found


def test_a_brazilian_number_begins_with_a_digit():
    assert registries.find("RBR-based RBR-negative rbr-2abc3d RBR-10abcdef") == ("RBR-2ABC3D", "RBR-10ABCDEF")


def test_digits_of_other_scripts_are_no_number():
    assert registries.find("NCT٠٠٠٠٠٠٠١ NCT00000002") == ("NCT00000002",)


def test_every_number_that_is_found_tells_its_registry():
    text = "NCT00000001 NTR1234 jRCTs031180001 CTRI/2018/05/000001 2022-500001-26-00 SLCTR/2015/001"
    prefixes = ["nct", "ntr", "jrct", "ctri", "ctis", "slctr"]
    assert [registries.registry(number) for number in registries.find(text)] == prefixes
    assert registries.registry("AB000001") == ""


def everywhere(text):
    """What the patterns find anywhere in a text, without looking for signs."""
    return [(one, match) for one, pattern in registries.PATTERNS.items() for match in pattern.finditer(text)]


def test_a_search_for_signs_finds_what_a_search_of_the_whole_text_finds(monkeypatch):
    rng = random.Random(20260101)
    words = "control function – albumin α trial (2015) 12345 x/y 1.5–3 NTR NCT EudraCT 00000009 é".split(" ")
    named = """NCT00000001 nct:00000002 ACTRN12600000000001p ChiCTR-TRC-08000001 CTRI/2018/05/000001 NTR12 NTR:345
    UMIN000000001 jRCTs031180001 NL-OMON0001 RBR-2abc3d SLCTR/2015/001 EUCTR2010-000001-11-GB 2022-500001-26-00
    EudraCT-2010-000002-22 IRCT20180101000001N1 PACTR201700000000001 DRKS00000001 KCT0000001 RPCEC00000001
    TCTR20180101001 JapicCTI-000001 ISRCTN00000001 NTR1234 NTR2019""".split()
    found = {}
    for _ in range(600):
        texts = (rng.choice(named if rng.random() < 0.3 else words) for _ in range(rng.randrange(1, 40)))
        text = "".join(text + rng.choice([" ", " ", "", ", ", "-", "; "]) for text in texts)
        found[text] = registries.find(text)
    assert {registries.registry(one) for many in found.values() for one in many} == {
        one.prefix.strip(" /-").casefold() for one in registries.PATTERNS
    }
    monkeypatch.setattr(registries, "_matches", everywhere)
    for text, numbers in found.items():
        assert registries.find(text) == numbers, text
