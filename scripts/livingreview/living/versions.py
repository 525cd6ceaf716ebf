"""Version numbers of a review: YY.minor.patch, and what a run is called before it has one.

As in Metapsy's databases, the first part is a year. A release of another run than the last one has a new
minor (or a new year) and patch 0; a release of the same run, which corrects what was published without a new
search, has the same year and minor and a new patch. Numbers may be skipped and never used twice.
"""

from livingreview.errors import InputError

PLACE = "data/releases"
CENTURY = 2000


def parse(text):
    """A version as a tuple of three whole numbers.

    Raises
    ------
    InputError
        If it is not YY.minor.patch.

    Examples
    --------
    >>> parse("26.1.0")
    (26, 1, 0)
    """
    parts = text.split(".")
    if len(parts) != 3 or not all(part.isascii() and part.isdigit() for part in parts):
        raise InputError(PLACE, problem="version", found=text, allowed="YY.minor.patch, such as 26.1.0")
    return tuple(map(int, parts))


def own(releases):
    """The releases of this review, without published reviews that it follows."""
    return [release for release in releases if release["kind"] == "release"]


def newest(releases):
    """The release with the highest version, or None."""
    return max(releases, key=lambda release: parse(release["version"]), default=None)


def check(version, *, run, frozen_on, releases):
    """Refuse a version that is not the next one for a run.

    Parameters
    ----------
    version : str
        The version asked for.
    run : str
        The month that is released, YYYY-MM.
    frozen_on : str
        The day, YYYY-MM-DD.
    releases : list of dict
        Every release so far, published reviews included.

    Raises
    ------
    InputError
        If the version is not newer than all others, its year is none between that of the run and that of the
        day, or its minor and patch are not those of a new run, or of a correction.
    """
    asked = parse(version)
    last = newest(releases)
    if last and asked <= parse(last["version"]):
        raise InputError(
            PLACE,
            problem="a release is never replaced",
            found=version,
            allowed=f"a version after {last['version']}",
        )
    first, latest = int(run[:4]) - CENTURY, int(frozen_on[:4]) - CENTURY
    if not first <= asked[0] <= latest:
        raise InputError(
            PLACE,
            problem=f"the first part of a version is a year from that of the run {run} to this one",
            found=version,
            allowed=f"{first}.minor.patch" if first == latest else f"from {first} to {latest}",
        )
    _check_parts(asked, version, run=run, last=newest(own(releases)))


def _check_parts(asked, version, *, run, last):
    """A correction of the last release keeps its year and minor; another run has a new one and patch 0."""
    if last is None or last["run"] != run:
        if asked[2] != 0 or (last and asked[:2] == parse(last["version"])[:2]):
            raise InputError(
                PLACE,
                problem="a release of another run than the last one has a new minor, and patch 0",
                found=version,
                allowed=f"such as {_next(asked, last)}",
            )
    elif asked[:2] != parse(last["version"])[:2]:
        year, minor, patch = parse(last["version"])
        raise InputError(
            PLACE,
            problem=f"run {run} is released as {last['version']}; what corrects it has a new patch only",
            found=version,
            allowed=f"such as {year}.{minor}.{patch + 1}",
        )


def _next(asked, last):
    if last is None or parse(last["version"])[0] < asked[0]:
        return f"{asked[0]}.{asked[1]}.0"
    return f"{asked[0]}.{parse(last['version'])[1] + 1}.0"


def known_before(releases, run):
    """The releases that a run knows: those of earlier runs, and published reviews that this one follows.

    A release of the same run does not count: a month is compared with what readers had before it.
    """
    return [release for release in releases if release["kind"] != "release" or release["run"] < run]


def last_before(releases, run):
    """The newest release of our own that is older than a run (as `known_before`), or None."""
    earlier = own(known_before(releases, run))
    return max(earlier, key=lambda release: (release["run"], parse(release["version"])), default=None)


def version_of(run, releases, version=None):
    """What a report is called: its version, or the run and the release after which it comes.

    Parameters
    ----------
    run : str
        YYYY-MM.
    releases : list of dict
        As in ``release.json``; those of this run or later ones do not count.
    version : str, optional
        The version under which the run is being released (the key ``version``, from make release).

    Examples
    --------
    >>> version_of("2026-11", [{"version": "26.0.0", "kind": "release", "run": "2016-01"}])
    '2026-11, unreleased, after 26.0.0'
    >>> version_of("2026-11", [])
    '2026-11, unreleased, before any release'
    >>> version_of("2026-11", [], version="26.1.0")
    '26.1.0'
    """
    if version:
        return version
    last = last_before(releases, run)
    return f"{run}, unreleased, {'after ' + last['version'] if last else 'before any release'}"
