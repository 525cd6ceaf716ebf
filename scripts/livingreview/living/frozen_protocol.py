"""How a release analysed its trials: by its frozen protocol, or else by what its estimates name."""

import re

from livingreview.pooling.between_variance import LABELS
from livingreview.pooling.random_effects import TESTS

# Keys of the protocol's analysis on which the effects of the same trials depend, and what stands for a key
# that is left out.
OF_EFFECTS = {
    "timepoint": "post",
    "arm_sizes_not_printed": "set_aside",
    "several_effects": "priority",
    "assumed_correlation": None,
    "convert_odds_ratios": False,
}
# The kinds of prediction interval by a part of the name that the pooling gives them; the first that fits.
PREDICTION = {"as metafor": "metafor", "Higgins, Thompson": "HTS", "Riley": "Riley", "t, df = k-1": "k-1"}
CORRELATION = re.compile(r"correlation ([0-9.]+) assumed")


def analysis_of(config, estimates, level, today):
    """The analysis of a release.

    Parameters
    ----------
    config : dict or None
        The protocol as the release froze it, or None if it froze none.
    estimates : DataFrame
        Its estimates, with the columns k, measure, method_tau2, method_ci and method_pi.
    level : float or None
        Of its intervals, as frozen beside the estimates.
    today : dict
        The protocol's ``analysis`` now.

    Returns
    -------
    tuple
        The analysis as a dict like `today`; and the keys of `today` that the release does not state, which
        are taken from there (empty where the protocol was frozen).
    """
    if config is not None:
        return config["analysis"], []
    named = named_methods(estimates) | ({} if level is None else {"level": level})
    return today | named, sorted(set(today) - set(named))


def named_methods(estimates):
    """What estimates name of their methods, in the words of the protocol.

    Returns
    -------
    dict
        Keys of ``analysis``, as many as are named by an outcome of two effects or more.
    """
    found = {}
    for row in estimates[estimates["k"] >= 2].to_dict("records"):
        for key, value in _named(row).items():
            found.setdefault(key, value)
    return found


def _named(row):
    tau2, ci, pi = (str(row[name]) for name in ("method_tau2", "method_ci", "method_pi"))
    of_tau2 = {label: name for name, label in LABELS.items()}
    method = of_tau2.get(tau2) or of_tau2.get(tau2.split(",")[0])
    test = next((name for name, text in TESTS.items() if ci == text.format(df="k-1")), None)
    kind = "z" if pi == "normal" else next((PREDICTION[part] for part in PREDICTION if part in pi), None)
    assumed = CORRELATION.search(tau2)
    found = {"measure": row.get("measure"), "method_tau2": method, "method_ci": test, "method_pi": kind}
    # A model of dependent effects names neither test nor prediction interval of the protocol.
    if assumed:
        found |= {"assumed_correlation": float(assumed[1]), "several_effects": "all"}
        found |= {"method_ci": None, "method_pi": None}
    return {key: value for key, value in found.items() if value is not None}


def makes_other_effects(before, after):
    """Whether two analyses make different effects of the same trials."""
    return any(before.get(key, default) != after.get(key, default) for key, default in OF_EFFECTS.items())
