"""A process to be killed: it decides and delivers at once, and writes down, durably, which sends it acknowledged.

It is started once and forks a child for every life. Each line on its standard input is one life as JSON, the arguments
of ``live``; it answers with the pid of the child, and after its end with its wait status.
"""

from __future__ import annotations

import asyncio
import json
import os
import random
import signal
import sqlite3
import sys
import traceback
from datetime import UTC, datetime, timedelta

from delivery_desk import CONFIG, LANE, NOON, HandClock, HttpChannel, PlainRenderer

from andante.delivery import Dispatcher, Outbox
from andante.delivery.rendering import Writer
from andante.live.engine import Engine
from andante.settings.sections.delivery import DeliverySettings

USERS = [f"user-{n}" for n in range(20)]
WORDS = ("accept", "accept", "accept", "cut", "busy-once", "cut-once")
WEEK = timedelta(days=7)
RULES = DeliverySettings(marketing_within=WEEK, transactional_within=WEEK, workers=4, tries=3, jitter=0.0)
AWAKE = CONFIG | {"duplicates": {"window": "PT0S"}, "quiet_hours": {"start": "03:00", "end": "03:01"}}


def main() -> None:
    """Serve lives until the input ends."""
    with Engine.open(":memory:", AWAKE) as engine:  # load what is compiled, once for all children
        engine.set_preferences("ann", {"consent": {"push": True}, "at": NOON})
        candidate = {"candidate_id": "c", "category": "promotion", "channel": "push"}
        engine.decide([{"user_id": "ann", "candidates": [candidate], "at": NOON}])
        engine.recheck(engine.sends().sends, NOON)
    for line in sys.stdin:
        child = os.fork()
        if child == 0:
            try:
                asyncio.run(live(**json.loads(line)))
            except BaseException:  # noqa: BLE001  whatever it is, it is said, and the life was no good
                traceback.print_exc()
                os._exit(3)
            os._exit(0)
        say(child)
        say(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))


def say(number: int) -> None:
    sys.stdout.write(f"{number}\n")
    sys.stdout.flush()


async def live(  # noqa: PLR0913  a life is all of these
    *, path: str, url: str, notes: str, life: int, statements: int = 0, last: bool = False
) -> None:
    """Decide and deliver until killed; the last life only delivers, until nothing is due any more."""
    if statements:
        die_at(statements)
    clock = HandClock(NOON + timedelta(hours=life))  # every lease of an earlier life has ended
    outbox = Outbox.open(f"{path}.delivery")
    channel = HttpChannel(url)
    with Engine.open(path, AWAKE, clock=clock.steady) as engine:
        writer = Writer(outbox.messages, PlainRenderer())
        dispatcher = Dispatcher(engine, outbox, {LANE: channel}, writer=writer, rules=RULES, clock=clock.steady)
        outbox.follow(engine.log_name, engine.position)
        if last:
            for _ in range(2 * RULES.tries):
                await dispatcher.until_idle()
                clock.forward(timedelta(hours=1))
            await channel.close()
            outbox.close()
            return
        prepare(engine, outbox, clock)
        stop = asyncio.Event()
        delivering = asyncio.create_task(dispatcher.run(stop))
        draw = random.Random(life)
        with open(notes, "a", encoding="utf-8") as book:  # noqa: PTH123, ASYNC230  a moment
            for turn in range(10_000):
                decisions = await asyncio.to_thread(decide, engine, draw, f"{life}-{turn}", clock)
                book.writelines(f"{decision_id}\n" for decision_id in decisions)
                book.flush()
                os.fsync(book.fileno())
                dispatcher.wake()
                clock.forward(timedelta(seconds=3))  # retries come due
        await delivering


def prepare(engine: Engine, outbox: Outbox, clock: HandClock) -> None:
    for word in WORDS:
        outbox.messages.put("campaign", word, {"title": word}, clock.now_us)
    for user in USERS:
        engine.set_preferences(user, {"consent": {"push": True}, "at": NOON - timedelta(days=30)})
        outbox.addresses.add(user, *LANE, {"token": user}, clock.now_us)


def decide(engine: Engine, draw: random.Random, name: str, clock: HandClock) -> list[str]:
    at = datetime.fromtimestamp(clock.now_us // 1_000_000, UTC)
    requests = []
    for user in draw.sample(USERS, 3):
        category = draw.choice(["promotion", "promotion", "order_update"])
        offer = {"candidate_id": f"{name}-{user}", "campaign_id": draw.choice(WORDS), "category": category}
        requests.append({"user_id": user, "candidates": [offer | {"channel": "push"}], "at": at})
    return [decision.decision_id for decision in engine.decide(requests) if decision.action == "send"]


def die_at(statements: int) -> None:
    """Have every connection that is opened from now on count its statements, and the process die at one of them."""
    left = [statements]
    connect = sqlite3.connect

    def count(_statement: str) -> None:
        left[0] -= 1
        if left[0] == 0:
            os.kill(os.getpid(), signal.SIGKILL)

    def counting(*args, **kwargs):
        connection = connect(*args, **kwargs)
        connection.set_trace_callback(count)
        return connection

    sqlite3.connect = counting


if __name__ == "__main__":
    main()
