"""Secrets that a test plants in the environment, and the search for them in everything that was produced."""

import base64
import urllib.parse

PLANTED = {
    "NCBI_API_KEY": "f00dfeed0123456789abcdef9876543210ab",
    "LIVING_REVIEW_SMTP_PASSWORD": "planted-Pass/w0rd+1",
    "LIVING_REVIEW_WEBHOOK_URL": "https://hooks.example.org/services/T01/B02/plantedplantedplanted",
    "LIVING_REVIEW_WEBHOOK_TOKEN": "planted-token-0123456789",
}
# By a way of its own, not by the one that is tested: pieces of each that nothing else holds.
PIECES = ["f00dfeed0123456789", "planted-Pass", "w0rd+1", "plantedplanted", "planted-token"]
SPELT = [
    urllib.parse.quote("Pass/w0rd", safe=""),
    *(base64.b64encode(PLANTED[name].encode()).decode().rstrip("=")[:-2] for name in PLANTED),
]


def leaks(*texts, folder=None):
    """Where a planted secret stands: the names of files below a folder, and "text n"."""
    given = {f"text {number}": text.encode() for number, text in enumerate(texts)}
    if folder is not None:
        given |= {str(path): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
        given |= {f"{path} (its name)": str(path).encode() for path in folder.rglob("*")}
    wanted = [piece.lower().encode() for piece in (*PIECES, *SPELT)]
    return sorted(name for name, data in given.items() if any(piece in data.lower() for piece in wanted))
