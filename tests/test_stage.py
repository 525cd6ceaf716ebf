"""What a rule's script leaves in its log and shows at the terminal, whether it succeeds or fails."""

import os
import subprocess
import sys

import pytest


@pytest.fixture
def staged(tmp_path, root):
    """Runs a main(job) in a process of its own, as Snakemake does; returns its status, terminal and log."""

    def run(body, *inputs):
        code = (
            "import logging, sys, warnings\n"
            "from types import SimpleNamespace\n"
            "from livingreview import stage\n"
            "from livingreview.errors import InputError\n"
            f"def main(job):\n    {body}\n"
            "stage.run(main, SimpleNamespace(input=sys.argv[2:], log=[sys.argv[1]]))\n"
        )
        log = tmp_path / "logs" / "2020-01" / "example.log"
        done = subprocess.run(
            [sys.executable, "-c", code, str(log), *inputs],
            cwd=tmp_path,
            env=os.environ | {"PYTHONPATH": str(root / "scripts")},
            capture_output=True,
            text=True,
            check=False,
        )
        return done.returncode, done.stderr, log.read_text(encoding="utf-8")

    return run


def test_progress_goes_to_the_log_and_the_terminal(staged):
    status, terminal, log = staged("logging.getLogger('example').info('%d records', 7)")
    assert status == 0
    assert terminal == "  7 records\n"
    assert log.endswith(" INFO example: 7 records\n")


def test_a_link_in_the_place_of_the_log_empties_no_other_file(staged, tmp_path):
    (tmp_path / "logs/2020-01").mkdir(parents=True)
    (tmp_path / "theirs").write_text("kept")
    (tmp_path / "logs/2020-01/example.log").symlink_to(tmp_path / "theirs")
    assert staged("logging.info('here')")[2].endswith("here\n")
    assert (tmp_path / "theirs").read_text() == "kept"


def test_warnings_go_to_the_log(staged):
    status, _, log = staged("warnings.warn('an example of a warning')")
    assert status == 0
    assert "UserWarning: an example of a warning" in log


def test_bad_input_ends_with_its_text_alone_and_status_1(staged):
    status, terminal, log = staged("raise InputError('reports.csv', row=2, column='run', found='June')")
    assert status == 1
    assert terminal == "  reports.csv: row 2, column run: found 'June'\n"
    assert log.endswith(" ERROR livingreview.stage: reports.csv: row 2, column run: found 'June'\n")
    assert "Traceback" not in log


def test_a_fault_of_the_program_says_so_with_its_traceback(staged):
    status, terminal, log = staged("1 / 0")
    assert status == 1
    for text in (terminal, log):
        assert "this is a fault of the program, not of your data\nTraceback" in text
        assert text.rstrip().endswith("ZeroDivisionError: division by zero")


def test_a_full_disk_is_no_fault_of_the_program(staged):
    status, terminal, log = staged("raise OSError(28, 'No space left on device', 'data/searches/x')")
    assert status == 1
    for said in (terminal, log):
        assert "No space left on device: 'data/searches/x'; hint: is the disk full" in said
        assert "Traceback" not in said


def test_a_second_attempt_starts_its_log_anew(staged):
    staged("logging.info('first')")
    _, _, log = staged("logging.info('second')")
    assert "first" not in log
    assert "second" in log


def test_a_step_that_read_a_table_while_it_was_saved_fails_and_names_it(staged, tmp_path):
    table = tmp_path / "data/decisions/screening.csv"
    table.parent.mkdir(parents=True)
    table.write_text("record_id\n1\n")
    inputs = ["data/decisions/screening.csv", "results/x.csv"]
    status, terminal, _ = staged("open(job.input[0], 'a').write('2\\n')", *inputs)
    assert status == 1
    assert "data/decisions/screening.csv: saved while this step read it" in terminal
    assert staged("open(job.input[0]).read()", *inputs)[0] == 0
