"""Scenarios: what a user's features would be if they did one thing more, or nothing for a while.

A feature cannot be moved alone: a visit today also shortens recency and the mean gap and adds to every
window. Each scenario therefore moves all features that the deed would move, by the definitions in
:mod:`andante.profiles.features`.
"""

import math
from collections.abc import Mapping

WINDOWS = ("_1d", "_7d", "_30d", "_90d")
VIEWS_A_VISIT = 3
QUIET_DAYS = 30

Values = Mapping[str, float]


def scenarios(values: Values, *, browses: bool, pushed: bool) -> dict[str, dict[str, float]]:
    """Return the features after each deed that this shop's log can hold, by the deed's code.

    Codes: ``visit_today`` (only where the log has views), ``purchase_today``, ``quiet_month``, and with a message log
    ``answers_next_push`` and ``ignores_three_pushes``.
    """
    found = {"visit_today": _visited(values)} if browses else {}
    found |= {"purchase_today": _bought(values), "quiet_month": _quiet(values)}
    if pushed:
        found |= {"answers_next_push": _pushed(values, 1, 1), "ignores_three_pushes": _pushed(values, 3, 0)}
    return found


def _visited(values: Values) -> dict[str, float]:
    """Add one visit today, of a few views."""
    after = dict(values)
    _add(after, "views", VIEWS_A_VISIT)
    _add(after, "events", VIEWS_A_VISIT)
    return _active_today(after)


def _bought(values: Values) -> dict[str, float]:
    """Add one order today, of the user's usual size."""
    after = dict(values)
    usual = values.get("spend_per_purchase", math.nan)
    _add(after, "purchases", 1)
    _add(after, "spend", 0 if math.isnan(usual) else usual)
    lines = values.get("lines_per_purchase", math.nan)
    _add(after, "lines", 1 if math.isnan(lines) else lines)
    _add(after, "events", 1 if math.isnan(lines) else lines)
    after["recency_purchase_days"] = 0.5
    after["purchases_a_week"] = 7 * after["purchases"] / max(after["tenure_days"], 1)
    return _active_today(after)


def _active_today(after: dict[str, float]) -> dict[str, float]:
    """Count today as one more active day and session."""
    _add(after, "active_days", 1)
    _add(after, "sessions", 1)
    after["recency_days"] = 0.5
    return _rates(after)


def _quiet(values: Values) -> dict[str, float]:
    """Let some days pass with nothing done: recencies grow, short windows empty."""
    after = dict(values)
    for name in values:
        if name.endswith(("_1d", "_7d", "_30d")):
            after[name] = 0.0
        elif name.startswith("recency_") or name == "tenure_days":
            after[name] = values[name] + QUIET_DAYS
    after["purchases_a_week"] = 7 * after["purchases"] / max(after["tenure_days"], 1)
    return _rates(after)


def _pushed(values: Values, pushes: int, responses: int) -> dict[str, float]:
    """Add pushes and responses; the rate moves as its shrunken mean does. Time stands still."""
    after = dict(values)
    weight = 4 + values["pushes"] if not math.isnan(values["response_rate"]) else 4.0
    rate = 0.0 if math.isnan(values["response_rate"]) else values["response_rate"]
    _add(after, "pushes", pushes)
    after["responses"] += responses
    after["response_rate"] = (rate * weight + responses) / (weight + pushes)
    return after


def _add(after: dict[str, float], name: str, amount: float) -> None:
    """Add to a count and to all its windows."""
    for column in (name, *(name + window for window in WINDOWS)):
        if column in after:
            after[column] += amount


def _rates(after: dict[str, float]) -> dict[str, float]:
    """Set what is derived from counts anew."""
    after["gap_days"] = after["tenure_days"] / after["active_days"]
    after["overdue"] = after["recency_days"] / after["gap_days"] if after["gap_days"] else math.nan
    return after
