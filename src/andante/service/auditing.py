"""Auditing: what operators do through calls is taken down, done or refused, where there is an audit."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeVar

from andante.vocabulary.fault import Fault, StoreFault

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from andante.service.ports import Auditing
    from andante.service.serving import Call, Serving

Answer = TypeVar("Answer")


@dataclass(frozen=True, slots=True)
class Deed:
    """What an operator asked for: never a plain user id in ``subject`` or ``detail``."""

    action: str
    subject: str = ""
    detail: Mapping[str, Any] = field(default_factory=dict)
    user_id: str | None = None  # the subject is this user, by a pseudonym


async def audited(
    serving: Serving,
    call: Call,
    deed: Deed,
    work: Callable[..., Answer],
    *given: Any,
    told: Callable[[Answer], Mapping[str, Any]] = lambda _: {},
) -> Answer:
    """Do what an operator asked in a thread, and take it down with what ``told`` says of the answer."""
    who = "local" if call.caller is None else call.caller.name
    return await serving.workers.run(_audited, serving.audit, who, deed, told, work, *given)


def _audited(
    audit: Auditing | None,
    who: str,
    deed: Deed,
    told: Callable[[Answer], Mapping[str, Any]],
    work: Callable[..., Answer],
    *given: Any,
) -> Answer:
    if audit is None:
        return work(*given)
    subject = deed.subject if deed.user_id is None else audit.person(deed.user_id)
    detail = {"by": "api", **deed.detail}
    try:
        answer = work(*given)
    except Fault as fault:
        with suppress(StoreFault):  # the caller is to hear of the first fault
            audit.note(who, deed.action, subject, detail, refused=f"{fault.thing} {fault.problem}")
        raise
    audit.note(who, deed.action, subject, {**detail, **told(answer)})
    return answer
