"""The names of a vector column's slots, from what Spark keeps with the column and from the fitted stages."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pyspark.sql.types import StructType

# They change values and neither number nor order of the slots, and lose the slots' names.
_KEEP_SLOTS: Final = frozenset(
    {
        "StandardScalerModel",
        "MinMaxScalerModel",
        "MaxAbsScalerModel",
        "RobustScalerModel",
        "IDFModel",
        "Normalizer",
        "Binarizer",
        "ElementwiseProduct",
    }
)


def slot_names(column: str, size: int, stages: Sequence[Any], schema: StructType) -> list[str]:
    """Return a name for each slot.

    `VectorAssembler` names a slot `<column>` or `<vector>_<slot>`, `OneHotEncoder` by category. Scalers lose
    names: theirs are those of their input. Words of `CountVectorizer` name its slots. A slot of which nothing
    is known is `<column>[<place>]`.

    Args:
        column: the vector column.
        size: how many slots it has.
        stages: of the fitted pipeline.
        schema: of what that makes, with the columns' metadata.
    """
    found = _names(column, stages, schema)
    if len(found) != size:
        found = [None] * size
    return [name or f"{column}[{place}]" for place, name in enumerate(found)]


def _names(column: str, stages: Sequence[Any], schema: StructType) -> Sequence[str | None]:
    """Return the slots' names where known; nothing where not even their number is."""
    maker = _maker_of(column, stages)
    if maker is not None:
        stage, place = maker
        kind = type(stage).__name__
        if kind in _KEEP_SLOTS and stage.isDefined("inputCol"):
            return _names(stage.getOrDefault("inputCol"), stages[:place], schema)
        if kind == "CountVectorizerModel":
            return list(stage.vocabulary)
        if kind == "VectorAssembler":
            return _assembled(stage, stages[:place], schema)
    return _attributes(column, schema)


def _assembled(stage: Any, earlier: Sequence[Any], schema: StructType) -> Sequence[str | None]:
    names: list[str | None] = []
    for column in stage.getOrDefault("inputCols"):
        if column not in schema.names or schema[column].dataType.simpleString() != "vector":
            names.append(column)
            continue
        inner = _names(column, earlier, schema)
        if not inner:
            return ()
        # What a scaler kept of an assembled vector has whole names already.
        whole = _is_assembled(column, earlier)
        names += [
            f"{column}[{place}]" if name is None else name if whole else f"{column}_{name}"
            for place, name in enumerate(inner)
        ]
    return names


def _is_assembled(column: str, stages: Sequence[Any]) -> bool:
    maker = _maker_of(column, stages)
    if maker is None:
        return False
    stage, place = maker
    if type(stage).__name__ in _KEEP_SLOTS and stage.isDefined("inputCol"):
        return _is_assembled(stage.getOrDefault("inputCol"), stages[:place])
    return type(stage).__name__ == "VectorAssembler"


def _maker_of(column: str, stages: Sequence[Any]) -> tuple[Any, int] | None:
    """Return the last stage that makes a column, with its place."""
    for place in range(len(stages) - 1, -1, -1):
        stage = stages[place]
        if stage.hasParam("outputCol") and stage.getOrDefault("outputCol") == column:
            return stage, place
    return None


def _attributes(column: str, schema: StructType) -> Sequence[str | None]:
    """Return what Spark's `ml_attr` says of a column."""
    if column not in schema.names:
        return ()
    kept: Mapping[str, Any] = schema[column].metadata.get("ml_attr") or {}
    groups: Mapping[str, Sequence[Mapping[str, Any]]] = kept.get("attrs") or {}
    attributes = [attribute for group in groups.values() for attribute in group]
    names: list[str | None] = [None] * int(kept.get("num_attrs") or len(attributes))
    for attribute in attributes:
        if "idx" in attribute and attribute["idx"] < len(names):
            names[attribute["idx"]] = attribute.get("name")
    return names
