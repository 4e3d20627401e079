"""Keys: who calls, and what for.

A key is 32 random bytes, so its plain SHA-256 is as hard to turn round as the key is to guess; only digests are kept.
Without any key the service is for this machine alone, and then it also insists that nobody's web page calls it.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import ipaddress
import secrets
from typing import TYPE_CHECKING, NamedTuple

from andante.service.problem import Problem
from andante.settings.sections.service import SCOPES
from andante.vocabulary.fault import SettingsFault

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from andante.settings.sections.service import Service, ServiceKey

PREFIX = "andante_"
KEY_BYTES = 32
KEY_MAX = 512
_NAMES_OF_LOOPBACK = {"localhost", "127.0.0.1", "[::1]", "::1"}
_CHALLENGE = {"www-authenticate": 'Bearer realm="andante"'}


class Caller(NamedTuple):
    """Who calls."""

    name: str
    scopes: frozenset[str]


LOCAL = Caller("local", frozenset(SCOPES))
"""Whoever calls a service without keys, from its own machine."""


class NewKey(NamedTuple):
    """A key that was just made: the caller keeps ``key``, the configuration ``sha256``."""

    key: str
    sha256: str


def new_key() -> NewKey:
    """Make a key."""
    key = PREFIX + secrets.token_urlsafe(KEY_BYTES)
    return NewKey(key, hashlib.sha256(key.encode()).hexdigest())


def is_loopback(host: str) -> bool:
    """Tell whether an address to listen on is reached from this machine alone.

    >>> is_loopback("127.0.0.1"), is_loopback("0.0.0.0"), is_loopback("shop.example")
    (True, False, False)
    """
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


def refuse_unguarded(service: Service) -> None:
    """Raise SettingsFault where anybody on the network could call: no key, and an address that others reach."""
    if not service.keys and not is_loopback(service.host):
        raise SettingsFault(
            "service.host",
            service.host,
            "is reached by others, and no API key is configured",
            "make a key with `andante key` and write it beneath [[service.keys]], or listen on 127.0.0.1",
        )


class Keyring:
    """The keys of a configuration."""

    def __init__(self, keys: Sequence[ServiceKey], origins: Sequence[str] = ()) -> None:
        """Store digests and scopes."""
        self._keys = [(bytes.fromhex(key.sha256), Caller(key.name, frozenset(key.scopes))) for key in keys]
        self._origins = frozenset(origin.encode() for origin in origins)

    @property
    def locks(self) -> bool:
        """Tell whether there is any key; without one, whoever reaches this machine's own address may call."""
        return bool(self._keys)

    def admit(self, headers: Mapping[bytes, bytes], scope: str) -> Caller:
        """Return who calls for something of this scope.

        Raises Problem 401 for no key or a wrong one, 403 for one that is not for this, or a page that may not.
        """
        if not self._keys:
            self.refuse_strangers(headers)
            return LOCAL
        caller = self._known(_shown_key(headers.get(b"authorization", b"")))
        if scope not in caller.scopes:
            raise Problem(403, f"the key {caller.name} is not for {scope}", action=f"use a key with the scope {scope}")
        return caller

    def still_holds(self, sha256: str, name: str, scope: str) -> bool:
        """Tell whether a key of this digest still has this name and scope."""
        return any(
            digest.hex() == sha256 and caller.name == name and scope in caller.scopes for digest, caller in self._keys
        )

    def _known(self, key: bytes) -> Caller:
        """Return whose key this is. Every key is compared, and each in constant time."""
        given = hashlib.sha256(key).digest()
        found = None
        for digest, caller in self._keys:
            if hmac.compare_digest(digest, given):
                found = caller
        if found is None:
            raise Problem(401, "the API key is unknown", action="send a configured key", headers=_CHALLENGE)
        return found

    def refuse_strangers(self, headers: Mapping[bytes, bytes]) -> None:
        """Refuse a web page that reaches for this machine, by its origin or by a name that it made resolve to us."""
        host = headers.get(b"host", b"")
        if host_name(host.decode("latin-1")) not in _NAMES_OF_LOOPBACK:
            raise Problem(
                403, "without an API key, only this machine may call, by its own name", action="call 127.0.0.1"
            )
        origin = headers.get(b"origin")
        if origin is not None and origin not in self._origins and origin != b"http://" + host:
            raise Problem(
                403, "pages of this origin may not call", action="add it to service.cors_origins, if it is yours"
            )


def host_name(host: str) -> str:
    """Return a Host header without its port.

    >>> host_name("localhost:8484"), host_name("[::1]:8484")
    ('localhost', '[::1]')
    """
    name, colon, port = host.rpartition(":")
    return (name if colon and port.isdigit() else host).lower()


def _shown_key(authorization: bytes) -> bytes:
    """Return the key of ``Authorization: Bearer KEY``, or of Basic with the key as the user's name."""
    kind, _, value = authorization.partition(b" ")
    value = value.strip()
    if len(value) <= KEY_MAX and value:
        if kind.lower() == b"bearer":
            return value
        if kind.lower() == b"basic":
            try:
                return base64.b64decode(value, validate=True).partition(b":")[0]
            except (binascii.Error, ValueError):
                pass
    raise Problem(401, "an API key is needed", action="send it as Authorization: Bearer KEY", headers=_CHALLENGE)
