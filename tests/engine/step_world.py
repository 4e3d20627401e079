"""A small world for tests of the step: some users, a policy, and requests at chosen times."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from andante.engine.batch import Stepped, fold
from andante.live.hashing import content_hash
from andante.live.names import Names
from andante.live.parameters import compile_parameters
from andante.settings import load
from andante.vocabulary.flow import CANDIDATE, RECORD, Kind
from andante.vocabulary.state import KNOWN, NEVER_S, new_users
from andante.zones.table import build

NOON_S = 1_795_003_200
"""A Wednesday noon in November 2026, UTC."""

HOUR_S, DAY_S = 3_600, 86_400

CERTAIN = {
    "pacing": {
        "floor": 0.0,
        "temperature": 0.0,
        "patience": 0.0,
        "spread": "PT0S",
        "explore_candidates": 0.0,
        "refusal_loss_pushes": 0.0,
    },
    "experiment": {"holdout": 0.0, "explore": 0.0},
}
"""A policy that leaves nothing to chance and waits for nothing better."""


@dataclass
class World:
    """Users and a policy; ``ask`` steps one request."""

    config: dict[str, Any] = field(default_factory=dict)
    count: int = 1

    def __post_init__(self) -> None:
        self.names = Names()
        self.settings = load(CERTAIN | self.config, {})
        for name in ("push", "email"):
            self.names.channel(name)
        for name in ("promotion", "news", "order"):
            self.names.category(name)
        self.parameters = compile_parameters(self.settings, self.names, version=1)
        self.zones = build(self.names.zones)
        self.users = new_users(self.count)
        self.users["key"] = np.arange(1, self.count + 1, dtype=np.uint64) * np.uint64(0x9E3779B97F4A7C15)
        self.users["channels_given"], self.users["flags"] = 0b11, KNOWN
        self.users["plan_per_week"], self.users["born_s"] = 168.0, NOON_S - 100 * DAY_S
        self.users["credit"], self.users["credit_s"] = 1.0, NOON_S - DAY_S
        self.number = 0

    def candidate(self, category: str = "promotion", channel: str = "push", **fields: Any) -> np.ndarray:
        """Return one candidate."""
        one = np.zeros(1, CANDIDATE)
        one["value"] = one["relevance"] = 1.0
        one["expires_s"], one["content"] = NEVER_S, content_hash(f"{self.number}{fields}")
        one["category"], one["channel"] = self.names.category(category), self.names.channel(channel)
        for name, value in fields.items():
            one[name] = value
        return one

    def ask(self, *candidates: np.ndarray, at_s: int = NOON_S, user: int = 0, kind: Kind = Kind.REQUEST) -> Stepped:
        """Step one request, and return what it came to."""
        offered = np.concatenate(candidates) if candidates else self.candidate()
        return self.step(self.record(kind, at_s, user=user, count=len(offered)), offered)

    def step(self, record: np.ndarray, offered: np.ndarray | None = None) -> Stepped:
        """Step one record."""
        candidates = np.zeros(0, CANDIDATE) if offered is None else offered
        return fold(self.users, record, candidates, self.parameters, self.zones)

    def record(self, kind: Kind, at_s: int, **fields: Any) -> np.ndarray:
        """Return one record with the next number."""
        self.number += 1
        one = np.zeros(1, RECORD)
        one["kind"], one["number"], one["at_s"] = kind, self.number, at_s
        for name, value in fields.items():
            one[name] = value
        return one


def busy(users: int, records: int, seed: int) -> tuple[World, np.ndarray, np.ndarray]:
    """Return a world with every rule and all chance on, and a mixed stream of records for it."""
    rng = np.random.default_rng(seed)
    world = World(
        {
            "pacing": {"default_per_week": 9.0},
            "experiment": {"holdout": 0.05, "explore": 0.2},
            "quiet_hours": {"start": "22:00", "end": "08:00"},
            "categories": {"order": {"transactional": True}},
            "caps": [
                {"scope": "global", "limit": 3, "window": "P1D"},
                {"scope": "category:promotion", "limit": 4, "window": "P7D"},
                {"scope": "channel:email", "limit": 1, "window": "P2D"},
            ],
        },
        users,
    )
    zones = [world.names.zone(name) for name in ("Asia/Shanghai", "Europe/Berlin", "America/New_York")]
    world.zones = build(world.names.zones)
    world.users["zone"] = rng.choice(zones, users)
    world.users["plan_per_week"] = rng.choice([np.nan, 1.0, 6.0, 20.0], users)
    stream = np.zeros(records, RECORD)
    stream["number"] = np.arange(1, records + 1)
    stream["user"] = rng.integers(0, users, records)
    stream["at_s"] = NOON_S + np.sort(rng.integers(0, 20 * DAY_S, records))
    stream["kind"] = rng.choice([Kind.EVENT, Kind.REQUEST, Kind.OUTCOME, Kind.PLAN], records, p=[0.2, 0.6, 0.15, 0.05])
    stream["type"] = np.where(stream["kind"] == Kind.EVENT, rng.integers(0, 10, records), rng.integers(0, 5, records))
    stream["decision"] = rng.integers(1, records, records)
    stream["per_week"], stream["interest"], stream["theta"] = 5.0, 0.4, 0.3
    stream["count"] = np.where(stream["kind"] == Kind.REQUEST, rng.integers(1, 5, records), 0)
    stream["first"] = np.cumsum(stream["count"]) - stream["count"]
    offered = np.zeros(int(stream["count"].sum()), CANDIDATE)
    offered["value"], offered["relevance"] = rng.exponential(1.0, len(offered)), rng.exponential(1.0, len(offered))
    offered["expires_s"] = NEVER_S
    offered["content"] = rng.integers(1, 500, len(offered))
    offered["category"], offered["channel"] = rng.integers(0, 3, len(offered)), rng.integers(0, 2, len(offered))
    return world, stream, offered
