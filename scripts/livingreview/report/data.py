"""The report as data: what the page shows, for programs."""

# What the page counts and does not print row by row; each stands in a file of its own beside the page.
BULK = ("records", "decisions", "embedded")
# The shape of the file; it rises when a key changes its meaning or goes.
FORMAT = 1


def report(context, view):
    """Everything on the page as plain values; keys are documented in ``docs/report.md``.

    Parameters
    ----------
    context : dict
        As for `pages.build`.
    view : dict
        What `pages.view` made of it.

    Returns
    -------
    dict
        The context of `pages.build` without the rows named in `BULK`, whose number stands under
        ``counts``; and, made from the same numbers, ``citation`` and ``sentences`` per outcome.
        Numbers are not rounded for reading; missing values are None.
    """
    kept = {name: value for name, value in context.items() if name not in BULK}
    return kept | {
        "format": FORMAT,
        "counts": {name: len(context[name]) for name in ("records", "decisions")},
        "citation": view["downloads"]["citation"],
        "living_status": view["heading"]["living_status"],
        "sentences": {row["name"]: row["sentences"] for row in view["outcomes"]},
    }
