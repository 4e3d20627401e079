"""The operator's calls: plans, the kill switch, what pushes say, what reached nobody, what providers report."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import parse_qs

import msgspec

from andante.service.auditing import Deed, audited
from andante.service.problem import Problem
from andante.service.reading import read, require_json
from andante.service.serving import reply
from andante.service.shapes import (
    LETTERS_MAX,
    Accepted,
    DeadLetter,
    DeadLetters,
    KeptMessage,
    NewMessage,
    Plan,
    Retried,
    Switch,
    Switched,
)
from andante.service.users import delivery_of
from andante.vocabulary.fault import InputFault

if TYPE_CHECKING:
    from andante.service.serving import Call, Reply, Serving
    from andante.vocabulary.records import Receipt

_PLAN = msgspec.json.Decoder(Plan)
_SWITCH = msgspec.json.Decoder(Switch)
_MESSAGE = msgspec.json.Decoder(NewMessage)


async def publish(serving: Serving, call: Call) -> Reply:
    """Take over what the slow clock planned, for some users or for all."""
    require_json(call.headers)
    plan = read(call.body, _PLAN)
    deed = Deed("plan.publish", "plan", {"users": len(plan.plan), "theta": plan.theta})
    receipt = await audited(
        serving, call, deed, _publish, serving, plan, told=lambda taken: {"accepted": taken.accepted}
    )
    serving.news()
    return reply(receipt)


async def switch(serving: Serving, call: Call) -> Reply:
    """Throw a kill switch, or lift it. The very next decision follows it."""
    require_json(call.headers)
    thrown = read(call.body, _SWITCH)
    deed = Deed("switch", thrown.scope, {"on": thrown.on})
    policy = await audited(serving, call, deed, _switch, serving, thrown, told=lambda policy: {"policy": policy})
    serving.news()
    return reply(Switched(policy))


async def put_message(serving: Serving, call: Call) -> Reply:
    """Take down what pushes of a candidate or a campaign say from here on."""
    require_json(call.headers)
    new, name = read(call.body, _MESSAGE), call.path["message_id"]
    put = delivery_of(serving).messages.put
    deed, given = Deed("message.put", f"{new.kind}:{name}"), (new.kind, name, new.message, serving.engine.now_us())
    version = await audited(serving, call, deed, put, *given, told=lambda version: {"version": version})
    return reply(KeptMessage(version))


async def dead_letters(serving: Serving, call: Call) -> Reply:
    """Return pushes that reached nobody and are not tried again, oldest first, from after a ``letter``."""
    asked = parse_qs(call.query.decode("latin-1"))
    after, limit = _number(asked, "after", 0), _number(asked, "limit", 100)
    if not 1 <= limit <= LETTERS_MAX:
        raise InputFault("limit", limit, "is out of range", f"ask for 1 to {LETTERS_MAX}")
    listed = await serving.workers.run(delivery_of(serving).dead_letters.listed, after, None, limit)
    return reply(DeadLetters([DeadLetter(*letter) for letter in listed]))


async def retry(serving: Serving, call: Call) -> Reply:
    """Let a push that reached nobody be tried again, unless it may have arrived."""
    letter = _digits("letter", call.path["letter"])
    deed, again = Deed("letter.retry", f"letter:{letter}"), delivery_of(serving).dead_letters.retry
    await audited(serving, call, deed, again, letter, serving.engine.now_us())
    serving.news()
    return reply(Retried(letter))


async def receipts(serving: Serving, call: Call) -> Reply:
    """Take what a provider reports. It proves who it is by its own signature, not by a key of ours."""
    headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in call.headers.items()}
    take = delivery_of(serving).receipts
    return reply(Accepted(await serving.workers.run(take, call.path["provider"], headers, call.body)))


def _publish(serving: Serving, plan: Plan) -> Receipt:
    return serving.engine.publish(plan.plan, theta=plan.theta)


def _switch(serving: Serving, thrown: Switch) -> str:
    return serving.engine.switch(thrown.scope, on=thrown.on)


def _number(asked: dict[str, list[str]], name: str, otherwise: int) -> int:
    return _digits(name, asked.get(name, [str(otherwise)])[0])


def _digits(name: str, said: str) -> int:
    if not said.isascii() or not said.isdigit() or len(said) > 18:  # noqa: PLR2004  what 63 bits hold
        raise Problem(400, f"{name} is no whole number", action="write digits")
    return int(said)
