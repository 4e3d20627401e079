"""How personas are called: rules that turn a cluster's centre, beside that of all users, into words.

Every rule compares with the population, so that "regular" means regular for this shop. Names are English and
Chinese, and no two personas of a population share one.
"""

# ruff: noqa: PLR2004  the table of rules is where these numbers have their meaning

import math
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

Centre = Mapping[str, float]
Words = tuple[str, str]
"""English and Chinese."""

RHYTHM_EXCESS = 0.12
"""A rhythm is worth a word where its share is so much above the population's."""

RHYTHMS: dict[str, Words] = {
    "share_night": ("at night", "深夜"),
    "share_morning": ("in the morning", "早晨"),
    "share_evening": ("in the evening", "晚间"),
    "share_weekend": ("at weekends", "周末"),
}
EVERYONE: Words = ("Everyone", "所有用户")
_QUALIFIERS: dict[str, tuple[Words, Words]] = {
    "spend": (("spending more", "消费较多"), ("spending less", "消费较少")),
    "activity": (("more often", "较频繁"), ("less often", "较少来")),
    "buying": (("buying more", "购买较多"), ("buying less", "购买较少")),
    "browsing": (("browsing more", "浏览较多"), ("browsing less", "浏览较少")),
    "recency_days": (("longer ago", "较早之前"), ("more recently", "较近")),
    "tenure_days": (("with us longer", "较早加入"), ("with us for less time", "较晚加入")),
}
_BETWEEN: Words = ("in between", "居中")


@dataclass(frozen=True, slots=True)
class _Levels:
    """A cluster beside the population: days as they are, the rest as ratios to the mean of all users."""

    recency_days: float
    recency_days_of_all: float
    tenure_days: float
    tenure_days_of_all: float
    activity: float
    browsing: float
    browses: bool
    buying: float
    buys: bool
    spend: float


_RULES: tuple[tuple[Words, Callable[[_Levels], bool]], ...] = (
    (
        ("Gone quiet", "已沉寂"),
        lambda at: at.recency_days >= max(30, 1.5 * at.recency_days_of_all) and at.activity < 0.3,
    ),
    (
        ("Newcomers", "新客"),
        lambda at: at.tenure_days <= min(60, 0.4 * at.tenure_days_of_all),
    ),
    (
        ("Slipping away", "正在流失"),
        lambda at: at.recency_days >= max(14, 1.5 * at.recency_days_of_all) and at.activity < 0.7,
    ),
    (("Loyal big spenders", "忠实高消费客"), lambda at: at.spend >= 1.5 and at.activity >= 1.2),
    (
        ("Browsers who rarely buy", "爱逛少买"),
        lambda at: at.browses and at.browsing >= 0.7 and at.buying <= 0.5 * at.browsing,
    ),
    (("Regulars", "常客"), lambda at: at.activity >= 1.0),
    (("Occasional buyers", "偶尔购买"), lambda at: at.buys),
    (("Occasional visitors", "偶尔来访"), lambda _: True),
)
"""The first rule that holds names the persona: first who is leaving or new, then how they live."""

_GONE = {"Gone quiet", "Slipping away"}  # these have no rhythm worth a word: they hardly come


def label(centroids: Sequence[Centre], population: Centre) -> list[Words]:
    """Name each centre of a population, uniquely."""
    if len(centroids) == 1:
        return [EVERYONE]
    levels = [_levels(centroid, population) for centroid in centroids]
    names = [_named(at, centroid, population) for at, centroid in zip(levels, centroids, strict=True)]
    for shared, count in Counter(names).items():
        if count > 1:
            members = [place for place, name in enumerate(names) if name == shared]
            for place, name in zip(members, _told_apart(shared, [levels[m] for m in members]), strict=True):
                names[place] = name
    return names


def _levels(centroid: Centre, population: Centre) -> _Levels:
    def ratio(*names: str) -> float:
        """Compare by the first of these features in which the population differs from zero."""
        name = next((name for name in names if name in centroid and population.get(name, 0) > 0), None)
        return 1.0 if name is None else centroid[name] / population[name]

    return _Levels(
        recency_days=centroid.get("recency_days", math.nan),
        recency_days_of_all=population.get("recency_days", math.nan),
        tenure_days=centroid.get("tenure_days", math.nan),
        tenure_days_of_all=population.get("tenure_days", math.nan),
        activity=ratio("active_days_30d", "sessions_30d", "views_30d", "purchases_30d", "purchases"),
        browsing=ratio("views_30d", "searches_30d"),
        browses=any(population.get(name, 0) > 0 for name in ("views_30d", "searches_30d")),
        buying=ratio("purchases_30d", "purchases"),
        buys=any(centroid.get(name, 0) > 0 for name in ("purchases", "purchases_30d")),
        spend=ratio("spend_30d", "spend"),
    )


def _named(at: _Levels, centroid: Centre, population: Centre) -> Words:
    name, name_zh = next(words for words, holds in _RULES if holds(at))
    rhythm = None if name in _GONE else _rhythm(centroid, population)
    return (name, name_zh) if rhythm is None else (f"{name} {rhythm[0]}", f"{name_zh}（{rhythm[1]}）")


def _rhythm(centroid: Centre, population: Centre) -> Words | None:
    """Find the part of the day or week that stands out most, if any does."""
    shares = [name for name in RHYTHMS if name in centroid and name in population]
    excess = {name: centroid[name] - population[name] for name in shares}
    most = max(excess, key=lambda name: excess[name], default=None)
    return None if most is None or excess[most] < RHYTHM_EXCESS else RHYTHMS[most]


def _told_apart(shared: Words, levels: Sequence[_Levels]) -> list[Words]:
    """Tell personas of one name apart by the level in which they differ most."""

    def spread(dimension: str) -> float:
        values = [getattr(at, dimension) for at in levels]
        low, high = min(values), max(values)
        return (high + 0.01) / (max(low, 0) + 0.01) if high > low else 0.0  # NaN compares as no spread

    dimension = max(_QUALIFIERS, key=spread)
    high, low = _QUALIFIERS[dimension]
    order = sorted(range(len(levels)), key=lambda place: -getattr(levels[place], dimension))
    words = {order[0]: high, order[-1]: low}
    for number, place in enumerate(order[1:-1], 1):
        several = f" {number}" if len(order) > 3 else ""
        words[place] = (_BETWEEN[0] + several, _BETWEEN[1] + several)
    return [(f"{shared[0]}, {words[place][0]}", f"{shared[1]}·{words[place][1]}") for place in range(len(levels))]


def describe(centroid: Centre, population: Centre, share: float) -> Words:
    """Describe a persona in one sentence of each language."""
    facts: tuple[tuple[str, str, str], ...] = (
        ("recency_days", "last seen {:.1f} days ago", "最近一次活跃在{:.1f}天前"),
        ("tenure_days", "with us for {:,.0f} days", "加入{:,.0f}天"),
        ("active_days_30d", "{:.1f} active days in 30", "30天内活跃{:.1f}天"),
        ("views_30d", "{:.1f} views in 30 days", "30天内浏览{:.1f}次"),
        ("purchases_30d", "{:.1f} purchases in 30 days", "30天内购买{:.1f}次"),
        ("spend_30d", "spending {:,.0f} in 30 days", "30天内消费{:,.0f}"),
    )
    told = [(en, zh, centroid[name]) for name, en, zh in facts if name in centroid and population.get(name, 0) > 0]
    english = [en.format(value) for en, _, value in told]
    chinese = [zh.format(value) for _, zh, value in told]
    for name, (en, zh) in RHYTHMS.items():
        if name in centroid and centroid[name] - population[name] >= RHYTHM_EXCESS:
            english.append(f"{centroid[name]:.0%} of it {en}, against {population[name]:.0%} for all")
            chinese.append(f"{centroid[name]:.0%}发生在{zh}，全体为{population[name]:.0%}")
    head, head_zh = f"{share:.0%} of users", f"占用户的{share:.0%}"
    return (
        f"{head}: {', '.join(english)}." if english else f"{head}.",
        f"{head_zh}：{'，'.join(chinese)}。" if chinese else f"{head_zh}。",
    )
