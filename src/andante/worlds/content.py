"""Content: what is offered, on average, where each request is answered with the best that the shop declares.

Only the truth needs it: an expectation over relevance is the mean of what the world's own offers come to.
"""

from typing import NamedTuple

import numpy as np

from andante.worlds.contract import Floats
from andante.worlds.moods import moods
from andante.worlds.nature import Nature
from andante.worlds.offers import offered, sheet, terms
from andante.worlds.people import People, people
from andante.worlds.rhythm import DAYTIME, hours, usual_day

USERS, HOURS, SEED = 4000, 168, 20_260_105

PART_MIDDLE_H = 1
"""Full hours before the middle of a part of the day, in which its request comes on average."""


class Content(NamedTuple):
    """Means over what is chosen: of scheduled requests, then of triggered ones; shape [2]."""

    multiplier: Floats  # of the open propensity, by relevance
    appeal: Floats  # the same, by the hour
    worth: Floats  # what an order's margin is multiplied by, over what is opened
    leaving: Floats  # what the hazard is multiplied by
    triggers_per_visit: float
    waiting_days: float  # in which a triggered push may come before the scheduled one that would have been sent


def content(nature: Nature, at_h: int = 0) -> Content:
    """Return the means of a week's offers, of another crowd, from this hour of the world on."""
    crowd = people(nature, USERS, 1, SEED)._replace(joined_h=np.zeros(USERS, np.int64))
    nobody = moods(crowd, 0)
    drawn = np.arange(USERS), np.zeros(USERS, np.int64)
    room, choice = sheet(USERS, USERS), terms(nature)
    parts: list[list[Floats]] = [[], []]
    with np.errstate(over="ignore"):
        for hour in range(at_h, at_h + HOURS):
            requests, candidates = offered()(choice, crowd, nobody, *drawn, hour, 0, room)
            scheduled = requests - USERS
            first, count = room.first[:requests], room.many[:requests]
            promised = room.value[:candidates] * room.relevance[:candidates]
            second = np.minimum(first + 1, candidates - 1)
            better = (count > 1) & (promised[second] > promised[first])
            best = np.where(better, second, first)
            told = np.stack([room.multiplier[best], room.worth[best], room.bait[best]])
            parts[0].append(told[:, :scheduled])
            parts[1].append(told[:, scheduled:])
    rows = [np.concatenate(part, axis=1) for part in parts]
    appeal, waiting_days = _answered(nature, crowd)
    multiplier = np.array([row[0].mean() for row in rows])
    offering = nature.offering
    looks = 1 - (1 - offering.searches) * (1 - offering.carts)
    return Content(
        multiplier=multiplier,
        appeal=appeal,
        worth=np.array([(row[0] * row[1]).mean() for row in rows]) / multiplier,
        leaving=np.array([1 + (offering.bait_leaving - 1) * row[2].mean() for row in rows]),
        triggers_per_visit=looks * offering.triggers,
        waiting_days=waiting_days,
    )


def _answered(nature: Nature, crowd: People) -> tuple[Floats, float]:
    """Return the mean multiplier of opens in the hours in which a pace sends, and how long triggered pushes have.

    A pace falls due at any time, and the next request of the day is answered. So a part of the day gets so many pushes
    as there is time since the request before it, where parts that do not come are passed over; and a triggered push
    goes out instead if it comes in between, by day. That time is in days of the usual rate of triggers.
    """
    local = hours(nature.rhythm, crowd.shift_h, np.zeros_like(crowd.offset_h)).opens.mean(axis=1, dtype=np.float64)
    begins, shares = np.array(nature.offering.parts_h), np.array(nature.offering.part_shares)
    coming, day = np.zeros(48), usual_day(nature.rhythm)
    coming[:24][DAYTIME] = ((np.roll(day, 1) + np.roll(day, 2)) / 2)[DAYTIME] / 24  # 1 to 2 h after a visit
    so_far = np.concatenate([[0.0], np.cumsum(np.tile(coming[:24], 2))])
    weights, waiting = np.zeros(len(begins)), 0.0
    for part, share in enumerate(shares):
        missed = share
        for back in range(1, len(begins) + 1):
            waited = int((begins[part] - begins[part - back]) % 24 or 24)
            weight = missed * shares[part - back] * waited / 24
            asked = begins[part] + PART_MIDDLE_H + 24
            waiting += weight * float((so_far[asked] - so_far[asked - waited : asked]).mean())
            weights[part] += weight
            missed *= 1 - shares[part - back]
    by_part = np.array([local[begin : begin + 3].mean() for begin in begins])
    appeal = np.array([(weights * by_part).sum() / weights.sum(), local[DAYTIME].mean()])
    return appeal, waiting / float(weights.sum())
