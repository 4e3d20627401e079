"""Arbitration: what the engine sends beside what comes first, at as many sends.

Every side is the real engine, live over event time, under the same caps. One is as it ships. *First come, first served*
is how pushes are capped elsewhere: it sees no values, judges no hour, waits for nothing, and sends whatever comes while
there is credit; what finds none is dropped. A third sees and learns everything, and only does not wait: what is left of
the lead against it is what waiting adds.

*Equal sends* are made by tuning the one number that every side has, its pace, in each world until it sends as often as
the engine does there. Thinning at random instead would keep what it brings per send at a pace that nobody chose, and
leave its slots empty by chance; a tuned pace is what its operator would set, so it is the stronger baseline.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from heapq import heappop, heappush
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table

from andante.benchmarks.arbitration_world import DAY_S, START_S, Offer, World, world

SEED = 7
TICK_S = 1800
"""How often the world comes round to the engine with what happened meanwhile."""

PACE_PER_WEEK = 3.0
RESAMPLES = 2_000
TUNINGS_MAX, EQUAL = 4, 0.01
"""How often a pace is tuned at most, and how near the sends of both sides have to come."""

ANDANTE, UNWAITING, FIRST_COME = "andante", "andante without waiting", "first come, first served"
RISING, SHUFFLED = "least valuable first", "any order"
JUDGED = ((RISING, (UNWAITING, FIRST_COME)), (SHUFFLED, (FIRST_COME,)))
"""The worlds, and whom the engine is compared with in each."""

_COMMON: dict[str, Any] = {
    "consent": {"default": "allow"},
    "caps": [{"scope": "global", "limit": 1, "window": "P1D"}, {"scope": "global", "limit": 4, "window": "P7D"}],
}


@dataclass(frozen=True, slots=True)
class Policy:
    """One side: a configuration, whether it may see what an offer is worth, and whether it asks deferred ones again."""

    config: Mapping[str, Any]
    sees_value: bool = True
    asks_again: bool = True


@dataclass(slots=True)
class Lived:
    """What came of a policy, by user."""

    sends: NDArray[np.int64]
    opened: NDArray[np.int64]
    brought: NDArray[np.float64]  # by what converted
    expected: NDArray[np.float64]  # the same on average: free of the luck of the draws


@dataclass(slots=True)
class _Run:
    """A policy in a world, as far as it has come."""

    world: World
    policy: Policy
    engine: Any
    lived: Lived
    outcomes: list[tuple[int, str, str, dict[str, Any]]] = field(default_factory=list)  # a heap, by when they are known


def policy(name: str, seed: int, per_week: float) -> Policy:
    """Return a policy at a pace: the engine as it ships with nobody held out, or what of it is switched off.

    Without waiting it still sees values, learns, and picks the best of what is deferred. First come, first served
    judges nothing at all.
    """
    config = {**_COMMON, "engine": {"seed": seed}, "experiment": {"holdout": 0.0}}
    pacing: dict[str, Any] = {"default_per_week": per_week}
    if name == ANDANTE:
        return Policy({**config, "pacing": pacing})
    if name == UNWAITING:
        return Policy({**config, "pacing": {**pacing, "patience": 0.0}})
    free = dict.fromkeys(("patience", "floor", "explore_candidates", "message_cost", "refusal_loss"), 0.0)
    tireless = dict.fromkeys(("fatigue_open", "habituation_open", "fatigue_refusal"), 0.0)
    config["experiment"] = {"holdout": 0.0, "explore": 0.0}
    pacing = {**pacing, **free, "temperature": 0.001, "most_per_week": max(14.0, per_week)}
    return Policy({**config, "pacing": pacing, "learning": tireless}, sees_value=False, asks_again=False)


def arbitration(users: int = 200, days: int = 21, seeds: int = 20) -> list[dict[str, Any]]:
    """Live through so many worlds of each kind with every policy, print a table, and return a row for each policy.

    The row of another policy says how much more the engine brings per send, with a 95 % interval: a bootstrap over
    users, each with what both policies came to with them.
    """
    rows: list[dict[str, Any]] = []
    for order, others in JUDGED:
        runs: dict[str, list[Lived]] = {name: [] for name in (ANDANTE, *others)}
        for seed in range(SEED, SEED + seeds):
            place = world(users, days, seed, rising=order == RISING)
            ours = live(place, policy(ANDANTE, seed, PACE_PER_WEEK))
            runs[ANDANTE].append(ours)
            for name in others:
                runs[name].append(matched(place, name, seed, int(ours.sends.sum())))
        ours = _together(runs[ANDANTE])
        rows.append(_row(order, ANDANTE, ours, days))
        rows += [_row(order, name, theirs := _together(runs[name]), days) | lead(ours, theirs) for name in others]
    _show(rows)
    return rows


def matched(place: World, name: str, seed: int, wanted: int) -> Lived:
    """Return what came of a policy in a world at the pace at which it sends about as often as wanted."""
    users, days, _ = place.value.shape
    per_week = max(wanted, 1) / (users * days / 7)
    lived: list[Lived] = []
    for _ in range(TUNINGS_MAX):
        lived.append(live(place, policy(name, seed, per_week)))
        sent = int(lived[-1].sends.sum())
        if sent == 0 or abs(sent - wanted) <= EQUAL * wanted:
            break
        per_week *= wanted / sent
    return min(lived, key=lambda one: abs(int(one.sends.sum()) - wanted))


def live(place: World, side: Policy) -> Lived:
    """Live through a world with a policy, from tick to tick of event time."""
    from andante.live.engine import Engine

    users, days, _ = place.value.shape
    visits, offers = iter([*place.visits, (2**62, 0)]), iter([*_in_order(place), (2**62, Offer(0, 0, 0))])
    visit, offer = next(visits), next(offers)
    with Engine.open(":memory:", side.config) as engine:
        lived = Lived(np.zeros(users, np.int64), np.zeros(users, np.int64), np.zeros(users), np.zeros(users))
        run = _Run(place, side, engine, lived)
        for now_s in range(START_S, START_S + days * DAY_S + 1, TICK_S):
            events, offered = [], []
            while visit[0] < now_s:
                events.append(visit)
                visit = next(visits)
            while offer[0] < now_s:
                offered.append(offer)
                offer = next(offers)
            _tick(run, now_s, events, offered)
    return run.lived


def lead(ours: Lived, theirs: Lived, *, seed: int = SEED) -> dict[str, float]:
    """Return how much more ours brings per send, as a share of theirs, with 95 % intervals over users."""
    draw = np.random.default_rng(seed)
    count = len(ours.sends)
    often = np.array([np.bincount(draw.integers(0, count, count), minlength=count) for _ in range(RESAMPLES)])
    found = {}
    for name in ("brought", "expected"):
        shares = _per_send(ours, name, often) / _per_send(theirs, name, often) - 1
        once = np.ones((1, count))
        found[f"{name}_lead"] = float((_per_send(ours, name, once) / _per_send(theirs, name, once) - 1)[0])
        found[f"{name}_lead_low"], found[f"{name}_lead_high"] = map(float, np.quantile(shares, (0.025, 0.975)))
    return found


def _per_send(lived: Lived, name: str, often: NDArray[Any]) -> NDArray[np.float64]:
    """Return what was brought per send where each user counts so often (resamples, users)."""
    brought: NDArray[np.float64] = (often @ getattr(lived, name)) / (often @ lived.sends)
    return brought


def _tick(run: _Run, now_s: int, visits: Sequence[tuple[int, int]], offers: Sequence[tuple[int, Offer]]) -> None:
    """Tell the engine what happened since the last tick: visits, outcomes, what is due, what is offered."""
    if visits:
        run.engine.ingest([{"user_id": _name(user), "type": "visit", "at": _time(at_s)} for at_s, user in visits])
    known = []
    while run.outcomes and run.outcomes[0][0] < now_s:
        known.append(heappop(run.outcomes)[-1])
    if known:
        run.engine.observe(known)
    if run.policy.asks_again:
        for released in run.engine.release(_time(now_s)):
            _send(run, released.decision, now_s)
    if offers:
        requests = [_request(run, at_s, offer) for at_s, offer in offers]
        for decision, (at_s, _) in zip(run.engine.decide(requests), offers, strict=True):
            _send(run, decision, at_s)


def _send(run: _Run, decision: Any, at_s: int) -> None:
    """Let a push that goes out have its effect."""
    if decision.action != "send":
        return
    offer = Offer(*map(int, decision.candidate_id.split("-")))
    lived, outcome = run.lived, run.world.outcome(offer, at_s)
    lived.sends[offer.user] += 1
    lived.expected[offer.user] += run.world.worth(offer, at_s)
    if outcome.opened_s is not None:
        lived.opened[offer.user] += 1
        _hear(run, decision, "opened", outcome.opened_s)
    if outcome.converted_s is not None:
        value = float(run.world.value[offer])
        lived.brought[offer.user] += value
        _hear(run, decision, "converted", outcome.converted_s, value=value)


def _hear(run: _Run, decision: Any, kind: str, at_s: int, **more: float) -> None:
    """Have an outcome known when it happens, not before."""
    said = {"decision_id": decision.decision_id, "type": kind, "at": _time(at_s), **more}
    heappush(run.outcomes, (at_s, decision.decision_id, kind, said))


def _request(run: _Run, at_s: int, offer: Offer) -> dict[str, Any]:
    name = "-".join(map(str, offer))
    push = {
        "candidate_id": name,
        "campaign_id": name,
        "category": "promotion",
        "channel": "push",
        "value": float(run.world.value[offer]) if run.policy.sees_value else 1.0,
        "expires_at": _time(run.world.expires_s(offer)),
    }
    return {"user_id": _name(offer.user), "at": _time(at_s), "candidates": [push]}


def _in_order(place: World) -> list[tuple[int, Offer]]:
    """Return all offers, in order of time."""
    return sorted((int(at_s), Offer(*where)) for where, at_s in np.ndenumerate(place.offered_s))


def _name(user: int) -> str:
    return f"user-{user}"


def _time(at_s: int) -> datetime:
    return datetime.fromtimestamp(int(at_s), UTC)


def _together(runs: Sequence[Lived]) -> Lived:
    names = ("sends", "opened", "brought", "expected")
    return Lived(*(np.concatenate([getattr(run, name) for run in runs]) for name in names))


def _row(order: str, name: str, lived: Lived, days: int) -> dict[str, Any]:
    sends, users = int(lived.sends.sum()), len(lived.sends)
    return {
        "world": order,
        "policy": name,
        "users": users,
        "days": days,
        "sends": sends,
        "sends_per_user_week": sends / (users * days / 7),
        "opened_per_send": float(lived.opened.sum() / sends),
        "brought_per_send": float(lived.brought.sum() / sends),
        "expected_per_send": float(lived.expected.sum() / sends),
    }


def _show(rows: Sequence[Mapping[str, Any]]) -> None:
    table = Table(title="What is brought per send, at equal sends", caption="the lead of andante, with 95 % intervals")
    for heading in ("world", "policy", "sends", "opened", "brought", "lead", "expected", "lead"):
        table.add_column(heading, justify="left" if heading in {"world", "policy"} else "right")
    for row in rows:
        cells = [str(row["world"]), str(row["policy"]), f"{row['sends']:,}", f"{row['opened_per_send']:.1%}"]
        for name in ("brought", "expected"):
            cells += [f"{row[f'{name}_per_send']:.4f}", _span(row, f"{name}_lead")]
        table.add_row(*cells)
    Console().print(table)


def _span(row: Mapping[str, Any], name: str) -> str:
    if name not in row:
        return ""
    return f"{row[name]:+.0%} ({row[f'{name}_low']:+.0%} to {row[f'{name}_high']:+.0%})"
