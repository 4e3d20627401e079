"""Learning: what each record teaches the user's record, in time that does not grow with history.

Events and outcomes may come late and in any order: between two decisions, any order gives the same state up to the
rounding of float32. Each function returns what the record did: IGNORED, APPLIED or REPEATED.
"""

import numpy as np

from andante.compiled import kernel
from andante.engine import slots
from andante.engine.sums import add_count, add_rhythm, evidence_weight
from andante.pacing import rhythm
from andante.pacing.feedback import ANSWERED, SENT_UNLEARNED, TEACHES_NOTHING
from andante.pacing.pressure import press
from andante.pacing.response import Moment
from andante.vocabulary.event import EventType
from andante.vocabulary.flow import (
    EVENT_CODES,
    OUTCOME_CODES,
    SETS_DIAL_DAY,
    SETS_DIAL_WEEK,
    SETS_MEMBER,
    SETS_PAUSE,
    SETS_PROFILING,
    SETS_QUIET,
    SETS_ZONE,
)
from andante.vocabulary.message import OutcomeType
from andante.vocabulary.state import (
    CATEGORY_MASK,
    CHANNEL_MASK,
    CHANNEL_SHIFT,
    EVENT_TYPES,
    KNOWN,
    MEMBER,
    PROFILING_REFUSED,
    SENT_TRANSACTIONAL,
    SLOTS,
)
from andante.zones.table import Zones

IGNORED, APPLIED, REPEATED = 0, 1, 2
"""What a record did: nothing (too late, or of nobody), its work, or what an equal one had done already."""

PURCHASE = EVENT_CODES[EventType.PURCHASE]
CONVERTED = OUTCOME_CODES[OutcomeType.CONVERTED]
RATED = OUTCOME_CODES[OutcomeType.RATED]
FAILED = OUTCOME_CODES[OutcomeType.FAILED]

LEAST_RATING, RATING_SPAN = 1.0, 4.0  # ratings run from 1 to 5
SURPRISE = 10.0
"""How many times the usual worth one offer counts for at most; larger values are learned in a few offers."""

_ONE = np.uint64(1)
_DAY_S = 86_400


@kernel
def on_event(user: np.record, record: np.record, parameters: np.record, zones: Zones) -> int:
    """Learn what the user did: visits, counts by type, the rhythm of hours and weekdays, the last purchase.

    Of a user who objects to profiling nothing is learned: IGNORED.
    """
    if np.int64(user["flags"]) & PROFILING_REFUSED:
        return IGNORED
    at_s, code = np.int64(record.at_s), np.int64(record.type)
    _meet(user, at_s)
    visits = np.float64(parameters.visit_weight[code])
    if visits > 0.0:
        weight = evidence_weight(user, parameters, at_s)
        user.visits = np.float64(user.visits) + visits * weight
    add_count(user, parameters, code, at_s)
    shown_s = rhythm.local_s(user, parameters, zones, at_s)
    add_rhythm(user, parameters, rhythm.hour_of(shown_s), rhythm.weekday_of(shown_s), at_s)
    if code == PURCHASE:
        user.last_purchase_s = max(np.int64(user.last_purchase_s), at_s)
    return APPLIED


@kernel
def on_offer(user: np.record, candidate: np.record, parameters: np.record, at_s: int, usual: float) -> int:
    """Learn that a request offered something: how often that happens, and what its best candidate is worth.

    A release asks again for what was offered before: it is no new offer. One offer counts for at most ``SURPRISE``
    times the ``usual`` worth, so that one wrong value does not make every later push look worthless.
    """
    if np.int64(user.asked_day) == 0:
        user.asked_day = np.int64(at_s) // _DAY_S
    weight = evidence_weight(user, parameters, at_s)
    user.offers = np.float64(user.offers) + weight
    worth = min(np.float64(candidate.value) * np.float64(candidate.relevance), SURPRISE * usual)
    user.offer_value = np.float64(user.offer_value) + worth * weight
    return APPLIED


@kernel
def on_sent(
    user: np.record,
    candidate: np.record,
    record: np.record,
    parameters: np.record,
    zones: Zones,  # noqa: ARG001  the moment knows the wall clock
    moment: Moment,
) -> int:
    """Book a send: it takes a slot, presses, and is exposure for the rates of opens and refusals.

    Silence needs no record of its own: a push that nobody opens is exposure without an open. A transactional message
    presses nobody and teaches nothing: its user waits for it.
    """
    sent_s = max(np.int64(record.at_s) + np.int64(record.ceil), np.int64(user.now_s))
    category, channel = np.int64(candidate.category), np.int64(candidate.channel)
    scope = (category & CATEGORY_MASK) | ((channel & CHANNEL_MASK) << CHANNEL_SHIFT)
    transactional = (np.uint64(parameters.transactional) >> np.uint64(category)) & _ONE != 0
    unlearned = np.int64(user["flags"]) & PROFILING_REFUSED != 0
    if transactional:
        scope |= SENT_TRANSACTIONAL
    if unlearned:
        scope |= SENT_UNLEARNED
    slots.write(user, slots.take(user), sent_s, np.uint64(record.number), np.int64(candidate.content), scope)
    if transactional:
        return APPLIED
    press(user, parameters, sent_s)
    if not unlearned:
        weight = evidence_weight(user, parameters, sent_s)
        expected = moment.hour * np.float64(candidate.relevance) * moment.pressure
        user.open_exposure = np.float64(user.open_exposure) + expected * weight
        user.refusal_exposure = np.float64(user.refusal_exposure) + moment.annoyance * weight
    return APPLIED


@kernel
def on_outcome(
    user: np.record,
    record: np.record,
    parameters: np.record,
    zones: Zones,  # noqa: ARG001  an outcome counts at the time of its send
) -> int:
    """Join an outcome with its send, and learn from it as of the time of the send. Each type counts once a send.

    IGNORED: the record remembers no such send, because 32 later ones took its slot, or it never was. Nothing changed.
    An opt-out must not be lost so: the caller knows the channel from the log, and writes PREFERENCES that refuse it.
    REPEATED: the send has an outcome of this type already.
    """
    slot = slots.find(user, np.uint64(record.decision))
    if slot == slots.NO_SLOT:
        return IGNORED
    code, before = np.int64(record.type), np.int64(user.sent_outcomes[slot])
    bit = np.int64(1) << code
    if before & bit:
        return REPEATED
    user.sent_outcomes[slot] = before | bit
    if code == FAILED:  # its place in the caps stays taken, because a provider may be wrong; and it teaches nothing
        return APPLIED
    scope = np.int64(user.sent_scope[slot])
    if scope & TEACHES_NOTHING == 0 and np.int64(user["flags"]) & PROFILING_REFUSED == 0:
        _learn(user, record, parameters, code, before, np.int64(user.sent_s[slot]))
    return APPLIED


@kernel
def on_preferences(user: np.record, record: np.record) -> int:
    """Take over what the user wants; the rest stays as it was. What is both given and refused is refused.

    Who objects to profiling, or takes that back, is forgotten as a profile: behaviour, rhythm, evidence and plan go,
    and the default pace is left.
    """
    _take_consent(user, record)
    sets = np.int64(record.sets)
    if sets & SETS_ZONE:
        user.zone = record.zone
    if sets & SETS_QUIET:
        user.quiet_start_min, user.quiet_end_min = record.quiet_start_min, record.quiet_end_min
    if sets & SETS_DIAL_DAY:
        user.max_per_day = record.max_per_day
    if sets & SETS_DIAL_WEEK:
        user.max_per_week = record.max_per_week
    if sets & SETS_PAUSE:
        user.paused_until_s = record.paused_until_s
    if sets & SETS_MEMBER:
        _set_flag(user, MEMBER, np.int64(record["flags"]))
    if sets & SETS_PROFILING:
        refused = np.int64(user["flags"]) & PROFILING_REFUSED
        _set_flag(user, PROFILING_REFUSED, np.int64(record["flags"]))
        if np.int64(user["flags"]) & PROFILING_REFUSED != refused:
            _forget_profile(user)
    return APPLIED


@kernel
def on_plan(user: np.record, record: np.record) -> int:
    """Take over what the slow clock planned; NaN leaves as it was.

    A new pace takes back what feedback added to the old one: it was learned from the same answers, and more.

    A user who objects to profiling has no plan: IGNORED.
    """
    if np.int64(user["flags"]) & PROFILING_REFUSED:
        return IGNORED
    per_week = np.float64(record.per_week)
    if not np.isnan(per_week):
        if per_week != np.float64(user.plan_per_week):
            user.adjustment = 0.0
        user.plan_per_week = record.per_week
    if not np.isnan(np.float64(record.interest)):
        user.interest = record.interest
    if not np.isnan(np.float64(record.theta)):
        user.theta = record.theta
    return APPLIED


@kernel
def _meet(user: np.record, at_s: int) -> None:
    """Note the first time that anything was seen of this user."""
    born_s = np.int64(user.born_s)
    if born_s == 0 or at_s < born_s:
        user.born_s = max(np.int64(at_s), np.int64(1))


@kernel
def _learn(user: np.record, record: np.record, parameters: np.record, code: int, before: int, sent_s: int) -> None:
    """Add an outcome to the sums, as of the time of its send."""
    weight = evidence_weight(user, parameters, sent_s)
    if (np.int64(1) << code) & ANSWERED and before & ANSWERED == 0:
        user.opens = np.float64(user.opens) + weight
        user.opened_sends = np.float64(user.opened_sends) + weight
    if code == CONVERTED:
        user.conversions = np.float64(user.conversions) + weight
    refusal = np.float64(parameters.refusal_weight[code])
    if refusal > 0.0:
        user.refusals = np.float64(user.refusals) + refusal * weight
    if code == RATED:
        given = np.float64(record.weight)
        weight *= given if given > 0.0 else 1.0
        rating = float(min(max((np.float64(record.value) - LEAST_RATING) / RATING_SPAN, 0.0), 1.0))
        user.satisfaction_sum = np.float64(user.satisfaction_sum) + rating * weight
        user.satisfaction_weight = np.float64(user.satisfaction_weight) + weight


@kernel
def _take_consent(user: np.record, record: np.record) -> None:
    given, refused = np.uint64(record.categories_given), np.uint64(record.categories_refused)
    user.categories_given = (np.uint64(user.categories_given) | given) & ~refused
    user.categories_refused = (np.uint64(user.categories_refused) & ~given) | refused
    channels, denied = np.int64(record.channels_given), np.int64(record.channels_refused)
    user.channels_given = (np.int64(user.channels_given) | channels) & ~denied
    user.channels_refused = (np.int64(user.channels_refused) & ~channels) | denied
    if channels | denied or given | refused:
        user["flags"] = np.int64(user["flags"]) | KNOWN


@kernel
def _set_flag(user: np.record, flag: int, flags: int) -> None:
    user["flags"] = (np.int64(user["flags"]) & ~np.int64(flag)) | (flags & flag)


@kernel
def _forget_profile(user: np.record) -> None:
    """Forget what was learned and planned of the user. Sends and their pressure stay: they are what we did."""
    user.opens = user.open_exposure = user.visits = user.opened_sends = user.conversions = 0.0
    user.refusals = user.refusal_exposure = user.satisfaction_sum = user.satisfaction_weight = 0.0
    user.offers = user.offer_value = 0.0
    user.born_s = user.counts_anchor_s = user.last_purchase_s = user.rhythm_anchor_s = 0
    for code in range(EVENT_TYPES):
        user.counts[code] = 0.0
    for hour in range(rhythm.HOURS):
        user.hours[hour] = 0.0
    for weekday in range(rhythm.WEEKDAYS):
        user.weekdays[weekday] = 0.0
    user.plan_per_week = user.interest = user.theta = user.arm_per_week = np.nan
    user.adjustment = 0.0
    for slot in range(SLOTS):
        user.sent_scope[slot] = np.int64(user.sent_scope[slot]) | SENT_UNLEARNED
