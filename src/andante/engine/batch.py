"""Many records through the step: the one compiled loop that the service, the simulator and the replay share.

The state of a million users is larger than any cache, so a step would spend most of its time waiting for its user's
record. The loop has the records of the next users fetched while it works on this one. Threads share a batch by
user, so that the records of one user are stepped in their order.
"""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from andante.compiled import as_records, entry
from andante.engine.prefetch import prefetch
from andante.engine.step import step
from andante.vocabulary.flow import CANDIDATE, DECISION, RECORD, VERDICT
from andante.vocabulary.parameters import PARAMETERS
from andante.vocabulary.state import USER
from andante.zones.table import ZONES, Zones

AHEAD = 6  # users whose records are on their way


class Stepped(NamedTuple):
    """What a batch came to: a row per record, and a verdict per candidate."""

    effects: NDArray[np.uint8]  # (records,) IGNORED, APPLIED or REPEATED
    decisions: NDArray[np.void]  # (records,) of DECISION; only those of requests and releases speak
    verdicts: NDArray[np.void]  # (candidates,) of VERDICT


def fold(
    users: NDArray[np.void],
    records: NDArray[np.void],
    candidates: NDArray[np.void],
    parameters: NDArray[np.void],
    zones: Zones,
    *,
    threads: int = 1,
) -> Stepped:
    """Step records through the users' state, in their order, and return what they did.

    ``users`` (any number of USER) is changed in place; ``records`` of RECORD name its rows, and the candidates of a
    request are ``count`` from ``first`` in ``candidates`` of CANDIDATE. ``parameters`` is one record of PARAMETERS.
    The loop trusts what the rows hold: it was checked when it came in. Several threads share the users.
    """
    stepped = Stepped(
        np.zeros(len(records), np.uint8), np.zeros(len(records), DECISION), np.zeros(len(candidates), VERDICT)
    )
    loop = _loop()
    before = as_records(users), as_records(records)
    after = (
        as_records(candidates),
        as_records(parameters),
        as_records(np.frombuffer(zones, ZONES)),  # an array is cheaper to hand over than a record
        stepped.effects,
        as_records(stepped.decisions),
        as_records(stepped.verdicts),
    )
    if threads == 1:
        loop(*before, np.arange(len(records)), *after)
        return stepped
    shares = [np.flatnonzero(records["user"] % threads == share) for share in range(threads)]
    with ThreadPoolExecutor(threads) as pool:
        running = [pool.submit(loop, *before, share, *after) for share in shares]
        for thread in running:
            thread.result()
    return stepped


def load(zones: Zones) -> None:
    """Have the compiled loop ready, from the cache on disk or compiled anew, so that no first record has to wait."""
    nobody, nothing = np.zeros(0, USER), np.zeros(0, RECORD)
    fold(nobody, nothing, np.zeros(0, CANDIDATE), np.zeros(1, PARAMETERS), zones)


@cache
def _loop() -> Callable[..., None]:
    """Return the compiled loop, from the cache on disk where it is no older than its sources."""
    loop: Callable[..., None] = entry(_make)
    return loop


def _make(digest: str) -> Callable[..., None]:
    def loop(
        users: np.ndarray,
        records: np.ndarray,
        order: np.ndarray,
        candidates: np.ndarray,
        parameters: np.ndarray,
        zones: np.ndarray,
        effects: np.ndarray,
        decisions: np.ndarray,
        verdicts: np.ndarray,
    ) -> None:
        _ = len(digest)  # part of the cache's key: see andante.compiled
        for turn in range(order.size):
            if turn + AHEAD < order.size:
                prefetch(users, np.int64(records[order[turn + AHEAD]].user))
            place = order[turn]
            record = records[place]
            first, end = np.int64(record.first), np.int64(record.first) + np.int64(record.count)
            effects[place] = step(
                users[np.int64(record.user)],
                record,
                candidates[first:end],
                parameters[0],
                zones[0],
                decisions[place],
                verdicts[first:end],
            )

    return loop
