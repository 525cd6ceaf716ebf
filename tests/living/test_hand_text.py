"""Files of hand-written text: their heads, keys, addresses and sentences, and what stops a run."""

import pandas as pd
import pytest

from livingreview.errors import InputError
from livingreview.living.text import checking, parts
from livingreview.living.text.support import Result

FILE = "data/text/background.md"
VALUES = {"pain.estimate": "−0.35", "pain.ci": "−0.48 to −0.22", "pain.pi": None, "run": "2026-11"}
RULES = {"no_effect": 0.1, "small": 0.2, "moderate": 0.5, "large": 0.8, "minimum_studies": 3}
NOW = {"estimate": -0.35, "ci_low": -0.48, "ci_high": -0.22, "pi_low": None, "pi_high": None}
NOW |= {"k": 24, "n_studies": 20, "I2": 48}
OUTCOMES = {"pain": {"label": "Pain intensity", "short": "Pain", "synonyms": ["soreness"]}}
PAIN = Result(
    name="pain", label="Pain intensity", now=NOW, before=None, n_favour=22, n_against=2, certainty="low"
)


def section(body, head="title: Background"):
    return parts.parse(FILE, f"---\n{head}\n---\n{body}", outcomes=["pain"])


def checked(body, **head):
    return checking.check(
        [section(body, **head)],
        values=VALUES,
        results={"pain": PAIN},
        names=checking.names(OUTCOMES),
        rules=RULES,
    )[0]


def refused(body, **head):
    with pytest.raises(InputError) as caught:
        checked(body, **head)
    return str(caught.value)


def test_a_section_is_counted_and_says_what_it_used():
    found = checked(
        "The effect on pain was small ({{ pain.estimate }}).\n\n> Others say: 12% improved.\n\n"
        'A day has {{ literal "24": hours in a day }} hours.\n'
    )
    assert found["values"] == {"pain.estimate": "−0.35"}
    assert found["literals"] == [{"line": 8, "text": "24", "reason": "hours in a day"}]
    assert (found["sentences"], found["others"], found["claims"]) == (3, 1, 1)


def test_a_sentence_that_no_longer_holds_is_named_with_what_would():
    assert refused("First line.\nSoreness was\nreduced.\n\nThe benefit for\npain is large.") == (
        f"{FILE}: row 8: “The benefit for pain is large.” says “large”, a size (Pain intensity); the result is"
        " g −0.35 (−0.48 to −0.22), in the protocol's words: small; hint: small fits, or the key"
        " {{ pain.size_word }}"
    )


def test_a_typed_number_is_named_with_its_line():
    text = refused("A line.\n\nThe effect on pain\nwas -0.35.")
    assert text.startswith(f"{FILE}: row 6: “The effect on pain was -0.35.” says “-0.35”")
    assert 'literal "-0.35"' in text


def test_a_sentence_that_is_too_long_to_be_read_is_refused():
    text = refused("The effect on pain, " + "and so on, " * 100 + "was small.")
    assert "says “1130 characters”" in text
    assert "make two sentences of it; at most 800" in text


@pytest.mark.parametrize(
    ("body", "says"),
    [
        ("{{ pain.estmate }}", "row 4: unknown key pain.estmate; hint: did you mean pain.estimate"),
        ("{{ pain.pi }}", "{{ pain.pi }} has no value in this run"),
        ("{{ 7*7 }}", "unknown key 7*7"),
        ("{{ config.__class__ }}", "unknown key config.__class__"),
        ('{{ literal "24" }}', "a literal without its reason"),
        ("{{ pain.estimate", "braces that belong to no key"),
        ("[x](javascript:alert(1))", "an address that is not taken"),
        ("[x](data:text/html,x)", "an address that is not taken"),
        ("[x](//example.org)", "an address that is not taken"),
        ("As shown [@nobody2020].", "unknown reference @nobody2020"),
    ],
)
def test_what_leads_nowhere_stops_the_run(body, says):
    assert says in refused(body)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("no head", "the file has no head"),
        ("---\ntitel: x\n---\n", "did you mean title?"),
        ("---\ntitle: x\nabout: [pian]\n---\n", "did you mean pain?"),
        ("---\ntitle: x\nsince: 2026\n---\n", "a month as YYYY-MM"),
        ("---\ntitle: [\n---\n", "not YAML"),
        ("---\n- x\n---\n", "holds no fields"),
        ("---\ntitle: x\nreferences: [x]\n---\n", "field references"),
        ("---\ntitle: x\n---\na\x07b", "U+0007"),
        ("---\ntitle: x\n---\n\ue0000\ue001", "U+E000"),
    ],
)
def test_a_broken_file_is_refused_in_words(text, says):
    with pytest.raises(InputError, match=r"background\.md") as caught:
        parts.parse(FILE, text, outcomes=["pain"])
    assert says in str(caught.value)


def test_a_file_needs_the_name_of_a_section():
    with pytest.raises(InputError, match="cannot be a section's"):
        parts.parse("data/text/My Text.md", "---\ntitle: x\n---\n", outcomes=[])


def test_an_empty_section_is_a_section_without_sentences():
    assert checked("")["sentences"] == 0


def test_headings_lists_and_cells_are_read_and_code_is_not():
    body = "# One\n\n- two\n- three\n\n| four | five |\n|---|---|\n| six | seven |\n\n    code 8\n"
    read = parts.paragraphs(section(body))
    assert [s for p in read for s in p.sentences] == ["One", "two", "three", "four", "five", "six", "seven"]


def test_the_result_is_read_from_the_files_of_a_run():
    effects = pd.DataFrame(
        {"outcome": ["pain"] * 4, "yi": [-1.0, -0.5, 0.2, 9.0], "in_pool": [True, True, True, False]}
    )
    (found,) = checking.results(
        OUTCOMES,
        estimates={"pain": {"main": NOW}},
        changes={"pain": {"before": None}},
        certainty={"pain": {"certainty": "moderate"}},
        effects=effects,
    ).values()
    assert (found.n_favour, found.n_against, found.certainty, found.before) == (2, 1, "moderate", None)


def test_a_name_that_two_outcomes_share_is_an_error_of_the_protocol():
    both = OUTCOMES | {"ache": {"label": "Ache", "short": "Pain"}}
    with pytest.raises(InputError, match="names both pain and ache"):
        checking.names(both)


def protocol(statement, demonstration=""):
    config = {"living": {"statement": statement}, "review": {"demonstration": demonstration}}
    config |= {"screening": {}, "outcomes": OUTCOMES, "interpretation": RULES}
    return checking.check_protocol(config, results={"pain": PAIN}, names=checking.names(OUTCOMES))


def test_the_protocol_may_name_its_own_numbers_and_no_results():
    assert protocol("The search is rerun every month. Retired after 12 quiet runs, or at 0.1.") == 2
    with pytest.raises(InputError, match=r"key living\.statement: “The treatment worsened pain\.”"):
        protocol("The treatment worsened pain.")
    with pytest.raises(InputError, match=r"says “-0\.35”"):
        protocol("The effect was -0.35 on pain.")
