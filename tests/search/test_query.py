"""The check before sending, PubMed's translation, and what a query finds in the sandbox."""

import pytest

from livingreview.errors import InputError
from livingreview.search.matching import CannotEvaluate, Index
from livingreview.search.query import check
from livingreview.search.syntax import QueryError, parse, translate


@pytest.mark.parametrize(
    ("query", "says"),
    [
        ("asthma[tiabb]", ["[tiabb]", "did you mean [tiab]?"]),
        ("asthma [foo]", ["no field tag [foo]"]),
        ("asthma[mh:~3]", ["PubMed ignores :~3"]),
        ("(asthma OR copd)[tiab]", ["after a parenthesis", "(asthma[tiab] OR copd[tiab])"]),
        ("((asthma)", ["never closed"]),
        ("asthma)", ["never opened"]),
        ("((", ["a search term is missing"]),
        ("()", ["a search term is missing"]),
        ("asthma AND", ["a search term is missing", "end of the query"]),
        ("asthma AND OR copd", ["a search term is missing"]),
        ('"chronic pain[tiab]', ["quotation mark", "never closed"]),
        ("asthma[tiab", ["square bracket"]),
        ("[tiab] asthma", ["no term before it"]),
        ("intervent\u2217[ti]", ["U+2217", "type *"]),
        ("\u201cchronic pain\u201d[tiab]", ["U+201C", 'type "']),
        ("2020\u20132021[dp]", ["U+2013", "type -"]),
        ("pain\u00a0relief[tiab]", ["U+00A0", "a plain space"]),
        ('"A &amp; B"[jour]', ["HTML code", "&amp;"]),
        ("pain[tiab] or headache[tiab]", ["only in capitals", "write OR"]),
        ("pain[tiab] And headache[tiab]", ["write AND"]),
        ("#1 AND #2", ["line numbers"]),
        ("web*[tiab]", ["at least 4 characters"]),
        ("behavi*r[tiab]", ["only at the end of a word"]),
        ("2020:2021", ["a range needs the tag"]),
        ("2020:2021[tiab]", ["a range needs the tag"]),
        ("2020/13:2021[dp]", ["not a date"]),
        ("soon[dp]", ["not a date"]),
        ("1:2x[uid]", ["two numbers"]),
        ("1:many[uid]", ["not a PMID"]),
        ("...[ti]", ["without letters or digits"]),
    ],
)
def test_a_query_that_pubmed_would_misread_is_refused_with_what_to_write_instead(query, says):
    with pytest.raises(InputError) as caught:
        check(query)
    for words in says:
        assert words in str(caught.value)


def test_every_fault_of_a_query_is_named_at_once():
    with pytest.raises(InputError) as caught:
        check("asthma[tiabb] or \u201ccopd\u201d[ti]")
    assert len(caught.value.problems) == 4


@pytest.mark.parametrize(
    ("query", "translation"),
    [
        ('"chronic pain"[tiab]', '"chronic pain"[Title/Abstract]'),
        ('"chronic pain"[Title/Abstract]', '"chronic pain"[Title/Abstract]'),
        ("pain [ti]", '"pain"[Title]'),
        ("wearable*[tiab]", '"wearable*"[Title/Abstract]'),
        (
            '"Atherosclerosis"[Mesh] AND 1804[dp]',
            '"Atherosclerosis"[MeSH Terms] AND 1804/01/01:1804/12/31[Date - Publication]',
        ),
        ("a[ti] OR b[ti] AND c[ti]", '("a"[Title] OR "b"[Title]) AND "c"[Title]'),
        ("a[ti] AND (b[ti] OR c[ti])", '"a"[Title] AND ("b"[Title] OR "c"[Title])'),
        ("a[ti] NOT b[ti] NOT c[ti]", '"a"[Title] NOT "b"[Title] NOT "c"[Title]'),
        ("((a[ti]))", '"a"[Title]'),
        ("a[ti] b[ti]", '"a"[Title] AND "b"[Title]'),
        ("chronic pain", '("chronic"[All Fields] AND "pain"[All Fields])'),
        ("2020/01/01:2020/12/31[crdt]", "2020/01/01:2020/12/31[Date - Create]"),
        ('("2026/10/01"[crdt] : "2026/10/31"[crdt])', "2026/10/01:2026/10/31[Date - Create]"),
        ("2020:2021[dp]", "2020/01/01:2021/12/31[Date - Publication]"),
        ("1:100000[uid]", "1:100000[UID]"),
        ("Dermatitis, Atopic[MeSH:noexp]", '"Dermatitis, Atopic"[MeSH Terms:noexp]'),
        ('"pain internet"[tiab:~3]', '"pain internet"[Title/Abstract:~3]'),
        ('"signs and symptoms"[mh]', '"signs and symptoms"[MeSH Terms]'),
    ],
)
def test_an_accepted_query_is_rendered_as_pubmed_renders_it(query, translation):
    assert translate(check(query).tree) == translation


def test_a_query_of_a_thousand_terms_is_no_deeper_than_one_of_two():
    check(" OR ".join(f"word{number}[tiab]" for number in range(3000)))


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("pain[ti]", "101 103 104"),
        ("PAIN[TI]", "101 103 104"),
        ('"chronic pain"[tiab]', "101"),
        ("chronic pain[tiab]", "101"),
        ("chronic pain", "101 104"),
        ("behav*[ti]", "103 104"),
        ("behavio*[ti] NOT back[ti]", "104"),
        ("self-management[ti]", "102"),
        ('"self-manag*"[ti]', "102"),
        ("pain[ti] OR headache[ti] AND internet[ti]", "101"),
        ("pain[ti] OR (headache[ti] AND internet[ti])", "101 103 104"),
        ('"Chronic Pain"[mh]', "101"),
        ('"Chronic Pain/therapy"[mh]', "101"),
        ("internet[mh]", "101 102"),
        ("internet[majr]", "101"),
        ("psychology[sh]", "102"),
        ("internet[tw]", "101 102"),
        ('"Randomized Controlled Trial"[pt]', "101"),
        ("Example A[au]", "101 102"),
        ("Example[1au]", "101 102 104"),
        ('"Example A"[au]', ""),
        ("Sample C[lastau]", "101"),
        ('"Headache Ex"[ta]', "102"),
        ("german[la]", "102"),
        ("eng[la]", "101 105"),
        ("2015[dp]", "101"),
        ("2015:2019[dp]", "101 102"),
        ("2019/02:2019/12[dp]", ""),
        ("2026/11/01[crdt]", "104"),
        ("2026/10:2026/11[edat]", "103 104 105"),
        ('"last 1 days"[crdt]', "103 104 105"),
        ("102:104[uid]", "102 103 104"),
        ("103[pmid]", "103"),
        ("10.1000/EXAMPLE.1[doi]", "101"),
        ("NCT00000101[si]", "101"),
        ("the[tiab] AND pain[ti]", ""),
        ("pain[ti] AND unheard[ti]", ""),
        ("pain[ti] OR unheard[ti]", "101 103 104"),
        ("pain[ti] NOT unheard[ti]", "101 103 104"),
    ],
)
def test_a_query_finds_what_pubmed_rules_find(rows, as_of, query, found):
    assert sorted(Index(rows, today=as_of).find(parse(query).tree).pmids) == found.split()


def test_terms_that_occur_nowhere_are_reported_and_dropped_from_the_translation(rows, as_of):
    matches = Index(rows, today=as_of).find(parse('pain[ti] OR "body battery"[ti]').tree)
    assert [term.written() for term in matches.missing] == ['"body battery"[ti]']
    assert translate(matches.tree) == '"pain"[Title]'


@pytest.mark.parametrize("query", ["x[gr]", "x[ab]", "2020[mhda]", "2020:2021[lr]", '"a b"[ti:~2]'])
def test_a_field_that_the_corpus_lacks_is_an_error_and_never_a_count(rows, as_of, query):
    with pytest.raises(CannotEvaluate):
        Index(rows, today=as_of).find(parse(query).tree)


def test_what_has_no_tree_is_an_error_of_the_parser():
    with pytest.raises(QueryError):
        parse("((")
