"""Serve the sandbox by hand, to try queries and clients against PubMed's manners without PubMed."""

import argparse
import datetime
import sys
import threading

from livingreview.errors import InputError
from livingreview.search import sandbox
from livingreview.search.sandbox.eutilities import ORDERS
from livingreview.search.sandbox.faults import FAULTS, GOOD

NOT_STARTED = 2  # exit status where an option, the corpus or the port cannot be used


def main(arguments=None, *, stop=None):
    """Serve until interrupted (Ctrl-C), or until the event `stop` is set; the exit status."""
    options = _parser().parse_args(arguments)
    stop = stop or threading.Event()
    try:
        served = _sandbox(options)
    except (InputError, OSError) as error:
        print(f"serve_sandbox.py: {error}", file=sys.stderr)
        return NOT_STARTED
    with served:
        _say(served.url, options)
        try:
            stop.wait()
        except KeyboardInterrupt:
            print()
    return 0


def _sandbox(options):
    records = sandbox.read_corpus(options.corpus)
    held = {record["pmid"] for record in records}
    for pmid in (*options.withhold, *options.undeliver):
        if pmid not in held:
            raise InputError(options.corpus, problem="there is no such record", found=pmid)
    return sandbox.Sandbox(
        records,
        options.as_of,
        port=options.port,
        limit_rate=options.limit_rate,
        faults=options.fault,
        withheld=options.withhold,
        undelivered=options.undeliver,
        order=options.order,
        expire_history=options.expire_history,
        control=options.control,
    )


def _say(url, options):
    print(f"PubMed as of {options.as_of} (sandbox): {url}")
    limit = "; more than 3 per second are refused" if options.limit_rate else ""
    print(f"Every request needs tool and email{limit}. Try:")
    print(
        f"  curl '{url}esearch.fcgi' --data-urlencode 'term=\"chronic pain\"[ti] AND internet*[ti]'"
        " -d db=pubmed -d tool=curl -d email=you@example.org"
    )
    print("Stop with Ctrl-C. See docs/sandbox.md.", flush=True)


def _parser():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--as-of", type=_day, required=True, help="the day, YYYY-MM-DD, that PubMed has")
    parser.add_argument(
        "--port", type=_port, default=8765, help="default: %(default)s; 0 takes any free port"
    )
    parser.add_argument("--corpus", default="data/sandbox/records.csv", help="default: %(default)s")
    parser.add_argument(
        "--limit-rate",
        action=argparse.BooleanOptionalAction,
        default=True,
        help="refuse more than 3 requests per second (10 with a key)",
    )
    parser.add_argument(
        "--fault",
        nargs="+",
        action="extend",
        default=[],
        metavar="NAME",
        choices=[GOOD, *FAULTS],
        help=f"what goes wrong with the coming requests, one name each: {', '.join([GOOD, *FAULTS])}",
    )
    parser.add_argument(
        "--withhold",
        nargs="+",
        action="extend",
        default=[],
        type=_pmid,
        metavar="PMID",
        help="records that are found, and neither delivered nor summarised",
    )
    parser.add_argument(
        "--undeliver",
        nargs="+",
        action="extend",
        default=[],
        type=_pmid,
        metavar="PMID",
        help="records that are found and summarised, and not delivered",
    )
    parser.add_argument("--order", choices=ORDERS, default="uid", help="of the PMIDs found")
    parser.add_argument("--expire-history", action="store_true", help="every WebEnv has expired at once")
    parser.add_argument("--control", action="store_true", help="set faults and read requests over HTTP")
    return parser


def _day(text):
    try:
        return datetime.date.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is not a day; write YYYY-MM-DD") from None


def _port(text):
    if text.isascii() and text.isdigit() and int(text[:6]) < 65536:
        return int(text)
    raise argparse.ArgumentTypeError(f"{text!r} is not a port; allowed: 0 to 65535")


def _pmid(text):
    if text.isascii() and text.isdigit() and text[0] != "0":
        return text
    raise argparse.ArgumentTypeError(f"{text!r} is not a PMID: digits only")


if __name__ == "__main__":
    sys.exit(main())
