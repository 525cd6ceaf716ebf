"""What config.yaml says of a month's messages, also while the rest of it is at fault."""

from pathlib import Path

import yaml

from livingreview import config as protocol
from livingreview.errors import InputError

ROOT = Path(__file__).resolve().parents[4]


def loose(review):
    """The keys of a review's config.yaml unchecked; empty if it cannot be read.

    A fault in the protocol is what people have to be told of, so that it must not keep the message from them.
    """
    try:
        found = yaml.safe_load((Path(review) / "config.yaml").read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError):
        return {}
    return found if isinstance(found, dict) else {}


def notify(review):
    """The part ``notify``, checked; empty if there is none.

    Raises
    ------
    InputError
        If that part is at fault; what it holds is not repeated, since people put passwords where none belong.
    """
    path = Path(review) / "config.yaml"
    try:
        text = path.read_text(encoding="utf-8")
        found = yaml.safe_load(text)
    except (OSError, UnicodeDecodeError, yaml.YAMLError):
        raise InputError(
            path, problem="it cannot be read, so that nobody can be told", hint="mend it"
        ) from None
    part = found.get("notify") if isinstance(found, dict) else None
    return {} if part is None else protocol.check_notify(part, path)


def channels(review):
    """The ways by which people are told, each with its settings; raises as `notify`."""
    asked = notify(review)
    return {name: asked[name] for name in ("email", "webhook") if name in asked}


def folder(config):
    """How recipients reach the review's folder, as the protocol states it, or an empty text."""
    part = config.get("notify")
    return str(part.get("folder") or "") if isinstance(part, dict) else ""
