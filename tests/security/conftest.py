"""The project's code as syntax trees, parsed once, and a review without searches."""

import ast
import shutil
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="session")
def code():
    """Path below scripts/ -> syntax tree, of every module and script."""
    paths = sorted((ROOT / "scripts").rglob("*.py"))
    return {
        path.relative_to(ROOT / "scripts").as_posix(): ast.parse(path.read_text(encoding="utf-8"))
        for path in paths
    }


@pytest.fixture(scope="session")
def calls(code):
    """(path, name as it is written, call) of every call in the code."""
    return [
        (path, ast.unparse(node.func), node)
        for path, tree in code.items()
        for node in ast.walk(tree)
        if isinstance(node, ast.Call)
    ]


@pytest.fixture
def review_of(shipped):
    """Lays out the bundled review with a config of its own."""

    def make(folder, **search):
        shutil.copytree(ROOT / "data", folder / "data", ignore=shutil.ignore_patterns("sheets", ".*"))
        # What the sandbox answered, which no other server's answers are added to.
        shutil.rmtree(folder / "data/searches")
        shipped["search"] |= search
        (folder / "config.yaml").write_text(yaml.safe_dump(shipped, sort_keys=False))
        return folder

    return make
