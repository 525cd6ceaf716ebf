"""The tables that `rank_updates.py` writes into `benchmarks/README.md`, between their markers."""

from livingreview.errors import InputError

SETS = "ranking"
COST = "ranking cost"
MEASURES = {
    "average_precision": "average precision",
    "wss_95": "WSS@95",
    "recall_10": "recall in the first 10%",
    "recall_20": "recall in the first 20%",
    "recall_50": "recall in the first 50%",
    "roc_auc": "ROC AUC",
    "tnr_95": "TNR@95",
    "ndcg": "NDCG",
    "atd": "average time to discovery, share of the records",
    "ece": "expected calibration error, bins of equal width",
    "ece_equal_mass": "expected calibration error, bins of equally many records",
    "brier": "Brier score",
    "read_first_recall": "read first: share of the new included records held",
    "read_first_share": "read first: share of the new records held",
    "seconds": "seconds",
    "peak_memory_mb": "peak memory, MB",
}


def renew(path, result):
    """Write the tables of a result in place of the ones between the markers of a Markdown file.

    The table of costs is left as it is where the result has none.

    Raises
    ------
    InputError
        If a marker is missing; the file is then as it was.
    """
    text = path.read_text(encoding="utf-8")
    text = _between(path, text, SETS, sets_section(result))
    if "scale" in result:
        text = _between(path, text, COST, cost_section(result["scale"]))
    path.write_text(text, encoding="utf-8")


def _between(path, text, name, section):
    begin, end = f"<!-- {name}: begin -->", f"<!-- {name}: end -->"
    before, found, rest = text.partition(begin)
    _, closed, after = rest.partition(end)
    if not (found and closed):
        raise InputError(path, problem=f"no place for the table {name!r}", allowed=f"{begin} … {end}")
    return f"{before}{begin}\n{section}\n{end}{after}"


def sets_section(result):
    """Means, comparison, one line per set, and what was left out."""
    return "\n\n".join(
        part
        for part in [
            _means(result),
            _comparison(result),
            _sets(result),
            _left_out(result),
            _measured_on(result["environment"]),
        ]
        if part
    )


def _table(header, rows):
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def _number(value, form=".3f"):
    return "–" if value is None else format(value, form)


def _means(result):
    ours, peer = result["macro"]["ours"], result["macro"]["elas_u4"]
    rows = []
    for key, name in MEASURES.items():
        form = ".1f" if key == "seconds" else ".0f" if key == "peak_memory_mb" else ".4f"
        won = (result["wins"] or {}).get(key)
        rows.append(
            [
                name,
                _number(ours[key], form),
                _number(peer[key], form),
                _number((result["ratios"] or {}).get(key)),
                "{wins} / {losses} / {ties}".format(**won) if won else "–",
            ]
        )
    return _table(
        [f"mean of {len(result['sets'])} sets", "ours", "ELAS u4", "ratio", "won / lost / tied"], rows
    )


def _comparison(result):
    if not result["bootstrap"]:
        return ""
    ap, wss = (result["bootstrap"][key] for key in ("average_precision_ratio", "wss_95_difference"))
    lines = [
        f"Average precision is {ap['estimate']:.3f} times ELAS u4's (95% interval {ap['low']:.3f} to"
        f" {ap['high']:.3f}); WSS@95 less ELAS u4's is {wss['estimate']:+.3f} ({wss['low']:+.3f} to"
        f" {wss['high']:+.3f});"
        f" paired bootstrap over sets, {result['bootstrap']['resamples']:,} resamples."
    ]
    target = result["target"]
    if target["sets_reaching_it"] is not None:
        lines.append(
            f'The band "read first" holds {target["recall"]:.0%} or more of the new included records on'
            f" {target['sets_reaching_it']} of {target['sets']} sets."
        )
    return " ".join(lines)


def _sets(result):
    header = ["set", "train (included)", "new (included)", "AP ours", "AP ELAS u4", "ratio"]
    header += [
        "WSS ours",
        "WSS ELAS u4",
        "difference",
        "read first holds",
        "of the records",
        "seconds, ratio",
    ]
    rows = [_set_row(row) for row in result["sets"]]
    ours, peer = result["macro"]["ours"], result["macro"]["elas_u4"]
    if rows:
        rows.append([f"**{cell}**" for cell in ["mean", "", "", *_values(ours, peer)]])
    return _table(header, [[cell.replace("****", "") for cell in row] for row in rows])


def _set_row(row):
    sizes = [f"{row[f'n_{side}']:.0f} ({row[f'included_{side}']:.0f})" for side in ("train", "new")]
    name = row["name"] + (", random splits" if row["split"] == "random" else "")
    return [name, *sizes, *_values(row["ours"], row["elas_u4"])]


def _values(ours, peer):
    return [
        _number(ours["average_precision"]),
        _number(peer["average_precision"]),
        _number(ours["average_precision"] / peer["average_precision"], ".2f"),
        _number(ours["wss_95"]),
        _number(peer["wss_95"]),
        _number(ours["wss_95"] - peer["wss_95"], "+.3f"),
        _number(ours["read_first_recall"]),
        _number(ours["read_first_share"]),
        _number(ours["seconds"] / peer["seconds"], ".2f"),
    ]


def _left_out(result):
    lines = [f"- {row['name']}: skipped, {row['reason']}" for row in result["skipped"]]
    lines += [f"- {row['name']}: failed, {row['reason']}" for row in result["failed"]]
    for row in result["sets"]:
        counts = [
            ("without a year", len(row["without_year"])),
            ("marked as a duplicate", row["n_duplicates"]),
            ("without a label", len(row["unlabelled"])),
        ]
        told = [f"{n} {what}" for what, n in counts if n]
        told += [f"random split {one['seed']}: {one['reason']}" for one in row["skipped_splits"]]
        if told:
            lines.append(f"- {row['name']}: {'; '.join(told)}")
    return "Left out:\n\n" + "\n".join(lines) if lines else ""


def _measured_on(environment):
    versions = {
        name: ", ".join(f"{library} {version}" for library, version in sorted(found.items()))
        for name, found in environment["methods"].items()
    }
    said = "; ".join(f"{name}: {libraries}" for name, libraries in versions.items())
    return f"Measured on {environment['cores']} cores ({environment['machine']}). {said}."


def cost_section(scale):
    """Seconds and memory by size."""
    rows = []
    for row in scale.values():
        ours, peer = row["ours"], row.get("elas_u4")
        rows.append(
            [
                f"{row['n_train']:,} ({row['included_train']:,})",
                f"{row['n_new']:,}",
                f"{ours['seconds']:.1f}",
                f"{ours['peak_memory_mb']:,.0f}",
                f"{peer['seconds']:.1f}" if peer else "–",
                f"{peer['peak_memory_mb']:,.0f}" if peer else "–",
                f"{row['seconds_ratio']:.2f}" if peer else "–",
            ]
        )
    header = [
        "train (included)",
        "new",
        "seconds, ours",
        "MB, ours",
        "seconds, ELAS u4",
        "MB, ELAS u4",
        "ratio",
    ]
    return _table(header, rows)
