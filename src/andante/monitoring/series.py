"""Series: what happened, in buckets of event time, as columns of equal length."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from andante.monitoring.columns import COHORT, OF_COHORT, OTHERS, PLACES, REASON_PLACES, SENDS_BASE
from andante.monitoring.tally import FINE_US, HOUR_US
from andante.vocabulary.fault import InputFault
from andante.vocabulary.reason import Reason
from andante.vocabulary.records import Record

if TYPE_CHECKING:
    from andante.monitoring.gauges import Gauges
    from andante.monitoring.rings import Floats, Ring
    from andante.monitoring.tally import Tally

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
BUCKETS_MAX = 1_000
PER = 1_000.0
"""Rates of opt-outs are per so many pushes."""

_AS_COUNTED = (
    *("decisions", "sends", "defers", "suppresses", "unsubscribed", "complained", "not_interested"),
    *("value", "cost", "failed", "explored", "events", "purchases"),
)

Numbers = tuple[float, ...]
Gauge = tuple[float | None, ...]


class Series(Record, frozen=True, omit_defaults=False):
    """What happened in each bucket; every column has a number per bucket, None where nothing is known."""

    bucket_s: int
    until: datetime  # of event time: the last bucket may not be over
    at: tuple[datetime, ...]  # when each bucket begins
    decisions: Numbers
    sends: Numbers
    defers: Numbers
    suppresses: Numbers
    opens: Numbers
    clicks: Numbers
    unsubscribed: Numbers
    complained: Numbers
    not_interested: Numbers
    optouts: Numbers  # unsubscribed and complained
    optouts_per_1000: Gauge  # of the pushes of the same bucket; None where none went out
    conversions: Numbers
    value: Numbers  # money that conversions brought
    cost: Numbers  # money that messages cost
    failed: Numbers
    explored: Numbers  # decisions in a week of random pace
    events: Numbers
    purchases: Numbers
    rating: Gauge  # mean of 1 to 5
    plan_followed: Gauge  # mean pushes per week that decisions followed
    channels: dict[str, Numbers]  # sends
    categories: dict[str, Numbers]  # sends
    campaigns: dict[str, Numbers]  # sends
    plan_mean: Gauge  # this and what follows: from surveys, the latest of each bucket
    pace_mean: Gauge
    satisfaction_mean: Gauge
    shadow_price: Gauge
    budget_per_user_week: Gauge
    users_reachable: Gauge
    plan_histogram: tuple[int, ...]  # of the latest survey; empty without one


class Campaign(Record, frozen=True, omit_defaults=False):
    """What came so far of the pushes that a campaign sent in a span."""

    campaign_id: str
    category: str | None
    sends: int
    opens: int
    clicks: int
    optouts: int
    not_interested: int
    conversions: int
    value: float
    failed: int
    open_rate: float
    optouts_per_1000: float


def series(tally: Tally, gauges: Gauges, now_us: int, span_s: float, buckets: int) -> Series:
    """Return the last seconds of event time in about so many buckets; minutes are the finest, hours beyond two days.

    Raises InputFault for a span or a number of buckets that cannot be.
    """
    if not (span_s > 0 and 1 <= buckets <= BUCKETS_MAX):
        raise InputFault(
            "the span", f"{span_s:g} s in {buckets} buckets", "cannot be", f"give s > 0, 1 to {BUCKETS_MAX} buckets"
        )
    ring, first, count, each = _buckets(tally, now_us, span_s, buckets)
    rows = ring.rows(first, first + count * each - 1).reshape(count, each, -1).sum(axis=1)
    starts = [(first + place * each) * ring.width_us for place in range(count)]
    width_us = each * ring.width_us
    column = {name: tuple(rows[:, place].tolist()) for name, place in PLACES.items()}
    optouts = rows[:, PLACES["unsubscribed"]] + rows[:, PLACES["complained"]]
    told: dict[str, Any] = {
        "opens": column["opened"],
        "clicks": column["clicked"],
        "conversions": column["converted"],
        "optouts": tuple(optouts.tolist()),
        "optouts_per_1000": _per(PER * optouts, rows[:, PLACES["sends"]]),
        "rating": _per(rows[:, PLACES["rating_sum"]], rows[:, PLACES["rated"]]),
        "plan_followed": _per(rows[:, PLACES["plan_sum"]], rows[:, PLACES["plan_known"]]),
    }
    return Series(
        bucket_s=width_us // 1_000_000,
        until=instant(now_us),
        at=tuple(map(instant, starts)),
        **dict[str, Any]({name: column[name] for name in _AS_COUNTED}),
        **told,
        **_sends_by(tally, rows),
        **gauges.columns(starts, width_us),
        plan_histogram=gauges.histogram(),
    )


def reasons(tally: Tally, now_us: int, span_s: float) -> dict[str, int]:
    """Return how many decisions of a span sent nothing, by why, the most frequent first."""
    ring, first, count, each = _buckets(tally, now_us, span_s, 1)
    counts = ring.rows(first, first + count * each - 1).sum(axis=0)
    held = {
        Reason(code).name.lower(): int(counts[place]) for code, place in REASON_PLACES.items() if code < Reason.BEST
    }
    return dict(sorted(((name, n) for name, n in held.items() if n), key=lambda one: -one[1]))


def campaigns(tally: Tally, now_us: int, span_s: float) -> tuple[Campaign, ...]:
    """Return the campaigns that sent in the hours of a span, the largest first."""
    last = now_us // HOUR_US
    first = last - max(1, -(-int(span_s * 1e6) // HOUR_US)) + 1
    counts = tally.cohorts.rows(max(first, last - tally.cohorts.buckets + 1), last).sum(axis=0)
    found = [
        _campaign(name, tally.keys.category_of.get(name), counts[key * len(COHORT) : (key + 1) * len(COHORT)])
        for name, key in tally.keys.campaigns.items()
        if counts[key * len(COHORT)]
    ]
    return tuple(sorted(found, key=lambda one: (one.campaign_id == OTHERS, -one.sends, one.campaign_id)))


def instant(at_us: int) -> datetime:
    """Return microseconds since 1970 as a time in UTC."""
    return EPOCH + timedelta(microseconds=at_us)


def _buckets(tally: Tally, now_us: int, span_s: float, buckets: int) -> tuple[Ring, int, int, int]:
    """Return the ring that answers, its first bucket, how many buckets are asked for, and how many of its own each is.

    The last one holds now.
    """
    span_us = min(int(span_s * 1e6), tally.history_us)
    ring = tally.minutes if span_us <= FINE_US else tally.hours
    own = max(1, -(-span_us // ring.width_us))
    each = -(-own // buckets)
    count = -(-own // each)
    while count * each > ring.buckets:
        count -= 1
    return ring, now_us // ring.width_us - count * each + 1, count, each


def _sends_by(tally: Tally, rows: Floats) -> dict[str, Any]:
    """Return sends by channel, category and campaign: of those that had any."""
    keys = tally.keys
    told = {"channels": keys.channels, "categories": keys.categories, "campaigns": keys.campaigns}
    return {
        kind: {
            name: tuple(rows[:, SENDS_BASE + key].tolist())
            for name, key in sorted(names.items())
            if rows[:, SENDS_BASE + key].any()
        }
        for kind, names in told.items()
    }


def _campaign(name: str, category: str | None, counts: Floats) -> Campaign:
    count = {of: int(counts[place]) for of, place in OF_COHORT.items()}
    sends = count["sends"]
    return Campaign(
        campaign_id=name,
        category=category,
        **{of: n for of, n in count.items() if of != "value"},
        value=float(counts[OF_COHORT["value"]]),
        open_rate=count["opens"] / sends,
        optouts_per_1000=PER * count["optouts"] / sends,
    )


def _per(above: Floats, below: Floats) -> Gauge:
    return tuple(a / b if b else None for a, b in zip(above.tolist(), below.tolist(), strict=True))
