"""Rechecking: whether a push that was decided may still go out, asked the moment before it does.

Between a decision and its delivery the user may have opted out, the night may have begun, an operator may have
stopped everything. So the rules are asked again, by the same compiled functions, of the user as they are now. Those
that count sends are not: the push has its place in every cap, dial, gap and quota since it was decided, and would only
find itself.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from andante.compiled import as_records, entry, kernel
from andante.live.admission_requests import candidate_array
from andante.rules.judge import earliest_by_rule, is_transactional
from andante.rules.quiet_hours import awake_s
from andante.vocabulary.parameters import NO_QUOTA
from andante.vocabulary.reason import Reason
from andante.vocabulary.state import NEVER_S
from andante.zones.clock import day_began_s
from andante.zones.table import ZONES, Zones

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from andante.live.desk import Desk
    from andante.live.sends import Send

ASKED = (
    Reason.KILL_SWITCH,
    Reason.HOLDOUT,
    Reason.CONSENT_CHANNEL,
    Reason.CONSENT_CATEGORY,
    Reason.PAUSED,
    Reason.EXPIRY,
    Reason.QUIET_HOURS,
)
"""The rules that are asked again, in their order. Of a transactional push, those that the judge asks of it."""

_ASKED = sum(1 << reason for reason in ASKED)
_VENDOR = int(Reason.VENDOR_QUOTA)
_NOTHING = -1


class Refusal(NamedTuple):
    """A push that may not go out now."""

    reason: Reason  # the rule that binds longest
    until_s: int  # before this second there is no use in asking again; NEVER_S: never


def recheck(desk: Desk, sends: Sequence[Send], at_s: int) -> list[Refusal | None]:
    """Return for each send why it may not go out at this second, or None where it may.

    Raises InputFault for a candidate that no request could have held.
    """
    rows = {place: desk.population.row(send.user_id) for place, send in enumerate(sends)}
    known = {place: row for place, row in rows.items() if row is not None}
    answers: list[Refusal | None] = [Refusal(Reason.CONSENT_CHANNEL, NEVER_S)] * len(sends)  # of a user nobody knows
    if not known:
        return answers
    reasons, until_s = np.zeros(len(known), np.int64), np.zeros(len(known), np.int64)
    _loop()(
        as_records(desk.population.users[list(known.values())]),
        as_records(candidate_array([sends[place].candidate for place in known], desk.names)),
        np.array([sends[place].sent_at_s for place in known], np.int64),
        as_records(desk.deciding()),
        as_records(np.frombuffer(desk.zones, ZONES)),
        np.int64(at_s),
        reasons,
        until_s,
    )
    for place, reason, until in zip(known, reasons.tolist(), until_s.tolist(), strict=True):
        answers[place] = None if reason == _NOTHING else Refusal(Reason(reason), until)
    return answers


@kernel
def refusal(  # noqa: PLR0913, PLR0917  a kernel is given its whole world, and numba knows no keyword-only arguments
    user: np.record, candidate: np.record, parameters: np.record, zones: Zones, sent_s: int, at_s: int
) -> tuple[int, np.int64]:
    """Return the code of the rule that binds longest, and the second until which; the code is -1 where none binds."""
    now_s = np.int64(at_s)
    reason, until_s = _NOTHING, now_s
    earliest_s = earliest_by_rule(user, candidate, parameters, zones, now_s)
    for code in range(len(earliest_s)):
        if _ASKED >> code & 1 and earliest_s[code] > until_s:
            reason, until_s = code, earliest_s[code]
    if not is_transactional(candidate, parameters):
        vendors_s = vendor_takes_s(candidate, parameters, zones, sent_s, now_s)
        if vendors_s > until_s:
            reason, until_s = _VENDOR, vendors_s
    return reason, until_s


@kernel
def vendor_takes_s(candidate: np.record, parameters: np.record, zones: Zones, sent_s: int, at_s: int) -> np.int64:
    """Return when the channel's vendor takes a push that was counted at ``sent_s``: never on a later day of theirs.

    On that day it would be one more than the engine has counted (5-promises, vendor quotas).
    """
    channel, now_s = np.int64(candidate.channel), np.int64(at_s)
    start_min = np.int64(parameters.quota_quiet_start_min[channel])
    end_min = np.int64(parameters.quota_quiet_end_min[channel])
    counts = np.int64(parameters.quota[channel]) != NO_QUOTA or np.int64(parameters.quota_news[channel]) != NO_QUOTA
    if not counts and start_min == end_min:
        return now_s
    zone = np.int64(parameters.quota_zone[channel])
    taken_s = np.int64(awake_s(zones, zone, start_min, end_min, now_s))
    if counts and day_began_s(zones, zone, taken_s) > np.int64(sent_s):
        return np.int64(NEVER_S)
    return taken_s


@cache
def _loop() -> Callable[..., None]:
    loop: Callable[..., None] = entry(_make)
    return loop


def _make(digest: str) -> Callable[..., None]:
    def loop(  # noqa: PLR0913, PLR0917  the same
        users: Any,
        candidates: Any,
        sent_s: Any,
        parameters: Any,
        zones: Any,
        at_s: int,
        reasons: Any,
        until_s: Any,
    ) -> None:
        _ = len(digest)  # part of the cache's key: see andante.compiled
        for place in range(sent_s.size):
            reasons[place], until_s[place] = refusal(
                users[place], candidates[place], parameters[0], zones[0], sent_s[place], at_s
            )

    return loop
