"""The charts of the play page, and the rows that replace theirs when a slider moves."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Any

import altair as alt

from andante.dashboard.play_figures import PACES, TRIED, WEEKS_PLAYED
from andante.live.survey import PLAN_EDGES
from andante.site.charts import ACCENT, FAINT, SOFT, WARM, Chart, Table, live, spec

if TYPE_CHECKING:
    from collections.abc import Sequence

    from andante.dashboard.play_figures import Knobs, Planned, Played, Population, Satisfied, Tired
    from andante.site.words import Words

    Row = dict[str, Any]

HEIGHT_PX = 230


def satisfaction_chart(knobs: Knobs, found: Satisfied, w: Words) -> Chart:
    """Draw satisfaction over pace, with its best."""
    label = w.text("play.best_label", pace=w.pace(found.best))
    rows: list[Row] = [{"x": x, "y": y} for x, y in zip(PACES.tolist(), found.at.tolist(), strict=True)]
    rows.append({"at": found.best, "top": found.satisfaction, "label": label})
    drawn = _line(rows, w.text("play.pushes_a_week"), w.text("play.satisfaction"), (0, 1), percent=True)
    says = w.text(
        "play.satisfaction_says",
        best=w.pace(found.best),
        most=w.percent(found.satisfaction),
        way=w.text("play.falls" if knobs.fall < 0 else "play.rises_on"),
    )
    some = [0, 1, 2, 3, 4, 5, 7, 10, 14]
    at = dict(zip(PACES.tolist(), found.at.tolist(), strict=True))
    table = Table(
        (w.text("play.pushes_a_week"), w.text("play.satisfaction")), [(str(f), w.percent(at[float(f)])) for f in some]
    )
    return Chart("play_satisfaction", spec(drawn, HEIGHT_PX), says, table)


def pressure_chart(knobs: Knobs, found: Tired, w: Words) -> Chart:
    """Draw fatigue and habituation over the first weeks at a pace."""
    names = {"fatigue": w.text("play.fatigue"), "habituation": w.text("play.habituation")}
    rows: list[Row] = [
        {"x": day, "y": value, "kind": names[kind]}
        for kind in names
        for day, value in zip(found.days.tolist(), getattr(found, kind).tolist(), strict=True)
    ]
    base = live(rows).mark_line(strokeWidth=2)
    drawn = base.encode(
        x=alt.X("x:Q", title=w.text("play.days"), axis=alt.Axis(grid=False, tickCount=6)),
        y=alt.Y("y:Q", title=w.text("play.pressure_unit"), axis=alt.Axis(tickCount=4)),
        color=alt.Color(
            "kind:N",
            sort=list(names.values()),
            scale=alt.Scale(domain=list(names.values()), range=[WARM, ACCENT]),
            legend=alt.Legend(orient="bottom", title=None, labelColor=SOFT, symbolType="stroke"),
        ),
        strokeDash=alt.StrokeDash("kind:N", scale=alt.Scale(domain=list(names.values()), range=[[1, 0], [6, 4]])),
    )
    says = w.text(
        "play.pressure_says",
        pace=w.decimal(knobs.pace),
        opened_first=w.decimal(1000 * found.opened_first),
        opened=w.decimal(1000 * found.opened_settled),
        refused_first=w.decimal(1000 * found.refused_first),
        refused=w.decimal(1000 * found.refused_settled),
    )
    places = [place for place, day in enumerate(found.days.tolist()) if day % 7 == 0]
    table = Table(
        (w.text("play.days"), *names.values()),
        [
            (
                w.integer(found.days[place]),
                w.exact(float(found.fatigue[place]), 2),
                w.exact(float(found.habituation[place]), 2),
            )
            for place in places
        ],
    )
    return Chart("play_pressure", spec(drawn, HEIGHT_PX), says, table)


def opens_chart(found: Played, w: Words) -> Chart:
    """Draw what half a year brings in opens, by pace."""
    rows: list[Row] = [{"x": x, "y": y} for x, y in zip(TRIED.tolist(), found.opens.tolist(), strict=True)]
    most = float(found.opens.max())
    rows.append({"at": found.best, "top": most, "label": w.text("play.best_label", pace=w.pace(found.best))})
    drawn = _line(rows, w.text("play.pushes_a_week"), w.text("play.opens_axis"), None)
    says = w.text("play.opens_says", best=w.pace(found.best), opens=w.decimal(most), weeks=WEEKS_PLAYED)
    return Chart("play_opens", spec(drawn, HEIGHT_PX), says, _by_pace(found, w))


def staying_chart(knobs: Knobs, found: Played, w: Words) -> Chart:
    """Draw who has not opted out after half a year, by pace."""
    rows: list[Row] = [{"x": x, "y": y} for x, y in zip(TRIED.tolist(), found.staying.tolist(), strict=True)]
    here = dict(zip(TRIED.tolist(), found.staying.tolist(), strict=True)).get(knobs.pace)
    share = float(found.staying[-1]) if here is None else here
    rows.append({"at": knobs.pace, "top": share, "label": w.text("play.chosen_label", pace=w.decimal(knobs.pace))})
    drawn = _line(rows, w.text("play.pushes_a_week"), w.text("play.staying_axis"), (0, 1), percent=True)
    says = w.text("play.staying_says", pace=w.decimal(knobs.pace), share=w.percent(share), weeks=WEEKS_PLAYED)
    return Chart("play_staying", spec(drawn, HEIGHT_PX), says, _by_pace(found, w))


def plan_chart(knobs: Knobs, found: Planned, people: Population, w: Words) -> Chart:
    """Draw how many users get how many pushes, with the budget and without."""
    names = (w.text("play.under_budget"), w.text("play.without_budget"))
    bins = _bins()
    rows: list[Row] = [
        {"bin": bins[place], "kind": name, "share": float(shares[place]), "tip": f"{bins[place]}: {shares[place]:.0%}"}
        for name, shares in zip(names, (found.histogram, found.free_histogram), strict=True)
        for place in range(len(bins))
    ]
    drawn = (
        live(rows)
        .mark_bar(cornerRadiusEnd=2)
        .encode(
            x=alt.X(
                "bin:N",
                sort=bins,
                title=w.text("play.pushes_a_week"),
                axis=alt.Axis(labelAngle=-40, grid=False, labelOverlap=False),
            ),
            xOffset=alt.XOffset("kind:N", sort=list(names)),
            y=alt.Y("share:Q", title=w.text("play.users_share"), axis=alt.Axis(format=".0%", tickCount=4)),
            fill=alt.Fill(
                "kind:N",
                scale=alt.Scale(domain=list(names), range=[ACCENT, FAINT]),
                legend=alt.Legend(orient="bottom", title=None, labelColor=SOFT),
            ),
            tooltip=alt.Tooltip("tip:N"),
        )
    )
    says = w.text(
        "play.plan_says",
        budget=w.budget(knobs.budget),
        mean=w.pace(found.mean),
        free=w.pace(found.free_mean),
        satisfied=w.percent(found.satisfaction),
        free_satisfied=w.percent(found.free_satisfaction),
        users=w.text("play.example_users") if not people.users else w.text("play.own_users", n=w.integer(people.users)),
    )
    head = (w.text("play.pushes_a_week"), *names)
    table = Table(
        head,
        [
            (bins[place], w.percent(float(found.histogram[place])), w.percent(float(found.free_histogram[place])))
            for place in range(len(bins))
        ],
    )
    return Chart("play_plan", spec(drawn, HEIGHT_PX), says, table)


def price_chart(knobs: Knobs, found: Planned, w: Words) -> Chart:
    """Draw the shadow price over the budget."""
    rows: list[Row] = [{"x": x, "y": y} for x, y in zip(found.budgets.tolist(), found.prices.tolist(), strict=True)]
    label = w.text("play.price_label", price=w.exact(found.price, 3))
    rows.append({"at": knobs.budget, "top": found.price, "label": label})
    drawn = _line(rows, w.text("play.budget_axis"), w.text("play.price_axis"), None)
    key = "play.price_says" if found.price > 0 else "play.price_none"
    says = w.text(key, budget=w.budget(knobs.budget), price=w.exact(found.price, 3))
    table = Table(
        (w.text("play.budget_axis"), w.text("play.price_axis")),
        [
            (w.budget(budget), w.exact(price, 3))
            for budget, price in list(zip(found.budgets.tolist(), found.prices.tolist(), strict=True))[::3]
        ],
    )
    return Chart("play_price", spec(drawn, HEIGHT_PX), says, table)


def _line(
    rows: Sequence[Row], x_title: str, y_title: str, domain: tuple[float, float] | None, *, percent: bool = False
) -> alt.LayerChart:
    """Draw a line, and a mark at one place of it: the row with ``at``. All of it is replaced together."""
    base = live(rows)
    above = -26  # the mark's label stands between the picture and its axis' title
    axis = alt.Axis(tickCount=4, titleY=above, format=".0%") if percent else alt.Axis(tickCount=4, titleY=above)
    scale = alt.Undefined if domain is None else alt.Scale(domain=list(domain))
    x = alt.X("x:Q", title=x_title, axis=alt.Axis(grid=False, tickCount=8))
    y = alt.Y("y:Q", title=y_title, axis=axis, scale=scale)
    marked = base.transform_filter("isValid(datum.at)")
    at = alt.X("at:Q", title=x_title)
    side = {"align": alt.expr("datum.at < 7 ? 'left' : 'right'"), "dx": alt.expr("datum.at < 7 ? 6 : -6")}
    label = marked.mark_text(baseline="bottom", dy=-4, fill=WARM, fontWeight=600, **side)
    drawn: alt.LayerChart = alt.layer(
        base.transform_filter("isValid(datum.x)").mark_line().encode(x=x, y=y),
        marked.mark_rule(stroke=WARM, strokeDash=[4, 3]).encode(x=at),
        marked.mark_point(fill=WARM, size=90, shape="circle").encode(x=at, y=alt.Y("top:Q", title=y_title)),
        label.encode(x=at, y=alt.value(0), text="label:N"),
    )
    return drawn


def _by_pace(found: Played, w: Words) -> Table:
    head = (w.text("play.pushes_a_week"), w.text("play.opens_axis"), w.text("play.staying_axis"))
    return Table(
        head,
        [
            (w.decimal(pace), w.decimal(opens), w.percent(staying))
            for pace, opens, staying in list(
                zip(TRIED.tolist(), found.opens.tolist(), found.staying.tolist(), strict=True)
            )[::2]
        ],
    )


def _bins() -> list[str]:
    ends = [f"{edge:g}" for edge in PLAN_EDGES]
    return [f"{low}–{high}" for low, high in pairwise(ends)] + [f"{ends[-1]}+"]
