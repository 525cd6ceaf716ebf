"""A made-up review in the shapes of the workflow's files: every name says that it is an example."""

import copy
import functools
import math

import example_screening as screened
import pandas as pd
import yaml

from livingreview.living import absolute_effects, certainty
from livingreview.pooling.outcomes import pool_outcome

CONFIG = yaml.safe_load("""
run: "2026-11"
review:
  title: Example treatment for example pain
  question: Does an example treatment help people with example pain?
  demonstration: This is an example for tests.
search: {base_url: sandbox, tool: living-review, email: a@example.org,
  query: 'pain[ti] AND "web"[tiab]', drop_tolerance_percent: 5, rise_tolerance_percent: 25,
  absent_tolerance_percent: 1, acknowledged: [], bodies: committed}
eligibility: {include: [Randomised trials], exclude: [Protocols]}
screening:
  stages: [title-abstract, full-text]
  ranking: {learn_from: full-text, minimum_included: 2, minimum_excluded: 2, read_first_recall: standard,
    audit_size: 2, suspicious_labels: 5, confidence: 0.95, seed: 1}
  reasons: {not_rct: Not a randomised controlled trial, not_internet: Not delivered over the internet}
outcomes:
  many: {label: Many trials, short: Many}
  two: {label: Two trials, short: Two}
  one: {label: One trial, short: One}
  none: {label: Without trials, short: Without}
analysis: {measure: SMD, timepoint: post, method_tau2: REML, method_ci: knha,
  level: 0.95, arm_sizes_not_printed: set_aside}
subgroups: []
interpretation: {no_effect: 0.1, small: 0.2, moderate: 0.5, large: 0.8, minimum_studies: 3,
  treatment: Example treatment,
  favours_left: favours example treatment, favours_right: favours control}
living: {mode: active, search_every_months: 1, statement: Searched every month., retirement: Not planned.}
""")

METHODS = {
    "measure": "SMD",
    "method_tau2": "REML",
    "method_ci": "Hartung-Knapp",
    "method_pi": "t with k - 2",
    "method_I2": "from tau2",
}
HEAD = ("k", "n_studies", "n_participants", "n_participants_unknown_rows", "estimate", "ci_low", "ci_high")
VALUES = {
    "many": [-0.9, -0.5, -0.42, -0.3, -0.25, 0.1],
    "two": [-0.2, 0.3],
    "one": [-0.69],
    "none": [],
}


def context():
    """The whole context of `pages.build`, a copy of its own for every call."""
    return copy.deepcopy(_context())


@functools.cache
def _context():
    effects, outcomes, changes = [], {}, {}
    for name, values in VALUES.items():
        rows = [_effect(name, index, value) for index, value in enumerate(values)]
        effects += rows
        outcomes[name] = _estimates(name, rows)
        main = outcomes[name]["main"]
        changes[name] = {
            "before": None,
            "after": _state(main),
            "difference": None,
            "added": [],
            "removed": [],
            "corrected": [],
        }
    effects.append(
        _effect("none", 7, math.nan) | {"in_pool": False, "reason": "no arm sizes", "yi": None, "vi": None}
    )
    before = _state(outcomes["many"]["main"]) | {"estimate": -0.36, "k": 5, "n_studies": 5}
    last = effects[5]
    changes["many"] |= {
        "before": before,
        "difference": outcomes["many"]["main"]["estimate"] - before["estimate"],
        "added": [{key: last[key] for key in ("row_id", "study", "label", "yi", "vi")}],
    }
    changes["many"] |= _attributed(before, changes["many"]["after"], last)
    changes["two"] |= {"before": _state(outcomes["two"]["main"]), "difference": 0.0}
    return {
        "config": copy.deepcopy(CONFIG),
        "run": "2026-11",
        "records": [
            {"record_id": "1", "title": "Example record 1", "source": "PubMed", "duplicate_of": None},
            {"record_id": "2", "title": "Example record 2", "source": "Example", "duplicate_of": None},
            {"record_id": "3", "title": "Example record 1", "source": "Example", "duplicate_of": "1"},
        ],
        "events": [event("2026-10", "1", "MeSH added"), event("2026-11", "1", "erratum")],
        "imports": [imported()],
        "pairs": [pair("1", "2")],
        "companions": [
            {"group_id": "1", "record_id": name, "evidence": "NCT00000001"} for name in ("1", "4")
        ],
        "refetched": [],
        "text": {
            "sections": [
                {
                    "file": "data/text/background.md",
                    "name": "background",
                    "title": "Background",
                    "body": "The effect was {{ many.estimate }} [@example].\n\n## More\n\n> Quoted.\n",
                    "references": {"example": "Example A. An example. Example J 2016."},
                    "values": {"many.estimate": "−0.36"},
                    "literals": [{"line": 4, "text": "24", "reason": "hours in a day"}],
                    "sentences": 3,
                    "others": 2,
                    "claims": 1,
                }
            ],
            "protocol_sentences": 2,
        },
        "decisions": [{"record_id": "1", "reviewer": "E. X."}],
        "effects": effects,
        "findings": [
            finding("many-0", severity="error"),
            finding("two-1", cleared_by="E. X.", clearance_note="as printed"),
        ],
        "corrections": [
            {
                "run": "2026-11",
                "table": "outcomes",
                "row": "many-0",
                "field": "mean_1",
                "old": "1",
                "new": "2",
                "reason": "misread",
            }
        ],
        "extraction_agreement": {"records": 0, "kinds": {}},
        "judged": [],
        "extracted": [],
        "estimates": {"run": "2026-11", "level": 0.95, "outcomes": outcomes},
        "certainty": _certainty(outcomes),
        "changes": {
            "release": {
                "version": "26.0.0",
                "run": "2026-01",
                "frozen_on": "2026-01-15",
                "note": "first release",
            },
            "outcomes": changes,
            "outcomes_dropped": [],
        },
        "triggers": _triggers(),
        "methods_changes": _methods_changes(),
        "flow": _flow(),
        "status": _status(),
        "whats_new": _whats_new(),
        "studies": [_study(index) for index in range(8)],
        "queue": [_record(index) for index in range(3)],
        **screened.results(),
        "provenances": [provenance("2026-10", 200), provenance("2026-11", 209)],
        "releases": [
            {
                "version": "16.0.0",
                "kind": "published review",
                "citation": "Example A. An example review. Example J 2016",
                "doi": "10.1000/example",
                "estimates": {"many": {"estimate": -0.39, "measure": "Hedges g"}},
                "descriptions": [{"what": "trials included", "value": 22}],
                "note": "as printed",
            },
            {
                "version": "26.0.0",
                "kind": "release",
                "run": "2026-01",
                "frozen_on": "2026-01-15",
                "note": "first release",
            },
        ],
        "embedded": [{"name": "effects.csv", "text": "row_id,yi\nmany-0,-0.9\n"}],
        "files": [{"name": "results/2026-11/effects.csv", "sha256": "0123456789abcdef" * 4, "bytes": 12345}],
        "software": {"living-review": "0.1.0"},
        "code": "0123456789ab",
    }


def finding(row_id, **values):
    """A finding of the checks of extracted values."""
    about = {
        "check": "se_as_sd",
        "severity": "note",
        "found": "found this",
        "expected": "that",
        "hint": "look",
    }
    about |= {"cells": "sd_1", "digest": "0", "cleared_by": None, "clearance_note": None}
    return {"row_id": row_id} | about | values


def _effect(outcome, index, value):
    return {
        "row_id": f"{outcome}-{index}",
        "study": f"example_{index}",
        "label": f"Example {2010 + index}",
        "outcome": outcome,
        "comparison": None,
        "instrument": "Example scale",
        "timepoint": "post",
        "yi": value,
        "vi": 0.02 + 0.01 * index,
        "ni": 100 + index,
        "in_pool": True,
        "in_sensitivity": True,
        "reason": None,
        "conversion": "means and SDs",
        "assumption": "equal arms assumed" if index == 1 else None,
        "source": "example source",
        "comparator": "waitlist",
        "run": "2026-01",
        "entered": "2026-01",
    }


def _estimates(name, rows):
    k = len(rows)
    weights = [1 / row["vi"] for row in rows]
    total = sum(weights)
    estimate = sum(w * row["yi"] for w, row in zip(weights, rows, strict=True)) / total if k else None
    se = math.sqrt(1 / total) if k else None
    main = {
        "outcome": name,
        "k": k,
        "n_studies": k,
        "n_participants": sum(row["ni"] for row in rows),
        "n_participants_unknown_rows": 0,
        "estimate": estimate,
        "se": se,
        "ci_low": estimate - 1.96 * se if k else None,
        "ci_high": estimate + 1.96 * se if k else None,
        "pi_low": estimate - 0.6 if k > 2 else None,
        "pi_high": estimate + 0.6 if k > 2 else None,
        "tau2": 0.05 if k > 1 else None,
        "I2": 47.3 if k > 1 else None,
        "QE": 9.3,
        "QE_df": k - 1,
        "QE_p": 0.0951,
        **METHODS,
    }
    return _robustness(rows) | {
        "main": main,
        "sensitivity": {**main, "what": "with effects printed without arm sizes"},
        "weights": [
            {
                "row_id": row["row_id"],
                "label": row["label"],
                "study": row["study"],
                "yi": row["yi"],
                "vi": row["vi"],
                "ci_low": row["yi"] - 1.96 * math.sqrt(row["vi"]),
                "ci_high": row["yi"] + 1.96 * math.sqrt(row["vi"]),
                "weight": 100 * w / total,
            }
            for row, w in zip(rows, weights, strict=True)
        ],
        "leave_one_out": [
            {
                "omitted": row["study"],
                "label": row["label"],
                "k": k - 1,
                "estimate": estimate,
                "ci_low": main["ci_low"],
                "ci_high": main["ci_high"],
                "tau2": 0.04,
                "I2": 40.0,
            }
            for row in (rows if k > 1 else [])
        ],
        "subgroups": [
            {
                "variable": "population",
                "label": "Age group",
                "between": {"QM": 1.2, "df": 1, "p": 0.27, "n_groups": 2, "left_out": []} if k > 2 else None,
                "groups": [
                    {
                        "value": "adult",
                        "label": "Adults",
                        "k": k,
                        "n_studies": k,
                        "estimate": estimate,
                        "ci_low": main["ci_low"],
                        "ci_high": main["ci_high"],
                        "tau2": main["tau2"],
                        "I2": main["I2"],
                    },
                    {
                        "value": "youth",
                        "label": "Youth",
                        "k": 0,
                        "n_studies": 0,
                        "estimate": None,
                        "ci_low": None,
                        "ci_high": None,
                        "tau2": None,
                        "I2": None,
                    },
                ],
            }
        ]
        if k > 1
        else [],
    }


def _robustness(rows):
    """What the pooling makes of the rows besides the main analysis."""
    columns = list(_effect("", 0, 0.0))
    found = pool_outcome(
        pd.DataFrame(rows, columns=columns).assign(entered="2026-01"),
        outcome=rows[0]["outcome"] if rows else "none",
        label="Example",
        thresholds=(0.1, 0.5),
    )
    return {
        name: found[name]
        for name in (
            "sensitivity_table",
            "influence",
            "cumulative",
            "small_study",
            "funnel",
            "shares",
            "regressions",
        )
    }


def _certainty(outcomes):
    """What the data suggest of each outcome; of the first, people judged a domain before a trial came."""
    rules = certainty.settings({}, CONFIG["interpretation"])
    found = {}
    for name, one in outcomes.items():
        head = {key: one["main"][key] for key in HEAD}
        suggested = certainty.suggest(
            one, rules=rules, minimum_studies=3, classes={"example_0": "high"}, registered=["example_2"],
            groups={}, labels={},
        )  # fmt: skip
        judged = {"rating": -1, "reason": "example reason", "by": "E. X.", "run": "2026-01", "k": 5}
        judged |= {"estimate": -0.36, "stale": True, "since": "Rated before Example 2015 was added."}
        people = {"indirectness": judged} if name == "many" else {}
        found[name] = head | {
            "label": CONFIG["outcomes"][name]["label"],
            "suggested": suggested,
            "people": people,
            **certainty.together(suggested, people),
            "familiar_scale": None,
            "people_improved": absolute_effects.people_improved(head, []),
        }
    return {"run": "2026-11", "rules": rules, "outcomes": found}


def _state(main):
    keys = ("estimate", "ci_low", "ci_high", "pi_low", "pi_high", "tau2", "I2", "k", "n_studies")
    return {key: main[key] for key in keys}


def _study(index):
    return {
        "study_id": f"example_{index}",
        "first_author": "Example",
        "year": str(2010 + index),
        "title": f"An example trial, number {index}",
        "journal": "Example J",
        "doi": "10.1000/ex(1)<2>" if index == 1 else None,
        "pmid": str(1000 + index),
        "registry_ids": "NCT00000001" if index == 2 else None,
        "population": "adult",
        "condition": "mixed",
        "condition_detail": None,
        "comparator_class": "waitlist; attention",
        "intervention_class": "CBT",
        "intervention_detail": None,
        "n_randomised": 100 if index else None,
        "attrition_percent": 10.0 + index if index < 3 else None,
        "attrition_basis": "derived: 45 of 50" if index == 1 else None,
        "risk_of_bias": "RoB 2: high" if index == 2 else None,
        "risk_of_bias_source": None,
    }


def _record(index):
    return {
        "record_id": str(2000 + index),
        "pmid": str(2000 + index),
        "stage": "title-abstract",
        "state": ("new", "undecided", "awaiting")[index],
        "first_run": "2026-11",
        "title": f"An example record, number {index}",
        "authors": "Example A; Example B",
        "journal": "Example J",
        "year": "2026",
        "design": "signs of a randomised trial in the text",
        "score": 0.9 - index / 10,
        "p_title_abstract": None,
        "p_full_text": (0.31, 0.004, 0.9962)[index],
        "band": ("read first", "audit", "read first")[index],
        "terms": "internet (+0.51); title: pain (-0.20)",
        "model": "ranker-2 n=60 0123abcd",
        "link": f"https://pubmed.ncbi.nlm.nih.gov/{2000 + index}/",
    }


def _attributed(before, after, added):
    """The move of an outcome by one trial added and a method changed, in two parts of which one is larger."""
    total = {name: after[name] - before[name] for name in ("estimate", "ci_low", "ci_high")}
    row = {"study": added["study"], "label": added["label"], "row_ids": [added["row_id"]]}
    steps = [("added", 0.75), ("method", 0.25)]
    numbers = {name: after[name] for name in ("ci_low", "ci_high", "tau2", "I2", "k")}
    at = [before["estimate"] + 0.75 * total["estimate"], after["estimate"]]
    return {
        "reason": None,
        "causes": [
            {"cause": "added", "n_rows": 1, "trials": [row]},
            {"cause": "method", "n_rows": 0, "trials": []},
        ],
        "total": total,
        "software": dict.fromkeys(total, 0.0),
        "steps": [
            {"cause": cause, "change": part * total["estimate"], "estimate": value, **numbers}
            for (cause, part), value in zip(steps, at, strict=True)
        ],
        "shapley": [
            {"cause": cause, **{name: part * value for name, value in total.items()}}
            for cause, part in (("added", 0.6), ("method", 0.4))
        ],
        "n_orders": 2,
        "n_orders_possible": 2,
        "by_change": [
            {"cause": "added", **row, "share": 0.6 * total["estimate"], "without": -0.37, "undone": 0.01},
            {
                "cause": "method",
                "study": None,
                "label": "",
                "row_ids": [],
                "share": 0.4 * total["estimate"],
                "without": -0.36,
                "undone": 0.02,
            },
        ],
        "participants_added": {"known": 105, "unknown_rows": 0},
    }


def _triggers():
    about = {"rule": "An example rule", "numbers": {}, "threshold": 0}
    return {
        "release": {"version": "26.0.0", "run": "2026-01"},
        "rules": {},
        "triggers": [
            {"name": name, "outcome": outcome, "state": state, "sentence": sentence, **about}
            for name, outcome, state, sentence in [
                ("no_effect", "many", "fired", "The interval now crosses no effect."),
                ("no_effect", "two", "not fired", "The interval crossed no effect and still does."),
                ("no_effect", "none", "not evaluated", "Cannot be evaluated: there is no estimate now."),
                ("retraction", None, "not fired", "No included trial has been retracted."),
            ]
        ],
    }


def _methods_changes():
    return {
        "release": "26.0.0",
        "protocol_frozen": True,
        "compared": [],
        "changes": [
            {
                "key": "analysis.method_tau2",
                "before": "DL",
                "after": "REML",
                "reason": "It is less biased where trials are few.",
                "by": "E. X.",
                "run": "2026-11",
            },
            {
                "key": "eligibility.include",
                "before": "",
                "after": "Adolescents",
                "reason": None,
                "by": None,
                "run": None,
            },
        ],
        "left_out": [{"key": "run", "before": "2026-01", "after": "2026-11", "why": "the month"}],
        "software": {"before": "0.1.0", "after": "0.1.0"},
        "unused_reasons": [],
    }


def _flow():
    part = {
        "identified": 209,
        "duplicates": 2,
        "screened": 204,
        "excluded": 189,
        "unscreened": 3,
        "sought": 15,
        "not_retrieved": 1,
        "not_assessed": 1,
        "excluded_full_text": 10,
        "assessed": 13,
        "excluded_reasons": {"not_rct": 4, "not_internet": 6},
        "awaiting": 1,
        "included_reports": 2,
    }
    base = part | {"awaiting_extraction": 0, "reports": 7, "studies": 6, "awaiting": 3, "included_reports": 7}
    added = part | {"awaiting_extraction": 1, "reports": 2, "studies": 2, "awaiting": -2}
    whole = {box: base[box] + added[box] for box in base if box != "excluded_reasons"}
    whole["excluded_reasons"] = {"not_rct": 8, "not_internet": 12}
    return {
        "previous": {"studies": 6, "reports": 7},
        "databases": part,
        "other": part | {"identified": 9, "screened": 9},
        "new": {"studies": 2, "reports": 2},
        "removed": {"studies": 0, "reports": 0},
        "removed_by_notice": {"studies": 0, "reports": 0},
        "removed_otherwise": {"studies": 0, "reports": 0},
        "merged_reports": 0,
        "total": {"studies": 8, "reports": 9},
        "awaiting_extraction": 1,
        "from_earlier_searches": 1,
        "included_before": 0,
        "versions": [
            {"version": "26.0.0", "run": "2026-10", "added": base, "standing": base},
            {"version": "2026-11", "run": "2026-11", "added": added, "standing": whole},
        ],
        "cumulative": whole,
        "restated": [],
        "checks": [
            {"identity": "total studies = previous + new", "left": 8, "right": 8},
            {"identity": "added by 26.0.0: screened", "left": 1, "right": 1, "version": "26.0.0"},
        ],
    }


def _status():
    return {
        "run": "2026-11",
        "searched_at": "2026-11-01T00:00:00+00:00",
        "next_run": "2026-12",
        "living_mode": "active",
        "n_matched": 209,
        "n_new_records": 9,
        "n_new_other": 2,
        "n_decided_this_run": 6,
        "n_included_this_run": 1,
        "n_queue": 3,
        "n_second_reviewer": 0,
        "n_conflicts": 0,
        "oldest_waiting_since": "2025-08",
        "waiting": [
            {
                "record_id": str(2000 + index),
                "title": "x",
                "since_run": since,
                "months": months,
                "state": ("new", "undecided", "awaiting")[index],
                "stage": "title-abstract",
                "waits_for": None,
            }
            for index, (since, months) in enumerate([("2026-11", 0), ("2026-10", 1), ("2025-08", 15)])
        ],
        "studies_included": 8,
        "studies_withdrawn": 0,
        "studies_in_any_pool": 6,
        "awaiting_extraction": [],
        "sentinels": {"n": 7, "missing": [], "without_pmid": 0},
        "notices_on_included": [],
        "mode": mode(),
        "living_parameters": [{"name": "mode", "value": "active"}, {"name": "justification", "value": None}],
        "lags": _lags(),
        "alerts": [],
        "sandbox": True,
    }


def mode(mode="active", **cells):
    """The living mode, as status.json tells it."""
    given = {"mode": mode, "since": None, "reason": None, "allowed": ["paused", "retired"], "quiet_runs": 0}
    given["publish"] = {"rule": "triggered", "stated": True, "asked": False, "why": "no trigger fired"}
    given["retire"] = {"rule": None, "asked": None, "why": "the protocol has no rule for it"}
    return given | cells


def _lags():
    step = {"n": 2, "by_day": 1, "by_month": 1, "estimated": 1, "median": 1.5, "low": 0.5, "high": 2.5}
    step |= {"not_yet": 3, "unknown": 0}
    none = dict.fromkeys(step, 0) | {"median": None, "low": None, "high": None}
    steps = [
        step | {"from": "entry", "to": "found"},
        none | {"from": "extracted", "to": "reported"},
    ]
    return {"n_records": 5, "n_first_search": 33, "steps": steps}


def _whats_new():
    run = {"run": "2026-11", "searched_at": "2026-11-01T00:00:00+00:00", "sandbox": True, "n_matched": 9}
    run |= {"query_changed": False, "releases": [], "oldest_waiting_months": 15}
    run |= dict.fromkeys(("n_new", "n_new_other", "n_decided", "n_included", "n_excluded"), 1)
    run |= dict.fromkeys(("n_reports_linked", "n_studies_extracted", "n_corrected"), 0)
    run |= {"n_retracted": 0, "n_restored": 0, "n_waiting": 3, "n_awaiting": 1}
    release = {"version": "26.10.0", "frozen_on": "2026-10-20", "note": "x"}
    earlier = run | {"run": "2026-10", "oldest_waiting_months": None, "releases": [release]}
    return {
        "run": "2026-11",
        "kind": "nothing found",
        "statement": ["PubMed was searched on 1 November 2026; no new record was found."],
        "included": [],
        "retracted": [],
        "restored": 0,
        "fired": [],
        "release": "26.10.0",
        "waiting": [],
        "waiting_more": 0,
        "runs": [run, earlier],
    }


def notice(record_id, kind, effect, **cells):
    """A notice on a report, as status.json tells it."""
    given = {"record_id": record_id, "title": f"Example {record_id}", "study_id": "example_2019"}
    given |= {"label": "Example 2019", "editorial_status": kind, "effect": effect}
    return given | {"notices": "RetractionIn:900", "since_run": "2026-10", "read": True} | cells


def event(run, pmid, event):
    return {
        "run": run,
        "pmid": pmid,
        "event": event,
        "date": f"{run}-01",
        "date_revised": "2026-09-30",
        "other_pmid": "900",
        "detail": "ErratumIn",
    }


def pair(left, right, kind="duplicate"):
    shown = {"title": "Example record", "authors": "Example A", "year": "2020", "journal": "Example J"}
    return {
        "record_a": left,
        "record_b": right,
        "kind": kind,
        "score": 0.8,
        "evidence": "same title and year",
        **{f"{name}_{side}": value for name, value in shown.items() for side in "ab"},
        "verdict": None,
        "reviewer": None,
        "note": None,
    }


def imported():
    return {
        "run": "2026-11",
        "file": "example.ris",
        "database": "Example database",
        "platform": "Example platform",
        "searched_on": "2026-11-02",
        "strategy": "exp *pain/ and web.ti,ab.",
        "limits": "",
        "n_records": 2,
        "exported_by": "E. X.",
        "note": "",
        "sha256": "fedcba9876543210" * 4,
        "n_read": 2,
        "n_repeated": 0,
    }


def provenance(run, n):
    return {
        "run": run,
        "base_url": "sandbox",
        "searched_at": f"{run}-01T00:00:00+00:00",
        "query": CONFIG["search"]["query"],
        "query_translation": "pain[Title] AND web[Title/Abstract]",
        "dropped": [],
        "acknowledged_in_vain": [],
        "messages": [],
        "count": n,
        "parts": [{"low": 1, "high": 99999999, "count": n, "file": "esearch-001.xml"}],
        "n_listed": n,
        "query_changed": False,
        "n_fetched": n,
        "absent": [],
        "n_new": 9,
        "arrivals": {"newly entered": 7, "newly matching": 2},
        "missed_by_date_window": {"since": "2026-10-01", "entry_date": 2, "create_date": 2},
        "known": {
            "records": n - 9,
            "unchanged": n - 10,
            "changed": 1,
            "gone": 0,
            "not_asked": 0,
            "not_found": 0,
        },
        "n_events": {"erratum": 1},
        "bodies_kept": "committed",
        "bodies": {},
        "files": {},
        "software": {},
    }
