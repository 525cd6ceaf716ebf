"""Compare what two people extracted independently: agreement, and the differences that wait to be settled."""

from pathlib import Path

import pandas as pd

from livingreview import tables
from livingreview.trials import double_extraction, instruments

SHEETS = Path("data/trials/sheets")


def main(job):
    """Read the pairs of sheets that are ready, write how far they agree and where they do not."""
    registry = instruments.lookup(instruments.read(run=job.params.run))
    fields, waiting = double_extraction.compared(SHEETS, registry=registry)
    tables.write_json(double_extraction.agreement(fields), job.output.extraction_agreement)
    columns = ["sheet", *tables.columns("extraction_conflicts")]
    rows = [frame.assign(sheet=str(SHEETS / name)) for name, frame in waiting.items() if not frame.empty]
    found = pd.concat(rows, ignore_index=True) if rows else pd.DataFrame(columns=columns)
    tables.write(found.reindex(columns=columns), job.output.extraction_conflicts)


if "snakemake" in globals():
    from livingreview import stage

    stage.run(main, snakemake)  # noqa: F821
