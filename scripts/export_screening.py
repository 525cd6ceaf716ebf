"""Write the records to screen and the decisions for ASReview, Rayyan or Zotero."""

import argparse
import sys
from pathlib import Path

from livingreview import config as protocol
from livingreview import tables
from livingreview.errors import InputError, ReviewError
from livingreview.screening import exchange


def main(argv=None):
    """Command line; returns the exit status."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--directory", type=Path, default=Path(), help="the review's folder")
    parser.add_argument("--run", help="the run whose records are written; config.yaml's if left out")
    parser.add_argument("--tool", required=True, choices=exchange.TOOLS)
    parser.add_argument("--format", default="ris", choices=exchange.FORMATS)
    parser.add_argument(
        "--stage", help="the stage whose labels are written; the protocol's first if left out"
    )
    parser.add_argument("--part", default="all", choices=exchange.PARTS, help="which records")
    parser.add_argument("--out", type=Path, help="the file; results/<run>/exchange/... if left out")
    args = parser.parse_args(argv)
    try:
        config = protocol.load(args.directory / "config.yaml", run=args.run)
        stage = stage_of(args.stage, config)
        out = args.out or _place(args, config["run"], stage)
        exported = _export(args, config, stage, out)
        tables.write_bytes(exported.data, out)
    except (ReviewError, OSError) as error:
        print(f"{error}\nNothing was exported.", file=sys.stderr)
        return 1
    print(f"{out}: {exported.n_waiting} records to decide at {stage}, {exported.n_labelled} with a decision.")
    for remark in exported.remarks:
        print(f"Note: {remark}.")
    return 0


def stage_of(given, config):
    """The stage that was named, or the protocol's first.

    Raises
    ------
    InputError
        If the protocol has no such stage.
    """
    stages = config["screening"]["stages"]
    if given is not None and given not in stages:
        raise InputError(
            "config.yaml", problem="the protocol has no such stage", found=given, allowed=", ".join(stages)
        )
    return given or stages[0]


def records_of(results, run):
    """The records of a run that has been built.

    Raises
    ------
    InputError
        If it has not.
    """
    path = results / "records.csv"
    if not path.is_file():
        raise InputError(path, problem="there is no such file", hint=f"build the run {run} first")
    return tables.read_results(path)


def _place(args, run, stage):
    name = exchange.file_name(args.tool, stage, args.part, args.format)
    return args.directory / "results" / run / "exchange" / name


def _export(args, config, stage, out):
    run = config["run"]
    results = args.directory / "results" / run
    queue = results / "queue.csv"
    return exchange.export(
        records_of(results, run),
        tables.read(args.directory / "data/decisions/screening.csv", "screening"),
        run=run,
        stages=config["screening"]["stages"],
        stage=stage,
        tool=args.tool,
        form=args.format,
        part=args.part,
        order=tables.read_results(queue)["record_id"].tolist() if queue.is_file() else (),
        path=out,
    )


if __name__ == "__main__":
    sys.exit(main())
