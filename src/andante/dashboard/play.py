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
    from andante.dashboard.play_figures import Knobs
    from andante.live.engine import Engine
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
    return [door(console, "GET", "play", look), door(console, "GET", "play.json", play)]


async def look(console: Console, seen: Visit) -> Response:
    """Show the page at the parameters of the URL."""
    knobs, charts = await console.run(_played, console.engine, seen)
    own = await console.run(_has_users, console.engine)
    return show(console, seen, "play.html", groups=_sliders(knobs, seen.words), charts=charts, own=own)


async def play(console: Console, seen: Visit) -> Response:
    """Answer a slider that moved: what replaces the charts and the outputs."""
    knobs, charts = await console.run(_played, console.engine, seen)
    texts = {one.name: one.written for sliders in _sliders(knobs, seen.words).values() for one in sliders}
    told = {name: _told(seen, chart) for name, chart in charts.items()}
    return JSONResponse({"texts": texts, "charts": told}, headers={"cache-control": "no-store"})


def _played(engine: Engine, seen: Visit) -> tuple[Knobs, dict[str, Chart]]:
    """Return the parameters that are asked for, and the charts by name."""
    from andante.dashboard import play_charts as drawn  # noqa: PLC0415  altair is slow to import
    from andante.dashboard import play_figures as figures  # noqa: PLC0415  as NumPy and the compiled kernels are

    knobs = figures.asked_knobs(seen.request.query_params, figures.knobs_of(engine.settings))
    people = figures.population_of(engine.inspection.survey())
    half_year = figures.played(knobs, engine.settings)
    plan = figures.planned(knobs, people.best_paces)
    charts = (
        drawn.satisfaction_chart(knobs, figures.satisfied(knobs), seen.words),
        drawn.pressure_chart(knobs, figures.tired(knobs, engine.settings), seen.words),
        drawn.opens_chart(half_year, seen.words),
        drawn.staying_chart(knobs, half_year, seen.words),
        drawn.plan_chart(knobs, plan, people, seen.words),
        drawn.price_chart(knobs, plan, seen.words),
    )
    return knobs, {chart.name: chart for chart in charts}


def _has_users(engine: Engine) -> bool:
    return bool(engine.inspection.users("", 1))


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
