"""Texts become numbers that are the same on every machine."""

from types import SimpleNamespace

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from andante.live.hashing import content_hash, content_of, user_key

IDS = st.none() | st.text(max_size=6)


def test_hashes_are_those_that_are_in_the_logs():
    assert user_key("ann") == 13250616018623913583
    assert content_hash("spring") == 2310308059
    assert content_of("spring", "shoe") == 657573783


@given(text=st.text())
def test_hashes_fit_their_fields_and_no_content_is_none(text):
    assert 0 <= user_key(text) <= np.iinfo("u8").max
    assert 0 < content_hash(text) <= np.iinfo("u4").max


@given(one=st.tuples(IDS, IDS), other=st.tuples(IDS, IDS))
def test_contents_are_equal_only_where_campaign_and_item_are(one, other):
    assert (content_of(*one) == content_of(*other)) == (one == other)


def test_a_text_whose_hash_is_nought_is_not_taken_for_none(monkeypatch):
    monkeypatch.setattr("andante.live.hashing.blake2b", lambda *_, **__: SimpleNamespace(digest=lambda: bytes(4)))
    assert content_hash("any") == 1


def test_a_push_with_neither_campaign_nor_item_is_nobodys_duplicate():
    assert content_of(None, None) == 0
    assert content_of("", None) != 0 != content_of(None, "")


def test_a_lone_surrogate_is_hashed_too():
    assert user_key("\ud800") != user_key("?")
