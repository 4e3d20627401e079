"""What passes between the dispatcher and a channel: a push, an address, an answer.

A channel turns them into one provider's protocol and back. It makes one attempt, and says what is known afterwards;
whether and when there is another attempt is the dispatcher's business.
"""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

from msgspec import Struct
from msgspec.structs import replace

if TYPE_CHECKING:
    from collections.abc import Mapping

FORMS = ("text", "list", "card", "video")
"""How a push can be presented (second seed)."""


class Content(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What a shopper sees, ready made: templates have been filled in."""

    title: str
    body: str = ""
    form: str = "text"  # one of FORMS
    url: str | None = None  # where a click leads
    image_url: str | None = None
    video_url: str | None = None
    entries: tuple[dict[str, str], ...] = ()  # of a list: title, body, url, image_url
    data: dict[str, str] = {}  # for the app, as it is
    html: str | None = None  # an e-mail's own layout

    def without_html(self) -> Content:
        """Return what is for channels other than e-mail: the same, without the layout that none of them shows."""
        return self if self.html is None else replace(self, html=None)


class Push(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One push that goes out: a send of the log, with its content."""

    decision_id: str
    user_id: str
    candidate_id: str
    category: str
    channel: str  # the shop's name of the channel, such as "push"
    content: Content
    sent_at_s: int  # whole seconds UTC
    campaign_id: str | None = None
    item_id: str | None = None
    expires_s: int | None = None  # not to be shown from here on; providers get it as a time to live
    transactional: bool = False
    outcome_url: str | None = None  # where a page or an app may report what came of it, with a signed token
    unsubscribe_url: str | None = None  # one click, by POST (RFC 8058)


class Address(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Where a user can be reached on a channel: a device's token, a browser's subscription, a mailbox."""

    user_id: str
    channel: str  # the shop's name
    provider: str  # which Channel takes it: "web_push", "fcm", "apns", ...
    address_id: str  # hash of the value, so that one device is one address
    value: dict[str, Any]  # as the provider needs it: {"token": ...}, {"endpoint": ..., "keys": {...}}, {"email": ...}


class Status(StrEnum):
    """What is known after one attempt. Closed: every provider's answers are translated into these."""

    ACCEPTED = "accepted"  # the provider has it, and answers for it from here on
    REFUSED = "refused"  # this push will never be taken; the address may be fine
    GONE = "gone"  # the address is no more: forget it
    BUSY = "busy"  # certainly not taken; may be tried again, not before ``retry_after_s``
    AMBIGUOUS = "ambiguous"  # nobody can know whether it was taken: the line broke after the push was on its way
    UNABLE = "unable"  # this provider cannot do what the push asks for, or we are set up wrong: refused loudly


class Answer(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What came of one attempt."""

    status: Status
    code: str = ""  # the provider's own, such as "410 BadDeviceToken"
    detail: str = ""  # one sentence for an operator
    retry_after_s: float | None = None
    gone_since_s: float | None = None  # since 1970, of GONE, where it is known: an address seen later is kept
    provider_id: str | None = None  # the provider's id of the push, for its receipts
    raw: str = ""  # the provider's answer as it came, shortened, without secrets


class Receipt(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What a provider reports later, translated; ``outcome`` is of vocabulary.message.OutcomeType."""

    outcome: str
    decision_id: str | None = None  # where the provider gives it back
    provider_id: str | None = None  # else its own id of the push
    at_us: int | None = None
    raw: str = ""
    gone: bool = False  # the address is no more: forget it, unless it was seen since


class Channel(Protocol):
    """One provider. An implementation must not retry, keep pushes, log contents or addresses, or follow redirects."""

    provider: str
    forms: tuple[str, ...]  # of FORMS that it can present; a push of another form is UNABLE, never silently reduced

    async def send(self, push: Push, address: Address) -> Answer:
        """Make one attempt. Never raises for what a provider or a network does; that is an Answer."""
        ...

    async def close(self) -> None:
        """Let go of connections. Closing twice is no fault."""
        ...


@runtime_checkable
class OfUsers(Protocol):
    """A provider that reaches a user by the shop's own name, where ``of_users`` is true: it needs no addresses."""

    of_users: bool


@runtime_checkable
class Checked(Protocol):
    """A provider that can tell an address from what is none, before anything is sent to it."""

    def checked(self, value: Mapping[str, Any]) -> dict[str, Any]:
        """Return the value of an address as it is to be kept. Raises InputFault where nothing could be sent to it."""
        ...


@runtime_checkable
class Reporting(Protocol):
    """A provider that reports later, by calling a URL of ours."""

    def receipts(self, headers: dict[str, str], body: bytes) -> list[Receipt]:
        """Return what a call reports. Raises InputFault where its signature does not hold, or it cannot be read."""
        ...
