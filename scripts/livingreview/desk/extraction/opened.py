"""The sheet that a request is about: whose it is, what the checks say of it, and how it enters the trials."""

from dataclasses import dataclass

import flask

from livingreview.desk import person, standing
from livingreview.desk.desk import current
from livingreview.desk.extraction import checking, fields, listing, sheet
from livingreview.errors import ReviewError
from livingreview.trials import double_extraction, merging, sheets


@dataclass(frozen=True)
class Opened:
    """A sheet: its name, the record's folder, one's own sheet in it, and the record."""

    name: str
    folder: object
    own: object
    record: dict

    def mark(self, ready):
        """Say that one's own sheet may be merged, or take that back."""
        at = current().decided_at()
        sheet.mark_ready(self.own, self.folder, ready, by=person.name(), at=at)


def own(name):
    """The sheet of that name, as the person at the desk may fill it in.

    Raises
    ------
    ReviewError
        If there is none, or if it is two others' to fill in.
    """
    held = current().held
    folder = listing.folder_named(held, name)
    found = listing.own_sheet(folder, held.config(), person.name())
    if found is None:
        raise ReviewError(
            "Two people extract this trial without knowing of each other, and you are neither. Once both are"
            f" ready, the page /extraction/{name}/compare shows what they differ in."
        )
    return Opened(name, folder, found, record_of(folder))


def record_of(folder):
    """The row of the records for which a sheet was made; of one that is not known, only its id."""
    record_id = sheets.record_id(folder if (folder / "record_id.txt").is_file() else _parts(folder)[0])
    whole = standing.records(current().held)
    return whole.loc[record_id].to_dict() if record_id in whole.index else {"record_id": record_id}


def _parts(folder):
    return double_extraction.folders(folder) or [folder]


def extractors():
    """The names of two extractors by the names of their folders; empty where one person extracts."""
    return double_extraction.named(current().held.config().get("extraction", {}))


def check(content, record_id):
    """What the checks say of a sheet; see `checking.check`."""
    from livingreview.pooling.expected import predict  # noqa: PLC0415  loads SciPy

    return checking.check(
        content.study,
        content.rows,
        record_id=record_id,
        reasons=content.reasons,
        predict=predict,
        **checking.context(current().held),
    )


def enter(opened):
    """Let a trial enter, and lead to where it is told what came of it."""
    held = current().held
    config = held.config()
    study_id = sheet.read(opened.own).study["study_id"]
    said = merging.merge(
        held.review / "data/trials",
        run=held.run(),
        only=opened.name,
        known=set(standing.records(held).index),
        outcomes=[*config["outcomes"], *config.get("other_outcomes", [])],
    )
    for line in said:
        if " merged for run " not in line:  # what the page says of the trial that entered
            flask.flash(fields.in_words(line[:1].upper() + line[1:]))
    return flask.redirect(flask.url_for("extraction.page", entered=study_id), code=303)
