"""What tests of worlds share: a world lived through, with all its ticks kept."""

from typing import NamedTuple

import numpy as np

from andante.worlds.catalogue import world
from andante.worlds.loop import live


class Seen(NamedTuple):
    ticks: list
    sends: np.ndarray  # with the user each went to
    lived: object
    crowd: object


class Watched:
    """A policy that remembers what it sent to whom."""

    def __init__(self, policy):
        self.policy, self.sent, self.shown = policy, [], []

    def begin(self, crowd):
        self.policy.begin(crowd)

    def decide(self, tick):
        user = np.full(len(tick.candidates), -1)
        for request in tick.requests:
            user[request["first"] : request["first"] + request["count"]] = request["user"]
        self.shown.append(user)
        sends = self.policy.decide(tick)
        self.sent.append(sends)
        return sends


def seen(name, users, weeks, seed, policy):
    place, watched, ticks = world(name, users, weeks, seed), Watched(policy), []
    lived = live(place, watched, ticks.append)
    sends = np.concatenate(watched.sent)
    return Seen(ticks, np.concatenate(watched.shown)[sends["candidate"]], lived, place.crowd)


def together(ticks, name):
    return np.concatenate([getattr(tick, name) for tick in ticks])
