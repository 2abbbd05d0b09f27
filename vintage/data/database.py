"""Reads a date's rows from a database by JDBC, held to the contract; no text of it tells a secret."""

from __future__ import annotations

import os
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

from vintage.errors import DataError, EnvironmentProblem, VintageError, first_line
from vintage.data.blame import Blame
from vintage.data.checked import CORRUPT, plausible_rows
from vintage.data.connection import Login, embedded, login_of
from vintage.data.contract import check_columns, check_unique, schema_text, struct_of
from vintage.data.database_types import is_changed, is_time, meant_by_text, require_whole
from vintage.data.lossless import converted
from vintage.data.reader import RawRows
from vintage.data.strict import YEARS, Forms
from vintage.data.undated import UNDATED, examples, has_no_day, on_day, require_dated
from vintage.store.fingerprint import quoted

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping
    from datetime import date
    from pathlib import Path

    from pyspark.sql import DataFrame, SparkSession
    from pyspark.sql.types import StructType

    from vintage.spec import Pipeline, Source

# SQLSTATE classes, as the SQL standard has them: https://www.postgresql.org/docs/current/errcodes-appendix.html
_NO_LOGIN: Final = ("28", "08004")
_NO_SERVER: Final = ("08", "57P", "53", "XJ040", "XJ041", "XJ004")


@dataclass(frozen=True)
class RawTable:
    """One date's rows in a database, not read yet.

    Attributes:
        source: says which table or query, and which rows of it are the date's.
        login: where it is.
        day: the date.
        fresh: whether to read again a date that has a snapshot.
    """

    source: Source
    login: Login
    day: date
    fresh: bool

    @property
    def place(self) -> str:
        """What is read, for a message."""
        where = f"connection {self.login.name}" if self.login.name else str(self.source.url)
        return f"{f'table {self.source.table}' if self.source.table else 'the query'} of {where}"

    @property
    def parts(self) -> int:
        """Into how many files its rows are written: no fewer than are read at once."""
        given = {name.lower(): value for name, value in self.source.options.items()}
        return int(given.get("numpartitions", 1))

    def note(self) -> dict[str, Any]:
        """Return what to remember beside the snapshot: what was asked, without where."""
        asked = {"relation": self.source.relation(self.day), "date_column": self.source.date_column}
        return {"asked": {name: value for name, value in asked.items() if value}}

    def facts(self) -> dict[str, Any]:
        """Return what the manifest records of it."""
        return {"connection": self.login.name or str(self.source.url), **self.note()["asked"]}

    def stands(self, note: Mapping[str, Any], rows: int) -> bool:
        """Return whether a snapshot of that many rows need not be taken again.

        A database has no files to watch: a date is read again as often as `reread_days` says, and as long as
        it had no rows.
        """
        return not self.fresh and rows > 0 and bool(note.get("asked") == self.note()["asked"])

    def infer(self, spark: SparkSession, scratch: Path) -> str:
        """Return the schema of the table or query as DDL."""
        from pyspark.sql.types import StringType

        found = self._load(spark).schema
        check_unique(found.names, day=self.day, where=self.place)
        for field in found.fields:
            if is_time(field):
                field.dataType = StringType()
        return schema_text(found)

    def has_rows(self, spark: SparkSession) -> bool:
        """Return whether the date has a row at least."""
        frame = self._load(spark)
        if self.source.date_column is not None:
            frame = frame.where(on_day(frame.schema, self.source.date_column, self.day))
        return not frame.isEmpty()

    def read(self, spark: SparkSession, schema_ddl: str, scratch: Path) -> RawRows:
        """Return the date's rows under the contract; a database's case is ignored.

        Raises:
            DataError: the columns are not those of the contract.
        """
        from pyspark.sql import functions as F
        from pyspark.sql.types import StructType

        declared = struct_of(schema_ddl)
        found: StructType = self._load(spark).schema
        check_unique(found.names, day=self.day, where=self.place)
        require_whole(found.fields, self._partitioned_by, self.day, self.place)
        ours = {name.casefold(): name for name in declared.names}
        texts = [ours.get(name.casefold(), name) for name in self._read_as_text(found)]
        named = StructType.fromJson(found.jsonValue())
        for field in named.fields:
            field.name = ours.get(field.name.casefold(), field.name)
            if field.name in texts and field.name in declared.names:
                field.dataType = meant_by_text(field, declared[field.name].dataType)
        named = StructType(named.fields)
        check_columns(declared, named, typed=True, day=self.day, where=self.place)
        frame = every = self._load(spark, texts)
        dated = (self.source.date_column or "").casefold()
        if dated in map(str.casefold, texts):
            # Spark hands no condition on a moment that it reads as a text on to the database.
            [moment] = [name for name in found.names if name.casefold() == dated]
            frame = self._load(spark, texts, self._on_day(spark, moment))
        elif dated:
            frame = frame.where(on_day(named, dated, self.day))
        kept = []
        for field in declared.fields:
            theirs = named[field.name].dataType
            column = F.col(quoted(field.name))
            if field.name not in texts:
                column = converted(column, theirs, theirs, field.dataType)
            kept.append(column.alias(field.name))
        rows = frame.select(*kept, F.lit(None).cast("string").alias(CORRUPT))
        forms = Forms(years=self.source.years or YEARS)
        checked = plausible_rows(rows, declared, forms, texts=texts)
        blame = Blame(self.source, declared, self.day)
        return RawRows(checked.rows, declared, lambda count: blame.error([checked], count), every)

    def check(self, spark: SparkSession, incoming: RawRows, observed: Mapping[str, Any]) -> Mapping[str, Any]:
        """Check that every date is plausible and every row has a day, unless otherwise declared."""
        if observed["corrupt"]:
            raise incoming.refusal(observed["corrupt"])
        name = self.source.date_column
        if name is None or incoming.every is None:
            return {}
        count = incoming.every.where(has_no_day(incoming.schema, name)).count()
        if count:
            shown = examples(incoming.every, incoming.schema, name)
            require_dated(self.source, count, self.place, found=shown)
        return {UNDATED: count}

    def refused(self, error: Exception) -> VintageError:
        """Return what a driver's error means, told without URL, user or password."""
        state, words, missing = _cause(error)
        words = self.login.without_secrets(words)
        if missing:
            return EnvironmentProblem(
                f"the JDBC driver of {self.place} is not on Spark's class path",
                expected=self.login.driver or "the class in source.options.driver, or a driver for the URL",
                found=words,
                fix="Name its jar in the pipeline: spark: {conf: {spark.jars: /path/to/driver.jar}}.",
            )
        if state.startswith(_NO_LOGIN):
            return EnvironmentProblem(
                f"the database of {self.place} refuses the login",
                found=words,
                fix="Correct login and password of the connection.",
            )
        if state.startswith(_NO_SERVER):
            return EnvironmentProblem(
                f"the database of {self.place} cannot be reached",
                found=words,
                fix="Look whether it runs, and at the connection's URL.",
            )
        return DataError(
            f"{self.place} cannot be read for {self.day}",
            expected="a table or query that the database can answer",
            found=words,
            fix="Correct source.table or source.query, or what the database holds; nothing of it was used.",
        )

    @property
    def _partitioned_by(self) -> str:
        """Return the casefolded name of the column by which tasks share the rows; empty without one."""
        given = {name.lower(): value for name, value in self.source.options.items()}
        return str(given.get("partitioncolumn", "")).casefold()

    def _read_as_text(self, found: StructType) -> list[str]:
        """Return the columns that are read as text because Spark would change their values."""
        return [
            field.name
            for field in found.fields
            if is_changed(field) and field.name.casefold() != self._partitioned_by
        ]

    def _on_day(self, spark: SparkSession, column: str) -> str:
        """Return the SQL condition that a moment lies on the date, as Spark writes it for this database."""
        java: Any = spark._jvm
        dialect = java.org.apache.spark.sql.jdbc.JdbcDialects.get(self.login.url)
        name = dialect.quoteIdentifier(column)
        first, after = (
            dialect.compileValue(java.java.sql.Timestamp.valueOf(f"{each} 00:00:00"))
            for each in (self.day, self.day + timedelta(days=1))
        )
        return f"{name} >= {first} AND {name} < {after}"

    def _load(self, spark: SparkSession, texts: Collection[str] = (), condition: str = "") -> DataFrame:
        """Return the rows that fulfil a condition, with some columns as the driver's text."""
        relation = self.source.relation(self.day)
        if condition:
            relation = f"(SELECT * FROM {relation} WHERE {condition}) vintage_date"
        options = {**self.source.options, **self.login.options(), "dbtable": relation}
        options |= {name: value for name, value in self.source.options.items() if name.lower() == "driver"}
        if texts:
            options["customSchema"] = ", ".join(f"{quoted(name)} STRING" for name in texts)
        return spark.read.format("jdbc").options(**options).load()


def raw_table(pipeline: Pipeline, source: Source, day: date, *, fresh: bool) -> RawTable:
    """Return a date's rows in the source's database.

    Raises:
        EnvironmentProblem: the connection is not known.
    """
    if source.connection is None:
        return RawTable(source, embedded(pipeline.database_url(source)), day, fresh)
    return RawTable(source, login_of(source.connection, os.environ), day, fresh)


def _cause(error: Exception) -> tuple[str, str, bool]:
    """Return SQLSTATE and message of the SQLException in a Spark error, and whether a class was missing."""
    java = getattr(error, "java_exception", None) or getattr(error, "_origin", None)
    words, state, missing = first_line(error), "", False
    while java is not None:
        name = str(java.getClass().getName())
        text = str(java.getMessage() or name)
        if hasattr(java, "getSQLState") and "SQLException" in _ancestors(java):
            state, words = str(java.getSQLState() or ""), text.splitlines()[0]
        elif not state:
            words = text.splitlines()[0]
        missing = missing or "ClassNotFound" in name or "No suitable driver" in text
        java = java.getCause()
    return state, words, missing


def _ancestors(java: Any) -> str:
    names, kind = "", java.getClass()
    while kind is not None:
        names += f" {kind.getName()}"
        kind = kind.getSuperclass()
    return names
