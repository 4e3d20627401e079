"""What the proofs share: configurations for a policy of the model, the log as plain dictionaries, and a judge of it."""

from __future__ import annotations

import json
import os
import sqlite3
import tempfile
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hypothesis import HealthCheck, settings
from model import COUNTED, DAY_S, US, Model, Policy, Push, Quota

from andante import Engine
from andante.vocabulary.flow import Kind
from andante.vocabulary.reason import RULES, Action
from andante.vocabulary.state import NEVER_S

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

STALE_S = 31 * DAY_S
ASKED = (Kind.REQUEST, Kind.RELEASE)


@dataclass(frozen=True, slots=True)
class Entry:
    """One row of the log, read."""

    position: int
    kind: Kind
    user: int
    at_us: int
    action: Action | None
    body: dict[str, Any]

    @classmethod
    def of(cls, row: Sequence[Any]) -> Entry:
        position, kind, user, at_us, action, body = row
        return cls(position, Kind(kind), user, at_us, None if action is None else Action(action), json.loads(body))


def effort(examples: int, **more: Any) -> settings:
    """Say how long to look for what breaks a promise: the same examples each time, others with ``PROMISES_SEARCH``.

    ``PROMISES_SEARCH=20`` looks twenty times as long, where it has not looked before.
    """
    times = int(os.environ.get("PROMISES_SEARCH", "0"))
    return settings(
        max_examples=examples * max(times, 1),
        derandomize=times == 0,
        deadline=None,
        suppress_health_check=list(HealthCheck),
        print_blob=True,
        **more,
    )


def entries(engine: Any) -> list[Entry]:
    return [Entry.of(row) for rows in engine.log_rows() for row in rows]


def states(engine: Any) -> dict[str, bytes]:
    """Return the record of every user, as bytes."""
    population = engine._desk.population
    return {user: population.users[row].tobytes() for row, user in enumerate(population.ids)}


def folded(path: Any, configuration: Any) -> dict[str, bytes]:
    """Return the states that the log alone gives: of a copy of a database without any checkpoint."""
    with tempfile.TemporaryDirectory(prefix="andante-") as folder:
        copy = Path(folder) / "copy.db"
        with closing(sqlite3.connect(path)) as source, closing(sqlite3.connect(copy)) as target:
            source.backup(target)
            target.execute("DELETE FROM states")
            target.execute("DELETE FROM meta WHERE key IN ('replay_from', 'parameters')")
            target.commit()
        with Engine.open(copy, configuration) as engine:
            return states(engine)


def walk(log: Iterable[Entry], policy: Policy, *, rules_alone: bool) -> Judge:
    """Hold a whole log against the model: it says all that happened, and what was decided on it."""
    judge = Judge(Model(policy), rules_alone=rules_alone)
    for entry in log:
        user = str(entry.user)
        if entry.kind is Kind.PREFERENCES:
            judge.model.prefer(user, entry.body)
        elif entry.kind is Kind.OUTCOME:
            judge.model.answered(str(entry.body["decision"]), entry.body["type"])
        elif entry.kind in ASKED:
            judge.check(user, entry, entry.body["candidates"], str(entry.position))
    return judge


def position_of(decision_id: str) -> int:
    return int(decision_id.split("-")[1], 16)


def names_of(refused: int) -> set[str]:
    """Name the rules whose bits are set."""
    return {rule.name.lower() for rule in RULES if refused >> rule & 1}


def iso(window: timedelta) -> str:
    return f"PT{window // timedelta(seconds=1)}S"


class Judge:
    """Holds every decision of a log against the model, and tells the model what went out."""

    def __init__(self, model: Model, *, rules_alone: bool) -> None:
        """``rules_alone``: pacing is out of the way, so that what the rules allow must go out."""
        self.model, self.rules_alone = model, rules_alone
        self.judged = 0

    def check(self, user_id: str, entry: Entry, candidates: Iterable[Mapping[str, Any]], decision_id: str) -> None:
        """Fail where a decision is not what the documents say."""
        model, body = self.model, entry.body
        pushes = [Push.of(candidate) for candidate in candidates]
        now = model.clock(user_id, entry.at_us)
        decision = body["decision"]
        assert decision["at_s"] == now // US
        assert 0 < decision["propensity"] <= 1
        assert len(body["verdicts"]) == len(pushes)
        for push, verdict in zip(pushes, body["verdicts"], strict=True):
            self._verdict(user_id, push, now, verdict)
        chosen = None if decision["chosen"] < 0 else pushes[decision["chosen"]]
        if entry.action is Action.SEND:
            assert chosen is not None
            assert not model.refusals(user_id, chosen, now)
            assert decision["send_at_s"] == now // US
            model.sent(user_id, chosen, now, decision_id)
            assert not model.over(user_id)
        else:
            self._held(user_id, entry, chosen, now)
        model.decided(user_id, entry.at_us)
        self.judged += 1

    def _verdict(self, user_id: str, push: Push, now: int, verdict: Mapping[str, Any]) -> None:
        """What is refused is what must be, and no more than may be; ``until_s`` is the earliest time."""
        assert 0 <= verdict["propensity"] <= 1
        model, person = self.model, self.model.person(user_id)
        refused = names_of(verdict["refused"])
        if person.held_out is None and push.category not in model.policy.transactional:
            person.held_out = "holdout" in refused
        must, may = (model.refusals(user_id, push, now, whole=whole) for whole in (False, True))
        forgotten = model.forgotten_until(user_id, push)
        if forgotten * US > now:
            may |= COUNTED
        assert must <= refused, f"{user_id} {push} at {now}: {must - refused} must refuse, and did not"
        assert refused <= may, f"{user_id} {push} at {now}: {refused - may} refused without a reason"
        until = None if verdict["until_s"] == NEVER_S else verdict["until_s"]
        if not refused:
            assert until == now // US
            return
        first = model.earliest(user_id, push, now)
        if forgotten * US > now:
            assert until is None or first is None or until >= first
        else:
            assert until == first, f"{user_id} {push} at {now}: until {until}, and {first} is the earliest"
        if until is not None and until > forgotten:
            assert not model.refusals(user_id, push, until * US)
            assert (until - 1) * US < now or model.refusals(user_id, push, (until - 1) * US, whole=True)

    def _held(self, user_id: str, entry: Entry, chosen: Push | None, now: int) -> None:
        decision, verdicts = entry.body["decision"], entry.body["verdicts"]
        if self.rules_alone:
            starved = decision["credit"] < 1
            assert starved or all(verdict["refused"] for verdict in verdicts), f"{user_id} at {now}: rules allow"
            later = any(verdict["until_s"] <= now // US + STALE_S for verdict in verdicts)
            assert starved or entry.action is (Action.DEFER if later else Action.SUPPRESS)
        if entry.action is Action.DEFER:
            assert chosen is not None
            assert decision["send_at_s"] >= max(now // US, verdicts[decision["chosen"]]["until_s"])
            assert chosen.expires_us is None or decision["send_at_s"] < chosen.expires_us // US
        else:
            assert decision["send_at_s"] == 0


ALONE = {
    "default_per_week": 168.0,
    "most_per_week": 168.0,
    "burst": 32.0,
    "patience": 0.0,
    "floor": 0.0,
    "temperature": 0.001,
    "explore_candidates": 0.0,
    "message_cost": 0.0,
    "refusal_loss": 0.0,
    "refusal_loss_pushes": 0.0,
    "stale_after": iso(timedelta(seconds=STALE_S)),
}
"""Pacing that holds back nothing that is worth anything, but for credit: 32 pushes, and one an hour after them."""

EVEN = {"fatigue_open": 0.0, "habituation_open": 0.0, "fatigue_refusal": 0.0, "hour_prior": [1.0] * 24}
"""Learning by which no push is ever worth nothing."""

UNASKED = {"candidate_id": "unasked", "category": "promotion", "channel": "nobody_consents"}
"""A candidate that no user's consent allows."""


def warm(engine: Any, users: Iterable[str], at: datetime) -> list[Any]:
    """Let users' credit begin to fill: two days later they have all of it."""
    before = at - timedelta(days=2)
    return list(engine.decide([{"user_id": user, "candidates": [UNASKED], "at": before} for user in users]))


def settings_of(
    policy: Policy,
    *,
    alone: bool = False,
    holdout: float = 0.0,
    seed: int = 7,
    checkpoint_every: int | None = None,
    **pacing: Any,
) -> dict[str, Any]:
    """Write a policy of the model as a configuration; ``alone`` takes pacing out of the way of the rules."""
    tree: dict[str, Any] = {
        "consent": {"default": "allow" if policy.allows_by_default else "deny"},
        "caps": [{"scope": cap.scope, "limit": cap.limit, "window": iso(cap.window)} for cap in policy.caps],
        "gap": {"minimum": iso(policy.gap)},
        "duplicates": {"window": iso(policy.duplicate_window)},
        "users": {"time_zone": policy.zone},
        "categories": {
            name: {"transactional": name in policy.transactional, "news": name in policy.news}
            for name in sorted(policy.transactional | policy.news)
        },
        "vendor_quotas": {channel: quota_of(quota) for channel, quota in policy.quotas.items()},
        "experiment": {"holdout": holdout, "explore": 0.0 if alone else 0.3},
        "pacing": (ALONE if alone else {}) | pacing,
        "learning": EVEN if alone else {},
        "engine": {"seed": seed},
    }
    if policy.quiet is not None:
        start, end = policy.quiet
        tree["quiet_hours"] = {"start": f"{start:%H:%M}", "end": f"{end:%H:%M}"}
    if checkpoint_every is not None:
        tree["log"] = {"checkpoint_every": checkpoint_every}
    return tree


def quota_of(quota: Quota) -> dict[str, Any]:
    tree: dict[str, Any] = {"per_day": quota.limit, "news_per_day": quota.news_limit, "time_zone": quota.zone}
    if quota.quiet is not None:
        start, end = quota.quiet
        tree |= {"quiet_start": f"{start:%H:%M}", "quiet_end": f"{end:%H:%M}"}
    return tree
