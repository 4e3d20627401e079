"""Doors: what stands between a link and its page. Whom is it for, where did the form stand, what went wrong.

A link is as good as a key, so it is in no log; what opens nothing is answered alike, whatever is wrong with it.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any, NamedTuple

from starlette.routing import Route

from andante.service.journal import note
from andante.service.problem import Problem, broken
from andante.service.tokens import PREFERENCES, Person
from andante.shopper.front import ROOM, Front
from andante.site.pages import Visit, page, refusal, visit, with_form
from andante.vocabulary.fault import Fault, UnknownUser

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response

TOKEN = "form_token"  # noqa: S105  the name of a field
"""The hidden field that every form brings back."""

PATH = f"{PREFERENCES}{{token}}"
_NO_LINK = 404
_ROBOTS = "noindex, nofollow, noarchive"


class Shopper(NamedTuple):
    """Who holds a link, and what they ask."""

    seen: Visit
    link: str
    person: Person

    @property
    def here(self) -> str:
        """The path of their page."""
        return f"{PREFERENCES}{self.link}"


Handler = Callable[[Front, Shopper], Awaitable["Response"]]


def door(front: Front, method: str, path: str, handler: Handler, action: str = "") -> Route:
    """Return the route of a page; a form that acts is bound to its link and its action."""

    async def endpoint(request: Request) -> Response:
        answer = await _answer(front, handler, request, action)
        answer.headers["x-robots-tag"] = _ROBOTS
        answer.headers["referrer-policy"] = "no-referrer"  # the address is the key
        return answer

    return Route(f"{PATH}{path}", endpoint, methods=[method])


async def _answer(front: Front, handler: Handler, request: Request, action: str) -> Response:
    seen = visit(request, ROOM)
    try:
        front.serving.limiter.count_address(request.client.host if request.client else "")
        link = seen.path["token"]
        person = front.serving.tokens.preferences_of(link)
        if request.method == "POST":
            seen = await with_form(seen)
            bound = f"{action} {seen.form.get('decision', '')}"
            front.serving.tokens.refuse_forged(link, bound, seen.form.get(TOKEN, ""))
        return await handler(front, Shopper(seen, link, person))
    except UnknownUser:
        return _lost(seen)
    except Problem as problem:
        return _lost(seen) if problem.status == _NO_LINK else refusal(seen, ROOM, problem)
    except Fault as fault:
        return refusal(seen, ROOM, fault)
    except Exception as error:  # noqa: BLE001  whatever it is, the visitor is answered
        note("fault of our own", level=logging.ERROR, error=error, route=f"{PATH} {action}".strip())
        return refusal(seen, ROOM, broken())


def show(front: Front, who: Shopper, template: str, *, status: int = 200, **given: Any) -> Response:
    """Answer with a page; ``form_token(action, decision)`` is what the form of an action brings back."""

    def form_token(action: str, decision: str = "") -> str:
        return front.serving.tokens.form(who.link, f"{action} {decision}")

    return page(who.seen, ROOM, template, status=status, form_token=form_token, own=who.here, **given)


def _lost(seen: Visit) -> Response:
    return page(seen, ROOM, "lost.html", status=_NO_LINK)
