"""A small shop with a known truth: who opens what is drawn beforehand, so that every policy meets the same draws."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import numpy as np

from andante import Engine

START = datetime(2026, 1, 1, 17, tzinfo=UTC)  # a Thursday, on which the engine's weeks begin
DAY = timedelta(days=1)
CATEGORIES = ("promotion", "news")
EXPLORING = {
    "consent": {"default": "allow"},
    "gap": {"minimum": "PT0S"},
    "pacing": {
        "default_per_week": 7.0,
        "burst": 2.0,
        "floor": 0.1,
        "temperature": 1.0,
        "explore_candidates": 0.3,
        "patience": 0.0,
    },
    "experiment": {"holdout": 0.0, "explore": 0.0},
}
"""The engine with much left to chance."""


@dataclass
class Shop:
    """Users who are asked once a day with two candidates; each opens a promotion or a piece of news as was drawn."""

    users: int
    days: int
    seed: int
    open_rate: tuple[float, float] = (0.3, 0.1)
    lift: float = 0.0  # visits a day that a push adds
    chance: np.ndarray = field(init=False)  # [users, days, candidates]
    visits: np.ndarray = field(init=False)  # [users, days]

    def __post_init__(self) -> None:
        draw = np.random.default_rng(self.seed)
        self.chance = draw.random((self.users, self.days, 2))
        self.visits = draw.random((self.users, self.days))

    def opens(self, user: int, day: int, place: int) -> bool:
        return bool(self.chance[user, day, place] < self.open_rate[place])

    def live(self, path: object, config: dict, *, release: bool = True) -> list[tuple[int, int, int]]:
        """Live through the days with an engine; return every send as (user, day of the offer, place)."""
        sends: list[tuple[int, int, int]] = []
        with Engine.open(path, config) as engine:
            for day in range(self.days):
                at = START + day * DAY
                decisions = [one.decision for one in engine.release(at)] if release else []
                decisions += engine.decide([self._request(user, day, at) for user in range(self.users)])
                sent = [one for one in decisions if one.action == "send"]
                told = []
                for decision in sent:
                    user, asked, place = map(int, decision.candidate_id.split("-"))
                    sends.append((user, asked, place))
                    if self.opens(user, asked, place):
                        told.append({"decision_id": decision.decision_id, "type": "opened", "at": at + DAY / 24})
                engine.observe(told)
                pushed = {int(one.candidate_id.split("-")[0]) for one in sent}
                engine.ingest(
                    [
                        {"user_id": f"u{user}", "type": "visit", "at": at + DAY / 12}
                        for user in range(self.users)
                        if self.visits[user, day] < 0.2 + self.lift * (user in pushed)
                    ]
                )
        return sends

    def _request(self, user: int, day: int, at: datetime) -> dict:
        candidates = [
            {"candidate_id": f"{user}-{day}-{place}", "category": category, "channel": "push", "value": 1.0 + place}
            for place, category in enumerate(CATEGORIES)
        ]
        return {"user_id": f"u{user}", "candidates": candidates, "at": at}


def changed(config: dict, **sections: dict) -> dict:
    """Return a configuration with some keys of its sections changed."""
    return {**config, **{name: {**config.get(name, {}), **keys} for name, keys in sections.items()}}
