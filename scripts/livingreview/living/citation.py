"""How a release is cited and deposited: CITATION.cff and the metadata that Zenodo reads."""

import yaml

MESSAGE = "If you use these results, please cite this version."


def people(review):
    """The authors of a review, each with ``name`` and, where the protocol states them, the other parts.

    Where it names none, the review stands under its title, so that a citation has an author in every case.
    """
    return review.get("authors") or [{"name": f"Authors of “{review['title']}”"}]


def is_person(author):
    """Whether an author is one person, whose family and given names the protocol tells apart."""
    return "family_names" in author


def inverted(author):
    """``Family, Given`` of a person, the plain name of a group."""
    if is_person(author):
        return ", ".join(filter(None, [author["family_names"], author.get("given_names")]))
    return author["name"]


def cff(about, review):
    """CITATION.cff of a release, version 1.2.0 of the format.

    Parameters
    ----------
    about : dict
        As in ``release.json``: version, frozen_on, and doi if it has one.
    review : dict
        The protocol's part ``review``.

    Returns
    -------
    str
        YAML.
    """
    cited = {
        "cff-version": "1.2.0",
        "message": MESSAGE,
        "type": "dataset",
        "title": review["title"],
        "version": about["version"],
        "date-released": about["frozen_on"],
        "abstract": _summary(about, review),
        "authors": [_cff_author(author) for author in people(review)],
        **_given(doi=about.get("doi"), url=review.get("url"), license=review.get("license")),
    }
    return yaml.safe_dump(cited, sort_keys=False, allow_unicode=True, width=110)


def zenodo(about, review):
    """What .zenodo.json says of a release: the metadata of a deposit, as a dict."""
    related = [{"identifier": review["url"], "relation": "isIdenticalTo"}] if review.get("url") else []
    return {
        "title": f"{review['title']}: living systematic review, version {about['version']}",
        "upload_type": "dataset",
        "description": _summary(about, review),
        "version": about["version"],
        "publication_date": about["frozen_on"],
        "access_right": "open",
        "keywords": ["living systematic review", "meta-analysis"],
        "creators": [
            {
                "name": inverted(author),
                **_given(orcid=author.get("orcid"), affiliation=author.get("affiliation")),
            }
            for author in people(review)
        ],
        "related_identifiers": related,
        **_given(doi=about.get("doi"), license=review.get("license")),
    }


def _summary(about, review):
    note = about["note"].strip()
    ended = note if note.endswith((".", "!", "?")) else f"{note}."
    parts = [ended, f"Run of {about['run']}.", review["question"], review["demonstration"]]
    return " ".join(part.strip() for part in parts if part.strip())


def _cff_author(author):
    also = _given(
        affiliation=author.get("affiliation") if is_person(author) else None,
        orcid=author.get("orcid") and f"https://orcid.org/{author['orcid']}",
    )
    if is_person(author):
        names = _given(
            **{"family-names": author["family_names"], "given-names": author.get("given_names")},
        )
        return names | also
    return {"name": author["name"]} | also


def _given(**values):
    return {key: value for key, value in values.items() if value}
