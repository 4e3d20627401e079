"""The same questions for the engine and for a peer, and the engine's side of asking them.

Every user is asked about at a waking hour, or in the quiet ones around it, and some of them again two hours later, when
the cap of the day is reached. What does not go out within half a day is too late, so a cap suppresses and quiet hours
defer, on both sides. Both know every user before the clock runs, from one question that came too late for an answer.
"""

import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import Any, NamedTuple

import numpy as np

from andante.benchmarks.engine_database import as_table
from andante.benchmarks.engine_users import DAY_S, SEED, START_S, ZONES, zone_offset_s
from andante.benchmarks.peers.cue import CATEGORY, Asked, Caller, run

QUIET_HOURS = ("22:00", "08:00")
CAPS = (("P1D", 1), ("P7D", 7))
"""One push a day and seven a week, of one category."""

APART_S = 25 * 3600
"""From one day's question about a user to the next: the cap of the day is free again."""

AGAIN_S, AGAIN_SHARE = 2 * 3600, 0.25
FROM_HOUR, TO_HOUR = 6, 24  # local: four of these hours are quiet ones

CONFIG: dict[str, Any] = {
    "consent": {"default": "allow"},
    "caps": [{"scope": f"category:{CATEGORY}", "limit": limit, "window": window} for window, limit in CAPS],
    "quiet_hours": dict(zip(("start", "end"), QUIET_HOURS, strict=True)),
    "gap": {"minimum": "PT0S"},
    "duplicates": {"window": "PT0S"},
    "experiment": {"holdout": 0.0, "explore": 0.0},
    "learning": {"fatigue_open": 0.0, "habituation_open": 0.0, "fatigue_refusal": 0.0},
    "pacing": {
        "default_per_week": 168.0, "most_per_week": 168.0, "burst": 32.0, "explore_candidates": 0.0,
        "patience": 0.0, "floor": 0.0, "temperature": 0.001, "message_cost": 0.0, "refusal_loss": 0.0,
        "spread": "PT0S",
    },
}  # fmt: skip
"""The rules that both sides can keep. What the peer has not is computed all the same, and set to hold nothing back."""


class Questions(NamedTuple):
    """What is asked, in order of time for each user."""

    users: list[tuple[str, str]]  # (id, zone)
    past: list[Asked]
    asked: list[Asked]


def questions(users: int, *, days: int = 1, past_days: int = 0) -> Questions:
    """Return questions about so many users on so many days, after a past of so many days with one push each."""
    draw = np.random.default_rng(SEED)
    zones = draw.integers(0, len(ZONES), users).tolist()
    local_s = draw.integers(FROM_HOUR * 3600, TO_HOUR * 3600, users).tolist()
    again = (draw.random(users) < AGAIN_SHARE).tolist()
    offsets = [zone_offset_s(zone) for zone in ZONES]
    first = [
        (START_S + DAY_S + at - offsets[zone], number)
        for number, (at, zone) in enumerate(zip(local_s, zones, strict=True))
    ]

    def day(turn: int, *, twice: bool) -> list[Asked]:
        times = [(at + turn * APART_S, number) for at, number in first]
        times += [(at + AGAIN_S, number) for at, number in times if twice and again[number]]
        return [(f"user-{number:07d}", at, at + DAY_S / 2) for at, number in sorted(times)]

    return Questions(
        [(f"user-{number:07d}", ZONES[zone]) for number, zone in enumerate(zones)],
        [question for turn in range(-past_days, 0) for question in day(turn, twice=False)],
        [question for turn in range(days) for question in day(turn, twice=True)],
    )


def shares(asked: Sequence[Asked], callers: int) -> list[list[Asked]]:
    """Return each caller's share: all questions about a user come from one caller, in order."""
    parts: list[list[Asked]] = [[] for _ in range(callers)]
    for question in asked:
        parts[int(question[0][-7:]) % callers].append(question)
    return parts


def ask_engine(  # noqa: PLR0913  what the peer is ordered to do
    database: str,
    users: int,
    callers: int,
    *,
    days: int = 1,
    past_days: int = 0,
    at_once: int = 1,
    as_tables: bool = False,
) -> dict[str, Any]:
    """Ask the engine, and return seconds, latencies and actions, as the peer's side does.

    With ``at_once`` above 1 there is one caller, who asks so many questions a call, in a list or a table.
    """
    from andante.live.engine import Engine

    given = questions(users, days=days, past_days=past_days)
    with Engine.open(database, CONFIG) as engine:
        _introduce(engine, given)
        if at_once > 1:
            return _in_batches(engine, given.asked, at_once, as_tables=as_tables)

        def ask(request: list[dict[str, Any]]) -> str:
            return engine.decide(request)[0].action

        parts = [[[_request(question)] for question in share] for share in shares(given.asked, callers)]
        return run([Caller(ask, part) for part in parts])


def _in_batches(engine: Any, asked: Sequence[Asked], at_once: int, *, as_tables: bool) -> dict[str, Any]:
    requests = list(map(_request, asked))
    calls: list[Any] = [requests[first : first + at_once] for first in range(0, len(requests), at_once)]
    if as_tables:
        calls = list(map(as_table, calls))
    decide = engine.decide_columns if as_tables else engine.decide
    start = time.perf_counter()
    answers = [decide(call) for call in calls]
    seconds = time.perf_counter() - start
    if as_tables:
        actions = [action for answer in answers for action in answer.to_dict()["action"]]
    else:
        actions = [decision.action for answer in answers for decision in answer]
    return {"seconds": seconds, "latencies_s": [], "mix": {name: actions.count(name) for name in set(actions)}}


def _introduce(engine: Any, given: Questions) -> None:
    """Let the engine know every user's zone, and ask once about each, too late; then live through the past."""
    with ThreadPoolExecutor(64) as pool:  # many at once, so that they share commits
        for _ in pool.map(
            lambda user: engine.set_preferences(user[0], {"time_zone": user[1], "at": _time(START_S - 200 * DAY_S)}),
            given.users,
        ):
            pass
    late_s = given.past[0][1] if given.past else START_S
    too_late = [_request((user, late_s - 2 * DAY_S, late_s - 3 * DAY_S)) for user, _ in given.users]
    for requests in (too_late, list(map(_request, given.past))):
        for first in range(0, len(requests), 1000):
            engine.decide(requests[first : first + 1000])


def _request(question: Asked) -> dict[str, Any]:
    user, at_s, expires_s = question
    push = {"candidate_id": "push", "category": CATEGORY, "channel": "push", "expires_at": _time(expires_s)}
    return {"user_id": user, "at": _time(at_s), "candidates": [push]}


def _time(at_s: float) -> datetime:
    return datetime.fromtimestamp(at_s, UTC)
