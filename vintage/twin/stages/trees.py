"""Trees and ensembles of them: `org.apache.spark.ml.tree`, Spark 4.1."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from vintage.twin.arithmetic import dot, in_order, logistic, normalized
from vintage.twin.columns import Array, Column, Frame
from vintage.twin.description import Stage
from vintage.twin.registry import Evaluate, evaluates
from vintage.twin.stages.prediction import beside, classifier, regressor, two_sided


@dataclass(frozen=True, slots=True, eq=False)
class Forest:
    """The nodes of m trees in one table; a leaf leads to itself, so that all trees are walked in step.

    Attributes:
        roots: (m,) the node at which each begins.
        feature: (nodes,) the slot that a node looks at.
        threshold: (nodes,) what is not larger goes left.
        left, right: (nodes,) the next node.
        categories: row of `goes_left` for a node that asks for categories, else -1.
        goes_left: (such nodes, 1 + most categories) whether a category goes left; the last column is for what
            is none of them.
        depth: of the deepest tree.
        prediction: (nodes,) what a leaf predicts.
        stats: (nodes, k) what the impurity of a leaf is computed from: the weight of each class, or of all
            rows, of their labels and of those squared.
        leaf: (nodes,) a leaf's number within its tree, from the left.
    """

    roots: Array
    feature: Array
    threshold: Array
    left: Array
    right: Array
    categories: Array
    goes_left: Array
    depth: int
    prediction: Array
    stats: Array
    leaf: Array

    def leaves(self, vectors: Array) -> Array:
        """Return the leaf that each vector reaches in each tree, (n, d) → (n, m)."""
        nodes = np.broadcast_to(self.roots, (len(vectors), len(self.roots)))
        rows = np.arange(len(vectors))[:, None]
        for _ in range(self.depth):
            values = vectors[rows, self.feature[nodes]]
            # A NaN is not less than anything, and goes right.
            goes_left = values <= self.threshold[nodes]
            if len(self.goes_left):
                goes_left = np.where(self.categories[nodes] >= 0, self._categorical(nodes, values), goes_left)
            nodes = np.where(goes_left, self.left[nodes], self.right[nodes])
        return nodes

    def _categorical(self, nodes: Array, values: Array) -> Array:
        none = self.goes_left.shape[1] - 1
        known = (values >= 0) & (values < none) & (values == np.trunc(values))
        return self.goes_left[self.categories[nodes], np.where(known, values, none).astype(np.int64)]


def forest(stage: Stage) -> Forest:
    """Return the trees of a saved model: one, or those of an ensemble."""
    prefix = "nodeData." if "nodeData.id" in stage.data else ""

    def nodes(name: str) -> Array:
        return np.asarray(stage.data[f"{prefix}{name}"])

    trees = np.asarray(stage.data["treeID"]) if prefix else np.zeros(len(nodes("id")), dtype=np.int64)
    order = np.lexsort((nodes("id"), trees))
    trees, own = trees[order], nodes("id")[order]
    starts = np.searchsorted(trees, np.unique(trees))
    start_of = starts[np.searchsorted(trees[starts], trees)]
    if not np.array_equal(own, np.arange(len(own)) - start_of):
        raise ValueError("the nodes of a tree are not numbered from 0 without gaps")
    is_leaf = nodes("leftChild")[order] < 0
    here = np.arange(len(own))
    left = np.where(is_leaf, here, nodes("leftChild")[order] + start_of)
    right = np.where(is_leaf, here, nodes("rightChild")[order] + start_of)
    values = stage.ragged(f"{prefix}split.leftCategoriesOrThreshold")
    splits = [values[row] for row in order]
    sizes = nodes("split.numCategories")[order]
    categorical = ~is_leaf & (sizes >= 0)
    threshold = [
        split[0] if not leaf and size < 0 else np.nan
        for split, leaf, size in zip(splits, is_leaf, sizes, strict=True)
    ]
    return Forest(
        roots=starts,
        feature=np.where(is_leaf, 0, nodes("split.featureIndex")[order]),
        threshold=np.array(threshold, dtype=np.float64),
        left=left,
        right=right,
        categories=np.where(categorical, np.cumsum(categorical) - 1, -1),
        goes_left=_goes_left([(splits[node], int(sizes[node])) for node in np.flatnonzero(categorical)]),
        depth=_depth(starts, left, right),
        prediction=nodes("prediction")[order],
        stats=np.stack([np.asarray(each) for each in stage.ragged(f"{prefix}impurityStats")])[order],
        leaf=_leaf_numbers(is_leaf, start_of),
    )


def _leaf_numbers(is_leaf: Array, start_of: Array) -> Array:
    """Nodes are numbered from the left in pre-order, and so are a tree's leaves."""
    before = np.cumsum(is_leaf) - is_leaf
    return np.asarray(before - before[start_of])


def _goes_left(splits: list[tuple[Array, int]]) -> Array:
    """`CategoricalSplit.shouldGoLeft`: it keeps the smaller side's categories, and asks for those alone."""
    table = np.zeros((len(splits), max((size for _, size in splits), default=0) + 1), dtype=bool)
    for row, (left, size) in zip(table, splits, strict=True):
        row[:] = len(left) > size / 2 if size % 2 == 0 else len(left) > size // 2
        row[:size] = False
        row[left.astype(np.int64)] = True
    return table


def _depth(starts: Array, left: Array, right: Array) -> int:
    depth, level = 0, starts
    while True:
        inner = level[left[level] != level]
        if not len(inner):
            return depth
        depth, level = depth + 1, np.concatenate([left[inner], right[inner]])


def _with_leaves(stage: Stage, trees: Forest, evaluate: Evaluate) -> Evaluate:
    """Return the evaluator, which adds the leaf of each tree as well where `leafCol` names a column."""
    made = stage.params.get("leafCol")
    if not made:
        return evaluate

    def with_leaves(frame: Frame) -> Frame:
        leaves = trees.leaf[trees.leaves(frame.vectors(stage.params["featuresCol"], stage.kind))].astype(
            float
        )
        numbers = leaves[:, 0] if stage.kind.startswith("DecisionTree") else leaves
        return evaluate(frame).with_columns({made: Column.full(numbers)})

    return with_leaves


@evaluates("DecisionTreeClassificationModel")
def decision_tree_classifier(stage: Stage) -> Evaluate:
    """Return the weight of each class in the leaf."""
    trees = forest(stage)
    return _with_leaves(
        stage, trees, classifier(stage, lambda vectors: trees.stats[trees.leaves(vectors)[:, 0]], normalized)
    )


@evaluates("RandomForestClassificationModel")
def random_forest_classifier(stage: Stage) -> Evaluate:
    """Return the sum over the trees of each class's part of the leaf."""
    trees = forest(stage)
    votes = normalized(trees.stats)

    def raw(vectors: Array) -> Array:
        return in_order(np.swapaxes(votes[trees.leaves(vectors)], 1, 2))

    return _with_leaves(stage, trees, classifier(stage, raw, normalized))


@evaluates("GBTClassificationModel")
def gradient_boosted_classifier(stage: Stage) -> Evaluate:
    """Return the weighted sum of the trees is half the log odds."""
    trees = forest(stage)
    weights = _weights(stage)

    def raw(vectors: Array) -> Array:
        return two_sided(dot(trees.prediction[trees.leaves(vectors)], weights))

    return _with_leaves(
        stage, trees, classifier(stage, raw, lambda scores: beside(logistic(2.0 * scores[:, 0])))
    )


def _weights(stage: Stage) -> Array:
    # Spark names the columns of tree, metadata and weight by their places.
    order = np.argsort(stage.data["treesMetadata._1"])
    return np.asarray(stage.data["treesMetadata._3"])[order]


@evaluates("DecisionTreeRegressionModel")
def decision_tree_regressor(stage: Stage) -> Evaluate:
    """Return the leaf's prediction, and the variance of the labels in it."""
    trees, made = forest(stage), stage.params.get("varianceCol")
    predict = regressor(stage, lambda vectors: trees.prediction[trees.leaves(vectors)[:, 0]])
    count, total, squares = trees.stats[:, :3].T
    variance = (squares - (total * total) / count) / count

    def evaluate(frame: Frame) -> Frame:
        leaves = trees.leaves(frame.vectors(stage.params["featuresCol"], stage.kind))[:, 0]
        frame = predict(frame)
        return frame.with_columns({made: Column.full(variance[leaves])}) if made else frame

    return _with_leaves(stage, trees, evaluate)


@evaluates("RandomForestRegressionModel")
def random_forest_regressor(stage: Stage) -> Evaluate:
    """Return the mean of the trees."""
    trees = forest(stage)
    count = len(trees.roots)
    return _with_leaves(
        stage,
        trees,
        regressor(stage, lambda vectors: in_order(trees.prediction[trees.leaves(vectors)]) / count),
    )


@evaluates("GBTRegressionModel")
def gradient_boosted_regressor(stage: Stage) -> Evaluate:
    """Return the weighted sum of the trees."""
    trees, weights = forest(stage), _weights(stage)
    return _with_leaves(
        stage, trees, regressor(stage, lambda vectors: dot(trees.prediction[trees.leaves(vectors)], weights))
    )
