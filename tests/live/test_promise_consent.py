"""Promises 8 and 9: without consent nothing is processed or sent, at any entry; after an opt-out nothing goes out."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from model import Policy, hours
from promise_desk import ASKED, effort, entries, settings_of, states, warm

from andante import Engine
from andante.vocabulary.fault import Fault
from andante.vocabulary.reason import Action

NOON = datetime(2026, 5, 4, 12, tzinfo=UTC)
NIGHT = datetime(2026, 5, 4, 23, tzinfo=UTC)
OFFER = {"candidate_id": "c", "category": "promotion", "channel": "push"}
RECEIPT = OFFER | {"category": "receipt"}
POLICY = Policy(transactional=frozenset({"receipt"}))
NIGHTLY = Policy(quiet=hours("22:00", "08:00"), transactional=frozenset({"receipt"}))
HOUR = timedelta(hours=1)


@pytest.fixture(params=["memory", "sqlite"])
def path(request, tmp_path):
    return ":memory:" if request.param == "memory" else tmp_path / "andante.db"


def asked(user, *candidates, at=NOON):
    return {"user_id": user, "candidates": list(candidates) or [OFFER], "at": at}


def agree(engine, at):
    """Have ann consent, with credit for pushes."""
    warm(engine, ["ann"], at)
    engine.set_preferences("ann", {"consent": {"push": True}, "at": at})


def sends(engine):
    return [entry for entry in entries(engine) if entry.action is Action.SEND]


def test_an_event_of_a_user_without_a_consent_record_is_not_processed(path):
    with Engine.open(path, settings_of(POLICY, alone=True)) as engine:
        receipt = engine.ingest([{"user_id": "ann", "type": "purchase", "value": 9.0, "at": NOON, "query": "canary"}])
        assert receipt.accepted == 0
        assert [rejection.field for rejection in receipt.rejected] == ["user_id"]
        assert not any("canary" in str(entry.body) for entry in entries(engine))
        assert "ann" not in states(engine)


def test_a_request_for_a_user_without_a_consent_record_is_suppressed(path):
    with Engine.open(path, settings_of(POLICY, alone=True)) as engine:
        for candidate in (OFFER, RECEIPT):
            (decision,) = engine.decide([asked("ann", candidate)])
            assert decision.action == "suppress"
            assert "consent_channel" in decision.reasons
        assert sends(engine) == []


def test_an_outcome_of_a_user_without_a_consent_record_is_not_processed(path):
    with Engine.open(path, settings_of(POLICY, alone=True)) as engine:
        (decision,) = engine.decide([asked("ann")])
        outcome = {"decision_id": decision.decision_id, "type": "opened", "at": NOON + HOUR}
        assert engine.observe([outcome]).accepted == 0
        assert engine.decide([asked("ann")])[0].action != "send"


def test_a_plan_for_a_user_without_a_consent_record_is_not_taken(path):
    with Engine.open(path, settings_of(POLICY, alone=True)) as engine:
        engine.publish([{"user_id": "ann", "plan_per_week": 5.0, "interest": 0.9, "theta": 0.5}])
        assert engine.decide([asked("ann")])[0].action == "suppress"
        assert sends(engine) == []
        assert "ann" not in states(engine) or "5.0" not in str(entries(engine)[-1].body.get("per_week"))


def test_a_release_sends_nothing_to_a_user_who_has_withdrawn_all_consent(path):
    with Engine.open(path, settings_of(NIGHTLY, alone=True)) as engine:
        agree(engine, NIGHT)
        (deferred,) = engine.decide([asked("ann", at=NIGHT)])
        assert deferred.action == "defer"
        engine.set_preferences("ann", {"consent": {"push": False}, "at": NIGHT + HOUR})
        engine.release(deferred.send_at + HOUR)
        engine.release(deferred.send_at + 9 * HOUR)
        assert sends(engine) == []


@pytest.mark.parametrize("kind", ["unsubscribed", "complained"])
def test_an_opt_out_by_outcome_stops_what_was_deferred_before_it(kind, path):
    with Engine.open(path, settings_of(NIGHTLY, alone=True)) as engine:
        agree(engine, NOON)
        (sent,) = engine.decide([asked("ann", OFFER | {"candidate_id": "first"})])
        (deferred,) = engine.decide([asked("ann", at=NIGHT)])
        assert (sent.action, deferred.action) == ("send", "defer")
        engine.observe([{"decision_id": sent.decision_id, "type": kind, "at": NIGHT + HOUR}])
        engine.release(deferred.send_at + HOUR)
        assert engine.decide([asked("ann", at=deferred.send_at + HOUR)])[0].action == "suppress"
        assert len(sends(engine)) == 1


def test_an_opt_out_by_outcome_outlives_other_wishes_and_opening_again(tmp_path):
    path, configuration = tmp_path / "andante.db", settings_of(POLICY, alone=True)
    with Engine.open(path, configuration) as engine:
        agree(engine, NOON)
        (sent,) = engine.decide([asked("ann")])
        engine.observe([{"decision_id": sent.decision_id, "type": "unsubscribed", "at": NOON + HOUR}])
        engine.set_preferences("ann", {"max_per_day": 9, "time_zone": "Asia/Tokyo", "at": NOON + 2 * HOUR})
        assert engine.decide([asked("ann", at=NOON + 3 * HOUR)])[0].action == "suppress"
    with Engine.open(path, configuration) as engine:
        engine.set_preferences("ann", {"max_per_week": 9, "at": NOON + 4 * HOUR})
        assert engine.decide([asked("ann", at=NOON + 5 * HOUR)])[0].action == "suppress"
        engine.set_preferences("ann", {"consent": {"push": True}, "at": NOON + 6 * HOUR})
        assert engine.decide([asked("ann", at=NOON + 7 * HOUR)])[0].action == "send"


def test_an_opt_out_that_comes_after_forty_more_sends_still_counts(path):
    """The record remembers 32 sends; the opt-out of an older one is no less an opt-out."""
    with Engine.open(path, settings_of(POLICY, alone=True)) as engine:
        agree(engine, NOON)
        decisions = engine.decide([asked("ann", RECEIPT, at=NOON + n * HOUR) for n in range(40)])
        assert {decision.action for decision in decisions} == {"send"}
        engine.observe([{"decision_id": decisions[0].decision_id, "type": "unsubscribed", "at": NOON + 41 * HOUR}])
        assert engine.decide([asked("ann", RECEIPT, at=NOON + 42 * HOUR)])[0].action == "suppress"


def test_an_opt_out_with_a_clock_that_runs_late_still_counts(path):
    """The phone that gave consent was ahead of the server that took it back."""
    with Engine.open(path, settings_of(POLICY, alone=True)) as engine:
        engine.set_preferences("ann", {"consent": {"push": True}, "at": NOON + HOUR})
        engine.set_preferences("ann", {"consent": {"push": False}, "at": NOON})
        assert engine.decide([asked("ann", at=NOON + 2 * HOUR)])[0].action == "suppress"


def test_an_opt_out_by_outcome_with_a_clock_that_runs_late_still_counts(path):
    """The phone's clock is a second behind the one that stamped its consent."""
    with Engine.open(path, settings_of(POLICY, alone=True)) as engine:
        agree(engine, NOON)
        (sent,) = engine.decide([asked("ann")])
        late = {"decision_id": sent.decision_id, "type": "unsubscribed", "at": NOON - timedelta(seconds=1)}
        assert engine.observe([late]).accepted == 1
        assert engine.decide([asked("ann", at=NOON + HOUR)])[0].action == "suppress"


KINDS = st.sampled_from(["event", "request", "plan", "outcome", "release", "wish", "dial"])


@given(acts=st.lists(st.tuples(KINDS, st.sampled_from(["ann", "bob"]), st.integers(0, 48)), max_size=25))
@effort(60)
def test_whatever_is_tried_nothing_is_done_for_users_who_never_consented(acts):
    """Ann never consents to anything; Bob does, so that the machine has something to do."""
    with Engine.open(":memory:", settings_of(NIGHTLY, alone=True)) as engine:
        given_ids = ["000000-1-0"]
        for kind, user, hour in acts:
            at = NOON + hour * HOUR
            if kind == "event":
                receipt = engine.ingest([{"user_id": user, "type": "view", "at": at}])
                assert user == "bob" or receipt.accepted == 0
            elif kind == "request":
                (decision,) = engine.decide([asked(user, OFFER, RECEIPT | {"candidate_id": "r"}, at=at)])
                given_ids.append(decision.decision_id)
                assert user == "bob" or decision.action == "suppress"
            elif kind == "plan":
                engine.publish([{"user_id": user, "plan_per_week": 3.0}])
            elif kind == "outcome":
                engine.observe([{"decision_id": given_ids[-1], "type": "opened", "at": at}])
            elif kind == "release":
                assert all(one.user_id == "bob" for one in engine.release(at))
            elif kind == "wish" and user == "bob":
                engine.set_preferences(user, {"consent": {"push": True}, "at": at})
            else:
                engine.set_preferences(user, {"max_per_day": 3, "at": at})
        ann = [entry for entry in entries(engine) if entry.kind in ASKED and entry.action is not Action.SUPPRESS]
        assert all(engine._desk.population.ids[entry.user] == "bob" for entry in ann)


def test_consent_by_default_is_stated_in_every_decision(path):
    with Engine.open(path, settings_of(Policy(allows_by_default=True), alone=True)) as engine:
        warm(engine, ["ann"], NOON)
        (decision,) = engine.decide([asked("ann")])
        assert decision.action == "send"
        assert any("default" in reason for reason in decision.reasons)


def test_a_fault_in_preferences_gives_no_consent(path):
    with Engine.open(path, settings_of(POLICY, alone=True)) as engine:
        for wrong in (
            {"time_zone": "Mars/Phobos"},
            {"max_per_day": -1},
            {"quiet_hours": {"start": "25:00", "end": "08:00"}},
        ):
            with pytest.raises(Fault):
                engine.set_preferences("ann", {"consent": {"push": True}, **wrong, "at": NOON})
        assert engine.decide([asked("ann")])[0].action == "suppress"
