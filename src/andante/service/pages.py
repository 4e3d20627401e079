"""Pages that people see: leaving a channel. A GET shows what a button would do, and changes nothing (RFC 8058)."""

from __future__ import annotations

import base64
import hashlib
import tomllib
from functools import cache
from html import escape
from importlib.resources import files
from string import Template
from typing import TYPE_CHECKING

from andante.service.problem import Problem
from andante.service.serving import Reply

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from andante.service.serving import Call, Serving
    from andante.service.tokens import Leaving

    Words = Mapping[str, str]

HTML = "text/html; charset=utf-8"
LANGUAGES, THEMES = ("en", "zh"), ("auto", "light", "dark")
_LANGUAGE, _THEME = "andante_language=", "andante_theme="
"""The cookies in which the other pages keep the language and the appearance that were chosen."""

_PAGE = Template(
    """<!DOCTYPE html><html lang="$lang" data-theme="$theme"><head><meta charset="utf-8">
<meta name="robots" content="noindex"><meta name="viewport" content="width=device-width, initial-scale=1">
<link rel="icon" href="data:,"><title>$title</title><style>$style</style></head>
<body><main><h1>$title</h1><p>$said</p>$form</main></body></html>"""
)
_FORM = Template(
    """<form method="post"><input type="hidden" name="List-Unsubscribe" value="One-Click">
<button>$button</button></form>"""
)


async def ask_leave(serving: Serving, call: Call) -> Reply:
    """Show who would leave what. Whoever merely looks, a mail scanner too, changes nothing."""
    words = _words(call.headers)
    try:
        leaving = serving.tokens.leaving_of(call.path["token"])
    except Problem:
        if b"text/html" not in call.headers.get(b"accept", b""):
            raise
        return _page(call, "lost", words["damaged"], status=404)
    said = words["ask"].format(channel=_channel(words, leaving))
    return _page(call, "title", said, _FORM.substitute(button=words["button"]))


async def leave(serving: Serving, call: Call) -> Reply:
    """Leave a channel, at once: the consent is withdrawn, and the outcome counts. Doing it twice is no fault."""
    leaving = serving.tokens.leaving_of(call.path["token"])
    await serving.workers.run(_withdraw, serving, leaving)
    serving.news()
    words = _words(call.headers)
    return _page(call, "done", words["left"].format(channel=_channel(words, leaving)))


def _withdraw(serving: Serving, leaving: Leaving) -> None:
    """Withdraw the consent first, which always works; the outcome is for learning, and its decision may be gone."""
    serving.engine.set_preferences(leaving.user_id, {"consent": {leaving.channel: False}})
    serving.engine.observe([{"decision_id": leaving.decision_id, "type": "unsubscribed"}])


def _channel(words: Words, leaving: Leaving) -> str:
    return words.get(leaving.channel, leaving.channel.replace("_", " "))


def _page(call: Call, title: str, said: str, form: str = "", status: int = 200) -> Reply:
    words, (style, policy) = _words(call.headers), _style()
    theme = _chosen(call.headers, _THEME, THEMES) or THEMES[0]
    page = _PAGE.substitute(
        lang=words["lang"], theme=theme, title=words[title], style=style, said=escape(said), form=form
    )
    headers = ((b"content-security-policy", policy), (b"x-robots-tag", b"noindex"))
    return Reply(page.encode(), status, HTML, headers)


@cache
def _style() -> tuple[str, bytes]:
    """Return the style of the page, and the policy that lets it and nothing else in."""
    style = files("andante.service").joinpath("pages.css").read_text(encoding="utf-8")
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    policy = (
        f"default-src 'none'; style-src 'sha256-{digest}'; img-src data:; form-action 'self'; frame-ancestors 'none'"
    )
    return style, policy.encode()


def _words(headers: Mapping[bytes, bytes]) -> Words:
    """Return the words of the language that was chosen on our pages, else that the browser prefers, else English."""
    chosen = _chosen(headers, _LANGUAGE, LANGUAGES)
    preferred = headers.get(b"accept-language", b"").decode("latin-1").split(",")
    known = (one for part in preferred if (one := part.partition(";")[0].strip()[:2].lower()) in LANGUAGES)
    return _read(chosen or next(known, LANGUAGES[0]))


def _chosen(headers: Mapping[bytes, bytes], name: str, allowed: Sequence[str]) -> str | None:
    """Return what a cookie says, where that is one of what it may."""
    cookies = headers.get(b"cookie", b"").decode("latin-1").split("; ")
    said = (one.removeprefix(name) for one in cookies if one.startswith(name))
    return next((one for one in said if one in allowed), None)


@cache
def _read(language: str) -> Words:
    return tomllib.loads(files("andante.service").joinpath("languages", f"{language}.toml").read_text(encoding="utf-8"))
