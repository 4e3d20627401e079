"""VowpalWabbit: an outside peer, its contextual bandit asked of every request whether to send or to hold.

The package ``vowpalwabbit`` does the learning (``--cb_explore_adf``, epsilon-greedy, doubly robust). Ours is the
harness: features as all baselines have them, the reward, and the budget.

Reward of a decision: money of the user's orders within a day of it, less ``opt_out_cost`` where the user unsubscribes
within it, less the price of a push, in units of ``REWARD_SCALE``. The price makes the budget hold: it moves daily by
how far what it wanted to send was from what is allowed, and no day gets much more than that. It learns online, in the
judged world, from every decision of its own and from no pilot: it is a bandit.
"""

from collections import deque
from dataclasses import dataclass, field
from importlib import import_module
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from andante.baselines.memory import FEATURES, Memory
from andante.baselines.planned import receivers
from andante.baselines.points import relevance
from andante.baselines.purse import Purse
from andante.baselines.sender import Sender, by_day
from andante.vocabulary.fault import MissingExtra
from andante.worlds.contract import DAY_S, HOUR_S, WEEK_S, Crowd, Floats, Mask, Tick

DAY_LIMIT = 2
REWARD_SCALE = 10.0
STEP = 0.3
"""How far the logarithm of the price moves for a day on which nothing, or twice the allowance or more, was wanted."""

PRICE_FIRST, PRICE_LEAST = 0.01, 1e-3  # money
DAY_SHARE = 1.5
"""Of a day's allowance, what is sent in a day at most."""
_ARGUMENTS = "--cb_explore_adf --epsilon {epsilon} -q UA --random_seed {seed} --cb_type dr --learning_rate 0.1 --quiet"


class _Pending(NamedTuple):
    """A decision whose day is not over."""

    due_s: int
    user: int
    text: tuple[str, str, str]
    sent: bool
    probability: float
    spend: float  # of the user, and whether reachable, when it was taken
    price: float


@dataclass(slots=True)
class VowpalBandit:
    """Sends or holds by VowpalWabbit's contextual bandit.

    ``begin`` raises MissingExtra where the package is not there.
    """

    seed: int
    budget: float | None = None
    epsilon: float = 0.05
    opt_out_cost: float = 5.0
    price: float = field(default=0.0, init=False)
    _learner: Any = field(init=False, repr=False)
    _memory: Memory = field(init=False, repr=False)
    _sender: Sender = field(init=False, repr=False)
    _purse: Purse = field(init=False, repr=False)
    _draw: np.random.Generator = field(init=False, repr=False)
    _pending: deque[_Pending] = field(init=False, repr=False)
    _known: Floats = field(init=False, repr=False)
    _day: int = field(init=False, repr=False)
    _today: int = field(init=False, repr=False)  # sent
    _wanted: int = field(init=False, repr=False)  # and what the bandit would have sent

    def begin(self, crowd: Crowd) -> None:
        """Get ready for these users, with a bandit that knows nothing."""
        self._learner = _workspace(_ARGUMENTS.format(epsilon=self.epsilon, seed=self.seed % 2**31))
        self._memory, self._sender = Memory(crowd), Sender(crowd, self.seed)
        self._purse, self._pending = Purse(crowd, self.budget), deque()
        self._draw = np.random.default_rng([self.seed, 6])
        self._day, self._today, self._wanted = -1, 0, 0
        self.price = 0.0 if self.budget is None else PRICE_FIRST

    def decide(self, tick: Tick) -> NDArray[np.void]:
        """Return what goes out in this tick, after learning from decisions whose day is over."""
        self._memory.observe(tick)
        self._learn(tick.from_s)
        day = (tick.from_s - self._memory.crowd.start_s) // DAY_S
        if day != self._day:
            self._reprice(tick.from_s)
            self._day, self._known = day, self._memory.features()
        wanted, asked = self._ask(tick)
        self._wanted += int(wanted.sum())
        room = self._room(tick.from_s)
        sends = self._purse.pay(self._sender.capped(tick, DAY_LIMIT, DAY_S, wanted=wanted, room=room))
        self._today += len(sends)
        to = receivers(tick, sends)
        went = set(zip(to.tolist(), sends["at_s"].tolist(), strict=True))
        # What the cap of a day or the purse held back was not the bandit's choice: it learns nothing from it.
        self._pending.extend(one for at_s, one in asked if one.sent == ((one.user, at_s) in went))
        self._memory.count(to)
        return sends

    def _ask(self, tick: Tick) -> tuple[Mask, list[tuple[int, _Pending]]]:
        requests, crowd, memory = tick.requests, self._memory.crowd, self._memory
        wanted: Mask = by_day(requests["at_s"], crowd.offset_s[requests["user"]]) & memory.reachable[requests["user"]]
        best = relevance(tick)
        asked: list[tuple[int, _Pending]] = []
        for place in np.flatnonzero(wanted):
            user, at_s = int(requests["user"][place]), int(requests["at_s"][place])
            text = self._text(user, at_s, float(best[place]))
            send, probability = self._choose(text)
            wanted[place] = send
            asked.append((at_s, _Pending(at_s + DAY_S, user, text, send, probability, memory.spend[user], self.price)))
        return wanted, asked

    def _choose(self, text: tuple[str, str, str]) -> tuple[bool, float]:
        chances = self._learner.predict(list(text))
        send = bool(self._draw.random() < chances[0])
        return send, float(chances[0] if send else chances[1])

    def _text(self, user: int, at_s: int, best: float) -> tuple[str, str, str]:
        hour = int((at_s + self._memory.crowd.offset_s[user]) % DAY_S / HOUR_S)
        known = " ".join(f"{name}:{value:.4g}" for name, value in zip(FEATURES, self._known[user], strict=True))
        return f"shared |U {known} segment_{int(self._known[user, 0])} hour_{hour // 3}", _send(best), "|A hold"

    def _learn(self, now_s: int) -> None:
        while self._pending and self._pending[0].due_s <= now_s:
            one = self._pending.popleft()
            reward = self._memory.spend[one.user] - one.spend
            if not self._memory.reachable[one.user]:
                reward -= self.opt_out_cost
            reward -= one.price * one.sent
            label = f"{int(not one.sent)}:{-reward / REWARD_SCALE:.6g}:{max(one.probability, 1e-6):.6g} "
            shared, send, hold = one.text
            self._learner.learn([shared, label + send, hold] if one.sent else [shared, send, label + hold])

    def _reprice(self, at_s: int) -> None:
        """Move the price by how far the day's sends were from what is allowed; without a budget a push is free."""
        allowed = self._allowed(at_s)
        if allowed is not None and self._day >= 0:
            moved = self.price * float(np.exp(STEP * np.clip(self._wanted / max(allowed, 1e-9) - 1, -1, 1)))
            self.price = max(moved, PRICE_LEAST)
        self._today = self._wanted = 0

    def _allowed(self, at_s: int) -> float | None:
        """Return what may be sent in a day, where there is a budget."""
        allowance = self._purse.allowance(at_s)
        return None if allowance is None else allowance * self._memory.crowd.users * DAY_S / WEEK_S

    def _room(self, at_s: int) -> int | None:
        """Return what may still be sent today, where there is a budget."""
        allowed, left = self._allowed(at_s), self._purse.left
        if allowed is None or left is None:
            return None
        return max(min(left, int(np.ceil(DAY_SHARE * allowed)) - self._today), 0)


def _send(best: float) -> str:
    return f"|A send relevance:{np.log(max(best, 1e-3)):.4g}"


def _workspace(arguments: str) -> Any:
    try:
        library = import_module("vowpalwabbit")  # an extra, loaded by who asks for it
    except ImportError as absent:
        raise MissingExtra("vowpalwabbit", None, "is not installed", "pip install 'andante[vw]'") from absent
    return library.Workspace(arguments)
