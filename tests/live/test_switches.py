"""The kill switch and the shadow price: what an operator and a controller change while the engine runs."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from andante.live.hashing import content_hash
from andante.live.names import Names
from andante.live.parameters import compile_parameters, next_shadow_price, same, switch, with_shadow_price
from andante.settings import load
from andante.vocabulary.fault import InputFault
from andante.vocabulary.parameters import PARAMETERS, STOPPED_CAMPAIGNS_MAX


def compiled(source=None, names=None, *, version=1, before=None):
    return compile_parameters(load(source or {}, {}), names or Names(), version=version, before=before)


def differing(one, other):
    return {field for field in PARAMETERS.names if one[field].tobytes() != other[field].tobytes()}


@pytest.fixture
def desk():
    names = Names()
    names.channel("push")
    names.channel("email")
    names.category("news")
    names.category("promotion")
    return names, compiled({}, names)


@pytest.mark.parametrize(
    ("scope", "field", "value"),
    [
        ("global", "stopped", 1),
        ("channel:email", "stopped_channels", 2),
        ("category:promotion", "stopped_categories", 2),
        ("campaign:spring: part 2", "stopped_campaigns", [content_hash("spring: part 2")]),
    ],
)
def test_a_switch_stops_its_own_scope_and_lifts_again(desk, scope, field, value):
    names, calm = desk
    bytes_before = calm.tobytes()
    stopped = switch(calm, names, scope, stopped=True)
    assert differing(calm, stopped) == {"version", field}
    assert [int(v) for v in np.atleast_1d(stopped[field][0]) if v] == np.atleast_1d(value).tolist()
    lifted = switch(stopped, names, scope, stopped=False)
    assert same(calm, lifted)
    assert [int(p["version"][0]) for p in (calm, stopped, lifted)] == [1, 2, 3]
    assert calm.tobytes() == bytes_before


@given(order=st.permutations(["global", "channel:push", "channel:email", "category:news", "campaign:a", "campaign:b"]))
def test_switches_are_apart_and_their_order_leaves_no_trace(order):
    names = Names()
    for name in ("push", "email"):
        names.channel(name)
    names.category("news")
    calm = compiled({}, names)
    stopped = calm
    for scope in order:
        stopped = switch(stopped, names, scope, stopped=True)
    again = calm
    for scope in sorted(order):
        again = switch(again, names, scope, stopped=True)
    assert stopped.tobytes() == again.tobytes()
    for scope in order:
        stopped = switch(stopped, names, scope, stopped=False)
    assert same(stopped, calm)


def test_throwing_a_switch_twice_is_throwing_it_once(desk):
    names, calm = desk
    for scope in ("global", "channel:push", "category:news", "campaign:a"):
        once = switch(calm, names, scope, stopped=True)
        assert same(once, switch(once, names, scope, stopped=True))
        assert same(calm, switch(calm, names, scope, stopped=False))


@pytest.mark.parametrize(
    ("scope", "words"),
    [
        ("", "channel:NAME"),
        ("everything", "is none"),
        ("channel:", "channel:NAME"),
        ("campaign:", "campaign:NAME"),
        ("global:now", "is none"),
        ("channel:psuh", r"never seen.*did you mean push\?"),
        ("category:xyz", "never seen.*configure it as a category"),
    ],
)
def test_a_scope_that_would_stop_nothing_is_a_fault(desk, scope, words):
    names, calm = desk
    with pytest.raises(InputFault, match=words):
        switch(calm, names, scope, stopped=True)
    assert names.channels == ("push", "email")


def test_more_stopped_campaigns_than_there_is_room_for_are_a_fault(desk):
    names, stopped = desk
    for i in range(STOPPED_CAMPAIGNS_MAX):
        stopped = switch(stopped, names, f"campaign:{i}", stopped=True)
    assert (stopped["stopped_campaigns"][0] != 0).all()
    with pytest.raises(InputFault, match="32 campaigns are stopped already"):
        switch(stopped, names, "campaign:one more", stopped=True)
    assert same(switch(stopped, names, "campaign:0", stopped=True), stopped)


def test_new_settings_never_lift_what_was_stopped(desk):
    names, stopped = desk
    for scope in ("global", "channel:push", "category:news", "campaign:a"):
        stopped = switch(stopped, names, scope, stopped=True)
    after = compiled({"gap": {"minimum": "PT2H"}}, names, version=9, before=stopped)
    assert differing(stopped, after) == {"version", "gap_s"}


def test_a_shadow_price_is_set_and_new_settings_keep_it_while_it_is_controlled():
    names = Names()
    priced = with_shadow_price(compiled({}, names), 0.25)
    assert (priced["shadow_price"][0], priced["version"][0]) == (0.25, 2)
    live = {"budget": {"per_user_week": 3, "controller": True}}
    assert compiled(live, names, version=3, before=priced)["shadow_price"][0] == 0.25
    assert compiled({"pacing": {"shadow_price": 0.5}}, names, version=3, before=priced)["shadow_price"][0] == 0.5


@pytest.mark.parametrize("mu", [-1e-9, float("nan"), float("inf")])
def test_a_shadow_price_that_is_no_price_is_a_fault(mu):
    with pytest.raises(InputFault, match="the shadow price"):
        with_shadow_price(compiled(), mu)


@given(mu=st.floats(0, 1e6), sent=st.integers(0, 10**9), allowed=st.floats(0, 1e9), step=st.floats(1e-6, 10))
def test_the_shadow_price_rises_with_too_many_sends_and_is_never_negative(mu, sent, allowed, step):
    budget = load({"budget": {"per_user_week": 3.0, "step": step}}, {}).budget
    after = next_shadow_price(with_shadow_price(compiled(), mu), budget, sent=sent, allowed=allowed)
    assert np.isfinite(after)
    assert after >= 0
    assert after >= mu if sent >= allowed else after <= mu
