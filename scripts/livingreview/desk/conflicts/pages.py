"""What two reviewers decided differently, side by side, and pairs of records that may be one."""

import flask

from livingreview.desk import person, saving, standing
from livingreview.desk.conflicts import adjudication, agreed, by_hand, verdicts, waiting
from livingreview.desk.desk import current
from livingreview.desk.faults import lines
from livingreview.desk.full_text import places
from livingreview.errors import ReviewError
from livingreview.screening import decisions as ledger
from livingreview.screening.agreement import CATEGORIES
from livingreview.screening.queue import link
from livingreview.search.linkage import pairs

blueprint = flask.Blueprint("conflicts", __name__)

SHOWN = 50  # conflicts in the list; the next ones come up when these are settled
VERDICTS = {
    pairs.SAME_RECORD: "Same record",
    pairs.SAME_STUDY: "Same study, another report",
    pairs.DIFFERENT: "Different studies",
}


@blueprint.get("/conflicts")
def page():
    """Who waits for whom, the conflicts, and how far the two agree."""
    desk, names = current(), person.reviewers()
    held = desk.held
    records = standing.records(held)
    keys = adjudication.waiting(held, names=names)
    return flask.render_template(
        "conflicts/page.html.j2",
        title="Conflicts",
        names=names,
        waiting=waiting.of(desk, names=names) if names else [],
        conflicts=adjudication.listed(held, keys[:SHOWN], names=names).to_dict("records"),
        n_conflicts=len(keys),
        settled=[
            {"row": row, "title": records["title"].get(row.record_id)} for row in adjudication.settled(held)
        ],
        agreement=agreed.of(held, names=names),
        pairs=_unjudged(held),
        begun=by_hand.begun(held),
        reasons=_reasons(held, ledger.FULL_TEXT),
    )


@blueprint.post("/conflicts/file")
def file():
    """File what was filled in by hand."""
    name = flask.request.form.get("file")
    if name not in by_hand.FILES:
        flask.abort(400, f"What can be filed here is {' or '.join(by_hand.FILES)}.")
    flask.flash(f"{by_hand.file(current(), name)} filed from {name}.")
    return flask.redirect(flask.url_for("conflicts.page"))


@blueprint.get("/conflicts/record")
def record():
    """One conflict, to be settled."""
    return _record(_case(), adjudication.Answer())


@blueprint.post("/conflicts/record")
def settle():
    """Settle a conflict, and go on to the next."""
    desk, form, name = current(), flask.request.form, person.name()
    one = _case()
    answer = adjudication.Answer(
        decision=form.get("decision") if form.get("decision") in CATEGORIES else None,
        reason=form.get("reason") or None,
        way=form.get("way"),
        note=" ".join(form.get("note", "").split()) or None,
    )
    faults = adjudication.faults(answer, stage=one.stage, is_party=_is_party(one, name))
    if faults:
        return _record(one, answer, faults=faults), 422
    try:
        added = adjudication.file(desk, one, answer, name=name, seen=form.get("seen", ""))
    except saving.Changed as error:
        return _record(_case(), answer, faults=[str(error)]), 409
    except ReviewError as error:
        return _record(one, answer, faults=lines(error)), 422
    rest = adjudication.waiting(desk.held, names=person.reviewers())
    told = f"Filed: {answer.decision} {one.record_id}." if added else "Nothing was changed."
    flask.flash(f"{told} {len(rest)} left.")
    if not rest:
        return flask.redirect(flask.url_for("conflicts.page"))
    record_id, stage = rest[0]
    return flask.redirect(flask.url_for("conflicts.record", record=record_id, stage=stage))


@blueprint.get("/conflicts/pairs")
def all_pairs():
    """The pairs that wait for a verdict, and those judged this month."""
    held = current().held
    return flask.render_template(
        "conflicts/pairs.html.j2",
        title="Pairs of records",
        pairs=_unjudged(held),
        judged=verdicts.judged_here(held),
        VERDICTS=VERDICTS,
    )


@blueprint.get("/conflicts/pair")
def pair():
    """One pair, to be judged."""
    return _pair(*_both(), verdict=None, note=None)


@blueprint.post("/conflicts/pair")
def judge():
    """Give a verdict, and go on to the next pair."""
    form = flask.request.form
    a, b = _both()
    verdict = form.get("verdict") if form.get("verdict") in VERDICTS else None
    note = " ".join(form.get("note", "").split()) or None
    if verdict is None:
        return _pair(a, b, verdict=None, note=note, faults=["Choose one of the three."]), 422
    try:
        added = verdicts.file(
            current(), a, b, verdict=verdict, note=note, name=person.name(), seen=form.get("seen", "")
        )
    except saving.Changed as error:
        return _pair(a, b, verdict=verdict, note=note, faults=[str(error)]), 409
    except ReviewError as error:
        return _pair(a, b, verdict=verdict, note=note, faults=lines(error)), 422
    rest = _unjudged(current().held)
    flask.flash(f"Filed: {VERDICTS[verdict].lower()}. {len(rest)} left." if added else "Nothing was changed.")
    if not rest:
        return flask.redirect(flask.url_for("conflicts.all_pairs"))
    return flask.redirect(flask.url_for("conflicts.pair", a=rest[0]["record_a"], b=rest[0]["record_b"]))


def _unjudged(held):
    return [row for row in verdicts.asked(held) if row["given"] is None]


def _case():
    """The conflict that is asked for."""
    held, asked = current().held, flask.request.values
    found = adjudication.case(
        standing.decisions(held),
        asked.get("record", ""),
        asked.get("stage", ""),
        run=held.run(),
        names=person.reviewers(),
    )
    if found is None or found.record_id not in standing.records(held).index:
        flask.abort(
            404, "There is no conflict on this record: it was settled, or one of the two thought again."
        )
    return found


def _is_party(one, name):
    return name in {row.reviewer for row in one.said}


def _record(one, answer, *, faults=()):
    held, name, names = current().held, person.name(), person.reviewers()
    known = standing.records(held).loc[one.record_id]
    rest = adjudication.waiting(held, names=names)
    return flask.render_template(
        "conflicts/record.html.j2",
        title="Two decisions on one record" if one.adjudicated is None else "An adjudication to correct",
        one=one,
        record=known.to_dict(),
        address=link(known),
        history=adjudication.history(one, name=name, names=names),
        is_party=_is_party(one, name),
        answer=answer,
        faults=faults,
        left=len(rest),
        THIRD=adjudication.THIRD,
        TALKED=adjudication.TALKED,
        reasons=_reasons(held, one.stage),
        place=places.of(held, one.record_id) if one.stage == ledger.FULL_TEXT else None,
    )


def _reasons(held, stage):
    return ledger.reasons_at(stage, held.config()["screening"]["reasons"])


def _both():
    """The two records that are asked for."""
    asked, known = flask.request.values, standing.records(current().held).index
    a, b = asked.get("a", ""), asked.get("b", "")
    if a == b or a not in known or b not in known:
        flask.abort(404, "There is no such pair of records.")
    return pairs.ordered(a, b)


def _pair(a, b, *, verdict, note, faults=()):
    held = current().held
    known = standing.records(held)
    listed = [
        row for row in verdicts.asked(held) if pairs.ordered(row["record_a"], row["record_b"]) == (a, b)
    ]
    own = verdicts.rows_of(held.table(verdicts.LEDGER, "pairs"), a, b)
    records = [known.loc[one].to_dict() for one in (a, b)]
    return flask.render_template(
        "conflicts/pair.html.j2",
        title="Are these one?",
        a=records[0],
        b=records[1],
        links=[link(one) for one in records],
        listed=listed[0] if listed else None,
        compared=verdicts.compared(*records),
        given=own.to_dict("records")[::-1],
        seen=saving.seen(own),
        verdict=verdict,
        note=note,
        faults=faults,
        left=len(_unjudged(held)),
        VERDICTS=VERDICTS,
    )
