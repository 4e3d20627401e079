"""One HTTP client for every channel that speaks HTTP: one attempt, one reply, or what is known where there is none.

It is httpcore, the engine of httpx, without what httpx adds: no redirects, no cookies, no proxies from the environment,
no decompression. A channel makes one :class:`Http`, calls :meth:`Http.post`, and translates the reply, with
:func:`judged` where the provider means by its status codes what HTTP means::

    try:
        reply = await self._http.post(url, body, headers)
    except NoReply as failure:
        return failure.answer
    return judged(reply, {410: Status.GONE})
"""

from __future__ import annotations

import asyncio
import json
import logging
import re
import ssl
import time
from contextlib import aclosing, suppress
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final

import httpcore
from h2.errors import ErrorCodes
from h2.events import ConnectionTerminated, StreamReset

from andante.channels.contract import Answer, Status
from andante.channels.guard import Blocked, Unresolved
from andante.channels.http_line import Line
from andante.vocabulary.fault import SettingsFault

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from andante.channels.guard import Guard

RETRY_AFTER_S_MAX: Final = 86_400.0
"""A provider that asks for a longer wait gets this one: whether a push is still worth it is not for it to say."""

RAW_MAX: Final = 500
"""Characters of a reply that are kept for an operator."""

MEANINGS: Final[Mapping[int, Status]] = MappingProxyType(
    {
        401: Status.UNABLE,
        403: Status.UNABLE,
        407: Status.UNABLE,
        408: Status.BUSY,  # the request did not arrive in time
        425: Status.BUSY,
        429: Status.BUSY,
        500: Status.BUSY,  # its own word that it failed; 502 and 504 are somebody else's word
        503: Status.BUSY,
    }
)
"""What status codes mean that do not mean what their class means.

2xx: accepted. 3xx: unable, redirects are not followed. 4xx: refused. 5xx: ambiguous, as of a gateway that lost sight of
a request that it had passed on.
"""

_CLASSES: Final = {2: Status.ACCEPTED, 3: Status.UNABLE, 4: Status.REFUSED}
_HEADER_VALUE = re.compile(r"[\t\x20-\x7e]*")
_TALKATIVE: Final = ("hpack", "h2", "httpcore")
_UNSEEN = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]+")


@dataclass(frozen=True, slots=True)
class Limits:
    """How long, how many, how much. An attempt ends within ``total_s + body_s``, whatever the peer does."""

    connect_s: float = 5.0  # name and connection; as long again for TLS
    wait_s: float = 10.0  # for a connection of the pool, and for bytes
    total_s: float = 20.0  # until the head of the reply is there
    body_s: float = 5.0  # until its body is
    idle_s: float = 60.0  # that a connection is kept for the next push
    connections_max: int = 64
    reply_bytes_max: int = 65_536


@dataclass(frozen=True, slots=True)
class Reply:
    """What a peer answered."""

    status: int
    headers: Mapping[str, str]  # names in lower case
    body: bytes
    received_s: float  # when, in seconds since 1970
    whole: bool = True  # False where the body broke off, or was cut at ``Limits.reply_bytes_max``

    def text(self) -> str:
        """Return the body as text on one line, shortened: what an ``Answer`` keeps as ``raw``."""
        return _UNSEEN.sub(" ", self.body[: 4 * RAW_MAX].decode("utf-8", "replace"))[:RAW_MAX]

    def json(self) -> dict[str, Any]:
        """Return the body as a JSON object; one that is none, or not whole, is an empty one."""
        try:
            read = json.loads(self.body)
        except (ValueError, RecursionError):
            return {}
        return read if isinstance(read, dict) else {}

    def retry_after_s(self) -> float | None:
        """Return how long the peer asks to wait: seconds, or a date, which is read against the peer's own clock.

        >>> Reply(429, {"retry-after": "7"}, b"", 0.0).retry_after_s()
        7.0
        """
        given = self.headers.get("retry-after", "").strip()
        if given.isascii() and given.isdecimal():
            return min(float(given[:9]), RETRY_AFTER_S_MAX)
        until_s, now_s = _instant_s(given), _instant_s(self.headers.get("date", ""))
        if until_s is None:
            return None
        return min(max(until_s - (self.received_s if now_s is None else now_s), 0.0), RETRY_AFTER_S_MAX)


class NoReply(Exception):
    """There is no reply. ``answer`` says what is known: BUSY, AMBIGUOUS, or UNABLE where the guard forbids the target.

    BUSY means that the peer cannot have acted: the line broke before the body began to go out, or the peer said that
    it has not looked at the request (HTTP/2 REFUSED_STREAM, GOAWAY).
    """

    def __init__(self, answer: Answer) -> None:
        """Store what is known."""
        self.answer = answer
        super().__init__(answer)


class Http:
    """Connections to peers, kept and shared; HTTP/2 where the peer speaks it. One per channel, of one event loop."""

    def __init__(
        self,
        *,
        limits: Limits | None = None,
        trust: ssl.SSLContext | None = None,
        guard: Guard | None = None,
        now_s: Callable[[], float] = time.time,
    ) -> None:
        """Store; nothing is connected yet.

        ``trust`` holds the authorities that are believed, and a client certificate where there is one; absent: those of
        certifi. ``guard`` is for targets that users or shops name: without one every URL is connected to.
        """
        mute()
        self._limits = limits or Limits()
        self._guard, self._now_s = guard, now_s
        self._pool = httpcore.AsyncConnectionPool(
            ssl_context=trust or trusted(),
            http2=True,
            max_connections=self._limits.connections_max,
            keepalive_expiry=self._limits.idle_s,
            network_backend=guard.backend() if guard else None,
        )

    async def post(self, url: str, body: bytes, headers: Mapping[str, str]) -> Reply:
        """Post once, and return the reply, whatever its status. Raises NoReply."""
        length = {"content-length": str(len(body))}
        return await self._asked("POST", url, body, {**length, **headers})

    async def get(self, url: str, headers: Mapping[str, str]) -> Reply:
        """Get once, and return the reply, as bounded and as judged as that to a post. Raises NoReply."""
        return await self._asked("GET", url, b"", headers)

    async def close(self) -> None:
        """Close every connection. Closing twice is no fault."""
        await self._pool.aclose()

    async def _asked(self, method: str, url: str, body: bytes, headers: Mapping[str, str]) -> Reply:
        progress = _Progress(self._pool, sends_body=bool(body))
        request = self._request(method, url, body, headers, progress)
        try:
            async with asyncio.timeout(self._limits.total_s):
                response = await self._pool.handle_async_request(request)
        except (Blocked, httpcore.UnsupportedProtocol) as fault:
            raise NoReply(_unable("blocked", str(fault))) from None
        except Exception as error:  # noqa: BLE001  whatever a line does, what is known is how far the request came
            raise NoReply(progress.answer(error)) from None
        return await self._read(response)

    def _request(
        self, method: str, url: str, body: bytes, headers: Mapping[str, str], progress: _Progress
    ) -> httpcore.Request:
        """Build a request to what was checked, or raise NoReply for what no request can be built of."""
        try:
            target = httpcore.URL(self._guard.check(url) if self._guard else url)
        except (Blocked, ValueError) as fault:
            raise NoReply(_unable("blocked", str(fault))) from None
        for name, value in headers.items():
            if not _HEADER_VALUE.fullmatch(value):
                raise NoReply(_unable("header", f"the value of {name} cannot stand in a header"))
        host, port = target.host.decode("ascii"), target.port
        host = f"[{host}]" if ":" in host else host
        sent = {
            "host": host if port is None else f"{host}:{port}",
            "user-agent": "andante",
            **headers,
        }
        of, wait = self._limits, self._limits.wait_s
        return httpcore.Request(
            method,
            target,
            headers=list(sent.items()),
            content=body,
            extensions={
                "timeout": {"connect": of.connect_s, "read": wait, "write": wait, "pool": wait},
                "trace": progress,
            },
        )

    async def _read(self, response: httpcore.Response) -> Reply:
        """Read the body as far as it comes and is wanted: the status has already said what came of the push."""
        most = self._limits.reply_bytes_max
        body, whole = bytearray(), False
        with suppress(Exception):  # a body that breaks off takes nothing back
            async with asyncio.timeout(self._limits.body_s), aclosing(response):
                async for part in response.aiter_stream():
                    body += part
                    if len(body) > most:
                        break
                else:
                    whole = True
        headers = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in response.headers}
        return Reply(response.status, headers, bytes(body[:most]), self._now_s(), whole)


class _Progress:
    """How far one request has come, as httpcore tells it. One that was certainly not seen may go to a second line."""

    def __init__(self, pool: httpcore.AsyncConnectionPool, *, sends_body: bool) -> None:
        self._pool = pool
        self._line: Line | None = None
        self._last_step = "send_request_body.started" if sends_body else "send_request_headers.started"
        self._stream = 0  # HTTP/2
        self._out = False

    async def __call__(self, step: str, about: dict[str, Any]) -> None:
        """Hear of one step."""
        if step.endswith("send_request_headers.started"):
            self._stream = about.get("stream_id", 0)
            self._line = Line.of(self._pool, about["request"]) if self._stream else None
        if step.endswith(self._last_step):
            self._out = True
        elif isinstance(about.get("exception"), httpcore.ConnectionNotAvailable):
            self._out = False

    def answer(self, error: Exception) -> Answer:
        """Return what is known after this error."""
        said = error.args[0] if error.args else None
        if self._line is not None and not isinstance(said, StreamReset | ConnectionTerminated):
            said = self._line.goaway() or said  # it may have come before the line broke
        if isinstance(said, StreamReset):
            unseen, code = said.error_code == ErrorCodes.REFUSED_STREAM, f"RST_STREAM {_named(said.error_code)}"
        elif isinstance(said, ConnectionTerminated):
            unseen = said.last_stream_id is not None and self._stream > said.last_stream_id
            code = f"GOAWAY {_named(said.error_code)}"
        else:
            unseen, code = False, type(error).__name__
        if isinstance(error, Unresolved):
            code = "dns"
        if unseen or not self._out:
            return Answer(status=Status.BUSY, code=code, detail="the line broke before the peer could act on the push")
        return Answer(status=Status.AMBIGUOUS, code=code, detail="the line broke when the push was on its way")


def judged(reply: Reply, meanings: Mapping[int, Status] = MappingProxyType({})) -> Answer:
    """Return what a reply's status code means: to this provider, else by MEANINGS, else by its class.

    >>> answer = judged(Reply(410, {}, b"no such device", 0.0), {410: Status.GONE})
    >>> answer.status, answer.code, answer.raw
    (<Status.GONE: 'gone'>, '410', 'no such device')
    """
    status = meanings.get(reply.status) or MEANINGS.get(reply.status)
    if status is None:
        status = _CLASSES.get(reply.status // 100, Status.AMBIGUOUS)
    wait_s = reply.retry_after_s() if status is Status.BUSY else None
    return Answer(status=status, code=str(reply.status), retry_after_s=wait_s, raw=reply.text())


def mute() -> None:
    """Keep the libraries beneath from logging headers, as they do at DEBUG: addresses and tokens are among them."""
    for name in _TALKATIVE:
        logger = logging.getLogger(name)
        logger.setLevel(max(logger.getEffectiveLevel(), logging.INFO))


def trusted(authorities: Path | None = None) -> ssl.SSLContext:
    """Return a context that believes the authorities of certifi, and those of a PEM file.

    Raises SettingsFault where the file cannot be used.
    """
    context = httpcore.default_ssl_context()
    if authorities is not None:
        try:
            context.load_verify_locations(authorities)
        except (OSError, ssl.SSLError) as error:
            problem = f"holds no certificates that can be read ({error.strerror or error})"
            raise SettingsFault("ca_file", authorities, problem, "give a file of PEM certificates") from None
    return context


def _instant_s(date: str) -> float | None:
    try:
        return parsedate_to_datetime(date).timestamp()
    except (ValueError, TypeError, OverflowError):
        return None


def _unable(code: str, detail: str) -> Answer:
    return Answer(status=Status.UNABLE, code=code, detail=detail)


def _named(code: int | ErrorCodes | None) -> str:
    return code.name if isinstance(code, ErrorCodes) else str(code)
