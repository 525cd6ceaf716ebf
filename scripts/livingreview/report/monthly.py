"""The monthly statement of a living review, made from its status: what was searched, found, and what follows.

After the monthly statements of Cochrane's living reviews, which hold the date of the search, the new studies
found and the plan for the update (Millard 2019, Systematic Reviews 8:325, table 1).
"""

from livingreview.report import prose
from livingreview.report.prose import listed, plural, sentence, spelled, spelled_plural

MODES = {"paused": "is paused", "retired": "is retired from living mode"}
SINCE = {"paused": "has been paused", "retired": "has been retired from living mode"}
NAMED = 5  # more studies than this are counted


def statement(news):
    """The sentences of a run, in order.

    Parameters
    ----------
    news : dict
        ``run``; ``status`` (status.json); ``included`` (labels of studies included in this run), ``fired``
        (list of dict: label of the outcome or None, sentence), ``retracted`` (labels of studies out since
        this run), ``restored`` (how many reports are no longer marked as retracted), ``concerns`` and
        ``errata`` (labels of studies that stay, with a notice first seen in this run), ``corrected`` (labels
        of studies of which this run corrected extracted rows), ``moved`` (list of dict: label, before and
        after of each outcome that differs from the release, as printed), ``method`` (whether the method is
        among the causes), ``release`` (the last one before this run, or None).

    Returns
    -------
    list of str
        Plain text; never empty.
    """
    status = news["status"]
    sentences = [
        *_mode(status),
        _search(status),
        *_studies(news),
        *_waiting(status),
        *_retractions(news),
        *_notices(news),
        *_corrections(news),
        *_estimates(news),
        *_conclusions(news),
        _plan(status, told=bool(news["fired"])),
    ]
    return [one for one in sentences if one]


def kind(news):
    """The case that a run is: retired, paused, triggered, included, changed, awaiting, or nothing found."""
    status = news["status"]
    if status["mode"]["mode"] in MODES:
        return status["mode"]["mode"]
    if news["fired"] or news["retracted"]:
        return "triggered"
    if news["included"] or status["n_included_this_run"]:
        return "included"
    if news["concerns"] or news["errata"] or news["corrected"] or news["restored"]:
        return "changed"
    if status["n_queue"] or status["awaiting_extraction"]:
        return "awaiting"
    return "nothing found"


def mode_notice(status):
    """What a page of a paused or retired review says first; None while it is active."""
    return " ".join(_mode(status)) or None


def _mode(status):
    mode = status["mode"]
    if mode["mode"] not in MODES:
        return
    since = f" since {prose.month(mode['since'])}" if mode["since"] else ""
    yield f"This review {(SINCE if since else MODES)[mode['mode']]}{since}."
    yield f"Reason: {_ended(mode['reason'])}" if mode["reason"] else "No reason has been stated."


def _ended(text):
    text = text.strip()
    return text if text.endswith((".", "!", "?")) else f"{text}."


def _search(status):
    what = "The bundled stand-in for PubMed was" if status["sandbox"] else "PubMed was"
    head = f"{what} searched on {prose.day(status['searched_at'])}"
    other = status["n_new_other"]
    n_new = status["n_new_records"] + other
    if not n_new:
        return f"{head}; no new record was found."
    found = f"{spelled_plural(n_new, 'new record')} {'was' if n_new == 1 else 'were'} found"
    if not other:
        return f"{head}; {found}."
    which = f"{spelled(other)} of them" if other < n_new else "it" if n_new == 1 else "all"
    return f"{head}; {found}, {which} from other sources."


def _studies(news):
    status = news["status"]
    if news["included"]:
        names = news["included"]
        named = f" ({listed(names)})" if len(names) <= NAMED else ""
        was = "was" if len(names) == 1 else "were"
        yield f"{sentence(spelled_plural(len(names), 'new study', 'new studies'))}{named} {was} included."
    elif not status["n_included_this_run"]:
        yield "No new study was included."
    lacking = len(status["awaiting_extraction"])
    if lacking:
        verb = "is" if lacking == 1 else "are"
        yield (
            f"{sentence(spelled_plural(lacking, 'included report'))} {verb} not extracted yet, and not in the"
            " analyses."
        )


def _waiting(status):
    n = status["n_queue"]
    if not n:
        yield "No record waits for a decision."
        return
    oldest = status["oldest_waiting_since"]
    verb, which_since = ("waits", " since") if n == 1 else ("wait", ", the oldest since")
    since = f"{which_since} {prose.month(oldest)}" if oldest else ""
    awaiting = status["n_awaiting"]
    which = "all" if awaiting == n else spelled(awaiting)
    more = f"; {which} of them for further information" if awaiting and n > 1 else ""
    yield f"{sentence(spelled_plural(n, 'record'))} {verb} for a decision{since}{more}."


def _retractions(news):
    names = news["retracted"]
    if names:
        one = len(names) == 1
        named = f" ({listed(names)})" if len(names) <= NAMED else ""
        yield (
            f"{sentence(spelled_plural(len(names), 'included study', 'included studies'))}{named}"
            f" {'has' if one else 'have'} a retracted report; {'its' if one else 'their'} numbers have left"
            " all analyses."
        )
    if news["restored"]:
        yield (
            f"{sentence(spelled_plural(news['restored'], 'report'))} of studies"
            f" {'is' if news['restored'] == 1 else 'are'} no longer marked as retracted."
        )


def _notices(news):
    for names, one, many in (
        (news["concerns"], "an expression of concern", "expressions of concern"),
        (news["errata"], "a published erratum", "published errata"),
    ):
        if names:
            have, theirs = ("now has", "its") if len(names) == 1 else ("now have", "their")
            yield (
                f"{sentence(spelled_plural(len(names), 'included study', 'included studies'))}{_named(names)}"
                f" {have} {one if len(names) == 1 else many}; {theirs} numbers stay in the analyses."
            )


def _corrections(news):
    names = news["corrected"]
    if names:
        yield (
            f"Extracted values of {spelled_plural(len(names), 'study', 'studies')}{_named(names)} were"
            " corrected."
        )


def _named(names):
    return f" ({listed(names)})" if len(names) <= NAMED else ""


def _estimates(news):
    """Which estimates are not those of the release."""
    if news["release"] is None:
        return
    if not news["moved"]:
        yield f"No estimate differs from release {news['release']}."
        return
    told = listed(f"{row['label']} ({row['before']} then, {row['after']} now)" for row in news["moved"])
    n = len(news["moved"])
    differ = "differs" if n == 1 else "differ"
    yield f"{sentence(spelled_plural(n, 'estimate'))} {differ} from release {news['release']}: {told}."
    if news["method"]:
        yield "How effects are made or pooled has changed since that release."


def _conclusions(news):
    if news["release"] is None:
        yield "There is no earlier release to compare with."
        return
    if not news["fired"]:
        yield f"No trigger of the protocol fired since release {news['release']}."
        return
    n = len(news["fired"])
    where = list(dict.fromkeys(row["label"] or "the review as a whole" for row in news["fired"]))
    yield (
        f"{sentence(spelled_plural(n, 'trigger'))} of the protocol fired since release {news['release']}, for"
        f" {listed(where)}."
    )


def _plan(status, *, told):
    """What is planned; triggers that were told already are no reason to say again."""
    publish, retire = status["mode"]["publish"], status["mode"]["retire"]
    if publish["asked"]:
        why = "" if told and publish["rule"] == "triggered" else f" ({publish['why']})"
        plan = f"By the protocol a new version is to be published{why}."
    elif publish["asked"] is None:
        plan = "No new version is planned."
    elif publish["rule"] == "triggered":
        plan = "A new version is published when a trigger fires."
    else:
        every = plural(publish["rule"]["every_months"], "month")
        plan = f"A new version is published every {every} ({publish['why']})."
    if retire["asked"]:
        plan += f" The protocol's rule asks to retire the review ({retire['why']}); people decide."
    when = (
        f"The next search is planned for {prose.month(status['next_run'])}."
        if status["next_run"]
        else "No further search is planned."
    )
    return f"{plan} {when}"
