"""The application: what stands between a server of HTTP and the handlers. It lets callers in, and tells them no.

Calls of hot routes that are here as a whole are answered as they lie (:meth:`Application.answer_whole`). All others
come as ASGI: hot routes are found in a dictionary, the rest by Starlette's router. The door, the bodies and the
problems are the same for all.
"""

from __future__ import annotations

import asyncio
import logging
import re
import secrets
from itertools import count
from time import perf_counter
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote_to_bytes

from starlette.exceptions import HTTPException
from starlette.middleware.cors import CORSMiddleware
from starlette.routing import Route as Mount
from starlette.routing import Router

from andante.service.journal import note
from andante.service.openapi import document
from andante.service.problem import MEDIA_TYPE, Problem, broken, of_fault, overloaded
from andante.service.routes import OPEN, Route, routes_of
from andante.service.serving import KIB, Call, Reply
from andante.service.things import token_in
from andante.vocabulary.fault import Fault, StoreFault

if TYPE_CHECKING:
    from collections.abc import Coroutine, Mapping, Sequence

    from starlette.routing import BaseRoute
    from starlette.types import ASGIApp, Receive, Scope, Send

    from andante.service.keys import Caller
    from andante.service.serving import Serving

OPENAPI = "/openapi.json"
_ELSEWHERE = "other"
"""The route that calls are counted under which lead nowhere: paths that callers make up are no labels."""

_REQUEST_ID = re.compile(rb"[A-Za-z0-9._-]{1,64}")
_SAFE = [
    (b"cache-control", b"no-store"),
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
]
_POLICY = (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'")
_ALLOWED_HEADERS = ("authorization", "content-type", "idempotency-key", "last-event-id", "x-request-id")


class Application:
    """Answers every call of HTTP."""

    def __init__(
        self, serving: Serving, version: str, more: Sequence[BaseRoute] = (), described: Sequence[Route] = ()
    ) -> None:
        """Lay out the routes.

        ``more`` are Starlette's own, such as those of live streams, which guard themselves; ``described`` are like
        those of the table.
        """
        self._serving = serving
        routes = [*routes_of(serving), *described]
        self.hot = {(route.method, route.path): route for route in routes if route.is_hot}
        self._document = Reply(document(routes, version, serving.settings.public_url))
        itself = Route("GET", OPENAPI, self._describe, OPEN, dict[str, Any])
        paths: dict[str, dict[str, Route]] = {}
        for route in (*routes, itself):
            paths.setdefault(route.path, {})[route.method] = route
        mounts = [Mount(path, _Mounted(self, methods), methods=list(methods)) for path, methods in paths.items()]
        self._router = Router([*mounts, *more], redirect_slashes=False)
        self._prefix, self._numbers = secrets.token_hex(6).encode(), count(1)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one call."""
        if scope["type"] == "http":
            route = self.hot.get((scope["method"], scope["path"]))
            if route is not None:
                await self.answer(route, scope, receive, send)
                return
            scope = {**scope, "path": scope["raw_path"].decode("latin-1"), "app": self}
        elif scope["type"] == "lifespan":
            return
        await self._find(scope, receive, send)

    async def answer(self, route: Route, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a call of a route, whatever becomes of it."""
        began = perf_counter()
        headers = dict(scope["headers"])
        request_id = self._request_id(headers)
        reply = await self._reply(route, request_id, self._arriving(route, headers, scope, receive))
        await _send(reply, request_id, send)
        self._answered(route, reply.status, request_id, began)

    def knows(self, route: Route, headers: Mapping[bytes, bytes], body: bytes) -> Caller | None:
        """Return whose call this is, where :meth:`answer_whole` may answer it.

        None for a page's call, and for all that the door or the reading of a body would refuse: those take the way of
        ASGI, where they are told so.
        """
        if b"origin" in headers or b"content-encoding" in headers or len(body) > self._most(route):
            return None
        try:
            return self._serving.keyring.admit(headers, route.scope)
        except Problem:
            return None

    async def answer_whole(
        self, route: Route, headers: Mapping[bytes, bytes], body: bytes, caller: Caller
    ) -> tuple[Reply, bytes]:
        """Return the reply to a call that is here as a whole, whatever becomes of it, and the call's id."""
        began = perf_counter()
        request_id = self._request_id(headers)
        reply = await self._reply(route, request_id, self._whole(route, headers, body, caller))
        self._answered(route, reply.status, request_id, began)
        return reply, request_id

    async def _reply(self, route: Route, request_id: bytes, arriving: Coroutine[Any, Any, Call]) -> Reply:
        """Let a call arrive and its handler answer it; return the reply, or the problem that came of it."""
        body = b""
        try:
            call = await arriving
            body = call.body
            return await route.handler(self._serving, call)
        except Exception as error:  # noqa: BLE001  whatever it is, the caller is answered
            return self._told(error, request_id, route.path)
        except asyncio.CancelledError:  # the time to drain is over
            return _problem(overloaded("the server is ending, and did not get to this in time"), request_id)
        finally:
            if body:
                self._serving.bodies.release(body)

    async def _arriving(self, route: Route, headers: Mapping[bytes, bytes], scope: Scope, receive: Receive) -> Call:
        caller = self._let_in(route, headers, scope)
        body = await self._serving.bodies.read(receive, headers, self._most(route))
        return Call(headers, body, caller, _path(scope), scope["query_string"], _address(scope))

    async def _whole(self, route: Route, headers: Mapping[bytes, bytes], body: bytes, caller: Caller) -> Call:
        self._serving.limiter.count_key(caller.name)
        return Call(headers, self._serving.bodies.hold(body, self._most(route)), caller)

    def _most(self, route: Route) -> int:
        settings = self._serving.settings
        return (settings.batch_max_kib if route.is_large else settings.body_max_kib) * KIB

    def _answered(self, route: Route, status: int, request_id: bytes, began: float) -> None:
        """Count an answer, and write it down where that is wanted."""
        took_s = perf_counter() - began
        self._serving.metrics.answered(route.path, status, took_s)
        if self._serving.settings.access_log:
            said: dict[str, Any] = {
                "route": route.path,
                "method": route.method,
                "status": status,
                "ms": round(took_s * 1e3, 2),
            }
            note("call", request_id=request_id.decode(), **said)

    async def _find(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let Starlette find the route; answer as problems what it finds none for."""
        try:
            await self._router(scope, receive, send)
        except HTTPException as error:
            if scope["type"] != "http":
                raise
            allowed = dict(error.headers or {})
            said = {404: "there is nothing at this path", 405: f"{scope['method']} is not for this path"}
            action = f"use {allowed['Allow']}" if "Allow" in allowed else "GET /openapi.json names every path"
            lower = {name.lower(): value for name, value in allowed.items()}
            problem = Problem(
                error.status_code, said.get(error.status_code, error.detail), action=action, headers=lower
            )
            request_id = self._request_id(dict(scope["headers"]))
            await _send(_problem(problem, request_id), request_id, send)
            self._serving.metrics.answered(_ELSEWHERE, error.status_code, 0.0)

    async def _describe(self, serving: Serving, call: Call) -> Reply:  # noqa: ARG002  every handler is given both
        """Describe everything that can be called."""
        return self._document

    def _let_in(self, route: Route, headers: Mapping[bytes, bytes], scope: Scope) -> Caller | None:
        """Return who calls, None where nobody needs to say so. Raises Problem 401, 403 or 429."""
        limiter = self._serving.limiter
        if route.scope == OPEN or (route.token and token_in(scope["query_string"]) is not None):
            if route.is_counted:
                limiter.count_address(_address(scope))
            return None
        try:
            caller = self._serving.keyring.admit(headers, route.scope)
        except Problem:
            limiter.count_address(_address(scope))
            raise
        limiter.count_key(caller.name)
        return caller

    def _told(self, error: Exception, request_id: bytes, route: str) -> Reply:
        """Return what a caller is told of an error, and write down what only we may know."""
        if isinstance(error, Problem):
            return _problem(error, request_id)
        told = request_id.decode()
        if isinstance(error, Fault):
            problem = of_fault(error)
            if problem.status >= 500 or isinstance(error, StoreFault):  # noqa: PLR2004  ours, not the caller's
                note(str(error), level=logging.ERROR, request_id=told, route=route)
            return _problem(problem, request_id)
        note("fault of our own", level=logging.ERROR, error=error, request_id=told, route=route)
        return _problem(broken(), request_id)

    def _request_id(self, headers: Mapping[bytes, bytes]) -> bytes:
        """Return the caller's own id of the call, where it is harmless, or a new one."""
        given = headers.get(b"x-request-id")
        if given is not None and _REQUEST_ID.fullmatch(given):
            return given
        return b"%s-%x" % (self._prefix, next(self._numbers))


def behind_cors(application: Application, origins: Sequence[str]) -> ASGIApp:
    """Return the application behind what answers pages of these origins, where there are any."""
    if not origins:
        return application
    return CORSMiddleware(
        application,
        allow_origins=origins,
        allow_methods=("GET", "POST", "PUT", "DELETE"),
        allow_headers=_ALLOWED_HEADERS,
        expose_headers=("x-request-id", "retry-after"),
        max_age=600,
    )


class _Mounted:
    """A route as Starlette sees it: an application of its own."""

    def __init__(self, application: Application, routes: Mapping[str, Route]) -> None:
        self._application, self._routes = application, routes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        method = "GET" if scope["method"] == "HEAD" else scope["method"]
        await self._application.answer(self._routes[method], scope, receive, send)


def _path(scope: Scope) -> dict[str, str]:
    """Return the parts of the path that the route names. It was matched as it was sent, so an id may hold a slash."""
    try:
        return {name: unquote_to_bytes(part).decode() for name, part in scope.get("path_params", {}).items()}
    except UnicodeDecodeError:
        raise Problem(400, "the path is no UTF-8", action="write other letters as percent-encoded UTF-8") from None


def _address(scope: Scope) -> str:
    client = scope.get("client")
    return client[0] if client else ""


def _problem(problem: Problem, request_id: bytes) -> Reply:
    headers = tuple((name.encode(), value.encode()) for name, value in problem.headers.items())
    return Reply(problem.body(request_id.decode()), problem.status, MEDIA_TYPE, headers)


def head_of(reply: Reply, request_id: bytes) -> list[tuple[bytes, bytes]]:
    """Return the headers of a reply."""
    return [
        (b"content-type", reply.media_type.encode()),
        (b"content-length", str(len(reply.body)).encode()),
        (b"x-request-id", request_id),
        *_SAFE,
        *(reply.headers if reply.media_type.startswith("text/html") else (_POLICY, *reply.headers)),
    ]


async def _send(reply: Reply, request_id: bytes, send: Send) -> None:
    await send({"type": "http.response.start", "status": reply.status, "headers": head_of(reply, request_id)})
    await send({"type": "http.response.body", "body": reply.body})
