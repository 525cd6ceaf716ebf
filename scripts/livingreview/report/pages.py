"""The report as one self-contained HTML page."""

import base64
import hashlib

from markupsafe import Markup

from livingreview.report import (
    changes,
    checklists,
    downloads,
    extraction,
    findings,
    methods,
    methods_changes,
    notices,
    outcomes,
    records,
    screening,
    search,
    studies,
    summary,
    text,
    triggers,
    whats_new,
)
from livingreview.report.templating import TEMPLATES, environment

# With more effects than this, a browser lays out each section when it comes near. Below, the page opens at
# once anyway, and what is laid out from the start does not move.
MANY_EFFECTS = 400


def build(context, *, templates=TEMPLATES):
    """The whole page.

    Parameters
    ----------
    context : dict
        ``config``, ``run``, ``records``, ``decisions`` (in force at this run), ``effects``, ``estimates``,
        ``changes``, ``triggers``, ``methods_changes``, ``flow``, ``status``, ``studies`` (those included at
        this run), ``queue``, ``ranking``, ``backtest``, ``months`` (rows of the back-test), ``suspicious``,
        ``agreement``, ``conflicts``, ``provenances``, ``releases``, ``whats_new``, ``events`` (changes of
        records, all runs), ``imports`` (files from other databases), ``pairs`` (uncertain pairs of records),
        ``refetched`` (runs whose records were fetched again), ``findings``, ``corrections``,
        ``extraction_agreement``, ``judged`` (risk of bias), ``extracted`` (rows of data/trials/outcomes.csv
        at this run), ``files`` (name, sha256, bytes of every input), ``embedded`` (name and text of the
        tables that travel inside the page), ``software`` (name -> version). Plain dicts and lists; missing
        values are None.

    Returns
    -------
    str
        HTML with its style, figures and script inside.
    """
    return render(view(context), templates=templates)


def view(context):
    """What the templates print, section by section; the context is that of `build`."""
    return {
        "heading": summary.heading(context),
        "summary": summary.summary(context),
        "text": text.text(context),
        "findings": findings.findings(context),
        "outcomes": outcomes.outcomes(context),
        "studies": studies.studies(context),
        "notices": notices.notices(context),
        "extraction": extraction.extraction(context),
        "records": records.records(context),
        "screening": screening.screening(context),
        "search": search.search(context),
        "changes": changes.changes(context),
        "whats_new": whats_new.whats_new(context),
        "triggers": triggers.triggers(context),
        "methods_changes": methods_changes.methods_changes(context),
        "methods": methods.methods(context),
        "downloads": downloads.downloads(context),
        "checklists": checklists.checklists(context, _items()),
        "provenance": methods.provenance(context),
        "long": len(context["effects"]) > MANY_EFFECTS,
    }


def _items():
    return checklists.items((TEMPLATES / "checklists.yaml").read_text(encoding="utf-8"))


def render(view, *, templates=TEMPLATES):
    """The page of a view.

    The only script that a browser will run is the page's own, named by its digest in the page's content
    security policy; nothing can be loaded from anywhere.
    """
    made = environment(templates)
    script = made.get_template("report/script.js").render()
    digest = base64.b64encode(hashlib.sha256(script.encode("utf-8")).digest()).decode("ascii")
    return made.get_template("report.html.j2").render(
        view | {"script": Markup(script), "script_digest": digest}
    )
