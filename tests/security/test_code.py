"""What the code never does: run what data says, load what data made, or leave to a shell what a list can say."""

import ast
import re
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
# Each would run, or make objects of, what it is given.
FORBIDDEN_CALLS = {
    "eval",
    "exec",
    "compile",
    "__import__",
    "input",
    "os.system",
    "os.popen",
    "os.startfile",
    "subprocess.getoutput",
    "subprocess.getstatusoutput",
    "tempfile.mktemp",
    "yaml.unsafe_load",
    "yaml.full_load",
    "yaml.load_all",
    "shutil.unpack_archive",
    "pd.read_pickle",
    "pd.eval",
    "joblib.load",
}
FORBIDDEN_MODULES = {
    "pickle",
    "cPickle",
    "dill",
    "cloudpickle",
    "marshal",
    "shelve",
    "joblib",
    "commands",
    "pty",
}
FORBIDDEN_METHODS = {
    "extractall",
    "to_pickle",
    "spawnl",
    "spawnv",
    "execv",
    "execvp",
    "execve",
    "eval",
    "query_shell",
}
STARTERS = {"run", "Popen", "call", "check_call", "check_output"}


def test_no_code_runs_or_unpacks_what_it_is_given(calls):
    found = [
        (path, name)
        for path, name, _ in calls
        if name in FORBIDDEN_CALLS or ("." in name and name.rsplit(".", 1)[1] in FORBIDDEN_METHODS)
    ]
    assert found == []


def test_no_code_imports_what_makes_objects_of_bytes(code):
    found = []
    for path, node in code:
        names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
        names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
        found += [(path, name) for name in names if name.split(".")[0] in FORBIDDEN_MODULES]
    # Worker processes and the one that started them, over pipes that nobody else holds.
    assert found == [("livingreview/search/pubmed/article_workers.py", "marshal")]


def test_arrays_are_read_and_written_without_objects_in_them(calls):
    seen = 0
    for path, name, node in calls:
        if name in ("np.load", "np.save", "numpy.load", "numpy.save"):
            given = {keyword.arg: getattr(keyword.value, "value", None) for keyword in node.keywords}
            assert given.get("allow_pickle") is False, path
            seen += 1
    assert seen


def test_yaml_makes_plain_values_only(calls):
    for path, name, node in calls:
        if name == "yaml.load":
            loader = next(ast.unparse(one.value) for one in node.keywords if one.arg == "Loader")
            assert (path, loader) == ("livingreview/config.py", "_StrictLoader")


def test_yaml_of_a_review_that_asks_for_objects_is_refused(tmp_path):
    from livingreview import config as protocol
    from livingreview.errors import InputError

    path = tmp_path / "config.yaml"
    path.write_text("run: !!python/object/apply:os.system ['touch pwned']\n")
    with pytest.raises(InputError, match="this is not YAML"):
        protocol.load(path)


def test_programs_are_started_with_lists_and_without_a_shell(calls):
    started = [
        (path, name, node)
        for path, name, node in calls
        if name.startswith("subprocess.") and name.rsplit(".", 1)[1] in STARTERS
    ]
    assert started
    for path, name, node in started:
        options = {keyword.arg for keyword in node.keywords}
        assert "shell" not in options, path
        assert "executable" not in options, path
        assert node.args, f"{path}: {name} names its program first"
        # A single text would be taken for a program's name at best.
        assert not isinstance(node.args[0], ast.Constant | ast.JoinedStr | ast.BinOp), path


def test_no_rule_uses_a_shell():
    for path in [ROOT / "Snakefile", *sorted((ROOT / "rules").glob("*.smk"))]:
        text = path.read_text(encoding="utf-8")
        assert not re.search(r"^\s*(shell|run|notebook|wrapper|cwl|container)\s*:", text, re.M), path
        assert not re.search(r"\b(shell|eval|exec)\(", text), path


def test_templates_escape_and_know_no_undefined_name(calls):
    made = [
        (path, node) for path, name, node in calls if name.rsplit(".", 1)[-1] in ("Environment", "Template")
    ]
    assert made
    for path, node in made:
        options = {keyword.arg: ast.unparse(keyword.value) for keyword in node.keywords}
        assert options.get("undefined", "").endswith("StrictUndefined"), path
        assert options.get("autoescape") in ("True", "False"), path
        # Markdown has no escaping of Jinja's; its own filter is tested with the digest.
        assert options["autoescape"] == "True" or "markdown" in path or "digest" in path, path


WORKFLOWS = sorted((ROOT / ".github/workflows").glob("*.y*ml"))


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
def test_a_workflow_gives_strangers_neither_a_shell_nor_a_token(path):
    text = path.read_text(encoding="utf-8")
    workflow = yaml.safe_load(text)
    # YAML takes the key "on" for true.
    events = workflow.get("on", workflow.get(True))
    assert not {"pull_request_target", "workflow_run", "issue_comment"} & set(events)
    # What the token may do is written down, and begins with nothing or with reading.
    assert workflow["permissions"] in ({}, {"contents": "read"})
    for name, job in workflow["jobs"].items():
        writes = {key for key, value in job.get("permissions", {}).items() if value == "write"}
        uses_secrets = re.search(r"\$\{\{[^}]*secrets\.(?!GITHUB_TOKEN)", yaml.safe_dump(job))
        assert not (writes and uses_secrets), f"{name} reads keys and may write"
        assert not ("pull_request" in events and (writes or uses_secrets)), name
        for step in job.get("steps", ()):
            # What is filled into a script is run; texts reach it by its environment.
            assert "${{" not in step.get("run", ""), f"{name}: {step.get('name', step['run'][:40])}"
            if "uses" in step:
                assert re.search(r"@[0-9a-f]{40}$", step["uses"]), f"{name}: {step['uses']} is not pinned"
