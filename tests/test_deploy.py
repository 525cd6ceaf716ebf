"""Files for schedulers, containers and package channels are valid, safe, and agree with the program."""

import csv
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
import yaml

from livingreview.operation.hosted import pull_request
from livingreview.operation.job import outcome
from livingreview.secrets import SECRET_VARIABLES

ROOT = Path(__file__).resolve().parents[1]
WORKFLOWS = sorted((ROOT / ".github/workflows").glob("*.yml"))
SHELL = sorted(path for path in (ROOT / "deploy").rglob("*.sh"))
UNITS = ROOT / "deploy/systemd"
SECRETS = set(SECRET_VARIABLES)


def program(name):
    """A program of the environment or the machine; a test that needs it is skipped where it is not."""
    beside = Path(sys.executable).with_name(name)
    found = str(beside) if beside.is_file() else shutil.which(name)
    if not found:
        pytest.skip(f"{name} is not installed")
    return found


def checked(*command, **options):
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=ROOT, **options)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


def workflow(path):
    return yaml.safe_load(path.read_text(encoding="utf-8"))


def jobs():
    return [
        pytest.param(path, name, job, id=f"{path.stem}-{name}")
        for path in WORKFLOWS
        for name, job in workflow(path)["jobs"].items()
    ]


def steps():
    return [
        (path, step) for path in WORKFLOWS for job in workflow(path)["jobs"].values() for step in job["steps"]
    ]


def test_workflows_and_dependabot_follow_github_s_schemas():
    check = program("check-jsonschema")
    checked(check, "--builtin-schema", "vendor.github-workflows", *map(str, WORKFLOWS))
    checked(check, "--builtin-schema", "vendor.dependabot", str(ROOT / ".github/dependabot.yml"))


def test_workflows_pass_actionlint():
    checked(program("actionlint"), *map(str, WORKFLOWS))


def test_actions_are_github_s_own_and_pinned_by_commit_with_the_version_beside():
    lines = [line for path in WORKFLOWS for line in path.read_text().splitlines() if "uses:" in line]
    assert len(lines) > 8
    for line in lines:
        assert re.search(r"uses: actions/[a-z-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+$", line), line
    by_name = {}
    for line in lines:
        name, commit = re.search(r"uses: (\S+)@(\S+)", line).groups()
        by_name.setdefault(name, set()).add(commit)
    assert all(len(commits) == 1 for commits in by_name.values()), "one version of each action everywhere"


@pytest.mark.parametrize(("path", "name", "job"), jobs())
def test_a_job_ends_and_has_no_more_rights_than_it_names(path, name, job):
    assert 0 < job["timeout-minutes"] <= 180
    rights = job.get("permissions", workflow(path)["permissions"])
    assert isinstance(rights, dict), "no job has all rights"
    writing = {right for right, level in rights.items() if level == "write"}
    allowed = {
        ("monthly", "offer"): {"contents", "pull-requests", "issues", "actions"},
        ("pages", "deploy"): {"pages", "id-token"},
    }
    assert writing == allowed.get((path.stem, name), set())


def test_nothing_from_outside_is_put_into_a_shell_script():
    for path, step in steps():
        assert "${{" not in step.get("run", ""), f"{path.name}: {step}"


def test_secrets_are_given_to_the_one_step_that_needs_them():
    holding = [(path, step) for path, step in steps() if "secrets." in str(step)]
    assert [(path.stem, step["name"]) for path, step in holding] == [("monthly", "Build the month")]
    assert set(holding[0][1]["env"]) == SECRETS
    assert "secrets." not in str([workflow(path).get("env") for path in WORKFLOWS])
    text = (ROOT / ".github/workflows/monthly.yml").read_text()
    assert text.count("secrets.") == len(SECRETS)


def test_the_job_that_may_write_runs_nothing_of_what_was_downloaded():
    offer = workflow(ROOT / ".github/workflows/monthly.yml")["jobs"]["offer"]
    scripts = "\n".join(step.get("run", "") for step in offer["steps"])
    assert not re.search(r"python|make |pip ", scripts)
    kept = [step for path, step in steps() if "checkout" in step.get("uses", "")]
    keeping = [step for step in kept if step.get("with", {}).get("persist-credentials") is not False]
    assert len(keeping) == 1, "only the job that pushes keeps the token"
    assert keeping[0] in offer["steps"]


def test_schedules_are_off_the_hour_and_one_month_runs_at_a_time():
    crons = [
        one["cron"] for path in WORKFLOWS for one in (workflow(path).get(True) or {}).get("schedule", [])
    ]
    assert len(crons) == 2
    assert all(cron.split()[0] not in {"0", "30"} for cron in crons)
    monthly = workflow(ROOT / ".github/workflows/monthly.yml")
    assert monthly["concurrency"] == {"group": "month", "cancel-in-progress": False}
    assert monthly["jobs"]["month"]["strategy"]["max-parallel"] == 1


def run_blocks():
    return [
        pytest.param(step["run"], id=f"{path.stem}-{number}")
        for number, (path, step) in enumerate(steps())
        if "run" in step
    ]


@pytest.mark.parametrize("block", run_blocks())
def test_shell_in_workflows_passes_shellcheck(block):
    checked(program("shellcheck"), "--shell", "bash", "--norc", "-", input=block)


@pytest.mark.parametrize("path", SHELL, ids=lambda path: path.name)
def test_shell_scripts_pass_shellcheck(path):
    checked(program("shellcheck"), "--norc", str(path))
    assert path.stat().st_mode & 0o111


def test_what_is_called_exists():
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.M))
    files = [*WORKFLOWS, *SHELL, *UNITS.iterdir(), ROOT / "deploy/cron/living-review", ROOT / "Dockerfile"]
    files += [ROOT / "deploy/README.md"]
    for path in files:
        text = path.read_text(encoding="utf-8")
        named = re.findall(r"(?:run: |`|^ +|&& )make ([a-z-]+)", text, re.M)
        assert set(named) <= targets, path
        for script in re.findall(r"(?<![\w/])((?:scripts|deploy)/[\w/]+\.(?:py|sh))", text):
            assert (ROOT / script).is_file(), f"{path.name}: {script}"


def test_exit_statuses_are_those_of_the_month():
    assert outcome.MEANING.keys() == {0, 1, 2, 10, 20, outcome.ANOTHER_RUN}
    assert set(pull_request.FINE) == {0, 10, 20}
    text = (ROOT / ".github/workflows/monthly.yml").read_text()
    assert "            0 | 10 | 20) " in text
    assert f"            {outcome.ANOTHER_RUN}) " in text
    unit = (UNITS / "living-review@.service").read_text()
    assert "SuccessExitStatus=10 20\n" in unit
    assert "Restart=on-failure\n" in unit
    assert f"RestartPreventExitStatus={outcome.USAGE}\n" in unit
    assert f'"$status" -eq {outcome.ANOTHER_RUN}' in (ROOT / "deploy/cron/month.sh").read_text()


@pytest.fixture(scope="module")
def units(tmp_path_factory):
    """The units as instances for a review named pain; programs named as this machine has them."""
    folder = tmp_path_factory.mktemp("units")
    for path in UNITS.glob("*@.*"):
        (folder / path.name.replace("@", "@pain")).write_text(path.read_text(), encoding="utf-8")
    return folder


def test_systemd_finds_no_fault_in_the_units(units):
    said = checked(
        program("systemd-analyze"),
        "verify",
        "--man=no",
        *map(str, sorted(units.iterdir())),
        env={"SYSTEMD_UNIT_PATH": f"{units}:", "PATH": "/usr/bin:/bin"},
    )
    about_these = [line for line in said.splitlines() if "living-review" in line]
    assert about_these == []


def test_systemd_understands_the_user_that_the_units_run_as():
    said = checked(program("systemd-sysusers"), "--dry-run", str(UNITS / "living-review.sysusers.conf"))
    assert "Failed" not in said
    assert "User=living-review\n" in (UNITS / "living-review@.service").read_text()


@pytest.mark.parametrize("name", ["living-review@pain.service", "living-review-failed@pain.service"])
def test_the_units_are_closed_off(units, name):
    said = checked(
        program("systemd-analyze"),
        "security",
        "--offline=true",
        "--no-pager",
        "--threshold=20",
        str(units / name),
    )
    assert "Overall exposure level" in said


def test_the_units_share_one_rate_and_write_to_one_review():
    unit = (UNITS / "living-review@.service").read_text()
    assert "Environment=XDG_RUNTIME_DIR=/run/living-review\n" in unit
    assert "RuntimeDirectory=living-review\n" in unit
    assert "RuntimeDirectoryPreserve=yes\n" in unit
    assert re.findall(r"^ReadWritePaths=(.*)$", unit, re.M) == ["/srv/living-review/%i"]
    assert "EnvironmentFile=-/etc/living-review/secrets.env\n" in unit
    timer = (UNITS / "living-review@.timer").read_text()
    assert "Persistent=yes\n" in timer
    assert re.search(r"^OnCalendar=\*-\*-02 04:17:00 UTC$", timer, re.M)


def test_the_cron_line_has_five_times_a_user_and_a_program_of_this_project():
    lines = (ROOT / "deploy/cron/living-review").read_text().splitlines()
    entries = [line for line in lines if line and not line.startswith("#") and "=" not in line.split()[0]]
    assert len(entries) == 1
    *times, user, command, folder = entries[0].split()
    assert (len(times), user) == (5, "living-review")
    for value, (low, high) in zip(times, [(1, 59), (0, 23), (1, 31), (1, 12), (0, 7)], strict=True):
        numbers = [int(one) for one in re.findall(r"\d+", value)]
        assert value == "*" or all(low <= one <= high for one in numbers), value
    assert (ROOT / command.removeprefix("/opt/living-review/")).is_file()
    assert folder == "/srv/living-review/pain"
    # A per cent sign would end the command.
    assert "%" not in entries[0]


STAND_IN = """#!/bin/sh
echo "$@" >> "$CALLS"
echo "key: ${NCBI_API_KEY:-none}" >> "$CALLS"
echo "The month says so"
exit "$ENDS_WITH"
"""


@pytest.fixture
def month(tmp_path):
    """Calls deploy/cron/month.sh with a month that ends with a given status; returns status and output."""
    stand_in = tmp_path / "python"
    stand_in.write_text(STAND_IN, encoding="utf-8")
    stand_in.chmod(0o755)
    (tmp_path / "review").mkdir()

    def call(status, *, review="review", **environment):
        done = subprocess.run(
            [ROOT / "deploy/cron/month.sh", tmp_path / review],
            env={
                "PATH": "/usr/bin:/bin",
                "PYTHON": str(stand_in),
                "CALLS": str(tmp_path / "calls"),
                "ENDS_WITH": str(status),
                "SECRETS": str(tmp_path / "secrets.env"),
                "RUN": "2026-12",
            }
            | environment,
            capture_output=True,
            text=True,
            check=False,
        )
        return done.returncode, done.stdout + done.stderr

    call.folder = tmp_path
    return call


def test_cron_is_told_each_outcome_once(month):
    assert month(0) == (0, "")
    assert month(10) == (10, "The month says so\n")
    assert month(10) == (10, "")
    assert month(1) == (1, "The month says so\n")
    assert month(1) == (1, "")
    assert month(20) == (20, "The month says so\n")
    calls = (month.folder / "calls").read_text()
    assert f"--directory {month.folder}/review --run 2026-12\nkey: none\n" in calls


def test_cron_is_told_of_another_run_that_is_still_at_work_at_the_next_start(month):
    assert month(75) == (75, "")
    assert month(75) == (75, "The month says so\n")
    assert month(0) == (0, "")
    assert month(75) == (75, "")


def test_cron_writes_through_no_link(month):
    (month.folder / "review/logs/2026-12").mkdir(parents=True)
    (month.folder / "theirs").write_text("kept")
    (month.folder / "review/logs/2026-12/told-by-cron").symlink_to(month.folder / "theirs")
    month(10)
    assert (month.folder / "theirs").read_text() == "kept"
    assert month(10) == (10, "")


def test_cron_makes_no_folder_for_a_review_that_is_not_there(month):
    assert month(2, review="elsewhere") == (2, "The month says so\n")
    assert not (month.folder / "elsewhere").exists()


def test_cron_reads_secrets_from_their_file(month):
    (month.folder / "secrets.env").write_text("NCBI_API_KEY=abc\n", encoding="utf-8")
    month(0)
    assert "key: abc" in (month.folder / "calls").read_text()


@pytest.mark.parametrize(
    ("line", "key"),
    [
        ("NCBI_API_KEY=a$b&touch made;c d", "a$b&touch made;c d"),
        ("NCBI_API_KEY='a b'", "a b"),
        ('# a comment\n\nno value\nNCBI_API_KEY="`touch made`"', "`touch made`"),
        ("a-b=1\nNCBI_API_KEY=x=y", "x=y"),
    ],
)
def test_cron_takes_nothing_in_the_file_of_secrets_for_a_command(month, line, key):
    (month.folder / "secrets.env").write_text(line, encoding="utf-8")
    assert month(0, PWD=str(month.folder)) == (0, "")
    assert f"key: {key}\n" in (month.folder / "calls").read_text()
    assert not list(month.folder.rglob("made"))


def test_hadolint_finds_no_fault_in_the_container_file():
    checked(program("hadolint"), "--no-color", "--failure-threshold", "info", str(ROOT / "Dockerfile"))


def test_the_container_installs_by_hash_runs_as_nobody_and_gets_no_secret():
    text = (ROOT / "Dockerfile").read_text()
    assert "--require-hashes -r /tmp/requirements.run.lock" in text
    assert re.search(r"^USER 1\d{4}$", text, re.M)
    # With --user, nobody of that number is known inside, and Snakemake asks for the name.
    assert re.search(r"^    USER=living-review", text, re.M)
    assert not any(secret in text for secret in SECRETS)
    assert 'ENTRYPOINT ["python", "scripts/run_month.py", "--directory", "/review"]' in text
    python = {one.split("-")[0] for one in re.findall(r"^FROM python:(\S+)", text, re.M)}
    scheduled = re.findall(
        r'python-version: "([\d.]+)"', (ROOT / ".github/workflows/monthly.yml").read_text()
    )
    assert python == set(scheduled)


def test_the_image_gets_what_a_month_needs_and_no_more():
    lines = (ROOT / ".dockerignore").read_text().splitlines()
    assert next(line for line in lines if not line.startswith("#")) == "*"
    let_in = {line[1:] for line in lines if line.startswith("!")}
    assert {
        "Snakefile",
        "rules",
        "scripts",
        "schemas",
        "templates",
        "config.yaml",
        "environment.yml",
        "data",
    } <= let_in
    assert let_in.isdisjoint({".git", ".venv", "reviews", "results", "logs", "tests"})
    assert [name for name in let_in if not (ROOT / name).exists()] == []


def entries(path):
    """Pins of a lock file with their hashes; what system each is for left out."""
    parts = re.split(r"\n(?=\S)", path.read_text().strip())
    return {re.split(r" [;\\]", part)[0]: sorted(re.findall(r"--hash=(\S+)", part)) for part in parts}


def test_what_the_container_installs_is_what_is_tested():
    whole, run = (entries(ROOT / name) for name in ("requirements.lock", "requirements.run.lock"))
    assert {name: whole.get(name) for name in run} == run
    with (ROOT / "pyproject.toml").open("rb") as file:
        project = tomllib.load(file)
    assert set(project["project"]["dependencies"]) <= run.keys()
    assert run.keys().isdisjoint(project["dependency-groups"]["dev"])


def test_every_name_of_conda_s_environment_is_known_with_its_channel_or_has_a_reason():
    with (ROOT / "tests/reference/conda_names.csv").open(newline="", encoding="utf-8") as file:
        known = {row["pypi"]: row for row in csv.DictReader(file)}
    with (ROOT / "pyproject.toml").open("rb") as file:
        project = tomllib.load(file)
    pinned = [*project["project"]["dependencies"], *project["dependency-groups"]["dev"]]
    assert sorted(known) == sorted(pin.split("==")[0] for pin in pinned)
    environment = yaml.safe_load((ROOT / "environment.yml").read_text())
    listed = environment["dependencies"]
    by_conda = {one.split("=")[0] for one in listed if isinstance(one, str)} - {"python>", "pip"}
    by_pip = {line.split("==")[0] for one in listed if isinstance(one, dict) for line in one["pip"]}
    assert {row["conda"] for row in known.values() if row["channel"]} == by_conda
    assert {name for name, row in known.items() if not row["channel"]} == by_pip
    for name, row in known.items():
        assert row["channel"] in {"", *environment["channels"]}, name
        assert bool(row["channel"]) == bool(row["conda"]), name
        assert row["recipe_seen"] == "yes" if row["channel"] else row["note"], name


def test_an_audit_that_could_not_look_something_up_fails():
    makefile = (ROOT / "Makefile").read_text()
    line = next(line for line in makefile.splitlines() if "pip-audit --" in line)
    assert {"--strict", "--require-hashes", "--disable-pip"} <= set(line.split())
