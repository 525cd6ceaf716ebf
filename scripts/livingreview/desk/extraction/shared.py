"""What the rows of one paper share: typed once, and taken over from the row above."""

from livingreview.trials import sheet_cells

# By the button of a row; sizes and places differ too often to be taken without being asked.
COPIED = ("timepoint", "weeks", "arm_1", "arm_2", "n_1", "n_2", "source", "page", "table_or_figure")
# Without being asked, as soon as a row has anything else.
TAKEN = ("arm_1", "arm_2", "source")


def copied(rows, number):
    """The rows with empty cells of one filled from the nearest row before it in which something stands."""
    rows = [dict(row) for row in rows]
    before = [row for row in rows[:number] if sheet_cells.is_filled(row, "outcomes")]
    if before and number < len(rows):
        _fill(rows[number], before[-1], COPIED)
    return rows


def taken(rows, study):
    """The rows with arms and source from the rows above, and how many cells that filled.

    Parameters
    ----------
    rows : list of dict of str to str
        Rows in which nothing was typed stay empty.
    study : dict of str to str
        Its source is that of rows of which none names another.

    Returns
    -------
    rows : list of dict
    count : int
    """
    rows, count = [dict(row) for row in rows], 0
    for at, row in enumerate(rows):
        if not sheet_cells.is_filled(row, "outcomes"):
            continue
        columns = [name for name in TAKEN if (name, row["effect_type"]) != ("arm_2", "single_group")]
        for before in reversed(rows[:at]):
            if before["comparison"] == row["comparison"]:
                count += _fill(row, before, columns)
        count += _fill(row, study, ["source"])
    return rows, count


def arms(rows):
    """The names of the arms that the rows have, by column and in order, for the fields of other rows."""
    return {name: list(dict.fromkeys(row[name] for row in rows if row[name])) for name in ("arm_1", "arm_2")}


def _fill(row, other, columns):
    empty = [name for name in columns if not row[name] and other[name]]
    row |= {name: other[name] for name in empty}
    return len(empty)
