"""The steps of the workflow from the notices to the estimates, one after the other and without Snakemake."""

from types import SimpleNamespace

import compute_effects
import find_notices
import judge_risk_of_bias
import link_studies
import pool_outcomes

NAMES = ("notices", "included", "effects", "judged", "estimates", "subgroups", *pool_outcomes.PARTS)


def write(folder, *, records, events, data, config, run):
    """What the steps write of a corpus and of people's tables at a run; the folder.

    Parameters
    ----------
    folder : Path
        Takes the results.
    records, events : Path
        The corpus of the run, and what changed in it.
    data : Path
        The review's folder of people's tables.
    config : dict
        The protocol.
    run : str
    """
    files = {name: str(folder / f"{name}.csv") for name in NAMES} | {
        "details": str(folder / "estimates.json")
    }
    given = {
        "records": records,
        "events": events,
        "decisions": data / "decisions/screening.csv",
        "entered": [data / "trials/risk_of_bias.csv"],
        **{name: data / f"trials/{name}.csv" for name in ("studies", "reports", "outcomes")},
    }
    params = SimpleNamespace(
        run=run,
        stages=config["screening"]["stages"],
        folder=data / "trials/tools",
        assessors=[],
        **{name: config[name] for name in ("outcomes", "analysis", "subgroups", "interpretation")},
    )
    for script in (find_notices, link_studies, compute_effects, judge_risk_of_bias, pool_outcomes):
        named = SimpleNamespace(**given | files)
        script.main(SimpleNamespace(input=named, output=SimpleNamespace(**files), params=params))
    return folder
