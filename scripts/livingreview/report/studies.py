"""The table of included studies."""

import re

from livingreview.report import links, notices, prose
from livingreview.report.prose import count, percent
from livingreview.trials.bias_blinding import WAITS

LEVELS = (
    ("low", "low"),
    ("some", "some concerns or unclear"),
    ("high", "high"),
    ("other", "recorded without an overall judgement"),
    ("none", "not assessed"),
)
# As the judging of risk of bias writes them: the summary of a tool, and a judgement that a source recorded.
OVERALL, RECORDED = "overall", "recorded"


def studies(context):
    """The table of included studies."""
    labels = {name: declared["short"] for name, declared in context["config"]["outcomes"].items()}
    pools, aside = {}, {}
    for row in context["effects"]:
        if row["outcome"] in labels:
            part = pools if row["in_pool"] else aside
            part.setdefault(row["study"], {})[row["outcome"]] = True
    rows = [
        _row(study, context, labels=labels, pools=pools, aside=aside)
        for study in sorted(context["studies"], key=lambda row: (row["year"] or "9999", row["study_id"]))
    ]
    without = [row for row in rows if not row["pooled"]]
    randomised = [row["n_randomised"] for row in context["studies"] if not prose.missing(row["n_randomised"])]
    return {
        "rows": rows,
        "n": count(len(rows)),
        "counted": _counted(len(rows), len(without)),
        "people": _people(randomised),
        "registered": count(sum(1 for row in rows if row["registry"])),
        "attrition": prose.attrition_range(context["studies"]),
        "risk": [
            {"label": label, "n": count(sum(1 for row in rows if row["risk_level"] == level))}
            for level, label in (*LEVELS, (WAITS, WAITS))
            if level not in ("other", WAITS) or any(row["risk_level"] == level for row in rows)
        ],
        "awaiting_extraction": context["status"]["awaiting_extraction"],
        "judged_here": any(row["basis"] != RECORDED for row in context["judged"] if row["judgement"]),
        "other_outcomes": [
            {
                "label": row["label"],
                "outcome": row["outcome"].replace("_", " "),
                "instrument": prose.instrument(row["instrument"]),
                "reason": prose.sentence(row["reason"] or ""),
                "source": row["source"] or "",
            }
            for row in context["effects"]
            if row["outcome"] not in labels
        ],
    }


def _row(study, context, *, labels, pools, aside):
    """A trial as printed; `pools` and `aside` hold, by study, the outcomes that it gives numbers to."""
    key = study["study_id"]
    of_study = [row for row in context["judged"] if row["study_id"] == key]
    judged = [row for row in of_study if row["judgement"]]
    risk = _overall(judged) or study["risk_of_bias"]
    waits = waiting(of_study)
    level = WAITS if waits and not risk else risk_of_bias_level(risk)
    return {
        "id": key,
        "label": study_label(study),
        "opening": study_label(study)
        if study["first_author"]
        else f"{prose.excerpt(study['title'], 60)} {study['year'] or ''}".strip(),
        "title": f"{study['title'].rstrip('.')}{'' if study['title'].endswith(('?', '!')) else '.'}",
        "journal": study["journal"] or "",
        "year": study["year"] or "9999",
        "pubmed": links.pubmed_link(study["pmid"]),
        "pmid": study["pmid"],
        "doi": links.doi_link(study["doi"]),
        "registry": study["registry_ids"] or "",
        "population": study["population"],
        "condition": study["condition"],
        "detail": study["condition_detail"] or "",
        "intervention": study["intervention_detail"] or study["intervention_class"],
        "comparator": prose.comparator(study["comparator_class"]),
        "n": count(study["n_randomised"]),
        "n_sort": study["n_randomised"] or 0,
        "attrition": percent(study["attrition_percent"], 1),
        "attrition_sort": -1 if prose.missing(study["attrition_percent"]) else study["attrition_percent"],
        "attrition_basis": study["attrition_basis"] or "",
        "risk": dict(LEVELS).get(level, level),
        "risk_recorded": risk or "",
        "risk_domains": _domains(judged),
        "risk_told": "; ".join(filter(None, [risk_told(risk, judged), waits])),
        "risk_source": study["risk_of_bias_source"] or "",
        "editorial": notices.marks(context["status"]["notices_on_included"], key),
        "risk_level": level,
        "pooled": [labels[name] for name in labels if name in pools.get(key, {})],
        "aside": [
            labels[name] for name in labels if name in aside.get(key, {}) and name not in pools.get(key, {})
        ],
    }


def _counted(n, without):
    """How many trials are included, and how many of them give no number to a pool."""
    if not n:
        return "No trial is included."
    head = f"{prose.plural(n, 'trial is', 'trials are')} included"
    if not without:
        return f"{head}; {'it gives' if n == 1 else 'all give'} numbers to at least one pool."
    if without == n:
        return f"{head}; none gives a number that can be pooled, which is said in its row."
    gives = "gives" if n - without == 1 else "give"
    return (
        f"{head}: {count(n - without)} {gives} numbers to at least one pool, {count(without)} none that can"
        " be pooled, which is said in the row."
    )


def _people(randomised):
    if not randomised:
        return "No source used here states how many people were randomised."
    trials = prose.plural(len(randomised), "trial")
    return f"In {trials} with a stated number {count(sum(randomised))} people were randomised."


def _overall(judged):
    """The overall judgements of a study in words, such as "rob2: high"; one of an outcome names it."""
    return "; ".join(
        f"{row['tool']}{_of_outcome(row)}: {row['judgement']}" for row in judged if row["domain"] == OVERALL
    )


def _domains(judged):
    """The judgements of the domains, such as "sequence low, concealment low"."""
    return ", ".join(
        f"{row['domain'].replace('_', ' ')}{_of_outcome(row)} {row['judgement']}"
        for row in judged
        if row["domain"] != OVERALL
    )


def waiting(judged):
    """Whose judgement is waited for, such as "rob2 waits for Ada Sample"; "" where nobody's is."""
    return "; ".join(
        f"{row['tool']}{_of_outcome(row)} {row['detail']}"
        for row in judged
        if row["domain"] == OVERALL and row["basis"] == WAITS
    )


def risk_told(overall, judged):
    """The overall judgement as recorded, then the domains unless the record spells them out itself."""
    domains = _domains(judged)
    if not overall:
        return domains
    spelled = all(row["domain"].split("_")[0] in overall for row in judged if row["domain"] != OVERALL)
    return overall if spelled or not domains else f"{overall} ({domains})"


def _of_outcome(row):
    return f" ({row['outcome'].replace('_', ' ')})" if row["outcome"] else ""


def risk_of_bias_level(text):
    """The overall judgement that a record of risk of bias states, as a key of `LEVELS`.

    Nothing is judged here: where a source gives single domains only, any domain rated high makes ``high``,
    any unclear or unseen one ``some``; a scale that is not about low, unclear and high is ``other``.
    """
    if prose.missing(text) or not str(text).strip():
        return "none"
    text = str(text).lower()
    for word, level in (
        ("high", "high"),
        ("some concerns", "some"),
        ("unclear", "some"),
        ("not seen", "some"),
    ):
        if re.search(rf"\b{word}\b", text):
            return level
    return "low" if re.search(r"\blow\b", text) else "other"


def study_label(study):
    """First author and year, as far as the sources print them; the title stands beside it."""
    if study["first_author"]:
        return f"{study['first_author']} {study['year'] or '(year not stated)'}"
    return f"(author not stated) {study['year'] or ''}".strip()
