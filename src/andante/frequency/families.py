"""The families of interest models by name: what ``andante run --model NAME`` can say.

A family is an entry point of the group ``andante.frequency``: a function ``make(features, *, seed)`` that
returns an unfitted interest estimator (a scikit-learn classifier of two classes) for a matrix with these
columns. Other packages add theirs by declaring one; nothing is registered by importing.
"""

from collections.abc import Sequence
from importlib.metadata import entry_points
from typing import Any

from andante.frequency.forest import ForestInterest
from andante.frequency.linear import LinearInterest
from andante.frequency.thresholds import ThresholdInterest
from andante.vocabulary.fault import SettingsFault

GROUP = "andante.frequency"


def names() -> tuple[str, ...]:
    """Name the installed families."""
    return tuple(sorted({entry.name for entry in entry_points(group=GROUP)}))


def interest_of(name: str, features: Sequence[str], *, seed: int) -> Any:
    """Make the unfitted interest estimator of a family; a :class:`SettingsFault` names the families there are."""
    for entry in entry_points(group=GROUP, name=name):
        return entry.load()(features, seed=seed)
    known = ", ".join(names()) or "none: is andante installed?"
    raise SettingsFault("model", name, "is not an installed family", f"choose one of {known}")


def forest(features: Sequence[str], *, seed: int) -> ForestInterest:
    """Make a random forest over all features."""
    del features
    return ForestInterest(random_state=seed)


def linear(features: Sequence[str], *, seed: int) -> LinearInterest:
    """Make the seed's I = αn + βp over views and purchases; nothing in it is left to chance."""
    del seed
    return LinearInterest(views=features.index("views"), purchases=features.index("purchases"), calibrate=True)


def thresholds(features: Sequence[str], *, seed: int) -> ThresholdInterest:
    """Make the rules by recency and active days; nothing in them is left to chance."""
    del seed
    return ThresholdInterest(count=features.index("active_days"), recency=features.index("recency_days"))
