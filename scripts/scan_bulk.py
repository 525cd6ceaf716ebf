"""Put the query to every record of one file of PubMed's baseline or updates."""

import logging
from pathlib import Path

from livingreview import tables
from livingreview.search import query as query_check
from livingreview.search.pubmed import bulk

log = logging.getLogger(__name__)


def main(job):
    """Scan one file.

    Input: file, with its ``.md5`` beside it. Params: query.
    Output: about (.json), seen (.npy), kept (.xml.gz); see `livingreview.search.pubmed.bulk.scan`.
    """
    query = query_check.check(job.params.query)
    about = bulk.scan(job.input.file, query.tree, seen_path=job.output.seen, kept_path=job.output.kept)
    log.info(
        "%s: %d records, %d match, %d undecided, %d deleted",
        Path(job.input.file).name,
        about["records"],
        about["match"],
        about["undecided"],
        len(about["deleted"]),
    )
    tables.write_json({"query": job.params.query, **about}, job.output.about)


if "snakemake" in globals():
    from livingreview import stage

    stage.run(main, snakemake)  # noqa: F821
