"""Policies: what Andante's engine is worth beside every baseline and the oracle, world by world, at equal budgets.

Every policy lives through the same worlds with the same draws. Baselines that learn, or have a setting, were trained in
other worlds of the same kind (``baselines.catalogue.TRAINING_SEEDS``), for as many weeks, with many users, all pushed
by random k: more than any shop has, and more than Andante gets, which learns from the judged users alone, as it goes.
The oracle knows the world's own response curves.

Every row says what the policy brought beyond no push, and how far it is ahead of the best single cap: as it is, and at
the policy's own sends, where the cap's value is taken from its frontier. Intervals are over users of all seeds. Where
Andante is behind, its row says so.
"""

from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, fields, replace
from importlib import import_module
from multiprocessing import get_context
from typing import Any

import numpy as np
from rich.console import Console
from rich.table import Table

from andante.evaluation.interval import Interval, difference_over_users
from andante.evaluation.measures.guardrails import guardrails
from andante.evaluation.measures.life import totals
from andante.evaluation.measures.value import at_matched_sends, gap_closed, incremental
from andante.vocabulary.fault import InputFault, MissingExtra, NotEnoughData
from andante.worlds.contract import Lived, Policy

SEED = 101
"""The first judged seed; those below 100 were looked at while the policies were built."""

ANDANTE, CAP, ORACLE, NO_PUSH = "andante", "best-cap", "oracle", "no-push"
JUDGED = (ANDANTE, CAP, "best-pace", "random", "open-rate", "pinterest", "linkedin", "uplift", "vowpal", ORACLE)
"""Policies that are compared, in the order of rows."""

BUDGETS: tuple[float | None, ...] = (1.0, 2.0, 4.0, None)
PACES = np.array([0.0, 0.5, 1.0, 1.5, 2.0, 2.5, 3.0, 4.0, 5.0, 6.0, 8.0, 10.0])
"""Constant paces among which the oracle chooses."""

FRONTIER = (1.0, 2.0, 3.0, 4.0, 6.0, 10.0)
"""Caps that make up the frontier of the fixed cap."""

PILOT_USERS, SWEEP_USERS = 10_000, 4000
"""Users of the worlds in which baselines are trained and tuned: enough to be strong, however few are judged."""

RESAMPLES = 1000
PROCESSES = 2


@dataclass(frozen=True, slots=True)
class _Job:
    """One world, with everything that is judged in it."""

    world: str
    users: int
    weeks: int
    seeds: tuple[int, ...]
    budgets: tuple[float | None, ...]
    names: tuple[str, ...]
    frontier: tuple[float, ...]
    pilot_users: int
    sweep_users: int


def policies(  # noqa: PLR0913, PLR0917  a comparison is all of these
    users: int = 2000,
    weeks: int = 26,
    seeds: int = 20,
    budgets: Sequence[float | None] = BUDGETS,
    worlds: Sequence[str] | None = None,
    names: Sequence[str] = JUDGED,
    *,
    frontier: Sequence[float] = FRONTIER,
    pilot_users: int = PILOT_USERS,
    sweep_users: int = SWEEP_USERS,
    processes: int = PROCESSES,
) -> list[dict[str, Any]]:
    """Live through every world with every policy under every budget, print a table, and return a row for each.

    ``budgets`` are in pushes per user-week, None: no budget; ``frontier`` are the caps with which a policy is matched.
    Rows carry money per eligible user. Raises InputFault for an unknown world or policy.
    """
    from andante.worlds.catalogue import WORLDS

    wanted = tuple(worlds or WORLDS)
    for thing, given, known in (("world", wanted, WORLDS), ("policy", names, JUDGED)):
        for name in given:
            if name not in known:
                raise InputFault(thing, name, "is unknown", f"choose of {', '.join(known)}")
    judged = tuple(range(SEED, SEED + seeds))
    what = (users, weeks, judged, tuple(budgets), tuple(names), tuple(frontier), pilot_users, sweep_users)
    jobs = [_Job(world, *what) for world in wanted]
    if processes == 1 or len(jobs) == 1:
        found = [_world_rows(job) for job in jobs]
    else:
        with ProcessPoolExecutor(processes, mp_context=get_context("spawn"), initializer=_alone) as pool:
            found = list(pool.map(_world_rows, jobs))
    rows = [row for part in found for row in part]
    _show(rows)
    return rows


def _alone() -> None:
    """Keep libraries of linear algebra to one thread: there is a process for each core."""
    import_module("threadpoolctl").threadpool_limits(1)


def _world_rows(job: _Job) -> list[dict[str, Any]]:
    """Return the rows of one world: baselines are trained once, and then all policies live through every seed."""
    from andante.baselines import catalogue
    from andante.baselines.cap import FixedCap
    from andante.baselines.constant import NoPush
    from andante.baselines.pilot import pilot

    bench = _Bench(job)
    swept = replace(job, users=job.sweep_users)
    training = catalogue.Training(lives=_Bench(swept).live, seeds=catalogue.TRAINING_SEEDS[:1])
    if catalogue.PILOTED & set(job.names):
        training = replace(training, pilot=pilot(_Bench(replace(job, users=job.pilot_users)).live, training.seeds[0]))
    no_push = bench.everywhere(lambda _: NoPush())
    caps = {f"cap {cap:g}": bench.everywhere(lambda seed, cap=cap: FixedCap(cap, seed)) for cap in job.frontier}
    rows = []
    for budget in job.budgets:
        lives = {name: life for name in job.names if (life := bench.judged(name, budget, training)) is not None}
        judge = _Judge(lives, caps, no_push)
        rows += [
            {"world": job.world, "budget": budget, "policy": name, "seeds": len(job.seeds), "users": job.users}
            | judge.row(name)
            for name in lives
        ]
    return rows


@dataclass(frozen=True, slots=True)
class _Bench:
    """Where policies live."""

    job: _Job

    def live(self, policy: Policy, seed: int) -> Lived:
        """Live through the world of a seed."""
        from andante.worlds.catalogue import world
        from andante.worlds.loop import live

        return live(world(self.job.world, self.job.users, self.job.weeks, seed), policy)

    def everywhere(self, make: Any) -> Lived:
        """Live through every judged seed with a policy made for it, and return all users as one."""
        return _together([self.live(make(seed), seed) for seed in self.job.seeds])

    def judged(self, name: str, budget: float | None, training: Any) -> Lived | None:
        """Return what came of a policy over all seeds, or None where it is not installed."""
        from andante.baselines import catalogue
        from andante.runners.simulating.policies import Setting
        from andante.runners.simulating.policies import policy as named

        job = self.job
        if name == ANDANTE:
            return self.everywhere(lambda seed: named(name, Setting(job.world, job.users, job.weeks, seed, budget)))
        if name == ORACLE:
            return self.everywhere(
                lambda seed: catalogue.policy(
                    name, seed=seed, budget=budget, training=replace(training, **self._truth(seed))
                )
            )
        made = catalogue.policy(name, seed=SEED, budget=budget, training=training)
        try:
            return self.everywhere(lambda seed: replace(made, seed=seed))  # type: ignore[type-var]
        except MissingExtra as absent:
            print(f"{name} is left out: {absent}")
            return None

    def _truth(self, seed: int) -> dict[str, Any]:
        """Return the world's own curves of value and sends, by user and pace."""
        from andante.worlds.catalogue import nature
        from andante.worlds.truth import expected

        job = self.job
        found = expected(nature(job.world), job.users, job.weeks, seed, PACES)
        return {"paces": PACES, "curves": found.value[:, :, 0], "curve_sends": found.sends[:, :, 0] / job.weeks}


@dataclass(frozen=True, slots=True)
class _Judge:
    """What policies came to in one world under one budget, and what they are held against."""

    lives: Mapping[str, Lived]
    caps: Mapping[str, Lived]
    no_push: Lived

    def row(self, name: str) -> dict[str, Any]:
        """Return the figures of a policy."""
        life = self.lives[name]
        costs = guardrails(life, seed=SEED, resamples=RESAMPLES)
        return {
            "sends_per_user_week": float(totals(life.sends).sum() / life.present.sum()),
            **_spread("value", incremental(life, self.no_push, seed=SEED, resamples=RESAMPLES)),
            **_spread("ahead_of_cap", self._ahead(life)),
            "verdict": _verdict(self._ahead(life)) if name != CAP else "",
            **_spread("ahead_at_equal_sends", self._ahead_matched(life)),
            **_spread("gap_closed", self._gap(life)),
            "optouts_per_1000": None if costs.optouts_per_push is None else 1000 * costs.optouts_per_push.value,
            "uninstalls_per_1000": None
            if costs.uninstalls_per_push is None
            else 1000 * costs.uninstalls_per_push.value,
            "reachable_at_end": costs.reachable_share.value,
        }

    def _ahead(self, life: Lived) -> Interval | None:
        if CAP not in self.lives:
            return None
        mine, theirs = totals(life.value), totals(self.lives[CAP].value)
        return difference_over_users(mine, theirs, seed=SEED, resamples=RESAMPLES)

    def _ahead_matched(self, life: Lived) -> Interval | None:
        """Return the lead over the frontier of caps at the policy's own sends; None beyond its end."""
        try:
            return at_matched_sends(life, self.caps, self.no_push, seed=SEED, resamples=RESAMPLES).ahead
        except NotEnoughData:
            return None

    def _gap(self, life: Lived) -> Interval | None:
        """Return the share of the gap from the best cap to the oracle that is closed; None where there is no gap."""
        if CAP not in self.lives or ORACLE not in self.lives:
            return None
        try:
            return gap_closed(life, self.lives[CAP], self.lives[ORACLE], seed=SEED, resamples=RESAMPLES)
        except NotEnoughData:
            return None


def _together(lives: Sequence[Lived]) -> Lived:
    """Return the users of several worlds as those of one."""
    return Lived(*(np.concatenate([getattr(life, one.name) for life in lives]) for one in fields(Lived)))


def _spread(name: str, found: Interval | None) -> dict[str, float | None]:
    if found is None:
        return {name: None, f"{name}_low": None, f"{name}_high": None}
    return {name: found.value, f"{name}_low": found.low, f"{name}_high": found.high}


def _verdict(ahead: Interval | None) -> str:
    if ahead is None:
        return ""
    return "ahead" if ahead.low > 0 else "behind" if ahead.high < 0 else "no clear difference"


def _show(rows: Sequence[Mapping[str, Any]]) -> None:
    note = "money per eligible user, with 95 % intervals over users; the gap is from the best cap to the oracle"
    table = Table(title="What each policy brings beyond no push", caption=note)
    for heading in ("world", "budget", "policy", "sends", "value", "ahead of cap", "", "at equal sends", "gap closed"):
        table.add_column(heading, justify="left" if heading in {"world", "policy", ""} else "right")
    for heading in ("opt-outs ‰", "uninst. ‰", "reach"):
        table.add_column(heading, justify="right")
    for cells in _cells(rows):
        table.add_row(*cells)
    Console(width=200).print(table)


def _cells(rows: Sequence[Mapping[str, Any]]) -> Iterator[list[str]]:
    for row in rows:
        budget = "none" if row["budget"] is None else f"{row['budget']:g}"
        yield [
            row["world"],
            budget,
            row["policy"],
            f"{row['sends_per_user_week']:.2f}",
            *(_span(row, name) for name in ("value", "ahead_of_cap")),
            row["verdict"],
            *(_span(row, name) for name in ("ahead_at_equal_sends", "gap_closed")),
            *(
                "" if row[name] is None else f"{row[name]:.2f}"
                for name in ("optouts_per_1000", "uninstalls_per_1000", "reachable_at_end")
            ),
        ]


def _span(row: Mapping[str, Any], name: str) -> str:
    if row[name] is None:
        return ""
    return f"{row[name]:+.3f} ({row[f'{name}_low']:+.3f} to {row[f'{name}_high']:+.3f})"
