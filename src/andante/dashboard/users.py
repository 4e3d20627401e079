"""The pages of users: finding one, and everything that is known of one, in plain words."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from itertools import groupby
from typing import TYPE_CHECKING, Any, NamedTuple

from andante.dashboard.decisions import Because, figure, share, user_path
from andante.dashboard.doors import door, show
from andante.vocabulary.fault import UnknownUser

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import date

    from starlette.responses import Response
    from starlette.routing import BaseRoute

    from andante.dashboard.console import Console
    from andante.live.engine import Engine
    from andante.live.explanation import Counterfactual
    from andante.live.views import UserView
    from andante.site.pages import Visit
    from andante.site.words import Words

LISTED = 50
SHOWN = 200
"""How many entries of a user's history their page shows at most."""

_WEEK_S, _CENTURY_S = 604_800, 3_153_600_000
_CAP = re.compile(r"caps (\S+) (\S+) days")


def routes(console: Console) -> list[BaseRoute]:
    """Return the routes of the pages of users."""
    return [door(console, "GET", "users", find), door(console, "GET", "users/{user_id}", look)]


async def find(console: Console, seen: Visit) -> Response:
    """List users whose id begins as asked."""
    prefix = seen.asked("prefix").strip()
    users = await console.run(_found, console.engine, prefix)
    return show(console, seen, "users.html", prefix=prefix, users=users, most=LISTED, path_of=user_path, figure=figure)


async def look(console: Console, seen: Visit) -> Response:
    """Show everything that is known of a user."""
    user_id = seen.path["user_id"]
    why = await console.run(console.engine.explain, user_id)
    entries = await console.run(console.engine.inspection.decisions_of, user_id, SHOWN + 1)
    words = seen.words
    return show(
        console,
        seen,
        "user.html",
        u=why.user,
        why=why,
        because=Because(words),
        wishes=wishes(why.user, words),
        changes=[said(one, words) for one in why.counterfactuals],
        credit_at=credit_at(why.user),
        days=by_day(entries[:SHOWN], words),
        more=len(entries) > SHOWN,
        figure=figure,
        share=share,
    )


def _found(engine: Engine, prefix: str) -> list[UserView]:
    views = []
    for user_id in engine.inspection.users(prefix, LISTED):
        try:
            views.append(engine.user(user_id))
        except UnknownUser:  # erased meanwhile
            continue
    return views


def wishes(user: UserView, words: Words) -> list[str]:
    """Say what a user agreed to and asked for, a sentence each."""
    told = [words.text("user.known" if user.known else "user.unknown")]
    for key, asked in (("channels", user.consent), ("categories", user.categories)):
        for agreed, verb in ((True, "agreed"), (False, "refused")):
            named = [name for name, answer in asked.items() if answer is agreed]
            if named:
                told.append(words.text(f"user.{verb}_{key}", names=words.listing(named)))
    if user.quiet_hours is not None:
        zone = user.time_zone or words.text("user.shop_zone")
        told.append(words.text("user.quiet", start=user.quiet_hours[0], end=user.quiet_hours[1], zone=zone))
    for span in ("day", "week"):
        most = getattr(user, f"max_per_{span}")
        if most is not None:
            told.append(words.text(f"user.max_{span}", most=most))
    if user.paused_until is not None:
        told.append(words.text("user.paused", until=words.moment(user.paused_until)))
    if not user.profiling:
        told.append(words.text("user.no_profiling"))
    return [*told, words.text("user.member" if user.member else "user.no_member")]


def credit_at(user: UserView) -> datetime | None:
    """Return when the plan has credit for a push; None where it never will at this pace."""
    if user.credit >= 1.0:
        return user.at
    if user.pace_per_week <= 0:
        return None
    wait_s = (1.0 - user.credit) * _WEEK_S / user.pace_per_week
    return user.at + timedelta(seconds=wait_s) if wait_s < _CENTURY_S else None


def said(one: Counterfactual, words: Words) -> str:
    """Say one change with which the push would have gone out.

    >>> from andante.live.explanation import Counterfactual
    >>> from andante.site.words import words_of
    >>> one = Counterfactual(change="", setting="caps channel:push 7 days", before=3.0, after=4.0)
    >>> said(one, words_of("en", "andante.dashboard"))
    'with a cap of 4 instead of 3 in 7 days (channel:push)'
    """
    numbers = {"before": figure(one.before), "after": figure(one.after)}
    cap = _CAP.fullmatch(one.setting)
    if cap is not None:
        scope = words.code("user_change", cap[1]) if cap[1] == "global" else cap[1]
        return words.text("user_change.cap", scope=scope, days=cap[2], **numbers)
    key = f"user_change.{re.sub(r'[^a-z]+', '_', one.setting)}"
    return words.text(key, **numbers) if key in words.sentences else one.change


class Line(NamedTuple):
    """One entry of a user's history."""

    at: str  # time of day, UTC
    kind: str
    action: str | None  # of a decision
    decision_id: str | None  # where there is a page to look at
    text: str


def by_day(entries: Sequence[Mapping[str, Any]], words: Words) -> list[tuple[date, list[Line]]]:
    """Group the entries of a history, newest first, by their day in UTC."""
    timed = [(datetime.fromisoformat(one["at"]).astimezone(UTC), one) for one in entries]
    return [
        (day, [_line(at, one, words) for at, one in some])
        for day, some in groupby(timed, key=lambda pair: pair[0].date())
    ]


def _line(at: datetime, one: Mapping[str, Any], words: Words) -> Line:
    kind = one["kind"]
    text = {"decision": _decision, "event": _event, "outcome": _outcome, "preferences": _wish, "plan": _plan}[kind]
    return Line(f"{at:%H:%M:%S}", kind, one.get("action"), one.get("decision_id"), text(one, words))


def _decision(one: Mapping[str, Any], words: Words) -> str:
    offered = one.get("candidate_id") or words.listing([offer["candidate_id"] for offer in one.get("candidates", ())])
    reason = words.code("decision_reason", one["reasons"][0]) if one.get("reasons") else ""
    return words.text("user.line_decision", candidate=offered, reason=reason)


def _event(one: Mapping[str, Any], words: Words) -> str:
    said_of = [
        words.code("user_event", one["type"]),
        *(str(one[key]) for key in ("item_id", "category") if one.get(key)),
    ]
    return " · ".join([*said_of, *([figure(float(one["value"]))] if one.get("value") is not None else [])])


def _outcome(one: Mapping[str, Any], words: Words) -> str:
    more = one.get("rating", one.get("value"))
    return words.code("user_outcome", one["type"]) + ("" if more is None else f" · {figure(float(more))}")


def _wish(one: Mapping[str, Any], words: Words) -> str:
    hidden = {"at", "kind", "user_id"}
    return " · ".join(
        f"{words.code('user_wish', key)}: {_plainly(value, words)}" for key, value in one.items() if key not in hidden
    )


def _plan(one: Mapping[str, Any], words: Words) -> str:
    pace = one.get("plan_per_week")
    return words.text("user.line_plan", pace="–" if pace is None else words.pace(float(pace)))


def _plainly(value: object, words: Words) -> str:
    """Write a preference for people."""
    if value is None:
        return words.text("user.taken_back")
    if isinstance(value, bool):
        return words.text("shared.yes" if value else "shared.no")
    if isinstance(value, dict):
        if value.keys() == {"start", "end"}:
            return f"{value['start']}–{value['end']}"
        return words.listing([f"{name} {_plainly(inner, words)}" for name, inner in value.items()])
    return str(value)
