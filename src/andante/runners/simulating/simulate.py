"""Simulating: a policy lives through a world, and is held against other policies with the same draws."""

from __future__ import annotations

import resource
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from andante.evaluation.interval import Interval, divided, interval_of, known_interval_of, resampled_totals
from andante.evaluation.measures.guardrails import frequency, guardrails
from andante.evaluation.measures.life import totals
from andante.evaluation.measures.satisfaction import satisfaction
from andante.evaluation.measures.value import incremental
from andante.runners.simulating.policies import NONE, Setting, policy
from andante.vocabulary.fault import InputFault
from andante.worlds.catalogue import world
from andante.worlds.contract import WEEK_S
from andante.worlds.loop import live

if TYPE_CHECKING:
    from pathlib import Path

    from andante.settings import Settings
    from andante.worlds.contract import Lived

Progress = Callable[[str, float], None]
"""Is told the name of the policy that is living, and the share of its time that has passed."""

FIGURES = (
    "value_per_user",
    "sends_per_user_week",
    "opens_per_push",
    "visits_per_user",
    "orders_per_user",
    "opt_outs_per_1000",  # uninstalls among them
    "uninstalls_per_1000",
    "complaints_per_1000",
    "night_share",
    "reachable_share",
    "satisfied_weeks",
    "users_accurate",
    "rating",
)
"""Every figure of a simulation. What is per user counts the users who had joined; rates are per push delivered."""

RESAMPLES_SEED = 7


@dataclass(frozen=True, slots=True)
class Simulated:
    """What came of a policy in a world."""

    world: str
    policy: str
    users: int
    weeks: int
    seed: int
    budget: float | None
    figures: Mapping[str, Interval | None]  # those of FIGURES, with 95 % intervals over users; None: undefined
    against: Mapping[str, Interval]  # value per user above that of another policy with the same draws
    seconds: float  # wall time of living through the world with the policy
    peak_memory_bytes: int  # of the process
    lived: Lived = field(repr=False)

    def to_dict(self) -> dict[str, Any]:
        """Return everything but ``lived`` as plain values."""
        names = [name for name in self.__slots__ if name not in {"lived", "figures", "against"}]
        plain = {name: getattr(self, name) for name in names}
        figures = {name: None if one is None else asdict(one) for name, one in self.figures.items()}
        return {**plain, "figures": figures, "against": {name: asdict(one) for name, one in self.against.items()}}


def simulate(  # noqa: PLR0913  a job is all of these
    world_name: str,
    policy_name: str,
    users: int,
    weeks: int,
    seed: int,
    *,
    budget: float | None = None,
    settings: Settings | None = None,
    against: Sequence[str] = (NONE,),
    threads: int = 1,
    progress: Progress | None = None,
) -> Simulated:
    """Live through a world with a policy and, with the same draws, with each of those it is held against.

    ``users`` and ``weeks`` are the size of the world, ``budget`` is in pushes per user-week, ``settings`` are the
    engine's. Raises InputFault for an unknown world or policy, and for fewer than two users or less than a week.
    """
    if users < 2 or weeks < 1:  # noqa: PLR2004  one user has no spread
        raise InputFault(
            "the size of the world", f"{users} users, {weeks} weeks", "is too small", "give 2 users and a week, or more"
        )
    setting = Setting(world_name, users, weeks, seed, budget, settings, threads)
    others = [name for name in dict.fromkeys(against) if name != policy_name]
    made = {name: policy(name, setting) for name in (policy_name, *others)}  # a wrong name ends it at once
    begun = time.perf_counter()
    lived = _lived(setting, policy_name, made, progress)
    seconds, peak = time.perf_counter() - begun, peak_memory_bytes()
    theirs = {name: _lived(setting, name, made, progress) for name in others}
    ahead = {name: incremental(lived, other, seed=RESAMPLES_SEED) for name, other in theirs.items()}
    return Simulated(world_name, policy_name, users, weeks, seed, budget, judged(lived), ahead, seconds, peak, lived)


def save(lived: Lived, path: Path) -> None:
    """Write what came of a policy: a table by user and week as ``.parquet``, or all columns as ``.npz``.

    Raises InputFault for another ending.
    """
    refuse_ending(path)
    columns = {name: getattr(lived, name) for name in lived.__slots__}
    if path.suffix == ".npz":
        with path.open("wb") as file:
            np.savez_compressed(file, **columns)
        return
    import pyarrow as pa  # noqa: PLC0415  the core has none
    from pyarrow import parquet  # noqa: PLC0415

    users, weeks = lived.sends.shape
    table = {"user": np.repeat(np.arange(users), weeks), "week": np.tile(np.arange(weeks), users)}
    for name, column in columns.items():
        table[name] = column.ravel() if column.ndim > 1 else np.repeat(column, weeks)
    parquet.write_table(pa.table(table), path)


def refuse_ending(path: Path) -> None:
    """Raise InputFault for a name that :func:`save` does not know how to write."""
    if path.suffix not in {".npz", ".parquet"}:
        raise InputFault("the file to write", path.name, "ends in neither .npz nor .parquet", "name it so")


def peak_memory_bytes() -> int:
    """Return the most memory that this process has held so far."""
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit


def _lived(setting: Setting, name: str, made: Mapping[str, Any], progress: Progress | None) -> Lived:
    there = world(setting.world, setting.users, setting.weeks, setting.seed)
    crowd = there.crowd
    end_s = crowd.weeks * WEEK_S

    def passed(tick: Any) -> None:
        if progress is not None:
            progress(name, (tick.until_s - crowd.start_s) / end_s)

    return live(there, made[name], passed)


def judged(lived: Lived) -> dict[str, Interval | None]:
    """Return every figure of FIGURES, with its interval over users; None where there is nothing to divide by."""
    columns = {name: totals(getattr(lived, name)) for name in ("value", "opens", "visits", "orders", "sends")}
    columns["users"] = np.asarray(lived.present.any(axis=1), np.float64)
    drawn = resampled_totals(list(columns.values()), seed=RESAMPLES_SEED)
    total = {name: drawn[:, place] for place, name in enumerate(columns)}
    costs = guardrails(lived, seed=RESAMPLES_SEED)
    felt = satisfaction(lived, seed=RESAMPLES_SEED)
    found = (
        interval_of(divided(total["value"], total["users"])),
        frequency(lived, seed=RESAMPLES_SEED),
        known_interval_of(divided(total["opens"], total["sends"])),
        interval_of(divided(total["visits"], total["users"])),
        interval_of(divided(total["orders"], total["users"])),
        _per_1000(costs.optouts_per_push),
        _per_1000(costs.uninstalls_per_push),
        _per_1000(costs.complaints_per_push),
        costs.night_share,
        costs.reachable_share,
        felt.satisfied_weeks,
        felt.users_accurate,
        felt.stars,
    )
    return dict(zip(FIGURES, found, strict=True))


def _per_1000(share: Interval | None) -> Interval | None:
    return None if share is None else Interval(1000 * share.value, 1000 * share.low, 1000 * share.high)
