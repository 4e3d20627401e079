"""The page "Now": what happened in the last hour, day or week, what is wrong, what was decided last, live.

One snapshot a second serves all who look; the page that comes without JavaScript is made of the same one.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import msgspec
from markupsafe import Markup
from starlette.responses import Response

from andante.dashboard import switching
from andante.dashboard.console import BELOW, ROOM
from andante.dashboard.doors import door, show
from andante.dashboard.feeding import Kept
from andante.dashboard.latest import Latest
from andante.site.rendering import render
from andante.site.words import words_of
from andante.vocabulary.fault import InputFault, NotEnoughData

if TYPE_CHECKING:
    from collections.abc import Sequence

    from starlette.routing import BaseRoute

    from andante.dashboard.console import Console
    from andante.dashboard.latest import Decided
    from andante.dashboard.now_figures import Found, Tile
    from andante.dashboard.switching import Thrown
    from andante.live.survey import Survey
    from andante.monitoring.alarms import Alarm
    from andante.site.charts import Chart
    from andante.site.pages import Visit
    from andante.site.words import Language, Words

SPAN = "hour"
"""How far the page looks back unless it is asked otherwise."""

COUNTED_S = 30.0
"""How old the number of users may be that pushes are divided by."""

NO_STORE = {"cache-control": "no-store", "x-content-type-options": "nosniff"}


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The page in one language at one moment, and the same for a page that is open already."""

    headline: str
    as_of: str
    tiles: tuple[Tile, ...]
    html: dict[str, Markup]
    charts: dict[str, Chart]
    body: bytes  # JSON for live.js


def routes(console: Console) -> list[BaseRoute]:
    """Return the routes of the page, and of the kill switch on it."""
    now = Now(console)
    return [
        door(console, "GET", "", now.look),
        door(console, "GET", "now.json", now.tell),
        *switching.routes(console),
    ]


class Now:
    """The page and its snapshots."""

    def __init__(self, console: Console) -> None:
        """Store the console. Raises InputFault for an engine that has no file to look at."""
        if console.serving.database is None:
            raise InputFault("the dashboard", None, "shows a file, and this engine has none", "serve a file")
        self._console = console
        self._latest = Latest(console.serving.database)
        self._snapshots = Kept(self._snapshot)
        self._surveys = Kept(self._survey, COUNTED_S)

    async def look(self, console: Console, seen: Visit) -> Response:
        """Show the page."""
        span = seen.asked("span", SPAN)
        snapshot = await self._snapshots.get((span, seen.words.language))
        names = await console.run(_stoppable, console)
        live = f"{BELOW}now.json?span={span}&language={seen.words.language}"
        # Whoever has just thrown a switch looks here next, so this is never a second old.
        stopped = await console.run(lambda: _thrown(switching.thrown(console), seen.words))
        given: dict[str, Any] = {"snapshot": snapshot, "span": span, "live": live, "stoppable": names}
        return show(console, seen, "now.html", **given, thrown=Markup(stopped))  # noqa: S704  our own template

    async def tell(self, console: Console, seen: Visit) -> Response:  # noqa: ARG002  every handler is given both
        """Answer a page that is open with what replaces its figures."""
        snapshot = await self._snapshots.get((seen.asked("span", SPAN), seen.words.language))
        return Response(snapshot.body, media_type="application/json", headers=NO_STORE)

    async def _survey(self, nothing: None) -> Survey:  # noqa: ARG002  there is but one
        return await self._console.run(self._console.engine.inspection.survey)

    async def _snapshot(self, key: tuple[str, Language]) -> Snapshot:
        survey = await self._surveys.get(None)
        return await self._console.run(self._made, *key, survey.users)

    def _made(self, span: str, language: Language, users: int) -> Snapshot:
        from andante.dashboard import now_figures as figures  # noqa: PLC0415  altair is slow to import
        from andante.site.charts import told  # noqa: PLC0415  the same

        if span not in figures.SPANS:
            raise InputFault("span", span, "is none of the spans", f"ask for {', '.join(figures.SPANS)}")
        words = words_of(language, ROOM)
        found = self._found(figures.SPANS[span], users)
        tiles, charts = figures.tiles(found, words), figures.charts(found, words)
        headline = figures.headline(found, words)
        as_of = words.text("now.as_of", time=f"{found.fine.until:%H:%M:%S}")
        html = fragments(found, words)
        texts = {"headline": headline, "as_of": as_of}
        texts |= {f"tile_{tile.name}": tile.value for tile in tiles}
        texts |= {f"tile_{tile.name}_note": tile.note for tile in tiles}
        drawn = {name: told(chart, words) for name, chart in charts.items()}
        body = msgspec.json.encode({"texts": texts, "html": html, "charts": drawn})
        return Snapshot(headline, as_of, tiles, {name: Markup(text) for name, text in html.items()}, charts, body)  # noqa: S704  our own templates

    def _found(self, span: Any, users: int) -> Found:
        from andante.dashboard.now_figures import Found  # noqa: PLC0415  as above

        watch, engine = self._console.watch, self._console.engine
        try:
            alarms = watch.alarms(self._console.now_us())
        except NotEnoughData:
            alarms = ()
        categories = engine.settings.categories
        return Found(
            span=span,
            fine=watch.series(span.length_s, span.buckets),
            coarse=watch.series(span.length_s, span.rows),
            reasons=watch.reasons(span.length_s),
            alarms=alarms,
            latest=self._latest.look(),
            thrown=switching.thrown(self._console),
            users=users,
            waited_for=frozenset(name for name, category in categories.items() if category.transactional),
        )


def fragments(found: Found, words: Words) -> dict[str, str]:
    """Return what is replaced as a whole: alarms, what is stopped, the latest decisions."""
    alarms = [_alarm(alarm, words) for alarm in found.alarms]
    latest = [_decision(decided, words) for decided in found.latest.decisions]
    return {
        "alarms": render(ROOM, "now-alarms.html", words, alarms=alarms),
        "thrown": _thrown(found.thrown, words),
        "latest": render(ROOM, "now-latest.html", words, latest=latest),
    }


def _thrown(several: Sequence[Thrown], words: Words) -> str:
    thrown = [{"said": switching.said(one, words), "lifts": one.lifts} for one in several]
    return render(ROOM, "now-thrown.html", words, thrown=thrown)


def _alarm(alarm: Alarm, words: Words) -> dict[str, str]:
    evidence: dict[str, str] = {name: words.decimal(value) for name, value in alarm.evidence.items()}
    if p_value := alarm.evidence.get("p_value"):
        evidence["odds"] = words.compact(min(1 / p_value, 1e9))
    for name in ("failed_share", "tolerable_share"):
        evidence[name] = words.percent(alarm.evidence.get(name, _share(alarm)))
    for name in ("silent", "longest_silence"):
        evidence[name] = words.decimal(alarm.evidence.get(f"{name}_s", 0.0) / 60)
    name = words.code("flow", alarm.name or "") if alarm.scope == "flow" else alarm.name or ""
    return {
        "title": words.text(alarm.words, name=name),
        "evidence": words.text(f"alarm.{alarm.kind}_evidence", **evidence),
        "do": words.text(f"alarm.{alarm.kind}_do"),
        "since": words.text("alarm.since", at=words.moment(alarm.since)),
        "stops": _stops(alarm),
    }


def _share(alarm: Alarm) -> float:
    return alarm.evidence.get("failed", 0.0) / max(alarm.evidence.get("pushes", 0.0), 1.0)


def _stops(alarm: Alarm) -> str:
    """Return where an operator can stop what an alarm is about; nothing for what no switch would help."""
    if alarm.kind == "stopped":
        return ""
    scope = switching.GLOBAL if alarm.scope == "all" else f"{alarm.scope}:{alarm.name}"
    return f"{switching.SWITCH}?scope={quote(scope, safe='')}&state=on"


def _decision(decided: Decided, words: Words) -> dict[str, str]:
    at = datetime.fromisoformat(decided.at).astimezone(UTC)
    about = [decided.channel or ""]
    if decided.campaign_id is not None:
        about.append(words.text("now.in_campaign", campaign=decided.campaign_id))
    return {
        "action": decided.action,
        "said": words.text(f"action.{decided.action}"),
        "why": words.code("reason", decided.reason),
        "user": decided.user_id,
        "user_path": f"{BELOW}users/{quote(decided.user_id, safe='')}",
        "path": f"{BELOW}decisions/{quote(decided.decision_id, safe='')}",
        "at": decided.at,
        "time": f"{at:%H:%M:%S}",
        "about": " · ".join(filter(None, about)),
    }


def _stoppable(console: Console) -> dict[str, list[str]]:
    """Return what there is to stop, by its kind: what went out lately, and what is configured."""
    from andante.dashboard.now_figures import WEEK_S  # noqa: PLC0415  as above

    lately = console.watch.series(WEEK_S, 1)
    categories = {*lately.categories, *console.engine.settings.categories}
    return {
        "channel": sorted(lately.channels),
        "category": sorted(categories),
        "campaign": [one.campaign_id for one in console.watch.campaigns(WEEK_S) if one.category is not None],
    }
