import os
import subprocess
import sys

import numpy as np
import pytest
from numba import njit
from scipy.stats import chi2_contingency, kstest

from andante import draw

PURPOSES = (draw.HOLDOUT, draw.ARM, draw.ARM_CHOICE, draw.SEND, draw.CANDIDATE, draw.SPREAD)
uniform = draw.uniform


def words(text):
    return [np.uint64(int(word, 16)) for word in text.split()]


@pytest.mark.parametrize(
    ("counter", "key", "expected"),
    [
        ("0 0 0 0", "0 0", "6627e8d5 e169c58d bc57ac4c 9b00dbd8"),
        (
            "ffffffff ffffffff ffffffff ffffffff",
            "ffffffff ffffffff",
            "408f276d 41c83b0e a20bc7c6 6d5451fd",
        ),
        (
            "243f6a88 85a308d3 13198a2e 03707344",
            "a4093822 299f31d0",
            "d16cfe09 94fdcceb 5001e420 24126ea1",
        ),
    ],
)
def test_the_generator_gives_the_published_answers(counter, key, expected):
    assert [int(word) for word in draw.philox(*words(counter), *words(key))] == [int(word) for word in words(expected)]


def test_a_draw_takes_its_bits_from_the_first_two_words():
    first, second = 0x6627E8D5, 0xE169C58D
    assert uniform(0, 0, 0) == ((first << 32 | second) >> 11) / 2**53


@njit
def many(seed, numbers, purpose, drawn):
    for place in range(len(numbers)):
        drawn[place] = uniform(seed, numbers[place], purpose)


def draws(seed, numbers, purpose):
    drawn = np.empty(len(numbers))
    many(np.uint64(seed), numbers.astype(np.uint64), purpose, drawn)
    return drawn


def test_draws_are_uniform_for_numbers_in_a_row_and_for_every_purpose():
    for purpose in PURPOSES:
        assert kstest(draws(7, np.arange(100_000), purpose), "uniform").pvalue > 0.001


def test_draws_are_uniform_over_seeds_in_a_row():
    drawn = [uniform(np.uint64(seed), np.uint64(1), draw.SEND) for seed in range(20_000)]
    assert kstest(drawn, "uniform").pvalue > 0.001


def test_draws_of_two_purposes_of_neighbouring_numbers_and_of_neighbouring_seeds_are_independent():
    numbers = np.arange(200_000)
    base = draws(7, numbers, draw.SEND)
    others = [draws(7, numbers, purpose) for purpose in PURPOSES if purpose != draw.SEND]
    others += [draws(7, numbers + 1, draw.SEND), draws(8, numbers, draw.SEND)]
    for other in others:
        table, _, _ = np.histogram2d(base, other, bins=10, range=[(0, 1), (0, 1)])
        assert chi2_contingency(table).pvalue > 0.001


def test_every_bit_of_seed_number_and_purpose_changes_the_draw():
    arguments = [0, 0, 0]
    drawn = {uniform(*map(np.uint64, arguments))}
    for place in range(3):
        for bit in range(64):
            changed = list(arguments)
            changed[place] = 1 << bit
            drawn.add(uniform(*map(np.uint64, changed)))
    assert len(drawn) == 1 + 3 * 64


def test_the_purposes_are_all_different():
    assert len(set(PURPOSES)) == len(PURPOSES)


def workload():
    rng = np.random.default_rng(11)
    numbers = rng.integers(0, 2**64, (500, 3), dtype=np.uint64)
    return np.array([uniform(*row) for row in numbers]).tobytes()


def test_compiled_and_uncompiled_draws_have_the_same_bits():
    plain = subprocess.run(
        [sys.executable, __file__], env={**os.environ, "NUMBA_DISABLE_JIT": "1"}, capture_output=True, check=True
    )
    assert plain.stdout == workload()


if __name__ == "__main__":
    sys.stdout.buffer.write(workload())
