"""What a date's raw rows come from, files or a database, as the snapshot job meets either."""

from __future__ import annotations


import uuid
import zlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Protocol, TypeVar

from vintage.errors import DataError, SpecError, VintageError
from vintage.session import disk_refusal
from vintage.data.database import raw_table
from vintage.data.doubled import refuse_doubled
from vintage.data.folder_columns import hint, in_folders
from vintage.data.raw import RawFiles, list_raw_files
from vintage.data.reader import RawRows, check_files, infer_schema, read_raw
from vintage.data.undated import UNDATED, examples, require_dated
from vintage.data.unreadable import unreadable
from vintage.spec.sql import read_query
from vintage.store.spark_paths import parquet

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping
    from datetime import date
    from pathlib import Path

    from pyspark.sql import DataFrame, SparkSession

    from vintage.spec import Pipeline, Source

T = TypeVar("T")

COPIES: Final = "copies of raw files"

_WITHOUT_KEY: Final = frozenset({"text", "libsvm", "image", "binaryFile"})


class RawBatch(Protocol):
    """One date's raw rows, not read yet."""

    @property
    def parts(self) -> int:
        """Into how many files at most its rows are written."""

    def note(self) -> dict[str, Any]:
        """Return what to remember beside the snapshot, to see later whether anything changed."""

    def facts(self) -> dict[str, Any]:
        """Return what the manifest records of it; nothing of it is part of a key."""

    def stands(self, note: Mapping[str, Any], rows: int) -> bool:
        """Return whether a snapshot of that many rows, taken under that note, need not be taken again."""

    def infer(self, spark: SparkSession, scratch: Path) -> str:
        """Return its schema as DDL; `scratch` is a folder for copies, which does not exist yet."""

    def read(self, spark: SparkSession, schema_ddl: str, scratch: Path) -> RawRows:
        """Return the rows under the contract; `scratch` holds copies until the rows are written.

        Raises:
            DataError: the columns are not those of the contract.
        """

    def check(self, spark: SparkSession, incoming: RawRows, observed: Mapping[str, Any]) -> Mapping[str, Any]:
        """Check the rows once they are written; `observed` has `corrupt` and `rows`.

        Returns:
            What more the manifest records of the raw rows.

        Raises:
            DataError: rows do not parse, or have no day, or something is missing or changed meanwhile.
        """

    def refused(self, error: Exception) -> VintageError:
        """Return what an error of Spark during the reading means."""


@dataclass(frozen=True)
class FileDelivery:
    """A date's raw files."""

    source: Source
    path: str
    raw: RawFiles
    day: date

    @property
    def parts(self) -> int:
        """Of the size of the files."""
        return self.raw.parts

    def note(self) -> dict[str, Any]:
        """Return names, sizes and modification times."""
        return self.raw.note()

    def facts(self) -> dict[str, Any]:
        """Return the path as it is declared, the files below it, and their bytes together."""
        names = [file.path for file in self.raw.files]
        return {"path": self.source.path, "files": names, "bytes": self.raw.size}

    def stands(self, note: Mapping[str, Any], rows: int) -> bool:
        """Return whether the files are those that were read, however many rows they had."""
        return self.raw.unchanged_since(note)

    def infer(self, spark: SparkSession, scratch: Path) -> str:
        """Return the schema that Spark infers."""
        return infer_schema(spark, self.source, self.raw, self.day, scratch)

    def read(self, spark: SparkSession, schema_ddl: str, scratch: Path) -> RawRows:
        """Return the rows of all files."""
        return read_raw(spark, self.source, self.raw, schema_ddl, self.day, scratch)

    def check(self, spark: SparkSession, incoming: RawRows, observed: Mapping[str, Any]) -> Mapping[str, Any]:
        """Check that every row parsed and has a day, and that no file is gone or changed while it was read."""
        if observed["corrupt"]:
            raise incoming.refusal(observed["corrupt"])
        check_files(self.source, self.raw, observed["rows"], self.day)
        if list_raw_files(self.path, self.day) != self.raw:
            raise DataError(
                f"the raw files of {self.day} changed while they were read",
                expected="files that do not change",
                fix="Run again when the delivery is complete.",
            )
        return self._dated(incoming)

    def _dated(self, incoming: RawRows) -> Mapping[str, Any]:
        if incoming.undated is None or incoming.every is None or self.source.date_column is None:
            return {}
        count = int(incoming.undated.get[UNDATED])
        if count:
            shown = examples(incoming.every, incoming.schema, self.source.date_column)
            where = ", ".join(str(self.raw.root / file.path) for file in self.raw.files[:3])
            require_dated(self.source, count, where, found=shown)
        return {UNDATED: count}

    def require_columns(self, sql: str, views: Mapping[str, Collection[str] | None]) -> None:
        """Refuse an SQL that reads a column which the names of folders alone hold.

        Args:
            sql: the pipeline's, for the date.
            views: what it reads: their columns, None where those are not known.

        Raises:
            SpecError: names the folders, and how they become columns.
        """
        missing = [column.name for column in read_query(sql).unknown_columns(views)]
        cure = hint(missing, self.raw)
        if cure:
            raise SpecError(
                f"the SQL reads {', '.join(missing)}, which the raw files of {self.day} lack",
                expected=f"columns of the files in {self.raw.root}, or declared partition columns",
                found=f"folders: {', '.join(in_folders(self.raw).values())}",
                fix=cure,
            )

    def refuse_doubled(
        self, spark: SparkSession, written: Path, schema: str, key: tuple[tuple[str, ...], str] | None
    ) -> None:
        """Refuse rows of several files that share their key, where raw columns are the key.

        Raises:
            DataError: names the files.
        """
        if key is None or len(self.raw.files) == 1 or self.source.format in _WITHOUT_KEY:
            return

        def read(raw: RawFiles) -> DataFrame:
            copies = written.with_name(COPIES) / uuid.uuid4().hex
            return read_raw(spark, self.source, raw, schema, self.day, copies).rows

        refuse_doubled(parquet(spark.read, written), read, self.raw, *key, self.day)

    def refused(self, error: Exception) -> VintageError:
        """Return what the files themselves show, else what Spark says of them."""
        return unreadable(self.source, self.raw, self.day, error)


def find_batch(pipeline: Pipeline, source: Source, day: date, *, fresh: bool) -> RawBatch | None:
    """Return where the date's rows are; None where nothing has been delivered, which a database cannot tell.

    Args:
        pipeline: knows the home of its paths.
        source: one of its sources.
        day: the date.
        fresh: whether a database is asked again for a date that has a snapshot.

    Raises:
        DataError: a raw file is empty.
        EnvironmentProblem: a connection is not known.
    """
    if source.is_jdbc:
        return raw_table(pipeline, source, day, fresh=fresh)
    path = pipeline.source_path(day, source)
    raw = list_raw_files(path, day)
    return None if raw is None else FileDelivery(source, path, raw, day)


def foreseen(delivery: RawBatch, work: Callable[[], T]) -> T:
    """Run work of Spark; translate its errors as the delivery explains them, except a full disk.

    What reads files beside Spark fails as Python does: packing that is cut short, a value that Python lacks.
    """
    from py4j.protocol import Py4JJavaError
    from pyspark.errors import PySparkException

    try:
        return work()
    except (PySparkException, Py4JJavaError, OSError, EOFError, zlib.error, ValueError, ArithmeticError) as error:
        if disk_refusal(error):
            raise
        # Spark's own words may repeat what a database's driver said: they are not carried along.
        raise delivery.refused(error) from None
