"""Reviews of made-up records, small enough to be built several times in one test."""

from types import SimpleNamespace

import yaml
from workflow.conftest import ROOT, Review

import search_pubmed

# Word lists of which titles are made; no two titles are the same.
WANTED = ["Internet treatment", "Online course", "Web-based programme", "Smartphone coaching"]
UNWANTED = ["Imaging", "Surgery", "Drug dosing", "Laboratory markers"]
PLACES = ["back", "knee", "shoulder", "neck", "hip", "jaw", "wrist", "ankle", "elbow", "foot", "hand"]


def title(number, *, wanted):
    """A title that tells what the record is about, and a little more, so that titles differ."""
    subject = (WANTED if wanted else UNWANTED)[number % 4]
    place = PLACES[number % len(PLACES)]
    kind = "a randomized trial" if wanted else "an observational report"
    return f"{subject} for {place} pain in example group {number}: {kind}"


def record(number, *, wanted, entered, year="2019"):
    """A row of the sandbox's corpus."""
    return {
        "pmid": str(number),
        "title": title(number, wanted=wanted),
        "authors": f"Example {chr(65 + number % 26)}",
        "journal": "Example J",
        "year": year,
        "language": "eng",
        "entry_date": entered,
        "publication_types": "Journal Article",
    }


def begin(folder, write_example, records, *, run, screening=None, decided=(), **config):
    """A review whose sandbox holds the records, with one outcome and no trials; its folder must not exist.

    `screening` and `config` replace keys of the bundled protocol, and `decided` are rows of the ledger.
    """
    review = Review(folder)
    protocol = yaml.safe_load((ROOT / "config.yaml").read_text(encoding="utf-8"))
    protocol["review"] |= {"demonstration": ""}
    protocol["search"] |= {"query": "pain[ti]", "acknowledged": [], "rise_tolerance_percent": 100}
    protocol |= {"run": run, "outcomes": {"pain_intensity": {"label": "Pain", "short": "Pain"}}}
    protocol |= {
        "other_outcomes": [],
        "subgroups": [],
        "screening": protocol["screening"] | (screening or {}),
    }
    del protocol["rehearsal"]
    write_example("sandbox_records", *records, path=review.path("data/sandbox/records.csv"))
    write_example("screening", *decided, path=review.path("data/decisions/screening.csv"))
    write_example("pairs", path=review.path("data/decisions/pairs.csv"))
    for name in ("studies", "reports", "outcomes"):
        write_example(name, path=review.path(f"data/trials/{name}.csv"))
    review.path("config.yaml").write_text(
        yaml.safe_dump(protocol | config, sort_keys=False), encoding="utf-8"
    )
    return review


def search(review, run):
    """The search of one run, without the rest of the workflow; the working directory must be the review's."""
    config = yaml.safe_load(review.path("config.yaml").read_text(encoding="utf-8"))
    provenance = f"data/searches/{run}/pubmed/provenance.json"
    search_pubmed.main(
        SimpleNamespace(
            input=SimpleNamespace(),
            output=SimpleNamespace(provenance=provenance),
            params=SimpleNamespace(run=run, search=config["search"]),
        )
    )
