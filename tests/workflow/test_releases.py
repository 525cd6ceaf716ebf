"""A release of the bundled review, frozen and built again elsewhere."""

import json
import re
import zipfile

from livingreview.living import releases


def test_a_release_leaves_its_month_as_it_was_and_is_built_again_elsewhere_to_the_byte(built, monkeypatch):
    """The replay runs in another folder, time zone, language and order of hashes."""
    before = built.files("results")
    done = built.command("freeze_release.py", "26.1.0", "--note", "For this test.")
    assert done.returncode == 0, done.stderr
    after = built.files("results")
    # Only what tells of all versions may tell of this one.
    telling = {"2026-11/archive.html", "2026-11/feed.atom"}
    assert {name for name in before if after[name] != before[name]} == telling
    assert after.keys() - before.keys() == {"releases/26.1.0.zip"}

    frozen = built.files("data/releases/26.1.0")
    about = json.loads(frozen["release.json"])
    assert (about["run"], about["previous"], about["note"]) == ("2026-11", "26.0.0", "For this test.")
    report = frozen["report.html"].decode()
    assert re.search(
        r"<span>Version 26\.1\.0, run of November 2026, compared with release 26\.0\.0</span>", report
    )
    assert "2026-11, unreleased, after 26.0.0" in after["2026-11/report.html"].decode()
    same = [name for name in releases.KEPT if name in frozen and name != "report.html"]
    assert len(same) > 5
    assert {name: frozen[name] for name in same} == {name: after[f"2026-11/{name}"] for name in same}
    assert releases.damaged({"path": built.path("data/releases/26.1.0")}) == []
    assert "../26.0.0/effects.csv" in frozen["archive.html"].decode()
    assert "Version 26.1.0" in after["2026-11/feed.atom"].decode()
    with zipfile.ZipFile(built.path("results/releases/26.1.0.zip")) as bundle:
        assert {"config.yaml", "data/decisions/screening.csv", "README.md"} <= set(bundle.namelist())
        bundle.extractall(built.path("unpacked"))

    # What happens afterwards is none of the release's business.
    built.replace("data/decisions/screening.csv", "demonstration", "someone else")
    built.replace("config.yaml", "method_tau2: REML", "method_tau2: DL")
    for name, value in (("TZ", "Asia/Kathmandu"), ("LC_ALL", "C"), ("PYTHONHASHSEED", "7")):
        monkeypatch.setenv(name, value)
    # The package is a whole review of its own.
    deposited = type(built)(built.path("unpacked"), built.code)
    done = deposited.command("replay_release.py", "26.1.0")
    assert done.returncode == 0, done.stdout + done.stderr
    lines = done.stdout.splitlines()
    assert [line.removeprefix("OK         ") for line in lines if line.startswith("OK")] == [
        name for name in releases.KEPT if name in frozen
    ]
    assert not [line for line in lines if line.startswith("The program is not the one")]


def test_a_release_frozen_without_its_inputs_says_that_it_cannot_be_built_again(built_once):
    done = built_once.command("replay_release.py", "26.0.0")
    assert done.returncode == 1
    assert "release 26.0.0 was frozen without its inputs and cannot be built again" in done.stderr
