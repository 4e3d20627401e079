"""Public logs that were drawn by lot: the Open Bandit sample, and Hillstrom's e-mail trial.

They hold what no simulated world can: real people. And they hold a second answer to the same question (the other
policy's own log, the plain mean of a subset), which an estimator must meet.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import numpy as np

from andante.evaluation.experiments import hillstrom
from andante.evaluation.experiments.lift import lift
from andante.evaluation.experiments.sample_ratio import sample_ratio
from andante.evaluation.experiments.uplift import uplift
from andante.evaluation.interval import Interval
from andante.evaluation.offpolicy.decisions import Decisions
from andante.evaluation.offpolicy.estimators import Estimate, doubly_robust, ips, snips
from andante.evaluation.offpolicy.open_bandit import CAMPAIGNS, PLACES, load
from andante.evaluation.offpolicy.overlap import diagnose, verdict
from andante.runners.evaluating.figures import (
    SEED,
    Check,
    Evaluation,
    Figure,
    Section,
    Unit,
    counted,
    ratio,
    shown,
    summary,
)
from andante.vocabulary.fault import InputFault

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from andante.evaluation.experiments.hillstrom import Trial
    from andante.evaluation.offpolicy.open_bandit import Log
    from andante.runners.evaluating.figures import Answer

    Floats = NDArray[np.float64]

OUTCOMES = ("visit", "conversion", "spend")
"""What Hillstrom's trial knows of a customer."""

RESAMPLES = 800
"""Of the trial's 64,000 customers: their intervals are narrow."""

RANDOM: Literal["random"] = "random"
BTS: Literal["bts"] = "bts"
_UNEVEN = 0.01
"""Share by which the mean of 1 / propensity may miss the number of items before the propensities are doubted."""


def evaluate_open_bandit(folder: Path, campaigns: tuple[str, ...] = CAMPAIGNS) -> Evaluation:
    """Return what the uniformly random log of each campaign says of Thompson sampling, beside that one's own log.

    ``folder`` holds ``random/`` and ``bts/``. Raises EmptyInput where a file is missing.
    """
    sections, checks = [], []
    for campaign in campaigns:
        uniform, thompson = load(campaign, RANDOM, folder=folder), load(campaign, BTS, folder=folder)
        section, check = _predicted(campaign, uniform, thompson)
        sections.append(section)
        checks += [check, _even(campaign, uniform)]
    title = f"{folder}: Open Bandit, {len(campaigns)} campaigns under two policies"
    return Evaluation("open_bandit", title, tuple(sections), tuple(checks), summary(tuple(checks)))


def evaluate_one_policy(folder: Path, policy: str, campaign: str) -> Evaluation:
    """Return what one policy's log of one campaign shows by itself."""
    log = load(campaign, RANDOM if policy == RANDOM else BTS, folder=folder)
    section = Section(f"{campaign}, logged by {policy}", (counted("decisions", len(log.item)), _clicks(policy, log)))
    said = f"no {BTS if policy == RANDOM else RANDOM}/{campaign} beside it, so no other policy's log to be held against"
    checks = (Check("other policy", "unknown", said), *([_even(campaign, log)] if policy == RANDOM else []))
    return Evaluation("open_bandit", f"{folder}: Open Bandit, {campaign}", (section,), checks, summary(checks))


def evaluate_hillstrom(path: Path, outcome: str | None = None) -> Evaluation:
    """Return the lifts of both e-mails, and what a simple rule of targeting would have brought.

    ``outcome`` is one of ``OUTCOMES``; None: all. Raises as ``hillstrom.load``, and InputFault for another outcome.
    """
    if outcome is not None and outcome not in OUTCOMES:
        raise InputFault("reward", outcome, "is not in Hillstrom's trial", f"write {', '.join(OUTCOMES)}")
    trial = hillstrom.load(path)
    counts = [int((trial.arm == arm).sum()) for arm in range(len(hillstrom.ARMS))]
    split = sample_ratio(counts, [1.0] * len(counts))
    checks = [Check("shares", "bad" if split.fires else "good", split.verdict)]
    sections = [Section("Customers", (counted("customers", len(trial)), *map(counted, hillstrom.ARMS, counts)))]
    for name in OUTCOMES if outcome is None else (outcome,):
        figures, found = _of_outcome(trial, getattr(trial, name))
        sections.append(Section(f"{name} within two weeks, per customer", figures))
        checks += [Check(f"{name}, {check.name}", check.answer, check.sentence) for check in found]
    title = f"{path}: Hillstrom's e-mail trial"
    return Evaluation("hillstrom", title, tuple(sections), tuple(checks), summary(tuple(checks)))


def _predicted(campaign: str, uniform: Log, thompson: Log) -> tuple[Section, Check]:
    """Predict one log's click rate from the other log."""
    judged = uniform.decisions(thompson.frequencies(), expected=uniform.expectations())
    own = _clicks(BTS, thompson)
    predicted = [_estimated(f"{BTS} by {RANDOM}, {found.method}", found) for found in _all(judged)]
    overlap = diagnose(judged)
    figures = (
        counted("decisions logged by each", len(uniform.item)),
        _clicks(RANDOM, uniform),
        own,
        *predicted,
        Figure("effective decisions", overlap.effective, unit=Unit.COUNT),
        Figure("largest weight", overlap.weight_max),
    )
    covered = [figure for figure in predicted if _overlaps(figure, own.value)]
    said = verdict(overlap)
    name = f"{campaign}: {BTS} predicted from {RANDOM}"
    if said.answer == "cannot answer":
        return Section(campaign, figures), Check(name, "unknown", said.sentence)
    if len(covered) == len(predicted):
        return Section(campaign, figures), Check(
            name, "good", f"its own click rate is within every interval. {said.sentence}"
        )
    missed = ", ".join(figure.name for figure in predicted if figure not in covered)
    return Section(campaign, figures), Check(name, "look", f"its own click rate is outside of: {missed}")


def _all(judged: Decisions) -> tuple[Estimate, ...]:
    return ips(judged), snips(judged), doubly_robust(judged)


def _even(campaign: str, log: Log) -> Check:
    """Check that a log which says to be uniform shows every item as often as its propensity says."""
    name = f"{campaign}: propensities"
    off = abs(float((1.0 / log.propensity).mean()) / log.items - 1.0)
    if off > _UNEVEN:
        return Check(name, "bad", f"the logged propensities are not those of {log.items} equally likely items")
    fires = []
    for place in range(PLACES):
        shown_here = np.bincount(log.item[log.place == place], minlength=log.items)
        fires.append(sample_ratio(shown_here.tolist(), [1.0] * log.items).p_value)
    p_value = min(min(fires) * PLACES, 1.0)
    answer: Answer = "look" if p_value < 0.01 else "good"  # noqa: PLR2004  as often as the check of a split
    said = f"{log.items} items are shown equally often at every place (p = {p_value:.2g})"
    return Check(name, answer, said if answer == "good" else f"{log.items} items are not shown equally often: {said}")


def _clicks(policy: str, log: Log) -> Figure:
    return ratio(f"clicks per decision, {policy}", log.click, np.ones(len(log.click)), unit=Unit.SHARE)


def _of_outcome(trial: Trial, outcome: Floats) -> tuple[tuple[Figure, ...], list[Check]]:
    """Return the lift of each e-mail on one outcome, a targeting rule by two ways, and what a past spend says."""
    unit = Unit.SHARE if outcome.max() <= 1.0 else Unit.NUMBER
    figures: list[Figure] = []
    checks: list[Check] = []
    for arm in (hillstrom.MENS, hillstrom.WOMENS):
        mine = (trial.arm == arm) | (trial.arm == hillstrom.NONE)
        found = lift(outcome[mine], trial.arm[mine] == arm, seed=SEED, resamples=RESAMPLES)
        if arm == hillstrom.MENS:
            figures.append(shown(hillstrom.ARMS[hillstrom.NONE], found.held, unit=unit))
        figures += [
            shown(hillstrom.ARMS[arm], found.treated, unit=unit),
            shown(f"{hillstrom.ARMS[arm]}, lift", found.difference, unit=unit),
        ]
        clear = found.difference.low > 0 or found.difference.high < 0
        said = f"{found.difference.value:+.4g} a customer ({found.difference.low:+.4g} to {found.difference.high:+.4g})"
        checks.append(Check(hillstrom.ARMS[arm], "good" if clear else "unknown", said))
    rule_figures, check = _rule(trial, outcome, unit)
    return (*figures, *rule_figures, *_ordered(trial, outcome, unit)), [*checks, check]


def _rule(trial: Trial, outcome: Floats, unit: Unit) -> tuple[list[Figure], Check]:
    """Judge "men's mail to who bought men's goods, else women's" by IPS, and by the mean of who got just that."""
    wanted = np.where(trial.bought_mens == 1, hillstrom.MENS, hillstrom.WOMENS)
    got = trial.arm == wanted
    rows = np.arange(len(trial))
    judged = Decisions(outcome, np.full(len(trial), hillstrom.PROPENSITY), got.astype(np.float64), rows)
    direct = float(outcome[got].mean())
    estimates = [
        _estimated(f"rule of targeting, {found.method}", found, unit) for found in (ips(judged), snips(judged))
    ]
    subset = ratio("rule of targeting, mean of who got it", outcome * got, got.astype(np.float64), unit=unit)
    inside = all(_overlaps(figure, direct) for figure in estimates)
    said = "IPS and the mean of those who got what the rule says " + ("agree" if inside else "differ")
    return [*estimates, subset], Check("rule of targeting", "good" if inside else "bad", said)


def _ordered(trial: Trial, outcome: Floats, unit: Unit) -> list[Figure]:
    """Return what a past year's spend says of whom the women's mail changes: its Qini coefficient."""
    mine = trial.arm != hillstrom.MENS
    found = uplift(
        trial.history[mine], outcome[mine], trial.arm[mine] == hillstrom.WOMENS, seed=SEED, resamples=RESAMPLES // 4
    )
    return [shown("Womens E-Mail, by past spend: Qini coefficient", found.qini, unit=unit)]


def _estimated(name: str, found: Estimate, unit: Unit = Unit.SHARE) -> Figure:
    return shown(name, Interval(found.value, found.low, found.high), unit=unit)


def _overlaps(figure: Figure, value: float | None) -> bool:
    return (
        value is not None and figure.low is not None and figure.high is not None and figure.low <= value <= figure.high
    )
