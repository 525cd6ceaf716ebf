"""Queue, decisions, studies and effects as files for other programs, and decisions back from them."""

import io

import flask

from livingreview.desk import person
from livingreview.desk.desk import current
from livingreview.desk.exports import returned, tables_out
from livingreview.desk.history import ledger_view
from livingreview.errors import ReviewError
from livingreview.living import bundles
from livingreview.screening import exchange, filing
from livingreview.screening.exchange import ticket

blueprint = flask.Blueprint("exports", __name__)

KINDS = {"ris": "application/x-research-info-systems", "csv": "text/csv; charset=utf-8"}
# What people call the programs that take each kind of file.
PROGRAMS = {
    ticket.ZOTERO: "Zotero, EndNote, Mendeley, Covidence and others that read RIS",
    ticket.RAYYAN: "Rayyan",
    ticket.ASREVIEW: "ASReview LAB",
}
# Of so many records the whole export is made to say what to know of it: a tenth of a second for a thousand.
LOOKED_THROUGH = 2000
PARTS = {
    "queue": "records that wait",
    "decisions": "records with a decision",
    "all": "both",
}


@blueprint.get("/exports")
def page():
    """What can be taken away, and what it is for."""
    held = current().held
    built = held.exists(held.results("records.csv"))
    return flask.render_template(
        "exports/page.html.j2",
        title="Exports",
        built=built,
        pooled=held.exists(held.results("effects.csv")),
        offered=tables_out.offered(held, person.name()),
        programs=PROGRAMS,
        parts=PARTS,
        stages=held.config()["screening"]["stages"],
        blind=person.name() in person.reviewers(),
    )


@blueprint.get("/exports/table/<name>.<any(csv,xlsx):form>")
def table(name, form):
    """Download a table."""
    held = current().held
    if name not in tables_out.TITLES:
        flask.abort(404, "There is no such table.")
    data = tables_out.make(held, name, form, person.name())
    return _download(data, f"{name}-{held.run()}.{form}", tables_out.FORMS[form])


@blueprint.get("/exports/records")
def records():
    """What an export of records holds, before it is taken."""
    asked = _asked()
    n_waiting, n_labelled = _counts(asked)
    looks = n_waiting + n_labelled <= LOOKED_THROUGH or flask.request.args.get("look") == "yes"
    return flask.render_template(
        "exports/records.html.j2",
        title="Records to take away",
        n_waiting=n_waiting,
        n_labelled=n_labelled,
        remarks=_made(asked).remarks if looks else None,
        asked=asked,
        file=_file_name(asked),
        program=PROGRAMS[asked["tool"]],
    )


@blueprint.get("/exports/records/file")
def records_file():
    """Download an export of records."""
    asked = _asked()
    return _download(_made(asked).data, _file_name(asked), KINDS[asked["form"]])


def _asked():
    """Which export of records is asked for."""
    held, args = current().held, flask.request.args
    config = held.config()
    asked = {
        "tool": args.get("tool", ticket.ZOTERO),
        "stage": args.get("stage", config["screening"]["stages"][0]),
        "part": args.get("part", "queue"),
        "form": args.get("form", "ris"),
    }
    allowed = {
        "tool": exchange.TOOLS,
        "stage": config["screening"]["stages"],
        "part": exchange.PARTS,
        "form": exchange.FORMATS,
    }
    if any(asked[name] not in allowed[name] for name in asked):
        flask.abort(404, "There is no such export; choose one on the page Exports.")
    exchange.refuse_unread(asked["tool"], asked["form"])
    return asked


def _file_name(asked):
    return exchange.file_name(asked["tool"], asked["stage"], asked["part"], asked["form"])


def _made(asked):
    """An export of records with its decisions."""
    held = current().held
    config, queue = held.config(), held.results("queue.csv")
    return exchange.export(
        held.table(held.results("records.csv")),
        ledger_view.visible(held, person.name()),
        run=config["run"],
        stages=config["screening"]["stages"],
        order=held.table(queue, "queue")["record_id"].tolist() if held.exists(queue) else (),
        path=_file_name(asked),
        **asked,
    )


def _counts(asked):
    """How many records an export holds without a decision, and how many with one."""
    held, name = current().held, person.name()
    config, path = held.config(), held.results("records.csv")
    which = {"stage": asked["stage"], "part": asked["part"]}
    stages = config["screening"]["stages"]

    def make(*_):
        seen = ledger_view.visible(held, name)
        return exchange.count(held.table(path), seen, run=config["run"], stages=stages, **which)

    own = name if name in person.reviewers() else None
    key = ("export counts", config["run"], own, tuple(stages), *which.values())
    return held.derived(key, [filing.LEDGER, path], make)


@blueprint.get("/exports/trials.zip")
def trials():
    """Download everything for metafor, the Metapsy tools and RevMan."""
    # What the models need loads with it.
    from livingreview.pooling import exporting  # noqa: PLC0415

    desk = current()
    config = desk.held.config()
    results = desk.review / "results" / config["run"]
    exported = exporting.export(config, results, desk.review / "data/trials")
    out = io.BytesIO()
    bundles.write(out, sorted(exported.files.items()), day=f"{config['run']}-01")
    return _download(out.getvalue(), f"trials-{config['run']}.zip", "application/zip")


def _download(data, name, kind):
    answer = flask.make_response(data)
    answer.headers["Content-Type"] = kind
    answer.headers.set("Content-Disposition", "attachment", filename=name)
    return answer


@blueprint.route("/exports/return", methods=["GET", "POST"])
def back():
    """See what the decisions in another program's file would file, and file them."""
    desk, form = current(), flask.request.form
    stages = desk.held.config()["screening"]["stages"]
    asked = returned.asked(form, stages=stages, name=person.name(), names=person.reviewers())
    shown = told = upload = None
    if flask.request.method == "POST":
        try:
            upload = _upload(desk)
            if form.get("file_it"):
                n = len(returned.file(desk, upload, asked).rows)
                flask.flash(f"{n} {'decision' if n == 1 else 'decisions'} filed from {upload.name}.")
                return flask.redirect(flask.url_for("exports.back"))
            shown = returned.look(desk, upload, asked)
        except ReviewError as error:
            told = str(error)
    return flask.render_template(
        "exports/return.html.j2",
        title="Decisions from another program",
        tools={tool: ticket.NAMES[tool] for tool in exchange.TOOLS},
        stages=stages,
        asked=asked,
        shown=shown,
        upload=upload,
        told=told,
        titles=ledger_view.titles(desk.held) if shown else {},
        blind=person.name() in person.reviewers(),
    ), 409 if told else 200


def _upload(desk):
    """The file that was sent, or the one that was looked at before."""
    sent = flask.request.files.get("file")
    if sent is not None and sent.filename:
        return returned.keep(desk.review, sent.filename, sent.read(), now=desk.clock().timestamp())
    return returned.kept(
        desk.review, flask.request.form.get("digest", ""), flask.request.form.get("name", "")
    )
