"""The form of a campaign: between what a browser sends, all of it text, and what the books take."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from andante.vocabulary.fault import InputFault

if TYPE_CHECKING:
    from collections.abc import Mapping

    from andante.operators.campaign import Campaign

MESSAGE = ("title", "body", "link")
"""What a form asks of a message; a message written by the API may hold more, which is kept."""

_MEMBER = {"": None, "members": True, "others": False}
_EMPTY = {"channel": "push", "category": "promotion", "value": "1", "relevance": "1"}


def form_of(campaign: Campaign | None) -> dict[str, str]:
    """Return the fields of a form that would make this campaign; of a new one, what is usual."""
    if campaign is None:
        return dict(_EMPTY)
    audience, expires = campaign.audience, campaign.expires_at
    members = {value: key for key, value in _MEMBER.items()}
    return {
        "name": campaign.name,
        "category": campaign.category,
        "channel": campaign.channel,
        "item_id": campaign.item_id or "",
        "value": f"{campaign.value:g}",
        "relevance": f"{campaign.relevance:g}",
        "expires_at": f"{expires.astimezone(UTC):%Y-%m-%dT%H:%M}" if isinstance(expires, datetime) else "",
        "member": members[audience.member],
        "persona": audience.persona or "",
        "user_ids": "\n".join(audience.user_ids or ()),
        **{f"message_{key}": str(campaign.message.get(key, "")) for key in MESSAGE},
    }


def given_of(form: Mapping[str, str]) -> dict[str, Any]:
    """Return what a form says as the books take it. Raises InputFault for a number or a time that is none."""
    said = {name: value.strip() for name, value in form.items()}
    given: dict[str, Any] = {name: said.get(name, "") for name in ("name", "category", "channel")}
    given |= {name: _number(name, said[name]) for name in ("value", "relevance") if said.get(name)}
    if said.get("item_id"):
        given["item_id"] = said["item_id"]
    if said.get("expires_at"):
        given["expires_at"] = _instant(said["expires_at"])
    if said.get("member", "") not in _MEMBER:
        raise InputFault("campaign.audience.member", said["member"][:40], "is no choice", "choose one of the list")
    audience: dict[str, Any] = {"member": _MEMBER[said.get("member", "")], "persona": said.get("persona") or None}
    names = tuple(dict.fromkeys(one.strip() for one in form.get("user_ids", "").splitlines() if one.strip()))
    given["audience"] = audience | {"user_ids": names or None}
    given["message"] = {key: said[f"message_{key}"] for key in MESSAGE if said.get(f"message_{key}")}
    return given


def _number(name: str, text: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise InputFault(f"campaign.{name}", text[:40], "is no number", "write digits, such as 2.5") from None


def _instant(text: str) -> str:
    """Return the time of a browser's field, which is UTC here, as RFC 3339."""
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        raise InputFault("campaign.expires_at", text[:40], "is no time", "write it as 2026-05-04T18:00") from None
    return (at if at.tzinfo else at.replace(tzinfo=UTC)).isoformat()
