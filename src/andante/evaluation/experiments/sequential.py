"""A test that may be looked at after every user: an interval that holds at all looks together.

A fixed test of 5 % looked at daily is a test of 20 or 30 %. Here the interval is a *confidence sequence*: the
probability that it ever leaves out the true difference, at any look, however the looks were chosen, is at most 5 %. So
one may stop when it leaves out zero, or go on, or stop for any other reason. It is about half as wide again as the
fixed interval at the number of users that was planned, and wider elsewhere: that is the price of looking.

The boundary is Robbins's normal mixture (1970; Howard, Ramdas, McAuliffe & Sekhon 2021, Prop. 5), made asymptotic by
estimated variances as Waudby-Smith, Arbour, Sinha, Kennedy & Ramdas do (2024, "Time-uniform central limit theory and
asymptotic confidence sequences", Ann. Statist. 52(6)); with a normal mixture it is the mSPRT of Johari, Koomen, Pekelis
& Walsh (2022). *Asymptotic* means: it holds from some number of users on. With rare, heavy-tailed outcomes early
variances are too small, so that looks before ``USERS_MIN`` users and ``EVENTS_MIN`` outcomes other than zero in each
group do not count.
"""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from andante.vocabulary.fault import InputFault, NotEnoughData

Floats = NDArray[np.float64]

LEVEL = 0.95
USERS_MIN = 100
EVENTS_MIN = 20
TWO = 2


@dataclass(frozen=True, slots=True, eq=False)
class Arm:
    """What a group of users came to, at each look. Shape of all columns: [looks].

    Raises InputFault where columns differ in shape, or users do not grow from look to look.
    """

    users: Floats
    total: Floats  # sum of the outcome over users
    squares: Floats  # sum of its square
    nonzero: Floats  # users whose outcome is not zero

    def __post_init__(self) -> None:
        """Make every column an array, and refuse what cannot be meant."""
        for name in ("users", "total", "squares", "nonzero"):
            object.__setattr__(self, name, np.asarray(getattr(self, name), dtype=np.float64))
            if getattr(self, name).shape != self.users.shape or self.users.ndim != 1:
                raise InputFault(name, getattr(self, name).shape, "is not one value per look", "give arrays [looks]")
        if np.any(np.diff(self.users) < 0):
            raise InputFault("users", "fewer at a later look", "cannot be", "give totals up to each look, in order")

    @property
    def mean(self) -> Floats:
        """The mean outcome at each look; NaN without users."""
        return self.total / np.where(self.users > 0, self.users, np.nan)

    @property
    def error_squared(self) -> Floats:
        """The squared standard error of the mean at each look; NaN below two users."""
        known = self.users >= TWO
        count = np.where(known, self.users, np.nan)
        spread = np.maximum(self.squares - self.total**2 / count, 0.0) / (count - 1)
        return np.asarray(spread / count, dtype=np.float64)


@dataclass(frozen=True, slots=True, eq=False)
class Sequence:
    """The difference of the means of two groups, as at each look. Shape of all columns: [looks].

    ``low`` and ``high`` hold at all looks together; before the first look that counts they are infinite. They are of
    each look alone: their running intersection holds too, and may become empty, which says that an assumption fails.
    ``p_value`` is the smallest so far: it may be read at any look, and never rises.
    """

    users: Floats
    value: Floats
    low: Floats
    high: Floats
    p_value: Floats

    @property
    def stops_at(self) -> int | None:
        """The first look at which the interval leaves out zero; None if none does."""
        out = np.flatnonzero((self.low > 0) | (self.high < 0))
        return int(out[0]) if len(out) else None


def running(outcome: ArrayLike, treated: ArrayLike, looks: ArrayLike | None = None) -> tuple[Arm, Arm]:
    """Return treated users and held out ones as at each look, from users in the order in which they were observed.

    ``looks`` are numbers of users at which one looks, in order; by default after each user.

    >>> treated, held = running([1.0, 0.0, 2.0], [1, 0, 1])
    >>> treated.total.tolist(), held.users.tolist()
    ([1.0, 1.0, 3.0], [0.0, 1.0, 1.0])
    """
    values, pushed = np.asarray(outcome, dtype=np.float64), np.asarray(treated, dtype=bool)
    if values.shape != pushed.shape or values.ndim != 1:
        found = f"{values.shape} and {pushed.shape}"
        raise InputFault("outcome and treated", found, "do not match", "give one value of each per user")
    places = (np.arange(len(values)) if looks is None else np.asarray(looks, dtype=np.int64) - 1).astype(np.int64)
    return _arm(values, pushed, places), _arm(values, ~pushed, places)


def confidence_sequence(treated: Arm, held: Arm, *, users_planned: float, level: float = LEVEL) -> Sequence:
    """Return the difference treated - held out with an interval that holds at all looks together.

    ``users_planned``, of both groups, must be fixed before the first look: the interval is narrowest there. Any value
    is valid, and one that is off by a factor of four costs little. Raises NotEnoughData without looks.
    """
    if not len(treated.users):
        raise NotEnoughData("the trial", "0 looks", "cannot be judged", "give at least one look")
    users = treated.users + held.users
    value = treated.mean - held.mean
    error_squared = treated.error_squared + held.error_squared
    counts = np.minimum(treated.users, held.users) >= USERS_MIN
    counts &= np.minimum(treated.nonzero, held.nonzero) >= EVENTS_MIN
    counts &= error_squared > 0
    rho = best_rho(users_planned, 1 - level)
    radius = np.zeros(len(users))
    radius[counts] = (
        boundary(users[counts], rho, 1 - level) / users[counts] * np.sqrt(error_squared[counts] * users[counts])
    )
    evidence = np.zeros(len(users))  # logarithm of the e-value: the mixture of likelihood ratios against no difference
    share = users[counts] / (users[counts] + rho)
    evidence[counts] = (value[counts] ** 2 / error_squared[counts] * share + np.log1p(-share)) / 2
    p_value = np.exp(-np.maximum.accumulate(np.maximum(evidence, 0.0)))
    low, high = (np.where(counts, value + side * radius, side * np.inf) for side in (-1, 1))
    return Sequence(users, value, low, high, p_value)


def boundary(v: ArrayLike, rho: float, alpha: float) -> Floats:
    """Return what a sum of independent terms with mean 0 and total variance ``v`` never exceeds, both ways.

    With probability 1 - alpha at all v > 0 together: sqrt((v + ρ) log((v + ρ) / (α² ρ))) of Robbins's normal mixture
    (Howard et al. 2021, eq. 14).

    >>> round(float(boundary(10_000.0, best_rho(10_000.0, 0.05), 0.05)), 6)  # as in confseq 0.0.11
    303.520899
    """
    time = np.asarray(v, dtype=np.float64)
    return np.asarray(np.sqrt((time + rho) * np.log((time + rho) / (alpha**2 * rho))), dtype=np.float64)


def best_rho(v: float, alpha: float) -> float:
    """Return the mixture's ρ with which the boundary is about lowest at ``v`` (Howard et al. 2021, sec. 3.5)."""
    if not (v > 0 and 0 < alpha < 1):
        raise InputFault(
            "the plan", f"{v:g} users at level {1 - alpha:g}", "cannot be", "give users > 0, 0 < level < 1"
        )
    return v / (2 * math.log(1 / alpha) + math.log(1 + 2 * math.log(1 / alpha)))


def _arm(values: Floats, mine: NDArray[np.bool_], places: NDArray[np.int64]) -> Arm:
    own = np.where(mine, values, 0.0)
    columns = (mine, own, own**2, own != 0)
    return Arm(*(np.cumsum(column, dtype=np.float64)[places] for column in columns))
