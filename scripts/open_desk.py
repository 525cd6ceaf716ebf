"""Open the desk of a review on this computer: where its people screen, extract and see what came of it."""

import argparse
import contextlib
import secrets
import socket
import sys
from pathlib import Path

import waitress

from livingreview import config as protocol
from livingreview import paths, streams
from livingreview.desk import app, guard
from livingreview.desk.desk import Desk
from livingreview.desk.held import Held
from livingreview.errors import ReviewError

HOST = "127.0.0.1"
PORT = 8642  # unassigned; any free one if it is taken


def main(argv=None, *, serve=waitress.serve, token=None):
    """Command line; returns the exit status.

    Parameters
    ----------
    argv : list of str, optional
        Arguments; those of the process if left out.
    serve : callable, optional
        Serves an application on sockets until it is interrupted.
    token : str, optional
        Opens the desk; a new one for each start if left out.
    """
    streams.prepare()
    args = _arguments(argv)
    review = args.directory.resolve()
    try:
        protocol.load(review / "config.yaml", run=args.run)
        paths.refuse_strays(review)
        token = token or secrets.token_urlsafe(24)
        with _listening(args.port) as listener:
            port = listener.getsockname()[1]
            desk = Desk(review, Held(review, run=args.run), cores=args.cores)
            hosts = {f"{name}:{port}" for name in (HOST, "localhost")}
            made = app.create(desk, key=guard.key_of(review), token=token, hosts=hosts)
            streams.say(
                f"The desk is open; it is for this computer alone:\n\n  http://{HOST}:{port}/?token={token}\n"
            )
            streams.say("Ctrl-C closes it. What was confirmed is on disk.")
            serve(made, sockets=[listener], threads=8, ident=None)
    except (ReviewError, OSError) as error:
        streams.say(str(error))
        return 1
    except KeyboardInterrupt:
        return 0
    return 0


@contextlib.contextmanager
def _listening(port):
    """A socket that only this computer reaches."""
    try:
        listener = socket.create_server((HOST, port))
    except OSError:
        listener = socket.create_server((HOST, 0))
    with listener:
        yield listener


def _arguments(argv):
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--directory", type=Path, default=Path(), help="the review's folder")
    parser.add_argument("--run", help="the month to work on; the latest that was built if left out")
    parser.add_argument(
        "--port", type=int, default=PORT, help=f"where it listens ({PORT}, or any that is free)"
    )
    parser.add_argument("--cores", type=int, default=2, help="how many jobs a run does at once (2)")
    return parser.parse_args(argv)


if __name__ == "__main__":
    sys.exit(main())
