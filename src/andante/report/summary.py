"""A run's summary: every figure that the report shows, as plain values that survive a trip through JSON.

Units are in the names (``..._per_week``, ``..._share`` is 0..1) or in the comment beside a field. Times are
RFC 3339 strings in UTC. ``None`` means "not measured", zero is a number, an empty tuple means "none found".
"""

from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Interval:
    """An estimate with its 95 % interval; ``low`` and ``high`` are None when no interval was computed."""

    value: float
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True, slots=True)
class RunFacts:
    """What was run, on what, and how: enough to run it again."""

    name: str  # of the shop or data set, as the reader knows it
    version: str  # of andante
    command: str  # the command line that made this report
    seed: int
    model: str  # a name of the `andante run --model` list, such as "forest"
    started_at: str  # first event
    ended_at: str  # last event
    cut_off_at: str  # the instant whose profiles gave the plan
    horizon_days: int  # interest is the chance to engage within so many days
    events: int
    f_base: float  # pushes per week of a user whose interest equals theta
    theta: float
    f_min: float  # pushes per week
    f_max: float  # pushes per week
    budget_per_user_week: float | None = None  # None: no budget was asked for
    messages: int | None = None  # pushes in the message log; None: no message log was given


@dataclass(frozen=True, slots=True)
class Source:
    """One file that was read: rows read = rows loaded + rows quarantined. Rules of cleaning come after that."""

    name: str
    kind: str  # "events" or "messages"
    shape: str  # the header that was recognised, such as "rees46", or "mapped"
    rows_read: int
    rows_loaded: int
    rows_quarantined: int


@dataclass(frozen=True, slots=True)
class CleaningRule:
    """What one rule of cleaning did to the rows."""

    rule: str  # its code, such as "duplicate"
    rows: int  # how many rows it touched
    action: str  # "quarantined", "removed", "changed" or "kept" (looked at, left as they are)
    note: str = ""  # one plain sentence; the page has its own for the codes that it knows


@dataclass(frozen=True, slots=True)
class Bin:
    """How many users have a pace in [low, high) pushes per week; the last bin includes its high end."""

    low: float
    high: float
    users: int


@dataclass(frozen=True, slots=True)
class PlanFacts:
    """The plan over all users."""

    users: int
    mean_per_week: float
    median_per_week: float
    below_one_share: float  # users with fewer than one push per week
    at_zero_share: float  # users with none at all
    at_max_share: float  # users held at f_max
    histogram: tuple[Bin, ...]


@dataclass(frozen=True, slots=True)
class Trait:
    """A feature that sets a persona apart, in the feature's own unit."""

    feature: str  # column name of the profile, such as "purchases_30d"
    mean: float  # over the persona
    overall_mean: float  # over all users
    name: str = ""  # plain words; empty: the page finds them


@dataclass(frozen=True, slots=True)
class Persona:
    """A group of alike users and what the plan gives it."""

    name: str
    users: int
    pace_mean: float  # pushes per week, as all paces
    pace_p10: float
    pace_median: float
    pace_p90: float
    interest_mean: float  # 0..1
    lines: tuple[str, ...]  # at most two sentences in plain words
    traits: tuple[Trait, ...]  # strongest first


@dataclass(frozen=True, slots=True)
class Rhythm:
    """When events happen: ``counts[weekday][hour]``, Monday first, 7 by 24 (7 by 1 without hours)."""

    counts: tuple[tuple[int, ...], ...]
    time_zone: str = "UTC"
    has_hours: bool = True


@dataclass(frozen=True, slots=True)
class ModelScore:
    """How well one model or baseline ranks users on data that it never saw."""

    model: str  # a code that the page has words for ("forest", "recency", "frequency", ...), or any plain name
    auc: Interval  # 0.5 is chance, 1 is perfect
    spearman: Interval  # rank correlation with next-period activity, -1..1
    is_baseline: bool = True
    auc_ahead: Interval | None = None  # how far the chosen model is ahead of this one, on the same resamples
    spearman_ahead: Interval | None = None  # the same for the rank correlation; None for the chosen model itself
    spearman_untied_ahead: Interval | None = None  # the same with equal scores put in random order


@dataclass(frozen=True, slots=True)
class CalibrationBin:
    """One tenth of the test's cases by predicted interest."""

    predicted: float  # mean predicted chance, 0..1
    observed: float  # share for whom it came true, 0..1
    users: int  # cases


@dataclass(frozen=True, slots=True)
class Fold:
    """One fold of the time-based cross-validation: trained before ``cut_off_at``, tested after it."""

    cut_off_at: str
    users: int  # cases
    r2: float
    mae: float  # between predicted chance and what came (0 or 1)
    rank_correlation: float


@dataclass(frozen=True, slots=True)
class Band:
    """How well users were put into one band of frequency."""

    name: str  # a code that the page has words for ("none", "some", "often", ...), or any plain name
    users: int  # cases truly in the band
    precision: float  # of those put there, the share that belonged
    recall: float  # of those that belonged, the share put there


@dataclass(frozen=True, slots=True)
class Target:
    """One question put to the model, and how well it was answered, all on data after training."""

    name: str  # "activity" (will they come back), "response" (will they answer a push), or any plain name
    model: str  # the chosen model's code, one of ``scores``
    users: int  # cases in the test: a case is one user at one cut-off
    positive_share: float  # of them, for whom it came true
    scores: tuple[ModelScore, ...]  # the chosen model and the baselines
    calibration: tuple[CalibrationBin, ...]
    calibration_error: float | None  # expected calibration error, 0..1
    folds: tuple[Fold, ...] = ()
    band_accuracy: float | None = None
    band_accuracy_of_commonest: float | None = None  # what always saying the commonest band would reach
    bands: tuple[Band, ...] = ()


@dataclass(frozen=True, slots=True)
class Reason:
    """What the model loses when one feature is shuffled (permutation importance)."""

    feature: str
    importance: Interval  # drop of AUC; low and high are the spread over repeats
    name: str = ""  # plain words; empty: the page finds them


@dataclass(frozen=True, slots=True)
class BudgetOption:
    """What the plan would be under one budget."""

    budget: float  # pushes per user-week
    at_zero_share: float  # users held at f_min, which is mostly none at all
    at_max_share: float
    engaged_per_week: float  # sum over users of pace times interest: pushes expected to reach an interested user
    pushes_per_week: float  # sum over users of pace
    persona_paces: tuple[float, ...]  # mean pace of each persona, in the order of RunSummary.personas
    is_chosen: bool = False  # exactly one option is


@dataclass(frozen=True, slots=True)
class Association:
    """Shoppers who buy ``antecedents`` also buy ``consequents`` (association rule between categories)."""

    antecedents: tuple[str, ...]
    consequents: tuple[str, ...]
    lift: float  # 1 is chance
    confidence: float  # 0..1: of baskets with the first, the share that has the second
    support: float  # 0..1: share of all baskets that has both


@dataclass(frozen=True, slots=True)
class CurvePoint:
    """Satisfaction at one frequency."""

    per_week: float
    satisfaction: float  # 0..1
    low: float | None = None
    high: float | None = None
    users: int | None = None  # who rated; None on points of the fitted curve


@dataclass(frozen=True, slots=True)
class Satisfaction:
    """The satisfaction curve S(f), fitted from ratings."""

    curve: tuple[CurvePoint, ...]
    observed: tuple[CurvePoint, ...]
    best_per_week: float  # where the curve is highest
    ratings: int


@dataclass(frozen=True, slots=True)
class RunSummary:
    """Every figure of a finished `andante run`, ready for the page, for JSON, or for another tool."""

    run: RunFacts
    sources: tuple[Source, ...]
    plan: PlanFacts
    personas: tuple[Persona, ...]
    rhythm: Rhythm | None
    targets: tuple[Target, ...]  # the one that drives the plan first
    reasons: tuple[Reason, ...]  # of the first target, strongest first
    budgets: tuple[BudgetOption, ...]  # by rising budget
    associations: tuple[Association, ...]  # strongest first; the page shows ten
    cleaning: tuple[CleaningRule, ...]
    warnings: tuple[str, ...] = ()  # plain sentences
    satisfaction: Satisfaction | None = None  # None: no ratings in the log
    limits: tuple[str, ...] = ()  # plain sentences beside those that hold for every run

    def to_dict(self) -> dict[str, Any]:
        """Return the summary as nested dicts, ready for ``json.dumps``."""
        return asdict(self)
