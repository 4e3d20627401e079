"""Pages that people see: leaving a channel. A GET shows what a button would do, and changes nothing (RFC 8058)."""

from __future__ import annotations

from html import escape
from string import Template
from typing import TYPE_CHECKING

from andante.service.serving import Reply

if TYPE_CHECKING:
    from andante.service.serving import Call, Serving
    from andante.service.tokens import Leaving

HTML = "text/html; charset=utf-8"

_PAGE = Template(
    """<!doctype html><html lang="en"><meta charset="utf-8"><meta name="robots" content="noindex">
<meta name="viewport" content="width=device-width"><title>$title</title><h1>$title</h1><p>$said</p>$form</html>"""
)
_FORM = """<form method="post"><input type="hidden" name="List-Unsubscribe" value="One-Click">
<button>Unsubscribe</button></form>"""
_POLICY = ((b"content-security-policy", b"default-src 'none'; form-action 'self'; frame-ancestors 'none'"),)


async def ask_leave(serving: Serving, call: Call) -> Reply:
    """Show who would leave what. Whoever merely looks, a mail scanner too, changes nothing."""
    leaving = serving.tokens.leaving_of(call.path["token"])
    said = f"Press the button, and nothing more is sent to you on {leaving.channel}."
    return _page("Unsubscribe", said, _FORM)


async def leave(serving: Serving, call: Call) -> Reply:
    """Leave a channel, at once: the consent is withdrawn, and the outcome counts. Doing it twice is no fault."""
    leaving = serving.tokens.leaving_of(call.path["token"])
    await serving.workers.run(_withdraw, serving, leaving)
    serving.news()
    return _page("Unsubscribed", f"Nothing more is sent to you on {leaving.channel}.", "")


def _withdraw(serving: Serving, leaving: Leaving) -> None:
    """Withdraw the consent first, which always works; the outcome is for learning, and its decision may be gone."""
    serving.engine.set_preferences(leaving.user_id, {"consent": {leaving.channel: False}})
    serving.engine.observe([{"decision_id": leaving.decision_id, "type": "unsubscribed"}])


def _page(title: str, said: str, form: str) -> Reply:
    page = _PAGE.substitute(title=title, said=escape(said), form=form)
    return Reply(page.encode(), media_type=HTML, headers=_POLICY)
