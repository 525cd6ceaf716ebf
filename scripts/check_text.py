"""Check hand-written text against this run's results, and write what the report prints of it."""

import logging
from pathlib import Path

import pandas as pd

from livingreview import tables
from livingreview.errors import InputError
from livingreview.living.text import checking, parts
from livingreview.report import text_keys

log = logging.getLogger(__name__)


def main(job):
    """Write the checked text and the list of keys.

    ``job.input``: estimates, changes, certainty, flow, status (JSON), effects (CSV), texts (Markdown files,
    which a review may do without); ``job.output``: text, quotable; ``job.params``: run, config (the whole).
    """
    config = job.params.config
    given = {
        name: tables.read_json(getattr(job.input, name))
        for name in ("estimates", "changes", "certainty", "flow", "status")
    }
    keys = text_keys.values(config=config, run=job.params.run, **given)
    tables.write(
        pd.DataFrame(
            [{"key": key, "prints": text, "what": what} for key, (text, what) in sorted(keys.items())]
        ),
        job.output.quotable,
    )
    names = checking.names(config["outcomes"])
    results = checking.results(
        config["outcomes"],
        effects=tables.read_results(job.input.effects),
        **{name: given[name]["outcomes"] for name in ("estimates", "changes", "certainty")},
    )
    written = [_section(path, config["outcomes"]) for path in sorted(job.input.texts)]
    sections = checking.check(
        # What was written for a later run is no text of this one.
        [section for section in written if section.since <= job.params.run],
        values={key: text for key, (text, _) in keys.items()},
        results=results,
        names=names,
        rules=config["interpretation"],
    )
    protocol = checking.check_protocol(config, results=results, names=names)
    tables.write_json({"sections": sections, "protocol_sentences": protocol}, job.output.text)
    log.info("%d sections, %d sentences", len(sections), sum(one["sentences"] for one in sections))


def _section(path, outcomes):
    try:
        text = Path(path).read_text(encoding="utf-8")
    except UnicodeDecodeError:
        raise InputError(path, problem="this is not UTF-8", hint="save the file as UTF-8") from None
    return parts.parse(str(path), text, outcomes=list(outcomes))


if "snakemake" in globals():
    from livingreview import stage

    stage.run(main, snakemake)  # noqa: F821
