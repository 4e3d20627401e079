"""The budget held live: the shadow price finds where as much goes out as is allowed."""

from __future__ import annotations

import random

import numpy as np
from live_desk import DAY, HOUR, NOON, ask, offer

from andante import Engine


def test_the_shadow_price_holds_the_budget_over_weeks() -> None:
    rng = random.Random(5)
    config = {
        "budget": {"per_user_week": 2.0, "controller": True, "every": "PT3H"},
        "pacing": {"default_per_week": 14.0, "temperature": 0.3},
        "experiment": {"holdout": 0.0, "explore": 0.0},
    }
    weekly = []
    with Engine.open(":memory:", config) as engine:
        for user in range(60):
            engine.set_preferences(f"u{user}", {"consent": {"push": True}, "at": NOON})
        for day in range(70):
            sent = 0
            for hour in range(24):
                at = NOON + day * DAY + hour * HOUR
                requests = [
                    ask(f"u{rng.randrange(60)}", at, offer(f"{day}-{hour}-{n}", value=rng.expovariate(1)))
                    for n in range(10)
                ]
                sent += sum(decision.action == "send" for decision in engine.decide(requests))
                sent += sum(released.decision.action == "send" for released in engine.release(at))
            weekly.append(sent * 7 / 60)
        versions = [row for rows in engine.log_rows() for row in rows if row.kind == 7]
    assert np.mean(weekly[:3]) > 3.0
    assert 1.4 < np.mean(weekly[14:]) < 2.6
    assert len(versions) > 100
