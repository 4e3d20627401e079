"""Settings that are right one by one and wrong together, and settings that cannot do what they say."""

from collections.abc import Iterator
from datetime import timedelta
from itertools import combinations, permutations

from andante.settings.sections import REMEMBERED_SENDS, Cap, Settings, iso_duration
from andante.vocabulary.fault import SettingsFault

Finding = tuple[frozenset[str], SettingsFault]
"""The keys that a fault speaks of, and the fault: it is void where one of these keys is itself at fault."""

_WEEK = timedelta(days=7)


def conflicts(settings: Settings) -> Iterator[Finding]:
    """Find what contradicts itself and is refused."""
    yield from _pace_order(settings)
    yield from _budget_range(settings)
    yield from _duplicate_caps(settings)


def doubts(settings: Settings) -> Iterator[Finding]:
    """Find what is allowed but does not do what its writer may expect."""
    yield from _covered_caps(settings)
    yield from _forgetful_caps(settings)
    yield from _bypassed_caps(settings)
    yield from _unspendable_budget(settings)
    yield from _unused_budget(settings)


def _pace_order(settings: Settings) -> Iterator[Finding]:
    """Keep f_min ≤ f_base ≤ f_max."""
    plan = settings.plan
    if plan.f_min_per_week > plan.f_max_per_week:
        pairs = [("f_min", "f_max")]
    else:
        pairs = [("f_min", "f_base"), ("f_base", "f_max")]
    for low, high in pairs:
        less, more = (getattr(plan, f"{name}_per_week") for name in (low, high))
        if less > more:
            keys = [f"plan.{low}_per_week", f"plan.{high}_per_week"]
            problem = f"is above {keys[1]} ({more:g})"
            yield frozenset(keys), SettingsFault(keys[0], less, problem, f"let {low} ≤ {high}")


def _budget_range(settings: Settings) -> Iterator[Finding]:
    """Keep the budget where a mean of paces can lie, between the lowest and the highest pace."""
    budget, plan = settings.budget.per_user_week, settings.plan
    keys = frozenset({"budget.per_user_week", "plan.f_min_per_week", "plan.f_max_per_week"})
    if (
        budget is None
        or plan.f_min_per_week <= budget <= plan.f_max_per_week
        or plan.f_min_per_week > plan.f_max_per_week
    ):
        return
    span = f"{plan.f_min_per_week:g} to {plan.f_max_per_week:g}"
    problem = f"is outside f_min to f_max ({span}), so no plan can meet it"
    yield (
        keys,
        SettingsFault("budget.per_user_week", budget, problem, "choose a budget in between, or widen f_min and f_max"),
    )


def _duplicate_caps(settings: Settings) -> Iterator[Finding]:
    for one, other in combinations(settings.caps, 2):
        if (one.scope, one.window) == (other.scope, other.window):
            problem = f"is given twice, with limits {one.limit} and {other.limit}"
            yield frozenset({"caps"}), SettingsFault("caps", _named(one), problem, "keep one of the two")


def _covered_caps(settings: Settings) -> Iterator[Finding]:
    for cap, stricter in permutations(settings.caps, 2):
        if (cap.scope, cap.window) != (stricter.scope, stricter.window) and stricter.covers(cap):
            problem = f"never binds, because {_said(stricter)} is at least as strict"
            yield (
                frozenset({"caps"}),
                SettingsFault("caps", _said(cap), problem, "leave it out, or lower its limit"),
            )


def _forgetful_caps(settings: Settings) -> Iterator[Finding]:
    """Find narrow caps whose window can hold more sends, of every scope, than the user's record remembers."""
    wide = [cap for cap in settings.caps if cap.scope == "global"]
    for cap in settings.caps:
        if (
            cap.scope != "global"
            and min((g.most(cap.window) for g in wide), default=REMEMBERED_SENDS + 1) > REMEMBERED_SENDS
        ):
            problem = f"is exact only while no more than {REMEMBERED_SENDS} sends of all kinds fall into its window"
            span = iso_duration(cap.window)
            action = f"add a global cap that lets at most {REMEMBERED_SENDS} sends into {span}, or shorten that"
            yield frozenset({"caps"}), SettingsFault("caps", _said(cap), problem, action)


def _bypassed_caps(settings: Settings) -> Iterator[Finding]:
    for cap in settings.caps:
        kind, _, name = cap.scope.partition(":")
        if kind == "category" and name in settings.categories and settings.categories[name].transactional:
            keys = frozenset({"caps", f"categories.{name}.transactional"})
            problem = "never binds, because this category is transactional and bypasses caps"
            yield (
                keys,
                SettingsFault("caps", _said(cap), problem, "leave it out, or make the category not transactional"),
            )


def _unspendable_budget(settings: Settings) -> Iterator[Finding]:
    """In the long run a global cap lets limit / window through."""
    budget = settings.budget.per_user_week
    weekly = [(cap.limit * (_WEEK / cap.window), cap) for cap in settings.caps if cap.scope == "global"]
    if budget is None or not weekly:
        return
    most, cap = min(weekly, key=lambda pair: pair[0])
    if budget > most:
        problem = f"is more than {_said(cap)} lets through ({most:g} a week)"
        fault = SettingsFault("budget.per_user_week", budget, problem, "lower the budget, or raise the cap")
        yield frozenset({"budget.per_user_week", "caps"}), fault


def _unused_budget(settings: Settings) -> Iterator[Finding]:
    budget, theta = settings.budget.per_user_week, settings.plan.theta
    if budget is not None and theta is not None:
        beside = f"budget.per_user_week ({budget:g})"
        problem = f"is given beside {beside}, so the plan follows theta and may miss the budget"
        keys = frozenset({"plan.theta", "budget.per_user_week"})
        yield (
            keys,
            SettingsFault("plan.theta", theta, problem, "leave theta out to have it solved for the budget"),
        )


def _named(cap: Cap) -> str:
    return f"{cap.scope} per {iso_duration(cap.window)}"


def _said(cap: Cap) -> str:
    return f"{cap.scope} {cap.limit} per {iso_duration(cap.window)}"
