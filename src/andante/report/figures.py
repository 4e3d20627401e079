"""The figures of the page: a chart with its text alternative and the table that says the same in numbers."""

from collections.abc import Sequence
from dataclasses import dataclass

from andante.report import charts, sentences
from andante.report.drawing import Spec
from andante.report.summary import Persona, Rhythm, RunSummary, Satisfaction, Target
from andante.report.verdict import Metric, best_first
from andante.report.words import Words

REASONS_MAX = 10


@dataclass(frozen=True, slots=True)
class Table:
    """Text in columns; the first names the row."""

    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


@dataclass(frozen=True, slots=True)
class Figure:
    """A chart, what it shows in words, and its figures."""

    spec: Spec
    alt: str
    table: Table
    keys: tuple[str, ...] = ()  # what the first and the second colour stand for


def figures(summary: RunSummary, personas: Sequence[Persona], words: Words) -> dict[str, Figure]:
    """Return every figure that the run has data for, by the name that the template asks for."""
    found = {"plan": _plan(summary, words)}
    if personas:
        found["personas"] = _personas(personas, words)
    if summary.rhythm is not None and any(map(sum, summary.rhythm.counts)):
        found["rhythm"] = _rhythm(summary.rhythm, words)
    for i, target in enumerate(summary.targets):
        found |= {f"{name}-{i}": figure for name, figure in _target(target, words).items()}
    if summary.reasons:
        found["reasons"] = _reasons(summary, words)
    if summary.budgets:
        found |= _budgets(summary, personas, words)
    if summary.satisfaction is not None:
        found["satisfaction"] = _satisfaction(summary.satisfaction, sentences.satisfaction(summary, words), words)
    return found


def _head(words: Words, *keys: str) -> tuple[str, ...]:
    """Return the headings of a table."""
    return tuple(words.text(key) for key in keys)


def _plan(summary: RunSummary, words: Words) -> Figure:
    plan = summary.plan
    rows = tuple(
        (
            words.text("number.range", low=words.decimal(b.low), high=words.decimal(b.high)),
            words.integer(b.users),
            words.percent(b.users / max(plan.users, 1)),
        )
        for b in plan.histogram
    )
    table = Table((*_head(words, "plan.x", "plan.y"), "%"), rows)
    return Figure(
        charts.plan_histogram(plan, words), words.text("plan.alt", lead=sentences.plan(summary, words)), table
    )


def _personas(personas: Sequence[Persona], words: Words) -> Figure:
    keys = ("name", "users", "mean", "p10", "p50", "p90")
    rows = tuple(
        (
            p.name,
            words.integer(p.users),
            *(words.pace(v) for v in (p.pace_mean, p.pace_p10, p.pace_median, p.pace_p90)),
        )
        for p in personas
    )
    alt = words.text("personas.alt", lead=sentences.personas(personas, words))
    table = Table(_head(words, *(f"personas.{key}" for key in keys)), rows)
    return Figure(charts.persona_paces(personas, words), alt, table)


def _rhythm(rhythm: Rhythm, words: Words) -> Figure:
    lead = sentences.rhythm(rhythm, words)
    if not rhythm.has_hours:
        days = tuple((words.text(f"weekdays.{d}"), words.integer(sum(n))) for d, n in enumerate(rhythm.counts))
        table = Table(_head(words, "rhythm.weekday", "rhythm.all"), days)
        return Figure(charts.rhythm_days(rhythm, words), words.text("rhythm.alt_days", lead=lead), table)
    rows = tuple(
        (words.text(f"weekdays.{d}"), *(words.integer(sum(day[h : h + 6])) for h in (0, 6, 12, 18)))
        for d, day in enumerate(rhythm.counts)
    )
    keys = ("weekday", "night", "morning", "afternoon", "evening")
    table = Table(_head(words, *(f"rhythm.{key}" for key in keys)), rows)
    return Figure(charts.rhythm_heatmap(rhythm, words), words.text("rhythm.alt", lead=lead), table)


def _target(target: Target, words: Words) -> dict[str, Figure]:
    """Return the figures of one target: two metrics, calibration and bands."""
    found: dict[str, Figure] = {}
    metrics: tuple[Metric, ...] = ("auc", "spearman")
    for metric in metrics:
        if best_first(target.scores, metric):
            found[metric] = _scores(target, metric, words)
    if target.calibration:
        found["calibration"] = _calibration(target, words)
    if target.bands:
        found["bands"] = _bands(target, words)
    return found


def _scores(target: Target, metric: Metric, words: Words) -> Figure:
    scores = best_first(target.scores, metric)
    rows: tuple[tuple[str, ...], ...] = tuple(
        (words.known("models", s.model), words.interval(getattr(s, metric), 3)) for s in scores
    )
    chart = words.text(f"quality.{metric}")
    alt = words.text("quality.scores_alt", chart=chart, list=words.text("number.semicolon").join(map(" ".join, rows)))
    spec = charts.model_scores(scores, metric, target.model, words)
    return Figure(spec, alt, Table((words.text("quality.model"), chart), rows))


def _calibration(target: Target, words: Words) -> Figure:
    rows = tuple((f"{b.predicted:.1%}", f"{b.observed:.1%}", words.integer(b.users)) for b in target.calibration)
    table = Table(_head(words, "quality.predicted", "quality.observed", "quality.cases"), rows)
    alt = words.text("quality.calibration_alt", note=calibration_note(target, words))
    return Figure(charts.calibration(target.calibration, words), alt, table)


def calibration_note(target: Target, words: Words) -> str:
    """Say how far off the predicted percentages are."""
    if target.calibration_error is None:
        return words.text("quality.calibration_unknown")
    return words.text("quality.calibration_note", error=words.decimal(100 * target.calibration_error))


def _bands(target: Target, words: Words) -> Figure:
    rows = tuple(
        (
            words.known("bands", b.name),
            words.integer(b.users),
            words.percent(b.precision),
            words.percent(b.recall),
        )
        for b in target.bands
    )
    alt = words.text("quality.bands_alt", list=words.text("number.semicolon").join(map(" ".join, rows)))
    table = Table(_head(words, "quality.band", "quality.cases", "quality.precision", "quality.recall"), rows)
    return Figure(
        charts.band_scores(target.bands, words), alt, table, _head(words, "quality.precision", "quality.recall")
    )


def folds(target: Target, words: Words) -> Table:
    """Return the folds of cross-validation as a table."""
    rows = tuple(
        (
            words.date(f.cut_off_at),
            words.integer(f.users),
            *(words.exact(v, 3) for v in (f.rank_correlation, f.r2, f.mae)),
        )
        for f in target.folds
    )
    return Table(_head(words, *(f"quality.{k}" for k in ("fold", "cases", "rank", "r2", "mae"))), rows)


def sources(summary: RunSummary, words: Words) -> Table:
    """Return every source as a table, for runs that read many files."""
    rows = tuple(
        (s.name, *(words.integer(n) for n in (s.rows_read, s.rows_loaded, s.rows_quarantined))) for s in summary.sources
    )
    return Table(_head(words, "headline.sources", "data.read", "data.loaded", "data.quarantine"), rows)


def _reasons(summary: RunSummary, words: Words) -> Figure:
    shown = [r for r in summary.reasons if r.importance.value > 0][:REASONS_MAX] or summary.reasons[:1]
    rows = tuple((words.feature(r.feature, r.name), words.interval(r.importance, 4)) for r in shown)
    alt = words.text("reasons.alt", list=words.text("number.semicolon").join(map(" ".join, rows)))
    table = Table(_head(words, "reasons.feature", "reasons.importance"), rows)
    return Figure(charts.reasons(shown, words), alt, table)


def _budgets(summary: RunSummary, personas: Sequence[Persona], words: Words) -> dict[str, Figure]:
    """Return the charts that the slider moves."""
    options, drives = summary.budgets, sentences.drives(summary)
    said = sentences.readouts(summary, words)
    kinds = sentences.ends(summary, words)
    engaged = Table(
        (*_head(words, "budgets.budget", "budgets.pushes"), words.variant("budgets.engaged", drives)),
        tuple(
            (words.budget(o.budget), str(r["pushes"]), str(r["engaged"])) for o, r in zip(options, said, strict=True)
        ),
    )
    shares = Table(
        (words.text("budgets.budget"), *kinds),
        tuple((words.budget(o.budget), str(r["zero"]), str(r["top"])) for o, r in zip(options, said, strict=True)),
    )
    lead = words.text("budgets.alt_engaged", lead=sentences.budgets(summary, words))
    found = {
        "budget-engaged": Figure(charts.budget_engaged(options, words), lead, engaged),
        "budget-shares": Figure(
            charts.budget_shares(options, kinds, words), words.text("budgets.alt_shares"), shares, kinds
        ),
    }
    if personas:
        names = (words.text("budgets.budget"), *(p.name for p in personas))
        rows = tuple((words.budget(o.budget), *(words.pace(pace) for pace in o.persona_paces)) for o in options)
        spec = charts.budget_personas(options, personas, words)
        found["budget-personas"] = Figure(spec, words.text("budgets.alt_personas"), Table(names, rows))
    return found


def _satisfaction(found: Satisfaction, lead: str, words: Words) -> Figure:
    rows = tuple(
        (words.budget(p.per_week), words.percent(p.satisfaction), words.integer(p.users or 0)) for p in found.observed
    )
    table = Table(_head(words, "satisfaction.x", "satisfaction.y", "satisfaction.users"), rows)
    return Figure(charts.satisfaction(found, words), words.text("satisfaction.alt", lead=lead), table)
