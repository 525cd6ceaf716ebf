"""Changes of methods since the last release, each with the maintainers' reason."""

from livingreview.report import prose

NOT_GIVEN = "reason not given yet"
NOTHING = "(nothing)"
# What estimates name of their methods, in words.
NAMED = {
    "analysis.level": "the level of the intervals",
    "analysis.measure": "the measure",
    "analysis.method_ci": "the kind of confidence interval",
    "analysis.method_pi": "that of prediction interval",
    "analysis.method_tau2": "the estimator of τ²",
    "analysis.assumed_correlation": "the correlation assumed",
    "analysis.several_effects": "which of several effects enter",
}


def methods_changes(context):
    """What the protocol and the software do otherwise than at the release."""
    found = context["methods_changes"]
    return {
        "release": found["release"],
        "lead": _lead(found),
        "software": _software(found["software"]),
        "rows": [
            {
                "key": row["key"],
                "before": row["before"] or NOTHING,
                "after": row["after"] or NOTHING,
                "reason": row["reason"] or NOT_GIVEN,
                "given": f"{row['by']}, {prose.month(row['run'])}" if row["reason"] else "",
            }
            for row in found["changes"]
        ],
        "unused": _unused(found["unused_reasons"]),
        "left_out": [
            {
                "key": row["key"],
                "before": row["before"] or NOTHING,
                "after": row["after"] or NOTHING,
                "why": row["why"],
            }
            for row in found["left_out"]
        ],
        "left_out_count": _left_out(len(found["left_out"])),
    }


def _lead(found):
    if found["release"] is None:
        return "There is no earlier release to compare the methods with."
    n = len(found["changes"])
    wanting = sum(not row["reason"] for row in found["changes"])
    if not found["protocol_frozen"]:
        known = prose.listed(NAMED.get(key, key) for key in found["compared"]) or "nothing"
        start = (
            f"Release {found['release']} did not freeze its protocol. What its estimates name ({known}) is"
            " compared; other changes of methods before the next release cannot be listed."
        )
    else:
        start = f"The protocol is compared, key by key, with the one that release {found['release']} froze."
    if not n:
        return f"{start} No difference was found."
    text = f"{start} {prose.sentence(prose.spelled_plural(n, 'change'))}"
    if wanting:
        some = (
            f"{prose.spelled(wanting)} of them without"
            if wanting < n
            else "none with"
            if n > 1
            else "without"
        )
        text += f", {some} a reason yet"
        return f"{text}. No release is made while a reason is lacking."
    return f"{text}, {'each ' if n > 1 else ''}with its reason."


def _left_out(n):
    has, say = ("key has", "says") if n == 1 else ("keys have", "say")
    return f"{prose.sentence(prose.spelled(n))} {has} changed that {say} nothing of how the review is done"


def _unused(rows):
    """Reasons that belong to no change, which a misspelt key or value would leave."""
    if not rows:
        return ""
    n, does = prose.spelled_plural(len(rows), "reason"), "matches" if len(rows) == 1 else "match"
    keys = prose.listed(dict.fromkeys(row["key"] for row in rows))
    return f"{prose.sentence(n)} in data/methods/changes.csv {does} no change since the release: {keys}."


def _software(versions):
    if versions["before"] is None:
        return f"Software: living-review {versions['after']}; the release does not record its version."
    if versions["before"] == versions["after"]:
        return f"Software: living-review {versions['after']}, as at the release."
    return f"Software: living-review {versions['after']}; {versions['before']} at the release."
