"""Rhythm: in which of their local hours and on which weekdays a user is active, as a factor whose mean is 1.

A user's own counts, faded since their anchor, are added to the population's profile, which is worth
``rhythm_prior_weight`` events. What all hours have in common cancels in the ratio.
"""

import numpy as np

from andante.compiled import kernel
from andante.exponential import halved
from andante.vocabulary.state import NO_CLOCK
from andante.zones import clock
from andante.zones.table import Zones

HOUR_S, DAY_S = 3600, 86_400
HOURS, WEEKDAYS = 24, 7
THURSDAY = 3  # 1970-01-01, with Monday as 0


@kernel
def local_s(user: np.record, parameters: np.record, zones: Zones, at_s: int) -> np.int64:
    """Return what the user's wall clock shows, in seconds since 1970; the configured zone is for who gave none."""
    zone = np.int64(user.zone)
    if zone == NO_CLOCK:
        zone = np.int64(parameters.zone)
    return np.int64(clock.local_s(zones, zone, np.int64(at_s)))


@kernel
def hour_of(shown_s: int) -> np.int64:
    """Return the hour of the day, 0 to 23, that a wall clock shows."""
    return np.int64(clock.second_of_day(shown_s)) // HOUR_S


@kernel
def weekday_of(shown_s: int) -> np.int64:
    """Return the weekday, Monday as 0, that a wall clock shows."""
    return (np.int64(shown_s) // DAY_S + THURSDAY) % WEEKDAYS


@kernel
def kept(user: np.record, parameters: np.record, at_s: int) -> float:
    """Return what is left at this second of a count that was 1 at the anchor of the user's rhythm."""
    elapsed_s = max(np.int64(at_s) - np.int64(user.rhythm_anchor_s), np.int64(0))
    return float(halved(elapsed_s, parameters.rhythm_half_life_s))


@kernel
def hour_weight(user: np.record, parameters: np.record, still: float, hour: int) -> float:
    """Return how active this local hour is, in events; ``still`` is what ``kept`` returned."""
    prior = np.float64(parameters.rhythm_prior_weight) * np.float64(parameters.hour_prior[hour]) / HOURS
    return still * np.float64(user.hours[hour]) + prior


@kernel
def weekday_weight(user: np.record, parameters: np.record, still: float, weekday: int) -> float:
    """Return how active this weekday is, in events; ``still`` is what ``kept`` returned."""
    prior = np.float64(parameters.rhythm_prior_weight) * np.float64(parameters.weekday_prior[weekday]) / WEEKDAYS
    return still * np.float64(user.weekdays[weekday]) + prior


@kernel
def hour_scale(user: np.record, parameters: np.record, still: float) -> float:
    """Return what turns the weight of an hour into a factor whose mean over the day is 1; 0 where nothing is known.

    The prior's mean is 1, so its weights add up to ``rhythm_prior_weight``. Four sums at a time: the processor need
    not wait.
    """
    first, second, third, fourth = 0.0, 0.0, 0.0, 0.0
    for hour in range(0, HOURS, 4):
        first += np.float64(user.hours[hour])
        second += np.float64(user.hours[hour + 1])
        third += np.float64(user.hours[hour + 2])
        fourth += np.float64(user.hours[hour + 3])
    total = still * ((first + second) + (third + fourth)) + np.float64(parameters.rhythm_prior_weight)
    return HOURS / total if total > 0.0 else 0.0


@kernel
def weekday_scale(user: np.record, parameters: np.record, still: float) -> float:
    """Return what turns the weight of a weekday into a factor whose mean is 1; 0 where nothing is known."""
    own = 0.0
    for weekday in range(WEEKDAYS):
        own += np.float64(user.weekdays[weekday])
    total = still * own + np.float64(parameters.rhythm_prior_weight)
    return WEEKDAYS / total if total > 0.0 else 0.0
