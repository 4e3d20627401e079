"""The parameters of the step, compiled from the settings: names become codes, durations seconds, rates counts.

All functions return a new array of shape (1,) and leave the one that they were given as it was. What is published is
logged (see ``andante.vocabulary.parameters``); equal settings and names give equal bytes on every machine.

The engine compiles anew, with ``before``, whenever :class:`~andante.live.names.Names` has met a new channel: a vendor's
channel brings its quota with it, which must be in force before the first request on that channel is stepped. Where
:func:`same` finds no difference there is nothing to publish.
"""

from collections.abc import Collection, Mapping
from datetime import time, timedelta
from math import fsum
from typing import Final

import numpy as np
from numpy.typing import NDArray

from andante.live.hashing import content_hash
from andante.live.names import CATEGORY, CHANNEL, KINDS, Names
from andante.settings import Budget, Settings, quota_of
from andante.vocabulary.event import EventType
from andante.vocabulary.fault import InputFault, SettingsFault
from andante.vocabulary.message import OutcomeType
from andante.vocabulary.parameters import (
    ADJUST_ADDITIVE,
    ADJUST_MULTIPLICATIVE,
    ADJUST_NOT,
    CAP_CATEGORY,
    CAP_CHANNEL,
    CAP_GLOBAL,
    NO_QUOTA,
    PARAMETERS,
    REFUSING_OUTCOMES,
    STOPPED_CAMPAIGNS_MAX,
)
from andante.vocabulary.state import NO_CLOCK

GLOBAL = "global"
CAMPAIGN = "campaign"

_SWITCHES: Final = ("stopped", "stopped_channels", "stopped_categories", "stopped_campaigns")
_CAP_KINDS: Final = {"global": CAP_GLOBAL, CATEGORY: CAP_CATEGORY, CHANNEL: CAP_CHANNEL}
_ADJUSTMENTS: Final = {"none": ADJUST_NOT, "multiplicative": ADJUST_MULTIPLICATIVE, "additive": ADJUST_ADDITIVE}


def compile_parameters(
    settings: Settings, names: Names, *, version: int, before: NDArray[np.void] | None = None
) -> NDArray[np.void]:
    """Compile the settings into one record, shape (1,); every configured name gets its code first.

    ``before`` are the parameters in force till now: what is stopped stays stopped, and a live shadow price stays where
    the controller of the budget left it. Raises InputFault where there is no code left for a name.

    >>> compile_parameters(Settings(), Names(), version=1)["default_per_week"]
    array([1.])
    """
    _register(settings, names)
    record = np.zeros(1, PARAMETERS)
    record["version"] = version
    _limits(record, settings, names)
    _quotas(record, settings, names)
    _pace(record, settings)
    _priors(record, settings)
    if before is not None:
        carried = (*_SWITCHES, "shadow_price") if settings.budget.controller else _SWITCHES
        for field in carried:
            record[field] = before[field]
    return _checked(record)


def same(one: NDArray[np.void], other: NDArray[np.void]) -> bool:
    """Tell whether two parameters decide alike: equal in all but their version."""
    return _with(one, {"version": 0}).tobytes() == _with(other, {"version": 0}).tobytes()


def switch(parameters: NDArray[np.void], names: Names, scope: str, *, stopped: bool) -> NDArray[np.void]:
    """Throw the kill switch for a scope, or lift it; the version goes up by one.

    ``scope`` is ``global``, ``channel:NAME``, ``category:NAME`` or ``campaign:NAME``. Each is a switch of its own:
    lifting ``global`` leaves a channel stopped that was stopped by itself. Throwing what is thrown changes nothing
    but the version. Raises InputFault for a scope that is none of these, for a channel or category that was never seen
    (a slip of the pen would stop nothing), and for more stopped campaigns than the parameters hold.

    >>> names = Names()
    >>> calm = compile_parameters(Settings(), names, version=1)
    >>> halted = switch(calm, names, "global", stopped=True)
    >>> int(calm["stopped"][0]), int(halted["stopped"][0]), int(halted["version"][0])
    (0, 1, 2)
    """
    kind, _, name = scope.partition(":") if isinstance(scope, str) else ("", "", "")
    if scope == GLOBAL:
        return _next(parameters, {"stopped": int(stopped)})
    if kind == CAMPAIGN and name:
        return _next(parameters, {"stopped_campaigns": _campaigns(parameters, name, stopped=stopped)})
    if kind in {CHANNEL, CATEGORY} and name:
        field = "stopped_channels" if kind == CHANNEL else "stopped_categories"
        bit = 1 << _seen(names, kind, name)
        bits = int(parameters[field][0])
        return _next(parameters, {field: bits | bit if stopped else bits & ~bit})
    raise InputFault(
        "the scope of the kill switch",
        scope,
        "is none",
        f"write {GLOBAL}, channel:NAME, category:NAME or campaign:NAME",
    )


def stopped(parameters: NDArray[np.void], names: Names, campaigns: Collection[str] = ()) -> tuple[str, ...]:
    """Return the scopes that the kill switch holds; of campaigns those given, as only their hashes are kept.

    >>> names = Names()
    >>> calm = compile_parameters(Settings(), names, version=1)
    >>> stopped(switch(calm, names, "campaign:sale", stopped=True), names, ["spring", "sale"])
    ('campaign:sale',)
    """
    held = parameters[0]
    scopes = [GLOBAL] if held["stopped"] else []
    for kind, known, bits in (
        (CHANNEL, names.channels, int(held["stopped_channels"])),
        (CATEGORY, names.categories, int(held["stopped_categories"])),
    ):
        scopes += [f"{kind}:{name}" for code, name in enumerate(known) if bits >> code & 1]
    hashes = {int(value) for value in held["stopped_campaigns"] if value}
    return (*scopes, *(f"{CAMPAIGN}:{name}" for name in dict.fromkeys(campaigns) if content_hash(name) in hashes))


def with_shadow_price(parameters: NDArray[np.void], mu: float) -> NDArray[np.void]:
    """Set what one more push costs under the budget, in money; the version goes up by one.

    Raises InputFault where it is negative or not finite.
    """
    if not (np.isfinite(mu) and mu >= 0):
        raise InputFault(
            "the shadow price", mu, "is not a finite number from 0", "give what one more push costs, in money"
        )
    return _next(parameters, {"shadow_price": mu})


def usual_worth(parameters: NDArray[np.void]) -> float:
    """Return what a usual push is worth before any evidence, in money: an offer's worth, if opened, if converted.

    It is the scale of the budget's controller, whose step has no money of its own.
    """
    p = parameters[0]
    return float(p["offer_worth"] * (p["open_a"] / p["open_b"]) * (p["conversion_a"] / p["conversion_b"]))


def next_shadow_price(
    parameters: NDArray[np.void], budget: Budget, *, sent: float, allowed: float, worth: float | None = None
) -> float:
    """Return the shadow price after so many sends where so many were allowed: μ ← max(0, μ + η (sent − allowed)).

    η is the budget's step, of ``worth`` (of a usual push, unless given), for each whole allowance. For
    :func:`with_shadow_price`.

    >>> parameters = compile_parameters(Settings(), Names(), version=1)
    >>> next_shadow_price(parameters, Budget(), sent=80, allowed=100)
    0.0
    >>> next_shadow_price(parameters, Budget(step=1), sent=200, allowed=100) == usual_worth(parameters)
    True
    """
    step = budget.step * (usual_worth(parameters) if worth is None else worth)
    return max(0.0, float(parameters["shadow_price"][0]) + step * (sent - allowed) / max(allowed, 1.0))


def _register(settings: Settings, names: Names) -> None:
    for cap in settings.caps:
        kind, _, name = cap.scope.partition(":")
        if kind in KINDS:
            (names.channel if kind == CHANNEL else names.category)(name)
    for category in settings.categories:
        names.category(category)
    names.zone(settings.users.time_zone)
    for channel in settings.vendor_quotas:
        names.channel(channel)


def _limits(record: NDArray[np.void], settings: Settings, names: Names) -> None:
    """Fill in what rules count and refuse, but for the quotas of vendors."""
    record["seed"] = settings.engine.seed
    record["allows_by_default"] = settings.consent.default == "allow"
    record["transactional"] = _bits(names, {n: c.transactional for n, c in settings.categories.items()})
    record["news"] = _bits(names, {n: c.news for n, c in settings.categories.items()})
    record["holdout"] = settings.experiment.holdout
    record["caps"] = len(settings.caps)
    for place, cap in enumerate(settings.caps):
        kind, _, name = cap.scope.partition(":")
        code = names.find(kind, name) if kind in KINDS else 0
        record["cap_kind"][0, place] = _CAP_KINDS[kind]
        record["cap_code"][0, place] = code
        record["cap_limit"][0, place] = cap.limit
        record["cap_window_s"][0, place] = _seconds(cap.window)
    record["gap_s"] = _seconds(settings.gap.minimum)
    record["duplicate_window_s"] = _seconds(settings.duplicates.window)
    quiet = settings.quiet_hours
    record["quiet_start_min"] = _minutes(quiet.start if quiet else None)
    record["quiet_end_min"] = _minutes(quiet.end if quiet else None)
    record["zone"] = names.zone(settings.users.time_zone)


def _quotas(record: NDArray[np.void], settings: Settings, names: Names) -> None:
    """Fill in the quotas of the channels seen so far: those given, else those that are built in for a vendor's name."""
    record["quota"] = record["quota_news"] = NO_QUOTA
    record["quota_quiet_start_min"] = record["quota_quiet_end_min"] = NO_CLOCK
    for code, channel in enumerate(names.channels):
        quota = quota_of(channel, settings.vendor_quotas)
        if quota is None:
            continue
        record["quota"][0, code] = NO_QUOTA if quota.per_day is None else quota.per_day
        record["quota_news"][0, code] = NO_QUOTA if quota.news_per_day is None else quota.news_per_day
        record["quota_zone"][0, code] = names.zone(quota.time_zone)
        record["quota_quiet_start_min"][0, code] = _minutes(quota.quiet_start)
        record["quota_quiet_end_min"][0, code] = _minutes(quota.quiet_end)


def _pace(record: NDArray[np.void], settings: Settings) -> None:
    """Fill in pace, exploration and what enters the index as a price."""
    pacing = settings.pacing
    record["adjusts"] = _ADJUSTMENTS[pacing.adjustment]
    record["adjust_rate"] = pacing.adjustment_rate
    record["explore"] = settings.experiment.explore
    record["arms"] = len(pacing.arms)
    record["arm_per_week"][0, : len(pacing.arms)] = pacing.arms
    for field in ("default_per_week", "least_per_week", "most_per_week", "burst", "explore_candidates"):
        record[field] = getattr(pacing, field)
    for field in ("temperature", "floor", "patience", "shadow_price"):
        record[field] = getattr(pacing, field)
    for field in ("message_cost", "refusal_loss", "refusal_loss_pushes"):
        record[field] = getattr(pacing, field)
    record["spread_s"] = _seconds(pacing.spread)
    record["stale_after_s"] = _seconds(pacing.stale_after)


def _priors(record: NDArray[np.void], settings: Settings) -> None:
    """Fill in what one user is before any evidence, and how fast evidence fades."""
    learning = settings.learning
    for field, rate, weight in (
        ("open", learning.open_rate, learning.open_rate_weight),
        ("visit", learning.visits_per_day, learning.visits_weight_days),
        ("conversion", learning.conversion_rate, learning.conversion_rate_weight),
        ("refusal", learning.refusal_rate, learning.refusal_rate_weight),
        ("satisfaction", learning.satisfaction, learning.satisfaction_weight),
        ("offer", learning.offers_per_day, learning.offers_weight_days),
    ):
        record[f"{field}_a"], record[f"{field}_b"] = rate * weight, weight
    for field in ("evidence", "counts", "rhythm", "fatigue", "habituation"):
        record[f"{field}_half_life_s"] = _seconds(getattr(learning, f"{field}_half_life"))
    for field in ("offer_worth", "interest_rate", "fatigue_open", "habituation_open", "fatigue_refusal", "carry_over"):
        record[field] = getattr(learning, field)
    record["visit_weight"][0] = [getattr(learning.visit_weights, name) for name in EventType]
    record["refusal_weight"][0] = [
        getattr(learning.refusal_weights, name) for name in list(OutcomeType)[:REFUSING_OUTCOMES]
    ]
    record["hour_prior"][0] = _mean_one(learning.hour_prior)
    record["weekday_prior"][0] = _mean_one(learning.weekday_prior)
    record["rhythm_prior_weight"] = learning.rhythm_prior_weight


def _campaigns(parameters: NDArray[np.void], name: str, *, stopped: bool) -> NDArray[np.uint32]:
    """Return the hashes of stopped campaigns with this one among them, or not; sorted: their order leaves no trace."""
    hashes = {int(value) for value in parameters["stopped_campaigns"][0] if value}
    hashes = hashes | {content_hash(name)} if stopped else hashes - {content_hash(name)}
    if len(hashes) > STOPPED_CAMPAIGNS_MAX:
        raise InputFault(
            f"campaign {name}",
            None,
            f"cannot be stopped by itself, because {STOPPED_CAMPAIGNS_MAX} campaigns are stopped already",
            "lift some that are over, or stop their category",
        )
    filled = np.zeros(STOPPED_CAMPAIGNS_MAX, "u4")
    filled[: len(hashes)] = sorted(hashes)
    return filled


def _seen(names: Names, kind: str, name: str) -> int:
    code = names.find(kind, name)
    if code is None:
        near = names.nearest(kind, name)
        action = f"did you mean {near}?" if near else f"name it as requests do, or configure it as a {kind}"
        raise InputFault(f"the {kind}", name, "was never seen, so there is nothing to stop", action)
    return code


def _bits(names: Names, marked: Mapping[str, bool]) -> int:
    return sum(1 << names.category(name) for name, mark in marked.items() if mark)


def _minutes(clock: time | None) -> int:
    return NO_CLOCK if clock is None else clock.hour * 60 + clock.minute


def _seconds(span: timedelta) -> int:
    return span // timedelta(seconds=1)


def _mean_one(profile: tuple[float, ...]) -> NDArray[np.float64]:
    return np.array(profile) / (fsum(profile) / len(profile))


def _next(parameters: NDArray[np.void], changes: Mapping[str, object]) -> NDArray[np.void]:
    return _checked(_with(parameters, {**changes, "version": int(parameters["version"][0]) + 1}))


def _with(parameters: NDArray[np.void], changes: Mapping[str, object]) -> NDArray[np.void]:
    """Return a copy with some fields changed: a copy of all bytes, as those between the fields are hashed, too."""
    copy = np.frombuffer(bytearray(parameters.tobytes()), PARAMETERS)
    for field, value in changes.items():
        copy[field] = value
    return copy


def _checked(record: NDArray[np.void]) -> NDArray[np.void]:
    """Return the record, having seen that all its numbers are finite. The bounds of the settings see to it."""
    for field in PARAMETERS.names or ():
        if record[field].dtype.kind == "f" and not np.isfinite(record[field]).all():
            raise SettingsFault(
                f"parameter {field}", record[field][0], "is not finite", "report this as a fault of Andante"
            )
    return record
