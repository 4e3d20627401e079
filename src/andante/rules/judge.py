"""The judgement: all rules asked of one candidate, in the order of their Reason codes.

A transactional message, which the user waits for, is asked only the kill switch, consent, expiry and quiet hours.
"""

import numpy as np

from andante.compiled import kernel
from andante.rules import cap, consent
from andante.rules.dial import dial
from andante.rules.duplicate import duplicate
from andante.rules.expiry import expiry
from andante.rules.gap import gap
from andante.rules.holdout import holdout
from andante.rules.kill_switch import kill_switch
from andante.rules.pause import pause
from andante.rules.quiet_hours import quiet_hours
from andante.rules.vendor_quota import vendor_quota
from andante.vocabulary.state import NEVER_S
from andante.zones.table import Zones

ROUNDS_MAX = 64
"""How often the rules are asked again at a later second before the answer is never: over a month of quiet nights."""


@kernel
def judge(
    user: np.record, candidate: np.record, parameters: np.record, zones: Zones, at_s: int, verdict: np.record
) -> None:
    """Write into the verdict which rules refuse now, until when none does, and which one binds longest.

    ``until_s`` is the earliest second from ``at_s`` on at which every rule allows, NEVER_S when there is none. The
    reason is the refusing rule whose own earliest second is the latest, the first such in the order of rules; it stays
    as it was when all allow.
    """
    now_s = np.int64(at_s)
    earliest_s = earliest_by_rule(user, candidate, parameters, zones, now_s)
    refused, until_s = np.int64(0), now_s
    for code in range(len(earliest_s)):
        if earliest_s[code] > now_s:
            refused |= np.int64(1) << code
            if earliest_s[code] > until_s:
                until_s = earliest_s[code]
                verdict.reason = code
    verdict.refused = refused
    for _ in range(ROUNDS_MAX):
        if until_s == now_s or until_s >= NEVER_S:
            verdict.until_s = min(until_s, np.int64(NEVER_S))
            return
        now_s = until_s
        for rule_s in earliest_by_rule(user, candidate, parameters, zones, now_s):
            until_s = max(until_s, rule_s)
    verdict.until_s = NEVER_S


@kernel
def allows(user: np.record, candidate: np.record, parameters: np.record, zones: Zones, at_s: int) -> bool:
    """Tell whether every rule allows the candidate now: the final check before a push goes out."""
    now_s = np.int64(at_s)
    for rule_s in earliest_by_rule(user, candidate, parameters, zones, now_s):  # noqa: SIM110  compiled code has no all()
        if rule_s > now_s:
            return False
    return True


@kernel
def is_transactional(candidate: np.record, parameters: np.record) -> bool:
    """Tell whether the configuration declares the candidate's category transactional."""
    return bool(np.uint64(parameters.transactional) >> np.uint64(candidate.category) & np.uint64(1) != 0)


@kernel
def earliest_by_rule(
    user: np.record, candidate: np.record, parameters: np.record, zones: Zones, at_s: int
) -> tuple[np.int64, ...]:
    """Return what each rule answers, at the place of its code; a rule that is not asked answers ``at_s``."""
    now_s = np.int64(at_s)
    if is_transactional(candidate, parameters):
        return (
            kill_switch(user, candidate, parameters, zones, now_s),
            now_s,
            consent.channel(user, candidate, parameters, zones, now_s),
            consent.category(user, candidate, parameters, zones, now_s),
            now_s,
            expiry(user, candidate, parameters, zones, now_s),
            now_s,
            quiet_hours(user, candidate, parameters, zones, now_s),
            now_s,
            now_s,
            now_s,
            now_s,
            now_s,
            now_s,
        )
    return (
        kill_switch(user, candidate, parameters, zones, now_s),
        holdout(user, candidate, parameters, zones, now_s),
        consent.channel(user, candidate, parameters, zones, now_s),
        consent.category(user, candidate, parameters, zones, now_s),
        pause(user, candidate, parameters, zones, now_s),
        expiry(user, candidate, parameters, zones, now_s),
        duplicate(user, candidate, parameters, zones, now_s),
        quiet_hours(user, candidate, parameters, zones, now_s),
        dial(user, candidate, parameters, zones, now_s),
        cap.global_(user, candidate, parameters, zones, now_s),
        cap.category(user, candidate, parameters, zones, now_s),
        cap.channel(user, candidate, parameters, zones, now_s),
        gap(user, candidate, parameters, zones, now_s),
        vendor_quota(user, candidate, parameters, zones, now_s),
    )
