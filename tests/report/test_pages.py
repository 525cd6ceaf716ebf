import itertools
import re
import shutil

import example
import jinja2
import pytest
from lxml import etree, html

from livingreview.report import methods, pages, prose, studies

HOSTILE = "<script>alert('x')</script> & \"quotes\""


@pytest.fixture(scope="module")
def page():
    return pages.build(example.context())


@pytest.fixture(scope="module")
def tree(page):
    return html.document_fromstring(page)


def words(element):
    return re.sub(r"\s+", " ", element.text_content()).strip()


def test_the_page_is_well_formed(page):
    parser = etree.HTMLParser()
    etree.fromstring(page.encode(), parser)
    # libxml2 knows neither HTML5's elements nor SVG in HTML.
    real = [e for e in parser.error_log if "Tag " not in e.message]
    assert real == []


def test_ids_are_unique_and_inner_links_lead_somewhere(tree):
    ids = tree.xpath("//@id")
    assert len(ids) == len(set(ids))
    for link in tree.xpath("//a/@href[starts-with(., '#')]"):
        assert link[1:] in ids
    for names in tree.xpath("//@aria-labelledby"):
        assert set(names.split()) <= set(ids)


def test_nothing_is_loaded_from_elsewhere_but_what_the_run_took_from_beside_its_logs(page, tree):
    loaded = tree.xpath("//@src | //link | //iframe | //object | //embed | //*[local-name()='image']")
    assert loaded == ["../../logs/2026-11/measured.svg"]
    style = "".join(tree.xpath("//style/text()"))
    assert "url(" not in style
    assert "@import" not in style
    assert "fetch(" not in page


def test_headings_go_down_one_level_at_a_time(tree):
    levels = [int(h.tag[1]) for h in tree.xpath("//h1 | //h2 | //h3 | //h4")]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(after - before <= 1 for before, after in itertools.pairwise(levels))


def test_landmarks_language_and_table_headers_are_there(tree):
    assert tree.get("lang") == "en"
    for name in ("header", "main", "nav", "footer"):
        assert tree.xpath(f"//{name}")
    assert not tree.xpath("//th[not(@scope)]")
    assert not tree.xpath("//svg[not(@role) and not(@aria-hidden)]")


def test_every_number_of_the_summary_is_the_formatted_estimate(tree):
    rows = tree.xpath("//table[contains(@class, 'summary')]/tbody/tr")
    estimates = example.context()["estimates"]["outcomes"]
    assert len(rows) == len(estimates)
    for row, (name, found) in zip(rows, estimates.items(), strict=True):
        main = found["main"]
        shown = words(row.xpath("td[contains(@class, 'digits')]")[0])
        trials = prose.comparisons(main["k"], main["n_studies"]) if main["k"] else "no trial"
        assert words(row.xpath("th")[0]).endswith(trials), name
        if not main["k"]:
            assert shown == "no estimate"
            continue
        expected = f"{prose.number(main['estimate'])} {prose.interval(main['ci_low'], main['ci_high'])}"
        if main["pi_low"] is not None:
            expected += f" prediction {prose.interval(main['pi_low'], main['pi_high'])}"
        assert shown == expected


def test_every_part_that_is_opened_is_closed():
    page = pages.build(example.context())
    for name in ("details", "section", "table", "figure", "div", "ul", "dl"):
        assert len(re.findall(rf"<{name}[ >]", page)) == page.count(f"</{name}>"), name


def test_no_signed_zero_is_printed(tree):
    assert not re.search(r"[\u2212-]0\.00\b", words(tree.xpath("//main")[0]))


def test_none_and_nan_never_reach_the_reader(tree):
    # "None" begins a few English sentences: "None of them was merged."
    found = re.search(r"\b(None(?!: neither| of )|nan|NaN|undefined)\b", words(tree.xpath("//body")[0]))
    assert found is None


def test_demonstration_and_sandbox_are_told_on_the_first_screen(tree):
    notice = words(tree.xpath("//header//*[@class='notice']")[0])
    assert "This is an example for tests." in notice
    assert "not by PubMed" in notice


def test_without_demonstration_and_sandbox_there_is_no_notice():
    context = example.context()
    context["config"]["review"]["demonstration"] = ""
    context["status"]["sandbox"] = False
    made = html.document_fromstring(pages.build(context))
    assert not made.xpath("//header//*[@class='notice']")


def test_the_published_value_is_context_and_no_replication(tree):
    text = words(tree.xpath("//section[@id='many']//p[@class='context']")[0])
    assert "\u22120.39" in text
    assert "not a replication" in text
    assert "not decomposed" in text


def test_hostile_text_is_shown_and_never_run():
    context = example.context()
    context["config"]["review"]["title"] = HOSTILE
    context["queue"][0] |= {
        "title": HOSTILE,
        "link": "javascript:alert(1)",
        "pmid": None,
        "record_id": "other:x",
        "terms": f"{HOSTILE} (+0.51)",
        "design": HOSTILE,
    }
    context["status"]["waiting"][0]["record_id"] = "other:x"
    context["suspicious"][0] |= {"title": HOSTILE, "reviewer": HOSTILE}
    context["studies"][0] |= {"title": HOSTILE, "doi": '10.1000/x"><script>'}
    context["effects"][0]["source"] = HOSTILE
    for row in (context["effects"][0], context["estimates"]["outcomes"]["many"]["weights"][0]):
        row["label"] = HOSTILE
    tree = html.document_fromstring(pages.build(context))
    assert len(tree.xpath("//script")) == 1
    assert not [
        link
        for link in tree.xpath("//a/@href")
        if "script" in link and not link.startswith("https://doi.org/")
    ]
    assert words(tree.xpath("//h1")[0]) == HOSTILE


def test_a_name_that_is_not_defined_stops_the_page(tmp_path):
    shutil.copytree(pages.TEMPLATES, tmp_path / "templates")
    part = tmp_path / "templates" / "report" / "heading.html.j2"
    part.write_text(part.read_text(encoding="utf-8") + "{{ heading.titel }}", encoding="utf-8")
    with pytest.raises(jinja2.UndefinedError, match="titel"):
        pages.build(example.context(), templates=tmp_path / "templates")


def test_the_same_facts_make_the_same_page(page):
    assert pages.build(example.context()) == page


def test_a_first_run_without_release_records_or_trials_builds():
    context = example.context()
    context["changes"] = {
        "release": None,
        "outcomes": {
            name: {
                "before": None,
                "after": part["after"],
                "difference": None,
                "added": [],
                "removed": [],
                "corrected": [],
            }
            for name, part in context["changes"]["outcomes"].items()
        },
        "outcomes_dropped": [],
    }
    context |= {"queue": [], "studies": [], "effects": [], "records": [], "decisions": [], "releases": []}
    for found in context["estimates"]["outcomes"].values():
        found["main"] |= dict.fromkeys(("estimate", "ci_low", "ci_high", "pi_low", "pi_high"))
        found["main"] |= {"k": 0, "n_studies": 0}
        found["sensitivity"] = found["main"] | {"what": "as the main analysis"}
        found |= {"weights": [], "leave_one_out": [], "subgroups": []}
    context["status"] |= {"waiting": [], "oldest_waiting_since": None, "n_queue": 0}
    text = words(html.document_fromstring(pages.build(context)).xpath("//main")[0])
    assert "No record waits for a decision." in text
    assert "There is no earlier release to compare with." in text


@pytest.mark.parametrize(
    ("text", "level"),
    [
        (None, "none"),
        ("RoB 2: high", "high"),
        ("RoB 2: some concerns", "some"),
        ("RoB 2: low", "low"),
        ("sequence: low; performance: unclear", "some"),
        ("sequence: low; other domains not seen", "some"),
        ("score 4 of 4", "other"),
    ],
)
def test_risk_of_bias_is_read_and_not_judged(text, level):
    assert studies.risk_of_bias_level(text) == level


def test_a_list_inside_the_config_is_one_line():
    tree = {"a": {"b": ["x", "y"]}, "c": [{"d": 1}], "e": 0.5}
    assert methods.flatten(tree) == [("a.b", "x, y"), ("c.1.d", "1"), ("e", "0.5")]
