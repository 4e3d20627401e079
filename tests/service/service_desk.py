"""A real server in a thread, on a free port, over a real engine; and what its tests keep asking."""

import hashlib
import threading
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx

from andante import Engine
from andante.service.running import Running
from andante.service.serving import Serving
from andante.service.tokens import Tokens
from andante.settings.sections.service import SCOPES, Service

AT = datetime(2026, 5, 4, 12, tzinfo=UTC)
STAMP = AT.isoformat()
SENDING = {
    "consent": {"default": "deny"},
    "experiment": {"holdout": 0.0, "explore": 0.0},
    "gap": {"minimum": "PT0S"},
    "categories": {"receipt": {"transactional": True}},
    "pacing": {
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
    },
}
"""Settings under which only the rules hold a push back."""


@dataclass
class Served:
    """A server that answers."""

    url: str
    client: httpx.Client
    engine: Any
    serving: Serving
    running: Running


@contextmanager
def served(path=":memory:", config=None, *, engine=None, delivery=None, privacy=None, **service):
    """Serve until the end of the block, then end it as a signal would."""
    engine = engine or Engine.open(path, SENDING if config is None else config)
    settings = Service(**{"port": 0, **service})
    tokens = Tokens("a secret of the tests alone", settings.outcome_token_life, settings.public_url)
    database = None if str(path) == ":memory:" else Path(path)
    serving = Serving(engine, settings, tokens, database=database, delivery=delivery, privacy=privacy)
    running = Running(serving, "0")
    thread = threading.Thread(target=running.run)
    thread.start()
    try:
        with httpx.Client(base_url=running.url, timeout=60) as client:
            yield Served(running.url, client, engine, serving, running)
    finally:
        running.end()
        thread.join(60)
    assert not thread.is_alive(), "the server did not end"


def asked(user_id="ann", candidate_id="c1", category="promotion", channel="push", **more):
    """Return a request for one push."""
    candidate = {"candidate_id": candidate_id, "category": category, "channel": channel}
    return {"user_id": user_id, "candidates": [candidate], **more}


def consents(client, user_id="ann", **wishes):
    """Let a user consent to pushes."""
    wishes = {"consent": {"push": True}, **wishes}
    assert client.put(f"/v1/users/{user_id}/preferences", json=wishes).status_code == 200


def key_of(name, *scopes):
    """Return a key's header and its entry in the configuration."""
    key = f"andante_{name}_{'x' * 32}"
    entry = {"name": name, "sha256": hashlib.sha256(key.encode()).hexdigest(), "scopes": list(scopes or SCOPES)}
    return {"authorization": f"Bearer {key}"}, entry


def problem(answer, status):
    """Return the problem that a call was answered with, having looked at its form."""
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    told = answer.json()
    assert told["status"] == status
    assert told["type"].startswith("urn:andante:problem:")
    assert told["request_id"] == answer.headers["x-request-id"]
    assert "Traceback" not in answer.text
    assert ".py" not in answer.text
    return told


class Gate:
    """An engine whose decisions and receipts wait until the gate is opened, so that calls gather behind it."""

    def __init__(self, engine):
        self._engine = engine
        self.opened = threading.Event()
        self.entered = threading.Event()
        self.sizes = []

    def __getattr__(self, name):
        return getattr(self._engine, name)

    def decide(self, requests):
        self.sizes.append(len(requests))
        self.entered.set()
        assert self.opened.wait(60)
        return self._engine.decide(requests)
