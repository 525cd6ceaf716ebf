"""docs/security.md names tests that exist, and every module of tests of security."""

import ast
import re
from pathlib import Path

import pytest

from livingreview.secrets import SECRET_VARIABLES

ROOT = Path(__file__).resolve().parents[2]
DOCUMENT = (ROOT / "docs/security.md").read_text(encoding="utf-8")
NAMED = re.findall(r"`(tests/[\w/]+\.py)::(test_\w+)`", DOCUMENT)


@pytest.mark.parametrize(("path", "name"), sorted(set(NAMED)), ids=lambda text: text.split("/")[-1][:60])
def test_a_test_that_the_threat_model_names_exists(path, name):
    tree = ast.parse((ROOT / path).read_text(encoding="utf-8"))
    assert name in {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}


def test_every_threat_names_what_stops_it_and_a_test_or_a_page_that_shows_it():
    threats = DOCUMENT.split("## Threats")[1].split("\n## ")[0]
    rows = [line for line in threats.splitlines() if line.startswith("| ") and "what stops it" not in line]
    assert len(rows) > 25
    for row in rows:
        _, what, stops, shown, _ = re.split(r"(?<!\\)\|", row)
        assert what.strip(), row
        assert stops.strip(), row
        assert re.search(r"`tests/[\w/]+\.py::test_\w+`|\]\(\w+\.md\)", shown), row


def test_every_module_of_tests_of_security_is_named():
    modules = {f"tests/security/{path.name}" for path in (ROOT / "tests/security").glob("test_*.py")}
    assert modules - {path for path, _ in NAMED} - {"tests/security/test_threats.py"} == set()


def test_every_secret_is_described():
    described = re.findall(r"^\| `([A-Z_]+)` \|", DOCUMENT, re.M)
    assert sorted(described) == sorted(SECRET_VARIABLES)
