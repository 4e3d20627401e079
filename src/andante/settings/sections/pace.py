"""The sections of pace: how many pushes, and how the moment of each is chosen."""

from datetime import timedelta
from typing import Annotated, Final, Literal

from pydantic import Field

from andante.settings.sections.values import Between, Duration, Numbers, Section, about

ARMS_MAX: Final = 8
PACE_MAX: Final = 168
"""The highest pace that can be asked for: a push an hour."""

_WEEKS = "weeks of 7 days; credit fills with event time"
_TURNS = "weeks of 7 days since 1970, which turn on Thursdays at 00:00 UTC"
_OWN_PUSHES = "pushes to one user; transactional ones never"
_USUAL = "the worth of a usual push (`learning.offer_worth` · `open_rate` · `conversion_rate`)"


class Budget(Section):
    """How many pushes may go out over the whole population."""

    per_user_week: float | None = Field(
        default=None,
        gt=0,
        description="Mean pushes per user-week over the population. Absent: value alone decides.",
        json_schema_extra=about(
            clock="weeks of 7 days, UTC", counts="planned pushes over all users, those planned none included"
        ),
    )
    controller: bool = Field(
        default=False,
        description="Hold the budget live: a shadow price rises while more goes out than is allowed, else it falls.",
        json_schema_extra=about(counts="sends over all users; transactional ones never"),
    )
    step: float = Field(
        default=0.1,
        gt=0,
        le=10,
        description=f"How far the shadow price moves, as a share of {_USUAL}, when twice the allowance went out: "
        "μ ← max(0, μ + step · worth · (sent − allowed) / allowed).",
        json_schema_extra=about(clock="`budget.every`", counts="sends over all users; transactional ones never"),
    )
    every: Annotated[Duration, Between("PT10S", "P1D")] = Field(
        default=timedelta(minutes=5),
        description="How often the shadow price moves. Basis: every few minutes, as live budgets are paced elsewhere.",
        json_schema_extra=about(clock="the engine's clock", counts="sends since the last time"),
    )


class Pacing(Section):
    """The fast clock: credit that fills with time, and when a push is worth a piece of it."""

    default_per_week: float = Field(
        default=1.0,
        ge=0,
        le=PACE_MAX,
        description="Pace of users without a plan: the cautious one, never the highest.",
        json_schema_extra=about(clock=_WEEKS, counts=_OWN_PUSHES),
    )
    least_per_week: float = Field(
        default=0.0,
        ge=0,
        le=PACE_MAX,
        description="The lowest pace that feedback and chance may lead to. A plan of 0 stays 0.",
        json_schema_extra=about(clock=_WEEKS, counts=_OWN_PUSHES),
    )
    most_per_week: float = Field(
        default=14.0,
        ge=0.01,
        le=PACE_MAX,
        description="The highest pace that is followed, whatever plan, feedback and chance say.",
        json_schema_extra=about(clock=_WEEKS, counts=_OWN_PUSHES),
    )
    burst: float = Field(
        default=1.5,
        ge=1,
        le=32,
        description="The most credit that can gather while nothing is sent; a send takes 1.",
        json_schema_extra=about(clock="event time", counts=_OWN_PUSHES),
    )
    adjustment: Literal["none", "multiplicative", "additive"] = Field(
        default="none",
        description="How a user's own answers move the pace, once a week, with interest I and threshold θ: not at all, "
        "f · (1 + rate · (I − θ)), or f ± rate by the sign of I − θ. Basis: the first seed, section 5.",
        json_schema_extra=about(
            clock=_TURNS, counts="users with a plan, an interest and a threshold, who were pushed since"
        ),
    )
    adjustment_rate: float = Field(
        default=0.1,
        ge=0,
        le=1,
        description="The rate of `adjustment`: a share where it is multiplicative, pushes a week where it is additive.",
        json_schema_extra=about(clock=_TURNS),
    )
    arms: Annotated[tuple[float, ...], Numbers(1, ARMS_MAX, PACE_MAX)] = Field(
        default=(0.5, 1.0, 2.0, 3.0, 5.0, 7.0),
        description="The paces that `experiment.explore` draws from, each as likely as the others.",
        json_schema_extra=about(clock=_TURNS, counts=_OWN_PUSHES),
    )
    explore_candidates: float = Field(
        default=0.02,
        ge=0,
        le=1,
        description="Share of choices among the candidates of one request that are left to chance, to learn from.",
        json_schema_extra=about(counts="requests with two candidates or more that the rules allow"),
    )
    patience: float = Field(
        default=1.0,
        ge=0,
        le=1,
        description="Weight of what waiting for a better offer or hour is worth. 0: nothing waits for better.",
        json_schema_extra=about(clock="the next 24 hours of the user's own time zone"),
    )
    temperature: float = Field(
        default=0.25,
        ge=0,
        le=100,
        description="How softly send turns into hold around equal worth, as a share of what a usual push to this user "
        "brings. 0: at once.",
        json_schema_extra=about(counts="decisions that the rules and the pace leave open"),
    )
    floor: float = Field(
        default=0.02,
        ge=0,
        lt=0.5,
        description="Least probability of both send and hold, inside the rules, so that every decision can be learned "
        "from. 0: the better one for sure.",
        json_schema_extra=about(counts="decisions that the rules and the pace leave open"),
    )
    spread: Annotated[Duration, Between("PT0S", "P1D")] = Field(
        default=timedelta(minutes=30),
        description="Over how long the pushes that wait for one moment, such as the end of quiet hours, are spread.",
        json_schema_extra=about(clock="event time, from the earliest moment that is allowed"),
    )
    stale_after: Annotated[Duration, Between("PT1S", "P31D")] = Field(
        default=timedelta(days=1),
        description="How long a deferred push waits before it is dropped; one with an `expires_at` never waits longer.",
        json_schema_extra=about(clock="event time, since the request"),
    )
    message_cost: float = Field(
        default=0.0,
        ge=0,
        le=1e9,
        description="What a message costs, beside the opt-outs that it may bring.",
        json_schema_extra=about(counts="money, per send; transactional ones never"),
    )
    shadow_price: float = Field(
        default=0.0,
        ge=0,
        le=1e9,
        description="What one more push costs under the budget; `budget.controller` moves it from here.",
        json_schema_extra=about(counts="money, per send; transactional ones never"),
    )
    refusal_loss: float = Field(
        default=0.0,
        ge=0,
        le=1e9,
        description="What a subscribed user is worth more than one who opted out, in money. It adds to the next.",
        json_schema_extra=about(counts="money, per opt-out"),
    )
    refusal_loss_pushes: float = Field(
        default=78.0,
        ge=0,
        le=1e6,
        description="The same in what so many usual pushes to this user bring. By default 26 weeks of 3 a week: a "
        "shorter horizon asks for far too many pushes.",
        json_schema_extra=about(counts="usual pushes, per opt-out"),
    )


class Experiment(Section):
    """How much of the population is left to chance, to learn from and to measure against."""

    holdout: float = Field(
        default=0.03,
        ge=0,
        le=0.5,
        description="Share of users who are never pushed, to measure against. Transactional pushes reach them.",
        json_schema_extra=about(counts="users, by a hash of user and seed"),
    )
    explore: float = Field(
        default=0.05,
        ge=0,
        lt=1,
        description="Share of users who get a random pace for a week, one of `pacing.arms`, to learn from.",
        json_schema_extra=about(clock=_TURNS, counts="users, drawn anew each week"),
    )
