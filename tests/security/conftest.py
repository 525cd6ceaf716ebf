"""The project's code as syntax trees, parsed once."""

import ast
from pathlib import Path

import pytest

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
