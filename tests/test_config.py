"""The protocol's file: what it may say, and what a maintainer is told about a slip."""

import shutil

import pytest

from livingreview import config
from livingreview.errors import InputError

MISSPELT = [
    ((), "serch", "search"),
    (("review",), "titel", "title"),
    (("review", "authors", 0), "nmae", "name"),
    (("search",), "qeury", "query"),
    (("eligibility",), "includes", "include"),
    (("screening",), "reason", "reasons"),
    (("screening", "ranking"), "sead", "seed"),
    (("outcomes", "depression"), "lable", "label"),
    (("analysis",), "methodtau2", "method_tau2"),
    (("subgroups", 0), "colum", "column"),
    (("subgroups", 1, "groups", "headache"), "value", "values"),
    (("interpretation",), "moderat", "moderate"),
    (("living",), "search_every_month", "search_every_months"),
]


@pytest.fixture
def edited(tmp_path, root):
    """The bundled config with some text replaced, as a file."""

    def edit(old, new):
        text = (root / "config.yaml").read_text(encoding="utf-8")
        assert text.count(old) == 1
        path = tmp_path / "config.yaml"
        path.write_text(text.replace(old, new), encoding="utf-8")
        return path

    return edit


def refused(load, *args):
    with pytest.raises(InputError) as caught:
        load(*args)
    return str(caught.value)


def at(content, path):
    for part in path:
        content = content[part]
    return content


def test_the_bundled_config_passes(root):
    loaded = config.load(root / "config.yaml")
    assert loaded["search"]["base_url"] == "sandbox"
    assert list(loaded["outcomes"]) == [
        "interference_disability",
        "pain_intensity",
        "catastrophizing",
        "depression",
        "anxiety",
    ]


@pytest.mark.parametrize(("path", "wrong", "right"), MISSPELT, ids=[wrong for _, wrong, _ in MISSPELT])
def test_a_misspelt_key_is_named_with_the_nearest_one_at_every_level(shipped, path, wrong, right):
    place = at(shipped, path)
    place[wrong] = place.pop(right)
    lines = refused(config.check, shipped).splitlines()
    full = ".".join(map(str, [*path, wrong]))
    unknown = [line for line in lines if f"unknown key {full}; allowed: " in line]
    assert len(unknown) == 1
    assert unknown[0].endswith(f"; hint: did you mean {right}?")
    assert any(line.endswith(f"missing key {'.'.join(map(str, [*path, right]))}") for line in lines)


def test_a_key_that_resembles_none_is_named_with_the_allowed_ones(shipped):
    shipped["living"]["colour"] = "blue"
    assert refused(config.check, shipped) == (
        "config.yaml: unknown key living.colour; allowed: mode, search_every_months, statement, retirement,"
        " since, reason, justification, publish, retire_when, schedule, updating_status"
    )


def test_each_missing_key_is_named_once(shipped):
    del shipped["analysis"]["level"], shipped["analysis"]["measure"], shipped["eligibility"]
    assert refused(config.check, shipped, "here/config.yaml").splitlines() == [
        "here/config.yaml: 3 problems",
        "  - missing key eligibility",
        "  - missing key analysis.measure",
        "  - missing key analysis.level",
    ]


@pytest.mark.parametrize("run", ["2026-13", "2026-1", "Nov-26", "2026", 202611])
def test_a_run_that_is_no_month_is_refused(shipped, run):
    shipped["run"] = run
    assert refused(config.check, shipped) == (
        f"config.yaml: key run; found {run!r}; allowed: a month as YYYY-MM, in quotation marks"
    )


@pytest.mark.parametrize("url", ["https://eutils.ncbi.nlm.nih.gov/entrez/eutils", "Sandbox", "eutils/"])
def test_an_address_without_scheme_or_trailing_slash_is_refused(shipped, url):
    shipped["search"]["base_url"] = url
    assert refused(config.check, shipped) == (
        f"config.yaml: key search.base_url; found {url!r}; allowed: sandbox, bulk, or a URL that begins with https, ends with a slash and holds no password (http only of a server on this computer)"
    )


def test_going_live_takes_one_changed_line(edited):
    path = edited("  base_url: sandbox\n", "  base_url: https://eutils.ncbi.nlm.nih.gov/entrez/eutils/\n")
    assert config.load(path)["search"]["base_url"] == "https://eutils.ncbi.nlm.nih.gov/entrez/eutils/"


def test_the_sandbox_needs_its_records_and_pubmed_does_not(shipped):
    del shipped["search"]["sandbox_corpus"]
    assert refused(config.check, shipped) == "config.yaml: missing key search.sandbox_corpus"
    shipped["search"]["base_url"] = "https://eutils.ncbi.nlm.nih.gov/entrez/eutils/"
    assert config.check(shipped) is shipped


def test_a_search_of_files_needs_their_folder_and_day(shipped):
    shipped["search"]["base_url"] = "bulk"
    assert refused(config.check, shipped) == "config.yaml: missing key search.bulk"
    shipped["search"]["bulk"] = {"folder": "pubmed-files"}
    assert refused(config.check, shipped) == "config.yaml: missing key search.bulk.as_of"
    shipped["search"]["bulk"]["as_of"] = "2026-11-20"
    assert config.check(shipped) is shipped


def test_files_beside_a_search_need_no_day(shipped):
    shipped["search"]["bulk"] = {"folder": "pubmed-files"}
    assert config.check(shipped) is shipped


@pytest.mark.parametrize(
    "key", ["rise_tolerance_percent", "absent_tolerance_percent", "acknowledged", "bodies"]
)
def test_what_stops_a_search_has_no_silent_default(shipped, key):
    del shipped["search"][key]
    assert refused(config.check, shipped) == f"config.yaml: missing key search.{key}"


@pytest.mark.parametrize(
    ("path", "value", "message"),
    [
        (("search", "bodies"), "kept", "found 'kept'; allowed: committed, local"),
        (("search", "absent_tolerance_percent"), 101, "found 101; allowed: "),
        (("search", "rise_tolerance_percent"), -1, "found -1; allowed: "),
        (("search", "acknowledged"), "ehealth", "found 'ehealth'; allowed: "),
        (("search", "email"), "nobody", "found 'nobody'; allowed: an e-mail address"),
        (("search", "tool"), "living review", "found 'living review'; allowed: a name without spaces"),
        (
            ("analysis", "method_tau2"),
            "XX",
            "found 'XX'; allowed: REML, ML, DL, PM, PMM, EB, HE, HS, HSk, SJ",
        ),
        (("living", "mode"), "asleep", "found 'asleep'; allowed: active, paused, retired"),
        (("analysis", "arm_sizes_not_printed"), "guess", "found 'guess'; allowed: set_aside, equal"),
        (("search", "query"), "", "found ''; allowed: "),
        (("analysis", "level"), 95, "found 95; allowed: "),
        (("screening", "ranking", "minimum_included"), 2, "found 2; allowed: "),
        (
            ("screening", "stages"),
            ["full-text", "title-abstract"],
            "found ['full-text', 'title-abstract']; allowed: ",
        ),
    ],
)
def test_a_value_outside_what_is_allowed_is_named_with_it(shipped, path, value, message):
    at(shipped, path[:-1])[path[-1]] = value
    assert refused(config.check, shipped).startswith(f"config.yaml: key {'.'.join(path)}; {message}")


def test_an_outcome_that_cannot_be_a_column_value_is_refused(shipped):
    shipped["outcomes"]["Pain Intensity"] = {"label": "Pain", "short": "Pain"}
    assert refused(config.check, shipped).startswith(
        "config.yaml: key outcomes; found 'Pain Intensity'; allowed: "
    )


def test_a_key_that_stands_twice_is_refused_and_not_silently_overwritten(edited):
    path = edited("  email: maintainer@example.org\n", "  email: a@example.org\n  email: b@example.org\n")
    text = refused(config.load, path)
    assert text.startswith(f"{path}: this is not YAML: the key 'email' occurs more than once")
    first = path.read_text(encoding="utf-8").splitlines().index("  email: a@example.org") + 1
    assert f"line {first}, column 3" in text


def test_a_doubled_key_is_also_seen_where_snakemake_merged_the_config(edited, shipped):
    path = edited('run: "2026-11"\n', 'run: "2026-11"\nrun: "2026-12"\n')
    assert "the key 'run' occurs more than once" in refused(config.check_file, path, shipped)


def test_what_was_given_on_the_command_line_is_checked_too(root, shipped):
    path = root / "config.yaml"
    assert refused(config.check_file, path, shipped | {"run": "December"}).startswith(
        f"{path}: key run; found 'Dec"
    )
    assert config.check_file(path, shipped | {"run": "2026-12"})["run"] == "2026-12"


def test_a_value_in_two_groups_would_be_counted_twice_and_is_refused(shipped):
    shipped["subgroups"][1]["groups"]["other_pain"]["values"].append("migraine")
    assert refused(config.check, shipped) == (
        "config.yaml: subgroup condition: groups headache and other_pain both hold migraine; "
        "allowed: each value in one group"
    )


def test_the_same_value_may_stand_in_groups_of_two_variables(shipped):
    shipped["subgroups"][0]["groups"]["adult"]["values"].append("mixed")
    assert config.check(shipped) is shipped


@pytest.mark.parametrize("text", ["review: [open", "a: b: c", "\tx: 1"])
def test_what_is_not_yaml_is_refused_with_its_place(tmp_path, text):
    path = tmp_path / "config.yaml"
    path.write_text(text)
    message = refused(config.load, path)
    assert message.startswith(f"{path}: this is not YAML: ")
    assert "line 1, column " in message


def test_another_encoding_is_refused(tmp_path, root):
    path = tmp_path / "config.yaml"
    path.write_bytes("title: Müller".encode("latin-1"))
    assert refused(config.load, path).startswith(
        f"{path}: this is not YAML: 'utf-8' codec can't decode byte 0xfc"
    )


@pytest.mark.parametrize("text", ["", "# nothing\n", "- a list\n", "some words\n"])
def test_a_file_without_keys_is_refused(tmp_path, text):
    path = tmp_path / "config.yaml"
    path.write_text(text)
    assert refused(config.load, path) == (
        f"{path}: the file holds no keys; hint: start from the bundled config.yaml"
    )


def test_a_missing_file_is_refused_with_what_to_do(tmp_path):
    path = tmp_path / "config.yaml"
    assert refused(config.load, path) == (
        f"{path}: there is no such file; hint: run the command in the review's folder, or name the folder with "
        "--directory"
    )


def test_a_folder_in_its_place_is_no_file(tmp_path, root):
    shutil.copytree(root / "profiles", tmp_path / "config.yaml")
    assert "there is no such file" in refused(config.load, tmp_path / "config.yaml")


@pytest.mark.parametrize("label", ["full-text", "both"])
def test_the_ranker_learns_decisions_that_people_take(shipped, label):
    shipped["screening"]["stages"] = ["full-text"]
    shipped["screening"]["ranking"]["learn_from"] = label
    assert config.check(shipped)["screening"]["ranking"]["learn_from"] == label


def test_a_ranker_cannot_learn_the_decisions_of_a_stage_that_the_protocol_has_not(shipped):
    shipped["screening"]["stages"] = ["full-text"]
    shipped["screening"]["ranking"]["learn_from"] = "title-abstract"
    assert refused(config.check, shipped) == (
        "config.yaml: key screening.ranking.learn_from; found 'title-abstract'; allowed: full-text, both; "
        "hint: people decide at the stages that the key screening.stages names, and at no other"
    )


def test_a_mean_of_several_effects_needs_their_correlation(shipped):
    shipped["analysis"]["several_effects"] = "composite"
    assert refused(config.check, shipped) == (
        "config.yaml: missing key analysis.assumed_correlation; allowed: a number from 0 to below 1; "
        "hint: analysis.several_effects is composite, which needs it; 0.6 is common"
    )
    shipped["analysis"]["assumed_correlation"] = 0.6
    assert config.check(shipped) is shipped


@pytest.mark.parametrize("several", ["priority", "all"])
def test_no_correlation_is_asked_for_where_none_is_needed(shipped, several):
    shipped["analysis"]["several_effects"] = several
    assert config.check(shipped) is shipped


@pytest.mark.parametrize(
    ("key", "value", "allowed"),
    [
        ("several_effects", "mean", "priority, composite, all"),
        ("assumed_correlation", 1, "a number from 0 to below 1, such as 0.6"),
        ("assumed_correlation", -0.1, "a number from 0 to below 1, such as 0.6"),
        ("assumed_correlation", "0.6", "a number from 0 to below 1, such as 0.6"),
        ("convert_odds_ratios", "yes", "yes or no, without quotation marks"),
    ],
)
def test_what_the_analysis_of_effects_may_say_is_named(shipped, key, value, allowed):
    shipped["analysis"][key] = value
    assert refused(config.check, shipped) == (
        f"config.yaml: key analysis.{key}; found {value!r}; allowed: {allowed}"
    )


@pytest.mark.parametrize(("word", "value"), [("yes", True), ("no", False)])
def test_yes_and_no_are_read_as_such(edited, word, value):
    path = edited("  # convert_odds_ratios: no\n", f"  convert_odds_ratios: {word}\n")
    assert config.load(path)["analysis"]["convert_odds_ratios"] is value


def reviewers(shipped, **asked):
    shipped["screening"]["reviewers"] = asked
    return shipped


@pytest.mark.parametrize(
    "asked",
    [
        {"independent": 1},
        {"independent": 1, "names": ["A. Example", "B. Sample"]},
        {"independent": 2, "names": ["A. Example", "B. Sample", "C"]},
    ],
)
def test_one_reviewer_or_two_independent_ones_may_be_asked_for(shipped, asked):
    assert config.check(reviewers(shipped, **asked))["screening"]["reviewers"] == asked


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        ({"independent": 3}, "key screening.reviewers.independent; found 3; allowed: 1, 2"),
        ({"independent": 2}, "missing key screening.reviewers.names"),
        ({"names": ["A", "B"]}, "missing key screening.reviewers.independent"),
        (
            {"independent": 2, "names": ["A"]},
            "key screening.reviewers.names; found ['A']; allowed: two or more different names",
        ),
        (
            {"independent": 2, "names": ["A", "A"]},
            "key screening.reviewers.names; found ['A', 'A']; allowed: two or more different names",
        ),
        *(
            (
                {"independent": 2, "names": ["A", name]},
                f"key screening.reviewers.names.1; found {name!r}; allowed: a name of up to 50 characters without "
                "semicolons, single blanks between its words",
            )
            for name in (" B", "B ", "B  C", "", "A; B", "B\n", "x" * 51)
        ),
    ],
)
def test_what_is_asked_of_independent_reviewers_is_checked(shipped, asked, message):
    assert refused(config.check, reviewers(shipped, **asked)) == f"config.yaml: {message}"


def test_limits_of_certainty_and_a_familiar_scale_may_be_stated(shipped):
    shipped["certainty"] = {
        "smallest_effect": 0.2,
        "inconsistency": {"unimportant": 30, "substantial": 50, "considerable": 80, "prediction_from": 5},
        "indirectness": {"direct": {"population": ["adult"], "comparator": ["waitlist", "usual_care"]}},
    }
    scale = {"instrument": "FIQ", "unit": "points", "sd": 16.1, "source": "the manual", "higher_is": "worse"}
    shipped["outcomes"]["interference_disability"]["familiar_scale"] = scale
    shipped["outcomes"]["anxiety"]["control_responses"] = [{"percent": 18, "source": "a cohort"}]
    assert config.check(shipped) is shipped


@pytest.mark.parametrize(
    ("certainty", "message"),
    [
        ({"smallest": 0.1}, "unknown key certainty.smallest; allowed: smallest_effect"),
        (
            {"indirectness": {"direct": {"population": ["adults"]}}},
            "key certainty.indirectness.direct.population: found 'adults'; allowed: adult, youth",
        ),
        (
            {"indirectness": {"serious": 60, "very_serious": 50, "direct": {"population": ["adult"]}}},
            "key certainty.indirectness: found [60, 50]; allowed: in this order: serious <= very_serious",
        ),
        ({"publication_bias": {"tests_from": 9}}, "10 or more: fewer effects cannot be tested"),
    ],
)
def test_what_is_said_of_certainty_is_checked(shipped, certainty, message):
    shipped["certainty"] = certainty
    assert message.replace(": found", "; found") in refused(config.check, shipped).replace(
        ": found", "; found"
    )


@pytest.mark.parametrize(
    ("scale", "message"),
    [
        ({"sd": 2.0}, "missing key outcomes.anxiety.familiar_scale.source"),
        (
            {"sd": "trials"},
            "found 'trials'; allowed: \"from trials\", or a standard deviation with its source",
        ),
    ],
)
def test_a_standard_deviation_has_a_source(shipped, scale, message):
    shipped["outcomes"]["anxiety"]["familiar_scale"] = {"instrument": "GAD-7", "unit": "points"} | scale
    assert message in refused(config.check, shipped)


AUTHOR = {"name": "Ann Example", "role": "lead"}


@pytest.mark.parametrize(
    "also",
    [
        {"url": "https://example.org/pain/"},
        {"url": "https://example.org/"},
        {"license": "CC-BY-4.0"},
        {
            "authors": [
                AUTHOR | {"family_names": "Example", "given_names": "Ann", "orcid": "0000-0002-1825-009X"}
            ]
        },
        {"authors": [AUTHOR | {"affiliation": "Somewhere"}]},
    ],
    ids=str,
)
def test_what_a_release_says_of_the_review_may_be_stated(shipped, also):
    shipped["review"] |= also
    assert config.check(shipped)["review"] == shipped["review"]


@pytest.mark.parametrize(
    ("also", "allowed"),
    [
        ({"url": "https://example.org/pain"}, "an address that ends with a slash and holds no password"),
        ({"url": "https://a:b@example.org/"}, "an address that ends with a slash and holds no password"),
        ({"license": "CC BY"}, "an SPDX identifier, such as CC-BY-4.0"),
        ({"authors": [AUTHOR | {"orcid": "https://orcid.org/0000-0002-1825-0097"}]}, "without its address"),
        ({"authors": [AUTHOR | {"given_names": "Ann"}]}, "'family_names' is a dependency of 'given_names'"),
    ],
    ids=str,
)
def test_what_a_citation_could_not_use_is_refused(shipped, also, allowed):
    shipped["review"] |= also
    assert allowed in refused(config.check, shipped)


def test_a_version_comes_from_the_command_line_and_is_one(shipped):
    assert config.check(shipped | {"version": "26.1.0"})["version"] == "26.1.0"
    assert "found '26.1'; allowed: YY.minor.patch" in refused(config.check, shipped | {"version": "26.1"})


@pytest.mark.parametrize(
    ("key", "value", "said"),
    [
        (
            "publish",
            "weekly",
            "key living.publish; found 'weekly'; allowed: triggered, or every_months with a number",
        ),
        ("retire_when", {"no_trigger_for_runs": 3}, "missing key living.retire_when.certainty_at_least"),
        (
            "since",
            "2026-13",
            "key living.since; found '2026-13'; allowed: a month as YYYY-MM, in quotation marks",
        ),
        (
            "updating_status",
            {"question": "current", "status": "old", "reason": "x"},
            "key living.updating_status.status; found 'old'; allowed: up to date, update pending, no update planned",
        ),
    ],
)
def test_a_rule_of_the_living_mode_that_cannot_be_is_refused(shipped, key, value, said):
    shipped["living"][key] = value
    assert refused(config.check, shipped) == f"config.yaml: {said}"


def test_the_rules_of_the_living_mode_may_be_left_out(shipped):
    shipped["living"] = {"mode": "active", "search_every_months": 1, "statement": "x"}
    config.check(shipped)


def test_a_number_to_regress_on_must_be_one_that_trials_have(root):
    shipped = config.load(root / "config.yaml")
    assert config.check(shipped | {"moderators": {"year": "Year of publication"}})
    message = refused(config.check, shipped | {"moderators": {"yaer": "Year of publication"}})
    assert "moderators.yaer" in message
    assert "did you mean year?" in message
