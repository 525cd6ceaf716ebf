"""Look at everything that a scheduled month needs, and say what to mend; changes nothing, sends nothing.

Ends with 0 where a month can run, 1 where something would make it fail.
"""

import argparse
import contextlib
import datetime
import os
import sys
import tempfile
from pathlib import Path
from types import SimpleNamespace

import check_data
from livingreview import streams, tables
from livingreview.operation import doctor
from search_pubmed import connected

ROOT = Path(__file__).resolve().parents[1]
NAME_WIDTH, STATE_WIDTH = 16, 8


def main(argv=None):
    """Command line; returns the exit status."""
    streams.prepare()
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--directory", type=Path, default=Path(), help="the review's folder")
    parser.add_argument("--offline", action="store_true", help="ask no server")
    args = parser.parse_args(argv)
    if not args.directory.is_dir():
        print(f"{args.directory}: there is no such folder", file=sys.stderr)
        return 2
    found = doctor.examine(
        args.directory,
        root=ROOT,
        environ=os.environ,
        now=datetime.datetime.now(datetime.UTC),
        connected=None if args.offline else _connected(args.directory),
        check_tables=lambda config: _rows(args.directory, config),
    )
    states = [_say(one) for one in found]
    faults, warnings = states.count(doctor.FAULT), states.count(doctor.WARNING)
    print(f"\n{_number(faults, 'fault')}, {_number(warnings, 'warning')}. {_verdict(faults, warnings)}")
    return 1 if faults else 0


def _say(finding):
    lines = finding.text.splitlines() or [""]
    indent = " " * (NAME_WIDTH + STATE_WIDTH)
    print(f"{finding.state:<{STATE_WIDTH}}{finding.about:<{NAME_WIDTH}}{lines[0]}")
    for line in lines[1:]:
        print(f"{indent}{line}")
    if finding.hint:
        print(f"{indent}hint: {finding.hint}", flush=True)
    return finding.state


def _number(count, noun):
    return f"{count} {noun}{'' if count == 1 else 's'}"


def _verdict(faults, warnings):
    if faults:
        return "A month would fail; mend the faults first."
    return "A month can run; look at the warnings." if warnings else "A month can run."


def _connected(review):
    """The search's own connection, from within the review's folder, on which the protocol's paths rest."""

    @contextlib.contextmanager
    def within(run, search):
        with contextlib.chdir(review), connected(run, search) as client:
            yield client

    return within


def _rows(review, config):
    """How many rows the rule check_data reads."""
    names = {
        "screening": "data/decisions/screening.csv",
        "studies": "data/trials/studies.csv",
        "reports": "data/trials/reports.csv",
        "outcomes": "data/trials/outcomes.csv",
        "pairs": "data/decisions/pairs.csv",
    }
    params = {
        "run": config["run"],
        "stages": config["screening"]["stages"],
        "searches": "data/searches",
        "reasons": list(config["screening"]["reasons"]),
        "outcomes": [*config["outcomes"], *config.get("other_outcomes", [])],
    }
    with tempfile.TemporaryDirectory() as folder, contextlib.chdir(review):
        output = Path(folder, "checked.json")
        job = SimpleNamespace(
            input=SimpleNamespace(**names),
            params=SimpleNamespace(**params, kept=folder),
            output=SimpleNamespace(checked=output),
        )
        check_data.main(job)
        return sum(tables.read_json(output).values())


if __name__ == "__main__":
    sys.exit(main())
