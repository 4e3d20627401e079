"""The sentences of the report that depend on the figures: what each section says before it shows anything."""

from collections.abc import Sequence

from andante.report.summary import Association, BudgetOption, Persona, Rhythm, RunSummary, Target
from andante.report.verdict import chosen
from andante.report.words import Words

AWAKE_SHARE = 0.8
QUIET_HOURS = 6
STRIP_DAYS = 28


def meaning(target: Target, words: Words) -> str:
    """Say in how many cases it came true, and what the model's AUC means in pairs of shoppers."""
    share, cases = words.percent(target.positive_share), words.integer(target.users)
    base = words.variant("quality.base", target.name, share=share, cases=cases)
    ours = chosen(target)
    if ours is None:
        return base
    model, pairs = words.known("models", ours.model), words.exact(100 * ours.auc.value, 0)
    return words.join([base, words.text("quality.pairs", model=model, pairs=pairs)])


def bands(target: Target, words: Words) -> str:
    """Say how many cases land in the right band, and how many would by always saying the commonest."""
    parts = [words.text("quality.bands_caption")]
    if target.band_accuracy is not None:
        parts.insert(0, words.text("quality.bands_note", accuracy=words.percent(target.band_accuracy)))
    if target.band_accuracy_of_commonest is not None:
        lazy = words.percent(target.band_accuracy_of_commonest)
        parts.insert(1, words.text("quality.bands_lazy", accuracy=lazy))
    return words.join(parts)


def folds(target: Target, words: Words) -> str:
    """Sum up the folds of cross-validation by their least and greatest figures."""
    figures = {
        "rank": [f.rank_correlation for f in target.folds],
        "r2": [f.r2 for f in target.folds],
        "mae": [f.mae for f in target.folds],
    }
    spread = {name: _between(found, words) for name, found in figures.items()}
    return words.text("quality.folds", count=len(target.folds), **spread)


def _between(found: Sequence[float], words: Words) -> str:
    """Write the least and the greatest of some figures, or one if they are the same."""
    low, high = words.exact(min(found), 2), words.exact(max(found), 2)
    return low if low == high else words.text("number.range", low=low, high=high)


def plan(summary: RunSummary, words: Words) -> str:
    """Say how the pushes are spread."""
    facts, f_max = summary.plan, words.decimal(summary.run.f_max)
    parts = [words.text("plan.lead", median=words.pace(facts.median_per_week))]
    zero, top = words.percent(facts.at_zero_share), words.percent(facts.at_max_share)
    parts.append(words.text("plan.zero" if facts.at_zero_share else "plan.zero_nobody", zero=zero))
    parts.append(words.text("plan.top" if facts.at_max_share else "plan.top_nobody", top=top, f_max=f_max))
    return words.join(parts)


def personas(found: Sequence[Persona], words: Words) -> str:
    """Say who hears most and who least; personas come by falling pace."""
    if not found:
        return words.text("personas.lead_none")
    first, last = found[0], found[-1]
    return words.text(
        "personas.lead" if len(found) > 1 else "personas.lead_one",
        top=first.name,
        top_pace=words.pace(first.pace_mean),
        bottom=last.name,
        bottom_pace=words.pace(last.pace_mean),
    )


def every(pace: float, words: Words) -> str:
    """Say a pace as the gap between two pushes."""
    if pace * STRIP_DAYS * 26 / 7 < 1:  # less than one in two years
        return words.text("personas.never")
    gap_days = 7 / pace
    if gap_days < 2:  # noqa: PLR2004  below two days, hours say more
        gap = words.text("personas.hours", hours=words.integer(24 * gap_days))
    elif gap_days < 21:  # noqa: PLR2004  from three weeks on, weeks say more
        gap = words.text("personas.days", days=words.decimal(gap_days).removesuffix(".0"))
    else:
        gap = words.text("personas.weeks", weeks=words.decimal(gap_days / 7).removesuffix(".0"))
    return words.text("personas.every", gap=gap)


def beats(pace: float) -> tuple[float, ...]:
    """Return where the pushes of four weeks fall at an even pace, as shares of the four weeks.

    >>> beats(0.5)
    (0.25, 0.75)
    """
    count = round(pace * STRIP_DAYS / 7)
    return tuple((i + 0.5) / count for i in range(count))


def rhythm(found: Rhythm | None, words: Words) -> str:
    """Say when shoppers are awake."""
    if found is None or not any(map(sum, found.counts)):
        return words.text("rhythm.none")
    days = [sum(day) for day in found.counts]
    busiest = days.index(max(days))
    if not found.has_hours:
        share, quiet = (
            words.percent(days[busiest] / sum(days)),
            words.text(f"weekdays.{days.index(min(days))}"),
        )
        return words.text("rhythm.lead_days", weekday=words.text(f"weekdays.{busiest}"), share=share, quiet=quiet)
    hours = [sum(day[hour] for day in found.counts) for hour in range(24)]
    start, length = _awake(hours)
    quietest = min(range(24), key=lambda hour: _window(hours, hour, QUIET_HOURS))
    _most, weekday, hour = max((n, -d, -h) for d, day in enumerate(found.counts) for h, n in enumerate(day))
    return words.text(
        "rhythm.lead",
        start=_clock(start),
        end=_clock(start + length),
        zone=found.time_zone,
        weekday=words.text(f"weekdays.{-weekday}"),
        hour=_clock(-hour),
        quiet_start=_clock(quietest),
        quiet_end=_clock(quietest + QUIET_HOURS),
    )


def _window(hours: Sequence[int], start: int, length: int) -> int:
    """Sum a stretch of hours, around midnight if need be."""
    return sum(hours[(start + i) % 24] for i in range(length))


def _awake(hours: Sequence[int]) -> tuple[int, int]:
    """Return the start and length of the shortest stretch that holds most events."""
    enough = AWAKE_SHARE * sum(hours)
    fits = ((n, s) for n in range(1, 25) for s in range(24) if _window(hours, s, n) >= enough)
    length, start = next(fits)
    return start, length


def _clock(hour: int) -> str:
    """Write an hour as a time of day."""
    return f"{hour % 24:02d}:00"


def budgets(summary: RunSummary, words: Words) -> str:
    """Say what share of pushes is expected to work at the chosen budget and at about twice that."""
    options = summary.budgets
    if not options:
        return words.text("budgets.none")
    now = next((o for o in options if o.is_chosen), options[0])
    other = min(options, key=lambda o: abs(o.budget - 2 * now.budget))
    rate, other_rate = _rate(now, words), _rate(other, words)
    lead = words.variant("budgets.lead", drives(summary), rate=rate)
    if other is now:
        return lead
    key = "budgets.lead_same" if rate == other_rate else "budgets.lead_more"
    return words.join([lead, words.text(key, other=words.budget(other.budget), rate=other_rate)])


def ends(summary: RunSummary, words: Words) -> tuple[str, str]:
    """Name the two ends of the plan: the least pace, which is mostly none, and the greatest."""
    least = "budgets.at_min" if summary.run.f_min > 0 else "budgets.at_zero"
    return (
        words.text(least, f_min=words.decimal(summary.run.f_min)),
        words.text("budgets.at_max", f_max=words.decimal(summary.run.f_max)),
    )


def readouts(summary: RunSummary, words: Words) -> list[dict[str, str | float]]:
    """Return what the page says beside the slider, an entry for each budget."""
    return [
        {
            "budget": o.budget,
            "value": words.text("budgets.value", budget=words.budget(o.budget)),
            "pushes": words.integer(o.pushes_per_week),
            "engaged": words.text("budgets.rate", engaged=words.integer(o.engaged_per_week), rate=_rate(o, words)),
            "zero": words.percent(o.at_zero_share),
            "top": words.percent(o.at_max_share),
            "now": words.text("budgets.now") if o.is_chosen else "",
        }
        for o in summary.budgets
    ]


def drives(summary: RunSummary) -> str:
    """Return the name of the target that drives the plan."""
    return summary.targets[0].name if summary.targets else "other"


def interest(summary: RunSummary, key: str, words: Words, share: float = 0.0) -> str:
    """Say what interest means in this run: it is of the target that drives the plan."""
    days = summary.run.horizon_days
    return words.variant(key, drives(summary), days=days, value=words.decimal(100 * share))


def _rate(option: BudgetOption, words: Words) -> str:
    """Return the share of pushes that are expected to meet an interested user."""
    share = option.engaged_per_week / option.pushes_per_week if option.pushes_per_week else 0.0
    return f"{share:.1%}" if 0.005 <= share < 0.1 else words.percent(share)  # noqa: PLR2004  a digit more where few


def reasons(summary: RunSummary, words: Words) -> str:
    """Say which feature carries most."""
    if not summary.reasons:
        return words.text("reasons.none")
    first = summary.reasons[0]
    return words.text("reasons.lead", first=words.feature(first.feature, first.name))


def together(found: Sequence[Association], words: Words) -> str:
    """Say the strongest association."""
    if not found:
        return words.text("together.none")
    first = found[0]
    return words.text(
        "together.lead",
        first=words.listing(first.antecedents),
        second=words.listing(first.consequents),
        lift=words.decimal(first.lift),
    )


def satisfaction(summary: RunSummary, words: Words) -> str:
    """Say where satisfaction is highest, or what to log to know it."""
    found = summary.satisfaction
    if found is None:
        return words.text("satisfaction.none")
    best, ratings = words.pace(found.best_per_week), words.integer(found.ratings)
    return words.text("satisfaction.lead", best=best, ratings=ratings)


def data(summary: RunSummary, words: Words) -> str:
    """Say how much of the data could be used."""
    read = sum(source.rows_read for source in summary.sources)
    loaded = sum(source.rows_loaded for source in summary.sources)
    bad = sum(source.rows_quarantined for source in summary.sources)
    share = words.percent(loaded / read) if read else words.percent(0)
    lead = words.text("data.lead", loaded=words.integer(loaded), read=words.integer(read), share=share)
    rest = words.text("data.quarantined", rows=words.integer(bad)) if bad else words.text("data.clean")
    return words.join([lead, rest])
