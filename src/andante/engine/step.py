"""The step: the whole product in one function, ``(user, record, parameters) -> (user, decision)``.

Read it from top to bottom. A record is one of six things. Most teach the user's record something: what the user did,
what came of a push, what the user wants, what the slow clock planned. Two ask for a decision: a shop offers up to
sixteen candidates (a *request*), or a deferred push has come due (a *release*, which is the same question asked
again).

A decision is taken in six movements:

1. the user's own clock, week, credit and response are brought up to the moment;
2. the **rules** judge every candidate: what may not go out now says which rules refuse, and until when;
3. a **transactional** push that may go out does so: its user waits for it;
4. among the others one is **chosen** by what it is worth now (its *index*), seldom by chance, so that we go on
   learning;
5. the **plan** is asked whether there is credit for a push, and the **reservation** whether the slot is worth more
   later;
6. the rules are asked once more of what was chosen, and a send is **booked**: its slot is taken before it goes out.

Whatever was left to chance is logged with its exact probability.
"""

from typing import NamedTuple

import numpy as np

from andante.compiled import kernel
from andante.draw import CANDIDATE as OF_CANDIDATE
from andante.draw import SEND as OF_SEND
from andante.draw import uniform
from andante.engine.learn import APPLIED, IGNORED, on_event, on_offer, on_outcome, on_plan, on_preferences, on_sent
from andante.pacing.credit import credit_at, in_random_week, pace_per_week, ready_s, settle, turn_week
from andante.pacing.explore import chance_of, choose, send_probability
from andante.pacing.index import index
from andante.pacing.reservation import reservation
from andante.pacing.response import Moment, moment
from andante.pacing.spread import spread
from andante.rules.judge import allows, is_transactional, judge
from andante.vocabulary.flow import NO_CHOICE, Kind
from andante.vocabulary.reason import Action, Reason
from andante.vocabulary.state import KNOWN, NEVER_S
from andante.zones.table import Zones

_EVENT, _REQUEST, _RELEASE = int(Kind.EVENT), int(Kind.REQUEST), int(Kind.RELEASE)
_OUTCOME, _PREFERENCES, _PLAN = int(Kind.OUTCOME), int(Kind.PREFERENCES), int(Kind.PLAN)
_SUPPRESS, _DEFER, _SEND = int(Action.SUPPRESS), int(Action.DEFER), int(Action.SEND)
_PACE, _RESERVED, _HELD_BY_CHANCE = int(Reason.PACE), int(Reason.RESERVED), int(Reason.HELD_BY_CHANCE)
_OUTRANKED, _WORTHLESS, _FINAL_CHECK = int(Reason.OUTRANKED), int(Reason.WORTHLESS), int(Reason.FINAL_CHECK)
_BEST, _TRANSACTIONAL, _SENT_BY_CHANCE = int(Reason.BEST), int(Reason.TRANSACTIONAL), int(Reason.SENT_BY_CHANCE)

EVEN = 0.5
HOUR_S = 3600


@kernel
def step(  # noqa: PLR0911  one return for each kind of record
    user: np.record,
    record: np.record,
    offered: np.ndarray,
    parameters: np.record,
    zones: Zones,
    decision: np.record,
    verdicts: np.ndarray,
) -> int:
    """Fold one record into its user's state, and return what it did: IGNORED, APPLIED or REPEATED.

    A record that the state has already folded in (its number is not above ``user.position``) is ignored, so that a
    log may be replayed from any earlier place. ``offered`` are the candidates of a request; its decision and a verdict
    for each of them are written.
    """
    if np.int64(record.number) <= np.int64(user.position):
        return IGNORED
    user.position = record.number
    kind = np.int64(record.kind)
    if kind == _EVENT:
        return on_event(user, record, parameters, zones)
    if kind == _REQUEST or kind == _RELEASE:  # noqa: SIM109, PLR1714  numba compares numbers faster than tuples
        return decide(user, record, offered, parameters, zones, decision, verdicts)
    if kind == _OUTCOME:
        return on_outcome(user, record, parameters, zones)
    if kind == _PREFERENCES:
        return on_preferences(user, record)
    if kind == _PLAN:
        return on_plan(user, record)
    return IGNORED


@kernel
def decide(
    user: np.record,
    record: np.record,
    offered: np.ndarray,
    parameters: np.record,
    zones: Zones,
    decision: np.record,
    verdicts: np.ndarray,
) -> int:
    """Decide whether one of the candidates goes out now, later or never."""
    # 1. The moment. A user's clock never runs back, so a clock that was set back reopens no window.
    now = max(np.int64(record.at_s), np.int64(user.now_s))
    user.now_s = now
    if np.int64(user.born_s) == 0:
        user.born_s = now
    turn_week(user, parameters, now)
    per_week = pace_per_week(user, parameters, now)
    credit = credit_at(user, parameters, now, per_week)
    settle(user, credit, now)
    response = moment(user, parameters, zones, now, per_week)
    _open(decision, user, parameters, now, per_week, credit, response)

    # 2. The rules.
    standing = _judge_all(user, offered, parameters, zones, now, response, verdicts)
    if standing.eligible > 0 and np.int64(record.kind) == _REQUEST:
        on_offer(user, offered[standing.best], parameters, now, response.worth)

    # 3. A transactional push is waited for: it asks neither the plan nor what it is worth.
    if standing.urgent != NO_CHOICE:
        decision.chosen, decision.propensity = standing.urgent, 1.0
        return _send(user, record, offered, _TRANSACTIONAL, parameters, zones, response, decision, verdicts)
    if standing.eligible == 0:
        return _refuse(record, offered, standing.soonest, parameters, decision, verdicts)

    # 4. The choice: the best of the candidates, or now and then any of them.
    chance = uniform(parameters.seed, record.number, OF_CANDIDATE)
    chosen = choose(chance, verdicts, standing.eligible, standing.best, parameters)
    decision.chosen = chosen

    # 5. The plan, and what waiting is worth.
    if credit < 1.0:
        return _hold(record, offered, _PACE, ready_s(credit, per_week, now), parameters, decision, verdicts)
    best_index = np.float64(verdicts[standing.best].index)
    worth, later_s = reservation(user, response, parameters, zones, offered[standing.best], best_index, now, per_week)
    decision.reservation = worth
    sent_at_all = _weigh(verdicts, standing, worth, response, parameters)
    own_index = np.float64(verdicts[chosen].index)
    likely = send_probability(own_index, worth, response, parameters)
    if uniform(parameters.seed, record.number, OF_SEND) < likely:
        decision.propensity = verdicts[chosen].propensity
        expected = likely >= EVEN and chosen == standing.best
        return _send(
            user,
            record,
            offered,
            _BEST if expected else _SENT_BY_CHANCE,
            parameters,
            zones,
            response,
            decision,
            verdicts,
        )
    decision.propensity = 1.0 - sent_at_all
    if own_index <= 0.0 and worth <= 0.0:
        return _suppress(_WORTHLESS, decision, verdicts)
    reason = _HELD_BY_CHANCE if likely >= EVEN else _RESERVED
    return _hold(record, offered, reason, max(later_s, now + HOUR_S), parameters, decision, verdicts)


class Standing(NamedTuple):
    """How the candidates of a request stand: how many are eligible, and the places of those that matter."""

    eligible: int  # candidates that every rule allows and that are not transactional
    best: int  # the eligible one worth most
    urgent: int  # the transactional one worth most that every rule allows
    soonest: int  # the refused one that may go out soonest


@kernel
def _judge_all(
    user: np.record,
    offered: np.ndarray,
    parameters: np.record,
    zones: Zones,
    now: int,
    response: Moment,
    verdicts: np.ndarray,
) -> Standing:
    """Ask the rules of every candidate, and the index of those that they allow. Ties go to the earlier place."""
    eligible, best, urgent, soonest = 0, NO_CHOICE, NO_CHOICE, NO_CHOICE
    for place in range(offered.size):
        candidate, verdict = offered[place], verdicts[place]
        verdict.index, verdict.open, verdict.propensity = np.nan, 0.0, 0.0
        judge(user, candidate, parameters, zones, now, verdict)
        if np.int64(verdict.refused) != 0:
            until = np.int64(verdict.until_s)
            if until < NEVER_S and (soonest == NO_CHOICE or until < np.int64(verdicts[soonest].until_s)):
                soonest = place
            continue
        verdict.index, verdict.open = index(response, parameters, candidate)
        verdict.reason = _OUTRANKED
        if is_transactional(candidate, parameters):
            if urgent == NO_CHOICE or verdict.index > verdicts[urgent].index:
                urgent = place
        else:
            eligible += 1
            if best == NO_CHOICE or verdict.index > verdicts[best].index:
                best = place
    return Standing(eligible, best, urgent, soonest)


@kernel
def _weigh(verdicts: np.ndarray, standing: Standing, worth: float, response: Moment, parameters: np.record) -> float:
    """Write the probability with which each eligible candidate would be sent now, and return their sum."""
    total = 0.0
    for place in range(verdicts.size):
        if np.int64(verdicts[place].refused) == 0 and not np.isnan(verdicts[place].index):
            likely = send_probability(np.float64(verdicts[place].index), worth, response, parameters)
            verdicts[place].propensity = likely * chance_of(place, standing.eligible, standing.best, parameters)
            total += np.float64(verdicts[place].propensity)
    return total


@kernel
def _send(
    user: np.record,
    record: np.record,
    offered: np.ndarray,
    reason: int,
    parameters: np.record,
    zones: Zones,
    response: Moment,
    decision: np.record,
    verdicts: np.ndarray,
) -> int:
    """Ask the rules once more; then book the send in the user's record, and say so.

    The rules bind every policy, whatever chose: a change above that lets a wrong candidate through ends here.
    """
    chosen = np.int64(decision.chosen)
    candidate = offered[chosen]
    if not allows(user, candidate, parameters, zones, np.int64(decision.at_s)):
        return _suppress(_FINAL_CHECK, decision, verdicts)
    on_sent(user, candidate, record, parameters, zones, response)
    if reason == _TRANSACTIONAL:
        verdicts[chosen].propensity = 1.0
    else:
        settle(user, np.float64(decision.credit) - 1.0, np.int64(decision.at_s))
    decision.action, decision.reason, decision.send_at_s = _SEND, reason, decision.at_s
    verdicts[chosen].reason = reason
    return APPLIED


@kernel
def _refuse(
    record: np.record,
    offered: np.ndarray,
    soonest: int,
    parameters: np.record,
    decision: np.record,
    verdicts: np.ndarray,
) -> int:
    """Say what the rules say: later, where one of the candidates may go out later, else never."""
    if soonest == NO_CHOICE:
        decision.reason = _hardest(verdicts)
        return APPLIED
    decision.chosen = soonest
    until = np.int64(verdicts[soonest].until_s)
    return _hold(record, offered, np.int64(verdicts[soonest].reason), until, parameters, decision, verdicts)


@kernel
def _hold(
    record: np.record,
    offered: np.ndarray,
    reason: int,
    until: int,
    parameters: np.record,
    decision: np.record,
    verdicts: np.ndarray,
) -> int:
    """Defer the chosen candidate to a time of its own at or after ``until``, or suppress what is stale by then."""
    chosen = np.int64(decision.chosen)
    last_s = min(np.int64(offered[chosen].expires_s) - 1, np.int64(decision.at_s) + np.int64(parameters.stale_after_s))
    if until > last_s:
        return _suppress(reason, decision, verdicts)
    decision.action, decision.reason = _DEFER, reason
    decision.send_at_s = spread(parameters, np.int64(record.number), until, last_s)
    verdicts[chosen].reason = reason
    return APPLIED


@kernel
def _suppress(reason: int, decision: np.record, verdicts: np.ndarray) -> int:
    decision.action, decision.reason, decision.send_at_s = _SUPPRESS, reason, 0
    if np.int64(decision.chosen) != NO_CHOICE:
        verdicts[np.int64(decision.chosen)].reason = reason
    return APPLIED


@kernel
def _hardest(verdicts: np.ndarray) -> int:
    """Return why nothing can go out: the reason that binds the first candidate."""
    return int(verdicts[0].reason)


@kernel
def _open(
    decision: np.record,
    user: np.record,
    parameters: np.record,
    now: int,
    per_week: float,
    credit: float,
    response: Moment,
) -> None:
    """Begin a decision with what was known before it: suppress, unless something better is found."""
    decision.at_s, decision.send_at_s = now, 0
    decision.propensity, decision.reservation = 1.0, 0.0
    decision.plan_per_week, decision.credit = per_week, credit
    decision.fatigue, decision.habituation = response.fatigue, response.habituation
    decision.chosen, decision.action = NO_CHOICE, _SUPPRESS
    decision.explored = in_random_week(user, now)
    known = np.int64(user["flags"]) & KNOWN != 0
    decision.by_default = 1 if parameters.allows_by_default and not known else 0
