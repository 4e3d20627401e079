"""Write the golden histories anew: ``python tests/live/golden/record.py``, where decisions are meant to change.

With ``--state VERSION`` it writes ``state-VERSION.sql`` instead, a database of today's version, to be opened by all
later ones.
"""

from __future__ import annotations

import argparse
import json
import random
import sqlite3
import sys
import tempfile
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from promise_golden import GOLDEN, Player, plain, record

from andante import Engine

START = datetime(2026, 3, 20, 9, tzinfo=UTC)
ZONES = ("Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Kathmandu", "Africa/Casablanca")
EVENTS = ("view", "search", "cart", "purchase", "visit", "favorite")

EVERYDAY = {
    "caps": [
        {"scope": "global", "limit": 2, "window": "P1D"},
        {"scope": "global", "limit": 6, "window": "P7D"},
    ],
    "quiet_hours": {"start": "22:00", "end": "08:00"},
    "categories": {"order_update": {"transactional": True}},
    "pacing": {"default_per_week": 4.0},
    "engine": {"seed": 11},
}
EVERY_RULE = {
    "caps": [
        {"scope": "global", "limit": 3, "window": "P1D"},
        {"scope": "category:promotion", "limit": 1, "window": "PT18H"},
        {"scope": "channel:email", "limit": 2, "window": "P3D"},
    ],
    "gap": {"minimum": "PT40M"},
    "duplicates": {"window": "P2D"},
    "quiet_hours": {"start": "23:00", "end": "06:30"},
    "categories": {"order_update": {"transactional": True}, "news": {"news": True}},
    "vendor_quotas": {"push": {"per_day": 4, "news_per_day": 6, "quiet_start": "01:00", "quiet_end": "05:00"}},
    "experiment": {"holdout": 0.15, "explore": 0.1},
    "learning": {"fatigue_open": 0.0, "habituation_open": 0.0, "fatigue_refusal": 0.0},
    "pacing": {
        "default_per_week": 100.0,
        "most_per_week": 120.0,
        "burst": 6.0,
        "patience": 0.0,
        "spread": "PT20M",
        "message_cost": 0.0,
        "refusal_loss_pushes": 0.0,
    },
    "engine": {"seed": 3},
}
CLOCKS_CHANGE = {
    "quiet_hours": {"start": "01:30", "end": "02:30"},
    "gap": {"minimum": "PT0S"},
    "categories": {"order_update": {"transactional": True}},
    "users": {"time_zone": "Europe/London"},
    "engine": {"seed": 5},
}


def at(moment: datetime) -> str:
    return moment.isoformat()


def offer(draw: random.Random, place: int, now: datetime) -> dict:
    candidate = {
        "candidate_id": f"c{place}",
        "category": draw.choice(["promotion", "news", "digest", "order_update"]),
        "channel": draw.choice(["push", "push", "email"]),
        "value": round(draw.lognormvariate(1, 0.7), 3),
        "relevance": draw.choice([0.5, 1.0, 2.0]),
    }
    if draw.random() < 0.5:
        candidate["campaign_id"] = draw.choice(["spring", "summer", "loyalty"])
    if draw.random() < 0.3:
        candidate["expires_at"] = at(now + timedelta(minutes=draw.randrange(10, 5000)))
    return candidate


def life(seed: int, *, days: int, users: int, pause_s: int):
    """Yield the calls of some days in the life of a shop."""
    draw, asked = random.Random(seed), 0
    names = [f"user-{n}" for n in range(users)]
    for n, user in enumerate(names):
        wishes = {"consent": {"push": True, "email": n % 2 == 0}, "time_zone": ZONES[n % len(ZONES)], "at": at(START)}
        yield {"call": "set_preferences", "with": {"user_id": user, "wishes": wishes}}
    now = START
    while now < START + timedelta(days=days):
        now += timedelta(seconds=draw.randrange(60, pause_s), microseconds=draw.randrange(10**6))
        act, user = draw.random(), draw.choice(names)
        if act < 0.45:
            places = range(draw.choice([1, 1, 2, 4]))
            requests = [{"user_id": user, "candidates": [offer(draw, p, now) for p in places], "at": at(now)}]
            asked += 1
            yield {"call": "decide", "with": requests}
        elif act < 0.65:
            event = {
                "user_id": user,
                "type": draw.choice(EVENTS),
                "value": round(draw.uniform(1, 80), 2),
                "at": at(now),
            }
            yield {"call": "ingest", "with": [event]}
        elif act < 0.8 and asked:
            kind = draw.choice(["opened", "opened", "clicked", "converted", "dismissed", "not_interested", "rated"])
            outcome = {"decision_id": f"#{draw.randrange(asked)}", "type": kind, "at": at(now)}
            yield {"call": "observe", "with": [outcome | ({"rating": draw.randint(1, 5)} if kind == "rated" else {})]}
        elif act < 0.9:
            yield {"call": "release", "with": at(now)}
        elif act < 0.95:
            entry = {
                "user_id": user,
                "plan_per_week": draw.choice([0.0, 1.0, 3.5, 7.0, 20.0]),
                "interest": draw.random(),
            }
            yield {"call": "publish", "with": [entry]}
        else:
            yield {"call": "set_preferences", "with": {"user_id": user, "wishes": wish(draw, now)}}


def wish(draw: random.Random, now: datetime) -> dict:
    return {
        "at": at(now),
        **draw.choice(
            [
                {"max_per_day": draw.randrange(3)},
                {"max_per_week": None},
                {"quiet_hours": {"start": "12:00", "end": "18:30"}},
                {"quiet_hours": None},
                {"paused_until": at(now + timedelta(hours=30))},
                {"categories": {"news": draw.random() < 0.5}},
                {"consent": {"email": draw.random() < 0.5}},
                {"time_zone": draw.choice(ZONES)},
            ]
        ),
    }


def every_rule():
    """The same with more of everything, and a hand on the kill switch."""
    for n, call in enumerate(life(2, days=4, users=8, pause_s=2000)):
        yield call
        if n in {120, 200}:
            yield {"call": "switch", "with": {"scope": "category:news", "on": n == 120}}
        if n in {150, 170}:
            yield {"call": "switch", "with": {"scope": "campaign:spring", "on": n == 150}}
    yield {
        "call": "observe",
        "with": [{"decision_id": "#3", "type": "complained", "at": at(START + timedelta(days=20))}],
    }


def clocks_change():
    """A receipt every twenty minutes over the changes of clocks, in zones that change by an hour or by half of one."""
    zones = ("Europe/London", "Europe/Berlin", "Australia/Lord_Howe", "America/New_York", "Africa/Casablanca")
    for zone in zones:
        wishes = {"consent": {"push": True}, "time_zone": zone, "at": at(START)}
        yield {"call": "set_preferences", "with": {"user_id": zone, "wishes": wishes}}
    changes = (
        "2026-03-08T05:00",
        "2026-03-29T00:00",
        "2026-04-04T14:00",
        "2026-10-03T14:00",
        "2026-10-25T00:00",
        "2026-11-01T05:00",
    )
    receipt = {"candidate_id": "r", "category": "order_update", "channel": "push"}
    for change in changes:
        start = datetime.fromisoformat(f"{change}:00+00:00")
        for minute in range(0, 180, 20):
            now = at(start + timedelta(minutes=minute))
            yield {"call": "decide", "with": [{"user_id": zone, "candidates": [receipt], "at": now} for zone in zones]}
        yield {"call": "release", "with": at(start + timedelta(hours=6))}


def write_state(version: str) -> None:
    """Write a database of today's version as SQL, and what it must answer beside it."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "andante.db"
        with Engine.open(path, EVERY_RULE) as engine:
            player = Player(engine)
            keyed = []
            for n, call in enumerate(every_rule()):
                if n > 160:
                    break
                if call["call"] == "decide":
                    call["with"][0]["idempotency_key"] = f"key-{n}"
                    keyed.append(call)
                player.play(call)
            answers = [[plain(player._decide(call["with"]), player.ids), call["with"]] for call in keyed[-5:]]
            end = player.end()
        with closing(sqlite3.connect(path)) as connection:
            pragmas = [f"PRAGMA {name} = {connection.execute(f'PRAGMA {name}').fetchone()[0]};" for name in PRAGMAS]
            dump = "\n".join([*pragmas, *connection.iterdump()])
    (GOLDEN / f"state-{version}.sql").write_text(dump + "\n", "utf-8")
    told = {"configuration": EVERY_RULE, "ids": player.ids, "keyed": answers, "end": end}
    (GOLDEN / f"state-{version}.json").write_text(json.dumps(told, indent=1) + "\n", "utf-8")


PRAGMAS = ("application_id", "user_version")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--state", metavar="VERSION")
    version = parser.parse_args().state
    if version is not None:
        write_state(version)
        return
    record("everyday", EVERYDAY, life(1, days=16, users=8, pause_s=9000))
    record("every_rule", EVERY_RULE, every_rule())
    record("clocks_change", CLOCKS_CHANGE, clocks_change())


if __name__ == "__main__":
    main()
