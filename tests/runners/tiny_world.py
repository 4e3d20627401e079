"""A world small enough to see through: users who are asked about often, answer by dice, and sometimes leave."""

import numpy as np

from andante.vocabulary.event import EventType
from andante.vocabulary.fault import InputFault
from andante.vocabulary.flow import CANDIDATE, EVENT_CODES, OUTCOME_CODES
from andante.vocabulary.message import OutcomeType
from andante.worlds.contract import DAY_S, EVENT, HOUR_S, OUTCOME, REQUEST, WEEK_S, Crowd, Lived, Tick

START_S = 1_767_571_200  # Monday 2026-01-05
TYPES = [OUTCOME_CODES[kind] for kind in (OutcomeType.OPENED, OutcomeType.CONVERTED, OutcomeType.RATED)]
OPENED, UNSUBSCRIBED, COMPLAINED = (
    OUTCOME_CODES[kind] for kind in (OutcomeType.OPENED, OutcomeType.UNSUBSCRIBED, OutcomeType.COMPLAINED)
)
VIEW, PURCHASE = EVENT_CODES[EventType.VIEW], EVENT_CODES[EventType.PURCHASE]


class TinyWorld:
    """Draws everything by the numbers of candidates and ticks, so that equal seeds give equal draws."""

    def __init__(self, users=12, weeks=2, seed=7, tick_s=HOUR_S, asks_per_day=3.0):
        self.crowd = Crowd(
            users=users,
            start_s=START_S,
            weeks=weeks,
            offset_s=np.where(np.arange(users) % 3 == 0, 8, -5) * HOUR_S,
            member=np.arange(users) % 2 == 0,
            segment=np.arange(users) % 4,
        )
        self.seed, self.tick_s, self.rate = seed, tick_s, asks_per_day * tick_s / DAY_S
        self.shown, self.sent = {}, {}
        self.left = np.zeros(users, bool)
        self.due = []  # outcomes to come: (known at, candidate, user, at, value, type)
        shape = users, weeks
        self.columns = {name: np.zeros(shape, np.uint16) for name in ("sends", "opens", "visits", "orders")}
        self.value, self.subscribed = np.zeros(shape, np.float32), np.zeros(shape, bool)
        self.undelivered = np.zeros(users, np.int64)

    def ticks(self):
        number = 0
        for from_s in range(START_S, START_S + self.crowd.weeks * WEEK_S, self.tick_s):
            draw = np.random.default_rng([self.seed, from_s])
            self.week = (from_s - START_S) // WEEK_S
            requests = self._requests(draw, from_s)
            candidates = self._candidates(draw, requests)
            events = self._events(draw, from_s)
            self.tick = Tick(
                from_s, from_s + self.tick_s, events, self._outcomes(from_s + self.tick_s), requests, candidates, number
            )
            for request in requests:
                for place in range(int(request["first"]), int(request["first"] + request["count"])):
                    self.shown[number + place] = int(request["user"]), candidates[place]
            number += len(candidates)
            yield self.tick
            self.subscribed[:, self.week] = ~self.left

    def take(self, sends):
        assert (np.diff(sends["at_s"]) >= 0).all()
        for candidate, at_s in sends.tolist():
            user, offer = self.shown[candidate]
            if candidate in self.sent or not self.tick.from_s <= at_s < self.tick.until_s or at_s >= offer["expires_s"]:
                raise InputFault("candidate", candidate, "may not be sent now", "mend the policy")
            self.sent[candidate] = at_s
            if self.left[user]:
                self.undelivered[user] += 1
                continue
            self.columns["sends"][user, self.week] += 1
            self._answer(candidate, user, at_s, float(offer["value"]))

    def lived(self):
        users, weeks = self.value.shape
        nothing, always = np.zeros((users, weeks), np.uint16), np.ones((users, weeks), bool)
        return Lived(
            **self.columns,
            value=self.value,
            night_sends=nothing,
            complaints=nothing,
            rating_sum=np.zeros((users, weeks), np.float32),
            ratings=nothing,
            subscribed=self.subscribed,
            installed=always,
            present=always,
            undelivered=self.undelivered,
            band_low=np.ones(users),
            band_high=np.full(users, 3.0),
        )

    def _requests(self, draw, from_s):
        count = draw.poisson(self.rate * self.crowd.users)
        requests = np.zeros(count, REQUEST)
        requests["user"] = draw.integers(0, self.crowd.users, count)
        requests["at_s"] = np.sort(draw.integers(from_s, from_s + self.tick_s, count))
        requests["count"] = draw.integers(1, 4, count)
        requests["first"] = np.cumsum(requests["count"]) - requests["count"]
        return requests

    def _candidates(self, draw, requests):
        count = int(requests["count"].sum())
        candidates = np.zeros(count, CANDIDATE)
        candidates["value"] = draw.lognormal(2.0, 1.0, count)
        candidates["relevance"] = draw.choice([1.0, 2.0, 9.0], count)
        candidates["expires_s"] = (
            np.repeat(requests["at_s"], requests["count"]) + draw.choice([2, 30, 200], count) * HOUR_S
        )
        candidates["campaign"] = draw.integers(0, 30, count)
        candidates["content"] = np.where(
            candidates["campaign"] > 0, candidates["campaign"] * 10 + draw.integers(0, 3, count), 0
        )
        candidates["category"] = draw.integers(0, 3, count)
        return candidates

    def _events(self, draw, from_s):
        events = np.zeros(draw.poisson(0.02 * self.crowd.users * self.tick_s / HOUR_S), EVENT)
        events["user"] = draw.integers(0, self.crowd.users, len(events))
        events["at_s"] = np.sort(draw.integers(from_s, from_s + self.tick_s, len(events)))
        events["type"] = draw.choice([VIEW, PURCHASE], len(events), p=[0.9, 0.1])
        events["value"] = draw.lognormal(2.0, 1.0, len(events))
        for event in events:
            self.columns["visits"][event["user"], self.week] += 1
            if event["type"] == PURCHASE:
                self.columns["orders"][event["user"], self.week] += 1
                self.value[event["user"], self.week] += event["value"]
        return events

    def _outcomes(self, until_s):
        known = sorted(one for one in self.due if one[0] < until_s)
        self.due = [one for one in self.due if one[0] >= until_s]
        rows = np.array([one[1:] for one in known], OUTCOME)
        return rows[np.argsort(rows["at_s"], kind="stable")]

    def _answer(self, candidate, user, at_s, value):
        draw = np.random.default_rng([self.seed, candidate])
        for kind, chance in zip(TYPES, (0.5, 0.1, 0.1), strict=True):
            if draw.random() < chance:
                happens_s = at_s + 1 + int(draw.exponential(4 * HOUR_S))
                late_s = int(draw.integers(0, 6 * HOUR_S))
                worth = float(draw.integers(1, 6)) if kind == TYPES[2] else value
                known_s = max(happens_s + late_s, self.tick.until_s)
                self.due.append((known_s, candidate, user, happens_s, worth, kind))
        if draw.random() < 0.02:
            self.left[user] = True
            kind = COMPLAINED if draw.random() < 0.5 else UNSUBSCRIBED
            self.due.append((self.tick.until_s, candidate, user, at_s + 1, 0.0, kind))


def live(world, policy):
    policy.begin(world.crowd)
    for tick in world.ticks():
        world.take(policy.decide(tick))
    return world
