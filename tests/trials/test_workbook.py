"""The workbook of a sheet: locked, with lists to choose from, never a formula, and read as the CSV files are."""

import datetime
import functools
import io
import random
import time
import zipfile

import openpyxl
import pandas as pd
import pytest

from livingreview import tables
from livingreview.errors import InputError, ReviewError
from livingreview.trials import data_dictionary, instruments, merging, sheet_cells, sheets, workbook

REGISTRY = [
    ("Example scale", "EXS", "pain_intensity", "worse"),
    ("Comfort scale", "", "pain_intensity", "better"),
    ("Mood scale", "", "depression", "worse"),
]


@pytest.fixture(scope="module")
def registry(tmp_path_factory):
    header = tables.columns("instruments")
    rows = [dict(zip(["name", "aliases", "outcome", "higher_is"], row, strict=True)) for row in REGISTRY]
    rows = [row | {"run": "2020-01", "revision": "1"} for row in rows]
    text = [",".join(row.get(column, "") for column in header) for row in rows]
    path = tmp_path_factory.mktemp("registry") / "instruments.csv"
    path.write_text("\n".join([",".join(header), *text]) + "\n", encoding="utf-8")
    return instruments.read(path)


@pytest.fixture(scope="module")
def made(registry):
    """Makes a workbook, each but once."""

    @functools.cache
    def run(title):
        study, outcomes = prefilled(title)
        return workbook.make(
            "201",
            sheets.with_ready(study),
            outcomes,
            registry=registry,
            protocol=["pain_intensity", "depression", "sleep"],
            meanings=data_dictionary.of_sheet(),
        )

    return run


def prefilled(title):
    record = {"record_id": "201", "pmid": "201", "title": title, "authors": "Sample AB", "year": "2021"}
    outcomes = ["pain_intensity", "depression"]
    return sheets.prefill(record, study_id="sample_2021", outcomes=outcomes, timepoint="post", run="2020-02")


@pytest.fixture
def with_workbook(trials, made):
    """Writes a sheet with its workbook; returns its folder."""

    def make(title="Treatment"):
        folder = trials / "sheets/201"
        sheets.write(folder, "201", *prefilled(title), workbook=made(title))
        return folder

    return make


STUDY = {
    "population": "adult",
    "condition": "back",
    "comparator_class": "waitlist",
    "intervention_class": "cbt",
    "guided": "yes",
}
MEANS = {
    "instrument": "exs",
    "mean_1": 4.25,
    "sd_1": 2,
    "n_1": 40,
    "mean_2": 5.1,
    "sd_2": 2.5,
    "n_2": 38,
    "effect_type": "means",
    "source": "Sample 2021",
    "page": 12,
}


def type_in(folder, study=(), outcome=(), row=2, formats=()):
    """Type cells as a person would, and save."""
    path = folder / "extraction.xlsx"
    book = openpyxl.load_workbook(path)
    for name, cells, number in (("study", dict(study), 2), ("outcomes", dict(outcome), row)):
        header = [cell.value for cell in book[name][1]]
        for column, value in cells.items():
            cell = book[name].cell(number, header.index(column) + 1)
            cell.value = value
            if column in dict(formats):
                cell.number_format = dict(formats)[column]
    book.save(path)
    return folder


def test_a_workbook_filled_in_alone_is_read_like_the_csv_files(with_workbook, registry):
    folder = type_in(with_workbook(), STUDY, MEANS)
    study, outcomes, not_reported = sheets.read(folder, registry=instruments.lookup(registry))
    assert (study.at[0, "study_id"], study.at[0, "year"], study.at[0, "guided"]) == (
        "sample_2021",
        "2021",
        "yes",
    )
    row = outcomes.iloc[0]
    assert (row["mean_1"], row["sd_2"], row["n_1"], row["page"]) == (4.25, 2.5, 40, "12")
    assert (row["instrument"], row["higher_is"]) == ("exs", "worse")
    assert not_reported == ["depression"]


def test_a_fresh_sheet_with_a_workbook_is_empty(with_workbook):
    folder = with_workbook()
    assert sheets.is_untouched(folder)
    assert sheets.state(folder) == ("empty", None)
    # Saved again without a change, its bytes differ and nothing was typed.
    type_in(folder)
    assert not sheets.is_as_made(folder)
    assert sheets.is_untouched(folder)


@pytest.mark.parametrize("text", ["=1+1", "+46 70", "-0.2", "@SUM(A1)", '=HYPERLINK("x")'])
def test_a_title_that_looks_like_a_formula_stays_text(with_workbook, text):
    folder = with_workbook(title=text)
    cell = openpyxl.load_workbook(folder / "extraction.xlsx")["study"]["E2"]
    assert (cell.value, cell.data_type, cell.quotePrefix) == (text, "s", True)
    with zipfile.ZipFile(folder / "extraction.xlsx") as file:
        sheets_of = [name for name in file.namelist() if name.startswith("xl/worksheets/")]
        assert not any(b"<f>" in file.read(name) for name in sheets_of)
    found = workbook.read(folder / "extraction.xlsx")
    header, rows = found.tables["study"]
    assert dict(zip(header, rows[0][1], strict=True))["title"] == text


def test_the_same_sheet_is_the_same_to_the_byte(made, monkeypatch):
    first = made("Treatment")
    made.cache_clear()
    monkeypatch.setattr("time.localtime", lambda *_: time.struct_time((2031, 5, 6, 7, 8, 9, 1, 126, 0)))
    assert made("Treatment") == first
    with zipfile.ZipFile(io.BytesIO(first)) as file:
        assert {info.date_time for info in file.infolist()} == {workbook.EPOCH}
        assert file.read("docProps/core.xml").count(b">1980-01-01T00:00:00Z<") == 2


def test_headers_and_ids_are_locked_and_cells_to_fill_in_are_not(with_workbook):
    book = openpyxl.load_workbook(with_workbook() / "extraction.xlsx")
    assert book.sheetnames == ["study", "outcomes", "instruments", "help", "lists"]
    assert book["lists"].sheet_state == "hidden"
    for name, locked in workbook.LOCKED.items():
        sheet = book[name]
        assert sheet.protection.sheet
        assert not sheet.protection.password
        header = {cell.value: cell for cell in sheet[1]}
        assert all(cell.protection.locked for cell in header.values())
        second = {column: sheet.cell(2, cell.column) for column, cell in header.items()}
        held = {column for column, cell in second.items() if cell.protection.locked}
        assert held == locked - {column for column in locked if second[column].value is None}


def choices(book, sheet, cell):
    """What the drop-down list of a cell offers."""
    for rule in book[sheet].data_validations.dataValidation:
        if rule.type == "list" and cell in rule.sqref:
            name, _, place = rule.formula1.rpartition("!")
            cells = book[name.strip("'")][place.replace("$", "")]
            return [row[0].value for row in cells] if isinstance(cells, tuple) else [cells.value]
    return None


def test_choices_are_those_of_the_schema_the_protocol_and_the_registry(with_workbook):
    book = openpyxl.load_workbook(with_workbook() / "extraction.xlsx")
    at = {cell.value: cell.column_letter for cell in book["outcomes"][1]}
    declared = tables.load_schema("outcomes")["properties"]
    for column in ("effect_type", "higher_is", "timepoint", "status", "printed_direction", "shared_control"):
        allowed = [value for value in declared[column]["enum"] if value is not None]
        assert choices(book, "outcomes", f"{at[column]}2") == allowed
        assert choices(book, "outcomes", f"{at[column]}30") == allowed
    assert choices(book, "outcomes", f"{at['outcome']}4") == ["pain_intensity", "depression", "sleep"]
    assert choices(book, "outcomes", f"{at['instrument']}2") == ["Comfort scale", "Example scale"]
    assert choices(book, "outcomes", f"{at['instrument']}3") == ["Mood scale"]
    assert choices(book, "outcomes", f"{at['instrument']}4") == [
        "Comfort scale",
        "Example scale",
        "Mood scale",
    ]
    assert choices(book, "study", "A2") == ["yes"]


def test_the_help_page_gives_every_column_its_meaning_in_the_dictionary(with_workbook):
    page = openpyxl.load_workbook(with_workbook() / "extraction.xlsx")["help"]
    rows = {(row[0].value, row[1].value): row[2].value for row in page.iter_rows()}
    for table, schema in workbook.SCHEMA.items():
        assert {column for name, column in rows if name == table} >= set(tables.columns(schema))
    assert rows["outcomes", "higher_is"].startswith("whether a higher score is worse or better")
    assert rows["study", "ready"].startswith("yes once all is in")


@pytest.mark.parametrize(
    ("cells", "formats", "message"),
    [
        ({"mean_1": "=2+2"}, {}, "a formula; found '=2+2'; hint: type the number that is printed"),
        (
            {"mean_1": datetime.datetime(2021, 3, 2)},
            {},
            "the spreadsheet made a date of it; found '2021-03-02",
        ),
        ({"page": datetime.datetime(2021, 3, 2)}, {}, "the spreadsheet made a date of it; found '2021-03-02"),
        ({"printed_effect": 0.5}, {"printed_effect": "0%"}, "a percentage; found '50%'"),
        ({"mean_1": "#N/A"}, {}, "an error of the spreadsheet; found '#N/A'"),
        ({"mean_1": "4,25"}, {}, "hint: write the decimal comma as a point"),
        ({"effect_type": "mean"}, {}, "column effect_type: found 'mean'; allowed: means, hedges_g"),
        ({"sd_1": 0}, {}, "column sd_1: found 0.0; allowed: more than 0"),
    ],
)
def test_what_a_spreadsheet_made_of_a_value_is_refused_with_its_cell(with_workbook, cells, formats, message):
    folder = type_in(with_workbook(), STUDY, MEANS | cells, formats=formats)
    with pytest.raises(InputError) as caught:
        sheets.read(folder)
    assert message in str(caught.value)
    assert "extraction.xlsx" in str(caught.value)


def test_a_refused_cell_is_named_by_its_header_and_by_its_letter(with_workbook):
    folder = type_in(with_workbook(), STUDY | {"year": "=1+1"}, MEANS | {"mean_1": "=2+2"})
    with pytest.raises(InputError) as caught:
        sheets.read(folder)
    assert "row 2 of sheet study, column year (D): a formula" in str(caught.value)
    assert "row 2 of sheet outcomes, column mean_1 (K): a formula" in str(caught.value)


def test_a_file_that_is_no_workbook_is_refused(with_workbook):
    folder = with_workbook()
    (folder / "extraction.xlsx").write_text("not a workbook")
    with pytest.raises(InputError, match=r"extraction\.xlsx: this is not a readable workbook"):
        sheets.read(folder)
    assert sheets.state(folder)[0] == "faults"


def test_a_damaged_workbook_is_refused_or_read_and_never_breaks_off(made, tmp_path):
    whole, chance = made("Treatment"), random.Random(20160101)
    path, refused = tmp_path / "extraction.xlsx", 0
    for _ in range(30):
        data = bytearray(whole)
        for _ in range(20):
            data[chance.randrange(len(data))] = chance.randrange(256)
        path.write_bytes(data[: chance.randrange(1, len(data))] if chance.random() < 0.3 else data)
        try:
            workbook.read(path)
        except InputError as error:
            refused += "extraction.xlsx" in str(error)
    assert refused > 20


def test_a_workbook_without_one_of_its_sheets_is_refused(with_workbook):
    folder = with_workbook()
    book = openpyxl.load_workbook(folder / "extraction.xlsx")
    del book["outcomes"]
    book.save(folder / "extraction.xlsx")
    with pytest.raises(InputError, match="there is no sheet outcomes"):
        sheets.read(folder)


def test_a_workbook_of_another_record_is_refused(with_workbook):
    folder = with_workbook()
    (folder / "record_id.txt").write_text("301\n")
    with pytest.raises(InputError, match=r"made for another record; found '201'; allowed: 301"):
        sheets.read(folder)


def test_both_filled_in_alike_is_fine_and_every_cell_that_differs_is_named(with_workbook, fill):
    folder = with_workbook()
    same = {
        "source": "Sample 2021",
        "page": "12",
        "higher_is": "worse",
        "table_or_figure": "",
        "instrument": "exs",
    }
    fill(folder, outcome=same | {"mean_1": "4.250", "mean_2": "5.1"})
    type_in(folder, STUDY, MEANS | {"higher_is": "worse"})
    assert sheets.read(folder)[1].at[0, "mean_1"] == 4.25
    type_in(folder, {"guided": "no"}, {"sd_1": 2.1})
    with pytest.raises(InputError) as caught:
        sheets.read(folder)
    assert str(caught.value).splitlines() == [
        f"{folder}: 2 problems",
        "  - row 2, column guided: study.csv says 'yes', extraction.xlsx says 'no'; hint: fill in one of the two, "
        "or the same in both",
        "  - row sample_2021.pain_intensity.1, column sd_1: outcomes.csv says '2.0', extraction.xlsx says '2.1'; "
        "hint: fill in one of the two, or the same in both",
    ]


def test_a_row_that_only_one_of_the_two_files_has_is_named(with_workbook, fill):
    folder = with_workbook()
    fill(folder, outcome={"page": "12", "table_or_figure": "", "instrument": "exs"})
    type_in(folder, STUDY, MEANS | {"mean_1": 4, "mean_2": 5, "higher_is": "worse"})
    type_in(folder, outcome={"mean_1": 3}, row=3)
    with pytest.raises(
        InputError,
        match=r"row sample_2021\.depression\.1: outcomes: this row is filled in only in extraction",
    ):
        sheets.read(folder)


def test_a_fault_that_the_merge_finds_is_said_of_the_file_that_was_filled_in(with_workbook, trials):
    type_in(with_workbook(), STUDY, MEANS | {"higher_is": "worse", "outcome": "pain"})
    with pytest.raises(
        ReviewError, match=r"extraction\.xlsx, sheet outcomes: .* found 'pain'; allowed: sleep"
    ):
        merging.merge(trials, run="2020-02", outcomes=["sleep"])


def test_an_added_row_gets_the_ids_of_its_sheet(with_workbook, registry):
    folder = type_in(with_workbook(), STUDY, MEANS)
    added = MEANS | {
        "outcome": "pain_intensity",
        "instrument": "Comfort scale",
        "timepoint": "post",
        "priority": 2,
    }
    type_in(folder, outcome=added, row=4)
    row = sheets.read(folder, registry=instruments.lookup(registry))[1].iloc[1]
    assert row[["row_id", "study_id", "status", "run", "revision", "higher_is"]].tolist() == [
        "sample_2021.pain_intensity.2",
        "sample_2021",
        "ok",
        "2020-02",
        1,
        "better",
    ]


def test_a_direction_against_the_registry_is_refused_and_an_unknown_instrument_needs_one(
    with_workbook, registry
):
    lookup = instruments.lookup(registry)
    folder = type_in(with_workbook(), STUDY, MEANS | {"higher_is": "better"})
    with pytest.raises(InputError, match="by which a higher Example scale is worse; found 'better'"):
        sheets.read(folder, registry=lookup)
    type_in(folder, outcome={"higher_is": None, "instrument": "another scale"})
    with pytest.raises(InputError, match="column higher_is: empty; allowed: worse, better") as caught:
        sheets.read(folder, registry=lookup)
    assert "has no such instrument of pain_intensity, so its direction is not known" in str(caught.value)
    assert "found 'another scale'; allowed: Comfort scale, Example scale; or another" in str(caught.value)
    type_in(folder, outcome={"higher_is": "better"})
    assert sheets.read(folder, registry=lookup)[1]["higher_is"].tolist() == ["better"]


def test_the_faults_of_both_tables_are_said_at_once(with_workbook):
    folder = type_in(with_workbook(), STUDY | {"guided": "maybe"}, MEANS | {"sd_1": 0, "higher_is": "worse"})
    with pytest.raises(InputError) as caught:
        sheets.read(folder)
    assert str(caught.value).splitlines() == [
        f"{folder}: 2 problems",
        "  - extraction.xlsx, sheet outcomes: row 2, column sd_1: found 0.0; allowed: more than 0",
        "  - extraction.xlsx, sheet study: row 2, column guided: found 'maybe'; allowed: yes, no, unknown",
    ]


@pytest.mark.parametrize("place", ["page", "table_or_figure", "quote"])
def test_numbers_need_a_place_in_the_report_and_any_of_three_will_do(with_workbook, place):
    folder = type_in(with_workbook(), STUDY, MEANS | {"page": None, "higher_is": "worse"})
    with pytest.raises(InputError, match=r"numbers without their place in the report; found 'mean_1 4\.25'"):
        sheets.read(folder)
    type_in(folder, outcome={place: "as printed"})
    assert len(sheets.read(folder)[1]) == 1


def test_a_row_set_aside_without_numbers_needs_no_place(with_workbook):
    cells = {"higher_is": "worse", "effect_type": "means", "source": "Sample 2021", "status": "set_aside"}
    folder = type_in(with_workbook(), STUDY, cells | {"set_aside_reason": "not printed"})
    assert sheets.read(folder)[1]["status"].tolist() == ["set_aside"]


def test_a_sheet_is_empty_then_begun_then_ready_or_at_fault(with_workbook):
    folder = type_in(with_workbook(), outcome=MEANS)
    assert sheets.state(folder) == ("begun", None)
    type_in(folder, {"ready": "yes"}, {"higher_is": "worse"})
    state, note = sheets.state(folder)
    assert state == "faults"
    assert "population: empty" in note
    type_in(folder, STUDY)
    assert sheets.state(folder) == ("ready", None)


def test_another_word_than_yes_in_ready_is_refused(with_workbook):
    folder = type_in(with_workbook(), STUDY | {"ready": "nearly"}, MEANS | {"higher_is": "worse"})
    with pytest.raises(InputError, match="column ready: found 'nearly'; allowed: yes, or empty"):
        sheets.read(folder)


def test_floats_lose_what_binary_fractions_add():
    book = openpyxl.Workbook()
    for name in workbook.SHEETS:
        sheet = book.create_sheet(name)
        sheet.append(["a", "b", None])
        sheet.append([0.1 + 0.2, True, None])
    raw = io.BytesIO()
    book.save(raw)
    raw.seek(0)
    assert workbook.read(raw).tables["study"] == (["a", "b"], [(2, ["0.3", "true"])])


@pytest.mark.parametrize(
    ("left", "right", "same"),
    [
        ("4", "4.0", True),
        ("a", "a ", True),
        ("4", "4.1", False),
        ("nan", "NaN", False),
        ("", "0", False),
        ("1_0", "10", False),
    ],
)
def test_cells_say_the_same_as_text_or_as_numbers(left, right, same):
    assert sheet_cells.same(left, right) is same


def test_tables_as_a_workbook_keep_numbers_as_numbers_and_all_else_as_text():
    frame = pd.DataFrame(
        {
            "id": ["007", "=2+2", "@x"],
            "n": [1.5, None, 3],
            "said": ["a\x01b", "2020-01", None],
            "in_pool": [True, False, True],
        }
    )
    data = workbook.of_tables({"rows": frame, "none": frame.iloc[:0]})
    assert data == workbook.of_tables({"rows": frame, "none": frame.iloc[:0]})
    book = openpyxl.load_workbook(io.BytesIO(data))
    assert book.sheetnames == ["rows", "none"]
    assert [list(row) for row in book["rows"].iter_rows(values_only=True)] == [
        ["id", "n", "said", "in_pool"],
        ["007", 1.5, "ab", "true"],
        ["=2+2", None, "2020-01", "false"],
        ["@x", 3, None, "true"],
    ]
    assert {cell.data_type for cell in book["rows"]["A"]} == {"s"}
    assert [cell.quotePrefix for cell in book["rows"]["A"]] == [False, False, True, True]
    assert book["none"].max_row == 1


def test_a_text_that_no_cell_holds_is_refused_with_its_row_and_not_cut():
    frame = pd.DataFrame({"id": ["101"], "abstract": ["x" * 32_768]})
    with pytest.raises(ReviewError, match=r"32,768 characters.*take CSV.*Row: 101"):
        workbook.of_tables({"records": frame})
