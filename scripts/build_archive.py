"""Build the page of all versions, and the feed of versions and of what is new."""

import logging

from livingreview import tables
from livingreview.living import releases, versions
from livingreview.report import archive, feed, prose

log = logging.getLogger(__name__)

TOP = "../../"  # from results/<run>/ to the review's folder


def main(job):
    """Write the page and the feed.

    ``job.input``: news (JSON), releases (the ``release.json`` of each); ``job.output``: archive, feed;
    ``job.params``: run, config (the whole).
    """
    run, config = job.params.run, job.params.config
    # An older month that is built again does not know what came later.
    every = releases.read(job.input.releases)
    known = [one for one in every if one["kind"] != "release" or one["run"] <= run]
    own = sorted(versions.own(known), key=lambda one: versions.parse(one["version"]), reverse=True)
    news = tables.read_json(job.input.news)
    version = versions.version_of(run, known)
    page = archive.build(
        [releases.contents(one) for one in known],
        config,
        root=f"{TOP}data/releases",
        current={
            "version": version,
            "run": run,
            "report": "report.html",
            "released": [one["version"] for one in own if one["run"] == run],
        },
        feed="feed.atom",
    )
    tables.write_text(page, job.output.archive)
    entries = [_of_run(news, version), *map(feed.release_entry, own)]
    tables.write_bytes(feed.feed(entries, config["review"], top=TOP), job.output.feed)
    log.info("releases: %d; entries in the feed: %d", len(own), len(entries))


def _of_run(news, version):
    """What is new in this run, as an entry of the feed."""
    run = news["run"]
    return {
        "part": f"run/{run}",
        "date": run,
        "title": f"{prose.month(run)}: what is new ({version})",
        "updated": next(row["searched_at"] for row in news["runs"] if row["run"] == run),
        "summary": " ".join(news["statement"]),
        "link": f"results/{run}/report.html",
    }


if "snakemake" in globals():
    from livingreview import stage

    stage.run(main, snakemake)  # noqa: F821
