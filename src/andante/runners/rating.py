"""Rating: the satisfaction curve from the ratings in a message log, pooled over users and personas."""

from dataclasses import dataclass

import ibis
import numpy as np
from numpy.typing import NDArray

from andante.frequency.satisfaction import SatisfactionCurve
from andante.profiles.ledger import PUSHES
from andante.settings.sections import PlanSettings
from andante.vocabulary.fault import NotEnoughData

Floats = NDArray[np.float64]

RATINGS_LEAST = 100
"""The fewest rated user-weeks to fit a curve from."""
RATING_LOWEST, RATING_HIGHEST = 1.0, 5.0
CURVE_POINTS = 57

_ = ibis._


@dataclass(frozen=True, slots=True)
class Satisfied:
    """The fitted curve of a mean user, what was rated at each weekly number of pushes, and each user's best pace."""

    per_week: Floats  # (m,), points of the curve
    satisfaction: Floats  # (m,), in [0, 1]
    observed: tuple[tuple[float, float, int], ...]  # pushes in the week, mean satisfaction, user-weeks
    best: Floats  # (n users,), the pace with the greatest satisfaction
    ratings: int


def rate(
    connection: ibis.BaseBackend,
    users: NDArray[np.object_],
    segments: NDArray[np.int32],
    settings: PlanSettings,
) -> Satisfied | None:
    """Fit the curve, or return None where fewer than RATINGS_LEAST user-weeks were rated.

    A rating of 1 to 5 becomes satisfaction 0 to 1; f is the number of pushes sent in the calendar week (UTC)
    of the rating.
    """
    rows = _rated_weeks(connection)
    segment_of = dict(zip(users.tolist(), segments.tolist(), strict=True))
    rows = [row for row in rows if row["user_id"] in segment_of]
    if len(rows) < RATINGS_LEAST:
        return None
    f = np.array([row["pushes"] for row in rows], dtype=np.float64)
    s = (np.array([row["rating"] for row in rows]) - RATING_LOWEST) / (RATING_HIGHEST - RATING_LOWEST)
    raters = [row["user_id"] for row in rows]
    try:
        model = SatisfactionCurve().fit(f, s, users=raters, segments=[segment_of[user] for user in raters])
    except NotEnoughData:  # all ratings at one or two frequencies: there is no curve to see
        return None
    best, _most = model.curves(users, segments).optimum(settings.f_min_per_week, settings.f_max_per_week)
    grid = np.linspace(0, settings.f_max_per_week, CURVE_POINTS)
    sample = users[:: max(1, len(users) // 2000)]
    curves = model.curves(sample, [segment_of[user] for user in sample])
    mean = np.array([curves.at(np.full(len(sample), x)).mean() for x in grid])
    seen = [(float(x), float(s[f == x].mean()), int((f == x).sum())) for x in np.unique(f)]
    return Satisfied(per_week=grid, satisfaction=mean, observed=tuple(seen), best=best, ratings=len(rows))


def _rated_weeks(connection: ibis.BaseBackend) -> list[dict[str, object]]:
    """Return the user-weeks with a rating: mean rating, and how many pushes were sent."""
    pushes = connection.table(PUSHES.table)
    sent = pushes.filter(_.sent_at.notnull()).mutate(week=_.sent_at.truncate("W"))
    weeks = sent.group_by("user_id", "week").aggregate(pushes=_.count())
    rated = pushes.filter(_.rating.notnull()).mutate(week=_.rated_at.truncate("W"))
    ratings = rated.group_by("user_id", "week").aggregate(rating=_.rating.mean())
    joined = ratings.inner_join(weeks, ["user_id", "week"]).order_by("user_id", "week")
    return list(joined.to_pyarrow().to_pylist())
