"""The protocol: config.yaml, read and checked with messages that a maintainer understands."""

import difflib
import re
from pathlib import Path

import yaml

from livingreview import tables
from livingreview.errors import InputError, problem

# What a new review holds where only its people know what to write, and the name of an outcome that has none.
TO_FILL_IN, KEY_TO_FILL_IN = "FILL IN:", "fill_in"

# Secrets that people would write into the config, and where they belong; what was found is never repeated.
SECRETS = {
    "password": "LIVING_REVIEW_SMTP_PASSWORD",
    "url": "LIVING_REVIEW_WEBHOOK_URL",
    "token": "LIVING_REVIEW_WEBHOOK_TOKEN",
}
# The part of a config file with all that is indented below it, up to the next key or comment at the margin.
NOTIFY = re.compile(r"^notify[ \t]*:.*\n?(?:[ \t]+\S.*\n?|[ \t]*\n(?=\s*[ \t]+\S))*", re.MULTILINE)
# Limits of which none may be below the one before it.
CERTAINTY_LIMITS = {
    "risk_of_bias": ("serious_high", "very_serious_high"),
    "inconsistency": ("unimportant", "substantial", "considerable"),
    "indirectness": ("serious", "very_serious"),
}


def load(path, *, run=None):
    """Read and check a config file.

    Parameters
    ----------
    path : path
    run : str, optional
        A month to take instead of the file's.

    Returns
    -------
    dict
        As `check` passed it.

    Raises
    ------
    InputError
        If the file is missing, is not YAML, has a key twice, or `check` finds a fault.
    """
    path = Path(path)
    if not path.is_file():
        raise InputError(
            path,
            problem="there is no such file",
            hint="run the command in the review's folder, or name the folder with --directory",
        )
    config = check(_parse(path), path)
    return config if run is None else check(config | {"run": run})


def check_file(path, config):
    """Check a config that Snakemake merged with ``--config``, and its file for doubled keys."""
    if Path(path).is_file():
        _parse(Path(path))
    return check(config, path)


def _parse(path):
    try:
        return yaml.load(path.read_text(encoding="utf-8"), Loader=_StrictLoader)
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise InputError(path, problem=f"this is not YAML: {error}") from None


def check(config, path="config.yaml"):
    """Check a config against ``schemas/config.schema.json`` and return it.

    Raises
    ------
    InputError
        Naming every misspelt, missing or impossible key; a misspelt one with the nearest allowed key.
        In a new review, first of all whatever is still to be filled in.
    """
    if not isinstance(config, dict):
        raise InputError(path, problem="the file holds no keys", hint="start from the bundled config.yaml")
    unfilled = list(_unfilled(config))
    if unfilled:
        raise InputError(path, problems=unfilled)
    validator = tables.Validator(tables.load_schema("config"))
    errors = sorted(validator.iter_errors(config), key=lambda e: [str(part) for part in e.absolute_path])
    # An object that lacks several keys is one error for each key, and `_faults` names them all.
    problems = list(dict.fromkeys(line for error in errors for line in _faults(error)))
    if not problems:
        problems = [
            *_subgroup_faults(config["subgroups"]),
            *_size_faults(config["interpretation"]),
            *_label_faults(config["screening"]),
            *_correlation_faults(config["analysis"]),
            *_certainty_faults(config.get("certainty", {}), config["subgroups"]),
        ]
    if problems:
        raise InputError(path, problems=problems)
    return config


def _unfilled(value, where=""):
    """A line for every place that a new review's people have not filled in yet."""
    if isinstance(value, dict):
        for key, part in value.items():
            if key == KEY_TO_FILL_IN:
                name = "a name of small letters, digits and underscores, such as pain_intensity"
                yield problem(f"key {_join(where, key)} is still to be named", allowed=name)
            yield from _unfilled(part, _join(where, key))
    elif isinstance(value, list):
        for part in value:
            yield from _unfilled(part, where)
    elif isinstance(value, str) and value.startswith(TO_FILL_IN):
        wanted = value.removeprefix(TO_FILL_IN).strip()
        yield problem(f"key {where} is still to be filled in", allowed=wanted)


def without_notify(text):
    """The text of a config file without its part ``notify``: who is told is no part of what is published."""
    return NOTIFY.sub("", text)


def check_notify(part, path="config.yaml"):
    """Check the part ``notify`` by itself and return it.

    A fault elsewhere in the protocol must not keep the message about it from people.

    Raises
    ------
    InputError
        Naming the keys; values are not repeated.
    """
    schema = tables.load_schema("config")
    alone = {"$defs": schema["$defs"], "properties": {"notify": schema["properties"]["notify"]}}
    errors = tables.Validator(alone).iter_errors({"notify": part})
    problems = list(dict.fromkeys(line for error in errors for line in _faults(error)))
    if problems:
        raise InputError(path, problems=problems)
    return part


def _faults(error):
    where = ".".join(map(str, error.absolute_path))
    if where.split(".")[0] == "notify":
        return _notify_faults(error, where)
    return _faults_at(error, where)


def _notify_faults(error, where):
    """As elsewhere, but without what was found: people put passwords where none belong."""
    if error.validator in ("additionalProperties", "required") and isinstance(error.instance, dict):
        return _faults_at(error, where)
    if error.validator == "enum":
        return [problem(f"key {where}", allowed=", ".join(map(str, error.validator_value)))]
    if error.validator == "not":
        text = "no key user where security is none: a password must not travel unencrypted"
        return [problem(f"key {where}", allowed=text)]
    allowed = error.schema.get("description") or f"{error.validator}: {error.validator_value}"
    return [problem(f"key {where}", allowed=allowed)]


def _faults_at(error, where):
    if error.validator == "additionalProperties" and isinstance(error.instance, dict):
        allowed = list(error.schema.get("properties", {}))
        return [
            problem(
                f"unknown key {_join(where, key)}",
                allowed=", ".join(allowed),
                hint=_secret_hint(where, key) or _nearest(key, allowed),
            )
            for key in error.instance
            if key not in allowed
        ]
    if error.validator == "required":
        missing = [key for key in error.validator_value if key not in error.instance]
        return [problem(f"missing key {_join(where, key)}") for key in missing]
    if error.validator == "enum":
        return [
            problem(f"key {where}", found=error.instance, allowed=", ".join(map(str, error.validator_value)))
        ]
    allowed = error.schema.get("description") or error.message
    return [problem(f"key {where or '(top)'}", found=error.instance, allowed=allowed)]


def _join(where, key):
    return f"{where}.{key}" if where else str(key)


def _secret_hint(where, key):
    """Where a secret belongs, if the key of a message's settings looks like one."""
    for word, variable in SECRETS.items():
        if where.split(".")[0] == "notify" and word in str(key).lower():
            return f"a secret belongs into no file; set the environment variable {variable}"
    return None


def _nearest(key, allowed):
    near = difflib.get_close_matches(str(key), allowed, n=1)
    return f"did you mean {near[0]}?" if near else None


def _subgroup_faults(subgroups):
    """A value that two groups of one variable claim would be counted twice."""
    found = []
    for subgroup in subgroups:
        seen = {}
        for name, group in subgroup["groups"].items():
            for value in group["values"]:
                if value in seen:
                    text = (
                        f"subgroup {subgroup['variable']}: groups {seen[value]} and {name} both hold {value}"
                    )
                    found.append(problem(text, allowed="each value in one group"))
                seen[value] = name
    return found


def _size_faults(words):
    sizes = [words[name] for name in ("no_effect", "small", "moderate", "large")]
    if sizes == sorted(set(sizes)):
        return []
    return [problem("key interpretation", found=sizes, allowed="no_effect < small < moderate < large")]


def _label_faults(screening):
    """A ranker that learns the decisions of a stage that the protocol has not would wait for them forever."""
    stages, label = screening["stages"], screening["ranking"]["learn_from"]
    if label in (*stages, "both"):
        return []
    hint = "people decide at the stages that the key screening.stages names, and at no other"
    allowed = ", ".join((*stages, "both"))
    return [problem("key screening.ranking.learn_from", found=label, allowed=allowed, hint=hint)]


def _certainty_faults(certainty, subgroups):
    """Groups that no subgroup has would make every trial indirect; limits stand in order."""
    known = {row["variable"]: list(row["groups"]) for row in subgroups}
    found = [
        problem(
            f"key certainty.indirectness.direct.{variable}",
            found=group,
            allowed=", ".join(known.get(variable, [])) or f"nothing: subgroups has no variable {variable}",
        )
        for variable, groups in certainty.get("indirectness", {}).get("direct", {}).items()
        for group in groups
        if group not in known.get(variable, [])
    ]
    for domain, names in CERTAINTY_LIMITS.items():
        limits = [certainty.get(domain, {}).get(name) for name in names]
        limits = [value for value in limits if value is not None]
        if limits != sorted(limits):
            text = f"key certainty.{domain}"
            found.append(problem(text, found=limits, allowed=f"in this order: {' <= '.join(names)}"))
    return found


def _correlation_faults(analysis):
    """The variance of a mean of effects rests on their correlation, which the protocol states."""
    if analysis.get("several_effects") != "composite" or "assumed_correlation" in analysis:
        return []
    return [
        problem(
            "missing key analysis.assumed_correlation",
            allowed="a number from 0 to below 1",
            hint="analysis.several_effects is composite, which needs it; 0.6 is common",
        )
    ]


class _StrictLoader(yaml.SafeLoader):
    """YAML as usual, but a key that stands twice is an error and not a silent choice of the last."""


def _mapping(loader, node, deep=False):
    keys = [loader.construct_object(key, deep=True) for key, _ in node.value]
    for (key_node, _), key in zip(node.value, keys, strict=True):
        if keys.count(key) > 1:
            raise yaml.constructor.ConstructorError(
                None, None, f"the key {key!r} occurs more than once", key_node.start_mark
            )
    return yaml.SafeLoader.construct_mapping(loader, node, deep)


_StrictLoader.add_constructor(
    yaml.resolver.BaseResolver.DEFAULT_MAPPING_TAG,
    lambda loader, node: _mapping(loader, node, deep=True),
)
