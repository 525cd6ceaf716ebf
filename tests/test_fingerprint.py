"""Code that a result depends on changes its rule's fingerprint; nothing else does."""

import ast
import os
import shutil
import subprocess
import sys

import pytest

from livingreview import fingerprint as module

SCRIPT = "compute_effects.py"
INDIRECT = "livingreview/errors.py"  # imported by livingreview.tables and trials.effects
UNRELATED = "livingreview/screening/ranker.py"


@pytest.fixture
def code(tmp_path, root, monkeypatch):
    """A copy of the code that may be edited."""
    scripts = tmp_path / "scripts"
    shutil.copytree(root / "scripts", scripts, ignore=shutil.ignore_patterns("__pycache__"))
    monkeypatch.setattr(module, "SCRIPTS", scripts)
    module._imports.cache_clear()
    yield scripts
    module._imports.cache_clear()


def edit(path):
    path.write_text(path.read_text(encoding="utf-8") + "\n# edited\n", encoding="utf-8")


@pytest.mark.parametrize(
    "edited", [SCRIPT, "livingreview/trials/effects.py", INDIRECT, "livingreview/trials/__init__.py"]
)
def test_an_edit_of_the_script_or_of_anything_it_imports_changes_it(code, edited):
    before = module.fingerprint(SCRIPT)
    edit(code / edited)
    assert module.fingerprint(SCRIPT) != before


@pytest.mark.parametrize("edited", [UNRELATED, "rank_records.py", "livingreview/report/pages.py"])
def test_an_edit_of_what_is_not_imported_does_not(code, edited):
    before = module.fingerprint(SCRIPT)
    edit(code / edited)
    assert module.fingerprint(SCRIPT) == before


def _named_by_the_parser(path):
    """Dotted names of all that a file may import."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom):
            yield from (node.module, *(f"{node.module}.{alias.name}" for alias in node.names))
        elif isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)


def _file_of(name, scripts):
    place = scripts.joinpath(*name.split("."))
    return next((path for path in (place.with_suffix(".py"), place / "__init__.py") if path.is_file()), None)


def test_the_imports_that_are_seen_are_those_that_the_parser_sees(root):
    scripts = root / "scripts"
    for path in sorted(scripts.rglob("*.py")):
        named = {name for name in _named_by_the_parser(path) if name.split(".")[0] == "livingreview"}
        parsed = {file for file in (_file_of(name, scripts) for name in named) if file}
        seen = module._imports(path)
        assert parsed <= seen, path
        assert {file for file in seen if file.name != "__init__.py"} <= parsed, path


def test_an_import_is_seen_over_several_lines_under_another_name_and_inside_a_function(code):
    path = code / SCRIPT
    path.write_text(
        "from livingreview import (\n    tables as t,  # livingreview.lock is none\n    errors,\n)\n"
        "import csv, livingreview.config\n\n\ndef main(job):\n    from livingreview.living import flow\n"
    )
    assert {file.relative_to(code / "livingreview").as_posix() for file in module._imports(path)} == {
        "__init__.py", "config.py", "errors.py", "living/__init__.py", "living/flow.py", "tables.py",
    }  # fmt: skip


def test_a_new_time_stamp_does_not(code):
    before = module.fingerprint(SCRIPT)
    for path in code.rglob("*.py"):
        os.utime(path, (1, 1))
    assert module.fingerprint(SCRIPT) == before


def test_another_place_of_the_same_code_does_not(code, root, monkeypatch):
    copied = module.fingerprint(SCRIPT, code / "livingreview" / "errors.py")
    monkeypatch.setattr(module, "SCRIPTS", root / "scripts")
    assert module.fingerprint(SCRIPT, root / "scripts" / "livingreview" / "errors.py") == copied


def test_a_further_file_or_a_file_of_a_further_folder_changes_it(code, tmp_path):
    templates = tmp_path / "templates"
    (templates / "report").mkdir(parents=True)
    (templates / "report" / "example.j2").write_text("one")
    before = module.fingerprint(SCRIPT, templates)
    assert before != module.fingerprint(SCRIPT)
    (templates / "report" / "example.j2").write_text("two")
    assert module.fingerprint(SCRIPT, templates) != before


def test_two_files_of_one_name_that_swap_their_contents_change_it(code):
    script = "count_flow.py"
    before = module.fingerprint(script)
    one, other = code / "livingreview/living/__init__.py", code / "livingreview/screening/__init__.py"
    kept = one.read_bytes()
    one.write_bytes(other.read_bytes())
    other.write_bytes(kept)
    assert module.fingerprint(script) != before


def test_it_is_the_same_in_every_process(root):
    """Python orders sets of paths anew in each process; files of one name must not be told by that order."""
    line = "from livingreview.fingerprint import fingerprint; print(fingerprint('build_report.py'))"
    found = {
        subprocess.run(
            [sys.executable, "-c", line],
            env=os.environ | {"PYTHONPATH": str(root / "scripts"), "PYTHONHASHSEED": str(seed)},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in range(1, 7)
    }
    assert len(found) == 1


def test_digests_see_what_a_file_says_and_not_its_age(tmp_path):
    path = tmp_path / "a.ris"
    path.write_text("one")
    before = module.digests([path, tmp_path])
    assert before[str(tmp_path)] == ""
    path.write_text("two")
    os.utime(path, (0, 0))
    assert module.digests([path])[str(path)] != before[str(path)]
    path.write_text("one")
    assert module.digests([path])[str(path)] == before[str(path)]


def test_the_whole_program_has_one_that_follows_from_its_files_and_not_from_their_place(tmp_path):
    one, two = tmp_path / "one", tmp_path / "two"
    for name in ("Snakefile", "rules/a.smk", "scripts/b.py", "templates/c.j2", "requirements.lock"):
        for root in (one, two):
            (root / name).parent.mkdir(parents=True, exist_ok=True)
            (root / name).write_text(name, encoding="utf-8")
    (two / "scripts/__pycache__").mkdir()
    (two / "scripts/__pycache__/b.pyc").write_text("compiled", encoding="utf-8")
    (two / "README.md").write_text("words", encoding="utf-8")
    assert module.of_all_code(one) == module.of_all_code(two)
    edit(two / "templates/c.j2")
    assert module.of_all_code(one) != module.of_all_code(two)
    edit(one / "templates/c.j2")
    (one / "templates/c.j2").rename(one / "templates/d.j2")
    assert module.of_all_code(one) != module.of_all_code(two)
