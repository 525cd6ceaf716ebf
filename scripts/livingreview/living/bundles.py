"""Zip files whose bytes follow from their content: sorted, with one date, without owners."""

import zipfile

# What people type into tables comes to some megabytes; 20,000 bundled citations to 50.
MOST_BYTES = 2**30


def write(file, members, *, day):
    """Write a zip file.

    Parameters
    ----------
    file : binary file
        Open for writing.
    members : iterable of (str, bytes)
        Paths inside the zip, with forward slashes, and what they hold; written in the order given.
    day : str
        YYYY-MM-DD; the date of every member, at midnight.

    Raises
    ------
    ValueError
        If a path occurs twice, is absolute or leads out of the zip.
    """
    year, month, date = map(int, day.split("-"))
    seen = set()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as bundle:
        for name, data in members:
            if not _stays_inside(name) or name in seen:
                raise ValueError(f"a zip holds no member {name!r} (again)")
            seen.add(name)
            about = zipfile.ZipInfo(name, (year, month, date, 0, 0, 0))
            about.compress_type = zipfile.ZIP_DEFLATED
            about.create_system = 3  # Unix, on whatever system it is made
            about.external_attr = 0o100644 << 16
            bundle.writestr(about, data)


def read(file):
    """The members of a zip, by path.

    Parameters
    ----------
    file : path or binary file

    Returns
    -------
    dict of str to bytes

    Raises
    ------
    ValueError
        If it is no zip, a path is absolute or leads out of it, or it unpacks to more than `MOST_BYTES`.
    """
    try:
        return _members(file)
    except zipfile.BadZipFile as error:
        raise ValueError(f"it is no whole zip: {error}") from None


def _members(file):
    with zipfile.ZipFile(file) as bundle:
        size = sum(member.file_size for member in bundle.infolist())
        if size > MOST_BYTES:
            raise ValueError(f"it unpacks to {size:,} bytes; allowed: {MOST_BYTES:,}")
        wrong = [name for name in bundle.namelist() if not _stays_inside(name)]
        if wrong:
            raise ValueError(f"{wrong[0]!r} leads out of the zip")
        return {name: bundle.read(name) for name in bundle.namelist()}


def _stays_inside(name):
    parts = name.split("/")
    return bool(name) and "\\" not in name and not {"", ".", ".."} & set(parts)
