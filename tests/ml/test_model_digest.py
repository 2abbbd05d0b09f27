"""A model's digest: blind to who wrote it, when and in how many files, not to one bit of what it holds."""

from __future__ import annotations

import json
import struct
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from vintage.errors import StoreError
from vintage.ml.model_digest import model_digest, twin_digest
from vintage.twin import Description, Input, Stage, description

Rows = list[dict[str, Any]]

VECTOR = pa.struct(
    [("type", pa.int8()), ("indices", pa.list_(pa.int32())), ("values", pa.list_(pa.float64()))]
)
FACTORS = pa.schema([("id", pa.int32()), ("factor", VECTOR), ("words", pa.map_(pa.string(), pa.int32()))])
ROWS: Rows = [
    {
        "id": 0,
        "factor": {"type": 1, "indices": None, "values": [0.1, -2.5, 0.0]},
        "words": [("a", 1), ("b", 2)],
    },
    {"id": 1, "factor": {"type": 0, "indices": [1], "values": [3.0, None]}, "words": []},
    {"id": 2, "factor": None, "words": None},
    {"id": 3, "factor": {"type": 1, "indices": [], "values": []}, "words": [("é", None)]},
]


def write_stage(folder: Path, *, uid: str, params: Mapping[str, Any], time: int = 1, **further: Any) -> None:
    """A stage's metadata as Spark writes it."""
    (folder / "metadata").mkdir(parents=True)
    content = {
        "class": "org.apache.spark.ml.Stage",
        "timestamp": time,
        "sparkVersion": f"4.1.{time}",
        "uid": uid,
        "paramMap": params,
        "defaultParamMap": {
            "outputCol": f"{uid}__output",
            **({"seed": 77 * time} if "seed" in params else {}),
        },
        **further,
    }
    (folder / "metadata" / f"part-00000-{time}.txt").write_text(json.dumps(content), encoding="utf-8")
    (folder / "metadata" / "_SUCCESS").touch()


def write_model(
    folder: Path,
    *,
    suffix: str = "0123456789ab",
    time: int = 1,
    rows: Rows = ROWS,
    size: int = 9,
    **params: Any,
) -> Path:
    """A pipeline of two stages, of which the second holds numbers; `size` rows a file."""
    first, second = f"First_{suffix}", f"Second_{suffix[::-1]}"
    write_stage(folder, uid=f"Pipeline_{suffix}", params={"stageUids": [first, second]}, time=time)
    write_stage(folder / "stages" / f"0_{first}", uid=first, params={"seed": 5, **params}, time=time)
    last = folder / "stages" / f"1_{second}"
    write_stage(last, uid=second, params={"inputCol": f"{first}__output", "seed": 5}, time=time)
    (last / "data").mkdir()
    for start in range(0, len(rows), size):
        table = pa.Table.from_pylist(rows[start : start + size], schema=FACTORS)
        pq.write_table(table, last / "data" / f"part-{start:05}-{time}.parquet")
    return folder


@pytest.fixture
def digest(tmp_path: Path) -> str:
    return model_digest(write_model(tmp_path / "first"))


@pytest.mark.parametrize(
    "written",
    [
        {"suffix": "ba9876543210"},
        {"time": 2},
        {"size": 1},
        {"size": 3},
        {"rows": ROWS[::-1], "size": 2},
        {"rows": [ROWS[0] | {"words": [("b", 2), ("a", 1)]}, *ROWS[1:]]},
    ],
    ids=["uids", "times", "a file a row", "two files", "order of rows", "order of a map"],
)
def test_by_whom_when_and_in_how_many_files_changes_nothing(
    digest: str, tmp_path: Path, written: dict[str, Any]
) -> None:
    assert model_digest(write_model(tmp_path / "second", **written)) == digest


def with_values(*values: float | None) -> Rows:
    return [ROWS[0] | {"factor": {"type": 1, "indices": None, "values": list(values)}}, *ROWS[1:]]


@pytest.mark.parametrize(
    "written",
    [
        {"seed": 6},
        {"threshold": 0.5},
        {"rows": with_values(0.1 + 2**-56, -2.5, 0.0)},
        {"rows": with_values(0.1, -2.5, -0.0)},
        {"rows": with_values(0.1, -2.5, None)},
        {"rows": with_values(0.1, -2.5)},
        {"rows": ROWS[:-1]},
        {"rows": [*ROWS, ROWS[0]]},
        {"rows": [ROWS[0] | {"words": [("a", 2), ("b", 1)]}, *ROWS[1:]]},
        {"rows": [*ROWS[:3], ROWS[3] | {"words": [("e", None)]}]},
        {"rows": [*ROWS[:2], ROWS[2] | {"words": []}, ROWS[3]]},
    ],
    ids=[
        "a Param",
        "a further Param",
        "the last bit",
        "the sign of zero",
        "a null",
        "a number less",
        "a row less",
        "a row twice",
        "values of a map",
        "a letter",
        "null and empty",
    ],
)
def test_what_the_model_holds_changes_it(digest: str, tmp_path: Path, written: dict[str, Any]) -> None:
    assert model_digest(write_model(tmp_path / "second", **written)) != digest


def test_a_double_is_not_the_float_of_its_bits(tmp_path: Path) -> None:
    digests = set()
    for kind, value in ((pa.float64(), struct.unpack("<d", b"\1" * 8)[0]), (pa.int64(), 0x0101010101010101)):
        folder = write_model(tmp_path / str(kind))
        [stage] = (folder / "stages").glob("1_*")
        pq.write_table(pa.table({"x": pa.array([value], kind)}), stage / "data" / "part-00000-1.parquet")
        digests.add(model_digest(folder))
    assert len(digests) == 2


def test_the_order_of_stages_and_what_each_reads_changes_it(tmp_path: Path) -> None:
    digests = set()
    for name, place in (("as it was", "0"), ("moved", "2")):
        folder = write_model(tmp_path / name)
        [stage] = (folder / "stages").glob("0_*")
        stage.rename(stage.with_name(place + stage.name[1:]))
        digests.add(model_digest(folder))
    assert len(digests) == 2


def test_files_that_are_no_parquet_count_by_their_bytes_and_place(digest: str, tmp_path: Path) -> None:
    def with_file(name: str, content: bytes) -> str:
        folder = write_model(tmp_path / f"{len(list(tmp_path.iterdir()))}")
        [stage] = (folder / "stages").glob("1_*")
        (stage / "model").mkdir()
        (stage / "model" / name).write_bytes(content)
        return model_digest(folder)

    first = with_file("part-00000", b"trees")
    assert first != digest
    assert with_file("part-00000", b"trees") == first
    assert with_file("part-00000", b"treez") != first
    assert with_file("part-00001", b"trees") != first
    assert with_file(".part-00000.crc", b"trees") == digest


def test_a_tree_of_an_ensemble_has_no_uid_and_no_time(tmp_path: Path) -> None:
    def with_trees(*, uid: str, time: int, depth: int) -> str:
        folder = write_model(tmp_path / f"{uid}{time}{depth}")
        [stage] = (folder / "stages").glob("1_*")
        (stage / "treesMetadata").mkdir()
        tree = {"class": "Tree", "uid": uid, "timestamp": time, "paramMap": {"maxDepth": depth}}
        table = pa.table({"_1": [0], "_2": [json.dumps(tree)]})
        pq.write_table(table, stage / "treesMetadata" / "part-00000-x.parquet")
        return model_digest(folder)

    first = with_trees(uid="dtc_0123456789ab", time=1, depth=5)
    assert with_trees(uid="dtc_ba9876543210", time=2, depth=5) == first
    assert with_trees(uid="dtc_0123456789ab", time=1, depth=6) != first


def test_what_is_no_model_is_refused(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match=r"is no saved model; .*found nothing"):
        model_digest(tmp_path)
    folder = write_model(tmp_path / "model")
    [metadata] = (folder / "metadata").glob("part-*")
    metadata.write_text("[]")
    with pytest.raises(StoreError, match="holds no JSON object"):
        model_digest(folder)
    metadata.write_text("{")
    with pytest.raises(StoreError, match="cannot be read"):
        model_digest(folder)


@pytest.mark.fault("a file of a saved model that is no Parquet", outcome="an error that names it")
def test_a_damaged_file_is_told(tmp_path: Path) -> None:
    folder = write_model(tmp_path / "model")
    [part] = folder.rglob("*.parquet")
    part.write_bytes(part.read_bytes()[:-9])
    with pytest.raises(StoreError, match="cannot be read"):
        model_digest(folder)


def twin_of(model: Path, *, factor: float = 0.1, column: str = "x") -> Path:
    """A twin of such a model, beside it: what was learnt, and columns that are named by its stages' uids."""
    first, second = sorted(path.name.partition("_")[2] for path in (model / "stages").iterdir())
    stages = (
        Stage("FirstModel", {"inputCol": column, "outputCol": f"{first}__output"}),
        Stage(
            "SecondModel",
            {"inputCol": f"{first}__output", "outputCol": f"{second}__output"},
            {"factor": np.array([factor])},
        ),
    )
    spark = json.loads(next((model / "metadata").glob("part-*")).read_text())["sparkVersion"]
    folder = model.with_name(f"{model.name} twin")
    description.save(Description(spark, (Input(column, "double"),), stages), folder)
    return folder


def test_a_twin_of_a_model_with_other_uids_is_the_same_and_one_with_another_number_is_not(
    tmp_path: Path,
) -> None:
    first = write_model(tmp_path / "first")
    second = write_model(tmp_path / "second", suffix="ba9876543210", time=2)
    told = twin_digest(twin_of(first), first)
    assert twin_digest(twin_of(second), second) == told
    for number, other in enumerate(({"factor": 0.2}, {"column": "y"})):
        third = write_model(tmp_path / f"other {number}")
        assert twin_digest(twin_of(third, **other), third) != told  # type: ignore[arg-type]


def test_a_twin_of_an_earlier_format_has_no_digest(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    model = write_model(tmp_path / "first")
    monkeypatch.setattr(description, "FORMAT", description.FORMAT - 1)
    twin = twin_of(model)
    monkeypatch.undo()
    assert twin_digest(twin, model) == ""
