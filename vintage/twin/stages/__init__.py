"""The stages of `pyspark.ml`, a file for each family; importing this registers them all."""

from vintage.twin.registry import EVALUATORS, in_turn, prepared
from vintage.twin.stages import (
    assembling,
    bayes,
    categories,
    clustering,
    expansion,
    factorization,
    hashing,
    isotonic,
    linear,
    nested,
    network,
    numbers,
    scaling,
    text,
    trees,
)

__all__ = [
    "EVALUATORS",
    "assembling",
    "bayes",
    "categories",
    "clustering",
    "expansion",
    "factorization",
    "hashing",
    "in_turn",
    "isotonic",
    "linear",
    "nested",
    "network",
    "numbers",
    "prepared",
    "scaling",
    "text",
    "trees",
]
