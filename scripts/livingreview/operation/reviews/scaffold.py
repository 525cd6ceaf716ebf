"""A new review: a folder with the keys and comments of the bundled protocol, and tables without rows.

What belongs to the bundled example is taken out of its config.yaml at the places that YAML itself says it
stands, so that keys and comments that are added to it later are in new reviews too. What only the people of a
review can say is marked to be filled in, and `livingreview.config` refuses it until it is.
"""

import os
import shutil
import tempfile
from pathlib import Path

import yaml

from livingreview import config as protocol
from livingreview import tables
from livingreview.errors import InputError
from livingreview.operation.hosted.plan import NAME, OWN

ROOT = Path(__file__).resolve().parents[4]
PUBMED = "https://eutils.ncbi.nlm.nih.gov/entrez/eutils/"
# Tables that people add to, with their schemas. Those that a review may do without begin with their header
# too, so that nobody has to look up the columns.
TABLES = {
    "decisions/screening.csv": "screening",
    "decisions/pairs.csv": "pairs",
    "decisions/full_texts.csv": "full_texts",
    "trials/studies.csv": "studies",
    "trials/reports.csv": "reports",
    "trials/outcomes.csv": "outcomes",
    "trials/instruments.csv": "instruments",
    "trials/risk_of_bias.csv": "risk_of_bias",
    "trials/clearances.csv": "clearances",
    "certainty/ratings.csv": "ratings",
    "methods/changes.csv": "methods_changes",
}
# So that the folder can be a repository of its own; the same as in the program's own repository.
IGNORED = """\
full_texts/
results/
logs/
.snakemake/
.cache/
data/**/.*.lock
data/**/.*.partial
data/releases/.draft/
.env
.env.*
*.env
.netrc
*.pem
*.key
"""


def _ask(what):
    return f'"{protocol.TO_FILL_IN} {what}"'


# Whole keys of the bundled protocol, "." between the levels, and what stands in their place.
INSTEAD = {
    "review.question": f"question: {_ask('people, intervention, comparison and outcomes, as one question')}",
    "review.follows": '# follows: "16.0.0"',
    "review.demonstration": 'demonstration: ""',
    "review.authors": "# authors:\n  #   - name: First Author\n  #     role: what they did",
    "review.license": "# license: CC-BY-4.0",
    "search.base_url": f"base_url: {PUBMED}",
    "search.sandbox_corpus": "# sandbox_corpus: data/sandbox/records.csv",
    "search.email": f"email: {_ask('an address at which NCBI reaches you')}",
    "search.query": f"query: {_ask('the complete query, in place of these words and the quotation marks')}",
    "search.acknowledged": "acknowledged: []",
    "eligibility": f"""\
eligibility:
  include:
    - {_ask("one line for each thing that a study must have")}
  exclude: []""",
    "screening.reasons": """\
reasons:
    not_rct: Not a randomised controlled trial
    protocol: Protocol without results
    review: Review or commentary on others' trials
    secondary_analysis: Secondary analysis of an included trial
    duplicate_report: Second report of an included trial
    # Of a report that PubMed does not hold; PubMed's own notices are followed without a decision.
    retracted: Retracted
    # With "include": the values stand after a partial retraction, or are those of the republished article.
    notice_checked: Values checked against the notice of a retraction
    commentary: Commentary, editorial or letter
    erratum: Erratum
    wrong_population: Other people than the question's
    wrong_intervention: Another intervention
    wrong_comparator: Another comparison
    wrong_outcome: No outcome of the protocol""",
    "screening.interests": f"interests: {_ask('the interests of the authors in this tool, such as None')}",
    "outcomes": f"""\
outcomes:
  # The name by which tables and text speak of it; rename it before anything is extracted.
  {protocol.KEY_TO_FILL_IN}:
    label: {_ask("the outcome as the report names it, such as Pain intensity")}
    short: {_ask("the same in a word or two")}
    # The effect in points of one instrument: g times its standard deviation in the control arms of the
    # review's own trials ("from trials"), or a number with its source.
    # familiar_scale: {{ instrument: BPI severity, sd: from trials, unit: points on a scale from 0 to 10 }}
    # Other names by which hand-written text (data/text/) speaks of the outcome, besides label and short name.
    # synonyms: [...]
    # Per cent of people who improve without treatment, each with its source; left out, 10, 20, 30 and 50 are
    # assumed, and named as assumptions.
    # control_responses: [{{ percent: 18, source: "..." }}]""",
    "other_outcomes": "other_outcomes: []",
    "subgroups": """\
# Columns of data/trials/studies.csv whose values part the trials; none: [].
subgroups: []
#   - variable: population # or condition, comparator
#     label: Age group
#     column: population # or condition, comparator_class, intervention_class, guided
#     groups:
#       adult: { label: Adults, values: [adult] }
#       youth: { label: Children and adolescents, values: [youth] }""",
    "interpretation.treatment": f"treatment: {_ask('what is given, as a sentence begins with it')}",
    "interpretation.favours_left": "favours_left: favours treatment",
    "interpretation.favours_right": "favours_right: favours control",
    "living.retirement": "# retirement: when, or on what grounds, the review will be retired",
    "living.justification": "# justification: why this review is a living one",
    "living.schedule": """\
# schedule:
  #   search: in the first days of every month
  #   screening: in the month of the search
  #   extraction: when a trial is included
  #   risk_of_bias: with the extraction
  #   analysis: in every run
  #   certainty: in every run, suggested from the data
  #   publication: when a trigger fires""",
    "rehearsal": """\
# rehearsal:
#   after: "2018-01" # the last run whose data the copy starts with
#   months: 3""",
}
# Comments of the bundled protocol that speak of the example, and what they say in another review.
REWORDED = {
    "# The published review that this one follows; it is context, never data.": (
        "# A published review that this one follows, by its version in data/releases/; context, never data."
    ),
    """"sandbox" answers offline from the bundled corpus. One line takes the search to PubMed:
  # base_url: https://eutils.ncbi.nlm.nih.gov/entrez/eutils/
""": """PubMed's services. "sandbox" answers offline from the records in sandbox_corpus.
""",
    "      # family_names,": "  #     # family_names,",
    """ The sandbox's corpus is small, so here it is many;
  # start your own review with an empty list: acknowledged: []
""": "\n",
}


def config_text(bundled, *, title, run):
    """The config.yaml of a new review.

    Parameters
    ----------
    bundled : str
        The bundled config.yaml.
    title : str or None
        Of the review; None leaves it to be filled in.
    run : str
        The first month, YYYY-MM.

    Raises
    ------
    InputError
        If the bundled file lacks something that is to be replaced.
    """
    instead = INSTEAD | {
        "run": f'run: "{run}"',
        "review.title": f"title: {_quoted(title)}" if title else f"title: {_ask('the title of the review')}",
    }
    places = dict(_places(yaml.compose(bundled), bundled))
    missing = [key for key in instead if key not in places]
    if missing:
        raise InputError("config.yaml", problem=f"the bundled protocol has no key {', '.join(missing)}")
    text = bundled
    # From the end, so that what is replaced moves nothing that is still to be found.
    for key in sorted(instead, key=lambda one: places[one], reverse=True):
        start, end = places[key]
        text = text[:start] + instead[key] + text[end:]
    for old, new in REWORDED.items():
        if text.count(old) != 1:
            raise InputError("config.yaml", problem="the bundled protocol has lost a comment", found=old)
        text = text.replace(old, new)
    return text


def _quoted(text):
    """A string as YAML writes it on one line, whatever characters it has."""
    return yaml.safe_dump(text, default_style='"', allow_unicode=True, width=10**6).strip()


def _places(node, text, prefix=""):
    """(key, (start, end)) of every key with its value, "." between the levels."""
    for key, value in node.value:
        name = f"{prefix}{key.value}"
        yield name, (key.start_mark.index, _end(value, text))
        if isinstance(value, yaml.MappingNode):
            yield from _places(value, text, f"{name}.")


def _end(node, text):
    """Where a value ends, without the blank lines and comments that YAML counts to it."""
    if isinstance(node, yaml.CollectionNode) and not node.flow_style and node.value:
        last = node.value[-1]
        return _end(last[1] if isinstance(last, tuple) else last, text)
    end = node.end_mark.index
    return len(text[:end].rstrip()) if isinstance(node, yaml.ScalarNode) and node.style in (">", "|") else end


def create(target, *, title, run, root=ROOT):
    """Make the folder of a new review, whole or not at all.

    Parameters
    ----------
    target : path
        Must not exist; its last part becomes part of addresses and names.
    title, run
        As for `config_text`.
    root : path, optional
        Where the program is.

    Raises
    ------
    InputError
        If the folder exists, or its name cannot be used.
    """
    target = Path(target)
    name = target.name
    if not NAME.fullmatch(name) or name == OWN:
        allowed = f"small letters, digits and hyphens between them, and not {OWN}"
        hint = 'make review NAME=reviews/my-review TITLE="..."'
        raise InputError("NAME", problem="the name of the folder", found=name, allowed=allowed, hint=hint)
    if target.exists() or target.is_symlink():
        raise InputError(
            target, problem="this folder exists already, and is left alone", hint="take another name"
        )
    target.parent.mkdir(parents=True, exist_ok=True)
    draft = Path(tempfile.mkdtemp(prefix=f".{name}.", dir=target.parent))
    try:
        _fill(draft, title=title, run=run, root=root)
        draft.chmod(0o777 & ~_umask())
        draft.rename(target)
    except BaseException:
        shutil.rmtree(draft, ignore_errors=True)
        raise


def _umask():
    old = os.umask(0)
    os.umask(old)
    return old


def _fill(folder, *, title, run, root):
    bundled = (root / "config.yaml").read_text(encoding="utf-8")
    tables.write_text(config_text(bundled, title=title, run=run), folder / "config.yaml")
    tables.write_text(IGNORED, folder / ".gitignore")
    for path, schema in TABLES.items():
        (folder / "data" / path).parent.mkdir(parents=True, exist_ok=True)
        tables.write_text(",".join(tables.columns(schema)) + "\n", folder / "data" / path)
    steps = (root / "templates/review/README.md").read_text(encoding="utf-8")
    tables.write_text(steps, folder / "README.md")
