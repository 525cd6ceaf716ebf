"""Secrets planted in the environment are in nothing that a job, a failing one above all, leaves or says."""

import json
import os
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from urllib.parse import parse_qs

import pytest
from planted import PLANTED, leaks

from livingreview import tables
from livingreview.errors import InputError
from livingreview.living import releases

ROOT = Path(__file__).resolve().parents[2]
CRASHES = {
    "a fault of the program": "raise RuntimeError(f'asked with {environ}')",
    "bad input": "raise InputError('x.csv', column='doi', found=environ['NCBI_API_KEY'])",
    "the disk": "raise OSError(28, 'No space left on device', environ['LIVING_REVIEW_SMTP_PASSWORD'])",
    "a warning": "import warnings; warnings.warn(environ['LIVING_REVIEW_WEBHOOK_URL'])",
    "what is logged": "import logging; logging.getLogger('x').warning('%s and %r', environ, environ)",
    "what is printed": "print(environ, flush=True); print(environ, file=sys.stderr); sys.stderr.write('no end ' + str(environ))",
    "a chain of faults": "exec('try:\\n raise KeyError(str(environ))\\nexcept KeyError as e:\\n raise ValueError(2) from e')",
    "a program that it starts": "import subprocess; subprocess.run(['false', environ['NCBI_API_KEY']], check=True)",
    "a thread": "import threading; t = threading.Thread(target=lambda: 1 / len(environ['x'] + environ['NCBI_API_KEY'])); t.start(); t.join()",
}


@pytest.mark.parametrize("how", CRASHES)
def test_a_job_that_fails_shows_and_logs_no_secret(tmp_path, how):
    code = (
        "import sys\nfrom os import environ\nfrom types import SimpleNamespace\nfrom livingreview import stage\n"
        "from livingreview.errors import InputError\n"
        f"def main(job):\n    {CRASHES[how]}\n"
        "stage.run(main, SimpleNamespace(log=[sys.argv[1]], rule='x', input=[], output=[]))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path / "logs/2020-01/x.log")],
        env=os.environ | PLANTED | {"PYTHONPATH": str(ROOT / "scripts")},
        capture_output=True,
        text=True,
        check=False,
        cwd=tmp_path,
    )
    assert (tmp_path / "logs/2020-01/x.log").is_file()
    assert leaks(done.stdout, done.stderr, folder=tmp_path) == []
    if how not in ("a thread",):
        assert "[" in done.stdout + done.stderr


class Echo(BaseHTTPRequestHandler):
    """A server that refuses, and repeats in every way what it was sent."""

    def do_POST(self):
        form = self.rfile.read(int(self.headers["Content-Length"])).decode()
        key = parse_qs(form).get("api_key", [""])[0]
        data = json.dumps({"error": f"API key invalid: {key}", "api-key": key, "form": form}).encode()
        self.send_response(400)
        self.send_header("Content-Length", str(len(data)))
        self.send_header("X-Key", key)
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *_):
        """The test's output stays clean."""


@pytest.fixture
def echo():
    with HTTPServer(("127.0.0.1", 0), Echo) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_address[1]}/"
        server.shutdown()
        thread.join()


def test_a_month_whose_key_is_refused_and_echoed_shows_and_keeps_no_secret(tmp_path, echo, review_of):
    review = review_of(tmp_path / "review", base_url=echo)
    command = [sys.executable, "-m", "snakemake", "--snakefile", ROOT / "Snakefile", "--directory", review]
    # With all that Snakemake can be asked to say.
    command += [
        "--cores",
        "1",
        "--verbose",
        "--printshellcmds",
        "--show-failed-logs",
        "--until",
        "search_pubmed",
    ]
    done = subprocess.run(
        list(map(str, command)), env=os.environ | PLANTED, capture_output=True, text=True, check=False
    )
    assert done.returncode == 1
    assert "API key invalid: [NCBI_API_KEY]" in done.stderr
    assert list((review / ".snakemake/log").glob("*.log"))
    assert list((review / "logs").rglob("search_pubmed.log"))
    assert leaks(done.stdout, done.stderr, folder=review) == []


@pytest.mark.parametrize("name", ["notes.md", ".env", "smtp.env", "server.pem", ".netrc", "id_rsa"])
def test_a_release_takes_no_file_of_secrets_with_it(tmp_path, monkeypatch, name):
    for variable, value in PLANTED.items():
        monkeypatch.setenv(variable, value)
    held = PLANTED["NCBI_API_KEY"] if name == "notes.md" else "nothing that is known"
    tables.write_text(f"key: {held}\n", tmp_path / "data/decisions" / name)
    config = {"search": {"base_url": "https://eutils.ncbi.nlm.nih.gov/entrez/eutils/"}}
    with pytest.raises(InputError, match=r"holds NCBI_API_KEY|name as files of secrets") as stopped:
        list(releases._people_s_tables(tmp_path, config))
    assert leaks(str(stopped.value)) == []
