"""Add the trials of a Metapsy data set to the review's tables: all or none, and nothing is replaced."""

import argparse
import sys
from pathlib import Path

from livingreview import config as protocol
from livingreview import tables
from livingreview.errors import InputError, ReviewError, problem
from livingreview.trials import effects
from livingreview.trials.checks import unknown_outcomes
from livingreview.trials.exchange import metapsy
from livingreview.trials.revisions import rows_at


def main(argv=None):
    """Command line; returns the exit status."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("file", type=Path, help="a CSV file in the Metapsy data standard")
    parser.add_argument("--directory", type=Path, default=Path(), help="the review's folder")
    parser.add_argument("--run", help="the run from which the rows count; config.yaml's if left out")
    parser.add_argument("--source", required=True, help="what the file is: data set, version, DOI")
    parser.add_argument("--outcome", help="the protocol's outcome, where the file has no column outcome")
    parser.add_argument("--higher-is", choices=("worse", "better"), help="where the file has no such column")
    parser.add_argument(
        "--favours",
        choices=sorted(metapsy.FAVOURS),
        default="negative",
        help="which sign of precalc_g favours the first arm",
    )
    args = parser.parse_args(argv)
    try:
        if not args.source.strip():
            raise InputError(args.file, problem="a source is needed", hint='SOURCE="data set, version, DOI"')
        config = protocol.load(args.directory / "config.yaml", run=args.run)
        said = add(args, config, args.directory / "data/trials")
    except (ReviewError, OSError) as error:
        print(f"{error}\nNothing was imported.", file=sys.stderr)
        return 1
    print("\n".join(said))
    return 0


def add(args, config, trials):
    """Append what is new; returns what was done, a line each.

    Raises
    ------
    InputError
        Naming what is wrong, or differs from a row that is there; nothing is written then.
    """
    data = args.file.read_bytes() if args.file.is_file() else None
    if data is None:
        raise InputError(args.file, problem="there is no such file")
    held = {name: tables.read(trials / f"{name}.csv", name) for name in ("studies", "outcomes")}
    name, run = args.file.name, config["run"]
    studies, outcomes, left_out = metapsy.to_tables(
        metapsy.read(data, name=name),
        source=args.source.strip(),
        data=data,
        name=name,
        run=run,
        outcome=args.outcome,
        higher_is=args.higher_is,
        favours=args.favours,
        held=set(held["outcomes"]["row_id"]),
    )
    fresh = _fresh(outcomes, held["outcomes"], name)
    new_studies = studies[~studies["study_id"].isin(held["studies"]["study_id"])]
    _check(trials, fresh, new_studies, held, config)
    tables.append(new_studies, trials / "studies.csv", "studies")
    tables.append(fresh, trials / "outcomes.csv", "outcomes")
    unlinked = ", ".join(new_studies["study_id"]) or "none"
    return [
        f"{len(fresh)} rows added to outcomes.csv for run {run},"
        f" {len(outcomes) - len(fresh)} were there already; {len(new_studies)} studies added to studies.csv.",
        f"Left out: {len(left_out)} rows without usable numbers." + "".join(f"\n  {one}" for one in left_out),
        f"Studies that need a report in reports.csv before they can be included: {unlinked}.",
    ]


def _fresh(outcomes, held, name):
    """The rows that are not there yet; one that differs from a row of its id is refused."""
    sources = {row: set(part["source"]) for row, part in held.groupby("row_id")}
    digests = {row: {_place(source) for source in found} for row, found in sources.items()}
    by_place = {place for found in digests.values() for place in found}
    fresh = outcomes[~outcomes["source"].map(_place).isin(by_place)]
    problems = [
        problem(
            "this row exists, from another source; nothing is ever replaced",
            row=row.row_id,
            found=row.source,
            allowed="; ".join(sorted(sources[row.row_id])),
            hint="remove the column row_id from the file to add it under a new id, with its priority",
        )
        for row in fresh.itertuples()
        if row.row_id in sources
    ]
    if problems:
        raise InputError(name, problems=problems)
    return fresh


def _place(source):
    """Digest and row of an imported file, by which a second import is recognised."""
    return source[source.rindex("(sha256") :] if "(sha256" in str(source) else source


def _check(trials, fresh, new_studies, held, config):
    """Refuse what could not be built from: outcomes of no protocol, and every check of the trials."""
    unknown = unknown_outcomes(fresh, [*config["outcomes"], *config.get("other_outcomes", [])])
    if unknown:
        raise InputError(trials / "outcomes.csv", problems=unknown)
    whole = {
        name: _joined(held[name], rows, trials / f"{name}.csv", name)
        for name, rows in (("studies", new_studies), ("outcomes", fresh))
    }
    effects.compute(
        rows_at(whole["outcomes"], config["run"], ["row_id"]),
        rows_at(whole["studies"], config["run"], ["study_id"]),
        set(),
        protocol=[],
    )


def _joined(held, rows, path, schema):
    """A table as it would become, read back through its schema."""
    header = tables.columns(schema)
    lines = [
        [tables.to_text(cell) for cell in row]
        for frame in (held, rows)
        for row in frame[header].itertuples(index=False)
    ]
    return tables.read_cells(path, header, list(enumerate(lines, start=2)), schema)


if __name__ == "__main__":
    sys.exit(main())
