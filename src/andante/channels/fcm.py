"""FCM: Firebase Cloud Messaging, HTTP v1, one message to one registration token.

Its error codes: firebase.google.com/docs/reference/fcm/rest/v1/ErrorCode. A wait after 429 that it does not name is a
minute (firebase.google.com/docs/cloud-messaging/scale-fcm). It reports nothing later by itself: an app does, through
``outcome_url``.
"""

from __future__ import annotations

import dataclasses
import json
import re
import time
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final

import jwt
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from msgspec.structs import replace

from andante.channels.contract import Answer, Status
from andante.channels.http import Http, NoReply, judged, trusted
from andante.channels.presentation import collapse_id, fcm_part, forms, left_s, unable, unsendable
from andante.channels.secret_file import read_secret
from andante.channels.tokens import Tokens, device_token, granted, post_with
from andante.vocabulary.fault import InputFault, SettingsFault

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from andante.channels.catalogue import Means
    from andante.channels.contract import Address, Push
    from andante.channels.http import Reply
    from andante.channels.tokens import Token
    from andante.settings.sections.channels import FcmOptions

ENDPOINT: Final = "https://fcm.googleapis.com"
SCOPE: Final = "https://www.googleapis.com/auth/firebase.messaging"
GRANT: Final = "urn:ietf:params:oauth:grant-type:jwt-bearer"

PAYLOAD_BYTES_MAX: Final = 4_096
TTL_S_MAX: Final = 2_419_200  # four weeks
WAIT_S: Final = 60.0

_TOKEN = re.compile(r"[\x21-\x7e]{1,4096}")
_RESERVED = ("from", "message_type", "collapse_key")
_RESERVED_PREFIXES = ("google.", "gcm.")

CODES: Final[Mapping[str, Status]] = MappingProxyType(
    {
        "UNREGISTERED": Status.GONE,
        "INVALID_ARGUMENT": Status.REFUSED,  # of the message or of the token: it does not say, so no address is dropped
        "SENDER_ID_MISMATCH": Status.UNABLE,  # the token is another sender's
        "THIRD_PARTY_AUTH_ERROR": Status.UNABLE,  # Firebase's own key for APNs or web push
        "QUOTA_EXCEEDED": Status.BUSY,
        "UNAVAILABLE": Status.BUSY,
        "INTERNAL": Status.BUSY,
    }
)
"""What FCM's error codes mean; any other one means what the HTTP status does."""


@dataclasses.dataclass(frozen=True, slots=True)
class Account:
    """A service account of the Firebase project."""

    project_id: str
    client_email: str
    private_key: str
    private_key_id: str
    token_uri: str

    def __repr__(self) -> str:
        """Tell nothing that is secret."""
        return f"Account({self.client_email!r})"


class Fcm:
    """FCM as a channel."""

    provider = "fcm"

    def __init__(  # noqa: PLR0913  all but the first two have a usual value
        self,
        account: Account,
        http: Http,
        *,
        endpoint: str = ENDPOINT,
        android_channel: str | None = None,
        app_forms: tuple[str, ...] = (),
        now_s: Callable[[], float] = time.time,
    ) -> None:
        """Store them; nothing is connected yet. ``app_forms`` are those that the app shows by itself, from data."""
        self.forms = forms(self.provider, app_forms)
        self._account, self._http, self._now_s = account, http, now_s
        self._android_channel = android_channel
        self._url = f"{endpoint}/v1/projects/{account.project_id}/messages:send"
        self._tokens = Tokens(self._fetch, now_s=now_s)

    def checked(self, value: Mapping[str, Any]) -> dict[str, Any]:
        """Return an address as it is to be kept: its ``token``. Raises InputFault where there is none."""
        return {"token": device_token(value, _TOKEN)}

    async def send(self, push: Push, address: Address) -> Answer:
        """Make one attempt."""
        if refusal := unsendable(push, self.forms, self._now_s()):
            return refusal
        message = self._message(push, address)
        if isinstance(message, Answer):
            return message
        body = json.dumps({"message": message}, ensure_ascii=False).encode()
        try:
            reply = await post_with(
                self._tokens,
                lambda token: self._http.post(self._url, body, _headers(token)),
                refused=lambda reply: reply.status == 401 and _code(reply) != "THIRD_PARTY_AUTH_ERROR",  # noqa: PLR2004  HTTP's
            )
        except NoReply as failure:
            return failure.answer
        return translated(reply)

    async def close(self) -> None:
        """Let go of connections."""
        await self._tokens.close()
        await self._http.close()

    def _message(self, push: Push, address: Address) -> dict[str, Any] | Answer:
        """Return what FCM is asked to deliver, or why it cannot be asked."""
        try:
            token = device_token(address.value, _TOKEN)
        except InputFault as fault:
            return Answer(status=Status.GONE, code="token", detail=str(fault))
        part = fcm_part(push)
        if named := [name for name in part["data"] if name in _RESERVED or name.startswith(_RESERVED_PREFIXES)]:
            return unable("content", f"FCM keeps the key {named[0]} of data for itself")
        if len(json.dumps(part, ensure_ascii=False).encode()) > PAYLOAD_BYTES_MAX:
            return unable("size", f"the push is larger than the {PAYLOAD_BYTES_MAX} bytes that FCM takes")
        android: dict[str, Any] = {"priority": "HIGH" if push.transactional else "NORMAL"}
        if push.expires_s is not None:
            android["ttl"] = f"{left_s(push.expires_s, self._now_s(), TTL_S_MAX)}s"
        if push.campaign_id is not None and not push.transactional:
            android["collapse_key"] = collapse_id(push)  # four of them are kept for a device that is away
        if "notification" in part:
            android["notification"] = {"tag": collapse_id(push)}
            if self._android_channel is not None:
                android["notification"]["channel_id"] = self._android_channel
        return {"token": token, "android": android, **part}

    async def _fetch(self) -> Token:
        """Exchange an assertion, signed by the service account, for an access token (RFC 7523)."""
        account, now_s = self._account, int(self._now_s())
        claims = {
            "iss": account.client_email,
            "scope": SCOPE,
            "aud": account.token_uri,
            "iat": now_s,
            "exp": now_s + 3600,
        }
        headers = {"kid": account.private_key_id}
        assertion = jwt.encode(claims, account.private_key, algorithm="RS256", headers=headers)
        form = {"grant_type": GRANT, "assertion": assertion}
        return await granted(self._http, account.token_uri, form, self._now_s)


def fcm(options: FcmOptions, means: Means) -> Fcm:  # noqa: ARG001  every provider is opened the same way
    """Open the channel. Raises SettingsFault where the service account cannot be read."""
    account = read_account(options.service_account_file)
    if options.project_id is not None:
        account = dataclasses.replace(account, project_id=options.project_id)
    return Fcm(
        account,
        Http(trust=trusted(options.ca_file)),
        android_channel=options.android_channel,
        app_forms=options.app_forms,
    )


def read_account(file: Path) -> Account:
    """Read the JSON of a service account. Raises SettingsFault, which never shows the key."""
    setting, action = "service_account_file", "give the JSON file that the Firebase console makes"
    try:
        held = json.loads(read_secret(setting, file))
        account = Account(**{field.name: held[field.name] for field in dataclasses.fields(Account)})
        key = load_pem_private_key(account.private_key.encode(), None)
    except (ValueError, TypeError, KeyError, AttributeError):
        key = None
    if not isinstance(key, RSAPrivateKey):
        raise SettingsFault(setting, file, "is no service account with an RSA key", action)
    return account


def translated(reply: Reply) -> Answer:
    """Return what FCM's reply means."""
    answer, code = judged(reply), _code(reply)
    if answer.status is Status.ACCEPTED:
        return replace(answer, provider_id=str(reply.json().get("name", "")) or None)
    status = CODES.get(code, answer.status)
    wait_s = reply.retry_after_s() if status is Status.BUSY else None
    if code == "QUOTA_EXCEEDED" and wait_s is None:
        wait_s = WAIT_S
    return replace(answer, status=status, code=f"{reply.status} {code}".strip(), retry_after_s=wait_s)


def _code(reply: Reply) -> str:
    """Return FCM's own error code, which stands in the details; else the status of the error."""
    error = reply.json().get("error")
    if not isinstance(error, dict):
        return ""
    details = error.get("details")
    own = (
        [one["errorCode"] for one in details if isinstance(one, dict) and "errorCode" in one]
        if isinstance(details, list)
        else []
    )
    return str(own[0] if own else error.get("status", ""))


def _headers(token: str) -> dict[str, str]:
    return {"authorization": f"Bearer {token}", "content-type": "application/json; charset=utf-8"}
