"""Named chance: a generator for each purpose and block of users, and what drawing in bulk needs."""

import zlib

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]


def named_generator(seed: int, name: str, *key: int) -> np.random.Generator:
    """Return the generator of one purpose (``name``) and place (``key``, for example a block of users).

    Streams of different names or keys are independent, so a new draw for one purpose never moves another.

    >>> bool(named_generator(7, "taste", 0).random() == named_generator(7, "taste", 0).random())
    True
    >>> bool(named_generator(7, "taste", 0).random() == named_generator(7, "taste", 1).random())
    False
    """
    return np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(zlib.crc32(name.encode()), *key)))


def zipf_shares(count: int, exponent: float) -> Floats:
    """Return the shares of ``count`` ranks whose popularity falls as rank to the power ``-exponent``.

    >>> zipf_shares(3, 1.0).round(3).tolist()
    [0.545, 0.273, 0.182]
    """
    weights = np.arange(1, count + 1, dtype=np.float64) ** -exponent
    shares: Floats = weights / weights.sum()
    return shares


def places(counts: Ints) -> Ints:
    """Return the place of every element within its run, given the lengths of the runs.

    >>> places(np.array([2, 0, 3])).tolist()
    [0, 1, 0, 1, 2]
    """
    return np.arange(counts.sum()) - np.repeat(np.cumsum(counts) - counts, counts)


def pick(cumulative: Floats, row: Ints, uniform: Floats) -> Ints:
    """Draw a column for every element from the distribution of its row.

    ``cumulative`` (rows x columns) holds running sums up to 1; ``row`` and ``uniform`` hold one entry each.

    >>> pick(np.array([[0.5, 1.0], [0.1, 1.0]]), np.array([0, 1]), np.array([0.3, 0.3])).tolist()
    [0, 1]
    """
    column = np.zeros(row.size, dtype=np.int64)
    for edge in cumulative.T[:-1]:  # the last edge is 1 up to rounding, and is never passed
        column += uniform >= edge[row]
    return column
