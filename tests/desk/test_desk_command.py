"""The command that opens the desk, as a person starts it."""

import os
import re
import shutil
import signal
import socket
import stat
import subprocess
import sys
import urllib.request

import pytest

import open_desk
from livingreview.desk import app, faults, guard, serving
from livingreview.errors import ReviewError

SCRIPT = app.templating.TEMPLATES.parent / "scripts/open_desk.py"


@pytest.fixture
def folder(tmp_path):
    """A review of which nothing is built."""
    root = SCRIPT.parents[1]
    review = tmp_path / "review"
    review.mkdir()
    shutil.copy(root / "config.yaml", review)
    shutil.copytree(root / "data/decisions", review / "data/decisions")
    return review


class Heard:
    """Stands for a server: says who could reach it, and ends."""

    def __init__(self, made, listener):
        self.made, self.address = made, listener.getsockname()

    def run(self):
        """As a server that is interrupted at once."""


@pytest.fixture
def heard(monkeypatch):
    """The servers that the command would have run."""
    made = []
    monkeypatch.setattr(serving, "server", lambda *given: made.append(Heard(*given)) or made[-1])
    return made


def read(address):
    with urllib.request.build_opener(urllib.request.HTTPCookieProcessor()).open(address) as answer:
        return answer.read().decode(), answer.headers


def test_it_prints_an_address_that_opens_the_desk_and_says_nothing_of_its_server(folder, started):
    process, address = started(folder)
    text, headers = read(address)
    assert "Who is at the desk?" in text
    assert headers["Server"] is None
    assert headers["Content-Security-Policy"] == guard.POLICY
    process.send_signal(signal.SIGTERM)
    assert process.stderr.read().endswith("The desk is closed.\n")
    assert process.wait(timeout=10) == 0
    assert stat.S_IMODE((folder / guard.KEY).stat().st_mode) == 0o600


def test_ctrl_c_closes_it_in_a_locale_of_few_letters(folder):
    text = (folder / "config.yaml").read_text(encoding="utf-8")
    changed = re.sub(r"(?m)^(  title: ).*$", r"\1Schmerz – λ 痛み", text, count=1)
    (folder / "config.yaml").write_text(changed, encoding="utf-8")
    command = [sys.executable, SCRIPT, "--directory", folder, "--port", "0"]
    env = os.environ | {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
    process = subprocess.Popen(command, stderr=subprocess.PIPE, env=env)
    lines = iter(process.stderr.readline, b"")
    address = next(found[0] for line in lines if (found := re.search(r"http://\S+", line.decode())))
    text, _ = read(address)
    assert "Schmerz – λ 痛み" in text
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=10)
    assert process.returncode == 0


def test_only_this_computer_can_reach_it(folder, heard):
    assert open_desk.main(["--directory", str(folder), "--port", "0"]) == 0
    assert heard[0].address[0] == "127.0.0.1"
    with serving.listen(0) as listener:
        assert listener.getsockname()[0] == "127.0.0.1"
    assert "0.0.0.0" not in SCRIPT.read_text(encoding="utf-8")


def test_a_port_that_was_asked_for_and_is_taken_is_an_error(folder, heard, capsys):
    with serving.listen(0) as other:
        port = other.getsockname()[1]
        assert open_desk.main(["--directory", str(folder), "--port", str(port)]) == 1
    assert f"port {port} cannot be had" in capsys.readouterr().err
    with pytest.raises(ReviewError, match="port 99999 cannot be had"):
        serving.listen(99999)
    assert heard == []


def test_where_the_usual_port_is_taken_another_is_named(folder, heard, capsys, monkeypatch):
    with socket.create_server(("127.0.0.1", 0)) as other:
        monkeypatch.setattr(serving, "PORT", other.getsockname()[1])
        assert open_desk.main(["--directory", str(folder)]) == 0
    port = heard[0].address[1]
    assert f"is taken, by another desk perhaps; this one has port {port}." in capsys.readouterr().err


def test_a_browser_that_is_opened_gets_a_token_for_one_time(folder, heard, capsys):
    shown = []
    command = ["--directory", str(folder), "--port", "0", "--open"]
    open_desk.main(command, token="printed", browse=lambda address: shown.append(address) or True)
    top = f"http://127.0.0.1:{heard[0].address[1]}"
    path = shown[0].removeprefix(top)
    assert "printed" not in path
    asked = [heard[0].made.test_client().get(path, base_url=top).status_code for _ in range(2)]
    assert asked == [302, 401]
    open_desk.main(command, browse=lambda _: False)
    assert "No browser could be started; open the address above." in capsys.readouterr().err


def test_tokens_of_two_starts_differ_and_are_long(folder, heard, capsys):
    for _ in range(2):
        open_desk.main(["--directory", str(folder), "--port", "0"])
    tokens = re.findall(r"\?token=(\S+)", capsys.readouterr().err)
    assert len(set(tokens)) == 2
    assert all(len(token) >= 32 for token in tokens)


@pytest.mark.parametrize(
    ("break_it", "told"),
    [
        (lambda folder: (folder / "config.yaml").unlink(), "config.yaml: "),
        (lambda folder: (folder / "config.yaml").write_text("run: ["), "config.yaml: "),
        (lambda folder: (folder / "data/escape").symlink_to("/etc"), "a link that leads out of data/"),
        (lambda folder: (folder / guard.KEY).mkdir(parents=True), "not a link or a folder"),
    ],
    ids=["no protocol", "broken protocol", "a link out", "a folder for a key"],
)
def test_what_is_wrong_before_it_opens_is_said_and_nothing_opens(folder, heard, capsys, break_it, told):
    break_it(folder)
    assert open_desk.main(["--directory", str(folder), "--port", "0"]) == 1
    assert told in capsys.readouterr().err
    assert heard == []


def test_what_a_killed_writer_left_is_removed_at_the_start(folder, heard):
    left = folder / "data/decisions/.screening.csv.0123abcd.partial"
    left.write_text("half a ledger")
    assert open_desk.main(["--directory", str(folder), "--port", "0"]) == 0
    assert not left.exists()


def test_the_log_is_the_review_s_own_and_closed_with_the_desk(folder, heard):
    open_desk.main(["--directory", str(folder), "--port", "0"])
    assert not (folder / faults.LOG).exists()
