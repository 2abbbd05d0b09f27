"""Where raw rows are, files by path or a table of a database, and which of them are a date's."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Mapping, Sequence
from typing import Annotated, Final, Literal

from pydantic import Field, Strict, field_validator, model_validator

from vintage.spec import date_in_text
from vintage.spec.base import Dated, Ddl, Listed, ScalarText, SpecModel, Text, refusal
from vintage.spec.database_query import is_table, query_problem
from vintage.spec.ddl import Column, parse_ddl
from vintage.spec.names import did_you_mean
from vintage.spec.reader_options import IN_PARALLEL
from vintage.spec.secret_names import holds_secret

JDBC: Final = "jdbc"
HOME: Final = "{home}"
LAST_YEAR: Final = 9999

_FORMATS: Final = (
    *("csv", "json", "parquet", "orc", "text", "xml", "avro"),
    *("binaryFile", "image", "libsvm", JDBC),
)
# These formats have the same columns whatever is in the files.
_FIXED_SCHEMAS: Final[Mapping[str, str]] = {
    "binaryfile": "path STRING, length BIGINT, content BINARY",
    "image": "image STRUCT<origin: STRING, height: INT, width: INT, nChannels: INT, mode: INT, data: BINARY>",
    "libsvm": "label DOUBLE, features VECTOR",
}
_NESTED: Final = ("ARRAY", "MAP", "STRUCT")
_DAYS: Final = ("DATE", "TIMESTAMP", "TIMESTAMP_NTZ", "TIMESTAMP_LTZ", "STRING")
_CONNECTION: Final = re.compile(r"[A-Za-z][A-Za-z0-9_.-]*")
_IN_DATABASE: Final = ("connection", "url", "table", "query", "reread_days")
# The database of an embedded URL, and what may stand behind it: no attribute makes, drops or restores one.
_ATTRIBUTE: Final = re.compile(r"[;?&]\s*([^=;?&]+)")
_OPEN_ATTRIBUTES: Final = frozenset({"territory", "collation", "shutdown_hook", "timezone", "ssl", "sslmode"})
_OF_SPARK: Final = re.compile(r"(?:org\.apache\.spark\.|com\.databricks\.spark\.).*", re.IGNORECASE)


def connection_variable(name: str) -> str:
    """Return the environment variable that holds a connection; Airflow's own name for it."""
    return f"AIRFLOW_CONN_{name.upper()}"


class Source(SpecModel):
    """Where a date's raw rows are, and how Spark reads them."""

    format: Annotated[
        Text,
        Field(description="A Spark reader's name: csv, json, parquet, orc, text, jdbc, image, …"),
    ]
    path: Annotated[
        Dated | None,
        Field(
            description="The file or folder of one date. `{date}` becomes the partition date, 2013-02-28, "
            "and `{date:%Y%m%d}` 20130228; directives are %Y %m %d %y %j %-m %-d. "
            "A relative path is under VINTAGE_HOME. Without `{date}` all of it is the run's date.",
            examples=["data/raw/flights/date={date}"],
        ),
    ] = None
    connection: Annotated[
        Text | None,
        Field(
            description="jdbc: the name of the Airflow connection that holds URL, user and password; without "
            "Airflow the environment variable AIRFLOW_CONN_<NAME> holds them.",
            examples=["warehouse"],
        ),
    ] = None
    url: Annotated[
        Text | None,
        Field(
            description="jdbc: the URL of an embedded database that asks for no password, instead of "
            "`connection`. `{home}` becomes VINTAGE_HOME.",
            examples=["jdbc:derby:{home}/data/raw/flights_db"],
        ),
    ] = None
    table: Annotated[
        Text | None, Field(description="jdbc: a table or view, as the database's SQL names it.")
    ] = None
    query: Annotated[
        Dated | None,
        Field(
            description="jdbc: a query in the database's own SQL. `{date}` becomes the partition date, "
            "`{date:%Y%m%d}` the same in another form.",
            examples=["SELECT * FROM flights WHERE day = DATE '{date}'"],
        ),
    ] = None
    date_column: Annotated[
        Text | None,
        Field(
            description="The column whose day is the partition date: a DATE, a TIMESTAMP (in UTC), or a "
            "text that begins with the day (YYYY-MM-DD)."
        ),
    ] = None
    undated_rows: Annotated[
        Literal["allow"] | Annotated[int, Field(ge=0)],
        Field(
            description="With date_column: how many rows without a day a delivery may hold. They belong to "
            "no date; more of them are refused. `allow`: any number. None when left out.",
        ),
    ] = 0
    reread_days: Annotated[
        int | None,
        Field(
            ge=0,
            description="jdbc: so many dates up to and including the run's own are read again though they "
            "have a snapshot. 1 when left out, and 0 for a table that is not dated.",
        ),
    ] = None
    options: Annotated[
        dict[str, ScalarText],
        Field(description="The reader's options in Spark's own names: header, sep, nullValue, fetchsize, …"),
    ] = Field(default_factory=dict)
    schema_ddl: Annotated[
        Ddl | None,
        Field(
            alias="schema",
            description="The columns as Spark writes them: `flight INT, carrier STRING`. "
            "A file or table with others is refused. Without it the first snapshot infers one, and later "
            "dates are held to that.",
        ),
    ] = None

    partition_columns: Annotated[
        Listed[Text],
        Field(
            description="Columns in the names of folders below a date, `region=eu`, and not in "
            "the files. They are STRING unless `schema`, which names them too, has another type.",
            examples=[["region"]],
        ),
    ] = ()
    years: Annotated[
        Annotated[tuple[int, int], Strict(False)] | None,
        Field(
            description="The first and the last year that a date can have: one outside is refused, because "
            "it was most likely written in another way than it is read. 1900 to 2200 when left out.",
            examples=[[1900, 9999]],
        ),
    ] = None

    @field_validator("years")
    @classmethod
    def _years_in_order(cls, value: tuple[int, int] | None) -> tuple[int, int] | None:
        if value is not None and not 1 <= value[0] <= value[1] <= LAST_YEAR:
            raise refusal("source.years is no range of years", expected="for example [1900, 9999]")
        return value

    @field_validator("format")
    @classmethod
    def _known_format(cls, value: str) -> str:
        known = {name.lower(): name for name in _FORMATS}
        if _OF_SPARK.fullmatch(value):
            raise refusal(
                f'format "{value}" is one of Spark\'s own by another name', expected=", ".join(_FORMATS)
            )
        if value.lower() not in known and "." not in value:
            hint = did_you_mean(value, _FORMATS)
            if hint:
                raise refusal(f'unknown format "{value}"', hint=hint)
        return known.get(value.lower(), value)

    @field_validator("connection")
    @classmethod
    def _connection_name(cls, value: str | None) -> str | None:
        if value is not None and not _CONNECTION.fullmatch(value):
            raise refusal(
                "source.connection is no name of a connection",
                expected="the name alone, such as warehouse; URL, user and password belong to the connection",
            )
        return value

    @field_validator("url")
    @classmethod
    def _url_without_secret(cls, value: str | None) -> str | None:
        if value is None:
            return None
        if not value.lower().startswith("jdbc:"):
            raise refusal(
                "source.url is no JDBC URL", expected="for example jdbc:derby:{home}/data/raw/flights_db"
            )
        if holds_secret(value) or "@" in value or re.search(r"\buser\s*=", value, re.IGNORECASE):
            raise refusal(
                "source.url holds a user or a password",
                expected="the key connection, whose URL, user and password the environment or Airflow holds",
            )
        for name in _ATTRIBUTE.findall(value):
            if name.strip().lower() not in _OPEN_ATTRIBUTES:
                raise refusal(
                    f"source.url may not set {name.strip()}",
                    expected="the place of an existing database; a source is only read",
                )
        return value

    @field_validator("path")
    @classmethod
    def _path_without_secret(cls, value: str | None) -> str | None:
        if value is not None and "://" in value and holds_secret(value):
            raise refusal(
                "source.path holds a secret", expected="secrets in the environment, never in a file"
            )
        return value

    @field_validator("table")
    @classmethod
    def _is_table(cls, value: str | None) -> str | None:
        if value is not None and not is_table(value):
            raise refusal(f"source.table {value!r} is no name of a table", expected="a name; SQL is a query")
        return value

    @field_validator("query")
    @classmethod
    def _repeatable_query(cls, value: str | None) -> str | None:
        what, instead = ("", "") if value is None else query_problem(value)
        if what:
            raise refusal(f"source.query {what}", hint=instead)
        return value

    @model_validator(mode="after")
    def _fits_format(self) -> Source:
        if self.is_jdbc:
            self._check_database()
        else:
            self._check_files()
        names = [column.name.casefold() for column in self.columns or ()]
        self._check_partition_columns(names)
        if self.date_column is not None and names and self.date_column.casefold() not in names:
            raise refusal(f'the schema lacks the date_column "{self.date_column}"')
        for column in self.columns or ():
            if column.name.casefold() == (self.date_column or "").casefold() and column.type not in _DAYS:
                raise refusal(
                    f'the date_column "{column.name}" has no day',
                    expected=f"one of type {', '.join(_DAYS)}",
                    found=column.type,
                )
        lacking = date_in_text.lacking(self._dated_text) if self._dated_by_text else ""
        if lacking and self.date_column is None:
            raise refusal(
                f"the source's path or query leaves the {lacking} open: several dates would read the same",
                expected="year, month and day, such as {date:%Y}/{date:%m}/{date:%d}, or a date_column too",
            )
        if self.date_column is not None and self._dated_by_text and not lacking:
            raise refusal("the source is dated twice", expected="either {date} or date_column")
        if self.date_column is None and self.undated_rows:
            raise refusal("source.undated_rows needs a date_column", expected="it beside date_column")
        return self

    def _check_partition_columns(self, names: Sequence[str]) -> None:
        if self.partition_columns and self.is_jdbc:
            raise refusal("source.partition_columns is of files alone", found="format jdbc")
        for column in self.partition_columns:
            if "=" in column or "/" in column:
                raise refusal(
                    f'source.partition_columns has "{column}"', expected="a column, the name before the ="
                )
            if len([each for each in self.partition_columns if each.casefold() == column.casefold()]) > 1:
                raise refusal(f'source.partition_columns has "{column}" twice', expected="each column once")
            if names and column.casefold() not in names:
                raise refusal(
                    f'the schema lacks the partition column "{column}"',
                    expected=f"also {column}, such as {column} STRING: the schema has every column",
                )

    def _check_files(self) -> None:
        if self.path is None:
            raise refusal('key "source.path" is missing', hint="The file or folder of one date")
        meant = date_in_text.meant_as_date(self.path)
        if meant:
            raise refusal(
                f'source.path has "{meant}", which stands for no date', expected=date_in_text.ALLOWED
            )
        for name in _IN_DATABASE:
            if getattr(self, name) is not None:
                raise refusal(f"source.{name} is of format jdbc alone", found=f"format {self.format}")
        nested = [each.name for each in self.columns or () if each.type.startswith(_NESTED)]
        if self.format == "csv" and nested:
            raise refusal(
                f'column "{nested[0]}" cannot stand in CSV: a field of it holds one value',
                expected="STRING, and from_json or split in preprocess.sql",
            )
        fixed = _FIXED_SCHEMAS.get(self.format.lower())
        if fixed is not None and self.schema_ddl is not None:
            raise refusal(
                f"format {self.format} has columns of its own", expected="no schema", hint=f"it is {fixed}"
            )
        if self.format == "libsvm" and "numfeatures" not in {name.lower() for name in self.options}:
            raise refusal(
                "source.options.numFeatures is missing",
                expected="the length of the vectors: Spark would take the highest index of each date's file",
            )

    def _check_database(self) -> None:
        if self.path is not None:
            raise refusal("format jdbc reads no path", expected="connection, and table or query")
        for one, other in (("connection", "url"), ("table", "query")):
            if (getattr(self, one) is None) == (getattr(self, other) is None):
                raise refusal(f"format jdbc needs one of {one} and {other}", expected=f"for example {one}")
        given = {name.lower() for name in self.options}
        parallel = [name for name in IN_PARALLEL if name.lower() in given]
        if parallel and len(parallel) < len(IN_PARALLEL):
            missing = [name for name in IN_PARALLEL if name not in parallel]
            raise refusal(
                f"source.options lacks {', '.join(missing)}",
                expected=f"{', '.join(IN_PARALLEL)} together, or none of them",
            )

    @property
    def is_jdbc(self) -> bool:
        """Whether the rows come from a database."""
        return self.format == JDBC

    @property
    def awaited(self) -> bool:
        """Whether it is a database's, of which a date can have no rows yet."""
        return self.is_jdbc and self.dated

    @property
    def dated(self) -> bool:
        """Whether each date has rows of its own; if not, all there is stands for the run's date."""
        return self._dated_by_text or self.date_column is not None

    @property
    def _dated_by_text(self) -> bool:
        return date_in_text.is_dated(self._dated_text)

    @property
    def _dated_text(self) -> str:
        return self.path or self.query or ""

    @property
    def days_read_again(self) -> int:
        """How many dates up to the run's own are read though they have a snapshot."""
        return int(self.dated) if self.reread_days is None else self.reread_days

    @property
    def fixed_schema(self) -> str | None:
        """The columns that every delivery has: those declared, or those of the format; None when inferred."""
        own = _FIXED_SCHEMAS.get(self.format.lower(), "value STRING" if self.format == "text" else None)
        if self.schema_ddl is None and own is not None:
            return ", ".join([own, *(f"`{name}` STRING" for name in self.partition_columns)])
        return self.schema_ddl

    @property
    def columns(self) -> tuple[Column, ...] | None:
        """The columns of every delivery; None where the first one tells."""
        return None if self.fixed_schema is None else parse_ddl(self.fixed_schema, vectors=True)

    @property
    def column_names(self) -> tuple[str, ...] | None:
        """The names of those columns."""
        return None if self.columns is None else tuple(column.name for column in self.columns)

    @property
    def value_options(self) -> dict[str, str]:
        """The options that can change a value; how many readers share the work cannot."""
        speed = {name.lower() for name in (*IN_PARALLEL, "fetchsize")} if self.is_jdbc else set()
        return {name: value for name, value in self.reader_options.items() if name.lower() not in speed}

    @property
    def reader_options(self) -> dict[str, str]:
        """The reader's options; of CSV, a quote inside quotes is doubled unless they say otherwise."""
        given = {name.lower(): value for name, value in self.options.items()}
        if self.format != "csv" or "escape" in given:
            return dict(self.options)
        return {"escape": given.get("quote", '"')} | self.options

    def relation(self, date: dt.date) -> str:
        """Return what stands after FROM in the database: the table, or the query for a date in brackets."""
        if self.query is None:
            return str(self.table)
        # Not every database takes AS before a table's alias.
        query = date_in_text.filled(self.query, date)
        return f"({query.strip().rstrip(';')}) vintage_source"

    @property
    def described(self) -> str:
        """The source in a few words, without a secret."""
        if not self.is_jdbc:
            return f"`{self.path}` ({self.format})"
        place = f"connection {self.connection}" if self.connection else str(self.url)
        return f"`{self.table or 'query'}` of {place} (jdbc)"


class JoinedSource(Source):
    """A further source, which the SQL reads as a view of its own name."""

    expectations: Annotated[
        Text | None,
        Field(description="What must hold for its rows: the suite expectations/<this>.yaml."),
    ] = None
