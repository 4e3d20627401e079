"""Leaving: a shopper takes their data along, or ends it. The end takes two steps, and gives a receipt."""

from __future__ import annotations

import base64
from datetime import datetime
from typing import TYPE_CHECKING, Any

import msgspec
from starlette.responses import Response

from andante.shopper import forms
from andante.shopper.doors import Shopper, show
from andante.site.pages import HEADERS

if TYPE_CHECKING:
    from andante.service.tokens import Person
    from andante.shopper.front import Front

JSON = "application/json"
_FILE = 'attachment; filename="my-data.json"'
_SURE = "yes"


async def export(front: Front, who: Shopper) -> Response:
    """Hand over everything that is held of a shopper, as a file (GDPR Art. 20, PIPL Art. 45)."""
    held = await front.run(_export, front, who.person)
    body = msgspec.json.format(msgspec.json.encode(held), indent=2)
    return Response(body, media_type=JSON, headers=HEADERS | {"content-disposition": _FILE})


async def ask(front: Front, who: Shopper) -> Response:
    """Say what an end would mean. It changes nothing."""
    await front.run(front.persons.user_of, who.person)
    return _ask(front, who)


async def erase(front: Front, who: Shopper) -> Response:
    """End it: erase everything that is held of a shopper, and show the receipt (GDPR Art. 17, PIPL Art. 47)."""
    if who.seen.form.get("sure") != _SURE:
        await front.run(front.persons.user_of, who.person)
        return _ask(front, who, forms.Wrong("sure", "sure"))
    receipt = await front.run(_erase, front, who.person)
    front.serving.news()
    file = base64.b64encode(msgspec.json.format(msgspec.json.encode(receipt), indent=2)).decode()
    at = datetime.fromisoformat(receipt["at"])
    return show(front, who, "receipt.html", receipt=receipt, at=at, file=f"data:{JSON};base64,{file}")


def _ask(front: Front, who: Shopper, *wrong: forms.Wrong) -> Response:
    """Ask whether it is meant; what follows depends on whether the shop writes to those of whom it knows nothing."""
    quiet = "quiet" if front.engine.settings.consent.default == "deny" else "quiet_allow"
    return show(front, who, "erase.html", status=422 if wrong else 200, wrong=wrong, quiet=quiet)


def _export(front: Front, person: Person) -> Any:
    return front.persons.export(front.persons.user_of(person))


def _erase(front: Front, person: Person) -> Any:
    with front.persons.held(person) as user_id:
        return front.persons.erase(user_id)
