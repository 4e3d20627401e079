"""Assets: style sheets and scripts that pages load from us alone. The name holds a digest, so a browser keeps them."""

from __future__ import annotations

import hashlib
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, NamedTuple

from starlette.responses import Response
from starlette.routing import Route

if TYPE_CHECKING:
    from importlib.abc import Traversable

    from starlette.requests import Request

BELOW = "/assets/"
VEGA = "vega.js"
_TYPES = {"js": "text/javascript", "css": "text/css", "svg": "image/svg+xml"}
_ROOMS = ("andante.site", "andante.dashboard", "andante.shopper")
_FOR_EVER = "public, max-age=31536000, immutable"


class Asset(NamedTuple):
    """A file that pages load."""

    body: bytes
    media_type: str
    digest: str


@cache
def asset(name: str) -> Asset | None:
    """Return the asset of a name, from the room that has it; None for none."""
    body = _vega() if name == VEGA else _file(name)
    if body is None:
        return None
    return Asset(body, _TYPES[name.rpartition(".")[2]], hashlib.sha256(body).hexdigest()[:16])


def path_of(name: str) -> str:
    """Return the path of an asset. Raises KeyError for one that is not there."""
    found = asset(name)
    if found is None:
        raise KeyError(name)
    return f"{BELOW}{found.digest}/{name}"


def route() -> Route:
    """Return the route that answers with assets."""
    return Route(f"{BELOW}{{digest}}/{{name}}", _answer, methods=["GET"])


async def _answer(request: Request) -> Response:
    name = request.path_params["name"]
    found = asset(name) if name == VEGA or name in _names() else None
    if found is None:
        return Response("there is no such asset", 404, media_type="text/plain")
    headers = {"cache-control": _FOR_EVER, "x-content-type-options": "nosniff"}
    return Response(found.body, media_type=found.media_type, headers=headers)


@cache
def _names() -> frozenset[str]:
    return frozenset(one.name for room in _ROOMS for one in _folder(room).iterdir())


def _file(name: str) -> bytes | None:
    for room in _ROOMS:
        one = _folder(room) / name
        if one.is_file():
            return one.read_bytes()
    return None


def _folder(room: str) -> Traversable:
    return files(room) / "assets"


def _vega() -> bytes:
    """Return Vega, Vega-Lite and Vega-Embed as one script, which asks for nothing."""
    from andante.report.page import bundle  # noqa: PLC0415  heavy, and asked for by charts alone

    return bundle().encode()
