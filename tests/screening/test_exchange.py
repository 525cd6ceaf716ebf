"""Records and decisions out and back: every decision as it was, every doubt a stop, nothing lost on the way."""

import csv
import io
import re

import pandas as pd
import pytest
from screening.exchange_fixtures import DECIDED, REASONS, STAGES, UGLY, changed_csv, csv_rows, make_record

from livingreview import tables
from livingreview.errors import InputError, ReviewError
from livingreview.screening import decisions as ledger
from livingreview.screening import exchange
from livingreview.screening.exchange import matching, ticket, writing
from livingreview.search.imports import exports

RUN = "2020-02"
WAITING = [record_id for record_id in UGLY if record_id not in DECIDED]
# All that can be sent and read: a format and the program that reads it.
ROUTES = [("asreview", "ris"), ("asreview", "csv"), ("rayyan", "ris"), ("rayyan", "csv"), ("zotero", "ris")]


@pytest.fixture
def records():
    return pd.DataFrame([make_record(record_id, **row) for record_id, row in UGLY.items()], dtype=object)


@pytest.fixture
def decided(example_frame):
    return example_frame(
        "screening",
        *(
            {"record_id": record_id, "decision": decision, "reason": reason or ""}
            for record_id, (decision, reason) in DECIDED.items()
        ),
    )


@pytest.fixture
def send(records, decided):
    def make(tool="asreview", form="ris", **options):
        if (tool, form) == ("asreview", "csv"):
            options = {"records": records[records["record_id"] != "110"]} | options
        options = {"records": records, "decisions": decided, "stage": "title-abstract"} | options
        return exchange.export(**options, run=RUN, stages=STAGES, tool=tool, form=form)

    return make


@pytest.fixture
def bring(records, decided):
    def make(data, tool, name="export.ris", **options):
        options = {
            "decisions": decided,
            "records": records,
            "stage": "title-abstract",
            "reviewer": "AN",
        } | options
        options = {"run": RUN, "decided_at": "2020-02-15T10:00:00Z"} | options
        data = data.encode("utf-8") if isinstance(data, str) else data
        return exchange.from_export(data, name=name, tool=tool, stages=STAGES, reasons=REASONS, **options)

    return make


def said(rows):
    return {row.record_id: (row.decision, row.reason or None, row.reviewer) for row in rows.itertuples()}


# Out


@pytest.mark.parametrize("part", exchange.PARTS)
@pytest.mark.parametrize(("tool", "form"), ROUTES)
def test_an_export_holds_each_record_once_with_its_label(send, tool, form, part):
    exported = send(tool, form, part=part)
    left = [one for one in UGLY if one != "110" or (tool, form) != ("asreview", "csv")]
    expected = {one for one in left if part == "all" or (one in DECIDED) == (part == "decisions")}
    tickets = ticket.find(exported.data.decode("utf-8"))
    assert len(tickets) == len(expected)
    assert {one.record_id for one in tickets} == expected
    labels = {one.record_id: one.label for one in tickets}
    assert labels == {one: ticket.label(*DECIDED.get(one, (None, None))) for one in expected}
    assert (exported.n_waiting, exported.n_labelled) == (
        len(expected - DECIDED.keys()),
        len(expected & DECIDED.keys()),
    )


@pytest.mark.parametrize("tool", exchange.TOOLS)
def test_no_cell_can_break_a_ris_record(send, tool):
    records = exports.ris(send(tool).data.decode("utf-8"))
    assert [fields["ID"] for fields in records] == [[one] for one in [*WAITING, *DECIDED]]
    cells = {fields["ID"][0]: fields for fields in records}
    assert cells["102"]["TI"] == ["A title in two lines and a tab"]
    assert cells["102"]["AB"] == ["BACKGROUND: x. ER  - not the end TY  - JOUR RESULTS: y."]
    assert cells["106"]["AB"] == ["+1 -1 @example and   control   characters"]
    assert cells["110"]["AB"] == [UGLY["110"]["abstract"].strip()]
    assert cells["105"]["AB"] == [UGLY["105"]["abstract"]]
    assert cells["101"]["AU"] == ["Example, AB", "The Sample Group", "Ünal, Ö, Jr"]
    assert cells["101"]["KW"][:3] == ["pain", "internet", "Pain / therapy*"]


@pytest.mark.parametrize("tool", ["asreview", "rayyan"])
def test_no_cell_can_break_a_csv_row(send, tool):
    rows = csv_rows(send(tool, "csv", part="queue").data)
    key = {"asreview": "record_id", "rayyan": "key"}[tool]
    cells = {row[key]: row for row in rows}
    assert cells.keys() == {one for one in WAITING if tool == "rayyan" or one != "110"}
    assert cells["106"]["title"] == "'=cmd|' /C calc'!A0"
    assert all(None not in row and None not in row.values() for row in rows)


def test_labels_are_written_in_the_words_of_each_program(send):
    asreview = {fields["ID"][0]: fields["N1"][0] for fields in exports.ris(send("asreview").data.decode())}
    assert (asreview["101"], asreview["102"], asreview["103"]) == (
        "ASReview_relevant",
        "ASReview_irrelevant",
        "ASReview_not_seen",
    )
    included = {row["record_id"]: row["included"] for row in csv_rows(send("asreview", "csv").data)}
    assert (included["101"], included["102"], included["103"]) == ("1", "0", "")
    rayyan = {fields["ID"][0]: fields["N1"][0] for fields in exports.ris(send("rayyan").data.decode())}
    assert rayyan["102"].endswith(
        ' | RAYYAN-INCLUSION: {"EX"=>"Excluded"} | RAYYAN-EXCLUSION-REASONS: not_rct'
    )
    assert "RAYYAN" not in rayyan["103"]
    zotero = {fields["ID"][0]: fields["KW"][3:] for fields in exports.ris(send("zotero").data.decode())}
    assert (zotero["101"], zotero["102"], zotero["103"]) == (
        ["screening:include"],
        ["screening:exclude", "reason:not_rct"],
        [],
    )


def test_what_a_person_should_know_of_an_export_is_said(send):
    assert send("asreview").remarks == [
        "1 records have no title; it says so instead: 107",
        "2 records hold line breaks or control characters, now spaces",
        "5 records would be one to ASReview, which compares titles by a-z and 0-9 only; so their ids stand in their titles",
    ]
    assert send("rayyan", "csv").remarks[-1] == (
        "1 records have cells that a spreadsheet would take for formulas; an apostrophe stands before them"
    )
    only_decided = send("asreview", part="decisions").remarks
    assert (
        "ASReview learns from labels beside unlabelled records; here are no records to label" in only_decided
    )


def test_one_kind_of_label_is_not_enough_for_asreview_to_learn_and_it_is_said(send, decided):
    included = send("asreview", decisions=decided[decided["decision"] == "include"]).remarks
    assert included[-2] == "ASReview learns once it has included and excluded records; here is one kind only"


def test_titles_that_asreview_would_take_for_one_carry_their_ids(send):
    titles = {fields["ID"][0]: fields["TI"][0] for fields in exports.ris(send("asreview").data.decode())}
    assert {one: titles[one] for one in ("103", "105", "108", "109", "110")} == {
        "103": "慢性疼痛的网络治疗 [103]",
        "105": "Боль и интернет — пример [105]",
        "108": "Reply [108]",
        "109": "Reply [109]",
        "110": "A long one",
    }
    assert "TI  - Reply\n" in send("rayyan").data.decode()


def test_a_link_holds_no_semicolon_since_asreview_parts_links_there(send):
    links = {fields["ID"][0]: fields.get("UR") for fields in exports.ris(send("asreview").data.decode())}
    assert links["101"] == ["https://pubmed.ncbi.nlm.nih.gov/101/"]
    assert links["doi:10.1002/(sici)1000(1998)17:15<1661::aid-sim968>3.0.co;2-2"] == [
        "https://doi.org/10.1002/(sici)1000(1998)17:15%3C1661::aid-sim968%3E3.0.co%3B2-2"
    ]
    assert links["embase:2020.5"] is None


def test_an_abstract_longer_than_asreview_reads_from_csv_stops_the_export(send, records):
    with pytest.raises(InputError) as caught:
        send("asreview", "csv", records=records)
    assert str(caught.value) == (
        "the export: row 110, column abstract: the cell is longer than ASReview reads from CSV;"
        " found '1007999 characters'; allowed: 131072 characters; hint: the format ris has no such limit"
    )


def test_half_a_character_stops_the_export_and_is_named(send, records):
    records.loc[records["record_id"] == "101", "title"] = "broken \ud83d"
    with pytest.raises(InputError, match="row 101, column title: half a character, which UTF-8 cannot hold"):
        send("rayyan")


def test_zotero_reads_no_csv(send):
    with pytest.raises(ReviewError, match="Zotero writes CSV and does not read it; choose the format ris"):
        send("zotero", "csv")


def test_the_queue_comes_first_in_its_own_order_and_duplicates_do_not_come(send, records):
    records.loc[records["record_id"] == "109", "duplicate_of"] = "108"
    exported = send("rayyan", order=["107", "embase:2020.5", "103"])
    ids = [one.record_id for one in ticket.find(exported.data.decode("utf-8"))]
    assert ids[:3] == ["107", "embase:2020.5", "103"]
    assert "109" not in ids
    assert set(ids[-4:]) == DECIDED.keys()


def test_full_text_is_exported_for_what_was_included_before(send, decided):
    exported = send("rayyan", stage="full-text")
    assert [(one.record_id, one.stage, one.label) for one in ticket.find(exported.data.decode())] == [
        ("101", "full-text", "none"),
        ("108", "full-text", "none"),
    ]


def test_what_waits_for_a_second_reviewer_leaves_without_the_first_ones_label(send, example_frame):
    row = {"record_id": "103", "decision": "include", "reviewer": "EX", "role": ledger.INDEPENDENT}
    one = send("rayyan", decisions=example_frame("screening", row)).data.decode()
    assert {found.label for found in ticket.find(one)} == {"none"}
    assert "RAYYAN" not in one
    both = send("rayyan", decisions=example_frame("screening", row, row | {"reviewer": "AN"})).data.decode()
    assert 'RAYYAN-INCLUSION: {"EX"=>"Included", "AN"=>"Included"}' in both


def test_an_export_without_records_is_empty_and_a_review_without_decisions_is_all_queue(
    send, records, decided
):
    assert send("asreview", records=records.iloc[:0]).data == b""
    assert send("asreview", decisions=decided.iloc[:0]).n_waiting == len(records)


def test_the_same_export_is_the_same_to_the_byte(send):
    assert send("rayyan", "csv").data == send("rayyan", "csv").data


def test_names_are_written_last_name_first():
    assert writing.person("van der Sample A") == "van der Sample, A"
    assert writing.person("The Sample Group") == "The Sample Group"
    assert writing.person("Ünal Ö Jr") == "Ünal, Ö, Jr"


@pytest.mark.parametrize("record_id", [*UGLY, "doi:10.1000/a%3c;b|c<d>"])
def test_an_id_survives_in_a_note(record_id):
    note = ticket.text(ticket.Ticket(record_id, "full-text", "exclude:not_rct"))
    for text in (note, f"<p>{note}</p>", f"a; {note}| RAYYAN-LABELS: x"):
        assert ticket.find(text) == [ticket.Ticket(record_id, "full-text", "exclude:not_rct")]
    assert ticket.from_call_number(f"record_id={ticket.encoded(record_id)}") == record_id


# Out and back


@pytest.mark.parametrize(("tool", "form"), ROUTES)
def test_an_export_brought_back_as_it_left_adds_nothing(send, bring, tool, form):
    exported = send(tool, form)
    back = bring(exported.data, tool, f"export.{form}")
    assert (len(back.rows), back.already, back.unchanged, back.unlabelled) == (0, 0, 4, exported.n_waiting)


def test_decisions_made_in_rayyan_come_back_under_their_names(send, bring):
    """Rayyan keeps notes, appends its own, and gives keys of its own."""
    said_there = {
        "103": '{"Anna Example"=>"Included"} | RAYYAN-LABELS: x,y',
        "104": '{"Anna Example"=>"Excluded"} | RAYYAN-EXCLUSION-REASONS: Not chronic pain'
        ' | USER-NOTES: {"Anna Example"=>["a \\"quoted\\" note", "another"]}',
        "106": '{"Anna Example"=>"Maybe"}',
        "101": '{"Anna Example"=>"Included"}',  # as it was exported
    }

    def decide(number, row):
        record_id = row["key"]
        inclusion = said_there.get(record_id)
        notes = f"{row['notes']} | RAYYAN-INCLUSION: {inclusion}" if inclusion else row["notes"]
        return row | {"key": f"rayyan-{number}", "notes": notes}

    data = changed_csv(send("rayyan", "csv").data, decide)
    back = bring(data, "rayyan", "articles.csv", aliases={"Anna Example": "AE"})
    assert said(back.rows) == {
        "103": ("include", None, "AE"),
        "104": ("exclude", "not_pain", "AE"),
    }
    # The exported four, Anna's among them; hers of 101 says the same as the one that left.
    assert (back.unchanged, back.maybe, back.unlabelled) == (5, 1, len(WAITING) - 3)
    notes = dict(zip(back.rows["record_id"], back.rows["note"], strict=True))
    source = f"Rayyan: articles.csv, sha256 {exchange.digest(data)}"
    assert notes == {"103": source, "104": f'a "quoted" note; another ({source})'}
    assert set(back.rows["decided_at"]) == {"2020-02-15T10:00:00Z"}


def through_zotero(data, tags):
    """What Zotero's RIS export makes of a file: ids are left out, notes become markup, tags may be changed."""
    text = re.sub(r"^ID  - .*\n", "", data.decode("utf-8"), flags=re.M)
    text = re.sub(r"^N1  - (.*)$", r"N1  - <p>\1</p>", text, flags=re.M)
    out = []
    for part in text.split("ER  - \n\n"):
        found = ticket.find(part)
        if found:
            part += "".join(f"KW  - {tag}\n" for tag in tags.get(found[0].record_id, ()))  # noqa: PLW2901
            out.append(part + "ER  - \n\n")
    return "".join(out)


def test_decisions_made_in_zotero_come_back_from_tags(send, bring):
    tags = {
        "103": ["screening:include"],
        "104": ["Screening: Exclude", "reason:not_rct"],
        "107": ["screening:maybe"],
        "doi:10.1002/(sici)1000(1998)17:15<1661::aid-sim968>3.0.co;2-2": ["screening:exclude"],
    }
    back = bring(through_zotero(send("zotero").data, tags), "zotero")
    assert said(back.rows) == {
        "103": ("include", None, "AN"),
        "104": ("exclude", "not_rct", "AN"),
        "doi:10.1002/(sici)1000(1998)17:15<1661::aid-sim968>3.0.co;2-2": ("exclude", None, "AN"),
    }
    assert (back.unchanged, back.maybe, back.unlabelled) == (4, 1, len(WAITING) - 4)


def test_zotero_exports_without_notes_are_known_by_the_call_number(send, bring):
    text = re.sub(r"^N1  - .*\n", "", send("zotero", part="queue").data.decode("utf-8"), flags=re.M)
    text = text.replace("CN  - record_id=103\n", "CN  - record_id=103\nKW  - screening:include\n")
    assert said(bring(text, "zotero").rows) == {"103": ("include", None, "AN")}


def test_zoteros_own_csv_comes_back(bring):
    head = '"Key","Item Type","Publication Year","Author","Title","DOI","Call Number","Extra","Notes","Manual Tags","Automatic Tags"\n'
    rows = [
        '"AB12","journalArticle","2020","Example, AB","在线疼痛课程","","record_id=104","","","screening:exclude; reason:Not chronic pain","pain"',
        '"AB13","journalArticle","2020","","Боль и интернет — пример","","","","","","screening:exclude"',
    ]
    back = bring(head + "\n".join(rows) + "\n", "zotero", "My library.csv")
    assert said(back.rows) == {"104": ("exclude", "not_pain", "AN")}
    assert back.already == 1  # without a note nobody knows what left; the ledger says the same of 105


def test_asreviews_time_user_and_note_are_kept(bring):
    data = (
        ",record_id,title,included,asreview_label,asreview_time,asreview_note,asreview_user_name,asreview_tag_reason_not_rct\n"
        '0,103,,,1,2026-11-22 19:59:16,"two\nlines",Anna,0\n'
        "1,104,,,0.0,2026-11-22 20:00:00,,Ben,1\n"
        "2,106,,1,,,,,\n"
    )
    back = bring(data, "asreview", "export.csv", aliases={"Ben": "BE"}, reviewer=None)
    assert said(back.rows) == {"103": ("include", None, "Anna"), "104": ("exclude", "not_rct", "BE")}
    assert back.rows["decided_at"].tolist() == ["2026-11-22T19:59:16Z", "2026-11-22T20:00:00Z"]
    assert back.rows["note"][0].startswith("two\nlines (ASReview: export.csv, sha256 ")
    assert back.unlabelled == 1  # the column asreview_label counts, not the one that was imported


def test_ris_of_a_file_that_was_not_ours_is_known_by_pmid_doi_or_title_and_year(bring, records):
    records.loc[records["record_id"] == "101", ["pmid", "doi"]] = ["31000001", "10.1000/one"]
    data = "".join(
        f"TY  - JOUR\n{fields}N1  - ASReview_irrelevant\nER  - \n"
        for fields in (
            "AN  - PMID: 31000001\nTI  - Apps for example pain: a trial with commas\n",
            "DO  - https://doi.org/10.1002/(SICI)1000(1998)17:15<1661::AID-SIM968>3.0.CO;2-2\n",
            "TI  - A Title in Two Lines, and a Tab.\nPY  - 2020/05/01\n",
        )
    )
    with pytest.raises(InputError) as caught:  # 101 is included in the ledger
        bring(data, "asreview")
    assert str(caught.value) == (
        "export.ris: record 1 (101, title-abstract), column decision: conflicts with the decision of EX in run"
        " 2020-01; found 'exclude'; allowed: include; hint: if it is a correction, write why in the column note"
        " and file it with CORRECT=yes"
    )
    back = bring(data, "asreview", correct=True, note="read again")
    assert said(back.rows) == {
        "101": ("exclude", None, "AN"),
        "doi:10.1002/(sici)1000(1998)17:15<1661::aid-sim968>3.0.co;2-2": ("exclude", None, "AN"),
    }
    assert back.already == 1


# Corrections, people, reasons


def asreview(*labels):
    """A RIS file of ASReview: (record id, label, further notes)."""
    lines = []
    for record_id, label, *notes in labels:
        lines += ["TY  - JOUR", f"CN  - record_id={ticket.encoded(record_id)}", f"N1  - ASReview_{label}"]
        lines += [*(f"N1  - {note}" for note in notes), "ER  - "]
    return "\n".join(lines) + "\n"


def test_a_correction_needs_a_note_of_a_person(bring):
    data = asreview(("101", "irrelevant"))
    with pytest.raises(InputError) as caught:
        bring(data, "asreview", correct=True)
    assert str(caught.value) == (
        'export.ris: record 1: column note: a correction says why; hint: say why: NOTE="...", or a note on the'
        " record in the program"
    )
    noted = bring(asreview(("101", "irrelevant", 'asreview_note: "misread"')), "asreview", correct=True)
    assert noted.rows["note"].tolist()[0].startswith("misread (ASReview: export.ris, sha256 ")


def test_a_label_without_a_person_is_refused(bring):
    with pytest.raises(
        InputError, match="record 1: the file does not say who decided; hint: name them: REVIEWER="
    ):
        bring(asreview(("103", "relevant")), "asreview", reviewer=None)


def test_a_person_whom_the_protocol_does_not_know_is_refused(bring):
    with pytest.raises(InputError) as caught:
        bring(asreview(("103", "relevant")), "asreview", reviewers=["BE", "CE"])
    assert str(caught.value) == (
        "export.ris: record 1: column reviewer: this is no reviewer of the protocol; found 'AN'; allowed: BE, CE;"
        ' hint: say who it is: ALIAS="AN=BE"'
    )


def rayyan(*notes):
    head = "key,title,year,authors,abstract,notes\n"
    out = io.StringIO()
    csv.writer(out).writerows(
        [
            f"rayyan-{n}",
            "",
            "",
            "",
            "",
            f"living-review record_id={one} stage=title-abstract label=none | {text}",
        ]
        for n, (one, text) in enumerate(notes, start=1)
    )
    return head + out.getvalue()


TWO = 'RAYYAN-INCLUSION: {"Anna"=>"Included", "Ben"=>"Excluded"} | RAYYAN-EXCLUSION-REASONS: not_rct'


def test_two_people_who_differ_are_refused_where_one_decides(bring):
    with pytest.raises(InputError) as caught:
        bring(rayyan(("103", TWO)), "rayyan", "articles.csv")
    assert str(caught.value) == (
        "articles.csv: row 2: column decision: 103 is decided twice in the file; found 'exclude (Ben)'; allowed:"
        ' include (Anna, row 2); hint: settle it there, or take one person\'s labels: ONLY="..."'
    )
    back = bring(rayyan(("103", TWO)), "rayyan", "articles.csv", only="Ben")
    assert (said(back.rows), back.left_out) == ({"103": ("exclude", "not_rct", "Ben")}, 1)
    with pytest.raises(
        InputError, match="the file has no labels of this person; found 'Cleo'; allowed: Anna, Ben"
    ):
        bring(rayyan(("103", TWO)), "rayyan", "articles.csv", only="Cleo")


def test_two_people_who_agree_are_both_in_the_ledger(bring):
    data = rayyan(("103", 'RAYYAN-INCLUSION: {"Anna" => "Included", "Ben" => "Included"}'))
    rows = bring(data, "rayyan", "articles.csv").rows
    assert rows["reviewer"].tolist() == ["Anna", "Ben"]


def test_two_independent_reviewers_come_back_as_such_and_may_differ(bring, decided):
    options = {"reviewers": ["Anna", "Ben"], "independent": 2}
    data = rayyan(("103", TWO), ("104", 'RAYYAN-INCLUSION: {"Anna"=>"Included"}'))
    rows = bring(data, "rayyan", "articles.csv", **options).rows
    assert sorted(zip(rows["record_id"], rows["reviewer"], rows["decision"], rows["role"], strict=True)) == [
        ("103", "Anna", "include", ledger.INDEPENDENT),
        ("103", "Ben", "exclude", ledger.INDEPENDENT),
        ("104", "Anna", "include", ledger.INDEPENDENT),
    ]
    held = pd.concat([decided, rows.astype(decided.dtypes)], ignore_index=True)
    again = bring(data, "rayyan", "articles_2.csv", **options, decisions=held)
    assert (len(again.rows), again.already) == (0, 3)
    later = bring(
        rayyan(("104", 'RAYYAN-INCLUSION: {"Ben"=>"Included"}')), "rayyan", "c.csv", **options, decisions=held
    )
    assert said(later.rows) == {"104": ("include", None, "Ben")}


def test_a_reason_is_the_protocols_by_code_or_label_and_of_several_the_first(bring):
    text = 'RAYYAN-INCLUSION: {"A"=>"Excluded"} | RAYYAN-EXCLUSION-REASONS: '
    data = rayyan(
        ("103", text + "To be checked, how it was delivered"),
        ("104", text + "not chronic pain,NOT_RCT"),
        ("106", text + "To be checked, how it was delivered,Not chronic pain | USER-NOTES: {}"),
    )
    back = bring(data, "rayyan", "a.csv")
    assert said(back.rows) == {
        "103": ("exclude", "check_delivery", "A"),
        "104": ("exclude", "not_rct", "A"),
        "106": ("exclude", "not_pain", "A"),
    }
    assert back.remarks == [
        "row 3: several reasons; the protocol's first of them counts: not_rct, not_pain",
        "row 4: several reasons; the protocol's first of them counts: not_pain, check_delivery",
    ]


def test_a_reason_that_the_protocol_lacks_is_refused_with_those_it_has(bring):
    text = 'RAYYAN-INCLUSION: {"A"=>"Excluded"} | RAYYAN-EXCLUSION-REASONS: wrong mood,not_rct'
    with pytest.raises(InputError) as caught:
        bring(rayyan(("103", text)), "rayyan", "a.csv")
    assert str(caught.value) == (
        "a.csv: row 2: column reason: found 'wrong mood'; allowed: not_rct, not_pain, check_delivery; hint: name"
        " the reasons there as in the protocol, by code or label"
    )


def test_a_full_text_exclusion_still_needs_its_reason_and_an_inclusion_before(bring):
    data = asreview(("101", "irrelevant"), ("102", "relevant"))
    with pytest.raises(InputError) as caught:
        bring(data, "asreview", stage="full-text")
    assert caught.value.problems == [
        "record 1 (101, full-text), column reason: an exclusion on full text needs a reason;"
        " allowed: not_rct, not_pain, check_delivery, not_retrieved",
        "record 2 (102, full-text), column stage: a full-text decision needs the record to be included on title"
        " and abstract first; found 'exclude'",
    ]


def test_labels_of_another_stage_are_refused(send, bring):
    with pytest.raises(
        InputError, match="record 1: the record was exported for another stage; found 'title-abstract'"
    ):
        bring(send("rayyan").data, "rayyan", stage="full-text")


def test_a_decision_on_a_duplicate_is_one_on_the_record_that_is_kept(bring, records):
    records.loc[records["record_id"] == "embase:2020.5", "duplicate_of"] = "103"
    back = bring(asreview(("embase:2020.5", "relevant"), ("103", "relevant")), "asreview")
    assert (said(back.rows), len(back.rows), back.already) == ({"103": ("include", None, "AN")}, 1, 1)
    with pytest.raises(InputError, match="103 is decided twice in the file"):
        bring(asreview(("embase:2020.5", "relevant"), ("103", "irrelevant")), "asreview")


def test_an_independent_reviewer_who_changes_a_shared_decision_corrects_their_own(bring, example_frame):
    row = {"record_id": "103", "decision": "include", "reviewer": "Anna", "role": ledger.INDEPENDENT}
    held = example_frame("screening", row, row | {"reviewer": "Ben"})
    data = rayyan(("103", 'RAYYAN-INCLUSION: {"Ben"=>"Excluded"}'))
    options = {"reviewers": ["Anna", "Ben"], "independent": 2, "decisions": held}
    with pytest.raises(
        InputError, match=r"row 2 .103, title-abstract., column decision: conflicts with the decision of Ben"
    ):
        bring(data, "rayyan", "a.csv", **options)
    assert said(bring(data, "rayyan", "a.csv", **options, correct=True, note="misread").rows) == {
        "103": ("exclude", None, "Ben")
    }
    with pytest.raises(InputError, match="column note: a correction says why"):
        bring(data, "rayyan", "a.csv", **options, correct=True)


def test_an_old_label_does_not_undo_what_an_adjudicator_settled(bring, example_frame):
    """A later export holds the labels of before the adjudication too; they say nothing new."""
    row = {"record_id": "103", "role": ledger.INDEPENDENT}
    held = example_frame(
        "screening",
        row | {"decision": "exclude", "reviewer": "Anna"},
        row | {"decision": "include", "reviewer": "Ben"},
        {
            "record_id": "103",
            "decision": "include",
            "reviewer": "Cy",
            "role": ledger.ADJUDICATOR,
            "note": "both",
        },
    )
    options = {"reviewers": ["Anna", "Ben"], "independent": 2, "decisions": held}
    old = rayyan(("103", 'RAYYAN-INCLUSION: {"Anna"=>"Excluded", "Ben"=>"Included"}'))
    for correct in (False, True):
        back = bring(old, "rayyan", "a.csv", **options, correct=correct)
        assert (len(back.rows), back.already) == (0, 2)
    new = rayyan(("103", 'RAYYAN-INCLUSION: {"Ben"=>"Excluded"}'))
    with pytest.raises(InputError, match="column note: a correction says why"):
        bring(new, "rayyan", "a.csv", **options, correct=True)


def asreview_at(*labels):
    """A CSV of ASReview: (record id, label, moment)."""
    head = "record_id,title,asreview_label,asreview_time"
    return "\n".join([head, *(f"{one},,{label},{moment}" for one, label, moment in labels)]) + "\n"


@pytest.fixture
def taken_back(example_frame):
    """A ledger in which AN took back what an earlier file said of 103."""
    row = {"record_id": "103", "reviewer": "AN", "run": "2020-01"}
    return example_frame(
        "screening",
        row | {"decision": "exclude", "reason": "not_rct", "note": "ASReview: old.csv, sha256 0123456789ab"},
        row | {"decision": ledger.WITHDRAWN, "decided_at": "2020-01-20T12:00:00Z"},
    )


@pytest.mark.parametrize("moment", ["", "2020-01-10 12:00:00", "2020-01-20 12:00:00"])
def test_a_file_that_says_what_its_person_took_back_brings_it_not_back_unsaid(bring, taken_back, moment):
    back = bring(asreview_at(("103", 0, moment)), "asreview", "new.csv", decisions=taken_back)
    assert (len(back.rows), back.withdrawn, back.already) == (0, 1, 0)
    assert back.remarks == [
        "row 2: AN took back exclude of 103 on 2020-01-20, so that it is not filed again; if it is meant"
        ' again, say why: CORRECT=yes NOTE="..."'
    ]


def test_what_was_taken_back_is_filed_again_where_it_was_said_later_or_with_a_reason(bring, taken_back):
    options = {"name": "new.csv", "decisions": taken_back}
    later = bring(asreview_at(("103", 0, "2020-01-20 12:00:01")), "asreview", **options)
    assert said(later.rows) == {"103": ("exclude", None, "AN")}
    options |= {"correct": True, "note": "read once more"}
    assert len(bring(asreview_at(("103", 0, "")), "asreview", **options).rows) == 1


def test_another_decision_than_the_one_taken_back_is_new(bring, taken_back):
    for label, who in ((1, "AN"), (0, "BE")):
        data = asreview_at(("103", label, ""))
        back = bring(data, "asreview", "new.csv", decisions=taken_back, reviewer=who)
        assert (len(back.rows), back.withdrawn) == (1, 0)


def test_a_pmid_that_a_spreadsheet_library_made_a_decimal_is_read(bring, records):
    records.loc[records["record_id"] == "103", "pmid"] = "31000003"
    back = bring("title,pmid,asreview_label\n,31000003.0,1\n", "asreview", "a.csv")
    assert said(back.rows) == {"103": ("include", None, "AN")}


# Bad input


GOOD = asreview(("103", "relevant"))


@pytest.mark.parametrize(
    ("tool", "name", "data", "message"),
    [
        ("asreview", "a.ris", b"", "a.ris: the file is empty; hint: export it again, with the decisions"),
        ("asreview", "a.ris", b" \n", "a.ris: the file is empty; hint: export it again, with the decisions"),
        ("asreview", "a.ris", GOOD.encode() + b"\xff", "a.ris: line 5: byte 62 is not UTF-8; found 'ff'"),
        (
            "asreview",
            "a.ris",
            b"a,b\n1,2\n",
            "a.ris: there is no record in it; allowed: RIS, each record from TY",
        ),
        (
            "asreview",
            "a.csv",
            GOOD,
            "a.csv: this is no export of ASReview: the column asreview_label is missing",
        ),
        (
            "asreview",
            "a.xlsx",
            GOOD,
            "a.xlsx: .xlsx is not read here; allowed: .csv, .ris; hint: export as CSV",
        ),
        ("asreview", "a.ris", GOOD.replace("ER", "EP"), "a.ris: record 1: has no line ER: the file ends"),
        ("asreview", "a.nbib", "PMID- 1\n", "a.nbib: this format carries no decisions; found 'medline'"),
        (
            "rayyan",
            "a.ris",
            GOOD,
            "a.ris: no record bears a label of Rayyan; allowed: an export of Rayyan with its",
        ),
        ("zotero", "a.ris", GOOD, "a.ris: no record bears a label of Zotero"),
        ("asreview", "a.ris", rayyan(("103", TWO)), "a.ris: there is no record in it"),
        (
            "rayyan",
            "a.csv",
            "key,title\n1,x\n",
            "a.csv: this is no export of Rayyan: the column notes is missing",
        ),
        (
            "zotero",
            "a.csv",
            "Title\nx\n",
            "a.csv: this is no export of Zotero: the column Manual Tags is missing",
        ),
        (
            "asreview",
            "a.csv",
            "record_id;asreview_label\n103;1\n",
            "a.csv: the columns are not separated by commas",
        ),
        (
            "asreview",
            "a.csv",
            "record_id,asreview_label\n103\n",
            "a.csv: row 2: 1 cells where the header has 2",
        ),
        (
            "asreview",
            "a.csv",
            'record_id,asreview_label\n"103,1\n',
            "a.csv: this is not a CSV file: unexpected end",
        ),
        ("asreview", "a.csv", "title,title,included\n", "a.csv: a column occurs twice; found 'title'"),
        (
            "asreview",
            "a.csv",
            "record_id,asreview_label\n103,2\n",
            "a.csv: row 2: column asreview_label: found '2'; allowed: 1, 0 or empty",
        ),
        (
            "asreview",
            "a.ris",
            asreview(("103", "perhaps")),
            "a.ris: record 1: column N1: found 'ASReview_perhaps'; allowed: ASReview_relevant, ASReview_irrelevant",
        ),
        (
            "asreview",
            "a.ris",
            asreview(("103", "relevant", "ASReview_irrelevant")),
            "a.ris: record 1: column N1: found 'ASReview_relevant, ASReview_irrelevant'",
        ),
        (
            "asreview",
            "a.ris",
            asreview(("103", "relevant", 'asreview_time: "yesterday"')),
            "a.ris: record 1: column asreview_time: found 'yesterday'; allowed: YYYY-MM-DD hh:mm:ss",
        ),
        (
            "asreview",
            "a.ris",
            asreview(("103", "relevant", "asreview_note: {")),
            "a.ris: record 1: column N1: found 'asreview_note: {'; allowed: JSON, as ASReview writes it",
        ),
        (
            "rayyan",
            "a.csv",
            rayyan(("103", 'RAYYAN-INCLUSION: {"Anna"=>"Perhaps"}')),
            "a.csv: row 2: column notes: found 'Perhaps'; allowed: Included, Excluded, Maybe",
        ),
        (
            "rayyan",
            "a.csv",
            rayyan(("103", 'RAYYAN-INCLUSION: {"Anna"=>"Included", "Anna"=>"Excluded"}')),
            "a.csv: row 2: column notes: Anna says several things at once; found 'exclude, include'",
        ),
        (
            "rayyan",
            "a.csv",
            rayyan(("103", "RAYYAN-INCLUSION: Included")),
            "a.csv: row 2: column notes: found",
        ),
        (
            "zotero",
            "a.ris",
            "TY  - JOUR\nCN  - record_id=103\nKW  - screening:include\nKW  - screening:exclude\nER  - \n",
            "a.ris: record 1: column tags: the tags say several things at once; found 'screening:include, screening:exclude'",
        ),
        (
            "zotero",
            "a.ris",
            "TY  - JOUR\nCN  - record_id=103\nKW  - screening:later\nER  - \n",
            "a.ris: record 1: column tags: found 'screening:later'; allowed: include, exclude, maybe",
        ),
        (
            "zotero",
            "a.ris",
            "TY  - JOUR\nCN  - record_id=103\nKW  - screening:include\nKW  - reason:not_rct\nER  - \n",
            "a.ris: record 1: column reason: a reason belongs to an exclusion; found 'include, not_rct'",
        ),
        (
            "asreview",
            "a.ris",
            asreview(("999", "relevant")),
            "a.ris: record 1: column record_id: no search or import has found this record; found '999'",
        ),
        (
            "asreview",
            "a.ris",
            "TY  - JOUR\nTI  - Of another review\nPY  - 2020\nN1  - ASReview_not_seen\nER  - \n",
            "a.ris: record 1: this is no record of the review; found 'Of another review'",
        ),
        (
            "asreview",
            "a.ris",
            "TY  - JOUR\nTI  - Reply\nPY  - 2020\nN1  - ASReview_relevant\nER  - \n",
            "a.ris: record 1: column title: this may be several records; found 'Reply'; allowed: 108, 109",
        ),
        (
            "asreview",
            "a.csv",
            "record_id,title,asreview_label\n101,Imaging of something quite different,1\n",
            "a.csv: row 2: column title: this is not the title of 101; found 'Imaging of something quite different'",
        ),
    ],
)
def test_a_file_in_doubt_is_refused_as_a_whole(bring, tool, name, data, message):
    with pytest.raises(InputError) as caught:
        bring(data, tool, name)
    assert str(caught.value).startswith(message)


def test_every_faulty_row_is_named_at_once(bring):
    with pytest.raises(InputError) as caught:
        bring(asreview(("999", "relevant"), ("103", "relevant"), ("998", "relevant")), "asreview")
    assert [line.split(":")[0] for line in caught.value.problems] == ["record 1", "record 3"]


def test_records_that_a_program_merged_are_refused(bring):
    note = "living-review record_id=104 stage=title-abstract label=none"
    merged = asreview(("103", "relevant", note, note.replace("104", "103")))
    with pytest.raises(InputError, match="record 1: two records were merged into one; found '104, 103'"):
        bring(merged, "asreview")


def test_a_byte_order_mark_and_windows_line_ends_are_read(bring):
    data = b"\xef\xbb\xbf" + asreview(("103", "relevant")).replace("\n", "\r\n").encode()
    assert said(bring(data, "asreview").rows) == {"103": ("include", None, "AN")}


def test_a_title_is_told_apart_from_a_shortened_one():
    matcher = matching.Matcher([make_record("1", title="Internet treatment for example pain: a trial")])
    cells = {
        "record_id": "1",
        "pmid": "",
        "doi": "",
        "title": "Internet treatment for example pain",
        "year": "",
    }
    assert matcher.find(cells) == "1"
    assert matcher.find(cells | {"title": "Something else altogether"})["column"] == "title"


# Files


@pytest.fixture
def ledger_path(tmp_path, write_example):
    return write_example("screening", path=tmp_path / "decisions/screening.csv")


def file(path, ledger_path, records, **options):
    options = {"tool": "asreview", "run": RUN, "reviewer": "AN", "stage": "title-abstract"} | options
    return exchange.file(
        path,
        ledger_path,
        records=records,
        stages=STAGES,
        reasons=REASONS,
        decided_at="2020-02-15T10:00:00Z",
        **options,
    )


def test_a_file_is_kept_beside_the_ledger_and_the_second_time_adds_nothing(tmp_path, ledger_path, records):
    path = tmp_path / "my export (1).ris"
    path.write_text(
        asreview(("103", "relevant"), ("104", "irrelevant"), ("106", "not_seen")), encoding="utf-8"
    )
    assert len(file(path, ledger_path, records).rows) == 2
    kept = ledger_path.parent / "imported" / f"{exchange.digest(path.read_bytes())}-my_export_(1).ris"
    assert [one.read_bytes() for one in kept.parent.iterdir()] == [kept.read_bytes()] == [path.read_bytes()]
    after = ledger_path.read_bytes()
    again = file(path, ledger_path, records)
    assert (len(again.rows), again.already, again.unlabelled) == (0, 2, 1)
    assert ledger_path.read_bytes() == after
    rows = tables.read(ledger_path, "screening")
    assert rows["decision"].tolist() == ["include", "exclude"]
    assert set(rows["run"]) == {RUN}


def test_a_file_filed_before_a_correction_does_not_undo_it(tmp_path, ledger_path, records):
    path, second = tmp_path / "one.ris", tmp_path / "two.ris"
    path.write_text(asreview(("103", "relevant")), encoding="utf-8")
    second.write_text(asreview(("103", "irrelevant")), encoding="utf-8")
    file(path, ledger_path, records)
    file(second, ledger_path, records, correct=True, note="read again", run="2020-03")
    assert len(file(path, ledger_path, records, run="2020-03").rows) == 0
    held = tables.read(ledger_path, "screening")
    assert ledger.in_force(held, "2020-03") == {"103": {"title-abstract": "exclude"}}


def test_a_refused_file_leaves_no_trace(tmp_path, ledger_path, records):
    path = tmp_path / "one.ris"
    path.write_text(asreview(("103", "relevant"), ("999", "relevant")), encoding="utf-8")
    before = ledger_path.read_bytes()
    with pytest.raises(InputError):
        file(path, ledger_path, records)
    with pytest.raises(InputError, match="there is no such file"):
        file(tmp_path / "none.ris", ledger_path, records)
    assert ledger_path.read_bytes() == before
    assert not (ledger_path.parent / "imported").exists()
