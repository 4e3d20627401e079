"""Routes: every page of shoppers, and what may be done on it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from andante.shopper import acting, leaving
from andante.shopper.doors import door

if TYPE_CHECKING:
    from starlette.routing import BaseRoute

    from andante.shopper.front import Front


def routes(front: Front) -> list[BaseRoute]:
    """Return the routes of shoppers' pages; those of ``site.assets`` and ``site.pages.settle`` must be there too."""
    acts = {
        "frequency": acting.set_frequency,
        "hours": acting.set_hours,
        "choices": acting.set_choices,
        "pause": acting.pause,
        "resume": acting.resume,
        "push": acting.not_interested,
        "erase": leaving.erase,
    }
    if front.complaints is not None:
        acts["complaint"] = acting.complain
    return [
        door(front, "GET", "", acting.look),
        door(front, "GET", "/export", leaving.export),
        door(front, "GET", "/erase", leaving.ask),
        *(door(front, "POST", f"/{action}", handler, action) for action, handler in acts.items()),
        *(door(front, "GET", f"/{action}", acting.back) for action in acts if action != "erase"),
    ]
