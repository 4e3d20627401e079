"""Whether members and ordinary users are pushed equally often, and whether segments are.

The Chinese rules on pop-up pushes of 2022 (互联网弹窗信息推送服务管理规定, art. 5) forbid to treat ordinary and member
users *unreasonably* differently in frequency. They give no number. So two differences are shown: the plain one, and the
one between users of like behaviour (direct standardisation: rates per behaviour segment, weighted by the segments'
shares of all user-weeks). Behaviour is a reason that can be named; membership itself is none. But a standardised figure
says nothing where membership *causes* the behaviour it is standardised for, and none of these figures is a lawyer.
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from andante.evaluation.interval import RESAMPLES, Interval, divided, interval_of, known_interval_of, resampled_totals
from andante.vocabulary.fault import InputFault, NotEnoughData

Floats = NDArray[np.float64]
Verdict = Literal["no difference", "explained by behaviour", "not explained by behaviour", "cannot tell"]

MARGIN = 0.25
"""Pushes per week that count as no difference: one a month. A choice; the law names none."""

UNCOMPARABLE_MAX = 0.2
"""The share of user-weeks in segments with only members, or only ordinary users, above which nothing can be told."""

GROUP_MIN = 2


@dataclass(frozen=True, slots=True)
class MemberFairness:
    """How much more often members are pushed, in pushes per user-week."""

    members: Interval
    ordinary: Interval
    difference: Interval
    standardised: Interval | None  # None where no segment holds both
    uncomparable: float  # share of user-weeks in segments that hold only one kind of users
    verdict: Verdict
    sentence: str


def member_fairness(  # noqa: PLR0913  four columns and the law's margin
    sends: ArrayLike,
    weeks: ArrayLike,
    member: ArrayLike,
    segment: ArrayLike,
    *,
    seed: int,
    margin: float = MARGIN,
    resamples: int = RESAMPLES,
) -> MemberFairness:
    """Compare how often members and ordinary users are pushed. Shape of all: [users].

    ``weeks`` are the user-weeks over which the sends were counted; ``segment`` is what was known of the behaviour
    before any push. Raises NotEnoughData without two users of each kind, InputFault for unequal lengths.

    >>> sends, weeks, member = [8.0] * 40 + [4.0] * 40, [4.0] * 80, [1] * 40 + [0] * 40
    >>> found = member_fairness(sends, weeks, member, [0] * 80, seed=1)
    >>> found.difference.value, found.verdict
    (1.0, 'not explained by behaviour')
    """
    pushes, exposure = np.asarray(sends, dtype=np.float64), np.asarray(weeks, dtype=np.float64)
    kind, place = np.asarray(member, dtype=bool), np.unique(np.asarray(segment), return_inverse=True)[1]
    if not pushes.shape == exposure.shape == kind.shape == place.shape:
        value = f"{pushes.shape}, {exposure.shape}, {kind.shape}, {place.shape}"
        raise InputFault("sends, weeks, member and segment", value, "do not match", "give one value of each per user")
    if min(int((kind & (exposure > 0)).sum()), int((~kind & (exposure > 0)).sum())) < GROUP_MIN:
        value = f"{kind.sum()} members of {len(kind)} users"
        raise NotEnoughData("the users", value, "cannot be compared", "give at least two users of each kind")
    inside = place == np.arange(place.max() + 1)[:, None]
    groups = [inside * (group * column) for group in (kind, ~kind) for column in (pushes, exposure)]
    drawn = np.split(resampled_totals(list(np.concatenate(groups)), seed=seed, resamples=resamples), 4, axis=1)
    rates = [interval_of(rate) for rate in _plain(drawn)]
    standardised, uncomparable = _standardised(drawn)
    verdict = _verdict(rates[2], standardised, uncomparable, margin)
    sentence = _sentence(verdict, rates[2], standardised, margin)
    return MemberFairness(rates[0], rates[1], rates[2], standardised, uncomparable, verdict, sentence)


def by_segment(
    sends: ArrayLike, weeks: ArrayLike, segment: ArrayLike, *, seed: int, resamples: int = RESAMPLES
) -> dict[int, Interval | None]:
    """Return pushes per user-week of each segment, None of one with too few users.

    Shape of all: [users]; segments are whole numbers.
    """
    labels, place = np.unique(np.asarray(segment, dtype=np.int64), return_inverse=True)
    inside = place == np.arange(len(labels))[:, None]
    columns = [inside * np.asarray(column, dtype=np.float64) for column in (sends, weeks)]
    pushes, exposure = np.split(
        resampled_totals(list(np.concatenate(columns)), seed=seed, resamples=resamples), 2, axis=1
    )
    return {int(label): known_interval_of(divided(pushes[:, k], exposure[:, k])) for k, label in enumerate(labels)}


def _plain(drawn: list[Floats]) -> tuple[Floats, Floats, Floats]:
    """Return the rates of members and ordinary users, and their difference, in each resample."""
    sent = [column.sum(axis=1) for column in drawn]
    members, ordinary = divided(sent[0], sent[1]), divided(sent[2], sent[3])
    return members, ordinary, members - ordinary


def _standardised(drawn: list[Floats]) -> tuple[Interval | None, float]:
    """Return the difference at equal behaviour, and the share of user-weeks that it says nothing about."""
    pushes_m, weeks_m, pushes_o, weeks_o = drawn
    both = (weeks_m[0] > 0) & (weeks_o[0] > 0)
    weight = (weeks_m + weeks_o) * both
    lost = 1 - weight[0].sum() / (weeks_m + weeks_o)[0].sum()
    if not both.any():
        return None, 1.0
    apart = divided(pushes_m, weeks_m) - divided(pushes_o, weeks_o)
    known = both & ~np.isnan(apart)  # a resample may miss one kind in a small segment
    total = np.where(known, weight * np.nan_to_num(apart), 0.0).sum(axis=1)
    return interval_of(divided(total, np.where(known, weight, 0.0).sum(axis=1))), float(lost)


def _verdict(plain: Interval, standardised: Interval | None, uncomparable: float, margin: float) -> Verdict:
    if _near(plain, margin):
        return "no difference"
    if standardised is None or uncomparable > UNCOMPARABLE_MAX:
        return "cannot tell"
    if _near(standardised, margin):
        return "explained by behaviour"
    if standardised.low > 0 or standardised.high < 0:
        return "not explained by behaviour"
    return "cannot tell"


def _near(found: Interval, margin: float) -> bool:
    return -margin <= found.low and found.high <= margin


def _sentence(verdict: Verdict, plain: Interval, standardised: Interval | None, margin: float) -> str:
    """Say the verdict so that an officer can act on it."""
    direction = "more" if plain.value > 0 else "fewer"
    said = f"members get {abs(plain.value):.2f} {direction} pushes a week ({plain.low:+.2f} to {plain.high:+.2f})"
    if verdict == "no difference":
        return f"{said}: within ±{margin:g}, no difference in frequency"
    if standardised is None:
        return f"{said}: no segment holds both kinds of users, so whether behaviour explains it cannot be told"
    like = (
        f"{standardised.value:+.2f} ({standardised.low:+.2f} to {standardised.high:+.2f}) among users of like behaviour"
    )
    end = {
        "explained by behaviour": f"{like}: within ±{margin:g}, behaviour explains the difference",
        "not explained by behaviour": f"{like}: behaviour does not explain it, so give a reason or equalise it",
        "cannot tell": f"{like}: too uncertain to say that behaviour explains it, or that it does not",
    }[verdict]
    return f"{said}, {end}"
