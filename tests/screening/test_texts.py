"""Terms are counted and weighed as scikit-learn's vectorisers do, in any script."""

import numpy as np
import pandas as pd
import pytest
from sklearn.feature_extraction.text import CountVectorizer, TfidfTransformer

from livingreview.screening.ranking.texts import LONGEST, Texts, Weights, selection, tokens

RECORDS = [
    {
        "title": "Internet treatment of pain",
        "abstract": "A trial. Internet treatment, of pain; COVID-19 (n = 12).",
    },
    {"title": "Pain", "abstract": "internet treatment of pain in Ærø and naïve participants"},
    {"title": "慢性疼痛 的 互联网 治疗", "abstract": "慢性疼痛 患者 的 互联网 治疗"},
    {"title": "علاج الألم", "abstract": "علاج الألم عبر الإنترنت"},
    {"title": "Лечение боли и\u0306", "abstract": "Интернет-лечение боли; лечение боли"},
    {"title": "control\x00characters\x1f here\u200b", "abstract": "control\x00characters\ttab\nline"},
    {"title": "İstanbul STRASSE ﬁne", "abstract": "e\u0301tude de la douleur"},
    {"title": "", "abstract": "no title, but pain treatment"},
    {"title": "no abstract internet treatment", "abstract": None},
    {},
    {"title": np.nan, "abstract": float("nan")},
]


def joined(records, *fields):
    """Texts in which no pair of words crosses from one field to the other."""
    cells = ([one.get(field) for field in fields] for one in records)
    return [[cell if isinstance(cell, str) else "" for cell in row] for row in cells]


def words_and_pairs(fields):
    own = CountVectorizer(ngram_range=(1, 2)).build_analyzer()
    return [term for text in fields for term in own(text)]


def frame(counts, names):
    table = pd.DataFrame(counts.toarray(), columns=names)
    return table.loc[:, table.any()].sort_index(axis=1)


@pytest.mark.parametrize(("kind", "fields"), [("text", ("title", "abstract")), ("title", ("title",))])
def test_words_and_pairs_are_counted_as_by_scikit_learn(kind, fields):
    texts = Texts(RECORDS, all_pairs=True)
    other = CountVectorizer(analyzer=words_and_pairs, dtype=np.float32)
    expected = other.fit_transform(joined(RECORDS, *fields))
    pd.testing.assert_frame_equal(
        frame(texts.counts[kind], texts.names(kind)), frame(expected, other.get_feature_names_out())
    )


def test_pieces_are_counted_as_by_scikit_learn_within_each_word():
    texts = Texts(RECORDS)
    other = CountVectorizer(analyzer="char_wb", ngram_range=(3, 5), dtype=np.float32)
    plain = [
        " ".join(word for text in row for word in tokens(text))
        for row in joined(RECORDS, "title", "abstract")
    ]
    expected = other.fit_transform(plain)
    pd.testing.assert_frame_equal(
        frame(texts.counts["pieces"], texts.names("pieces")), frame(expected, other.get_feature_names_out())
    )


def test_pairs_that_one_record_alone_holds_are_left_out_among_records_to_learn_from():
    every, shared = Texts(RECORDS, all_pairs=True), Texts(RECORDS)
    counts = frame(every.counts["text"], every.names("text"))
    alone = [name for name in counts if " " in name and (counts[name] > 0).sum() == 1]
    assert alone
    assert "internet treatment" in shared.names("text")
    pd.testing.assert_frame_equal(
        frame(shared.counts["text"], shared.names("text")), counts.drop(columns=alone)
    )


@pytest.mark.parametrize("kind", ["text", "title", "pieces"])
@pytest.mark.parametrize("all_pairs", [True, False])
def test_each_name_is_found_in_its_own_column(kind, all_pairs):
    texts = Texts(RECORDS, all_pairs=all_pairs)
    names = texts.names(kind)
    assert texts.places(kind, names).tolist() == list(range(len(names)))
    unknown = pd.Index(["unheard", "pain unheard", "unheard pain", "pain pain", "zzzz"])
    assert texts.places(kind, unknown).tolist() == [-1] * 5
    some = np.array([len(names) - 1, 0, 2])
    assert texts.names(kind, some).tolist() == names[some].tolist()


@pytest.mark.parametrize(("kind", "min_df"), [("text", 2), ("title", 1), ("pieces", 3)])
def test_weights_are_those_of_sublinear_tf_idf(kind, min_df):
    texts, rows = Texts(RECORDS), np.arange(8)
    own = Weights(kind, min_df=min_df, max_df=0.9)
    found = own.fit_transform(texts, rows)
    counts = texts.counts[kind][rows].toarray()
    df = (counts > 0).sum(axis=0)
    kept = (df >= min_df) & (df <= max(0.9 * len(rows), min_df))
    expected = TfidfTransformer(sublinear_tf=True).fit_transform(counts[:, kept])
    assert found.toarray() == pytest.approx(expected.toarray(), abs=1e-6)
    assert own.names_.tolist() == texts.names(kind)[kept].tolist()
    assert own.transform(texts, rows).toarray().tolist() == found.toarray().tolist()


@pytest.mark.parametrize("kind", ["text", "title", "pieces"])
def test_other_texts_are_weighed_by_what_was_fitted_and_unseen_terms_are_passed_over(kind):
    texts = Texts(RECORDS)
    weights = Weights(kind, min_df=1, max_df=1.0).fit(texts, np.arange(len(RECORDS)))
    own = weights.transform(texts).toarray()
    for at, record in enumerate(RECORDS):
        alone = weights.transform(Texts([record], all_pairs=True)).toarray()
        assert alone[0] == pytest.approx(own[at], abs=1e-6)
    assert weights.transform(Texts([{"title": "unheard zzyzx"}], all_pairs=True)).nnz <= 0 or kind == "pieces"


def test_a_selection_orders_columns_as_the_terms_are_and_leaves_unknown_ones_empty():
    texts = Texts(RECORDS)
    terms = pd.Index(["treatment of", "unheard", "pain"])
    picked = (texts.counts["text"] @ selection(texts, "text", terms)).toarray()
    names = texts.names("text").tolist()
    counts = texts.counts["text"].toarray()
    assert picked[:, 0].tolist() == counts[:, names.index("treatment of")].tolist()
    assert picked[:, 1].tolist() == [0] * len(RECORDS)
    assert picked[:, 2].tolist() == counts[:, names.index("pain")].tolist()


def test_of_a_text_too_long_to_be_an_abstract_the_beginning_is_read_and_that_is_counted():
    long = "word " * (LONGEST // 5) + "hidden " * 150_000
    assert len(long) > 1_000_000
    texts = Texts([{"title": "Pain", "abstract": long}, {"title": "Pain", "abstract": "short"}])
    assert texts.n_cut == 1
    assert texts.words.tolist() == ["pain", "word", "short"]
    assert texts.word_counts[0, 1] == LONGEST // 5


@pytest.mark.parametrize("records", [[], [{}], [{"title": "a b"}, {"title": None, "abstract": " . "}]])
def test_no_words_are_no_columns(records):
    texts = Texts(records)
    rows = np.arange(len(records))
    assert texts.vectors.shape == (0, 256)
    for kind in texts.counts:
        assert texts.counts[kind].shape == (len(records), 0)
        assert texts.names(kind).tolist() == []
        weights = Weights(kind, min_df=1)
        assert weights.fit_transform(texts, rows).shape == (len(records), 0)
        assert weights.transform(Texts([{"title": "pain"}])).shape == (1, 0)


def test_blank_abstracts_count_as_missing():
    assert Texts([{"abstract": "  "}, {"abstract": "x"}, {}]).has_abstract.tolist() == [False, True, False]
