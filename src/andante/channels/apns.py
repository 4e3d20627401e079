"""APNs: Apple's push service over HTTP/2, one notification to one device token.

Headers: developer.apple.com/documentation/usernotifications/sending-notification-requests-to-apns. Reasons: the same,
handling-notification-responses-from-apns. Marketing is ``passive`` or ``active``, never time-sensitive: Apple keeps
that level for what needs an answer at once. It reports nothing later: an app does, through ``outcome_url``.
"""

from __future__ import annotations

import json
import re
import time
from datetime import UTC, datetime
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final, Literal
from uuid import NAMESPACE_URL, uuid5

import jwt
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, EllipticCurvePrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from msgspec.structs import replace

from andante.channels.contract import Answer, Status
from andante.channels.http import Http, NoReply, judged, trusted
from andante.channels.presentation import apns_part, collapse_id, forms, unable, unsendable
from andante.channels.secret_file import read_secret
from andante.channels.tokens import Token, Tokens, device_token, post_with
from andante.vocabulary.fault import InputFault, SettingsFault

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from andante.channels.catalogue import Means
    from andante.channels.contract import Address, Push
    from andante.channels.http import Reply
    from andante.settings.sections.channels import ApnsOptions

PRODUCTION: Final = "https://api.push.apple.com"
SANDBOX: Final = "https://api.sandbox.push.apple.com"

PAYLOAD_BYTES_MAX: Final = 4_096
TOKEN_LASTS_S: Final = 3_600.0
"""Apple takes a provider token for an hour."""

TOKEN_EARLY_S: Final = 900.0
"""We use one for 45 minutes: more seldom than every 20 minutes, as Apple asks."""

TOKEN_LEAST_S: Final = 1_200.0
"""A younger one is not renewed, whatever APNs says: it would answer TooManyProviderTokenUpdates."""

MarketingLevel = Literal["passive", "active"]
TransactionalLevel = Literal["passive", "active", "time-sensitive"]

_MS_MAX = 1 << 46  # beyond the year 4000: no time at all
_DEVICE = re.compile(r"[0-9a-fA-F]{64,200}")

REASONS: Final[Mapping[str, Status]] = MappingProxyType(
    {
        "Unregistered": Status.GONE,
        "ExpiredToken": Status.GONE,
        "BadDeviceToken": Status.REFUSED,  # or one of the other environment: then all of them would be dropped
        "DeviceTokenNotForTopic": Status.UNABLE,
        "BadTopic": Status.UNABLE,
        "MissingTopic": Status.UNABLE,
        "TopicDisallowed": Status.UNABLE,
        "InvalidPushType": Status.UNABLE,
        "BadPath": Status.UNABLE,
        "MethodNotAllowed": Status.UNABLE,
        "PayloadTooLarge": Status.UNABLE,
        "IdleTimeout": Status.BUSY,
        "TooManyRequests": Status.BUSY,
        "TooManyProviderTokenUpdates": Status.BUSY,
        "InternalServerError": Status.BUSY,
        "ServiceUnavailable": Status.BUSY,
        "Shutdown": Status.BUSY,
    }
)
"""What APNs' reasons mean; any other one means what the HTTP status does."""


class Apns:
    """APNs as a channel."""

    provider = "apns"

    def __init__(  # noqa: PLR0913  all but the first five have a usual value
        self,
        key: str,
        http: Http,
        *,
        key_id: str,
        team_id: str,
        topic: str,
        endpoint: str = PRODUCTION,
        marketing_level: MarketingLevel = "active",
        transactional_level: TransactionalLevel = "active",
        app_forms: tuple[str, ...] = (),
        now_s: Callable[[], float] = time.time,
    ) -> None:
        """Store them; nothing is connected yet. ``key`` is Apple's, in PEM; ``topic`` the app's bundle id."""
        if marketing_level not in {"passive", "active"}:
            problem = "is not for marketing"
            raise SettingsFault("marketing_level", marketing_level, problem, 'write "passive" or "active"')
        self.forms = forms(self.provider, app_forms)
        self._key, self._http, self._now_s = key, http, now_s
        self._key_id, self._team_id, self._topic, self._endpoint = key_id, team_id, topic, endpoint
        self._levels = {False: marketing_level, True: transactional_level}
        self._made_s = 0.0
        self._tokens = Tokens(self._make, early_s=TOKEN_EARLY_S, now_s=now_s)

    def checked(self, value: Mapping[str, Any]) -> dict[str, Any]:
        """Return an address as it is to be kept: its ``token``. Raises InputFault where there is none."""
        return {"token": device_token(value, _DEVICE)}

    async def send(self, push: Push, address: Address) -> Answer:
        """Make one attempt."""
        if refusal := unsendable(push, self.forms, self._now_s()):
            return refusal
        try:
            device = device_token(address.value, _DEVICE)
        except InputFault as fault:
            return Answer(status=Status.GONE, code="token", detail=str(fault))
        if "aps" in push.content.data:
            return unable("content", "APNs keeps the key aps for itself")
        level = self._levels[push.transactional]
        payload = json.dumps(apns_part(push, level), ensure_ascii=False, separators=(",", ":")).encode()
        if len(payload) > PAYLOAD_BYTES_MAX:
            return unable("size", f"the push is larger than the {PAYLOAD_BYTES_MAX} bytes that APNs takes")
        url, headers = f"{self._endpoint}/3/device/{device}", self._headers(push, address)
        try:
            reply = await post_with(
                self._tokens,
                lambda token: self._http.post(url, payload, {"authorization": f"bearer {token}", **headers}),
                refused=self._ended,
            )
        except NoReply as failure:
            return failure.answer
        return translated(reply)

    async def close(self) -> None:
        """Let go of connections."""
        await self._tokens.close()
        await self._http.close()

    def _headers(self, push: Push, address: Address) -> dict[str, str]:
        headers = {
            "apns-topic": self._topic,
            "apns-push-type": "alert",
            "apns-priority": "10" if push.transactional else "5",
            "apns-collapse-id": collapse_id(push),
            "apns-id": str(uuid5(NAMESPACE_URL, f"andante:{push.decision_id}:{address.address_id}")),
        }
        return headers if push.expires_s is None else {**headers, "apns-expiration": str(push.expires_s)}

    def _ended(self, reply: Reply) -> bool:
        """Tell whether APNs refused our token because it is too old, and a new one may be made."""
        old = self._now_s() - self._made_s >= TOKEN_LEAST_S
        return old and reply.status == 403 and reply.json().get("reason") == "ExpiredProviderToken"  # noqa: PLR2004  HTTP's

    async def _make(self) -> Token:
        """Make a provider token."""
        self._made_s = self._now_s()
        claims = {"iss": self._team_id, "iat": int(self._made_s)}
        made = jwt.encode(claims, self._key, algorithm="ES256", headers={"kid": self._key_id})
        return Token(made, self._made_s + TOKEN_LASTS_S)


def apns(options: ApnsOptions, means: Means) -> Apns:  # noqa: ARG001  every provider is opened the same way
    """Open the channel. Raises SettingsFault where the key cannot be read."""
    key = read_secret("key_file", options.key_file)
    try:
        read = load_pem_private_key(key.encode(), None)
    except (ValueError, TypeError):
        read = None
    if not isinstance(read, EllipticCurvePrivateKey) or not isinstance(read.curve, SECP256R1):
        action = "give the .p8 file that Apple gave you"
        raise SettingsFault("key_file", options.key_file, "holds no P-256 key in PEM", action)
    return Apns(
        key,
        Http(trust=trusted(options.ca_file)),
        key_id=options.key_id,
        team_id=options.team_id,
        topic=options.topic,
        endpoint=SANDBOX if options.sandbox else PRODUCTION,
        marketing_level=options.marketing_level,
        transactional_level=options.transactional_level,
        app_forms=options.app_forms,
    )


def translated(reply: Reply) -> Answer:
    """Return what APNs' reply means."""
    answer, said = judged(reply, {404: Status.UNABLE, 405: Status.UNABLE, 410: Status.GONE}), reply.json()
    if answer.status is Status.ACCEPTED:
        return replace(answer, provider_id=reply.headers.get("apns-id"))
    reason = str(said.get("reason", ""))
    status = REASONS.get(reason, answer.status)
    since_s = _since_s(said.get("timestamp")) if status is Status.GONE else None
    return replace(
        answer,
        status=status,
        code=f"{reply.status} {reason}".strip(),
        detail="" if since_s is None else f"gone since {datetime.fromtimestamp(since_s, UTC):%Y-%m-%dT%H:%M:%SZ}",
        gone_since_s=since_s,
        retry_after_s=reply.retry_after_s() if status is Status.BUSY else None,
    )


def _since_s(timestamp_ms: object) -> float | None:
    """Return since when an address is gone, as APNs tells it."""
    return timestamp_ms / 1000 if isinstance(timestamp_ms, int) and 0 < timestamp_ms < _MS_MAX else None
