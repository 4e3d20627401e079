"""What runs beside calls: releases, readiness, news; and the collector by itself."""

import asyncio
import threading
from datetime import UTC, datetime, timedelta

import pytest
from service_desk import SENDING, asked, consents, problem, served

from andante import Engine
from andante.service.collector import TOGETHER_MAX, Collector
from andante.service.health import PASSING_S, Health
from andante.service.problem import Problem
from andante.vocabulary.fault import StoreFault, StoreFull


def test_what_was_deferred_and_is_due_is_released_and_whoever_listens_hears_of_it():
    with served(config=SENDING | {"quiet_hours": {"start": "22:00", "end": "08:00"}}) as shop:
        heard, hears = [], threading.Event()
        shop.serving.on_released.append(lambda released: (heard.extend(released), hears.set()))
        night = (datetime.now(UTC) - timedelta(days=3)).replace(hour=23, minute=0)
        consents(shop.client, at=(night - timedelta(days=1)).isoformat())
        held = shop.client.post("/v1/decisions", json=asked(at=night.isoformat())).json()
        assert held["action"] == "defer"
        assert hears.wait(30)
        assert heard[0].origins == (held["decision_id"],)
        assert "andante_released_total" in shop.client.get("/metrics").text


def test_whoever_listens_hears_that_the_log_has_grown():
    with served() as shop:
        news = threading.Semaphore(0)
        shop.serving.on_news.append(news.release)
        consents(shop.client)
        assert news.acquire(timeout=30)
        shop.client.post("/v1/decisions", json=asked())
        assert news.acquire(timeout=30)


class Full:
    """An engine whose disk is full."""

    def __init__(self, engine):
        self._engine, self.fault = engine, StoreFull("database", "/srv/shop.db", "has no room left", "free space")

    def __getattr__(self, name):
        return getattr(self._engine, name)

    def decide(self, requests):
        if self.fault is not None:
            raise self.fault
        return self._engine.decide(requests)


def test_a_full_disk_is_503_without_its_path_and_the_server_is_not_ready_until_a_commit_works():
    with served(engine=Full(Engine.open(":memory:", SENDING))) as shop:
        told = problem(shop.client.post("/v1/decisions", json=asked()), 503)
        assert "/srv" not in str(told)
        ready = shop.client.get("/readyz")
        assert (ready.status_code, ready.json()["ready"]) == (503, False)
        shop.engine.fault = None
        assert shop.client.post("/v1/decisions", json=asked()).status_code == 200
        assert shop.client.get("/readyz").status_code == 200


def test_a_fault_of_our_own_is_500_and_says_nothing_of_it():
    engine = Full(Engine.open(":memory:", SENDING))
    engine.fault = RuntimeError("secret detail of /srv/shop.db")
    with served(engine=engine) as shop:
        told = problem(shop.client.post("/v1/decisions", json=asked()), 500)
        assert "secret" not in str(told)


def test_a_full_store_is_believed_to_be_usable_again_after_a_while_and_a_broken_one_is_not():
    now_s = [0.0]
    health = Health(lambda: now_s[0])
    for fault, later in ((StoreFull("d", None, "p", "a"), None), (StoreFault("d", None, "p", "a"), health)):
        health.saw(fault)
        assert health.problem()
        now_s[0] += PASSING_S + 1
        assert bool(health.problem()) is (later is not None)


def collecting(work, scenario, waiting_max=100):
    """Run a scenario with a collector."""

    async def run():
        collector = Collector("test", work, waiting_max=waiting_max)
        collector.start()
        try:
            return await scenario(collector)
        finally:
            await collector.stop()

    return asyncio.run(run())


def test_calls_of_one_breath_are_one_batch_in_order():
    batches = []

    def work(calls):
        batches.append(list(calls))
        return [call * 2 for call in calls]

    async def scenario(collector):
        return await asyncio.gather(*(collector.ask(number) for number in range(10)))

    assert collecting(work, scenario) == [number * 2 for number in range(10)]
    assert batches == [list(range(10))]


def test_an_exception_that_is_an_answer_is_raised_to_its_own_caller_alone():
    async def scenario(collector):
        return await asyncio.gather(*(collector.ask(number) for number in range(3)), return_exceptions=True)

    answers = collecting(lambda calls: [ValueError() if call == 1 else call for call in calls], scenario)
    assert (answers[0], type(answers[1]), answers[2]) == (0, ValueError, 2)


@pytest.mark.parametrize("error", [ValueError, StopIteration, SystemExit])
def test_work_that_fails_fails_all_who_shared_it_and_the_next_go_on(error):
    fail = [True]

    def work(calls):
        if fail.pop() if fail else False:
            raise error
        return calls

    async def scenario(collector):
        failed = await asyncio.gather(*(collector.ask(n) for n in range(2)), return_exceptions=True)
        return failed, await collector.ask(7)

    failed, after = collecting(work, scenario)
    assert all(isinstance(one, BaseException) for one in failed)
    assert after == 7


def test_a_batch_has_a_bound_unless_one_call_alone_is_larger():
    sizes = []

    def work(calls):
        sizes.append(sum(calls))
        return calls

    async def scenario(collector):
        weights = [TOGETHER_MAX - 1, 2, TOGETHER_MAX * 2, 1]
        await asyncio.gather(*(collector.ask(weight, weight) for weight in weights))

    collecting(work, scenario, waiting_max=10**6)
    assert sizes == [TOGETHER_MAX - 1, 2, TOGETHER_MAX * 2, 1]


def test_beyond_the_bound_a_caller_is_told_to_come_back():
    gate = threading.Event()

    async def scenario(collector):
        first = [collector.ask(number) for number in range(100)]
        with pytest.raises(Problem) as refused:
            collector.ask(100)
        gate.set()
        await asyncio.gather(*first)
        return refused.value.status, await collector.ask(101)

    assert collecting(lambda calls: (gate.wait(30), calls)[1], scenario) == (503, 101)
