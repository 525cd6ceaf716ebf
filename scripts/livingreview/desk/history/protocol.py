"""The protocol for people to read: every key with its value, what it means, and whether it has changed.

What a key means is said in one place, the comments of config.yaml: those of the review's own file, and for
keys on which it is silent those that a new review is given.
"""

import re

from livingreview import __version__, tables
from livingreview.living import methods_changes, releases
from livingreview.living.methods_changes import flat
from livingreview.operation.reviews import scaffold

# Keys of the protocol by what they are about, in the order in which a protocol is read.
PARTS = {
    "Question": ("review",),
    "Eligibility": ("eligibility",),
    "Search": ("search",),
    "Screening": ("screening",),
    "Extraction": ("extraction",),
    "Outcomes": ("outcomes", "other_outcomes"),
    "Analysis": ("analysis", "subgroups", "moderators", "interpretation"),
    "Certainty of the evidence": ("certainty",),
    "Triggers": ("triggers",),
    "Living mode": ("living",),
    "Telling people": ("notify",),
    "The month, and rehearsals": ("run", "version", "rehearsal"),
}
LINE = re.compile(r"(?P<indent> *)(?P<item>- )?(?P<key>[a-z_][A-Za-z0-9_]*):(?P<rest>\s.*|)")
TRAILING = re.compile(r"\s#\s+(.*)$")
BLOCK = re.compile(r"\s*[>|][+-]?\s*$")
REASONS = "data/methods/changes.csv"
ANY = "*"  # in the place of a name that the people of a review choose


def changes(held):
    """What changed in the methods since the last release, by the protocol and the reasons of now.

    As `methods_changes.since` gives it.
    """
    run = held.run()
    frozen = sorted((held.review / "data/releases").glob(f"*/{releases.RELEASE}"))
    files = ["config.yaml", REASONS, *(path.relative_to(held.review).as_posix() for path in frozen)]

    def make(*_):
        last = releases.last_before(releases.read_all(held.review), run)
        reasons = held.table(REASONS, "methods_changes", optional=True)
        return methods_changes.since(last, held.config(), version=__version__, reasons=reasons, run=run)

    return held.derived(("changes of methods", run), files, make, optional=True)


def comments(text):
    """What the comments of a config.yaml say of each key.

    Parameters
    ----------
    text : str

    Returns
    -------
    dict
        The path of a key, a tuple in which `ANY` stands for names that people choose, to a sentence or more.
        Keys that stand in the file as comments only, as an offer, are among them.
    """
    schema = tables.load_schema("config")
    found, stack, pending = {}, [], []
    scalar = offered = None  # the indent of a text of several lines; whether an offered list is still open
    for line in text.split("\n"):
        hidden = line.lstrip().startswith("#")
        shown = _uncommented(line) if hidden else line
        indent = len(shown) - len(shown.lstrip())
        if not shown.strip():
            pending = []
        if not shown.strip() or (scalar is not None and not hidden and indent > scalar):
            continue
        scalar = scalar if hidden else None
        if hidden and offered:
            offered = not _closes(shown)
            continue
        match = LINE.fullmatch(shown.rstrip())
        path = _path(match, stack, schema)
        if path is None:
            if hidden:
                pending.append((indent, shown.strip().removeprefix("# ")))
            continue
        trailing = TRAILING.search(match["rest"])
        # A comment that stands deeper speaks of what is above it.
        before = [said for at, said in pending if at == indent]
        if said := " ".join([*before, *([trailing[1]] if trailing else [])]):
            found.setdefault(path, said)
        pending = []
        offered = hidden and not _closes(match["rest"])
        if not hidden and BLOCK.fullmatch(match["rest"]):
            scalar = indent
    return found


def _closes(text):
    """Whether a list or mapping in brackets ends on its line."""
    return sum(text.count(sign) for sign in "[{") <= sum(text.count(sign) for sign in "]}")


def _uncommented(line):
    """A line of comment as the line that it would be without its sign."""
    before, _, after = line.partition("#")
    return before + after.removeprefix(" ")


def _path(match, stack, schema):
    """The path of the key on a line by what the schema knows, or None; `stack` is brought forward."""
    if match is None:
        return None
    indent = len(match["indent"]) + (2 if match["item"] else 0)
    kept = [entry for entry in stack if entry[0] < indent]
    above = kept[-1][2] if kept else schema
    step = _below(above, match["key"], schema)
    if step is None:
        return None
    name, child = step
    path = (*(kept[-1][1] if kept else ()), name)
    stack[:] = [*kept, (indent, path, child)]
    return path


def _below(node, key, schema):
    """(name or `ANY`, schema) of a key below a node of the schema, or None where there can be none."""
    node = _resolved(node, schema)
    if node.get("type") == "array":
        node = _resolved(node.get("items", {}), schema)
    if key in node.get("properties", {}):
        return key, node["properties"][key]
    free = node.get("additionalProperties")
    return (ANY, free) if isinstance(free, dict) else None


def _resolved(node, schema):
    while "$ref" in node:
        node = schema["$defs"][node["$ref"].rsplit("/", 1)[1]]
    return node


def explanations(text):
    """What each key means: by the review's own comments, else by those that a new review is given."""
    bundled = (scaffold.ROOT / "config.yaml").read_text(encoding="utf-8")
    return comments(scaffold.config_text(bundled, title=None, run="2000-01")) | comments(text)


def parts(config, explained, changes):
    """The protocol as the page shows it.

    Parameters
    ----------
    config : dict
    explained : dict
        From `explanations`.
    changes : list of dict
        Of `methods_changes.compare`, those of methods and the others.

    Returns
    -------
    list of dict
        One for each of `PARTS` that has a key or could have one: ``title``, ``name`` for addresses,
        ``blocks`` (of keys that stand together: key, meaning, rows) and ``left_out`` (key, meaning): keys
        that the review does without. A row has key, words, value or items, meaning, changes.
    """
    of_key = {}
    for change in changes:
        of_key.setdefault(change["key"], []).append(change)
    found = []
    for title, tops in PARTS.items():
        leaves = [leaf for top in tops if top in config for leaf in _of_top(config[top], top)]
        held = [path for _, path, _ in leaves]
        left_out = [
            {"key": ".".join(path), "meaning": said}
            for path, said in explained.items()
            if path[0] in tops and not any(one[: len(path)] == path for one in held)
        ]
        if leaves or left_out:
            blocks = _blocks(leaves, explained, of_key)
            found.append({"title": title, "name": tops[0], "blocks": blocks, "left_out": left_out})
    return found


def _of_top(tree, top):
    schema = tables.load_schema("config")
    return list(_leaves(tree, top, (top,), schema["properties"][top], schema))


def _blocks(leaves, explained, changes):
    """Rows together with those of the same mapping."""
    blocks = {}
    for key, path, value in leaves:
        above = key.rpartition(".")[0]
        block = blocks.setdefault(
            above, {"key": above, "meaning": explained.get(path[:-1], "") if above else "", "rows": []}
        )
        block["rows"].append(
            {
                "key": key,
                "words": key.rpartition(".")[2].replace("_", " ").capitalize(),
                "value": None if isinstance(value, list) else value,
                "items": value if isinstance(value, list) else [],
                "meaning": explained.get(path, "") if path[-1] != ANY else "",
                "changes": changes.get(key, []),
            }
        )
    return list(blocks.values())


def _leaves(tree, key, path, node, schema):
    """(dotted key as `flat` names it, path, text or list of text) of every value below a key."""
    plain = flat({key: tree})
    if key in plain:
        yield key, path, plain[key]
        return
    named = tree.items() if isinstance(tree, dict) else enumerate(tree, start=1)
    for name, value in named:
        if isinstance(tree, dict):
            step, child = _below(node, name, schema) or (ANY, {})
            yield from _leaves(value, f"{key}.{name}", (*path, step), child, schema)
        else:
            named_by = value.get("variable") or value.get("name") or name
            yield from _leaves(value, f"{key}.{named_by}", path, node, schema)
