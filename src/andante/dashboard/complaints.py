"""The page of complaints: what shoppers say of pushes, and what they are answered."""

from __future__ import annotations

from typing import TYPE_CHECKING

from andante.dashboard.console import who_of
from andante.dashboard.decisions import user_path
from andante.dashboard.doors import door, show
from andante.operators.complaints import TEXT_MAX
from andante.service.problem import Problem
from andante.site.pages import go
from andante.vocabulary.fault import InputFault

if TYPE_CHECKING:
    from starlette.responses import Response
    from starlette.routing import BaseRoute

    from andante.dashboard.console import Console
    from andante.operators.complaints import Status
    from andante.site.pages import Visit

LIST = "/dashboard/complaints"
PAGE = 50
STATUSES: tuple[Status, ...] = ("open", "answered", "closed")
_DIGITS_MAX = 18


def routes(console: Console) -> list[BaseRoute]:
    """Return the routes of the page of complaints."""
    return [
        door(console, "GET", "complaints", look),
        door(console, "POST", "complaints/{number}/{deed}", act),
    ]


async def look(console: Console, seen: Visit) -> Response:
    """List complaints, the latest first: those that wait, of another status, or all."""
    asked = seen.asked("status", "open")
    status = next((one for one in STATUSES if one == asked), None)
    before = _number(seen.asked("before")) if seen.asked("before") else None
    found = await console.run(console.books.complaints.listed, status, before, PAGE + 1)
    return show(
        console,
        seen,
        "complaints.html",
        found=found[:PAGE],
        older=found[PAGE - 1].id if len(found) > PAGE else None,
        chosen=status or "all",
        statuses=(*STATUSES, "all"),
        most=TEXT_MAX,
        path_of=user_path,
    )


async def act(console: Console, seen: Visit) -> Response:
    """Answer a complaint, or close it."""
    number, deed, who = _number(seen.path["number"]), seen.path["deed"], who_of(seen.who)
    complaints = console.books.complaints
    if deed == "answer":
        await console.run(complaints.answer, who, number, seen.form.get("text", ""))
    elif deed == "close":
        await console.run(complaints.close, who, number)
    else:
        raise Problem(404, "there is nothing like that to do with a complaint")
    status = seen.form.get("status", "open")
    return go(f"{LIST}?status={status if status in {*STATUSES, 'all'} else 'open'}")


def _number(text: str) -> int:
    if not text.isdecimal() or len(text) > _DIGITS_MAX:
        raise InputFault("complaint", text[:40], "is no number of one", "look at the list of complaints")
    return int(text)
