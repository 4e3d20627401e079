"""Switching: the kill switch. What it stops now, who threw it, and throwing or lifting it in two steps."""

from __future__ import annotations

from datetime import datetime  # noqa: TC003  a field
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import quote, urlencode

from andante.dashboard.console import BELOW, who_of
from andante.dashboard.doors import SIGN_IN, door, show
from andante.site.pages import go
from andante.vocabulary.fault import InputFault

if TYPE_CHECKING:
    from starlette.responses import Response
    from starlette.routing import BaseRoute

    from andante.dashboard.console import Console
    from andante.operators import Books
    from andante.site.pages import Visit
    from andante.site.words import Words

GLOBAL = "global"
SWITCH = f"{BELOW}switch"
HOUR_S = 3600
ENTRIES_MAX = 1000
"""So many of the latest throws are looked through for what is thrown now."""

_STATES = {"on": True, "off": False}


class Thrown(NamedTuple):
    """A switch that is on."""

    scope: str
    at: datetime
    who: str

    @property
    def lifts(self) -> str:
        """Where it can be lifted."""
        return f"{SWITCH}?{urlencode({'scope': self.scope, 'state': 'off'})}"


def routes(console: Console) -> list[BaseRoute]:
    """Return the routes of the kill switch."""
    return [door(console, "GET", "switch", confirm), door(console, "POST", "switch", throw)]


async def confirm(console: Console, seen: Visit) -> Response:
    """Say what throwing or lifting a switch will do, and ask for it."""
    if seen.who is None:
        here = f"{seen.request.url.path}?{seen.request.url.query}"
        return go(f"{SIGN_IN}?next={quote(here, safe='')}")
    scope, on = seen.asked("scope", GLOBAL), _state(seen.asked("state", "on"))
    recent = await console.run(console.watch.series, HOUR_S, 1)
    given: dict[str, Any] = {"scope": scope, "on": on, "kind": kind_of(scope), "name": name_of(scope)}
    return show(console, seen, "now-switch.html", **given, sends=sum(recent.sends))


async def throw(console: Console, seen: Visit) -> Response:
    """Throw a switch or lift it. When this has answered, the engine decides by it."""
    scope, on = seen.form.get("scope", ""), _state(seen.form.get("state", ""))
    await console.run(_throw, console.books, who_of(seen.who), scope, on)
    console.serving.news()
    return go(f"{BELOW}#switch")


def thrown(books: Books) -> tuple[Thrown, ...]:
    """Return the switches that are on, the latest first, as the audit has them."""
    latest: dict[str, Thrown | None] = {}
    for entry in books.audit.entries(limit=ENTRIES_MAX, action="switch"):
        if entry.refused is None and entry.subject not in latest:
            on = bool(entry.detail.get("on"))
            latest[entry.subject] = Thrown(entry.subject, entry.at, entry.who) if on else None
    return tuple(one for one in latest.values() if one is not None)


def kind_of(scope: str) -> str:
    """Return what a scope is of: global, channel, category or campaign. Raises InputFault for what is none."""
    kind, colon, name = scope.partition(":")
    if scope == GLOBAL or (kind in {"channel", "category", "campaign"} and colon and name):
        return kind
    raise InputFault("the scope of the kill switch", scope, "is none", "choose one on the page")


def name_of(scope: str) -> str:
    """Return the name that a scope holds: of a channel, a category or a campaign.

    >>> name_of("category:promotion"), name_of("global")
    ('promotion', '')
    """
    return scope.partition(":")[2]


def what(scope: str, words: Words) -> str:
    """Return what a switch stops, in words."""
    return words.text(f"switch.what_{kind_of(scope)}", name=name_of(scope))


def _throw(books: Books, who: str, scope: str, on: bool) -> str:  # noqa: FBT001  by place, as workers give it
    return books.switch(who, scope, on=on)


def _state(said: str) -> bool:
    if said not in _STATES:
        raise InputFault("the state of the kill switch", said, "is neither on nor off", "use the buttons of the page")
    return _STATES[said]
