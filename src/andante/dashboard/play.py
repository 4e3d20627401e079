"""The play page: sliders for the satisfaction curve, fatigue and the budget, and what they change, at once."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any, NamedTuple

from starlette.responses import JSONResponse

from andante.dashboard.doors import door, show
from andante.site.rendering import environment

if TYPE_CHECKING:
    from starlette.responses import Response
    from starlette.routing import BaseRoute

    from andante.dashboard.console import Console
    from andante.dashboard.play_figures import Knobs, Population
    from andante.site.charts import Chart
    from andante.site.pages import Visit
    from andante.site.words import Words

GROUPS = {
    "curve": ("rise", "turn", "fall"),
    "fatigue": (
        "pace",
        "fatigue_days",
        "habituation_days",
        "fatigue_open",
        "habituation_open",
        "fatigue_refusal",
        "open_rate",
        "refusal_rate",
    ),
    "budget": ("budget",),
}
"""Which parameters stand together, and above which charts."""

RECOUNTED_US = 60_000_000
"""How long a count of the users is good enough to play with."""

IN_PERCENT = frozenset({"open_rate", "refusal_rate"})


class Slider(NamedTuple):
    """One parameter, as the page asks for it."""

    name: str
    least: float
    most: float
    step: float
    value: float
    written: str


def routes(console: Console) -> list[BaseRoute]:
    """Return the routes of the play page."""
    page = Play()
    return [door(console, "GET", "play", page.look), door(console, "GET", "play.json", page.move)]


class Play:
    """The page, and whom it tries a budget on: sliders move often, and users are counted once a minute."""

    def __init__(self) -> None:
        """Know nobody yet."""
        self._people: Population | None = None
        self._counted_us = 0

    async def look(self, console: Console, seen: Visit) -> Response:
        """Show the page at the parameters of the URL."""
        knobs, charts, own = await console.run(self._played, console, seen)
        return show(console, seen, "play.html", groups=_sliders(knobs, seen.words), charts=charts, own=own)

    async def move(self, console: Console, seen: Visit) -> Response:
        """Answer a slider that moved: what replaces the charts and the outputs."""
        knobs, charts, _ = await console.run(self._played, console, seen)
        texts = {one.name: one.written for sliders in _sliders(knobs, seen.words).values() for one in sliders}
        told = {name: _told(seen, chart) for name, chart in charts.items()}
        return JSONResponse({"texts": texts, "charts": told}, headers={"cache-control": "no-store"})

    def _played(self, console: Console, seen: Visit) -> tuple[Knobs, dict[str, Chart], bool]:
        """Return the parameters that are asked for, the charts by name, and whether the users are the server's own."""
        from andante.dashboard import play_charts as drawn  # noqa: PLC0415  altair is slow to import
        from andante.dashboard import play_figures as figures  # noqa: PLC0415  as NumPy and the compiled kernels are

        settings, words = console.engine.settings, seen.words
        knobs = figures.asked_knobs(seen.request.query_params, figures.knobs_of(settings))
        people = self._met(console)
        half_year, plan = figures.played(knobs, settings), figures.planned(knobs, people.best_paces)
        charts = (
            drawn.satisfaction_chart(knobs, figures.satisfied(knobs), words),
            drawn.pressure_chart(knobs, figures.tired(knobs, settings), words),
            drawn.opens_chart(half_year, words),
            drawn.staying_chart(knobs, half_year, words),
            drawn.plan_chart(knobs, plan, people, words),
            drawn.price_chart(knobs, plan, words),
        )
        return knobs, {chart.name: chart for chart in charts}, bool(people.users)

    def _met(self, console: Console) -> Population:
        from andante.dashboard.play_figures import population_of  # noqa: PLC0415  as above

        now_us = console.now_us()
        if self._people is None or not self._people.users or now_us - self._counted_us >= RECOUNTED_US:
            self._people, self._counted_us = population_of(console.engine.inspection.survey()), now_us
        return self._people


def _sliders(knobs: Knobs, words: Words) -> dict[str, list[Slider]]:
    from andante.dashboard.play_figures import LIMITS  # noqa: PLC0415  as above

    values = asdict(knobs)
    return {
        group: [Slider(name, *LIMITS[name], values[name], written(name, values[name], words)) for name in names]
        for group, names in GROUPS.items()
    }


def written(name: str, value: float, words: Words) -> str:
    """Write a parameter's value for people, with its unit."""
    shown = f"{100 * value:.3g}%" if name in IN_PERCENT else f"{value:.3g}"
    return words.text(f"play.unit_{name}", value=shown) if f"play.unit_{name}" in words.sentences else shown


def _told(seen: Visit, chart: Chart) -> dict[str, Any]:
    """Return what replaces a chart's data, sentence and table."""
    rows = next(iter(chart.spec["datasets"].values())) if "datasets" in chart.spec else chart.spec["data"]["values"]
    macros = environment("andante.dashboard").get_template("macros.html").make_module({"w": seen.words, "v": seen})
    return {"values": rows, "says": chart.says, "table": str(macros.table(chart.table))}  # type: ignore[attr-defined]
