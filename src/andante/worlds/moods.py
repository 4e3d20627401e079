"""Moods: what the past has done to each user, and how it fades. Everything fades exactly by half-lives."""

import math
from typing import NamedTuple

import numpy as np

from andante.worlds.compiling import kernel
from andante.worlds.contract import WEEK_S, Floats, Ints, Mask
from andante.worlds.laws import Laws
from andante.worlds.people import People

NEVER_S = -(2**62)


class Moods(NamedTuple):
    """The state of each user, shape [users]. F, H and B are as they were at ``pressed_s``, D as at ``bought_s``."""

    fatigue: Floats  # F: + 1 with each push
    habituation: Floats  # H: + 1 with each push
    carry_over: Floats  # B: by what share pushes raise the user's own visits
    pressed_s: Ints
    depletion: Floats  # D: + 1 with each order
    bought_s: Ints
    wear: Floats  # sum of the hazards so far; infinite from when the user has made up their mind to leave
    subscribed: Mask
    installed: Mask
    bounced: Mask  # the shop knows that the app is gone
    displaces_until_s: Ints  # an opened push stands for the user's next own visit until then
    push_h: Ints  # hour of the latest push
    pushes_in_hour: Ints  # before it in that hour
    last_number: Ints  # of the latest push that arrived


def moods(people: People, start_s: int, rivals_per_week: float = 0.0) -> Moods:
    """Return users whom nothing has happened to but the mean pressure of other senders, who were there before us."""
    users = people.key.size
    zeros, ones = np.zeros(users), np.ones(users, np.bool_)
    return Moods(
        fatigue=rivals_per_week / WEEK_S / people.fatigue_rate,
        habituation=rivals_per_week / WEEK_S / people.habituation_rate,
        carry_over=zeros,
        pressed_s=np.full(users, start_s),
        depletion=zeros.copy(),
        bought_s=np.full(users, start_s),
        wear=zeros.copy(),
        subscribed=ones,
        installed=ones.copy(),
        bounced=np.zeros(users, np.bool_),
        displaces_until_s=np.full(users, NEVER_S),
        push_h=np.full(users, -1),
        pushes_in_hour=np.zeros(users, np.int64),
        last_number=np.full(users, -1),
    )


@kernel
def faded(amount: float, rate: float, elapsed_s: float) -> float:
    """Return what is left of an amount."""
    return amount * math.exp(-rate * elapsed_s)


@kernel
def fade_pressure(laws: Laws, people: People, moods: Moods, user: int, at_s: int) -> None:
    """Bring F, H and B of a user to this time. It is never before the latest."""
    elapsed_s = float(at_s - moods.pressed_s[user])
    moods.fatigue[user] = faded(moods.fatigue[user], people.fatigue_rate[user], elapsed_s)
    moods.habituation[user] = faded(moods.habituation[user], people.habituation_rate[user], elapsed_s)
    moods.carry_over[user] = faded(moods.carry_over[user], laws.carry_over_rate, elapsed_s)
    moods.pressed_s[user] = at_s


@kernel
def press(laws: Laws, moods: Moods, user: int) -> None:
    """Let one push weigh on a user whose pressure was brought to its time."""
    moods.fatigue[user] += 1.0
    moods.habituation[user] += 1.0
    moods.carry_over[user] = min(laws.carry_over_max, moods.carry_over[user] + laws.carry_over)
