"""Whether an engine's log can be believed: its propensities, its expected opens, its holdout, its random weeks.

Each of them was written down before what it speaks of happened, so that what happened can be held against it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from scipy.stats import chi2

from andante.evaluation.experiments.lift import lift as compare
from andante.evaluation.experiments.sample_ratio import sample_ratio
from andante.evaluation.interval import summed_by_user
from andante.evaluation.measures.calibration import deciles
from andante.pacing.credit import WEEK_S
from andante.runners.counterfactual.reward import outcomes_of, planned_sends
from andante.runners.counterfactual.weeks import drawn_paces
from andante.runners.evaluating.figures import (
    SEED,
    Check,
    Figure,
    Section,
    Unit,
    counted,
    crosses,
    ratio,
    shown,
)
from andante.vocabulary.fault import NotEnoughData
from andante.vocabulary.message import RESPONSES
from andante.vocabulary.reason import Action

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from andante.runners.counterfactual.log import Logged

    Floats = NDArray[np.float64]
    Ints = NDArray[np.int64]
    Mask = NDArray[np.bool_]

FALSE_ALARMS = 0.001
"""How often the audit of propensities fires on right ones. It looks at whole logs, so it can afford to be strict."""
AUDITED_MIN = 100
SENDS_MIN = 200
"""Sends from which on deciles of expected opens are shown."""


def audit_propensities(log: Logged) -> tuple[Section, Check]:
    """Hold the logged probabilities against what went out: in bins of equal numbers, and over all.

    Every candidate that chance had a part in is one trial, with the logged probability of going out. What differs from
    it by more than chance was not drawn from it, and every off-policy estimate is off by as much.
    """
    chance = log.drawn.verdicts["propensity"]
    owner = log.owner()
    place = np.arange(len(owner)) - log.first[owner]
    sent = (log.drawn.decisions["action"] == Action.SEND)[owner] & (log.drawn.decisions["chosen"][owner] == place)
    drawn = (chance > 0.0) & (chance < 1.0)
    title = "Probability of sending: logged, and what went out"
    if drawn.sum() < AUDITED_MIN:
        said = "chance had no part in this log, so no other policy can be judged by it"
        return Section(title, (counted("candidates left to chance", drawn.sum()),)), Check("chance", "look", said)
    chances, went, users = chance[drawn], sent[drawn].astype(np.float64), log.user[owner[drawn]]
    number = deciles(chances) - 1
    expected = np.bincount(number, chances)
    spread = np.bincount(number, chances * (1.0 - chances))
    off = np.bincount(number, went) - expected
    p_value = float(chi2.sf((off**2 / spread).sum(), len(expected)))
    figures = [counted("candidates left to chance", drawn.sum())]
    figures += _by_bin(number, went, chances, users)
    if p_value < FALSE_ALARMS:
        said = f"what went out contradicts the logged probabilities (p = {p_value:.1g}): do not judge policies by them"
        return Section(title, tuple(figures)), Check("propensities", "bad", said)
    said = f"what went out is what the logged probabilities say (p = {p_value:.2g})"
    return Section(title, tuple(figures)), Check("propensities", "good", said)


def calibration(log: Logged, within_s: int) -> tuple[Section, Check]:
    """Hold the expected opens of what was sent against the opens, in tenths by expectation, and over all."""
    sent = planned_sends(log) & (log.at_s + within_s <= log.ended_s)
    opened = outcomes_of(log, within_s).any_of(RESPONSES)[sent].astype(np.float64)
    expected = log.drawn.verdicts["open"][(log.first + log.drawn.decisions["chosen"])[sent]].astype(np.float64)
    users = log.user[sent]
    title = "Opens: expected, and what was opened"
    if len(opened) < SENDS_MIN or not expected.sum() > 0:
        return Section(title, ()), Check("expected opens", "unknown", f"fewer than {SENDS_MIN} pushes are old enough")
    by_user = summed_by_user(users, [opened, expected])
    over_all = ratio("opens for each that was expected", *by_user, expected=1.0)
    figures = (over_all, *_by_bin(deciles(expected) - 1, opened, expected, users))
    tenths = [figure for figure in figures[1:] if figure.low is not None]
    off = sum(not crosses(figure, figure.expected or 0.0) for figure in tenths)
    if crosses(over_all, 1.0) and off <= 1:
        return Section(title, figures), Check("expected opens", "good", "pushes are opened as often as expected")
    said = f"{over_all.value:.2f} opens for each that was expected, and {off} of {len(tenths)} tenths are off"
    return Section(title, figures), Check("expected opens", "look", said)


def lift(held: Mask, asked: Mask, weeks: Floats, visits: Floats, spend: Floats) -> tuple[Section, Check]:
    """Compare users who may be pushed with users who, by lot, never are: visits and spend a user-week. [users] each."""
    seen = asked & (weeks > 0)
    title = "Holdout"
    if not (held & seen).any():
        said = "nobody was held out, so what pushes bring cannot be told: set experiment.holdout, such as 0.03"
        return Section(title, ()), Check("lift", "unknown", said)
    figures = [counted("users who may be pushed", (seen & ~held).sum()), counted("users held out", (seen & held).sum())]
    clear = []
    for name, what in (("visits", visits), ("spend", spend)):
        if not what.any():
            continue
        try:
            found = compare((what[seen] / weeks[seen]), ~held[seen], seed=SEED)
        except NotEnoughData:
            continue
        figures.append(shown(f"{name} per user-week, may be pushed", found.treated))
        figures.append(shown(f"{name} per user-week, held out", found.held))
        figures.append(shown(f"{name} per user-week that pushes bring", found.difference))
        if found.difference.low > 0 or found.difference.high < 0:
            clear.append(f"{found.difference.value:+.3g} {name}")
    said = (
        f"pushes bring {', '.join(clear)} a user-week" if clear else "no clear difference: it may be too small to see"
    )
    return Section(title, tuple(figures)), Check("lift", "good" if clear else "unknown", said)


def audit_shares(log: Logged, asked: Mask, held: Mask) -> tuple[Section, Check]:
    """Hold the holdout and the random weeks against the shares that were configured."""
    title = "What was left to lot: as many as configured?"
    figures: list[Figure] = []
    found: list[str] = []
    fired = False
    share = float(log.parameters[-1]["holdout"][0])
    users = [int((asked & held).sum()), int((asked & ~held).sum())]
    groups = [_Lot("users", ["held out", "may be pushed"], users, [share, 1.0 - share]), *_weekly_lots(log)]
    for lot in groups:
        if min(lot.planned) <= 0.0 or sum(lot.counts) == 0:
            continue
        total = sum(lot.counts)
        figures += [
            Figure(f"{lot.of}: {label}", count / total, unit=Unit.SHARE, expected=plan)
            for label, count, plan in zip(lot.labels, lot.counts, lot.planned, strict=True)
        ]
        try:
            ratio_found = sample_ratio(lot.counts, lot.planned)
        except NotEnoughData:
            continue
        fired = fired or ratio_found.fires
        found.append(f"{lot.of}: {ratio_found.verdict}")
    if not found:
        return Section(title, tuple(figures)), Check("shares", "unknown", "too little was left to lot to be checked")
    return Section(title, tuple(figures)), Check("shares", "bad" if fired else "good", "; ".join(found))


class _Lot(NamedTuple):
    """Groups that were drawn by lot, with the shares that were meant."""

    of: str
    labels: list[str]
    counts: list[int]
    planned: list[float]


def _weekly_lots(log: Logged) -> list[_Lot]:
    """Return users' weeks with a random pace and without, and those of each pace."""
    held = log.parameters[-1]
    explore = float(held["explore"][0])
    if explore <= 0.0 or len({float(one["explore"][0]) for one in log.parameters}) > 1:
        return []
    week = log.drawn.decisions["at_s"] // WEEK_S
    pairs = np.stack([log.user, week])
    _, first = np.unique(pairs, axis=1, return_index=True)
    explored = log.drawn.decisions["explored"][first] == 1
    counts = [int(explored.sum()), int((~explored).sum())]
    lots = [_Lot("weeks", ["of a random pace", "as planned"], counts, [explore, 1.0 - explore])]
    paces, shares = drawn_paces(held)
    if len(paces) > 1:
        followed = log.drawn.decisions["plan_per_week"][first[explored]].astype(np.float64)
        nearest = np.abs(followed[:, None] - np.array(paces)[None, :]).argmin(axis=1)
        counts = np.bincount(nearest, minlength=len(paces)).tolist()
        lots.append(_Lot("random weeks", [f"{pace:g} a week" for pace in paces], counts, shares))
    return lots


def _by_bin(number: Ints, happened: Floats, expected: Floats, users: Ints) -> list[Figure]:
    """Return for each bin the share that happened, by users, and the share that was expected."""
    figures = []
    for bin_ in range(int(number.max()) + 1):
        mine = number == bin_
        totals = summed_by_user(users[mine], [happened[mine], np.ones(int(mine.sum()))])
        mean = float(expected[mine].mean())
        low, high = float(expected[mine].min()), float(expected[mine].max())
        figures.append(ratio(f"from {low:.3g} to {high:.3g}", *totals, unit=Unit.SHARE, expected=mean))
    return figures
