"""The speed of a demonstration: a form on the page "Now", for operators, where the shoppers are simulated."""

from __future__ import annotations

from math import isfinite, nan
from typing import TYPE_CHECKING

from andante.dashboard.console import BELOW, who_of
from andante.dashboard.doors import door
from andante.site.pages import go
from andante.vocabulary.fault import InputFault

if TYPE_CHECKING:
    from collections.abc import Callable

    from starlette.responses import Response
    from starlette.routing import BaseRoute

    from andante.dashboard.console import Console
    from andante.operators import Books
    from andante.site.pages import Visit

ACTION = "demo.speed"
"""What the audit calls it."""

_SHOWN_MAX = 40


def routes(console: Console) -> list[BaseRoute]:
    """Return the route of the form; none where there is no time to set."""
    return [door(console, "POST", "speed", choose)] if console.demo and console.pace is not None else []


async def choose(console: Console, seen: Visit) -> Response:
    """Let the demonstration go on at another speed, in seconds of it for one of the wall, and write down who did."""
    if console.pace is not None:
        speed = _speed(seen.form.get("speed", ""))
        await console.run(_choose, console.books, who_of(seen.who), console.pace, speed)
    return go(BELOW)


def _choose(books: Books, who: str, pace: Callable[[float], None], speed: float) -> None:
    with books.audit.act(who, ACTION, "", {"speed": speed}):
        pace(speed)


def _speed(said: str) -> float:
    try:
        speed = float(said[:_SHOWN_MAX])
    except ValueError:
        speed = nan
    if not isfinite(speed):
        raise InputFault("the speed", said[:_SHOWN_MAX], "is no number", "choose one on the page")
    return speed
