"""A version is YY.minor.patch, is the next one for its run, and names the report."""

import re

import pytest

from livingreview.errors import InputError
from livingreview.living import versions


def release(version, run, kind="release"):
    return {"version": version, "run": run, "kind": kind}


KNOWN = [
    release("16.0.0", "2015-12", kind="published review"),
    release("26.0.0", "2016-01"),
    release("26.1.0", "2026-11"),
]


def check(version, run, frozen_on="2027-01-15", known=KNOWN):
    versions.check(version, run=run, frozen_on=frozen_on, releases=known)


@pytest.mark.parametrize(
    ("version", "run"),
    [
        ("26.1.1", "2026-11"),
        ("26.1.7", "2026-11"),
        ("26.2.0", "2026-12"),
        ("26.9.0", "2026-12"),
        ("27.0.0", "2026-12"),
        ("27.1.0", "2027-01"),
        ("26.2.0", "2018-01"),
    ],
    ids=str,
)
def test_the_next_version_is_a_new_minor_for_a_new_run_and_a_new_patch_for_the_same(version, run):
    check(version, run)


@pytest.mark.parametrize(
    ("version", "run", "message"),
    [
        ("26.1.0", "2026-11", "a release is never replaced; found '26.1.0'; allowed: a version after 26.1.0"),
        ("26.0.9", "2016-01", "a release is never replaced; found '26.0.9'; allowed: a version after 26.1.0"),
        (
            "26.2.0",
            "2026-11",
            "run 2026-11 is released as 26.1.0; what corrects it has a new patch only; found '26.2.0'; allowed: such as 26.1.1",
        ),
        (
            "27.0.0",
            "2026-11",
            "run 2026-11 is released as 26.1.0; what corrects it has a new patch only; found '27.0.0'; allowed: such as 26.1.1",
        ),
        (
            "26.1.1",
            "2026-12",
            "a release of another run than the last one has a new minor, and patch 0; found '26.1.1'; allowed: such as 26.2.0",
        ),
        (
            "26.2.1",
            "2026-12",
            "a release of another run than the last one has a new minor, and patch 0; found '26.2.1'; allowed: such as 26.2.0",
        ),
        (
            "27.3.1",
            "2027-01",
            "a release of another run than the last one has a new minor, and patch 0; found '27.3.1'; allowed: such as 27.3.0",
        ),
        (
            "26.2.0",
            "2027-01",
            "the first part of a version is a year from that of the run 2027-01 to this one; found '26.2.0'; allowed: 27.minor.patch",
        ),
        (
            "28.0.0",
            "2026-12",
            "the first part of a version is a year from that of the run 2026-12 to this one; found '28.0.0'; allowed: from 26 to 27",
        ),
    ],
)
def test_any_other_version_is_refused_with_what_would_do(version, run, message):
    with pytest.raises(InputError, match=f"^{re.escape('data/releases: ' + message)}$"):
        check(version, run)


def test_the_first_release_has_patch_0_and_may_come_after_a_published_review():
    check("27.0.0", "2026-12", known=KNOWN[:1])
    check("26.4.0", "2026-12", known=[])
    with pytest.raises(
        InputError, match=r"a new minor, and patch 0; found '26.0.1'; allowed: such as 26.0.0"
    ):
        check("26.0.1", "2026-12", known=[])


@pytest.mark.parametrize("text", ["26.1", "v26.1.0", "26.1.0.1", "", "26.1.x", "26.-1.0", "٢٦.1.0", "../1.2"])
def test_what_is_no_version_is_refused(text):
    with pytest.raises(InputError, match=r"version; found '.*'; allowed: YY.minor.patch, such as 26.1.0"):
        versions.parse(text)


@pytest.mark.parametrize(
    ("run", "version"),
    [
        ("2020-01", None),
        ("2020-02", "20.0.1"),
        ("2020-06", "20.0.1"),
        ("2020-07", "20.1.0"),
        ("2021-01", "20.1.0"),
    ],
)
def test_a_run_is_compared_with_the_newest_release_of_an_earlier_run(run, version):
    known = [
        release("16.0.0", "2015-12", kind="published review"),
        release("20.0.0", "2020-01"),
        release("20.0.1", "2020-01"),
        release("20.1.0", "2020-06"),
    ]
    found = versions.last_before(known, run)
    assert (found and found["version"]) == version


def test_the_run_outranks_the_version():
    """A correction of an old month, released late, is not what readers of a later month had."""
    known = [release("20.1.0", "2020-06"), release("20.2.0", "2020-01")]
    assert versions.last_before(known, "2020-07")["version"] == "20.1.0"


def test_without_releases_there_is_nothing_to_compare_with():
    assert versions.last_before([], "2020-01") is None


@pytest.mark.parametrize(
    ("run", "name"),
    [
        ("2026-12", "2026-12, unreleased, after 26.1.0"),
        ("2026-11", "2026-11, unreleased, after 26.0.0"),
        ("2016-01", "2016-01, unreleased, before any release"),
    ],
)
def test_a_run_that_is_not_released_is_named_by_its_month_and_the_release_before_it(run, name):
    assert versions.version_of(run, KNOWN) == name


def test_a_run_that_is_being_released_is_named_by_its_version():
    assert versions.version_of("2026-12", KNOWN, version="26.2.0") == "26.2.0"
