"""Partial pooling of satisfaction curves: how far a user's may leave the segment's, learned from ratings.

A curve has parameters phi = (log a, log (a - b), log theta_s), so that a > 0, b < a and theta_s > 0 hold
whatever their values; a curve that may jump at theta_s has the jump as a fourth. The model is a
random-effects regression:

    s = S(f; phi_user) + noise,   phi_user ~ Normal(phi_segment, T),   phi_segment ~ Normal(phi_population,
    T_0)

with T, T_0 diagonal. Given T and the noise, a user's curve is a penalised least squares: the sum of (s - S(f;
phi))² / noise² plus the sum of (phi - phi_segment)² / T. So the weight of a user's own ratings against the
segment is their number and how much they say about each parameter, against T: no weight is chosen by hand. T
and the noise follow from the data by expectation and maximisation (empirical Bayes): T is the mean of
(phi_user - phi_segment)² *plus the uncertainty of phi_user*, without which few ratings would make users look
too much alike. S is linearised at each user's current curve (Lindstrom and Bates, 1990), one damped
Gauss-Newton step per round, for all users at once.
"""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from scipy.optimize import least_squares, lsq_linear

FloatArray = npt.NDArray[np.float64]
IndexArray = npt.NDArray[np.intp]

START_SPREAD = 0.3
"""The first guess of a standard deviation between users: parameters are logarithms, so about 30 %."""
KNEES = 40
"""How many places of theta_s are tried for the population's curve."""
SHRINKING = (0.5, 0.5, 0.5, 0.0)
"""What a user's step is multiplied by, again and again, while it makes his curve worse."""
A, BEND, KNEE, JUMP = range(4)


class Pooled(NamedTuple):
    """What pooling learned: parameters by row, and how much ratings and users scatter."""

    users: FloatArray  # (users, k)
    segments: FloatArray  # (segments, k)
    noise: float  # standard deviation of a rating about its user's curve
    spread: FloatArray  # (k,) standard deviations between the users of a segment
    iterations: int


def fit_curve(f: FloatArray, s: FloatArray, *, continuous: bool) -> FloatArray:
    """Return the parameters of the one curve that fits all ratings best, by least squares.

    With theta_s known the curve is linear in the rest, so theta_s is first searched on quantiles of f, each
    tried by bounded linear least squares; then all parameters are polished together. A jump cannot be
    polished: its place stays the best one tried.
    """
    knees = np.unique(np.quantile(f[f > 0], np.linspace(0.02, 0.98, KNEES)))
    tried = [_given_knee(f, s, knee, continuous=continuous) for knee in knees]
    best = min(tried, key=lambda phi: float(np.sum(_residual(phi, f, s) ** 2)))
    if not continuous:
        return best
    low, high = [-15.0, -15.0, np.log(knees[0]) - 1e-9], [10.0, 10.0, np.log(knees[-1]) + 1e-9]
    polished = least_squares(lambda phi: _residual(phi, f, s), np.clip(best, low, high), bounds=(low, high))
    return np.asarray(polished.x)


def pool(  # noqa: PLR0913  the ratings, their two groupings, where to start and when to stop
    f: FloatArray,
    s: FloatArray,
    user: IndexArray,
    segment_of_user: IndexArray,
    population: FloatArray,
    *,
    max_iter: int,
    tol: float,
) -> Pooled:
    """Return the curves of users 0, 1, ... (each with some rating) and segments, for ratings s at paces f.

    Stops when no variance changes by more than ``tol`` of itself in a round, or after ``max_iter`` rounds.
    """
    order = np.argsort(user, kind="stable")
    ratings = _Ratings(f[order], s[order], user[order], np.flatnonzero(np.diff(user[order], prepend=-1)))
    centre = np.tile(population, (int(segment_of_user.max()) + 1, 1))
    phi = centre[segment_of_user]
    free = np.arange(population.size) != (KNEE if population.size > JUMP else -1)  # with a jump, theta_s is one for all
    spread2 = np.where(free, START_SPREAD**2, 1e-12)
    segment_spread2 = spread2.copy()
    noise2 = max(float(np.mean(_residual(phi[ratings.user], ratings.f, ratings.s) ** 2)), 1e-8)
    rounds = 0
    for rounds in range(1, max_iter + 1):  # noqa: B007  its last value is reported
        phi, covariance, noise2_new = _round(phi, centre[segment_of_user], ratings, spread2, noise2)
        centre, segment_spread2 = _centres(phi, segment_of_user, spread2, segment_spread2, free)
        uncertainty = np.diagonal(covariance, axis1=1, axis2=2)
        spread2_new = np.where(free, np.mean((phi - centre[segment_of_user]) ** 2 + uncertainty, axis=0), spread2)
        change = np.abs(np.log(np.append(spread2_new / spread2, noise2_new / noise2)))
        spread2, noise2 = spread2_new, noise2_new
        if change.max() < tol:
            break
    return Pooled(phi, centre, noise2**0.5, np.sqrt(spread2) * free, rounds)


class _Ratings(NamedTuple):
    """Ratings sorted by user, with the index of each user's first one."""

    f: FloatArray
    s: FloatArray
    user: IndexArray
    starts: IndexArray

    def per_user(self, values: FloatArray) -> FloatArray:
        """Return the sums of values (one row per rating) over each user's ratings."""
        return np.asarray(np.add.reduceat(values, self.starts, axis=0))


def _given_knee(f: FloatArray, s: FloatArray, knee: float, *, continuous: bool) -> FloatArray:
    parts = [f, -np.maximum(f - knee, 0.0)] + ([] if continuous else [(f >= knee).astype(np.float64)])
    bounds = ([1e-6, 1e-6, -1.0][: len(parts)], [np.inf, np.inf, 1.0][: len(parts)])
    a, bend, *jump = lsq_linear(np.column_stack(parts), s, bounds=bounds).x
    return np.array([np.log(a), np.log(bend), np.log(knee), *jump])


def _raw(phi: FloatArray, f: FloatArray) -> FloatArray:
    """Return the curve before it is clamped: a·f - bend·(f - theta_s)₊, and the jump from theta_s on."""
    a, bend, knee = np.exp(phi[..., A]), np.exp(phi[..., BEND]), np.exp(phi[..., KNEE])
    raw = a * f - bend * np.maximum(f - knee, 0.0)
    return np.asarray(raw + phi[..., JUMP] * (f >= knee) if phi.shape[-1] > JUMP else raw)


def _residual(phi: FloatArray, f: FloatArray, s: FloatArray) -> FloatArray:
    return np.asarray(s - np.clip(_raw(phi, f), 0.0, 1.0))


def _slopes(phi: FloatArray, f: FloatArray, s: FloatArray) -> FloatArray:
    """Return the derivatives of S by each parameter, one row per rating.

    A clamped curve has none, but where the rating lies within the clamp its raw slope still says which way to
    go; only a rating *at* the clamp (S = s = 1, or 0) says nothing.
    """
    raw = _raw(phi, f)
    a, bend, knee = np.exp(phi[:, A]), np.exp(phi[:, BEND]), np.exp(phi[:, KNEE])
    past = f >= knee
    slopes = [a * f, -bend * np.maximum(f - knee, 0.0), bend * knee * past]
    if phi.shape[1] > JUMP:
        slopes.append(past.astype(np.float64))
    silent = ((raw >= 1) & (s >= 1)) | ((raw <= 0) & (s <= 0))
    return np.column_stack(slopes) * ~silent[:, np.newaxis]


def _round(
    phi: FloatArray, prior: FloatArray, ratings: _Ratings, spread2: FloatArray, noise2: float
) -> tuple[FloatArray, FloatArray, float]:
    """Return users' curves one Gauss-Newton step on, their covariances, and the variance of the noise."""
    slopes = _slopes(phi[ratings.user], ratings.f, ratings.s)
    residual = _residual(phi[ratings.user], ratings.f, ratings.s)
    told = ratings.per_user(slopes[:, :, np.newaxis] * slopes[:, np.newaxis, :])
    covariance = np.asarray(np.linalg.inv(told / noise2 + np.diag(1 / spread2)), dtype=np.float64)
    pull = ratings.per_user(slopes * residual[:, np.newaxis]) / noise2 - (phi - prior) / spread2
    step = np.einsum("uij,uj->ui", covariance, pull)

    def cost(trial: FloatArray) -> FloatArray:
        misfit = ratings.per_user(_residual(trial[ratings.user], ratings.f, ratings.s) ** 2) / noise2
        return np.asarray(misfit + np.sum((trial - prior) ** 2 / spread2, axis=1))

    before = cost(phi)
    for shrink in SHRINKING:  # the curve has a bend, so a whole step may overshoot: each user shrinks his own
        step[cost(phi + step) > before] *= shrink
    phi = phi + step
    left = _residual(phi[ratings.user], ratings.f, ratings.s) ** 2
    noise2 = (float(left.sum()) + float(np.einsum("uij,uji->", told, covariance))) / left.size
    return phi, covariance, max(noise2, 1e-8)


def _centres(
    phi: FloatArray,
    segment_of_user: IndexArray,
    spread2: FloatArray,
    segment_spread2: FloatArray,
    free: npt.NDArray[np.bool_],
) -> tuple[FloatArray, FloatArray]:
    """Return segments' curves (their users' means, pulled to the mean of all) and the variance between."""
    users = np.bincount(segment_of_user)[:, np.newaxis]
    means = np.column_stack([np.bincount(segment_of_user, weights=column) for column in phi.T]) / users
    if len(means) == 1:
        return means, segment_spread2
    own, common = users / spread2, 1 / segment_spread2
    trust = 1 / (1 / own + segment_spread2)
    population = np.sum(trust * means, axis=0) / np.sum(trust, axis=0)
    centre = (own * means + common * population) / (own + common)
    between = np.mean((centre - population) ** 2 + 1 / (own + common), axis=0)
    return centre, np.where(free, between, segment_spread2)
