"""The demo page: what a shop's page does, small enough to read. Its script and its service worker are our own.

It is for a server without keys, on one's own machine: there the page asks for its tickets itself, which in a shop is
the shop's server's part.
"""

from __future__ import annotations

from importlib.resources import files
from typing import TYPE_CHECKING

import msgspec
from starlette.routing import Route as Mount

if TYPE_CHECKING:
    from starlette.routing import BaseRoute
    from starlette.types import Receive, Scope, Send

    from andante.settings.sections.service import Service

BELOW = "/demo/"

_TYPES = {"html": b"text/html", "js": b"text/javascript", "css": b"text/css"}
_FILES = {"": "demo.html", "demo.js": "demo.js", "feed.js": "feed.js", "worker.js": "worker.js", "demo.css": "demo.css"}
_SETTINGS = "settings.json"


class File:
    """Answers with the same bytes every time."""

    def __init__(self, body: bytes, media_type: bytes, policy: bytes) -> None:
        """Store them."""
        self._body = body
        self._headers = [
            (b"content-type", media_type + b"; charset=utf-8"),
            (b"content-length", str(len(body)).encode()),
            (b"content-security-policy", policy),
            (b"cache-control", b"no-cache"),
            (b"x-content-type-options", b"nosniff"),
            (b"referrer-policy", b"no-referrer"),
        ]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002  as ASGI calls it
        """Answer."""
        body = b"" if scope["method"] == "HEAD" else self._body
        await send({"type": "http.response.start", "status": 200, "headers": self._headers})
        await send({"type": "http.response.body", "body": body})


def demo(service: Service, vapid_public_key: str | None = None) -> list[BaseRoute]:
    """Return the routes of the demo page; the key is that of Web Push, where it is configured."""
    policy = _policy(service.public_url)
    folder = files("andante.service") / "assets"
    found = {
        path: File((folder / name).read_bytes(), _TYPES[name.rpartition(".")[2]], policy)
        for path, name in _FILES.items()
    }
    settings = msgspec.json.encode({"vapid_public_key": vapid_public_key})
    found[_SETTINGS] = File(settings, b"application/json", policy)
    return [Mount(BELOW + path, file, methods=["GET"]) for path, file in found.items()]


def _policy(public_url: str | None) -> bytes:
    """Return what the page and its worker may do: load our own files, and talk to us."""
    ours = "'self'" if public_url is None else f"'self' {public_url}"
    return (
        "default-src 'none'; script-src 'self'; style-src 'self'; worker-src 'self'; img-src https: data:; "
        f"connect-src {ours}; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ).encode()
