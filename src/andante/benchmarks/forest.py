"""The forest beside scikit-learn's: scoring one user and many, training time, and accuracy.

Each function measures ours and theirs in one run on the same generated users, prints a table, and returns
the figures as JSON takes them. Scoring uses scikit-learn's own forest, converted, so both sides give the
same numbers, and the largest difference found is one of the figures.
"""

import time
from collections.abc import Callable
from typing import Any

import numpy as np
from joblib import effective_n_jobs
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table

from andante.benchmarks.measure import measure

SEED = 7
TREES, DEPTH, LEAST = 100, 12, 10
SCORED_FOREST_ROWS = 50_000  # users that the scored forest is trained on, at most
PEER_ROWS = 50_000  # users that scikit-learn trains on, unless asked for all: a million take it about 17 minutes
FOLDED_ROWS = 20_000  # users of the cross-validation, at most
FOLDS = 5
SINGLE_CALLS = 50  # of scikit-learn in each repeat, one user each; ours makes ten times as many
SIGNAL_FEATURES = 6


def generated_users(
    rows: int, features: int = 30, *, seed: int = SEED
) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Return features (rows, features >= 6) and labels (rows,), about one in five of them 1.

    The signal is an interaction, a wave, a step and a parabola of the first five features and one straight
    term; every second feature after them repeats an earlier one with noise, the others are noise. A label
    is drawn with its interest, so no model can know it: the best AUC possible is about 0.81.
    """
    draw = np.random.default_rng(seed)
    X = draw.normal(size=(rows, features))
    for column in range(SIGNAL_FEATURES, features, 2):
        X[:, column] = 0.7 * X[:, column % SIGNAL_FEATURES] + 0.7 * X[:, column]
    score = 1.2 * X[:, 0] * X[:, 1] + np.sin(2 * X[:, 2]) + 0.8 * (X[:, 3] > 0.5) - 0.3 * X[:, 4] ** 2
    interest = 1 / (1 + np.exp(2.0 - score - 0.5 * X[:, 5]))
    return X, (draw.random(rows) < interest).astype(np.int64)


def scoring(rows: int, repeats: int = 5) -> dict[str, Any]:
    """Measure scoring: `rows` users at once on every core, and one user at a time.

    A ratio is theirs over ours within one repeat: the median over the repeats, the lowest and the highest.
    For one user scikit-learn runs without threads, which is its fastest.
    """
    from andante.frequency.compiled import CompiledForest

    theirs = _scikit_forest(1).fit(*generated_users(min(rows, SCORED_FOREST_ROWS)))
    ours = CompiledForest.from_sklearn(theirs)
    users, _ = generated_users(rows, seed=SEED + 1)
    difference = _largest_difference(ours, theirs, users)  # this also compiles the kernels, and warms both up
    single = _repeated(
        repeats,
        lambda turn: [ours.predict_one(users[i % rows]) for i in _calls(turn, 10 * SINGLE_CALLS)],
        lambda turn: [theirs.predict_proba(users[i % rows : i % rows + 1]) for i in _calls(turn, SINGLE_CALLS)],
        ratio_of_calls=10,
    )
    cores = effective_n_jobs(-1)
    theirs.set_params(n_jobs=cores)
    batch = _repeated(repeats, lambda _: ours.predict(users), lambda _: theirs.predict_proba(users))
    figures: dict[str, Any] = {
        "rows": rows,
        "trees": TREES,
        "nodes": len(ours.trees.nodes),
        "cores": cores,
        "repeats": repeats,
        "max_difference": difference,
        "one_user": {
            "ours_ms": single["ours_s"] / (10 * SINGLE_CALLS) * 1000,
            "theirs_ms": single["theirs_s"] / SINGLE_CALLS * 1000,
            **single["ratio"],
        },
        "batch": {
            "ours_rows_per_s": rows / batch["ours_s"],
            "theirs_rows_per_s": rows / batch["theirs_s"],
            **batch["ratio"],
        },
    }
    _print_scoring(figures)
    return figures


def training(rows: int, features: int = 30, *, peer_on_all_rows: bool = False) -> dict[str, Any]:
    """Measure training on `rows` users, and the accuracy of both forests by cross-validation.

    Each training runs in a fresh process. Scikit-learn trains on `PEER_ROWS` users at most, and ours on as
    many again for the ratio, unless `peer_on_all_rows`. Accuracy is the AUC of the same folds of
    `FOLDED_ROWS` users at most, with a 95 % interval (Student's t over the folds) of each mean and of the
    mean difference.
    """
    peer_rows = rows if peer_on_all_rows else min(rows, PEER_ROWS)
    whole = _trained("ours", rows, features)
    ours = whole if peer_rows == rows else _trained("ours", peer_rows, features)
    theirs = _trained("theirs", peer_rows, features)
    figures: dict[str, Any] = {
        "features": features,
        "trees": TREES,
        "cores": effective_n_jobs(-1),
        "ours": whole,
        "ours_beside_theirs": ours,
        "theirs": theirs,
        "ratio": theirs["seconds"] / ours["seconds"],
        "auc": _compared_auc(min(rows, FOLDED_ROWS), features),
    }
    _print_training(figures)
    return figures


def train_once(side: str, rows: int, features: int) -> float:
    """Train "ours" or "theirs", and return the seconds, without those of generating users.

    Ours takes as many threads as it does by default, one for few users; theirs takes every core.
    """
    users = generated_users(rows, features)
    model = _our_forest() if side == "ours" else _scikit_forest(effective_n_jobs(-1))
    start = time.perf_counter()
    model.fit(*users)
    return time.perf_counter() - start


def _largest_difference(ours: Any, theirs: Any, users: NDArray[np.float64]) -> float:
    """Return the largest difference between predictions of all users, and of twenty taken one by one."""
    parts = (users[start : start + 100_000] for start in range(0, len(users), 100_000))
    batch = max(float(np.abs(ours.predict(part) - theirs.predict_proba(part)[:, 1]).max()) for part in parts)
    alone = np.array([ours.predict_one(user) for user in users[:20]])
    return max(batch, float(np.abs(alone - theirs.predict_proba(users[:20])[:, 1]).max()))


def _trained(side: str, rows: int, features: int) -> dict[str, Any]:
    arguments = {"side": side, "rows": rows, "features": features}
    measured = measure("andante.benchmarks.forest:train_once", arguments)
    return {"rows": rows, "seconds": measured.result, "peak_rss_mib": measured.peak_rss_bytes / 2**20}


def _our_forest() -> Any:
    from andante.frequency.forest import ForestInterest

    return ForestInterest(TREES, max_depth=DEPTH, min_samples_leaf=LEAST, random_state=SEED)


def _scikit_forest(n_jobs: int) -> Any:
    from sklearn.ensemble import RandomForestClassifier

    shape = {"n_estimators": TREES, "max_depth": DEPTH, "min_samples_leaf": LEAST}
    return RandomForestClassifier(**shape, random_state=SEED, n_jobs=n_jobs)


def _compared_auc(rows: int, features: int) -> dict[str, Any]:
    from sklearn.model_selection import StratifiedKFold, cross_val_score

    X, y = generated_users(rows, features, seed=SEED + 2)
    folds = StratifiedKFold(FOLDS, shuffle=True, random_state=SEED)
    ours, theirs = (
        cross_val_score(model, X, y, cv=folds, scoring="roc_auc")
        for model in (_our_forest(), _scikit_forest(effective_n_jobs(-1)))
    )
    difference = _interval(ours - theirs)
    return {
        "rows": rows,
        "folds": FOLDS,
        "ours": _interval(ours),
        "theirs": _interval(theirs),
        "difference": difference,
        "is_within_interval": abs(difference["mean"]) <= _interval(theirs)["half_width"],
    }


def _interval(values: NDArray[np.float64]) -> dict[str, float]:
    """Return the mean and half the width of its 95 % interval by Student's t."""
    from scipy.stats import sem, t

    return {"mean": float(values.mean()), "half_width": float(t.ppf(0.975, len(values) - 1) * sem(values))}


def _repeated(
    repeats: int, ours: Callable[[int], Any], theirs: Callable[[int], Any], *, ratio_of_calls: int = 1
) -> dict[str, Any]:
    """Time both in turn; ratio_of_calls is how many times more calls ours makes."""
    seconds = np.array([[_seconds(ours, turn), _seconds(theirs, turn)] for turn in range(repeats)])
    ratios = seconds[:, 1] / seconds[:, 0] * ratio_of_calls
    ours_s, theirs_s = np.median(seconds, axis=0)
    spread = {"ratio": np.median(ratios), "ratio_lowest": ratios.min(), "ratio_highest": ratios.max()}
    return {
        "ours_s": float(ours_s),
        "theirs_s": float(theirs_s),
        "ratio": {name: float(value) for name, value in spread.items()},
    }


def _seconds(call: Callable[[int], Any], turn: int) -> float:
    start = time.perf_counter()
    call(turn)
    return time.perf_counter() - start


def _calls(turn: int, count: int) -> range:
    return range(turn * count, (turn + 1) * count)


def _print_scoring(figures: dict[str, Any]) -> None:
    one, batch = figures["one_user"], figures["batch"]
    table = Table(title=f"Scoring with {TREES} trees, {figures['nodes']:,} nodes, on {figures['cores']} cores")
    for heading in ("", "andante", "scikit-learn", "times faster", "lowest to highest"):
        table.add_column(heading, justify="right")
    table.add_row("one user", f"{one['ours_ms']:.4f} ms", f"{one['theirs_ms']:.2f} ms", *_spread(one))
    speeds = (f"{batch[side] / 1000:,.0f} k/s" for side in ("ours_rows_per_s", "theirs_rows_per_s"))
    table.add_row(f"{figures['rows']:,} users", *speeds, *_spread(batch))
    table.caption = f"largest difference of the predictions {figures['max_difference']:.1e}"
    Console().print(table)


def _spread(figures: dict[str, float]) -> tuple[str, str]:
    return f"{figures['ratio']:.3g}", f"{figures['ratio_lowest']:.3g} to {figures['ratio_highest']:.3g}"


def _print_training(figures: dict[str, Any]) -> None:
    table = Table(title=f"Training {TREES} trees on {figures['features']} features, {figures['cores']} cores")
    for heading in ("", "users", "seconds", "peak memory", "AUC"):
        table.add_column(heading, justify="right")
    runs = {
        "andante": ("ours_beside_theirs", "ours"),
        "scikit-learn": ("theirs", "theirs"),
        "andante, all users": ("ours", None),
    }
    auc = figures["auc"]
    for name, (key, side) in runs.items():
        run = figures[key]
        accuracy = f"{auc[side]['mean']:.4f} ± {auc[side]['half_width']:.4f}" if side else ""
        memory = f"{run['peak_rss_mib']:,.0f} MiB"
        table.add_row(name, f"{run['rows']:,}", f"{run['seconds']:.2f}", memory, accuracy)
    gap = f"{auc['difference']['mean']:+.4f} ± {auc['difference']['half_width']:.4f}"
    table.caption = (
        f"{figures['ratio']:.3g} times faster on the same users; "
        f"AUC by {FOLDS} folds of {auc['rows']:,} users, difference {gap} (95 %)"
    )
    Console().print(table)
