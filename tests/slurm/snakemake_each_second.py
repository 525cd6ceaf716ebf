"""Snakemake as it is, but that it asks Slurm each second what became of its jobs.

The plugin waits ten seconds longer after every question to which no job had ended, up to three minutes: that
spares the controller of a cluster, and nobody else is on this one.
"""

import asyncio

from snakemake.cli import main
from snakemake_executor_plugin_slurm import Executor


async def _a_second(_executor):
    await asyncio.sleep(1)


Executor.sleep = _a_second

if __name__ == "__main__":
    main()
