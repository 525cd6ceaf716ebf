"""Build the month of every review in a folder; one that fails stops no other.

Exit status: the gravest of all reviews. 1 a month failed, or a folder that holds a review's data is none; 20
a trigger fired; 10 work waits for people; 75 another run was at work in a review, and nothing else is to be
done; 0 nothing new and nothing waits; 2 wrong usage, or no review in the folder.
"""

import argparse
import contextlib
import math
import re
import signal
import sys
from pathlib import Path

from livingreview import streams
from livingreview.errors import ReviewError
from livingreview.operation.reviews import folders as reviews
from livingreview.operation.reviews import months, portfolio
from livingreview.report import characters, prose
from livingreview.search.snapshot import RUN

ROOT = Path(__file__).resolve().parents[1]
WRONG_USAGE = 2
LONGEST = 300  # characters of a reason; the page has it whole
HOURS = 24  # longer than the longest month seen, shorter than the time to the next one
LONGEST_MONTH = 24 * 31


def main(argv=None, *, month=ROOT / "scripts/run_month.py"):
    """Command line; returns the exit status.

    Parameters
    ----------
    argv : list of str, optional
        Arguments; those of the process if left out.
    month : path, optional
        The program that builds one review's month.
    """
    streams.prepare()
    args = _parser().parse_args(argv)
    try:
        found, others = reviews.find(args.reviews)
    except ReviewError as error:
        print(error, file=sys.stderr)
        return WRONG_USAGE
    runner = months.Months(
        lambda review: _command(month, review, args), cwd=ROOT, jobs=args.jobs, limit=args.hours * 3600
    )
    print(f"{len(found)} reviews in {args.reviews}", flush=True)
    for name in others:
        _print(f"  passed over: {name} (no config.yaml)")
    with _stopped_by_signals():
        try:
            ended = runner.run(found, ended=lambda one: _print(_line(one)))
        except (KeyboardInterrupt, SystemExit):
            print("Stopped. Months that had begun go on where they were when started again.", file=sys.stderr)
            return months.FAILED
    status = months.gravest([one.status for one in ended])
    try:
        written = portfolio.write(args.reviews, found, others=others, run=args.run, ended=ended)
    except (ReviewError, OSError) as error:
        print(f"The months ended; the portfolio could not be written: {error}", file=sys.stderr)
        return months.FAILED
    _print(_summary(written, args.reviews))
    return status


def _parser():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--reviews", type=Path, default=Path("reviews"), help="default: %(default)s")
    parser.add_argument("--run", type=_month, help="YYYY-MM; left out, what each config.yaml says")
    parser.add_argument("--cores", type=_positive, default=2, help="shared by reviews that run at once")
    parser.add_argument("--jobs", type=_positive, default=1, help="reviews at once; default: %(default)s")
    parser.add_argument(
        "--hours", type=_hours, default=HOURS, help="a longer month is stopped; default: %(default)s"
    )
    parser.add_argument("--profile", help="of Snakemake, such as profiles/slurm")
    return parser


def _month(text):
    if RUN.fullmatch(text):
        return text
    raise argparse.ArgumentTypeError(f"{text!r} is not a month; write YYYY-MM")


def _positive(text):
    if re.fullmatch(r"[1-9]\d{0,3}", text):
        return int(text)
    raise argparse.ArgumentTypeError(f"{text!r} is no whole number from 1 on")


def _hours(text):
    try:
        hours = float(text)
    except ValueError:
        hours = math.nan
    if 0 < hours <= LONGEST_MONTH:
        return hours
    raise argparse.ArgumentTypeError(f"{text!r} is no number of hours above 0, up to {LONGEST_MONTH}")


def _command(month, review, args):
    options = ["--directory", review.path.absolute(), "--cores", max(1, args.cores // args.jobs)]
    options += ["--run", args.run] if args.run else []
    options += ["--profile", args.profile] if args.profile else []
    return [sys.executable, str(month), *map(str, options)]


@contextlib.contextmanager
def _stopped_by_signals():
    """SIGTERM and SIGHUP end the program in order, as Ctrl-C does."""
    before = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGHUP)}
    for number in before:
        signal.signal(number, lambda got, _frame: sys.exit(128 + got))
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _line(ended):
    said = "in use by another run" if ended.status == months.IN_USE else portfolio.OF_STATUS[ended.status]
    return f"  {ended.review.name}: {said} ({ended.seconds:.0f} s)"


def _summary(written, folder):
    """Each review with its outcome and what to do, those that want attention first; where the page is."""
    rows = written["reviews"]
    width, words = (max(len(str(row[key])) for row in rows) for key in ("name", "outcome"))
    lines = ["", f"{'review':<{width}}  {'outcome':<{words}}  {'new':>5}  {'waiting':>7}  what to do"]
    for row in rows:
        good = row["good"] or {}
        cells = [f"{row['name']:<{width}}", f"{row['outcome']!s:<{words}}", f"{good.get('n_new', '-'):>5}"]
        pieces = sum(one["n"] for one in good["waiting"]) if good else "-"
        lines.append("  ".join([*cells, f"{pieces:>7}", _to_do(row, folder)]).rstrip())
    lines += ["", portfolio.lead(rows), f"All reviews: {(Path(folder) / portfolio.PAGE).resolve()}"]
    return "\n".join(lines)


def _print(text):
    # Names of folders, and what the files of a review say, must not speak to the terminal.
    print(characters.fit(text), flush=True)


def _to_do(row, folder):
    """One line; of a failure its reason and the hint."""
    path = Path(folder) / row["name"]
    if row["state"] == portfolio.FAILED:
        reason = prose.excerpt(_one_line(*_first(row["reason"])), LONGEST)
        return _one_line(reason or f"see {path / months.OUTPUT}", row["hint"])
    if row["hint"]:
        return _one_line(row["hint"])
    run = row["good"]["run"] if row["good"] else None
    return {
        portfolio.FIRED: f"read {path}/results/{run}/report.html: conclusions may have moved",
        portfolio.WAITS: f"do what waits: {path}/results/{run}/",
        portfolio.UNENDED: "start again once the other run has ended",
        portfolio.BEHIND: f"make month REVIEW={path}",
        portfolio.NEVER: f"make month REVIEW={path}",
    }.get(row["state"], "")


def _first(reason):
    """The first line of a reason, and how many follow; one that only announces the next takes that along."""
    lines = (reason or "").splitlines()
    shown = 2 if lines and lines[0].endswith(":") else 1
    rest = lines[shown:]
    return [" ".join(lines[:shown]), *(rest if len(rest) < 2 else [f"{len(rest)} more lines on the page"])]


def _one_line(*parts):
    return "; ".join(" ".join(str(part).split()) for part in parts if part)


if __name__ == "__main__":
    sys.exit(main())
