"""A trial from an included record to rows of the trials' tables, at the desk."""

import html
import html.parser
import io
import json
import re
import shutil

import openpyxl
import pandas as pd
import pytest
from desk.conftest import Client

from livingreview import tables
from livingreview.desk.extraction import importing
from livingreview.screening import decisions as ledger
from livingreview.trials import merging, sheets

MEANS = {
    "instrument": "NRS",
    "way": "means_sd",
    "arm_1": "internet treatment",
    "arm_2": "waiting list",
    **{"n_1": "40", "n_2": "38", "mean_1": "4.2", "mean_2": "5.1", "sd_1": "2.0", "sd_2": "2.1"},
    **{"source": "Example 2026", "page": "7", "table_or_figure": "Table 2"},
}
FACTS = {
    "population": "adult",
    "condition": "mixed",
    "intervention_class": "CBT",
    "guided": "yes",
    "comparator_class": "waitlist",
}


class Fields(html.parser.HTMLParser):
    """What the form of a page holds, as a browser would post it."""

    def __init__(self, text):
        super().__init__()
        self.found, self._inside, self._select, self._area = {}, False, None, None
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        attrs = dict(attrs)
        self._inside = self._inside or (tag == "form" and attrs.get("id") == "sheet")
        if not self._inside:
            return
        if tag == "input" and attrs.get("name"):
            self.found[attrs["name"]] = attrs.get("value") or ""
        if tag in ("select", "textarea"):
            self.found[attrs["name"]] = ""
            self._select = attrs["name"] if tag == "select" else None
            self._area = attrs["name"] if tag == "textarea" else None
        if tag == "option" and self._select and "selected" in attrs:
            self.found[self._select] = attrs.get("value") or ""

    def handle_endtag(self, tag):
        self._inside = self._inside and tag != "form"
        self._select, self._area = (
            (None, None) if tag in ("select", "textarea") else (self._select, self._area)
        )

    def handle_data(self, data):
        if self._area:
            self.found[self._area] += data


def at_desk(folder, name="EX"):
    """A client under a name, without the page that a browser would be shown first."""
    client = Client(folder, name=None)
    client.post("/who", follow=False, name=name)
    return client


def include(folder, count=1):
    """Include the first records of the queue; their ids."""
    queue = tables.read_results(folder / "results/2026-11/queue.csv")
    ids = list(queue["record_id"].head(count))
    rows = [
        {"record_id": one, "run": "2026-11", "stage": stage, "decision": "include", "reviewer": "EX"}
        | {"decided_at": "2026-11-14"}
        for one in ids
        for stage in (ledger.TITLE_ABSTRACT, ledger.FULL_TEXT)
    ]
    tables.append(pd.DataFrame(rows), folder / "data/decisions/screening.csv", "screening")
    return ids


class Sheet:
    """The form of one sheet, as one person has it open."""

    def __init__(self, folder, record_id, *, name="EX"):
        self.client = at_desk(folder, name)
        self.name = sheets.folder_name(record_id)
        self.path = f"/extraction/{self.name}"
        self.folder = folder / "data/trials/sheets" / self.name
        if not self.folder.exists():
            self.client.post("/extraction", record_id=record_id)
        self.open()

    def open(self):
        self.fields = Fields(self.client.get(self.path).text).found

    def row(self, outcome, number=0):
        """The number of a row in the form."""
        found = [
            name.split(".")[1]
            for name, text in self.fields.items()
            if name.endswith(".outcome") and name.startswith("row.") and text == outcome
        ]
        return found[number]

    def type(self, outcome=None, number=0, **cells):
        """Type into the study's facts, or into a row of an outcome."""
        start = "study" if outcome is None else f"row.{self.row(outcome, number)}"
        self.fields |= {f"{start}.{column}": text for column, text in cells.items()}
        return self

    def post(self, action="save", path="", follow=True):
        """Press a button; the answer, whose form is the one that is open then."""
        answer = self.client.http.post(
            self.path + path,
            data=self.fields | {"action": action},
            base_url=self.client.base,
            follow_redirects=follow,
        )
        if 'id="sheet"' in answer.text:
            self.fields = Fields(answer.text).found
        return answer

    def told(self):
        """What the checks say of the form as it stands: (field, kind) to text."""
        messages = self.post(path="/check").json["messages"]
        return {(one["field"], one["kind"]): one for one in messages}


@pytest.fixture
def sheet(built):
    """The form of an included record's sheet."""
    return Sheet(built.folder, include(built.folder)[0])


def trials(folder, name):
    return tables.read(folder / f"data/trials/{name}.csv", name)


def test_before_any_month_is_built_the_page_says_what_to_do(built):
    shutil.rmtree(built.folder / "results")
    assert "No month has been built yet" in at_desk(built.folder).get("/extraction").text


def test_a_record_waits_as_soon_as_it_is_included_and_its_sheet_is_the_one_that_a_run_would_make(built):
    client = at_desk(built.folder)
    assert "Nothing waits" in client.get("/extraction").text
    record_id = include(built.folder)[0]
    page = client.get("/extraction")
    assert "1 included record waits" in page.text
    assert "not begun: it has no sheet yet" in page.text
    client.post("/extraction", record_id=record_id)
    folder = built.folder / "data/trials/sheets" / record_id
    assert sheets.is_as_made(folder)
    assert (folder / "extraction.xlsx").is_file()
    assert sheets.record_id(folder) == record_id
    assert client.post("/extraction", record_id="10965647").status_code == 409


def test_a_filled_in_form_enters_the_trials_by_the_same_function_as_a_sheet(sheet, built):
    before = len(trials(built.folder, "outcomes"))
    sheet.type(**FACTS, n_randomised="80").type("pain_intensity", **MEANS)
    answer = sheet.post("ready")
    assert answer.request.path == "/extraction"
    assert "has entered with 1 row of values" in answer.text
    row = trials(built.folder, "outcomes").iloc[-1]
    assert len(trials(built.folder, "outcomes")) == before + 1
    assert (row["mean_1"], row["sd_2"], row["n_2"], row["effect_type"]) == (4.2, 2.1, 38, "means")
    assert (row["higher_is"], row["extractor"], row["run"]) == ("worse", "EX", "2026-11")
    assert trials(built.folder, "studies").iloc[-1]["condition"] == "mixed"
    assert trials(built.folder, "reports").iloc[-1]["record_id"] == sheet.name
    assert not sheet.folder.exists()
    kept = tables.read(
        built.folder / "data/trials/sheets/merged" / sheet.name / "history.csv", "sheet_history"
    )
    assert set(kept["by"]) == {"EX"}
    assert sheet.client.get(sheet.path).status_code == 409


def test_a_half_filled_form_is_kept_as_a_draft_that_no_run_takes_for_ready(sheet, built):
    sheet.type(note="begun").type("pain_intensity", mean_1="4.2")
    assert "Saved as a draft." in sheet.post().text
    assert sheets.state(sheet.folder)[0] == sheets.BEGUN
    assert tables.read(sheet.folder / "history.csv", "sheet_history")["after"].tolist()[:2] == [
        "begun",
        "4.2",
    ]
    assert "begun" in sheet.client.get("/extraction").text
    sheet.open()
    assert sheet.fields["study.note"] == "begun"


def test_what_keeps_a_trial_from_entering_is_told_by_field_and_the_draft_is_saved(sheet, built):
    sheet.type(**FACTS).type("pain_intensity", **MEANS | {"page": "", "table_or_figure": "", "n_1": "1"})
    answer = sheet.post("ready")
    assert answer.status_code == 422
    assert "2 things keep the trial from entering" in answer.text
    assert "say where the numbers stand" in answer.text
    assert sheet.fields[f"row.{sheet.row('pain_intensity')}.n_1"] == "1"
    assert sheets.state(sheet.folder)[0] == sheets.BEGUN
    assert len(trials(built.folder, "studies")) == 92


def test_each_value_is_checked_as_it_is_typed_at_its_own_field(sheet):
    at = f"row.{sheet.row('pain_intensity')}"
    sheet.type(**FACTS).type("pain_intensity", **MEANS | {"mean_1": "4,2"})
    assert "decimal comma" in sheet.told()[f"{at}.mean_1", "error"]["text"]
    sheet.type("pain_intensity", mean_1="42")
    found = sheet.told()
    assert found[f"{at}.instrument", "know"]["text"] == "NRS: from 0 to 10; higher is worse"
    assert "mean (treatment) 42" in found[f"{at}.mean_1", "likely"]["text"].replace(" is ", " ")
    sheet.type("pain_intensity", mean_1="4.2", higher_is="better")
    assert "contradicts" in sheet.told()[f"{at}.higher_is", "error"]["text"]
    sheet.type("pain_intensity", higher_is="", instrument="")
    assert (f"{at}.higher_is", "missing") in sheet.told()


def test_a_fault_in_one_row_hides_no_finding_in_another(sheet):
    sheet.type("pain_intensity", **MEANS | {"mean_1": "42"}).type("depression", n_1="x")
    kinds = {(field, kind) for field, kind in sheet.told() if kind in ("error", "likely")}
    assert (f"row.{sheet.row('pain_intensity')}.mean_1", "likely") in kinds
    assert (f"row.{sheet.row('depression')}.n_1", "error") in kinds


def test_a_likely_mistake_enters_only_with_a_reason_which_becomes_a_clearance(sheet, built):
    sheet.type(**FACTS).type("pain_intensity", **MEANS | {"mean_1": "42", "sd_1": "20"})
    assert sheet.post("ready").status_code == 422
    for name in [name for name in sheet.fields if name.startswith("clear.")]:
        sheet.fields[name] = "printed on a scale to 100"
    before = len(trials(built.folder, "clearances"))
    assert sheet.post("ready").request.path == "/extraction"
    added = trials(built.folder, "clearances").iloc[before:]
    assert set(added["reviewer"]) == {"EX"}
    assert set(added["note"]) == {"printed on a scale to 100"}
    assert set(added["row_id"]) == {trials(built.folder, "outcomes").iloc[-1]["row_id"]}


def test_reasons_for_findings_are_kept_with_the_draft(sheet):
    sheet.type(**FACTS).type("pain_intensity", **MEANS | {"mean_1": "42", "sd_1": "20"}).post()
    names = [name for name in sheet.fields if name.startswith("clear.")]
    assert names
    sheet.fields |= dict.fromkeys(names, "a scale to 100")
    sheet.post()
    sheet.open()
    assert {sheet.fields[name] for name in names} == {"a scale to 100"}
    # A form that does not show a finding says nothing of its reason; an empty field takes it back.
    sheet.type("pain_intensity", mean_1="4.2").post()
    sheet.type("pain_intensity", mean_1="42").post()
    assert {sheet.fields[name] for name in names} == {"a scale to 100"}
    sheet.fields[names[0]] = ""
    sheet.post()
    sheet.open()
    assert [sheet.fields[name] for name in names] == ["", *["a scale to 100"] * (len(names) - 1)]
    history = tables.read(sheet.folder / "history.csv", "sheet_history")
    said = history[history["table"] == "clearances"]
    assert said[["before", "after"]].values.tolist()[:: len(names)] == [
        [None, "a scale to 100"],
        ["a scale to 100", None],
    ]


def test_a_reason_for_what_no_check_can_have_found_is_not_kept(sheet):
    row_id = sheet.fields["row.1.row_id"]
    sheet.fields |= {
        f"clear.{row_id}.no_such_check.{12 * 'a'}": "x",
        f"clear.{row_id}.grim.{12 * 'b'}": "kept",
        "base": json.dumps(
            {"cells": [["clearances", "<b>", "grim", "x"], ["clearances", "a.b", "x.y", "x"]], "rows": []}
        ),
    }
    assert sheet.type(note="begun").post().status_code == 200
    kept = tables.read(sheet.folder / "clearances.csv", "clearances")
    assert kept[["row_id", "check", "digest", "note"]].values.tolist() == [[row_id, "grim", 12 * "b", "kept"]]


@pytest.mark.parametrize("lands", [2, 3])
def test_what_a_crash_left_of_an_entry_is_completed_by_the_next_build_or_press(
    sheet, built, monkeypatch, lands
):
    sheet.type(**FACTS).type("pain_intensity", **MEANS | {"mean_1": "42", "sd_1": "20"}).post()
    sheet.fields |= {name: "a scale to 100" for name in sheet.fields if name.startswith("clear.")}
    before, append, calls = len(trials(built.folder, "clearances")), tables.append, []

    def crash(rows, path, *args, **options):
        if path.parent.name == "trials":
            calls.append(path)
        if len(calls) > lands:
            raise KeyboardInterrupt
        return append(rows, path, *args, **options)

    with monkeypatch.context() as patch:
        patch.setattr(tables, "append", crash)
        with pytest.raises(KeyboardInterrupt):
            sheet.post("ready")
    assert len(trials(built.folder, "clearances")) == before
    assert sheet.folder.exists()
    assert "Let it enter now" in sheet.client.get(sheet.path).text
    if lands == 2:
        # As rules/common.smk does before a month is built.
        said = merging.merge_ready(built.folder / "data/trials", run="2026-11")[0]
        assert "merged for run 2026-11" in said
    else:
        assert "has entered with 1 row" in sheet.client.post(f"{sheet.path}/enter").text
    row_id = trials(built.folder, "outcomes").iloc[-1]["row_id"]
    assert set(trials(built.folder, "clearances").iloc[before:]["row_id"]) == {row_id}
    assert not sheet.folder.exists()


def test_rows_take_their_arms_and_source_from_the_row_above_when_the_form_is_sent(sheet):
    sheet.type("pain_intensity", **MEANS).type("depression", instrument="PHQ-9", mean_1="7.1")
    answer = sheet.post()
    assert "taken over from the rows above and the study: 3 cells" in answer.text
    at = sheet.row("depression")
    cells = [sheet.fields[f"row.{at}.{column}"] for column in ("arm_1", "arm_2", "source", "n_1")]
    assert cells == ["internet treatment", "waiting list", "Example 2026", ""]
    anxiety = sheet.row("anxiety")
    assert sheet.fields[f"row.{anxiety}.arm_1"] == ""


def test_the_work_of_two_people_in_one_sheet_is_joined_and_the_later_one_is_shown_what_differs(built):
    record_id = include(built.folder)[0]
    first = Sheet(built.folder, record_id, name="First")
    second = Sheet(built.folder, record_id, name="Second")
    first.type(population="adult").type("pain_intensity", mean_1="4.2").post()
    second.type(population="youth", note="seen")
    answer = second.post()
    assert answer.status_code == 409
    assert [text in answer.text for text in ("<td>adult</td>", "<td>youth</td>")] == [True, True]
    at = second.row("pain_intensity")
    assert (second.fields["study.note"], second.fields[f"row.{at}.mean_1"]) == ("seen", "4.2")
    assert "youth" not in (second.folder / "study.csv").read_text()
    assert second.post().status_code == 200
    history = tables.read(second.folder / "history.csv", "sheet_history")
    changed = history[history["field"] == "population"]
    assert changed[["by", "before", "after"]].values.tolist() == [
        ["First", None, "adult"],
        ["Second", "adult", "youth"],
    ]
    third = first.type(guided="yes").post(path="/keep").json
    assert third["taken"] == {"study.population": "youth", "study.note": "seen"}


def test_a_sheet_that_has_entered_meanwhile_takes_nothing_more(built):
    record_id = include(built.folder)[0]
    late = Sheet(built.folder, record_id, name="Late")
    Sheet(built.folder, record_id).type(**FACTS).type("pain_intensity", **MEANS).post("ready")
    answer = late.type(note="late").post()
    assert answer.status_code == 409
    assert not late.folder.exists()


def test_a_row_is_added_copied_and_taken_out_without_script(sheet):
    sheet.type("pain_intensity", **MEANS)
    sheet.post("add:pain_intensity")
    at = sheet.row("pain_intensity", 1)
    assert (sheet.fields[f"row.{at}.priority"], sheet.fields[f"row.{at}.mean_1"]) == ("2", "")
    sheet.post(f"copy:{at}")
    copied = [sheet.fields[f"row.{at}.{column}"] for column in ("arm_1", "n_2", "page", "mean_1")]
    assert copied == ["internet treatment", "38", "7", ""]
    sheet.post(f"drop:{at}")
    with pytest.raises(IndexError):
        sheet.row("pain_intensity", 1)
    assert sheet.post("add:unheard_of").status_code == 409


def test_a_value_stays_in_sight_whatever_way_of_printing_is_chosen(sheet):
    sheet.type("pain_intensity", **MEANS)
    sheet.type("pain_intensity", way="means_se")
    answer = sheet.post("show")
    at = f"row.{sheet.row('pain_intensity')}"
    assert sheet.fields[f"{at}.way"] == "means_se"
    assert sheet.fields[f"{at}.sd_1"] == "2.0"
    assert answer.text.count("<tr data-ways") > answer.text.count('" hidden>\n<th scope="row">')


def test_a_further_report_of_a_known_trial_adds_its_rows_and_leaves_the_trials_facts(sheet, built):
    facts = trials(built.folder, "studies").set_index("study_id").loc["nhu_2024"]
    sheet.client.post(f"{sheet.path}/study", known="nhu_2024")
    sheet.open()
    assert sheet.fields["study.title"] == facts["title"]
    sheet.type("pain_intensity", **MEANS | {"n_1": "20", "n_2": "20"}, timepoint="follow-up", weeks="52")
    sheet.post("ready")
    assert len(trials(built.folder, "studies")) == 92
    row = trials(built.folder, "outcomes").iloc[-1]
    assert (row["study_id"], row["row_id"], row["weeks"]) == ("nhu_2024", "nhu_2024.pain_intensity.3", 52)
    assert trials(built.folder, "reports").iloc[-1]["study_id"] == "nhu_2024"


def test_a_trial_is_named_anew_and_an_id_that_is_taken_is_refused(sheet):
    sheet.client.post(f"{sheet.path}/study", study_id="lind_2026")
    sheet.open()
    assert sheet.fields["study.study_id"] == "lind_2026"
    assert sheet.fields["row.0.row_id"].startswith("lind_2026.")
    assert sheet.client.post(f"{sheet.path}/study", study_id="nhu_2024").status_code == 409
    assert sheet.client.post(f"{sheet.path}/study", study_id="../x").status_code == 409


def upload(sheet, name, data):
    fields = {"csrf_token": sheet.fields["csrf_token"], "files": (io.BytesIO(data), name)}
    answer = sheet.client.http.post(
        f"{sheet.path}/import",
        data=fields,
        base_url=sheet.client.base,
        content_type="multipart/form-data",
    )
    if 'id="sheet"' in answer.text:
        sheet.fields = Fields(answer.text).found
    return answer


def workbook_of(sheet, *, record=None, **cells):
    book = openpyxl.load_workbook(sheet.folder / "extraction.xlsx")
    book["help"]["B1"].value = record or book["help"]["B1"].value
    page = book["outcomes"]
    header = [cell.value for cell in page[1]]
    for column, value in cells.items():
        page.cell(3, header.index(column) + 1).value = value
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def test_a_filled_in_workbook_is_shown_and_checked_before_it_is_saved(sheet):
    answer = upload(sheet, "C:\\home\\filled.xlsx", workbook_of(sheet, mean_1=42, n_1=40, instrument="NRS"))
    assert "Nothing is saved yet" in answer.text
    assert sheet.fields["row.1.mean_1"] == "42"
    assert sheets.is_as_made(sheet.folder)
    sheet.post()
    assert "42" in (sheet.folder / "outcomes.csv").read_text()


def test_a_formula_another_records_workbook_and_a_file_that_is_no_sheet_are_refused(sheet, monkeypatch):
    assert "a formula" in upload(sheet, "x.xlsx", workbook_of(sheet, mean_1="=1+1")).text
    assert "not a readable workbook" in upload(sheet, "x.xlsx", b"PK no").text
    assert "columns that no sheet has" in upload(sheet, "x.csv", b"row_id,evil\na.b.1,1\n").text
    assert "made for another record" in upload(sheet, "x.xlsx", workbook_of(sheet, record="999")).text
    assert sheet.client.post(f"{sheet.path}/import").status_code == 409
    monkeypatch.setattr(importing, "LARGEST", 100)
    assert "larger than any sheet" in upload(sheet, "x.csv", b"a" * 101).text


def test_what_is_hostile_in_a_sheet_is_shown_as_text(sheet):
    sheet.type(note="<script>alert(1)</script>").type(
        "pain_intensity", quote='"><img src=x onerror=alert(1)>'
    )
    text = sheet.post().text
    assert "<script>alert" not in text
    assert "<img src=x" not in text


def test_a_place_outside_the_sheets_is_no_sheet(sheet):
    for name in ("..", "merged", "%2e%2e", "nothing"):
        assert sheet.client.get(f"/extraction/{name}").status_code in (404, 409)


@pytest.fixture
def pair(built):
    """The forms of two extractors who must not know of each other."""
    built.replace(
        "config.yaml",
        "# Outcome domains that are pooled",
        "extraction:\n  extractors:\n    independent: 2\n    names: [Ada, Bo]\n\n# Outcome domains that are pooled",
    )
    record_id = include(built.folder)[0]
    at_desk(built.folder).post("/extraction", record_id=record_id)
    return [Sheet(built.folder, record_id, name=name) for name in ("Ada", "Bo")]


def test_two_extractors_see_nothing_of_each_other_before_both_are_ready(pair, built):
    ada, bo = pair
    ada.type(**FACTS, note="a secret of hers").type("pain_intensity", **MEANS).post()
    assert "a secret of hers" not in bo.client.get(bo.path).text
    assert "a secret of hers" not in bo.client.get("/extraction").text
    assert "Nothing is compared before both are ready" in bo.client.get(f"{bo.path}/compare").text
    assert "you are neither" in at_desk(built.folder, "CD").get(ada.path).text
    ada.post("ready")
    assert "waits for <b>Bo</b>" in ada.client.get(f"{ada.path}/compare").text
    assert "4.2" not in bo.client.get(f"{bo.path}/compare").text
    ada.open()
    assert "marked as ready" in ada.type(note="more").post().text


def test_what_two_extractors_differ_in_is_settled_with_a_reason_and_enters_once(pair, built):
    ada, bo = pair
    ada.type(**FACTS).type("pain_intensity", **MEANS).post("ready")
    answer = (
        bo.type(**FACTS | {"guided": "no"}).type("pain_intensity", **MEANS | {"mean_1": "4.4"}).post("ready")
    )
    assert answer.request.path == f"{bo.path}/compare"
    assert '<span id="left">2</span> left to settle' in answer.text
    judge = at_desk(built.folder, "Judge")
    page = judge.get(f"{bo.path}/compare").text
    keys = [text.split('"')[0].replace("&#9;", "\t") for text in page.split('.key" value="')[1:]]
    assert [key.split("\t")[2] for key in keys] == ["guided", "mean_1"]
    chosen = {"0.key": keys[0], "0.choice": "1", "1.key": keys[1], "1.choice": "2"}
    answer = judge.post(f"{bo.path}/compare", **chosen)
    assert (answer.status_code, answer.text.count("nothing is settled without a reason")) == (422, 2)
    chosen |= {"0.reason": "page 3", "1.reason": "Table 2", "action": "merge"}
    assert "has entered with 1 row" in judge.post(f"{bo.path}/compare", **chosen).text
    row, study = (trials(built.folder, name).iloc[-1] for name in ("outcomes", "studies"))
    assert (row["mean_1"], study["guided"], row["extractor"]) == (4.4, "yes", "ada; bo")
    assert "mean_1 (Table 2)" in row["note"]


def differences(page):
    """What the form of a comparison holds of each difference: field to key and what was settled of it."""
    keys, seen = (
        [html.unescape(text.split('"')[0]) for text in page.split(f'.{name}" value="')[1:]]
        for name in ("key", "seen")
    )
    return {
        key.split("\t")[2]: {f"{at}.key": key, f"{at}.seen": was}
        for at, (key, was) in enumerate(zip(keys, seen, strict=True))
    }


def both_ready(pair, **of_bo):
    """Two sheets that are ready, of which the second has other cells of the result on pain."""
    ada, bo = pair
    ada.type(**FACTS).type("pain_intensity", **MEANS).post("ready")
    bo.type(**FACTS).type("pain_intensity", **MEANS | of_bo)
    return ada, bo


def test_each_of_two_answers_the_findings_of_their_own_sheet_before_it_is_ready(pair, built):
    ada, bo = both_ready(pair, sd_2="0.21")
    assert "most likely a mistake" in bo.post("ready").text
    assert "waits for <b>Bo</b>" in ada.client.get(f"{ada.path}/compare").text
    for name in [name for name in bo.fields if name.startswith("clear.")]:
        bo.fields[name] = "as printed"
    answer = bo.post("ready")
    assert answer.request.path == f"{bo.path}/compare"
    asked = differences(answer.text)
    assert list(asked) == ["sd_2"]
    text = " ".join(re.sub("<[^>]+>", " ", html.unescape(answer.text)).split())
    assert "Pain intensity NRS, after treatment, internet treatment against waiting list" in text
    assert "Ada: page 7, Table 2 · Bo: page 7, Table 2" in text
    assert "Ada 2.1 Bo 0.21 most likely a mistake: standard deviation (treatment) is 2" in text
    assert "Right all the same: as printed" in text
    chosen = asked["sd_2"] | {"0.choice": "2", "0.reason": "the report says so", "action": "merge"}
    assert "has entered with 1 row" in bo.client.post(f"{bo.path}/compare", **chosen).text
    cleared = trials(built.folder, "clearances").iloc[-1]
    assert (cleared["reviewer"], cleared["note"]) == ("Bo", "as printed")


def test_a_finding_in_what_was_settled_stops_the_trial_until_it_has_a_reason(pair, built):
    _, bo = both_ready(pair, sd_2="2.2")
    judge = at_desk(built.folder, "Judge")
    asked = differences(bo.post("ready").text)["sd_2"]
    chosen = asked | {"0.choice": "other", "0.other": "0.21", "0.reason": "read again", "action": "merge"}
    answer = judge.post(f"{bo.path}/compare", **chosen)
    assert answer.status_code == 422
    assert "the trial has not entered" in answer.text
    names = re.findall(r'name="(clear\.[^"]+)"', answer.text)
    again = differences(answer.text)["sd_2"] | {"action": "merge", **dict.fromkeys(names, "the author wrote")}
    again |= {"0.choice": "other", "0.other": "0.21", "0.reason": "read again"}
    before = len(trials(built.folder, "clearances"))
    assert "has entered with 1 row" in judge.post(f"{bo.path}/compare", **again).text
    added = trials(built.folder, "clearances").iloc[before:]
    assert set(zip(added["reviewer"], added["note"], strict=True)) == {("Judge", "the author wrote")}


def test_of_two_who_settle_at_once_the_later_is_shown_what_the_earlier_said(pair, built):
    _, bo = both_ready(pair, mean_1="4.4")
    asked = differences(bo.post("ready").text)["mean_1"]
    path = f"{bo.path}/compare"
    first, second = (at_desk(built.folder, name) for name in ("First", "Second"))
    first.post(path, **asked, **{"0.choice": "1", "0.reason": "table 2"})
    typed = {"0.choice": "2", "0.reason": "table 3"}
    answer = second.post(path, **asked, **typed)
    assert answer.status_code == 409
    assert "by First: <b>4.2</b>, “table 2”" in answer.text
    assert 'value="table 3"' in answer.text
    kept = tables.read(bo.folder / "conflicts.csv", "extraction_conflicts").iloc[0]
    assert (kept["adjudicated"], kept["adjudicator"]) == ("4.2", "First")
    now = differences(answer.text)["mean_1"]
    assert "1 difference settled; none is left" in second.post(path, **now, **typed).text
    old = now | {"0.key": now["0.key"].replace("4.4", "4.5")}
    assert "1 answer of yours" in second.post(path, **old, **typed).text


def test_a_sheet_is_opened_again_only_while_the_other_is_not_ready(pair):
    ada, bo = pair
    ada.type(**FACTS).type("pain_intensity", **MEANS).post("ready")
    assert ada.client.post(f"{ada.path}/reopen").status_code == 200
    ada.open()
    ada.post("ready")
    bo.type(**FACTS).type("pain_intensity", **MEANS).post("ready")
    assert bo.client.post(f"{bo.path}/reopen").status_code == 409


def test_a_workbook_that_was_filled_in_is_shown_and_kept_beside_what_is_saved(sheet):
    (sheet.folder / "extraction.xlsx").write_bytes(workbook_of(sheet, mean_1=4.2, page="7"))
    sheet.open()
    assert sheet.fields["row.1.mean_1"] == "4.2"
    sheet.type(note="more").post()
    assert sorted(path.name for path in sheet.folder.glob("*.xlsx")) == ["earlier-1.xlsx"]
    sheet.open()
    assert (sheet.fields["row.1.mean_1"], sheet.fields["study.note"]) == ("4.2", "more")
