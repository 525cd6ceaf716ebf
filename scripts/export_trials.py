"""Write a run's trials and effects for metafor, Metapsy's tools and RevMan."""

import argparse
import shutil
import sys
from pathlib import Path

import pandas as pd

from livingreview import config as protocol
from livingreview import tables
from livingreview.errors import InputError, ReviewError
from livingreview.pooling import multilevel, random_effects
from livingreview.trials import risk_of_bias
from livingreview.trials.exchange import metafor, metapsy, revman, revman_import
from livingreview.trials.revisions import rows_at


def main(argv=None):
    """Command line; returns the exit status."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--directory", type=Path, default=Path(), help="the review's folder")
    parser.add_argument("--run", help="the run that is written; config.yaml's if left out")
    parser.add_argument("--out", type=Path, help="the folder; results/<run>/export if left out")
    args = parser.parse_args(argv)
    try:
        config = protocol.load(args.directory / "config.yaml", run=args.run)
        results = args.directory / "results" / config["run"]
        out = args.out or results / "export"
        said = export(config, results, args.directory / "data/trials", out)
    except (ReviewError, OSError) as error:
        print(f"{error}\nThe export is not complete.", file=sys.stderr)
        return 1
    print("\n".join(said))
    return 0


def export(config, results, trials, out):
    """Write every file; returns a line on each.

    Raises
    ------
    InputError
        If the run has not been built.
    """
    read = {name: _result(results, name, config["run"]) for name in ("effects", "estimates", "subgroups")}
    effects = read["effects"]
    outcomes = rows_at(tables.read(trials / "outcomes.csv", "outcomes"), config["run"], ["row_id"])
    studies = rows_at(tables.read(trials / "studies.csv", "studies"), config["run"], ["study_id"])
    variables = [definition["variable"] for definition in config["subgroups"]]
    for_r = metafor.table(effects, subgroups=variables)
    tables.write(for_r, out / "effects.csv")
    further = further_models(effects, config)
    left_out = metafor.dependent(effects)
    expected = metafor.expected(read["estimates"], read["subgroups"], further, leave_out=left_out)
    tables.write(expected, out / "expected.csv")
    tables.write(pd.DataFrame([_settings(config["analysis"])]), out / "settings.csv")
    shutil.copyfile(metafor.SCRIPT, out / "analysis.R")
    by_standard = metapsy.rows(effects, outcomes, studies, risk=_risk(results))
    tables.write_bytes(metapsy.to_bytes(by_standard), out / "metapsy.csv")
    for outcome in config["outcomes"]:
        pooled = by_standard[by_standard["in_pool"].astype(bool) & (by_standard["outcome"] == outcome)]
        tables.write_bytes(metapsy.to_bytes(pooled), out / f"metapsy_{outcome}.csv")
    names = {outcome: described["label"] for outcome, described in config["outcomes"].items()}
    for_revman = revman.rows(effects, outcomes, studies, labels=names)
    tables.write(for_revman, out / "revman.csv")
    arms, study_results = revman_import.tables(effects, outcomes, studies, labels=names)
    tables.write(arms, out / "revman_study_arms.csv")
    tables.write(study_results, out / "revman_study_results.csv")
    return [
        f"{out}/effects.csv: {len(for_r)} effects for metafor; {len(expected)} numbers in expected.csv;"
        f" compare: cd {out} && Rscript analysis.R",
        *(
            f"{name}: several effects of one trial, pooled as dependent, are not in the comparison"
            for name in sorted(left_out)
        ),
        f"{out}/metapsy.csv: {len(by_standard)} comparisons in the Metapsy data standard (R: read.csv2), and"
        " a file of the pooled ones for each outcome",
        f"{out}/revman.csv: {len(for_revman)} data rows in the columns of RevMan's data package;"
        f" {len(arms)} arms in revman_study_arms.csv, {len(study_results)} rows in revman_study_results.csv",
    ]


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


if __name__ == "__main__":
    sys.exit(main())
