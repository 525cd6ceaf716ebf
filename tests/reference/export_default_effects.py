"""Write default_effects.csv, the effects of the bundled review at one run, for make_default_review.R.

Run in the repository: PYTHONPATH=scripts python tests/reference/export_default_effects.py
Every study with a usable row counts as included, so that screening decisions do not move the reference.
"""

from pathlib import Path
from types import SimpleNamespace

import pandas as pd
import yaml

import compute_effects
import judge_risk_of_bias
from livingreview import tables
from livingreview.trials import notices

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
RUN = "2026-11"
COLUMNS = "row_id study outcome yi vi in_pool in_sensitivity population condition comparator"


def params():
    """The parameters that the rules give to both scripts, from the bundled config."""
    config = yaml.safe_load((ROOT / "config.yaml").read_text(encoding="utf-8"))
    chosen = {name: config[name] for name in ("outcomes", "analysis", "subgroups", "interpretation")}
    return SimpleNamespace(run=RUN, **chosen)


def compute(folder):
    """Write included.csv and effects.csv of the bundled trials into `folder`; the path of the latter."""
    trials = ROOT / "data" / "trials"
    outcomes = tables.read(trials / "outcomes.csv", "outcomes")
    studies = outcomes.loc[outcomes["status"] == "ok", ["study_id"]].drop_duplicates()
    tables.write(studies.assign(since_run=RUN), folder / "included.csv")
    tables.write(pd.DataFrame(columns=list(notices.COLUMNS)), folder / "notices.csv")
    files = {"studies": trials / "studies.csv", "outcomes": trials / "outcomes.csv"}
    files |= {"notices": folder / "notices.csv"}
    compute_effects.main(
        SimpleNamespace(
            input=SimpleNamespace(**files, included=folder / "included.csv"),
            output=SimpleNamespace(effects=folder / "effects.csv"),
            params=params(),
        )
    )
    return folder / "effects.csv"


def judged(folder):
    """Write the judgements of risk of bias that the bundled review holds; their path."""
    judge_risk_of_bias.main(
        SimpleNamespace(
            input=SimpleNamespace(
                studies=ROOT / "data/trials/studies.csv", entered=[ROOT / "data/trials/risk_of_bias.csv"]
            ),
            output=SimpleNamespace(judged=folder / "risk_of_bias.csv"),
            params=SimpleNamespace(
                run=RUN,
                outcomes=list(params().outcomes),
                folder=ROOT / "data/trials/tools",
                assessors=[],
            ),
        )
    )
    return folder / "risk_of_bias.csv"


def main(folder):
    """Keep what is pooled or in the sensitivity analysis."""
    effects = pd.read_csv(compute(folder))
    tables.write(effects.loc[effects["in_sensitivity"], COLUMNS.split()], HERE / "default_effects.csv")


if __name__ == "__main__":
    import tempfile

    with tempfile.TemporaryDirectory() as name:
        main(Path(name))
