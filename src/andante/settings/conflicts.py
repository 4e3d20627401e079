"""Settings that are right one by one and contradict each other: these are refused."""

from collections.abc import Iterator
from itertools import combinations
from typing import Final

from andante.settings.sections import Cap, Settings, iso_duration, quota_of
from andante.vocabulary.fault import SettingsFault

Finding = tuple[frozenset[str], SettingsFault]
"""The keys that a fault speaks of, and the fault: it is void where one of these keys is itself at fault."""

NAMES_MAX: Final = {"channel": 8, "category": 64}
"""How many channels and categories a user's record has room for."""

CAPS_MAX: Final = 32


def conflicts(settings: Settings) -> Iterator[Finding]:
    """Find what contradicts itself and is refused."""
    plan, pacing = settings.plan, settings.pacing
    paces = {f"plan.{name}_per_week": getattr(plan, f"{name}_per_week") for name in ("f_min", "f_base", "f_max")}
    yield from _ordered(paces)
    paces = {f"pacing.{name}_per_week": getattr(pacing, f"{name}_per_week") for name in ("least", "default", "most")}
    yield from _ordered(paces)
    yield from _budget_range(settings)
    yield from _idle_controller(settings)
    yield from _duplicate_caps(settings)
    yield from _too_many(settings)
    yield from _half_quiet_vendors(settings)
    yield from _forgotten_answers(settings)
    yield from _served_twice(settings)


def _ordered(paces: dict[str, float]) -> Iterator[Finding]:
    """Keep low ≤ middle ≤ high; where low is above high the one in the middle is not to blame."""
    low, middle, high = paces
    pairs = [(low, high)] if paces[low] > paces[high] else [(low, middle), (middle, high)]
    for less, more in pairs:
        if paces[less] > paces[more]:
            problem = f"is above {more} ({paces[more]:g})"
            words = [key.partition(".")[2].removesuffix("_per_week") for key in (less, more)]
            yield frozenset({less, more}), SettingsFault(less, paces[less], problem, f"let {words[0]} ≤ {words[1]}")


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


def _idle_controller(settings: Settings) -> Iterator[Finding]:
    """Refuse a controller that has no budget to hold."""
    if settings.budget.controller and settings.budget.per_user_week is None:
        fault = SettingsFault(
            "budget.controller",
            "true",
            "has no budget to hold",
            "give budget.per_user_week, or leave the controller out",
        )
        yield frozenset({"budget.controller", "budget.per_user_week"}), fault


def _duplicate_caps(settings: Settings) -> Iterator[Finding]:
    for one, other in combinations(settings.caps, 2):
        if (one.scope, one.window) == (other.scope, other.window):
            problem = f"is given twice, with limits {one.limit} and {other.limit}"
            yield frozenset({"caps"}), SettingsFault("caps", _named(one), problem, "keep one of the two")


def _too_many(settings: Settings) -> Iterator[Finding]:
    """Find more caps, channels or categories than the records of the engine have room for."""
    if len(settings.caps) > CAPS_MAX:
        problem = f"are more than the {CAPS_MAX} that can be kept"
        yield frozenset({"caps"}), SettingsFault("caps", len(settings.caps), problem, "leave out those that never bind")
    scopes = [cap.scope.partition(":") for cap in settings.caps]
    named = {
        "channel": {name for kind, _, name in scopes if kind == "channel"}
        | set(settings.vendor_quotas)
        | {options.channel or name for name, options in settings.channels.items()},
        "category": {name for kind, _, name in scopes if kind == "category"} | set(settings.categories),
    }
    sections = {"channel": "channels, vendor_quotas", "category": "categories"}
    for kind, names in named.items():
        if len(names) > NAMES_MAX[kind]:
            thing = f"{sections[kind]} and caps"
            problem = f"name more than the {NAMES_MAX[kind]} that a user's record has room for"
            fault = SettingsFault(thing, f"{len(names)} of scope {kind}", problem, "let some share a name")
            yield frozenset({"caps", *sections[kind].split(", ")}), fault


def _half_quiet_vendors(settings: Settings) -> Iterator[Finding]:
    for channel in settings.vendor_quotas:
        quota = quota_of(channel, settings.vendor_quotas)
        if quota is not None and (quota.quiet_start is None) != (quota.quiet_end is None):
            there, gone = ("quiet_end", "quiet_start") if quota.quiet_start is None else ("quiet_start", "quiet_end")
            key = f"vendor_quotas.{channel}"
            clock = getattr(quota, there).strftime("%H:%M")
            fault = SettingsFault(f"{key}.{there}", clock, f"has no {gone} beside it", f"give {key}.{gone}, too")
            yield frozenset({f"{key}.{there}", f"{key}.{gone}"}), fault


def _forgotten_answers(settings: Settings) -> Iterator[Finding]:
    """Keep the log as long as its keys: an answer is given again from the row that holds it."""
    log = settings.log
    if log.keys > log.retention:
        problem = f"is longer than log.retention ({iso_duration(log.retention)}), and an answer is read from the log"
        fault = SettingsFault("log.keys", iso_duration(log.keys), problem, "shorten keys, or keep the log longer")
        yield frozenset({"log.keys", "log.retention"}), fault


def _served_twice(settings: Settings) -> Iterator[Finding]:
    """Find two tables of one provider for one channel: nobody could say by which of them a push goes out."""
    seen: dict[tuple[str, str], str] = {}
    for name, options in settings.channels.items():
        lane = (options.channel or name, options.provider)
        if lane in seen:
            key, problem = (
                f"channels.{name}.provider",
                f"serves the channel {lane[0]} already, by channels.{seen[lane]}",
            )
            fault = SettingsFault(key, options.provider, problem, "keep one of the two, or name another channel")
            yield frozenset({key, f"channels.{seen[lane]}"}), fault
        seen[lane] = name


def _named(cap: Cap) -> str:
    return f"{cap.scope} per {iso_duration(cap.window)}"
