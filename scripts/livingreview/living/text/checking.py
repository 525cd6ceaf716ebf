"""All hand-written text of a review held against one run's results."""

import re

from livingreview.errors import InputError, problem
from livingreview.living.text import parts, stale
from livingreview.living.text.support import Result

# What of the protocol is prose that may speak of results.
PROTOCOL_TEXTS = (
    ("living", "statement"),
    ("living", "retirement"),
    ("living", "justification"),
    ("living", "reason"),
    ("review", "demonstration"),
    ("screening", "interests"),
)
# The protocol's own numbers are no results; a number beside one of these words would be.
OF_RESULTS = re.compile(
    r"\b(?:g|d|SMD|effects?|estimates?|intervals?|CI|I²|I2|tau²|tau2)\s*(?:was|is|of|=|:|from)?\s*[−-]?\d"
    r"|[−-]?\d+\.\d+\s+to\s+[−-]?\d+\.\d+|\[[−-]?\d+\.\d+,\s*[−-]?\d+\.\d+\]",
    re.IGNORECASE,
)
KINDS = {
    "number": "a number that was typed",
    "length": "more than one sentence can hold",
    "direction": "a direction",
    "null": "that there is no effect",
    "no_evidence": "that there is no evidence",
    "uncertain": "that it is uncertain",
    "size": "a size",
    "significant": "what the interval excludes",
    "important": "an important effect",
    "precise": "how precise it is",
    "crosses": "what the interval includes",
    "excludes": "what the interval excludes",
    "spans": "benefit and harm in one interval",
    "reaches": "that the interval reaches no effect",
    "side": "on which side the interval lies",
    "heterogeneity": "how far the trials agree",
    "votes": "where the trials' own results lie",
    "k": "how many trials there are",
    "certainty": "how certain the evidence is",
    "confident": "confidence in the evidence",
    "now_crosses": "a change of what the interval includes",
    "added": "whether trials were added",
    "change": "how the result moved",
}


def results(outcomes, *, estimates, changes, certainty, effects):
    """The results of a run in the terms of the check.

    Parameters
    ----------
    outcomes : dict
        The protocol's.
    estimates, changes, certainty : dict
        ``outcomes`` of the files of the same names.
    effects : DataFrame
        effects.csv, of which the rows in pools are counted by side.

    Returns
    -------
    dict of str to Result
    """
    pool = effects[effects["in_pool"]]
    out = {}
    for name, about in outcomes.items():
        values = pool.loc[pool["outcome"] == name, "yi"]
        out[name] = Result(
            name=name,
            label=about["label"],
            now=estimates[name]["main"],
            before=changes[name]["before"],
            n_favour=int((values < 0).sum()),
            n_against=int((values > 0).sum()),
            certainty=certainty.get(name, {}).get("certainty"),
        )
    return out


def names(outcomes, *, file="config.yaml"):
    """The names by which text speaks of outcomes: label, short name, synonyms, the key in words.

    Raises
    ------
    InputError
        Where one name would mean two outcomes.
    """
    given = {
        name: [
            about["label"],
            about["short"],
            *about.get("synonyms", []),
            name.replace("_", " "),
            *_parts(about),
        ]
        for name, about in outcomes.items()
    }
    try:
        return stale.Names.of(given)
    except ValueError as error:
        raise InputError(
            file, problem=f"outcomes: {error}", hint="change a synonym or a short name"
        ) from None


def _parts(about):
    """``Interference and disability`` is also called by either of its two words."""
    words = about["label"].split(" and ")
    return [part for part in words if len(words) == 2 and len(part.split()) == 1]


def check(sections, *, values, results, names, rules):
    """Every section against the results.

    Parameters
    ----------
    sections : list of parts.Section
    values : dict of str to (str or None)
        Keys with their text as printed.
    results : dict of str to Result
    names : stale.Names
    rules : dict
        The protocol's ``interpretation``.

    Returns
    -------
    list of dict
        For each section: file, name, title, body, references, ``values`` (the keys it uses, with their
        text), ``literals``, and counts of ``sentences``, ``others`` (in quotations or cited), ``claims``.

    Raises
    ------
    InputError
        Naming line, sentence, word, what the result is, and what would be right; the first file's faults.
    """
    out = []
    for section in sections:
        used = parts.check_keys(section, values)
        read = parts.paragraphs(section)
        faults = _faults(section, read, results=results, names=names, rules=rules)
        if faults:
            raise InputError(section.file, problems=faults)
        out.append(
            {
                "file": section.file,
                "name": section.name,
                "title": section.title,
                "body": section.body,
                "references": section.references,
                "values": {key: values[key] for key in used["keys"]},
                "literals": used["literals"],
                **_counts(section, read, results=results, names=names),
            }
        )
    return out


def _faults(section, read, *, results, names, rules):
    found, topic = [], list(section.about)
    for paragraph in read:
        if paragraph.quoted:
            continue
        checked = stale.check(list(paragraph.sentences), results, names=names, rules=rules, topic=topic)
        found += [_line(paragraph.lines[position], fault, results) for position, fault in checked]
    return list(dict.fromkeys(found))


def _line(line, fault, results):
    where = f" ({results[fault.outcome].label})" if fault.outcome else ""
    return problem(
        f"“{fault.sentence}” says “{fault.word}”, {KINDS[fault.kind]}{where}",
        row=line,
        found=None,
        allowed=None if fault.kind in ("number", "length") else f"the result is {fault.found}",
        hint=fault.right,
    ).replace("allowed: the result", "the result")


def _counts(section, read, *, results, names):
    own = [s for paragraph in read if not paragraph.quoted for s in paragraph.sentences]
    cited = [sentence for sentence in own if stale.CITED.search(sentence)]
    total = sum(len(paragraph.sentences) for paragraph in read)
    claims = sum(
        bool(stale.claims_in(sentence, names=names, results=results, topic=section.about))
        for sentence in own
        if sentence not in cited
    )
    return {"sentences": total, "others": total - len(own) + len(cited), "claims": claims}


def check_protocol(config, *, results, names, file="config.yaml"):
    """The protocol's own prose: what it claims about results must hold, and it quotes none.

    Returns
    -------
    int
        Sentences read.

    Raises
    ------
    InputError
        As `check`, by key.
    """
    found, total = [], 0
    texts = [(f"{part}.{key}", config[part].get(key) or "") for part, key in PROTOCOL_TEXTS]
    texts += [
        (f"outcomes.{name}.description", about.get("description", ""))
        for name, about in config["outcomes"].items()
    ]
    for key, text in texts:
        read = stale.sentences(text)
        total += len(read)
        faults = stale.check(read, results, names=names, rules=config["interpretation"])
        for position, fault in faults:
            if fault.kind == "number" and not OF_RESULTS.search(read[position]):
                continue
            found.append(_line(f"key {key}", fault, results).replace("row key ", "key ", 1))
    if found:
        raise InputError(file, problems=list(dict.fromkeys(found)))
    return total
