"""Erasing: one user leaves the log, and everybody else's part of it stays as it was, to the bit.

The fold of the log is the state, before and after: with a user's rows goes their state, and their number stays with a
tombstone in the place of their id, so no other user's rows change. A receipt says what was removed. It names the user
by a hash whose key is in the receipt alone: whoever has it can show whose erasure it was (GDPR Art. 5(2)), and whoever
has only the log cannot find out. Sources: GDPR Art. 17, PIPL Art. 47.
"""

from __future__ import annotations

import json
import secrets
from collections import Counter
from contextlib import suppress
from datetime import datetime
from hashlib import blake2b
from typing import TYPE_CHECKING, NamedTuple

import msgspec
import numpy as np

from andante.live.hashing import user_key
from andante.live.instants import LAST, MICROSECONDS, utc
from andante.live.keys import digest
from andante.stores.contract import NO_USER, Erasing, Erasure
from andante.stores.erasure import SWEPT_AT_ONCE_BYTES, TOMBSTONE, TOMBSTONE_HEX
from andante.vocabulary.fault import StoreFault, UnknownUser
from andante.vocabulary.flow import Kind
from andante.vocabulary.records import Record
from andante.vocabulary.state import new_users

if TYPE_CHECKING:
    from collections.abc import Iterable

    from andante.live.desk import Desk, LiveStore
    from andante.stores.contract import Preference, Row

_KEY_BYTES = 32

COVERED = ("log", "preferences", "waiting pushes", "idempotency keys", "checkpoints", "base of retention")
"""What an erasure removes a user from."""

NOT_COVERED = ("Parquet exports", "backups", "files of `andante run`")
"""What left the log before: see docs/log.md for how a receipt erases the user in a restored backup again."""

_WORDS = {
    Kind.EVENT: "events",
    Kind.REQUEST: "requests",
    Kind.RELEASE: "releases",
    Kind.OUTCOME: "outcomes",
    Kind.PREFERENCES: "preference_changes",
    Kind.PLAN: "plans",
}
_KEYED = {int(Kind.REQUEST): ("request", "key"), int(Kind.EVENT): ("event", "event_id")}


class Erased(Record, frozen=True, omit_defaults=False):
    """The receipt of an erasure. The log keeps it too, as a note, but for ``key`` and ``swept``."""

    receipt_id: str
    at: datetime
    subject: str  # hash of the user's id under ``key``
    key: str  # kept nowhere but here
    removed: dict[str, int]  # how many of what
    digest: str  # of all that was removed, under ``key``: it tells an old copy of it
    swept: bool  # False: a sweep is due, which clears what the log's file may hold of it between its rows
    covered: tuple[str, ...]
    not_covered: tuple[str, ...]

    def names(self, user_id: str) -> bool:
        """Tell whether this is the receipt of this user."""
        return secrets.compare_digest(_subject(bytes.fromhex(self.key), user_id), self.subject)


class Traces(NamedTuple):
    """The rows of one user, as far as they were looked for."""

    user: int
    rows: list[Row]
    upto: int  # position


def traces(store: LiveStore, user: int, upto: int) -> Traces:
    """Find the rows of a user in a log that goes on meanwhile, at least those up to a position. It may take long."""
    rows = [row for part in _erasing(store).rows_of(user) for row in part]
    return Traces(user, rows, max(upto, rows[-1].position if rows else 0))


def erase(desk: Desk, user_id: str, found: Traces, at_us: int) -> Erased:
    """Erase a user, and return the receipt. Whoever sits at the desk must hold the chair.

    Of a store that is no larger than ``SWEPT_AT_ONCE_BYTES`` the bytes are swept at once, else by :func:`sweep`. Raises
    UnknownUser where somebody else has erased them meanwhile, and what the store raises: then nothing was erased.
    """
    user, store = desk.population.row(user_id), _erasing(desk.store)
    if user != found.user:
        raise UnknownUser("user", user_id, "was erased meanwhile", "nothing more is to be done")
    rows = [*found.rows, *(row for part in store.rows_of(user, found.upto) for row in part)]
    wishes = desk.store.preferences(user)
    key, tombstone = secrets.token_bytes(_KEY_BYTES), TOMBSTONE + secrets.token_hex(TOMBSTONE_HEX // 2)
    keys = [*_keys(rows)]
    position = desk.position + 1
    receipt = Erased(
        receipt_id=f"{desk.log_name}-{position:x}-erasure",
        at=utc(at_us // MICROSECONDS) or LAST,
        subject=_subject(key, user_id),
        key=key.hex(),
        removed=_counts(rows, wishes, waiting=len(desk.waiting.of_user(user)), keys=len(keys)),
        digest=_digest(key, rows, wishes),
        swept=False,
        covered=COVERED,
        not_covered=NOT_COVERED,
    )
    blank = new_users(1)
    blank["key"] = user_key(tombstone)  # as a recovery and a replay give it
    store.erase(
        Erasure(
            user=user,
            tombstone=tombstone,
            state=blank.tobytes(),
            positions=[row.position for row in rows],
            keys=keys,
            row=(position, int(Kind.NOTE), NO_USER, at_us, None, _note(receipt)),
        )
    )
    desk.position = position
    desk.population.users[user] = blank[0]
    _forget(desk, user, user_id, tombstone)
    desk.checkpoints.touch(np.array([user]), len(desk.population))
    desk.checkpoints.advance(position, desk.deciding())
    with suppress(StoreFault):  # it stays due
        receipt = msgspec.structs.replace(receipt, swept=store.sweep(SWEPT_AT_ONCE_BYTES))
    return receipt


def sweep(desk: Desk) -> bool:
    """Clear what erased users may have left between the rows of the log's file; return whether nothing can be left.

    It writes the file anew, so it needs room for it once more, and callers wait meanwhile. Where no sweep is due it
    does nothing. Raises StoreFull where there is no room.
    """
    return _erasing(desk.store).sweep()


def _forget(desk: Desk, user: int, user_id: str, tombstone: str) -> None:
    """Forget a user in memory."""
    population = desk.population
    population.ids[user] = tombstone
    known = population._rows  # noqa: SLF001  until the population can rename by itself
    known[tombstone] = known.pop(user_id)
    for waiter in desk.waiting.of_user(user):
        desk.waiting._leave(waiter)  # noqa: SLF001  the same: nobody is to be asked again, and nothing to be taken back


def _erasing(store: LiveStore) -> Erasing:
    if not isinstance(store, Erasing):
        raise StoreFault("store", type(store).__name__, "cannot erase", "open the log with a store that can")
    return store


def _keys(rows: Iterable[Row]) -> Iterable[tuple[bytes, int]]:
    """Yield the idempotency keys that the rows were given with, as they are remembered."""
    for row in rows:
        if row.kind in _KEYED:
            kind, field = _KEYED[row.kind]
            key = json.loads(row.body).get(field)
            if key is not None:
                yield digest(kind, key), row.position


def _counts(rows: Iterable[Row], wishes: dict[str, Preference], *, waiting: int, keys: int) -> dict[str, int]:
    kinds = Counter(row.kind for row in rows)
    counts = {word: kinds[kind] for kind, word in _WORDS.items()}
    return {**counts, "standing_preferences": len(wishes), "waiting": waiting, "idempotency_keys": keys, "states": 1}


def _subject(key: bytes, user_id: str) -> str:
    return blake2b(user_id.encode("utf-8", "surrogatepass"), key=key, person=b"erased user").hexdigest()


def _digest(key: bytes, rows: Iterable[Row], wishes: dict[str, Preference]) -> str:
    removed = blake2b(key=key, person=b"erased rows")
    for one in (*rows, *wishes.items()):
        removed.update(msgspec.json.encode(one) + b"\n")
    return removed.hexdigest()


def _note(receipt: Erased) -> str:
    """Return what the log keeps of a receipt."""
    kept = {name: getattr(receipt, name) for name in ("receipt_id", "subject", "removed", "digest")}
    return json.dumps({"note": "erasure", **kept}, separators=(",", ":"))
