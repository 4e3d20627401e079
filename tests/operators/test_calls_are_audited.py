"""What operators do over HTTP is in the audit, with who and when, refused or done."""

from __future__ import annotations

import hashlib
import threading
from contextlib import contextmanager

import httpx
from books_desk import NOON, OPEN, books, engine_of

from andante.delivery import Outbox, Receipts
from andante.service.delivering import port
from andante.service.persons import Persons
from andante.service.running import Running
from andante.service.serving import Serving
from andante.service.tokens import Tokens
from andante.settings.sections.service import SCOPES, Service

KEY = "andante_of-the-tests-alone"
CANARY = "canary-3c41d0"


@contextmanager
def served(folder, *, audited=True):
    """A real server over an engine, an outbox and books, asked with the key of the operator bea."""
    with engine_of([CANARY, "ann"], folder / "shop.db", OPEN) as engine, books(folder, engine) as opened:
        outbox = Outbox.open(folder / "shop.db.delivery")
        key = {"name": "bea", "sha256": hashlib.sha256(KEY.encode()).hexdigest(), "scopes": list(SCOPES)}
        settings = Service(port=0, keys=[key])
        serving = Serving(
            engine,
            settings,
            Tokens("a secret of the tests alone", settings.outcome_token_life, None),
            delivery=port(outbox, Receipts(outbox, engine), {}, engine.now_us),
            privacy=Persons(engine, outbox.database, forgetting=[opened.forget]),
            audit=opened.audit if audited else None,
        )
        running = Running(serving, "0")
        thread = threading.Thread(target=running.run)
        thread.start()
        try:
            with httpx.Client(base_url=running.url, headers={"authorization": f"Bearer {KEY}"}) as client:
                yield client, opened
        finally:
            running.end()
            thread.join(60)
            outbox.close()


def do_all(client):
    """Make every call of an operator, and one that is refused of each; return the statuses."""
    calls = [
        ("POST", "/v1/plan", {"plan": [{"user_id": "ann", "plan_per_week": 2.0}], "theta": 0.5}),
        ("POST", "/v1/switch", {"scope": "channel:push", "on": True}),
        ("POST", "/v1/switch", {"scope": "channel:puhs", "on": True}),
        ("PUT", "/v1/messages/spring", {"kind": "campaign", "message": {"title": "Spring"}}),
        ("PUT", "/v1/messages/spring", {"kind": "campaign", "message": {}}),
        ("POST", "/v1/dead-letters/7/retry", None),
        ("DELETE", f"/v1/users/{CANARY}", None),
        ("DELETE", f"/v1/users/{CANARY}", None),
    ]
    return [client.request(method, path, json=body).status_code for method, path, body in calls]


def test_every_call_of_an_operator_is_taken_down_refused_ones_too(tmp_path):
    with served(tmp_path) as (client, opened):
        statuses = do_all(client)
        assert statuses == [200, 200, 422, 200, 422, 422, 200, 404]
        entries = opened.audit.entries()[::-1]
        assert [one.refused is None for one in entries] == [status == 200 for status in statuses]
        assert [one.action for one in entries] == [
            "plan.publish",
            "switch",
            "switch",
            "message.put",
            "message.put",
            "letter.retry",
            "user.erase",
            "user.erase",
        ]
        assert {(one.who, one.at, one.detail["by"]) for one in entries} == {("bea", NOON, "api")}
        assert [one.subject for one in entries[:3]] == ["plan", "channel:push", "channel:puhs"]
        assert entries[0].detail == {"by": "api", "users": 1, "theta": 0.5, "accepted": 1}
        assert entries[3].detail["version"] == 1
        assert entries[6].subject == entries[7].subject == opened.audit.person(CANARY)
        assert entries[6].detail["receipt_id"].endswith("-erasure")
        assert opened.audit.verify() is None
    told = {path.name for path in tmp_path.iterdir() if path.is_file() and CANARY.encode() in path.read_bytes()}
    assert told == set(), "an erased user's id is somewhere, in the reason of a refusal perhaps"


def test_calls_that_only_read_are_not_taken_down(tmp_path):
    with served(tmp_path) as (client, opened):
        for path in ("/v1/dead-letters", "/metrics", "/v1/users/ann", "/healthz"):
            assert client.get(path).status_code == 200
        assert opened.audit.entries() == []


def test_without_an_audit_the_calls_do_the_same(tmp_path):
    with served(tmp_path, audited=False) as (client, opened):
        assert do_all(client) == [200, 200, 422, 200, 422, 422, 200, 404]
        assert opened.audit.entries() == []


def test_a_switch_is_thrown_though_the_audit_cannot_be_written_and_the_caller_is_told(tmp_path):
    with served(tmp_path) as (client, opened):
        opened.close()
        answer = client.post("/v1/switch", json={"scope": "global", "on": True})
        assert answer.status_code >= 500
        asked = {"candidate_id": "c", "category": "promotion", "channel": "push"}
        decided = client.post("/v1/decisions", json={"user_id": "ann", "candidates": [asked]})
        assert decided.json()["reasons"][0] == "kill_switch"
