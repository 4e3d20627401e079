"""Reports that come back by e-mail: bounces (RFC 3464) and complaints (RFC 5965), read by the standard library.

Anybody can send us mail. So a report is believed only where it brings back the id of a message of ours, which is
signed: who has it has seen the message.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
from email import message_from_bytes
from email.message import Message
from email.policy import default
from email.utils import parseaddr, parsedate_to_datetime
from typing import TYPE_CHECKING, Final, NamedTuple

from andante.channels.contract import Receipt
from andante.vocabulary.fault import InputFault
from andante.vocabulary.message import OutcomeType

if TYPE_CHECKING:
    from collections.abc import Iterator

DECISION: Final = "X-Andante-Decision"
"""The header that names a decision, where a server on the way gives messages ids of its own."""

REPORT_BYTES_MAX: Final = 1_048_576
PARTS_MAX: Final = 64

ACTIONS: Final = {"failed": OutcomeType.FAILED, "delivered": OutcomeType.DELIVERED}
"""Actions of a bounce that say what came of a message; delayed, relayed and expanded do not, yet."""

GONE_CODES: Final = frozenset({"5.1.1", "5.1.2", "5.1.3", "5.1.6", "5.1.10", "5.2.1"})
"""Enhanced status codes (RFC 3463, 7505) of mailboxes that are not, or no more."""

FEEDBACK: Final = {
    "abuse": OutcomeType.COMPLAINED,
    "fraud": OutcomeType.COMPLAINED,
    "opt-out": OutcomeType.UNSUBSCRIBED,
    "opt-out-list": OutcomeType.UNSUBSCRIBED,
}
"""Types of feedback that say what came of a message."""

_ACTION = "hand over the whole report, as it came"
_STATUS = re.compile(r"[245]\.\d{1,3}\.\d{1,3}")
_SIGNATURE_BYTES = 12


class Names(NamedTuple):
    """What messages are called. Whoever has the secret can make such names, and nobody else."""

    secret: str

    def signed(self, decision_id: str) -> str:
        """Return a decision's id with its signature.

        >>> names = Names("secret")
        >>> names.decision_of(names.signed("log-1-2")), names.decision_of("log-1-2.AAAAAAAAAAAAAAAA")
        ('log-1-2', None)
        """
        return f"{decision_id}.{self._signature(decision_id)}"

    def message_id(self, decision_id: str, address_id: str, domain: str) -> str:
        """Return the Message-ID of a push to an address: the same at every attempt."""
        return f"<{self.signed(decision_id)}.{address_id}@{domain}>"

    def decision_of(self, name: str) -> str | None:
        """Return the decision of a signed id or of a Message-ID; None where its signature does not hold."""
        parts = name.strip().strip("<>").partition("@")[0].rsplit(".")
        for end in range(1, len(parts)):
            decision_id = ".".join(parts[:end])
            if hmac.compare_digest(self._signature(decision_id).encode(), parts[end].encode("utf-8", "replace")):
                return decision_id
        return None

    def _signature(self, decision_id: str) -> str:
        signed = hmac.new(self.secret.encode(), b"andante.email.1:" + decision_id.encode(), hashlib.sha256).digest()
        return base64.urlsafe_b64encode(signed[:_SIGNATURE_BYTES]).decode()


def reports(body: bytes, names: Names) -> list[Receipt]:
    """Return what a report says; nothing, where it says nothing that is final. Raises InputFault."""
    if len(body) > REPORT_BYTES_MAX:
        raise InputFault("report by mail", f"{len(body)} bytes", f"is longer than {REPORT_BYTES_MAX}", _ACTION)
    try:
        message: Message = message_from_bytes(body, policy=default)
        parts = [part for _, part in zip(range(PARTS_MAX), message.walk(), strict=False)]
        decision_id, to = next(_ours(parts, names), (None, ""))
        found = [*_bounces(parts, to), *_complaints(parts)]
        at_us = _at_us(message)
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError):
        raise InputFault("report by mail", None, "cannot be read", _ACTION) from None
    if decision_id is None:
        raise InputFault("report by mail", None, "is of no message of ours", _ACTION)
    if not any(part.get_content_type() in _REPORTS for part in parts):
        raise InputFault("report by mail", None, "is no bounce and no complaint", _ACTION)
    return [
        Receipt(outcome=outcome, decision_id=decision_id, at_us=at_us, raw=raw, gone=gone)
        for outcome, raw, gone in found
    ]


_REPORTS = frozenset({"message/delivery-status", "message/feedback-report"})
_RETURNED = frozenset({"message/rfc822", "text/rfc822-headers", "message/global", "message/global-headers"})


def _ours(parts: list[Message], names: Names) -> Iterator[tuple[str, str]]:
    """Yield the decisions that a report names, in the headers of the message that it brings back, and whom it was to.

    A message that is brought back whole is a part of its own.
    """
    for part in parts:
        returned = part
        if part.get_content_type() == "text/rfc822-headers":
            returned = _read(part)
        elif part.get_content_type() in _RETURNED:
            continue
        for header in (DECISION, "Message-ID", "Original-Message-ID"):
            if decision_id := names.decision_of(str(returned.get(header, ""))):
                yield decision_id, _mailbox(returned.get("To"))


def _bounces(parts: list[Message], ours: str) -> Iterator[tuple[OutcomeType, str, bool]]:
    """Yield what became of each recipient, and whether our address is no more.

    We send to one. A mailbox that forwards, or a list, has others behind it: what is gone there says nothing of ours.
    """
    for part in parts:
        action = str(part.get("Action", "")).strip().lower()
        if part.get("Final-Recipient") is not None and action in ACTIONS:
            found = _STATUS.match(str(part.get("Status", "")).strip())
            status = found[0] if found else ""
            theirs = _mailbox(str(part["Final-Recipient"]).partition(";")[2])
            gone = action == "failed" and status in GONE_CODES and theirs == ours != ""
            yield ACTIONS[action], f"{action} {status}".strip(), gone


def _complaints(parts: list[Message]) -> Iterator[tuple[OutcomeType, str, bool]]:
    for part in parts:
        if part.get_content_type() != "message/feedback-report":
            continue
        held = part.get_payload()
        fields = held[0] if isinstance(held, list) and isinstance(held[0], Message) else _read(part)
        kind = str(fields.get("Feedback-Type", "")).strip().lower()
        if kind in FEEDBACK:
            yield FEEDBACK[kind], f"feedback {kind}", False


def _mailbox(header: object) -> str:
    """Return the mailbox of a header, in one spelling; nothing where there is none."""
    return parseaddr(str(header or ""))[1].casefold()


def _read(part: Message) -> Message:
    """Return the headers that a part holds as text."""
    held = part.get_payload(decode=True)
    return message_from_bytes(held if isinstance(held, bytes) else b"", policy=default)


def _at_us(message: Message) -> int | None:
    try:
        return int(parsedate_to_datetime(str(message["Date"])).timestamp()) * 1_000_000
    except (ValueError, TypeError, OverflowError):
        return None
