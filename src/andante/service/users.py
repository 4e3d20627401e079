"""Users: what is known of one, why, what they want, and where they can be reached."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs

import msgspec

from andante.live import admission_shapes as shapes
from andante.service.auditing import Deed, audited
from andante.service.problem import Problem
from andante.service.reading import read, require_json
from andante.service.serving import reply
from andante.service.shapes import KeptAddress, NewAddress, PreferenceLink, Removed

if TYPE_CHECKING:
    from collections.abc import Mapping

    from andante.service.ports import Delivery, Privacy
    from andante.service.serving import Call, Reply, Serving

_PREFERENCES = msgspec.json.Decoder(shapes.Preferences)
_ADDRESS = msgspec.json.Decoder(NewAddress)


async def user(serving: Serving, call: Call) -> Reply:
    """Return what is known of a user: state and plan."""
    return reply(await serving.workers.run(serving.engine.user, call.path["user_id"]))


async def explanation(serving: Serving, call: Call) -> Reply:
    """Explain the last decision on a user: what held it, when a push may go out next, what would have changed it."""
    return reply(await serving.workers.run(serving.engine.explain, call.path["user_id"]))


async def set_preferences(serving: Serving, call: Call) -> Reply:
    """Take down what a user wants; what is absent stays as it was. Returns for each key whether it holds now."""
    require_json(call.headers)
    wanted = read(call.body, _PREFERENCES)
    holds = await serving.workers.run(serving.engine.set_preferences, call.path["user_id"], wanted)
    serving.news()
    return reply(holds)


async def export(serving: Serving, call: Call) -> Reply:
    """Return everything that is held of a user, to take along (GDPR Art. 20)."""
    return reply(await serving.workers.run(_privacy(serving).export, call.path["user_id"]))


async def erase(serving: Serving, call: Call) -> Reply:
    """Erase a user everywhere, and return the receipt (GDPR Art. 17)."""
    user_id = call.path["user_id"]
    deed = Deed("user.erase", user_id=user_id)
    return reply(await audited(serving, call, deed, _privacy(serving).erase, user_id, told=_receipt))


async def preference_link(serving: Serving, call: Call) -> Reply:
    """Return a link to the shopper's own page, which opens it for a while without any key."""
    person = await serving.workers.run(_privacy(serving).person, call.path["user_id"])
    return reply(PreferenceLink(*serving.tokens.preference_link(person)))


async def put_address(serving: Serving, call: Call) -> Reply:
    """Take down where a user can be reached. The same address again is only seen anew."""
    require_json(call.headers)
    new, user_id = read(call.body, _ADDRESS), call.path["user_id"]
    add = delivery_of(serving).addresses.add
    kept = await serving.workers.run(add, user_id, new.channel, new.provider, new.value, serving.engine.now_us())
    return reply(KeptAddress(kept.address_id))


async def drop_addresses(serving: Serving, call: Call) -> Reply:
    """Forget where a user can be reached: everywhere, on one ``channel``, or one ``address_id`` of it."""
    asked = parse_qs(call.query.decode("latin-1"))
    channel, address_id = (asked.get(name, [None])[0] for name in ("channel", "address_id"))
    return reply(Removed(await serving.workers.run(_drop, serving, call.path["user_id"], channel, address_id)))


def delivery_of(serving: Serving) -> Delivery:
    """Return what pushes go out from."""
    if serving.delivery is None:
        raise Problem(404, "this server delivers nothing by itself")
    return serving.delivery


def _drop(serving: Serving, user_id: str, channel: str | None, address_id: str | None) -> int:
    addresses = delivery_of(serving).addresses
    found = [one for one in addresses.of_user(user_id, channel) if address_id is None or one.address_id == address_id]
    return sum(addresses.drop(user_id, one.channel, one.address_id) for one in found)


def _receipt(receipt: Mapping[str, Any]) -> dict[str, Any]:
    """Return what the audit says of an erasure: nothing that leads to the user."""
    return {name: receipt[name] for name in ("receipt_id", "swept") if name in receipt}


def _privacy(serving: Serving) -> Privacy:
    if serving.privacy is None:
        raise Problem(404, "this server neither exports nor erases")
    return serving.privacy
