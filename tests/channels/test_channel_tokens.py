"""Tokens are fetched once for all who wait, used until shortly before their end, and never told."""

import asyncio

import pytest
from provider_desk import Clock

from andante.channels.contract import Answer, Status
from andante.channels.http import NoReply
from andante.channels.tokens import Token, Tokens


class Source:
    """Gives tokens by number, when it is let."""

    def __init__(self, clock, fails=0):
        self.clock, self.fails, self.asked = clock, fails, 0
        self.let, self.begun = asyncio.Event(), asyncio.Event()
        self.let.set()

    async def __call__(self):
        self.asked += 1
        self.begun.set()
        number = self.asked
        await self.let.wait()
        if number <= self.fails:
            raise NoReply(Answer(status=Status.BUSY, code="token 503"))
        return Token(f"t{number}", self.clock.now_s + 1_000)


def tokens(source):
    return Tokens(source, early_s=100, now_s=source.clock)


def test_all_who_wait_get_the_same_token_even_where_one_of_them_gives_up():
    async def run():
        source = Source(Clock())
        source.let.clear()
        one = tokens(source)
        waiting = [asyncio.create_task(one.value()) for _ in range(5)]
        await source.begun.wait()
        waiting[0].cancel()
        source.let.set()
        return source.asked, await asyncio.gather(*waiting[1:])

    assert asyncio.run(run()) == (1, ["t1"] * 4)


def test_a_token_serves_until_shortly_before_its_end():
    async def run():
        source = Source(Clock())
        one, got = tokens(source), []
        for seconds in (0, 899, 1, 899, 1):
            source.clock.now_s += seconds
            got.append(await one.value())
        return got

    assert asyncio.run(run()) == ["t1", "t1", "t2", "t2", "t3"]


def test_of_many_whose_token_was_refused_one_fetches_another():
    async def run():
        source = Source(Clock())
        one = tokens(source)
        first = await one.value()
        others = await asyncio.gather(*(one.after(first) for _ in range(5)))
        return source.asked, others, await one.after(first)

    assert asyncio.run(run()) == (2, ["t2"] * 5, "t2")


def test_a_failure_is_told_to_all_who_wait_and_is_not_kept():
    async def run():
        source = Source(Clock(), fails=1)
        one = tokens(source)
        failed = await asyncio.gather(*(one.value() for _ in range(3)), return_exceptions=True)
        return [type(failure) for failure in failed], await one.value()

    assert asyncio.run(run()) == ([NoReply] * 3, "t2")


def test_closing_ends_a_fetch_that_is_under_way():
    async def run():
        source = Source(Clock())
        source.let.clear()
        one = tokens(source)
        waiting = asyncio.create_task(one.value())
        await source.begun.wait()
        await one.close()
        with pytest.raises(asyncio.CancelledError):
            await waiting

    asyncio.run(run())
