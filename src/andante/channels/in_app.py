"""The in-app feed as a channel: a push is with its user's feed when it is stored there; pages and apps read it."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Protocol

from msgspec.structs import replace

from andante.channels.contract import FORMS, Answer, Status
from andante.channels.fitness import unfit
from andante.vocabulary.fault import SettingsFault, StoreFault

if TYPE_CHECKING:
    from collections.abc import Callable

    from andante.channels.catalogue import Means
    from andante.channels.contract import Address, Push
    from andante.settings.sections.channels import InAppOptions


class Feed(Protocol):
    """Keeps pushes for their users until they are read or expire."""

    async def put(self, push: Push) -> str:
        """Store a push durably, and return its id in the feed; one that is there already is not stored again.

        Raises StoreFault, and has stored nothing then. An implementation must not wait for a reader.
        """
        ...


class InApp:
    """Channel to the feed. It reaches a user by the name that the shop knows, so it needs no addresses."""

    provider = "in_app"
    forms = FORMS
    of_users = True

    def __init__(self, feed: Feed, *, now_s: Callable[[], float] = time.time) -> None:
        """Store where pushes go."""
        self._feed, self._now_s = feed, now_s

    async def send(self, push: Push, address: Address) -> Answer:  # noqa: ARG002  a feed is its user's
        """Store the push."""
        refusal = unfit(push, self.forms, self._now_s())
        if refusal is not None:
            return refusal
        try:
            entry = await self._feed.put(replace(push, content=push.content.without_html()))
        except StoreFault as fault:
            return Answer(status=Status.BUSY, code=type(fault).__name__, detail=str(fault))
        return Answer(status=Status.ACCEPTED, provider_id=entry)

    async def close(self) -> None:
        """Do nothing: the feed is closed by who made it."""


def in_app(options: InAppOptions, means: Means) -> InApp:
    """Open the channel. Raises SettingsFault where there is no feed, as outside of a service."""
    if means.feed is None:
        raise SettingsFault("provider", options.provider, "needs a feed, which only the service has", "andante serve")
    return InApp(means.feed)
