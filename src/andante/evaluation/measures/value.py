"""What a policy is worth: incremental value per eligible user, at matched sends, and the share of a gap that it closes.

Policies are compared on the *same users with the same draws*, pair by pair: what happens anyhow to a user cancels. An
eligible user is one who joined at any time, whether the policy pushed them or soon lost them: who is left is an
outcome.

More value by more sends is no merit. So a policy is judged at its own sends against another one's *frontier*, its
points (sends, value) at several paces: between two neighbouring points the other's value is taken on the chord. A shop
can have that much by giving each user the one or the other by lot; where the frontier is bent and the points far apart,
the true curve lies above, so put points near.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.stats import t as student

from andante.evaluation.interval import LEVEL, RESAMPLES, Interval, divided, interval_of, resampled_totals
from andante.evaluation.measures.life import Life, check_same_users, totals, weeks_present
from andante.vocabulary.fault import InputFault, NotEnoughData

Floats = NDArray[np.float64]

SEEDS_MIN = 2


@dataclass(frozen=True, slots=True)
class Point:
    """One point of a frontier: pushes per user-week, and value per eligible user beyond no push."""

    name: str
    sends_per_user_week: Interval
    incremental_value: Interval


@dataclass(frozen=True, slots=True)
class Matched:
    """A policy beside another one's frontier at as many sends. Values are per eligible user, beyond no push."""

    sends_per_user_week: float
    ours: Interval
    theirs: Interval
    ahead: Interval
    ahead_share: Interval | None  # of theirs; None where theirs is not clearly above zero
    between: tuple[str, str]  # the names of the two points


def incremental(
    life: Life, no_push: Life, *, seed: int, weeks: int | None = None, resamples: int = RESAMPLES
) -> Interval:
    """Return the value per eligible user beyond what the same users came to without any push.

    ``weeks`` counts the first so many only. Raises InputFault where the lives are not of the same users and weeks.
    """
    check_same_users(life, no_push)
    eligible = _eligible(life)
    gain = (totals(life.value, weeks) - totals(no_push.value, weeks)) * eligible
    return interval_of(_per_user(resampled_totals([gain, eligible], seed=seed, resamples=resamples)))


def incremental_over_seeds(pairs: Sequence[tuple[Life, Life]], *, level: float = LEVEL) -> Interval:
    """Return the same over worlds of several seeds (life, no push), with an interval over *seeds* (Student's t).

    Users of one world share what the policy learned there: an interval over users holds for that one policy as it was
    trained, this one for the training too. Raises NotEnoughData below two seeds.
    """
    if len(pairs) < SEEDS_MIN:
        raise NotEnoughData("the seeds", len(pairs), "give no interval", "live through at least two worlds")
    for life, no_push in pairs:
        check_same_users(life, no_push)
    means = np.array([(totals(life.value) - totals(none.value)).sum() / _eligible(life).sum() for life, none in pairs])
    reach = float(student.ppf((1 + level) / 2, len(means) - 1) * means.std(ddof=1) / np.sqrt(len(means)))
    return Interval(float(means.mean()), float(means.mean()) - reach, float(means.mean()) + reach)


def frontier(lives: Mapping[str, Life], no_push: Life, *, seed: int, resamples: int = RESAMPLES) -> list[Point]:
    """Return the points of a frontier in the order of their sends, from one policy at several paces."""
    points = []
    for name, life in lives.items():
        check_same_users(life, no_push)
        gain = totals(life.value) - totals(no_push.value)
        columns = [gain, _eligible(life), totals(life.sends), weeks_present(life)]
        drawn = resampled_totals(columns, seed=seed, resamples=resamples)
        sends = interval_of(divided(drawn[:, 2], drawn[:, 3]))
        points.append(Point(name, sends, interval_of(_per_user(drawn))))
    return sorted(points, key=lambda point: point.sends_per_user_week.value)


def at_matched_sends(
    ours: Life, theirs: Mapping[str, Life], no_push: Life, *, seed: int, resamples: int = RESAMPLES
) -> Matched:
    """Compare a policy with another one's frontier at the policy's own sends.

    The frontier begins at no push: nothing sent, nothing gained. In each resample both the values and the sends are
    drawn anew, so that the interval knows that the match itself is estimated. Raises NotEnoughData where the policy
    sends more than any point of the frontier, InputFault where lives are not of the same users and weeks.
    """
    check_same_users(ours, no_push, *theirs.values())
    lives = {"no push": no_push, **theirs}
    volumes = sorted((float(totals(life.sends).sum()), name) for name, life in lives.items())
    wanted = float(totals(ours.sends).sum())
    above = next((place for place, (sends, _) in enumerate(volumes) if place and sends >= wanted), None)
    if above is None:
        weeks = weeks_present(ours).sum()
        value = f"{wanted / weeks:.2f} pushes per user-week, the frontier ends at {volumes[-1][0] / weeks:.2f}"
        raise NotEnoughData("the policy", value, "cannot be matched", "give the frontier a point that sends more")
    names = volumes[above - 1][1], volumes[above][1]
    base = totals(no_push.value)
    columns = [totals(ours.value) - base, _eligible(ours), totals(ours.sends), weeks_present(ours)]
    columns += [column for name in names for column in (totals(lives[name].value) - base, totals(lives[name].sends))]
    drawn = resampled_totals(columns, seed=seed, resamples=resamples)
    share = divided(drawn[:, 2] - drawn[:, 5], drawn[:, 7] - drawn[:, 5])
    chord = divided(drawn[:, 4] + share * (drawn[:, 6] - drawn[:, 4]), drawn[:, 1])
    mine = _per_user(drawn)
    reference = interval_of(chord)
    return Matched(
        sends_per_user_week=float(drawn[0, 2] / drawn[0, 3]),
        ours=interval_of(mine),
        theirs=reference,
        ahead=interval_of(mine - chord),
        ahead_share=interval_of(divided(mine, chord) - 1) if reference.low > 0 else None,
        between=names,
    )


def gap_closed(ours: Life, low: Life, high: Life, *, seed: int, resamples: int = RESAMPLES) -> Interval:
    """Return (ours - low) / (high - low) in value: 0 at the lower reference (best cap), 1 at the higher (oracle).

    The three should send about equally, or the share says how much each sends. It may exceed 1 or be negative. Raises
    NotEnoughData where the references do not differ clearly: a share of no gap means nothing.
    """
    check_same_users(ours, low, high)
    columns = [totals(life.value) for life in (ours, low, high)]
    drawn = resampled_totals(columns, seed=seed, resamples=resamples)
    gap = drawn[:, 2] - drawn[:, 1]
    whole = interval_of(gap)
    if whole.low <= 0:
        value = f"{whole.value:.4g} ({whole.low:.4g} to {whole.high:.4g})"
        raise NotEnoughData("the gap", value, "is not clearly above zero", "give more users, or other references")
    return interval_of((drawn[:, 0] - drawn[:, 1]) / np.where(gap == 0, np.nan, gap))


def _eligible(life: Life) -> Floats:
    eligible: Floats = np.asarray(life.present.any(axis=1), dtype=np.float64)
    if not eligible.any():
        raise InputFault(
            "the users", f"{len(eligible)}, none of them present", "cannot be judged", "give users who joined"
        )
    return eligible


def _per_user(drawn: Floats) -> Floats:
    """Divide the first column, a gain, by the second, eligible users."""
    return divided(drawn[:, 0], drawn[:, 1])
