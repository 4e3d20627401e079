"""A realistic finished run: 2,500 shoppers, six personas, two targets. Every figure is made up, none is random."""

import math
from dataclasses import replace

from andante.report.summary import (
    Association,
    Band,
    Bin,
    BudgetOption,
    CalibrationBin,
    CleaningRule,
    CurvePoint,
    Fold,
    Interval,
    ModelScore,
    Persona,
    PlanFacts,
    Reason,
    Rhythm,
    RunFacts,
    RunSummary,
    Satisfaction,
    Source,
    Target,
    Trait,
)

USERS = 2_500
PACES = (4.6, 3.3, 2.4, 1.5, 0.7, 0.2)
SIZES = (240, 430, 610, 520, 410, 290)
INTERESTS = (0.274, 0.197, 0.143, 0.089, 0.042, 0.012)


def sample() -> RunSummary:
    """Return the whole sample."""
    return RunSummary(
        run=_run(),
        sources=(
            Source("transactions.parquet", "events", "andante", 1_469_307, 1_469_271, 36),
            Source("campaigns.csv.gz", "messages", "andante", 8_691, 8_691, 0),
        ),
        plan=_plan(),
        personas=_personas(),
        rhythm=_rhythm(),
        targets=(_response(), _activity()),
        reasons=_reasons(),
        budgets=tuple(_budget(b / 4) for b in range(2, 29)),
        associations=_associations(),
        cleaning=(
            CleaningRule("missing user", 24, "quarantined"),
            CleaningRule("time in the future", 12, "quarantined"),
            CleaningRule(
                "duplicates", 2_112, "removed", "the same in every column: one event told twice; the first stays"
            ),
            CleaningRule("cancellations", 814, "removed", "407 cancellations and the 407 purchases they cancel"),
            CleaningRule("values", 0, "kept", "a value below zero or not finite is unknown; the row stays"),
            CleaningRule("bots", 288, "removed", "2 accounts with over 200 events on an active day"),
            CleaningRule("missing categories", 0, "kept", "a missing category is that of the same item elsewhere"),
        ),
        warnings=(
            "288 events came from 2 accounts that look like bots.",
            "The log has no searches, so query similarity is unknown for everybody.",
        ),
    )


def rated() -> RunSummary:
    """Return the sample with ratings in its log."""
    steps = [i / 4 for i in range(41)]
    height = [0.42 + 0.11 * f if f < 3 else 0.75 - 0.05 * (f - 3) for f in steps]
    wobble = (0.03, -0.02, 0.01, -0.03, 0.02, -0.01, 0.03, -0.02)
    return replace(
        sample(),
        satisfaction=Satisfaction(
            curve=tuple(
                CurvePoint(f, s, s - 0.02 - 0.006 * f, s + 0.02 + 0.006 * f) for f, s in zip(steps, height, strict=True)
            ),
            observed=tuple(
                CurvePoint(1.0 + f, height[4 * (f + 1)] + w, users=int(400 * math.exp(-f / 3)))
                for f, w in enumerate(wobble)
            ),
            best_per_week=3.0,
            ratings=4_310,
        ),
    )


def dates_only() -> RunSummary:
    """Return the sample of a log without hours, messages, budget, reasons, associations or personas."""
    whole = sample()
    return replace(
        whole,
        run=replace(whole.run, messages=None, budget_per_user_week=None, name="CDNOW"),
        sources=(replace(whole.sources[0], name="cdnow.csv"),),
        personas=(),
        rhythm=Rhythm(tuple((sum(day),) for day in whole.rhythm.counts), has_hours=False),
        targets=(baseline_wins(),),
        reasons=(),
        budgets=(),
        associations=(),
        cleaning=(),
        warnings=(),
    )


def baseline_wins() -> Target:
    """Return the activity target of a run where recency alone beats the forest."""
    target = _activity()
    ours = replace(target.scores[0], auc=Interval(0.70, 0.68, 0.72), spearman=Interval(0.41, 0.38, 0.44))
    rivals = tuple(
        replace(s, auc_ahead=_ahead(0.70 - s.auc.value), spearman_ahead=_ahead(0.41 - s.spearman.value))
        for s in target.scores[1:]
    )
    return replace(target, scores=(ours, *rivals), calibration_error=0.081)


def _run() -> RunFacts:
    return RunFacts(
        name="Complete Journey",
        version="0.1.0",
        command="andante run transactions.parquet --messages campaigns.csv.gz --budget 2 --out out",
        seed=7,
        model="forest",
        started_at="2017-01-01T11:53:26+00:00",
        ended_at="2018-01-01T04:01:20+00:00",
        cut_off_at="2018-01-01T00:00:00+00:00",
        horizon_days=7,
        events=1_466_057,
        f_base=3.0,
        theta=0.1783,
        f_min=0.0,
        f_max=7.0,
        budget_per_user_week=2.0,
        messages=6_589,
    )


def _plan() -> PlanFacts:
    shape = [168, 205, 236, 262, 281, 284, 271, 240, 196, 141, 92, 57, 31, 17, 9, 5, 3, 1, 1, 0]
    bins = tuple(Bin(i * 0.35, (i + 1) * 0.35, users) for i, users in enumerate(shape))
    return PlanFacts(USERS, 2.0, 1.86, 0.312, 0.031, 0.0004, bins)


def _personas() -> tuple[Persona, ...]:
    names = (
        "Weekly regulars",
        "Weekend stock-up families",
        "Coupon-minded planners",
        "Evening top-up shoppers",
        "Seasonal visitors",
        "Quiet since autumn",
    )
    lines = (
        ("Shop several times a week and hardly miss one.", "They open the door for most new offers."),
        ("Fill a large basket on Saturday or Sunday.", "Between weekends little happens."),
        ("Come when there is a coupon, and plan around it.", "One push before the weekend is enough."),
        ("Drop in after work for a few items.", "Small baskets, steady habit."),
        ("Appear around holidays, then pause for weeks.", "Keep in touch, lightly."),
        ("Have not bought for two months or longer.", "More pushes would mostly annoy."),
    )
    traits = (
        (("purchases_30d", 11.4, 4.2), ("recency_days", 1.3, 14.6), ("spend_30d", 412.0, 148.0)),
        (("share_weekend", 0.71, 0.34), ("lines_per_purchase", 21.6, 9.4), ("purchases_30d", 4.9, 4.2)),
        (("response_rate", 0.31, 0.11), ("pushes", 6.1, 2.7), ("spend_per_purchase", 41.0, 32.4)),
        (("share_evening", 0.64, 0.29), ("lines_per_purchase", 4.1, 9.4), ("active_days_30d", 6.2, 4.0)),
        (("gap_days", 24.7, 9.1), ("purchases_90d", 3.6, 12.3), ("overdue", 0.9, 1.4)),
        (("recency_purchase_days", 71.8, 19.2), ("overdue", 4.8, 1.4), ("purchases_90d", 0.4, 12.3)),
    )
    return tuple(
        Persona(
            name=names[i],
            users=SIZES[i],
            pace_mean=PACES[i],
            pace_p10=round(PACES[i] * 0.55, 2),
            pace_median=round(PACES[i] * 0.97, 2),
            pace_p90=round(PACES[i] * 1.5, 2),
            interest_mean=INTERESTS[i],
            lines=lines[i],
            traits=tuple(Trait(*trait) for trait in traits[i]),
        )
        for i in range(len(names))
    )


def _rhythm() -> Rhythm:
    day = [
        1.2,
        0.8,
        0.5,
        0.3,
        0.2,
        0.2,
        0.3,
        0.6,
        0.9,
        1.1,
        1.5,
        2.0,
        3.1,
        4.4,
        5.8,
        7.0,
        8.4,
        9.6,
        9.9,
        9.1,
        8.2,
        7.3,
    ]
    day += [5.1, 2.6]
    week = (0.92, 0.86, 0.88, 0.90, 1.02, 1.31, 1.28)
    return Rhythm(tuple(tuple(round(h * w * 2_200) for h in day) for w in week))


def _scores(*rows: tuple[str, float, float]) -> tuple[ModelScore, ...]:
    return tuple(
        ModelScore(
            model=name,
            auc=Interval(auc, round(auc - 0.012, 3), round(auc + 0.011, 3)),
            spearman=Interval(rho, round(rho - 0.021, 3), round(rho + 0.020, 3)),
            is_baseline=i > 0,
            auc_ahead=_ahead(rows[0][1] - auc) if i else None,
            spearman_ahead=_ahead(rows[0][2] - rho) if i else None,
        )
        for i, (name, auc, rho) in enumerate(rows)
    )


def _ahead(value: float) -> Interval:
    return Interval(round(value, 3), round(value - 0.011, 3), round(value + 0.011, 3))


def _activity() -> Target:
    deciles = (0.06, 0.15, 0.27, 0.41, 0.55, 0.67, 0.77, 0.85, 0.92, 0.97)
    misses = (0.01, -0.02, 0.03, 0.02, -0.03, 0.01, -0.01, 0.02, -0.01, 0.0)
    return Target(
        name="activity",
        model="forest",
        users=2_469,
        positive_share=0.612,
        scores=_scores(
            ("forest", 0.874, 0.668),
            ("gap_days", 0.829, 0.611),
            ("linear", 0.823, 0.604),
            ("recency_days", 0.794, 0.527),
            ("thresholds", 0.751, 0.463),
        ),
        calibration=tuple(CalibrationBin(p, round(p + m, 3), 247) for p, m in zip(deciles, misses, strict=True)),
        calibration_error=0.021,
        folds=(
            Fold("2017-10-02T00:00:00+00:00", 2_431, 0.437, 0.841, 0.651),
            Fold("2017-10-30T00:00:00+00:00", 2_446, 0.452, 0.829, 0.664),
            Fold("2017-11-27T00:00:00+00:00", 2_458, 0.448, 0.852, 0.659),
            Fold("2017-12-25T00:00:00+00:00", 2_469, 0.461, 0.817, 0.672),
        ),
        band_accuracy=0.703,
        band_accuracy_of_commonest=0.388,
        bands=(Band("none", 958, 0.78, 0.81), Band("some", 834, 0.58, 0.54), Band("often", 677, 0.74, 0.75)),
    )


def _response() -> Target:
    deciles = (0.01, 0.02, 0.04, 0.06, 0.08, 0.10, 0.13, 0.17, 0.23, 0.36)
    return Target(
        name="response",
        model="forest",
        users=1_584,
        positive_share=0.119,
        scores=_scores(
            ("forest", 0.741, 0.271),
            ("response_rate", 0.733, 0.264),
            ("recency_days", 0.642, 0.158),
            ("gap_days", 0.611, 0.131),
        ),
        calibration=tuple(CalibrationBin(p, round(p * 0.93 + 0.008, 3), 158) for p in deciles),
        calibration_error=0.012,
        folds=(
            Fold("2017-09-04T00:00:00+00:00", 611, 0.061, 0.187, 0.241),
            Fold("2017-10-30T00:00:00+00:00", 702, 0.084, 0.192, 0.266),
        ),
        band_accuracy=0.826,
        band_accuracy_of_commonest=0.881,
        bands=(Band("no", 1_396, 0.91, 0.89), Band("yes", 188, 0.31, 0.35)),
    )


def _reasons() -> tuple[Reason, ...]:
    rows = (
        ("response_rate", 0.061),
        ("recency_days", 0.044),
        ("purchases_a_week", 0.031),
        ("gap_days", 0.022),
        ("overdue", 0.018),
        ("spend_30d", 0.009),
        ("share_weekend", 0.006),
        ("tenure_days", 0.003),
    )
    return tuple(Reason(f, Interval(v, round(v * 0.82 - 0.001, 4), round(v * 1.17 + 0.001, 4))) for f, v in rows)


def _budget(budget: float) -> BudgetOption:
    paces = tuple(min(7.0, round(pace * budget / 2, 3)) for pace in PACES)
    pushes = sum(p * n for p, n in zip(paces, SIZES, strict=True))
    engaged = sum(p * n * i for p, n, i in zip(paces, SIZES, INTERESTS, strict=True))
    return BudgetOption(
        budget=budget,
        at_zero_share=round(0.031 + 0.02 * math.exp(-budget), 4),
        at_max_share=round(max(0.0, 0.19 / (1 + math.exp(-(budget - 4.6) * 1.3)) - 0.006), 4),
        engaged_per_week=engaged,
        pushes_per_week=pushes,
        persona_paces=paces,
        is_chosen=budget == 2,
    )


def _associations() -> tuple[Association, ...]:
    rows = (
        ("Hot dog buns", "Frankfurters", 9.8, 0.46, 0.011),
        ("Pasta", "Pasta sauce", 6.9, 0.41, 0.021),
        ("Taco shells", "Ground beef", 5.7, 0.52, 0.008),
        ("Baby food", "Diapers", 5.2, 0.28, 0.006),
        ("Cereal", "Milk", 2.6, 0.63, 0.048),
        ("Peanut butter", "Jelly and bread", 4.4, 0.31, 0.009),
        ("Cat litter", "Cat food", 4.1, 0.49, 0.007),
    )
    return tuple(Association((a,), (b,), lift, confidence, support) for a, b, lift, confidence, support in rows)
