"""What a hosted schedule runs, shows people, and pushes; its shell scripts run on a repository made here."""

import json
import os
import shutil
import subprocess
import sys
import tarfile
from pathlib import Path

import pytest
import yaml

import plan_months
import write_pull_request
from livingreview.errors import InputError
from livingreview.operation.hosted import plan, pull_request
from livingreview.secrets import SECRET_VARIABLES

ROOT = Path(__file__).resolve().parents[2]
SCRIPTS = ROOT / "deploy/github"
PUBMED = "https://eutils.ncbi.nlm.nih.gov/entrez/eutils/"


def review(folder, *, base_url=PUBMED, bodies="committed"):
    """A review's folder with the bundled protocol, asking elsewhere."""
    config = yaml.safe_load((ROOT / "config.yaml").read_text(encoding="utf-8"))
    config["search"] |= {"base_url": base_url, "bodies": bodies}
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "config.yaml").write_text(yaml.safe_dump(config), encoding="utf-8")
    return folder


def names(wanted):
    return [one["name"] for one in wanted]


def test_a_schedule_runs_what_asks_pubmed_and_says_what_it_leaves_out(tmp_path):
    review(tmp_path, base_url="sandbox")
    review(tmp_path / "reviews/pain")
    wanted, left_out = plan.plan(tmp_path, run="2026-12")
    assert names(wanted) == ["pain"]
    assert wanted[0] == {
        "name": "pain",
        "folder": "reviews/pain",
        "live": True,
        "shareable": True,
        "carry": [],
    }
    assert len(left_out) == 1
    assert left_out[0].startswith(".: its search is answered by 'sandbox', not by PubMed")


def test_the_bundled_example_is_not_run_by_a_schedule():
    wanted, left_out = plan.plan(ROOT, run="2026-12", chosen=".")
    assert (wanted, len(left_out)) == ([], 1)


def test_a_person_may_run_the_sandbox_and_it_is_not_live(tmp_path):
    review(tmp_path, base_url="sandbox")
    wanted, left_out = plan.plan(tmp_path, run="2026-12", chosen=".", by_hand=True)
    assert [(one["folder"], one["live"]) for one in wanted] == [(".", False)]
    assert left_out == []


def test_a_review_whose_protocol_is_broken_is_run_so_that_its_failure_is_told(tmp_path):
    review(tmp_path / "reviews/a")
    (review(tmp_path / "reviews/b") / "config.yaml").write_text("search: [", encoding="utf-8")
    wanted, _left_out = plan.plan(tmp_path, run="2026-12")
    assert [(one["name"], one["live"], one["shareable"]) for one in wanted] == [
        ("a", True, True),
        ("b", True, False),
    ]


def test_records_that_stay_local_are_not_to_be_shared(tmp_path):
    review(tmp_path, bodies="local")
    assert [one["shareable"] for one in plan.plan(tmp_path, run="2026-12")[0]] == [False]


def test_a_month_goes_on_from_its_own_and_earlier_open_branches_of_its_review_only(tmp_path):
    review(tmp_path)
    branches = [
        "month/root/2026-12",
        "month/root/2026-10",
        "month/root/2027-01",
        "month/pain/2026-11",
        "feature",
        "month/root/2026-13",
    ]
    wanted, _left_out = plan.plan(tmp_path, run="2026-12", open_branches=branches)
    assert wanted[0]["carry"] == ["month/root/2026-10", "month/root/2026-12"]


@pytest.mark.parametrize("run", ["2026-13", "2026-1", "", "2026-12; true", "$(true)"])
def test_what_is_no_month_is_refused(tmp_path, run):
    with pytest.raises(InputError, match="allowed: YYYY-MM"):
        plan.plan(tmp_path, run=run)


@pytest.mark.parametrize("chosen", ["reviews/none", "../elsewhere", "/etc"])
def test_a_folder_that_is_no_review_is_refused(tmp_path, chosen):
    review(tmp_path / "reviews/pain")
    with pytest.raises(InputError, match="allowed: reviews/pain"):
        plan.plan(tmp_path, run="2026-12", chosen=chosen)


@pytest.mark.parametrize("name", ["Pain", "my review", "root", "a'b", "-a"])
def test_a_folder_whose_name_does_not_do_for_a_branch_is_refused(tmp_path, name):
    review(tmp_path / "reviews" / name)
    with pytest.raises(InputError, match="rename the folder"):
        plan.reviews(tmp_path)


def test_the_plan_is_one_line_of_json(tmp_path, capsys):
    review(tmp_path)
    (tmp_path / "branches.txt").write_text("month/root/2026-11\n", encoding="utf-8")
    given = ["--directory", str(tmp_path), "--run", "2026-12"]
    assert plan_months.main([*given, "--open-branches", str(tmp_path / "branches.txt")]) == 0
    out = capsys.readouterr().out
    assert out.count("\n") == 1
    assert json.loads(out)[0]["carry"] == ["month/root/2026-11"]
    assert plan_months.main(["--directory", str(tmp_path), "--run", "now"]) == 2
    assert "allowed: YYYY-MM" in capsys.readouterr().err


def text(**options):
    return pull_request.body(
        **{
            "digest": "# Digest\n",
            "queue": "# Queue\n| a |\n",
            "report": "https://example.org/report",
            "snapshot": "data/searches/2026-12",
        }
        | options
    )


def test_a_pull_request_says_what_merging_means_and_holds_digest_and_queue():
    body = text(carried=["month/root/2026-11"])
    assert body.startswith("Merging signs off that `data/searches/2026-12`")
    assert "Report, queue and logs: https://example.org/report" in body
    assert "merging it merges them too: `month/root/2026-11`." in body
    assert body.endswith("# Digest\n\n# Queue\n| a |\n")
    assert "carried" not in text()


def test_a_pull_request_that_is_too_long_ends_with_how_much_is_left_out():
    rows = "\n".join(f"| row {n} |" for n in range(1000))
    body = text(queue=rows, limit=2000)
    assert len(body.encode()) <= 2000
    kept = body.count("| row ")
    assert body.endswith(
        f"*{1000 - kept} more lines do not fit here; they are in the files of the report.*\n"
    )


def test_the_issue_of_a_failed_month_shows_the_end_of_what_was_printed_and_no_markup_in_it():
    body = pull_request.issue(
        digest="", printed="x" * 9000 + "\n```\n@anna fixes #12", address="https://example.org/log"
    )
    assert body.startswith("The month left no digest.\n")
    assert body.endswith("\n'''\n@anna fixes #12\n```\n")
    assert body.count("```") == 2
    assert len(body) < 5000


def test_the_texts_of_a_month_are_written_to_files(tmp_path):
    logs, results = tmp_path / "logs/2026-12", tmp_path / "results/2026-12"
    logs.mkdir(parents=True)
    results.mkdir(parents=True)
    (logs / "month.json").write_text('{"outcome": "work waits", "n_waiting": 4}', encoding="utf-8")
    (logs / "digest.md").write_text("# Digest\n", encoding="utf-8")
    (results / "queue.md").write_text("# Queue\n", encoding="utf-8")
    (tmp_path / "printed").write_text("The end.\n", encoding="utf-8")
    out = tmp_path / "handed"
    out.mkdir()
    given = ["--directory", str(tmp_path), "--name", "pain", "--run", "2026-12", "--output", str(out)]
    given += ["--printed", str(tmp_path / "printed"), "--address", "https://example.org/"]
    carried = ["--carried", "month/pain/2026-11", "month/pain/2026-12"]
    assert write_pull_request.main([*given, "--status", "10", *carried]) == 0
    assert (out / "title.txt").read_text() == "Month 2026-12 of pain: work waits, 4 waiting\n"
    body = (out / "body.md").read_text()
    assert "# Digest" in body
    assert "# Queue" in body
    assert "`month/pain/2026-11`." in body
    assert write_pull_request.main([*given, "--status", "1"]) == 0
    assert (out / "title.txt").read_text() == "Month 2026-12 of pain failed\n"
    assert "The end." in (out / "body.md").read_text()


# The shell scripts, on a repository and a clone of it; gh is a stand-in that notes what it is asked.


class Clone:
    """A clone in which the scripts run."""

    def __init__(self, folder, environment):
        self.folder, self.environment = folder, environment

    def run(self, *command, status=0):
        done = subprocess.run(
            command, cwd=self.folder, env=self.environment, capture_output=True, text=True, check=False
        )
        assert done.returncode == status, done.stdout + done.stderr
        return done.stdout + done.stderr

    def script(self, name, *options, status=0):
        return self.run("bash", str(SCRIPTS / name), *options, status=status)

    def git(self, *options):
        return self.run("git", *options)


STAND_IN = """#!/usr/bin/env bash
printf '%s\\n' "$*" >> "$ASKED"
case "$1 $2" in
    "pr list") cat "$OPEN_PULL_REQUEST" ;;
    "issue list") cat "$OPEN_ISSUE" ;;
esac
"""


@pytest.fixture
def clone(tmp_path):
    """Makes a fresh clone of one repository, whose branch main holds a review."""
    if not shutil.which("git"):
        pytest.skip("git is not installed")
    tools = tmp_path / "tools"
    tools.mkdir()
    (tools / "gh").write_text(STAND_IN, encoding="utf-8")
    (tools / "gh").chmod(0o755)
    for name in ("asked", "open_pull_request", "open_issue"):
        (tmp_path / name).write_text("", encoding="utf-8")
    environment = {
        "PATH": f"{tools}{os.pathsep}{os.environ['PATH']}",
        "HOME": str(tmp_path),
        "GIT_CONFIG_NOSYSTEM": "1",
        "ASKED": str(tmp_path / "asked"),
        "OPEN_PULL_REQUEST": str(tmp_path / "open_pull_request"),
        "OPEN_ISSUE": str(tmp_path / "open_issue"),
    }
    (tmp_path / ".gitconfig").write_text(
        "[user]\n\tname = T\n\temail = t@example.org\n[init]\n\tdefaultBranch = main\n", encoding="utf-8"
    )
    origin = Clone(tmp_path / "origin.git", environment)
    origin.folder.mkdir()
    origin.git("init", "--quiet", "--bare")

    def made(name):
        Clone(tmp_path, environment).git("clone", "--quiet", str(origin.folder), name)
        return Clone(tmp_path / name, environment)

    first = made("first")
    (first.folder / "data").mkdir()
    (first.folder / "data/table.csv").write_text("a\n", encoding="utf-8")
    first.git("add", "data")
    first.git("commit", "--quiet", "--message", "A review")
    first.git("push", "--quiet", "origin", "HEAD:main")
    return made


def handed(folder, members):
    """What a month hands over: files of an archive, title and text."""
    folder.mkdir()
    (folder / "title.txt").write_text('Month of root: "$(touch pwned)" `touch pwned`\n', encoding="utf-8")
    (folder / "body.md").write_text("Text\n", encoding="utf-8")
    content = folder / "content"
    with tarfile.open(folder / "snapshot.tar", "w") as archive:
        for name, written in members.items():
            content.write_text(written, encoding="utf-8")
            archive.add(content, arcname=name)
    return str(folder)


def offer(clone, handed_over, run="2026-12", carried=(), status=0):
    branch = f"month/root/{run}"
    clone.script("start_branch.sh", branch, "main", *carried)
    return clone.script("offer_month.sh", ".", run, branch, "main", handed_over, status=status)


def test_a_month_is_pushed_to_its_branch_and_offered_with_its_checks_started(clone, tmp_path):
    one = clone("one")
    snapshot = "data/searches/2026-12/pubmed/records.csv"
    offer(
        one, handed(tmp_path / "handed", {snapshot: "1\n", "data/table.csv": "changed\n", "Makefile": "evil"})
    )
    assert one.git("diff", "--name-only", "origin/main", "HEAD").split() == [snapshot]
    assert one.git("rev-parse", "HEAD") == one.git("rev-parse", "origin/month/root/2026-12")
    assert not (one.folder / "pwned").exists()
    asked = (tmp_path / "asked").read_text().splitlines()
    assert asked[0].startswith("pr list --head month/root/2026-12 --state open")
    assert asked[1].startswith("pr create --head month/root/2026-12 --base main --title Month of root:")
    assert asked[2] == "workflow run ci.yml --ref month/root/2026-12"


def test_a_second_start_brings_the_open_pull_request_up_to_date_and_writes_no_snapshot_twice(clone, tmp_path):
    snapshot = "data/searches/2026-12/pubmed/records.csv"
    offer(clone("one"), handed(tmp_path / "handed", {snapshot: "1\n"}))
    (tmp_path / "open_pull_request").write_text("7\n", encoding="utf-8")
    two = clone("two")
    before = two.git("rev-parse", "origin/month/root/2026-12")
    offer(two, handed(tmp_path / "again", {snapshot: "other\n"}))
    assert (two.folder / snapshot).read_text() == "1\n"
    assert two.git("rev-parse", "HEAD") == before
    assert any(
        "PATCH repos/{owner}/{repo}/pulls/7 --raw-field title=Month of root" in line
        for line in (tmp_path / "asked").read_text().splitlines()
    )


def test_a_month_is_built_on_those_that_nobody_merged_yet(clone, tmp_path):
    old, new = (f"data/searches/{run}/pubmed/records.csv" for run in ("2026-11", "2026-12"))
    offer(clone("one"), handed(tmp_path / "handed", {old: "1\n"}), run="2026-11")
    two = clone("two")
    carried = ["month/root/2026-11", "month/root/2026-10"]
    two.script("start_branch.sh", "month/root/2026-12", "main", *carried)
    assert (two.folder / old).read_text() == "1\n"
    three = clone("three")
    offer(three, handed(tmp_path / "again", {new: "2\n"}), carried=carried)
    assert three.git("diff", "--name-only", "origin/main", "HEAD").split() == [old, new]


def test_what_people_pushed_to_a_month_s_branch_stays_and_what_main_got_since_comes_in(clone, tmp_path):
    snapshot = "data/searches/2026-12/pubmed/records.csv"
    offer(clone("one"), handed(tmp_path / "handed", {snapshot: "1\n"}))
    person = clone("person")
    (person.folder / "data/elsewhere.csv").write_text("b\n", encoding="utf-8")
    person.git("add", "data")
    person.git("commit", "--quiet", "--message", "Main goes on")
    person.git("push", "--quiet", "origin", "HEAD:main")
    person.git("switch", "--quiet", "month/root/2026-12")
    (person.folder / "data/decided.csv").write_text("c\n", encoding="utf-8")
    person.git("add", "data")
    person.git("commit", "--quiet", "--message", "Decisions")
    person.git("push", "--quiet", "origin", "HEAD")
    two = clone("two")
    offer(two, handed(tmp_path / "again", {}))
    assert {path.name for path in (two.folder / "data").glob("*.csv")} == {
        "table.csv",
        "elsewhere.csv",
        "decided.csv",
    }


def test_a_month_that_is_merged_already_opens_nothing(clone, tmp_path):
    one = clone("one")
    assert "there is nothing to merge" in offer(one, handed(tmp_path / "handed", {}))
    assert (tmp_path / "asked").read_text() == ""


def test_a_branch_that_main_contradicts_is_left_to_people(clone):
    person = clone("person")
    for branch, content in (("month/root/2026-12", "x\n"), ("main", "y\n")):
        person.git("switch", "--quiet", "--detach", "origin/main")
        (person.folder / "data/table.csv").write_text(content, encoding="utf-8")
        person.git("commit", "--quiet", "--all", "--message", "Change")
        person.git("push", "--quiet", "origin", f"HEAD:refs/heads/{branch}")
        if branch != "main":
            person.git("switch", "--quiet", "--detach", "HEAD~1")
    said = clone("one").script("start_branch.sh", "month/root/2026-12", "main", status=1)
    assert "cannot take in origin/main by itself: merge it by hand" in said


def test_an_archive_with_a_link_is_refused(clone, tmp_path):
    folder = handed(tmp_path / "handed", {})
    with tarfile.open(Path(folder) / "snapshot.tar", "w") as archive:
        link = tarfile.TarInfo("data/searches/2026-12/pubmed")
        link.type, link.linkname = tarfile.SYMTYPE, "/etc"
        archive.addfile(link)
    assert "neither file nor folder; nothing was pushed" in offer(clone("one"), folder, status=1)


def test_one_issue_is_kept_for_a_failed_month(clone, tmp_path):
    one = clone("one")
    (tmp_path / "body.md").write_text("It failed.\n", encoding="utf-8")
    title = "Month 2026-12 of root failed"
    one.script("tell_failure.sh", "open", title, str(tmp_path / "body.md"))
    one.script("tell_failure.sh", "close", title)
    (tmp_path / "open_issue").write_text("3\n", encoding="utf-8")
    one.script("tell_failure.sh", "open", title, str(tmp_path / "body.md"))
    one.script("tell_failure.sh", "close", title)
    asked = [line for line in (tmp_path / "asked").read_text().splitlines() if "issue list" not in line]
    assert [line.split(" --")[0] for line in asked] == ["issue create", "api", "issue close 3"]
    assert f"PATCH repos/{{owner}}/{{repo}}/issues/3 --field body=@{tmp_path}/body.md" in asked[1]
    assert "allowed: open, close" in one.script("tell_failure.sh", "shut", title, status=2)


# The steps of the workflow, played in order as a runner does, on clones of the repository above.

# In the place of the environment's Python: a month that finds one record; all other programs are the real ones.
PYTHON = f"""#!/bin/sh
program=$1
shift
if [ "$program" = scripts/run_month.py ]; then
    while [ "$1" != --directory ]; do shift; done
    folder=$2
    mkdir -p "$folder/data/searches/2026-12/pubmed" "$folder/logs/2026-12" "$folder/results/2026-12"
    echo 1 > "$folder/data/searches/2026-12/pubmed/records.csv"
    echo 1 > "$folder/data/searches/2026-12/pubmed/efetch-001.xml.gz"
    echo 'efetch-*.xml.gz' > "$folder/data/searches/2026-12/pubmed/.gitignore"
    echo '{{"outcome": "work waits", "n_waiting": 1}}' > "$folder/logs/2026-12/month.json"
    echo '# Digest' > "$folder/logs/2026-12/digest.md"
    echo "printed; key ${{NCBI_API_KEY-not set}}"
    exit "$ENDS_WITH"
fi
exec {sys.executable} "{ROOT}/$program" "$@"
"""


class Runner:
    """Plays steps of a job in a clone."""

    def __init__(self, clone, job, temporary, **environment):
        document = yaml.safe_load((ROOT / ".github/workflows/monthly.yml").read_text(encoding="utf-8"))
        self._steps = {step.get("name"): step for step in document["jobs"][job]["steps"]}
        self.clone, self.temporary = clone, temporary
        temporary.mkdir()
        self._files = {name: temporary / name for name in ("GITHUB_OUTPUT", "GITHUB_STEP_SUMMARY")}
        for path in self._files.values():
            path.write_text("", encoding="utf-8")
        environment |= {name: str(path) for name, path in self._files.items()}
        self._environment = clone.environment | {"RUNNER_TEMP": str(temporary)} | environment

    def play(self, name, status=0, **environment):
        done = subprocess.run(
            ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", self._steps[name]["run"]],
            cwd=self.clone.folder,
            env=self._environment | environment,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == status, done.stdout + done.stderr
        lines = self._files["GITHUB_OUTPUT"].read_text().splitlines()
        return dict(line.split("=", 1) for line in lines), done.stdout


@pytest.fixture
def checkout(clone):
    """Makes clones of a repository with one review, reviews/pain, and the environment's Python in each."""
    first = clone("second")
    review(first.folder / "reviews/pain")
    (first.folder / ".gitignore").write_text(".venv/\nlogs/\nresults/\n", encoding="utf-8")
    shutil.copytree(SCRIPTS, first.folder / "deploy/github")
    first.git("add", ".")
    first.git("commit", "--quiet", "--message", "A review that asks PubMed")
    first.git("push", "--quiet", "origin", "HEAD:main")

    def made(name):
        one = clone(name)
        (one.folder / ".venv/bin").mkdir(parents=True)
        for python in ("python", "python3"):
            (one.folder / ".venv/bin" / python).write_text(PYTHON, encoding="utf-8")
            (one.folder / ".venv/bin" / python).chmod(0o755)
        return one

    return made


MONTH = {"RUN": "2026-12", "NAME": "pain", "FOLDER": "reviews/pain", "BASE": "main"}
SECRETS = dict.fromkeys(SECRET_VARIABLES, "")


def built(checkout, tmp_path, *, ends_with, carried="", **secrets):
    """Plays the job that builds; returns the folder that it hands over."""
    runner = Runner(checkout(f"month-{ends_with}"), "month", tmp_path / f"month-temp-{ends_with}", **MONTH)
    runner.play("Go on from the months that are not merged yet", CARRIED=carried)
    found, _said = runner.play("Build the month", ENDS_WITH=str(ends_with), **SECRETS | secrets)
    assert found["status"] == str(ends_with)
    runner.play(
        "What people are shown, and what is merged",
        STATUS=found["status"],
        ADDRESS="https://example.org/report",
        CARRIED=carried,
    )
    return runner.temporary / "handed"


def test_the_plan_of_the_workflow_lists_what_asks_pubmed(checkout, tmp_path):
    runner = Runner(checkout("one"), "plan", tmp_path / "plan-temp")
    (tmp_path / "plan-temp/branches.txt").write_text("month/pain/2026-11\n", encoding="utf-8")
    found, _said = runner.play("Plan", ASKED_RUN="2026-12", ASKED_REVIEW="")
    assert found["run"] == "2026-12"
    wanted = json.loads(found["reviews"])
    assert [(review["name"], review["carry"]) for review in wanted] == [("pain", ["month/pain/2026-11"])]


def test_a_month_with_work_becomes_a_pull_request_without_what_git_ignores(checkout, tmp_path):
    handed_over = built(checkout, tmp_path, ends_with=10)
    assert (handed_over / "title.txt").read_text() == "Month 2026-12 of pain: work waits, 1 waiting\n"
    runner = Runner(checkout("offer"), "offer", tmp_path / "offer-temp", **MONTH, CARRIED="")
    shutil.copytree(handed_over, tmp_path / "offer-temp/handed")
    found, _said = runner.play("How it ended", LOG="https://example.org/log")
    assert found["fine"] == "true"
    runner.play("Offer the snapshot")
    changed = runner.clone.git("diff", "--name-only", "origin/main", "origin/month/pain/2026-12").split()
    assert changed == [
        f"reviews/pain/data/searches/2026-12/pubmed/{name}" for name in (".gitignore", "records.csv")
    ]
    asked = (tmp_path / "asked").read_text()
    assert (
        "pr create --head month/pain/2026-12 --base main --title Month 2026-12 of pain: work waits" in asked
    )
    assert "workflow run ci.yml --ref month/pain/2026-12" in asked


def test_a_month_that_failed_becomes_an_issue_and_a_failed_job(checkout, tmp_path):
    # The second start waits for a quarter of an hour; here it does not.
    (tmp_path / "tools/sleep").write_text("#!/bin/sh\n", encoding="utf-8")
    (tmp_path / "tools/sleep").chmod(0o755)
    handed_over = built(checkout, tmp_path, ends_with=1)
    assert "printed; key not set" in (handed_over / "body.md").read_text()
    runner = Runner(checkout("offer"), "offer", tmp_path / "offer-temp", **MONTH, CARRIED="")
    shutil.copytree(handed_over, tmp_path / "offer-temp/handed")
    assert runner.play("How it ended", LOG="https://example.org/log")[0]["fine"] == "false"
    runner.play("Tell of the failure", status=1)
    assert "issue create --title Month 2026-12 of pain failed" in (tmp_path / "asked").read_text()


def test_a_month_that_handed_nothing_over_is_told_of_too(checkout, tmp_path):
    runner = Runner(checkout("offer"), "offer", tmp_path / "offer-temp", **MONTH, CARRIED="")
    assert runner.play("How it ended", LOG="https://example.org/log")[0]["fine"] == "false"
    body = (tmp_path / "offer-temp/handed/body.md").read_text()
    assert body == "The month ended before it could say anything. Its log: https://example.org/log\n"


def test_a_month_that_another_run_holds_is_let_be(checkout, tmp_path):
    handed_over = built(checkout, tmp_path, ends_with=75)
    assert [path.name for path in handed_over.iterdir()] == ["status"]
    runner = Runner(checkout("offer"), "offer", tmp_path / "offer-temp", **MONTH, CARRIED="")
    shutil.copytree(handed_over, tmp_path / "offer-temp/handed")
    assert runner.play("How it ended", LOG="https://example.org/log")[0]["fine"] == ""
