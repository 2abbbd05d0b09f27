"""Terms and features by their hash: `org.apache.spark.ml.feature`, Spark 4.1."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Final

import numpy as np

from vintage.twin.arithmetic import multiply
from vintage.twin.columns import Array, Column, Frame
from vintage.twin.description import Stage
from vintage.twin.java import text_of
from vintage.twin.registry import Evaluate, evaluates

_SEED: Final = 42
_MASK: Final = 0xFFFFFFFF
_PRIME: Final = 2038074743
"""`MinHashLSH.HASH_PRIME`."""


@lru_cache(maxsize=65536)
def murmur3(text: str) -> int:
    """`Murmur3_x86_32.hashUnsafeBytes2` of UTF-8, a signed 32-bit number."""
    raw = text.encode()
    whole = len(raw) // 4 * 4
    state = _SEED
    for start in range(0, whole, 4):
        state ^= _mixed(int.from_bytes(raw[start : start + 4], "little"))
        state = (_rotated(state, 13) * 5 + 0xE6546B64) & _MASK
    if len(raw) > whole:
        state ^= _mixed(int.from_bytes(raw[whole:], "little"))
    state ^= len(raw)
    state = ((state ^ state >> 16) * 0x85EBCA6B) & _MASK
    state = ((state ^ state >> 13) * 0xC2B2AE35) & _MASK
    state ^= state >> 16
    return state - (1 << 32) if state >> 31 else state


def _mixed(word: int) -> int:
    return (_rotated((word * 0xCC9E2D51) & _MASK, 15) * 0x1B873593) & _MASK


def _rotated(word: int, bits: int) -> int:
    return (word << bits | word >> (32 - bits)) & _MASK


@evaluates("HashingTF")
def hashing_tf(stage: Stage) -> Evaluate:
    """Return how often terms of a hash occur, or whether they do."""
    size, binary = stage.params["numFeatures"], stage.params["binary"]
    [(source, made)] = stage.columns()

    def evaluate(frame: Frame) -> Frame:
        column = frame[source]
        frame.require(~column.null, stage.kind, f"{source!r} is null")
        counts = np.zeros((len(column.values), size))
        for row, terms in enumerate(column.values):
            for term in terms:
                counts[row, (_SEED if term is None else murmur3(term)) % size] += 1.0
        return frame.with_columns({made: Column.full(np.minimum(counts, 1.0) if binary else counts)})

    return evaluate


@evaluates("FeatureHasher")
def feature_hasher(stage: Stage) -> Evaluate:
    """Return a number at the hash of its name, a 1.0 at that of `name=value`; what shares a slot is added."""
    size, made, sources = stage.params["numFeatures"], stage.params["outputCol"], stage.params["inputCols"]
    categorical = set(stage.params.get("categoricalCols") or ())

    def evaluate(frame: Frame) -> Frame:
        hashed = np.zeros((len(frame.rows), size))
        for name in sources:
            column = frame[name]
            if column.values.dtype.kind in "if" and name not in categorical:
                there = np.where(column.null, 0.0, column.values.astype(np.float64))
                hashed[:, murmur3(name) % size] += there
                continue
            for row, (value, null) in enumerate(zip(text_of(column).values, column.null, strict=True)):
                if not null:
                    hashed[row, murmur3(f"{name}={value}") % size] += 1.0
        return frame.with_columns({made: Column.full(hashed)})

    return evaluate


def _tables(stage: Stage, hashes: Callable[[Array], Array]) -> Evaluate:
    """Return what an LSH model adds: an array of vectors of one number, (n, tables, 1)."""
    [(source, made)] = stage.columns()

    def evaluate(frame: Frame) -> Frame:
        vectors = frame.vectors(source, stage.kind)
        if stage.kind == "MinHashLSHModel":
            frame.require((vectors != 0).any(axis=1), stage.kind, f"{source!r} has no entry that is not 0")
        return frame.with_columns({made: Column.full(hashes(vectors)[:, :, None])})

    return evaluate


@evaluates("BucketedRandomProjectionLSHModel")
def bucketed_random_projection(stage: Stage) -> Evaluate:
    """⌊v · x / bucketLength⌋ for each random unit vector v."""
    directions, inverse = stage.one("randUnitVectors"), 1.0 / stage.number("bucketLength")
    return _tables(stage, lambda vectors: np.floor(multiply(vectors, directions * inverse)))


@evaluates("MinHashLSHModel")
def min_hash(stage: Stage) -> Evaluate:
    """Return the least ((1 + slot) · a + b) mod 2038074743 over the nonzero slots, for each (a, b)."""
    factors = stage.one("randCoefficients").reshape(-1, 2).astype(np.int64)

    def hashes(vectors: Array) -> Array:
        slots = np.arange(1, vectors.shape[1] + 1, dtype=np.int64)[:, None]
        table = (slots * factors[:, 0] + factors[:, 1]) % _PRIME
        there = (vectors != 0)[:, :, None]
        least: Array = np.where(there, table, _PRIME).min(axis=1, initial=_PRIME)
        return least.astype(np.float64)

    return _tables(stage, hashes)
