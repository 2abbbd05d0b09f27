"""Odd deliveries as rows of a table, input → rows or the refusal; one Spark job reads most together."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import date
from typing import TYPE_CHECKING

from vintage.data.checked import CORRUPT
from vintage.data.deliveries import FileDelivery, foreseen
from vintage.data.raw import list_raw_files
from vintage.errors import DataError
from vintage.spec import Source

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from pyspark.sql import SparkSession

    from vintage.data.reader import RawRows

DAY = date(2024, 5, 3)
Row = tuple[str | None, ...]


@dataclass(frozen=True)
class Case:
    """One delivery.

    Attributes:
        name: what is odd about it.
        schema: the declared columns.
        raw: the content of its file, or file name → content.
        rows: what is read, each value as Spark writes it as a text; None when it is refused.
        refusal: a pattern of the error.
        options: the reader's.
        kind: the format.
        years: those that are declared.
        folders: the partition columns.
        alone: whether its rows are read by themselves first, because that may fail.
    """

    name: str
    schema: str
    raw: str | bytes | dict[str, str | bytes]
    rows: list[Row] | None = None
    refusal: str = ""
    options: dict[str, str] = field(default_factory=dict)
    kind: str = "csv"
    years: tuple[int, int] | None = None
    folders: tuple[str, ...] = ()
    alone: bool = False

    def read(self, spark: SparkSession, home: Path) -> RawRows:
        folder = home / str(len(list(home.iterdir())))
        folder.mkdir()
        files = self.raw if isinstance(self.raw, dict) else {f"a.{self.kind}": self.raw}
        for name, content in files.items():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_bytes(content.encode() if isinstance(content, str) else content)
        source = Source(
            format=self.kind,
            path=f"{folder}",
            options={"header": "true", **self.options} if self.kind == "csv" else self.options,
            schema=self.schema,
            years=self.years,
            partition_columns=self.folders,
        )
        raw = list_raw_files(str(folder), DAY)
        assert raw is not None
        delivery = FileDelivery(source, str(folder), raw, DAY)
        found = foreseen(delivery, lambda: delivery.read(spark, self.schema, folder / "_copies"))
        if self.alone:
            foreseen(delivery, found.rows.collect)
        return found


def csv(
    name: str, raw: str | bytes, rows: list[Row] | None = None, refusal: str = "", **options: str
) -> Case:
    return Case(name, "id INT, v STRING", raw, rows, refusal, options)


def json(
    name: str, schema: str, raw: str, rows: list[Row] | None = None, refusal: str = "", **options: str
) -> Case:
    return Case(f"json {name}", schema, raw, rows, refusal, options, "json")


def differences(spark: SparkSession, home: Path, cases: Sequence[Case]) -> list[str]:
    """Where what is read, or told, of a case is not what it should be; none when all is right."""
    from pyspark.sql import functions as F

    told, frames, read = {}, [], {}
    for number, case in enumerate(cases):
        try:
            read[number] = case.read(spark, home)
        except DataError as error:
            told[number] = str(error)
            continue
        values = [F.col(f"`{name}`").cast("string") for name in read[number].schema.names]
        frames.append(
            read[number].rows.select(F.lit(number).alias("case"), F.array(*values).alias("row"), CORRUPT)
        )
    while len(frames) > 1:  # a tree: each union is analysed anew
        pairs = [one.unionAll(other) for one, other in zip(frames[::2], frames[1::2], strict=False)]
        frames = pairs + (frames[-1:] if len(frames) % 2 else [])
    [together] = frames
    rows: dict[int, list[Row]] = {}
    bad: dict[int, int] = {}
    together_rows = together.collect()
    for setting in ("spark.sql.legacy.parquet.nanosAsLong", "spark.sql.parquet.enableVectorizedReader"):
        spark.conf.unset(setting)
    for number, row, corrupt in together_rows:
        rows.setdefault(number, []).append(tuple(row))
        bad[number] = bad.get(number, 0) + (corrupt is not None)
    wrong = []
    for number, case in enumerate(cases):
        if bad.get(number):
            told[number] = str(read[number].refusal(bad[number]))
        if case.rows is None:
            if not re.search(case.refusal, told.get(number, ""), re.DOTALL):
                wrong.append(
                    f"{case.name}: not refused as {case.refusal}: {told.get(number) or rows.get(number)}"
                )
        elif number in told or sorted(rows.get(number, []), key=str) != sorted(case.rows, key=str):
            wrong.append(f"{case.name}: {told.get(number) or rows.get(number)}")
    return wrong
