"""What a trace says, part by part, in the order of the page that draws it.

Short names are the letters of the methods, section D ("The frontier"), where there is one. Money is in the shop's own
unit, rates are per day or per push as said, and None is unknown or not come to.
"""

from __future__ import annotations

from datetime import datetime

from andante.vocabulary.records import Candidate, Decision, Record, Verdict


class Heard(Record, frozen=True, omit_defaults=False):
    """An event or an outcome before the decision, as the log has it."""

    at: datetime
    kind: str  # event | outcome
    type: str
    item_id: str | None
    category: str | None
    value: float | None  # money, dwell seconds, or a rating
    decision_id: str | None  # of an outcome


class Behaviour(Record, frozen=True, omit_defaults=False):
    """What the user did: the seed's behaviour, as the record remembers it."""

    counts: dict[str, float]  # by event type, faded to the moment by learning.counts_half_life (D, Online)
    last_purchase: datetime | None
    last: tuple[Heard, ...]  # newest first, at most LAST_HEARD


class Posterior(Record, frozen=True, omit_defaults=False):
    """A rate: (prior_count + count) / (prior_exposure + exposure), Gamma and Poisson (D, Learning: conjugate)."""

    mean: float
    count: float  # faded to the moment by learning.evidence_half_life
    exposure: float  # likewise: pushes, opens, days
    prior_count: float
    prior_exposure: float


class Profile(Record, frozen=True, omit_defaults=False):
    """What is known of how the user answers (D, Response)."""

    local_hour: int  # 0 to 23, by the user's own clock
    weekday: int  # Monday is 0
    hours: tuple[float, ...]  # 24: how active in each local hour; mean 1
    weekdays: tuple[float, ...]  # 7, Monday first; mean 1
    g: float  # activity now: hours[local_hour] · weekdays[weekday]
    A: float  # probability of a visit within 24 hours without a push: 1 − exp(−visits per day)
    v: float  # value times relevance of the best candidate of a usual request, in money per conversion
    F: float  # fatigue, in pushes
    H: float  # habituation, in pushes
    pressure: float  # exp(−βF − αH): what pressure leaves of opens
    annoyance: float  # exp(ηF): what it makes of refusals
    posteriors: dict[
        str, Posterior
    ]  # open: q per push · visit, offer: per day · conversion: c per open · refusal: h0 per
    # push, unpressed · satisfaction: S in [0, 1]


class Interest(Record, frozen=True, omit_defaults=False):
    """Interest I against its threshold (first seed, 3.4 and 4.4), as published and as answers have moved it."""

    published: float | None
    now: float | None  # ((1 − r)·I + r·answered) / (1 − r + r·sent), r: learning.interest_rate
    theta: float | None
    answered: int  # of the pushes since the week's turn that feedback counts
    sent: int


class Pace(Record, frozen=True, omit_defaults=False):
    """The plan as a credit that fills with time (D, Fast executor: leaky credit k*/7 per day)."""

    plan_per_week: float | None  # k*, as published
    adjustment: float  # what feedback has added, in pushes a week (first seed, 3.5 and 4.5)
    random_per_week: float | None  # this week's random k, of those who explore (D, Learning)
    default_per_week: float  # of users without a plan
    pace_per_week: float  # as followed: the random one, else plan and adjustment, else the default; within the bounds
    credit: float  # in pushes, before the decision; a push takes 1
    burst: float  # the most that can gather
    ready_at: datetime | None  # when there is credit for a push; None: never at this pace


class Rule(Record, frozen=True, omit_defaults=False):
    """What one rule by itself says of a candidate."""

    rule: str
    refuses: bool
    until: datetime | None  # from when on it allows; None: never


class Terms(Record, frozen=True, omit_defaults=False):
    """The index of one candidate, term by term (D, Fast executor). brings − cost = index."""

    c: float  # conversions per opened push
    value: float  # money per conversion, as given
    q: float  # opens per push of usual relevance at a usual hour, unpressed
    g: float  # activity of the hour
    relevance: float  # ρ, as given
    pressure: float  # exp(−βF − αH)
    p: float  # q·g·ρ·pressure, at most 1: probability that it is opened
    A: float  # what the user's own visit would have brought
    carry_over: float  # what later visits add, as a share of an open's worth
    gain: float  # 1 − A + carry_over
    brings: float  # c·value·p·gain, in money
    h: float  # h0·exp(ηF), at most 1: probability of an opt-out
    loss: float  # V_sub − V_unsub: what an opt-out loses, in money
    refusal_cost: float  # h·loss
    wear: float  # ∂V/∂F: what the push takes from those that follow
    kappa: float  # κ, cost of a message
    mu: float  # μ, shadow price of the budget
    cost: float  # refusal_cost + wear + κ + μ; the same for every candidate of the moment
    index: float


class Offered(Record, frozen=True, omit_defaults=False):
    """A candidate: as given, what the rules say, what it is worth."""

    given: Candidate  # as it was asked
    transactional: bool
    rules: tuple[Rule, ...]  # all of them, in the order in which they are asked
    verdict: Verdict  # recomputed: refused_by, allowed_at, index, propensity
    terms: Terms | None  # None where rules refuse
    chance: float  # probability of being the one that is weighed: pacing.explore_candidates
    send_probability: float  # clip(σ((index − reservation) / softness), floor, 1 − floor); propensity = chance · this


class Choice(Record, frozen=True, omit_defaults=False):
    """How one was chosen and weighed (D, Fast executor: send with probability, wait or send)."""

    eligible: int  # candidates that every rule allows and that are not transactional
    best: str | None  # the eligible one with the highest index
    transactional: str | None  # the one that its user waits for: it asks neither plan nor worth
    draw_candidate: float | None  # in [0, 1): below pacing.explore_candidates, any eligible one is taken
    drawn: str | None  # the one that was weighed
    reservation: float | None  # what waiting is worth, in money: backward induction over 24 hours
    patience: float  # weight of the reservation
    softness: float  # ε: temperature · what a usual push brings
    floor: float
    send_probability: float | None  # of the one drawn
    draw_send: float | None  # in [0, 1): below send_probability it goes out
    better_from: datetime | None  # the hour in which the best is worth at least what waiting is worth by then
    chosen: str | None  # what the decision is about: where rules refuse all, the one that may go out soonest


class Trace(Record, frozen=True, omit_defaults=False):
    """The whole path of one decision: behaviour → profile → interest → pace → candidates → choice → decision."""

    decision: Decision  # as it was answered: action, reasons, propensity, policy_version
    user_id: str
    at: datetime  # the user's clock
    asked: str  # request | release
    origins: tuple[str, ...]  # of a release: for each candidate, the decision that had deferred it
    exact: bool  # every number computed here is the logged one, to the bit
    behaviour: Behaviour
    profile: Profile
    interest: Interest
    pace: Pace
    candidates: tuple[Offered, ...]
    choice: Choice
