"""The whole review and a bulk scan on a Slurm of one node, and the same on this machine alone."""

import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import yaml
from search.bulk_files import Series
from workflow.conftest import ROOT, shipped

pytestmark = pytest.mark.slurm
ONE_NODE = Path(__file__).with_name("with_one_node.sh")
SNAKEMAKE = Path(__file__).with_name("snakemake_each_second.py")
CONF = Path("/etc/slurm/slurm.conf")
RUN = "2026-11"
# A cluster without accounting.
ONE_NODE_OPTIONS = ["--slurm-no-account", "--slurm-status-command", "squeue"]


def start():
    """Start Slurm, in the hope that it comes up; it stops when its input ends, or when this process does."""
    command = ["setpriv", "--pdeathsig", "TERM", ONE_NODE, "sh", "-c", "echo ready; exec cat"]
    pipe = subprocess.PIPE
    slurm = subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=pipe, text=True)
    if slurm.stdout.readline() == "ready\n":
        return slurm
    _out, why = slurm.communicate()
    if slurm.returncode == 3:
        pytest.skip(why.strip())
    return pytest.fail(why)


def daemons():
    """Processes of a Slurm that run here, by name; those that have ended and nobody asked about are none."""
    found = subprocess.run(
        ["ps", "-e", "-o", "stat=,comm="], capture_output=True, text=True, check=True
    ).stdout.split("\n")
    names = {line.split()[1] for line in found if line.strip() and not line.startswith("Z")}
    return names & {"munged", "slurmctld", "slurmd", "slurmstepd"}


def ends(condition, seconds=20):
    """Whether a condition stops holding within a time."""
    until = time.monotonic() + seconds
    while condition() and time.monotonic() < until:
        time.sleep(0.1)
    return not condition()


@pytest.fixture(scope="session")
def slurm():
    """A Slurm of one node; after the last test nothing of it is left."""
    running = start()
    yield
    running.communicate("")
    assert not daemons()
    assert not CONF.exists()


def on_slurm(review, *options):
    """Build a review through the profile, as a person on a cluster does: no number of cores limits it."""
    # It ends with the test, and takes its jobs back.
    command = ["setpriv", "--pdeathsig", "TERM"]
    command += [sys.executable, SNAKEMAKE, "--snakefile", ROOT / "Snakefile"]
    command += ["--directory", review.folder, "--profile", ROOT / "profiles" / "slurm"]
    command += [*ONE_NODE_OPTIONS, *options]
    return subprocess.run(list(map(str, command)), capture_output=True, text=True, check=False)


def on_both(there, here, *targets):
    """Build a review on Slurm and another here, at the same time: much of either is waiting."""
    with ThreadPoolExecutor(1) as beside:
        local = beside.submit(here.snakemake, *targets)
        return on_slurm(there, *targets), local.result()


@pytest.fixture(scope="session")
def with_files(tmp_path_factory):
    """The bundled review beside twenty of PubMed's files, not built; a function that copies it."""
    folder = tmp_path_factory.mktemp("slurm")
    review = shipped(folder / "review")
    Series(review.path("pubmed-files"), files=20, records=100)
    config = yaml.safe_load(review.path("config.yaml").read_text(encoding="utf-8"))
    config["search"]["bulk"] = {"folder": "pubmed-files", "as_of": "2026-11-20"}
    review.path("config.yaml").write_text(yaml.safe_dump(config, allow_unicode=True), encoding="utf-8")
    return lambda name: review.copy(folder / name)


def last_words(done):
    """What a failed run says last, below what Snakemake says."""
    return done.stderr.rpartition("\n\n")[2]


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGKILL])
def test_slurm_stops_however_it_is_ended(how):
    killed = start()
    assert {"munged", "slurmctld", "slurmd"} <= daemons()
    killed.send_signal(how)
    killed.communicate()
    assert ends(daemons)
    # A kill leaves the configuration; the next start takes it for its own.
    assert CONF.exists() == (how == signal.SIGKILL)


def test_a_second_slurm_is_refused_and_the_first_goes_on(slurm):
    before = CONF.read_bytes()
    second = subprocess.run([ONE_NODE, "true"], capture_output=True, text=True, check=False)
    assert second.returncode == 2
    assert "is running here already" in second.stderr
    assert CONF.read_bytes() == before
    assert {"munged", "slurmctld", "slurmd"} <= daemons()


def test_a_month_and_a_bulk_scan_are_the_same_to_the_byte(slurm, with_files):
    here, there = with_files("here"), with_files("there")
    done, local = on_both(there, here, "all", "bulk")
    assert local.returncode == 0, local.stderr
    assert done.returncode == 0, done.stderr
    expected, found = here.files("results"), there.files("results")
    assert sorted(found) == sorted(expected)
    assert [name for name in expected if found[name] != expected[name]] == []
    # One submission for the month, one for each file, and one each to put together and to compare.
    assert done.stderr.count("has been submitted with SLURM jobid") == 1 + 20 + 2
    again = there.snakemake("all", "bulk")
    assert "Nothing to be done" in again.stdout + again.stderr


def test_a_table_that_a_person_broke_is_the_last_word_on_slurm_too(slurm, with_files):
    broken = [with_files("broken-table-there"), with_files("broken-table-here")]
    for review in broken:
        review.replace("data/decisions/screening.csv", ",include,", ",perhaps,")
    there, here = on_both(*broken, f"results/{RUN}/records.csv")
    assert there.returncode == here.returncode == 1
    assert "found 'perhaps'; allowed: include, exclude, awaiting" in last_words(there)
    assert last_words(there) == last_words(here)


def test_a_file_of_pubmed_that_is_damaged_is_the_last_word_on_slurm_too(slurm, with_files):
    broken = [with_files("broken-file-there"), with_files("broken-file-here")]
    for review in broken:
        review.path("pubmed-files/pubmed26n0007.xml.gz").write_bytes(b"cut off on the way")
    there, here = on_both(*broken, "results/bulk/scans/pubmed26n0007.json")
    assert there.returncode == here.returncode == 1
    assert "pubmed26n0007.xml.gz" in last_words(there)
    assert last_words(there) == last_words(here)
