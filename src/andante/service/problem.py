"""Problems: what a caller is told when a call cannot be done, as ``application/problem+json`` (RFC 9457).

A fault says the thing, the value, what is wrong and the next action; callers get all four where it is their call that
is at fault. Where it is us, they learn no internals: paths, tracebacks and provider names stay in our own log.
"""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING, NamedTuple

import msgspec
from msgspec import Struct

from andante.vocabulary.fault import (
    Conflict,
    Fault,
    InputFault,
    MissingExtra,
    NotEnoughData,
    SettingsFault,
    StoreBusy,
    StoreFull,
    UnknownUser,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

MEDIA_TYPE = "application/problem+json"

COME_BACK_S = 1
"""When a caller who was turned away for lack of room may come back."""


class ProblemBody(Struct, omit_defaults=True):
    """What is wrong with a call."""

    type: str
    title: str
    status: int
    detail: str
    field: str | None = None  # what is at fault: the path to it in what was sent
    value: str | None = None  # what was found there, shortened
    action: str | None = None  # what to do next
    request_id: str | None = None


class Problem(Exception):
    """Ends a call with a status and a body that says why."""

    def __init__(
        self,
        status: int,
        detail: str,
        *,
        action: str | None = None,
        fault: Fault | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        """Store what the caller is told."""
        super().__init__(detail)
        self.status, self.detail, self.action, self.fault = status, detail, action, fault
        self.headers = dict(headers or {})

    def body(self, request_id: str | None) -> bytes:
        """Return the problem as JSON."""
        phrase = HTTPStatus(self.status).phrase
        told = ProblemBody(
            f"urn:andante:problem:{phrase.lower().replace(' ', '-')}",
            phrase,
            self.status,
            self.detail,
            action=self.action,
            request_id=request_id,
        )
        if self.fault is not None:
            told.field = self.fault.thing
            told.value = None if self.fault.value is None else str(self.fault.value)
            told.action = self.fault.action
        return msgspec.json.encode(told)


def of_fault(fault: Fault) -> Problem:
    """Return the problem that a fault of the library is to a caller.

    >>> of_fault(InputFault("candidates[0].value", "-1", "is below 0", "give a finite number of 0 or more")).status
    422
    """
    for kind, answer in _ANSWERS.items():
        if isinstance(fault, kind):
            if answer.said is None:
                return Problem(answer.status, str(fault), fault=fault)
            return Problem(answer.status, answer.said, headers=answer.headers)
    return broken()


def overloaded(detail: str) -> Problem:
    """Return the problem of a call that there is no room for."""
    return Problem(503, detail, action="try again", headers=_COME_BACK)


def broken() -> Problem:
    """Return the problem of a call that met a fault of ours; the log says which."""
    return Problem(500, "the service met a fault of its own, which its log describes", action="report the request_id")


class _Answer(NamedTuple):
    status: int
    said: str | None = None  # instead of the fault's own words
    headers: dict[str, str] | None = None


_COME_BACK = {"retry-after": str(COME_BACK_S)}
_ANSWERS: dict[type[Fault], _Answer] = {
    Conflict: _Answer(409),
    UnknownUser: _Answer(404),
    MissingExtra: _Answer(415),
    NotEnoughData: _Answer(422),
    SettingsFault: _Answer(422),
    InputFault: _Answer(422),
    StoreFull: _Answer(503, "there is no room left where the log lies; nothing was done", _COME_BACK),
    StoreBusy: _Answer(503, "somebody else holds the log for a moment; nothing was done", _COME_BACK),
    Fault: _Answer(503, "the log cannot be written to; nothing was done", _COME_BACK),
}
"""In the order in which they are tried."""
