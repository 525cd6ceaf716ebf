"""The public site: frozen releases, copied, with an address that leads to the newest."""

import shutil
from pathlib import Path

import pytest
import yaml
from lxml import etree

import collect_site
from livingreview import tables
from livingreview.errors import InputError, ReviewError
from livingreview.living import releases
from livingreview.operation.hosted import site

ROOT = Path(__file__).resolve().parents[2]


def review(folder, *versions, report=True):
    """A review's folder with releases that hold a report, an archive and checksums."""
    folder.mkdir(parents=True, exist_ok=True)
    config = yaml.safe_load((ROOT / "config.yaml").read_text(encoding="utf-8"))
    config["review"] |= {"title": f"Review <{folder.name}>", "url": f"https://example.org/{folder.name}/"}
    (folder / "config.yaml").write_text(yaml.safe_dump(config), encoding="utf-8")
    for number, version in enumerate(versions):
        release = folder / "data/releases" / version
        release.mkdir(parents=True)
        about = {"version": version, "kind": "release", "run": f"2026-{number + 1:02}", "note": "N."}
        tables.write_json(about | {"frozen_on": f"2026-{number + 1:02}-20"}, release / "release.json")
        if report:
            (release / "report.html").write_text(f"report {version}", encoding="utf-8")
        (release / "archive.html").write_text("archive", encoding="utf-8")
        sums = [
            f"{releases.digest(path.read_bytes())['sha256']}  {path.name}\n"
            for path in sorted(release.iterdir())
        ]
        (release / "checksums.sha256").write_text("".join(sums), encoding="utf-8")
    return folder


def test_every_release_stands_where_it_stood_and_the_address_leads_to_the_newest(tmp_path):
    root = review(tmp_path / "checkout", "26.1.0", "26.10.0", "26.2.0")
    assert site.collect(root, tmp_path / "site") == {".": ["26.10.0", "26.2.0", "26.1.0"]}
    for version in ("26.1.0", "26.2.0", "26.10.0"):
        copied = tmp_path / "site/data/releases" / version
        assert (copied / "report.html").read_text() == f"report {version}"
        assert releases.damaged({"path": copied}) == []
    page = (tmp_path / "site/index.html").read_text()
    assert 'url=data/releases/26.10.0/report.html"' in page
    assert "<title>Review &lt;checkout&gt;</title>" in page
    feed = etree.parse(tmp_path / "site/feed.atom")
    links = feed.xpath("//*[local-name()='entry']/*[local-name()='link']/@href")
    assert links == [f"data/releases/{version}/report.html" for version in ("26.10.0", "26.2.0", "26.1.0")]


def test_nothing_but_releases_is_published(tmp_path):
    root = review(tmp_path / "checkout", "26.1.0")
    (root / "data/decisions").mkdir()
    (root / "data/decisions/screening.csv").write_text("secret\n", encoding="utf-8")
    site.collect(root, tmp_path / "site")
    made = {path.relative_to(tmp_path / "site").parts[0] for path in (tmp_path / "site").rglob("*")}
    assert made == {"data", "feed.atom", "index.html"}
    assert [path.name for path in (tmp_path / "site/data").iterdir()] == ["releases"]


def test_reviews_beside_each_other_are_listed_where_the_checkout_has_none_of_its_own(tmp_path):
    root = review(tmp_path / "checkout", "26.1.0", report=False)
    review(root / "reviews/pain", "26.3.0")
    review(root / "reviews/sleep")
    assert site.collect(root, tmp_path / "site") == {"reviews/pain": ["26.3.0"]}
    page = (tmp_path / "site/index.html").read_text()
    assert '<li><a href="reviews/pain/">Review &lt;pain&gt;</a>, version 26.3.0</li>' in page
    assert (tmp_path / "site/reviews/pain/data/releases/26.3.0/report.html").is_file()


def test_a_release_that_was_changed_since_is_not_published(tmp_path):
    root = review(tmp_path / "checkout", "26.1.0")
    (root / "data/releases/26.1.0/report.html").write_text("other", encoding="utf-8")
    with pytest.raises(ReviewError, match=r"report\.html differ from the release's checksums"):
        site.collect(root, tmp_path / "site")


def test_what_a_link_leads_to_is_not_published(tmp_path):
    root = review(tmp_path / "checkout", "26.1.0")
    (tmp_path / "theirs").write_text("of this computer")
    (root / "data/releases/26.1.0/more.html").symlink_to(tmp_path / "theirs")
    with pytest.raises(InputError, match=r"more\.html: a link that leads out of data/releases/"):
        site.collect(root, tmp_path / "site")
    assert not (tmp_path / "site").exists()


def test_there_must_be_something_to_publish(tmp_path):
    with pytest.raises(ReviewError, match="no review here has a release with a report"):
        site.collect(review(tmp_path / "checkout"), tmp_path / "site")


@pytest.mark.parametrize(
    ("tag", "found"),
    [
        ("26.1.0", (".", "26.1.0")),
        ("v26.1.0", (".", "26.1.0")),
        ("pain-26.3.0", ("reviews/pain", "26.3.0")),
        ("v0.1.0", None),
        ("other-26.1.0", None),
        ("26.1.0; true", None),
        ("../26.1.0", None),
    ],
)
def test_a_tag_names_a_version_of_a_review_or_nothing(tmp_path, tag, found):
    root = review(tmp_path / "checkout", "26.1.0")
    review(root / "reviews/pain", "26.3.0")
    assert site.tagged(root, tag) == found


def test_a_tag_of_a_version_that_was_not_frozen_is_an_error(tmp_path):
    with pytest.raises(InputError, match="no such release"):
        site.tagged(review(tmp_path / "checkout", "26.1.0"), "26.2.0")


def test_the_command_says_what_it_did(tmp_path, capsys):
    root = review(tmp_path / "checkout", "26.1.0")
    given = ["--directory", str(root), "--output", str(tmp_path / "site")]
    assert collect_site.main([*given, "--tag", "v0.1.0"]) == collect_site.NO_REVIEW
    assert not (tmp_path / "site").exists()
    assert collect_site.main([*given, "--tag", "26.1.0"]) == 0
    assert capsys.readouterr().out.splitlines()[-1] == ".: 26.1.0"
    shutil.rmtree(tmp_path / "site")
    assert collect_site.main([*given, "--tag", "26.9.0"]) == 1
    assert "no such release" in capsys.readouterr().err
