"""Names and groups of studies, for tables and figures."""

from collections import Counter

import pandas as pd

UNCLASSIFIED = "unclassified"


def group_of(values, groups):
    """The group that each value belongs to.

    Parameters
    ----------
    values : iterable of str or None
        Values of a column of studies. Two values in one cell ("waitlist; attention") belong to a group
        that holds the cell as it stands, or else both values.
    groups : mapping
        Group to ``{"label": str, "values": [str, ...]}``; without ``values`` a group holds its own name.

    Returns
    -------
    list of str
        A group for each value; `UNCLASSIFIED` where no group holds it.

    Raises
    ------
    ValueError
        Two groups hold the same value.
    """
    owner = {}
    for name, group in groups.items():
        for value in group.get("values") or [name]:
            if owner.setdefault(value, name) != name:
                raise ValueError(f"the value {value!r} stands in two groups, {owner[value]} and {name}")

    def one(value):
        if not isinstance(value, str) or value in owner:
            return owner.get(value, UNCLASSIFIED)
        parts = [part.strip() for part in value.split(";")]
        owners = {owner.get(part, UNCLASSIFIED) for part in parts}
        return owners.pop() if len(owners) == 1 else UNCLASSIFIED

    return [one(value) for value in values]


def labels(studies):
    """A short, unique name for each study, such as "Buhrman 2013 (ACT)".

    Parameters
    ----------
    studies : DataFrame
        With ``study_id``, ``first_author``, ``year``; the latter two may be missing, and then nothing is
        guessed: "Brattberg (year not printed)", or the words of the study_id.

    Returns
    -------
    list of str
        Studies of the same author and year are told apart by the rest of their study_id in capitals, or by
        letters where one of them has no such rest.
    """
    parts = [
        _label_parts(*fields)
        for fields in zip(studies["study_id"], studies["first_author"], studies["year"], strict=True)
    ]
    groups = {}
    for base, rest in parts:
        groups.setdefault(base, []).append(rest)
    done, seen = [], Counter()
    for base, rest in parts:
        rests = groups[base]
        if len(rests) == 1:
            done.append(base)
        elif all(rests) and len(set(rests)) == len(rests):
            done.append(f"{base} ({rest.upper()})")
        else:
            done.append(f"{base}{'' if base[-1].isdigit() else ' '}{chr(ord('a') + seen[base])}")
            seen[base] += 1
    return done


def _label_parts(study_id, author, year):
    """(label, words of the study_id that the label does not hold)."""
    words = study_id.split("_")
    year = "" if pd.isna(year) or year == "" else f"{int(float(year))}"
    if pd.isna(author) or author == "":
        name = " ".join(w for w in words if w != year)
        return f"{name[:1].upper()}{name[1:]} {year}".strip(), ""
    named = set(author.lower().replace("-", " ").split()) | {year}
    rest = " ".join(w for w in words if w not in named)
    return (f"{author} {year}" if year else f"{author} (year not printed)"), rest
