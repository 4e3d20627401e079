"""Charts: a Vega-Lite specification, a sentence that says what it shows, and its figures as a table.

A page draws them in the browser; the data of a live one is replaced by what its page polls (``assets/live.js``).
Specifications of live charts hold no rows and are made once for the words on them; :func:`filled` puts rows in.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any, NamedTuple

import altair as alt

from andante.report.drawing import (
    LABEL_OFFSET_PX,
    MARK_OFFSET_PX,
    Drawn,
    Spec,
    chart,
    height_px,
    marked,
    names,
    row_axis,
    spec,
    tip,
    values,
    whiskers,
)
from andante.report.theme import ACCENT, CARD, CONFIG, FAINT, INK, LINE, ROW_PX, SOFT, WARM
from andante.site.rendering import environment

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from andante.site.words import Words

__all__ = [
    "ACCENT",
    "CARD",
    "CONFIG",
    "FAINT",
    "INK",
    "LINE",
    "SOFT",
    "WARM",
    "Chart",
    "Kind",
    "Table",
    "chart",
    "columns",
    "filled",
    "height_px",
    "lengths",
    "live",
    "marked",
    "names",
    "over_time",
    "ranges",
    "row_axis",
    "spec",
    "tip",
    "told",
    "values",
    "whiskers",
]

OVER_TIME_PX, COLUMNS_PX = 190, 210


@dataclass(frozen=True, slots=True)
class Table:
    """Figures, written for people."""

    head: Sequence[str]
    rows: Sequence[Sequence[str]]


@dataclass(frozen=True, slots=True)
class Chart:
    """What a page shows as a picture, as a sentence and as figures. ``name`` is unique on its page."""

    name: str
    spec: Mapping[str, Any]
    says: str  # one sentence: what it shows right now
    table: Table


class Kind(NamedTuple):
    """One of the things that a chart tells apart: the field of its values, its name for people, its look."""

    field: str
    name: str
    colour: str = ACCENT
    dash: tuple[int, ...] = (1, 0)  # lines are told apart without colour, too


def live(rows: Sequence[Mapping[str, Any]]) -> alt.Chart:
    """Start a chart on rows that a page replaces as they change (the data named ``live``)."""
    return alt.Chart(alt.InlineData(values=list(rows), name="live"))


def filled(empty: Mapping[str, Any], rows: Sequence[Mapping[str, Any]]) -> Spec:
    """Return the specification of a live chart with rows in it."""
    row_px = empty.get("usermeta", {}).get("rowPx")
    height = {} if row_px is None else {"height": max(row_px * len(rows), 1)}  # Vega-Lite takes 0 for none given
    return {**empty, **height, "data": {"name": "live", "values": list(rows)}}


def told(drawn: Chart, words: Words) -> dict[str, Any]:
    """Return what replaces a live chart on a page: its rows, its sentence and its table."""
    macros: Any = environment("andante.site").get_template("macros.html").make_module({"w": words})
    return {"values": drawn.spec["data"]["values"], "says": drawn.says, "table": str(macros.table(drawn.table))}


@cache
def over_time(kinds: tuple[Kind, ...], times: str, numbers: str, *, stacked: bool = False, top: float = 0.0) -> Spec:
    """Draw values over time: a line a kind, or areas that stand on each other.

    Rows are ``{"t": seconds since 1970, field: value, ...}``; a value that is null leaves a gap, and a row with
    ``"end": true`` has its values marked. ``times`` and ``numbers`` are formats of D3. The axis reaches up to ``top``
    at least, so that noise near zero looks small.
    """
    fields = [kind.field for kind in kinds]
    base = live([]).transform_calculate(at="toDate(datum.t * 1000)")
    when = alt.Axis(format=times, grid=False, tickCount=5, labelOverlap=True)
    x = alt.X("at:T", title=None, scale=alt.Scale(type="utc"), axis=when)
    axis = alt.Axis(format=numbers, tickCount=4, **({"tickMinStep": 1} if numbers.endswith("d") else {}))
    reach = alt.Scale(domain=alt.DomainUnionWith(unionWith=[0, top]), nice=True)
    y = alt.Y("value:Q", title=None, axis=axis, scale=reach, stack="zero" if stacked else None)
    told = base.transform_fold(fields, as_=["kind", "value"]).encode(x=x, y=y)
    legend = (
        _legend({kind.field: kind.name for kind in kinds}, "square" if stacked else "stroke")
        if len(kinds) > 1
        else None
    )
    colours = alt.Scale(domain=fields, range=[kind.colour for kind in kinds])
    if stacked:
        place = " : ".join(f"datum.kind === '{field}' ? {at}" for at, field in enumerate(fields[:-1]))
        drawn = told.transform_calculate(place=f"{place} : {len(fields)}").mark_area(interpolate="step-after")
        drawn = drawn.encode(fill=alt.Fill("kind:N", scale=colours, legend=legend), order=alt.Order("place:Q"))
    else:
        dashes = alt.Scale(domain=fields, range=[list(kind.dash) for kind in kinds])
        stroke = alt.Stroke("kind:N", scale=colours, legend=legend)
        dashed = alt.StrokeDash("kind:N", scale=dashes, legend=legend)
        ends = base.transform_filter("datum.end").transform_fold(fields, as_=["kind", "value"])
        ends = ends.mark_point(size=30, strokeWidth=2.5, fill=CARD)
        lines = told.mark_line(strokeCap="round").encode(stroke=stroke, strokeDash=dashed)
        drawn = lines + ends.encode(x="at:T", y="value:Q", stroke="kind:N")
    tips = [alt.Tooltip("at:T", title=" ", format=times)]
    tips += [alt.Tooltip(f"{kind.field}:Q", title=kind.name, format=numbers) for kind in kinds]
    pointed = base.mark_rule(strokeWidth=9, opacity=0).encode(x=x, tooltip=tips)
    return _live(spec(alt.layer(drawn, pointed), OVER_TIME_PX))


@cache
def lengths(title: str | None = None) -> Spec:
    """Draw a bar a row, its name and value above it; as high as there are rows.

    Rows are ``{"row": place, "name": ..., "value": ..., "label": ..., "warm": true or false}``.
    """
    base = live([]).encode(y=row_axis())
    bars = base.mark_bar(height=10, yOffset=MARK_OFFSET_PX, cornerRadiusEnd=2).encode(
        x=alt.X("value:Q", title=title, axis=None), fill=_chosen("warm", WARM, ACCENT)
    )
    return _in_rows(alt.layer(bars, _names(base), values(base)))


@cache
def columns(now: str, before: str | None, x: str, numbers: str = ".0%") -> Spec:
    """Draw a histogram as bars, and what it was before as ticks across them, where that is known.

    Rows are ``{"bin": name, "now": share, "before": share}`` in order.
    """
    shown = {"now": now} if before is None else {"now": now, "before": before}
    base = live([]).encode(
        x=alt.X("bin:N", sort=None, title=x, axis=alt.Axis(labelAngle=0, labelOverlap=True), scale=_tight())
    )
    colours = alt.Scale(domain=list(shown), range=[ACCENT, WARM][: len(shown)])
    axis = alt.Axis(format=numbers, tickCount=4)
    tips = [alt.Tooltip("bin:N", title=x)]
    tips += [alt.Tooltip(f"{field}:Q", title=name, format=".1%") for field, name in shown.items()]
    bars = base.transform_calculate(kind="'now'").mark_bar(cornerRadiusEnd=2)
    fill = alt.Fill("kind:N", scale=colours, legend=None if before is None else _legend(shown))
    bars = bars.encode(y=alt.Y("now:Q", title=None, axis=axis), fill=fill, tooltip=tips)
    if before is None:
        return filled(spec(bars, COLUMNS_PX), ())
    ticks = base.transform_calculate(kind="'before'").mark_tick(thickness=3, bandSize=26)
    ticks = ticks.encode(y="before:Q", fill=fill, tooltip=tips)
    return _live(spec(alt.layer(bars, ticks), COLUMNS_PX))


@cache
def ranges(title: str | None, numbers: str, zero: str | None = None) -> Spec:
    """Draw a dot and its range a row; ``zero`` names a line at nought, which means no difference.

    Rows are ``{"row": place, "name": ..., "value": ..., "low": ..., "high": ..., "label": ..., "chosen": true}``.
    """
    base = live([]).encode(y=row_axis())
    colour = _chosen("chosen", ACCENT, FAINT)
    axis = alt.Axis(tickCount=5, format=numbers)
    x = alt.X("value:Q", title=title, scale=alt.Scale(nice=True, zero=True), axis=axis)
    spread = base.mark_rule(yOffset=MARK_OFFSET_PX, strokeWidth=3, strokeCap="round", opacity=0.6)
    dots = base.mark_point(shape="circle", yOffset=MARK_OFFSET_PX, size=130, stroke=CARD)
    layers: list[Any] = [
        spread.encode(x="low:Q", x2="high:Q", stroke=colour),
        dots.encode(x=x, fill=colour),
        _names(base),
        values(base),
    ]
    if zero is not None:
        layers.insert(0, marked(0.0, zero, at_right=False))
    return _in_rows(alt.layer(*layers))


def _in_rows(drawn: Drawn) -> Spec:
    """Write out a chart whose height follows from its rows, which change: ``live.js`` is told how high a row is."""
    return {**_live(spec(drawn, ROW_PX)), "usermeta": {"rowPx": ROW_PX}}


def _live(written: Spec) -> Spec:
    """Take the live rows from the layers to the top, where :func:`filled` puts them: there are no others by name."""
    for layer in written.get("layer", ()):
        if layer.get("data", {}).get("name") == "live":
            del layer["data"]
    return filled(written, ())


def _names(base: alt.Chart) -> alt.Chart:
    text = base.mark_text(align="left", dy=LABEL_OFFSET_PX, limit=alt.expr("width - 60"))
    return text.encode(x=alt.value(0), text="name:N")


def _chosen(field: str, yes: str, no: str) -> Any:
    return alt.when(alt.datum[field]).then(alt.value(yes)).otherwise(alt.value(no))


def _tight() -> alt.Scale:
    return alt.Scale(paddingInner=0.15)


def _legend(shown: Mapping[str, str], symbol: str = "square") -> alt.Legend:
    """Name the kinds above the chart, in the page's language."""
    words = f"{json.dumps(dict(shown), ensure_ascii=False)}[datum.label]"
    look = {"labelColor": SOFT, "labelFontSize": 12, "symbolSize": 160, "symbolOpacity": 1, "symbolType": symbol}
    return alt.Legend(orient="top", direction="horizontal", title=None, labelExpr=words, **look)
