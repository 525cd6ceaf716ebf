"""Two people extract a trial independently: their sheets are compared field by field, and settled by reason.

Each has a sheet of their own, ``sheets/<record>/<name>/``. Once both are marked as ready, what differs is
written to ``sheets/<record>/conflicts.csv``, beside them, because people type there and no rule may own what
people type. When every difference is settled, one trial is merged, and both originals are archived with the
file that settled them.

Numbers agree if they are equal, or if one of them is the other rounded to the one or more decimals that it
has. Words that only say where or how something was found (`WORDS`) need no settling: both are kept.
"""

from dataclasses import dataclass

import pandas as pd

from livingreview import paths, tables
from livingreview.errors import InputError, problem
from livingreview.screening.filing import slug
from livingreview.trials import sheet_cells, sheets

CONFLICTS = "conflicts.csv"
SCHEMAS = {"study": "studies", "outcomes": "outcomes"}
KEYS = {"study": "study_id", "outcomes": "row_id"}
ROW = "row"  # the field of a conflict about a row that only one of the two has
KEEP, DROP = "keep", "drop"
EMPTY = "(empty)"  # what an adjudicator types to settle on an empty cell

# Not extracted from a report, and so not compared.
OWN = {"run", "revision", "revision_reason", "extractor"}
WORDS = {
    "source",
    "note",
    "page",
    "table_or_figure",
    "quote",
    "set_aside_reason",
    "condition_detail",
    "comparator_detail",
    "intervention_detail",
    "attrition_basis",
    "risk_of_bias_source",
    "correlation_source",
}
EQUAL, ROUNDED, DIFFERENT = "equal", "within rounding", "different"
KINDS = ("numbers", "categories", "text", "words", "rows")


@dataclass(frozen=True)
class Field:
    """One field of two extractions: texts as a CSV file holds them, and how far they agree."""

    table: str
    row_id: str
    field: str
    kind: str
    value_1: str
    value_2: str
    agreement: str


def extractors(asked):
    """Who extracts independently of each other, and the name of each one's folder.

    Parameters
    ----------
    asked : dict
        The protocol's part ``extraction``, which may be empty.

    Returns
    -------
    dict
        Name -> folder name, in the protocol's order; empty where one person extracts.

    Raises
    ------
    InputError
        If a name leaves nothing for the name of a folder, or two names leave the same.
    """
    named = asked.get("extractors", {})
    if named.get("independent", 1) == 1:
        return {}
    found = {name: slug(name) for name in named["names"]}
    if any(map(paths.fault, found.values())) or len(set(found.values())) < len(found):
        raise InputError(
            "config.yaml",
            problem="key extraction.extractors.names: each name is that of a folder",
            found=", ".join(found),
            allowed="names that differ in letters or digits",
        )
    return found


def named(asked):
    """The names of those who extract independently, by folder; `asked` as for `extractors`."""
    return {folder: name for name, folder in extractors(asked).items()}


def state(folder, *, registry=None):
    """How far a record with two sheets is; see `sheets.state`.

    Returns
    -------
    state : str
        Of the sheet that is less far; ``faults`` if one has any.
    note : str
        The state of each.
    """
    each = {path.name: sheets.state(path, registry=registry) for path in folders(folder)}
    states = [state for state, _ in each.values()]
    note = "; ".join(": ".join(filter(None, [name, *found])) for name, found in each.items())
    if sheets.FAULTS in states:
        return sheets.FAULTS, note
    if len(set(states)) > 1:
        return sheets.BEGUN, note
    return states[0], note


def folders(folder):
    """The two sheets of a record, by the name of their folders; empty where a record has one sheet."""
    return sorted(path.parent for path in folder.glob("*/study.csv"))


def compare(first, second):
    """Compare two extractions of a trial, field by field.

    Parameters
    ----------
    first, second : tuple of DataFrame
        The study's table and the outcomes, from `sheets.read`.

    Returns
    -------
    list of Field
        Every field that at least one of them filled in, in the order of the tables.
    """
    found = []
    for table, one, other in zip(SCHEMAS, first, second, strict=True):
        kinds = _kinds(SCHEMAS[table])
        left, right = (_by_key(frame, KEYS[table]) for frame in (one, other))
        for row_id in [*left, *(row for row in right if row not in left)]:
            if row_id not in left or row_id not in right:
                here = ("filled in", "") if row_id in left else ("", "filled in")
                found.append(Field(table, row_id, ROW, "rows", *here, DIFFERENT))
                continue
            if table == "outcomes":
                found.append(Field(table, row_id, ROW, "rows", "filled in", "filled in", EQUAL))
            for field, kind in kinds.items():
                values = left[row_id][field], right[row_id][field]
                if any(values):
                    found.append(Field(table, row_id, field, kind, *values, _agreement(*values, kind)))
    return found


def _by_key(frame, key):
    rows = frame.map(tables.to_text).to_dict("records")
    return {row[key]: row for row in rows}


def _kinds(schema):
    """Kind of each column that is compared."""
    declared = tables.load_schema(schema)["properties"]
    return {
        name: _kind(name, spec)
        for name, spec in declared.items()
        if name not in OWN and name not in KEYS.values()
    }


def _kind(name, spec):
    types = spec.get("type", [])
    if name in WORDS:
        return "words"
    if name == "printed_effect" or {"number", "integer"} & set([types] if isinstance(types, str) else types):
        return "numbers"
    return "categories" if "enum" in spec else "text"


def _agreement(one, other, kind):
    if sheet_cells.same(one, other) or (kind != "numbers" and one.casefold() == other.casefold()):
        return EQUAL
    return ROUNDED if kind == "numbers" and finer(one, other) is not None else DIFFERENT


def finer(one, other):
    """The number with more decimals, if the other is its rounding to one or more decimals; else None.

    Whole numbers are counts or rounded scores, and one cannot tell which: 4 and 4.4 differ.
    """
    if sheet_cells.as_number(one) is None or sheet_cells.as_number(other) is None:
        return None
    coarse, fine = sorted((one, other), key=_decimals)
    if not 0 < _decimals(coarse) < _decimals(fine):
        return None
    # Half a unit of the last decimal, with room for what binary fractions lose.
    close = abs(float(coarse) - float(fine)) <= 0.5 * 10.0 ** -_decimals(coarse) * (1 + 1e-9)
    return fine if close else None


def _decimals(text):
    return len(text.partition(".")[2]) if "e" not in text.lower() else 0


def conflicts(fields, extractors):
    """The fields that need settling, as rows of the schema ``extraction_conflicts``.

    Parameters
    ----------
    fields : list of Field
    extractors : (str, str)
    """
    rows = [
        {
            "table": field.table,
            "row_id": field.row_id,
            "field": field.field,
            "extractor_1": extractors[0],
            "value_1": field.value_1 or None,
            "extractor_2": extractors[1],
            "value_2": field.value_2 or None,
        }
        for field in fields
        if field.agreement == DIFFERENT and field.kind != "words"
    ]
    return pd.DataFrame(rows, columns=tables.columns("extraction_conflicts")).astype(object)


def settle(folder, *, registry=None):
    """One extraction out of two, if they agree or every difference is settled.

    Parameters
    ----------
    folder : Path
        ``sheets/<record>``; its ``conflicts.csv`` is written, or grows, where differences are not settled.
    registry : instruments.Lookup, optional

    Returns
    -------
    study, outcomes : DataFrame or None
        None while something is waited for.
    not_reported : list of str
    waits_for : str or None
        What is waited for.

    Raises
    ------
    InputError
        If a sheet that is marked as ready is at fault, there are not two sheets, or an answer in
        ``conflicts.csv`` is incomplete, impossible, or about values that the sheets no longer hold.
    """
    both = folders(folder)
    if len(both) != 2:
        names = ", ".join(path.name for path in both)
        raise InputError(
            folder, problem=f"{len(both)} sheets", found=names, allowed="two, one for each extractor"
        )
    waiting = [path.name for path in both if not sheet_cells.says_ready(path)]
    if waiting:
        return None, None, [], f"waits for {' and '.join(waiting)}"
    read = [sheets.read(path, registry=registry) for path in both]
    ids = [found[0].at[0, "study_id"] for found in read]
    if ids[0] != ids[1]:
        text = "the two sheets name the trial differently"
        raise InputError(folder, problem=text, found=" and ".join(ids), allowed="one study_id in both")
    fields = compare(read[0][:2], read[1][:2])
    open_ones = conflicts(fields, [path.name for path in both])
    answers = answered(folder / CONFLICTS, open_ones)
    left = sum(pd.isna(row["adjudicated"]) for row in answers.to_dict("records"))
    if left:
        return None, None, [], f"{left} of {len(answers)} differences wait in {folder / CONFLICTS}"
    study, outcomes = _merged(folder, read, fields, answers, [path.name for path in both])
    held = set(outcomes["outcome"])
    not_reported = [name for name in dict.fromkeys([*read[0][2], *read[1][2]]) if name not in held]
    return study, outcomes, not_reported, None


def answered(path, open_ones):
    """The conflicts with what people answered so far; the file is written where it lacks one."""
    if not path.is_file():
        if not open_ones.empty:
            tables.write(open_ones, path)
        return open_ones
    typed = tables.read(path, "extraction_conflicts")
    key = ["table", "row_id", "field"]
    now = {tuple(row[part] for part in key): row for row in open_ones.to_dict("records")}
    problems, kept = [], {}
    for number, row in enumerate(typed.to_dict("records"), start=2):
        name = tuple(row[part] for part in key)
        answered = not pd.isna(row["adjudicated"])
        fits = name in now and all(_text(row[v]) == _text(now[name][v]) for v in ("value_1", "value_2"))
        if answered and not fits:
            problems.append(
                problem(
                    "settled, but the sheets say otherwise now",
                    row=number,
                    column=row["field"],
                    found=row["adjudicated"],
                    hint="take the row out, or mend the sheets back; what is still open is then listed",
                )
            )
        elif answered and row["field"] == ROW and row["adjudicated"] not in (KEEP, DROP):
            problems.append(
                problem(row=number, column="adjudicated", found=row["adjudicated"], allowed="keep, drop")
            )
        elif fits:
            kept[name] = row
    if problems:
        raise InputError(path, problems=problems)
    rows = [kept.get(name, row) for name, row in now.items()]
    answers = pd.DataFrame(rows, columns=list(open_ones.columns)).astype(object)
    # What is answered in the file stays in it; only what is new, or open and gone, changes it.
    if [*kept] != [*now] or len(typed) != len(now):
        tables.write(answers, path)
    return answers


def _text(value):
    return tables.to_text(value).strip()


def _merged(folder, read, fields, answers, extractors):
    """The first extraction with every settled value, checked again as a whole."""
    settled = {(row["table"], row["row_id"], row["field"]): row for row in answers.to_dict("records")}
    by_row = {}
    for field in fields:
        by_row.setdefault((field.table, field.row_id), []).append(field)
    made = []
    for at, (table, schema) in enumerate(SCHEMAS.items()):
        left, right = (_by_key(found[at], KEYS[table]) for found in read)
        rows = []
        for row_id in [*left, *(row for row in right if row not in left)]:
            one = settled.get((table, row_id, ROW))
            if one and one["adjudicated"] == DROP:
                continue
            row = dict(left.get(row_id) or right[row_id])
            said = [f"row {KEEP}: {one['reason']}"] if one else []
            for field in by_row.get((table, row_id), []):
                said += _apply(row, field, settled.get((table, row_id, field.field)), extractors)
            if said:
                row["note"] = "; ".join(filter(None, [row["note"], f"adjudicated: {', '.join(said)}"]))
            if "extractor" in row:
                row["extractor"] = "; ".join(extractors)
            rows.append(row)
        header = tables.columns(schema)
        cells = [(number, [row[column] for column in header]) for number, row in enumerate(rows, start=2)]
        made.append(tables.read_cells(f"{folder}, {table} as settled", header, cells, schema))
    return made


def _apply(row, field, answer, extractors):
    """Put the value that counts into a row; returns what to note of it."""
    if field.field == ROW:
        return []
    if answer is not None:
        value = str(answer["adjudicated"]).strip()
        row[field.field] = "" if value == EMPTY else value
        return [f"{field.field} ({answer['reason']})"]
    if field.agreement == ROUNDED:
        row[field.field] = finer(field.value_1, field.value_2)
    elif field.kind == "words" and field.agreement == DIFFERENT:
        both = zip(extractors, (field.value_1, field.value_2), strict=True)
        told = [f"{name}: {value}" for name, value in both if value]
        row[field.field] = " | ".join(told) if len(told) > 1 else told[0].partition(": ")[2]
    return []


def agreement(compared):
    """How far two extractors agreed before anything was settled.

    Parameters
    ----------
    compared : dict of str to list of Field
        By record, from `compare`.

    Returns
    -------
    dict
        ``records``: their number. ``kinds``: of each kind of field the number compared, those equal, within
        rounding and different, and the share that agree (None if none was compared). ``by_record``: the same
        share over all kinds. Words are counted and need not agree. Fields that both left empty do not count,
        since they would make any two extractions look alike.
    """
    every = [field for fields in compared.values() for field in fields]
    return {
        "records": len(compared),
        "kinds": {kind: _counts([f for f in every if f.kind == kind]) for kind in KINDS},
        "by_record": {
            record: _counts([f for f in fields if f.kind != "words"])
            for record, fields in sorted(compared.items())
        },
    }


def _counts(fields):
    counts = {name: sum(f.agreement == name for f in fields) for name in (EQUAL, ROUNDED, DIFFERENT)}
    share = (counts[EQUAL] + counts[ROUNDED]) / len(fields) if fields else None
    return {"fields": len(fields), **{k.replace(" ", "_"): v for k, v in counts.items()}, "share": share}


def compared(sheets_dir, *, registry=None):
    """Compare the two sheets of every record that has two, merged ones included.

    Returns
    -------
    fields : dict of str to list of Field
        By the name of the record's folder; only records of which both sheets are ready and whole.
    waiting : dict of str to DataFrame
        The conflicts of those that are not merged yet.
    """
    fields, waiting = {}, {}
    places = [
        path for path in [*sheets_dir.glob("*"), *sheets_dir.glob("merged/*")] if len(folders(path)) == 2
    ]
    for folder in sorted(places):
        both = folders(folder)
        try:
            if not all(sheet_cells.says_ready(path) for path in both):
                continue
            read = [sheets.read(path, registry=registry)[:2] for path in both]
        except InputError:
            continue  # a sheet that is ready and at fault stops the merge, which names the fault
        found = compare(*read)
        if folder.parent == sheets_dir:
            fields[folder.name] = found
            waiting[folder.name] = conflicts(found, [path.name for path in both])
        else:
            fields[f"merged/{folder.name}"] = found
    return fields, waiting
