"""RO-Crate metadata: what the files of a release are, for machines.

Source: Sefton P, et al. RO-Crate Metadata Specification 1.1, https://w3id.org/ro/crate/1.1.
"""

from livingreview.living import citation

DESCRIPTOR = "ro-crate-metadata.json"
SPECIFICATION = "https://w3id.org/ro/crate/1.1"
CONTEXT = [f"{SPECIFICATION}/context", {"sha256": "https://schema.org/sha256"}]
REVIEW, SOFTWARE = "#review", "#living-review"
NO_LICENCE = "The protocol of the review states no licence (config.yaml, review: license)."

TYPES = {
    ".atom": "application/atom+xml",
    ".cff": "application/yaml",
    ".csv": "text/csv",
    ".gz": "application/gzip",
    ".html": "text/html",
    ".json": "application/json",
    ".md": "text/markdown",
    ".png": "image/png",
    ".svg": "image/svg+xml",
    ".xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    ".xml": "application/xml",
    ".yaml": "application/yaml",
    ".zip": "application/zip",
}
NAMES = {
    "release.json": "What this release is",
    "estimates.csv": "Pooled estimates, one row for each outcome",
    "estimates.json": "Pooled estimates with subgroups and sensitivity analyses",
    "effects.csv": "Effects, one row for each extracted row",
    "included.csv": "Included studies and their reports",
    "flow.json": "Flow of records and studies, counted",
    "ledger.csv": "State of every record, report and study",
    "changes.json": "What changed since the release before, and why",
    "triggers.json": "The protocol's triggers, each fired or not",
    "certainty.json": "Certainty of the evidence",
    "status.json": "Status of the review at this run",
    "report.html": "The report",
    "archive.html": "All versions up to this one",
    "config.yaml": "The protocol as it was",
    "inputs.zip": "The tables that people edit, as they were",
    "inputs.json": "Digests of the searches and earlier releases that were read",
    "CITATION.cff": "How to cite this version",
    "checksums.sha256": "Digests of the files, for sha256sum -c",
}


def describe(about, review, files):
    """The metadata of a folder of files.

    Parameters
    ----------
    about : dict
        As in ``release.json``.
    review : dict
        The protocol's part ``review``.
    files : dict of str to dict
        Path within the folder to ``bytes`` (an integer) and ``sha256``, either None if it is not known yet.

    Returns
    -------
    dict
        JSON-LD; to be written as ``ro-crate-metadata.json`` at the top of the folder.
    """
    authors = [_author(author, number) for number, author in enumerate(citation.people(review), 1)]
    listed = [_file(path, found) for path, found in sorted(files.items())]
    graph = [
        {
            "@id": DESCRIPTOR,
            "@type": "CreativeWork",
            "conformsTo": {"@id": SPECIFICATION},
            "about": {"@id": "./"},
        },
        _root(about, review, authors=authors, files=listed),
        *listed,
        *authors,
        *_licence(review)[1],
        _software(about),
        {
            "@id": REVIEW,
            "@type": "CreateAction",
            "name": f"Run of {about['run']}",
            "instrument": {"@id": SOFTWARE},
            "result": {"@id": "./"},
        },
    ]
    return {"@context": CONTEXT, "@graph": graph}


def _root(about, review, *, authors, files):
    doi = about.get("doi")
    return {
        "@id": "./",
        "@type": "Dataset",
        "name": f"{review['title']}: living systematic review, version {about['version']}",
        "description": about["note"],
        "datePublished": about["frozen_on"],
        "version": about["version"],
        "license": _licence(review)[0],
        "author": [{"@id": author["@id"]} for author in authors],
        "hasPart": [{"@id": file["@id"]} for file in files],
        "mentions": [{"@id": REVIEW}],
        **({"identifier": f"https://doi.org/{doi}"} if doi else {}),
        **({"url": review["url"]} if review.get("url") else {}),
    }


def _file(path, found):
    name = path.rsplit("/", 1)[-1]
    kind = next((media for ending, media in TYPES.items() if name.endswith(ending)), None)
    return {
        "@id": _quoted(path),
        "@type": "File",
        "name": NAMES.get(name, path),
        **({"encodingFormat": kind} if kind else {}),
        # The specification wants text here.
        **({"contentSize": str(found["bytes"])} if found["bytes"] is not None else {}),
        **({"sha256": found["sha256"]} if found["sha256"] is not None else {}),
    }


def _quoted(path):
    """A path as a relative URI; the specification asks for encoded blanks and the like."""
    kept = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._~/"
    return "".join(c if c in kept else "".join(f"%{byte:02X}" for byte in c.encode()) for c in path)


def _author(author, number):
    return {
        "@id": f"https://orcid.org/{author['orcid']}" if author.get("orcid") else f"#author-{number}",
        "@type": "Person" if citation.is_person(author) else "Organization",
        "name": author["name"],
        **({"affiliation": author["affiliation"]} if author.get("affiliation") else {}),
        **({"description": author["role"]} if author.get("role") else {}),
    }


def _licence(review):
    """The licence as the root refers to it, and the entities that describe it."""
    name = review.get("license")
    if not name:
        return NO_LICENCE, []
    address = f"https://spdx.org/licenses/{name}"
    return {"@id": address}, [{"@id": address, "@type": "CreativeWork", "name": name}]


def _software(about):
    software, code = about.get("software") or {}, about.get("code") or {}
    needed = [f"{name} {version}" for name, version in sorted(software.items()) if name != "living-review"]
    return {
        "@id": SOFTWARE,
        "@type": "SoftwareApplication",
        "name": "living-review",
        **({"version": software["living-review"]} if "living-review" in software else {}),
        **({"softwareRequirements": needed} if needed else {}),
        **({"identifier": code["commit"]} if code.get("commit") else {}),
    }
