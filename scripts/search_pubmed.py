"""Search PubMed for this run and keep what it answered."""

import contextlib
import datetime
import logging
from pathlib import Path

from livingreview.errors import InputError
from livingreview.search import sandbox, snapshot
from livingreview.search.entrez import Client

log = logging.getLogger(__name__)


def main(job):
    """Take the snapshot of a run.

    Params: run, base_url ("sandbox" or an address), sandbox_corpus, query, tool, email, tolerance (per cent).
    Output: provenance, the path ``<searches>/<run>/provenance.json``.
    """
    params = job.params
    target = Path(job.output.provenance).parent
    if target.name != params.run:
        raise InputError(
            "config.yaml", column="run", found=params.run, allowed=target.name, hint="one run, one directory"
        )
    if params.base_url != "sandbox" and params.email.endswith("@example.org"):
        log.warning("search.email is %s: NCBI cannot warn you before it blocks you", params.email)
    known = snapshot.known(target.parent, before=params.run)
    with _server(params) as base_url, Client(base_url, tool=params.tool, email=params.email) as client:
        log.info("searching %s for run %s", params.base_url, params.run)
        snapshot.take(
            params.run,
            target.parent,
            client,
            params.query,
            known,
            base_url=params.base_url,
            tolerance=params.tolerance,
        )


@contextlib.contextmanager
def _server(params):
    """The address to ask: that of a sandbox as of the first day of the run, or the one in the config."""
    if params.base_url != "sandbox":
        yield params.base_url
        return
    with sandbox.serve(params.sandbox_corpus, datetime.date.fromisoformat(f"{params.run}-01")) as base_url:
        yield base_url


if "snakemake" in globals():
    from livingreview import stage

    stage.run(main, snakemake)  # noqa: F821
