"""Dry run: whom a candidate would reach if everybody were asked now, whom not, and why. Nothing is written.

Copies of the users' records go through the step, as the records themselves would: first as requests, and what is
deferred again as releases when it is due. Whatever else might be asked meanwhile is not foreseen.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from andante.engine.batch import Stepped, fold
from andante.live.admission import admit_requests
from andante.live.appraisal import appraise
from andante.live.desk import records_of
from andante.live.instants import LAST, MICROSECONDS, utc
from andante.live.parameters import compile_parameters
from andante.live.policies import copied
from andante.live.survey import GROUPS, chunks, living, personas
from andante.vocabulary.fault import InputFault
from andante.vocabulary.flow import Kind
from andante.vocabulary.reason import Action, Reason
from andante.vocabulary.records import Record
from andante.vocabulary.state import MEMBER
from andante.zones.table import build

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from andante.live.desk import Desk
    from andante.live.survey import Seat
    from andante.zones.table import Zones

    Array = NDArray[np.void]

SAMPLES = 5
"""How many users are named for each reason."""

DAYS_MAX = 31
_DAY_S = 86_400
_PLACE = "requests[0].candidates[0]"
_DEFER, _SEND = int(Action.DEFER), int(Action.SEND)


class Share(Record, frozen=True, omit_defaults=False):
    """How many of a group would be reached."""

    by: str  # member | persona
    name: str  # member, other · new, quiet, browser, buyer
    users: int  # of those who were asked
    reached: int
    share: float | None  # None: nobody of the group was asked


class DryRun(Record, frozen=True, omit_defaults=False):
    """What would come of asking everybody. Counts are of users who were asked; ``of / users`` scales them up."""

    at: datetime
    seconds: int  # how far ahead it looks; 0: at this moment alone
    policy_version: str
    users: int  # who were asked
    of: int  # of so many who are no erased ones; more than ``users``: an even sample was asked
    sampled: bool
    reached: int
    reached_now: int  # of them, at once
    by_day: tuple[int, ...]  # reached in each day of 24 hours from ``at`` on
    not_reached: dict[str, int]  # by the reason of the last decision; most frequent first
    still_waiting: int  # of those not reached: deferred beyond the end
    groups: tuple[Share, ...]
    opens: float  # expected: sum of the step's probabilities of an open
    opt_outs: float  # expected: sum of h·exp(ηF) at each send
    samples: dict[str, tuple[str, ...]]  # a few users for each reason, of those reached and of those not


class Foreseen(NamedTuple):
    """What would become of each user; a row per user who was asked."""

    action: NDArray[np.int64]  # of the last decision
    reason: NDArray[np.int64]
    send_at_s: NDArray[np.int64]  # when it goes out, or would be asked again; 0: never
    opens: NDArray[np.float64]  # probability of an open; 0 where nothing goes out
    opt_outs: NDArray[np.float64]


class Asked(NamedTuple):
    """What is asked, of whom, and what decides: all of it copies."""

    rows: NDArray[np.int64]
    ids: list[str]
    users: Array  # (n,) of USER
    candidate: Array  # (1,) of CANDIDATE
    parameters: Array
    zones: Zones
    position: int
    of: int
    policy: str


def dry_run(seat: Seat, candidate: Mapping[str, Any], at_us: int, *, days: int, most: int) -> DryRun:
    """Ask everybody, or an even sample of ``most``, and follow those who are deferred for so many days.

    Raises InputFault for a candidate that no request could have, and for days or a size that mean nothing.
    """
    _refuse(days, most)
    asked = _asked(seat, candidate, at_us, most)
    at_s = at_us // MICROSECONDS
    found = foresee(asked, at_s, days)
    sent = found.action == _SEND
    day = np.clip((found.send_at_s[sent] - at_s) // _DAY_S, 0, max(days, 1) - 1)
    return DryRun(
        at=utc(at_s) or LAST,
        seconds=days * _DAY_S,
        policy_version=asked.policy,
        users=len(sent),
        of=asked.of,
        sampled=len(sent) < asked.of,
        reached=int(sent.sum()),
        reached_now=int((found.send_at_s[sent] <= np.maximum(at_s, asked.users["now_s"][sent])).sum()),
        by_day=tuple(np.bincount(day, minlength=max(days, 1)).tolist()),
        not_reached=_counted(found.reason[~sent]),
        still_waiting=int((found.action == _DEFER).sum()),
        groups=tuple(_shares(asked, sent, at_s)),
        opens=float(found.opens.sum()),
        opt_outs=float(found.opt_outs.sum()),
        samples=_samples(asked.ids, found.reason),
    )


def foresee(asked: Asked, at_s: int, days: int) -> Foreseen:
    """Step copies of users through a request at a second, and through releases for so many days after it."""
    users, count = asked.users.copy(), len(asked.users)
    found = Foreseen(*np.zeros((3, count), np.int64), *np.zeros((2, count)))
    offered = np.repeat(asked.candidate, count)
    due, at, number = np.arange(count), np.full(count, at_s), asked.position + 1
    end_s, kind = at_s + days * _DAY_S, Kind.REQUEST
    stale_s = np.maximum(at_s, users["now_s"]) + int(asked.parameters["stale_after_s"][0])
    while len(due):
        _take(found, asked, users, offered, due, at, number, kind)
        number, kind = number + len(due), Kind.RELEASE
        offered["expires_s"] = np.minimum(offered["expires_s"], stale_s)  # as whoever waits is asked again
        due = due[(found.action[due] == _DEFER) & (found.send_at_s[due] < end_s)]
        at = found.send_at_s[due]
    return found


def _take(  # noqa: PLR0913, PLR0917  one round of the above
    found: Foreseen,
    asked: Asked,
    users: Array,
    offered: Array,
    due: NDArray[np.int64],
    at_s: NDArray[np.int64],
    number: int,
    kind: Kind,
) -> None:
    """Ask those who are due, and write down what is decided now."""
    numbers = np.arange(number, number + len(due))
    records = records_of(len(due), number=numbers, user=due, at_s=at_s, kind=kind, count=1, first=np.arange(len(due)))
    hazard = appraise(users[due], at_s, asked.parameters, asked.zones)["hazard"]
    stepped: Stepped = fold(users, records, offered[due], asked.parameters, asked.zones)
    sent = stepped.decisions["action"] == _SEND
    found.action[due], found.reason[due] = stepped.decisions["action"], stepped.decisions["reason"]
    found.send_at_s[due] = stepped.decisions["send_at_s"]
    found.opens[due], found.opt_outs[due] = stepped.verdicts["open"] * sent, hazard * sent


def _asked(seat: Seat, candidate: Mapping[str, Any], at_us: int, most: int) -> Asked:
    """Copy whom to ask, then what decides on them: names and zones that they have are known by then."""
    rows = numbers = living(seat)
    if len(numbers) > most:
        rows = numbers[np.arange(most) * len(numbers) // most]
    parts = list(chunks(seat, rows))
    rows = np.concatenate([np.zeros(0, np.int64), *(part.rows for part in parts)])
    with seat() as desk:
        ids = [desk.population.ids[row] for row in rows.tolist()]
        blank, position = desk.population.users[:0].copy(), desk.position
        admitted, parameters, zones = _tried(desk, candidate, at_us)
        policy = desk.policies[int(parameters["version"][0])]
    users = np.concatenate([blank, *(part.users for part in parts)])
    return Asked(rows, ids, users, admitted, parameters, zones, position, len(numbers), policy)


def _tried(desk: Desk, candidate: Mapping[str, Any], at_us: int) -> tuple[Array, Array, Zones]:
    """Return the candidate as the step takes it, and what would decide on it: a new channel brings its quota along."""
    if not isinstance(candidate, Mapping):
        raise InputFault("candidate", type(candidate).__name__, "is no mapping", "give the fields of a candidate")
    names = copied(desk.names)
    request = {"user_id": "everybody", "candidates": [{"candidate_id": "dry_run", **candidate}]}
    try:
        admitted = admit_requests([request], names, now_us=at_us)
    except InputFault as fault:
        thing = fault.thing.replace(_PLACE, "candidate", 1)
        raise InputFault(thing, fault.value, fault.problem, fault.action) from None
    held = desk.deciding()
    if len(names.channels) == desk.channels:
        return admitted.candidates, held, desk.zones
    wanted = compile_parameters(desk.settings, names, version=int(held["version"][0]), before=held)
    return admitted.candidates, wanted, build(names.zones)


def _refuse(days: int, most: int) -> None:
    if isinstance(days, bool) or not isinstance(days, int) or not 0 <= days <= DAYS_MAX:
        raise InputFault("days", days, "is no number of days to look ahead", f"give a whole number to {DAYS_MAX}")
    if isinstance(most, bool) or not isinstance(most, int) or most < 1:
        raise InputFault("most", most, "is no number of users", "give a whole number from 1")


def _shares(asked: Asked, sent: NDArray[np.bool_], at_s: int) -> list[Share]:
    users = asked.users
    groups = {
        "member": np.where(users["flags"] & MEMBER, 0, 1),
        "persona": personas(users, asked.parameters, np.maximum(at_s, users["now_s"])),
    }
    shares = []
    for by, places in groups.items():
        for place, name in enumerate(GROUPS[by]):
            mine = sent[places == place]
            share = float(mine.mean()) if len(mine) else None
            shares.append(Share(by=by, name=name, users=len(mine), reached=int(mine.sum()), share=share))
    return shares


def _counted(reasons: NDArray[np.int64]) -> dict[str, int]:
    codes, counts = np.unique(reasons, return_counts=True)
    order = np.argsort(-counts, kind="stable")
    return {_name(codes[place]): int(counts[place]) for place in order}


def _samples(ids: Sequence[str], reasons: NDArray[np.int64]) -> dict[str, tuple[str, ...]]:
    return {
        _name(code): tuple(ids[place] for place in np.flatnonzero(reasons == code)[:SAMPLES].tolist())
        for code in np.unique(reasons)
    }


def _name(code: np.int64) -> str:
    return Reason(int(code)).name.lower()
