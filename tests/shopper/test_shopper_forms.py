"""Forms become preferences that the engine takes, or say what is wrong with which field."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from andante.live.admission_shapes import Preferences
from andante.shopper import forms
from andante.shopper.forms import Refused, Wrong
from andante.shopper.standing import Choice

ANY = st.one_of(
    st.text(max_size=6), st.integers(-5, 99).map(str), st.sampled_from(["22:00", "08:00", "24:00", "٠٨:٠٠"])
)
FIELDS = ["dial", "max_per_day", "max_per_week", "quiet", "start", "end", "time_zone"]
KINDS = st.sampled_from(["learn", "limit", "none", "own", "usual", "x"])


@given(st.dictionaries(st.sampled_from(FIELDS), st.one_of(ANY, KINDS)))
def test_whatever_is_filled_in_the_engine_takes_it_or_a_field_of_the_page_is_named(form):
    for read in (forms.frequency, forms.hours):
        try:
            msgspec.convert(read(form), Preferences)
        except Refused as refused:
            fields = {one.field for one in refused.wrong}
        else:
            fields = set()
        assert fields <= set(FIELDS)


@pytest.mark.parametrize(
    ("form", "wanted"),
    [
        ({"dial": "learn", "max_per_week": "3"}, {"max_per_day": None, "max_per_week": None}),
        ({"dial": "none"}, {"max_per_day": None, "max_per_week": 0}),
        ({"dial": "limit", "max_per_week": " 1 "}, {"max_per_day": None, "max_per_week": 1}),
        ({"dial": "limit", "max_per_day": "2", "max_per_week": "5"}, {"max_per_day": 2, "max_per_week": 5}),
    ],
)
def test_the_dial_sets_both_maxima(form, wanted):
    assert forms.frequency(form) == wanted


@pytest.mark.parametrize(
    ("form", "wrong"),
    [
        ({}, [Wrong("dial", "choose")]),
        ({"dial": "limit"}, [Wrong("max_per_week", "one_limit")]),
        ({"dial": "limit", "max_per_day": "0"}, [Wrong("max_per_day", "count")]),
        (
            {"dial": "limit", "max_per_day": "33", "max_per_week": "x"},
            [Wrong("max_per_day", "count"), Wrong("max_per_week", "count")],
        ),
    ],
)
def test_a_dial_that_says_nothing_is_refused(form, wrong):
    with pytest.raises(Refused) as refused:
        forms.frequency(form)
    assert list(refused.value.wrong) == wrong


@pytest.mark.parametrize(
    ("form", "quiet"),
    [
        ({"quiet": "usual"}, None),
        ({"quiet": "none"}, {"start": "00:00", "end": "00:00"}),
        ({"quiet": "own", "start": "22:00", "end": "08:00"}, {"start": "22:00", "end": "08:00"}),
        ({"quiet": "own", "start": "22:00:00", "end": "08:00"}, {"start": "22:00", "end": "08:00"}),
    ],
)
def test_quiet_hours_are_the_shops_none_or_the_shoppers_own(form, quiet):
    assert forms.hours(form) == {"quiet_hours": quiet, "time_zone": None}


@pytest.mark.parametrize(
    ("form", "wrong"),
    [
        ({"quiet": "own", "start": "22:00", "end": "22:00"}, Wrong("end", "same")),
        ({"quiet": "own", "start": "2200", "end": "08:00"}, Wrong("start", "clock")),
        ({"quiet": "usual", "time_zone": "Mars/Phobos"}, Wrong("time_zone", "zone")),
        ({}, Wrong("quiet", "choose")),
    ],
)
def test_hours_that_mean_nothing_are_refused(form, wrong):
    with pytest.raises(Refused) as refused:
        forms.hours(form)
    assert refused.value.wrong == (wrong,)


def test_only_what_was_shown_and_changed_is_said():
    now = type("Now", (), {})()
    now.channels = (Choice("push", given=True), Choice("email", given=False))
    now.categories = (Choice("news", given=True), Choice("promotion", given=True))
    now.user = type("User", (), {"profiling": True})()
    shown = [("consent_shown", "push"), ("consent_shown", "email"), ("categories_shown", "news")]
    assert forms.choices([*shown, ("consent", "push"), ("categories", "news")], now) == {}
    assert forms.choices([*shown, ("consent", "email")], now) == {
        "consent": {"push": False, "email": True},
        "categories": {"news": False},
    }
    assert forms.choices([("consent_shown", "made_up"), ("consent", "made_up")], now) == {}
    assert forms.choices([("profiling_shown", "yes")], now) == {"profiling": False}


@pytest.mark.parametrize(
    ("form", "wrong"),
    [
        ({"text": " \n "}, Wrong("text", "say")),
        ({"text": "x" * 2001}, Wrong("text", "long")),
        ({"text": "x", "contact": "y" * 400}, Wrong("contact", "long")),
    ],
)
def test_a_complaint_says_something_and_not_too_much(form, wrong):
    with pytest.raises(Refused) as refused:
        forms.complaint(form)
    assert refused.value.wrong == (wrong,)
