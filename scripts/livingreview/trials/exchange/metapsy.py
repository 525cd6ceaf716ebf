"""Trials in the Metapsy data standard, out and in.

The standard: docs.metapsy.org/data-preparation/format. One row per comparison of two arms; effects are arm 1
minus arm 2; files are CSV with semicolons and decimal commas (R: ``read.csv2``), NA where a value is missing.

A row has one of five groups of effect data (means, changes, events, ``precalc_g``, ``precalc_log_rr``). The
sizes of the arms stand beside ``precalc_g`` too, since runMetaAnalysis() looks for them there.
"""

import csv
import hashlib
import io
import math
import re
import unicodedata

import pandas as pd

from livingreview import tables
from livingreview.errors import InputError, problem
from livingreview.formulas import guarded, unguarded
from livingreview.trials.labels import labels

# What metapsyTools' checkDataFormat() wants, with the class that it wants it in.
TEXT = ("study", "condition_arm1", "condition_arm2", "multi_arm1", "multi_arm2", "outcome_type", "instrument")
RAW = tuple(f"{name}_arm{arm}" for name in ("mean", "sd", "n", "event", "totaln") for arm in (1, 2))
REQUIRED = {
    **dict.fromkeys((*TEXT, "time"), "character"),
    "time_weeks": "numeric",
    "rating": "character",
    **dict.fromkeys(RAW, "numeric"),
}
CHANGE = tuple(f"{name}_change_arm{arm}" for name in ("mean", "sd", "n") for arm in (1, 2))
PRECALCULATED = ("precalc_g", "precalc_g_se", "precalc_log_rr", "precalc_log_rr_se")
# What calculateEffectSizes() adds, so that runMetaAnalysis() needs nothing else.
CALCULATED = (".id", ".g", ".g_se", ".log_rr", ".log_rr_se", ".event_arm1", ".event_arm2", ".totaln_arm1",
              ".totaln_arm2")  # fmt: skip
BASELINE = ("baseline_m_arm1", "baseline_m_arm2", "baseline_sd_arm1", "baseline_sd_arm2")
ADDITIONAL = (
    "rob",
    "rob_judgement",
    "change_sign",
    "year",
    "population",
    "condition",
    "comparator",
    "outcome",
    "comparison",
    "higher_is",
    "shared_control",
    "in_pool",
    "study_id",
    "row_id",
    "source",
)
COLUMNS = (*REQUIRED, *CHANGE, *PRECALCULATED, *CALCULATED, *BASELINE, *ADDITIONAL)

# The standard has no column for risk of bias. runMetaAnalysis() takes rows with rob > 2 as of low risk.
ROB = {"low": 3, "some concerns": 2, "unclear": 2, "high": 1}
TIMES = {"post": "post", **dict.fromkeys(("follow-up", "follow up", "followup", "fu"), "follow-up")}
FAVOURS = {"negative": "negative favours treatment", "positive": "positive favours treatment"}
DIALECTS = {"csv2": (";", ","), "csv": (",", ".")}


def rows(effects, outcomes, studies, *, risk=None):
    """The effects of a run as rows of the standard.

    Parameters
    ----------
    effects, outcomes, studies : DataFrame
        effects.csv, and the trials' tables at this run.
    risk : callable, optional
        (study_id, outcome) to an overall judgement of risk of bias, or "".

    Returns
    -------
    DataFrame
        `COLUMNS`, a row for each effect that is a standardised mean difference. ``.g`` and ``.g_se`` (a
        standard error) are the effects as pooled: negative favours arm 1, a shared control divided. Of the
        raw data a row has the group that the trial printed, or else ``precalc_g``. ``rob`` is 3 for low risk,
        2 for some concerns or unclear, 1 for high; ``change_sign`` is TRUE where means point the other way.
    """
    raw = outcomes.set_index("row_id")
    about = studies.assign(study=_study_names(studies)).set_index("study_id")
    several = set(effects.loc[effects["comparison"].map(bool) & effects["comparison"].notna(), "study"])
    known = effects[effects["yi"].notna() & effects["vi"].notna()].sort_values(["study", "row_id"])
    found = [
        _row(effect, raw.loc[effect["row_id"]], about.loc[effect["study"]], effect["study"] in several)
        | _risk(risk, effect)
        for effect in known.to_dict("records")
    ]
    return pd.DataFrame(found, columns=list(COLUMNS))


def _study_names(studies):
    """ "Author, year" as the standard writes it; the study's id where two would be the same."""
    names = [re.sub(r"\s+(\d{4}\w?)$", r", \1", name) for name in labels(studies)]
    return [
        f"{name} ({study})" if names.count(name) > 1 else name
        for name, study in zip(names, studies["study_id"], strict=True)
    ]


def _row(effect, row, study, several):
    comparison = effect["comparison"] if isinstance(effect["comparison"], str) else ""
    se = math.sqrt(effect["vi"])
    # Precise to the last digit: a control that the workflow has divided must not be divided again.
    printed = has_means(row) and not _is_composite(effect, row)
    divided = "divided" if row["shared_control"] and not printed else row["shared_control"]
    return {
        "study": study["study"],
        "condition_arm1": row["arm_1"] or "treatment",
        "condition_arm2": row["arm_2"] or "control",
        "multi_arm1": f"{row['arm_1'] or 'treatment'} ({comparison})" if several else None,
        "multi_arm2": row["arm_2"] or "control" if several else None,
        "outcome_type": "msd",
        "instrument": effect["instrument"] or effect["outcome"],
        "time": row["timepoint"],
        "time_weeks": row["weeks"],
        "rating": _rating(row),
        **_raw_data(row, effect, se, means=printed),
        ".id": effect["row_id"],
        ".g": effect["yi"],
        ".g_se": se,
        **{f"baseline_m_arm{arm}": row[f"baseline_mean_{arm}"] for arm in (1, 2)},
        **{f"baseline_sd_arm{arm}": row[f"baseline_sd_{arm}"] for arm in (1, 2)},
        "change_sign": bool(printed and row["higher_is"] == "better"),
        "year": study["year"],
        "population": study["population"],
        "condition": study["condition"],
        "comparator": study["comparator_class"],
        "outcome": effect["outcome"],
        "comparison": comparison or None,
        "higher_is": row["higher_is"],
        "shared_control": divided,
        "in_pool": bool(effect["in_pool"]),
        "study_id": effect["study"],
        "row_id": effect["row_id"],
        "source": row["source"],
    }


def _rating(row):
    """Who rated, where the note says so; else not known."""
    return "clinician" if "clinician-rated" in str(row["note"] or "") else None


def has_means(row):
    """Whether a row of outcomes prints means, standard deviations and sizes of both arms."""
    cells = [row[f"{name}_{arm}"] for name in ("mean", "sd", "n") for arm in (1, 2)]
    return row["effect_type"] == "means" and not any(pd.isna(cell) for cell in cells)


def _is_composite(effect, row):
    """Whether an effect is the mean over several instruments, of which the row is one."""
    return bool(effect["instrument"]) and effect["instrument"] != row["instrument"]


def _raw_data(row, effect, se, *, means):
    sizes = {f"n_arm{arm}": row[f"n_{arm}"] for arm in (1, 2)}
    if not means:
        return sizes | {"precalc_g": effect["yi"], "precalc_g_se": se}
    means = {f"{name}_arm{arm}": row[f"{name}_{arm}"] for name in ("mean", "sd") for arm in (1, 2)}
    return sizes | means


def _risk(risk, effect):
    said = risk(effect["study"], effect["outcome"]) if risk else ""
    return {"rob": ROB.get(said), "rob_judgement": said or None}


def to_bytes(frame, *, dialect="csv2"):
    """A frame as the standard's file: UTF-8; semicolons and decimal commas, or with "csv" commas and points.

    Semicolons in text become commas, as the standard wants none; text that a spreadsheet would take for a
    formula begins with an apostrophe; a missing value is NA.
    """
    separator, point = DIALECTS[dialect]
    out = io.StringIO()
    writer = csv.writer(out, delimiter=separator, lineterminator="\n")
    writer.writerow(frame.columns)
    for cells in frame.itertuples(index=False, name=None):
        writer.writerow([_cell(cell, point) for cell in cells])
    return out.getvalue().encode("utf-8")


def _cell(value, point):
    if value is None or value is pd.NA or (isinstance(value, float) and math.isnan(value)):
        return "NA"
    if isinstance(value, bool):
        return "TRUE" if value else "FALSE"
    if isinstance(value, str):
        text = " ".join(value.replace(";", ",").split())
        return guarded(text)
    return format(float(value), ".15g").replace(".", point)


def read(data, *, name):
    """Read a file of the standard, with semicolons or commas.

    Parameters
    ----------
    data : bytes
    name : str
        The file's name, for messages.

    Returns
    -------
    list of dict
        Column to text or number (None where missing), and ``_row``: the row as a spreadsheet counts it.

    Raises
    ------
    InputError
        Not UTF-8 or no CSV, missing columns, ragged rows, text where a number is needed.
    """
    try:
        text = data.decode("utf-8-sig")
        separator = ";" if text.split("\n", 1)[0].count(";") >= 5 else ","
        lines = list(csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True))
    except (UnicodeDecodeError, csv.Error) as error:
        raise InputError(name, problem=f"this is not a CSV file in UTF-8: {error}") from None
    header = [cell.strip() for cell in lines[0]] if lines else []
    missing = [column for column in REQUIRED if column not in header]
    if missing:
        raise InputError(
            name,
            problems=[problem("missing column", row=1, column=column) for column in missing],
        )
    problems, found = [], []
    for number, cells in enumerate(lines[1:], start=2):
        if not any(cell.strip() for cell in cells):
            continue
        if len(cells) != len(header):
            problems.append(problem(f"{len(cells)} cells where the header has {len(header)}", row=number))
            continue
        found.append(
            {
                column: _value(column, cell.strip(), number, separator, problems)
                for column, cell in zip(header, cells, strict=True)
            }
            | {"_row": number}
        )
    if problems:
        raise InputError(name, problems=problems)
    return found


NUMBERS = {"time_weeks", *RAW, *CHANGE, *PRECALCULATED, *BASELINE, ".g", ".g_se"}


def _value(column, text, number, separator, problems):
    if text in ("", "NA"):
        return None
    if column not in NUMBERS:
        return unguarded(text)
    try:
        return float(text.replace(",", ".") if separator == ";" else text)
    except ValueError:
        problems.append(problem(row=number, column=column, found=text, allowed="a number, or NA"))
        return None


def to_tables(found, *, source, data, name, run, outcome=None, higher_is=None, favours="negative", held=None):
    """Rows of the standard as rows of the trials' tables.

    Parameters
    ----------
    found : list of dict
        From `read`.
    source : str
        What the file is, with its DOI or version; each row's source names it with the file and the row.
    data : bytes
        The file, for its digest.
    name, run : str
        The file's name; the run from which the rows count.
    outcome, higher_is : str, optional
        Where the file has no such columns: the protocol's outcome, and "worse" or "better".
    favours : {"negative", "positive"}
        Which sign of ``precalc_g`` favours arm 1.
    held : collection of str, optional
        Row ids that exist, so that new ones are given other numbers.

    Returns
    -------
    studies, outcomes : DataFrame
        In the columns of the schemas; ``studies`` has each study once.
    left_out : list of str
        Rows without usable numbers, each in words.

    Raises
    ------
    InputError
        Unknown times, missing outcome or direction.
    """
    if favours not in FAVOURS:
        raise ValueError(f"favours {favours!r}; allowed: {', '.join(FAVOURS)}")
    digest = hashlib.sha256(data).hexdigest()[:12]
    problems, left_out, studies, outcomes = [], [], {}, []
    taken = set(held or ())
    for row in _with_comparisons(found):
        given = row | {
            "outcome": row.get("outcome") or outcome,
            "higher_is": row.get("higher_is") or higher_is,
            "study_id": row.get("study_id") or _slug(row["study"]),
        }
        faults = _faults(given)
        if faults:
            problems += faults
            continue
        numbers = _numbers(given, favours)
        if numbers is None:
            left_out.append(
                f"row {row['_row']} ({row['study']}): no means, events, changes or precalc_g with its SE"
            )
            continue
        where = f"{source}; {name} (sha256 {digest}) row {row['_row']}"
        row_id = row.get("row_id") or _next_id(f"{given['study_id']}.{given['outcome']}", taken)
        taken.add(row_id)
        studies.setdefault(given["study_id"], _study(given, where, run))
        outcomes.append(_outcome(given, numbers, row_id=row_id, where=where, run=run))
    _prioritise(outcomes)
    if problems:
        raise InputError(name, problems=problems)
    return _frame(studies.values(), "studies"), _frame(outcomes, "outcomes"), left_out


def _with_comparisons(found):
    """Rows with a letter for each pair of arms of a trial of several, and whether they share the control.

    A file with a column ``comparison`` says so itself. The standard counts a control whole in each.
    """
    if found and "comparison" in found[0]:
        return found
    pairs, controls = {}, {}
    for row in found:
        if row["multi_arm1"] is not None:
            pair = (row["multi_arm1"], row["multi_arm2"])
            letters = pairs.setdefault(row["study"], {})
            letters.setdefault(pair, chr(ord("a") + len(letters)))
            controls.setdefault((row["study"], row["multi_arm2"]), set()).add(pair)
    return [
        row
        if row["multi_arm1"] is None
        else row
        | {
            "comparison": pairs[row["study"]][row["multi_arm1"], row["multi_arm2"]],
            "shared_control": "whole" if len(controls[row["study"], row["multi_arm2"]]) > 1 else None,
        }
        for row in found
    ]


def _prioritise(outcomes):
    """Give the rows of one study, comparison, outcome and time their priorities, in the order of the file."""
    seen = {}
    for row in outcomes:
        slot = tuple(row[name] for name in ("study_id", "comparison", "outcome", "timepoint"))
        seen[slot] = row["priority"] = seen.get(slot, 0) + 1


def _frame(found, schema):
    return pd.DataFrame(list(found), columns=tables.columns(schema)).astype(object)


def _slug(text):
    plain = unicodedata.normalize("NFKD", text or "").encode("ascii", "ignore").decode().lower()
    return re.sub(r"[^a-z0-9]+", "_", plain).strip("_")


def _next_id(stem, taken):
    number = 1
    while f"{stem}.{number}" in taken:
        number += 1
    return f"{stem}.{number}"


def _faults(row):
    found = []
    if not row["study_id"]:
        found.append(problem("a study has a name", row=row["_row"], column="study"))
    if not row["outcome"]:
        found.append(problem("no outcome", row=row["_row"], hint="name it with OUTCOME=, or in a column"))
    if row["higher_is"] not in ("worse", "better"):
        found.append(problem(row=row["_row"], column="higher_is", found=row["higher_is"] or "(empty)",
                             allowed="worse, better", hint="name it with HIGHER_IS="))  # fmt: skip
    if (row["time"] or "").lower() not in TIMES:
        found.append(problem(row=row["_row"], column="time", found=row["time"] or "(empty)",
                             allowed=", ".join(TIMES)))  # fmt: skip
    return found


def _numbers(row, favours):
    def all_of(*columns):
        return all(row.get(column) is not None for column in columns)

    def arms(**names):
        return {
            f"{ours}_{arm}": row[f"{theirs}_arm{arm}"] for ours, theirs in names.items() for arm in (1, 2)
        }

    sizes = {f"n_{arm}": row[f"n_arm{arm}"] for arm in (1, 2) if row[f"n_arm{arm}"] is not None}
    if all_of(*(f"{c}_arm{arm}" for c in ("mean", "sd", "n") for arm in (1, 2))):
        return {"effect_type": "means"} | arms(mean="mean", sd="sd", n="n")
    if all_of(*CHANGE):
        changes = arms(change_mean="mean_change", change_sd="sd_change", n="n_change")
        return {"effect_type": "change_scores"} | changes
    if all_of("precalc_g", "precalc_g_se"):
        printed = {"printed_effect": format(row["precalc_g"], ".15g"), "printed_se": row["precalc_g_se"]}
        return {"effect_type": "hedges_g", "printed_direction": FAVOURS[favours]} | printed | sizes
    if all_of(*(f"{c}_arm{arm}" for c in ("event", "totaln") for arm in (1, 2))):
        return {"effect_type": "events"} | arms(events="event", n="totaln")
    return None


def _study(row, where, run):
    name, _, year = row["study"].rpartition(",")
    year = row.get("year") or year.strip()
    known = {
        "population": ("adult", "youth", "mixed"),
        "condition": ("back", "headache", "migraine", "arthritis", "fibromyalgia", "mixed", "other"),
    }
    return {
        "study_id": row["study_id"],
        "first_author": name.strip() or None,
        "year": year if re.fullmatch(r"(19|20)\d\d", year or "") else None,
        "title": row["study"],
        **{c: row.get(c) if row.get(c) in allowed else "unknown" for c, allowed in known.items()},
        "comparator_class": row.get("comparator") or "unknown",
        "comparator_detail": row["condition_arm2"],
        "intervention_class": "unknown",
        "intervention_detail": row["condition_arm1"],
        "guided": "unknown",
        "source": where,
        "note": "the title was not in the file",
        "run": run,
        "revision": 1,
    }


def _outcome(row, numbers, *, row_id, where, run):
    whole = {c: int(v) if c.startswith(("n_", "events_")) and v == int(v) else v
             for c, v in numbers.items() if not isinstance(v, str)}  # fmt: skip
    return (
        numbers
        | whole
        | {
            "row_id": row_id,
            "study_id": row["study_id"],
            "comparison": row.get("comparison"),
            "outcome": row["outcome"],
            "instrument": row["instrument"],
            "higher_is": row["higher_is"],
            "timepoint": TIMES[row["time"].lower()],
            "weeks": row["time_weeks"],
            "arm_1": row["condition_arm1"],
            "arm_2": row["condition_arm2"],
            **{f"baseline_mean_{arm}": row.get(f"baseline_m_arm{arm}") for arm in (1, 2)},
            **{f"baseline_sd_{arm}": row.get(f"baseline_sd_arm{arm}") for arm in (1, 2)},
            "shared_control": row.get("shared_control"),
            "priority": 1,
            "status": "ok",
            "source": where,
            "note": "clinician-rated" if row["rating"] == "clinician" else None,
            "run": run,
            "revision": 1,
        }
    )
