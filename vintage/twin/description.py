"""A twin's portable description: the stages' Params and data as Spark saved them, in JSON and arrays.

The folder holds `twin.json`, `arrays.npz`, and `SHA256SUMS` of both, which `sha256sum --check` reads as well.
"""

from __future__ import annotations

import hashlib
import io
import json
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Final

import numpy as np

from vintage.twin.columns import Array
from vintage.twin.errors import DamagedTwin, LaterFormat
from vintage.twin.sql.expression import Expression

FORMAT: Final = 2
"""Of format 1 are twins that take the columns after preprocess alone."""
_JSON: Final = "twin.json"
_ARRAYS: Final = "arrays.npz"
_SUMS: Final = "SHA256SUMS"
_ARRAY: Final = "$array"
"""Stands in JSON for an array, by its name in the archive."""


@dataclass(frozen=True, slots=True)
class Input:
    """A column that the pipeline reads.

    Attributes:
        name: the column's.
        type: Spark's type, as its DDL names it.
    """

    name: str
    type: str


@dataclass(frozen=True, slots=True)
class Stage:
    """A fitted stage.

    Attributes:
        kind: Spark's class, without its package: `LogisticRegressionModel`.
        params: every Param by Spark's name, set or default, as Spark's JSON has it.
        data: what was learned, by the columns of Spark's Parquet; arrays have a row for each of its rows.
        stages: those within, of a pipeline or a OneVsRest.
    """

    kind: str
    params: Mapping[str, Any]
    data: Mapping[str, Any] = field(default_factory=dict)
    stages: Sequence[Stage] = ()

    def number(self, param: str) -> float:
        """Return a Param that is a number: JSON has none for an infinity, and Spark writes a word."""
        return number(self.params[param])

    def numbers(self, param: str) -> Array:
        """Return a Param that is a list of numbers."""
        return np.array([number(each) for each in self.params[param]])

    def columns(self) -> list[tuple[str, str]]:
        """Return the names of inputs and outputs, of a stage that takes one column or several."""
        if self.params.get("inputCols") is not None:
            return list(zip(self.params["inputCols"], self.params["outputCols"], strict=True))
        return [(self.params["inputCol"], self.params["outputCol"])]

    def one(self, name: str) -> Any:
        """Return what a model holds one of: its data's only row."""
        return self.data[name][0]

    def ragged(self, name: str) -> list[Array]:
        """Return a list of numbers for each row."""
        found = self.data[name]
        if isinstance(found, Mapping):
            return np.split(found["values"], found["offsets"][1:-1])
        return list(found)


def number(value: Any) -> float:
    """Return a double of Spark's JSON."""
    return float({"Inf": "inf", "-Inf": "-inf"}.get(value, value) if isinstance(value, str) else value)


@dataclass(frozen=True, slots=True)
class Preparation:
    """How raw rows become what a pipeline reads: the SQL of preprocess, as far as the pipeline needs it.

    Attributes:
        inputs: the raw columns that are read.
        columns: name → expression, of every column that the pipeline reads.
        where: the condition of the rows that are kept; None where all are.
        condition: the same as SQL has it, for a person to read.
    """

    inputs: Sequence[Input]
    columns: Mapping[str, Expression]
    where: Expression | None = None
    condition: str = ""


@dataclass(frozen=True, slots=True)
class Description:
    """A fitted pipeline.

    Attributes:
        spark: the version that saved it.
        inputs: what it reads.
        stages: in order.
        preparation: what makes that of a raw row; None where Spark alone does.
    """

    spark: str
    inputs: Sequence[Input]
    stages: Sequence[Stage]
    preparation: Preparation | None = None


def save(description: Description, folder: Path) -> None:
    """Write a description into a folder that does not exist yet; the same one gives the same bytes."""
    arrays: dict[str, Array] = {}
    content = {
        "format": FORMAT,
        "spark": description.spark,
        "inputs": list(map(asdict, description.inputs)),
        "stages": [_to_json(each, str(place), arrays) for place, each in enumerate(description.stages)],
        "preparation": _prepared_to_json(description.preparation),
    }
    folder.mkdir(parents=True)
    files = {_JSON: (json.dumps(content, indent=1) + "\n").encode(), _ARRAYS: _archive(arrays)}
    for name, raw in files.items():
        (folder / name).write_bytes(raw)
    sums = "".join(f"{hashlib.sha256(raw).hexdigest()}  {name}\n" for name, raw in files.items())
    (folder / _SUMS).write_text(sums, encoding="utf-8")


def load(folder: Path) -> Description:
    """Read a description.

    Raises:
        DamagedTwin: a byte is not what was written.
        LaterFormat: a later version wrote it.
    """
    content, raw = contents(folder)
    with np.load(io.BytesIO(raw), allow_pickle=False) as archive:
        arrays = {name: archive[name] for name in archive.files}
    return Description(
        content["spark"],
        tuple(Input(**each) for each in content["inputs"]),
        tuple(_from_json(each, arrays) for each in content["stages"]),
        _prepared_from_json(content.get("preparation")),
    )


def contents(folder: Path) -> tuple[dict[str, Any], bytes]:
    """Read the files of a description: its JSON, and its arrays as they are.

    Raises:
        DamagedTwin: a byte is not what was written.
        LaterFormat: a later version wrote it.
    """
    files = _checked(folder)
    content: dict[str, Any] = json.loads(files[_JSON])
    if content["format"] > FORMAT:
        raise LaterFormat(
            f"the twin in {folder} is of format {content['format']}, and this version reads up to {FORMAT}; "
            "serve it with the version that made it, or a later one"
        )
    return content, files[_ARRAYS]


def _prepared_to_json(told: Preparation | None) -> dict[str, Any] | None:
    if told is None:
        return None
    return {
        "inputs": list(map(asdict, told.inputs)),
        "columns": {name: each.to_json() for name, each in told.columns.items()},
        "where": None if told.where is None else told.where.to_json(),
        "condition": told.condition,
    }


def _prepared_from_json(content: Mapping[str, Any] | None) -> Preparation | None:
    if content is None:
        return None
    return Preparation(
        tuple(Input(**each) for each in content["inputs"]),
        {name: Expression.of_json(each) for name, each in content["columns"].items()},
        None if content["where"] is None else Expression.of_json(content["where"]),
        content["condition"],
    )


def _checked(folder: Path) -> dict[str, bytes]:
    try:
        sums = (folder / _SUMS).read_text(encoding="utf-8")
        files = {name: (folder / name).read_bytes() for name in (_JSON, _ARRAYS)}
    except (OSError, UnicodeDecodeError) as error:
        raise DamagedTwin(f"the twin in {folder} cannot be read: {error}") from error
    expected = "".join(f"{hashlib.sha256(raw).hexdigest()}  {name}\n" for name, raw in files.items())
    if sums != expected:
        raise DamagedTwin(
            f"the files of the twin in {folder} are not those that {_SUMS} names; make it again"
        )
    return files


def _to_json(stage: Stage, place: str, arrays: dict[str, Array]) -> dict[str, Any]:
    return {
        "class": stage.kind,
        "params": dict(stage.params),
        "data": {name: _set_aside(value, f"{place}.{name}", arrays) for name, value in stage.data.items()},
        "stages": [_to_json(each, f"{place}.{number}", arrays) for number, each in enumerate(stage.stages)],
    }


def _set_aside(value: Any, name: str, arrays: dict[str, Array]) -> Any:
    if isinstance(value, np.ndarray):
        arrays[name] = value
        return {_ARRAY: name}
    if isinstance(value, Mapping):
        return {key: _set_aside(each, f"{name}.{key}", arrays) for key, each in value.items()}
    return value


def _from_json(content: Mapping[str, Any], arrays: Mapping[str, Array]) -> Stage:
    return Stage(
        content["class"],
        content["params"],
        {name: _put_back(value, arrays) for name, value in content["data"].items()},
        tuple(_from_json(each, arrays) for each in content["stages"]),
    )


def _put_back(value: Any, arrays: Mapping[str, Array]) -> Any:
    if not isinstance(value, Mapping):
        return value
    if _ARRAY in value:
        return arrays[value[_ARRAY]]
    return {name: _put_back(each, arrays) for name, each in value.items()}


def _archive(arrays: Mapping[str, Array]) -> bytes:
    """As numpy's savez writes it, but without the time."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_STORED) as archive:
        for name, raw in _encoded(arrays):
            archive.writestr(zipfile.ZipInfo(f"{name}.npy"), raw)
    return stream.getvalue()


def _encoded(arrays: Mapping[str, Array]) -> Iterator[tuple[str, bytes]]:
    for name, array in arrays.items():
        stream = io.BytesIO()
        np.lib.format.write_array(stream, np.ascontiguousarray(array), allow_pickle=False)
        yield name, stream.getvalue()
