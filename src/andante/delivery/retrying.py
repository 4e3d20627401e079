"""Retrying: what follows from one attempt, by the class of its answer. Pure: time and chance are arguments.

===========  ==========================================  =====================================================
answer       marketing                                   transactional
===========  ==========================================  =====================================================
accepted     done                                        done
refused      dead letter                                 dead letter
unable       dead letter                                 dead letter
gone         dead letter, and the address is dropped     the same
busy         again later, up to N tries                  again later, up to N tries
ambiguous    dead letter: never attempted again          again later, up to N tries, under the same decision id
===========  ==========================================  =====================================================
"""

from __future__ import annotations

from enum import StrEnum
from hashlib import blake2b
from typing import TYPE_CHECKING, NamedTuple

from andante.channels.contract import Status

if TYPE_CHECKING:
    from andante.channels.contract import Answer
    from andante.settings.sections.delivery import DeliverySettings

SECOND_US = 1_000_000
_DOUBLINGS_MAX = 40  # beyond every longest wait, and far from overflow


class State(StrEnum):
    """How a delivery stands."""

    WAITING = "waiting"  # to be attempted at its time
    ATTEMPTING = "attempting"  # somebody holds its lease; it may be on the wire
    ACCEPTED = "accepted"  # the provider has it
    WITHHELD = "withheld"  # asked again, the rules refused it: it was not attempted
    DEAD = "dead"  # it stands among the dead letters


class Letter(StrEnum):
    """Why a push is a dead letter."""

    REFUSED = "refused"
    UNABLE = "unable"
    GONE = "gone"
    AMBIGUOUS = "ambiguous"  # it may have arrived
    EXHAUSTED = "exhausted"  # N tries, or its time was over before the next one
    UNREACHABLE = "unreachable"  # the user has no address on the channel
    UNREADABLE = "unreadable"  # the log's row cannot be read
    BOUNCED = "bounced"  # accepted first; later the provider reported that it failed


class Step(NamedTuple):
    """What follows."""

    state: State
    letter: Letter | None = None  # of a dead one
    next_us: int = 0  # of one that waits


FINAL = {
    Status.REFUSED: Letter.REFUSED,
    Status.UNABLE: Letter.UNABLE,
    Status.GONE: Letter.GONE,
}


class Attempt(NamedTuple):
    """An attempt that has ended."""

    delivery: int
    tries: int  # this one included
    transactional: bool
    until_us: int  # from here on there is no use in another one


def follow(attempt: Attempt, answer: Answer, now_us: int, rules: DeliverySettings, speed: float = 1.0) -> Step:
    """Return what follows from an answer.

    Providers are given the machine's time to recover, of which ``now_us`` may be another one: ``speed`` is how much of
    that passes in as much of the machine's. Where it stands still, so do retries.
    """
    if answer.status is Status.ACCEPTED:
        return Step(State.ACCEPTED)
    if answer.status in FINAL:
        return Step(State.DEAD, FINAL[answer.status])
    ambiguous = answer.status is Status.AMBIGUOUS
    given_up = Letter.AMBIGUOUS if ambiguous else Letter.EXHAUSTED
    if (ambiguous and not attempt.transactional) or attempt.tries >= rules.tries:
        return Step(State.DEAD, given_up)
    wait_us = max(backoff_us(attempt.delivery, attempt.tries, rules), int((answer.retry_after_s or 0) * SECOND_US))
    wait_us = int(wait_us * max(1.0, speed))
    if now_us + wait_us >= attempt.until_us:
        return Step(State.DEAD, given_up)
    return Step(State.WAITING, next_us=now_us + wait_us)


def backoff_us(delivery: int, tries: int, rules: DeliverySettings) -> int:
    """Return how long to wait after so many tries: twice as long each time, lengthened by a draw of its own."""
    doubled_s = rules.backoff.total_seconds() * 2.0 ** min(tries - 1, _DOUBLINGS_MAX)
    wait_s = min(doubled_s, rules.backoff_max.total_seconds())
    return int(wait_s * (1 + rules.jitter * chance(f"{delivery}/{tries}")) * SECOND_US)


def chance(name: str) -> float:
    """Return the draw in [0, 1) that belongs to a name.

    >>> 0 <= chance("7/1") < 1, chance("7/1") == chance("7/1"), chance("7/1") == chance("7/2")
    (True, True, False)
    """
    return int.from_bytes(blake2b(name.encode(), digest_size=6).digest()) / 2**48
