"""Summarising: a finished run as the plain figures that the page, the terminal and ``metrics.json`` show."""

from datetime import datetime

import numpy as np
from numpy.typing import NDArray

import andante
from andante.evaluation import ranking
from andante.ingest.quality import Quality
from andante.report import summary as page
from andante.report.words import Language
from andante.runners.learning import Learned
from andante.runners.planning import Job, Planned
from andante.vocabulary.message import SENT

BINS = 28
TRAITS = 4
REASONS = 12


Floats = NDArray[np.float64]


def summarise(job: Job, done: Planned, *, name: str, command: str, language: Language = "en") -> page.RunSummary:
    """Gather every figure of a run; ``name`` is the shop's or data set's, ``command`` what would run it again."""
    return page.RunSummary(
        run=_facts(job, done, name=name, command=command),
        sources=tuple(_sources(done.qualities)),
        plan=_plan(done),
        personas=tuple(_personas(done, language)),
        rhythm=_rhythm(done),
        targets=tuple(_target(learned) for learned in done.learned),
        reasons=tuple(
            page.Reason(i.feature, page.Interval(i.mean, i.low, i.high)) for i in done.learned[0].importances[:REASONS]
        ),
        budgets=_budgets(done),
        associations=tuple(
            page.Association(rule.antecedent, (rule.consequent,), rule.lift, rule.confidence, rule.support)
            for rule in done.rules
        ),
        cleaning=tuple(_rules(done.qualities)),
        warnings=(*_doubts(done.qualities), *done.warnings),
        satisfaction=_satisfaction(done),
    )


def _facts(job: Job, done: Planned, *, name: str, command: str) -> page.RunFacts:
    return page.RunFacts(
        name=name,
        version=andante.__version__,
        command=command,
        seed=job.settings.plan.seed,
        model=job.settings.plan.model,
        started_at=_instant(done.days.first_at),
        ended_at=_instant(done.days.last_at),
        cut_off_at=f"{done.days.today}T00:00:00Z",
        horizon_days=done.days.horizon_days,
        events=done.days.events,
        f_base=done.plan.f_base,
        theta=done.plan.theta,
        f_min=done.plan.f_min,
        f_max=done.plan.f_max,
        budget_per_user_week=job.settings.budget.per_user_week,
        messages=done.qualities[1].types.get(SENT, 0) if len(done.qualities) > 1 else None,
    )


def _doubts(qualities: tuple[Quality, ...]) -> list[str]:
    """List the doubts about the logs, each with the name of its table."""
    return [f"{quality.table.capitalize()}: {doubt}" for quality in qualities for doubt in quality.warnings]


def _instant(at: datetime) -> str:
    return f"{at.isoformat(timespec='seconds')}Z"


def _sources(qualities: tuple[Quality, ...]) -> list[page.Source]:
    return [
        page.Source(
            source.file,
            kind.table,
            source.shape,
            source.rows_read,
            source.rows_loaded,
            source.rows_quarantined,
        )
        for kind in qualities
        for source in kind.sources
    ]


def _rules(qualities: tuple[Quality, ...]) -> list[page.CleaningRule]:
    """List what was quarantined, by reason, and what each rule of cleaning did."""
    rules = []
    for quality in qualities:
        reasons: dict[str, int] = {}
        for source in quality.sources:
            for reason, rows in source.reasons.items():
                reasons[reason] = reasons.get(reason, 0) + rows
        rules += [page.CleaningRule(reason, rows, "quarantined") for reason, rows in sorted(reasons.items())]
        for rule in quality.rules:
            action = "removed" if rule.removed else "changed" if rule.touched else "kept"
            rules.append(page.CleaningRule(rule.rule, rule.removed or rule.touched, action, rule.why))
    return rules


def _plan(done: Planned) -> page.PlanFacts:
    paces, most = done.pace, float(done.pace.max())
    top = done.plan.f_max if most > done.plan.f_max / 2 else max(most, 1e-9)
    counts, edges = np.histogram(paces, bins=BINS, range=(0.0, top))
    return page.PlanFacts(
        users=len(paces),
        mean_per_week=float(paces.mean()),
        median_per_week=float(np.median(paces)),
        below_one_share=float((paces < 1).mean()),
        at_zero_share=float((paces == 0).mean()),
        at_max_share=float((paces >= done.plan.f_max).mean()),
        histogram=tuple(
            page.Bin(float(low), float(high), int(n)) for low, high, n in zip(edges, edges[1:], counts, strict=False)
        ),
    )


def _personas(done: Planned, language: Language) -> list[page.Persona]:
    interest = done.interest[done.learned[0].target]
    found = []
    for i, persona in enumerate(done.personas.personas):
        inside = done.personas.labels == i
        paces = done.pace[inside]
        low, middle, high = np.quantile(paces, [0.1, 0.5, 0.9])
        traits = [page.Trait(t.feature, t.centre, t.population) for t in persona.traits[:TRAITS]]
        found.append(
            page.Persona(
                name=persona.name if language == "en" else persona.name_zh,
                users=int(inside.sum()),
                pace_mean=float(paces.mean()),
                pace_p10=float(low),
                pace_median=float(middle),
                pace_p90=float(high),
                interest_mean=float(interest[inside].mean()),
                lines=(persona.description if language == "en" else persona.description_zh,),
                traits=tuple(traits),
            )
        )
    return found


def _rhythm(done: Planned) -> page.Rhythm:
    hours = done.rhythm
    has_hours = int((hours.sum(axis=0) > 0).sum()) > 1
    shown = hours if has_hours else hours.sum(axis=1, keepdims=True)
    return page.Rhythm(tuple(tuple(int(n) for n in day) for day in shown), has_hours=has_hours)


def _target(learned: Learned) -> page.Target:
    return page.Target(
        name=learned.target,
        model=learned.model,
        users=learned.rankings[0].rows,
        positive_share=learned.rankings[0].engaged / learned.rankings[0].rows,
        scores=tuple(_score(r) for r in learned.rankings),
        calibration=tuple(page.CalibrationBin(b.predicted, b.observed, b.rows) for b in learned.calibration.bins),
        calibration_error=learned.calibration.error,
        folds=tuple(page.Fold(f"{f.cutoff}T00:00:00Z", f.rows, f.r2, f.mae, f.spearman) for f in learned.folds),
        band_accuracy=learned.bands.accuracy,
        band_accuracy_of_commonest=learned.bands.accuracy_of_commonest,
        bands=tuple(
            page.Band(band.name, band.rows, band.precision or 0.0, band.recall or 0.0) for band in learned.bands.bands
        ),
    )


def _score(found: ranking.Ranking) -> page.ModelScore:
    """Return a score with how far the model is ahead of it, on the same resamples."""
    ahead = found.first_ahead
    return page.ModelScore(
        found.score,
        _interval(found.auc),
        _interval(found.spearman),
        is_baseline=ahead is not None,
        auc_ahead=_interval(ahead.auc) if ahead else None,
        spearman_ahead=_interval(ahead.spearman) if ahead else None,
        spearman_untied_ahead=_interval(ahead.spearman_untied) if ahead else None,
    )


def _interval(found: ranking.Interval) -> page.Interval:
    return page.Interval(found.value, found.low, found.high)


def _budgets(done: Planned) -> tuple[page.BudgetOption, ...]:
    mean = float(done.pace.mean())
    points = done.budgets
    chosen = int(np.argmin([abs(point.mean_pace - mean) for point, _paces in points])) if points else -1
    return tuple(
        page.BudgetOption(
            budget=point.budget,
            at_zero_share=point.share_at_min,
            at_max_share=point.share_at_max,
            engaged_per_week=point.engaged_pushes,
            pushes_per_week=point.mean_pace * len(done.pace),
            persona_paces=paces,
            is_chosen=i == chosen,
        )
        for i, (point, paces) in enumerate(points)
    )


def _satisfaction(done: Planned) -> page.Satisfaction | None:
    rated = done.satisfied
    if rated is None:
        return None
    curve = [page.CurvePoint(float(f), float(s)) for f, s in zip(rated.per_week, rated.satisfaction, strict=True)]
    return page.Satisfaction(
        curve=tuple(curve),
        observed=tuple(page.CurvePoint(f, s, users=n) for f, s, n in rated.observed),
        best_per_week=float(rated.per_week[int(np.argmax(rated.satisfaction))]),
        ratings=rated.ratings,
    )
