"""In a demonstration hours are seconds: leases hold by the machine's clock all the same, and providers rest by it."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest
from delivery_desk import CONFIG, LANE, FastClock, HttpChannel, shop

from andante.channels.contract import Answer, Status
from andante.delivery.retrying import Attempt, follow
from andante.live import SteadyClock
from andante.settings.sections.delivery import DeliverySettings

SPEED = 3600.0
AWAKE = {name: section for name, section in CONFIG.items() if name != "quiet_hours"}
LONG = {"marketing_within": timedelta(days=7), "transactional_within": timedelta(days=7)}
LEASE_US = 60_000_000
THINKING_US = 3 * LEASE_US
"""How long the provider thinks, in event time: 50 ms of the machine's."""


def asks(desk, word, n):
    return desk.ask(word, n=n, item=f"{word}-{n}", category="order_update")


def arrived(peer, many):
    with peer.lock:
        assert peer.lock.wait_for(lambda: peer.requests.total() >= many, 30)


def test_a_provider_that_thinks_longer_than_a_lease_of_event_time_gets_its_push_once(tmp_path):
    clock = FastClock(SPEED)
    with shop(tmp_path / "shop.db", AWAKE, clock=clock, machine=SteadyClock(), **LONG) as desk:

        async def work():
            channel, stop = HttpChannel(desk.peer.url), asyncio.Event()
            dispatcher = desk.dispatcher({LANE: channel})
            running = asyncio.create_task(dispatcher.run(stop))
            slow = await asyncio.to_thread(asks, desk, "slow", 0)
            dispatcher.wake()
            assert await asyncio.to_thread(desk.peer.slow.acquire, timeout=30)
            since_us, others = clock.now_us, 0
            while clock.now_us < since_us + THINKING_US or others < 2:  # each of them is a round of the clerk
                await asyncio.to_thread(asks, desk, "accept", others)
                others += 1
                dispatcher.wake()
                await asyncio.to_thread(arrived, desk.peer, 1 + others)
            desk.peer.hold.set()
            stop.set()
            await running
            await channel.close()
            return slow

        slow = asyncio.run(work())
        assert set(desk.peer.requests.values()) == {1}
        assert desk.state(slow) == "accepted"


@pytest.mark.parametrize(("speed", "wait_s"), [(1.0, 2.0), (SPEED, 2.0 * SPEED), (0.0, 2.0), (0.5, 2.0)])
def test_a_provider_that_is_busy_rests_by_the_clock_of_the_machine(speed, wait_s):
    attempt = Attempt(delivery=1, tries=1, transactional=True, until_us=10**12)
    rules = DeliverySettings(jitter=0.0)
    assert follow(attempt, Answer(status=Status.BUSY), 0, rules, speed).next_us == wait_s * 1_000_000


def test_who_has_no_time_left_after_a_rest_is_given_up():
    attempt = Attempt(delivery=1, tries=1, transactional=False, until_us=3_600_000_000)
    assert follow(attempt, Answer(status=Status.BUSY), 0, DeliverySettings(), SPEED).letter == "exhausted"
