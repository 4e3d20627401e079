"""The exponential, with the same bits on every machine.

The exponential of a system's mathematical library differs between systems in its last bit, and a decision may hang on
that bit. These functions use only operations that IEEE 754 rounds exactly, in a fixed order: a replay elsewhere
agrees bit for bit. Their error is below two units in the last place.
"""

import math

import numpy as np

from andante.compiled import kernel

LEAST, MOST = -708.0, 709.0
"""Below the first, ``exp`` is 0; above the second it is as at the second."""

HALVINGS_MOST = 1021.0
"""After more half-lives than this, ``halved`` is 0."""

_LOG2_E = 1.4426950408889634
# ln 2 in two parts: the first has 33 bits, so that a whole number of them below 2^20 is exact.
_LN_2_HIGH, _LN_2_LOW = 6.93147180369123816490e-01, 1.90821492927058770002e-10
_LN_2 = 0.6931471805599453
_MANTISSA_BITS, _EXPONENT_BIAS = np.int64(52), np.int64(1023)


@kernel
def exp(x: float) -> float:
    """Return e to the power x; 0 below ``LEAST``, no more than e to the power ``MOST``, and NaN for NaN.

    >>> exp(0.0), exp(-1000.0)
    (1.0, 0.0)
    """
    if math.isnan(x):
        return math.nan
    if x < LEAST:
        return 0.0
    wide = min(np.float64(x), MOST)
    whole = math.floor(wide * _LOG2_E + 0.5)
    return float(_power_of_two(whole) * _near_zero(wide - whole * _LN_2_HIGH - whole * _LN_2_LOW))


@kernel
def halved(elapsed_s: float, half_life_s: float) -> float:
    """Return what is left of 1 after this time: one half after each half-life, 2^-(elapsed / half-life).

    The half-life is above zero. A negative time, looking back, gives more than 1, up to 2^HALVINGS_MOST.

    >>> halved(0, 3600), halved(7200, 3600)
    (1.0, 0.25)
    """
    halvings = np.float64(elapsed_s) / np.float64(half_life_s)
    if math.isnan(halvings):
        return math.nan
    if halvings > HALVINGS_MOST:
        return 0.0
    doublings = min(-halvings, HALVINGS_MOST)
    whole = math.floor(doublings + 0.5)
    return float(_power_of_two(whole) * _near_zero((doublings - whole) * _LN_2))


@kernel
def sigmoid(x: float) -> float:
    """Return 1 / (1 + e^-x): 0 far below zero, one half at zero, 1 far above.

    >>> sigmoid(0.0), sigmoid(1000.0)
    (0.5, 1.0)
    """
    wide = np.float64(x)
    shrunk = exp(-abs(wide))
    if wide < 0.0:
        return float(shrunk / (1.0 + shrunk))
    return float(1.0 / (1.0 + shrunk))


@kernel
def _power_of_two(whole: int) -> float:
    """Return 2^whole, for -1022 to 1023, by writing the exponent's bits."""
    return float(np.int64((np.int64(whole) + _EXPONENT_BIAS) << _MANTISSA_BITS).view(np.float64))


@kernel
def _near_zero(x: float) -> float:
    """Return e^x for |x| ≤ 0.35 by its Taylor series up to x^13, whose rest is below 2^-57."""
    tail = 1.0 / 6227020800.0
    tail = tail * x + 1.0 / 479001600.0
    tail = tail * x + 1.0 / 39916800.0
    tail = tail * x + 1.0 / 3628800.0
    tail = tail * x + 1.0 / 362880.0
    tail = tail * x + 1.0 / 40320.0
    tail = tail * x + 1.0 / 5040.0
    tail = tail * x + 1.0 / 720.0
    tail = tail * x + 1.0 / 120.0
    tail = tail * x + 1.0 / 24.0
    tail = tail * x + 1.0 / 6.0
    tail = tail * x + 0.5
    return 1.0 + (x + tail * (x * x))
