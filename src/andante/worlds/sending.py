"""Sending: what a push does to the user that it reaches, and what will be heard of it."""

import math
from collections.abc import Callable
from functools import cache
from typing import NamedTuple

import numpy as np

from andante.worlds.agenda import (
    CLICKED,
    COMPLAINED,
    DELIVERED,
    DISMISSED,
    LEAVE,
    OPENED,
    UNSUBSCRIBED,
    Agenda,
    put,
)
from andante.worlds.chance import (
    CLICK,
    COMPLAIN,
    DISMISS,
    LOSS,
    OPEN,
    OPEN_AT_A,
    OPEN_AT_B,
    PUSH,
    PUSH_DRAWS,
    PUSHES_APART,
    normal,
    uniform,
)
from andante.worlds.compiling import entry, kernel
from andante.worlds.contract import HOUR_S, Floats, Ints
from andante.worlds.laws import Laws
from andante.worlds.leaving import hazard
from andante.worlds.ledger import Counts
from andante.worlds.moods import Moods, fade_pressure, press
from andante.worlds.opening import open_probability
from andante.worlds.people import People

ENTRIES_MAX = 5
"""Most entries that one push makes in the agenda."""

DELIVERED_AFTER_S, BOUNCED_AFTER_S, BOT_AFTER_S = 2, 60, 5

NIGHT_FROM_H, NIGHT_TO_H = 23, 7


class Pushes(NamedTuple):
    """Pushes of one hour, by time."""

    candidate: Ints
    user: Ints
    at_s: Ints
    multiplier: Floats  # of the open propensity, by relevance
    worth: Floats  # what the margin of an order is multiplied by
    leaving: Floats  # what the hazard is multiplied by


@cache
def sent() -> Callable[..., None]:
    """Return the compiled effect of pushes on moods, agenda and counts."""
    effect: Callable[..., None] = entry(_make_sent)
    return effect


def _make_sent(digest: str) -> Callable[..., None]:
    def effect(  # noqa: PLR0913, PLR0917  a compiled loop is given its whole world
        laws: Laws,
        people: People,
        moods: Moods,
        agenda: Agenda,
        counts: Counts,
        pushes: Pushes,
        appeal: np.ndarray,
        hour: int,
        start_s: int,
    ) -> None:
        _ = len(digest)
        week = hour // 168
        for place in range(pushes.user.size):
            user, at_s = pushes.user[place], pushes.at_s[place]
            if not moods.subscribed[user]:
                counts.undelivered[user] += 1
                _bounce(moods, agenda, pushes, place, hour, start_s)
                continue
            first = _draws(moods, user, hour)
            if uniform(people.key[user], hour, first + LOSS) < laws.lost:
                counts.undelivered[user] += 1
                continue
            counts.sends[user, week] += 1
            local_h = (hour + people.offset_h[user]) % 24
            if local_h >= NIGHT_FROM_H or local_h < NIGHT_TO_H:
                counts.night_sends[user, week] += 1
            moods.last_number[user] = pushes.candidate[place]
            put(agenda, hour, start_s, DELIVERED, pushes.candidate[place], user, at_s + DELIVERED_AFTER_S, 0.0)
            fade_pressure(laws, people, moods, user, at_s)
            answered_s = _seen(laws, people, moods, agenda, pushes, place, appeal[user], hour, first, start_s)
            _resent(laws, people, moods, agenda, pushes, place, hour, first, start_s, answered_s)
            press(laws, moods, user)

    return effect


@kernel
def _draws(moods: Moods, user: int, hour: int) -> int:
    """Return the first purpose of this push's draws: pushes of one hour to one user draw apart."""
    if moods.push_h[user] == hour:
        moods.pushes_in_hour[user] += 1
    else:
        moods.push_h[user] = hour
        moods.pushes_in_hour[user] = 0
    return int(PUSH + PUSH_DRAWS * min(moods.pushes_in_hour[user], PUSHES_APART - 1))


@kernel
def _bounce(  # noqa: PLR0913, PLR0917  a kernel is given its whole world
    moods: Moods,
    agenda: Agenda,
    pushes: Pushes,
    place: int,
    hour: int,
    start_s: int,
) -> None:
    """Tell the shop once that an app is gone: its address is no longer valid."""
    user = pushes.user[place]
    if not moods.installed[user] and not moods.bounced[user]:
        moods.bounced[user] = True
        at_s = pushes.at_s[place] + BOUNCED_AFTER_S
        put(agenda, hour, start_s, UNSUBSCRIBED, pushes.candidate[place], user, at_s, 0.0)


@kernel
def _seen(  # noqa: PLR0913, PLR0917  a kernel is given its whole world
    laws: Laws,
    people: People,
    moods: Moods,
    agenda: Agenda,
    pushes: Pushes,
    place: int,
    appeal: float,
    hour: int,
    first: int,
    start_s: int,
) -> int:
    """Let a push be opened, dismissed or neither; return when the user looks at it.

    Who looks within the hour of the push is put at the beginning of the next: the median of an hour stays as it is.
    """
    user, key, candidate = pushes.user[place], people.key[pushes.user[place]], pushes.candidate[place]
    delay_s = laws.open_delay_s * math.exp(
        laws.open_delay_spread * normal(key, hour, first + OPEN_AT_A, first + OPEN_AT_B)
    )
    if people.bot[user]:
        delay_s = float(BOT_AFTER_S)
    at_s = max(int(pushes.at_s[place]) + int(min(delay_s, 2.0**30)), start_s + (hour + 1) * HOUR_S)
    chance = open_probability(
        laws,
        people.open[user],
        pushes.multiplier[place] * appeal,
        moods.fatigue[user],
        moods.habituation[user],
    )
    if people.bot[user] or uniform(key, hour, first + OPEN) < chance:
        if at_s - pushes.at_s[place] <= laws.open_delay_max_s:
            put(agenda, hour, start_s, OPENED, candidate, user, at_s, pushes.worth[place])
            if people.bot[user] or uniform(key, hour, first + CLICK) < laws.clicked:
                put(agenda, hour, start_s, CLICKED, candidate, user, at_s, 0.0)
    elif uniform(key, hour, first + DISMISS) < laws.dismissed:
        put(agenda, hour, start_s, DISMISSED, candidate, user, at_s, 0.0)
    return int(at_s)


@kernel
def _resent(  # noqa: PLR0913, PLR0917  a kernel is given its whole world
    laws: Laws,
    people: People,
    moods: Moods,
    agenda: Agenda,
    pushes: Pushes,
    place: int,
    hour: int,
    first: int,
    start_s: int,
    answered_s: int,
) -> None:
    """Let a push wear on the user, who leaves when the sum of hazards passes their patience, and may complain."""
    user, candidate = pushes.user[place], pushes.candidate[place]
    if people.bot[user]:
        return
    chance = min(laws.hazard_max, hazard(laws, people.hazard[user], moods.fatigue[user]) * pushes.leaving[place])
    if uniform(people.key[user], hour, first + COMPLAIN) < laws.complaints * chance:
        put(agenda, hour, start_s, COMPLAINED, candidate, user, answered_s, 0.0)
    moods.wear[user] -= math.log(1.0 - chance)
    if moods.wear[user] >= people.patience[user] and not math.isinf(moods.wear[user]):
        moods.wear[user] = math.inf
        put(agenda, hour, start_s, LEAVE, candidate, user, answered_s, 1.0 if people.uninstalls[user] else 0.0)
