"""Tables in which a correction is a new row."""


def rows_at(frame, run, key):
    """The rows in force at a run: of each key the highest revision that existed by then.

    Parameters
    ----------
    frame : DataFrame
        With columns run (YYYY-MM) and revision (1, 2, ...).
    run : str
        A month YYYY-MM.
    key : list of str
        The columns that name a row, without revision.

    Returns
    -------
    DataFrame
        Sorted by the key, with a fresh index.
    """
    known = frame[frame["run"] <= run].sort_values([*key, "revision"])
    return known.drop_duplicates(key, keep="last").reset_index(drop=True)
