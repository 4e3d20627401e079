"""Rendering: a send becomes a push, with what its message says about it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

from andante.channels.contract import Push
from andante.delivery.digest import digest
from andante.vocabulary.fault import InputFault

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping

    from andante.channels.contract import Content
    from andante.delivery.messages import Message, Messages
    from andante.live.sends import Send
    from andante.vocabulary.records import Candidate


class Renderer(Protocol):
    """What fills in templates. An implementation must not reach outside the message and the facts."""

    def render(self, message: Mapping[str, Any], facts: Mapping[str, Any]) -> Content:
        """Return what a shopper sees. Raises InputFault for a message that cannot be filled in with these facts."""
        ...


class Links(NamedTuple):
    """Where what came of a push may be reported, where one click unsubscribes, and where the shopper's own page is.

    Each carries a signed token.
    """

    outcome_url: str | None = None
    unsubscribe_url: str | None = None
    preferences_url: str | None = None


class Writer:
    """Makes pushes of sends. It is called from the dispatcher's own thread."""

    def __init__(self, messages: Messages, renderer: Renderer, links: Callable[[Send], Links] | None = None) -> None:
        """Store what says what, what fills it in, and what makes links."""
        self._messages = messages
        self._renderer = renderer
        self._links = links

    def write(self, send: Send, forms: Collection[str]) -> tuple[Push, str]:
        """Return the push, and the name and version of its message.

        ``forms`` are those that the channel can present. Raises InputFault where there is no message, or it cannot be
        filled in.
        """
        links = Links() if self._links is None else self._links(send)
        message = self._message(send.candidate)
        contents = [self._content(message, send, send.candidate, links)]
        contents += [self._content(self._message(rider), send, rider, links) for rider in send.riders]
        candidate = send.candidate
        push = Push(
            decision_id=send.decision_id,
            user_id=send.user_id,
            candidate_id=candidate.candidate_id,
            category=candidate.category,
            channel=candidate.channel,
            content=digest(contents, forms),
            sent_at_s=send.sent_at_s,
            campaign_id=candidate.campaign_id,
            item_id=candidate.item_id,
            expires_s=None if candidate.expires_at is None else int(candidate.expires_at.timestamp()),
            transactional=send.transactional,
            outcome_url=links.outcome_url,
            unsubscribe_url=links.unsubscribe_url,
        )
        return push, f"{message.kind} {message.name} {message.version}"

    def _message(self, candidate: Candidate) -> Message:
        message = self._messages.of(candidate)
        if message is None:
            name = candidate.candidate_id if candidate.campaign_id is None else candidate.campaign_id
            raise InputFault("message", name, "is not there: nobody said what this push says", "give one, then retry")
        return message

    def _content(self, message: Message, send: Send, candidate: Candidate, links: Links) -> Content:
        facts = {
            "user_id": send.user_id,
            "decision_id": send.decision_id,
            "candidate_id": candidate.candidate_id,
            "category": candidate.category,
            "channel": candidate.channel,
            "campaign_id": candidate.campaign_id,
            "item_id": candidate.item_id,
            "outcome_url": links.outcome_url,
            "unsubscribe_url": links.unsubscribe_url,
            "preferences_url": links.preferences_url,
        }
        return self._renderer.render(message.body, {name: fact for name, fact in facts.items() if fact is not None})
