"""What every rule's script shares: a log that holds everything, and a last line that says why it failed."""

import logging
import sys
import traceback
import warnings
from pathlib import Path

from livingreview import secrets
from livingreview.errors import ReviewError

log = logging.getLogger(__name__)


def run(main, snakemake):
    """Run a rule's ``main(job)`` with logging, warnings and tracebacks in the rule's log file.

    Snakemake sends nothing of a ``script:`` to ``log:`` by itself. Progress goes to the terminal as well; of
    an error that a maintainer can act on only its text, of any other the traceback. Secrets of the
    environment reach neither.

    Raises
    ------
    SystemExit
        With status 1 on any failure.
    """
    path = Path(snakemake.log[0])
    path.parent.mkdir(parents=True, exist_ok=True)
    to_file = logging.FileHandler(path, mode="w", encoding="utf-8")
    to_file.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s: %(message)s"))
    # Whatever else the script or a library prints.
    sys.stdout, sys.stderr = secrets.Scrubbed(sys.stdout), secrets.Scrubbed(sys.stderr)
    to_terminal = logging.StreamHandler(sys.stderr)
    to_terminal.setFormatter(logging.Formatter("  %(message)s"))
    to_terminal.setLevel(logging.INFO)
    for handler in (to_file, to_terminal):
        handler.addFilter(secrets.Scrubbing())
    logging.basicConfig(level=logging.INFO, handlers=[to_file, to_terminal], force=True)
    logging.captureWarnings(True)
    warnings.simplefilter("default")
    try:
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
