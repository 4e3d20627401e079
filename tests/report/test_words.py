"""The words: every language says the same things, and figures are written for people."""

import itertools
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from andante.report import sentences
from andante.report.words import Words

EN, ZH = Words.read("en"), Words.read("zh")
FINITE = st.floats(min_value=0, max_value=1e9, allow_nan=False)


def _gaps(sentence: str) -> set[str]:
    return set(re.findall(r"\{(\w*)\}", sentence))


def test_languages_have_the_same_sentences():
    assert set(EN.sentences) == set(ZH.sentences)


def test_sentences_have_the_same_gaps_in_every_language():
    gaps = {key: (_gaps(sentence), _gaps(ZH.sentences[key])) for key, sentence in EN.sentences.items()}
    assert {key: found for key, found in gaps.items() if found[0] != found[1]} == {}


@pytest.mark.parametrize("words", [EN, ZH], ids=["en", "zh"])
def test_markup_is_only_where_it_is_shown_as_markup(words):
    marked = {key.split(".")[0] for key, sentence in words.sentences.items() if "<" in sentence}
    assert marked == {"headline", "together"}


def test_values_are_escaped_in_html_and_not_read_as_a_format():
    assert EN.html("together.rule", first="<i>", second="{x}") == (
        "A basket with <b>&lt;i&gt;</b> often also holds <b>{x}</b>"
    )


def test_unknown_feature_is_written_with_spaces():
    assert EN.feature("loyalty_points_7d") == "loyalty points 7d"
    assert EN.feature("views_1d") == "Views, last day"
    assert ZH.feature("purchases_30d") == "购买（近 30 天）"


def test_note_is_told_in_english_and_the_own_sentence_elsewhere():
    assert EN.rule("bots", "2 accounts") == "2 accounts"
    assert ZH.rule("bots", "2 accounts") == "一天的行为多到不像人的账号。"
    assert ZH.rule("new rule", "a note") == "a note"


@given(FINITE)
def test_pace_is_zero_only_for_none(value):
    assert (EN.pace(value) == "0") == (value == 0)


@given(st.floats(min_value=0, max_value=1))
def test_percentage_claims_none_or_all_only_where_it_is(share):
    assert (EN.percent(share) == "0%") == (share == 0)
    assert (EN.percent(share) == "100%") == (share == 1)


@given(FINITE)
def test_decimal_stays_near_its_value(value):
    assert float(EN.decimal(value).replace(",", "")) == pytest.approx(value, rel=0.051, abs=0.0051)


@given(st.floats(min_value=0, max_value=21))
def test_beats_are_even_and_as_many_as_four_weeks_hold(pace):
    found = sentences.beats(pace)
    assert len(found) == round(4 * pace)
    assert all(0 < at < 1 for at in found)
    gaps = [after - before for before, after in itertools.pairwise(found)]
    assert all(gap == pytest.approx(1 / len(found)) for gap in gaps)


@pytest.mark.parametrize(
    ("pace", "said"),
    [
        (0.0, "in practice none"),
        (0.25, "about one every 4 weeks"),
        (2.0, "about one every 3.5 days"),
        (7.0, "about one every 24 hours"),
    ],
)
def test_pace_is_said_as_a_gap(pace, said):
    assert sentences.every(pace, EN) == said
