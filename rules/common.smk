# What every stage needs: the checked protocol, the run, and the snapshots up to it.
import sys
from pathlib import Path

sys.path.insert(0, str(Path(workflow.basedir) / "scripts"))

from snakemake.exceptions import WorkflowError

from livingreview import config as protocol
from livingreview import lock
from livingreview.errors import ReviewError
from livingreview.fingerprint import fingerprint
from livingreview.messages import done, reason_of_failure, say_last
from livingreview.screening.filing import refuse_unfiled
from livingreview.search import snapshot

try:
    protocol.check_file("config.yaml", config)
    # A job that an executor starts elsewhere reads this file too, under the lock of the run that sent it.
    if workflow.is_main_process:
        lock.hold(".snakemake/living-review.lock")
    # Snakemake removes a rule's outputs before it runs: a queue that a person has begun to fill in must be
    # filed before it may be made again.
    refuse_unfiled(f"results/{config['run']}/queue.csv", "data/decisions/screening.csv")
except ReviewError as error:
    say_last(f"\n{error}")
    raise WorkflowError("stopped before any job ran; the reason stands at the end") from None

RUN = config["run"]
TEMPLATES = Path(workflow.basedir) / "templates"

# Snapshots that exist are read from disk: no rule makes them, so none can overwrite them.
TAKEN = snapshot.runs("data/searches", RUN)
SNAPSHOTS = [f"data/searches/{run}/provenance.json" for run in sorted({*TAKEN, RUN})]

RELEASES = sorted(str(path) for path in Path("data/releases").glob("*/release.json"))
