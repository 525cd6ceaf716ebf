"""Stands in for the monthly command: the same command and the real Snakemake, as far as the pools."""

import os
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "scripts"))

import run_month


def main(argv):
    """The monthly command, or Snakemake, which stops before figures and report."""
    if "--snakefile" in argv:
        os.execv(sys.executable, [sys.executable, "-m", "snakemake", *argv, "--until", "pool_outcomes"])
    return run_month.main(argv, command=[sys.executable, __file__])


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
