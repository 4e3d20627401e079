"""Promise 1 over long histories: the record remembers 32 sends; where that is too few it refuses and never leaks."""

import random
from datetime import UTC, datetime, timedelta

import pytest
from model import Cap, Model, Policy, Push, micros
from promise_desk import ASKED, Judge, entries, names_of, settings_of, warm

from andante import Engine
from andante.vocabulary.reason import Action

NOON = datetime(2026, 5, 4, 12, tzinfo=UTC)
TRANSACTIONAL = frozenset({"receipt"})
WIDE = Policy(caps=(Cap("global", 32, timedelta(days=31)), Cap("category:news", 4, timedelta(days=7))))
NARROW = Policy(
    caps=(Cap("channel:email", 2, timedelta(days=31)), Cap("category:news", 9, timedelta(days=14))),
    duplicate_window=timedelta(days=20),
    transactional=TRANSACTIONAL,
)
SHORT = Policy(caps=(Cap("global", 5, timedelta(hours=3)),), gap=timedelta(minutes=7), transactional=TRANSACTIONAL)
POLICIES = {"wide": WIDE, "narrow": NARROW, "short": SHORT}
DAYS = {"wide": 36, "narrow": 9, "short": 9}


def lived(draw, days):
    """Ask for a push every half hour or so of many days, most of them allowed but for caps."""
    now = NOON
    while now < NOON + timedelta(days=days):
        now += timedelta(seconds=draw.randrange(3600), microseconds=draw.randrange(10**6))
        candidate = {
            "candidate_id": "c",
            "category": draw.choice(["promotion", "promotion", "news", "receipt"]),
            "channel": draw.choice(["push", "push", "push", "email"]),
            "item_id": f"item-{draw.randrange(60)}",
            "value": 3.0,
        }
        yield {"user_id": "ann", "candidates": [candidate], "at": now}


@pytest.mark.parametrize("name", POLICIES)
def test_no_cap_leaks_over_hundreds_of_sends(name):
    policy = POLICIES[name]
    judge = Judge(Model(policy), rules_alone=True)
    with Engine.open(":memory:", settings_of(policy, alone=True)) as engine:
        warm(engine, ["ann"], NOON)
        engine.set_preferences("ann", {"consent": {"push": True, "email": True}, "at": NOON})
        judge.model.prefer("ann", {"consent": {"push": True, "email": True}})
        for request in lived(random.Random(name), days=DAYS[name]):
            engine.decide([request])
        for entry in entries(engine):
            if entry.kind in ASKED:
                judge.check("ann", entry, entry.body["candidates"], str(entry.position))
    sends = judge.model.person("ann").sends
    assert len(sends) > (32 if name == "wide" else 100)
    assert judge.model.over("ann") == []


def test_what_was_forgotten_refuses_until_its_window_is_over_and_no_longer():
    """Forty sends in forty hours; a cap of 40 e-mails a week, of which there was one, is refused as 8 are forgotten."""
    policy = Policy(caps=(Cap("channel:email", 2, timedelta(days=7)),))
    with Engine.open(":memory:", settings_of(policy, alone=True)) as engine:
        warm(engine, ["ann"], NOON)
        engine.set_preferences("ann", {"consent": {"push": True, "email": True}, "at": NOON})
        for n in range(40):
            offer = {"candidate_id": "c", "category": "promotion", "channel": "push"}
            (answer,) = engine.decide([{"user_id": "ann", "candidates": [offer], "at": NOON + timedelta(hours=n)}])
            assert answer.action == "send"
        mail = {"candidate_id": "c", "category": "promotion", "channel": "email"}
        asked = {"user_id": "ann", "candidates": [mail], "at": NOON + timedelta(hours=41)}
        (answer,) = engine.decide([asked])
        verdict = entries(engine)[-1].body["verdicts"][0]
        assert (answer.action, names_of(verdict["refused"])) == ("defer", {"cap_channel"})
        eighth_us = micros(NOON + timedelta(hours=7))  # the latest of those that are forgotten
        assert verdict["until_s"] * 1_000_000 == eighth_us + 7 * 86_400 * 1_000_000
        model = Model(policy)
        for n in range(40):
            model.sent("ann", Push("promotion", "push"), micros(NOON + timedelta(hours=n)))
        assert model.forgotten_until("ann", Push("promotion", "email")) >= verdict["until_s"]


def test_receipts_take_no_room_from_what_caps_count():
    """A transactional push takes the slot of another one before it takes a capped one's."""
    policy = Policy(caps=(Cap("global", 5, timedelta(days=7)),), transactional=TRANSACTIONAL)
    offer = {"candidate_id": "c", "category": "promotion", "channel": "push"}
    with Engine.open(":memory:", settings_of(policy, alone=True)) as engine:
        warm(engine, ["ann"], NOON)
        engine.set_preferences("ann", {"consent": {"push": True}, "at": NOON})
        requests = [
            {
                "user_id": "ann",
                "candidates": [offer | ({} if n % 40 == 0 else {"category": "receipt"})],
                "at": NOON + timedelta(minutes=n),
            }
            for n in range(400)
        ]
        actions = [answer.action for answer in engine.decide(requests)]
        capped = [
            entry
            for entry in entries(engine)
            if entry.body.get("candidates") == [offer] and entry.action is Action.SEND
        ]
    assert len(capped) == 5
    assert actions.count("send") == 390 + 5
