"""Why something was not computed, in words that more than one method needs."""


def effects(k):
    """``1 effect``, ``2 effects``."""
    return f"{k} effect{'' if k == 1 else 's'}"


def too_few(k, least):
    """``2 effects; at least 3 are needed``."""
    return f"{effects(k)}; at least {least} are needed"
