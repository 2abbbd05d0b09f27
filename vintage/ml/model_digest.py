"""A saved model's canonical digest: equal for two models that hold the same, wherever each was made.

It is of what `pyspark.ml` writes: the class and the Params of each stage, and its data by value, numbers by
their bits. What it leaves out tells by whom, when and in how many files a model was written: uids, times,
Spark's version, files' names and compression, how rows are cut into files, and the order of rows.
"""

from __future__ import annotations

import hashlib
import json
import re
from itertools import pairwise
from typing import TYPE_CHECKING, Any, Final

from vintage.errors import StoreError
from vintage.twin.description import FORMAT, contents

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from pathlib import Path

    import pyarrow as pa

METADATA: Final = "metadata"
_OF_THE_MAKING: Final = frozenset({"uid", "timestamp", "sparkVersion"})
_TREES: Final = "treesMetadata"
"""Where an ensemble keeps the metadata of its trees, as JSON in a column of strings."""
_PART: Final = re.compile(r"^(part-\d+).*")
_TEMPORARY: Final = re.compile(r"\b(?:stridx|onehot|interaction)_[0-9a-f]{12}(?![0-9A-Za-z])")
"""The columns that an RFormula makes on the way."""
_ROWS_AT_ONCE: Final = 4096


def model_digest(folder: Path) -> str:
    """Return the digest of a model as a store keeps it.

    Args:
        folder: a `PipelineModel`, or any other stage, as `save` wrote it.

    Returns:
        SHA-256, in hexadecimal.

    Raises:
        StoreError: the folder holds no saved stage, or one that cannot be read.
    """
    try:
        files = sorted(_files(folder))
        stages = _stages(folder, files)
        names = _Names(folder, stages)
        parts = [_line(names.place(path), names.replaced(found)) for path, found in stages.items()]
        parts += _data(files, names)
    except (OSError, ValueError) as error:
        # pyarrow's own errors of a damaged file are these.
        raise StoreError(
            f"the model in {folder} cannot be read", found=str(error), fix="Make it again, or bring it back."
        ) from error
    return hashlib.sha256("\n".join(sorted(parts)).encode()).hexdigest()


def twin_digest(twin: Path, folder: Path) -> str:
    """Return the digest of a model's twin: equal for those of two models that hold the same.

    Args:
        twin: its folder.
        folder: the `PipelineModel` that it was compiled from, whose uids are in the names of columns.

    Returns:
        SHA-256, in hexadecimal; empty for one of an earlier format, of which no other is made any more.

    Raises:
        StoreError: the model cannot be read.
        DamagedTwin, LaterFormat: the twin cannot be read.
    """
    content, arrays = contents(twin)
    if content["format"] != FORMAT:
        return ""
    del content["spark"]
    names = _Names(folder, _stages(folder, sorted(_files(folder))))
    told = json.dumps(names.replaced(content), sort_keys=True)
    return hashlib.sha256(told.encode() + arrays).hexdigest()


def _stages(folder: Path, files: Sequence[Path]) -> dict[Path, dict[str, Any]]:
    """Return the metadata of each stage, by its folder."""
    stages = {path.parent.parent: _stage(path) for path in files if _is_metadata(path)}
    if folder not in stages:
        raise StoreError(
            f"{folder} is no saved model",
            expected=f"a folder {METADATA} with the JSON of a stage",
            found=", ".join(sorted(path.name for path in folder.glob("*"))) or "nothing",
        )
    return stages


class _Names:
    """Names that are the same for the same model: a stage's index, such as `stages/2`, replaces its uid.

    Args:
        folder: the model.
        stages: folder → metadata of every stage in it, itself among them.
    """

    def __init__(self, folder: Path, stages: Mapping[Path, Mapping[str, Any]]) -> None:
        self._folder = folder
        uids = {str(found["uid"]): path for path, found in stages.items() if found.get("uid")}
        # One uid may begin another; the longer is looked for first.
        words = "|".join(map(re.escape, sorted(uids, key=len, reverse=True))) or "(?!)"
        self._stage_folder = re.compile(rf"^(\d+)_(?:{words})$")
        places = {self.place(path): found for path, found in stages.items()}
        self._known = {uid: f"<{self.place(path)}>" for uid, path in uids.items()}
        text = "\n".join(_line(place, found) for place, found in sorted(places.items()))
        for number, name in enumerate(dict.fromkeys(_TEMPORARY.findall(text))):
            self._known[name] = f"<temporary {number}>"
            words += f"|{name}"
        # Spark names a column that nobody named by uid and Param: `Imputer_04032cd0d2b4__output`.
        self._name = re.compile(rf"(?<![A-Za-z0-9])(?:{words})(?![A-Za-z0-9])")

    def place(self, path: Path) -> str:
        """Return a path below the model, without uids and without what Spark adds to a file's name."""
        parts = [self._stage_folder.sub(r"\1", part) for part in path.relative_to(self._folder).parts]
        return "/".join([*parts[:-1], *(_PART.sub(r"\1", part) for part in parts[-1:])]) or "."

    def text(self, value: str) -> str:
        """Return a text with what stands for each uid and each temporary name in it."""
        return self._name.sub(lambda found: self._known[found[0]], value)

    def replaced(self, value: Any) -> Any:
        """Return a value of JSON, the same way."""
        if isinstance(value, str):
            return self.text(value)
        if isinstance(value, list):
            return [self.replaced(each) for each in value]
        if isinstance(value, dict):
            return {self.text(name): self.replaced(each) for name, each in value.items()}
        return value


def _stage(path: Path) -> dict[str, Any]:
    """Return a stage's metadata, as it was written."""
    found = json.loads(path.read_text(encoding="utf-8"))
    if not isinstance(found, dict):
        raise ValueError(f"{path} holds no JSON object")  # noqa: TRY004 - the file's content, no argument
    return found


def _line(place: str, stage: Mapping[str, Any]) -> str:
    """Return what of a stage's metadata says what the stage is, on one line."""
    kept = {name: value for name, value in stage.items() if name not in _OF_THE_MAKING}
    if isinstance(kept.get("defaultParamMap"), dict):
        # A default that a value hides decides nothing. In Python the default of a seed is the hash of its
        # class's name, another in each process.
        given = kept.get("paramMap", {})
        kept["defaultParamMap"] = {
            param: value for param, value in kept["defaultParamMap"].items() if param not in given
        }
    return f"{place} {json.dumps(kept, sort_keys=True, separators=(',', ':'))}"


def _files(folder: Path) -> Iterator[Path]:
    """Return every file below a folder but Spark's own marks and checksums."""
    return (path for path in folder.rglob("*") if path.is_file() and not path.name.startswith(("_", ".")))


def _is_metadata(path: Path) -> bool:
    return path.parent.name == METADATA and path.suffix != ".parquet"


def _data(files: list[Path], names: _Names) -> Iterator[str]:
    """One line for each folder of Parquet, by its rows, and for each further file, by its bytes."""
    tables: dict[Path, list[Path]] = {}
    for path in files:
        if path.suffix == ".parquet":
            tables.setdefault(path.parent, []).append(path)
        elif not _is_metadata(path):
            with path.open("rb") as stream:
                yield f"{names.place(path)} {hashlib.file_digest(stream, 'sha256').hexdigest()}"
    for folder, parts in tables.items():
        text = _without_making if folder.name == _TREES else names.text
        yield f"{names.place(folder)} {_rows_digest(parts, text)}"


def _without_making(text: str) -> str:
    """Return the metadata of a tree without its uid and time."""
    return _line("", json.loads(text))


def _rows_digest(parts: list[Path], text: Callable[[str], str]) -> str:
    """Return the digest of a table: column names, types, and rows in the order of their bytes."""
    import pyarrow.parquet as pq

    columns: set[str] = set()
    rows: list[bytes] = []
    for path in parts:
        with pq.ParquetFile(path) as file:
            columns |= {f"{field.name} {_type_name(field.type)}" for field in file.schema_arrow}
            for batch in file.iter_batches(_ROWS_AT_ONCE):
                ordered = sorted(
                    zip(batch.schema.names, batch.columns, strict=True), key=lambda each: each[0]
                )
                encoded = [_encoded(column, text) for _, column in ordered]
                rows += [hashlib.sha256(b"".join(row)).digest() for row in zip(*encoded, strict=True)]
    digest = hashlib.sha256("\n".join(sorted(columns)).encode())
    digest.update(_length(len(rows)) + b"".join(sorted(rows)))
    return digest.hexdigest()


def _type_name(kind: pa.DataType) -> str:
    """Return a type's name, whether or not its values may be null."""
    import pyarrow as pa

    if pa.types.is_map(kind):
        return f"map<{_type_name(kind.key_type)},{_type_name(kind.item_type)}>"
    if pa.types.is_list(kind) or pa.types.is_large_list(kind):
        return f"list<{_type_name(kind.value_type)}>"
    if pa.types.is_struct(kind):
        return f"struct<{','.join(f'{field.name} {_type_name(field.type)}' for field in kind)}>"
    return str(kind)


def _encoded(array: pa.Array, text: Callable[[str], str]) -> list[bytes]:
    """Return each value as bytes that are the same for the same value alone; numbers by their bits."""
    import pyarrow as pa

    kind = array.type
    body: list[bytes]
    if pa.types.is_map(kind):
        body = _each_map(array, text)
    elif pa.types.is_list(kind) or pa.types.is_large_list(kind):
        body = _each_list(array, text)
    elif pa.types.is_struct(kind):
        fields = [_encoded(array.field(place), text) for place in range(kind.num_fields)]
        body = [b"".join(row) for row in zip(*fields, strict=True)] if fields else [b""] * len(array)
    elif _is_number(kind):
        raw = _bits(array)
        width = len(raw) // max(len(array), 1)
        body = [raw[start : start + width] for start in range(0, len(raw), width)] if raw else []
    else:
        body = [_sized(text(value) if isinstance(value, str) else value) for value in array.to_pylist()]
    return [
        b"\1" + each if valid else b"\0"
        for each, valid in zip(body, array.is_valid().to_pylist(), strict=True)
    ]


def _each_list(array: pa.ListArray, text: Callable[[str], str]) -> list[bytes]:
    """List: their length, which elements are null, and the elements."""
    if _is_number(array.type.value_type):
        # A model's coefficients: millions of numbers, perhaps, in one list.
        values = array.values
        raw, there = _bits(values), values.is_valid().to_numpy(zero_copy_only=False).tobytes()
        width = len(raw) // max(len(values), 1)
        return [
            _length(end - start) + there[start:end] + raw[start * width : end * width]
            for start, end in _bounds(array)
        ]
    elements = _encoded(array.values, text)
    return [_length(end - start) + b"".join(elements[start:end]) for start, end in _bounds(array)]


def _each_map(array: pa.MapArray, text: Callable[[str], str]) -> list[bytes]:
    """Encode maps, with their entries in the order of their bytes."""
    keys, items = _encoded(array.keys, text), _encoded(array.items, text)
    entries = [key + item for key, item in zip(keys, items, strict=True)]
    return [_length(end - start) + b"".join(sorted(entries[start:end])) for start, end in _bounds(array)]


def _bounds(array: pa.ListArray | pa.MapArray) -> Iterator[tuple[int, int]]:
    return pairwise(array.offsets.to_pylist())


def _is_number(kind: pa.DataType) -> bool:
    import pyarrow as pa

    return bool(pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_boolean(kind))


def _bits(array: pa.Array) -> bytes:
    """Return the numbers of an array one after the other, little-endian; 0 stands for a null."""
    import pyarrow as pa

    filled = array.fill_null(False if pa.types.is_boolean(array.type) else 0)
    values = filled.to_numpy(zero_copy_only=False)
    return bytes(values.astype(values.dtype.newbyteorder("<"), copy=False).tobytes())


def _sized(value: Any) -> bytes:
    raw = value if isinstance(value, bytes) else str(value).encode()
    return _length(len(raw)) + raw


def _length(number: int) -> bytes:
    return number.to_bytes(8, "little")
