"""Presentation: how text, a list, a card and a video look at each provider, and who can show what.

What a provider shows by itself is in ``NATIVE``. An app may show more from the data that comes with a push, where it
was written to: the setting ``app_forms`` of its channel says so. Anything else is refused, never reduced.
"""

from __future__ import annotations

import hashlib
import json
import re
from html import escape
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final

from andante.channels.contract import Answer, Content, Status
from andante.channels.fitness import unfit

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from andante.channels.contract import Push

NATIVE: Final[Mapping[str, tuple[str, ...]]] = MappingProxyType(
    {
        "fcm": ("text", "card"),  # Notification.image
        "apns": ("text",),  # pictures and videos need the app's own extension
        "huawei": ("text", "card", "list"),  # image at the right; style 3, Inbox
        "jpush": ("text", "card", "list"),  # of Android: style 3, big picture; style 2, Inbox
        "jpush_ios": ("text",),
        "email": ("text", "card", "list"),  # mail programs play no videos
        "apprise": ("text",),
    }
)
"""The forms that a provider shows by itself."""

NEEDS: Final[Mapping[str, str]] = MappingProxyType({"card": "image_url", "list": "entries", "video": "video_url"})
"""What a form cannot be without."""

COLLAPSE_BYTES_MAX = 64
_PLAIN = re.compile(r"[A-Za-z0-9_.-]+")

HUAWEI_LINES_MAX = 5
HUAWEI_LINE_MAX = 1_024


def forms(provider: str, app_forms: Sequence[str] = ()) -> tuple[str, ...]:
    """Return the forms that pushes through a provider can have.

    >>> forms("apns", ["video"])
    ('text', 'video')
    """
    return tuple(dict.fromkeys((*NATIVE[provider], *app_forms)))


def unsendable(push: Push, shown: Sequence[str], now_s: float) -> Answer | None:
    """Return why a push cannot go out here now, or None: its form, its time, or what its form cannot be without."""
    if refusal := unfit(push, shown, now_s):
        return refusal
    form = push.content.form
    needed = NEEDS.get(form)
    if needed is not None and not getattr(push.content, needed):
        return unable("content", f"a push as {form} needs {needed}")
    return None


def unable(code: str, detail: str) -> Answer:
    """Return a loud refusal, made by ourselves before anything was sent."""
    return Answer(status=Status.UNABLE, code=code, detail=detail)


def left_s(expires_s: int, now_s: float, most_s: int) -> int:
    """Return a time to live: whole seconds, one at least."""
    return max(min(int(expires_s - now_s), most_s), 1)


def collapse_id(push: Push) -> str:
    """Return the name under which a push takes the place of an earlier one that is still there, of 64 bytes at most.

    Of a campaign only the last push is shown; any other push takes the place of itself alone, so that an attempt that
    is repeated is not seen twice.

    >>> from andante.channels.contract import Content, Push
    >>> shown = {"user_id": "u", "candidate_id": "c", "category": "p", "channel": "push", "sent_at_s": 0}
    >>> collapse_id(Push(decision_id="log-1-2", campaign_id="spring", content=Content(title="Sale"), **shown))
    'campaign-spring'
    """
    whole = push.campaign_id is None or push.transactional
    name = f"decision-{push.decision_id}" if whole else f"campaign-{push.campaign_id}"
    if len(name) <= COLLAPSE_BYTES_MAX and _PLAIN.fullmatch(name):
        return name
    return f"{name[:8]}-{hashlib.blake2b(name.encode(), digest_size=16).hexdigest()}"


def lines(content: Content) -> list[str]:
    """Return the entries of a list, a line each."""
    return [": ".join(part for part in (one.get("title"), one.get("body")) if part) for one in content.entries]


def for_app(push: Push, *, native: bool) -> dict[str, str]:
    """Return the data that comes with a push: whose it is, where a click leads, and what the app shows itself."""
    content = push.content
    ours: dict[str, str | None] = {
        "decision_id": push.decision_id,
        "url": content.url,
        "outcome_url": push.outcome_url,
    }
    if not native:
        entries = json.dumps(content.entries, ensure_ascii=False, separators=(",", ":")) if content.entries else None
        ours |= {"form": content.form, "title": content.title, "body": content.body, "entries": entries}
        ours |= {"image_url": content.image_url, "video_url": content.video_url}
    return content.data | {name: value for name, value in ours.items() if value}


def fcm_part(push: Push) -> dict[str, Any]:
    """Return the notification and the data of an FCM message. What only the app can show goes as data alone."""
    content = push.content
    if content.form not in NATIVE["fcm"]:
        return {"data": for_app(push, native=False)}
    notification = {"title": content.title, "body": content.body}
    if content.form == "card" and content.image_url:
        notification["image"] = content.image_url
    return {"notification": notification, "data": for_app(push, native=True)}


def apns_part(push: Push, level: str) -> dict[str, Any]:
    """Return the payload of an APNs notification. What only the app can show goes through its extension."""
    content, native = push.content, push.content.form in NATIVE["apns"]
    alert = {"title": content.title} | ({"body": content.body} if content.body else {})
    aps: dict[str, Any] = {"alert": alert, "interruption-level": level}
    if not native:
        aps |= {"mutable-content": 1, "category": f"andante.{content.form}"}
    if level != "passive":
        aps["sound"] = "default"
    return {**for_app(push, native=native), "aps": aps}


def huawei_part(push: Push) -> dict[str, Any] | Answer:
    """Return the notification of a Push Kit message, or why it cannot be shown."""
    content = push.content
    notification: dict[str, Any] = {
        "title": content.title,
        "body": content.body,
        "click_action": _huawei_click(content),
    }
    if content.form == "card" and content.image_url:
        if not content.image_url.startswith("https://"):
            return unable("content", "Push Kit shows pictures behind https addresses only")
        notification["image"] = content.image_url
    if content.form == "list":
        inbox = lines(content)
        if len(inbox) > HUAWEI_LINES_MAX or any(len(line) > HUAWEI_LINE_MAX for line in inbox):
            return unable(
                "content", f"Push Kit shows lists of {HUAWEI_LINES_MAX} entries of {HUAWEI_LINE_MAX} characters"
            )
        notification |= {"style": 3, "inbox_content": inbox}
    return notification


def _huawei_click(content: Content) -> dict[str, Any]:
    if content.url is None:
        return {"type": 3}
    return {"type": 2, "url": content.url} if content.url.startswith("https://") else {"type": 1, "intent": content.url}


def jpush_part(push: Push, platform: str, level: str) -> dict[str, Any]:
    """Return the notification of a JPush push for one platform."""
    content = push.content
    if platform == "ios":
        native = content.form == "text"
        alert = {"title": content.title, "body": content.body}
        ios: dict[str, Any] = {"alert": alert, "interruption-level": level, "extras": for_app(push, native=native)}
        return {"ios": ios if native else {**ios, "mutable-content": True}}
    native = content.form in NATIVE["jpush"]
    android: dict[str, Any] = {
        "title": content.title,
        "alert": content.body or content.title,  # an empty one is not shown
        "extras": for_app(push, native=native),
    }
    if content.form == "list":
        android |= {"style": 2, "inbox": {str(place): line for place, line in enumerate(lines(content), 1)}}
    elif content.form == "card":
        android |= {"style": 3, "big_pic_path": content.image_url}
    return {"android": android}


def email_text(push: Push) -> str:
    """Return an e-mail's plain text."""
    content = push.content
    parts = [content.body or content.title]
    for entry, line in zip(content.entries, lines(content), strict=True):
        parts.append(f"• {line}" + (f"\n  {entry['url']}" if entry.get("url") else ""))
    parts += [content.url] if content.url else []
    parts += [f"Unsubscribe: {push.unsubscribe_url}"] if push.unsubscribe_url else []
    return "\n\n".join(parts) + "\n"


def email_html(push: Push) -> str:
    """Return an e-mail's HTML: the message's own layout, else a plain one of ours, with all that is said escaped."""
    content = push.content
    if content.html is not None:
        return content.html
    head = escape(content.title)
    parts = [f"<h1>{_link(content.url, head)}</h1>"]
    if content.image_url:
        parts.append(_link(content.url, f'<img src="{escape(content.image_url)}" alt="{head}" width="480">'))
    parts += [f"<p>{escape(line)}</p>" for line in content.body.splitlines() if line.strip()]
    if content.entries:
        entries = zip(content.entries, lines(content), strict=True)
        parts.append(
            "<ul>" + "".join(f"<li>{_link(one.get('url'), escape(line))}</li>" for one, line in entries) + "</ul>"
        )
    if push.unsubscribe_url:
        parts.append(f"<p><small>{_link(push.unsubscribe_url, 'Unsubscribe')}</small></p>")
    start = f'<!doctype html><html><head><meta charset="utf-8"><title>{head}</title></head><body>'
    return f"{start}{''.join(parts)}</body></html>"


def _link(url: str | None, shown: str) -> str:
    return f'<a href="{escape(url)}">{shown}</a>' if url else shown
