"""Chance of the worlds: each draw is a function of seed, user, moment and purpose, and of nothing that was sent.

So the same user draws the same numbers under every policy (common random numbers), in any order, in any number of
users. The generator is SplitMix64 (Steele, Lea and Flood, "Fast splittable pseudorandom number generators", 2014): a
user's key begins a stream, moment and purpose are a place in it. It is the worlds' own, and not the engine's.
"""

import math

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri

from andante.worlds.compiling import kernel

PURPOSES_MAX = 64
"""Purposes of one moment; a moment is an hour of the world, or ``ONCE``."""

ONCE = 2**40
"""The moment of what is drawn once for a user: beyond all hours."""

DAYS = 2**31
"""Moments of days begin here, by the day's number, beyond all hours of worlds."""

BROUGHT = 2**30
"""Added to the hour for a visit that a push brought: it draws apart from the user's own in that hour."""

# Purposes of an hour's visits.
VISIT, VISIT_AT, LOOK, SEARCH, CART, BUY, MARGIN_A, MARGIN_B, BUY_AT, TRIGGER, TRIGGER_AT, RIVAL = range(12)
# Purposes of an hour's pushes: the first, second and third push of an hour begin at PUSH, PUSH + PUSH_DRAWS, ...
LOSS, OPEN, OPEN_AT_A, OPEN_AT_B, CLICK, DISMISS, COMPLAIN = range(7)
PUSH, PUSH_DRAWS, PUSHES_APART = 12, 7, 3
# Purposes of an hour's offers: candidate k of the hour begins at CANDIDATE + CANDIDATE_DRAWS·k.
KIND, THEME, NOISE, WORTH, BAIT = range(5)
OFFER_AT, SECOND, CANDIDATE, CANDIDATE_DRAWS = 33, 34, 35, 5
# Purposes of a day: PART + the day part.
PART = 0

_GOLDEN = np.uint64(0x9E3779B97F4A7C15)
_FIRST, _SECOND = np.uint64(0xBF58476D1CE4E5B9), np.uint64(0x94D049BB133111EB)
_SHIFTS = np.uint64(30), np.uint64(27), np.uint64(31)
_MANTISSA_SHIFT = np.uint64(11)
_WIDTH = np.uint64(PURPOSES_MAX)
_THIRD, _THIRDS, _THIRD_UNIT = np.uint64(2**21 - 1), (np.uint64(21), np.uint64(42)), 2.0**-21
_UNIT = 2.0**-53
_LEAST = 2.0**-54  # keeps logarithms finite


@kernel
def mixed(number: np.uint64) -> np.uint64:
    """Return the 64 bits that SplitMix64 makes of a state."""
    number = (number ^ (number >> _SHIFTS[0])) * _FIRST
    number = (number ^ (number >> _SHIFTS[1])) * _SECOND
    return np.uint64(number ^ (number >> _SHIFTS[2]))


@kernel
def uniform(key: np.uint64, moment: int, purpose: int) -> float:
    """Return a user's draw in [0, 1) for this moment and purpose, with 53 random bits."""
    place = np.uint64(moment) * _WIDTH + np.uint64(purpose)
    return np.float64(mixed(key + _GOLDEN * place) >> _MANTISSA_SHIFT) * _UNIT


@kernel
def normal(key: np.uint64, moment: int, purpose_a: int, purpose_b: int) -> float:
    """Return a standard normal draw by the formula of Box and Muller, from two purposes."""
    radius = math.sqrt(-2.0 * math.log(uniform(key, moment, purpose_a) + _LEAST))
    return radius * math.cos(2.0 * math.pi * uniform(key, moment, purpose_b))


@kernel
def roughly_normal(key: np.uint64, moment: int, purpose: int) -> float:
    """Return a draw of mean 0 and variance 1 from -3 to 3, by three uniforms of 21 bits: for noise, and fast."""
    bits = mixed(key + _GOLDEN * (np.uint64(moment) * _WIDTH + np.uint64(purpose)))
    thirds = (bits & _THIRD) + ((bits >> _THIRDS[0]) & _THIRD) + ((bits >> _THIRDS[1]) & _THIRD)
    return 2.0 * (np.float64(thirds) * _THIRD_UNIT - 1.5)


@kernel
def exponential(key: np.uint64, moment: int, purpose: int) -> float:
    """Return an exponential draw with mean 1."""
    return -math.log(1.0 - uniform(key, moment, purpose))


def keys(seed: int, users: int) -> NDArray[np.uint64]:
    """Return each user's key, shape [users]: it depends on the seed and the user's row alone.

    >>> bool((keys(7, 3) == keys(7, 5)[:3]).all())
    True
    """
    with np.errstate(over="ignore"):
        begun = _scrambled(np.array([seed % 2**64], np.uint64) + _GOLDEN)
        return _scrambled(begun ^ _scrambled(np.arange(1, users + 1, dtype=np.uint64) * _GOLDEN))


def drawn(of: NDArray[np.uint64], moment: int, purpose: int) -> NDArray[np.float64]:
    """Return a draw in (0, 1) for each key: what ``uniform`` gives, but never 0."""
    with np.errstate(over="ignore"):
        place = np.array([moment], np.uint64) * _WIDTH + np.uint64(purpose)
        bits = _scrambled(of + _GOLDEN * place) >> _MANTISSA_SHIFT
    return bits.astype(np.float64) * _UNIT + _LEAST


def normals(of: NDArray[np.uint64], moment: int, purpose: int) -> NDArray[np.float64]:
    """Return a standard normal draw for each key."""
    quantiles: NDArray[np.float64] = ndtri(drawn(of, moment, purpose))
    return quantiles


def _scrambled(numbers: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """Do what ``mixed`` does, to an array."""
    numbers = (numbers ^ (numbers >> _SHIFTS[0])) * _FIRST
    numbers = (numbers ^ (numbers >> _SHIFTS[1])) * _SECOND
    return numbers ^ (numbers >> _SHIFTS[2])
