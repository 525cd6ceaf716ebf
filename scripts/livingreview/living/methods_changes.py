"""What changed in the methods since the last release, key by key, each with the maintainers' reason.

The reasons are in a table that people own, and are found by the key and what it was and became: a reason for
an older change never passes for one of a newer.
"""

import fnmatch
from pathlib import Path

from livingreview import tables
from livingreview.errors import problem
from livingreview.living import frozen_protocol, releases

SOFTWARE = "software.living-review"

# Keys that say nothing of how the review is done, with what they are instead. Everything else is a method, so
# that a key of a later version is not passed over.
OTHER_KEYS = {
    "run": "the month that is built",
    "version": "the version that is released",
    "review.title": "wording",
    "review.demonstration": "wording",
    "review.authors*": "authors; listed with each version",
    "review.url": "where it is published",
    "review.license": "where it is published",
    "search.tool": "how the program names itself to PubMed",
    "search.email": "how the program names itself to PubMed",
    "search.sandbox_corpus": "a place on this machine",
    "search.bodies": "what is kept in version control",
    "search.bulk.folder": "a place on this machine",
    "search.bulk.as_of": "the day of a download",
    "living.since": "said with the mode, which is a change of methods, on the first screen",
    "living.reason": "said with the mode, which is a change of methods, on the first screen",
    "outcomes.*.label": "wording",
    "outcomes.*.short": "wording",
    "outcomes.*.synonyms": "wording",
    "subgroups.*.label": "wording",
    "interpretation.treatment": "wording",
    "interpretation.favours_*": "wording",
    "rehearsal*": "rehearsals",
}


def compare(before, after, *, named=None, versions=(None, None), reasons=()):
    """Differences between the protocol of a release and today's.

    Parameters
    ----------
    before : dict or None
        The protocol as frozen; None if the release froze none.
    after : dict
        The protocol now.
    named : dict, optional
        Where nothing was frozen: what the release's estimates name (`frozen_protocol.named_methods`), with
        ``level``.
    versions : tuple of str or None
        Of the software, then and now; None where it is not recorded.
    reasons : list of dict
        Rows of the table of reasons, those that existed at this run.

    Returns
    -------
    dict
        ``protocol_frozen``; ``compared`` (the keys, where nothing was frozen); ``changes`` and ``left_out``,
        lists of key, before, after (text, "" where there was nothing): the former with ``reason``, ``by``,
        ``run`` (None where no reason is given), the latter with ``why``; ``software`` (before, after);
        ``unused_reasons``, rows whose change is not there.
    """
    if before is not None:
        found = differences(flat(before), flat(after))
    else:
        today = {"method_pi": "metafor"} | after["analysis"]
        known = {f"analysis.{key}": value for key, value in (named or {}).items()}
        now = {key: today[key.removeprefix("analysis.")] for key in known if key[9:] in today}
        found = differences(_as_text({key: known[key] for key in now}), _as_text(now))
    if None not in versions and versions[0] != versions[1]:
        found.append({"key": SOFTWARE, "before": versions[0], "after": versions[1]})
    methods = [change for change in found if _other(change["key"]) is None]
    # Of several reasons for one change the last counts.
    given = {_identity(row): row for row in sorted(reasons, key=lambda row: row["run"])}
    return {
        "protocol_frozen": before is not None,
        "compared": [] if before is not None else sorted(now),
        "changes": [change | _reason(given.get(_identity(change))) for change in methods],
        "left_out": [change | {"why": why} for change in found if (why := _other(change["key"])) is not None],
        "software": {"before": versions[0], "after": versions[1]},
        "unused_reasons": _unused(reasons, methods),
    }


def since(release, config, *, version, reasons, run):
    """What changed in the methods since a release, as `compare` and with the release's version.

    Parameters
    ----------
    release : dict or None
        From `releases.last_before`; None where there is none to compare with yet.
    config : dict
        The protocol now.
    version : str
        Of the software now.
    reasons : DataFrame
        The whole table of reasons; rows of later runs do not exist yet.
    run : str
        A month YYYY-MM.
    """
    if release is None:
        return {"release": None} | compare(config, config, versions=(None, version))
    frozen = releases.protocol(release)
    level = tables.read_json(Path(release["path"]) / "estimates.json").get("level")
    found = compare(
        frozen,
        config,
        named=None if frozen else named(releases.table(release, "estimates"), level),
        versions=((release.get("software") or {}).get("living-review"), version),
        reasons=reasons[reasons["run"] <= run].to_dict("records"),
    )
    # Reasons of older changes have been used by earlier releases.
    unused = [row for row in found["unused_reasons"] if row["run"] > release["run"]]
    return {"release": release["version"]} | found | {"unused_reasons": unused}


def _identity(change):
    """Key, before and after, however a spreadsheet broke their lines."""
    return tuple(_text(change[name] or "") for name in ("key", "before", "after"))


def _reason(row):
    return {name: None if row is None else row[name] for name in ("reason", "by", "run")}


def _unused(reasons, methods):
    wanted = {_identity(change) for change in methods}
    return [
        {name: row[name] or "" for name in ("key", "before", "after", "reason", "by", "run")}
        for row in reasons
        if _identity(row) not in wanted
    ]


def _other(key):
    """What a key is if not a method, or None."""
    return next((why for pattern, why in OTHER_KEYS.items() if fnmatch.fnmatchcase(key, pattern)), None)


def missing_reasons(found):
    """Why a release must wait: a line for each change of methods without a reason.

    Parameters
    ----------
    found : dict
        From `compare`, or as read from methods_changes.json.

    Returns
    -------
    list of str
        Empty if every change has its reason.
    """
    return [
        problem(
            f"{change['key']} changed from {change['before'] or '(nothing)'!r} to"
            f" {change['after'] or '(nothing)'!r} without a reason",
            hint="add its row of methods_reasons.csv, with the reason, to data/methods/changes.csv",
        )
        for change in found["changes"]
        if not change["reason"]
    ]


def flat(tree, prefix=""):
    """A protocol as dotted keys; text values are trimmed, lists of plain values stay lists of text.

    Elements of a list of mappings are named by their ``variable``, ``name`` or place.
    """
    if isinstance(tree, dict):
        parts = tree.items()
    else:
        parts = ((_name(value, at), value) for at, value in enumerate(tree, start=1))
    found = {}
    for name, value in parts:
        key = f"{prefix}{name}"
        if isinstance(value, dict) or (isinstance(value, list) and any(isinstance(v, dict) for v in value)):
            found |= flat(value, f"{key}.")
        else:
            found[key] = [_text(one) for one in value] if isinstance(value, list) else _text(value)
    return found


def _name(value, at):
    return value.get("variable") or value.get("name") or at


def _text(value):
    """A value as YAML spells it, on one line."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    return " ".join(str(value).split())


def _as_text(values):
    return {key: _text(value) for key, value in values.items()}


def differences(before, after):
    """The keys that differ; each item that a list lost or gained is a difference of its own.

    Parameters
    ----------
    before, after : dict
        From `flat`.

    Returns
    -------
    list of dict
        key, before, after (text), in the order of `after`, then those that are gone. A list whose items only
        stand in another order is one difference.
    """
    found = []
    for key in [*after, *(key for key in before if key not in after)]:
        old, new = before.get(key), after.get(key)
        if old != new:
            found += _of_list(key, old, new) if isinstance(new or old, list) else [_change(key, old, new)]
    return found


def _of_list(key, old, new):
    old, new = _listed(old), _listed(new)
    gone = [_change(key, item, None) for item in old if item not in new]
    come = [_change(key, None, item) for item in new if item not in old]
    return gone + come or [_change(key, "; ".join(old), "; ".join(new))]


def _listed(value):
    if value is None:
        return []
    return value if isinstance(value, list) else [value]


def _change(key, old, new):
    return {"key": key, "before": "" if old is None else old, "after": "" if new is None else new}


def named(estimates, level):
    """What a release without a frozen protocol tells of its methods: `named_methods` and its level."""
    return frozen_protocol.named_methods(estimates) | ({} if level is None else {"level": level})
