"""The truth: what each user is worth under a constant pace, as only the world can know it.

While a user is subscribed to a push at constant distances, F, H and B are what the pushes made them, without chance.
So the expected visits are an exact recursion: over pushes for who is still subscribed (S), and one more number each for
who has left but kept the app, and for the carry-over that they took with them. Averaging runs of the world instead
would need some hundred of them per pace before the curves of single users stop being noise.

Four things are means where the world has chance, and this is all that is approximate: depletion (its Laplace transform
as if orders were Poisson), the relevance of what is sent (one mean for scheduled and one for triggered pushes), the
hour of sending (its mean), and pushes lost or of other senders (their mean pressure; the latter's exact transform at
rest). Tests hold the result against the world itself.
"""

import math
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from itertools import pairwise
from typing import NamedTuple

import numpy as np

from andante.vocabulary.fault import InputFault
from andante.worlds.catalogue import nature as nature_of
from andante.worlds.compiling import entry, kernel
from andante.worlds.content import Content, content
from andante.worlds.contract import DAY_S, WEEK_S, Floats
from andante.worlds.laws import Laws, laws
from andante.worlds.leaving import hazard
from andante.worlds.nature import Nature
from andante.worlds.opening import open_probability
from andante.worlds.people import People, people
from andante.worlds.seasons import seasons
from andante.worlds.visiting import own_rate

THREADS = 2

UNEVEN = (-0.2, 0.0, 0.2)
"""Distances of pushes are even in the recursion, not in a shop's days: F is above and below its course, as a share."""

STEP_S = DAY_S
"""The longest step between two pushes."""


class Expected(NamedTuple):
    """What is expected of each user, shape [users, paces, weeks], or [users, paces, 1] over all weeks."""

    value: Floats  # margin of the orders, by when they come in
    visits: Floats
    sends: Floats  # delivered
    opens: Floats
    subscribed: Floats  # at the end of the week, or of all
    installed: Floats


class Setting(NamedTuple):
    """Numbers of a world that the recursion needs beside its laws."""

    weeks: int
    content: tuple[float, float, float, float, float, float]  # multiplier, worth, leaving; scheduled, then triggered
    triggered: float  # share of what is sent, per own visit a day
    depleting: float  # E exp(−.5 D) = exp(−depleting·E D)
    order_delay_s: float
    rival_opens: float  # what pushes of other senders leave of opens
    rival_leaves: float  # and what they make of the hazard


def curves(name: str, users: int, weeks: int, seed: int, paces: Floats) -> Floats:
    """Return the expected value of every user over all weeks under each constant pace. Shape [users, paces].

    Raises InputFault for an unknown world, and for paces below zero or above those that requests allow.
    """
    return expected(nature_of(name), users, weeks, seed, paces).value[:, :, 0]


def expected(  # noqa: PLR0913  a world, paces, and how to count
    nature: Nature, users: int, weeks: int, seed: int, paces: Floats, *, by_week: bool = False
) -> Expected:
    """Return what is expected of every user under each constant pace, over all weeks or by week.

    Raises InputFault for paces below zero or above those that requests allow.
    """
    rates = np.asarray(paces, np.float64)
    most = 7 * sum(nature.offering.part_shares)
    if ((rates < 0) | (rates > most)).any():
        wrong = float(rates[(rates < 0) | (rates > most)][0])
        raise InputFault("pace", wrong, "is no pace that a shop's requests allow", f"take one from 0 to {most:g}")
    crowd, season = people(nature, users, weeks, seed), seasons(nature.calendar, weeks)
    by_day = season.visits.reshape(-1, 24).mean(axis=1), season.orders.reshape(-1, 24).mean(axis=1)
    found = Expected(*(np.zeros((users, len(rates), weeks if by_week else 1)) for _ in Expected._fields))
    rules, setting, recursion = laws(nature), _setting(nature, weeks), _recursion()
    bounds = np.linspace(0, users, THREADS + 1).astype(int)
    with ThreadPoolExecutor(THREADS) as pool:
        shares = [
            pool.submit(recursion, rules, crowd, setting, *by_day, rates, low, high, found)
            for low, high in pairwise(bounds)
        ]
        for share in shares:
            share.result()
    return found


def _setting(nature: Nature, weeks: int) -> Setting:
    offers: Content = content(nature)
    if nature.opening.taste_turn:  # what the shop declares is worth less and less: the mean of begin, middle and end
        turns = [content(nature, at_h=int(share * weeks * 168)) for share in (0.0, 0.5, 1.0)]
        offers = offers._replace(multiplier=np.mean([turn.multiplier for turn in turns], axis=0))
    pairs = zip(offers.multiplier * offers.appeal, offers.worth, offers.leaving, strict=True)
    scheduled, triggered = (tuple(float(x) for x in pair) for pair in pairs)
    opens, leaves = _rivals(nature)
    return Setting(
        weeks=weeks,
        content=(*scheduled, *triggered),  # type: ignore[arg-type]  # three and three
        triggered=offers.triggers_per_visit * offers.waiting_days,
        depleting=_series(nature.buying.depletion),
        order_delay_s=nature.answering.order_delay_days * DAY_S,
        rival_opens=opens,
        rival_leaves=leaves,
    )


def _series(depletion: float) -> float:
    """Return ∫ (1 − exp(−d·2^(−t/τ))) dt over its mean life, for Poisson orders: Σ (−1)^(n+1) dⁿ / (n·n!)."""
    return float(sum((-1) ** (n + 1) * depletion**n / (n * math.factorial(n)) for n in range(1, 20)))


def _rivals(nature: Nature) -> tuple[float, float]:
    """Return what Poisson pushes of other senders, for long, leave of opens and make of the hazard: exact means."""
    per_day = nature.population.rivals_per_week / 7
    days = (np.arange(400 * 24) + 0.5) / 24
    fatigue = 0.5 ** (days / nature.opening.fatigue_half_life)
    habituation = 0.5 ** (days / nature.opening.habituation_half_life)
    tired = nature.opening.fatigue * fatigue + nature.opening.habituation * habituation
    return (
        float(np.exp(-per_day * (1 - np.exp(-tired)).sum() / 24)),
        float(np.exp(per_day * (np.exp(nature.leaving.fatigue * fatigue) - 1).sum() / 24)),
    )


@cache
def _recursion() -> Callable[..., None]:
    compiled: Callable[..., None] = entry(_make)
    return compiled


def _make(digest: str) -> Callable[..., None]:
    def recursion(  # noqa: PLR0913, PLR0917  a compiled loop is given its whole world
        laws: Laws,
        people: People,
        setting: Setting,
        visits_by_day: np.ndarray,
        orders_by_day: np.ndarray,
        paces: np.ndarray,
        low: int,
        high: int,
        found: Expected,
    ) -> None:
        _ = len(digest)
        for user in range(low, high):
            for place in range(paces.size):
                _live(laws, people, setting, visits_by_day, orders_by_day, paces[place], user, place, found)

    return recursion


class Fading(NamedTuple):
    """What a step leaves of each state, and how much of it lasts on average within the step."""

    step_s: float
    fatigue: float
    habituation: float
    carry: float
    carry_days: float  # days of carry-over, per unit at the beginning
    depletion: float
    pending: float
    come: float  # share of the step's own orders that come in within it


@kernel
def _fading(laws: Laws, people: People, setting: Setting, user: int, step_s: float) -> Fading:
    carry, pending = math.exp(-laws.carry_over_rate * step_s), math.exp(-step_s / setting.order_delay_s)
    return Fading(
        step_s,
        math.exp(-people.fatigue_rate[user] * step_s),
        math.exp(-people.habituation_rate[user] * step_s),
        carry,
        (1.0 - carry) / laws.carry_over_rate / DAY_S,
        math.exp(-laws.depletion_rate * step_s),
        pending,
        1.0 - (1.0 - pending) * setting.order_delay_s / step_s,
    )


@kernel
def _live(  # noqa: PLR0913, PLR0917  a kernel is given its whole world
    laws: Laws,
    people: People,
    setting: Setting,
    visits_by_day: Floats,
    orders_by_day: Floats,
    pace: float,
    user: int,
    place: int,
    found: Expected,
) -> None:
    """Follow one user under one pace from joining to the end, in equal steps of at most a day.

    The first push comes half a distance after joining, as on average, and there are whole steps between pushes.
    """
    margin = math.exp(people.margin_log[user] + laws.margin_spread**2 / 2.0)
    joined_s, end_s = people.joined_h[user] * 3600.0, setting.weeks * float(WEEK_S)
    gap_s = WEEK_S / pace if pace > 0.0 else 2.0 * end_s
    until_push = math.ceil(gap_s / (2.0 * STEP_S))
    between = 2 * until_push
    step_s = gap_s / between
    now_s, buckets, bot = joined_s, found.value.shape[2], people.bot[user]
    fatigue = habituation = carry = depletion = pending = 0.0
    subscribed, left, left_carry = 1.0, 0.0, 0.0
    arrives = 1.0 - laws.lost
    fading = _fading(laws, people, setting, user, step_s)
    while now_s < end_s - 1.0:
        if now_s + step_s > end_s:
            step_s = end_s - now_s
            fading = _fading(laws, people, setting, user, step_s)
        middle_s = now_s + step_s / 2.0
        day, bucket = int(middle_s // DAY_S), min(int(middle_s // WEEK_S), buckets - 1)
        per_day = own_rate(laws, people.visits_per_day[user], 0.0, middle_s - joined_s) * visits_by_day[day]
        buying = min(1.0, people.buying[user] * orders_by_day[day]) * math.exp(-setting.depleting * depletion)
        visits = worth = 0.0
        if until_push == 0 and pace > 0.0:
            until_push = between
            own = per_day * (1.0 + carry)
            opens, brought = _open(laws, people, setting, user, own, fatigue, habituation)
            opens, brought = opens * arrives * subscribed, brought * arrives * subscribed
            displaced = opens * (1.0 - math.exp(-own * laws.displaces_s / DAY_S))
            visits, worth = opens - displaced, brought - displaced
            found.opens[user, place, bucket] += opens
            found.sends[user, place, bucket] += arrives * subscribed
            chance = 0.0 if bot else arrives * _leave(laws, people, setting, user, own, fatigue)
            stays = 0.0 if people.uninstalls[user] else chance * subscribed
            left, left_carry = left + stays, left_carry + stays * carry
            subscribed -= chance * subscribed
            fatigue, habituation = fatigue + arrives, habituation + arrives
            carry = min(laws.carry_over_max, carry + laws.carry_over * arrives)
        until_push -= 1
        installed = subscribed + left
        own = per_day * (installed * step_s / DAY_S + (carry * subscribed + left_carry) * fading.carry_days)
        visits, worth = visits + own, worth + own
        orders = worth * buying
        come = pending * (1.0 - fading.pending) + orders * fading.come
        pending += orders - come
        found.visits[user, place, bucket] += visits
        found.value[user, place, bucket] += come * margin
        found.subscribed[user, place, bucket], found.installed[user, place, bucket] = subscribed, installed
        depletion = depletion * fading.depletion + orders / max(installed, 1e-9)
        fatigue, habituation = fatigue * fading.fatigue, habituation * fading.habituation
        carry, left_carry = carry * fading.carry, left_carry * fading.carry
        now_s += step_s


@kernel
def _triggered(setting: Setting, own_per_day: float) -> float:
    """Return the share of triggered pushes where whatever is asked for first is sent."""
    return 1.0 - math.exp(-own_per_day * setting.triggered)


@kernel
def _open(  # noqa: PLR0913, PLR0917  a kernel is given its whole world
    laws: Laws,
    people: People,
    setting: Setting,
    user: int,
    own_per_day: float,
    fatigue: float,
    habituation: float,
) -> tuple[float, float]:
    """Return the mean probability of an open, and the same times what the order's margin is multiplied by."""
    share = _triggered(setting, own_per_day)
    plain, plain_worth, _, hot, hot_worth, _ = setting.content
    if people.bot[user]:
        return 1.0, 0.0
    one = two = 0.0
    for uneven in UNEVEN:
        felt = fatigue * (1.0 + uneven)
        one += open_probability(laws, people.open[user], plain * setting.rival_opens, felt, habituation) / len(UNEVEN)
        two += open_probability(laws, people.open[user], hot * setting.rival_opens, felt, habituation) / len(UNEVEN)
    return (1.0 - share) * one + share * two, (1.0 - share) * one * plain_worth + share * two * hot_worth


@kernel
def _leave(  # noqa: PLR0913, PLR0917  a kernel is given its whole world
    laws: Laws,
    people: People,
    setting: Setting,
    user: int,
    own_per_day: float,
    fatigue: float,
) -> float:
    """Return the mean probability that a push makes the user leave."""
    share = _triggered(setting, own_per_day)
    resented = (1.0 - share) * setting.content[2] + share * setting.content[5]
    risk = 0.0
    for uneven in UNEVEN:
        felt = fatigue * (1.0 + uneven)
        risk += hazard(laws, people.hazard[user], felt) / len(UNEVEN)
    return min(laws.hazard_max, risk * setting.rival_leaves * resented)
