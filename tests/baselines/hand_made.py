"""Ticks, crowds and a tiny shop made by hand: no world, so that what a policy does can be read off."""

from dataclasses import dataclass, field

import numpy as np

from andante.vocabulary.event import EventType
from andante.vocabulary.flow import CANDIDATE, EVENT_CODES, OUTCOME_CODES
from andante.vocabulary.message import OutcomeType
from andante.worlds.contract import DAY_S, EVENT, HOUR_S, OUTCOME, REQUEST, Crowd, Lived, Tick

START_S = 1_767_571_200  # Monday 2026-01-05 00:00 UTC


def crowd(users=4, weeks=4, *, segment=None, offset_s=0):
    return Crowd(
        users,
        START_S,
        weeks,
        np.full(users, offset_s, np.int64),
        np.arange(users) % 2 == 0,
        np.zeros(users, np.int64) if segment is None else np.asarray(segment, np.int64),
    )


def tick(from_s, requests=(), *, events=(), outcomes=(), number_first=0):
    """Requests are (user, second after the tick's start, [(value, relevance, seconds until it expires), ...])."""
    asked = sorted(requests, key=lambda one: one[1])
    shown, rows = [], []
    for user, after_s, offers in asked:
        rows.append((user, from_s + after_s, len(shown), len(offers)))
        shown += [(value, relevance, from_s + after_s + lives_s) for value, relevance, lives_s in offers]
    candidates = np.zeros(len(shown), CANDIDATE)
    for place, (value, relevance, expires_s) in enumerate(shown):
        candidates[place]["value"], candidates[place]["relevance"] = value, relevance
        candidates[place]["expires_s"] = expires_s
    return Tick(
        from_s,
        from_s + DAY_S,
        np.array([(u, from_s + s, v, EVENT_CODES[EventType(t)]) for u, s, t, v in events], EVENT),
        np.array([(c, u, from_s + s, v, OUTCOME_CODES[OutcomeType(t)]) for c, u, s, t, v in outcomes], OUTCOME),
        np.array(rows, REQUEST),
        candidates,
        number_first,
    )


@dataclass
class Shop:
    """Users who are offered pushes all day, visit by chance, and more so after a push: enough to learn from.

    Two segments: users of segment 1 come more often, and open far more readily. It checks what it is sent.
    """

    users: int = 120
    weeks: int = 6
    seed: int = 0
    open_rates: tuple = (0.05, 0.6)
    refusal: float = 0.002
    hours: tuple = (4, 10, 12, 15, 19)  # of the requests of a day
    sent: list = field(default_factory=list)
    crowd: Crowd = field(init=False)

    def __post_init__(self):
        self.crowd = crowd(self.users, self.weeks, segment=np.arange(self.users) % 2)

    def live(self, policy):
        rng = np.random.default_rng([self.seed, 77])
        shape = (self.users, self.weeks)
        columns = {name: np.zeros(shape) for name in ("sends", "opens", "visits", "orders", "value")}
        subscribed, sent_ever = np.ones(shape, bool), set()
        here, events, outcomes, number = np.ones(self.users, bool), [], [], 0
        policy.begin(self.crowd)
        for day in range(self.weeks * 7):
            from_s, week = START_S + day * DAY_S, day // 7
            asked = [
                (user, hour * HOUR_S + user % 600, [(10.0, 1.0, HOUR_S), (10.0, 2.0, HOUR_S), (10.0, 9.0, -1)])
                for user in range(self.users)
                for hour in self.hours
            ]
            shown = tick(from_s, asked, events=events, outcomes=outcomes, number_first=number)
            owner = np.repeat(shown.requests["user"], shown.requests["count"])
            number += len(shown.candidates)
            events, outcomes = [], []
            sends = policy.decide(shown)
            assert (np.diff(sends["at_s"]) >= 0).all()
            for candidate, at_s in sends.tolist():
                place = candidate - shown.number_first
                assert candidate not in sent_ever
                assert shown.candidates["expires_s"][place] > at_s
                assert shown.from_s <= at_s < shown.until_s
                sent_ever.add(candidate)
                user = int(owner[place])
                self.sent.append((user, at_s, candidate))
                if not here[user]:
                    continue
                columns["sends"][user, week] += 1
                if rng.random() < self.open_rates[self.crowd.segment[user]]:
                    columns["opens"][user, week] += 1
                    columns["visits"][user, week] += 1
                    outcomes.append((candidate, user, at_s + 1800 - from_s - DAY_S, "opened", 0.0))
                    if rng.random() < 0.3:
                        columns["value"][user, week] += 10
                        events.append((user, 200, "purchase", 10.0))
                if rng.random() < self.refusal:
                    here[user] = False
                    outcomes.append((candidate, user, 300, "unsubscribed", 0.0))
            for user in np.flatnonzero(rng.random(self.users) < 0.1 + 0.2 * self.crowd.segment):
                columns["visits"][user, week] += 1
                events.append((int(user), 50_000, "visit", 0.0))
                if rng.random() < 0.3:
                    columns["value"][user, week] += 10
                    events.append((int(user), 50_100, "purchase", 10.0))
            subscribed[:, week] = here
        return lived(subscribed=subscribed, **columns)


def lived(*, sends, opens, visits, orders, value, subscribed=None):  # noqa: PLR0913  columns of Lived
    shape = sends.shape
    here = np.ones(shape, bool) if subscribed is None else subscribed
    nothing = np.zeros(shape, np.uint16)
    return Lived(
        sends.astype(np.uint16),
        opens.astype(np.uint16),
        visits.astype(np.uint16),
        orders.astype(np.uint16),
        value.astype(np.float32),
        nothing,
        nothing,
        nothing.astype(np.float32),
        nothing,
        here,
        np.ones(shape, bool),
        np.ones(shape, bool),
        np.zeros(shape[0], np.int64),
        np.zeros(shape[0]),
        np.full(shape[0], 9.0),
    )
