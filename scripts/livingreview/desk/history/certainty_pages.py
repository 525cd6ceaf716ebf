"""Pages of how certain the evidence is, of the text that people wrote, and of what was released."""

import flask
import pandas as pd

from livingreview import tables
from livingreview.desk import person, saving
from livingreview.desk.desk import current
from livingreview.desk.history.blueprint import blueprint, render
from livingreview.living import releases as released
from livingreview.living.certainty_domains import DOMAINS
from livingreview.living.ratings import KEY, OVERALL, TABLE
from livingreview.trials.revisions import rows_at

CERTAINTY = "certainty.json"
WORDS = {0: "no concern", -1: "serious (−1)", -2: "very serious (−2)", -3: "very serious (−3)"}
# Of all domains together, the steps down from high.
OVERALL_WORDS = {0: "high", -1: "moderate", -2: "low", -3: "very low"}


@blueprint.get("/history/certainty")
def certainty():
    """The suggested and people's own ratings of each outcome."""
    held = current().held
    path = held.results(CERTAINTY)
    outcomes = held.json(path)["outcomes"] if held.exists(path) else {}
    ratings = held.table(TABLE, "ratings", optional=True)
    return render(
        "certainty",
        title="Certainty",
        outcomes=outcomes,
        seen={outcome: saving.seen(_of(ratings, outcome)) for outcome in outcomes},
        rated=_rated(held),
        domains=(*DOMAINS, OVERALL),
        words=WORDS,
        overall_words=OVERALL_WORDS,
    )


def _rated(held):
    """People's judgements in force: outcome to domain to the row."""
    rows = rows_at(held.table(TABLE, "ratings", optional=True), held.run(), KEY)
    found = {}
    for row in tables.plain_rows(rows):
        found.setdefault(row["outcome"], {})[row["domain"]] = row
    return found


@blueprint.post("/history/certainty")
def rate():
    """File a judgement on one domain of one outcome."""
    desk, form = current(), flask.request.form
    held = desk.held
    outcomes = held.json(held.results(CERTAINTY))["outcomes"]
    outcome, domain = form.get("outcome", ""), form.get("domain", "")
    reason = " ".join(form.get("reason", "").split())
    if outcome not in outcomes or domain not in (*DOMAINS, OVERALL):
        flask.abort(404, "There is no such outcome or domain.")
    if not reason or form.get("rating") not in {"0", "-1", "-2", "-3"}:
        flask.flash("A judgement needs a rating, and why, in words for the footnote. Nothing was saved.")
        return flask.redirect(flask.url_for("history.certainty"))
    main, rating = outcomes[outcome], int(form["rating"])
    with saving.changing(held, TABLE, "ratings", optional=True) as table:
        rows = _of(table.frame, outcome)
        before = rows[rows["domain"] == domain].sort_values("revision").tail(1)
        if (rating, reason) in zip(before["rating"], before["reason"], strict=True):
            flask.flash(f"{main['label']}: this is what was filed before. Nothing was changed.")
            return flask.redirect(flask.url_for("history.certainty", _anchor=outcome))
        saving.refuse_changed(rows, form.get("seen", ""), what=f"The judgement of {main['label']}")
        row = {
            "outcome": outcome,
            "domain": domain,
            "rating": rating,
            "reason": reason,
            "by": person.name(),
            "k": main["k"],
            "estimate": main["estimate"],
            "run": held.run(),
            "revision": 1 + int(before["revision"].sum()),
            "revision_reason": f"judged again ({person.name()}, {desk.today()})" if len(before) else None,
        }
        table.append(pd.DataFrame([row], columns=tables.columns("ratings"), dtype=object))
    flask.flash(f"{main['label']}: the judgement is filed. The next run takes it in.")
    return flask.redirect(flask.url_for("history.certainty", _anchor=outcome))


def _of(ratings, outcome):
    return ratings[ratings["outcome"] == outcome]


@blueprint.get("/history/releases")
def releases():
    """What was released, the text that people wrote, and where everything stands in each version."""
    held = current().held
    text, ledger = held.results("text.json"), held.results("ledger.csv")
    return render(
        "releases",
        title="Text and releases",
        releases=[{"doi": None} | row for row in reversed(released.read_all(held.review))],
        sections=held.json(text)["sections"] if held.exists(text) else [],
        versions=_counted(held, ledger) if held.exists(ledger) else [],
    )


def _counted(held, path):
    """How many records, reports and studies changed to each state in each version, in the ledger's order."""
    return held.derived(("ledger counted", path), [path], lambda _: _counts(held.table(path)))


def _counts(frame):
    counts = frame.groupby(["version", "kind", "state"], sort=False).size()
    found = {}
    for (version, kind, state), n in counts.items():
        found.setdefault(version, []).append({"kind": kind, "state": state, "n": int(n)})
    return [{"version": version, "rows": rows} for version, rows in sorted(found.items(), reverse=True)]
