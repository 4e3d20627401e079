"""Promises 2, 8 and 13 at the level of the service, and that callers who share a commit share nothing else."""

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import httpx
import psutil
from hypothesis import given, settings
from hypothesis import strategies as st
from service_desk import SENDING, Gate, asked, consents, problem, served

from andante import Engine

KEYS = st.sampled_from(["k1", "k2", "k3"])
WHO = st.sampled_from(["ann", "bob"])


@settings(max_examples=20, deadline=None, derandomize=True)
@given(calls=st.lists(st.tuples(KEYS, WHO, st.integers(1, 2)), min_size=2, max_size=12))
def test_the_same_key_and_body_get_the_first_answer_and_another_body_409(calls):
    with served() as shop:
        first = {}
        for key, user, number in calls:
            body = asked(user, f"c{number}")
            answer = shop.client.post("/v1/decisions", json=body, headers={"idempotency-key": key})
            known, told = first.setdefault(key, (body, answer.json()))
            if body == known:
                assert answer.json() == told
            else:
                problem(answer, 409)


def test_a_key_that_comes_twice_at_once_is_decided_once():
    with served(engine=Gate(Engine.open(":memory:", SENDING))) as shop, ThreadPoolExecutor(8) as pool:
        opener = pool.submit(shop.client.post, "/v1/decisions", json=asked("zoe"))
        assert shop.engine.entered.wait(30)
        twins = [
            pool.submit(shop.client.post, "/v1/decisions", json=asked(), headers={"idempotency-key": "k"})
            for _ in range(4)
        ]
        other = pool.submit(shop.client.post, "/v1/decisions", json=asked("bob"), headers={"idempotency-key": "k"})
        until(lambda: shop.serving.gathering.depths()["decisions"] == 6)
        shop.engine.opened.set()
        statuses = sorted({twin.result().status_code for twin in twins} | {other.result().status_code})
        assert opener.result().status_code == 200
        assert statuses == [200, 409]
        answers = [one.result().json() for one in (*twins, other) if one.result().status_code == 200]
        assert len({one["decision_id"] for one in answers}) == 1


def test_an_event_and_its_key_are_taken_once_and_another_body_is_409():
    with served() as shop:
        consents(shop.client)
        event, headers = {"user_id": "ann", "type": "view"}, {"idempotency-key": "e1"}
        assert shop.client.post("/v1/events", json=event, headers=headers).json()["accepted"] == 1
        assert shop.client.post("/v1/events", json=event, headers=headers).json()["duplicates"] == 1
        problem(shop.client.post("/v1/events", json={**event, "type": "cart"}, headers=headers), 409)
        many = shop.client.post("/v1/events", json=[event, event], headers={"idempotency-key": "e2"}).json()
        assert many["accepted"] == 2
        again = shop.client.post("/v1/events", json=[event, event], headers={"idempotency-key": "e2"}).json()
        assert again["duplicates"] == 2


def test_callers_who_gather_share_a_turn_and_one_bad_request_answers_only_its_own_caller():
    with served(engine=Gate(Engine.open(":memory:", SENDING))) as shop, ThreadPoolExecutor(32) as pool:
        first = pool.submit(shop.client.post, "/v1/decisions", json=asked("first"))
        assert shop.engine.entered.wait(30)
        twins = asked("bad")
        twins["candidates"] *= 2  # two candidates of one id: only the engine sees it
        bodies = [asked(f"u{number}") for number in range(20)]
        bodies[7] = twins
        calls = [pool.submit(shop.client.post, "/v1/decisions", json=body) for body in bodies]
        until(lambda: shop.serving.gathering.depths()["decisions"] == 21)
        shop.engine.opened.set()
        answers = [call.result() for call in calls]
        assert shop.engine.sizes[:2] == [1, 20], "what gathered while the first was decided is one call"
        assert first.result().status_code == 200
        assert problem(answers.pop(7), 422)["field"] == "candidates[1].candidate_id"
        assert {answer.status_code for answer in answers} == {200}


def test_each_caller_hears_of_its_own_duplicates():
    with served() as shop, ThreadPoolExecutor(16) as pool:
        consents(shop.client)
        events = [{"user_id": "ann", "type": "view", "event_id": f"e{number}"} for number in range(16)]
        shop.client.post("/v1/events", json=events[::2])
        told = list(pool.map(lambda event: shop.client.post("/v1/events", json=event).json(), events))
        assert [one["duplicates"] for one in told] == [1, 0] * 8


def test_overload_is_answered_503_and_what_was_accepted_is_done():
    engine = Gate(Engine.open(":memory:", SENDING))
    with served(engine=engine, waiting_max=64) as shop, ThreadPoolExecutor(100) as pool:
        limits = httpx.Limits(max_connections=200)
        with httpx.Client(base_url=shop.url, timeout=60, limits=limits) as client:
            calls = [pool.submit(client.post, "/v1/decisions", json=asked(f"u{number}")) for number in range(100)]
            until(lambda: sum(call.done() for call in calls) == 36)
            for call in calls:
                if call.done():
                    problem(call.result(), 503)
                    assert int(call.result().headers["retry-after"]) >= 1
            engine.opened.set()
            statuses = [call.result().status_code for call in calls]
        assert (statuses.count(200), statuses.count(503)) == (64, 36)


def test_overload_of_large_bodies_keeps_memory_bounded():
    engine = Gate(Engine.open(":memory:", SENDING))
    body = b'{"requests":[' + b",".join([b'{"user_id":"a","candidates":[]}'] * 10_000) + b"]}" + b" " * 700_000
    lines = b'{"user_id":"ann","type":"view"}\n' * 20_000
    with served(engine=engine, bodies_max_mib=4, batch_max_kib=2048, batch_max=100_000) as shop:
        before = psutil.Process().memory_info().rss
        answers = []

        def flood():
            for content, kind in ((body, "application/json"), (lines, "application/x-ndjson")):
                path = "/v1/decisions/batch" if content is body else "/v1/events"
                with httpx.Client(base_url=shop.url, timeout=60) as client:
                    answers.append(client.post(path, content=content, headers={"content-type": kind}).status_code)

        threads = [threading.Thread(target=flood) for _ in range(24)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert set(answers) <= {200, 422, 503}
        assert psutil.Process().memory_info().rss - before < 400 * 2**20
        assert shop.serving.bodies.held == 0
        engine.opened.set()


def test_one_key_that_calls_too_often_is_told_when_to_come_back():
    with served(calls_per_minute=5) as shop:
        answers = [shop.client.post("/v1/decisions", json=asked()) for _ in range(8)]
        assert [answer.status_code for answer in answers] == [200] * 5 + [429] * 3
        problem(answers[-1], 429)
        assert 1 <= int(answers[-1].headers["retry-after"]) <= 60
        assert shop.client.get("/healthz").status_code == 200, "whoever watches is not counted"


def test_nothing_is_sent_after_an_opt_out_was_acknowledged():
    with served() as shop, ThreadPoolExecutor(8) as pool:
        consents(shop.client)
        left = threading.Event()

        def decide(number):
            after = left.is_set()
            body = asked(candidate_id=f"c{number}", category="receipt")
            return after, shop.client.post("/v1/decisions", json=body).json()["action"]

        calls = [pool.submit(decide, number) for number in range(60)]
        consents(shop.client, consent={"push": False})
        left.set()
        calls += [pool.submit(decide, number) for number in range(60, 120)]
        after = [action for late, action in (call.result() for call in calls) if late]
        assert after
        assert set(after) == {"suppress"}


def test_a_push_that_waits_is_not_sent_after_an_opt_out():
    with served(config=SENDING | {"quiet_hours": {"start": "22:00", "end": "08:00"}}) as shop:
        night = (datetime.now(UTC) + timedelta(days=2)).replace(hour=23)  # the release loop looks at the wall
        consents(shop.client)
        held = shop.client.post("/v1/decisions", json=asked(at=night.isoformat())).json()
        assert (held["action"], held["reasons"][0]) == ("defer", "quiet_hours")
        consents(shop.client, consent={"push": False}, at=night.isoformat())
        released = shop.engine.release(night + timedelta(days=1))
        assert [(one.decision.action, one.decision.reasons[0]) for one in released] == [("suppress", "consent_channel")]


def test_a_repetition_and_a_new_request_in_one_batch_are_each_what_they_are():
    with served() as shop:
        first = shop.client.post("/v1/decisions", json=asked(idempotency_key="k1")).json()
        both = {"requests": [asked(idempotency_key="k1"), asked(idempotency_key="k2")]}
        decisions = shop.client.post("/v1/decisions/batch", json=both).json()["decisions"]
        assert decisions[0] == first
        assert decisions[1]["decision_id"] != first["decision_id"]


def test_a_known_key_with_two_bodies_in_one_batch_is_a_conflict_in_either_order():
    with served() as shop:
        shop.client.post("/v1/decisions", json=asked(idempotency_key="k"))
        pair = [asked(idempotency_key="k"), asked("bob", idempotency_key="k")]
        for requests in (pair, pair[::-1]):
            problem(shop.client.post("/v1/decisions/batch", json={"requests": requests}), 409)


def until(holds, seconds=30):
    """Wait for a condition."""
    waiting = threading.Event()
    for _ in range(seconds * 200):
        if holds():
            return
        waiting.wait(0.005)
    raise AssertionError("it never came to hold")
