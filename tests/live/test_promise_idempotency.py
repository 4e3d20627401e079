"""Promise 2: the same key and the same body give the first answer again, whoever asks; another body is a fault."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from model import Cap, Policy, micros
from promise_desk import ASKED, UNASKED, effort, entries, settings_of, states, warm

from andante import Engine
from andante.live.clock import SteadyClock
from andante.stores.sqlite import SqliteStore
from andante.vocabulary.fault import Fault

NOON = datetime(2026, 5, 4, 12, tzinfo=UTC)
POLICY = Policy(caps=(Cap("global", 2, timedelta(days=1)),))
OFFER = {"candidate_id": "c", "category": "promotion", "channel": "push", "campaign_id": "spring"}
CHANGES = (
    {"user_id": "bob"},
    {"at": NOON + timedelta(microseconds=1)},
    {"candidates": [OFFER, OFFER | {"candidate_id": "d"}]},
    {"candidates": [OFFER | {"value": 2.0}]},
    {"candidates": [OFFER | {"expires_at": NOON + timedelta(days=1)}]},
)


def request(**changes):
    return {"user_id": "ann", "candidates": [OFFER], "at": NOON, "idempotency_key": "k", **changes}


def asked(engine):
    return [entry for entry in entries(engine) if entry.kind in ASKED and entry.body["candidates"] != [UNASKED]]


@pytest.fixture(params=["memory", "sqlite"])
def engine(request, tmp_path):
    path = ":memory:" if request.param == "memory" else tmp_path / "andante.db"
    with Engine.open(path, settings_of(POLICY, alone=True)) as opened:
        warm(opened, ["ann", "bob"], NOON)
        for user in ("ann", "bob"):
            opened.set_preferences(user, {"consent": {"push": True}, "at": NOON - timedelta(hours=1)})
        yield opened


def test_the_same_key_and_body_give_the_first_answer_again(engine):
    first = engine.decide([request()])
    before = states(engine)
    assert engine.decide([request()]) == first
    assert engine.decide([request(), request()]) == first * 2
    assert len(asked(engine)) == 1
    assert states(engine) == before


def test_the_same_key_twice_in_one_call_is_one_decision(engine):
    one, other = engine.decide([request(), request()])
    assert one == other
    assert len(asked(engine)) == 1


@pytest.mark.parametrize("change", CHANGES, ids=lambda change: next(iter(change)))
def test_the_same_key_with_another_body_is_a_fault_and_changes_nothing(engine, change):
    engine.decide([request()])
    before, log = states(engine), len(entries(engine))
    with pytest.raises(Fault, match="k"):
        engine.decide([request(**change)])
    assert states(engine) == before
    assert len(entries(engine)) == log


def test_a_conflict_takes_nothing_else_of_its_call(engine):
    engine.decide([request()])
    before, log = states(engine), len(entries(engine))
    with pytest.raises(Fault):
        engine.decide([request(user_id="bob", idempotency_key="fresh"), request(user_id="bob")])
    assert (states(engine), len(entries(engine))) == (before, log)


def test_eight_threads_with_one_key_get_one_answer(engine):
    for turn in range(20):
        body = request(idempotency_key=f"k{turn}", at=NOON + timedelta(hours=turn))
        with ThreadPoolExecutor(8) as pool:
            answers = list(pool.map(lambda _, body=body: engine.decide([body])[0], range(8)))
        assert len({answer.decision_id for answer in answers}) == 1
        assert len({repr(answer) for answer in answers}) == 1
    assert len(asked(engine)) == 20


def test_an_answer_is_the_same_after_the_file_is_opened_again(tmp_path):
    path, configuration = tmp_path / "andante.db", settings_of(POLICY, alone=True)
    with Engine.open(path, configuration) as engine:
        warm(engine, ["ann"], NOON)
        engine.set_preferences("ann", {"consent": {"push": True}, "at": NOON})
        answers = [engine.decide([request(idempotency_key=f"k{n}")])[0] for n in range(4)]
    assert {answer.action for answer in answers} == {"send", "defer"}
    with Engine.open(path, configuration) as engine:
        assert [engine.decide([request(idempotency_key=f"k{n}")])[0] for n in range(4)] == answers
        with pytest.raises(Fault):
            engine.decide([request(idempotency_key="k1", user_id="bob")])
        assert len(asked(engine)) == 4


def test_an_event_with_a_known_id_is_counted_and_changes_nothing(engine):
    event = {"event_id": "e1", "user_id": "ann", "type": "purchase", "value": 9.0, "at": NOON}
    assert engine.ingest([event]).accepted == 1
    before, log = states(engine), len(entries(engine))
    again = engine.ingest([event, event])
    assert (again.accepted, again.duplicates, again.rejected) == (0, 2, ())
    assert (states(engine), len(entries(engine))) == (before, log)


def test_an_event_twice_in_one_call_counts_once(engine):
    event = {"event_id": "e1", "user_id": "ann", "type": "purchase", "value": 9.0, "at": NOON}
    receipt = engine.ingest([event, event])
    assert (receipt.accepted, receipt.duplicates) == (1, 1)


@pytest.mark.parametrize("kind", ["opened", "converted", "complained", "rated"])
def test_a_repeated_outcome_is_counted_and_changes_nothing(engine, kind):
    (decision,) = engine.decide([request()])
    assert decision.action == "send"
    rating = {"rating": 4.0} if kind == "rated" else {}
    outcome = {"decision_id": decision.decision_id, "type": kind, "at": NOON + timedelta(hours=1), **rating}
    assert engine.observe([outcome]).accepted == 1
    before = states(engine)
    for _ in range(2):
        again = engine.observe([outcome])
        assert (again.accepted, again.duplicates) == (0, 1)
    assert states(engine) == before


def test_a_key_whose_decision_is_no_longer_kept_refuses_its_whole_call(tmp_path, monkeypatch):
    """All requests of a call are decided or none, whichever of them is at fault."""
    configuration = settings_of(POLICY, alone=True) | {"log": {"retention": "P1D", "keys": "P1D"}}
    monkeypatch.setattr(SqliteStore, "prune_keys", died)
    clock = SteadyClock(lambda: micros(NOON), lambda: 0)
    with Engine.open(tmp_path / "andante.db", configuration, clock=clock) as engine:
        warm(engine, ["ann", "bob"], NOON)
        for user in ("ann", "bob"):
            engine.set_preferences(user, {"consent": {"push": True}, "at": NOON})
        assert engine.decide([request()])[0].action == "send"
        warm(engine, ["ann"], NOON)  # the last row is kept whatever its age
        with pytest.raises(InterruptedError):
            engine.retain(NOON + timedelta(days=5))
        before, log = states(engine), len(entries(engine))
        late = NOON + timedelta(days=5)
        for calls in ([request(), request(user_id="bob", idempotency_key="fresh", at=late)], [request()]):
            with pytest.raises(Fault):
                engine.decide(calls)
            assert (states(engine), len(entries(engine))) == (before, log)


def died(_store, _before_us):
    """Stand for a crash between the two halves of retention."""
    raise InterruptedError


def test_an_answer_is_the_same_after_its_user_has_given_consent(tmp_path):
    """That consent was by default then is part of the answer, whatever holds now."""
    with Engine.open(":memory:", settings_of(Policy(allows_by_default=True), alone=True)) as engine:
        first = engine.decide([request()])
        assert "consent_by_default" in first[0].reasons
        engine.set_preferences("ann", {"consent": {"push": True}, "at": NOON})
        assert engine.decide([request()]) == first


@given(
    keys=st.lists(st.sampled_from(["a", "b", "c", None]), min_size=1, max_size=12),
    hours=st.lists(st.integers(0, 30), min_size=12, max_size=12),
)
@effort(60)
def test_a_key_names_one_decision_whatever_the_order_of_requests(keys, hours):
    with Engine.open(":memory:", settings_of(POLICY, alone=True)) as engine:
        engine.set_preferences("ann", {"consent": {"push": True}, "at": NOON})
        first = {}
        for key, hour in zip(keys, hours, strict=False):
            body = request(at=NOON + timedelta(hours=hour), idempotency_key=key)
            if key is None:
                del body["idempotency_key"]
            if key not in first:
                (answer,) = engine.decide([body])
                if key is not None:
                    first[key] = body, answer
            elif first[key][0] == body:
                assert engine.decide([body]) == [first[key][1]]
            else:
                with pytest.raises(Fault):
                    engine.decide([body])
        distinct = len({key for key in keys if key is not None}) + keys.count(None)
        assert len(asked(engine)) == distinct


@pytest.mark.parametrize("change", CHANGES)
def test_a_known_key_with_two_bodies_in_one_call_is_a_fault_in_either_order(engine, change):
    (first,) = engine.decide([request()])
    for both in ([request(), request(**change)], [request(**change), request()]):
        with pytest.raises(Fault, match="was given before with another body"):
            engine.decide(both)
    assert engine.decide([request()]) == [first]


def test_an_event_whose_known_id_comes_with_two_bodies_is_refused_once(engine):
    seen = {"user_id": "ann", "type": "view", "event_id": "e", "at": NOON}
    engine.ingest([seen])
    for both in ([seen, {**seen, "user_id": "bob"}], [{**seen, "user_id": "bob"}, seen]):
        receipt = engine.ingest(both)
        assert (receipt.accepted, receipt.duplicates, len(receipt.rejected)) == (0, 1, 1)


def test_a_repeated_key_beside_a_new_one_needs_no_time(engine):
    asks = {"user_id": "ann", "candidates": [OFFER], "idempotency_key": "k"}
    (first,) = engine.decide([asks])
    again, new, twin = engine.decide([asks, {**asks, "idempotency_key": "other"}, {**asks, "idempotency_key": "other"}])
    assert again == first
    assert new == twin != first
