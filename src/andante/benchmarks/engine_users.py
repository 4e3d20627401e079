"""Users with a past, and what is asked about them: what the engine is measured on.

Every field that a decision reads is filled as years of use would fill it: 32 remembered sends each, consent, zones all
over the world, own quiet hours and dials, plans, credit, pressure, evidence and rhythms. Nobody is a special case that
ends a decision early.
"""

from collections import Counter
from datetime import datetime
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from andante.live.names import Names
from andante.live.parameters import compile_parameters
from andante.settings import load
from andante.settings.sections.learning import HOUR_PRIOR
from andante.vocabulary.flow import CANDIDATE, RECORD, Kind
from andante.vocabulary.reason import Action, Reason
from andante.vocabulary.state import CHANNEL_SHIFT, KNOWN, SLOTS, new_users
from andante.zones.table import Zones, build

SEED = 7
START_S = 1_767_571_200  # Monday 2026-01-05 00:00 UTC: no clock changes in the weeks after it
DAY_S, WEEK_S = 86_400, 604_800

ZONES = (
    "Asia/Shanghai", "America/New_York", "Europe/Berlin", "Asia/Kolkata", "America/Sao_Paulo",
    "Asia/Tokyo", "Europe/London", "America/Los_Angeles", "Africa/Lagos", "Australia/Sydney",
    "Asia/Kathmandu", "America/St_Johns", "Asia/Dubai", "Europe/Istanbul", "Africa/Cairo",
    "America/Mexico_City", "Pacific/Auckland", "Asia/Jakarta", "Europe/Moscow", "America/Chicago",
)  # fmt: skip
CATEGORIES = ("promotion", "recommendation", "price_drop", "order_update")
TRANSACTIONAL = 3  # place of the one that users wait for
CHANNEL = "push"
FIRST_ZONE = 1
"""The code of the first zone: that of the configuration, UTC, has 0."""

CONFIG: dict[str, Any] = {
    "caps": [
        {"scope": "global", "limit": 2, "window": "P1D"},
        {"scope": "global", "limit": 7, "window": "P7D"},
        {"scope": "category:promotion", "limit": 1, "window": "P1D"},
        {"scope": "channel:push", "limit": 20, "window": "P30D"},
    ],
    "quiet_hours": {"start": "22:00", "end": "08:00"},
    "categories": {name: {"transactional": name == CATEGORIES[TRANSACTIONAL]} for name in CATEGORIES},
}
"""Four caps in three scopes and as many windows, quiet hours, and the defaults of everything else."""

_AT_ONCE = 65_536  # users that are drawn together, so that a million need no more memory than they fill
_REFUSERS, _OWN_HOURS, _OWN_DIAL, _TRANSACTIONAL_SHARE = 0.02, 0.2, 0.1, 0.02


class Held(NamedTuple):
    """What holds for all users: what the step needs beside users and records."""

    names: Names
    parameters: NDArray[np.void]
    zones: Zones


def held() -> Held:
    """Return the compiled configuration. Names have the codes that an engine opened with it gives them."""
    names = Names()
    parameters = compile_parameters(load(CONFIG, {}), names, version=1)
    for zone in ZONES:
        names.zone(zone)
    return Held(names, parameters, build(names.zones))


def lived_in(count: int, *, seed: int = SEED) -> NDArray[np.void]:
    """Return records (count,) of USER as of ``START_S``, the same for the same seed and count."""
    users = new_users(count)
    for first in range(0, count, _AT_ONCE):
        part = users[first : first + _AT_ONCE]
        draw = np.random.default_rng((seed, first))
        per_week = np.clip(draw.lognormal(np.log(2.5), 0.6, len(part)), 0.5, 7.0)
        _identity(part, draw)
        _sends(part, per_week, draw)
        _pace(part, per_week, draw)
        _evidence(part, per_week, draw)
    return users


def requests(  # noqa: PLR0913  a traffic is what it is
    users: NDArray[np.void], count: int, *, candidates: int, skew: float, first_number: int, at_s: int, seed: int = SEED
) -> tuple[NDArray[np.void], NDArray[np.void]]:
    """Return a day of requests (count,) of RECORD with candidates each, and these, flat, of CANDIDATE.

    Who is asked about is uniform where ``skew`` is 0, else Zipf's law with that exponent over users in an order of its
    own. A user is asked about when awake: as often in each local hour as shops are visited in it.
    """
    draw = np.random.default_rng((seed, first_number, candidates))
    records = np.zeros(count, RECORD)
    records["kind"], records["count"] = Kind.REQUEST, candidates
    records["number"] = np.arange(first_number, first_number + count)
    records["first"] = np.arange(count) * candidates
    records["at_s"] = at_s + np.arange(count) * DAY_S // count
    records["user"] = _awake(users["zone"], records["at_s"], skew, draw)
    return records, _offered(records, candidates, draw)


def zone_offset_s(zone: str) -> int:
    """Return local time less UTC at ``START_S``.

    >>> zone_offset_s("Asia/Kathmandu")
    20700
    """
    offset = datetime.fromtimestamp(START_S, ZoneInfo(zone)).utcoffset()
    return 0 if offset is None else int(offset.total_seconds())


def mix(decisions: NDArray[np.void]) -> dict[str, float]:
    """Return the share of each outcome among decisions of DECISION, such as ``{"send best": 0.4}``, commonest first."""
    pairs = Counter(zip(decisions["action"].tolist(), decisions["reason"].tolist(), strict=True))
    named = {
        f"{Action(action).name} {Reason(reason).name}".lower(): seen / len(decisions)
        for (action, reason), seen in pairs.most_common()
    }
    return {name: round(share, 4) for name, share in named.items()}


def told(shares: dict[str, float]) -> str:
    """Return a mix as one line.

    >>> told({"send best": 0.4123, "defer pace": 0.5877})
    'send best 41 %, defer pace 59 %'
    """
    return ", ".join(f"{name} {share:.0%}".replace("%", " %") for name, share in shares.items() if share >= 0.005)


def _identity(users: NDArray[np.void], draw: np.random.Generator) -> None:
    """Fill in who a user is and what they want."""
    count = len(users)
    users["key"] = draw.integers(0, 2**64, count, np.uint64)
    users["now_s"] = START_S - draw.integers(0, DAY_S, count)
    users["born_s"] = START_S - draw.integers(90 * DAY_S, 700 * DAY_S, count)
    users["zone"] = FIRST_ZONE + draw.integers(0, len(ZONES), count)
    users["flags"] = KNOWN
    refuses = draw.random(count) < _REFUSERS
    users["channels_given"], users["channels_refused"] = ~refuses, refuses
    users["categories_given"] = 2 ** len(CATEGORIES) - 1
    own_hours = draw.random(count) < _OWN_HOURS
    users["quiet_start_min"][own_hours] = 60 * draw.integers(20, 24, own_hours.sum())
    users["quiet_end_min"][own_hours] = 60 * draw.integers(6, 10, own_hours.sum())
    own_dial = draw.random(count) < _OWN_DIAL
    users["max_per_week"][own_dial] = draw.integers(2, 8, own_dial.sum())


def _sends(users: NDArray[np.void], per_week: NDArray[np.float64], draw: np.random.Generator) -> None:
    """Fill every slot, in an order that begins anywhere, as a ring's does."""
    count = len(users)
    ago_s = np.cumsum(3600 + draw.exponential(1.0, (count, SLOTS)) * (WEEK_S / per_week - 3600)[:, None], axis=1)
    turned = (np.arange(SLOTS) + draw.integers(0, SLOTS, (count, 1))) % SLOTS
    ago_s = np.take_along_axis(ago_s, turned, axis=1)
    users["sent_s"] = START_S - np.minimum(ago_s, 20 * 365 * DAY_S).astype(np.int64)
    users["sent_number"] = draw.integers(0, 2**32, (count, SLOTS), np.uint32)
    users["sent_content"] = draw.integers(1, 2**32, (count, SLOTS), np.uint32)
    users["sent_scope"] = draw.integers(0, TRANSACTIONAL, (count, SLOTS)) | 0 << CHANNEL_SHIFT
    users["forgotten_s"] = users["sent_s"].min(axis=1).astype(np.int64) - 3600


def _pace(users: NDArray[np.void], per_week: NDArray[np.float64], draw: np.random.Generator) -> None:
    """Fill in plan, credit and the pressure that the plan's pushes leave."""
    count = len(users)
    users["plan_per_week"], users["interest"], users["theta"] = per_week, draw.random(count), 0.5
    users["adjustment"], users["arm_week"] = 0.0, START_S // WEEK_S
    users["credit"], users["credit_s"] = draw.random(count) * 1.5, users["now_s"]
    users["pressure_anchor_s"] = users["now_s"]
    users["fatigue"], users["habituation"] = per_week / 7 * 3.6, per_week / 7 * 21.6


def _evidence(users: NDArray[np.void], per_week: NDArray[np.float64], draw: np.random.Generator) -> None:
    """Fill in what was learned: half a year of pushes at the plan's pace, visits, offers and rhythms."""
    count, pushes = len(users), per_week * 18.0
    for anchor in ("evidence", "counts", "rhythm"):
        users[f"{anchor}_anchor_s"] = users["now_s"]
    users["open_exposure"] = users["refusal_exposure"] = pushes
    users["opens"] = users["opened_sends"] = opens = draw.poisson(pushes * draw.beta(2.0, 28.0, count))
    users["conversions"] = draw.binomial(opens, 0.05)
    users["refusals"] = 0.2 * (draw.random(count) < 0.1)
    users["visits"] = draw.gamma(1.0, 40.0, count)
    users["satisfaction_weight"] = draw.integers(0, 5, count)
    users["satisfaction_sum"] = users["satisfaction_weight"] * draw.random(count)
    users["offers"] = draw.gamma(4.0, 50.0, count)
    users["offer_value"] = users["offers"] * draw.lognormal(0.0, 0.3, count)
    users["counts"] = draw.gamma(0.5, 4.0, users["counts"].shape)
    users["last_purchase_s"] = START_S - draw.integers(DAY_S, 200 * DAY_S, count)
    users["hours"] = draw.gamma(0.5, 4.0, users["hours"].shape) * np.array(HOUR_PRIOR)
    users["weekdays"] = draw.gamma(2.0, 4.0, users["weekdays"].shape)


def _awake(
    zones: NDArray[np.uint16], at_s: NDArray[np.int64], skew: float, draw: np.random.Generator
) -> NDArray[np.int64]:
    """Return the row of a user for each instant, drawn again until the local hour suits."""
    by_hour = np.array(HOUR_PRIOR) / max(HOUR_PRIOR)
    offset_s = np.array([zone_offset_s(zone) for zone in ZONES])
    pick = _picker(len(zones), skew, draw)
    rows: NDArray[np.int64] = pick(len(at_s))
    asleep = np.arange(len(at_s))
    while len(asleep):
        hour = (at_s[asleep] + offset_s[zones[rows[asleep]] - FIRST_ZONE]) // 3600 % 24
        asleep = asleep[draw.random(len(asleep)) >= by_hour[hour]]
        rows[asleep] = pick(len(asleep))
    return rows


def _picker(count: int, skew: float, draw: np.random.Generator) -> Any:
    """Return what draws so many rows at once."""
    if skew == 0.0:
        return lambda size: draw.integers(0, count, size)
    below = np.cumsum(np.arange(1, count + 1) ** -skew)
    order = draw.permutation(count)
    return lambda size: order[np.searchsorted(below, draw.random(size) * below[-1], side="right").clip(max=count - 1)]


def _offered(records: NDArray[np.void], each: int, draw: np.random.Generator) -> NDArray[np.void]:
    """Return candidates whose values differ: a few are worth ten times what most are."""
    count = len(records) * each
    offered = np.zeros(count, CANDIDATE)
    offered["value"] = draw.lognormal(-0.5, 1.0, count)
    offered["relevance"] = draw.lognormal(-0.045, 0.3, count)
    offered["expires_s"] = np.repeat(records["at_s"], each) + draw.integers(3600, 2 * DAY_S, count)
    offered["content"] = draw.integers(1, 2**32, count, np.uint32)
    offered["campaign"] = draw.integers(1, 2**32, count, np.uint32)
    urgent = draw.random(count) < _TRANSACTIONAL_SHARE
    offered["category"] = np.where(urgent, TRANSACTIONAL, draw.integers(0, TRANSACTIONAL, count))
    return offered
