"""Personas: users who behave alike, found by clustering and named so that a marketer knows them.

Users are placed by recency, tenure, activity, browsing, buying, spend and rhythm; each of these counts the
same, however many features measure it. k-means runs on a sample of fixed size, so that a million users take
seconds, and on one thread, so that the same input and seed give the same personas on every run. Source:
first seed §2 (user profiling), second seed §2.2 (clustering, rules).
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.cluster import KMeans
from sklearn.metrics import silhouette_score
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]  # it comes with scikit-learn

from andante.profiles.persona_names import describe, label
from andante.vocabulary.fault import Fault

VERSION = 1
USERS_MIN = 10
"""Fewer users are one persona: a cluster of two or three says nothing about the next user."""
CLUSTERS = range(3, 9)
CLEARNESS = 0.98
"""More personas are taken while the silhouette keeps this share of its best."""
SAMPLE_USERS = 20_000
SILHOUETTE_USERS = 4_000
CHUNK_USERS = 100_000
ROUNDING = 1e-9
"""A feature that spreads less does not differ between users."""
FARTHEST = 3.0
"""Coordinates end here, so that one bot or one wholesale buyer does not make a cluster of its own."""

DIMENSIONS: dict[str, tuple[str, ...]] = {
    "recency": ("recency_days", "recency_purchase_days"),
    "tenure": ("tenure_days",),
    "activity": ("active_days_30d", "sessions_30d"),
    "browsing": ("views_30d", "searches_30d"),
    "buying": ("purchases_30d", "purchases"),
    "spend": ("spend_30d", "spend"),
    "rhythm": ("share_night", "share_morning", "share_evening", "share_weekend"),
}
"""What users are compared by, and the features that measure it. Other features take no part."""

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Trait:
    """A feature in which a persona stands out: its centre, and that of all users."""

    feature: str
    centre: float
    population: float


@dataclass(frozen=True, slots=True)
class Persona:
    """Users who behave alike. ``centroid`` holds the mean of each feature, the median for those in days."""

    name: str
    name_zh: str
    description: str
    description_zh: str
    traits: tuple[Trait, ...]
    size: int
    centroid: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class Space:
    """How features become coordinates: unknown values filled, long tails logged, centred and scaled."""

    features: tuple[str, ...]
    columns: tuple[int, ...]
    unknown: tuple[float, ...]
    middle: tuple[float, ...]
    width: tuple[float, ...]

    def filled(self, X: Floats) -> Floats:
        """Return the columns that take part, without unknown values: (users, columns)."""
        values = X[:, list(self.columns)]
        return np.where(np.isfinite(values), values, np.array(self.unknown))

    def place(self, X: Floats) -> Floats:
        """Return the coordinates of users: (users, columns)."""
        names = [self.features[column] for column in self.columns]
        spread = (_logged(names, self.filled(X)) - np.array(self.middle)) / np.array(self.width)
        weight = np.array([_weight(name, names) for name in names])
        places: Floats = np.clip(spread, -FARTHEST, FARTHEST) * weight
        return places


@dataclass(frozen=True, slots=True, eq=False)
class Personas:
    """The personas of a population, and the persona of each user as a place in ``personas``.

    The largest persona comes first. ``labels`` is empty after :meth:`from_dict`: they belong to the users
    they were found on, and are written beside them.
    """

    personas: tuple[Persona, ...]
    space: Space
    centres: Floats
    labels: NDArray[np.int32] = field(default_factory=lambda: np.empty(0, dtype=np.int32))

    def assign(self, X: ArrayLike) -> NDArray[np.int32]:
        """Return the persona of each user, new ones too: the nearest centre. X has the columns of the fit."""
        users = _matrix(X, self.space.features)
        labels = np.zeros(len(users), dtype=np.int32)
        lengths = (self.centres**2).sum(axis=1)
        for start in range(0, len(users), CHUNK_USERS):
            chunk = slice(start, start + CHUNK_USERS)
            labels[chunk] = (lengths - 2 * self.space.place(users[chunk]) @ self.centres.T).argmin(axis=1)
        return labels

    def to_dict(self) -> dict[str, Any]:
        """Return the personas as plain values for JSON, with a version and without the labels."""
        return {
            "version": VERSION,
            "personas": [asdict(persona) for persona in self.personas],
            "space": asdict(self.space),
            "centres": self.centres.tolist(),
        }

    @classmethod
    def from_dict(cls, written: Mapping[str, Any]) -> Self:
        """Read what :meth:`to_dict` wrote. Raises Fault for another version."""
        if written.get("version") != VERSION:
            found = written.get("version")
            raise Fault("personas of version", found, f"are not of version {VERSION}", "run the plan again")
        personas = (
            Persona(**{**persona, "traits": tuple(Trait(**trait) for trait in persona["traits"])})
            for persona in written["personas"]
        )
        space = Space(**{name: tuple(values) for name, values in written["space"].items()})
        centres = np.array(written["centres"], dtype=np.float64)
        return cls(tuple(personas), space, centres.reshape(len(centres), len(space.columns)))


def find_personas(X: ArrayLike, features: Sequence[str], *, seed: int) -> Personas:
    """Find the personas of a population.

    ``X`` is (users, features), NaN where unknown. An unknown recency is taken as the longest seen, because it
    means "never"; any other unknown as the median, which pulls to no side. Of 3 to 8 personas there are as
    many as keep 98 % of the best silhouette: finer where that costs no clearness. Fewer than 10 users, or
    users who do not differ, are one persona: everyone.

    Raises Fault where the names do not fit the matrix.
    """
    users = _matrix(X, features)
    rng = np.random.default_rng(seed)
    many = len(users) > SAMPLE_USERS
    chosen = np.sort(rng.choice(len(users), SAMPLE_USERS, replace=False)) if many else np.arange(len(users))
    sample = users[chosen]
    space = _space(sample, tuple(features))
    centres = _centres(space.place(sample), seed)
    found = Personas((), space, centres)
    labels = found.assign(users)
    sizes = np.bincount(labels, minlength=len(centres))
    order = np.lexsort((*centres.T[::-1], -sizes))
    rank = np.argsort(order).astype(np.int32)
    labels = rank[labels]
    personas = _personas(sample, labels[chosen], sizes[order], space.features)
    return Personas(tuple(personas), space, centres[order], labels)


def _matrix(X: ArrayLike, features: Sequence[str]) -> Floats:
    users = np.asarray(X, dtype=np.float64)
    if users.ndim != 2 or users.shape[1] != len(features):  # noqa: PLR2004  users by features
        shape, columns = " by ".join(map(str, users.shape)), len(features)
        problem = f"does not have {columns} columns"
        raise Fault("the feature matrix", shape, problem, "give one column for each feature")
    return users


def _space(sample: Floats, features: tuple[str, ...]) -> Space:
    """Learn how to place users. A feature that does not differ between users takes no part."""
    known = [name for names in DIMENSIONS.values() for name in names if name in features]
    columns, unknown, middle, width = [], [], [], []
    for name in known:
        values = sample[:, features.index(name)]
        values = values[np.isfinite(values)]
        if not len(values):
            continue
        fill = float(values.max() if name in DIMENSIONS["recency"] else np.median(values))
        logged = _logged([name], values[:, None])[:, 0]
        low, centre, high = np.quantile(logged, (0.05, 0.5, 0.95))
        spread = (high - low) / 3.29 or logged.std()  # a normal's 5 % and 95 % are 3.29 deviations apart
        if spread > ROUNDING:
            columns.append(features.index(name))
            unknown.append(fill)
            middle.append(float(centre))
            width.append(float(spread))
    return Space(features, tuple(columns), tuple(unknown), tuple(middle), tuple(width))


def _logged(names: Sequence[str], values: Floats) -> Floats:
    """Draw in the long tails of everything but shares, which have none; refunds may be below zero."""
    share = np.array([name in DIMENSIONS["rhythm"] for name in names], dtype=bool)
    return np.where(share, values, np.sign(values) * np.log1p(np.abs(values)))


def _weight(name: str, names: Sequence[str]) -> float:
    """Let each dimension count the same, however many of its features are there."""
    mates = next(group for group in DIMENSIONS.values() if name in group)
    return float(1 / np.sqrt(sum(mate in names for mate in mates)))


def _centres(places: Floats, seed: int) -> Floats:
    """Cluster the sample with each number of clusters and keep the best separated."""
    rng = np.random.default_rng(seed)
    distinct = len(np.unique(places, axis=0)) if places.shape[1] else 1
    if len(places) < USERS_MIN or distinct <= CLUSTERS[0]:
        return places.mean(axis=0, keepdims=True) if len(places) else np.zeros((1, places.shape[1]))
    judged = rng.permutation(len(places))[:SILHOUETTE_USERS]
    tried = []
    # On one thread: several add up in any order, and the last digits would differ from run to run.
    with threadpool_limits(1):
        for clusters in CLUSTERS:
            if clusters >= distinct:
                break
            means = KMeans(clusters, n_init=10, random_state=seed).fit(places)
            labels = means.labels_[judged]
            score = silhouette_score(places[judged], labels) if len(np.unique(labels)) > 1 else 0.0
            tried.append((score, means.cluster_centers_))
    best = max(score for score, _ in tried)
    enough = CLEARNESS * best if best > 0 else best
    return next(centres for score, centres in reversed(tried) if score >= enough)


def _personas(
    sample: Floats, labels: NDArray[np.int32], sizes: NDArray[np.intp], features: Sequence[str]
) -> Iterator[Persona]:
    """Describe each cluster by what its users in the sample have in common, against all users."""
    population = _centroid(sample, features)
    centroids = [_centroid(sample[labels == place], features) for place in range(len(sizes))]
    names = label(centroids, population)
    for (name, name_zh), centroid, size in zip(names, centroids, sizes, strict=True):
        share = float(size / max(1, sizes.sum()))
        description, description_zh = describe(centroid, population, share)
        traits = _traits(centroid, population)
        yield Persona(name, name_zh, description, description_zh, traits, int(size), centroid)


def _centroid(users: Floats, features: Sequence[str]) -> dict[str, float]:
    """Average the known values of each feature; days by their median, for they have no upper end."""
    centre = {}
    for column, name in enumerate(features):
        values = users[:, column]
        values = values[np.isfinite(values)]
        if len(values):
            centre[name] = float(np.median(values) if name.endswith("_days") else values.mean())
    return centre


def _traits(centroid: Mapping[str, float], population: Mapping[str, float], most: int = 5) -> tuple[Trait, ...]:
    """Pick the features whose centre is farthest from the population's, as a ratio."""
    compared = [name for names in DIMENSIONS.values() for name in names if name in centroid]

    def distance(name: str) -> float:
        ours, theirs = abs(centroid[name]), abs(population[name])
        tiny = 0.01 * (ours + theirs) or 1.0
        return float(abs(np.log((ours + tiny) / (theirs + tiny))))

    ranked = sorted(compared, key=lambda name: (-distance(name), name))
    return tuple(Trait(name, centroid[name], population[name]) for name in ranked[:most])
