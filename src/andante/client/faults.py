"""Faults of calls: what a service says is wrong becomes the fault that the engine itself would have raised.

::

    Fault
    ├── InputFault        400, 413, 415, 422: what was sent cannot be taken
    ├── UnknownUser       404 of a user
    ├── Conflict          409: an idempotency key was given before with another body
    └── ServiceFault      the service did not do what was asked
        ├── Denied        401, 403: the key is missing, unknown, or not for this
        ├── Busy          429, 503: there is no room now; nothing was done
        └── Unreachable   no answer came; it may have been done
"""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

import httpx
import msgspec

from andante.vocabulary.fault import Conflict, Fault, InputFault, UnknownUser

if TYPE_CHECKING:
    from collections.abc import Mapping

PROBLEM = "application/problem+json"
_BAD_GATEWAY, _GATEWAY_TIMEOUT = 502, 504
_SHOWN = 200


class ServiceFault(Fault):
    """The service did not do what was asked."""


class Denied(ServiceFault):
    """The key is missing, unknown, or not for this."""


class Busy(ServiceFault):
    """There is no room now: nothing was done. ``retry_after_s`` is when to come back, where the service says so."""

    retry_after_s: float | None = None


class Unreachable(ServiceFault):
    """No answer came. ``maybe_done`` tells whether the service may have done it all the same."""

    maybe_done: bool = True


class _Told(msgspec.Struct):
    """A problem of RFC 9457, with what Andante adds."""

    detail: str = ""
    title: str = ""
    field: str | None = None
    value: str | None = None
    action: str | None = None


_FAULTS: dict[int, type[Fault]] = {
    400: InputFault,
    401: Denied,
    403: Denied,
    404: UnknownUser,
    408: Unreachable,
    409: Conflict,
    413: InputFault,
    415: InputFault,
    422: InputFault,
    429: Busy,
    _BAD_GATEWAY: Unreachable,
    503: Busy,
    _GATEWAY_TIMEOUT: Unreachable,
}


def fault_of(where: str, status: int, headers: Mapping[str, str], body: bytes) -> Fault:
    """Return the fault that an answer other than 2xx is. ``where`` names the call: ``POST /v1/decisions``."""
    told = _told(headers, body)
    kind = _FAULTS.get(status, ServiceFault)
    if kind is UnknownUser and (told is None or told.field is None):  # it is the path that leads nowhere
        kind = ServiceFault
    if told is None:
        shown = " ".join(body[:_SHOWN].decode("utf-8", "replace").split()) or "without a word"
        fault = kind(where, status, f"was answered with {shown!r}", "see whether the address is that of an Andante")
    elif told.field is None:
        fault = kind(where, status, told.detail or told.title, told.action or _action(kind))
    else:
        fault = kind(told.field, told.value, _problem(told), told.action or _action(kind))
    if isinstance(fault, Busy):
        fault.retry_after_s = _seconds(headers.get("retry-after"))
    return fault


def unreachable(where: str, error: httpx.TransportError) -> Unreachable:
    """Return the fault of a call that got no answer."""
    fault = Unreachable(
        where,
        str(error) or type(error).__name__,
        "got no answer",
        "see whether the service runs; what can be done twice was tried again already",
    )
    fault.maybe_done = not isinstance(error, httpx.ConnectError | httpx.ConnectTimeout | httpx.PoolTimeout)
    return fault


def _told(headers: Mapping[str, str], body: bytes) -> _Told | None:
    if headers.get("content-type", "").partition(";")[0].strip() == PROBLEM:
        with suppress(msgspec.DecodeError):
            return msgspec.json.decode(body, type=_Told)
    return None


def _problem(told: _Told) -> str:
    """Return what is wrong alone: the detail is a whole sentence with the thing before it and the action behind it."""
    before = told.field or ""
    before += "" if told.value is None else f" ({' '.join(told.value.split())})"
    return told.detail.removeprefix(before).removesuffix(f": {told.action}").strip()


def _action(kind: type[Fault]) -> str:
    return "try again later" if issubclass(kind, Busy | Unreachable) else "see what was sent"


def _seconds(told: str | None) -> float | None:
    """Return the seconds of a Retry-After; a date, which Andante never writes, is left to the backoff."""
    return float(told) if told is not None and told.isdigit() else None
