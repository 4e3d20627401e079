"""Entering: signing in and out."""

from __future__ import annotations

from typing import TYPE_CHECKING

from andante.dashboard.console import BELOW
from andante.dashboard.doors import show
from andante.site.pages import go, own_path

if TYPE_CHECKING:
    from starlette.responses import Response

    from andante.dashboard.console import Console
    from andante.site.pages import Visit


async def ask(console: Console, seen: Visit) -> Response:
    """Ask an operator who they are."""
    return show(console, seen, "sign-in.html", locked=console.sessions.locked, next=seen.asked("next", BELOW))


async def enter(console: Console, seen: Visit) -> Response:
    """Sign an operator in. Tries are counted by network address, as those with wrong keys are."""
    client = seen.request.client
    console.serving.limiter.count_address(client.host if client else "")
    answer = go(own_path(seen.form.get("next", BELOW)))
    name = console.sessions.sign_in(seen.request, answer, seen.form.get("given", ""))
    await console.run(console.books.audit.note, name, "sign_in", "", {})
    return answer


async def leave(console: Console, seen: Visit) -> Response:
    """Sign an operator out."""
    answer = go(BELOW)
    console.sessions.sign_out(answer)
    if seen.who is not None:
        await console.run(console.books.audit.note, seen.who, "sign_out", "", {})
    return answer
