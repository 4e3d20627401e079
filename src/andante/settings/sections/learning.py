"""The section ``[learning]``: what one user is before any evidence, and how evidence counts and fades.

Each prior is a rate and the weight of the evidence that it stands for: a user's estimate is (rate · weight + what was
seen) / (weight + exposure). Where a basis is named, the weight is the one that matches the spread of users there.
"""

from datetime import timedelta
from typing import Annotated, Any, Final

from pydantic import Field

from andante.settings.sections.values import Between, Duration, Numbers, Section, about

HOUR_PRIOR: Final = (
    *(0.59, 0.37, 0.26, 0.22, 0.20, 0.21, 0.25, 0.33, 0.51, 0.80, 1.19, 1.56),
    *(1.71, 1.59, 1.28, 1.01, 0.93, 1.12, 1.52, 1.92, 2.09, 1.90, 1.45, 0.96),
)
"""Retail visits by local hour: peaks at 12:30 and 20:30 (two von Mises of concentration 3, the first 0.8 as high),
and a trough from 3 to 5 at a tenth of the peak."""

_SENDS = "sends to one user on which it was learned, faded by `evidence_half_life`"
_USERS_TIME = "the user's own time zone, else `users.time_zone`"


def _rate(default: float, most: float, description: str, *, counts: str) -> Any:
    """Declare a rate: above nought, since what never happens could not be learned either."""
    return Field(default=default, ge=1e-9, le=most, description=description, json_schema_extra=about(counts=counts))


def _weight(default: float, of: str) -> Any:
    """Declare the weight of the prior before it."""
    return Field(
        default=default,
        ge=0.01,
        le=1e6,
        description=f"How many {of} the prior is worth: the more, the slower one user's own evidence counts.",
        json_schema_extra=about(counts=of),
    )


def _factor(default: float, most: float, description: str, *, counts: str = "-") -> Any:
    """Declare a number from nought."""
    return Field(default=default, ge=0, le=most, description=description, json_schema_extra=about(counts=counts))


def _half_life(days: float, description: str) -> Any:
    """Declare a half-life."""
    return Field(default=timedelta(days=days), description=description, json_schema_extra=about(clock="event time"))


def _visits(default: float, event: str) -> Any:
    """Declare how many visits an event stands for."""
    return _factor(default, 100, f"How many visits one {event} stands for.", counts=f"events of type {event}")


def _refusals(default: float, outcome: str) -> Any:
    """Declare how much of an opt-out an outcome is."""
    return _factor(
        default, 1, f"How much of an opt-out one {outcome} is.", counts=f"outcomes of type {outcome}, once a send"
    )


HalfLife = Annotated[Duration, Between("PT1H", "P3650D")]


class VisitWeights(Section):
    """How many visits an event of each type stands for. A shop that logs its visits may set the others to 0."""

    view: float = _visits(0.1, "view")
    search: float = _visits(0.2, "search")
    cart: float = _visits(0.3, "cart")
    favorite: float = _visits(0.2, "favorite")
    like: float = _visits(0.1, "like")
    comment: float = _visits(0.2, "comment")
    share: float = _visits(0.2, "share")
    purchase: float = _visits(0.5, "purchase")
    visit: float = _visits(1.0, "visit")
    dwell: float = _visits(0.0, "dwell")


class RefusalWeights(Section):
    """How much of an opt-out each outcome is."""

    delivered: float = _refusals(0.0, "delivered")
    opened: float = _refusals(0.0, "opened")
    clicked: float = _refusals(0.0, "clicked")
    converted: float = _refusals(0.0, "converted")
    dismissed: float = _refusals(0.0, "dismissed")
    not_interested: float = _refusals(0.2, "not_interested")
    unsubscribed: float = _refusals(1.0, "unsubscribed")
    complained: float = _refusals(1.0, "complained")
    rated: float = _refusals(0.0, "rated")


class Learning(Section):
    """What is known before any evidence, and how evidence counts."""

    open_rate: float = _rate(
        0.028, 1, "Share of pushes that are opened at a usual hour. Basis: retail direct opens, 2.5–3 %.", counts=_SENDS
    )
    open_rate_weight: float = _weight(25.0, "pushes")
    visits_per_day: float = _rate(
        0.1,
        1000,
        "Visits of a user's own accord in a day. Basis: near the CDNOW cohort.",
        counts="events by `visit_weights`",
    )
    visits_weight_days: float = _weight(3.5, "days")
    conversion_rate: float = _rate(
        0.034,
        1,
        "Share of opened pushes that convert. Basis: 3.4 % of retail visits buy.",
        counts="sends that were opened",
    )
    conversion_rate_weight: float = _weight(30.0, "opened pushes")
    refusal_rate: float = _rate(
        0.0015,
        1,
        "Opt-outs per push of a rested user. Basis: +2.5 points of uninstalls per extra weekly push over 7 weeks in a "
        "retail trial of 17,500 users.",
        counts="outcomes by `refusal_weights`, per send",
    )
    refusal_rate_weight: float = _weight(400.0, "pushes")
    satisfaction: float = _rate(
        0.6,
        1,
        "Satisfaction of a user who rated nothing. Basis: 60 % of user-weeks.",
        counts="ratings, 1 to 5, as 0 to 1",
    )
    satisfaction_weight: float = _weight(3.0, "ratings")
    offers_per_day: float = _rate(
        1.0, 1000, "Requests in a day with a candidate that the rules allow.", counts="requests of one user"
    )
    offers_weight_days: float = _weight(3.0, "days")
    offer_worth: float = _rate(
        1.0,
        1e9,
        "What the best candidate of a usual request brings when it converts, value times relevance, in the shop's own "
        "money: the scale of all money here.",
        counts="the best allowed candidate of each request",
    )
    interest_rate: float = _factor(
        0.05,
        1,
        "How far one answer or silence moves a user's published interest.",
        counts="sends, once answered or closed",
    )
    evidence_half_life: HalfLife = _half_life(
        90, "When half of the evidence of opens, visits, conversions and refusals is gone."
    )
    counts_half_life: HalfLife = _half_life(7, "When half of the counts of events by type is gone.")
    rhythm_half_life: HalfLife = _half_life(60, "When half of a user's profile of hours and weekdays is gone.")
    fatigue_half_life: HalfLife = _half_life(2.5, "When half of the fatigue of a push is gone. Basis: about 2.5 days.")
    habituation_half_life: HalfLife = _half_life(
        15, "When half of the habituation to a push is gone. Basis: 15 days, Duolingo."
    )
    fatigue_open: float = _factor(
        0.2, 10, "β: opens fall as exp(−β · fatigue). Basis: near 0.22, a choice.", counts="recent pushes, faded"
    )
    habituation_open: float = _factor(
        0.03, 10, "α: opens fall as exp(−α · habituation). Basis: 0.03, a choice.", counts="pushes, slowly faded"
    )
    fatigue_refusal: float = _factor(
        0.2, 10, "η: opt-outs rise as exp(η · fatigue). Basis: near 0.22, a choice.", counts="recent pushes, faded"
    )
    carry_over: float = _factor(
        0.1, 10, "Share of an open's worth that a push brings by later visits. A cautious choice.", counts="sends"
    )
    visit_weights: VisitWeights = VisitWeights()
    refusal_weights: RefusalWeights = RefusalWeights()
    hour_prior: Annotated[tuple[float, ...], Numbers(24, 24, 1000, profile=True)] = Field(
        default=HOUR_PRIOR,
        description="Activity by local hour, from midnight; only its shape counts. Basis: retail visits, which peak at "
        "12:30 and 20:30 and are a tenth of that from 3 to 5.",
        json_schema_extra=about(clock=_USERS_TIME, counts="events of all types"),
    )
    weekday_prior: Annotated[tuple[float, ...], Numbers(7, 7, 1000, profile=True)] = Field(
        default=(1.0,) * 7,
        description="Activity by local weekday, from Monday; only its shape counts. Even, where nothing is known.",
        json_schema_extra=about(clock=_USERS_TIME, counts="events of all types"),
    )
    rhythm_prior_weight: float = _weight(20.0, "events")
