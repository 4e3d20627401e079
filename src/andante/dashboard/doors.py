"""Doors: what stands between a route and its page. Who visits, may they, what did their form say, what went wrong.

A handler is ``async def handler(console, visit) -> Response``; what it raises as a Problem or a Fault becomes a page.
Whoever looks must be signed in where the server has keys; whoever acts (POST) must be signed in everywhere.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from andante.dashboard.console import BELOW, ROOM, Console
from andante.service.journal import note
from andante.service.problem import Problem, of_fault
from andante.site.pages import Visit, go, page, visit, with_form
from andante.vocabulary.fault import Fault, MissingExtra

if TYPE_CHECKING:
    from starlette.requests import Request

Handler = Callable[[Console, Visit], Awaitable[Response]]

SIGN_IN = f"{BELOW}sign-in"
TOKEN = "form_token"  # noqa: S105  the name of a field
"""The hidden field that every form of an operator brings back."""


def door(console: Console, method: str, path: str, handler: Handler, *, open_to_all: bool = False) -> Route:
    """Return the route of a page below ``/dashboard/``."""

    async def endpoint(request: Request) -> Response:
        return await _answer(console, handler, request, open_to_all=open_to_all)

    return Route(BELOW + path, endpoint, methods=[method])


async def _answer(console: Console, handler: Handler, request: Request, *, open_to_all: bool) -> Response:
    seen = visit(request, ROOM)
    try:
        seen = replace(seen, who=console.sessions.who(request))
        acts = request.method == "POST"
        if seen.who is None and not open_to_all and (acts or console.sessions.locked):
            return _ask_who(request)
        if acts:
            seen = await with_form(seen)
        if acts and seen.who is not None:
            console.sessions.refuse_forged(request, seen.form.get(TOKEN, ""))
        return await handler(console, seen)
    except (Problem, Fault) as error:
        return _refused(console, seen, error)
    except ModuleNotFoundError as missing:
        fault = MissingExtra("library", missing.name, "is not installed here", "pip install 'andante[plan]'")
        return _refused(console, seen, fault)
    except Exception as error:  # noqa: BLE001  whatever it is, the visitor is answered
        note("fault of our own", level=logging.ERROR, error=error, route=request.scope["path"])
        return _refused(console, seen, Problem(500, "the service met a fault of its own", action="see its log"))


def _refused(console: Console, seen: Visit, error: Problem | Fault) -> Response:
    """Answer a visit with what is wrong, on a page that leads on."""
    problem = error if isinstance(error, Problem) else of_fault(error)
    return show(console, seen, "refused.html", status=problem.status, problem=problem)


def _ask_who(request: Request) -> Response:
    """Send a visitor to sign in, and back to where they were; a script is told so."""
    if "json" in request.headers.get("accept", ""):
        return JSONResponse({"detail": "sign in first"}, 401)
    here = request.scope["path"] if request.method == "GET" else BELOW
    return go(f"{SIGN_IN}?next={quote(here)}")


def show(console: Console, seen: Visit, template: str, *, status: int = 200, **given: Any) -> Response:
    """Answer a visit with a page of the dashboard; ``c`` is the console, ``form_token`` what its forms bring back."""
    token = console.sessions.form_token(seen.request)
    return page(seen, ROOM, template, status=status, c=console, form_token=token, **given)
