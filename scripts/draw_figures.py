"""Draw every figure of every outcome into files: SVG, and PNG made from it."""

import logging
from pathlib import Path

from livingreview import tables
from livingreview.living import versions
from livingreview.report import drawings, standalone
from livingreview.report.images import Images
from livingreview.trials.revisions import rows_at

log = logging.getLogger(__name__)

TEMPLATES = Path(__file__).resolve().parents[1] / "templates"


def main(job):
    """Read what was pooled, write the figures.

    ``job.input``: effects, included, studies (CSV), estimates, changes (JSON), releases (JSON files);
    ``job.output``: figures (a folder); ``job.params``: run, config (the whole), known (the folder of images
    kept from earlier months), code (digest of what draws).
    """
    params = job.params
    context = read(job.input, config=params.config, run=params.run)
    style = standalone.light_style(*(_template(name) for name in ("tokens.css", "report/figures.css")))
    fonts = sorted(map(str, TEMPLATES.glob("fonts/*.otf")))
    folder = Path(job.output.figures)
    # A review without any effect has figures too: none.
    folder.mkdir(parents=True, exist_ok=True)
    images = Images(params.known, code=params.code, fonts=fonts)
    for outcome in params.config["outcomes"]:
        made = drawings.views_of(context, outcome)
        for kind, (view, draw) in made.items():
            words = f"{view.get('note', '')} {drawings.origin(context, outcome)}".strip()
            text = standalone.standalone(draw(view), style=style, title=view["title"], origin=words)
            files = drawings.filed(kind, outcome)
            tables.write_text(text, folder / Path(files["svg"]).name)
            tables.write_bytes(images.png(text), folder / Path(files["png"]).name)
        log.info("%s: %d figures", outcome, len(made))
    images.forget_others()


def read(inputs, *, config, run):
    """What the figures show, in the shapes that `pages.build` takes."""
    included = set(tables.read_results(inputs.included)["study_id"])
    studies = rows_at(tables.read(inputs.studies, "studies"), run, ["study_id"])
    return {
        "config": config,
        "run": run,
        "effects": tables.plain_rows(tables.read_results(inputs.effects)),
        "estimates": tables.read_json(inputs.estimates),
        "changes": tables.read_json(inputs.changes),
        "studies": tables.plain_rows(studies[studies["study_id"].isin(included)]),
        "releases": versions.known_before(map(tables.read_json, inputs.releases), run),
    }


def _template(name):
    return (TEMPLATES / name).read_text(encoding="utf-8")


if "snakemake" in globals():
    from livingreview import stage

    stage.run(main, snakemake)  # noqa: F821
