"""Huawei Push Kit for HMS and HarmonyOS up to 4: one message to one push token, and its receipts.

Message, category and codes: developer.huawei.com, HMSCore-References/https-send-api-0000001050986197. Receipts:
HMSCore-References/https-send-receipt-api-0000001051066120-V5, states: HMSCore-Guides/msg-receipt-guide. Marketing goes
out as ``MARKETING`` and quietly; what is transactional under the category that Huawei granted to the app.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import re
import time
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final

from msgspec.structs import replace

from andante.channels.contract import Answer, Receipt, Status
from andante.channels.http import Http, NoReply, judged, trusted
from andante.channels.presentation import collapse_id, for_app, forms, huawei_part, left_s, unable, unsendable
from andante.channels.secret_file import read_secret
from andante.channels.tokens import Tokens, device_token, granted, post_with
from andante.vocabulary.fault import InputFault, SettingsFault
from andante.vocabulary.message import OutcomeType

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from andante.channels.catalogue import Means
    from andante.channels.contract import Address, Push
    from andante.channels.http import Reply
    from andante.channels.tokens import Token
    from andante.settings.sections.channels import HuaweiOptions

ENDPOINT: Final = "https://push-api.cloud.huawei.com"
TOKEN_URL: Final = "https://oauth-login.cloud.huawei.com/oauth2/v3/token"  # noqa: S105  where a token is got

PAYLOAD_BYTES_MAX: Final = 4_096
TTL_S_MAX: Final = 1_296_000  # 15 days
TAG_BYTES_MAX: Final = 64

SUCCESS, SOME = "80000000", "80100000"
STALE_TOKEN: Final = frozenset({"80200001", "80200003"})
"""The access token is not taken, or is over."""

CODES: Final[Mapping[str, Status]] = MappingProxyType(
    {
        "80100001": Status.REFUSED,  # parameters
        "80100003": Status.REFUSED,  # structure
        "80100004": Status.REFUSED,  # its time is over
        "80100013": Status.REFUSED,
        "80100016": Status.REFUSED,  # its words are
        "80100017": Status.BUSY,
        "80200001": Status.UNABLE,
        "80200003": Status.UNABLE,
        "80300002": Status.UNABLE,  # the app may not push, or the token is another app's
        "80300007": Status.GONE,  # all tokens, here the one, are invalid
        "80300008": Status.UNABLE,
        "80300010": Status.UNABLE,
        "80300011": Status.UNABLE,
        "80300013": Status.UNABLE,
        "80600003": Status.UNABLE,
        "81000001": Status.BUSY,
    }
)
"""What Push Kit's codes mean; any other one is a refusal where the HTTP status is 200, else what that status means."""

RECEIPT_AGE_S_MAX: Final = 900.0
"""Older calls are not believed: their signature covers no more than their time."""

_TOKEN = re.compile(r"[\x21-\x7e]{16,4096}")
_DELIVERED: Final = 0
_OPEN: Final = frozenset({27, 51})
"""Receipts of pushes that may still be shown: kept until the app starts, or the phone is unlocked."""


class Huawei:
    """Push Kit as a channel."""

    provider = "huawei"

    def __init__(  # noqa: PLR0913  all but the first three have a usual value
        self,
        app_id: str,
        secret: str,
        http: Http,
        *,
        endpoint: str = ENDPOINT,
        token_url: str = TOKEN_URL,
        work_category: str = "WORK",
        callback: tuple[str, str] | None = None,
        app_forms: tuple[str, ...] = (),
        now_s: Callable[[], float] = time.time,
    ) -> None:
        """Store them; nothing is connected yet.

        ``work_category`` is what transactional pushes are sent as. ``callback`` are the user name and the key with
        which receipts are signed; without them none is believed.
        """
        self.forms = forms(self.provider, app_forms)
        self._app_id, self._secret, self._http, self._now_s = app_id, secret, http, now_s
        self._url, self._token_url = f"{endpoint}/v1/{app_id}/messages:send", token_url
        self._work_category, self._callback = work_category, callback
        self._tokens = Tokens(self._fetch, now_s=now_s)

    def checked(self, value: Mapping[str, Any]) -> dict[str, Any]:
        """Return an address as it is to be kept: its ``token``. Raises InputFault where there is none."""
        return {"token": device_token(value, _TOKEN)}

    async def send(self, push: Push, address: Address) -> Answer:
        """Make one attempt."""
        if refusal := unsendable(push, self.forms, self._now_s()):
            return refusal
        try:
            device = device_token(address.value, _TOKEN)
        except InputFault as fault:
            return Answer(status=Status.GONE, code="token", detail=str(fault))
        message = self._message(push)
        if isinstance(message, Answer):
            return message
        body = json.dumps(
            {"validate_only": False, "message": {**message, "token": [device]}}, ensure_ascii=False
        ).encode()
        try:
            reply = await post_with(
                self._tokens,
                lambda token: self._http.post(self._url, body, _headers(token)),
                refused=lambda reply: reply.status == 401 or _code(reply) in STALE_TOKEN,  # noqa: PLR2004  HTTP's
            )
        except NoReply as failure:
            return failure.answer
        return translated(reply)

    async def close(self) -> None:
        """Let go of connections."""
        await self._tokens.close()
        await self._http.close()

    def receipts(self, headers: dict[str, str], body: bytes) -> list[Receipt]:
        """Return what Push Kit reports. Raises InputFault where it is not signed, signed long ago, or no report."""
        self._verify(headers)
        try:
            statuses = json.loads(body)["statuses"]
            return [receipt for one in statuses if (receipt := _receipt(one)) is not None]
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
            raise InputFault("receipts of huawei", None, "cannot be read", "point only Push Kit to this URL") from None

    def _verify(self, headers: Mapping[str, str]) -> None:
        """Check the signature of a call. It covers the time and not the body, as Huawei has it: so https must."""
        given = {name.lower(): value for name, value in headers.items()}.get("x-huawei-callback-id", "")
        parts = dict(part.strip().split("=", 1) for part in given.split(";") if "=" in part)
        at_ms, nonce = parts.get("timestamp", ""), parts.get("nonce", "")
        user, key = self._callback or ("", "")
        signed = hmac.new(key.encode(), f"{at_ms}{nonce}{user}".encode(), hashlib.sha256).digest()
        made = base64.b64encode(signed).decode()
        recent = at_ms.isdecimal() and abs(int(at_ms[:18]) / 1000 - self._now_s()) < RECEIPT_AGE_S_MAX
        if (
            self._callback is None
            or not recent
            or not hmac.compare_digest(made.encode(), parts.get("value", "").encode())
        ):
            problem, action = (
                "are not signed with our key, or not now",
                "give Push Kit and us the same user name and key",
            )
            raise InputFault("receipts of huawei", None, problem, action)

    def _message(self, push: Push) -> dict[str, Any] | Answer:
        """Return what Push Kit is asked to deliver, or why it cannot be asked."""
        native = push.content.form in forms(self.provider)
        data = json.dumps(for_app(push, native=native), ensure_ascii=False)
        android: dict[str, Any] = {
            "category": self._work_category if push.transactional else "MARKETING",
            "bi_tag": push.decision_id[:TAG_BYTES_MAX],
        }
        if push.expires_s is not None:
            android["ttl"] = f"{left_s(push.expires_s, self._now_s(), TTL_S_MAX)}s"
        if native:
            part = huawei_part(push)
            if isinstance(part, Answer):
                return part
            importance = "NORMAL" if push.transactional else "LOW"
            android["notification"] = {**part, "tag": collapse_id(push), "importance": importance}
        message = {"data": data, "android": android}
        if len(json.dumps(message, ensure_ascii=False).encode()) > PAYLOAD_BYTES_MAX:
            return unable("size", f"the push is larger than the {PAYLOAD_BYTES_MAX} bytes that Push Kit takes")
        return message

    async def _fetch(self) -> Token:
        """Get an access token as a client (RFC 6749, 4.4)."""
        form = {"grant_type": "client_credentials", "client_id": self._app_id, "client_secret": self._secret}
        return await granted(self._http, self._token_url, form, self._now_s)


def huawei(options: HuaweiOptions, means: Means) -> Huawei:  # noqa: ARG001  every provider is opened the same way
    """Open the channel. Raises SettingsFault where a secret cannot be read, or half of the callback is missing."""
    return Huawei(
        options.app_id,
        read_secret("secret_file", options.secret_file),
        Http(trust=trusted(options.ca_file)),
        work_category=options.work_category,
        callback=_callback(options),
        app_forms=options.app_forms,
    )


def _callback(options: HuaweiOptions) -> tuple[str, str] | None:
    user, file = options.callback_user, options.callback_key_file
    if user is not None and file is not None:
        return user, read_secret("callback_key_file", file)
    if user is not None or file is not None:
        given = "callback_key_file" if user is None else "callback_user"
        action = "give both callback_user and callback_key_file, or neither"
        raise SettingsFault(given, None, "stands alone", action)
    return None


def translated(reply: Reply) -> Answer:
    """Return what Push Kit's reply means: its own code says more than the HTTP status."""
    answer, said, code = judged(reply), reply.json(), _code(reply)
    named = replace(answer, code=f"{reply.status} {code}".strip(), provider_id=str(said.get("requestId", "")) or None)
    if answer.status is not Status.ACCEPTED or code == SUCCESS:
        return replace(named, status=CODES.get(code, answer.status))
    if code == SOME:  # of one token: it is the one that was not taken, if it says so
        return replace(named, status=Status.GONE if _illegal(said) else Status.ACCEPTED)
    status = CODES.get(code, Status.REFUSED if code else Status.AMBIGUOUS)
    return replace(named, status=status, retry_after_s=reply.retry_after_s() if status is Status.BUSY else None)


def _receipt(one: Mapping[str, Any]) -> Receipt | None:
    """Read one report, of version 1 or 2 of their API; None where it says nothing yet."""
    about = one.get("deliveryStatus") or {}
    state, at_ms = about.get("result", one.get("status")), about.get("timestamp", one.get("timestamp"))
    if isinstance(state, bool) or not isinstance(state, int):
        raise TypeError("a report has no state")
    if state in _OPEN:
        return None
    kept = {name: value for name, value in one.items() if name != "token"}
    return Receipt(
        outcome=OutcomeType.DELIVERED if state == _DELIVERED else OutcomeType.FAILED,
        decision_id=str(one.get("biTag") or "") or None,
        provider_id=str(one.get("requestId") or "") or None,
        at_us=at_ms * 1_000 if isinstance(at_ms, int) else None,
        raw=json.dumps(kept, ensure_ascii=False),
    )


def _illegal(said: Mapping[str, Any]) -> bool:
    """Tell whether a partial success names tokens that were not taken."""
    try:
        about = json.loads(str(said.get("msg")))
    except ValueError:
        return False
    return isinstance(about, dict) and bool(about.get("illegal_tokens") or about.get("illegalTokens"))


def _code(reply: Reply) -> str:
    return str(reply.json().get("code", ""))


def _headers(token: str) -> dict[str, str]:
    return {"authorization": f"Bearer {token}", "content-type": "application/json;charset=UTF-8"}
