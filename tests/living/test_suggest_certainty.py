"""From a run's files to certainty.json: what is read, what is refused, what a review may do without."""

from types import SimpleNamespace

import pandas as pd
import pytest

import suggest_certainty
from livingreview import tables
from livingreview.errors import InputError
from livingreview.pooling.outcomes import pool_outcome

DOMAINS = {
    "pain_intensity": {
        "label": "Pain",
        "short": "Pain",
        "familiar_scale": {"instrument": "NRS", "sd": "from trials", "unit": "points"},
    },
    "anxiety": {"label": "Anxiety", "short": "Anxiety"},
}
INTERPRETATION = {"no_effect": 0.1, "small": 0.2, "minimum_studies": 3}


def judgement(study, tool, value):
    domain = {"domain": "overall", "basis": "recorded", "detail": "", "reviewers": "", "source": "x"}
    return {"study_id": study, "outcome": None, "tool": tool, "judgement": value} | domain


@pytest.fixture
def job(tmp_path, example_table):
    """One trial on pain, none on anxiety; two tools judged it, and differ."""
    effects = pd.DataFrame(
        [
            {
                "row_id": "example_2020.pain_intensity.1",
                "study": "example_2020",
                "label": "Example 2020",
                "outcome": "pain_intensity",
                "comparison": None,
                "yi": -0.5,
                "vi": 0.05,
                "ni": 80,
                "in_pool": True,
                "in_sensitivity": True,
                "population": "adult",
                "condition": "other_pain",
                "comparator": "waitlist",
                "entered": "2020-01",
            }
        ]
    )
    found = {
        name: pool_outcome(effects, outcome=name, label=one["label"], method="REML", test="knha")
        for name, one in DOMAINS.items()
    }
    tables.write_json({"run": "2020-02", "level": 0.95, "outcomes": found}, tmp_path / "estimates.json")
    tables.write(effects, tmp_path / "effects.csv")
    judged = [
        judgement("example_2020", "rob2", "some concerns"),
        judgement("example_2020", "metapsy_four", "low"),
    ]
    tables.write(pd.DataFrame(judged), tmp_path / "judged.csv")
    tables.write(pd.DataFrame({"study_id": ["example_2020"]}), tmp_path / "included.csv")
    return SimpleNamespace(
        input=SimpleNamespace(
            details=tmp_path / "estimates.json",
            effects=tmp_path / "effects.csv",
            judged=tmp_path / "judged.csv",
            included=tmp_path / "included.csv",
            studies=example_table("studies", {"registry_ids": "NCT00000000"}),
            outcomes=example_table("outcomes", {}),
            instruments=[],
            rated=[],
        ),
        output=SimpleNamespace(certainty=tmp_path / "certainty.json"),
        params=SimpleNamespace(
            run="2020-02",
            domains=DOMAINS,
            timepoint="post",
            interpretation=INTERPRETATION,
            subgroups=[{"variable": "population", "label": "Age group"}],
            certainty={},
            folder=str(tmp_path / "tools"),
        ),
    )


def made(job):
    suggest_certainty.main(job)
    return tables.read_json(job.output.certainty)


def test_each_outcome_has_its_certainty_and_an_outcome_without_trials_none(job):
    found = made(job)["outcomes"]
    pain, anxiety = found["pain_intensity"], found["anxiety"]
    # One level for bias, and for an interval that holds one limit of the smallest effect.
    assert (pain["certainty"], pain["basis"], pain["undecided"]) == ("low", "suggestion", ["indirectness"])
    assert pain["suggested"]["publication_bias"]["numbers"]["registered"] == 1
    assert (anxiety["certainty"], anxiety["people_improved"], anxiety["familiar_scale"]) == (None, [], None)


def test_of_several_tools_the_worst_judgement_counts(job):
    numbers = made(job)["outcomes"]["pain_intensity"]["suggested"]["risk_of_bias"]["numbers"]
    assert (numbers["weight_some"], numbers["weight_low"]) == (100, 0)


def test_the_effect_is_said_in_points_of_the_protocol_s_instrument(job):
    scale = made(job)["outcomes"]["pain_intensity"]["familiar_scale"]
    assert scale["sd"] == 2.0
    assert scale["estimate"] == pytest.approx(-1.0)


def test_people_s_judgements_count_from_their_run_on_and_the_latest_wins(job, example_table):
    rows = (
        {"rating": "-2"},
        {"rating": "0", "revision": "2", "revision_reason": "looked again"},
        {"rating": "-1", "revision": "3", "revision_reason": "later", "run": "2020-03"},
    )
    job.input.rated = [example_table("ratings", *rows)]
    pain = made(job)["outcomes"]["pain_intensity"]
    assert pain["people"]["imprecision"]["rating"] == 0
    assert pain["people"]["imprecision"]["stale"] is False
    assert (pain["certainty"], pain["basis"], pain["differences"]) == ("moderate", "both", ["imprecision"])


def test_a_rating_that_grade_does_not_have_is_refused(job, example_table):
    job.input.rated = [example_table("ratings", {"rating": "-3"})]
    with pytest.raises(InputError, match=r"row 2, column rating: found -3; allowed: -2 or more"):
        made(job)
    job.input.rated = [example_table("ratings", {"domain": "overall", "rating": "-3"})]
    assert made(job)["outcomes"]["pain_intensity"]["certainty"] == "very low"


def test_a_correction_says_why(job, example_table):
    job.input.rated = [example_table("ratings", {"revision": "2"})]
    with pytest.raises(InputError, match="a correction says why"):
        made(job)


def test_the_protocol_may_say_which_groups_are_direct(job):
    job.params.certainty = {"indirectness": {"direct": {"comparator": ["usual_care"]}}}
    pain = made(job)["outcomes"]["pain_intensity"]
    assert pain["suggested"]["indirectness"]["rating"] == -2
    assert pain["undecided"] == []


def test_the_same_files_give_the_same_bytes(job):
    suggest_certainty.main(job)
    first = job.output.certainty.read_bytes()
    suggest_certainty.main(job)
    assert job.output.certainty.read_bytes() == first
