"""JPush (极光推送), Push API v3: one push to one registration id, and its receipts.

Push: docs.jiguang.cn/jpush/server/push/rest_api_v3_push. A ``cid`` (…/rest_api_v3_push_advanced) makes a repeated
attempt harmless for a day: it comes from JPush's own pool, as their documentation asks, and stays with a push as long
as this process lives. ``options.classification`` (…/practice/vendor_classification_quota) tells phone makers what is
marketing. Receipts (…/rest_api_v3_callback) come with our own credentials; their fields JPush gives to each customer,
so what their types mean is a setting.
"""

from __future__ import annotations

import base64
import hmac
import json
import re
import time
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final, Literal

from msgspec.structs import replace

from andante.channels.contract import Answer, Receipt, Status
from andante.channels.http import Http, NoReply, judged, trusted
from andante.channels.jpush_cids import Cids
from andante.channels.presentation import collapse_id, forms, jpush_part, left_s, unable, unsendable
from andante.channels.secret_file import read_secret
from andante.channels.tokens import device_token
from andante.vocabulary.fault import InputFault
from andante.vocabulary.message import OutcomeType

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from andante.channels.catalogue import Means
    from andante.channels.contract import Address, Push
    from andante.channels.http import Reply
    from andante.settings.sections.channels import JpushOptions

ENDPOINT: Final = "https://api.jpush.cn"

ANDROID_BYTES_MAX: Final = 4_000
IOS_BYTES_MAX: Final = 2_000
TTL_S_MAX: Final = 864_000  # 10 days

Platform = Literal["android", "ios"]

CODES: Final[Mapping[int, Status]] = MappingProxyType(
    {
        1000: Status.BUSY,  # their own word that it failed
        1003: Status.REFUSED,  # a parameter, or a registration id of a wrong form
        1004: Status.UNABLE,
        1005: Status.UNABLE,  # too large
        1008: Status.UNABLE,
        1009: Status.UNABLE,
        1011: Status.GONE,  # nobody has this registration id, or not for 255 days
        1020: Status.UNABLE,
        1030: Status.AMBIGUOUS,  # it ran out of time inside
        2002: Status.BUSY,
        2003: Status.UNABLE,
        2004: Status.UNABLE,
        2005: Status.REFUSED,  # far too much for this target
    }
)
"""What JPush's codes mean; any other one means what the HTTP status does."""

RECEIPT_TYPES: Final[Mapping[int, str]] = MappingProxyType({1: OutcomeType.DELIVERED, 2: OutcomeType.CLICKED})
"""The usual types of receipts, as JPush's own library for Java names them. Others are no outcome."""

_TOKEN = re.compile(r"[0-9A-Za-z_-]{8,64}")


class Jpush:
    """JPush as a channel."""

    provider = "jpush"

    def __init__(  # noqa: PLR0913  all but the first three have a usual value
        self,
        app_key: str,
        master_secret: str,
        http: Http,
        *,
        endpoint: str = ENDPOINT,
        platform: Platform = "android",
        apns_production: bool = True,
        marketing_level: Literal["passive", "active"] = "active",
        third_party_channel: Mapping[str, Any] = MappingProxyType({}),
        receipt_types: Mapping[int, str] = RECEIPT_TYPES,
        app_forms: tuple[str, ...] = (),
        cids: Cids | None = None,
        now_s: Callable[[], float] = time.time,
    ) -> None:
        """Store them; nothing is connected yet.

        ``third_party_channel`` goes to the makers' channels as it is: their importance, category and channel ids.
        """
        self.forms = forms(self.provider if platform == "android" else "jpush_ios", app_forms)
        self._http, self._now_s, self._endpoint = http, now_s, endpoint
        self._authorization = "Basic " + base64.b64encode(f"{app_key}:{master_secret}".encode()).decode()
        self._platform: Platform = platform
        self._apns_production, self._marketing_level = apns_production, marketing_level
        self._third_party_channel, self._receipt_types = dict(third_party_channel), receipt_types
        self._cids = cids or Cids(http, endpoint, self._authorization, now_s=now_s)

    def checked(self, value: Mapping[str, Any]) -> dict[str, Any]:
        """Return an address as it is to be kept: its ``token``, a registration id. Raises InputFault."""
        return {"token": device_token(value, _TOKEN)}

    async def send(self, push: Push, address: Address) -> Answer:
        """Make one attempt."""
        if refusal := unsendable(push, self.forms, self._now_s()):
            return refusal
        try:
            device = device_token(address.value, _TOKEN)
        except InputFault as fault:
            return Answer(status=Status.GONE, code="token", detail=str(fault))
        notification = jpush_part(push, self._platform, "active" if push.transactional else self._marketing_level)
        size_max = ANDROID_BYTES_MAX if self._platform == "android" else IOS_BYTES_MAX
        if len(_json(notification)) > size_max:
            return unable("size", f"the push is larger than the {size_max} bytes that JPush takes for {self._platform}")
        try:
            cid = await self._cids.of(push.decision_id, address.address_id)
            reply = await self._post("/v3/push", self._body(push, device, notification, cid))
        except NoReply as failure:
            return failure.answer
        return translated(reply)

    async def close(self) -> None:
        """Let go of connections."""
        await self._http.close()

    def receipts(self, headers: dict[str, str], body: bytes) -> list[Receipt]:
        """Return what JPush reports. Raises InputFault where it does not come with our credentials, or is no report."""
        given = {name.lower(): value for name, value in headers.items()}.get("authorization", "")
        if not hmac.compare_digest(given.encode(), self._authorization.encode()):
            problem, action = "do not come with our AppKey and Master Secret", "set up the callback in JPush's console"
            raise InputFault("receipts of jpush", None, problem, action)
        try:
            read = json.loads(body)
            return [receipt for one in (read if isinstance(read, list) else [read]) if (receipt := self._receipt(one))]
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
            raise InputFault("receipts of jpush", None, "cannot be read", "point only JPush to this URL") from None

    def _receipt(self, one: Mapping[str, Any]) -> Receipt | None:
        """Read one report; None where its type is none that says what came of a push."""
        outcome, at_ms = self._receipt_types.get(int(one["type"])), one.get("itime")
        if outcome is None:
            return None
        msg_id = one.get("msg_id", one.get("msgid"))
        if msg_id is None:
            raise KeyError("msg_id")
        kept = {name: value for name, value in one.items() if name not in {"rid", "registration_id"}}
        at_us = at_ms * 1_000 if isinstance(at_ms, int) else None
        return Receipt(outcome=outcome, provider_id=str(msg_id), at_us=at_us, raw=json.dumps(kept, ensure_ascii=False))

    def _body(self, push: Push, device: str, notification: Mapping[str, Any], cid: str) -> bytes:
        options: dict[str, Any] = {"classification": 1 if push.transactional else 0}
        if push.expires_s is not None:
            options["time_to_live"] = left_s(push.expires_s, self._now_s(), TTL_S_MAX)
        if self._platform == "ios":
            options |= {"apns_production": self._apns_production, "apns_collapse_id": collapse_id(push)}
        if self._third_party_channel:
            options["third_party_channel"] = self._third_party_channel
        return _json(
            {
                "cid": cid,
                "platform": [self._platform],
                "audience": {"registration_id": [device]},
                "notification": notification,
                "options": options,
            }
        )

    async def _post(self, path: str, body: bytes) -> Reply:
        return await self._http.post(self._endpoint + path, body, self._headers())

    def _headers(self) -> dict[str, str]:
        return {"authorization": self._authorization, "content-type": "application/json"}


def jpush(options: JpushOptions, means: Means) -> Jpush:  # noqa: ARG001  every provider is opened the same way
    """Open the channel. Raises SettingsFault where the secret cannot be read."""
    return Jpush(
        options.app_key,
        read_secret("master_secret_file", options.master_secret_file),
        Http(trust=trusted(options.ca_file)),
        platform=options.platform,
        apns_production=options.apns_production,
        marketing_level=options.marketing_level,
        third_party_channel=options.third_party_channel,
        receipt_types=RECEIPT_TYPES if options.receipt_types is None else options.receipt_types,
        app_forms=options.app_forms,
    )


def translated(reply: Reply) -> Answer:
    """Return what JPush's reply means."""
    answer, said = judged(reply), reply.json()
    error = said.get("error")
    code = error.get("code") if isinstance(error, dict) else None
    if code is None and answer.status is Status.ACCEPTED:
        return replace(answer, provider_id=str(said["msg_id"]) if "msg_id" in said else None)
    status = CODES.get(code, answer.status) if isinstance(code, int) else answer.status
    wait_s = _reset_s(reply) if status is Status.BUSY else None
    return replace(
        answer, status=status, code=f"{reply.status} {'' if code is None else code}".strip(), retry_after_s=wait_s
    )


def _reset_s(reply: Reply) -> float | None:
    """Return how long to wait: JPush says in a header of its own when its window ends."""
    given = reply.headers.get("x-rate-limit-reset", "")
    return float(given) if given.isdecimal() and len(given) < 6 else reply.retry_after_s()  # noqa: PLR2004  a day at most


def _json(value: object) -> bytes:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()
