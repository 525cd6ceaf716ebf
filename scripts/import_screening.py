"""File the decisions in an export of ASReview, Rayyan or Zotero: each is checked first, all or none."""

import argparse
import datetime
import sys
from pathlib import Path

from export_screening import records_of, stage_of
from livingreview import config as protocol
from livingreview.errors import ReviewError
from livingreview.report import prose
from livingreview.screening import decisions as ledger
from livingreview.screening import exchange


def main(argv=None, now=None):
    """Command line; returns the exit status.

    Parameters
    ----------
    argv : list of str, optional
        Arguments; those of the process if left out.
    now : datetime.datetime, optional
        The moment of filing, with its time zone; the clock's if left out.
    """
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("file", type=Path, help="the program's export, .ris or .csv")
    parser.add_argument("--directory", type=Path, default=Path(), help="the review's folder")
    parser.add_argument("--run", help="the run in which the decisions count; config.yaml's if left out")
    parser.add_argument("--tool", required=True, choices=exchange.TOOLS)
    parser.add_argument("--stage", help="the stage of the decisions; the protocol's first if left out")
    parser.add_argument("--reviewer", help="who decided, where the file does not say")
    parser.add_argument(
        "--as", dest="aliases", action="append", default=[], type=_alias, metavar="NAME=NAME",
        help="a name in the file, and the reviewer's name in the ledger",
    )  # fmt: skip
    parser.add_argument("--only", help="the one person in the file whose decisions are taken")
    parser.add_argument("--note", help="a note on every decision; a correction says why")
    parser.add_argument(
        "--correct", action="store_true", help="replace decisions in force; each needs a note"
    )
    args = parser.parse_args(argv)
    try:
        config = protocol.load(args.directory / "config.yaml", run=args.run)
        returned = _file(args, config, _moment(now))
    except (ReviewError, OSError) as error:
        print(f"{error}\nNothing was filed.", file=sys.stderr)
        return 1
    print(
        f"{prose.plural(len(returned.rows), 'decision')} filed for run {config['run']}; of the other labels"
        f" {returned.unchanged} are as they were exported, {returned.already} are in the ledger,"
        f" {returned.withdrawn} were taken back since, {returned.maybe} say maybe and {returned.left_out} are"
        f" other people's; {returned.unlabelled} records have none."
    )
    for remark in returned.remarks:
        print(f"Note: {remark}.")
    return 0


def _alias(text):
    name, sign, own = text.partition("=")
    if not (sign and name.strip() and own.strip()):
        raise argparse.ArgumentTypeError(f"{text!r} is not of the form NAME=NAME")
    return name.strip(), own.strip()


def _moment(now):
    now = now or datetime.datetime.now(datetime.UTC)
    return now.astimezone(datetime.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _file(args, config, decided_at):
    run, screening = config["run"], config["screening"]
    records = records_of(args.directory / "results" / run, run)
    return exchange.file(
        args.file,
        args.directory / "data/decisions/screening.csv",
        kept=ledger.kept_ids(records),
        tool=args.tool,
        records=records,
        stage=stage_of(args.stage, config),
        stages=screening["stages"],
        reasons=screening["reasons"],
        run=run,
        decided_at=decided_at,
        reviewer=args.reviewer,
        aliases=dict(args.aliases),
        only=args.only,
        reviewers=screening.get("reviewers", {}).get("names"),
        independent=screening.get("reviewers", {}).get("independent", 1),
        note=args.note,
        correct=args.correct,
    )


if __name__ == "__main__":
    sys.exit(main())
