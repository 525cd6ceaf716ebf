"""What a script loads before it does anything: a month starts thirty of them, and each second counts so often."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
# Scripts that train a model or test distributions load what that takes when they come to it, not before.
SLOW = {"scipy.stats", "scipy.optimize", "sklearn"}
PROBE = """
import importlib, json, sys
sys.path.insert(0, sys.argv[1])
found = {}
for name in sys.argv[2].split():
    before = set(sys.modules)
    importlib.import_module(name)
    found[name] = sorted(set(sys.modules) - before)
print(json.dumps(found))
"""


@pytest.fixture(scope="module")
def loaded():
    """Of each script, imported one after the other in one process, the modules that it was first to load."""
    names = [path.stem for path in sorted((ROOT / "scripts").glob("*.py"))]
    done = subprocess.run(
        [sys.executable, "-c", PROBE, str(ROOT / "scripts"), " ".join(names)],
        capture_output=True,
        text=True,
        check=True,
    )
    return json.loads(done.stdout)


def test_no_script_loads_statistics_or_learning_that_it_may_not_need(loaded):
    assert {name: found for name, modules in loaded.items() if (found := SLOW.intersection(modules))} == {}


def test_reading_the_rules_loads_neither_statistics_nor_what_ranks():
    """Every command waits for what rules/common.smk loads, also one with nothing to do."""
    text = (ROOT / "rules/common.smk").read_text(encoding="utf-8")
    imports = re.findall(
        r"^(?:from|import) livingreview[\w. ]*(?:import )?(?:\([^)]*\)|[^(\n]*$)", text, re.M
    )
    assert len(imports) > 5
    code = "\n".join(["import json, sys", "sys.path.insert(0, sys.argv[1])", *imports])
    code += "\nprint(json.dumps(sorted(sys.modules)))"
    done = subprocess.run(
        [sys.executable, "-c", code, str(ROOT / "scripts")], capture_output=True, text=True, check=True
    )
    assert (SLOW | {"livingreview.screening.ranker"}).isdisjoint(json.loads(done.stdout))
