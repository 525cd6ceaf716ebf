"""The month's ranking once more, with what was decided since, in a process of its own."""

import multiprocessing
import os
import signal
import threading
import traceback
import warnings
from multiprocessing import connection
from pathlib import Path
from typing import NamedTuple

from livingreview.desk.held import Held
from livingreview.errors import ReviewError
from livingreview.screening import bands, blinding, filing, training
from livingreview.screening import decisions as ledger
from livingreview.screening import queue as screening_queue

NICE = 10  # of 19: whoever screens comes first, and it still ends on a computer that is busy


class Ranked(NamedTuple):
    """An order of reading that was made anew.

    Attributes
    ----------
    order : list of str or None
        Record ids, best first; None where there are too few decisions to learn from.
    explanation : str
        How it was made, or why not.
    n_learnt : int
        Decided records that were learnt from.
    n_more : int
        How many more these are than when the month was built.
    moved_up : frozenset of str
        Records that are read first by this ranking, and were not by the month's.
    warnings : tuple of str
        What the libraries warned of.
    """

    order: list | None
    explanation: str
    n_learnt: int
    n_more: int
    moved_up: frozenset
    warnings: tuple = ()


def ranked(review, run, name):
    """The queue's order as `rank_records` would make it now, from the files as they are; writes nothing.

    Of two independent reviewers each is ranked for with the rows that this one may see (`blinding.shown_to`):
    the order is a function of these alone, so that nothing of it can tell what the other has said.

    Parameters
    ----------
    review : path
        The review's folder.
    run : str
        The month.
    name : str
        Who will read in this order.

    Returns
    -------
    Ranked
    """
    held = Held(review, run=run)
    config = held.config()
    screening, ranking = config["screening"], config["screening"]["ranking"]
    records = held.table(held.results("records.csv"))
    decisions = ledger.under_kept(held.table(filing.LEDGER, "screening"), ledger.kept_ids(records), run=run)
    tested = held.json(held.results("backtest.json"))
    queue, about = screening_queue.build(
        records,
        blinding.shown_to(decisions, name=name, names=filing.own_queues(screening), run=run),
        run=run,
        stages=screening["stages"],
        ranking=ranking,
        protocol=screening_queue.protocol_text(config["review"]["question"], config["eligibility"]),
        chosen={label: one["choice"]["chosen"] for label, one in tested.items()},
    )
    label = training.labels_of(ranking["learn_from"], screening["stages"])[0]
    n_learnt = about["training"][label]["n"]
    before = held.json(held.results("ranking.json"))["training"][label]["n"]
    first = _read_first(queue)
    return Ranked(
        order=None if about["model"] is None else list(queue["record_id"]),
        explanation=about["explanation"],
        n_learnt=n_learnt,
        n_more=n_learnt - before,
        moved_up=frozenset(first - _read_first(held.table(held.results("queue.csv"), "queue"))),
    )


def _read_first(queue):
    return set(queue.loc[queue["band"] == bands.READ_FIRST, "record_id"])


def may_learn(held, who):
    """Whether decisions may be enough for a ranking to be learnt from them; `ranked` has the last word.

    A month that was ranked by decisions has enough. Where it had too few, rows of the ledger are counted,
    which is quick at every page: of two reviewers one's own alone, for nothing may tell of the other's.

    Parameters
    ----------
    held : Held
    who : work.Seat
    """
    needed = [held.results(name) for name in ("ranking.json", "backtest.json", "records.csv")]
    if not all(held.exists(path) for path in needed):
        return False
    if held.json(needed[0])["model"] is not None:
        return True
    ranking, rows = held.config()["screening"]["ranking"], held.table(filing.LEDGER, "screening")
    if who.own:
        rows = rows[(rows["reviewer"] == who.name) | (rows["role"] != ledger.INDEPENDENT)]
    said = rows["decision"]
    return bool(
        (said == "include").sum() >= ranking["minimum_included"]
        and (said == "exclude").sum() >= ranking["minimum_excluded"]
    )


def in_process(review, run, name):
    """As `ranked`, in a process of its own at a low priority, which ends with the desk at the latest.

    In a thread it would hold up every answer: at twenty thousand records that wait, and as many that are
    decided, it computes for a hundred seconds.

    Raises
    ------
    ReviewError
        Why it came to nothing; the desk's log has the rest.
    """
    context = multiprocessing.get_context("spawn")
    receiver, sender = context.Pipe(duplex=False)
    process = context.Process(target=_work, args=(sender, str(review), run, name), daemon=True)
    process.start()
    sender.close()
    try:
        found = receiver.recv()
    except EOFError:
        process.join()
        raise ReviewError(f"the process that ranks ended by itself, with status {process.exitcode}") from None
    finally:
        receiver.close()
    process.join()
    if isinstance(found, Ranked):
        return found
    raise ReviewError(found[0]) from RuntimeError(found[1])


def _work(sender, review, run, name):
    """What the process does: rank, answer, end."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the desk
    threading.Thread(target=_end_with_the_desk, daemon=True).start()
    os.nice(NICE)
    try:
        with warnings.catch_warnings(record=True) as warned:
            found = ranked(Path(review), run, name)
        found = found._replace(warnings=tuple(sorted({str(one.message) for one in warned})))
    except ReviewError as error:
        found = str(error), traceback.format_exc()
    except Exception as error:  # whatever it is, the desk goes on in the order that it has
        found = f"{type(error).__name__}: {error}", traceback.format_exc()
    sender.send(found)


def _end_with_the_desk():
    connection.wait([multiprocessing.parent_process().sentinel])
    os._exit(1)
