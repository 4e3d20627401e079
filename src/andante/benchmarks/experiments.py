"""The tools that judge, judged: error rates of tests and coverage of intervals, by simulation where the truth is known.

Each part draws many trials in which nothing, or a known something, happens, and counts how often the tool is wrong. The
usual practice that the tool replaces stands beside it. Rates come with Wilson's 95 % interval over the runs.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from rich.console import Console
from rich.table import Table
from scipy.stats import binomtest

from andante.benchmarks.experiments_looking import detectable, looked
from andante.evaluation.experiments import hillstrom
from andante.evaluation.experiments.lift import lift
from andante.evaluation.experiments.sample_ratio import FALSE_ALARMS, sample_ratio, sequential_p_values
from andante.evaluation.experiments.uplift import uplift
from andante.evaluation.interval import Interval, ratio_over_users, summed_by_user
from andante.evaluation.offpolicy.estimators import ips, snips

SEED = 11
USERS, RUNS = 20_000, 2_000
RESAMPLES = 400
COVERED = "93 to 97 %"

Row = dict[str, Any]


def experiments(runs: int = RUNS, users: int = USERS, archive: Path | None = None) -> list[Row]:
    """Judge the tools by so many simulated trials, print a table, and return a row per figure.

    The sequential test looks after every one of so many users. ``archive`` is where Hillstrom's trial lies; without it
    that part is left out. What needs a bootstrap in each trial takes half as many trials, or a fifth.
    """
    fewer = max(runs // 2, 10)
    rows = [*looking("visits", runs, users), *looking("spending", runs, users), *split(runs)]
    rows += [*cuped(fewer), *coverage(fewer), *qini(max(runs // 5, 10))]
    if archive is not None:
        rows += known_lifts(archive)
    _show(rows)
    return rows


def looking(kind: str, runs: int, users: int) -> list[Row]:
    """Look after every user of trials in which nothing, then something, happens.

    What happens is as large as the fixed test finds with a power of 80 % among all the users.
    """
    part = f"looking at {kind} of {users:,} users"
    null = looked(kind, users, 0.0, runs=runs, seed=SEED)
    there = looked(kind, users, detectable(kind, users), runs=runs, seed=SEED + 1)
    rows = [
        _rate(part, "wrong, confidence sequence, every look", null["sequence"], "≤ 5 %"),
        _rate(part, "wrong, usual test, every look", null["naive"]),
        _rate(part, "wrong, usual test, 20 looks", null["naive_few"]),
        _rate(part, "wrong, usual test, one look", null["fixed"], "5 %"),
        _rate(part, "truth left out at any look, where there is an effect", there["missed"], "≤ 5 %"),
        _rate(part, "effect found, confidence sequence, every look", there["sequence"]),
        _rate(part, "effect found, usual test, one look", there["fixed"], "80 %"),
    ]
    stopped = there["users"][there["sequence"]]
    if len(stopped):
        rows.append(_figure(part, "users until found, median", float(np.median(stopped))))
    rows.append(_figure(part, "users looked at, mean", float(there["users"].mean())))
    widths = null["width"][np.isfinite(null["width"])]
    if len(widths):
        rows.append(_figure(part, "width at the end, in usual intervals", float(widths.mean())))
    return rows


def split(runs: int, users: int = 90_000, look_every: int = 100) -> list[Row]:
    """Check the sample ratio: alarms on a right split, and on one of 50.5 / 49.5."""
    part, shares = f"sample ratio of {users:,} users", np.array([0.5, 0.5])
    rows = [_figure(part, "p-value of 45,450 / 44,550", sample_ratio([45_450, 44_550], [1, 1]).p_value, "< 0.01")]
    for share, said, wanted in ((0.5, "50 / 50", f"≤ {FALSE_ALARMS:.0%}"), (0.505, "50.5 / 49.5", "")):
        rng = np.random.default_rng(SEED)
        once, ever = [], []
        for _ in range(runs):
            first = rng.binomial(look_every, share, users // look_every).cumsum()
            counts = np.stack([first, np.arange(1, len(first) + 1) * look_every - first], axis=1).astype(np.float64)
            once.append(sample_ratio([int(n) for n in counts[-1]], [1, 1]).fires)
            ever.append(sequential_p_values(counts, shares)[-1] < FALSE_ALARMS)
        rows.append(_rate(part, f"{said}: fires, one look after the end", once, wanted))
        rows.append(_rate(part, f"{said}: fires ever, a look at every {look_every} users", ever, wanted))
    return rows


def cuped(runs: int, users: int = 1_000, effect: float = 0.1) -> list[Row]:
    """Adjust for a past that correlates with the outcome by ρ: variance, bias and coverage."""
    rows = []
    for rho in (0.3, 0.6, 0.9):
        part, rng = f"CUPED, ρ = {rho}, {users:,} users", np.random.default_rng(SEED)
        plain, adjusted, covered = [], [], []
        for run in range(runs):
            before, noise = rng.standard_normal((2, users))
            treated = rng.random(users) < 1 / 2
            y = rho * before + np.sqrt(1 - rho**2) * noise + effect * treated
            found = lift(y, treated, before=before, seed=run, resamples=RESAMPLES).difference
            plain.append(y[treated].mean() - y[~treated].mean())
            adjusted.append(found.value)
            covered.append(found.low <= effect <= found.high)
        kept = float(np.var(adjusted, ddof=1) / np.var(plain, ddof=1))
        rows += [
            _figure(part, "variance left", kept, f"1 - ρ² = {1 - rho**2:.2f}"),
            _mean(part, "estimate less truth", np.array(adjusted) - effect, "0"),
            _rate(part, "truth within the interval", covered, COVERED),
        ]
    return rows


def coverage(runs: int, users: int = 500, weeks: int = 8) -> list[Row]:
    """Estimate opens per push where users differ: an interval over users, and one over pushes as if independent."""
    part, rng = f"opens per push of {users:,} users", np.random.default_rng(SEED)
    clustered, naive, truth = [], [], 0.1
    for run in range(runs):
        open_share = rng.beta(0.5, 0.5 * (1 - truth) / truth, users)
        sends = rng.poisson(3, (users, weeks))
        opens = rng.binomial(sends, open_share[:, None])
        rows = [sends.ravel(), opens.ravel()]
        pushes, opened = summed_by_user(np.repeat(np.arange(users), weeks), rows)
        found = ratio_over_users(opened, pushes, seed=run, resamples=RESAMPLES)
        clustered.append(found.low <= truth <= found.high)
        usual = binomtest(int(opens.sum()), int(sends.sum())).proportion_ci(method="wilson")
        naive.append(usual.low <= truth <= usual.high)
    return [
        _rate(part, "truth within the interval over users", clustered, COVERED),
        _rate(part, "truth within the interval over pushes", naive),
    ]


def qini(runs: int, users: int = 1_000) -> list[Row]:
    """Order users at random, and by the truth, where treating half of them works."""
    part, rng = f"Qini of {users:,} users", np.random.default_rng(SEED)
    random, right = [], []
    for run in range(runs):
        works, treated = rng.random(users) < 1 / 2, rng.random(users) < 1 / 2
        outcome = rng.random(users) < 0.1 + 0.1 * (works & treated)
        random.append(uplift(rng.random(users), outcome, treated, seed=run, resamples=RESAMPLES).qini)
        right.append(uplift(works, outcome, treated, bins=2, seed=run, resamples=RESAMPLES).qini)
    value = np.array([found.value for found in random])
    return [
        _mean(part, "coefficient of a random order", value, "0"),
        _rate(part, "zero within the interval of a random order", [f.low <= 0 <= f.high for f in random], COVERED),
        _rate(part, "interval of the right order beyond zero", [found.low > 0 for found in right]),
        _mean(part, "coefficient of the right order", np.array([found.value for found in right]), "0.0125"),
    ]


def known_lifts(archive: Path) -> list[Row]:
    """Reproduce the known lifts of Hillstrom's trial, and judge a rule by weights and by a plain mean."""
    trial = hillstrom.load(archive)
    rows = []
    for arm, name in ((hillstrom.MENS, "men's e-mail"), (hillstrom.WOMENS, "women's e-mail")):
        both = (trial.arm == hillstrom.NONE) | (trial.arm == arm)
        treated = trial.arm[both] == arm
        ratio = sample_ratio([int(treated.sum()), int((~treated).sum())], [1, 1])
        rows.append(_figure(f"Hillstrom, {name}", "p-value of the split", ratio.p_value, "≥ 0.01"))
        for outcome in ("visit", "conversion", "spend"):
            found = lift(getattr(trial, outcome)[both], treated, seed=SEED)
            part = f"Hillstrom, {name}, {outcome}"
            rows += [
                _interval(part, "mailed", found.treated),
                _interval(part, "not mailed", found.held),
                _interval(part, "lift", found.difference),
            ]
    chosen = hillstrom.by_goods(trial)
    agreed = trial.arm == chosen
    for outcome in ("visit", "conversion", "spend"):
        reward, part = getattr(trial, outcome), f"Hillstrom, e-mail by goods bought, {outcome}"
        decisions = hillstrom.as_decisions(trial, reward, chosen)
        direct = ratio_over_users(reward * agreed, agreed, seed=SEED)
        weighed = [Interval(one.value, one.low, one.high) for one in (ips(decisions), snips(decisions))]
        methods = zip(("IPS", "SNIPS", "mean where the lot agreed"), (*weighed, direct), strict=True)
        rows += [_interval(part, method, one) for method, one in methods]
    return rows


def _rate(part: str, what: str, hits: ArrayLike, wanted: str = "") -> Row:
    found = np.asarray(hits, dtype=bool)
    wilson = binomtest(int(found.sum()), len(found)).proportion_ci(method="wilson")
    return _row(part, what, float(found.mean()), (float(wilson.low), float(wilson.high)), wanted) | {"runs": len(found)}


def _mean(part: str, what: str, values: Any, wanted: str) -> Row:
    reach = 1.96 * float(np.std(values, ddof=1)) / np.sqrt(len(values))
    value = float(np.mean(values))
    return _row(part, what, value, (value - reach, value + reach), wanted) | {"runs": len(values)}


def _interval(part: str, what: str, found: Interval) -> Row:
    return _row(part, what, found.value, (found.low, found.high), "")


def _figure(part: str, what: str, value: float, wanted: str = "") -> Row:
    return _row(part, what, value, None, wanted)


def _row(part: str, what: str, value: float, ends: tuple[float, float] | None, wanted: str) -> Row:
    low, high = ends or (None, None)
    return {"part": part, "what": what, "value": value, "low": low, "high": high, "wanted": wanted}


def _show(rows: Sequence[Mapping[str, Any]]) -> None:
    table = Table(title="The tools that judge, judged", caption="95 % intervals")
    for heading in ("part", "what", "found", "interval", "wanted"):
        table.add_column(heading, justify="left" if heading in {"part", "what"} else "right")
    part = None
    for row in rows:
        ends = "" if row["low"] is None else f"{row['low']:.4g} to {row['high']:.4g}"
        name = "" if row["part"] == part else row["part"]
        part = row["part"]
        table.add_row(name, row["what"], f"{row['value']:.4g}", ends, row["wanted"])
    Console().print(table)
