"""Whether a record reports a randomised trial; every record is made up."""

import pytest

from livingreview.screening import design
from livingreview.screening.design import signals

PEOPLE = {"medline_status": "MEDLINE", "indexing_method": None}
MACHINE = {"medline_status": "MEDLINE", "indexing_method": "Automated"}
PUBLISHER = {"medline_status": "PubMed-not-MEDLINE", "indexing_method": None}

TEXTS = {
    "trial": {"title": "An example", "abstract": "People were randomly assigned."},
    "none": {"title": "An example", "abstract": "A survey."},
    "no abstract": {"title": "An example", "abstract": None},
}


def of(**cells):
    return signals({"title": "An example", "abstract": "A survey.", **cells})


@pytest.mark.parametrize("method", [None, "", "Curated", "Manual"])
def test_the_type_that_people_gave_is_believed(method):
    given = {"medline_status": "MEDLINE", "indexing_method": method}
    assert of(publication_types="Journal Article; Randomized Controlled Trial", **given) == design.BY_PEOPLE
    assert of(publication_types="Pragmatic Clinical Trial", **given) == design.BY_PEOPLE
    assert of(publication_types="Controlled Clinical Trial", **given) == design.CONTROLLED
    assert of(publication_types="Systematic Review; Journal Article", **given) == design.OTHER


def test_people_s_trial_type_counts_for_more_than_another_design_beside_it():
    assert of(publication_types="Review; Randomized Controlled Trial", **PEOPLE) == design.BY_PEOPLE


def test_where_people_name_no_design_the_words_are_read():
    assert of(publication_types="Journal Article", **PEOPLE) == design.NO_SIGN
    assert of(publication_types="Letter", title="A placebo effect", **PEOPLE) == design.IN_TEXT
    assert of(mesh_terms="Clinical Trials as Topic / methods*; Humans", **PEOPLE) == design.IN_TEXT
    assert of(mesh_terms="Randomized Controlled Trials as Topic", **PEOPLE) == design.NO_SIGN


@pytest.mark.parametrize(
    ("headings", "label"),
    [
        ("Animals; Rats*", design.ANIMALS),
        ("Animals*; Mice", design.ANIMALS),
        ("Animals / physiology*", design.ANIMALS),
        ("Animals; Humans", design.BY_PEOPLE),
        ("Humans", design.BY_PEOPLE),
        (None, design.BY_PEOPLE),
    ],
)
def test_animals_without_humans_are_told_from_people_s_headings(headings, label):
    assert of(publication_types="Randomized Controlled Trial", mesh_terms=headings, **PEOPLE) == label


@pytest.mark.parametrize("given", [MACHINE, PUBLISHER, {"medline_status": "Publisher"}, {}])
@pytest.mark.parametrize("text", TEXTS)
@pytest.mark.parametrize("kind", sorted(design.OTHER_DESIGNS | {"Journal Article"}))
@pytest.mark.parametrize("headings", [None, "Animals", "Humans; Clinical Trials as Topic"])
def test_no_automated_type_or_heading_makes_a_record_worse_than_no_indexing(given, text, kind, headings):
    bare = signals(TEXTS[text])
    assert signals({**TEXTS[text], "publication_types": kind, "mesh_terms": headings, **given}) == bare


@pytest.mark.parametrize("given", [MACHINE, PUBLISHER])
@pytest.mark.parametrize("text", TEXTS)
@pytest.mark.parametrize("kinds", ["Randomized Controlled Trial", "Review; Controlled Clinical Trial"])
def test_an_automated_trial_type_is_told_as_what_it_is_and_only_raises_a_record(given, text, kinds):
    label = signals({**TEXTS[text], "publication_types": kinds, **given})
    assert label == (design.AUTOMATED if given is MACHINE else design.BY_SOURCE)
    assert design.LABELS.index(label) < design.LABELS.index(signals(TEXTS[text]))


def test_an_unknown_method_of_indexing_is_not_taken_for_people_s():
    given = {"medline_status": "MEDLINE", "indexing_method": "Something new"}
    assert of(publication_types="Review", **given) == design.NO_SIGN


@pytest.mark.parametrize(
    ("text", "label"),
    [
        ({"title": "A randomized example"}, design.IN_TEXT),
        ({"title": "A RANDOMISED EXAMPLE"}, design.IN_TEXT),
        ({"title": "A non-randomised example"}, design.IN_TEXT),
        ({"abstract": "Allocation was by chance, with placebo."}, design.IN_TEXT),
        ({"keywords": "pain; randomized controlled trial"}, design.IN_TEXT),
        ({"title": "An example: study protocol for a trial"}, design.IN_TEXT),
        ({"abstract": "We did a trial."}, design.NO_SIGN),
        ({"title": "Industrial trials"}, design.NO_SIGN),
        ({"title": "Placebos and randomness"}, design.NO_SIGN),
        ({"abstract": None}, design.NO_SIGN_NO_ABSTRACT),
        ({"abstract": " \n"}, design.NO_SIGN_NO_ABSTRACT),
        ({"title": None, "abstract": None}, design.NO_SIGN_NO_ABSTRACT),
        ({"title": "試験", "abstract": "Ένα παράδειγμα"}, design.NO_SIGN),
        ({"abstract": "a " * 500_000 + "randomly"}, design.IN_TEXT),
    ],
)
def test_words_of_cochrane_s_strategy(text, label):
    assert of(**text) == label


def test_every_label_is_in_the_order_once():
    names = {value for name, value in vars(design).items() if name.isupper() and isinstance(value, str)}
    assert names - {design.INDEXED, design.CONTROLLED_TRIAL, design.TOPIC} == set(design.LABELS)
    assert len(set(design.LABELS)) == len(design.LABELS)


def test_a_record_without_any_field_has_a_label():
    assert signals({}) == design.NO_SIGN_NO_ABSTRACT
