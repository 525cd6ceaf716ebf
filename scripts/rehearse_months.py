"""Rehearse several months in a copy: search, rank, decide, extract, pool, report; and show what grows."""

import argparse
import subprocess
import sys
from pathlib import Path

import file_decisions
import merge_trials
from livingreview import config as protocol
from livingreview import rehearsal, tables
from livingreview.errors import InputError, ReviewError
from livingreview.screening import bands
from livingreview.screening.stopping import percent

ROOT = Path(__file__).resolve().parents[1]
RANKED = ["first/audit/then", "low-ranked"]
LEGEND = (
    "first/audit/then: the month's new records by band, as handed out. low-ranked: how many of those"
    " audited so far were relevant, and at most which share of the records below “read first” is, by that."
)


def main(argv=None):
    """Command line; returns the exit status."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--directory", type=Path, default=Path(), help="the review's folder")
    parser.add_argument("--target", type=Path, help="where the copy goes; results/rehearsal if left out")
    parser.add_argument("--cores", default="2")
    args = parser.parse_args(argv)
    target = args.target or args.directory / "results/rehearsal"
    try:
        config = protocol.load(args.directory / "config.yaml")
        if config["search"]["base_url"] != "sandbox" or "rehearsal" not in config:
            raise InputError(
                args.directory / "config.yaml",
                problem="a rehearsal needs the key rehearsal, and search.base_url: sandbox",
            )
        after = config["rehearsal"]["after"]
        given = rehearsal.answers(args.directory / "data")
        rehearsal.copy_review(args.directory, target, after=after)
        print(f"Rehearsing in {target}; people's answers are those that data/ records, for demonstration\n")
        print(_row(["run", "found", "new", *RANKED, "decided", "included", "waiting", *_shorts(config)]))
        for run in [after, *rehearsal.months_after(after, config["rehearsal"]["months"])]:
            handed_out = _month(target, run, given, cores=args.cores)
            print(_row(_facts(target, run, config, handed_out=handed_out)), flush=True)
    except ReviewError as error:
        print(f"{error}\nThe rehearsal stopped.", file=sys.stderr)
        return 1
    print(f"\n{LEGEND}")
    print(f"\nLast report: {(target / 'results' / run / 'report.html').resolve()}")
    return 0


def _month(target, run, given, *, cores):
    """One month: the workflow, then people's answers, until nobody has anything more to say.

    Returns how many new records stood in each band when the month began; None while too little is decided.
    """
    results = target / "results" / run
    _snakemake(target, run, cores, results.relative_to(target) / "queue.csv")
    handed_out = rehearsal.band_counts(results / "queue.csv")
    # Once per stage: what is included on title and abstract comes back for its full text.
    while rehearsal.fill_queue(results / "queue.csv", given):
        _succeed(file_decisions.main(["--directory", str(target), "--run", run]))
        _snakemake(target, run, cores, results.relative_to(target) / "queue.csv")
    # What waits for extraction, with its sheets; the rest is built once, with what is filled into them.
    _snakemake(target, run, cores, results.relative_to(target) / "extraction.csv")
    if rehearsal.fill_sheets(target / "data/trials/sheets", given, run=run):
        _succeed(merge_trials.main(["--directory", str(target), "--run", run]))
    _snakemake(target, run, cores)
    return handed_out


def _snakemake(target, run, cores, *wanted):
    """Run the workflow; its log is shown only if it fails."""
    command = [sys.executable, "-m", "snakemake", "--snakefile", ROOT / "Snakefile", "--directory", target]
    command += ["--cores", cores, "--config", f"run={run}", "--", *wanted]
    done = subprocess.run(list(map(str, command)), capture_output=True, text=True, check=False)
    if done.returncode:
        raise ReviewError(done.stderr)


def _succeed(status):
    if status:
        raise ReviewError("a command of the rehearsal failed; see above")


def _shorts(config):
    return [about["short"] for about in config["outcomes"].values()]


def _facts(target, run, config, *, handed_out):
    results = target / "results" / run
    status = tables.read_json(results / "status.json")
    pooled = tables.read_json(results / "estimates.json")["outcomes"]
    return [
        run,
        status["n_matched"],
        status["n_new_records"],
        _bands(handed_out),
        _audited(tables.read_json(results / "ranking.json")["stopping"]),
        status["n_decided_this_run"],
        status["studies_included"],
        status["n_queue"],
        *(_estimate(pooled[outcome]["main"]) for outcome in config["outcomes"]),
    ]


def _bands(counts):
    if counts is None:
        return "not ranked"
    return "/".join(str(counts[band]) for band in (bands.READ_FIRST, bands.AUDIT, bands.THEN))


def _audited(stopping):
    """Relevant ones of all audited records, and the bound that they give; "-" before the first audit."""
    overall = stopping and stopping["cumulative"]
    if not overall or overall["share_upper"] is None:
        return "-"
    return f"{overall['n_pooled_relevant']}/{overall['n_pooled']} <={percent(overall['share_upper'])}"


def _estimate(row):
    return f"{row['estimate']:.2f} (k={row['k']})" if row["k"] else "- (k=0)"


def _row(cells):
    return "  ".join(
        f"{cell!s:<{width}}"
        for cell, width in zip(cells, [8, 6, 4, 16, 12, 8, 9, 8, *[16] * 20], strict=False)
    )


if __name__ == "__main__":
    sys.exit(main())
