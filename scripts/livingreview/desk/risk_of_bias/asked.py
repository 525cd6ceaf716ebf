"""What the protocol asks of those who judge risk of bias."""

from dataclasses import dataclass

from livingreview.errors import InputError
from livingreview.trials import bias_blinding, bias_tools

FOLDER = "data/trials/tools"
KEY = "extraction.risk_of_bias"


@dataclass(frozen=True)
class Asked:
    """How risk of bias is judged.

    Attributes
    ----------
    tools : dict of str to Tool
        Those that may be used, in the order of the protocol.
    labels : dict of str to str
        What each tool that there is is called; judgements by others stay to be seen.
    named : bool
        Whether the protocol names them; else any tool that there is may be chosen.
    per_outcome : bool or None
        Whether each outcome has its own assessment; None where the protocol does not say.
    names : tuple of str
        The two who judge by themselves; empty where one person judges.
    """

    tools: dict
    labels: dict
    named: bool
    per_outcome: bool | None
    names: tuple


def load(review):
    """The tools of the program and of the review; `InputError` if a file of one is broken."""
    return bias_tools.load([bias_tools.SHIPPED, review / FOLDER])


def tools_of(held):
    """Every tool that there is, read again when a file of the review's own has changed."""
    own = sorted((held.review / FOLDER).glob("*.yaml"))
    paths = [f"{FOLDER}/{path.name}" for path in own]
    return held.derived("bias tools", paths, lambda *_: load(held.review))


def read(config, tools):
    """What a protocol asks.

    Parameters
    ----------
    config : dict
    tools : dict of str to Tool
        From `load`.

    Raises
    ------
    InputError
        A tool that the protocol names and that there is not.
    """
    asked = config.get("extraction", {}).get("risk_of_bias", {})
    named = asked.get("tools", [])
    unknown = [name for name in named if name not in tools]
    if unknown:
        raise InputError(
            "config.yaml",
            problem=f"key {KEY}.tools: no such tool",
            found=", ".join(unknown),
            allowed=", ".join(sorted(tools)),
            hint="a tool is a file in data/trials/tools/",
        )
    return Asked(
        tools={name: tools[name] for name in named or sorted(tools)},
        labels={name: tool.label for name, tool in tools.items()},
        named=bool(named),
        per_outcome={"outcome": True, "study": False}.get(asked.get("per")),
        names=bias_blinding.assessors(config.get("extraction", {})),
    )
