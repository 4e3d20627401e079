"""Idempotency: the same key with the same body names one record of the log; with another body it is a conflict."""

from __future__ import annotations

from hashlib import blake2b
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from andante.live.desk import Draft
    from andante.stores.contract import Row

_BYTES = 16


class Known(NamedTuple):
    """The record that a key named before."""

    body: bytes  # digest of what it came with
    position: int
    row: Row | None  # None once retention has dropped it


def digest(kind: str, key: str) -> bytes:
    """Return what a key is remembered as. Keys of requests and of events are apart."""
    return blake2b(key.encode("utf-8", "surrogatepass"), digest_size=_BYTES, person=kind.encode()).digest()


def body_digest(body: str | bytes) -> bytes:
    """Return what a body is remembered as."""
    return blake2b(
        body.encode("utf-8", "surrogatepass") if isinstance(body, str) else body, digest_size=_BYTES
    ).digest()


def recall(draft: Draft, asked: Iterable[bytes]) -> Mapping[bytes, Known]:
    """Return what is known of keys, given as digests, in the log or in the commit in the making."""
    keys = dict.fromkeys(asked)
    found = {}
    for key in keys.keys() & draft.keys.keys():
        body, position, _ = draft.keys[key]
        found[key] = Known(body, position, draft.row(position))
    absent = [key for key in keys if key not in found]
    for key, remembered in draft.desk.store.recall(absent).items() if absent else ():
        found[key] = Known(remembered.body, remembered.position, remembered.row)
    return found
