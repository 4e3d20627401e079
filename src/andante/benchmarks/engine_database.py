"""Databases of users with a past, written straight into the store, and requests about them as callers write them."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np

from andante.benchmarks.engine_users import CATEGORIES, CHANNEL, CONFIG, DAY_S, START_S, ZONES, lived_in
from andante.live.engine import Engine
from andante.live.hashing import user_key
from andante.live.names import ZONE
from andante.stores.contract import Commit
from andante.stores.sqlite import SqliteStore

USERS_AT_ONCE = 50_000
CAMPAIGNS = 200


def build(path: Path, users: int) -> None:
    """Write a database in which so many users have a consent, a zone, a past, and a checkpoint of all that.

    The engine makes the file and publishes its parameters; the users' states then go in as its checkpoints do.
    """
    with Engine.open(path, CONFIG) as engine:
        position = sum(map(len, engine.log_rows()))
    states = lived_in(users)
    states["position"] = position
    store = SqliteStore.open(path)
    store.append(Commit(names=[(ZONE, code, name) for code, name in enumerate(ZONES, 1)]))
    for first in range(0, users, USERS_AT_ONCE):
        part = states[first : first + USERS_AT_ONCE]
        ids = [(number, user_id(number)) for number in range(first, first + len(part))]
        part["key"] = [user_key(name) for _, name in ids]
        blobs = part.view(f"V{part.itemsize}").tolist()
        store.append(
            Commit(users=ids, states=[(number, position, blob) for (number, _), blob in zip(ids, blobs, strict=True)])
        )
    store.close()


def user_id(number: int) -> str:
    """Return an id as shops have them.

    >>> user_id(7)
    'user-0000007'
    """
    return f"user-{number:07d}"


def batches(users: int, count: int, at_once: int, *, seed: int) -> Iterator[list[dict[str, Any]]]:
    """Yield a day's requests about users drawn evenly, in lists of so many, as callers write them."""
    draw = np.random.default_rng(seed)
    for first in range(0, count, at_once):
        size = min(at_once, count - first)
        numbers, values = draw.integers(0, users, size).tolist(), draw.lognormal(-0.5, 1.0, size).tolist()
        campaigns, categories = draw.integers(0, CAMPAIGNS, size).tolist(), draw.integers(0, 3, size).tolist()
        yield [
            request(number, (START_S + DAY_S * (first + place) / count), CATEGORIES[category], campaign, value)
            for place, (number, value, campaign, category) in enumerate(
                zip(numbers, values, campaigns, categories, strict=True)
            )
        ]


def as_table(requests: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Return requests with one candidate each as a table, as ``decide_columns`` takes it."""
    pushes = [one["candidates"][0] for one in requests]
    table: dict[str, Any] = {name: [push[name] for push in pushes] for name in pushes[0]}
    table["user_id"] = [one["user_id"] for one in requests]
    for name, times in (("at", [one["at"] for one in requests]), ("expires_at", table["expires_at"])):
        table[name] = np.array([at.replace(tzinfo=None) for at in times], "datetime64[us]")
    return table


def request(number: int, at_s: float, category: str, campaign: int, value: float) -> dict[str, Any]:
    """Return a request with one candidate, which expires in half a day."""
    candidate = {
        "candidate_id": f"candidate-{campaign}-{number}",
        "campaign_id": f"campaign-{campaign}",
        "category": category,
        "channel": CHANNEL,
        "value": round(value, 2),
        "expires_at": datetime.fromtimestamp(at_s + DAY_S / 2, UTC),
    }
    return {"user_id": user_id(number), "at": datetime.fromtimestamp(at_s, UTC), "candidates": [candidate]}
