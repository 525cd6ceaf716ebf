"""A release says how to cite it (CFF), what to deposit (Zenodo), and what its files are (RO-Crate 1.1)."""

import datetime
import re
from urllib.parse import unquote

import pytest
import yaml

from livingreview.living import citation, crate

PLAIN = {"title": "An example", "question": "Does it help?", "demonstration": ""}
FULL = PLAIN | {
    "demonstration": "Not a clinical review.",
    "url": "https://example.org/pain/",
    "license": "CC-BY-4.0",
    "authors": [
        {
            "name": "Ann B. Example",
            "role": "lead",
            "family_names": "Example",
            "given_names": "Ann B.",
            "orcid": "0000-0002-1825-0097",
            "affiliation": "Somewhere",
        },
        {"name": "The example team", "role": "screening"},
    ],
}
ABOUT = {
    "version": "26.1.0",
    "run": "2026-11",
    "frozen_on": "2026-11-28",
    "note": "Two trials more.",
    "doi": "10.5281/zenodo.1",
    "software": {"living-review": "0.2.0", "numpy": "2.4.6", "Python": "3.11"},
    "code": {"commit": "abc", "fingerprint": "012", "edited": False},
}
FILES = {
    "effects.csv": {"bytes": 12, "sha256": "ab" * 32},
    "data/trials/sheets/a b/ü.xlsx": {"bytes": 0, "sha256": "cd" * 32},
    "checksums.sha256": {"bytes": None, "sha256": None},
}
BARE = {"version": "26.1.0", "run": "2026-11", "frozen_on": "2026-11-28", "note": "First."}


def test_a_citation_file_has_what_the_format_requires_and_what_the_protocol_states():
    found = yaml.safe_load(citation.cff(ABOUT, FULL))
    assert found["cff-version"] == "1.2.0"
    assert (found["type"], found["title"], found["version"]) == ("dataset", "An example", "26.1.0")
    assert found["message"] == "If you use these results, please cite this version."
    assert found["date-released"] == "2026-11-28"
    assert (found["doi"], found["url"], found["license"]) == (
        "10.5281/zenodo.1",
        "https://example.org/pain/",
        "CC-BY-4.0",
    )
    assert found["authors"] == [
        {
            "family-names": "Example",
            "given-names": "Ann B.",
            "affiliation": "Somewhere",
            "orcid": "https://orcid.org/0000-0002-1825-0097",
        },
        {"name": "The example team"},
    ]
    assert found["abstract"] == "Two trials more. Run of 2026-11. Does it help? Not a clinical review."


def test_a_note_without_a_full_stop_gets_one_before_the_next_sentence():
    found = yaml.safe_load(citation.cff(ABOUT | {"note": "Two trials more"}, FULL))
    assert found["abstract"].startswith("Two trials more. Run of 2026-11.")


def test_what_the_protocol_does_not_state_is_left_out_and_an_author_there_is_in_every_case():
    found = yaml.safe_load(citation.cff(BARE, PLAIN))
    assert found.keys().isdisjoint({"doi", "url", "license"})
    assert found["authors"] == [{"name": "Authors of “An example”"}]
    deposited = citation.zenodo(BARE, PLAIN)
    assert deposited.keys().isdisjoint({"doi", "license"})
    assert deposited["related_identifiers"] == []


def test_hostile_text_stays_text_in_a_citation():
    title = 'x"\n- !!python/object:os.system {} # <b>'
    found = yaml.safe_load(citation.cff(ABOUT | {"note": "a: b\n---\n"}, FULL | {"title": title}))
    assert found["title"] == title
    assert found["abstract"].startswith("a: b\n---")


def test_a_deposit_names_creators_family_name_first_and_the_version():
    found = citation.zenodo(ABOUT, FULL)
    assert found["creators"] == [
        {"name": "Example, Ann B.", "orcid": "0000-0002-1825-0097", "affiliation": "Somewhere"},
        {"name": "The example team"},
    ]
    assert found["title"] == "An example: living systematic review, version 26.1.0"
    assert (found["upload_type"], found["version"], found["publication_date"]) == (
        "dataset",
        "26.1.0",
        "2026-11-28",
    )


@pytest.fixture(params=[(ABOUT, FULL), (BARE, PLAIN)], ids=["all stated", "least stated"])
def described(request):
    return crate.describe(*request.param, FILES)


def entities(described):
    return {one["@id"]: one for one in described["@graph"]}


def test_the_crate_is_flat_json_ld_with_one_entity_for_each_id(described):
    """RO-Crate 1.1, Metadata: a @context and a flat @graph in which every entity has @id and @type."""
    assert set(described) == {"@context", "@graph"}
    assert described["@context"][0] == "https://w3id.org/ro/crate/1.1/context"
    ids = [one["@id"] for one in described["@graph"]]
    assert len(ids) == len(set(ids))
    assert all(one["@type"] for one in described["@graph"])
    nested = [
        value
        for one in described["@graph"]
        for held in one.values()
        for value in (held if isinstance(held, list) else [held])
        if isinstance(value, dict)
    ]
    assert all(set(value) == {"@id"} for value in nested)


def test_the_descriptor_says_what_it_is_about_and_to_what_it_conforms(described):
    """RO-Crate 1.1, Root Data Entity: the Metadata File Descriptor."""
    assert entities(described)["ro-crate-metadata.json"] == {
        "@id": "ro-crate-metadata.json",
        "@type": "CreativeWork",
        "conformsTo": {"@id": "https://w3id.org/ro/crate/1.1"},
        "about": {"@id": "./"},
    }


def test_the_root_is_a_dataset_with_name_description_date_and_licence(described):
    """RO-Crate 1.1, Direct properties of the Root Data Entity."""
    root = entities(described)["./"]
    assert root["@type"] == "Dataset"
    assert root["name"]
    assert root["description"]
    assert root["license"]
    assert datetime.date.fromisoformat(root["datePublished"]) == datetime.date(2026, 11, 28)


def test_everything_that_is_referred_to_is_described_and_every_file_is_a_part(described):
    known = entities(described)
    for one in described["@graph"]:
        for key, held in one.items():
            for value in held if isinstance(held, list) else [held]:
                if isinstance(value, dict) and key != "conformsTo":
                    assert value["@id"] in known
    files = {one["@id"] for one in described["@graph"] if one["@type"] == "File"}
    assert {part["@id"] for part in known["./"]["hasPart"]} == files
    assert {unquote(name) for name in files} == set(FILES)


def test_a_file_has_an_id_that_is_a_uri_its_type_its_size_as_text_and_its_digest(described):
    known = entities(described)
    assert known["effects.csv"] == {
        "@id": "effects.csv",
        "@type": "File",
        "name": "Effects, one row for each extracted row",
        "encodingFormat": "text/csv",
        "contentSize": "12",
        "sha256": "ab" * 32,
    }
    assert all(re.fullmatch(r"[A-Za-z0-9._~/%#:-]+", name) for name in known)
    assert known["data/trials/sheets/a%20b/%C3%BC.xlsx"]["contentSize"] == "0"
    assert known["checksums.sha256"].keys().isdisjoint({"contentSize", "sha256"})


def test_authors_licence_and_software_are_entities_of_their_own():
    known = entities(crate.describe(ABOUT, FULL, FILES))
    person, group = (known[one["@id"]] for one in known["./"]["author"])
    assert (person["@id"], person["@type"]) == ("https://orcid.org/0000-0002-1825-0097", "Person")
    assert (group["@type"], group["name"]) == ("Organization", "The example team")
    assert known["./"]["license"] == {"@id": "https://spdx.org/licenses/CC-BY-4.0"}
    assert known["./"]["identifier"] == "https://doi.org/10.5281/zenodo.1"
    software = known["#living-review"]
    assert (software["@type"], software["version"]) == ("SoftwareApplication", "0.2.0")
    assert software["softwareRequirements"] == ["Python 3.11", "numpy 2.4.6"]


def test_a_review_without_a_licence_says_that_none_is_stated():
    root = entities(crate.describe(BARE, PLAIN, FILES))["./"]
    assert root["license"] == "The protocol of the review states no licence (config.yaml, review: license)."
