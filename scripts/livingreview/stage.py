"""What every rule's script shares: a log that holds everything, and a last line that says why it failed."""

import contextlib
import gc
import logging
import os
import sys
import time
import traceback
import warnings
from pathlib import Path

from livingreview import lifeline, lock, run_log, saved_meanwhile, secrets
from livingreview.errors import ReviewError
from livingreview.fingerprint import digests

log = logging.getLogger(__name__)


def run(main, snakemake):
    """Run a rule's ``main(job)`` with logging, warnings and tracebacks in the rule's log file.

    Snakemake sends nothing of a ``script:`` to ``log:`` by itself. Progress goes to the terminal as well; of
    an error that a maintainer can act on only its text, of any other the traceback. Secrets of the
    environment reach neither. A job ends when the Snakemake that started it on this machine has ended.

    Raises
    ------
    SystemExit
        With status 1 on any failure.
    """
    path = Path(snakemake.log[0])
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.is_symlink():  # git keeps links: it would have another file emptied
        path.unlink()
    to_file = logging.FileHandler(path, mode="w", encoding="utf-8")
    to_file.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s: %(message)s"))
    # Whatever else the script or a library prints.
    sys.stdout, sys.stderr = secrets.Scrubbed(sys.stdout), secrets.Scrubbed(sys.stderr)
    to_terminal = logging.StreamHandler(sys.stderr)
    to_terminal.setFormatter(logging.Formatter("  %(message)s"))
    to_terminal.setLevel(logging.INFO)
    handlers = [to_file, to_terminal, *_structured(path)]
    for handler in handlers:
        handler.addFilter(secrets.Scrubbing())
    logging.basicConfig(level=logging.INFO, handlers=handlers, force=True)
    logging.captureWarnings(True)
    warnings.simplefilter("default")
    _follow_snakemake()
    try:
        with _told(path), _unchanged(getattr(snakemake, "input", ())):
            main(snakemake)
    except ReviewError as error:
        log.error("%s", error)
        sys.exit(1)
    except OSError as error:
        log.error(
            "the computer says: %s; hint: is the disk full, or a file or folder not yours to write?", error
        )
        sys.exit(1)
    except Exception:
        log.error("this is a fault of the program, not of your data\n%s", traceback.format_exc())
        sys.exit(1)
    finally:
        logging.shutdown()
        # Else the interpreter looks through all that was loaded once more before it ends: a fifth of the time
        # of a short step, thirty times a month.
        gc.freeze()


def _follow_snakemake():
    """A job whose Snakemake was killed must not write beside the next run, which waits until it has ended."""
    if lifeline.follows():
        lock.share(lock.OF_A_REVIEW)
        lifeline.follow(lifeline.end_at_once)


@contextlib.contextmanager
def _unchanged(inputs):
    """Refuse what was made from tables that somebody saved meanwhile: a part may be of each version."""
    people_s = saved_meanwhile.among(inputs)
    before = digests(people_s)
    yield
    changed = saved_meanwhile.changed(before, digests(people_s))
    if changed:
        raise ReviewError(
            f"{', '.join(changed)}: saved while this step read it, so that what it made is not kept;"
            " hint: run the same command again"
        )


def _structured(path):
    """The handler of the run's structured log, in a list; none where no run says that it keeps one."""
    target = os.environ.get(run_log.VARIABLE)
    if not target:
        return []
    return [run_log.Lines(target, run=Path(target).parent.name, rule=path.stem, log=str(path))]


@contextlib.contextmanager
def _told(path):
    """Write into the structured log when the job started, and when it came to its end."""
    target = os.environ.get(run_log.VARIABLE)
    if not target:
        yield
        return
    told = {"run": Path(target).parent.name, "rule": path.stem}
    run_log.write(target, event=run_log.STARTED, message=f"{path.stem} started", pid=os.getpid(), **told)
    began = time.monotonic()
    yield
    took = round(time.monotonic() - began, 3)
    run_log.write(target, event=run_log.ENDED, message=f"{path.stem} ended", seconds=took, **told)
