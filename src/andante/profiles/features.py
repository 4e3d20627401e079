"""The features of every user at a cut-off, from the ledgers: each defined once, in Ibis, and computed set-wise.

A cut-off is a midnight (UTC); nothing on or after it is read, so a label that starts there cannot leak. The
same expressions run on any engine that Ibis speaks to. Counts are per user; windows end at the cut-off;
unknown is null, never zero.
"""

import math
from datetime import date, timedelta

import ibis
import ibis.expr.types as ir
import numpy as np
from numpy.typing import NDArray

from andante.profiles.ledger import DAYS, ORDERS, PUSHES, SLOTS_A_DAY, bit_count, sessions
from andante.profiles.terms import TERMS, similarity

WINDOWS_DAYS = (1, 7, 30, 90)
BOUGHT = (*(f"purchases_{w}d" for w in WINDOWS_DAYS), "spend_30d", "purchases", "lines", "spend")
PARTS_OF_DAY = {"night": (1 << 12) - 1, "morning": ((1 << 12) - 1) << 12, "evening": ((1 << 12) - 1) << 36}
"""Bitmaps of half-hours: 0 to 6, 6 to 12 and 18 to 24 o'clock (UTC)."""
SEASON = ("season_sin", "season_cos")
RESPONSE_PRIOR_PUSHES = 4
"""A response rate is shrunk towards that of all users with the weight of this many pushes."""

_ = ibis._


def features(
    connection: ibis.BaseBackend, cutoff: date, *, sample: tuple[int, int] | None = None, seasonal: bool = True
) -> ir.Table:
    """Return one row per user seen before the cut-off: ``user_id`` and a float64 column a feature.

    ``sample = (keep, of)`` keeps the users whose hash falls into the first ``keep`` of ``of`` parts: the same
    users at every cut-off. Source: first seed §3.2, 3-methods A.1.
    """
    tables = connection.list_tables()
    days = _sampled(connection.table(DAYS.table), sample)
    orders = _sampled(connection.table(ORDERS.table), sample)
    sums = _sums(days.filter(_.day < cutoff), cutoff).left_join(
        _bought(orders.filter(_.day < cutoff), cutoff), "user_id"
    )
    counted = {name: _[name].coalesce(0) for name in BOUGHT}
    rows = _derived(sums.drop("user_id_right").mutate(**counted), cutoff)
    if TERMS.table in tables:
        words = similarity(_sampled(connection.table(TERMS.table), sample), cutoff)
        rows = rows.left_join(words, "user_id").drop("user_id_right")
    if PUSHES.table in tables:
        pushes = _pushes(_sampled(connection.table(PUSHES.table), sample), cutoff)
        rows = rows.left_join(pushes, "user_id").drop("user_id_right")
        rows = rows.mutate(**{name: _[name].fill_null(0) for name in ("pushes", "pushes_30d", "responses")})
    left_out = {"user_id"} if seasonal else {"user_id", *SEASON}
    names = [name for name in rows.columns if name not in left_out]
    return rows.select("user_id", **{name: _[name].cast("float64") for name in names})


def _sampled(table: ir.Table, sample: tuple[int, int] | None) -> ir.Table:
    """Keep the rows of the users in the sample."""
    if sample is None:
        return table
    keep, of = sample
    return table.filter(_.user_id.hash().abs() % of < keep)


def _sums(days: ir.Table, cutoff: date) -> ir.Table:
    """Sum the days of each user, over all time and over the windows."""
    inside = {w: _.day >= ibis.literal(cutoff - timedelta(days=w)) for w in WINDOWS_DAYS}
    windowed = {
        f"{name}_{w}d": _[name].sum(where=inside[w]).coalesce(0)
        for name in ("views", "searches", "carts")
        for w in WINDOWS_DAYS[:3]
    }
    slots = bit_count(_.slots)
    return days.group_by("user_id").aggregate(
        **windowed,
        **{f"active_days_{w}d": _.count(where=inside[w]) for w in WINDOWS_DAYS[1:]},
        **{f"sessions_{w}d": sessions(_.slots).sum(where=inside[w]).coalesce(0) for w in WINDOWS_DAYS[1:3]},
        socials_30d=_.socials.sum(where=inside[30]).coalesce(0),
        events=_.events.sum(),
        views=_.views.sum(),
        active_days=_.count(),
        sessions=sessions(_.slots).sum(),
        active_slots=slots.sum(),
        **{part: bit_count(_.slots & mask).sum() for part, mask in PARTS_OF_DAY.items()},
        weekend=slots.sum(where=_.day.day_of_week.index() >= 5).coalesce(0),  # noqa: PLR2004  Monday is 0
        first_day=_.day.min(),
        last_at=_.last_at.max(),
    )


def _bought(orders: ir.Table, cutoff: date) -> ir.Table:
    """Sum the orders of each user, over all time and over the windows."""
    inside = {w: _.day >= ibis.literal(cutoff - timedelta(days=w)) for w in WINDOWS_DAYS}
    return orders.group_by("user_id").aggregate(
        **{f"purchases_{w}d": _.orders.sum(where=inside[w]) for w in WINDOWS_DAYS},
        spend_30d=_.spend.sum(where=inside[30]),
        purchases=_.orders.sum(),
        lines=_.lines.sum(),
        spend=_.spend.sum(),
        last_purchase_day=_.day.max(),
    )


def _derived(sums: ir.Table, cutoff: date) -> ir.Table:
    """Turn sums into recencies, rates and shares."""
    midnight = ibis.timestamp(cutoff.isoformat() + "T00:00:00")
    end = ibis.literal(cutoff)
    season = 2 * math.pi * cutoff.timetuple().tm_yday / 365.25
    whole = _.active_slots.cast("float64")
    rows = sums.mutate(
        recency_days=(midnight.epoch_seconds() - sums.last_at.epoch_seconds()) / 86_400.0,
        recency_purchase_days=end.delta(sums.last_purchase_day, unit="day").cast("float64"),
        tenure_days=end.delta(sums.first_day, unit="day").cast("float64"),
        spend_per_purchase=_.spend.cast("float64") / _.purchases.nullif(0),
        lines_per_purchase=_.lines / _.purchases.cast("float64").nullif(0),
        share_night=_.night / whole,
        share_morning=_.morning / whole,
        share_evening=_.evening / whole,
        share_weekend=_.weekend / whole,
        season_sin=ibis.literal(math.sin(season)),
        season_cos=ibis.literal(math.cos(season)),
    )
    rows = rows.mutate(gap_days=_.tenure_days / _.active_days, purchases_a_week=7 * _.purchases / _.tenure_days)
    rows = rows.mutate(overdue=_.recency_days / _.gap_days)
    return rows.drop("active_slots", *PARTS_OF_DAY, "weekend", "first_day", "last_at", "last_purchase_day")


def _pushes(pushes: ir.Table, cutoff: date) -> ir.Table:
    """Count the pushes of each user and the responses to them, as they were known at the cut-off."""
    midnight = ibis.timestamp(cutoff.isoformat() + "T00:00:00")
    recent = ibis.timestamp((cutoff - timedelta(days=30)).isoformat() + "T00:00:00")
    past = pushes.filter(_.sent_at < midnight)
    sums = past.group_by("user_id").aggregate(
        pushes=_.count(),
        pushes_30d=_.count(where=_.sent_at >= recent),
        responses=_.count(where=_.responded_at < midnight),
        last_sent_at=_.sent_at.max(),
    )
    overall = past.aggregate(rate=_.count(where=_.responded_at < midnight) / _.count().nullif(0)).rate.as_scalar()
    rows = sums.mutate(
        response_rate=(sums.responses + overall * RESPONSE_PRIOR_PUSHES) / (sums.pushes + RESPONSE_PRIOR_PUSHES),
        recency_push_days=(midnight.epoch_seconds() - sums.last_sent_at.epoch_seconds()) / 86_400.0,
    )
    return rows.drop("last_sent_at")


def rhythm(connection: ibis.BaseBackend) -> NDArray[np.int64]:
    """Count active half-hours by weekday and hour (UTC): shape (7, 24), Monday first.

    Half-hours, not events, so that one busy user in one busy minute does not pass for a crowd.
    """
    days = connection.table(DAYS.table)
    hours = {f"h{hour:02d}": bit_count(days.slots & (0b11 << 2 * hour)).sum() for hour in range(SLOTS_A_DAY // 2)}
    counted = days.group_by(weekday=days.day.day_of_week.index()).aggregate(**hours).to_pyarrow().to_pylist()
    found = np.zeros((7, SLOTS_A_DAY // 2), dtype=np.int64)
    for row in counted:
        found[row["weekday"]] = [row[name] for name in hours]
    return found
