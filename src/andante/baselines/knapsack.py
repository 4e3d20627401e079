"""The multiple-choice knapsack: one pace for each user, so that value is greatest within a budget.

Lagrange: at a price mu per push every user takes the pace with the most value net of the price, and mu is found by
bisection, as what is sent falls when it rises (Sinha and Zoltners, "The multiple-choice knapsack problem", 1979). Where
the last user to get more cannot get all of it, what is left of the budget goes to those for whom it is enough.
"""

from typing import NamedTuple

import numpy as np

from andante.vocabulary.fault import InputFault
from andante.worlds.contract import Floats, Ints

_HALVINGS = 100


class Choice(NamedTuple):
    """The pace chosen for every user, as a column, and the price of a push at which the budget is met."""

    column: Ints
    price: float


def knapsack(value: Floats, sends: Floats, budget: float | None = None) -> Choice:
    """Choose a column for every row: the most value, with ``sends`` of all rows together at most ``budget``.

    Shapes [users, paces]. Without a budget every row takes its best column. Ties go to fewer sends. Raises InputFault
    for shapes that differ, for what is not finite, and where not even the fewest sends of all rows are within budget.

    >>> value, sends = np.array([[0.0, 5.0, 6.0], [0.0, 2.0, 9.0]]), np.array([[0.0, 1.0, 2.0], [0.0, 1.0, 2.0]])
    >>> knapsack(value, sends, 3.0).column.tolist(), knapsack(value, sends).column.tolist()
    ([1, 2], [2, 2])
    """
    _check(value, sends, budget)
    free = _at_price(value, sends, 0.0)
    if budget is None or _spent(sends, free) <= budget:
        return Choice(free, 0.0)
    low, high = 0.0, _prohibitive(value, sends)
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        if _spent(sends, _at_price(value, sends, middle)) > budget:
            low = middle
        else:
            high = middle
    return Choice(_filled(value, sends, _at_price(value, sends, high), budget), high)


def _check(value: Floats, sends: Floats, budget: float | None) -> None:
    if value.shape != sends.shape or value.ndim != 2:  # noqa: PLR2004  users and paces
        raise InputFault("values of paces", f"{value.shape} beside {sends.shape}", "do not match", "give both by user")
    if not (np.isfinite(value).all() and np.isfinite(sends).all()):
        raise InputFault("values of paces", None, "are not all finite", "leave out users without a curve")
    if budget is not None and sends.min(axis=1, initial=np.inf).sum() > budget:
        raise InputFault("budget", budget, "is below the fewest sends of all users", "let a pace of 0 be among them")


def _at_price(value: Floats, sends: Floats, price: float) -> Ints:
    net = value - price * sends
    best = net >= net.max(axis=1, keepdims=True) - 1e-12 * np.maximum(1.0, np.abs(net).max(axis=1, keepdims=True))
    return np.asarray(np.where(best, sends, np.inf).argmin(axis=1))


def _spent(sends: Floats, column: Ints) -> float:
    return float(np.take_along_axis(sends, column[:, None], axis=1).sum())


def _prohibitive(value: Floats, sends: Floats) -> float:
    """Return a price at which everybody takes the fewest sends: above the steepest of all steps."""
    fewest = sends.min(axis=1, keepdims=True)
    base = np.where(sends == fewest, value, -np.inf).max(axis=1, keepdims=True)
    more = sends > fewest
    steps = (value - base)[more] / (sends - fewest)[more]
    return max(float(steps.max(initial=0.0)), 0.0) * 2 + 1.0


def _filled(value: Floats, sends: Floats, column: Ints, budget: float) -> Ints:
    """Return the plan after what is left of the budget has gone where it adds most per push, step by step."""
    column = column.copy()
    rows = np.arange(len(column))
    while True:
        left = budget - _spent(sends, column)
        more = sends - sends[rows, column][:, None]
        gain = value - value[rows, column][:, None]
        rate = np.where((more > 0) & (more <= left + 1e-9) & (gain > 0), gain / np.where(more > 0, more, 1.0), 0.0)
        best = rate.max(axis=1)
        order = np.argsort(-best, kind="stable")[: int((best > 0).sum())]
        if not len(order):
            return column
        step = rate[order].argmax(axis=1)
        fits = np.cumsum(more[order, step]) <= left + 1e-9
        fits[0] = True
        column[order[fits]] = step[fits]
