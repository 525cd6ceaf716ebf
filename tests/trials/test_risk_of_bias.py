"""Risk of bias: the published algorithms leaf by leaf and for every set of answers, overrides, refusals."""

import math
from pathlib import Path
from types import SimpleNamespace

import pandas as pd
import pytest

import judge_risk_of_bias
from livingreview import tables
from livingreview.errors import InputError
from livingreview.trials import bias_blinding, bias_tools, risk_of_bias
from livingreview.trials.bias_tools import OVERALL, combinations, judge

TOOLS = bias_tools.load([bias_tools.SHIPPED])
ROB2, ADHERENCE, OLD = TOOLS["rob2"], TOOLS["rob2_adherence"], TOOLS["rob2011"]
YES, NO, LOW, SOME, HIGH = ("Y", "PY"), ("PN", "N"), "low", "some concerns", "high"


# The algorithms of the guidance of 22 August 2019 a second time, as its flow charts are read from the top.
# Read against a transcription of the charts: github.com/InfinityBowman/corates, ROB2Checklist/scoring.
def randomisation(a):
    if a["1.2"] in NO:
        return HIGH
    if a["1.2"] == "NI":
        return HIGH if a["1.3"] in YES else SOME
    if a["1.1"] in NO:
        return SOME
    return SOME if a["1.3"] in YES else LOW


def deviations(a):
    first = LOW
    if not (a["2.1"] in NO and a["2.2"] in NO):
        if a["2.3"] == "NI":
            first = SOME
        elif a["2.3"] in YES:
            first = SOME if a["2.4"] in NO or a["2.5"] in YES else HIGH
    second = LOW if a["2.6"] in YES else SOME if a["2.7"] in NO else HIGH
    return max(first, second, key=[LOW, SOME, HIGH].index)


def deviations_adhering(a):
    aware = not (a["2.1"] in NO and a["2.2"] in NO)
    to_analysis = (aware and a["2.3"] in (*NO, "NI")) or any(a[q] in (*YES, "NI") for q in ("2.4", "2.5"))
    if not to_analysis:
        return LOW
    return SOME if a["2.6"] in YES else HIGH


def missing_data(a):
    if a["3.1"] in YES or a["3.2"] in YES or a["3.3"] in NO:
        return LOW
    return SOME if a["3.4"] in NO else HIGH


def measurement(a):
    if a["4.1"] in YES or a["4.2"] in YES:
        return HIGH
    if a["4.3"] in NO or a["4.4"] in NO:
        return SOME if a["4.2"] == "NI" else LOW
    return SOME if a["4.5"] in NO else HIGH


def selection(a):
    if a["5.2"] in YES or a["5.3"] in YES:
        return HIGH
    if "NI" in (a["5.2"], a["5.3"]):
        return SOME
    return LOW if a["5.1"] in YES else SOME


ALGORITHMS = [
    (ROB2, "randomisation", randomisation, 125),
    (ROB2, "deviations", deviations, 13277),
    (ROB2, "missing_data", missing_data, 110),
    (ROB2, "measurement", measurement, 493),
    (ROB2, "selection", selection, 125),
    (ADHERENCE, "deviations", deviations_adhering, 20988),
]


@pytest.mark.parametrize(("tool", "name", "algorithm", "n"), ALGORITHMS)
def test_every_set_of_answers_has_one_judgement_and_it_is_that_of_the_published_algorithm(
    tool, name, algorithm, n
):
    domain = tool.domain(name)
    unasked = dict.fromkeys((question.id for question in domain.questions), "NA")
    count = 0
    for answers in combinations(domain):
        count += 1
        assert judge(tool, domain, answers).judgement == algorithm(unasked | answers), answers
    assert count == n


LEAVES = [
    ("randomisation", "1.1=Y 1.2=Y 1.3=N", LOW),
    ("randomisation", "1.1=NI 1.2=PY 1.3=NI", LOW),
    ("randomisation", "1.1=Y 1.2=Y 1.3=PY", SOME),
    ("randomisation", "1.1=PN 1.2=Y 1.3=N", SOME),
    ("randomisation", "1.1=Y 1.2=NI 1.3=N", SOME),
    ("randomisation", "1.1=Y 1.2=NI 1.3=Y", HIGH),
    ("randomisation", "1.1=Y 1.2=N 1.3=N", HIGH),
    ("deviations", "2.1=N 2.2=PN 2.6=Y", LOW),
    ("deviations", "2.1=Y 2.2=Y 2.3=PN 2.6=PY", LOW),
    ("deviations", "2.1=Y 2.2=N 2.3=NI 2.6=Y", SOME),
    ("deviations", "2.1=NI 2.2=N 2.3=Y 2.4=PN 2.6=Y", SOME),
    ("deviations", "2.1=Y 2.2=Y 2.3=Y 2.4=Y 2.5=Y 2.6=Y", SOME),
    ("deviations", "2.1=Y 2.2=Y 2.3=Y 2.4=NI 2.5=NI 2.6=Y", HIGH),
    ("deviations", "2.1=N 2.2=N 2.6=N 2.7=N", SOME),
    ("deviations", "2.1=N 2.2=N 2.6=NI 2.7=NI", HIGH),
    ("missing_data", "3.1=Y", LOW),
    ("missing_data", "3.1=N 3.2=PY", LOW),
    ("missing_data", "3.1=NI 3.2=N 3.3=N", LOW),
    ("missing_data", "3.1=N 3.2=N 3.3=Y 3.4=PN", SOME),
    ("missing_data", "3.1=N 3.2=PN 3.3=NI 3.4=NI", HIGH),
    ("measurement", "4.1=Y 4.2=N", HIGH),
    ("measurement", "4.1=N 4.2=PY", HIGH),
    ("measurement", "4.1=N 4.2=N 4.3=N", LOW),
    ("measurement", "4.1=NI 4.2=N 4.3=Y 4.4=N", LOW),
    ("measurement", "4.1=N 4.2=N 4.3=Y 4.4=Y 4.5=PN", SOME),
    ("measurement", "4.1=N 4.2=N 4.3=NI 4.4=NI 4.5=NI", HIGH),
    ("measurement", "4.1=N 4.2=NI 4.3=N", SOME),
    ("measurement", "4.1=N 4.2=NI 4.3=Y 4.4=N", SOME),
    ("measurement", "4.1=N 4.2=NI 4.3=Y 4.4=Y 4.5=N", SOME),
    ("measurement", "4.1=N 4.2=NI 4.3=Y 4.4=Y 4.5=Y", HIGH),
    ("selection", "5.1=Y 5.2=N 5.3=N", LOW),
    ("selection", "5.1=NI 5.2=N 5.3=PN", SOME),
    ("selection", "5.1=Y 5.2=NI 5.3=N", SOME),
    ("selection", "5.1=Y 5.2=NI 5.3=Y", HIGH),
    ("selection", "5.1=Y 5.2=PY 5.3=N", HIGH),
]
LEAVES_ADHERING = [
    ("2.1=N 2.2=N 2.4=N 2.5=NA", LOW),
    ("2.1=Y 2.2=N 2.3=Y 2.4=PN 2.5=N", LOW),
    ("2.1=Y 2.2=N 2.3=NA 2.4=NA 2.5=N", LOW),
    ("2.1=Y 2.2=N 2.3=N 2.4=N 2.5=N 2.6=Y", SOME),
    ("2.1=N 2.2=N 2.4=NI 2.5=N 2.6=PY", SOME),
    ("2.1=N 2.2=N 2.4=N 2.5=Y 2.6=NI", HIGH),
    ("2.1=NI 2.2=N 2.3=NI 2.4=N 2.5=N 2.6=N", HIGH),
]


def answered(text):
    return dict(pair.split("=") for pair in text.split())


@pytest.mark.parametrize(("name", "answers", "judgement"), LEAVES)
def test_each_leaf_of_the_flow_charts_is_reached(name, answers, judgement):
    assert judge(ROB2, ROB2.domain(name), answered(answers)).judgement == judgement


@pytest.mark.parametrize(("answers", "judgement"), LEAVES_ADHERING)
def test_each_leaf_of_the_adherence_flow_chart_is_reached(answers, judgement):
    assert judge(ADHERENCE, ADHERENCE.domain("deviations"), answered(answers)).judgement == judgement


ALL_LOW = {
    "randomisation": "1.1=Y 1.2=Y 1.3=N",
    "deviations": "2.1=N 2.2=N 2.6=Y",
    "missing_data": "3.1=Y",
    "measurement": "4.1=N 4.2=N 4.3=N",
    "selection": "5.1=Y 5.2=N 5.3=N",
}


def row(**given):
    empty = dict.fromkeys(tables.columns("risk_of_bias"))
    return empty | {"study_id": "a_2020", "tool": "rob2", "reviewer": "AE", "source": "report", "run": "2026-01",
                    "revision": 1} | given  # fmt: skip


def rows(domains=None, **given):
    return [
        row(domain=domain, question=question, answer=answer, **given)
        for domain, text in (ALL_LOW | (domains or {})).items()
        for question, answer in answered(text).items()
    ]


def judged(*all_rows, **options):
    return risk_of_bias.judgements(pd.DataFrame(list(all_rows)), TOOLS, **options)


def of(frame, domain, column="judgement"):
    return frame.set_index("domain")[column][domain]


@pytest.mark.parametrize(
    ("changed", "expected"),
    [
        ({}, LOW),
        ({"missing_data": "3.1=N 3.2=N 3.3=Y 3.4=N"}, SOME),
        ({"missing_data": "3.1=N 3.2=N 3.3=Y 3.4=N", "selection": "5.1=N 5.2=N 5.3=N"}, SOME),
        ({"missing_data": "3.1=N 3.2=N 3.3=Y 3.4=N", "selection": "5.1=N 5.2=Y 5.3=N"}, HIGH),
    ],
)
def test_overall_is_the_worst_domain(changed, expected):
    frame = judged(*rows(changed))
    assert of(frame, OVERALL) == expected
    assert set(frame["basis"]) == {"algorithm"}
    assert frame["domain"].tolist() == [*ALL_LOW, OVERALL]


def test_several_concerns_become_high_by_a_person_with_a_reason_only():
    concerns = {"missing_data": "3.1=N 3.2=N 3.3=Y 3.4=N", "selection": "5.1=N 5.2=N 5.3=N"}
    with pytest.raises(
        InputError, match=r"an override says why.*the rules give some concerns; high was written"
    ):
        judged(*rows(concerns), row(domain=OVERALL, judgement=HIGH))
    frame = judged(*rows(concerns), row(domain=OVERALL, judgement=HIGH, reason="two of five"))
    assert of(frame, OVERALL) == HIGH
    assert of(frame, OVERALL, "basis") == "override"
    assert of(frame, OVERALL, "detail") == "two of five (rules: some concerns)"


def test_an_overridden_domain_counts_in_the_overall_judgement():
    frame = judged(*rows(), row(domain="measurement", judgement=HIGH, reason="unblinded pain ratings"))
    assert of(frame, "measurement", "basis") == "override"
    assert (of(frame, OVERALL), of(frame, OVERALL, "basis")) == (HIGH, "algorithm")


def test_a_judgement_that_agrees_with_the_rules_needs_no_reason():
    frame = judged(*rows(), row(domain="measurement", judgement=LOW))
    assert of(frame, "measurement", "basis") == "algorithm"


def test_a_missing_answer_leaves_the_domain_and_overall_open_and_is_named():
    frame = judged(*rows({"missing_data": "3.1=N"}))
    assert of(frame, "missing_data", "detail") == "not answered: 3.2"
    assert of(frame, OVERALL) == ""
    assert of(frame, OVERALL, "detail") == "not judged: missing_data"


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        (
            {"missing_data": "3.1=Y 3.2=N"},
            "question 3.2 is not asked.*found 'N'.*it is asked if 3.1 is PN/N/NI",
        ),
        ({"missing_data": "3.1=N 3.2=NI"}, "answer to question 3.2.*found 'NI'; allowed: Y, PY, PN, N"),
        ({"missing_data": "3.1=Y 3.9=N"}, "found '3.9'; allowed: 3.1, 3.2, 3.3, 3.4"),
        ({"randomisation": "1.1=NA 1.2=Y 1.3=N"}, "question 1.1.*found 'NA'"),
    ],
)
def test_an_impossible_answer_is_refused_by_name(changed, message):
    with pytest.raises(InputError, match=message) as caught:
        judged(*rows(changed))
    assert "a_2020 / rob2 / AE" in str(caught.value)


def test_na_may_be_written_for_a_question_that_is_not_asked():
    assert of(judged(*rows({"missing_data": "3.1=Y 3.2=NA 3.3=NA 3.4=NA"})), OVERALL) == LOW


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"tool": "rob3", "domain": OVERALL, "judgement": LOW}, "found 'rob3'; allowed: metapsy_four, rob2"),
        ({"domain": "blinding", "judgement": LOW}, "found 'blinding'; allowed: randomisation"),
        ({"domain": OVERALL, "judgement": "unclear"}, "found 'unclear'; allowed: low, some concerns, high"),
        ({"tool": "rob2011", "domain": "sequence", "question": "1.1", "answer": "Y"}, "asks no questions"),
        ({"study_id": "b_2020", "domain": OVERALL, "judgement": LOW}, "no such study"),
        ({"outcome": "paine", "domain": OVERALL, "judgement": LOW}, "found 'paine'.*pain"),
    ],
)
def test_an_unknown_name_is_refused(given, message):
    with pytest.raises(InputError, match=message):
        judged(row(**given), studies={"a_2020"}, outcomes=["pain"])


def test_no_rows_give_no_judgements():
    frame = risk_of_bias.judgements(pd.DataFrame(columns=tables.columns("risk_of_bias")), TOOLS)
    assert (len(frame), list(frame)) == (0, list(risk_of_bias.COLUMNS))
    assert risk_of_bias.overall(frame, "a_2020", "pain") == ""


def test_a_recorded_overall_judgement_stands_without_domains():
    frame = judged(row(domain=OVERALL, judgement=HIGH, reviewer=None))
    assert (of(frame, OVERALL), of(frame, OVERALL, "basis")) == (HIGH, "recorded")


def test_the_tool_of_2011_takes_the_worst_key_domain_and_waits_for_all():
    names = [domain.name for domain in OLD.domains]
    assert len(names) == 7
    all_low = [row(tool="rob2011", domain=name, judgement=LOW) for name in names]
    assert of(judged(*all_low), OVERALL) == LOW
    assert of(judged(*all_low[:-1]), OVERALL, "detail") == "not judged: other"
    assert (
        of(judged(*all_low[:-1], row(tool="rob2011", domain="other", judgement="unclear")), OVERALL)
        == "unclear"
    )


def test_a_judgement_for_the_outcome_goes_before_one_for_all():
    frame = judged(row(domain=OVERALL, judgement=LOW), row(domain=OVERALL, judgement=HIGH, outcome="pain"))
    assert risk_of_bias.overall(frame, "a_2020", "pain") == HIGH
    assert risk_of_bias.overall(frame, "a_2020", "mood") == LOW
    assert risk_of_bias.overall(frame, "a_2020", "mood", tool="rob2011") == ""


def test_two_reviewers_who_differ_leave_it_open_until_there_is_consensus():
    other = rows({"selection": "5.1=N 5.2=N 5.3=N"}, reviewer="BE")
    frame = judged(*rows(), *other)
    assert of(frame, "measurement") == LOW
    assert of(frame, "selection", "basis") == "not agreed"
    assert of(frame, OVERALL, "detail") == "AE: low; BE: some concerns"
    settled = judged(*rows(), *other, *rows(reviewer="consensus"))
    assert of(settled, OVERALL) == LOW


def counting(*all_rows, names=("AE", "BE")):
    frame = pd.DataFrame(list(all_rows), columns=tables.columns("risk_of_bias"))
    return bias_blinding.judgements(frame, TOOLS, "2026-01", names=names, studies={"a_2020"})


def test_what_one_of_two_assessors_says_counts_only_once_the_other_is_done():
    partly = rows({"selection": "5.1=N 5.2=N 5.3=N"}, reviewer="BE")[:-1]
    for others in ([], partly):
        waits = counting(*rows(), *others)
        assert set(waits["judgement"]) == {""}
        assert set(waits["basis"]) == {"waits for the second assessor"}
        assert set(waits["detail"]) == {"waits for BE"}
    assert set(counting(*partly)["detail"]) == {"waits for AE and BE"}
    assert set(counting(*partly)["basis"]) == {"incomplete"}
    both = counting(*rows(), *rows(reviewer="BE"))
    assert (of(both, OVERALL), of(both, OVERALL, "reviewers")) == (LOW, "AE, BE")
    settled = counting(*rows(), *partly, *rows({"selection": "5.1=Y 5.2=Y 5.3=N"}, reviewer="consensus"))
    assert of(settled, OVERALL) == HIGH


def test_what_a_source_said_stands_while_two_assessors_are_at_work():
    source = row(domain=OVERALL, judgement=HIGH, reviewer=None)
    begun = counting(source, *rows())
    assert (of(begun, OVERALL), of(begun, OVERALL, "basis")) == (HIGH, "recorded")
    assert set(begun.loc[begun["domain"] != OVERALL, "judgement"]) == {""}


def test_where_one_person_judges_nothing_waits():
    one = counting(*rows(), names=())
    pd.testing.assert_frame_equal(one, judged(*rows()))


def test_rows_that_do_not_count_yet_are_checked_all_the_same():
    with pytest.raises(InputError, match=r"question 3\.2 is not asked"):
        counting(*rows({"missing_data": "3.1=Y 3.2=N"}))


def test_agreement_is_cohens_kappa_of_what_both_judged():
    # Table of 10: both low 4, both high 3, low-high 1, high-low 2: po 0.7, pe 0.5 * 0.6 + 0.5 * 0.4 = 0.5.
    pairs = [(LOW, LOW)] * 4 + [(HIGH, HIGH)] * 3 + [(LOW, HIGH)] + [(HIGH, LOW)] * 2
    frame = pd.DataFrame(
        row(study_id=f"s{i}", domain=OVERALL, judgement=value, reviewer=name)
        for i, pair in enumerate(pairs)
        for name, value in zip(("AE", "BE"), pair, strict=True)
    )
    found = risk_of_bias.agreement(frame, TOOLS).iloc[0]
    assert (found["n"], found["n_agree"]) == (10, 7)
    assert found["kappa"] == pytest.approx(0.4, rel=1e-12)
    same = risk_of_bias.agreement(frame.iloc[:4], TOOLS).iloc[0]
    assert same["agreement"] == 1
    assert math.isnan(same["kappa"])
    assert risk_of_bias.agreement(frame.iloc[:0], TOOLS).empty


def test_a_tool_of_the_review_takes_the_place_of_the_one_shipped(tmp_path):
    text = (bias_tools.SHIPPED / "rob2011.yaml").read_text(encoding="utf-8")
    own = [
        line if not line.startswith("key_domains") else "key_domains: [sequence]" for line in text.split("\n")
    ]
    (tmp_path / "mine.yaml").write_text("\n".join(own), encoding="utf-8")
    tools = bias_tools.load([bias_tools.SHIPPED, tmp_path, tmp_path / "missing"])
    frame = pd.DataFrame([row(tool="rob2011", domain="sequence", judgement=LOW)])
    assert of(risk_of_bias.judgements(frame, tools), OVERALL) == LOW


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("name: [", "not YAML"),
        ("label: x", "a tool has a name"),
        ("name: x\ncolour: red", "unknown key; found 'colour'"),
        ("name: x\nextends: y", "found 'y'"),
        ("name: x\njudgements: [low]\noverall: mean\ndomains: [{name: a}]", "found 'mean'; allowed: worst"),
        ("name: x\njudgements: [low]\noverall: worst\ndomains: []", "domains need names"),
        (
            "name: x\njudgements: [low]\noverall: worst\ndomains:\n- name: a\n  questions:\n"
            "  - {id: '1', text: q, answers: Y/N}\n  parts:\n  - - {when: {'2': Y}, judgement: bad}",
            "found 'bad'",
        ),
    ],
)
def test_a_faulty_tool_is_refused(tmp_path, text, message):
    (tmp_path / "x.yaml").write_text(text, encoding="utf-8")
    with pytest.raises(InputError, match=message):
        bias_tools.load([tmp_path])


def test_the_rules_script_writes_the_bundled_judgements_and_only_a_header_without_a_table(tmp_path):
    data = Path(judge_risk_of_bias.__file__).resolve().parents[1] / "data/trials"
    params = SimpleNamespace(run="2016-01", outcomes=["pain_intensity"], folder=str(tmp_path), assessors=[])
    job = SimpleNamespace(
        input=SimpleNamespace(studies=data / "studies.csv", entered=[data / "risk_of_bias.csv"]),
        output=SimpleNamespace(judged=tmp_path / "judged.csv"),
        params=params,
    )
    judge_risk_of_bias.main(job)
    found = pd.read_csv(tmp_path / "judged.csv", keep_default_na=False)
    overall = found[found["domain"] == OVERALL].set_index("study_id")["judgement"]
    assert overall["krein_2013"] == "some concerns"
    assert "friesen_2017" not in overall.index, "its row counts from a later run"
    assert overall["hicks_2006"] == ""
    reread = tables.read_results(tmp_path / "judged.csv")
    assert risk_of_bias.overall(reread, "krein_2013", "pain_intensity") == "some concerns"
    assert risk_of_bias.overall(reread, "hicks_2006") == ""
    job.input.entered = []
    judge_risk_of_bias.main(job)
    assert (tmp_path / "judged.csv").read_text() == ",".join(risk_of_bias.COLUMNS) + "\n"
    params.assessors = ["AE", "BE"]
    judge_risk_of_bias.main(job)
    assert (tmp_path / "judged.csv").read_text() == ",".join(risk_of_bias.COLUMNS) + "\n"


def test_the_bundled_table_holds_what_the_studies_table_recorded_and_no_more():
    data = Path(judge_risk_of_bias.__file__).resolve().parents[1] / "data/trials"
    studies = tables.read(data / "studies.csv", "studies")
    recorded = studies[studies["risk_of_bias"].notna()].set_index("study_id")["risk_of_bias_source"]
    entered = tables.read(data / "risk_of_bias.csv", "risk_of_bias")
    assert set(entered["study_id"]) == set(recorded.index)
    assert (entered["source"] == entered["study_id"].map(recorded)).all()
    assert entered["question"].isna().all()
