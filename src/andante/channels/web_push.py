"""Web Push: to browsers, by the service that each browser's maker runs (RFC 8030), encrypted for it (RFC 8291).

http-ece, by an author of the RFC, encrypts; it needs `cryptography` alone, where pywebpush brings two HTTP clients.

A service worker gets a JSON object: ``decision_id``, ``content`` and, where there is one, ``outcome_url``.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import time
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

import http_ece
import msgspec
from cryptography.hazmat.primitives.asymmetric import ec

from andante.channels.contract import Answer, Status
from andante.channels.fitness import unfit
from andante.channels.guard import Blocked, Guard
from andante.channels.http import Http, NoReply, judged, trusted
from andante.channels.presentation import collapse_id, left_s
from andante.channels.secret_file import made_once
from andante.channels.vapid import new_key, read_key
from andante.vocabulary.fault import InputFault

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from andante.channels.catalogue import Means
    from andante.channels.contract import Address, Push
    from andante.channels.vapid import VapidKey
    from andante.settings.sections.channels import WebPushOptions

PAYLOAD_MAX: Final = 3_993
"""Bytes: what every push service takes (RFC 8291: 4,096), less the 103 that encryption adds."""

TTL_S_MAX: Final = 28 * 86_400
"""No push service keeps a push longer."""

_MEANINGS: Final = MappingProxyType(
    {
        404: Status.GONE,
        406: Status.BUSY,  # so says the service of Windows to one who sends too much
        410: Status.GONE,
    }
)
_AUTH_BYTES, _POINT_BYTES = 16, 65


@dataclass(frozen=True, slots=True)
class Subscription:
    """A browser's subscription, as its page got it: where to, and the keys to encrypt with."""

    endpoint: str
    point: bytes  # p256dh: the browser's public key, uncompressed
    auth: bytes


class WebPush:
    """Channel to browsers. What a notification cannot show, a list or a video, it refuses."""

    provider = "web_push"
    forms = ("text", "card")

    def __init__(  # noqa: PLR0913  what a push needs that is not in it
        self,
        http: Http,
        key: VapidKey,
        guard: Guard,
        *,
        ttl_s: int,
        ttl_transactional_s: int,
        now_s: Callable[[], float] = time.time,
    ) -> None:
        """Store. ``ttl_s`` is how long a push service keeps what names no time itself."""
        self._http, self._key, self._guard, self._now_s = http, key, guard, now_s
        self._ttl_s = {False: ttl_s, True: ttl_transactional_s}

    @property
    def public_key(self) -> str:
        """Return what a page subscribes with: the ``applicationServerKey``."""
        return self._key.public

    def checked(self, value: Mapping[str, Any]) -> dict[str, Any]:
        """Return a subscription as it is to be kept. Raises InputFault where no push could ever be sent to it."""
        found = read_subscription(value)
        try:
            self._guard.check(found.endpoint)
        except Blocked as fault:
            raise InputFault("address endpoint", None, f"is refused, {fault}", _ACTION) from None
        return {"endpoint": found.endpoint, "keys": {"p256dh": _text(found.point), "auth": _text(found.auth)}}

    async def send(self, push: Push, address: Address) -> Answer:
        """Encrypt, and post once."""
        now_s = self._now_s()
        refusal = unfit(push, self.forms, now_s)
        if refusal is not None:
            return refusal
        payload = _payload(push)
        if len(payload) > PAYLOAD_MAX:
            detail = f"the push has {len(payload)} bytes, and {PAYLOAD_MAX} is the most that browsers take"
            return Answer(status=Status.UNABLE, code="size", detail=detail)
        try:
            subscription = read_subscription(address.value)
            endpoint = self._guard.check(subscription.endpoint)
            headers = self._headers(push, endpoint, now_s)
            reply = await self._http.post(endpoint, encrypted(payload, subscription), headers)
        except InputFault as fault:
            return Answer(status=Status.GONE, code="subscription", detail=str(fault))
        except Blocked as fault:
            return Answer(status=Status.UNABLE, code="blocked", detail=str(fault))
        except NoReply as failure:
            return failure.answer
        answer = judged(reply, _MEANINGS)
        return msgspec.structs.replace(answer, provider_id=reply.headers.get("location"))

    async def close(self) -> None:
        """Let go of connections."""
        await self._http.close()

    def _headers(self, push: Push, endpoint: str, now_s: float) -> dict[str, str]:
        """Return what the push service must know: who sends, how long it keeps the push, and what the push replaces.

        A campaign's push replaces the one before it that has not been shown. A transactional one replaces itself alone.
        """
        parts = urlsplit(endpoint)
        own_s = self._ttl_s[push.transactional]
        ttl_s = min(own_s, TTL_S_MAX) if push.expires_s is None else left_s(push.expires_s, now_s, TTL_S_MAX)
        return {
            "authorization": self._key.authorization(f"{parts.scheme}://{parts.netloc}", now_s),
            "content-encoding": "aes128gcm",
            "content-type": "application/octet-stream",
            "ttl": str(ttl_s),
            # Below "normal" a push may wait until the device is charged: for the night, when nobody wants it.
            "urgency": "high" if push.transactional else "normal",
            "topic": _text(hashlib.sha256(collapse_id(push).encode()).digest()[:24]),
        }


def web_push(options: WebPushOptions, means: Means) -> WebPush:
    """Open the channel. Its key is made where there is none yet."""
    if options.key_file is not None:
        text = made_once("key_file", options.key_file, new_key)
    else:
        text = means.secret("vapid", new_key)
    key = read_key(text, options.subject, options.key_file)
    guard = Guard(frozenset(options.ports), private=options.private_targets)
    return WebPush(
        Http(guard=guard, trust=trusted(options.ca_file)),
        key,
        guard,
        ttl_s=int(options.ttl.total_seconds()),
        ttl_transactional_s=int(options.ttl_transactional.total_seconds()),
    )


def encrypted(payload: bytes, subscription: Subscription) -> bytes:
    """Return the payload for this browser's eyes alone: ``aes128gcm``, one record, a key of its own."""
    once = ec.generate_private_key(ec.SECP256R1())
    sealed: bytes = http_ece.encrypt(
        payload, private_key=once, dh=subscription.point, auth_secret=subscription.auth, version="aes128gcm"
    )
    return sealed


def read_subscription(value: Mapping[str, Any]) -> Subscription:
    """Read a subscription as ``PushSubscription.toJSON()`` writes it. Raises InputFault."""
    keys = value.get("keys")
    endpoint = value.get("endpoint")
    if not isinstance(endpoint, str) or not isinstance(keys, dict):
        raise InputFault("address", None, "has no endpoint and keys", _ACTION)
    point, auth = _bytes(keys.get("p256dh")), _bytes(keys.get("auth"))
    try:
        ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), point)
    except ValueError:
        point = b""
    if len(point) != _POINT_BYTES:
        raise InputFault("address keys.p256dh", None, "is no public key on P-256, uncompressed", _ACTION)
    if len(auth) != _AUTH_BYTES:
        raise InputFault("address keys.auth", None, f"is not {_AUTH_BYTES} bytes in base64url", _ACTION)
    return Subscription(endpoint, point, auth)


_ACTION = "send the subscription as PushSubscription.toJSON() gives it"


def _payload(push: Push) -> bytes:
    payload: dict[str, Any] = {"decision_id": push.decision_id, "content": push.content.without_html()}
    if push.outcome_url is not None:
        payload["outcome_url"] = push.outcome_url
    return msgspec.json.encode(payload)


def _bytes(text: object) -> bytes:
    """Read base64 of either alphabet, with or without padding; what is none is no bytes."""
    if not isinstance(text, str) or not text.isascii():
        return b""
    plain = text.translate({ord("-"): "+", ord("_"): "/"}).rstrip("=")
    try:
        return base64.b64decode(plain + "=" * (-len(plain) % 4), validate=True)
    except binascii.Error:
        return b""


def _text(octets: bytes) -> str:
    return base64.urlsafe_b64encode(octets).decode("ascii").rstrip("=")
