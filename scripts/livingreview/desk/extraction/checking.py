"""What the project's checks say of a form while it is being typed, each at the field that it is about.

Every rule is elsewhere: the schemas, `trials.sheets`, `trials.checks`, `trials.plausibility` and people's
clearances. Here each row is checked by itself, so that one at fault hides no other, and what was said is
brought to its field.
"""

from dataclasses import dataclass

import pandas as pd

from livingreview import tables
from livingreview.desk import standing as here
from livingreview.desk.extraction import fields
from livingreview.desk.preview import effects_now
from livingreview.errors import InputError
from livingreview.report import prose
from livingreview.trials import clearances, sheet_cells, sheets
from livingreview.trials.sheet_cells import Table

FORM = "the form"
# What a message is: it stops the sheet; it is still to be filled in; a likely mistake, which a reason clears;
# something to look at; something to know; and a finding that somebody has cleared.
ERROR, MISSING, LIKELY, LOOK, KNOW, CLEARED = "error", "missing", "likely", "look", "know", "cleared"
OF_SEVERITY = {"error": LIKELY, "warning": LOOK, "note": LOOK}
# Cells of a row that no person is asked for.
OWN = {"row_id", "run", "revision", "status", "extractor"}


@dataclass(frozen=True)
class Message:
    """One thing said about a form.

    Attributes
    ----------
    field : str
        The name of a field of the form; ``row.<number>`` for a row as a whole.
    kind : str
        One of the kinds above.
    text : str
    clear : str
        Of a finding, the name of the field for the reason why the value is right.
    reason : str
        What was typed there, or the note of the clearance.
    """

    field: str
    kind: str
    text: str
    clear: str = ""
    reason: str = ""


@dataclass(frozen=True)
class Checked:
    """What the checks made of a form.

    Attributes
    ----------
    messages : list of Message
    filled : int
        Rows in which something was typed.
    cleared : DataFrame
        The findings to which the form gives a reason, as rows of clearances without who and when.
    """

    messages: list
    filled: int
    cleared: pd.DataFrame

    @property
    def stops(self):
        """The messages that keep the sheet from being merged."""
        return [one for one in self.messages if self._stops(one)]

    @staticmethod
    def _stops(message):
        return message.kind in (ERROR, MISSING) or (message.kind == LIKELY and not message.reason)


def check(study, rows, *, standing, record_id, registry, cleared, named, reasons=None, predict=None):
    """Check a form.

    Parameters
    ----------
    study : dict of str to str
        From `form.study`, with the cells that the form does not hold.
    rows : list of dict of str to str
        From `form.rows`.
    standing : preview.effects_now.Standing
        The trials as they are.
    record_id : str
        The record of the sheet.
    registry : instruments.Lookup
    cleared : DataFrame
        From `clearances.read`.
    named : collection of str
        The protocol's outcomes, those not pooled included.
    reasons : dict, optional
        From `form.reasons`.
    predict : callable, optional
        As for `plausibility.find`.

    Returns
    -------
    Checked
    """
    messages, good, at = [], [], {}
    header = tables.columns("outcomes")
    numbered = [(number, [row.get(column, "") for column in header]) for number, row in enumerate(rows)]
    filled = [number for number, row in enumerate(rows) if sheet_cells.is_filled(row, "outcomes")]
    run = standing.run
    apart = sheets.rows_apart(
        Table(FORM, header, numbered), study_id=study["study_id"], run=run, registry=registry
    )
    for number, (row, frame, problems) in zip(filled, apart, strict=True):
        at[row["row_id"]] = number
        problems = [*problems, *sheets.placeless(row, number)]  # noqa: PLW2901
        messages += [_of_problem(one, number) for one in problems]
        messages += _of_instrument(row, number, registry)
        if row.get("outcome") not in named:
            text = f"the protocol does not name this outcome; allowed: {', '.join(named)}"
            messages.append(Message(f"row.{number}.outcome", ERROR, text))
        if frame is not None:
            good.append(frame)
    own = pd.concat(good, ignore_index=True) if good else pd.DataFrame(columns=header)
    frame, said = _study(study, run)
    messages += said
    found, typed = pd.DataFrame(), pd.DataFrame(columns=tables.columns("clearances"), dtype=object)
    if good:
        impossible = _impossible(own, standing, study["study_id"], at)
        messages += impossible
        if not impossible:
            found = _findings(
                own,
                frame,
                printed={row_id: rows[number] for row_id, number in at.items()},
                standing=standing,
                record_id=record_id,
                registry=registry,
                cleared=cleared,
                predict=predict,
            )
    for one in found.to_dict("records"):
        key = (one["row_id"], one["check"], one["digest"])
        message = _of_finding(one, at[one["row_id"]], (reasons or {}).get(key, ""))
        messages.append(message)
        if message.reason and message.kind != CLEARED:
            typed.loc[len(typed)] = dict(zip(["row_id", "check", "digest"], key, strict=True)) | {
                "note": message.reason,
                "run": run,
            }
    return Checked(messages, len(filled), typed)


def _of_problem(one, number):
    """A fault of a row at its field."""
    column = (getattr(one, "column", None) or "").split(" ")[0]
    if column in OWN:
        column = ""
    column = {"effect_type": "way"}.get(column, column)
    field = f"row.{number}.{column}" if column else f"row.{number}"
    text = getattr(one, "what", str(one))
    if not _is_missing(text):
        return Message(field, ERROR, fields.in_words(text))
    return Message(field, MISSING, TO_DO.get(column) or _worded(text))


def _is_missing(text):
    return text.startswith(("empty", "numbers without their place"))


# What is still to be done at fields of which the fault says it in the words of a table.
TO_DO = {
    "way": "choose how the report prints the result",
    "page": "say where the numbers stand: a page, a table or figure, or a quote",
}


def _worded(text):
    """A fault in the words of the form: what is still empty is no fault of whoever is typing."""
    return "to be filled in" if text.startswith("empty") else text


def _of_instrument(row, number, registry):
    """What the registry knows of the instrument that was typed."""
    known = registry.find(row.get("instrument", "").strip(), row.get("outcome", ""))
    if not known:
        return []
    low, high = known["range_low"], known["range_high"]
    ends = "" if pd.isna(low) or pd.isna(high) else f"from {low:g} to {high:g}; "
    text = f"{known['name']}: {ends}higher is {known['higher_is']}"
    return [Message(f"row.{number}.instrument", KNOW, text)]


def _study(study, run):
    """The study's row, or what can be read of it, and what is wrong."""
    header = tables.columns("studies")
    whole = {column: study.get(column, "") for column in header}
    whole |= {"run": run, "revision": whole["revision"] or "1"}
    try:
        frame = sheets.study_of(Table(FORM, header, [(2, list(whole.values()))]))
        return frame, []
    except InputError as error:
        messages = []
        for one in error.problems:
            text = getattr(one, "what", str(one))
            kind = MISSING if _is_missing(text) else ERROR
            messages.append(Message(f"study.{getattr(one, 'column', None) or 'title'}", kind, _worded(text)))
        return _part(whole, {one.field.partition(".")[2] for one in messages}), messages


def _part(cells, at_fault):
    """A study's row without the cells that are at fault, for checks that ask something of the study."""
    declared = tables.load_schema("studies")["properties"]
    row = {}
    for column, text in cells.items():
        number = {"number", "integer"} & set(declared[column].get("type", []))
        value = None if column in at_fault or not text else text
        row[column] = sheet_cells.as_number(value) if number and value else value
    return pd.DataFrame([row | {"revision": 1}], columns=tables.columns("studies"))


def _impossible(own, standing, study_id, at):
    """What cannot be, in the rows of the form and beside the study's others."""
    from livingreview.trials.checks import as_rows, find_problems  # noqa: PLC0415  loads SciPy

    others = standing.outcomes
    others = others[(others["study_id"] == study_id) & ~others["row_id"].isin(own["row_id"])]
    together = pd.concat([others, own], ignore_index=True) if len(others) else own
    problems = find_problems(as_rows(together), {study_id})
    return [_of_problem(one, at[one.row]) for one in problems if one.row in at]


def _findings(own, study, *, printed, standing, record_id, registry, cleared, predict):
    """Findings of the plausibility checks in the rows of the form, with who cleared them."""
    from livingreview.trials import plausibility  # noqa: PLC0415  loads NumPy and SciPy

    study = study.assign(run=standing.run)
    try:
        whole = effects_now.with_typed(standing, effects_now.Typed(study, own, record_id))
        outcomes, studies, effects = whole.outcomes, whole.studies, whole.effects
    except InputError:
        # Without what is said of effects beside those of other trials; the rest needs none.
        outcomes = pd.concat([standing.outcomes, own], ignore_index=True)
        studies, effects = pd.concat([standing.studies, study], ignore_index=True), None
    found = plausibility.find(
        outcomes,
        studies,
        registry,
        effects=effects,
        predict=predict,
        printed=printed,
        look_at=set(own["row_id"]),
    )
    return clearances.apply(found, outcomes, cleared)


def _of_finding(one, number, reason):
    """A finding at the first of its own cells."""
    field = f"row.{number}.{_first_named(one)}"
    found, expected = fields.in_words(one["found"]), fields.in_words(one["expected"])
    if one["cleared_by"]:
        text = f"{found}: cleared by {one['cleared_by']}"
        return Message(field, CLEARED, text, reason=one["clearance_note"])
    text = f"{found}; expected: {expected}. {prose.sentence(fields.in_words(one['hint']))}"
    clear = f"clear.{one['row_id']}.{one['check']}.{one['digest']}"
    return Message(field, OF_SEVERITY[one["severity"]], text, clear, reason)


def _first_named(one):
    """The cell of the row that a finding speaks of first."""
    cells = [cell for cell in one["cells"].split("; ") if ":" not in cell]
    spoken = [cell for cell in cells if cell in one["found"]]
    others = [cell for cell in cells if cell not in ("instrument", "outcome", "n_1", "n_2")]
    return ([*sorted(spoken, key=one["found"].index), *others, *cells] or ["instrument"])[0]


def context(held):
    """What `check` needs of a review besides the form, as keywords; read again when a file has changed."""
    run = held.run()
    config = held.config()
    return {
        "standing": effects_now.now(held),
        "registry": here.registry(held),
        "cleared": held.derived(
            ("clearances", run),
            [clearances.TABLE],
            lambda path: clearances.read(path, run=run),
            optional=True,
        ),
        "named": [*config["outcomes"], *config.get("other_outcomes", [])],
    }
