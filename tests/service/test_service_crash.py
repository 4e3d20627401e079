"""Promises 1, 3, 5 and 14 of a whole server: killed or told to end under load, it keeps what it has acknowledged.

``SERVICE_KILLS`` (4) says how many servers are killed.
"""

import os
import random
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from contextlib import closing, contextmanager
from itertools import count
from pathlib import Path

import httpx
import pytest
import serve_child
from service_desk import SENDING, asked

from andante import Engine
from andante.runners.replaying import replay
from andante.vocabulary.flow import Kind
from andante.vocabulary.reason import Action

KILLS = int(os.environ.get("SERVICE_KILLS", "4"))
CAP, DAY_S = 3, 86_400
CAPPED = SENDING | {"caps": [{"scope": "global", "limit": CAP, "window": "P1D"}], "duplicates": {"window": "PT0S"}}
USERS = [f"user-{number}" for number in range(40)]
CALLERS = 12


@contextmanager
def child(path, drain="PT20S"):
    """Start a server, and yield its process and its address."""
    import json  # noqa: PLC0415

    command = [sys.executable, serve_child.__file__, str(path), json.dumps(CAPPED), drain]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        try:
            yield process, process.stdout.readline().strip()
        finally:
            process.kill()


class Load:
    """Callers who ask without pause, and note what was acknowledged."""

    def __init__(self, url, seed):
        self.decisions, self.events, self.unsaid = {}, [], 0
        self._url, self._numbers, self._stop = url, count(), threading.Event()
        self._threads = [threading.Thread(target=self._call, args=(f"{seed}-{n}",)) for n in range(CALLERS)]

    def begin(self):
        with httpx.Client(base_url=self._url, timeout=30) as client:
            for user in USERS:
                client.put(f"/v1/users/{user}/preferences", json={"consent": {"push": True}})
        for thread in self._threads:
            thread.start()

    def reach(self, decisions):
        """Wait until so many decisions were acknowledged."""
        deadline_s = time.monotonic() + 60
        while len(self.decisions) < decisions:
            assert time.monotonic() < deadline_s, "the server answers too slowly"
            time.sleep(0.002)

    def end(self):
        self._stop.set()
        for thread in self._threads:
            thread.join(60)

    def _call(self, name):
        draw = random.Random(name)
        with httpx.Client(base_url=self._url, timeout=30) as client:
            while not self._stop.is_set():
                number = f"{name}-{next(self._numbers)}"
                try:
                    self._make(client, draw, number)
                except httpx.HTTPError:
                    self.unsaid += 1
                    return

    def _make(self, client, draw, number):
        kind = draw.random()
        if kind < 0.6:
            answer = client.post("/v1/decisions", json=asked(draw.choice(USERS), number))
            self._note([answer.json()] if answer.status_code == 200 else [])
        elif kind < 0.8:
            requests = [asked(draw.choice(USERS), f"{number}-{place}") for place in range(20)]
            answer = client.post("/v1/decisions/batch", json={"requests": requests})
            self._note(answer.json()["decisions"] if answer.status_code == 200 else [])
        else:
            event = {"user_id": draw.choice(USERS), "type": "view", "event_id": number}
            if client.post("/v1/events", json=event).status_code == 200:
                self.events.append(event)

    def _note(self, decisions):
        self.decisions |= {one["decision_id"]: one["action"] for one in decisions}


def audit(path, load):
    """Hold what was acknowledged against the log."""
    with Engine.open(path) as engine:
        rows = [row for rows in engine.log_rows() for row in rows]
        actions = {row.position: Action(row.action).name.lower() for row in rows if row.action is not None}
        for decision_id, action in load.decisions.items():
            assert actions[int(decision_id.split("-")[1], 16)] == action, "an acknowledged decision is lost"
        if load.events:
            receipt = engine.ingest(load.events)
            assert (receipt.accepted, receipt.duplicates) == (0, len(load.events)), "an acknowledged event is lost"
    sends = {}
    for row in rows:
        if row.kind in {Kind.REQUEST, Kind.RELEASE} and row.action == Action.SEND:
            sends.setdefault(row.user, []).append(row.at_us // 1_000_000)
    assert sends
    for times in sends.values():
        for at_s in times:
            assert sum(at_s - DAY_S < other <= at_s for other in times) <= CAP, "a cap was exceeded"
    with closing(sqlite3.connect(path)) as connection:
        (outbox,) = connection.execute("SELECT count(DISTINCT position) FROM sends").fetchone()
    assert outbox == sum(map(len, sends.values()))
    assert replay(path).differences == []


def test_a_server_that_is_killed_under_load_loses_nothing_it_acknowledged_and_exceeds_no_cap(tmp_path):
    path = tmp_path / "shop.db"
    kept = Load("", "all")
    for life in range(KILLS):
        with child(path) as (process, url):
            load = Load(url, life)
            load.begin()
            load.reach(150 + 90 * life)
            process.send_signal(signal.SIGKILL)
            load.end()
        kept.decisions |= load.decisions
        kept.events += load.events
        assert load.unsaid, "it was killed while nobody called"
    audit(path, kept)


@pytest.mark.parametrize("told", [signal.SIGTERM, signal.SIGINT])
def test_a_server_that_is_told_to_end_finishes_what_it_accepted_within_its_time(tmp_path, told):
    path = tmp_path / "shop.db"
    with child(path, "PT10S") as (process, url):
        load = Load(url, "drain")
        load.begin()
        load.reach(200)
        began_s = time.monotonic()
        process.send_signal(told)
        assert process.wait(15) == 0
        took_s = time.monotonic() - began_s
        load.end()
        journal = process.stderr.read()
    assert took_s < 10
    assert "Traceback" not in journal
    assert '"error"' not in journal
    with closing(sqlite3.connect(path)) as connection:
        (last,) = connection.execute("SELECT max(position) FROM log").fetchone()
        (replayed_from,) = connection.execute("SELECT value FROM meta WHERE key = 'replay_from'").fetchone()
    assert int(replayed_from) == last, "it closed without its checkpoint"
    assert not Path(f"{path}-wal").exists() or Path(f"{path}-wal").stat().st_size == 0
    audit(path, load)


def test_a_call_that_never_ends_does_not_keep_the_server(tmp_path):
    import socket  # noqa: PLC0415

    with child(tmp_path / "shop.db", "PT2S") as (process, url):
        host, port = url.removeprefix("http://").split(":")
        with socket.create_connection((host, int(port))) as line:
            line.sendall(b"POST /v1/events HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-type: application/json\r\n")
            line.sendall(b"content-length: 1000\r\n\r\n[")
            assert httpx.get(f"{url}/healthz").status_code == 200
            began_s = time.monotonic()
            process.send_signal(signal.SIGTERM)
            assert process.wait(10) == 0
            assert time.monotonic() - began_s < 5
