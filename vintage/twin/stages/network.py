"""The multilayer perceptron: `org.apache.spark.ml.ann`, Spark 4.1."""

from __future__ import annotations

from itertools import pairwise

from vintage.twin.arithmetic import logistic, multiply, softmax
from vintage.twin.columns import Array
from vintage.twin.description import Stage
from vintage.twin.registry import Evaluate, evaluates
from vintage.twin.stages.prediction import classifier


@evaluates("MultilayerPerceptronClassificationModel")
def multilayer_perceptron(stage: Stage) -> Evaluate:
    """Sigmoid layers, and a softmax of the last."""
    layers = _layers(stage.one("weights"), [int(size) for size in stage.params["layers"]])

    def raw(vectors: Array) -> Array:
        for weights, bias in layers[:-1]:
            vectors = logistic(multiply(vectors, weights) + bias)
        weights, bias = layers[-1]
        return multiply(vectors, weights) + bias

    return classifier(stage, raw, softmax)


def _layers(values: Array, sizes: list[int]) -> list[tuple[Array, Array]]:
    """Return weights (out, in) and biases (out,) of each layer, from one vector, by columns."""
    layers, start = [], 0
    for given, made in pairwise(sizes):
        end = start + given * made
        layers.append((values[start:end].reshape(given, made).T, values[end : end + made]))
        start = end + made
    return layers
