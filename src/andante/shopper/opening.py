"""Opening: shoppers' pages on a service that is open."""

from __future__ import annotations

from typing import TYPE_CHECKING

from andante.service.opening import Face
from andante.shopper.front import Front
from andante.shopper.routes import routes

if TYPE_CHECKING:
    from andante.service.opening import Opened


def face(opened: Opened) -> Face:
    """Return the shoppers' pages of what is open. What all pages share, the operators' face has: their assets."""
    serving = opened.serving
    if serving.privacy is None:
        return Face()
    front = Front(serving, opened.engine, serving.privacy, opened.books.complaints, opened.clock.now_us)
    return Face(routes=routes(front))
