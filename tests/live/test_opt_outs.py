"""Opt-outs: an outcome and a preference in one, the latest word by time."""

from __future__ import annotations

import pytest
from live_desk import CERTAIN, DAY, HOUR, NOON, ask, consent, offer

from andante import Engine


@pytest.fixture
def engine():
    with Engine.open(":memory:", CERTAIN) as opened:
        consent(opened)
        yield opened


def sent(engine: Engine, **fields: str) -> str:
    decision = engine.decide([ask("ann", NOON, offer("c", **fields))])[0]
    assert decision.action == "send"
    return decision.decision_id


def test_nothing_goes_out_on_a_channel_after_an_unsubscribe(engine: Engine) -> None:
    engine.observe([{"decision_id": sent(engine), "type": "unsubscribed", "at": NOON + HOUR}])
    decision = engine.decide([ask("ann", NOON + 2 * HOUR, offer("d"))])[0]
    assert (decision.action, decision.reasons) == ("suppress", ("consent_channel",))


def test_a_complaint_withdraws_the_category_too(engine: Engine) -> None:
    engine.observe([{"decision_id": sent(engine), "type": "complained", "at": NOON + HOUR}])
    view = engine.user("ann")
    assert (view.consent, view.categories) == ({"push": False}, {"promotion": False})


def test_a_newer_consent_outweighs_an_older_opt_out(engine: Engine) -> None:
    engine.observe([{"decision_id": sent(engine), "type": "unsubscribed", "at": NOON + HOUR}])
    engine.set_preferences("ann", {"consent": {"push": True}, "at": NOON + 2 * HOUR})
    assert engine.user("ann").consent == {"push": True}


def test_an_opt_out_counts_whenever_it_arrives_until_there_is_a_newer_consent(engine: Engine) -> None:
    decision_id = sent(engine)
    again = {"consent": {"push": True}, "at": NOON + 2 * HOUR}
    engine.set_preferences("ann", again)
    engine.observe([{"decision_id": decision_id, "type": "unsubscribed", "at": NOON + HOUR}])
    assert engine.user("ann").consent == {"push": False}
    assert engine.set_preferences("ann", again) == {"consent.push": False}  # repeated, it gives nothing again
    assert engine.user("ann").consent == {"push": False}
    engine.set_preferences("ann", again | {"at": NOON + 3 * HOUR})
    assert engine.user("ann").consent == {"push": True}


def test_an_opt_out_counts_when_the_record_has_long_forgotten_the_push(engine: Engine) -> None:
    decision_id = sent(engine)
    for number in range(40):
        engine.decide([ask("ann", NOON + (number + 1) * HOUR, offer(f"n{number}"))])
    engine.observe([{"decision_id": decision_id, "type": "unsubscribed", "at": NOON + 3 * DAY}])
    assert engine.user("ann").consent == {"push": False}


def test_what_waits_is_not_released_after_an_opt_out() -> None:
    quiet = {"start": "20:00", "end": "08:00"}
    with Engine.open(":memory:", CERTAIN | {"quiet_hours": quiet}) as engine:
        consent(engine)
        decision_id = sent(engine)
        assert engine.decide([ask("ann", NOON + 9 * HOUR, offer("night"))])[0].action == "defer"
        engine.observe([{"decision_id": decision_id, "type": "unsubscribed", "at": NOON + 10 * HOUR}])
        (released,) = engine.release(NOON + DAY)
    assert (released.decision.action, released.decision.reasons) == ("suppress", ("consent_channel",))
