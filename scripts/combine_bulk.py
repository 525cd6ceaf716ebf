"""Put the scans of all of PubMed's files together, in their order."""

import logging
from pathlib import Path

from livingreview import tables
from livingreview.errors import InputError
from livingreview.search import query as query_check
from livingreview.search.pubmed import bulk
from livingreview.search.query import matching

log = logging.getLogger(__name__)


def main(job):
    """Write the records that the files hold for the query.

    Input: abouts, the ``.json`` of each scan in the order of the files. Params: query; missing, file names.
    Output: about, the path ``results/bulk/bulk.json``; see `livingreview.search.pubmed.bulk.write`.
    """
    params = job.params
    query = query_check.check(params.query)
    paths = [Path(path) for path in job.input.abouts]
    abouts = [tables.read_json(path) for path in paths]
    for path, about in zip(paths, abouts, strict=True):
        if about.pop("query") != params.query:
            raise InputError(path, problem="a scan for another query", hint="remove it and run again")
    about = bulk.write(
        Path(job.output.about).parent,
        query=params.query,
        names=[path.stem for path in paths],
        abouts=abouts,
        missing=params.missing,
        limits=matching.limits(query.tree),
    )
    counts = about["counts"]
    log.info(
        "%d files, %d records, %d PMIDs: %d match, %d undecided, %d deleted",
        len(paths),
        counts["records"],
        counts["distinct"],
        counts["match"],
        counts["undecided"],
        counts["deleted"],
    )
    if params.missing:
        log.warning(
            "%d files are missing from the folder: %s", len(params.missing), ", ".join(params.missing)
        )


if "snakemake" in globals():
    from livingreview import stage

    stage.run(main, snakemake)  # noqa: F821
