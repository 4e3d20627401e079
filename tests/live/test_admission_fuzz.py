"""Whatever comes in, it is admitted, or refused as a fault or a rejection; nothing else ever comes out."""

from contextlib import suppress
from datetime import datetime

import numpy as np
from hypothesis import example, given
from hypothesis import strategies as st

from andante.live.admission import admit_events, admit_outcomes, admit_plan, admit_preferences, admit_requests
from andante.live.names import Names
from andante.vocabulary.fault import InputFault
from andante.vocabulary.records import Candidate, Event, Outcome, PlanEntry, Preferences, Request
from andante.vocabulary.state import NEVER_S

NOW_US = 1_800_000_000_000_000

FIELDS = sorted(
    {name for shape in (Candidate, Event, Outcome, PlanEntry, Preferences, Request) for name in shape.__struct_fields__}
)
VALUES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(max_size=5),
    st.sampled_from(
        ["\ud800", "x" * 600, "view", "dwell", "rated", "3fa2c1-1b-7", "push", "Mars/Phobos", " ", "22:00"]
    ),
    st.sampled_from(
        ["2026-03-01T09:00:00Z", "2026-03-01T09:00:00", "1900-01-01T00:00:00Z", "9999-12-31T23:59:59-10:00"]
    ),
    st.datetimes(),
    st.datetimes(timezones=st.timezones()),
    st.binary(max_size=4),
    st.sampled_from(
        [np.float64("nan"), np.int32(3), np.datetime64("2026-03-01"), 10**400, object(), object, NEVER_S, 1j]
    ),
)
KEYS = st.one_of(st.sampled_from(FIELDS), st.text(max_size=3), st.integers(), st.just("\ud800"))
JUNK = st.recursive(
    VALUES,
    lambda inner: st.one_of(
        st.lists(inner, max_size=4), st.dictionaries(KEYS, inner, max_size=6), st.tuples(inner), st.sets(st.integers())
    ),
    max_leaves=12,
)


def nearly(shape, **good):
    """Return dictionaries that are nearly right: most fields good, some of them junk."""
    fields = {name: st.one_of(st.just(value), JUNK) for name, value in good.items()}
    others = {name: JUNK for name in shape.__struct_fields__ if name not in good}
    return st.fixed_dictionaries({}, optional={**fields, **others})


CANDIDATES = nearly(Candidate, candidate_id="c", category="promotion", channel="push", value=1.0, relevance=2.0)
REQUESTS = st.one_of(
    JUNK,
    nearly(Request, user_id="u"),
    st.fixed_dictionaries({"user_id": st.just("u"), "candidates": st.lists(CANDIDATES, max_size=3)}),
    st.builds(Request, user_id=VALUES, candidates=st.one_of(JUNK, st.tuples(CANDIDATES)), at=VALUES),
)


def cyclic():
    loop = {"user_id": "u"}
    loop["candidates"] = [loop]
    return loop


@given(st.one_of(JUNK, st.lists(REQUESTS, max_size=3)))
@example([cyclic()])
@example([[[[[[[[]]]]]]]])
def test_requests_are_admitted_or_refused(items):
    with suppress(InputFault):
        admitted = admit_requests(items, Names(), now_us=NOW_US)
        assert len(admitted.records) == len(items)
        assert np.isfinite(admitted.candidates["value"]).all()
        assert np.isfinite(admitted.candidates["relevance"]).all()
        assert (admitted.candidates["expires_s"] > 0).all()
        assert ((admitted.count >= 1) & (admitted.count <= 16)).all()


@given(
    st.lists(st.one_of(JUNK, nearly(Event, user_id="u", type="view"), st.builds(Event, user_id=VALUES, type=VALUES)))
)
@example([cyclic()])
def test_events_are_admitted_or_rejected_each(items):
    admitted = admit_events(items, now_us=NOW_US)
    assert sorted([*admitted.index, *(rejection.index for rejection in admitted.rejected)]) == list(range(len(items)))
    assert [rejection.index for rejection in admitted.rejected] == sorted(
        rejection.index for rejection in admitted.rejected
    )
    assert len(admitted.bodies) == len(admitted.at_us) == len(admitted.types) == len(admitted.index)
    assert np.isfinite(admitted.values).all()


@given(st.lists(st.one_of(JUNK, nearly(Outcome, decision_id="3fa2c1-1b-7", type="opened"))))
@example([cyclic()])
def test_outcomes_are_admitted_or_rejected_each(items):
    admitted = admit_outcomes(items, now_us=NOW_US)
    assert sorted([*admitted.index, *(rejection.index for rejection in admitted.rejected)]) == list(range(len(items)))
    for rejection in admitted.rejected:
        (rejection.field + rejection.problem).encode()
    assert (admitted.decisions > 0).all()
    assert (admitted.values >= 0).all()


@given(VALUES, st.one_of(JUNK, nearly(Preferences, consent={"push": True}, time_zone="Asia/Shanghai", max_per_day=2)))
@example("u", cyclic())
def test_preferences_are_admitted_or_refused(user_id, given_):
    with suppress(InputFault):
        admitted = admit_preferences(user_id, given_, Names(), now_us=NOW_US)
        assert len(admitted.record) == 1
        assert admitted.record["kind"][0] == 5


@given(st.one_of(JUNK, st.lists(nearly(PlanEntry, user_id="u", plan_per_week=3)), st.dictionaries(KEYS, VALUES)))
@example([cyclic()])
def test_plans_are_admitted_or_refused(plan):
    if isinstance(plan, str):
        return  # a path
    with suppress(InputFault):
        admitted = admit_plan(plan)
        assert ((admitted.per_week >= 0) & (admitted.per_week <= 168)).all()
        assert not np.isinf(admitted.interest).any()


@given(st.one_of(JUNK, st.lists(REQUESTS, max_size=3)))
def test_a_fault_is_one_line_that_can_be_sent(items):
    fault = fault_of(items)
    if fault is None:
        return
    line = str(fault)
    assert line.encode()
    assert "\n" not in line
    assert fault.thing.startswith("requests")
    assert fault.problem
    assert fault.action


def fault_of(items):
    try:
        admit_requests(items, Names(), now_us=NOW_US)
    except InputFault as fault:
        return fault
    return None


def test_a_naive_time_is_refused_wherever_it_stands():
    naive = datetime(2026, 3, 1)  # noqa: DTZ001
    assert admit_events([{"user_id": "u", "type": "view", "at": naive}], now_us=NOW_US).rejected[0].field == "at"
    assert admit_outcomes([{"decision_id": "3fa2c1-1b-7", "type": "opened", "at": naive}], now_us=NOW_US).rejected
