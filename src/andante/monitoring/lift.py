"""Lift and fairness from the log: users held out by lot against the others, and members against ordinary users.

Who is held out is drawn from a user's key, so the log says of every user which group they are in, also of those about
whom nobody ever asked. All users of a group count, whether they were pushed, have opted out, or came late: who is left
is an outcome (intention to treat). Figures are per user-week of the whole time that is compared.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Literal

import msgspec
import numpy as np

from andante.evaluation.experiments.lift import lift as compared
from andante.evaluation.experiments.sequential import EVENTS_MIN, USERS_MIN
from andante.evaluation.interval import Interval
from andante.evaluation.measures.fairness import member_fairness
from andante.monitoring.people import WEEK_US
from andante.monitoring.series import instant
from andante.vocabulary.fault import NotEnoughData
from andante.vocabulary.records import Record

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from andante.monitoring.rings import Floats

WEEKS_MIN = 1.0
DRAWS_MAX = 20_000_000
"""Users times resamples: what one look at the lift may cost, about half a second."""
RESAMPLES_MIN, RESAMPLES_MAX = 400, 2_000

LiftWords = Literal["lift.up", "lift.down", "lift.unclear", "lift.too_early", "lift.no_holdout"]
FairnessWords = Literal[
    "fairness.no_difference", "fairness.explained", "fairness.not_explained", "fairness.unclear", "fairness.too_early"
]
_FAIRNESS: dict[str, FairnessWords] = {
    "no difference": "fairness.no_difference",
    "explained by behaviour": "fairness.explained",
    "not explained by behaviour": "fairness.not_explained",
    "cannot tell": "fairness.unclear",
}
_BANDS = np.array([1, 3, 5])


class Measured(Record, frozen=True, omit_defaults=False):
    """One figure in both groups, per user-week. Intervals are of 95 %, by a bootstrap over users, for one look."""

    difference: Interval
    relative: Interval | None  # None where held out users do not clearly have any
    treated: Interval
    held: Interval
    words: LiftWords


class Lift(Record, frozen=True, omit_defaults=False):
    """What pushes brought."""

    words: LiftWords  # of visits, which say it first
    since: datetime
    until: datetime
    weeks: float
    users_treated: int
    users_held: int
    users_all: int  # above what was counted, where there are more than are kept
    visits: Measured | None  # days with any event
    purchase_value: Measured | None  # money
    lacks: dict[str, float]  # what there must be at least before there is an answer: weeks, users and active users each


class Fairness(Record, frozen=True, omit_defaults=False):
    """How often members are pushed beside ordinary users, in pushes per user-week that asked the plan."""

    words: FairnessWords
    since: datetime
    until: datetime
    weeks: float
    users_members: int
    users_ordinary: int
    members: Interval | None
    ordinary: Interval | None
    difference: Interval | None
    standardised: Interval | None  # the difference at like behaviour; None where no kind of users holds both
    uncomparable: float | None  # share of user-weeks of which it says nothing


@dataclass(frozen=True, slots=True, eq=False)
class Compared:
    """Users, and what they came to. Tables are [weeks, users], columns [users]."""

    sends: Floats
    visits: Floats
    bought: Floats
    known: NDArray[np.bool_]  # False where a user was erased
    lot: Floats  # the draw that holds out who is below the share
    member: NDArray[np.bool_]
    users_all: int
    since_us: int
    now_us: int

    @property
    def weeks(self) -> float:
        """How long it was, in weeks."""
        return max(0, self.now_us - self.since_us) / WEEK_US


def lift(users: Compared, share: float, *, seed: int) -> Lift:
    """Compare users held out with the others. ``seed`` draws the resamples."""
    held = users.lot < share
    counted = users.known
    treated = ~held[counted]
    visits, bought = (table.sum(axis=0)[counted] for table in (users.visits, users.bought))
    figures = {"visits": visits, "purchase_value": bought}
    lacks = _lacks(users.weeks, treated, visits)
    words: LiftWords = "lift.no_holdout" if share <= 0 else "lift.too_early"
    measured: dict[str, Measured | None] = dict.fromkeys(figures)
    if share > 0 and not lacks:
        for name, column in figures.items():
            if _enough(column, treated):
                measured[name] = _measured(column / users.weeks, treated, seed)
        words = measured["visits"].words if measured["visits"] else "lift.too_early"
    return Lift(
        words=words,
        since=instant(users.since_us),
        until=instant(users.now_us),
        weeks=users.weeks,
        users_treated=int(treated.sum()),
        users_held=int((~treated).sum()),
        users_all=users.users_all,
        visits=measured["visits"],
        purchase_value=measured["purchase_value"],
        lacks={} if share <= 0 else lacks,
    )


def fairness(users: Compared, *, seed: int) -> Fairness:
    """Compare how often members and ordinary users are pushed.

    Behaviour is how many days users came in the first of the weeks, before most of the pushes that are compared: in
    bands of 0, 1 to 2, 3 to 4, and more.
    """
    counted = users.known
    sends, member = users.sends.sum(axis=0)[counted], users.member[counted]
    nothing = Fairness(
        words="fairness.too_early",
        since=instant(users.since_us),
        until=instant(users.now_us),
        weeks=users.weeks,
        users_members=int(member.sum()),
        users_ordinary=int((~member).sum()),
        members=None,
        ordinary=None,
        difference=None,
        standardised=None,
        uncomparable=None,
    )
    if users.weeks < WEEKS_MIN or min(member.sum(), (~member).sum()) < USERS_MIN or not sends.any():
        return nothing
    behaviour = np.digitize(users.visits[0][counted], _BANDS)
    weeks = np.full(len(sends), users.weeks)
    try:
        found = member_fairness(sends, weeks, member, behaviour, seed=seed, resamples=_resamples(len(sends)))
    except NotEnoughData:
        return nothing
    return msgspec.structs.replace(
        nothing,
        words=_FAIRNESS[found.verdict],
        members=found.members,
        ordinary=found.ordinary,
        difference=found.difference,
        standardised=found.standardised,
        uncomparable=found.uncomparable,
    )


def _measured(column: Floats, treated: NDArray[np.bool_], seed: int) -> Measured:
    found = compared(column, treated, seed=seed, resamples=_resamples(len(column)))
    words: LiftWords = "lift.unclear"
    if found.difference.low > 0:
        words = "lift.up"
    elif found.difference.high < 0:
        words = "lift.down"
    return Measured(
        difference=found.difference, relative=found.relative, treated=found.treated, held=found.held, words=words
    )


def _lacks(weeks: float, treated: NDArray[np.bool_], visits: Floats) -> dict[str, float]:
    """Return what is not there yet, as the least that there must be."""
    lacks: dict[str, float] = {}
    if weeks < WEEKS_MIN:
        lacks["weeks"] = WEEKS_MIN
    if min(treated.sum(), (~treated).sum()) < USERS_MIN:
        lacks["users"] = float(USERS_MIN)
    if not _enough(visits, treated):
        lacks["users_active"] = float(EVENTS_MIN)
    return lacks


def _enough(column: Floats, treated: NDArray[np.bool_]) -> bool:
    return bool(min(np.count_nonzero(column[treated]), np.count_nonzero(column[~treated])) >= EVENTS_MIN)


def _resamples(users: int) -> int:
    return max(RESAMPLES_MIN, min(RESAMPLES_MAX, DRAWS_MAX // max(users, 1)))
