"""The charts of the report, one function each: figures in, a Vega-Lite specification out.

The same figures give the same bytes. Texts are filled in here, so what a chart shows is in the page's language.
"""

from collections.abc import Sequence

import altair as alt

from andante.report.drawing import (
    MARK_OFFSET_PX,
    Drawn,
    Spec,
    chart,
    ends,
    height_px,
    marked,
    names,
    row_axis,
    spec,
    tip,
    values,
    whiskers,
)
from andante.report.summary import (
    Band,
    BudgetOption,
    CalibrationBin,
    ModelScore,
    Persona,
    PlanFacts,
    Reason,
    Rhythm,
    Satisfaction,
)
from andante.report.theme import ACCENT, FAINT, INK, SOFT, WARM
from andante.report.words import Words

CHOSEN = "budget"
"""The chart parameter that the page's slider moves: a budget in pushes per user-week."""

HERE = f"datum.x === {CHOSEN}"


def plan_histogram(plan: PlanFacts, words: Words) -> Spec:
    """Draw how many users get how many pushes per week, with the mean marked."""
    rows = [
        {
            "low": b.low,
            "high": b.high,
            "users": b.users,
            "tip": tip(
                words.text("plan.bin", low=words.decimal(b.low), high=words.decimal(b.high)),
                words.text(
                    "plan.bin_users", users=words.integer(b.users), share=words.percent(b.users / max(plan.users, 1))
                ),
            ),
        }
        for b in plan.histogram
    ]
    bars = chart(rows).mark_bar(binSpacing=1.5, cornerRadiusEnd=2)
    bars = bars.encode(
        x=alt.X("low:Q", bin="binned", title=words.text("plan.x"), axis=alt.Axis(grid=False, tickCount=8)),
        x2="high:Q",
        y=alt.Y("users:Q", stack=None, title=None, axis=alt.Axis(tickCount=4)),
        tooltip=alt.Tooltip("tip:N"),
    )
    label = words.text("plan.mean", mean=words.pace(plan.mean_per_week))
    return spec(
        bars + marked(plan.mean_per_week, label, at_right=_right(plan.mean_per_week, [b.high for b in plan.histogram])),
        height_px=260,
    )


def persona_paces(personas: Sequence[Persona], words: Words) -> Spec:
    """Draw each persona's mean pace and the middle eight in ten of its users."""
    rows = [
        {
            "row": i,
            "name": p.name,
            "value": p.pace_mean,
            "low": p.pace_p10,
            "high": p.pace_p90,
            "label": words.pace(p.pace_mean),
            "tip": tip(p.name, words.text("personas.spread", low=words.pace(p.pace_p10), high=words.pace(p.pace_p90))),
            "chosen": True,
        }
        for i, p in enumerate(personas)
    ]
    top = max(0.1, *(max(p.pace_p90, p.pace_mean) for p in personas))
    return whiskers(rows, title=words.text("plan.x"), domain=(0, top))


def rhythm_heatmap(rhythm: Rhythm, words: Words) -> Spec:
    """Draw events by hour and weekday: the stronger the colour, the more events."""
    rows = [
        {
            "day": words.text(f"weekdays_short.{day}"),
            "hour": hour,
            "events": count,
            "tip": tip(
                f"{words.text(f'weekdays.{day}')} {hour:02d}:00",
                words.text("rhythm.events", events=words.integer(count)),
            ),
        }
        for day, hours in enumerate(rhythm.counts)
        for hour, count in enumerate(hours)
    ]
    hours = alt.Axis(values=[0, 6, 12, 18], labelAngle=0, labelExpr="datum.value + ':00'")
    cells = chart(rows).mark_rect(fill=ACCENT, cornerRadius=2)
    cells = cells.encode(
        x=alt.X("hour:O", title=None, scale=alt.Scale(paddingInner=0.08), axis=hours),
        y=alt.Y("day:N", title=None, sort=None, scale=alt.Scale(paddingInner=0.1)),
        fillOpacity=alt.FillOpacity("events:Q", legend=None, scale=alt.Scale(domainMin=0, range=[0.05, 1])),
        tooltip=alt.Tooltip("tip:N"),
    )
    return spec(cells, height_px=230)


def rhythm_days(rhythm: Rhythm, words: Words) -> Spec:
    """Draw events by weekday, for logs that have no hours."""
    rows = [
        {
            "day": words.text(f"weekdays_short.{day}"),
            "events": sum(counts),
            "tip": tip(words.text(f"weekdays.{day}"), words.text("rhythm.events", events=words.integer(sum(counts)))),
        }
        for day, counts in enumerate(rhythm.counts)
    ]
    bars = chart(rows).mark_bar(cornerRadiusEnd=2)
    bars = bars.encode(
        x=alt.X("day:N", title=None, sort=None, axis=alt.Axis(labelAngle=0), scale=alt.Scale(paddingInner=0.3)),
        y=alt.Y("events:Q", title=words.text("rhythm.all"), axis=alt.Axis(tickCount=4)),
        tooltip=alt.Tooltip("tip:N"),
    )
    return spec(bars, height_px=200)


def model_scores(scores: Sequence[ModelScore], metric: str, chosen: str, words: Words) -> Spec:
    """Draw the model beside the baselines by one metric ("auc" or "spearman"), with 95 % intervals, best first."""
    found = sorted(((getattr(s, metric), s) for s in scores), key=lambda pair: -pair[0].value)
    rows = [
        {
            "row": i,
            "name": words.known("models", score.model),
            "value": interval.value,
            **ends(interval),
            "label": words.exact(interval.value, 3),
            "tip": tip(words.known("models", score.model), words.interval(interval, 3)),
            "chosen": score.model == chosen,
        }
        for i, (interval, score) in enumerate(found)
    ]
    chance = 0.5 if metric == "auc" else 0.0
    low, high = min(chance, *(row["low"] for row in rows)), max(chance + 0.05, *(row["high"] for row in rows))
    return whiskers(rows, title=None, domain=(low, high))


def calibration(bins: Sequence[CalibrationBin], words: Words) -> Spec:
    """Draw what was predicted against what came true, a dot for each tenth of the cases."""
    rows = [
        {
            "predicted": b.predicted,
            "observed": b.observed,
            "tip": words.text("quality.calibration_tip", predicted=f"{b.predicted:.1%}", observed=f"{b.observed:.1%}"),
        }
        for b in bins
    ]
    top = min(1.0, 1.05 * max(0.05, *(max(b.predicted, b.observed) for b in bins)))
    scale = alt.Scale(domain=[0, top], nice=False)
    axis = alt.Axis(format=".0%", tickCount=5)
    diagonal = chart([{"predicted": 0, "observed": 0}, {"predicted": top, "observed": top}])
    layers = (
        diagonal.mark_line(stroke=SOFT, strokeWidth=1, strokeDash=[4, 4])
        + chart(rows).mark_line(strokeWidth=1.5, opacity=0.5)
        + chart(rows).mark_point(shape="circle").encode(tooltip=alt.Tooltip("tip:N"))
    )
    encoded = layers.encode(
        x=alt.X("predicted:Q", title=words.text("quality.predicted"), scale=scale, axis=axis),
        y=alt.Y("observed:Q", title=words.text("quality.observed"), scale=scale, axis=axis),
    )
    return spec(encoded, height_px=270)


def band_scores(bands: Sequence[Band], words: Words) -> Spec:
    """Draw precision and recall of each band of frequency."""
    kinds = {"precision": words.text("quality.precision"), "recall": words.text("quality.recall")}
    rows = [
        {
            "row": i,
            "name": words.known("bands", band.name),
            "kind": kinds[kind],
            "value": getattr(band, kind),
            "tip": tip(words.known("bands", band.name), kinds[kind], words.percent(getattr(band, kind))),
        }
        for i, band in enumerate(bands)
        for kind in kinds
    ]
    order = list(kinds.values())
    axis = alt.Axis(format=".0%", tickCount=5)
    dots = chart(rows).mark_point(yOffset=MARK_OFFSET_PX, size=130)
    dots = dots.encode(
        y=row_axis(),
        x=alt.X("value:Q", title=None, scale=alt.Scale(domain=[0, 1]), axis=axis),
        shape=alt.Shape("kind:N", sort=order, legend=None, scale=alt.Scale(domain=order, range=["circle", "diamond"])),
        fill=alt.Fill("kind:N", sort=order, legend=None, scale=alt.Scale(domain=order, range=[ACCENT, WARM])),
        tooltip=alt.Tooltip("tip:N"),
    )
    return spec(dots + names(rows), height_px(rows))


def reasons(found: Sequence[Reason], words: Words) -> Spec:
    """Draw what the model loses when one feature is shuffled, strongest first, with its spread."""
    rows = [
        {
            "row": i,
            "name": words.feature(r.feature, r.name),
            "value": r.importance.value,
            **ends(r.importance),
            "label": words.exact(r.importance.value, 3),
            "tip": tip(words.feature(r.feature, r.name), words.interval(r.importance, 4)),
        }
        for i, r in enumerate(found)
    ]
    base = chart(rows).encode(y=row_axis())
    x = alt.X("value:Q", title=words.text("reasons.x"), axis=alt.Axis(tickCount=5, format="~g"))
    drawn = alt.layer(
        base.mark_bar(height=10, yOffset=MARK_OFFSET_PX, cornerRadiusEnd=2).encode(x=x, tooltip=alt.Tooltip("tip:N")),
        base.mark_rule(yOffset=MARK_OFFSET_PX, stroke=WARM, strokeWidth=2).encode(x="low:Q", x2="high:Q"),
        names(rows),
        values(base),
    )
    return spec(drawn, height_px(rows))


def budget_engaged(options: Sequence[BudgetOption], words: Words) -> Spec:
    """Draw the pushes that are expected to meet an interested user, by budget."""
    rows = [{"x": o.budget, "y": o.engaged_per_week} for o in options]
    curve = chart(rows).encode(
        x=_budget_axis(words),
        y=alt.Y("y:Q", title=words.text("budgets.y_engaged"), axis=alt.Axis(tickCount=4, format=",~f")),
    )
    here = curve.transform_filter(HERE).mark_point(shape="circle", size=150)
    return _moved(_rules(options) + curve.mark_line() + here, options, height_px=220)


def budget_shares(options: Sequence[BudgetOption], kinds: Sequence[str], words: Words) -> Spec:
    """Draw the share of users at the least pace and the share at the greatest, which ``kinds`` names, by budget."""
    rows = [
        {"x": o.budget, "y": share, "kind": kind}
        for o in options
        for share, kind in zip((o.at_zero_share, o.at_max_share), kinds, strict=True)
    ]
    order = list(kinds)
    top = max(0.01, *(max(o.at_zero_share, o.at_max_share) for o in options))
    lines = chart(rows).encode(
        x=_budget_axis(words),
        y=alt.Y(
            "y:Q",
            title=words.text("budgets.y_share"),
            scale=alt.Scale(domain=[0, top]),
            axis=alt.Axis(tickCount=4, format=".0%" if top > 0.03 else ".1%"),  # noqa: PLR2004
        ),
        color=alt.Color("kind:N", sort=order, legend=None, scale=alt.Scale(domain=order, range=[ACCENT, WARM])),
    )
    dashes = alt.StrokeDash("kind:N", sort=order, legend=None, scale=alt.Scale(domain=order, range=[[1, 0], [6, 4]]))
    here = lines.transform_filter(HERE).mark_circle(size=150, opacity=1)
    return _moved(_rules(options) + lines.mark_line().encode(strokeDash=dashes) + here, options, height_px=220)


def budget_personas(options: Sequence[BudgetOption], personas: Sequence[Persona], words: Words) -> Spec:
    """Draw each persona's mean pace under the chosen budget, and under the plan as it is."""
    rows = [
        {"x": o.budget, "row": i, "name": p.name, "value": pace, "label": words.pace(pace)}
        for o in options
        for i, (p, pace) in enumerate(zip(personas, o.persona_paces, strict=True))
    ]
    base = chart(rows).encode(y=row_axis()).transform_filter(HERE)
    top = max(0.1, *(max(o.persona_paces) for o in options))
    x = alt.X("value:Q", title=words.text("plan.x"), scale=alt.Scale(domain=[0, top]), axis=alt.Axis(tickCount=5))
    plan = chart([row for row in rows if row["x"] == _chosen(options)]).encode(y=row_axis(), x="value:Q")
    drawn = alt.layer(
        base.mark_bar(height=10, yOffset=MARK_OFFSET_PX, cornerRadiusEnd=2).encode(x=x),
        plan.mark_tick(yOffset=MARK_OFFSET_PX, height=18, thickness=2, fill=INK),
        names(rows),
        values(base),
    )
    return _moved(drawn, options, height_px(rows))


def satisfaction(found: Satisfaction, words: Words) -> Spec:
    """Draw the satisfaction curve with its band, the ratings seen, and the best frequency."""
    curve = [{"x": p.per_week, "y": p.satisfaction, "low": p.low, "high": p.high} for p in found.curve]
    seen = [
        {
            "x": p.per_week,
            "y": p.satisfaction,
            "users": p.users or 1,
            "tip": tip(words.decimal(p.per_week), words.percent(p.satisfaction)),
        }
        for p in found.observed
    ]
    axis = alt.Axis(format=".0%", tickCount=5)
    base = chart(curve).encode(
        x=alt.X("x:Q", title=words.text("satisfaction.x"), axis=alt.Axis(grid=False, tickCount=8)),
        y=alt.Y("y:Q", title=None, scale=alt.Scale(domain=[0, 1]), axis=axis),
    )
    band = base.transform_filter("isValid(datum.low) && isValid(datum.high)")
    dots = chart(seen).mark_point(shape="circle", fill=FAINT)
    dots = dots.encode(
        x="x:Q",
        y="y:Q",
        size=alt.Size("users:Q", legend=None, scale=alt.Scale(range=[40, 240])),
        tooltip=alt.Tooltip("tip:N"),
    )
    best = words.text("satisfaction.best", best=words.pace(found.best_per_week))
    drawn = (
        band.mark_area(fill=ACCENT, fillOpacity=0.15).encode(y="low:Q", y2="high:Q")
        + dots
        + base.mark_line()
        + marked(found.best_per_week, best, at_right=_right(found.best_per_week, [p.per_week for p in found.curve]))
    )
    return spec(drawn, height_px=260)


def _right(value: float, along: Sequence[float]) -> bool:
    """Say whether a value stands so far right that its label belongs to its left."""
    return value > 0.6 * max(along, default=value)


def _budget_axis(words: Words) -> alt.X:
    """Lay budgets out from left to right."""
    return alt.X("x:Q", title=words.text("budgets.x"), axis=alt.Axis(grid=False, tickCount=6))


def _chosen(options: Sequence[BudgetOption]) -> float:
    """Return the budget of the plan as it is."""
    return next((o.budget for o in options if o.is_chosen), options[0].budget)


def _rules(options: Sequence[BudgetOption]) -> alt.LayerChart:
    """Mark the plan's own budget with a dashed line and the slider's with a solid one."""
    plan = chart([{"x": _chosen(options)}]).mark_rule(strokeDash=[4, 4]).encode(x="x:Q")
    moving = chart([{"x": o.budget} for o in options]).transform_filter(HERE)
    return plan + moving.mark_rule(stroke=INK, strokeWidth=1.5).encode(x="x:Q")


def _moved(drawn: Drawn, options: Sequence[BudgetOption], height_px: int) -> Spec:
    """Write a chart out with the parameter that the slider moves."""
    return {**spec(drawn, height_px), "params": [{"name": CHOSEN, "value": _chosen(options)}]}
