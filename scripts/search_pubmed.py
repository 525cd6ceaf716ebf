"""Search PubMed for this run and keep what it answered."""

import contextlib
import datetime
import logging
from pathlib import Path

from livingreview.errors import InputError
from livingreview.search import sandbox, snapshot
from livingreview.search.pubmed.bulk_client import BulkClient
from livingreview.search.pubmed.entrez import Client

log = logging.getLogger(__name__)


def main(job):
    """Take the snapshot of a run.

    Params: run, and search, the protocol's block of that name.
    Output: provenance, the path ``<searches>/<run>/pubmed/provenance.json``.
    """
    run, protocol = job.params.run, job.params.search
    target = Path(job.output.provenance).parent
    if target.parent.name != run:
        raise InputError(
            "config.yaml", column="run", found=run, allowed=target.parent.name, hint="one run, one directory"
        )
    if protocol["base_url"].startswith("http") and protocol["email"].endswith("@example.org"):
        log.warning("search.email is %s: NCBI cannot warn you before it blocks you", protocol["email"])
    with connected(run, protocol) as client:
        log.info("searching %s for run %s", protocol["base_url"], run)
        snapshot.take(run, target.parents[1], client, snapshot.Search.of(protocol))


@contextlib.contextmanager
def connected(run, protocol):
    """A client of the server that the protocol names; a sandbox stands on the first day of the run."""
    with contextlib.ExitStack() as stack:
        base_url = protocol["base_url"]
        if base_url == "bulk":
            as_of = protocol["bulk"]["as_of"]
            yield stack.enter_context(BulkClient("results/bulk", as_of=as_of))
            return
        if base_url == "sandbox":
            day = datetime.date.fromisoformat(f"{run}-01")
            base_url = stack.enter_context(sandbox.serve(protocol["sandbox_corpus"], day))
        yield stack.enter_context(Client(base_url, tool=protocol["tool"], email=protocol["email"]))


if "snakemake" in globals():
    from livingreview import stage

    stage.run(main, snakemake)  # noqa: F821
