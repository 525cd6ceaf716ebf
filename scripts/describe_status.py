"""Describe the status of the review at a run: what was found, what waits for people, what stands."""

import logging
from pathlib import Path

from livingreview import tables
from livingreview.living import lags, modes, releases, status, versions
from livingreview.screening.decisions import awaiting, kept_ids, statuses, under_kept
from livingreview.search.records import PUBMED
from livingreview.trials.revisions import rows_at

log = logging.getLogger(__name__)


def main(job):
    """Write the status.

    ``job.input``: records, events, notices, queue, included, effects, extraction, triggers, certainty
    (results), decisions, reports, studies, outcomes (people's tables), provenances, releases, corpus (lists;
    the last one is empty but for the sandbox); ``job.output``: status; ``job.params``: run, stages, living.
    """
    run = job.params.run
    records = tables.read_results(job.input.records)
    kept = kept_ids(records)
    decisions = under_kept(tables.read(job.input.decisions, "screening"), kept, run=run)
    reports = under_kept(tables.read(job.input.reports, "reports"), kept)
    asked = {"run": run, "stages": job.params.stages}
    provenances = {row["run"]: row for row in map(tables.read_json, job.input.provenances)}
    published = frozen(job.input.releases, run)
    described = status.describe(
        records,
        statuses(records["record_id"], decisions, **asked),
        tables.read(job.input.queue, "queue"),
        tables.read_results(job.input.included),
        tables.read_results(job.input.effects),
        notices=tables.read_results(job.input.notices),
        studies=rows_at(tables.read(job.input.studies, "studies"), run, ["study_id"]),
        awaiting=awaiting(records["record_id"], decisions, **asked),
        events=tables.read_results(job.input.events),
        run=run,
        provenance=provenances[run],
        living=job.params.living,
        extraction=tables.read_results(job.input.extraction).to_dict("records"),
    )
    described["mode"] = modes.describe(
        job.params.living,
        run=run,
        runs=sorted(provenances),
        releases=published,
        triggers=tables.read_json(job.input.triggers)["triggers"],
        certainty=_certainty(tables.read_json(job.input.certainty)),
    )
    described["living_parameters"] = modes.parameters(job.params.living)
    rows = lags.stages(
        records,
        decisions,
        reports,
        tables.read(job.input.outcomes, "outcomes"),
        run=run,
        searched={one: row["searched_at"] for one, row in provenances.items()},
        releases=published,
        estimated=_estimated(job.input.corpus),
    )
    of_pubmed = records[(records["source"] == PUBMED) & records["duplicate_of"].isna()]
    described["lags"] = lags.summarise(rows, n_first_search=len(of_pubmed) - len(rows))
    log.info(
        "%d studies are included, %d in a pool; %s",
        described["studies_included"],
        described["studies_in_any_pool"],
        described["mode"]["mode"],
    )
    tables.write_json(described, job.output.status)


def frozen(paths, run):
    """The review's own releases of earlier runs, oldest first, with what they froze of mode and triggers."""
    own = versions.own(versions.known_before(releases.read(paths), run))
    return [
        one
        | {
            "mode": (_kept(one, "status.json") or {}).get("living_mode"),
            "fired": _fired(_kept(one, "triggers.json")),
            "studies": list(releases.table(one, "included")["study_id"].dropna()),
        }
        for one in sorted(own, key=lambda one: one["run"])
    ]


def _kept(release, name):
    path = Path(release["path"]) / name
    return tables.read_json(path) if path.is_file() else None


def _fired(told):
    return None if told is None else sum(row["state"] == "fired" for row in told["triggers"])


def _certainty(told):
    """Each outcome's certainty; None while a domain is not rated, since it is only the most it can be."""
    return {
        name: None if found["undecided"] and found["basis"] != "people" else found["certainty"]
        for name, found in told["outcomes"].items()
    }


def _estimated(corpus):
    """PMIDs of the bundled records whose entry date is no printed one."""
    found = [tables.read(path, "sandbox_records") for path in corpus]
    return {pmid for frame in found for pmid in frame.loc[frame["entry_date_basis"] != "PubMed", "pmid"]}


if "snakemake" in globals():
    from livingreview import stage

    stage.run(main, snakemake)  # noqa: F821
