"""Settings that are allowed but do not do what their writer may expect."""

from collections.abc import Iterator
from datetime import timedelta
from itertools import permutations

from andante.settings.conflicts import Finding
from andante.settings.sections import REMEMBERED_SENDS, Cap, Settings, iso_duration, quota_of
from andante.vocabulary.fault import SettingsFault

_WEEK = timedelta(days=7)
_DAY = timedelta(days=1)
_EVEN_ZONES = {"Asia/Shanghai", "UTC"}  # every day of theirs is as long: one of 25 hours holds more of a cap's windows


def doubts(settings: Settings) -> Iterator[Finding]:
    """Find what is allowed but does not do what its writer may expect."""
    yield from _covered_caps(settings)
    yield from _forgetful_caps(settings)
    yield from _bypassed_caps(settings)
    yield from _idle_quotas(settings)
    yield from _idle_news(settings)
    yield from _unspendable_budget(settings)
    yield from _unused_budget(settings)
    yield from _unreachable_pace(settings)
    yield from _clipped_paces(settings)
    yield from _stale_spread(settings)
    yield from _swift_habituation(settings)


def _covered_caps(settings: Settings) -> Iterator[Finding]:
    for cap, stricter in permutations(settings.caps, 2):
        if (cap.scope, cap.window) != (stricter.scope, stricter.window) and stricter.covers(cap):
            problem = f"never binds, because {_said(stricter)} is at least as strict"
            yield (
                frozenset({"caps"}),
                SettingsFault("caps", _said(cap), problem, "leave it out, or lower its limit"),
            )


def _forgetful_caps(settings: Settings) -> Iterator[Finding]:
    """Find narrow caps whose window can hold more sends, of every scope, than the user's record remembers.

    Past that the engine cannot know how many of them were in the cap's scope, and refuses: a cap never leaks.
    """
    wide = [cap for cap in settings.caps if cap.scope == "global"]
    for cap in settings.caps:
        if (
            cap.scope != "global"
            and min((g.most(cap.window) for g in wide), default=REMEMBERED_SENDS + 1) > REMEMBERED_SENDS
        ):
            span = iso_duration(cap.window)
            problem = (
                f"refuses more than it says once more than {REMEMBERED_SENDS} sends of all kinds fall into {span}: a "
                "record remembers no more, and what it may have forgotten counts against the cap"
            )
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


def _idle_quotas(settings: Settings) -> Iterator[Finding]:
    """Find quotas given for a vendor that a cap makes idle, and limits for news below those for marketing."""
    for channel in settings.vendor_quotas:
        quota = quota_of(channel, settings.vendor_quotas)
        if quota is None or quota.per_day is None:
            continue
        key = f"vendor_quotas.{channel}"
        for cap in settings.caps:
            counts = cap.scope in {"global", f"channel:{channel}"} and quota.time_zone in _EVEN_ZONES
            if counts and cap.most(_DAY) <= quota.per_day:
                fault = SettingsFault(
                    f"{key}.per_day",
                    quota.per_day,
                    f"never binds, because {_said(cap)} is at least as strict",
                    "leave it out, or lower it",
                )
                yield frozenset({"caps", f"{key}.per_day"}), fault
        if quota.news_per_day is not None and quota.news_per_day < quota.per_day:
            fault = SettingsFault(
                f"{key}.news_per_day",
                quota.news_per_day,
                f"is below per_day ({quota.per_day}), so that news are held back where marketing is not",
                "raise it, or leave it out",
            )
            yield frozenset({f"{key}.news_per_day", f"{key}.per_day"}), fault


def _idle_news(settings: Settings) -> Iterator[Finding]:
    for name, category in settings.categories.items():
        if category.transactional and category.news:
            keys = frozenset({f"categories.{name}.transactional", f"categories.{name}.news"})
            problem = "makes no difference, because this category is transactional and no quota counts it"
            yield keys, SettingsFault(f"categories.{name}.news", "true", problem, "leave one of the two out")


def _unspendable_budget(settings: Settings) -> Iterator[Finding]:
    budget = settings.budget.per_user_week
    found = _most_per_week(settings)
    if budget is not None and found is not None and budget > found[0]:
        most, key, words = found
        problem = f"is more than {words} lets through ({most:g} a week)"
        fault = SettingsFault("budget.per_user_week", budget, problem, f"lower the budget, or {_loosen(key)}")
        yield frozenset({"budget.per_user_week", key}), fault


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


def _unreachable_pace(settings: Settings) -> Iterator[Finding]:
    """Find a pace that holds without any plan and that a cap or the gap never lets anybody reach."""
    found = _most_per_week(settings)
    for name in ("default_per_week", "least_per_week"):
        pace = getattr(settings.pacing, name)
        if found is not None and pace > found[0]:
            most, key, words = found
            problem = f"is more than {words} lets through ({most:g} a week)"
            fault = SettingsFault(f"pacing.{name}", pace, problem, f"lower the pace, or {_loosen(key)}")
            yield frozenset({f"pacing.{name}", key}), fault


def _clipped_paces(settings: Settings) -> Iterator[Finding]:
    """Find arms, and ends of plans, outside of what pacing follows."""
    pacing, plan = settings.pacing, settings.plan
    span = f"least_per_week to most_per_week ({pacing.least_per_week:g} to {pacing.most_per_week:g})"
    bounds = {"pacing.least_per_week", "pacing.most_per_week"}
    outside = [arm for arm in pacing.arms if not (arm == 0 or pacing.least_per_week <= arm <= pacing.most_per_week)]
    if outside:
        said = ", ".join(f"{arm:g}" for arm in outside)
        problem = f"is outside of {span}, and followed only so far"
        fault = SettingsFault("pacing.arms", said, problem, "choose arms in between, or widen the range")
        yield frozenset({"pacing.arms", *bounds}), fault
    if "f_max_per_week" in plan.model_fields_set and plan.f_max_per_week > pacing.most_per_week:
        problem = f"is above pacing.most_per_week ({pacing.most_per_week:g}), and followed only so far"
        fault = SettingsFault("plan.f_max_per_week", plan.f_max_per_week, problem, "lower the one, or raise the other")
        yield frozenset({"plan.f_max_per_week", "pacing.most_per_week"}), fault


def _stale_spread(settings: Settings) -> Iterator[Finding]:
    pacing = settings.pacing
    if pacing.spread >= pacing.stale_after:
        stale = iso_duration(pacing.stale_after)
        problem = f"is no shorter than stale_after ({stale}), so that pushes are dropped as they wait"
        fault = SettingsFault(
            "pacing.spread", iso_duration(pacing.spread), problem, "shorten it, or let pushes wait longer"
        )
        yield frozenset({"pacing.spread", "pacing.stale_after"}), fault


def _swift_habituation(settings: Settings) -> Iterator[Finding]:
    learning = settings.learning
    if learning.habituation_half_life < learning.fatigue_half_life:
        fatigue = iso_duration(learning.fatigue_half_life)
        problem = f"is shorter than fatigue_half_life ({fatigue}), whose slow companion it is"
        value = iso_duration(learning.habituation_half_life)
        fault = SettingsFault("learning.habituation_half_life", value, problem, "let fatigue be the faster of the two")
        yield frozenset({"learning.habituation_half_life", "learning.fatigue_half_life"}), fault


def _most_per_week(settings: Settings) -> tuple[float, str, str] | None:
    """Return what the strictest global cap, or the gap, lets through in the long run, its key, and it in words."""
    limits = [(cap.limit * (_WEEK / cap.window), "caps", _said(cap)) for cap in settings.caps if cap.scope == "global"]
    if settings.gap.minimum:
        limits.append(
            (_WEEK / settings.gap.minimum, "gap.minimum", f"gap.minimum ({iso_duration(settings.gap.minimum)})")
        )
    return min(limits, default=None)


def _loosen(key: str) -> str:
    return "raise the cap" if key == "caps" else "shorten the gap"


def _said(cap: Cap) -> str:
    return f"{cap.scope} {cap.limit} per {iso_duration(cap.window)}"
