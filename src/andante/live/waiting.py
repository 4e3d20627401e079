"""The waiting room: deferred pushes until they are due, settled, or stale.

What waits is a whole request: every candidate of it may still go out when it is asked again. It is a view of the log:
each entry stands on the record that deferred it, so that a recovery finds it again.
"""

from __future__ import annotations

import heapq
from datetime import timedelta
from typing import TYPE_CHECKING, NamedTuple, Protocol

import msgspec
from msgspec.structs import replace

from andante.live import admission_shapes as shapes
from andante.live.instants import EPOCH
from andante.vocabulary.flow import CANDIDATES_MAX

if TYPE_CHECKING:
    from collections.abc import Iterator

    from andante.vocabulary.records import Candidate

_CANDIDATES = msgspec.json.Decoder(tuple[shapes.Candidate, ...])  # as they were admitted, so they are written alike


class Offering(Protocol):
    """Requests that can say what each of them offered."""

    def offered(self, place: int) -> tuple[Candidate, ...]:
        """Return the candidates of a request."""
        ...


class Waiter(NamedTuple):
    """A request that waits. Many do, so what it offered is kept in as few bytes as its caller can give."""

    position: int  # of the record that deferred it
    user: int
    due_s: int
    last_s: int  # it is stale at this second
    offered: tuple[Candidate, ...] | bytes | Offering  # as they are, as JSON, or by whoever can make them
    place: int = 0  # of the request among those of whoever can
    pushes: int = 1  # how many candidates, where they are yet to be made

    @property
    def candidates(self) -> tuple[Candidate, ...]:
        """What waits."""
        if isinstance(self.offered, tuple):
            return self.offered
        return _CANDIDATES.decode(self.offered) if isinstance(self.offered, bytes) else self.offered.offered(self.place)


class Due(NamedTuple):
    """All that is asked again of one user at once: merged, newest last."""

    user: int
    candidates: tuple[Candidate, ...]
    origins: tuple[int, ...]  # for each candidate, the position of the record that deferred it
    merged: tuple[Candidate, ...]  # gave way to a newer one of the same campaign and item, or of the same id
    settled: tuple[int, ...]  # positions that wait no longer


class WaitingRoom:
    """Deferred requests by user and by time.

    Changes are noted until :meth:`keep`, and can be taken back in a piece with :meth:`undo`.
    """

    def __init__(self) -> None:
        """Begin with nobody waiting."""
        self._waiters: dict[int, Waiter] = {}
        self._of_user: dict[int, tuple[int, ...]] = {}  # tuples of numbers alone cost the collector of cycles nothing
        self._heap: list[tuple[int, int]] = []  # (due_s, position); entries of settled ones are passed over
        self._changes: list[tuple[Waiter, bool]] = []  # (who, came or went)

    def __len__(self) -> int:
        """Return how many requests wait."""
        return len(self._waiters)

    def of_user(self, user: int) -> list[Waiter]:
        """Return what waits for a user, oldest first."""
        return [self._waiters[position] for position in sorted(self._of_user.get(user, ()))]

    def add(self, waiter: Waiter) -> None:
        """Let a request wait."""
        self._changes.append((waiter, True))
        self._enter(waiter)

    def next_due_s(self) -> int | None:
        """Return when the next one is due, or None where nobody waits."""
        while self._heap and self._heap[0][1] not in self._waiters:
            heapq.heappop(self._heap)
        return self._heap[0][0] if self._heap else None

    def take_due(self, now_s: int, most: int) -> list[Due]:
        """Take out what is due, of at most so many users, in order of the time at which it was due.

        Everything that is due for one user is merged into one question. Where more wait for a user than one
        question can hold, all of them are taken, and the newest kept.
        """
        due: dict[int, None] = {}
        while len(due) < most and (next_s := self.next_due_s()) is not None and next_s <= now_s:
            due[self._waiters[self._heap[0][1]].user] = None
            heapq.heappop(self._heap)
        return [self._take(user, now_s) for user in due]

    def mark(self) -> int:
        """Return a mark to go back to."""
        return len(self._changes)

    def undo(self, mark: int) -> None:
        """Take back every change since the mark."""
        while len(self._changes) > mark:
            waiter, came = self._changes.pop()
            if came:
                self._leave(waiter)
            else:
                self._enter(waiter)

    def keep(self) -> None:
        """Let all changes stand."""
        self._changes.clear()

    def _take(self, user: int, now_s: int) -> Due:
        waiters = self.of_user(user)
        if sum(len(waiter.candidates) for waiter in waiters) <= CANDIDATES_MAX:
            waiters = [waiter for waiter in waiters if waiter.due_s <= now_s]
        for waiter in waiters:
            self._changes.append((waiter, False))
            self._leave(waiter)
        kept: dict[tuple[str | None, ...], tuple[Candidate, int]] = {}
        merged = []
        for waiter in waiters:
            for candidate in _perishable(waiter):
                earlier = kept.pop(_sameness(candidate), None)
                if earlier is not None:
                    merged.append(earlier[0])
                kept[_sameness(candidate)] = candidate, waiter.position
        ids = {candidate.candidate_id: place for place, (candidate, _) in enumerate(kept.values())}
        last = [
            pair for place, pair in enumerate(kept.values()) if ids[pair[0].candidate_id] == place
        ]  # of one id, the newest
        merged += [pair[0] for place, pair in enumerate(kept.values()) if ids[pair[0].candidate_id] != place]
        merged += [candidate for candidate, _ in last[:-CANDIDATES_MAX]]
        last = last[-CANDIDATES_MAX:]
        return Due(
            user,
            tuple(candidate for candidate, _ in last),
            tuple(origin for _, origin in last),
            tuple(merged),
            tuple(waiter.position for waiter in waiters),
        )

    def _enter(self, waiter: Waiter) -> None:
        self._waiters[waiter.position] = waiter
        self._of_user[waiter.user] = (*self._of_user.get(waiter.user, ()), waiter.position)
        heapq.heappush(self._heap, (waiter.due_s, waiter.position))

    def _leave(self, waiter: Waiter) -> None:
        del self._waiters[waiter.position]
        left = tuple(position for position in self._of_user.pop(waiter.user) if position != waiter.position)
        if left:
            self._of_user[waiter.user] = left


def _perishable(waiter: Waiter) -> Iterator[Candidate]:
    """Yield the candidates of a request, each expiring no later than the request is stale."""
    last = EPOCH + timedelta(seconds=waiter.last_s)
    for candidate in waiter.candidates:
        expires_at = candidate.expires_at
        yield candidate if expires_at is not None and expires_at <= last else replace(candidate, expires_at=last)


def _sameness(candidate: Candidate) -> tuple[str | None, ...]:
    """Return what makes two waiting pushes one: campaign and item, or the id of one that has neither."""
    if candidate.campaign_id is None and candidate.item_id is None:
        return ("id", candidate.candidate_id)
    return (candidate.campaign_id, candidate.item_id)
