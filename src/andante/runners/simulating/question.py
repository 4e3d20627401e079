"""A question to the step, asked in one go, and what of it waits on, as in :mod:`andante.live.deciding`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from andante.runners.simulating.waiting import WAITING
from andante.vocabulary.reason import Action
from andante.vocabulary.state import NEVER_S

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from andante.engine.batch import Stepped
    from andante.vocabulary.flow import Kind
    from andante.worlds.contract import Ints, Mask


@dataclass(frozen=True, slots=True)
class Question:
    """Requests, or what is due again: n of them, with m candidates."""

    kind: Kind
    users: Ints  # [n]
    at_s: Ints  # [n]
    count: Ints  # [n] candidates each
    candidates: NDArray[np.void]  # [m] of CANDIDATE, request by request
    numbers: Ints  # [m] in their world
    origins: Ints | None  # [m] of a release: the decisions that had deferred them

    @property
    def first(self) -> Ints:
        """Where the candidates of each request begin."""
        first: Ints = np.cumsum(self.count) - self.count
        return first


def left_waiting(
    question: Question, records: NDArray[np.void], stepped: Stepped, parameters: NDArray[np.void]
) -> tuple[NDArray[np.void], Ints]:
    """Return what waits after the answer, a row of WAITING for each candidate, and when each is due.

    A deferred request waits as a whole. Of one that sent a push, two kinds wait on: a transactional push that may go
    out later, and what was deferred by another request than the one that won when both were asked again.
    """
    decisions, until_s, first = stepped.decisions, stepped.verdicts["until_s"], question.first
    owner = np.repeat(np.arange(len(records)), question.count)
    place = np.arange(len(owner)) - first[owner]
    due_s = decisions["send_at_s"].copy()
    waits = (decisions["action"] == Action.DEFER)[owner]
    several = (decisions["action"] == Action.SEND) & (question.count > 1)
    if several.any():
        chosen = decisions["chosen"].astype(np.int64)
        left = several[owner] & (place != chosen[owner]) & (until_s < NEVER_S)
        left &= _waits_on(question, (first + chosen)[owner], parameters)
        soonest = np.full(len(records), NEVER_S)
        np.minimum.at(soonest, owner[left], until_s[left])
        later = several & (soonest < NEVER_S)
        due_s[later] = np.maximum(soonest[later], decisions["at_s"][later] + 1)
        waits |= left
    owner = owner[waits]
    rows = np.zeros(len(owner), WAITING)
    rows["origin"], rows["user"], rows["place"] = records["number"][owner], question.users[owner], place[waits]
    rows["last_s"] = decisions["at_s"][owner] + int(parameters["stale_after_s"][0])
    rows["number"], rows["candidate"] = question.numbers[waits], question.candidates[waits]
    return rows, due_s[owner]


def _waits_on(question: Question, chosen: Ints, parameters: NDArray[np.void]) -> Mask:
    """Tell which candidates may wait on though another one of their request was sent.

    ``chosen`` is, for each candidate, the place of the one that its request sent; of no meaning where it sent none.
    """
    bits = np.uint64(parameters["transactional"][0])
    waits: Mask = bits >> question.candidates["category"].astype(np.uint64) & np.uint64(1) > 0
    if question.origins is not None:
        waits |= question.origins != question.origins[np.maximum(chosen, 0)]
    return waits
