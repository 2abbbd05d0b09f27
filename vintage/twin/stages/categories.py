"""Categories and numbers for them: `org.apache.spark.ml.feature`, Spark 4.1."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import numpy as np

from vintage.twin.columns import Array, Column, Frame
from vintage.twin.description import Stage
from vintage.twin.java import text_of
from vintage.twin.registry import Evaluate, evaluates


@evaluates("StringIndexerModel")
def string_indexer(stage: Stage) -> Evaluate:
    """Return a label's place in the order of the fit; under `keep`, one place after the last for all else."""
    columns, invalid = stage.columns(), stage.params["handleInvalid"]
    places = [
        {label: float(place) for place, label in enumerate(labels)} for labels in stage.one("labelsArray")
    ]

    def evaluate(frame: Frame) -> Frame:
        made = {}
        for (source, name), known in zip(columns, places, strict=True):
            indices, unseen = _looked_up(text_of(frame[source]), known, float(len(known)))
            if invalid == "error":
                frame.require(~unseen, stage.kind, f"{source!r} is null, or was not seen when it was fitted")
            made[name] = Column(indices, unseen & (invalid == "skip"))
        frame = frame.with_columns(made)
        if invalid == "skip":
            for _, name in columns:
                frame = frame.keep(~frame[name].null)
        return frame

    return evaluate


def _looked_up(column: Column, places: Mapping[str, float], otherwise: float) -> tuple[Array, Array]:
    found = np.array([places.get(value, -1.0) for value in column.values], dtype=np.float64)
    unseen = column.null | (found < 0)
    return np.where(unseen, otherwise, found), unseen


@evaluates("IndexToString")
def index_to_string(stage: Stage) -> Evaluate:
    """Return the label at an index."""
    [(source, made)] = stage.columns()
    labels = np.array(stage.params["labels"], dtype=object)

    def evaluate(frame: Frame) -> Frame:
        column = frame.numbers(source)
        place = np.trunc(column.values)
        known = (place >= 0) & (place < len(labels)) & ~column.null
        frame.require(known, stage.kind, f"{source!r} is no index of its {len(labels)} labels")
        return frame.with_columns({made: Column.full(labels[place.astype(np.int64)])})

    return evaluate


@evaluates("OneHotEncoderModel")
def one_hot_encoder(stage: Stage) -> Evaluate:
    """Return a vector with a 1.0 in the category's slot.

    `dropLast` drops the slot of the last category, `keep` adds one for all that is invalid; with both the one
    for the invalid is dropped, whose vector is then of zeros.
    """
    columns, keeps = stage.columns(), stage.params["handleInvalid"] == "keep"
    sizes = [int(size) for size in stage.one("categorySizes")]
    change = keeps - int(stage.params["dropLast"])

    def evaluate(frame: Frame) -> Frame:
        made = {}
        for (source, name), size in zip(columns, sizes, strict=True):
            column = frame.numbers(source)
            known = (column.values >= 0) & (column.values < size)
            if not keeps:
                frame.require(known | column.null, stage.kind, f"{source!r} is none of its {size} categories")
            slot = np.where(known, np.trunc(column.values), size)
            encoded = (slot[:, None] == np.arange(size + change)).astype(np.float64)
            made[name] = Column(encoded, column.null)
        return frame.with_columns(made)

    return evaluate


@evaluates("TargetEncoderModel")
def target_encoder(stage: Stage) -> Evaluate:
    """Return the mean label of a category, shrunk towards that of all rows, which unseen values get."""
    columns, keeps = stage.columns(), stage.params["handleInvalid"] == "keep"
    encodings = _encodings(stage)

    def evaluate(frame: Frame) -> Frame:
        made = {}
        for (source, name), means in zip(columns, encodings, strict=True):
            column = frame.numbers(source)
            keys = np.where(column.null, _NULL, column.values).tolist()
            # A category is not found at the places of null and of the unseen.
            own = ~np.isin(column.values, [_NULL, _UNSEEN]) | column.null
            known = np.array([key in means for key in keys], dtype=bool) & own
            if not keeps:
                frame.require(known, stage.kind, f"{source!r} is null, or was not seen when it was fitted")
            values = [means[key if there else _UNSEEN] for key, there in zip(keys, known, strict=True)]
            made[name] = Column.full(np.array(values, dtype=np.float64))
        return frame.with_columns(made)

    return evaluate


_UNSEEN: Final = float(np.iinfo(np.int32).max)
_NULL: Final = -1.0
"""`TargetEncoder.UNSEEN_CATEGORY` and `.NULL_CATEGORY`."""


def _encodings(stage: Stage) -> list[dict[float, float]]:
    """For each input: category → encoding."""
    smoothing, binary = stage.number("smoothing"), stage.params["targetType"] == "binary"
    order = np.argsort(stage.data["index"])
    found = []
    for row in order:
        categories, counts, stats = (stage.ragged(name)[row] for name in ("categories", "counts", "stats"))
        means = stats / counts if binary else stats
        overall = means[categories == _UNSEEN][0]
        weights = counts / (counts + smoothing)
        found.append(dict(zip(categories.tolist(), weights * means + (1 - weights) * overall, strict=True)))
    return found


@evaluates("VectorIndexerModel")
def vector_indexer(stage: Stage) -> Evaluate:
    """Return the slots with few values become those values' places; the others stay."""
    [(source, made)] = stage.columns()
    maps = {slot: dict(pairs) for slot, pairs in stage.one("categoryMaps")}
    invalid = stage.params["handleInvalid"]

    def evaluate(frame: Frame) -> Frame:
        given = frame.vectors(source, stage.kind)
        indexed, valid = given.copy(), np.ones(len(given), dtype=bool)
        for slot, places in maps.items():
            values = given[:, slot]
            known = np.isin(values, list(places))
            indexed[:, slot] = [places.get(value, len(places)) for value in values.tolist()]
            valid &= known
        if invalid == "error":
            frame.require(
                valid, stage.kind, f"{source!r} holds a category that was not seen when it was fitted"
            )
        frame = frame.with_columns({made: Column.full(indexed)})
        return frame.keep(valid) if invalid == "skip" else frame

    return evaluate
