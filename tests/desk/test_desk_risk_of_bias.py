"""Risk of bias at the desk: the judgement of the answers, on disk with who, when, where and why; by two, blind."""

import html
import re
import shutil
from types import SimpleNamespace

import pytest
import yaml
from desk.conftest import Client

import judge_risk_of_bias
from livingreview import tables
from livingreview.desk.risk_of_bias import asked, assessment
from livingreview.errors import InputError
from livingreview.trials import bias_tools
from livingreview.trials.bias_tools import IS_ASKED, IS_NOT_ASKED, IS_OPEN, combinations

TOOLS = bias_tools.load([bias_tools.SHIPPED])
ROB2 = TOOLS["rob2"]
STUDY = "/risk-of-bias/dear_2013"
FORM = f"{STUDY}?tool=rob2"
ABOUT = {"tool": "rob2", "outcome": "", "source": "the article"}
# Some concerns in three domains, by the published algorithm.
ANSWERS = {
    "answer.randomisation.1.1": "Y",
    "answer.randomisation.1.2": "PY",
    "answer.randomisation.1.3": "N",
    "answer.deviations.2.1": "Y",
    "answer.deviations.2.2": "Y",
    "answer.deviations.2.3": "N",
    "answer.deviations.2.6": "Y",
    "answer.missing_data.3.1": "N",
    "answer.missing_data.3.2": "N",
    "answer.missing_data.3.3": "PY",
    "answer.missing_data.3.4": "PN",
    "answer.measurement.4.1": "N",
    "answer.measurement.4.2": "N",
    "answer.measurement.4.3": "Y",
    "answer.measurement.4.4": "Y",
    "answer.measurement.4.5": "PN",
    "answer.selection.5.1": "NI",
    "answer.selection.5.2": "N",
    "answer.selection.5.3": "N",
}
EVIDENCE = {"support.randomisation.1.1": "a computer-generated list", "page.randomisation.1.1": "3"}
TWO = {"risk_of_bias": {"tools": ["rob2"], "assessors": {"independent": 2, "names": ["Ann A", "Bob B"]}}}

TWO_NAMES = TWO["risk_of_bias"]["assessors"]["names"]


def plain(answer):
    """The text of a page in one line."""
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", answer.text)).split())


def seen(client, page=FORM):
    return re.search(r'name="seen" value="([^"]*)"', client.get(page).text)[1]


def save(client, given, *, page=FORM, **more):
    """The answer to the form of an assessment, as it was shown just before."""
    return client.post(STUDY, page=page, **{"seen": seen(client, page), **ABOUT, **given, **more})


def filed(client):
    """The rows of the table that are of the trial, as dicts."""
    frame = tables.read(client.desk.review / assessment.FILE, "risk_of_bias")
    return [row for row in tables.plain_rows(frame) if row["study_id"] == "dear_2013"]


def by_workflow(client):
    """What the step of the workflow makes of the table: (domain) to (judgement, basis, detail)."""
    review = client.desk.review
    judge_risk_of_bias.main(
        SimpleNamespace(
            input=SimpleNamespace(
                studies=review / "data/trials/studies.csv", entered=[review / assessment.FILE]
            ),
            output=SimpleNamespace(judged=review / "judged.csv"),
            params=SimpleNamespace(
                run=client.desk.held.run(),
                outcomes=list(client.desk.held.config()["outcomes"]),
                folder=review / "data/trials/tools",
                assessors=asked.read(client.desk.held.config(), TOOLS).names,
            ),
        )
    )
    rows = tables.plain_rows(tables.read_results(review / "judged.csv"))
    return {
        row["domain"]: (row["judgement"], row["basis"], row["detail"])
        for row in rows
        if row["study_id"] == "dear_2013" and row["tool"] == "rob2"
    }


def protocol(folder, part):
    """Put a part into the protocol's ``extraction``."""
    path = folder / "config.yaml"
    config = yaml.safe_load(path.read_text(encoding="utf-8"))
    path.write_text(yaml.safe_dump(config | {"extraction": part}), encoding="utf-8")


@pytest.mark.parametrize("domain", ROB2.domains, ids=lambda domain: domain.name)
def test_of_every_complete_set_of_answers_what_was_answered_was_asked_and_nothing_else(domain):
    for answers in combinations(domain):
        found = bias_tools.states(domain, answers)
        assert {key for key, state in found.items() if state == IS_ASKED} == answers.keys()
        assert set(found.values()) <= {IS_ASKED, IS_NOT_ASKED}


def test_a_question_is_open_until_those_before_it_are_answered():
    missing = ROB2.domain("missing_data")
    assert bias_tools.states(missing, {}) == {"3.1": IS_ASKED, "3.2": IS_OPEN, "3.3": IS_OPEN, "3.4": IS_OPEN}
    assert bias_tools.states(missing, {"3.1": "N"})["3.2"] == IS_ASKED
    assert set(bias_tools.states(missing, {"3.1": "Y"}).values()) == {IS_ASKED, IS_NOT_ASKED}


def test_answers_are_on_disk_with_quote_page_name_and_moment_and_judged_by_the_workflow_as_shown(client):
    answer = save(client, ANSWERS | EVIDENCE)
    assert "Saved: 19 entries." in plain(answer)
    rows = filed(client)
    assert len(rows) == 19
    first = next(row for row in rows if row["question"] == "1.1")
    assert (first["answer"], first["support"], first["page"]) == ("Y", "a computer-generated list", "3")
    assert (first["reviewer"], first["source"], first["run"]) == ("EX", "the article", "2026-11")
    assert (first["decided_at"], first["revision"]) == ("2026-11-15T12:00:00Z", 1)
    judged = by_workflow(client)
    assert judged["overall"] == ("some concerns", "algorithm", None)
    assert {judgement for judgement, *_ in judged.values()} == {"low", "some concerns"}
    found = [
        re.sub(r"<[^>]+>|\s+", " ", part).split()
        for part in re.findall(r'id="judged\.[a-z_]+">(.*?)</span> <span class="minor', answer.text, re.S)
    ]
    words = [" ".join(parts[1:]) for parts in found]
    assert words == [judgement for judgement, *_ in judged.values()]


def test_a_part_of_the_questions_can_be_saved_and_gives_no_whole_judgement(client):
    some = {key: text for key, text in ANSWERS.items() if "randomisation" in key}
    save(client, some)
    judged = by_workflow(client)
    assert judged["randomisation"][:2] == ("low", "algorithm")
    assert judged["overall"][1] == "incomplete"


def test_nothing_is_filed_twice(client):
    save(client, ANSWERS)
    assert "Nothing is different from what is on file." in plain(save(client, ANSWERS))
    assert len(filed(client)) == 19


def test_a_correction_needs_its_reason_and_what_is_no_longer_asked_is_not_applicable(client):
    save(client, ANSWERS)
    changed = ANSWERS | {"answer.missing_data.3.1": "Y"}
    refused = save(client, changed)
    assert refused.status_code == 409
    assert "An entry on file is corrected with a reason" in plain(refused)
    assert len(filed(client)) == 19
    done = save(client, changed, revision_reason="misread the flow chart")
    assert "3.2 is not asked after these answers; its answer was not kept." in plain(done)
    later = {row["question"]: row for row in filed(client)[19:]}
    assert {key: (row["answer"], row["revision"]) for key, row in later.items()} == {
        "3.1": ("Y", 2),
        "3.2": ("NA", 2),
        "3.3": ("NA", 2),
        "3.4": ("NA", 2),
    }
    assert {row["revision_reason"] for row in later.values()} == {"misread the flow chart"}
    assert by_workflow(client)["missing_data"][:2] == ("low", "algorithm")
    assert "misread the flow chart" in plain(client.get(FORM))


def test_a_judgement_against_the_rules_says_why_and_can_be_taken_back(client):
    save(client, ANSWERS)
    refused = save(client, ANSWERS | {"judgement.overall": "high"})
    assert "the rules give some concerns" in plain(refused)
    save(client, ANSWERS | {"judgement.overall": "high", "reason.overall": "several concerns add up"})
    assert by_workflow(client)["overall"] == (
        "high",
        "override",
        "several concerns add up (rules: some concerns)",
    )
    save(client, ANSWERS, revision_reason="agreed that they do not")
    assert by_workflow(client)["overall"][:2] == ("some concerns", "algorithm")
    assert [row["judgement"] for row in filed(client)[19:]] == ["high", "some concerns"]


def test_whoever_comes_later_sees_what_is_on_file_beside_what_they_typed(client):
    save(client, ANSWERS)
    old = seen(client)
    save(client, ANSWERS | {"answer.selection.5.1": "Y"}, revision_reason="the registry was found")
    late = save(client, ANSWERS | {"answer.selection.5.1": "N"}, seen=old, revision_reason="a guess")
    assert late.status_code == 409
    assert "was changed by somebody else since this page was shown" in plain(late)
    assert "5.1 Y N" in plain(late)
    assert [row["answer"] for row in filed(client) if row["question"] == "5.1"] == ["NI", "Y"]
    again = re.search(r'name="seen" value="([^"]*)"', late.text)[1]
    save(client, ANSWERS | {"answer.selection.5.1": "N"}, seen=again, revision_reason="a guess")
    assert [row["answer"] for row in filed(client) if row["question"] == "5.1"] == ["NI", "Y", "N"]


def test_a_tool_without_questions_is_judged_domain_by_domain(client):
    given = {"tool": "rob2011", "judgement.sequence": "low", "support.sequence": "random numbers"}
    page = f"{STUDY}?tool=rob2011"
    assert "Saved: 1 entry." in plain(save(client, given, page=page))
    row = filed(client)[-1]
    assert (row["domain"], row["question"], row["judgement"]) == ("sequence", None, "low")
    assert row["support"] == "random numbers"


def test_judging_without_saving_writes_nothing(client):
    before = (client.desk.review / assessment.FILE).read_bytes()
    shown = save(client, ANSWERS, judge="yes")
    assert shown.text.count("some concerns</span>") >= 3
    assert (client.desk.review / assessment.FILE).read_bytes() == before


def test_a_review_without_the_table_gets_one(client):
    (client.desk.review / assessment.FILE).unlink()
    save(client, ANSWERS)
    assert len(tables.read(client.desk.review / assessment.FILE, "risk_of_bias")) == 19


def test_an_answer_that_the_tool_does_not_know_is_refused(client):
    answer = save(client, {"answer.randomisation.1.1": "MAYBE"})
    assert answer.status_code in (409, 422)
    assert filed(client) == []


def test_each_outcome_may_have_its_own_assessment(client):
    page = f"{STUDY}?tool=rob2&outcome=pain_intensity"
    save(client, ANSWERS | {"outcome": "pain_intensity"}, page=page)
    assert {row["outcome"] for row in filed(client)} == {"pain_intensity"}
    assert "Pain intensity" in plain(client.get(page))


def test_without_a_tool_in_the_protocol_the_person_chooses_one(client):
    page = plain(client.get(STUDY))
    assert "The protocol names no tool." in page
    assert all(tool.label in page for tool in TOOLS.values())
    protocol(client.desk.review, {"risk_of_bias": {"tools": ["rob2"]}})
    assert "1.1 Was the allocation sequence random?" in plain(client.get(STUDY))


def test_a_tool_that_there_is_not_is_named():
    with pytest.raises(InputError, match=r"extraction\.risk_of_bias\.tools: no such tool.*rob3"):
        asked.read({"extraction": {"risk_of_bias": {"tools": ["rob3"]}}}, TOOLS)


def test_two_who_judge_by_themselves_see_each_other_once_both_are_done_and_settle(built_once, tmp_path):
    folder = tmp_path / "review"
    shutil.copytree(built_once.folder, folder)
    protocol(folder, TWO)
    ann, bob = Client(folder, name="Ann A"), Client(folder, name="Bob B", port=8643)
    save(ann, ANSWERS | {"support.selection.5.1": "a secret of Ann"})
    assert by_workflow(bob)["selection"] == (None, "waits for the second assessor", "waits for Bob B")
    hidden = plain(bob.get(FORM)) + plain(bob.get("/risk-of-bias"))
    assert "a secret of Ann" not in hidden
    assert "some concerns" not in plain(bob.get(FORM)).split("Your assessment")[0]
    assert "Dear 2013 not judged Bob B" in plain(bob.get("/risk-of-bias"))
    assert bob.get(f"{FORM}&as=consensus").status_code == 403

    assert re.search(r"Dear 2013 S some concerns RoB 2[^;]* Bob B", plain(ann.get("/risk-of-bias")))
    counts = [waits_by_the_list(client) for client in (Client(folder, name="Cy Third"), bob, ann)]
    assert [said == found for said, found in counts] == [True, True, True]
    assert counts[1][0] == counts[0][0] == counts[2][0] + 1

    save(bob, ANSWERS | {"answer.selection.5.1": "Y"})
    assert re.search(r"Dear 2013 S some concerns RoB 2[^;]* nobody", plain(bob.get("/risk-of-bias")))
    both = plain(bob.get(FORM))
    assert "a secret of Ann" in both
    assert "not agreed" in both
    settling = bob.get(f"{FORM}&as=consensus")
    assert "Ann A : NI, “a secret of Ann”" in plain(settling)
    assert "Bob B : Y" in plain(settling)
    assert re.search(r'name="answer.selection.5.2" value="N" checked', settling.text)
    assert not re.search(r'name="answer.selection.5.1" value="\w+" checked', settling.text)
    given = ANSWERS | {"answer.selection.5.1": "Y", "as": "consensus"}
    save(bob, given, page=f"{FORM}&as=consensus")
    assert by_workflow(bob)["selection"][:2] == ("low", "algorithm")


def waits_by_the_list(client):
    """How many trials wait for who is at the desk, by the sentence above the list and by its rows."""
    text = client.get("/risk-of-bias").text
    name = re.search(r"At the desk: </span>([^<]+)", text)[1]
    rows = re.findall(r"<td>([^<]*)</td></tr>", text)
    own = [row for row in rows if (name in row if name in TWO_NAMES else row != "nobody")]
    return int(re.search(r"(\d+) of \d+ trials", text)[1]), len(own)


def test_the_list_says_what_waits(client):
    page = plain(client.get("/risk-of-bias"))
    assert re.search(r"\d+ of \d+ trials wait for a judgement\.", page)
    save(client, ANSWERS)
    assert "Dear 2013 S some concerns RoB 2" in plain(client.get("/risk-of-bias"))


def test_a_trial_that_there_is_not_is_not_found(client):
    assert client.get("/risk-of-bias/nobody_1900").status_code == 404


def test_a_trial_is_judged_by_keyboard_and_the_judgement_follows_each_answer(client, open_desk):
    page = open_desk(client.desk.review, path=FORM)
    page.focus('[name="answer.missing_data.3.1"][value="Y"]')
    with page.expect_response("**/judge"):
        page.keyboard.press(" ")
    said = page.locator('[id="judged.missing_data"]')
    page.wait_for_function("() => document.getElementById('judged.missing_data').innerText.includes('low')")
    assert not page.locator('[id="question.missing_data.3.2"]').is_visible()
    with page.expect_response("**/judge"):
        page.keyboard.press("ArrowLeft")  # from yes round to no information
    page.wait_for_function(
        "() => document.getElementById('judged.missing_data').innerText.includes('no judgement yet')"
    )
    assert page.locator('[id="question.missing_data.3.2"]').is_visible()
    assert "not answered: 3.2" in said.inner_text()
    page.focus("#source")
    page.keyboard.press("Enter")
    page.wait_for_selector(".told")
    assert [(row["question"], row["answer"]) for row in filed(client)] == [("3.1", "NI")]
