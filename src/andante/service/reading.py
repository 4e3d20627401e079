"""Reading: bodies of JSON as shapes. Good ones are read in one pass; what is wrong with others is said in our words."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, TypeVar

import msgspec
from msgspec import Struct

from andante.live.admission_refusals import explained
from andante.service.bodies import JSON, UNREADABLE, media_type, unreadable, wrong_media_type
from andante.service.problem import Problem

if TYPE_CHECKING:
    from collections.abc import Mapping

    from msgspec.json import Decoder

S = TypeVar("S", bound=Struct)

IDEMPOTENCY_KEY = b"idempotency-key"
_KEY = re.compile(rb"[!-~]{1,200}")


def require_json(headers: Mapping[bytes, bytes]) -> None:
    """Raise Problem 415 for a body that does not say that it is JSON."""
    said = headers.get(b"content-type")
    if said != b"application/json" and media_type(headers) != JSON:
        raise wrong_media_type(media_type(headers), (JSON,))


def read(body: bytes, decoder: Decoder[S]) -> S:
    """Return a body in its shape.

    Raises Problem 400 for what is no JSON, and InputFault, naming the field, for what has another shape.
    """
    try:
        return decoder.decode(body)
    except msgspec.ValidationError as error:
        raise explained(error, plain(body), decoder.type).fault() from None
    except UNREADABLE as error:
        raise unreadable(error) from None


def plain(body: bytes) -> Any:
    """Return a body as dictionaries and lists. Raises Problem 400 for what is no JSON."""
    try:
        return msgspec.json.decode(body)
    except UNREADABLE as error:
        raise unreadable(error) from None


def idempotency_key(headers: Mapping[bytes, bytes]) -> str | None:
    """Return the Idempotency-Key of a call. Raises Problem 400 for one that is no key."""
    key = headers.get(IDEMPOTENCY_KEY)
    if key is None:
        return None
    if not _KEY.fullmatch(key):
        raise Problem(400, "the Idempotency-Key is no key", action="send 1 to 200 visible ASCII characters")
    return key.decode()
