"""List what was corrected in the extracted data up to a run."""

from pathlib import Path

from livingreview import tables
from livingreview.trials import corrections, instruments


def main(job):
    """Read every revision of the tables, write what changed between them."""
    frames = {name: tables.read(getattr(job.input, name), name) for name in ("studies", "outcomes")}
    if Path(instruments.TABLE).is_file():
        frames["instruments"] = tables.read(instruments.TABLE, "instruments")
    tables.write(corrections.corrections_until(frames, run=job.params.run), job.output.corrections)


if "snakemake" in globals():
    from livingreview import stage

    stage.run(main, snakemake)  # noqa: F821
