"""The figures of the page "Now": what was read for a span in, sentences, tiles and charts in a language out."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import accumulate
from math import fsum
from typing import TYPE_CHECKING, Any, NamedTuple

from andante.site.charts import ACCENT, FAINT, INK, LINE, WARM, Chart, Kind, Table, filled, lengths, over_time

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import datetime

    from andante.dashboard.latest import Seen
    from andante.dashboard.switching import Thrown
    from andante.monitoring.alarms import Alarm
    from andante.monitoring.series import Series
    from andante.site.words import Words

    Column = Callable[[Series, str], Sequence[float | None]]

WEEK_S = 604_800
DIGITS = 4
"""How exact a number of a chart is: nobody sees more, and each digit travels every second."""

FIELDS = "abcd"
"""What the kinds of a chart over time are called in its rows: these names travel with every number, too."""

REASONS_MAX = 8
"""So many reasons have a bar of their own."""

TOGETHER = 10
"""So many buckets are averaged where single ones jump."""

OPTOUTS_TOP = 5.0
"""The axis of opt-outs per 1,000 reaches up to this at least, or one opt-out at night looks like a flood."""


class Span(NamedTuple):
    """How far the page looks back."""

    name: str
    length_s: int
    buckets: int  # of charts
    rows: int  # of tables


SPANS = {
    span.name: span for span in (Span("hour", 3600, 60, 12), Span("day", 86_400, 48, 12), Span("week", WEEK_S, 42, 14))
}


@dataclass(frozen=True, slots=True)
class Found:
    """What was read for a span."""

    span: Span
    fine: Series
    coarse: Series
    reasons: dict[str, int]
    alarms: tuple[Alarm, ...]
    latest: Seen
    thrown: tuple[Thrown, ...]
    users: int
    waited_for: frozenset[str]  # transactional categories, which count in no budget


class Tile(NamedTuple):
    """One figure with its name and a note."""

    name: str
    value: str
    note: str


def headline(found: Found, w: Words) -> str:
    """Say in one sentence what happened."""
    series, span = found.fine, w.text(f"now.span_{found.span.name}")
    decisions, sends, opens, optouts = map(fsum, (series.decisions, series.sends, series.opens, series.optouts))
    if not decisions:
        return w.text("now.none", span=span)
    left = "some_left" if optouts > 1 else "one_left" if optouts else "nobody_left"
    said = {
        "span": span,
        "decisions": w.integer(decisions),
        "sends": w.integer(sends),
        "defers": w.integer(fsum(series.defers)),
        "suppresses": w.integer(fsum(series.suppresses)),
        "optouts": w.sentences[f"now.{left}"].format(count=w.integer(optouts)),
    }
    if not sends:
        return w.text("now.headline_unsent", **said)
    return w.text("now.headline", **said, opens=w.integer(opens), opened=tenths(opens, sends, w))


def tiles(found: Found, w: Words) -> tuple[Tile, ...]:
    """Return the figures that one looks at first."""
    series, rate = found.fine, found.latest.per_second
    decisions, sends, opens, optouts = map(fsum, (series.decisions, series.sends, series.opens, series.optouts))
    satisfied = known(series.satisfaction_mean)
    unknown = w.text("now.unknown")
    values = {
        "rate": (unknown if rate is None else w.decimal(rate), {}),
        "sent": (w.integer(sends), {"share": tenths(sends, decisions, w), "decisions": w.integer(decisions)}),
        "opens": (w.integer(opens), {"share": tenths(opens, sends, w)}),
        "optouts": (w.decimal(1000 * optouts / sends) if sends else unknown, {"count": w.integer(optouts)}),
        "cost": (w.decimal(fsum(series.cost)), {"value": w.decimal(fsum(series.value))}),
        "satisfaction": (w.percent(satisfied[-1]) if satisfied else unknown, {}),
    }
    return tuple(Tile(name, value, w.text(f"now.tile_{name}_note", **said)) for name, (value, said) in values.items())


def charts(found: Found, w: Words) -> dict[str, Chart]:
    """Return the charts, by their names."""
    drawn = (decided(found, w), pace(found, w), satisfaction(found, w), opens(found, w), optouts(found, w))
    return {chart.name: chart for chart in (why(found, w), *drawn, cost(found, w))}


def why(found: Found, w: Words) -> Chart:
    """Draw why decisions sent nothing: a bar a reason, the most frequent first."""
    counted, total = list(found.reasons.items()), sum(found.reasons.values())
    named = [(w.code("reason", reason), count) for reason, count in counted[:REASONS_MAX]]
    if rest := sum(count for _, count in counted[REASONS_MAX:]):
        named.append((w.text("now.why_other"), rest))
    rows = [
        {"row": place, "name": name, "value": count, "label": w.integer(count), "warm": False}
        for place, (name, count) in enumerate(named)
    ]
    says = w.text("now.why_none")
    if named:
        says = w.text("now.why_says", reason=named[0][0], share=w.percent(named[0][1] / total))
    head = tuple(w.text(f"now.table_{name}") for name in ("reason", "count", "share"))
    table = [(name, w.integer(count), w.percent(count / total)) for name, count in named]
    return Chart("now_why", filled(lengths(), rows), says, Table(head, table))


def decided(found: Found, w: Words) -> Chart:
    """Draw what was decided over time."""
    series = found.fine
    total, sends, defers = map(fsum, (series.decisions, series.sends, series.defers))
    says = w.text("now.decisions_none")
    if total:
        said = {"share": tenths(sends, total, w), "defers": w.integer(defers)}
        says = w.text("now.decisions_says", sends=w.integer(sends), decisions=w.integer(total), **said)
    kinds = _kinds(w, sends=(ACCENT,), defers=(FAINT,), suppresses=(LINE,))
    return _over_time(found, w, "now_decisions", kinds, says, _column, w.integer, numbers="~s", stacked=True)


def pace(found: Found, w: Words) -> Chart:
    """Draw how many pushes go out per shopper and week, against the plan and the budget."""

    def column(series: Series, name: str) -> Sequence[float | None]:
        if name == "sent":
            return smoothed(sent_per_week(series, found.users, found.waited_for))
        gauges = {"plan": series.plan_mean, "pace": series.pace_mean, "budget": series.budget_per_user_week}
        return held(gauges[name])

    kinds = _kinds(w, sent=(ACCENT,), plan=(WARM, 6, 4), pace=(FAINT, 2, 3), budget=(INK, 10, 4))
    says = w.text("now.pace_none")
    if found.users:
        sends = known(sent_per_week(found.fine, found.users, found.waited_for))
        plans, budgets = known(found.fine.plan_mean), known(found.fine.budget_per_user_week)
        said = {"sent": w.decimal(fsum(sends) / len(sends)) if sends else w.text("now.unknown")}
        said["plan"] = w.decimal(plans[-1]) if plans else w.text("now.unknown")
        says = w.text("now.pace_says_free", **said)
        if budgets:
            says = w.text("now.pace_says", **said, budget=w.decimal(budgets[-1]))
    return _over_time(found, w, "now_pace", kinds, says, column, w.decimal, numbers=",~f", top=1.0)


def satisfaction(found: Found, w: Words) -> Chart:
    """Draw mean satisfaction over time."""
    values = known(found.fine.satisfaction_mean)
    says = w.text("now.satisfaction_none")
    if values:
        says = w.text("now.satisfaction_says", now=tenths(values[-1], 1, w), then=tenths(values[0], 1, w))

    def column(series: Series, name: str) -> Sequence[float | None]:  # noqa: ARG001  there is but one
        return held(series.satisfaction_mean)

    kinds = _kinds(w, satisfaction=(ACCENT,))
    return _over_time(found, w, "now_satisfaction", kinds, says, column, w.percent, numbers=".0%", top=1.0)


def opens(found: Found, w: Words) -> Chart:
    """Draw opens beside the pushes that were sent."""
    opened, sends = fsum(found.fine.opens), fsum(found.fine.sends)
    says = w.text("now.opens_none")
    if sends:
        said = {"sends": w.integer(sends), "share": tenths(opened, sends, w)}
        says = w.text("now.opens_says", opens=w.integer(opened), **said)

    def column(series: Series, name: str) -> Sequence[float | None]:
        return series.opens if name == "opens" else series.sends

    kinds = _kinds(w, pushes=(FAINT, 2, 3), opens=(ACCENT,))
    return _over_time(found, w, "now_opens", kinds, says, column, w.integer, numbers="~s")


def optouts(found: Found, w: Words) -> Chart:
    """Draw opt-outs per 1,000 pushes."""
    series = found.fine
    left, sends, bored = map(fsum, (series.optouts, series.sends, series.not_interested))
    says = w.text("now.optouts_none")
    if sends and (left or bored):
        said = {"sends": w.integer(sends), "rate": w.decimal(1000 * left / sends), "not_interested": w.integer(bored)}
        says = w.text("now.optouts_says", optouts=w.integer(left), **said)

    def column(series: Series, name: str) -> Sequence[float | None]:  # noqa: ARG001  there is but one
        return series.optouts_per_1000

    kinds = _kinds(w, optouts=(WARM,))
    return _over_time(found, w, "now_optouts", kinds, says, column, w.decimal, numbers=",~f", top=OPTOUTS_TOP)


def cost(found: Found, w: Words) -> Chart:
    """Draw what messages cost, and what conversions brought."""
    spent, brought = fsum(found.fine.cost), fsum(found.fine.value)
    says = w.text("now.cost_none")
    if spent or brought:
        says = w.text("now.cost_says", cost=w.decimal(spent), value=w.decimal(brought))
    kinds = _kinds(w, cost=(WARM, 6, 4), value=(ACCENT,))
    return _over_time(found, w, "now_cost", kinds, says, _column, w.decimal, numbers="~s")


def sent_per_week(series: Series, users: int, waited_for: frozenset[str]) -> tuple[float | None, ...]:
    """Return pushes per user and week in each bucket, without those that users wait for; the last may not be over."""
    if not users:
        return (None,) * len(series.at)
    counted = [column for category, column in series.categories.items() if category not in waited_for]
    factor = WEEK_S / series.bucket_s / users
    return (*(factor * fsum(column[place] for column in counted) for place in range(len(series.at) - 1)), None)


def smoothed(values: Sequence[float | None]) -> tuple[float | None, ...]:
    """Return means over the last buckets up to each: what few shoppers get in a minute jumps too much to be read."""
    lasts = [known(values[max(0, place + 1 - TOGETHER) : place + 1]) for place in range(len(values))]
    return tuple(fsum(last) / len(last) if last else None for last in lasts)


def held(values: Sequence[float | None]) -> tuple[float | None, ...]:
    """Return a gauge with what was counted last where nothing was counted: shoppers are as they were.

    >>> held((None, 0.5, None, 0.75))
    (None, 0.5, 0.5, 0.75)
    """
    return tuple(accumulate(values, lambda before, value: before if value is None else value))


def alone(values: Sequence[float | None]) -> list[int]:
    """Return the places of values with nothing known on either side, which no line can show.

    >>> alone((None, 1.0, None, 2.0, 3.0))
    [1]
    """
    around = (None, *values, None)
    return [
        place
        for place, (before, value, after) in enumerate(zip(around, around[1:], around[2:], strict=False))
        if value is not None and before is None and after is None
    ]


def known(values: Sequence[float | None]) -> list[float]:
    """Return what is known of a column."""
    return [value for value in values if value is not None]


def tenths(part: float, whole: float, w: Words) -> str:
    """Return a share as a percentage with one digit: shares of opens and opt-outs are small."""
    return f"{w.exact(100 * part / whole, 1)}%" if whole else w.text("now.unknown")


def _column(series: Series, name: str) -> Sequence[float | None]:
    found: tuple[float | None, ...] = getattr(series, name)
    return found


def _kinds(w: Words, **looks: tuple[Any, ...]) -> tuple[Kind, ...]:
    return tuple(
        Kind(name, w.text(f"now.legend_{name}"), colour, tuple(dash) or (1, 0))
        for name, (colour, *dash) in looks.items()
    )


def _over_time(  # noqa: PLR0913, PLR0917  what a chart over time is made of
    found: Found,
    w: Words,
    name: str,
    kinds: tuple[Kind, ...],
    says: str,
    column: Column,
    write: Callable[[float], str],
    *,
    numbers: str,
    stacked: bool = False,
    top: float = 0.0,
) -> Chart:
    times, pair = w.text(f"now.times_{found.span.name}"), (found.fine, found.coarse)
    looks: dict[str, Any] = {"numbers": numbers, "stacked": stacked, "top": top}
    return over_time_of(pair, w, name, kinds, says, column, write, times=times, **looks)


def over_time_of(  # noqa: PLR0913, PLR0917  what a chart over time is made of
    pair: tuple[Series, Series],
    w: Words,
    name: str,
    kinds: tuple[Kind, ...],
    says: str,
    column: Column,
    write: Callable[[float], str],
    *,
    times: str,
    numbers: str,
    stacked: bool = False,
    top: float = 0.0,
) -> Chart:
    """Draw columns of the first series over time, with a table of the second, which has fewer and wider buckets."""
    fine, coarse = pair
    lines = {field: column(fine, kind.field) for field, kind in zip(FIELDS, kinds, strict=False)}
    coded = tuple(kind._replace(field=field) for field, kind in zip(FIELDS, kinds, strict=False))
    rows: list[dict[str, Any]] = [
        {"t": int(at.timestamp()), **{field: short(values[place]) for field, values in lines.items()}}
        for place, at in enumerate(fine.at)
    ]
    for place in {len(rows) - 1, *(place for values in lines.values() for place in alone(values))}:
        rows[place]["end"] = True
    wide = [column(coarse, kind.field) for kind in kinds]
    table = [
        (_time(at, times), *(_written(values[place], write) for values in wide))
        for place, at in reversed(list(enumerate(coarse.at)))
    ]
    head = (w.text("now.table_time"), *(kind.name for kind in kinds))
    drawn = filled(over_time(coded, times, numbers, stacked=stacked, top=top), rows)
    return Chart(name, drawn, says, Table(head, table))


def short(value: float | None) -> float | int | None:
    """Return a number with few digits.

    >>> short(1234567.0), short(0.123456), short(3.0)
    (1235000, 0.1235, 3)
    """
    if value is None:
        return None
    rounded = float(f"{value:.{DIGITS}g}")
    return int(rounded) if rounded.is_integer() else rounded


def _written(value: float | None, write: Callable[[float], str]) -> str:
    return "" if value is None else write(value)


def _time(at: datetime, times: str) -> str:
    """Write a time in a format of D3, which is nearly that of the C library."""
    return at.strftime(times.replace("%-d", str(at.day)).replace("%-m", str(at.month)))
