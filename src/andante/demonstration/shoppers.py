"""The shoppers: a process of their own, which lives a town's hours as the server's clock passes them.

``python -m andante.demonstration.shoppers`` is started by the server. It reads two lines of JSON from its standard
input, a :class:`Life` when it starts and an :class:`Address` when the server listens, and ends when that input does:
with the server, however the server ended.
"""

from __future__ import annotations

import logging
import os
import sys
import threading
import time
from contextlib import suppress
from heapq import heappop, heappush
from itertools import count
from random import Random
from typing import TYPE_CHECKING

import msgspec
import numpy as np
from msgspec import Struct

from andante.client.faults import ServiceFault
from andante.demonstration import names, scenario
from andante.demonstration.door import Door
from andante.demonstration.planning import Planner, Terms
from andante.demonstration.town import Town, compiled, start_s
from andante.live.instants import MICROSECONDS
from andante.runners.simulating.shop import zone_names
from andante.service import journal
from andante.vocabulary.fault import Fault
from andante.worlds.contract import DAY_S

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from andante.demonstration.door import News
    from andante.demonstration.names import Told
    from andante.demonstration.scenario import Wish
    from andante.demonstration.town import Reached
    from andante.worlds.contract import Tick

LOOK_S = 0.2
"""How often the clock is looked at, in seconds of the wall."""

NICENESS = 5
"""The server goes first where the machine is busy."""

REMEMBERED = 50_000
"""How many pushes are remembered, for what may still come of them."""


class Life(Struct, frozen=True):
    """Who is to live, and from when on."""

    start_us: int
    number: int
    shoppers: int = scenario.SHOPPERS
    seed: int = scenario.SEED
    known: tuple[str, ...] = ()  # the shop knows them already
    gone: tuple[str, ...] = ()  # and these want no pushes


class Address(Struct, frozen=True):
    """Where the service is."""

    url: str
    key: str | None = None


class Shoppers:
    """Everybody in a town, and the shop that they come to, with its slow clock: a plan at first, and one each day."""

    def __init__(self, life: Life) -> None:
        """Let the town's time pass up to where the life begins; nobody is pushed meanwhile."""
        self._life, self._start_s = life, life.start_us // MICROSECONDS
        self._shift_s = (self._start_s // DAY_S - scenario.HISTORY_DAYS) * DAY_S - start_s()
        self._town = Town(life.shoppers, life.seed)
        self._planner, self._terms = Planner(life.shoppers, start_s()), Terms()
        self._town.left(row for row in map(names.row_of, life.gone) if row is not None)
        self._draw = Random(f"{life.seed}/{life.number}")  # noqa: S311  what shoppers wish is no secret
        self._everybody = scenario.everybody(life.shoppers)
        self._events = 0
        self._decisions: dict[int, str] = {}  # by candidate
        self._reached: list[tuple[Reached, str, str]] = []  # not yet on their phones: push, shopper, decision
        self._wishes: list[tuple[int, int, Wish]] = []  # a heap, by time and order
        self._wished = count()
        self._ticks = self._town.ticks()
        self._history: list[Told] = []
        self._first = self._past()

    def live(self, door: Door) -> None:
        """Live until the town's time is over."""
        self._greet(door)
        self._terms = door.news(self._start_s * MICROSECONDS).terms
        self._plan(door, self._start_s - self._shift_s)
        self._hour(door, self._first)
        for tick in self._ticks:
            self._hour(door, tick)

    def _past(self) -> Tick:
        """Return the hour in which the life begins; remember what was done before."""
        for tick in self._ticks:
            if tick.until_s + self._shift_s > self._start_s:
                return tick
            self._history += self._told(tick.events)
        raise AssertionError  # a town lives longer than its past

    def _greet(self, door: Door) -> None:
        """Tell the shop of who it does not know: what they want, and what they did."""
        known = set(self._life.known)
        crowd, zones = self._town.crowd, zone_names(self._town.crowd)
        new = [(row, user_id) for row, user_id in enumerate(self._everybody) if user_id not in known]
        for row, user_id in new:
            agrees = self._draw.random() >= scenario.SILENT_SHARE
            wishes = {"time_zone": zones[int(crowd.offset_s[row])], "member": bool(crowd.member[row])}
            wishes["at"] = names.at(self._start_s)
            door.meet(user_id, wishes | ({"consent": {names.CHANNEL: True}} if agrees else {}))
        of_new = {user_id for _, user_id in new}
        door.happened([told for told in self._history if told["user_id"] in of_new])
        self._history = []

    def _hour(self, door: Door, tick: Tick) -> None:
        """Tell what happens in an hour as the clock passes it; then let its pushes reach their phones."""
        told_s = max(tick.from_s, self._start_s - self._shift_s)
        if (tick.from_s + self._shift_s) % DAY_S == 0:
            for wish in scenario.thoughts(self._everybody, tick.from_s + self._shift_s, self._draw):
                self._wish(wish)
            self._plan(door, tick.from_s)
        while told_s < tick.until_s:
            news = door.news((told_s + self._shift_s) * MICROSECONDS)
            self._hear(news)
            until_s = min(tick.until_s, news.now_us // MICROSECONDS - self._shift_s)
            if until_s > told_s:
                self._tell(door, tick, told_s, until_s)
                told_s = until_s
            if told_s < tick.until_s:
                time.sleep(LOOK_S)
        self._reach()
        for row in self._town.back():
            door.meet(self._everybody[row], {"consent": {names.CHANNEL: True}})

    def _hear(self, news: News) -> None:
        """Take in what went out. Who is not of this town is somebody else's to play."""
        self._terms = news.terms
        for push in news.pushes:
            row = names.row_of(push.user_id)
            if row is None or row >= self._life.shoppers:
                continue
            number = names.number_of(push.candidate_id, self._life.number)
            at_s = push.sent_at_s - self._shift_s
            reached = scenario.reached(row, at_s, push.category, push.campaign_id)
            self._reached.append((reached._replace(number=number), push.user_id, push.decision_id))

    def _tell(self, door: Door, tick: Tick, from_s: int, until_s: int) -> None:
        """Tell a part of an hour, in the order of a shop: what it asks may not know what has just been done."""
        shift_s = self._shift_s
        begins, ends = from_s + shift_s, until_s + shift_s
        asked = [self._request(tick, one) for one in _within(tick.requests, tick.requests["at_s"], from_s, until_s)]
        first_s = self._start_s
        door.ask(asked + scenario.campaigns_at(first_s, self._life.number, begins, ends, self._everybody))
        door.happened(self._told(_within(tick.events, tick.events["at_s"], from_s, until_s)))
        known_s = np.maximum(tick.outcomes["at_s"], tick.from_s)  # some came earlier, and are heard of now
        heard = [
            names.outcome(one, self._decisions[int(one["candidate"])], shift_s)
            for one in _within(tick.outcomes, known_s, from_s, until_s)
            if int(one["candidate"]) in self._decisions
        ]
        door.came(heard)
        while self._wishes and self._wishes[0][0] < ends:
            self._say(door, heappop(self._wishes)[-1])

    def _reach(self) -> None:
        """Let what went out reach its phones, and hear what they think of it."""
        pushes, self._reached = self._reached, []
        numbers = self._town.reach([push for push, _, _ in pushes])
        for number, (push, user_id, decision_id) in zip(numbers.tolist(), pushes, strict=True):
            if number < 0:
                continue
            self._decisions[number] = decision_id
            seen = push._replace(at_s=push.at_s + self._shift_s)
            for wish in scenario.reactions(seen, user_id, decision_id, self._draw):
                self._wish(wish)
        while len(self._decisions) > REMEMBERED:
            self._decisions.pop(next(iter(self._decisions)))

    def _plan(self, door: Door, at_s: int) -> None:
        """Plan for everybody by what is known of them, under the settings of now."""
        try:
            door.publish(self._everybody, self._planner.plan(at_s, self._terms))
        except Fault as fault:  # settings that no plan can meet, or nobody who did anything: the old plan holds
            journal.note(str(fault), level=logging.WARNING, doing="plan")

    def _wish(self, wish: Wish) -> None:
        heappush(self._wishes, (wish.at_s, next(self._wished), wish))

    def _say(self, door: Door, wish: Wish) -> None:
        if wish.kind == "preferences":
            door.meet(wish.user_id, {**wish.told, "at": names.at(wish.at_s)})
        elif wish.kind == "words":
            with suppress(ServiceFault):  # this server has nobody who reads complaints
                door.complain(wish.told)
        else:
            door.came([wish.told])

    def _request(self, tick: Tick, request: np.void) -> Told:
        first, many = tick.number_first + int(request["first"]), int(request["count"])
        candidates = [
            names.candidate(tick.candidates[number - tick.number_first], number, self._life.number, self._shift_s)
            for number in range(first, first + many)
        ]
        user_id, at = names.shopper_id(int(request["user"])), names.at(int(request["at_s"]) + self._shift_s)
        return {"user_id": user_id, "candidates": candidates, "at": at}

    def _told(self, events: NDArray[np.void]) -> list[Told]:
        self._planner.saw(events)
        first = self._events + 1
        self._events += len(events)
        life = self._life.number
        return [names.event(one, f"did-{life}-{number}", self._shift_s) for number, one in enumerate(events, first)]


def main() -> None:
    """Live, as long as the server does."""
    journal.begin()
    with suppress(OSError):
        os.nice(NICENESS)
    life = msgspec.json.decode(sys.stdin.buffer.readline(), type=Life)
    compiled()
    shoppers = Shoppers(life)
    said = sys.stdin.buffer.readline()
    if not said:
        return
    threading.Thread(target=_end_with_the_server, daemon=True).start()
    address = msgspec.json.decode(said, type=Address)
    try:
        with Door(address.url, address.key) as door:
            shoppers.live(door)
    except Fault as fault:
        journal.note(str(fault), level=logging.WARNING, doing="shoppers")
        sys.exit(1)


def _end_with_the_server() -> None:
    """Wait for the end of the input, whose other end the server alone holds."""
    while os.read(sys.stdin.fileno(), 1):  # not through the buffer, whose lock would be in the way of our own end
        pass
    os._exit(0)


def _within(rows: NDArray[np.void], at_s: NDArray[np.int64], from_s: int, until_s: int) -> NDArray[np.void]:
    """Return the rows of ``[from_s, until_s)``."""
    return rows[(at_s >= from_s) & (at_s < until_s)]


if __name__ == "__main__":
    main()
