"""Promise 6: duplicated or reordered records give the same state, within one part in a hundred thousand."""

import random
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from model import Policy
from promise_desk import effort, settings_of, states, warm

from andante import Engine
from andante.vocabulary.state import USER

NOON = datetime(2026, 5, 4, 12, tzinfo=UTC)
POLICY = Policy(transactional=frozenset({"receipt"}))
TYPES = ("view", "search", "cart", "favorite", "like", "comment", "share", "purchase", "visit", "dwell")
ANSWERS = ("delivered", "opened", "clicked", "converted", "dismissed", "not_interested")
BOUND = 1e-5
OWN = {"position"}
"""Fields that name the place of the last record in the log: they may differ."""

minutes = st.integers(0, 20 * 24 * 60)
happenings = st.lists(st.tuples(st.sampled_from(TYPES), minutes, st.floats(0.5, 500)), min_size=1, max_size=30)
answers = st.lists(st.tuples(st.integers(0, 5), st.sampled_from(ANSWERS), minutes), max_size=20)


def story(engine):
    """Send ann six pushes, and return their ids."""
    engine.set_preferences(
        "ann", {"consent": {"push": True}, "time_zone": "Asia/Tokyo", "at": NOON - timedelta(days=3)}
    )
    warm(engine, ["ann"], NOON)
    candidate = {"candidate_id": "c", "category": "promotion", "channel": "push", "value": 3.0}
    asked = [{"user_id": "ann", "candidates": [candidate], "at": NOON + timedelta(days=n)} for n in range(6)]
    decisions = [engine.decide([request])[0] for request in asked]
    assert {decision.action for decision in decisions} == {"send"}
    return [decision.decision_id for decision in decisions]


def records_of(happened, came, ids):
    events = [
        {"event_id": f"e{n}", "user_id": "ann", "type": kind, "value": value, "at": NOON + timedelta(minutes=minute)}
        for n, (kind, minute, value) in enumerate(happened)
    ]
    first = {(place, kind): minute for place, kind, minute in reversed(came)}  # each type counts once a push
    outcomes = [
        {"decision_id": ids[place], "type": kind, "at": NOON + timedelta(minutes=minute)}
        for (place, kind), minute in first.items()
    ]
    return [("event", event) for event in events] + [("outcome", outcome) for outcome in outcomes]


def told(happened, came, order):
    """Return ann's state after all of it was told, in the order that ``order`` makes of it."""
    with Engine.open(":memory:", settings_of(POLICY, alone=True)) as engine:
        ids = story(engine)
        for kind, record in order(records_of(happened, came, ids)):
            if kind == "event":
                engine.ingest([record])
            else:
                engine.observe([record])
        return states(engine)["ann"]


def assert_same(*both):
    one, other = (np.frombuffer(state, USER)[0] for state in both)
    for field in USER.names:
        if field not in OWN:
            a, b = (np.asarray(record[field], np.float64) for record in (one, other))
            np.testing.assert_allclose(b, a, rtol=BOUND, atol=0, equal_nan=True, err_msg=field)


@given(happened=happenings, came=answers, seed=st.integers(0, 2**32))
@effort(60)
def test_shuffled_and_duplicated_records_give_the_same_state(happened, came, seed):
    draw = random.Random(seed)

    def shuffled(records):
        mixed = records + draw.sample(records, len(records) // 2)
        draw.shuffle(mixed)
        return mixed

    assert_same(told(happened, came, list), told(happened, came, shuffled))


@given(happened=happenings, cuts=st.integers(1, 5))
@effort(20)
def test_events_give_the_same_state_in_one_call_or_in_many(happened, cuts):
    def in_calls(size):
        with Engine.open(":memory:", settings_of(POLICY)) as engine:
            engine.set_preferences("ann", {"consent": {"push": True}, "at": NOON})
            events = [event for _, event in records_of(happened, [], [])]
            for start in range(0, len(events), size):
                engine.ingest(events[start : start + size])
            return states(engine)["ann"]

    assert in_calls(len(happened)) == in_calls(cuts)


def stream(draw, users, days):
    """Return a stream of a world: events of many users, in the order of their times."""
    events = []
    for n in range(40 * users):
        at = NOON + timedelta(seconds=draw.randrange(days * 86_400))
        kind, user = draw.choice(TYPES), f"user-{draw.randrange(users)}"
        events.append({"event_id": f"e{n}", "user_id": user, "type": kind, "value": draw.uniform(1, 90), "at": at})
    return sorted(events, key=lambda event: event["at"])


def turbulent(events, draw, *, late_s):
    """Deliver a stream as networks do: late within a bound, some twice, some retried much later."""
    arrivals = [(event["at"] + timedelta(seconds=draw.uniform(0, late_s)), n) for n, event in enumerate(events)]
    arrivals += [(at + timedelta(seconds=draw.uniform(0, 10 * late_s)), n) for at, n in arrivals if draw.random() < 0.2]
    return [events[n] for _, n in sorted(arrivals)]


@pytest.mark.parametrize("late_s", [60, 6 * 3600])
def test_a_turbulent_stream_ends_where_the_calm_one_ends(late_s):
    draw = random.Random(late_s)
    events = stream(draw, users=10, days=10)
    ends = []
    for arrived in (events, turbulent(events, draw, late_s=late_s)):
        with Engine.open(":memory:", settings_of(POLICY)) as engine:
            for n in range(10):
                engine.set_preferences(f"user-{n}", {"consent": {"push": True}, "at": NOON - timedelta(days=1)})
            receipts = [engine.ingest(arrived[start : start + 37]) for start in range(0, len(arrived), 37)]
            assert sum(receipt.accepted for receipt in receipts) == len(events)
            assert sum(receipt.duplicates for receipt in receipts) == len(arrived) - len(events)
            ends.append(states(engine))
    for user in ends[0]:
        assert_same(ends[0][user], ends[1][user])
