"""How sending a message can fail: for certain, so that it may be tried again, or so that nobody knows."""

import threading

from livingreview.errors import ReviewError

LIMIT = 120  # seconds for one message, whatever a server does: the month holds the review's lock meanwhile


class NotSent(ReviewError):
    """The message has not been sent; the next start may try again."""


class MaybeSent(ReviewError):
    """Nobody can know whether the message has arrived; it must not be sent again unasked."""


def within(seconds, send, begin):
    """Call ``send(begin)`` and give up after a time.

    Parameters
    ----------
    seconds : float
    send : callable
        Calls what it is given right before the first moment in which the message could be taken.
    begin : callable
        Writes down that the message is being sent.

    Raises
    ------
    NotSent, MaybeSent
        As `send` does; when the time is up, by whether it had begun. It cannot begin afterwards.
    """
    lock, state, ended = threading.Lock(), {"begun": False, "over": False}, []

    def begun():
        with lock:
            if state["over"]:
                raise NotSent("the time was up")
            begin()
            state["begun"] = True

    def work():
        try:
            send(begun)
            ended.append(None)
        except BaseException as error:  # whatever it is, the caller is told
            ended.append(error)

    # A thread that a server keeps waiting must not keep the process from ending.
    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    thread.join(seconds)
    with lock:
        state["over"] = not ended
    if not ended:
        failure = MaybeSent if state["begun"] else NotSent
        raise failure(f"the server took more than {seconds:g} s")
    if ended[0] is not None:
        raise ended[0]
