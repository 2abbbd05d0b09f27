"""Spark reads each path once, whatever characters are in it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from spark_jobs.sources.raw import readable_paths
from spark_jobs.store.spark_paths import parquet

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
        rows = spark.read.options(**options).text(readable).collect()
        assert sorted(row.value for row in rows) == sorted(file.read_text().strip() for file in paths)


@pytest.mark.parametrize("names", [NAMES, COLONS])
def test_each_folder_of_parquet_is_read_once(beside: Path, spark: SparkSession, names: list[str]) -> None:
    rows = spark.range(3).coalesce(1)
    folders = []
    for name in names:
        rows.write.parquet(f"file://{beside / 'written'}")
        folders.append((beside / "written").rename(beside / f"{name} rows"))

    found = parquet(spark.read.schema("id BIGINT"), *folders)

    assert sorted(row.id for row in found.collect()) == sorted([0, 1, 2] * len(names))
