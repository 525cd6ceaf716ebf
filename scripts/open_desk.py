"""Open the desk of a review on this computer: where its people screen, extract and see what came of it."""

import argparse
import contextlib
import gc
import logging
import secrets
import signal
import sys
import threading
import webbrowser
from pathlib import Path

from livingreview import config as protocol
from livingreview import paths, streams, tables
from livingreview.desk import app, faults, guard, serving
from livingreview.desk.desk import Desk
from livingreview.desk.held import Held
from livingreview.desk.screening import work
from livingreview.errors import ReviewError


def main(argv=None, *, token=None, browse=webbrowser.open):
    """Command line; returns the exit status.

    Parameters
    ----------
    argv : list of str, optional
        Arguments; those of the process if left out.
    token : str, optional
        Opens the desk; a new one for each start if left out.
    browse : callable, optional
        Shows an address in a browser.
    """
    streams.prepare()
    args = _arguments(argv)
    review = args.directory.resolve()
    try:
        protocol.load(review / "config.yaml", run=args.run)
        paths.refuse_strays(review)
        tables.remove_leftovers(review / "data")  # of a desk that was killed
        with _logging(review), serving.listen(args.port) as listener, _closed_by_signal():
            _serve(review, args, listener, token=token or secrets.token_urlsafe(24), browse=browse)
    except (ReviewError, OSError) as error:
        streams.say(str(error))
        return 1
    except KeyboardInterrupt:
        pass
    streams.say("The desk is closed.")
    return 0


def _serve(review, args, listener, *, token, browse):
    once = secrets.token_urlsafe(24)
    desk = Desk(review, Held(review, run=args.run), cores=args.cores)
    hosts = serving.hosts_of(listener)
    made = app.create(desk, key=guard.key_of(review), token=token, hosts=hosts, once=[once])
    server = serving.server(made, listener)
    threading.Thread(target=_read_ahead, args=(desk.held,), daemon=True).start()
    port = listener.getsockname()[1]
    top = f"http://{serving.HOST}:{port}/?token="
    if args.port is None and port != serving.PORT:
        streams.say(f"Port {serving.PORT} is taken, by another desk perhaps; this one has port {port}.")
    streams.say(f"The desk is open; it is for this computer alone:\n\n  {top}{token}\n")
    streams.say("Ctrl-C closes it. What was confirmed is on disk.")
    if args.open and not browse(top + once):
        streams.say("No browser could be started; open the address above.")
    server.run()


def _read_ahead(held):
    """Read what the first pages need, and keep it out of the way of the collector of garbage.

    Which would go through all of it every hundred decisions or so, while somebody waits for the next record.
    """
    work.read_ahead(held)
    gc.freeze()


@contextlib.contextmanager
def _logging(review):
    """Keep the desk's log for as long as it is open."""
    handler = faults.keep_log(review)
    root = logging.getLogger()
    root.addHandler(handler)
    level = root.level
    root.setLevel(logging.INFO)
    logging.captureWarnings(True)
    try:
        yield
    finally:
        logging.captureWarnings(False)
        root.setLevel(level)
        root.removeHandler(handler)
        handler.close()


@contextlib.contextmanager
def _closed_by_signal():
    """End as Ctrl-C does when the process is asked to end; what is being saved is saved first."""

    def close(*_):
        raise KeyboardInterrupt

    old = {number: signal.signal(number, close) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield
    finally:
        for number, handler in old.items():
            signal.signal(number, handler)


def _arguments(argv):
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--directory", type=Path, default=Path(), help="the review's folder")
    parser.add_argument("--run", help="the month to work on; the latest that was built if left out")
    parser.add_argument(
        "--port", type=int, help=f"where it listens; left out, {serving.PORT} or any that is free"
    )
    parser.add_argument("--cores", type=int, default=2, help="how many jobs a run does at once (2)")
    parser.add_argument("--open", action="store_true", help="show it in the browser of this computer")
    return parser.parse_args(argv)


if __name__ == "__main__":
    sys.exit(main())
