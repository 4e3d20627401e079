"""Live: operators see decisions as they happen, and deciding does not notice."""

import json

import pytest
from service_desk import asked, consents
from stream_desk import Events, streaming


@pytest.fixture
def shop(tmp_path):
    with streaming(tmp_path / "shop.db", stream={"live_per_second": 20}) as opened:
        yield opened


def _shown(events):
    return json.loads(events.next("decisions")["data"])


def test_operator_sees_decisions_with_their_reasons(shop):
    with shop.client.stream("GET", "/v1/live") as answer:
        events = Events(answer)
        made = shop.client.post("/v1/decisions", json=asked()).json()
        told = _shown(events)
    (shown,) = told["decisions"]
    assert told["of"] == told["every"] == 1
    assert told["actions"] == {made["action"]: 1}
    assert {name: shown[name] for name in ("decision_id", "action", "candidate_id", "policy_version")} == {
        name: made[name] for name in ("decision_id", "action", "candidate_id", "policy_version")
    }
    assert shown["reason"] == made["reasons"][0]
    assert shown["user_id"] == "ann"


def test_refusals_are_shown_with_what_refused(shop):
    with shop.client.stream("GET", "/v1/live") as answer:
        events = Events(answer)
        shop.client.post("/v1/decisions", json=asked("nobody"))
        assert _shown(events)["decisions"][0]["reason"] == "consent_channel"


def test_many_decisions_are_sampled_and_all_are_counted(shop):
    consents(shop.client, "bob")
    with shop.client.stream("GET", "/v1/live") as answer:
        events = Events(answer)
        body = {"requests": [asked(f"user-{number}") for number in range(2_000)]}
        shop.client.post("/v1/decisions/batch", json=body).raise_for_status()
        told = _shown(events)
    assert told["of"] == 2_000
    assert told["every"] == 200
    assert 1 <= len(told["decisions"]) <= 10


def test_nobody_who_looks_costs_nothing(shop):
    looks = []
    shop.streams._live.look = lambda: looks.append(1)
    shop.client.post("/v1/decisions", json=asked()).raise_for_status()
    with shop.client.stream("GET", "/v1/feed", params={"ticket": shop.ticket()}) as answer:
        next(answer.iter_lines())
    assert looks == []


def test_what_was_decided_before_is_not_shown(shop):
    shop.client.post("/v1/decisions", json=asked()).raise_for_status()
    with shop.client.stream("GET", "/v1/live") as answer:
        events = Events(answer)
        made = shop.client.post("/v1/decisions", json=asked("bob")).json()
        assert [one["decision_id"] for one in _shown(events)["decisions"]] == [made["decision_id"]]


def test_viewer_who_does_not_read_holds_a_bounded_number_of_messages():
    from andante.service.stream_live import WAITING_MAX, Viewer  # noqa: PLC0415  of this test alone

    viewer = Viewer()
    for number in range(100):
        viewer.waiting.append(b"%d" % number)
    assert list(viewer.waiting) == [b"%d" % number for number in range(100 - WAITING_MAX, 100)]


def test_end_of_the_server_ends_live_streams(shop):
    with shop.client.stream("GET", "/v1/live") as answer:
        events = Events(answer)
        shop.client.post("/v1/decisions", json=asked()).raise_for_status()
        _shown(events)
        shop.loop.call_soon_threadsafe(shop.serving.drain)
        assert events.next("end")
