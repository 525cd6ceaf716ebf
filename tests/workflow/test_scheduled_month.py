"""The monthly job with the workflow itself: what Snakemake says of a month reaches month.json."""

import json

RUN = "2026-11"


def told(review):
    return json.loads(review.path("logs", RUN, "month.json").read_text(encoding="utf-8"))


def test_a_month_that_is_built_already_is_told_again_and_changes_no_result(built):
    before = built.files("results"), built.files("data/searches")
    done = built.command("run_month.py", "--run", RUN)
    assert done.returncode == 20, done.stderr
    assert "Nothing to be done" in done.stderr
    assert (built.files("results"), built.files("data/searches")) == before
    month = told(built)
    assert (month["outcome"], month["n_new"], len(month["fired"])) == ("trigger fired", 4, 11)
    assert {row["kind"]: row["n"] for row in month["waiting"]} == {
        "records to decide on": 4,
        "records that await information": 25,
        "pairs of records to judge": 3,
        "values to check": 15,
    }
    assert "11 triggers fired" in built.path("logs", RUN, "digest.md").read_text(encoding="utf-8")


def test_a_step_that_fails_is_named_with_its_log(built):
    text = built.path("data/text/background.md")
    with text.open("a", encoding="utf-8") as file:
        file.write("\n\nThe effect is {{ no.such_key }}.\n")
    done = built.command("run_month.py", "--run", RUN)
    assert done.returncode == 1, done.stderr
    [failed] = told(built)["failed"]
    assert (failed["rule"], failed["log"]) == ("check_text", f"logs/{RUN}/check_text.log")
    assert "unknown key no.such_key" in failed["error"]
