"""Send the digest of a month to whom config.yaml names, or show what would be sent."""

import argparse
import datetime
import os
import sys
from pathlib import Path

from livingreview import config as protocol
from livingreview import streams
from livingreview.errors import ReviewError
from livingreview.operation.telling import digest, sending, settings
from livingreview.search.snapshot import RUN
from livingreview.secrets import scrub


def main(argv=None, *, clock=None, environ=os.environ):
    """Command line; returns the exit status, 1 if a message may not have reached people.

    Parameters
    ----------
    argv : list of str, optional
        Arguments; those of the process if left out.
    clock : callable, optional
        Returns now, with its time zone.
    environ : mapping, optional
        Where the secrets are.
    """
    streams.prepare()
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--directory", type=Path, default=Path(), help="the review's folder")
    parser.add_argument("--run", help="the month, such as 2026-12; config.yaml's if left out")
    parser.add_argument("--dry-run", action="store_true", help="show the message and send nothing")
    parser.add_argument(
        "--force", action="store_true", help="send what was sent, or may have been, once more"
    )
    parser.add_argument("--test", action="store_true", help="send a message that says that it is a test")
    args = parser.parse_args(argv)
    clock = clock or (lambda: datetime.datetime.now(datetime.UTC))
    try:
        run = args.run or protocol.load(args.directory / "config.yaml")["run"]
        if not RUN.fullmatch(run):
            raise ReviewError(f"--run: found {run!r}; allowed: a month as YYYY-MM")
        if args.test:
            return _said(sending.try_out(args.directory, run, clock=clock, environ=environ))
        seen = digest.write(args.directory, run, environ=environ)
        if args.dry_run:
            print(scrub(_preview(args.directory, seen), environ))
            return 0
        done = sending.send(args.directory, run, seen, clock=clock, environ=environ, force=args.force)
    except (ReviewError, OSError) as error:
        print(scrub(f"{error}\nNothing was sent.", environ), file=sys.stderr)
        return 1
    return _said(done)


def _said(done):
    """Print what became of each message; returns the exit status."""
    for one in done:
        print(f"{one.channel}: {one.message}", file=sys.stderr if one.failed else sys.stdout)
    if not done:
        print("Nobody is told: config.yaml has no key notify with email or webhook.")
    return 1 if any(one.failed for one in done) else 0


def _preview(review, seen):
    asked = settings.notify(review)
    email, hook = asked.get("email"), asked.get("webhook")
    lines = [f"To:      {', '.join(email['to'])} (by {email['host']})"] if email else []
    lines += [f"Webhook: {hook['format']}"] if hook else []
    lines += [] if email or hook else ["Nobody is told: config.yaml has no key notify with email or webhook."]
    return "\n".join([*lines, f"Subject: {seen['subject']}", "", digest.as_markdown(seen)])


if __name__ == "__main__":
    sys.exit(main())
