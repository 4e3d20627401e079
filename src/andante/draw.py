"""Chance: every draw of Andante is a named, repeatable number.

A draw is a function of a seed, a number and a purpose, so the same decision draws the same numbers in the service, in a
replay and in a simulation, in any order and on any machine. The generator is Philox4x32-10 (Salmon, Moraes, Dror and
Shaw, "Parallel random numbers: as easy as 1, 2, 3", 2011): ten rounds of multiplying that turn a counter into bits.
"""

import numpy as np

from andante.compiled import kernel

# What a draw is for. Codes are kept in logs through the decisions they made: never reuse one.
HOLDOUT = 1  # number: the user's key
ARM = 2  # does this user get a random pace this week? number: key and week
ARM_CHOICE = 3  # which pace? number: key and week
SEND = 4  # number: the decision's
CANDIDATE = 5
SPREAD = 6

_LOW = np.uint64(0xFFFFFFFF)
_HALF = np.uint64(32)
_MULTIPLIER_0, _MULTIPLIER_1 = np.uint64(0xD2511F53), np.uint64(0xCD9E8D57)
_WEYL_0, _WEYL_1 = np.uint64(0x9E3779B9), np.uint64(0xBB67AE85)
_ROUNDS = 10
_MANTISSA_SHIFT = np.uint64(11)
_UNIT = 2.0**-53


@kernel
def uniform(seed: int, number: int, purpose: int) -> float:
    """Return the draw in [0, 1) that this seed gives to this number for this purpose, with 53 random bits.

    All three are non-negative and below 2^64.
    """
    wide_seed, wide_number, wide_purpose = np.uint64(seed), np.uint64(number), np.uint64(purpose)
    first, second, _, _ = philox(
        wide_number & _LOW,
        wide_number >> _HALF,
        wide_purpose & _LOW,
        wide_purpose >> _HALF,
        wide_seed & _LOW,
        wide_seed >> _HALF,
    )
    return np.float64(((first << _HALF) | second) >> _MANTISSA_SHIFT) * _UNIT


@kernel
def philox(  # noqa: PLR0913, PLR0917  a counter of four words and a key of two are the generator's published form
    c0: np.uint64, c1: np.uint64, c2: np.uint64, c3: np.uint64, k0: np.uint64, k1: np.uint64
) -> tuple[np.uint64, np.uint64, np.uint64, np.uint64]:
    """Return the four 32-bit words, each in a uint64, that Philox4x32-10 makes of a counter and a key."""
    for _ in range(_ROUNDS):
        product_0, product_1 = _MULTIPLIER_0 * c0, _MULTIPLIER_1 * c2
        c0, c1, c2, c3 = (
            (product_1 >> _HALF) ^ c1 ^ k0,
            product_1 & _LOW,
            (product_0 >> _HALF) ^ c3 ^ k1,
            product_0 & _LOW,
        )
        k0, k1 = (k0 + _WEYL_0) & _LOW, (k1 + _WEYL_1) & _LOW
    return c0, c1, c2, c3
