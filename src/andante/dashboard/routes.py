"""Routes: every page of operators, and what may be done on it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from starlette.routing import Route

from andante.dashboard import (
    audit,
    campaigns,
    complaints,
    decisions,
    entering,
    now,
    plan,
    play,
    rules,
    speed,
    switching,
    users,
)
from andante.dashboard.console import BELOW
from andante.dashboard.doors import door
from andante.site import assets
from andante.site.pages import go, settle

_PAGES = (now, speed, switching, plan, campaigns, users, decisions, rules, play, complaints, audit)

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response
    from starlette.routing import BaseRoute

    from andante.dashboard.console import Console


def routes(console: Console) -> list[BaseRoute]:
    """Return the routes of the dashboard, and of what all pages share."""
    return [
        assets.route(),
        Route("/", _begin, methods=["GET"]),
        Route("/settle", settle, methods=["POST"]),
        door(console, "GET", "sign-in", entering.ask, open_to_all=True),
        door(console, "POST", "sign-in", entering.enter, open_to_all=True),
        door(console, "POST", "sign-out", entering.leave, open_to_all=True),
        *(route for page in _PAGES for route in page.routes(console)),
    ]


async def _begin(_request: Request) -> Response:
    return go(BELOW)
