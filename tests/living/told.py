"""A review told in a few words: when its records came, what people said of them, and what was released."""

import pandas as pd

from livingreview.living import flow, ledger
from livingreview.screening import decisions
from livingreview.trials import notices

CODES = ["not_rct", "review"]
STAGES = [decisions.TITLE_ABSTRACT, decisions.FULL_TEXT]
DATABASES = {"PubMed", "Embase"}
# A word of people -> stage, decision, reason.
SAID = {
    "sought": (decisions.TITLE_ABSTRACT, "include", None),
    "out": (decisions.TITLE_ABSTRACT, "exclude", None),
    "included": (decisions.FULL_TEXT, "include", None),
    "no trial": (decisions.FULL_TEXT, "exclude", "not_rct"),
    "review": (decisions.FULL_TEXT, "exclude", "review"),
    "awaiting": (decisions.FULL_TEXT, "awaiting", None),
    "not retrieved": (decisions.FULL_TEXT, "exclude", decisions.NOT_RETRIEVED),
    "still sought": (decisions.FULL_TEXT, "awaiting", decisions.NOT_RETRIEVED),
}


def review(records, *, links=(), same=(), retracted=(), releases=(), run="2020-03"):
    """The tables of a review.

    Parameters
    ----------
    records : dict
        record_id -> (first_run, "2020-01 sought, 2020-02 included"), or the same with a dict of duplicate_of
        and found_in behind it. What is said on full text implies "sought" in the same run.
    links : sequence of (record_id, study_id, run)
    same : sequence of (record_a, record_b, run)
        Pairs that a person called the same.
    retracted : sequence of (record_id, study_id, run)
    releases : sequence of (version, run)
    run : str
        The run that is built.

    Returns
    -------
    dict
        Arguments for `build` and `count`.
    """
    rows, said = [], []
    for record_id, (first, words, *more) in records.items():
        about = {"found_in": "PubMed" if record_id.isdigit() else "Example", "duplicate_of": None}
        rows.append({"record_id": record_id, "first_run": first, **about, **(more[0] if more else {})})
        sought = False
        for step in filter(None, words.split(", ")):
            when, word = step.split(" ", 1)
            stage, decision, reason = SAID[word]
            if stage == decisions.FULL_TEXT and not sought:
                said.append((record_id, when, *SAID["sought"]))
            sought = sought or stage == decisions.FULL_TEXT or decision == "include"
            said.append((record_id, when, stage, decision, reason))
    screening = pd.DataFrame(said, columns=["record_id", "run", "stage", "decision", "reason"], dtype=object)
    own = [{"version": version, "run": when, "kind": "release"} for version, when in releases]
    noticed = [(one, study, notices.RETRACTED, notices.EXCLUDED, "", when) for one, study, when in retracted]
    return {
        "records": pd.DataFrame(
            rows, columns=["record_id", "first_run", "found_in", "duplicate_of"], dtype=object
        ),
        "screening": screening.assign(role=None, reviewer="EX", note=None),
        "reports": pd.DataFrame(list(links), columns=["record_id", "study_id", "run"], dtype=object),
        "pairs": pd.DataFrame(
            [(*pair[:2], "same", pair[2]) for pair in same],
            columns=["record_a", "record_b", "verdict", "run"],
            dtype=object,
        ),
        "notices": pd.DataFrame(noticed, columns=list(notices.COLUMNS), dtype=object),
        "versions": ledger.versions(own, run),
    }


def build(told, stages=STAGES):
    """The ledger of a review from `review`."""
    tables = [told[name] for name in ("records", "screening", "reports")]
    given = {name: told[name] for name in ("versions", "pairs", "notices")}
    return ledger.build(*tables, stages=stages, databases=DATABASES, **given)


def included(built, versions):
    """What included.csv and the sheets to fill in hold, as far as the ledger is to agree with them."""
    held = ledger.at(built, versions)
    held = held[(held["kind"] == ledger.REPORT) & (held["state"] == ledger.INCLUDED)]
    of_study = {}
    for row in held[held["study_id"].notna()].itertuples():
        for study in row.study_id.split("; "):
            of_study.setdefault(study, []).append(row.id)
    rows = [(study, "; ".join(ids)) for study, ids in sorted(of_study.items())]
    waiting = set(held.loc[held["study_id"].isna(), "id"])
    return pd.DataFrame(rows, columns=["study_id", "record_ids"], dtype=object), waiting


def count(told, **options):
    """The flow of a review from `review`."""
    built = build(told)
    table, waiting = included(built, told["versions"])
    given = {"versions": told["versions"], "codes": CODES, "known": len(told["records"])}
    return flow.count(built, **given | {"included": table, "waiting": waiting} | options)


def state(built, versions, kind, one, version=None):
    """(state, reason) of one id at a version."""
    held = ledger.at(built, versions, version).set_index(["kind", "id"])
    row = held.loc[kind, one]
    return row["state"], row["reason"]
