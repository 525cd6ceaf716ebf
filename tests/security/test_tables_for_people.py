"""Tables that people open in a spreadsheet hold no formula, and files that people type in keep no secret."""

import subprocess
from pathlib import Path

import pytest

from livingreview import config as protocol
from livingreview.errors import InputError

ROOT = Path(__file__).resolve().parents[2]
KEY = "f00dfeed0123456789abcdef9876543210ab"
# Modules that write CSV by a way of their own, and why no text of others stands there unguarded.
GUARDED = {
    "livingreview/tables.py",
    "livingreview/screening/exchange/writing.py",
    "livingreview/trials/exchange/metapsy.py",
}
NO_WORDS = {
    "livingreview/screening/ranking/prior.py": "words of the shipped model, letters and digits",
    "livingreview/search/pubmed/bulk.py": "numbers, and names of files that NCBI's pattern fits",
    "livingreview/search/imports/exports.py": "an import that is read again at once, and never kept",
    "livingreview/operation/measured.py": "names of rules, and numbers",
}


def test_whatever_writes_csv_guards_formulas_or_writes_none_of_others_words(calls):
    found = {path for path, name, _ in calls if name in ("csv.writer", "csv.DictWriter", "DictWriter")}
    found |= {path for path, name, _ in calls if name.endswith(".to_csv") and not name.startswith("tables.")}
    assert found == GUARDED | NO_WORDS.keys()
    guarding = {path for path, name, _ in calls if name == "guarded"}
    assert guarding >= GUARDED


def test_a_key_in_the_config_is_refused_and_not_repeated(tmp_path, shipped):
    for place in ((), ("search",), ("review",)):
        import copy

        changed = copy.deepcopy(shipped)
        inner = changed
        for name in place:
            inner = inner[name]
        inner["api_key"] = KEY
        with pytest.raises(InputError, match=r"unknown key (\w+\.)?api_key") as stopped:
            protocol.check(changed)
        assert KEY not in str(stopped.value)


@pytest.mark.parametrize(
    "name",
    [
        ".env",
        ".env.local",
        "secrets.env",
        "deploy/living-review.env",
        "data/.netrc",
        "tls/server.key",
        "x.pem",
    ],
)
def test_git_keeps_no_file_of_secrets(name):
    done = subprocess.run(["git", "-C", ROOT, "check-ignore", "-q", "--no-index", name], check=False)
    assert done.returncode == 0
