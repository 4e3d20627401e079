import math
import os
import struct
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numba import njit

from andante import exponential

exp, halved, sigmoid = exponential.exp, exponential.halved, exponential.sigmoid


@njit
def exp_of_each(points, results):
    for place in range(len(points)):
        results[place] = exp(points[place])


@njit
def halved_of_each(elapsed_s, half_life_s, results):
    for place in range(len(elapsed_s)):
        results[place] = halved(elapsed_s[place], half_life_s[place])


@njit
def sigmoid_of_each(points, results):
    for place in range(len(points)):
        results[place] = sigmoid(points[place])


def error_ulp(results, exact):
    """Return the largest error in units of the last place of the exact result."""
    unit = np.spacing(exact.astype(np.float64))
    return float(np.max(np.abs(results.astype(np.longdouble) - exact) / unit))


def test_exp_errs_by_less_than_two_units_in_the_last_place():
    rng = np.random.default_rng(3)
    points = np.concatenate(
        [
            rng.uniform(exponential.LEAST, exponential.MOST, 500_000),
            rng.uniform(-2, 2, 400_000),
            rng.normal(0, 1e-6, 100_000),
        ]
    )
    results = np.empty_like(points)
    exp_of_each(points, results)
    assert error_ulp(results, np.exp(points.astype(np.longdouble))) < 2


def test_halved_errs_by_less_than_two_units_in_the_last_place():
    rng = np.random.default_rng(4)
    elapsed_s, half_life_s = rng.integers(0, 10**9, 200_000).astype(np.float64), rng.uniform(1e6, 1e8, 200_000)
    results = np.empty_like(elapsed_s)
    halved_of_each(elapsed_s, half_life_s, results)
    # The quotient is rounded before the power: its own error belongs to the arguments.
    assert error_ulp(results, np.exp2(-(elapsed_s / half_life_s).astype(np.longdouble))) < 2


def test_sigmoid_errs_by_less_than_four_units_in_the_last_place():
    points = np.random.default_rng(5).uniform(-50, 50, 200_000)
    results = np.empty_like(points)
    sigmoid_of_each(points, results)
    assert error_ulp(results, 1 / (1 + np.exp(-points.astype(np.longdouble)))) < 4


@pytest.mark.parametrize(
    ("function", "arguments", "bits"),
    [
        (exp, (1.0,), "4005bf0a8b14576a"),
        (exp, (-1.0,), "3fd78b56362cef38"),
        (exp, (0.1,), "3ff1aec7b35a00d4"),
        (exp, (-37.5,), "3c8dd5c566301ec8"),
        (exp, (700.25,), "7f12fd8e4cbfa413"),
        (halved, (1.0, 3.0), "3fe965fea53d6e3c"),
        (halved, (216_000.0, 1_296_000.0), "3fec823e074ec129"),
        (sigmoid, (0.3,), "3fe261d545e46a8b"),
        (sigmoid, (-4.0,), "3f926afa1e43c2c2"),
    ],
)
def test_results_have_the_golden_bits(function, arguments, bits):
    assert struct.pack(">d", function(*arguments)).hex() == bits


def test_exp_is_clamped_at_both_ends_and_keeps_nan():
    assert exp(-math.inf) == exp(-708.5) == 0.0
    assert exp(math.inf) == exp(709.5) == exp(709.0)
    assert math.isfinite(exp(709.0))
    assert exp(-708.0) > 0.0
    assert math.isnan(exp(math.nan))


@settings(deadline=None)  # the first example compiles
@given(st.floats(-708, 709), st.floats(-708, 709))
def test_a_larger_exponent_never_gives_a_smaller_power(a, b):
    low, high = sorted((a, b))
    assert exp(low) <= exp(high) * (1 + 2**-51)


@settings(deadline=None)  # the first example compiles
@given(st.integers(0, 1021), st.integers(1, 10**7))
def test_whole_half_lives_halve_exactly(halvings, half_life_s):
    assert halved(halvings * half_life_s, half_life_s) == 2.0**-halvings


def test_halved_is_clamped_at_both_ends_and_keeps_nan():
    assert halved(10**12, 1.0) == 0.0
    assert halved(-(10**12), 1.0) == 2.0**1021
    assert halved(5.0, math.inf) == 1.0
    assert math.isnan(halved(math.nan, 1.0))


def test_sigmoid_is_symmetric_and_saturates():
    assert sigmoid(0.0) == 0.5
    assert sigmoid(1e9) == 1.0
    assert sigmoid(-1e9) == 0.0
    assert abs(sigmoid(2.5) + sigmoid(-2.5) - 1.0) < 1e-15
    assert math.isnan(sigmoid(math.nan))


def workload():
    rng = np.random.default_rng(12)
    points, lives = rng.uniform(-720, 720, 3000), rng.uniform(1, 1e6, 3000)
    small = rng.normal(0, 3, 3000)
    results = [
        (exp(x), halved(abs(x) * 1e4, life), sigmoid(y)) for x, life, y in zip(points, lives, small, strict=True)
    ]
    return np.array(results).tobytes()


def test_compiled_and_uncompiled_exponentials_have_the_same_bits():
    plain = subprocess.run(
        [sys.executable, __file__], env={**os.environ, "NUMBA_DISABLE_JIT": "1"}, capture_output=True, check=True
    )
    assert plain.stdout == workload()


if __name__ == "__main__":
    sys.stdout.buffer.write(workload())
