"""Serve the sandbox by hand, to try queries and clients against PubMed's manners without PubMed."""

import argparse
import datetime
import threading

from livingreview.search import sandbox


def main(arguments=None, *, stop=None):
    """Serve until interrupted (Ctrl-C), or until the event `stop` is set."""
    options = _parser().parse_args(arguments)
    stop = stop or threading.Event()
    with sandbox.serve(options.corpus, options.as_of, port=options.port, limit_rate=True) as url:
        print(f"PubMed as of {options.as_of} (sandbox): {url}")
        print("Every request needs tool and email; more than 3 per second are refused. Try:")
        print(
            f"  curl '{url}esearch.fcgi' --data-urlencode 'term=\"chronic pain\"[ti] AND internet*[ti]'"
            " -d db=pubmed -d tool=curl -d email=you@example.org"
        )
        print("Stop with Ctrl-C.", flush=True)
        try:
            stop.wait()
        except KeyboardInterrupt:
            print()


def _parser():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--as-of",
        type=datetime.date.fromisoformat,
        required=True,
        help="the day, YYYY-MM-DD, that PubMed has",
    )
    parser.add_argument("--port", type=int, default=8765, help="default: %(default)s; 0 takes any free port")
    parser.add_argument("--corpus", default="data/sandbox/records.csv", help="default: %(default)s")
    return parser


if __name__ == "__main__":
    main()
