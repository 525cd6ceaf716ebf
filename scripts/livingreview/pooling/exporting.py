"""A run's trials, effects and estimates as files for metafor, the Metapsy tools and RevMan."""

from pathlib import Path
from typing import NamedTuple

import pandas as pd

from livingreview import tables
from livingreview.errors import InputError
from livingreview.pooling import multilevel, random_effects
from livingreview.trials import risk_of_bias
from livingreview.trials.exchange import metafor, metapsy, revman, revman_import
from livingreview.trials.revisions import rows_at


class Exported(NamedTuple):
    """Files as a dict of name to bytes; rows in each as a dict; what R cannot be asked for."""

    files: dict
    n_rows: dict
    left_out: list


def export(config, results, trials):
    """Every file for other programs.

    Parameters
    ----------
    config : dict
        The protocol, for the run.
    results : path
        The run's folder, ``results/<run>``.
    trials : path
        ``data/trials``.

    Returns
    -------
    Exported
        ``left_out`` are the outcomes of which several effects of one trial are pooled as dependent: their
        numbers are not among those that R computes again.

    Raises
    ------
    InputError
        If the run has not been built.
    """
    results, trials, run = Path(results), Path(trials), config["run"]
    read = {name: _result(results, name, run) for name in ("effects", "estimates", "subgroups")}
    effects = read["effects"]
    outcomes = rows_at(tables.read(trials / "outcomes.csv", "outcomes"), run, ["row_id"])
    studies = rows_at(tables.read(trials / "studies.csv", "studies"), run, ["study_id"])
    variables = [definition["variable"] for definition in config["subgroups"]]
    left_out = metafor.dependent(effects)
    names = {outcome: described["label"] for outcome, described in config["outcomes"].items()}
    arms, study_results = revman_import.tables(effects, outcomes, studies, labels=names)
    frames = {
        "effects.csv": metafor.table(effects, subgroups=variables),
        "expected.csv": metafor.expected(
            read["estimates"], read["subgroups"], further_models(effects, config), leave_out=left_out
        ),
        "settings.csv": pd.DataFrame([_settings(config["analysis"])]),
        "revman.csv": revman.rows(effects, outcomes, studies, labels=names),
        "revman_study_arms.csv": arms,
        "revman_study_results.csv": study_results,
    }
    by_standard = metapsy.rows(effects, outcomes, studies, risk=_risk(results))
    standard = {"metapsy.csv": by_standard}
    for outcome in config["outcomes"]:
        pooled = by_standard["in_pool"].astype(bool) & (by_standard["outcome"] == outcome)
        standard[f"metapsy_{outcome}.csv"] = by_standard[pooled]
    files = {
        **{name: tables.to_csv(frame).encode("utf-8") for name, frame in frames.items()},
        **{name: metapsy.to_bytes(frame) for name, frame in standard.items()},
        "analysis.R": metafor.SCRIPT.read_bytes(),
    }
    n_rows = {name: len(frame) for name, frame in {**frames, **standard}.items()}
    return Exported(files, n_rows, sorted(left_out))


def further_models(effects, config):
    """The numbers of the main models that the review's tables do not hold: Q-profile and three levels."""
    analysis, found = config["analysis"], []
    pooled = effects[effects["in_pool"].astype(bool)]
    for outcome, rows in pooled.groupby("outcome"):
        yi, vi, study = rows["yi"].to_numpy(float), rows["vi"].to_numpy(float), list(rows["study"])
        one = random_effects.fit(
            yi, vi, method=analysis["method_tau2"], test=analysis["method_ci"], level=analysis["level"]
        )
        if one.k > 1:
            low, high = one.tau2_ci[:2]
            found += _rows(outcome, "q_profile", {"tau2_low": low, "tau2_high": high})
        if len(set(study)) not in (1, len(study)):
            three = multilevel.fit(yi, vi, study, level=analysis["level"])
            names = {name: getattr(three, name) for name in ("estimate", "se", "ci_low", "ci_high")}
            sigma2 = dict(zip(("sigma2_between", "sigma2_within"), three.sigma2, strict=True))
            found += _rows(outcome, "three_level", names | sigma2)
    return found


def _rows(outcome, model, numbers):
    return [(outcome, model, "", "", name, value) for name, value in numbers.items()]


def _settings(analysis):
    chosen = {name: analysis[name] for name in ("method_tau2", "method_ci", "level")}
    return chosen | {"method_pi": analysis.get("method_pi", "metafor")}


def _result(results, name, run):
    path = results / f"{name}.csv"
    if not path.is_file():
        raise InputError(path, problem="there is no such file", hint=f"build run {run} first: make report")
    return tables.read_results(path)


def _risk(results):
    """Overall judgements, by study and outcome; by any tool, where several differ by none."""
    path = results / "risk_of_bias.csv"
    if not path.is_file():
        return None
    judged = pd.read_csv(path, dtype=str, keep_default_na=False)
    judged["outcome"] = judged["outcome"].where(judged["outcome"] != "", None)
    return lambda study, outcome: risk_of_bias.overall(judged, study, outcome)
