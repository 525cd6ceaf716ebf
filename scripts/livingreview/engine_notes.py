"""What Snakemake noted of the results, and what to do about results of which its notes are lost.

Snakemake keeps a small file for each output under ``.snakemake/metadata``: with which parameters, code and
inputs it was made. It writes them without flushing them to disk, and takes an output without a readable note
for a finished one, whatever has changed since. After a power cut, on a full disk, or when somebody has
removed the folder, old results would so pass for new ones.
"""

import base64
import json
from pathlib import Path

METADATA, INCOMPLETE = "metadata", "incomplete"


def doubt(folder, outputs):
    """Have those outputs made again that are there without a readable note.

    They are marked as a run that was interrupted would have left them; with ``rerun-incomplete`` Snakemake
    makes these again.

    Parameters
    ----------
    folder : path
        ``.snakemake``.
    outputs : iterable of str
        Paths as the rules name them; those with wildcards are passed over.

    Returns
    -------
    list of str
        What was marked.
    """
    folder = Path(folder)
    doubted = []
    for output in map(str, outputs):
        name = base64.urlsafe_b64encode(output.encode()).decode()
        if "{" in output or not Path(output).exists() or _readable(folder / METADATA / name):
            continue
        marker = folder / INCOMPLETE / name
        if not marker.exists():
            marker.parent.mkdir(parents=True, exist_ok=True)
            marker.write_text(json.dumps({"external_jobid": None}))
        doubted.append(output)
    return doubted


def _readable(path):
    try:
        return bool(json.loads(path.read_bytes()))
    except (OSError, ValueError):
        return False
