"""How far off-policy estimators are off, and how often their 95 % intervals hold, where the truth is known.

Every replication draws a bandit (or a chain of steps), a log of it, and all estimates of one policy. What is reported:
the error by estimator and kind of bandit, and the share of intervals that hold, by the effective sample size that a
reader of the log sees. Both are also shown by the verdict that the log would have been given: that is what the limits
of ``evaluation.offpolicy.overlap`` stand on.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from rich.console import Console
from rich.table import Table

from andante.benchmarks.estimators_bandit import Drawn, Kind, bandit, chain
from andante.evaluation.offpolicy import estimators, horizon, overlap
from andante.evaluation.offpolicy.decisions import Decisions
from andante.evaluation.offpolicy.estimators import Estimate
from andante.evaluation.offpolicy.overlap import Overlap

SEED = 7
CLIP = SWITCH = 5.0
USERS = (50, 200, 800, 3200)

KINDS = (
    Kind("near", 0.5, 0.5, -2.0),
    Kind("far", 1.0, 2.0, -2.0),
    Kind("very far", 2.0, 3.0, -2.0),
    Kind("rare", 0.5, 1.0, -4.5),
    Kind("heavy tail", 0.5, 1.0, -2.0, tail=1.0),
)
CHAINS: Mapping[str, tuple[int, bool]] = {
    "7 steps": (7, False),
    "28 steps": (28, False),
    "7 steps, coarse states": (7, True),
}
"""Steps, and whether the log knows the state only coarsely."""


class Method(NamedTuple):
    """An estimator, and whether its model is one that can fit; None: it has none."""

    estimate: Callable[[Decisions], Estimate]
    fitting: bool | None = None


ESTIMATORS: Mapping[str, Method] = {
    "IPS": Method(estimators.ips),
    f"IPS, clipped at {CLIP:g}": Method(lambda log: estimators.ips(log, clip=CLIP)),
    "SNIPS": Method(estimators.snips),
    "DM": Method(estimators.direct, fitting=True),
    "DM, wrong model": Method(estimators.direct, fitting=False),
    "DR": Method(estimators.doubly_robust, fitting=True),
    "DR, wrong model": Method(estimators.doubly_robust, fitting=False),
    f"SWITCH-DR at {SWITCH:g}": Method(lambda log: estimators.switch_doubly_robust(log, switch=SWITCH), fitting=True),
}
UNMODELLED = {name: method for name, method in ESTIMATORS.items() if method.fitting is None}
HORIZONS: Mapping[str, Callable[[horizon.Trajectories], Estimate]] = {
    "per-decision IS": horizon.per_decision,
    "per-decision WIS": lambda log: horizon.per_decision(log, normalised=True),
    "state-marginalised IS": horizon.state_marginalised,
    "state-marginalised WIS": lambda log: horizon.state_marginalised(log, normalised=True),
}

BANDS = (10, 30, 100, 300, 1_000, 3_000)
"""Where bands of the effective sample size begin; the first begins at 0."""


class Trial(NamedTuple):
    """One estimate of one replication, and the truth."""

    kind: str
    users: int
    method: str
    truth: float
    value: float
    low: float
    high: float
    effective: float  # of the log's own weights, whatever the estimator does with them
    verdict: str

    @property
    def holds(self) -> bool:
        """Whether the interval holds the truth."""
        return self.low <= self.truth <= self.high


def estimators_measured(
    replications: int = 1_000, *, users: Sequence[int] = USERS, seed: int = SEED
) -> list[dict[str, Any]]:
    """Measure all estimators in all bandits and chains, print the tables, and return their rows."""
    one_step = list(bandit_trials(replications, users=users, seed=seed))
    steps = list(chain_trials(replications, users=users, seed=seed))
    tables = {
        "kinds of bandits": summarise(one_step, of_kind),
        "effective sample size": _by_band(one_step),
        "verdicts": summarise(one_step, of_verdict),
        "horizons": summarise(steps, of_kind),
        "horizons by effective sample size": _by_band(steps),
    }
    for title, rows in tables.items():
        show(title, rows)
    return [{"table": title, **row} for title, rows in tables.items() for row in rows]


def of_kind(trial: Trial) -> dict[str, Any]:
    """Group by what was drawn, and how many users."""
    return {"kind": trial.kind, "users": trial.users}


def of_effective(trial: Trial) -> dict[str, Any]:
    """Group by bands of the effective sample size, each named by where it begins; coarse states have their own."""
    begins = (0, *BANDS)[int(np.searchsorted(BANDS, trial.effective, side="right"))]
    return {"kind": "coarse" if "coarse" in trial.kind else "all", "effective_from": begins}


def of_verdict(trial: Trial) -> dict[str, Any]:
    """Group by what the log would have been said to be worth."""
    return {"verdict": trial.verdict}


def bandit_trials(
    replications: int,
    *,
    kinds: Iterable[Kind] = KINDS,
    users: Iterable[int] = USERS,
    methods: Mapping[str, Method] = ESTIMATORS,
    seed: int = SEED,
) -> Iterator[Trial]:
    """Yield every estimate of every replication; equal seeds give equal bandits and logs."""
    for kind in kinds:
        for count in users:
            for draw in range(replications):
                rng = np.random.default_rng([seed, count, draw])
                place = bandit(kind, rng)
                for name, found, seen in _estimates(place.draw(count, rng), methods):
                    told = (found.value, found.low, found.high, seen.effective, overlap.verdict(seen).answer)
                    yield Trial(kind.name, count, name, place.truth, *told)


def _estimates(drawn: Drawn, methods: Mapping[str, Method]) -> Iterator[tuple[str, Estimate, Overlap]]:
    """Yield each method's estimate, beside what the log and the policy have in common."""
    seen = overlap.diagnose(drawn.log)
    needed = {method.fitting for method in methods.values()}
    logs = {fitting: drawn.log if fitting is None else drawn.modelled(fitting=fitting) for fitting in needed}
    for name, method in methods.items():
        yield name, method.estimate(logs[method.fitting]), seen


def chain_trials(
    replications: int,
    *,
    chains: Mapping[str, tuple[int, bool]] = CHAINS,
    users: Iterable[int] = USERS,
    seed: int = SEED,
) -> Iterator[Trial]:
    """Yield the same over horizons."""
    for name, (steps, coarse) in chains.items():
        for count in users:
            for draw in range(replications):
                rng = np.random.default_rng([seed, count, draw])
                place = chain(steps, rng, coarse=coarse)
                log = place.draw(count, rng)
                answer = overlap.verdict(overlap.diagnose(log.whole())).answer
                for method_name, method in HORIZONS.items():
                    found = method(log)
                    told = (found.value, found.low, found.high, found.effective, answer)
                    yield Trial(name, count, method_name, place.truth, *told)


def summarise(trials: Iterable[Trial], group: Callable[[Trial], dict[str, Any]]) -> list[dict[str, Any]]:
    """Return a row for each group and estimator: error and bias as shares of the truth, and how intervals hold."""
    groups: dict[tuple[Any, ...], list[Trial]] = defaultdict(list)
    for trial in trials:
        groups[trial.method, *group(trial).items()].append(trial)
    return [{**dict(key[1:]), **_row(key[0], members)} for key, members in groups.items()]


def _by_band(trials: Iterable[Trial]) -> list[dict[str, Any]]:
    return sorted(summarise(trials, of_effective), key=lambda row: (row["kind"], row["effective_from"]))


def _row(method: str, trials: Sequence[Trial]) -> dict[str, Any]:
    truth = np.array([trial.truth for trial in trials])
    missed = np.array([trial.value for trial in trials]) / truth - 1
    width = np.array([trial.high - trial.low for trial in trials]) / truth
    return {
        "method": method,
        "replications": len(trials),
        "effective": float(np.median([trial.effective for trial in trials])),
        "rmse": float(np.sqrt((missed**2).mean())),
        "bias": float(missed.mean()),
        "coverage": float(np.mean([trial.holds for trial in trials])),
        "below": float(np.mean([trial.high < trial.truth for trial in trials])),
        "above": float(np.mean([trial.low > trial.truth for trial in trials])),
        "width": float(np.median(width)),
    }


def show(title: str, rows: Sequence[Mapping[str, Any]]) -> None:
    """Print a table of summaries, by estimator."""
    table = Table(title=title.capitalize(), caption="errors and widths as shares of the truth; intervals of 95 %")
    for heading, value in rows[0].items():
        table.add_column(heading.replace("_", " "), justify="left" if isinstance(value, str) else "right")
    shares = ("rmse", "bias", "coverage", "below", "above", "width")
    for row in sorted(rows, key=lambda row: str(row["method"])):
        told = {name: f"{value:.1%}" if name in shares else _written(value) for name, value in row.items()}
        table.add_row(*told.values())
    Console().print(table)


def _written(value: Any) -> str:
    return value if isinstance(value, str) else f"{value:,.0f}"
