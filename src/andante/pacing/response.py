"""Response: what is known of how this user answers pushes, brought up to one moment.

Each rate is a posterior mean, ``(prior count + faded count) / (prior exposure + faded exposure)``: the rate of a
Poisson process with a Gamma prior. A user without evidence has the prior's rate; silence needs no timer, because it
is exposure without a count.
"""

from typing import NamedTuple

import numpy as np

from andante.compiled import kernel
from andante.exponential import exp, halved
from andante.pacing import rhythm
from andante.pacing.pressure import pressed
from andante.vocabulary.state import PROFILING_REFUSED
from andante.zones.table import Zones

DAY_S = 86_400.0
DAYS_PER_WEEK = 7.0
_DAY_S = 86_400
LN_2 = 0.6931471805599453


class Moment(NamedTuple):
    """One user at one second. Money is in the shop's unit."""

    fatigue: float  # F, in pushes
    habituation: float  # H, in pushes
    hour: float  # g: how active the user is in this local hour and on this weekday; 1 is usual
    open: float  # q: opens per push of usual relevance at a usual hour, unpressed
    organic: float  # A: probability of a visit within 24 hours without any push
    conversion: float  # c: conversions per opened push
    refusal: float  # h: opt-outs per push, unpressed
    worth: float  # v: value times relevance of the best candidate of a usual request, in money per conversion
    pressure: float  # exp(−βF − αH): what pressure leaves of opens
    annoyance: float  # exp(ηF): what pressure makes of refusals
    gain: float  # 1 − A + carry-over: how much of an open's worth the push itself brings
    usual: float  # what a usual push at a usual hour brings under this pressure, in money, before its cost
    cost: float  # what any push costs now, in money: refusals, wear of the pushes to come, message and budget
    offers: float  # requests with an eligible candidate, per day
    shown_s: np.int64  # what the user's wall clock shows, in seconds since 1970
    still: float  # what is left of the rhythm's counts
    hour_scale: float
    weekday_scale: float


@kernel
def moment(user: np.record, parameters: np.record, zones: Zones, at_s: int, per_week: float) -> Moment:
    """Return what is known of this user at this second, at a pace of so many pushes per week."""
    fatigue, habituation = pressed(user, parameters, at_s)
    pressure = exp(
        -np.float64(parameters.fatigue_open) * fatigue - np.float64(parameters.habituation_open) * habituation
    )
    annoyance = exp(np.float64(parameters.fatigue_refusal) * fatigue)

    left = _left(user, parameters, at_s)
    days = exposure_days(user.born_s, parameters, at_s)
    asked_days = exposure_days(np.int64(user.asked_day) * _DAY_S, parameters, at_s)
    opens = _rate(parameters.open_a, user.opens, parameters.open_b, user.open_exposure, left)
    conversion = _rate(parameters.conversion_a, user.conversions, parameters.conversion_b, user.opened_sends, left)
    refusal = _rate(parameters.refusal_a, user.refusals, parameters.refusal_b, user.refusal_exposure, left)
    # Nothing is learned of who objects to profiling, so that they are silent means nothing.
    watched = 0.0 if np.int64(user["flags"]) & PROFILING_REFUSED else days
    visits = (np.float64(parameters.visit_a) + left * np.float64(user.visits)) / (
        np.float64(parameters.visit_b) + watched
    )
    offers = (np.float64(parameters.offer_a) + left * np.float64(user.offers)) / (
        np.float64(parameters.offer_b) + asked_days
    )
    worth = _worth(user, parameters, left)

    organic = 1.0 - exp(-visits)
    gain = 1.0 - organic + np.float64(parameters.carry_over)
    usual = conversion * worth * min(opens * pressure, 1.0) * gain
    unpressed = conversion * worth * opens * gain
    loss = np.float64(parameters.refusal_loss) + np.float64(parameters.refusal_loss_pushes) * unpressed
    cost = (
        min(refusal * annoyance, 1.0) * loss
        + wear(parameters, per_week, unpressed, refusal, loss)
        + np.float64(parameters.message_cost)
        + np.float64(parameters.shadow_price)
    )

    shown_s = rhythm.local_s(user, parameters, zones, at_s)
    still = rhythm.kept(user, parameters, at_s)
    hour_scale = rhythm.hour_scale(user, parameters, still)
    weekday_scale = rhythm.weekday_scale(user, parameters, still)
    hour = activity(user, parameters, still, hour_scale, weekday_scale, shown_s)
    return Moment(
        fatigue,
        habituation,
        hour,
        opens,
        organic,
        conversion,
        refusal,
        worth,
        pressure,
        annoyance,
        gain,
        usual,
        cost,
        offers,
        shown_s,
        still,
        hour_scale,
        weekday_scale,
    )


@kernel
def activity(
    user: np.record, parameters: np.record, still: float, hour_scale: float, weekday_scale: float, shown_s: int
) -> float:
    """Return how active the user is when their wall clock shows this: hour times weekday, each of mean 1."""
    by_hour = hour_scale * rhythm.hour_weight(user, parameters, still, rhythm.hour_of(shown_s))
    by_weekday = weekday_scale * rhythm.weekday_weight(user, parameters, still, rhythm.weekday_of(shown_s))
    return (by_hour if hour_scale > 0.0 else 1.0) * (by_weekday if weekday_scale > 0.0 else 1.0)


@kernel
def exposure_days(since_s: int, parameters: np.record, at_s: int) -> float:
    """Return how many days have passed since a second, each faded like evidence of its age; 0 where there is none."""
    half_life_s = np.float64(parameters.evidence_half_life_s)
    if np.int64(since_s) == 0:
        return 0.0
    known_s = max(np.int64(at_s) - np.int64(since_s), np.int64(0))
    return float(half_life_s / (LN_2 * DAY_S) * (1.0 - halved(known_s, half_life_s)))


@kernel
def wear(parameters: np.record, per_week: float, unpressed: float, refusal: float, loss: float) -> float:
    """Return what one push takes from those that follow it, in money: ∂V/∂F of the methods.

    ``unpressed`` is what a usual push brings without pressure, in money; ``refusal`` are opt-outs per push without
    it, each of which loses ``loss``, in money. Those that follow go out at this pace, under the pressure at which it
    settles.
    """
    per_day = per_week / DAYS_PER_WEEK
    tired_days = np.float64(parameters.fatigue_half_life_s) / (LN_2 * DAY_S)
    used_days = np.float64(parameters.habituation_half_life_s) / (LN_2 * DAY_S)
    beta, alpha = np.float64(parameters.fatigue_open), np.float64(parameters.habituation_open)
    eta = np.float64(parameters.fatigue_refusal)
    per_push = beta * tired_days + alpha * used_days  # how far one push lowers log opens, summed over the days to come
    lost = per_push * unpressed * exp(-per_push * per_day)
    refused = eta * tired_days * refusal * exp(eta * tired_days * per_day) * loss
    return float(per_day * (lost + refused))


@kernel
def satisfaction(user: np.record, parameters: np.record, at_s: int) -> float:
    """Return how satisfied the user is, in [0, 1], by their ratings and the prior."""
    left = _left(user, parameters, at_s)
    prior, prior_weight = parameters.satisfaction_a, parameters.satisfaction_b
    return float(_rate(prior, user.satisfaction_sum, prior_weight, user.satisfaction_weight, left))


@kernel
def _left(user: np.record, parameters: np.record, at_s: int) -> float:
    """Return what is left at this second of evidence that was 1 at its anchor."""
    elapsed_s = max(np.int64(at_s) - np.int64(user.evidence_anchor_s), np.int64(0))
    return float(halved(elapsed_s, parameters.evidence_half_life_s))


@kernel
def _rate(prior: float, count: float, prior_exposure: float, exposure: float, left: float) -> float:
    return (np.float64(prior) + left * np.float64(count)) / (np.float64(prior_exposure) + left * np.float64(exposure))


@kernel
def _worth(user: np.record, parameters: np.record, left: float) -> float:
    """Return the mean value times relevance of a request's best candidate; the prior is worth ``offer_a`` requests."""
    prior, requests = np.float64(parameters.offer_a), left * np.float64(user.offers)
    total = prior * np.float64(parameters.offer_worth) + left * np.float64(user.offer_value)
    return total / (prior + requests) if prior + requests > 0.0 else np.float64(parameters.offer_worth)
