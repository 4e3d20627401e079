"""The page "Plan and fairness": how often shoppers are to be pushed, whether that moved, is fair, and pays."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

import msgspec
from starlette.responses import Response

from andante.dashboard.console import BELOW, ROOM
from andante.dashboard.doors import door, show
from andante.dashboard.feeding import SURVEY_S, Kept
from andante.dashboard.now import NO_STORE
from andante.site.words import words_of
from andante.vocabulary.fault import NotEnoughData

if TYPE_CHECKING:
    from collections.abc import Callable

    from starlette.routing import BaseRoute

    from andante.dashboard.console import Console
    from andante.dashboard.plan_figures import Fact, Planned
    from andante.monitoring.lift import Fairness, Lift
    from andante.site.charts import Chart
    from andante.site.pages import Visit
    from andante.site.words import Language

Answer = TypeVar("Answer")


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The page in one language at one moment, and the same for a page that is open already."""

    headline: str
    facts: dict[str, Fact]
    charts: dict[str, Chart]
    body: bytes  # JSON for live.js


def routes(console: Console) -> list[BaseRoute]:
    """Return the routes of the page."""
    plan = PlanPage(console)
    return [door(console, "GET", "plan", plan.look), door(console, "GET", "plan.json", plan.tell)]


class PlanPage:
    """The page and its snapshots."""

    def __init__(self, console: Console) -> None:
        """Store the console."""
        self._console = console
        self._snapshots = Kept(self._snapshot, SURVEY_S)

    async def look(self, console: Console, seen: Visit) -> Response:
        """Show the page."""
        snapshot = await self._snapshots.get(seen.words.language)
        live = f"{BELOW}plan.json?language={seen.words.language}"
        return show(console, seen, "plan.html", snapshot=snapshot, live=live)

    async def tell(self, console: Console, seen: Visit) -> Response:  # noqa: ARG002  every handler is given both
        """Answer a page that is open with what replaces its figures."""
        snapshot = await self._snapshots.get(seen.words.language)
        return Response(snapshot.body, media_type="application/json", headers=NO_STORE)

    async def _snapshot(self, language: Language) -> Snapshot:
        return await self._console.run(self._made, language)

    def _made(self, language: Language) -> Snapshot:
        from andante.dashboard import plan_figures as figures  # noqa: PLC0415  altair is slow to import
        from andante.site.charts import told  # noqa: PLC0415  the same

        words, found = words_of(language, ROOM), self._found()
        facts = {
            name: say(found, words)
            for name, say in (
                ("drift", figures.drifted),
                ("fairness", figures.fair),
                ("price", figures.priced),
                ("lift", figures.lifted),
            )
        }
        charts, headline = figures.charts(found, words), figures.headline(found, words)
        texts = {"headline": headline}
        texts |= {f"{name}_said": fact.said for name, fact in facts.items()}
        texts |= {f"{name}_tag": fact.tag for name, fact in facts.items()}
        drawn = {name: told(chart, words) for name, chart in charts.items()}
        return Snapshot(headline, facts, charts, msgspec.json.encode({"texts": texts, "charts": drawn}))

    def _found(self) -> Planned:
        from andante.dashboard.now_figures import SPANS  # noqa: PLC0415  as above
        from andante.dashboard.plan_figures import Planned  # noqa: PLC0415  as above

        watch, engine, now_us = self._console.watch, self._console.engine, self._console.now_us()
        week = SPANS["week"]
        lift: Lift | None = _unless_early(watch.lift, now_us)
        fairness: Fairness | None = _unless_early(watch.fairness, now_us)
        return Planned(
            survey=engine.inspection.survey(),
            drift=watch.drift(),
            lift=lift,
            fairness=fairness,
            week=watch.series(week.length_s, week.buckets),
            coarse=watch.series(week.length_s, week.rows),
            holdout=engine.settings.experiment.holdout,
        )


def _unless_early(ask: Callable[[int], Answer], now_us: int) -> Answer | None:
    try:
        return ask(now_us)
    except NotEnoughData:
        return None
