"""Sanity of the reference world: what its parameters are to show, asserted by living through it.

Every figure comes from the world itself, at constant paces; the same users draw the same numbers at each pace, so a
difference of two paces is far surer than either. The expected value beside it (``andante.worlds.truth``) is free of
chance, and is what the picture's lines are.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from andante.baselines.constant import NoPush, Pace
from andante.worlds.catalogue import nature, world
from andante.worlds.loop import live
from andante.worlds.truth import expected

PACES = (0.0, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0, 10.0)
HORIZONS = (4, 13, 26, 52)
MONTH = 4
"""Weeks of a month: month 13 is weeks 49 to 52."""

TRIAL_WEEKS = 7
RESAMPLES = 2000


class Runs(NamedTuple):
    """What came of paces in the reference world, summed over users, shape [seeds, paces, weeks]."""

    value: NDArray[np.float64]  # a user
    visits: NDArray[np.float64]
    left: NDArray[np.float64]  # share of users that have opted out by the end of the week
    uninstalled: NDArray[np.float64]
    sends: NDArray[np.float64]
    opens: NDArray[np.float64]
    orders: NDArray[np.float64]


class Sanity(NamedTuple):
    """Rows to keep, and the points of the picture."""

    rows: list[dict[str, Any]]
    points: list[dict[str, Any]]


def sanity(users: int = 40_000, weeks: int = 52, seeds: int = 3, *, paces: Sequence[float] = PACES) -> Sanity:
    """Live through the reference world at every pace, and say of each sanity assertion whether it holds.

    With fewer than 52 weeks, what needs more is left out.
    """
    runs = lived_through(users, weeks, seeds, paces)
    truth = expected(nature("reference"), min(users, 10_000), weeks, 7, np.array(paces), by_week=True)
    mean = truth.value.mean(axis=0)
    points = [
        {"weeks": horizon, "pace": pace, "value": float(value), "lived": float(lived)}
        for horizon in HORIZONS
        if horizon <= weeks
        for pace, value, lived in zip(paces, _gain(mean, horizon), _gain(runs.value.mean(axis=0), horizon), strict=True)
    ]
    return Sanity(assertions(runs, paces), points)


def lived_through(users: int, weeks: int, seeds: int, paces: Sequence[float]) -> Runs:
    """Live through the reference world once for each seed and pace."""
    told = [[_run(users, weeks, seed, pace) for pace in paces] for seed in range(seeds)]
    return Runs(**{name: np.array([[one[name] for one in row] for row in told]) for name in Runs._fields})


def _run(users: int, weeks: int, seed: int, pace: float) -> dict[str, NDArray[np.float64]]:
    """Return the means over users of one run, by week."""
    lived = live(world("reference", users, weeks, seed), Pace(pace, seed) if pace else NoPush())
    names = ("value", "visits", "sends", "opens", "orders")
    means = {name: getattr(lived, name).mean(axis=0, dtype=np.float64) for name in names}
    return {**means, "left": 1 - lived.subscribed.mean(axis=0), "uninstalled": 1 - lived.installed.mean(axis=0)}


def assertions(runs: Runs, paces: Sequence[float]) -> list[dict[str, Any]]:
    """Return a row for each assertion that the runs are long enough for: what was found, and whether it holds."""
    weeks = runs.value.shape[2]
    at = {pace: place for place, pace in enumerate(paces)}
    rows = [
        _row("month 1: visits at 3 against 6 a week", _lead(runs.visits, at[3.0], at[6.0], 0, MONTH), -0.055, -0.025),
        _row("month 1: value at 8 against 4 a week", _lead(runs.value, at[8.0], at[4.0], 0, MONTH), 0.0, None),
        _row("orders per visit, no push", _per(runs.orders, runs.visits, at[0.0]), 0.031, 0.037),
        _row("opens per push in the first week, 1 a week", _early(runs, at[1.0]), 0.023, 0.033),
    ]
    for low, high in ((3.0, 4.0), (5.0, 6.0)):
        if weeks >= TRIAL_WEEKS:
            for what, column in (("opt-outs", runs.left), ("uninstalls", runs.uninstalled)):
                more = (column[:, at[high], TRIAL_WEEKS - 1] - column[:, at[low], TRIAL_WEEKS - 1]) / (high - low)
                rows.append(_row(f"{what} after 7 weeks, per weekly push from {low:g} to {high:g}", more, None, None))
    best = {horizon: _best(runs, paces, horizon) for horizon in HORIZONS if horizon <= weeks}
    for horizon, found in best.items():
        bounds = {26: (4.0, 7.0), 52: (3.0, 5.0)}.get(horizon, (None, None))
        rows.append(_row(f"best pace over {horizon} weeks", found, *bounds))
    if weeks >= 13 * MONTH:
        late = _lead(runs.value, at[8.0], at[4.0], 12 * MONTH, 13 * MONTH)
        rows.append(_row("month 13: value at 8 against 4 a week", late, None, 0.0))
        rows.append(_row("best pace over 52 weeks less that over 26", best[52] - best[26], None, -0.5))
    return rows


def _row(name: str, by_seed: NDArray[np.float64], low: float | None, high: float | None) -> dict[str, Any]:
    """Return a row: the mean over seeds, its standard error, what was to be, and whether it holds."""
    value = float(by_seed.mean())
    error = float(by_seed.std(ddof=1) / np.sqrt(len(by_seed))) if len(by_seed) > 1 else None
    judged = low is not None or high is not None
    holds = (low is None or value >= low) and (high is None or value <= high)
    return {
        "assertion": name,
        "found": value,
        "standard_error": error,
        "least": low,
        "most": high,
        "holds": holds if judged else None,
    }


def _lead(column: NDArray[np.float64], one: int, other: int, begin: int, end: int) -> NDArray[np.float64]:
    """Return by what share one pace brings more than another in these weeks, by seed."""
    lead: NDArray[np.float64] = column[:, one, begin:end].sum(axis=1) / column[:, other, begin:end].sum(axis=1) - 1
    return lead


def _per(many: NDArray[np.float64], few: NDArray[np.float64], place: int) -> NDArray[np.float64]:
    ratio: NDArray[np.float64] = many[:, place].sum(axis=1) / few[:, place].sum(axis=1)
    return ratio


def _early(runs: Runs, place: int) -> NDArray[np.float64]:
    """Return opens per push of the first week, when hardly anybody is tired yet."""
    early: NDArray[np.float64] = runs.opens[:, place, 0] / runs.sends[:, place, 0]
    return early


def _gain(value: NDArray[np.float64], horizon: int) -> NDArray[np.float64]:
    """Return the value at each pace over no push, as a share of it. ``value`` is [paces, weeks], the first no push."""
    whole = value[:, :horizon].sum(axis=1)
    return np.asarray(whole / whole[0] - 1)


def _best(runs: Runs, paces: Sequence[float], horizon: int) -> NDArray[np.float64]:
    """Return the pace that is worth most over so many weeks, by seed: the vertex of a parabola through the best three.

    A grid of whole paces would hide a move of half a push.
    """
    found = []
    for value in runs.value:
        gain = _gain(value, horizon)
        place = min(max(int(gain.argmax()), 1), len(paces) - 2)
        bow, slope, _ = np.polyfit(paces[place - 1 : place + 2], gain[place - 1 : place + 2], 2)
        found.append(
            float(np.clip(-slope / (2 * bow), paces[0], paces[-1])) if bow < 0 else float(paces[int(gain.argmax())])
        )
    return np.array(found)


def picture(points: Sequence[Mapping[str, Any]], path: Path) -> Path:
    """Draw value against weekly pushes by horizon: lines are expected, dots lived through; return the file (SVG)."""
    import altair as alt

    base = alt.Chart(alt.Data(values=[dict(point) for point in points]))
    x = alt.X("pace:Q", title="pushes a week, the same for all users and weeks", axis=alt.Axis(grid=False))
    y = alt.Y("value:Q", title="value over no push", axis=alt.Axis(format="+.0%", tickCount=6))
    colour = alt.Color("weeks:O", title="over weeks", scale=alt.Scale(scheme="viridis"))
    lines = base.mark_line(interpolate="monotone").encode(x=x, y=y, color=colour)
    dots = base.mark_point(filled=True, size=40).encode(x=x, y=alt.Y("lived:Q"), color=colour)
    best = (
        base.transform_joinaggregate(top="max(value)", groupby=["weeks"])
        .transform_filter("datum.value === datum.top")
        .mark_point(shape="triangle-down", size=110, filled=True, yOffset=-12)
        .encode(x=x, y=y, color=colour)
    )
    drawn = (lines + dots + best).properties(width=560, height=320)
    path.parent.mkdir(parents=True, exist_ok=True)
    drawn.save(str(path))
    return path
