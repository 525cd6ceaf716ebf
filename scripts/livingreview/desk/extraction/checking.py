"""What the project's checks say of a form while it is being typed, each at the field that it is about.

Every rule is elsewhere: the schemas, `trials.sheets`, `trials.checks`, `trials.plausibility` and people's
clearances. Here each row is checked by itself, so that one at fault hides no other, and what was said is
brought to its field.
"""

from dataclasses import dataclass

import pandas as pd

from livingreview.desk import standing as here
from livingreview.desk.extraction import fields
from livingreview.desk.preview import effects_now, typed
from livingreview.errors import InputError
from livingreview.report import prose
from livingreview.trials import clearances, sheets

# What a message is: it stops the sheet; it is still to be filled in; a likely mistake, which a reason clears;
# something to look at; something to know; and a finding that somebody has cleared.
ERROR, MISSING, LIKELY, LOOK, KNOW, CLEARED = "error", "missing", "likely", "look", "know", "cleared"
# What each is called beside its text.
WORDS = {
    ERROR: "cannot be",
    MISSING: "",
    LIKELY: "most likely a mistake",
    LOOK: "look again",
    KNOW: "",
    CLEARED: "cleared",
}
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
    cells : tuple of str
        Of a finding, the columns of its row that it judged.
    """

    field: str
    kind: str
    text: str
    clear: str = ""
    reason: str = ""
    cells: tuple = ()


@dataclass(frozen=True)
class Checked:
    """What the checks made of a form.

    Attributes
    ----------
    messages : list of Message
    given : typed.Given
        The form as it was read.
    whole : effects_now.Standing or None
        The trials with what counts of the form; None where no effect can be computed of them.
    failed : str
        Why there is none.
    """

    messages: list
    given: typed.Given
    whole: effects_now.Standing | None
    failed: str = ""

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
        Why findings are right, by row, check and digest.
    predict : callable, optional
        As for `plausibility.find`.

    Returns
    -------
    Checked
    """
    given = typed.read(study, rows, standing=standing, registry=registry, record_id=record_id)
    messages = []
    for row in given.rows:
        problems = [*row.faults, *sheets.placeless(row.cells, row.number)]
        messages += [_of_problem(one, row.number) for one in problems]
        messages += _of_instrument(row.cells, row.number, registry)
        if row.cells.get("outcome") not in named:
            text = f"the protocol does not name this outcome; allowed: {', '.join(named)}"
            messages.append(Message(f"row.{row.number}.outcome", ERROR, text))
    messages += [_of_facts(one) for one in given.faults]
    whole, failed = standing, ""
    if given.rows:
        try:
            whole = effects_now.with_typed(standing, given.typed)
        except InputError as error:
            whole, failed = None, str(error)
    found = _findings(given, whole, standing=standing, registry=registry, cleared=cleared, predict=predict)
    at = {row.row_id: row.number for row in given.rows}
    for one in found:
        key = (one["row_id"], one["check"], one["digest"])
        messages.append(_of_finding(one, at[one["row_id"]], (reasons or {}).get(key, "")))
    return Checked(messages, given, whole, failed)


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


def _of_facts(one):
    """A fault of the study's facts at its field."""
    text = getattr(one, "what", str(one))
    kind = MISSING if _is_missing(text) else ERROR
    return Message(f"study.{getattr(one, 'column', None) or 'title'}", kind, _worded(text))


def _findings(given, whole, *, standing, registry, cleared, predict):
    """Findings of the plausibility checks in the rows that count, with who cleared them, as dicts."""
    from livingreview.trials import plausibility  # noqa: PLC0415  loads NumPy and SciPy

    own, study = given.typed.rows, given.typed.study
    if own.empty:
        return []
    if whole is not None:
        outcomes, studies, effects = whole.outcomes, whole.studies, whole.effects
    else:
        # Without what is said of effects beside those of other trials; the rest needs none.
        outcomes = pd.concat([standing.outcomes, own], ignore_index=True)
        studies, effects = pd.concat([standing.studies, study], ignore_index=True), None
    found = plausibility.find(
        outcomes,
        studies,
        registry,
        effects=effects,
        predict=predict,
        printed={row.row_id: row.printed for row in given.rows if not row.faults},
        look_at=set(own["row_id"]),
    )
    return clearances.apply(found, outcomes, cleared).to_dict("records")


def _of_finding(one, number, reason):
    """A finding at the first of its own cells."""
    field = f"row.{number}.{_first_named(one)}"
    cells = tuple(cell for cell in one["cells"].split("; ") if ":" not in cell)
    found, expected = fields.in_words(one["found"]), fields.in_words(one["expected"])
    if one["cleared_by"]:
        text = f"{found}: cleared by {one['cleared_by']}"
        return Message(field, CLEARED, text, reason=one["clearance_note"], cells=cells)
    text = f"{found}; expected: {expected}. {prose.sentence(fields.in_words(one['hint']))}"
    clear = f"clear.{one['row_id']}.{one['check']}.{one['digest']}"
    return Message(field, OF_SEVERITY[one["severity"]], text, clear, reason, cells)


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
