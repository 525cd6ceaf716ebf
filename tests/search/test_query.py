"""The check before sending, PubMed's translation, and what a query finds in the sandbox."""

import pytest

from livingreview.errors import InputError
from livingreview.search.query import check, remarks
from livingreview.search.query.matching import CannotEvaluate, Index
from livingreview.search.query.syntax import QueryError, parse, translate


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
        ("asthma[ti,ab]", ["no field tag [ti,ab]", "(asthma[ti] OR asthma[ab])"]),
        ("asthma[kw]", ["did you mean [ot]?"]),
        ("(pain OR ache OR sore OR hurt)[ti]", ["(pain[ti] OR ache[ti] OR sore[ti] …)"]),
        ("pain[ti] AND NOT back[ti]", ["a search term is missing", "a NOT b"]),
        (
            '"chronic pain[tiab]"',
            ["a field tag within quotation marks", 'before the tag: "chronic pain"[tiab]'],
        ),
        ('"chronic pain[tiab] OR "back pain"[tiab]', ["a field tag within quotation marks", "never closed"]),
        ("pain & internet[ti]", ["PubMed reads & as the operator AND"]),
        ("pain[ti] || ache[ti]", ["PubMed reads | as the operator OR"]),
        ("pain\u200b[ti]", ["U+200B", "nothing in its place"]),
        ("pain\u2003relief[ti]", ["U+2003", "a plain space"]),
        ("\uff08pain[ti])", ["U+FF08", "type ("]),
        ("chronic%20pain[ti]", ["code of a web address"]),
        ("the[tiab] AND pain[ti]", ["does not index such words", "'the[tiab]'"]),
        ('"of the"[ti]', ["does not index such words"]),
        ('"breast* feed"[tiab]', ["only the last word of a phrase"]),
        ("breast* feed[tiab]", ["only the last word of a phrase"]),
        ("pain internet[tiab:~3]", ["only for words in quotation marks", '"word1 word2"[tiab:~3]']),
        ('"pain internet*"[tiab:~3]', ["ignores the distance where a word is truncated"]),
        ('"pain"[tiab:~3]', ["between two words or more"]),
        ("2021:2020[dp]", ["ends before it begins"]),
        ("9:1[uid]", ["ends before it begins"]),
        ("2021/02/30[dp]", ["there is no such day"]),
        ("2021/01/01:2021/02/29[crdt]", ["there is no such day", "2021/02/29"]),
        ("pain adj3 internet", ["syntax of another database", "[tiab:~5]"]),
        ("pain NEAR/3 internet", ["syntax of another database"]),
        ("pain.ti,ab.", ["a field of Ovid"]),
        ("exp Pain/", ["a heading of Ovid"]),
        ("wom?n[ti]", ["a wildcard within a word"]),
        ("behavio$[ti]", ["write * at the end of the word"]),
    ],
)
def test_a_query_that_pubmed_would_misread_is_refused_with_what_to_write_instead(query, says):
    with pytest.raises(InputError) as caught:
        check(query)
    for words in says:
        assert words in str(caught.value)


@pytest.mark.parametrize(
    ("query", "places"),
    [
        ("asthma[tiabb]", ["line 1, column 1"]),
        ("pain[ti] AND (copd OR asthma)[tiab]", ["line 1, column 30"]),
        ("pain[ti]\nAND ache[tii]\n  AND the[ti]", ["line 2, column 5", "line 3, column 7"]),
        ("pain[ti] AND", ["line 1, column 13"]),
        ("(pain[ti] AND (x[ti] OR y[ti]) AND z[ti]", ["line 1, column 1"]),
        ("pain[ti])", ["line 1, column 9"]),
        ('pain[ti] "ache', ["line 1, column 10"]),
        ("pain[ti] 2020:2021[ab]", ["line 1, column 10"]),
        ("pain[ti] OR 2021/13:2022[dp]", ["line 1, column 13"]),
        ("b[ti] or \u201cx\u201d", ["line 1, column 7", "line 1, column 10", "line 1, column 12"]),
    ],
)
def test_a_fault_says_where_in_the_query_it_stands(query, places):
    with pytest.raises(InputError) as caught:
        check(query)
    assert [fault.split(": ", 1)[0] for fault in caught.value.problems] == places


def test_faults_keep_their_place_when_a_later_one_ends_the_reading():
    with pytest.raises(
        InputError, match=r"(?s)column 10: PubMed reads an operator.*column 26: a square bracket"
    ):
        check("pain[ti] or headache[ti] [")


@pytest.mark.parametrize(
    "query",
    [
        "interleukin-1[ti] OR US$[ti]",
        '"A & B"[ta]',
        '"wit and humor"[mh]',
        "So K[au]",
        '"quality of life"[tiab]',
        "n3[ti] OR w6[ti]",
        "2020/02/29[dp]",
        "2021/02:2021/02[dp]",
        '"pain the"[ti:~2]',
        "review[pt:noexp]",
        '"last 30 days"[crdt]',
        "10.1000/exp.1[doi]",
    ],
)
def test_what_only_looks_like_a_fault_is_accepted(query):
    check(query)


def told(query):
    """(found, the words that a remark says) of each remark."""
    return [(remark.found, remark.says) for remark in remarks(query)]


@pytest.mark.parametrize(
    ("query", "found", "says"),
    [
        ("x[ti] OR y[ti] AND z[ti]", "AND z[ti]", "from left to right"),
        ("x[ti] NOT y[ti] AND z[ti]", "AND z[ti]", "from left to right"),
        ("pain[ti] AND 2020:2022[dp]", "2020:2022[dp]", "a limit by date:"),
        ('pain[ti] AND "last 30 days"[crdt]', '"last 30 days"[crdt]', "moves with the day of the search"),
        ("pain[ti] AND english[la]", "english[la]", "a limit by language"),
        ("pain[ti] AND medline[sb]", "medline[sb]", "a filter that PubMed computes"),
        (
            'pain[ti] AND ("Randomized Controlled Trial"[pt] OR "Clinical Trial"[pt])',
            '"Randomized Controlled Trial"[pt] OR "Clinical Trial"[pt]',
            "only publication types stand here",
        ),
        ('"Pain"[mh] AND web[ti]', '"Pain"[mh]', "only headings stand here"),
        (
            '("Pain"[mh] AND web[ti]) OR "Back Pain"[mh]',
            '"Pain"[mh] AND web[ti]) OR "Back Pain"[mh]',
            "only headings",
        ),
        ("pain[ti] NOT animals[mh]", "animals[mh]", "NOT (animals[mh] NOT humans[mh])"),
        ("pain[ti] NOT rat[ti]", "rat[ti]", "relevant ones included"),
        ("pain AND web[ti]", "pain", "a term without a tag"),
        ("chronic pain[tiab]", "chronic pain[tiab]", 'Write "chronic pain"[tiab]'),
        ('"x OR y"[ti]', '"x OR y"[ti]', "an operator within quotation marks"),
        ("'pain'[ti]", "'pain'[ti]", "single quotation marks"),
        ("x[ti] OR X[ti]", "X[ti]", "twice"),
    ],
)
def test_what_may_be_meant_is_accepted_and_remarked_on(query, found, says):
    check(query)
    assert any(found == one and says in text for one, text in told(query)), told(query)


@pytest.mark.parametrize(
    "query",
    [
        "pain[ti] AND web[ti]",
        "(x[ti] OR y[ti]) AND z[ti]",
        '(pain[ti] OR "Pain"[mh]) AND (random*[tiab] OR "Randomized Controlled Trial"[pt])',
        '"chronic pain"[tiab]',
    ],
)
def test_a_plain_query_is_not_remarked_on(query):
    assert remarks(query) == []


def test_the_bundled_query_is_accepted_without_a_remark(shipped):
    check(shipped["search"]["query"])
    assert remarks(shipped["search"]["query"]) == []


def test_remarks_come_in_the_order_of_the_text_with_their_place():
    found = remarks("pain[ti]\nAND 2020[dp]\nAND english[la]")
    assert [(one.line, one.column) for one in found] == [(2, 5), (3, 5)]


def test_a_long_piece_is_cut_in_a_remark():
    (remark,) = remarks(" OR ".join(f'"Example Heading {number}"[mh]' for number in range(50)))
    assert len(remark.found) == 60
    assert remark.found.endswith("…")


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
        ("x[ti] OR b[ti] AND c[ti]", '("x"[Title] OR "b"[Title]) AND "c"[Title]'),
        ("x[ti] AND (b[ti] OR c[ti])", '"x"[Title] AND ("b"[Title] OR "c"[Title])'),
        ("x[ti] NOT b[ti] NOT c[ti]", '"x"[Title] NOT "b"[Title] NOT "c"[Title]'),
        ("((x[ti]))", '"x"[Title]'),
        ("x[ti] b[ti]", '"x"[Title] AND "b"[Title]'),
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
