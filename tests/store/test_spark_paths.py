"""Spark reads each path once, whatever characters are in it."""

from __future__ import annotations

from types import SimpleNamespace
from typing import TYPE_CHECKING

import pytest

from vintage.data import rows
from vintage.data.raw import readable_paths
from vintage.errors import StoreError
from vintage.store.spark_paths import parquet

if TYPE_CHECKING:
    from pathlib import Path

    from pyspark.sql import SparkSession

NAMES = ["{a,b}", "[ab]", "a*b", "a?b", "a\\b", "plain", "ö '\"q", "a#b%20c"]
COLONS = ["a:b", "a[b"]


@pytest.fixture
def beside(tmp_path: Path) -> Path:
    """A folder that patterns of the names would match, too."""
    for name in ("a", "b", "aZZb"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "rows.txt").write_text("another\n")
    return tmp_path


def test_each_file_is_read_once(beside: Path, spark: SparkSession) -> None:
    files = [beside / name / "rows.txt" for name in NAMES]
    for number, file in enumerate(files):
        file.parent.mkdir(exist_ok=True)
        file.write_text(f"{number}\n")

    for paths in (files, *([file] for file in files)):
        readable, options = readable_paths([str(file) for file in paths])
        found = spark.read.options(**options).text(readable).collect()
        assert sorted(row.value for row in found) == sorted(file.read_text().strip() for file in paths)


@pytest.mark.parametrize("names", [NAMES, COLONS])
def test_each_folder_of_parquet_is_read_once(beside: Path, spark: SparkSession, names: list[str]) -> None:
    three = spark.range(3).coalesce(1)
    folders = []
    for name in names:
        three.write.parquet(f"file://{beside / 'written'}")
        folders.append((beside / "written").rename(beside / f"{name} rows"))

    found = parquet(spark.read.schema("id BIGINT"), *folders)

    assert sorted(row.id for row in found.collect()) == sorted([0, 1, 2] * len(names))


@pytest.mark.fault(
    "a file of an artifact that Spark would read twice, or not at all",
    outcome="exit 4 before the step reads a row",
)
def test_what_spark_finds_is_held_against_the_manifests(
    tmp_path: Path, spark: SparkSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    artifacts = []
    for number in (1, 2):
        folder = tmp_path / str(number)
        rows.write_rows(spark.newSession().range(3), folder / "data", {"rows": "count(1)"})
        files = [SimpleNamespace(path=path.relative_to(folder)) for path in folder.rglob("*.parquet")]
        told = SimpleNamespace(spark_schema=rows.schema_json(spark.range(1).schema))
        manifest = SimpleNamespace(files=files, rows=told)
        artifacts.append(
            SimpleNamespace(folder=folder, place=folder / "data", manifest=manifest, row_count=3)
        )
    monkeypatch.setattr(rows, "check_files", lambda _: None)
    assert rows.read_rows(spark, artifacts).count() == 6  # type: ignore[arg-type]
    for misread in (lambda one, other: (one, other, one), lambda one, _: (one,)):
        monkeypatch.setattr(
            rows, "parquet", lambda reader, *places, misread=misread: parquet(reader, *misread(*places))
        )
        with pytest.raises(StoreError, match=r"expected 2 files, each once; found \d files"):
            rows.read_rows(spark, artifacts)  # type: ignore[arg-type]
