"""Addresses: where users can be reached. A device is one address, and belongs to whoever signed in on it last."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

import msgspec

from andante.channels.contract import Address
from andante.vocabulary.fault import InputFault

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Mapping

    from andante.delivery.database import Database

ADDRESSES_MAX = 16
"""The most addresses of one user on one channel. Where another one comes, the one longest unseen goes."""

VALUE_BYTES_MAX = 8_192

IDENTITIES = ("endpoint", "token", "email", "url")
"""What tells one address from another, where its value has such a field: the keys of a subscription may change."""

_ADD = "INSERT OR REPLACE INTO addresses VALUES (?, ?, ?, ?, ?, ?)"
_OF_USER = """SELECT user_id, channel, provider, address_id, value FROM addresses
WHERE user_id = ? AND (? IS NULL OR channel = ?) ORDER BY seen_us DESC, channel, provider, address_id"""
_CROWD_OUT = """DELETE FROM addresses WHERE (channel, provider, address_id) IN (
  SELECT channel, provider, address_id FROM addresses WHERE user_id = ? AND channel = ?
  ORDER BY seen_us DESC, address_id LIMIT -1 OFFSET ?)"""
_DROP = "DELETE FROM addresses WHERE user_id = ? AND channel = ? AND address_id = ?"


class Addresses:
    """The addresses of an outbox."""

    def __init__(self, database: Database) -> None:
        """Store where they are kept."""
        self._database = database

    def add(self, user_id: str, channel: str, provider: str, value: Mapping[str, Any], now_us: int) -> Address:
        """Take down where a user can be reached; the same address again is seen anew, under another user moved.

        Raises InputFault for a value that is empty or too long.
        """
        address = address_of(user_id, channel, provider, value)
        text = msgspec.json.encode(address.value).decode()
        with self._database.transaction() as connection:
            connection.execute(_ADD, (channel, provider, address.address_id, user_id, text, now_us))
            connection.execute(_CROWD_OUT, (user_id, channel, ADDRESSES_MAX))
        return address

    def drop(self, user_id: str, channel: str, address_id: str) -> bool:
        """Forget an address of a user, who signed out there; return whether there was one."""
        with self._database.transaction() as connection:
            return connection.execute(_DROP, (user_id, channel, address_id)).rowcount > 0

    def of_user(self, user_id: str, channel: str | None = None) -> list[Address]:
        """Return a user's addresses, the one seen last first."""
        return [read(row) for row in self._database.rows(_OF_USER, (user_id, channel, channel))]


def address_of(user_id: str, channel: str, provider: str, value: Mapping[str, Any]) -> Address:
    """Return the address with this value.

    >>> one = address_of("ann", "push", "fcm", {"token": "t", "app": "1"})
    >>> one.address_id == address_of("bob", "push", "fcm", {"token": "t", "app": "2"}).address_id
    True
    """
    try:
        text = msgspec.json.encode(value, order="sorted")
    except (TypeError, msgspec.MsgspecError) as error:
        raise InputFault("address", None, f"is no JSON object ({error})", "send it as the provider gave it") from None
    if not value or len(text) > VALUE_BYTES_MAX:
        raise InputFault(
            "address",
            f"{len(text)} bytes",
            f"is empty, or longer than {VALUE_BYTES_MAX} bytes",
            "send what the provider's library gave you, and nothing else",
        )
    named = next((str(value[name]).encode() for name in IDENTITIES if value.get(name)), text)
    address_id = hashlib.blake2b(named, digest_size=16).hexdigest()
    return Address(user_id=user_id, channel=channel, provider=provider, address_id=address_id, value=dict(value))


def drop_unseen_since(connection: sqlite3.Connection, address: tuple[str, str, str], at_us: int) -> None:
    """Forget an address (channel, provider, id) that its provider says is gone, unless it was seen after an instant."""
    connection.execute(
        "DELETE FROM addresses WHERE channel = ? AND provider = ? AND address_id = ? AND seen_us <= ?",
        (*address, at_us),
    )


def read(row: tuple[str, str, str, str, str]) -> Address:
    """Return an address as it was taken down."""
    user_id, channel, provider, address_id, value = row
    return Address(
        user_id=user_id, channel=channel, provider=provider, address_id=address_id, value=msgspec.json.decode(value)
    )
