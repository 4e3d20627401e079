"""Switching: the kill switch. What it stops now, who threw it, and throwing or lifting it in two steps."""

from __future__ import annotations

from datetime import UTC, datetime
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
    from andante.operators.audit import Entry
    from andante.site.pages import Visit
    from andante.site.words import Words

GLOBAL = "global"
SWITCH = f"{BELOW}switch"
HOUR_S = 3600
WEEK_S = 604_800
ENTRIES_MAX = 1000
"""So many of the latest throws are looked through for what is thrown now."""

_LONG_AGO = datetime.min.replace(tzinfo=UTC)
_STATES = {"on": True, "off": False}


class Thrown(NamedTuple):
    """A switch that is on."""

    scope: str
    at: datetime | None  # None: the audit does not know, as somebody asked the engine itself
    who: str | None

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


def thrown(console: Console) -> tuple[Thrown, ...]:
    """Return the switches that are on, the latest first: the engine says which, the audit since when and by whom.

    The engine keeps only hashes of campaigns: those are found that the audit, the books or the log of a week name.
    """
    audit, campaigns = console.books.audit, console.books.campaigns
    latest: dict[str, Entry] = {}
    for entry in audit.entries(limit=ENTRIES_MAX, action="switch"):
        if entry.refused is None:
            latest.setdefault(entry.subject, entry)
    named = [name_of(scope) for scope in latest if scope.startswith("campaign:")]
    named += [filed.campaign_id for filed in campaigns.listed(limit=ENTRIES_MAX)]
    named += [one.campaign_id for one in console.watch.campaigns(WEEK_S)]
    found = [_thrown(scope, latest.get(scope)) for scope in console.engine.stopped(named)]
    return tuple(sorted(found, key=lambda one: one.at or _LONG_AGO, reverse=True))


def _thrown(scope: str, latest: Entry | None) -> Thrown:
    """Return a switch with who threw it, unless the audit's last word of it is another one."""
    if latest is None or not latest.detail.get("on"):
        return Thrown(scope, None, None)
    return Thrown(scope, latest.at, latest.who)


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


def said(one: Thrown, words: Words) -> str:
    """Return what is stopped, since when and by whom, as far as it is known."""
    if one.at is None or one.who is None:
        return words.text("switch.thrown_unknown", what=what(one.scope, words))
    return words.text("switch.thrown", what=what(one.scope, words), at=words.moment(one.at), who=one.who)


def _throw(books: Books, who: str, scope: str, on: bool) -> str:  # noqa: FBT001  by place, as workers give it
    return books.switch(who, scope, on=on)


def _state(said: str) -> bool:
    if said not in _STATES:
        raise InputFault("the state of the kill switch", said, "is neither on nor off", "use the buttons of the page")
    return _STATES[said]
