"""The project's code as syntax trees, parsed once, and a review without searches."""

import ast
import shutil
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]


# Of a module's tree what the tests look at; all else is most of it.
LOOKED_AT = (ast.Call, ast.Import, ast.ImportFrom, ast.keyword, ast.Attribute, ast.Name)


@pytest.fixture(scope="session")
def code():
    """(path below scripts/, node) of the calls, imports and names in every module and script."""
    found = []
    for path in sorted((ROOT / "scripts").rglob("*.py")):
        name = path.relative_to(ROOT / "scripts").as_posix()
        tree = ast.parse(path.read_text(encoding="utf-8"))
        found += [(name, node) for node in ast.walk(tree) if isinstance(node, LOOKED_AT)]
    return found


@pytest.fixture(scope="session")
def calls(code):
    """(path, dotted name, call) of every call in the code."""
    return [(path, dotted(node.func), node) for path, node in code if isinstance(node, ast.Call)]


def dotted(node):
    """A name as it is written, such as subprocess.run; of what is no plain name, its last part."""
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Attribute):
        owner = dotted(node.value)
        return f"{owner}.{node.attr}" if owner else f".{node.attr}"
    return ""


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
