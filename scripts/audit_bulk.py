"""Compare what the search of a run found with what PubMed's files hold for the same query."""

import logging
from pathlib import Path

from livingreview import tables
from livingreview.errors import InputError
from livingreview.search import snapshot
from livingreview.search.pubmed import bulk

log = logging.getLogger(__name__)


def main(job):
    """Write the audit of a run.

    Input: provenance of the run's snapshot; about, the path of ``bulk.json``; abouts, each scan's ``.json``.
    Output: audit, the path ``results/<run>/bulk_audit.json``.
    """
    taken = snapshot.read(Path(job.input.provenance).parent)
    answers = bulk.as_answers(Path(job.input.about).parent, with_undecided=False)
    if taken.provenance["query"] != answers.query:
        raise InputError(
            job.input.provenance,
            problem="the search of this run was for another query than the one put to the files",
            hint="build the files again for this query, or compare with a later run",
        )
    scans = [bulk.read_scan(Path(path).with_suffix(""), tables.read_json(path)) for path in job.input.abouts]
    audit = bulk.audit(taken.pmids, answers, scans)
    log.info(
        "both %d, only the search %d, only the files %d, undecided %d",
        *(audit["counts"][name] for name in ("both", "only_search", "only_files", "undecided")),
    )
    about = {
        "run": taken.run,
        "searched_at": taken.provenance["searched_at"],
        "last_file": answers.files[-1]["file"],
        "missing_files": list(answers.missing),
        "limits": answers.limits,
    }
    tables.write_json({**about, **audit}, job.output.audit)


if "snakemake" in globals():
    from livingreview import stage

    stage.run(main, snakemake)  # noqa: F821
