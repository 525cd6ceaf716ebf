"""Write what a hosted schedule shows people: title and text of a month's pull request, or of an issue."""

import argparse
import sys
from pathlib import Path

from livingreview import tables
from livingreview.operation.hosted import pull_request


def main(argv=None):
    """Command line; returns the exit status. A month that left little is told of with what there is."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--directory", type=Path, required=True, help="the review's folder")
    parser.add_argument("--name", required=True, help="the review's name")
    parser.add_argument("--run", required=True, help="the month, YYYY-MM")
    parser.add_argument("--status", type=int, required=True, help="exit status of the month's command")
    parser.add_argument("--printed", type=Path, required=True, help="file with what that command printed")
    parser.add_argument("--address", required=True, help="where the report and the logs can be had")
    parser.add_argument("--carried", nargs="*", default=[], help="branches of months not merged yet")
    parser.add_argument("--output", type=Path, required=True, help="folder for title.txt and body.md")
    args = parser.parse_args(argv)
    logs, results = (args.directory / part / args.run for part in ("logs", "results"))
    month = tables.read_json(logs / "month.json") if (logs / "month.json").is_file() else {}
    digest = _text(logs / "digest.md")
    if args.status in pull_request.FINE:
        body = pull_request.body(
            digest=digest,
            queue=_text(results / "queue.md"),
            report=args.address,
            snapshot=(args.directory / "data/searches" / args.run).as_posix(),
            carried=[one for one in args.carried if not one.endswith(f"/{args.run}")],
        )
    else:
        body = pull_request.issue(digest=digest, printed=_text(args.printed), address=args.address)
    title = pull_request.title(
        review=args.name,
        run=args.run,
        status=args.status,
        outcome=month.get("outcome", "built"),
        waiting=month.get("n_waiting"),
    )
    tables.write_text(f"{title}\n", args.output / "title.txt")
    tables.write_text(body, args.output / "body.md")
    return 0


def _text(path):
    return path.read_text(encoding="utf-8", errors="replace") if path.is_file() else ""


if __name__ == "__main__":
    sys.exit(main())
