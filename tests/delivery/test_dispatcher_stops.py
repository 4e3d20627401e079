"""Promise 14, of deliveries: a stop lets what is under way end within its deadline, and what is left is done later.

And more than one dispatcher at work on one outbox, with real HTTP between.
"""

from __future__ import annotations

import asyncio
import time
from datetime import timedelta

from delivery_desk import LANE, HttpChannel, shop


async def stopped_while_slow(desk, pushes):
    """Run a dispatcher, stop it when so many pushes are at the peer, and return when it is done."""
    channel, stop = HttpChannel(desk.peer.url), asyncio.Event()
    running = asyncio.create_task(desk.dispatcher({LANE: channel}).run(stop))
    for _ in range(pushes):
        await asyncio.to_thread(desk.peer.slow.acquire)
    stop.set()
    return channel, running


def test_what_is_under_way_when_a_dispatcher_is_stopped_ends(tmp_path):
    with shop(tmp_path / "shop.db") as desk:

        async def work():
            channel, running = await stopped_while_slow(desk, 1)
            desk.peer.hold.set()
            await running
            await channel.close()

        decision = desk.ask("slow")
        asyncio.run(work())
        assert desk.state(decision) == "accepted"


def test_what_does_not_end_before_the_deadline_is_cut_off_and_ambiguous(tmp_path):
    with shop(tmp_path / "shop.db", drain=timedelta(0)) as desk:

        async def work():
            channel, running = await stopped_while_slow(desk, 2)
            begun = time.monotonic()
            await running
            await channel.close()
            return time.monotonic() - begun

        marketing, urgent = desk.ask("slow"), desk.ask("slow", n=1, item="hat", category="order_update")
        assert asyncio.run(work()) < 5
        assert (desk.state(marketing), desk.state(urgent)) == ("ambiguous", "open")
        desk.peer.hold.set()
        desk.clock.forward(timedelta(minutes=1))
        desk.deliver()
        assert desk.state(urgent) == "accepted"
        assert desk.peer.taken[marketing.decision_id, desk.outbox.addresses.of_user("ann")[0].address_id] == 1


def test_what_waited_when_a_dispatcher_was_stopped_is_resumed(tmp_path):
    with shop(tmp_path / "shop.db", workers=2) as desk:
        users = [f"user-{n}" for n in range(12)]

        async def work():
            channel, running = await stopped_while_slow(desk, 2)
            desk.peer.hold.set()
            await running
            await channel.close()

        for user in users:
            desk.user(user)
            desk.ask("slow", user)
        asyncio.run(work())
        done = sum(desk.peer.taken.values())
        assert 2 <= done < len(users), "the stop did not come in the middle"
        desk.deliver()
        assert sorted(desk.peer.taken.values()) == [1] * len(users)
        assert desk.outbox.counts()["accepted"] == len(users)


def test_two_dispatchers_on_one_outbox_send_everything_once(tmp_path):
    with shop(tmp_path / "shop.db", workers=3) as desk:

        async def work():
            channels = [HttpChannel(desk.peer.url) for _ in range(2)]
            await asyncio.gather(*(desk.dispatcher({LANE: channel}).until_idle() for channel in channels))
            for channel in channels:
                await channel.close()

        for n in range(60):
            desk.user(f"user-{n}")
            desk.ask("accept", f"user-{n}")
        asyncio.run(work())
        desk.deliver()  # what the other one held when one was idle
        assert sorted(desk.peer.requests.values()) == [1] * 60
        assert desk.outbox.counts()["accepted"] == 60


def test_a_dispatcher_hears_at_once_that_something_was_sent(tmp_path):
    with shop(tmp_path / "shop.db", poll=timedelta(minutes=1)) as desk:

        async def work():
            channel, stop = HttpChannel(desk.peer.url), asyncio.Event()
            dispatcher = desk.dispatcher({LANE: channel})
            running = asyncio.create_task(dispatcher.run(stop))
            desk.peer.hold.set()
            for n in range(3):
                await asyncio.to_thread(desk.ask, "slow", n=n, item=f"{n}")
                dispatcher.wake()
                assert await asyncio.to_thread(desk.peer.slow.acquire, timeout=20)
            stop.set()
            await running
            await channel.close()

        asyncio.run(work())
        assert sum(desk.peer.taken.values()) == 3
