"""Learning: how well interest is predicted on weeks that were not seen, and the model that is then used.

The last cut-offs are held out whole. Before them, each fold learns from the past and is scored on what came
next. The model is judged once, on the held-out cut-offs, beside every baseline, and then learned anew from
all rows. Nothing is chosen by looking at the held-out cut-offs.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from joblib import Parallel, delayed
from numpy.typing import NDArray
from scipy.stats import spearmanr
from sklearn.base import clone
from sklearn.inspection import permutation_importance
from sklearn.metrics import mean_absolute_error, r2_score

from andante.evaluation.ranking import BandAgreement, Calibration, Ranking, bands, calibration, compare
from andante.frequency.families import interest_of
from andante.frequency.storage import check_storable
from andante.profiles.panel import Panel, held_out_of
from andante.vocabulary.fault import NotEnoughData

Floats = NDArray[np.float64]
Rows = NDArray[np.intp]

HOLDOUT_ROWS_LEAST = 1000
"""Where rows are few, as with a log of few pushes, up to half of the cut-offs are held out to reach this many."""
ENGAGED_LEAST = 30
"""The fewest rows of each kind, engaged and not, to learn from."""
FOLD_ROWS_MOST = 30_000
IMPORTANCE_ROWS_MOST = 5_000
IMPORTANCE_REPEATS = 5
RESAMPLES = 1000

BASELINES: dict[str, tuple[tuple[str, float], ...]] = {
    "activity": (("recency_days", -1.0), ("gap_days", -1.0), ("active_days", 1.0), ("active_days_90d", 1.0)),
    "response": (("recency_days", -1.0), ("gap_days", -1.0), ("active_days", 1.0), ("response_rate", 1.0)),
}
"""Single features that rank users without any model, and the sign that makes more of it better: recency,
frequency (active days per day since the first, the inverse of their gap), active days so far, active days of
late, past answers."""

BAND_NAMES = {"activity": ("none", "some", "often"), "response": ("no", "yes")}


@dataclass(frozen=True, slots=True)
class FoldScore:
    """One fold: learned before ``cutoff``, scored on cut-offs from there to ``until``."""

    cutoff: str
    until: str
    rows: int
    r2: float
    mae: float
    spearman: float


@dataclass(frozen=True, slots=True)
class Importance:
    """The drop of AUC on held-out rows when one feature is shuffled: mean and range over repeats."""

    feature: str
    mean: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Learned:
    """An interest model, and how it did on the held-out cut-offs."""

    target: str
    model: str
    features: tuple[str, ...]
    interest: Any  # the estimator, learned from all rows
    trained_rows: int
    holdout: tuple[str, ...]  # cut-offs
    rankings: tuple[Ranking, ...]  # the model first
    calibration: Calibration
    folds: tuple[FoldScore, ...]
    bands: BandAgreement
    importances: tuple[Importance, ...]  # strongest first


def learn(panel: Panel, model: str, *, folds: int, seed: int, threads: int | None = None) -> Learned:
    """Judge and fit the family ``model`` on a panel, with as many fits at once as ``threads`` (None: one a core).

    Raises :class:`NotEnoughData` when there are too few engaged rows, or too few cut-offs to hold any out.
    """
    past, held = _split(panel)
    train, test = panel.rows(past), panel.rows(held)
    base = interest_of(model, panel.names, seed=seed)
    check_storable(base, model)
    splits = list(_folds(train, folds))
    lessons = [(_some(past, seed), fold) for past, fold in splits]
    tasks = [(train.X[past], _engaged(train)[past]) for past, _fold in lessons]
    tasks += [(train.X, _engaged(train)), (panel.X, _engaged(panel))]
    *folded, judged, final = _fitted(base, tasks, threads)
    unseen = [fit.predict_proba(train.X[fold])[:, 1] for fit, (_past, fold) in zip(folded, lessons, strict=True)]
    score = judged.predict_proba(test.X)[:, 1]
    scores = {model: score, **_baselines(panel.target, model, train, test, seed)}
    rows = np.concatenate([test_rows for _past, test_rows in splits])
    return Learned(
        target=panel.target,
        model=model,
        features=panel.names,
        interest=final,
        trained_rows=len(panel),
        holdout=tuple(str(cutoff) for cutoff in np.unique(test.cutoffs)),
        rankings=tuple(compare(scores, test.y, test.users, seed=seed, resamples=RESAMPLES)),
        calibration=calibration(score, test.y > 0),
        folds=tuple(_fold_score(train, fold, found) for (_past, fold), found in zip(splits, unseen, strict=True)),
        bands=_bands(panel.target, train.y[rows], np.concatenate(unseen), test.y, score),
        importances=_importances(judged, test, seed),
    )


def _fitted(base: Any, tasks: Sequence[tuple[Floats, Rows]], threads: int | None) -> list[Any]:
    """Fit a clone on each task, several at once: fits beside each other wait for nobody, threads within one do."""
    alone = clone(base).set_params(n_jobs=1) if "n_jobs" in base.get_params() else base
    fits = (delayed(clone(alone).fit)(X, y) for X, y in tasks)
    return list(Parallel(n_jobs=threads or -1, prefer="threads")(fits))


def _engaged(panel: Panel) -> Rows:
    """Return 1 where something came next, else 0."""
    return (panel.y > 0).astype(np.intp)


def _split(panel: Panel) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Split a panel into the rows whose label was known at the first held-out cut-off, and the held-out rows."""
    cutoffs, counts = np.unique(panel.cutoffs, return_counts=True)
    held = held_out_of(len(cutoffs))
    while counts[-held:].sum() < HOLDOUT_ROWS_LEAST and held < len(cutoffs) // 2:
        held += 1
    test, past = panel.cutoffs >= cutoffs[-held], panel.known_by(cutoffs[-held])
    for name, part in (("to learn from", past), ("held out", test)):
        engaged = int((panel.y[part] > 0).sum())
        fewest = min(engaged, int(part.sum()) - engaged)
        if fewest < ENGAGED_LEAST:
            raise NotEnoughData(
                f"the rows {name} for target {panel.target!r}",
                f"{engaged} engaged of {int(part.sum())}",
                f"are too few: {ENGAGED_LEAST} engaged and {ENGAGED_LEAST} idle are needed",
                "give a longer log or a longer horizon ([plan] horizon_days)",
            )
    return past, test


def _folds(train: Panel, folds: int) -> Iterator[tuple[Rows, Rows]]:
    """Yield rows to learn from and rows to score: the first third of the cut-offs is never scored, the rest in turn."""
    cutoffs = np.unique(train.cutoffs)
    first = max(1, len(cutoffs) // 3)
    for block in np.array_split(cutoffs[first:], min(folds, len(cutoffs) - first) or 1):
        if len(block):
            inside = (train.cutoffs >= block[0]) & (train.cutoffs <= block[-1])
            past = np.flatnonzero(train.known_by(block[0]))
            if 0 < np.count_nonzero(train.y[past] > 0) < len(past):  # both kinds of rows
                yield past, np.flatnonzero(inside)


def _some(rows: Rows, seed: int) -> Rows:
    """Take at most FOLD_ROWS_MOST rows, in their order: the folds report how steady the model is, and need no more."""
    if len(rows) <= FOLD_ROWS_MOST:
        return rows
    return np.sort(np.random.default_rng(seed).choice(rows, FOLD_ROWS_MOST, replace=False))


def _baselines(target: str, model: str, train: Panel, test: Panel, seed: int) -> dict[str, Floats]:
    """Score the held-out rows by single features, and by the other families that have no chance in them."""
    scores = {}
    for feature, sign in BASELINES[target]:
        column = test.X[:, test.names.index(feature)]
        scores[feature] = np.nan_to_num(sign * column, nan=np.nanmin(sign * column, initial=0.0) - 1)
    for family in ("linear", "thresholds"):
        if family != model:
            fitted = interest_of(family, train.names, seed=seed).fit(train.X, _engaged(train))
            scores[family] = fitted.predict_proba(test.X)[:, 1]
    return scores


def _fold_score(train: Panel, fold: Rows, score: Floats) -> FoldScore:
    """Judge the scores of one fold against who was engaged."""
    came = train.y[fold]
    return FoldScore(
        cutoff=str(train.cutoffs[fold[0]]),
        until=str(train.cutoffs[fold[-1]]),
        rows=len(fold),
        r2=float(r2_score(came > 0, score)),
        mae=float(mean_absolute_error(came > 0, score)),
        spearman=float(spearmanr(score, came).statistic) if np.ptp(score) and np.ptp(came) else 0.0,
    )


def _bands(target: str, known: Floats, unseen: Floats, came: Floats, score: Floats) -> BandAgreement:
    """Put held-out rows into bands by score, cut so that earlier unseen scores fill the bands as they truly were."""
    names = BAND_NAMES[target]
    often = max(2.0, float(np.quantile(known[known > 0], 0.5))) if len(names) > 2 else np.inf  # noqa: PLR2004
    limits = [np.finfo(float).tiny, often][: len(names) - 1]
    cuts = np.quantile(unseen, [float((known < limit).mean()) for limit in limits])
    return bands(np.searchsorted(limits, came, side="right"), np.searchsorted(cuts, score, side="right"), names)


def _importances(judged: Any, test: Panel, seed: int) -> tuple[Importance, ...]:
    """Shuffle each feature among held-out rows and see how much AUC is lost."""
    pick = np.random.default_rng(seed).permutation(len(test))[:IMPORTANCE_ROWS_MOST]
    X, y = test.X[pick], _engaged(test)[pick]
    found = permutation_importance(judged, X, y, scoring="roc_auc", n_repeats=IMPORTANCE_REPEATS, random_state=seed)[
        "importances"
    ]
    order = np.argsort(-found.mean(axis=1), kind="stable")
    return tuple(
        Importance(test.names[i], float(found[i].mean()), float(found[i].min()), float(found[i].max())) for i in order
    )
