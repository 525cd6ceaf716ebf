"""What Snakemake noted of the results, and what to do about results of which its notes are lost.

Snakemake keeps a small file for each output under ``.snakemake/metadata``: with which parameters, code and
inputs it was made. It writes them without flushing them to disk, and takes an output without a readable note
for a finished one, whatever has changed since. After a power cut, on a full disk, or when somebody has
removed the folder, old results would so pass for new ones. So would they after the clock was set back: a
table that is saved then looks older than what was made of it before.
"""

import base64
import hashlib
import json
from pathlib import Path

from livingreview.saved_meanwhile import among

METADATA, INCOMPLETE = "metadata", "incomplete"


def doubt(folder, outputs):
    """Have those outputs made again that are there without a readable note, or of other tables of people.

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
    doubted, digests = [], {}
    for output in map(str, outputs):
        name = base64.urlsafe_b64encode(output.encode()).decode()
        if "{" in output or not Path(output).exists() or _holds(folder / METADATA / name, digests):
            continue
        marker = folder / INCOMPLETE / name
        if not marker.exists():
            marker.parent.mkdir(parents=True, exist_ok=True)
            marker.write_text(json.dumps({"external_jobid": None}))
        doubted.append(output)
    return doubted


def _holds(path, digests):
    """Whether a note can be read, and people's tables are still those that it names, whatever their dates."""
    try:
        note = json.loads(path.read_bytes())
    except (OSError, ValueError):
        return False
    made_of = note.get("input_checksums") or {}
    return bool(note) and all(made_of[table] == _digest(table, digests) for table in among(made_of))


def _digest(path, known):
    """The digest of a file as Snakemake writes it; each file is read once."""
    if path not in known:
        data = Path(path).read_bytes() if Path(path).is_file() else b""
        known[path] = f"sha256:{hashlib.sha256(data).hexdigest()}"
    return known[path]
