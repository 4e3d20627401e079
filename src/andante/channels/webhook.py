"""Webhooks: pushes to a shop's own sender, signed as Standard Webhooks 1.0 asks.

A receiver answers 2xx when it has taken a push. Any other answer of its own means that it has not, so a push that it
was too busy for, or failed on, comes again with the same ``webhook-id``, the id of the decision, by which it tells
what it has seen.
"""

from __future__ import annotations

import base64
import binascii
import time
from datetime import UTC, datetime
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final

import msgspec
from standardwebhooks import Webhook as Signature

from andante.channels.contract import FORMS, Answer, Status
from andante.channels.fitness import unfit
from andante.channels.guard import Blocked, Guard
from andante.channels.http import Http, NoReply, judged, trusted
from andante.channels.secret_file import read_secret
from andante.vocabulary.fault import InputFault, SettingsFault

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from andante.channels.catalogue import Means
    from andante.channels.contract import Address, Push
    from andante.settings.sections.channels import WebhookOptions

TYPE: Final = "push.send"
"""What a receiver finds as ``type``."""

SECRETS_MAX: Final = 2
"""Secrets that sign at once: the new one, and the old one until every receiver knows the new."""

_SECRET_BYTES = range(24, 65)
_PREFIX = "whsec_"
_OF_USER: Final = MappingProxyType({410: Status.GONE})
_OF_SHOP: Final = MappingProxyType({404: Status.UNABLE, 410: Status.UNABLE})


class Webhook:
    """Channel to a URL: the shop's one, which needs no addresses, or one that each address names."""

    provider = "webhook"
    forms = FORMS

    def __init__(
        self,
        http: Http,
        guard: Guard,
        signatures: Sequence[Signature],
        *,
        url: str | None = None,
        now_s: Callable[[], float] = time.time,
    ) -> None:
        """Store. ``url`` is the shop's; without one every address is asked for its own."""
        self._http, self._guard, self._signatures = http, guard, tuple(signatures)
        self._url, self._now_s = url, now_s
        self.of_users = url is not None

    def checked(self, value: Mapping[str, Any]) -> dict[str, Any]:
        """Return an address as it is to be kept. Raises InputFault where nothing could ever be posted to it."""
        action = 'send {"url": "https://..."}'
        if not isinstance(value.get("url"), str):
            raise InputFault("address", None, "has no url", action)
        try:
            return {"url": self._guard.check(value["url"])}
        except Blocked as fault:
            raise InputFault("address url", None, f"is refused, {fault}", action) from None

    async def send(self, push: Push, address: Address) -> Answer:
        """Sign, and post once."""
        now_s = self._now_s()
        refusal = unfit(push, self.forms, now_s)
        if refusal is not None:
            return refusal
        url = self._url or address.value.get("url")
        if not isinstance(url, str):
            return Answer(status=Status.GONE, code="url", detail="the address has no URL")
        body = written(push)
        try:
            reply = await self._http.post(url, body, self._headers(push, body, now_s))
        except NoReply as failure:
            return failure.answer
        return judged(reply, _OF_SHOP if self.of_users else _OF_USER)

    async def close(self) -> None:
        """Let go of connections."""
        await self._http.close()

    def _headers(self, push: Push, body: bytes, now_s: float) -> dict[str, str]:
        at = datetime.fromtimestamp(int(now_s), UTC)
        signed = [one.sign(push.decision_id, at, body.decode()) for one in self._signatures]
        return {
            "content-type": "application/json",
            "webhook-id": push.decision_id,
            "webhook-timestamp": str(int(now_s)),
            "webhook-signature": " ".join(signed),
        }


def webhook(options: WebhookOptions, means: Means) -> Webhook:  # noqa: ARG001  every provider is opened the same way
    """Open the channel. Raises SettingsFault where its URL or its secrets cannot be used."""
    guard = Guard(frozenset(options.ports), private=options.private_targets)
    if options.url is not None:
        try:
            guard.check(options.url)
        except Blocked as fault:
            action = "give a public https URL, or say private_targets = true and ports"
            raise SettingsFault("url", options.url, f"is refused, {fault}", action) from None
    http = Http(guard=guard, trust=trusted(options.ca_file))
    return Webhook(http, guard, read_signatures(options.secret_file), url=options.url)


def read_signatures(file: Path) -> list[Signature]:
    """Read a file of one secret a line, the new one first. Raises SettingsFault, which never shows a secret."""
    lines = read_secret("secret_file", file).split()
    if len(lines) > SECRETS_MAX:
        raise SettingsFault("secret_file", file, f"holds more than {SECRETS_MAX} secrets", "keep the new and the old")
    return [Signature(_secret(line, file)) for line in lines]


def written(push: Push) -> bytes:
    """Return the body of a push: ``type``, ``timestamp`` (of the decision) and ``data``, the push."""
    at = datetime.fromtimestamp(push.sent_at_s, UTC)
    shown = msgspec.structs.replace(push, content=push.content.without_html())
    return msgspec.json.encode({"type": TYPE, "timestamp": at, "data": shown})


def _secret(line: str, file: Path) -> bytes:
    try:
        secret = base64.b64decode(line.removeprefix(_PREFIX) + "==", validate=False)
    except binascii.Error:
        secret = b""
    if not line.startswith(_PREFIX) or len(secret) not in _SECRET_BYTES:
        action = (
            f"write {_PREFIX} and 24 to 64 random bytes in base64 on each line: `openssl rand -base64 32` makes them"
        )
        raise SettingsFault("secret_file", file, "holds a line that is no secret of Standard Webhooks", action)
    return secret
