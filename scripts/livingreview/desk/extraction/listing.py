"""Which trials wait for extraction, how far each is, and which have entered."""

from dataclasses import dataclass
from pathlib import Path

from livingreview import paths, tables
from livingreview.desk import standing
from livingreview.desk.extraction import sheet
from livingreview.desk.standing import TRIALS
from livingreview.errors import InputError, ReviewError
from livingreview.screening import decisions as ledger
from livingreview.screening import filing
from livingreview.trials import double_extraction, instruments, prefilling, sheets
from livingreview.trials.merging import pending, pending_pairs

SAYS = {
    "none": "not begun: it has no sheet yet",
    sheets.EMPTY: "not begun",
    sheets.BEGUN: "begun",
    sheets.READY_STATE: "ready",
    sheets.FAULTS: "something in it cannot be",
}


@dataclass(frozen=True)
class Waiting:
    """A record that waits for extraction.

    Attributes
    ----------
    record : dict
        Its row of the records; of a sheet whose record is not known, only ``record_id``.
    sheet : str
        The name of its folder.
    since : str or None
        The run in which it was included; None for a sheet whose record does not wait any more.
    state : str
        A key of `SAYS`.
    note : str or None
    people : list of str
        Who typed into it at the desk; of two extractors only the one who asks.
    each : dict
        Of two extractors the name of each to whether the sheet is marked as ready.
    """

    record: dict
    sheet: str
    since: str | None
    state: str
    note: str | None
    people: list
    each: dict

    @property
    def says(self):
        """How far it is, in words."""
        return SAYS[self.state]


def awaited(held):
    """Records that wait for extraction by the decisions of now: id to the run in which each was included."""
    run = held.run()
    results = [held.results("records.csv"), held.results("notices.csv")]

    def make(*_):
        state, found = standing.states(held), held.table(results[1])
        reports = held.table(TRIALS["reports"], "reports")
        ids = prefilling.waiting_by(
            state, standing.records(held).reset_index(drop=True), reports, found, run=run
        )
        return {one: state.at[one, "since_run"] for one in ids}

    return held.derived(("awaited", run), [*results, TRIALS["reports"], filing.LEDGER], make)


def waiting(held, *, who):
    """Every record that waits, oldest first, and every other sheet that lies about.

    Parameters
    ----------
    held : Held
    who : str
        Who asks: of two extractors nobody is told of the other's work but that it is ready.

    Returns
    -------
    list of Waiting
    """
    whole, since = standing.records(held), awaited(held)
    kept = ledger.kept_ids(whole)
    top = held.review / prefilling.SHEETS
    registry = standing.registry(held)
    folders = {prefilling.folder_of(one, kept, sheets_dir=top): one for one in since}
    others = sorted({*pending(top), *pending_pairs(top)} - {*folders})
    found = [
        _waiting(folder, whole.loc[one].to_dict(), since[one], registry, who=who, held=held)
        for folder, one in folders.items()
    ]
    found.sort(key=lambda one: (one.since, one.sheet))
    for folder in others:
        record_id = sheets.record_id(folder)
        record = whole.loc[record_id].to_dict() if record_id in whole.index else {"record_id": record_id}
        found.append(_waiting(folder, record, None, registry, who=who, held=held))
    return found


def _waiting(folder, record, since, registry, *, who, held):
    both = double_extraction.folders(folder)
    named = double_extraction.named(held.config().get("extraction", {}))
    each = {named.get(path.name, path.name): _is_ready(path) for path in both}
    own = own_sheet(folder, held.config(), who)
    if not both and not (folder / "study.csv").is_file():
        return Waiting(record, folder.name, since, "none", None, [], {})
    if both and own is None:
        state = sheets.READY_STATE if all(each.values()) else sheets.BEGUN
        return Waiting(record, folder.name, since, state, None, [], each)
    state, note = sheets.state(own, registry=registry)
    return Waiting(record, folder.name, since, state, note, sheet.people(own)[0], each)


def _is_ready(folder):
    try:
        return sheet.read(folder).ready
    except InputError:
        return False


def folder_named(held, name):
    """The folder of a sheet by its name in an address.

    Raises
    ------
    ReviewError
        If there is none.
    """
    top = Path(held.review, prefilling.SHEETS)
    if paths.fault(name) or not (top / name).is_dir() or name == "merged":
        raise ReviewError(
            f"No sheet “{name}” waits for extraction. Its values may have entered the trials meanwhile, or it"
            " was not made yet. The page Extraction lists what waits."
        )
    return top / name


def own_sheet(folder, config, who):
    """The sheet that a person fills in: the record's, of two extractors one's own, None for anybody else."""
    both = double_extraction.folders(folder)
    if not both:
        return folder
    names = double_extraction.extractors(config.get("extraction", {}))
    own = folder / names.get(who, double_extraction.slug(who) or ".")
    return own if own in both else None


def make_sheet(held, record_id):
    """Make the sheet of a record that waits, as the next run would; the name of its folder.

    Raises
    ------
    ReviewError
        If the record does not wait for extraction.
    """
    whole = standing.records(held)
    if record_id not in awaited(held):
        raise ReviewError(
            f"Record {record_id} does not wait for extraction: is it included, and in no trial?"
        )
    top = held.review / prefilling.SHEETS
    folder = prefilling.folder_of(record_id, ledger.kept_ids(whole), sheets_dir=top)
    config, run = held.config(), held.run()
    record = whole.loc[record_id].to_dict()
    top.mkdir(parents=True, exist_ok=True)
    with tables.locked(folder):
        prefilling.write(
            folder,
            record,
            study_id=sheets.suggest_study_id(record, _taken(held, top)),
            registry=instruments.read(held.review / instruments.TABLE, run=run),
            outcomes=list(config["outcomes"]),
            other_outcomes=config.get("other_outcomes", []),
            timepoint=config["analysis"]["timepoint"],
            extractors=double_extraction.extractors(config.get("extraction", {})),
            run=run,
        )
    return folder.name


def _taken(held, top):
    """Study ids that are in use: in the trials, and in the sheets that wait."""
    taken = set(held.table(TRIALS["studies"], "studies")["study_id"])
    for path in [*top.glob("*/study.csv"), *top.glob("*/*/study.csv")]:
        if "merged" not in path.relative_to(top).parts:
            taken.update(row.get("study_id", "") for row in _first_rows(path))
    return taken


def _first_rows(path):
    header, rows = tables.cells(path)
    return [dict(zip(header, cells, strict=False)) for _, cells in rows]


def companions(held, record_id):
    """Trials of which a record may be another report, by the groups that the run found: ids of studies."""
    path = held.results("companions.csv")
    if not held.exists(path):
        return []
    found = held.table(path)
    groups = set(found.loc[found["record_id"] == record_id, "group_id"]) if "group_id" in found else set()
    related = set(found.loc[found["group_id"].isin(groups), "record_id"]) if groups else set()
    reports = held.table(TRIALS["reports"], "reports")
    return sorted(set(reports.loc[reports["record_id"].isin(related), "study_id"]))
