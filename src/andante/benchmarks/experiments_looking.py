"""Trials that are looked at after every user: how often a test is wrong, how soon it is right, how wide it is."""

import math
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.stats import norm

from andante.evaluation.experiments.sequential import confidence_sequence, running

Floats = NDArray[np.float64]

LEVEL = 0.95
FIXED = float(norm.ppf((1 + LEVEL) / 2))
POWER = 0.8
LOOKS_FEW = 20
VISITED = 0.1
BOUGHT, SPENT_LOG_MEAN, SPENT_LOG_SD = 0.009, 4.5, 0.75
"""Spending as after Hillstrom's e-mail: 0.9 % buy, for about 120 dollars with a long tail."""
SPENT_MEAN = math.exp(SPENT_LOG_MEAN + SPENT_LOG_SD**2 / 2)


class Looked(NamedTuple):
    """One trial, looked at after every user."""

    sequence: bool  # the confidence sequence leaves out zero at some look
    missed: bool  # it leaves out the truth at some look
    naive: bool  # the usual test rejects at some look
    naive_few: bool  # at some of twenty looks
    fixed: bool  # at the last look
    users: int  # looked at until the confidence sequence stopped, all if it never did
    width: float  # of the confidence sequence at the end, in fixed intervals


def look(kind: str, users: int, effect: float, rng: np.random.Generator) -> Looked:
    """Draw a trial of so many users, half of them treated by lot, and look after every one.

    Every test begins at the first look that counts for the confidence sequence: before, the usual test would be wrong
    even more often.
    """
    treated = rng.random(users) < 1 / 2
    ours, theirs = running(_outcome(kind, np.where(treated, effect, 0.0), rng), treated)
    sequence = confidence_sequence(ours, theirs, users_planned=users, level=LEVEL)
    counts = np.isfinite(sequence.low)
    error = np.sqrt(ours.error_squared + theirs.error_squared)
    rejects = counts & (np.abs(sequence.value) > FIXED * error)
    few = np.linspace(users / LOOKS_FEW, users, LOOKS_FEW).astype(int) - 1
    stop = sequence.stops_at
    return Looked(
        sequence=stop is not None,
        missed=bool(np.any((sequence.low > effect) | (sequence.high < effect))),
        naive=bool(rejects.any()),
        naive_few=bool(rejects[few].any()),
        fixed=bool(rejects[-1]),
        users=users if stop is None else stop + 1,
        width=float((sequence.high[-1] - sequence.value[-1]) / (FIXED * error[-1])),
    )


def detectable(kind: str, users: int) -> float:
    """Return the effect that the fixed test finds with a power of 80 % among so many users."""
    return float((FIXED + norm.ppf(POWER)) * _spread(kind) * 2 / math.sqrt(users))


def looked(kind: str, users: int, effect: float, *, runs: int, seed: int) -> dict[str, NDArray[Any]]:
    """Return what came of many such trials, by the fields of `Looked`. Shape [runs]."""
    rng = np.random.default_rng(seed)
    trials = [look(kind, users, effect, rng) for _ in range(runs)]
    return {name: np.array([getattr(trial, name) for trial in trials]) for name in Looked._fields}


def _outcome(kind: str, effects: Floats, rng: np.random.Generator) -> Floats:
    """Draw an outcome per user; an effect makes more users visit or buy, and nobody buy for more."""
    if kind == "visits":
        return np.asarray(rng.random(len(effects)) < VISITED + effects, dtype=np.float64)
    bought = rng.random(len(effects)) < BOUGHT + effects / SPENT_MEAN
    return np.asarray(bought * np.exp(SPENT_LOG_MEAN + SPENT_LOG_SD * rng.standard_normal(len(effects))))


def _spread(kind: str) -> float:
    """Return the outcome's standard deviation without an effect."""
    if kind == "visits":
        return math.sqrt(VISITED * (1 - VISITED))
    return math.sqrt(BOUGHT * SPENT_MEAN**2 * math.exp(SPENT_LOG_SD**2) - (BOUGHT * SPENT_MEAN) ** 2)
