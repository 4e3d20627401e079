"""The guard between us and addresses that strangers name: what is connected to is what was checked.

A webhook's URL and a browser's subscription come from outside. A request to them must not reach what only we can reach
(SSRF): this machine, the network around it, the metadata of a cloud. So a URL is taken apart by strict rules and put
together again from its parts; its host is resolved once, every address found must be public, and the connection is
made to an address that was found, not to the name, so that a name server that changes its mind changes nothing. TLS
still verifies the name. Redirects are nobody's to follow: the client does not know them.
"""

from __future__ import annotations

import asyncio
import re
import socket
import time
from dataclasses import dataclass, field
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

import httpcore
import idna

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable, Sequence

    Resolver = Callable[[str, int], Awaitable[Sequence[str]]]

URL_MAX: Final = 2_048
"""Characters of a URL that are looked at."""

TRIES_MAX: Final = 3
"""Addresses of one host that are connected to, one after the other."""

_PUBLIC_6: Final = ip_network("2000::/3")
"""What IANA has given out of IPv6. Mapped (::ffff:0:0/96), NAT64 (64:ff9b::/96) and private addresses lie outside."""

_SPECIAL: Final = tuple(
    ip_network(block)
    for block in (
        # IANA's registry of special-purpose addresses, IPv4, as of 2025-10; the standard library's differs by version.
        "0.0.0.0/8",
        "10.0.0.0/8",
        "100.64.0.0/10",  # shared by carriers; metadata of a cloud at 100.100.100.200
        "127.0.0.0/8",
        "168.63.129.16/32",  # public by its number: the platform of a cloud, to every machine in it
        "169.254.0.0/16",  # link-local; metadata of most clouds
        "172.16.0.0/12",
        "192.0.0.0/24",
        "192.0.2.0/24",
        "192.31.196.0/24",
        "192.52.193.0/24",
        "192.88.99.0/24",  # relays of 6to4
        "192.168.0.0/16",
        "192.175.48.0/24",
        "198.18.0.0/15",
        "198.51.100.0/24",
        "203.0.113.0/24",
        "224.0.0.0/3",  # multicast, reserved, broadcast
        # IPv6, within what is given out.
        "2001::/23",  # of protocols: Teredo, ORCHID and others
        "2001:db8::/32",
        "2002::/16",  # 6to4: holds an IPv4 address
        "2620:4f:8000::/48",
        "3fff::/20",
    )
)
_OWN: Final = tuple(
    ip_network(block)
    for block in ("10.0.0.0/8", "127.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "::1/128", "fc00::/7")
)
"""What ``private`` opens: a shop's own networks and this machine, but never link-local, where clouds keep metadata."""

_URL = re.compile(r"[^\x00-\x20\x7f-\xa0\\<>\"{}|^`]+")
_HOST = re.compile(r"(?=.{1,253}\Z)(?:[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9])?\.)*[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?")
_BRACKETS = re.compile(r"\[[^\[\]]+\](?::\d*)?")
_NUMBER = re.compile(r"\d+|0x[0-9a-f]*")


class Blocked(Exception):
    """The target is not one that may be connected to. Its text says why, without the target."""


class Unresolved(Exception):
    """The host has no address, at least not now."""


async def resolved(host: str, port: int) -> Sequence[str]:
    """Return the addresses of a host, as the system knows them."""
    found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(address[0]) for *_, address in found))


@dataclass(frozen=True, slots=True)
class Guard:
    """What may be connected to: https to public addresses on some ports; ``private`` is for tests and own networks."""

    ports: frozenset[int] = frozenset({443})
    private: bool = False  # http, too, and a shop's own addresses
    resolver: Resolver = field(default=resolved)

    def check(self, url: str) -> str:
        """Return the URL, put together anew from its parts. Raises Blocked.

        >>> Guard().check("https://Bücher.example/push?to=1")
        'https://xn--bcher-kva.example/push?to=1'
        >>> Guard().check("https://2130706433/")
        Traceback (most recent call last):
        ...
        andante.channels.guard.Blocked: the host is a number, not a name or an address in its usual form
        """
        if not isinstance(url, str) or len(url) > URL_MAX or not _URL.fullmatch(url):
            raise Blocked("the URL is no text of a URL's characters, or too long")
        try:
            parts = urlsplit(url)
            port = parts.port
        except ValueError:
            raise Blocked("the URL cannot be taken apart") from None
        if parts.scheme not in (("https", "http") if self.private else ("https",)):
            raise Blocked("the URL does not begin with https://")
        if "@" in parts.netloc:
            raise Blocked("the URL names a user")
        usual = {"https": 443, "http": 80}[parts.scheme]
        port = usual if port is None else port
        if port not in self.ports:
            raise Blocked(f"port {port} is not one that may be connected to")
        target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        if not target.isascii():
            raise Blocked("the path is not written in ASCII")
        host = self._host(parts.netloc, parts.hostname or "")
        return f"{parts.scheme}://{host}{'' if port == usual else f':{port}'}{target}"

    def backend(self) -> httpcore.AsyncNetworkBackend:
        """Return what connects: to addresses that were found and checked, never to a name."""
        return _Guarded(self)

    async def addresses(self, host: str, port: int) -> Sequence[str]:
        """Resolve a host once, and check every address that it has. Raises Blocked, Unresolved."""
        try:
            found = [str(ip_address(host))]
        except ValueError:
            try:
                found = list(await self.resolver(host, port))
            except OSError as error:
                raise Unresolved("the host has no address") from error
        if not found:
            raise Unresolved("the host has no address")
        for address in found:
            if not self.admits(address):
                raise Blocked("the host has an address that is not public")
        return found

    def admits(self, address: str) -> bool:
        """Tell whether an address may be connected to.

        >>> [Guard().admits(a) for a in ("93.184.215.14", "10.0.0.1", "::ffff:10.0.0.1", "64:ff9b::a00:1")]
        [True, False, False, False]
        """
        try:
            given = ip_address(address)
        except ValueError:
            return False
        if self.private and _within(given, _OWN):
            return True
        if isinstance(given, IPv6Address) and (given not in _PUBLIC_6 or given.scope_id is not None):
            return False
        return not _within(given, _SPECIAL)

    def _host(self, netloc: str, host: str) -> str:
        """Return the host as a name in ASCII or an address. Raises Blocked."""
        if "[" in netloc or "]" in netloc:
            try:
                address = IPv6Address(host)
            except ValueError:
                raise Blocked("the host is no IPv6 address") from None
            if not _BRACKETS.fullmatch(netloc):
                raise Blocked("the host is no IPv6 address")
            if not self.admits(str(address)):
                raise Blocked("the host is an address that is not public")
            return f"[{address}]"
        try:
            name = host if host.isascii() else idna.encode(host, uts46=True, std3_rules=True).decode("ascii")
        except idna.IDNAError:
            raise Blocked("the host is no name that can be looked up") from None
        return self._named(name.lower())

    def _named(self, name: str) -> str:
        if name.endswith("."):
            raise Blocked("the host ends in a dot")
        if _NUMBER.fullmatch(name.rpartition(".")[2]):
            try:
                address = str(IPv4Address(name))
            except ValueError:
                raise Blocked("the host is a number, not a name or an address in its usual form") from None
            if not self.admits(address):
                raise Blocked("the host is an address that is not public")
            return address
        if not _HOST.fullmatch(name):
            raise Blocked("the host is no name that can be looked up")
        return name


class _Guarded(httpcore.AsyncNetworkBackend):
    """Connects to what the guard has checked."""

    def __init__(self, guard: Guard) -> None:
        self._guard, self._lines = guard, httpcore.AnyIOBackend()

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109  httpcore's
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        """Resolve, check, and connect to the first address that answers."""
        began_s = time.monotonic()
        try:
            async with asyncio.timeout(timeout):
                found = (await self._guard.addresses(host, port))[:TRIES_MAX]
        except TimeoutError:
            raise Unresolved("the host's name server does not answer in time") from None
        left_s = None if timeout is None else max(timeout - (time.monotonic() - began_s), 0.1) / len(found)
        for address in found[:-1]:
            try:
                return await self._lines.connect_tcp(address, port, left_s, local_address, socket_options)
            except (httpcore.ConnectError, httpcore.ConnectTimeout):
                continue
        return await self._lines.connect_tcp(found[-1], port, left_s, local_address, socket_options)

    async def connect_unix_socket(self, *_: Any, **__: Any) -> httpcore.AsyncNetworkStream:
        """Refuse: no URL leads to a socket of this machine."""
        raise Blocked("sockets of this machine may not be connected to")

    async def sleep(self, seconds: float) -> None:
        """Wait, between tries to connect."""
        await self._lines.sleep(seconds)


def _within(address: IPv4Address | IPv6Address, blocks: Iterable[IPv4Network | IPv6Network]) -> bool:
    return any(address in block for block in blocks)
