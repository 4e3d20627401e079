"""A user's week of decisions taken by another policy: what it does early in the week changes what it meets later.

*What is held fixed.* A week begins as the logged one did, and a push that is held is asked again when it was asked in
the log, not when the other policy would have asked. Both are small for caps and prices; a pace is asked of its own
weeks (``counterfactual_weeks``).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from andante.evaluation.interval import ratio_over_users, summed_by_user
from andante.evaluation.offpolicy.decisions import Decisions
from andante.evaluation.offpolicy.horizon import Trajectories, per_decision, state_marginalised
from andante.evaluation.offpolicy.overlap import Overlap, Verdict
from andante.runners.counterfactual.answer import CANNOT, USER_WEEK, Line, judge, line, logged_line, of_weeks, withheld
from andante.runners.counterfactual.reward import planned_sends
from andante.vocabulary.fault import NotEnoughData

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from andante.runners.counterfactual.answer import Question
    from andante.runners.counterfactual.decisions import Choices
    from andante.runners.counterfactual.log import Logged

    Floats = NDArray[np.float64]
    Ints = NDArray[np.int64]
    Mask = NDArray[np.bool_]

CELLS_MAX = 50_000_000
"""Users' weeks times the decisions of the longest: more would not fit into memory."""
SEED = 7
"""Of the bootstrap of the difference: the same log gives the same interval."""
_SENT_MOST = 31
_OVER = 0
"""The state of a week that is over."""


@dataclass(frozen=True, slots=True)
class OverWeeks:
    """What a policy would have brought in a user's week."""

    verdict: Verdict
    lines: list[Line]
    cells: int = 0  # users' weeks
    overlap: Overlap | None = None
    sends: float | None = None  # pushes per user-week; None where the log cannot tell


@dataclass(frozen=True, slots=True)
class _Cells:
    """Users' weeks. Shape [c]; ``of`` says for each decision which one it is in, -1 for none."""

    of: Ints  # [n]
    user: Ints

    def sums(self, values: Floats, rows: Mask) -> Floats:
        """Return the sum of some rows' values for each week."""
        return np.bincount(self.of[rows], values[rows], minlength=len(self.user)).astype(np.float64)


def judged_weeks(  # noqa: PLR0913  a table of decisions has its columns
    question: Question, chosen: Choices, reward: Floats, rows: Mask, untried: float, *, steps: Mask | None = None
) -> OverWeeks:
    """Judge the decisions of users' weeks together: ``rows`` [n] are those of weeks that are over.

    ``steps`` are those after which it still matters what the log did; by default all. What they leave out brings
    nothing under the judged policy.
    """
    if not rows.any():
        return OverWeeks(Verdict(CANNOT, "This log cannot answer: no user's week in it is over, outcomes and all."), [])
    log = question.log
    cells = _cells(log, rows)
    weekly = cells.sums(reward, rows)
    lines = [logged_line(Decisions(weekly, np.ones(len(weekly)), np.ones(len(weekly)), cells.user), USER_WEEK)]
    sent = planned_sends(log)
    acts = (rows if steps is None else steps) & (chosen.open | sent)
    if not acts.any():
        said = "This log answers: the policy would have sent nothing that it could have held, as the log did not."
        return OverWeeks(Verdict("answers", said), lines, len(weekly))
    if len(weekly) * int(np.bincount(cells.of[acts]).max()) > CELLS_MAX:
        said = "This log cannot answer: its weeks are too many, or too long, to be judged as a whole."
        return OverWeeks(Verdict(CANNOT, said), lines, len(weekly))
    table = _trajectories(log, cells, chosen, reward, acts)
    overlap, found = judge(table.whole(), untried)
    clip = question.clip if np.isfinite(question.clip) else None
    try:
        lines.append(line("judged", per_decision(table, clip=clip, normalised=True), USER_WEEK))
        lines.append(line("judged", state_marginalised(table, normalised=True), USER_WEEK))
        lines.append(_difference(table, weekly))
        pushes = _trajectories(log, cells, chosen, sent.astype(np.float64), acts)
        sends = per_decision(pushes, clip=clip, normalised=True).value if found.answer != CANNOT else None
    except NotEnoughData:  # at some step nothing of what the policy would do was tried
        found, sends = Verdict(CANNOT, f"This log cannot answer: {_lacking(found)}"), None
    return OverWeeks(of_weeks(found), withheld(lines, found.answer), len(weekly), overlap, sends)


def _lacking(found: Verdict) -> str:
    rest = found.sentence.partition(": ")[2]
    return rest if found.answer == CANNOT else f"late in the week nothing that the policy would do was tried; {rest}"


def _difference(table: Trajectories, weekly: Floats) -> Line:
    """Return how much more the policy would have brought than the log, paired by week, with an interval by users."""
    brought = (np.cumprod(table.ratio, axis=1) * table.reward).sum(axis=1)
    columns = summed_by_user(np.asarray(table.user), [brought - weekly, np.ones(len(weekly))])
    found = ratio_over_users(columns[0], columns[1], seed=SEED)
    return Line("difference", "per-decision IS less the log", USER_WEEK, found.value, found.low, found.high)


def _cells(log: Logged, rows: Mask) -> _Cells:
    """Return the weeks of users in which there is any of the rows, numbered."""
    first_week = int(log.week.min())
    cell = log.user * (int(log.week.max()) - first_week + 1) + (log.week - first_week)
    numbers, place, number = np.unique(cell[rows], return_index=True, return_inverse=True)
    of = np.full(len(cell), -1, np.int64)
    of[rows] = number
    return _Cells(of, log.user[rows][place][: len(numbers)])


def _trajectories(log: Logged, cells: _Cells, chosen: Choices, reward: Floats, acts: Mask) -> Trajectories:
    """Return the decisions that matter (``acts``) as steps of their weeks; a week may have none, and counts.

    The state of a step is how many pushes the week has brought so far: pressure, credit and caps within a week follow
    from it, roughly.
    """
    order = np.flatnonzero(acts)
    order = order[np.argsort(cells.of[order], kind="stable")]  # by week, in the order of the log
    owner = cells.of[order]
    counts = np.bincount(owner, minlength=len(cells.user))
    begins = np.cumsum(counts) - counts
    step = np.arange(len(order)) - begins[owner]
    shape = len(cells.user), int(counts.max())
    sent = planned_sends(log)[order].astype(np.int64)
    before = np.cumsum(sent) - sent
    state = np.full(shape, _OVER, np.int64)
    state[owner, step] = 1 + np.minimum(before - before[begins[owner]], _SENT_MOST)

    def table(column: Floats, rest: float) -> Floats:
        filled = np.full(shape, rest)
        filled[owner, step] = column[order]
        return filled

    return Trajectories(
        reward=table(reward, 0.0),
        propensity=table(chosen.propensity, 1.0),
        target=table(chosen.target, 1.0),
        state=state,
        user=cells.user,
    )
