"""Whether a push can go out on a channel at all, before any line is opened: what cannot be shown is refused loudly."""

from __future__ import annotations

from typing import TYPE_CHECKING

from andante.channels.contract import Answer, Status

if TYPE_CHECKING:
    from collections.abc import Collection

    from andante.channels.contract import Push


def unfit(push: Push, forms: Collection[str], now_s: float) -> Answer | None:
    """Return why a push cannot go out now on a channel that presents these forms; None where it can.

    >>> from andante.channels.contract import Content, Push
    >>> push = Push(decision_id="d", user_id="ann", candidate_id="c", category="promotion", channel="push",
    ...             content=Content(title="New", form="video"), sent_at_s=0)
    >>> unfit(push, ("text", "card"), 0.0).status
    <Status.UNABLE: 'unable'>
    """
    form = push.content.form
    if form not in forms:
        return Answer(status=Status.UNABLE, code="form", detail=f"this channel presents no {form}")
    if push.expires_s is not None and push.expires_s <= now_s:
        return Answer(status=Status.REFUSED, code="expired", detail="the push had expired")
    return None
