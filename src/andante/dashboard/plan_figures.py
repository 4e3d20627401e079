"""The figures of the page "Plan and fairness": surveys and comparisons in, sentences and charts in a language out."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple

from andante.dashboard.now_figures import held, known, over_time_of, short
from andante.live.survey import PLAN_EDGES
from andante.monitoring.columns import PLAN_EDGES as DECIDED_EDGES
from andante.site.charts import ACCENT, Chart, Kind, Table, columns, filled, lengths, ranges

if TYPE_CHECKING:
    from collections.abc import Sequence

    from andante.evaluation.interval import Interval
    from andante.live.survey import Group, Survey
    from andante.monitoring.gauges import Drift
    from andante.monitoring.lift import Fairness, Lift, Measured
    from andante.monitoring.series import Series
    from andante.site.words import Words

GROUPED = ("persona", "member")
"""Whom the page tells apart, in its order."""


@dataclass(frozen=True, slots=True)
class Planned:
    """What was read."""

    survey: Survey
    drift: Drift
    lift: Lift | None  # before the first look
    fairness: Fairness | None
    week: Series
    coarse: Series
    holdout: float


class Fact(NamedTuple):
    """A statement: what it comes to in two or three words, and in a sentence."""

    tag: str
    said: str
    wants_care: bool = False


def everybody(survey: Survey) -> Group:
    """Return the group of all users."""
    return next(group for group in survey.groups if group.by == "all")


def headline(found: Planned, w: Words) -> str:
    """Say how often shoppers are to be pushed, and how many can be."""
    group = everybody(found.survey)
    if not group.users:
        return w.text("plan.nobody")
    said = {"users": w.integer(group.users), "reachable": w.percent(group.reachable / group.users)}
    said["pace"] = w.decimal(group.pace_mean or 0.0)
    if group.plan_mean is None:
        return w.text("plan.headline_unplanned", **said)
    return w.text("plan.headline", **said, plan=w.decimal(group.plan_mean), planned=w.integer(group.planned))


def drifted(found: Planned, w: Words) -> Fact:
    """Say whether the plans moved within a week."""
    drift = found.drift
    said = {"index": w.exact(drift.index, 2) if drift.index is not None else w.text("plan.unknown")}
    kind = drift.words.partition(".")[2]
    return Fact(w.text(f"{drift.words}_tag"), w.text(drift.words, **said), kind in {"watch", "shifted"})


def priced(found: Planned, w: Words) -> Fact:
    """Say what one more push costs under the budget."""
    budget, price = found.survey.budget_per_user_week, found.survey.shadow_price
    if budget is None:
        key = "free" if price == 0 else "free_priced"
        return Fact(
            w.text("plan.price_tag", price=w.decimal(price)), w.text(f"plan.price_{key}", price=w.decimal(price))
        )
    said = {"budget": w.budget(budget), "price": w.decimal(price)}
    key = "plan.price_zero" if price == 0 else "plan.price"
    return Fact(w.text("plan.price_tag", price=w.decimal(price)), w.text(key, **said))


def fair(found: Planned, w: Words) -> Fact:
    """Say whether members and ordinary shoppers are pushed alike."""
    fairness = found.fairness
    if fairness is None or fairness.difference is None or fairness.members is None or fairness.ordinary is None:
        counts = (fairness.users_members, fairness.users_ordinary) if fairness else (0, 0)
        said = {"members": w.integer(counts[0]), "others": w.integer(counts[1])}
        return Fact(w.text("fairness.too_early_tag"), w.text("fairness.too_early", **said))
    said = {"members": w.decimal(fairness.members.value), "others": w.decimal(fairness.ordinary.value)}
    said |= {"difference": signed(fairness.difference.value, w), "interval": interval(fairness.difference, w)}
    shown = fairness.standardised
    said["alike"] = w.text("fairness.alike", interval=interval(shown, w)) if shown else w.text("fairness.alike_unknown")
    care = fairness.words in {"fairness.not_explained", "fairness.unclear"}
    return Fact(w.text(f"{fairness.words}_tag"), w.text(fairness.words, **said), care)


def lifted(found: Planned, w: Words) -> Fact:
    """Say what pushes brought, beside the shoppers who are held out."""
    lift = found.lift
    said = {"share": w.percent(found.holdout), "held": w.integer(lift.users_held if lift else 0)}
    if lift is None or lift.visits is None:
        key = "lift.no_holdout" if lift is not None and lift.words == "lift.no_holdout" else "lift.too_early"
        lacks = [
            w.text(f"lift.lacks_{name}", least=w.decimal(least)) for name, least in (lift.lacks if lift else {}).items()
        ]
        said["lacks"] = w.text("lift.joint").join(lacks) or w.text("lift.lacks_time")
        return Fact(w.text(f"{key}_tag"), w.text(key, **said))
    visits = lift.visits
    said |= {"treated": w.decimal(visits.treated.value), "control": w.decimal(visits.held.value)}
    said |= {"difference": signed(visits.difference.value, w), "interval": interval(visits.difference, w)}
    return Fact(w.text(f"{lift.words}_tag"), w.text(lift.words, **said), lift.words == "lift.down")


def charts(found: Planned, w: Words) -> dict[str, Chart]:
    """Return the charts, by their names."""
    groups = [grouped(found, by, w) for by in GROUPED]
    lift = found.lift
    figures = (("visits", lift.visits if lift else None), ("money", lift.purchase_value if lift else None))
    lifts = [_lift(name, measured, w) for name, measured in figures]
    drawn = (distribution(found, w), *groups, fairness_chart(found, w), price(found, w), *lifts)
    return {chart.name: chart for chart in drawn}


def distribution(found: Planned, w: Words) -> Chart:
    """Draw how many shoppers are planned how many pushes, now and a week ago."""
    drift, group = found.drift, everybody(found.survey)
    edges: Sequence[float] = PLAN_EDGES
    now, then = drift.now, drift.then
    if drift.source == "decisions":
        edges = (0.0, *DECIDED_EDGES)
    if drift.source != "surveys" and group.planned:
        edges, now, then = PLAN_EDGES, tuple(count / group.planned for count in group.plan_histogram), ()
    bins = [f"{w.decimal(low)}-{w.decimal(high)}" for low, high in pairwise(edges)]
    bins.append(w.text("plan.bin_last", low=w.decimal(edges[-1])))
    rows = [
        {"bin": name, "now": short(now[place]), **({"before": short(then[place])} if then else {})}
        for place, name in enumerate(bins[: len(now)])
    ]
    says = w.text("plan.nobody_planned")
    if rows:
        most = max(range(len(now)), key=lambda place: now[place])
        says = w.text("plan.distribution_says", share=w.percent(now[most]), bin=bins[most])
    head = (w.text("plan.x"), w.text("plan.now"), w.text("plan.before"))
    before = [w.percent(share) for share in then] or [""] * len(rows)
    table = [(name, w.percent(share), was) for name, share, was in zip(bins, now, before, strict=False)]
    empty = columns(w.text("plan.now"), w.text("plan.before") if then else None, w.text("plan.x"))
    return Chart("plan_distribution", filled(empty, rows), says, Table(head, table))


def grouped(found: Planned, by: str, w: Words) -> Chart:
    """Draw the pace of each group."""
    groups = [group for group in found.survey.groups if group.by == by]
    present = [group for group in groups if group.users and group.pace_mean is not None]
    rows = [
        {
            "row": place,
            "name": w.text("plan.group", name=w.text(f"group.{group.name}"), users=w.integer(group.users)),
            "value": short(group.pace_mean),
            "label": w.decimal(group.pace_mean or 0.0),
            "warm": False,
        }
        for place, group in enumerate(present)
    ]
    says = w.text("plan.nobody")
    if present:
        most, least = (pick(present, key=lambda group: group.pace_mean or 0.0) for pick in (max, min))
        said = {"most": w.text(f"group.{most.name}"), "most_pace": w.decimal(most.pace_mean or 0.0)}
        said |= {"least": w.text(f"group.{least.name}"), "least_pace": w.decimal(least.pace_mean or 0.0)}
        says = w.text("plan.group_says" if len(present) > 1 else "plan.group_one", **said)
    head = tuple(
        w.text(f"plan.table_{name}")
        for name in ("group", "users", "reachable", "plan", "pace", "satisfaction", "open", "refusal")
    )
    return Chart(f"plan_{by}", filled(lengths(), rows), says, Table(head, [_row(group, w) for group in groups]))


def fairness_chart(found: Planned, w: Words) -> Chart:
    """Draw how much more often members are pushed, plainly and among shoppers of like behaviour."""
    fairness = found.fairness
    shown = (("plain", fairness.difference), ("alike", fairness.standardised)) if fairness else ()
    rows = [_whisker(w.text(f"fairness.row_{name}"), one, w) for name, one in shown if one is not None]
    return _whiskers("plan_fairness", rows, fair(found, w).said, w.text("fairness.x"), w)


def price(found: Planned, w: Words) -> Chart:
    """Draw the shadow price over the week."""

    def column(series: Series, name: str) -> Sequence[float | None]:  # noqa: ARG001  there is but one
        return held(series.shadow_price)

    prices = known(found.week.shadow_price)
    says = w.text("plan.price_says", low=w.decimal(min(prices)), high=w.decimal(max(prices))) if prices else ""
    kinds = (Kind("price", w.text("plan.price_name"), ACCENT),)
    times = w.text("now.times_week")
    pair = (found.week, found.coarse)
    says = says or w.text("plan.price_unknown")
    return over_time_of(pair, w, "plan_price", kinds, says, column, w.decimal, times=times, numbers=",~f", top=0.01)


def interval(found: Interval, w: Words) -> str:
    """Write an interval."""
    return w.text("plan.interval", low=signed(found.low, w), high=signed(found.high, w))


def signed(value: float, w: Words) -> str:
    """Write a difference with its sign, which is what it is about.

    >>> from andante.site.words import words_of
    >>> signed(0.25, words_of("en")), signed(-1.0, words_of("en"))
    ('+0.25', '−1')
    """
    written = w.decimal(abs(value))
    return written if written == "0" else f"{'+' if value > 0 else '−'}{written}"


def _lift(name: str, measured: Measured | None, w: Words) -> Chart:
    rows = [] if measured is None else [_whisker(w.text(f"lift.row_{name}"), measured.difference, w)]
    says = w.text(f"lift.{name}_unknown")
    if measured is not None:
        said = {"treated": w.decimal(measured.treated.value), "control": w.decimal(measured.held.value)}
        says = w.text(f"lift.{name}_says", **said)
    return _whiskers(f"plan_lift_{name}", rows, says, w.text(f"lift.x_{name}"), w)


def _whisker(name: str, found: Interval, w: Words) -> dict[str, object]:
    ends = {"value": short(found.value), "low": short(found.low), "high": short(found.high)}
    clear = found.low > 0 or found.high < 0
    return {"name": name, **ends, "label": signed(found.value, w), "interval": interval(found, w), "chosen": clear}


def _whiskers(name: str, rows: list[dict[str, object]], says: str, x: str, w: Words) -> Chart:
    head = tuple(w.text(f"plan.table_{column}") for column in ("measure", "difference", "interval"))
    table = [(str(row["name"]), str(row["label"]), str(row["interval"])) for row in rows]
    placed = [{"row": place, **row} for place, row in enumerate(rows)]
    return Chart(name, filled(ranges(x, ",~f", w.text("plan.no_difference")), placed), says, Table(head, table))


def _row(group: Group, w: Words) -> tuple[str, ...]:
    unknown = w.text("plan.unknown")
    decimals = (group.plan_mean, group.pace_mean)
    shares = (group.satisfaction_mean, group.open_rate_mean)
    return (
        w.text(f"group.{group.name}"),
        w.integer(group.users),
        w.integer(group.reachable),
        *(unknown if value is None else w.decimal(value) for value in decimals),
        *(unknown if value is None else w.percent(value) for value in shares),
        unknown if group.refusal_rate_mean is None else w.decimal(1000 * group.refusal_rate_mean),
    )
