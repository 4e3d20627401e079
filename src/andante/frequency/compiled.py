"""A compiled forest: any trained forest as flat arrays, walked by one loop of machine code.

A random forest spends its prediction time waiting, one comparison after another, for the next node of a
tree to arrive from memory. The layout here lets many such waits overlap:

- the two children of a node lie side by side, so a step is ``child + not(value <= threshold)``: no branch;
- a leaf is its own child, so all walks of a tree take the same number of steps, and no lane leaves early;
- *lanes* walk in step: many rows through one tree (batches) or one row through many trees (single users),
  by the same loop, so that the processor works on the other lanes while one waits;
- rows go through in blocks with the trees in the outer loop, so a tree's nodes (16 bytes each) stay cached;
- each row is laid out twice, the second time with -inf for "unknown": a node that sends unknown values left
  reads the second copy; every other reads the first, where NaN fails the comparison and so goes right;
- indices are unsigned: numba wraps negative indices, and that test alone halves the speed.

Tried with 100 trees of depth 12 on 30 features, one thread, in thousand rows a second: row by row with an
early exit 80 to 113; eight rows unrolled with signed indices 350, with unsigned ones 690; this loop 770.
Rows coded as ranks among the thresholds walk at 1,280, but the coding costs what the walk gains. ONNX
Runtime walks packed nodes one row at a time, lleaves compiles each tree to code and blocks trees by cache
size (minutes of compilation for large forests), QuickScorer's bit vectors suit trees of at most 64 leaves.
"""

from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, NamedTuple, Self

import numpy as np
from joblib import effective_n_jobs
from numba import njit
from numpy.typing import ArrayLike, NDArray

from andante.vocabulary.fault import Fault

NODE = np.dtype([("threshold", "f8"), ("child", "u4"), ("column", "u4")], align=True)
"""One node: where its left child lies (the right one follows), and the comparison that chooses."""

CHUNK_ROWS = 16_384  # what one thread takes at a time: about 20 ms of work, so the hand-over costs nothing
FEW_ROWS = 8  # up to here a row at a time (lanes are trees) beats a block of rows (lanes are rows)
_DEFAULT_LEFT, _UNKNOWN_IS_ZERO, _UNKNOWN_IS_NAN = 2, 4, 8  # bits of LightGBM's decision_type
_ZERO = float(np.float32(1e-35))  # LightGBM's kZeroThreshold


class Trees(NamedTuple):
    """All trees, one after another, as numba takes them."""

    nodes: NDArray[np.void]  # (nodes,) of NODE
    values: NDArray[np.float64]  # (nodes,) the prediction of each leaf
    roots: NDArray[np.uint32]  # (trees,) where each tree begins
    depths: NDArray[np.int64]  # (trees,) steps from the root to the deepest leaf
    rounds_to_float32: bool  # scikit-learn compares float32 features with float64 thresholds


@dataclass(frozen=True, slots=True, eq=False)
class CompiledForest:
    """A forest that predicts the numbers of the library that trained it, faster.

    Sums are float64 in the order of the trees, so a forest of LightGBM gives LightGBM's very bits;
    scikit-learn adds its trees as its threads end, so there the last bits may differ. The object holds
    arrays only: it may be pickled, and used by any number of threads at once.

    >>> from sklearn.ensemble import RandomForestRegressor
    >>> forest = RandomForestRegressor(n_estimators=3, random_state=0).fit([[0.0], [1.0]], [0.0, 1.0])
    >>> CompiledForest.from_sklearn(forest).predict_one([0.0]), float(forest.predict([[0.0]])[0])
    (0.6666666666666666, 0.6666666666666666)
    """

    trees: Trees
    divisor: float  # the leaves' sum is divided by it: the number of trees, or 1 for a boosted sum
    n_features: int

    @classmethod
    def from_lightgbm(cls, booster: Any) -> Self:
        """Convert a LightGBM booster with an L2 objective, boosted or averaged (``boosting_type="rf"``).

        Raises a Fault for what the walk does not know: several classes, categorical splits, linear leaves,
        zeros as missing values, or an objective that transforms the sum.
        """
        head, *blocks = booster.model_to_string().split("\nparameters:")[0].split("\nTree=")
        described = _fields(head)
        objective = described.get("objective", "regression")
        _refuse("classes", described["num_class"], is_known=described["num_class"] == "1")
        _refuse("objective", objective, is_known=objective == "regression")
        width = int(booster.num_feature())
        trees = _flatten([_lightgbm_tree(_fields(block)) for block in blocks], width)
        return cls(trees, float(len(blocks)) if "average_output" in head.split() else 1.0, width)

    @classmethod
    def from_sklearn(cls, forest: Any) -> Self:
        """Convert a fitted RandomForest or ExtraTrees: a classifier of two classes, or a regressor.

        Predicts the probability of the second class, or the regressor's one output. Raises a Fault for
        any other number of classes or outputs.
        """
        n_outputs, n_values = forest.estimators_[0].tree_.value.shape[1:]
        _refuse("outputs", n_outputs, is_known=n_outputs == 1)
        known = 2 if hasattr(forest, "classes_") else 1
        _refuse("classes", n_values, is_known=n_values == known)
        width = int(forest.n_features_in_)
        trees = _flatten([_sklearn_tree(estimator.tree_) for estimator in forest.estimators_], width)
        return cls(trees._replace(rounds_to_float32=True), float(len(forest.estimators_)), width)

    def predict(self, X: ArrayLike, *, n_jobs: int | None = None) -> NDArray[np.float64]:
        """Return the predictions (n,) of the rows X (n, n_features), on n_jobs threads (None: every core).

        Raises a Fault for rows of another width.
        """
        rows = np.asarray(X)
        if rows.shape[1:] != (self.n_features,):
            raise self._misshapen(rows.shape)
        totals = np.zeros(len(rows))
        parts = [slice(start, start + CHUNK_ROWS) for start in range(0, len(rows), CHUNK_ROWS)]
        if len(parts) <= 1:
            self._add(rows, totals)
        else:
            # Python's threads and a kernel without the interpreter's lock, not numba's parallel loops: their
            # default layer aborts the process when two threads of a service call it at once.
            n_threads = min(len(parts), effective_n_jobs(-1 if n_jobs is None else n_jobs))
            with ThreadPoolExecutor(n_threads) as threads:
                list(threads.map(lambda part: self._add(rows[part], totals[part]), parts))
        return totals / self.divisor

    def predict_one(self, x: ArrayLike) -> float:
        """Return the prediction of one row x (n_features,), in a few microseconds: no thread is started.

        Raises a Fault for a row of another length.
        """
        row = _aligned(x)
        if row.shape != (self.n_features,):
            raise self._misshapen(row.shape)
        return float(_walk_row(self.trees, row)) / self.divisor

    def _add(self, rows: NDArray[Any], totals: NDArray[np.float64]) -> None:
        rows = _aligned(rows)
        if len(rows) > FEW_ROWS:
            _walk_rows(self.trees, rows, totals, max(16, min(256, 8192 // self.n_features)))
        else:
            totals += [_walk_row(self.trees, row) for row in rows]

    def _misshapen(self, shape: tuple[int, ...]) -> Fault:
        problem = f"does not fit a forest of {self.n_features} features"
        return Fault("shape of the rows to score", shape, problem, "give the features of the training")


@njit(nogil=True, cache=True)
def _walk_rows(trees: Trees, rows: NDArray[np.float64], totals: NDArray[np.float64], block: int) -> None:
    """Add every tree's leaf to the total of each row; the lanes are the rows of a block."""
    stride = 2 * rows.shape[1]
    cells = np.empty(block * stride)
    origins = (np.arange(block) * stride).astype(np.uint32)
    lanes = np.empty(block, np.uint32)
    for start in range(0, len(rows), block):
        stop = min(start + block, len(rows))
        _lay_out(trees, rows[start:stop], cells)
        walking = lanes[: stop - start]
        for tree in range(len(trees.roots)):
            walking[:] = trees.roots[tree]
            _descend(trees.nodes, cells, origins, walking, trees.depths[tree])
            for lane in range(len(walking)):
                totals[start + lane] += trees.values[np.uint64(walking[lane])]


@njit(nogil=True, cache=True)
def _walk_row(trees: Trees, row: NDArray[np.float64]) -> float:
    """Return the sum of every tree's leaf for one row; the lanes are the trees."""
    cells = np.empty(2 * len(row))
    _lay_out(trees, row.reshape(1, -1), cells)
    lanes = trees.roots.copy()
    _descend(trees.nodes, cells, np.zeros(len(lanes), np.uint32), lanes, trees.depths.max())
    total = 0.0
    for tree in range(len(lanes)):
        total += trees.values[np.uint64(lanes[tree])]
    return total


@njit(nogil=True, cache=True)
def _lay_out(trees: Trees, rows: NDArray[np.float64], cells: NDArray[np.float64]) -> None:
    """Write each row twice, one copy after the other: as it is, and with -inf where it is NaN."""
    width = rows.shape[1]
    for row in range(len(rows)):
        origin = 2 * width * row
        for column in range(width):
            value = rows[row, column]
            if trees.rounds_to_float32:
                value = np.float64(np.float32(value))
            cells[origin + column] = value
            cells[origin + width + column] = -np.inf if np.isnan(value) else value


@njit(nogil=True, cache=True)
def _descend(
    nodes: NDArray[np.void],
    cells: NDArray[np.float64],
    origins: NDArray[np.uint32],
    lanes: NDArray[np.uint32],
    depth: int,
) -> None:
    """Move each lane from its node to the leaf below it; lane i compares the cells from origins[i] on."""
    for _ in range(depth):
        for lane in range(len(lanes)):
            node = nodes[np.uint64(lanes[lane])]
            is_left = cells[np.uint64(origins[lane] + node["column"])] <= node["threshold"]
            lanes[lane] = node["child"] + np.uint32(not is_left)


class _Tree(NamedTuple):
    """One tree as its library numbers it: node 0 is the root, and left is -1 at a leaf."""

    left: NDArray[np.int64]
    right: NDArray[np.int64]
    column: NDArray[np.int64]
    threshold: NDArray[np.float64]
    unknown_left: NDArray[np.bool_]
    value: NDArray[np.float64]


def _flatten(trees: Iterable[_Tree], width: int) -> Trees:
    """Lay the trees one after another, each breadth first, so that siblings lie side by side."""
    nodes, values, roots, depths, root = [], [], [], [], 0
    for tree in trees:
        order, depth = _breadth_first(tree)
        is_leaf = tree.left[order] < 0
        here = np.arange(len(order))
        position = np.empty_like(order)
        position[order] = here
        laid = np.empty(len(order), NODE)
        laid["child"] = root + np.where(is_leaf, here, position[tree.left[order]])
        # At a leaf +inf, against the copy of a row that knows no NaN: whatever the row, the walk stays.
        laid["threshold"] = np.where(is_leaf, np.inf, tree.threshold[order])
        laid["column"] = np.where(is_leaf, width, tree.column[order] + width * tree.unknown_left[order])
        nodes.append(laid)
        values.append(tree.value[order])
        roots.append(root)
        depths.append(depth)
        root += len(order)
    offsets = np.array(roots, np.uint32), np.array(depths, np.int64)
    return Trees(np.concatenate(nodes), np.concatenate(values), *offsets, rounds_to_float32=False)


def _breadth_first(tree: _Tree) -> tuple[NDArray[np.int64], int]:
    """Return the nodes level by level, and the number of levels below the root."""
    levels = [np.zeros(1, np.int64)]
    while len(inner := levels[-1][tree.left[levels[-1]] >= 0]):
        levels.append(np.column_stack([tree.left[inner], tree.right[inner]]).ravel())
    return np.concatenate(levels), len(levels) - 1


def _fields(block: str) -> dict[str, str]:
    """Return the ``key=value`` lines of one block of a LightGBM text model."""
    return dict(line.split("=", 1) for line in block.splitlines() if "=" in line)


def _lightgbm_tree(fields: dict[str, str]) -> _Tree:
    """Read one tree: inner nodes come first, and a child -1-k is leaf k."""
    kinds = _numbers(fields["decision_type"]).astype(np.int64)
    _refuse("categorical splits", fields["num_cat"], is_known=fields["num_cat"] == "0")
    _refuse("linear leaves", fields.get("is_linear"), is_known=fields.get("is_linear", "0") == "0")
    _refuse("zeros as missing values", None, is_known=not (kinds & _UNKNOWN_IS_ZERO).any())
    inner, n_leaves = len(kinds), int(fields["num_leaves"])
    left, right = (_numbers(fields[side]).astype(np.int64) for side in ("left_child", "right_child"))
    threshold = _numbers(fields["threshold"])
    # LightGBM reads values this near to zero as zero, and so NaN where training saw nothing missing.
    near_zero = np.where(threshold >= 0, _ZERO, np.nextafter(-_ZERO, -np.inf))
    threshold = np.where(np.abs(threshold) <= _ZERO, near_zero, threshold)
    unknown_left = np.where(kinds & _UNKNOWN_IS_NAN, kinds & _DEFAULT_LEFT, threshold >= 0).astype(np.bool_)
    no_child = np.full(n_leaves, -1)
    return _Tree(
        np.append(np.where(left < 0, inner + ~left, left), no_child),
        np.append(np.where(right < 0, inner + ~right, right), no_child),
        np.append(_numbers(fields["split_feature"]).astype(np.int64), no_child),
        np.append(threshold, np.zeros(n_leaves)),
        np.append(unknown_left, np.zeros(n_leaves, np.bool_)),
        np.append(np.zeros(inner), _numbers(fields["leaf_value"])),
    )


def _aligned(rows: ArrayLike) -> NDArray[np.float64]:
    """Return rows in the one layout that the kernels know; each further one would be compiled anew."""
    return np.require(rows, np.float64, ("C", "A", "W"))


def _numbers(text: str) -> NDArray[np.float64]:
    return np.fromstring(text, np.float64, sep=" ")


def _sklearn_tree(tree: Any) -> _Tree:
    """Read one tree: a leaf's last value is the share of the second class, or a regressor's only one."""
    unknown_left = tree.missing_go_to_left.astype(np.bool_)
    children = tree.children_left, tree.children_right
    return _Tree(*children, tree.feature, tree.threshold, unknown_left, tree.value[:, 0, -1])


def _refuse(thing: str, value: object, *, is_known: bool) -> None:
    if not is_known:
        thing, problem = f"{thing} of the forest to compile", "is not what the compiled walk knows"
        raise Fault(thing, value, problem, "predict with the library that trained it")
