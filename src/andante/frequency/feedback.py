"""Feedback: two rules that adjust a pace by how interest compares with theta, both kept within bounds.

First seed, section 3.5 (multiplicative) and section 4.5 (additive). Both are vectorised: every argument but
the bounds may be one number or one per user. What is proved here is tested with hypothesis in
``tests/frequency/test_feedback.py``.

Write x = I - theta for the surprise of one update and clip for the clipping to [f_min, f_max].

*Bounds.* Both rules end with clip, so every result is in [f_min, f_max], whatever went in.

*Monotone.* f(1 + alpha x) for f, alpha >= 0 and f + epsilon sign(x) do not fall when I rises, nor does clip:
of two users with one pace, the more interested never gets less.

*Fixed points.* x = 0 changes nothing. For x > 0 only f_max is fixed (and 0, for the multiplicative rule); for
x < 0 only f_min.

*Constant interest.* The pace moves one way until a bound: the additive rule takes ceil(distance / epsilon)
updates, the multiplicative one ceil(log(f_max / f) / log(1 + alpha x)) upwards, and downwards likewise where
f_min > 0 (towards f_min = 0 it shrinks by one factor for ever). It never turns or overshoots, as a clipped
monotone walk cannot.

*Noisy interest.* Let the x of k updates be independent with mean 0, variance v and abs(x) <= r, alpha r < 1.
Then Var(log f_k) <= min(k alpha^2 v / (1 - alpha r)^2, log(f_max / f_min)^2 / 4): log(1 + alpha x) is
Lipschitz in x with constant alpha / (1 - alpha r), which bounds what one update adds; clip is Lipschitz with
constant 1 and so adds nothing; and nothing within bounds varies more than a coin between them (Popoviciu).
Since E log(1 + alpha x) <= 0 (Jensen), pure noise also pulls the multiplicative pace slowly down, by about
alpha^2 v / 2 an update: choose alpha small. For the additive rule, with epsilon in place of all that,
Var(f_k) <= min(k epsilon^2, (f_max - f_min)^2 / 4). Neither rule comes to rest under noise: that takes a
decreasing step, ``decreasing_step``.
"""

import numpy as np
import numpy.typing as npt

from andante.frequency.plan import FloatArray, check_bounds
from andante.vocabulary.fault import SettingsFault


def multiplicative(  # noqa: PLR0913, PLR0917  the six quantities of the formula
    f: npt.ArrayLike,
    interest: npt.ArrayLike,
    theta: npt.ArrayLike,
    alpha: npt.ArrayLike,
    f_min: float,
    f_max: float,
) -> FloatArray:
    """Return the new pace, ``clip(f * (1 + alpha * (I - theta)), f_min, f_max)``, in pushes per week.

    Raises ``SettingsFault`` unless alpha >= 0 and alpha * abs(I - theta) < 1 for everybody. Beyond that
    bound, one update could make the factor 0 or less: clip would hide it at f_min, and where f_min = 0 the
    user would stay at 0 for ever, because 0 is a fixed point of this rule whatever the interest. Below it
    every factor is in (0, 2): a pace stays above 0, and at most doubles. With I and theta in [0, 1] every
    alpha < 1 is safe. A pace that is 0 already stays 0: give f_min > 0, or use ``additive``. Source: first
    seed, section 3.5.

    >>> multiplicative([2.0, 3.0], [0.9, 0.1], theta=0.5, alpha=0.5, f_min=0.5, f_max=14.0).round(9).tolist()
    [2.4, 2.4]
    """
    paces, surprise = _checked(f, interest, theta, f_min, f_max)
    strength = _at_least_zero("alpha", alpha)
    reach = float(np.max(strength * np.abs(surprise), initial=0.0))
    if reach >= 1:
        action = f"give an alpha below {float(np.max(strength)) / reach:.6g}, which is 1 / max |I - theta|"
        raise SettingsFault("alpha", alpha, "could turn a pace to 0 or below in one update", action)
    return np.clip(paces * (1 + strength * surprise), f_min, f_max)


def additive(  # noqa: PLR0913, PLR0917  the six quantities of the formula
    f: npt.ArrayLike,
    interest: npt.ArrayLike,
    theta: npt.ArrayLike,
    epsilon: npt.ArrayLike,
    f_min: float,
    f_max: float,
) -> FloatArray:
    """Return the new pace: f + epsilon where I > theta, f - epsilon where I < theta, clipped; f where equal.

    Only the sign of the surprise counts, so one extreme interest moves a pace no further than any other.
    Raises ``SettingsFault`` unless epsilon >= 0. Source: first seed, section 4.5; its example of section 4.6:

    >>> additive([2.0, 3.0], [5.6, 2.8], theta=[3.0, 5.0], epsilon=0.1, f_min=0.0, f_max=14.0).tolist()
    [2.1, 2.9]
    """
    paces, surprise = _checked(f, interest, theta, f_min, f_max)
    return np.clip(paces + _at_least_zero("epsilon", epsilon) * np.sign(surprise), f_min, f_max)


def decreasing_step(epsilon: npt.ArrayLike, updates: npt.ArrayLike) -> FloatArray:
    """Return epsilon / (1 + updates): the step for ``additive`` after that many earlier updates of the user.

    A constant step chatters for ever around the pace it looks for. Where more pushes mean less interest, that
    pace is the f* at which interest is as often above theta as below. Steps 1, 1/2, 1/3, ... sum to infinity,
    so every f* can be reached, while their squares have a finite sum, so what noise adds dies out: the pace
    converges to f* (Robbins and Monro, 1951).

    The price: after 50 updates a user who changes is followed 50 times more slowly. So start ``updates``
    again at 0 when a plan is learned anew, or keep the constant step, which follows for ever and never rests.

    >>> decreasing_step(0.6, [0, 1, 2]).round(3).tolist()
    [0.6, 0.3, 0.2]
    """
    return _at_least_zero("epsilon", epsilon) / (1 + _at_least_zero("updates", updates))


def _checked(
    f: npt.ArrayLike, interest: npt.ArrayLike, theta: npt.ArrayLike, f_min: float, f_max: float
) -> tuple[FloatArray, FloatArray]:
    check_bounds(f_min, f_max)
    surprise = np.asarray(interest, dtype=np.float64) - np.asarray(theta, dtype=np.float64)
    if not np.isfinite(surprise).all():
        raise SettingsFault(
            "interest - theta", None, "is not finite for every user", "leave out users without interest"
        )
    return _at_least_zero("f", f), surprise


def _at_least_zero(name: str, given: npt.ArrayLike) -> FloatArray:
    values = np.asarray(given, dtype=np.float64)
    bad = ~(np.isfinite(values) & (values >= 0))
    if bad.any():
        raise SettingsFault(
            name, values[bad].flat[0], "is not a finite number >= 0", f"give {name} >= 0 for every user"
        )
    return values
