"""Time until the next visit: a Weibull survival model with covariates, fitted by maximum likelihood.

The hazard at time t is kappa t^(kappa - 1) exp(x'b): Weibull with a log-linear scale, as in LinkedIn's model of visits
after a notification (Yuan, Zhang, Chatterjee, Yu and Rosales, "A state transition model for mobile notifications via
survival analysis", WSDM 2019). Users who did not come within the window are censored there.
"""

from dataclasses import dataclass

import numpy as np
from scipy.optimize import minimize

from andante.vocabulary.fault import NotEnoughData
from andante.worlds.contract import Floats, Mask

VISITS_MIN = 20


@dataclass(frozen=True, slots=True)
class Survival:
    """A fitted model: weights of the covariates, shape [covariates], and the shape of the hazard over time."""

    weights: Floats
    kappa: float

    def comes_within(self, x: Floats, days: float) -> Floats:
        """Return the probability of a visit within so many days. ``x`` has the shape [rows, covariates]."""
        return np.asarray(-np.expm1(-np.exp(np.clip(x @ self.weights, -50, 50)) * days**self.kappa))


def fit_survival(x: Floats, days: Floats, seen: Mask, *, ridge: float = 1.0) -> Survival:
    """Fit times until a visit; where ``seen`` is not set, none came within ``days``.

    ``ridge`` is the strength of a normal prior on all weights but the first, which is the constant's. Raises
    NotEnoughData where too few visits were seen.
    """
    if int(seen.sum()) < VISITS_MIN:
        raise NotEnoughData("survival model", int(seen.sum()), "has too few visits", f"give at least {VISITS_MIN}")
    penalty = np.full(x.shape[1], ridge)
    penalty[0] = 0.0

    found = minimize(
        _loss,
        np.append(np.log(seen.sum() / days.sum()), np.zeros(x.shape[1])),
        args=(x, np.log(days), seen.astype(np.float64), penalty),
        jac=True,
        hess=_curvature,
        method="trust-exact",
        options={"gtol": 1e-6},
    )
    return Survival(np.asarray(found.x[:-1]), float(np.exp(found.x[-1])))


def _loss(parameters: Floats, x: Floats, log_days: Floats, seen: Floats, penalty: Floats) -> tuple[float, Floats]:
    """Return the mean negative logarithm of the likelihood, and its gradient by the weights and by log kappa."""
    weights, kappa = parameters[:-1], np.exp(parameters[-1])
    cumulated = _cumulated(parameters, x, log_days)
    value = (cumulated - seen * (x @ weights + parameters[-1] + (kappa - 1) * log_days)).sum()
    excess = cumulated - seen
    gradient = np.append(x.T @ excess + penalty * weights, kappa * (excess * log_days).sum() - seen.sum())
    return float(value + 0.5 * (penalty * weights**2).sum()) / len(x), gradient / len(x)


def _curvature(parameters: Floats, x: Floats, log_days: Floats, seen: Floats, penalty: Floats) -> Floats:
    """Return the second derivatives of the loss."""
    kappa, cumulated = np.exp(parameters[-1]), _cumulated(parameters, x, log_days)
    both = kappa * (x.T @ (cumulated * log_days))
    last = kappa * ((cumulated - seen) * log_days).sum() + kappa**2 * (cumulated * log_days**2).sum()
    weights = x.T @ (cumulated[:, None] * x) + np.diag(penalty)
    return np.asarray(np.block([[weights, both[:, None]], [both[None, :], np.array([[last]])]]) / len(x))


def _cumulated(parameters: Floats, x: Floats, log_days: Floats) -> Floats:
    score = x @ parameters[:-1] + np.exp(np.clip(parameters[-1], -5, 5)) * log_days
    return np.asarray(np.exp(np.clip(score, -50, 50)))
