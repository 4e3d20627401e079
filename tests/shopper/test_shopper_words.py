"""The two languages say the same things, and there is a word for everything that can be wrong."""

import string
import tomllib
from importlib.resources import files

import pytest

from andante.live.erasing import _WORDS
from andante.shopper import forms


def sentences(room, language):
    told = tomllib.loads(files(room).joinpath("languages", f"{language}.toml").read_text("utf-8"))
    flat = {}
    for part, said in told.items():
        flat |= {f"{part}.{key}": one for key, one in said.items()} if isinstance(said, dict) else {part: said}
    return flat


def braces(sentence):
    return {name for _, name, _, _ in string.Formatter().parse(sentence) if name}


@pytest.mark.parametrize("room", ["andante.shopper", "andante.service"])
def test_both_languages_have_the_same_sentences_with_the_same_braces(room):
    english, chinese = sentences(room, "en"), sentences(room, "zh")
    assert english.keys() == chinese.keys()
    assert {key: braces(one) for key, one in english.items()} == {key: braces(one) for key, one in chinese.items()}
    assert all(one.strip() for one in (*english.values(), *chinese.values()))


def test_there_is_a_word_for_everything_that_a_receipt_counts():
    said = sentences("andante.shopper", "en")
    for name in (*_WORDS.values(), "standing_preferences", "waiting", "idempotency_keys", "states"):
        assert f"removed.{name}" in said


def test_the_number_in_the_words_is_the_number_that_is_taken():
    assert str(forms.DIAL_MAX) in sentences("andante.shopper", "en")["fault.count"]
    assert str(forms.DIAL_MAX) in sentences("andante.shopper", "zh")["fault.count"]
