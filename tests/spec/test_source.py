"""A source says clearly where rows are, or is refused with its line; a secret has no place in it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from vintage.data.connection import embedded, login_of
from vintage.errors import EnvironmentProblem, SpecError
from vintage.spec import load_pipeline

if TYPE_CHECKING:
    from collections.abc import Callable

    from vintage.spec import Home

    HomeWith = Callable[..., Home]

FILES = """  format: csv
  path: raw/{date}
  options: {header: true, samplingRatio: 0.5}
"""
SCHEMA = "  schema: id INT, bill DOUBLE, tip DOUBLE, day STRING\n"


def jdbc(text: str) -> tuple[str, str]:
    return FILES, f"  format: jdbc\n{text}"


@pytest.mark.parametrize(
    ("text", "dated", "days"),
    [
        ("  connection: shop\n  table: tips\n", False, 0),
        ("  connection: shop\n  table: tips\n  date_column: day\n", True, 1),
        ("  connection: shop\n  query: SELECT * FROM tips WHERE d = DATE '{date}'\n", True, 1),
        ("  url: jdbc:derby:{home}/db\n  table: tips\n  reread_days: 3\n", False, 3),
    ],
)
def test_a_table_is_dated_by_column_or_query(home_with: HomeWith, text: str, dated: bool, days: int) -> None:
    # Without dates there are neither other dates nor a split by them.
    alone = [(", min_days: 4", ""), ("{by: date, test_days: 3}", "{by: key, test_fraction: 0.5}")]
    source = load_pipeline(home_with(jdbc(text), *alone), "tips").source
    assert source.dated is dated
    assert source.days_read_again == days


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("  table: tips\n", "needs one of connection and url"),
        ("  connection: shop\n  url: jdbc:derby:x\n  table: tips\n", "needs one of connection and url"),
        ("  connection: shop\n", "needs one of table and query"),
        ("  connection: shop\n  table: tips\n  path: raw\n", "format jdbc reads no path"),
        ("  connection: postgresql://u:p@h/db\n  table: tips\n", "no name of a connection"),
        ("  url: jdbc:postgresql://u:p@h/db\n  table: tips\n", "holds a user or a password"),
        ("  url: jdbc:derby:db;password=x\n  table: tips\n", "holds a user or a password"),
        ("  connection: shop\n  table: tips\n  options: {password: x}\n", "options may not set password"),
        ("  connection: shop\n  table: tips\n  options: {user: x}\n", "options may not set user"),
        ("  connection: shop\n  table: tips\n  options: {dbtable: x}\n", "options may not set dbtable"),
        (
            "  connection: shop\n  table: tips\n  options: {numPartitions: 4, lowerBound: 0}\n",
            "lacks partitionColumn, upperBound",
        ),
        ("  connection: shop\n  query: SELECT * FROM tips WHERE d = CURRENT_DATE\n", "write {date}"),
        ("  connection: shop\n  query: SELECT * FROM tips WHERE random() < 0.1\n", "uses random"),
        ("  connection: shop\n  query: SELECT TOP 10 * FROM tips\n", "uses SELECT TOP without ORDER BY"),
        ("  connection: shop\n  query: SELECT * FROM t FETCH FIRST 3 ROWS ONLY\n", "uses FETCH FIRST"),
        ("  connection: shop\n  query: SELECT '{day}' FROM tips\n", "{day} has no meaning"),
        (
            "  connection: shop\n  query: SELECT * FROM t WHERE d = '{date}'\n  date_column: day\n",
            "dated twice",
        ),
        ("  connection: shop\n  table: tips\n  date_column: night\n", 'lacks the date_column "night"'),
        *(
            (f"  connection: shop\n  table: tips\n  options: {{{option}}}\n", told)
            for option, told in (
                (
                    "sessionInitStatement: DELETE FROM tips",
                    "may not set sessionInitStatement; expected options that",
                ),
                ("SESSIONINITSTATEMENT: DELETE FROM tips", "a source is never written"),
                ("prepareQuery: CREATE TABLE x (a INT)", "a source is never written"),
                ("truncate: true", "a source is never written"),
                ("socketFactory: evil.Factory", "documents for reading jdbc"),
                ("sessionVariables: sql_mode=ANSI", "documents for reading jdbc"),
                ("allowMultiQueries: true", "documents for reading jdbc"),
                ("loggerFile: /etc/passwd", "documents for reading jdbc"),
                ("readOnly: false", "documents for reading jdbc"),
                ("fetchSise: 10", 'did you mean "fetchsize"?'),
                ("keytab: /etc/x.keytab", "never in a file"),
                ("ApplicationName: token=abc", "never in a file"),
            )
        ),
        *(
            (f"  connection: shop\n  query: {query}\n", told)
            for query, told in (
                ("DELETE FROM tips", "does not begin with SELECT"),
                ("SELECT 1 AS a) x; DELETE FROM tips; --", "ends a bracket"),
                ("SELECT 1 AS a; DELETE FROM tips", "more than one statement"),
                (
                    "WITH d AS (DELETE FROM tips RETURNING *) SELECT * FROM d",
                    "uses DELETE FROM, which writes",
                ),
                ("WITH d AS (update tips t set a = 1 returning *) SELECT * FROM d", "which writes or locks"),
                ("SELECT nextval('s') AS a", "uses nextval, which writes"),
                ("SELECT * FROM tips FOR UPDATE", "uses FOR UPDATE"),
                ("SELECT * FROM tips INTO OUTFILE '/x'", "uses INTO OUTFILE"),
                ("SELECT (1 AS a", "leaves a bracket open"),
                ("\"SELECT E'\\\\' AS a, 1 AS b FROM t\"", "at different places"),
            )
        ),
        ("  connection: shop\n  table: (DELETE FROM tips RETURNING *) t\n", "no name of a table"),
        ("  connection: shop\n  table: tips; DELETE FROM tips\n", "no name of a table"),
        ("  url: jdbc:derby:db;create=true\n  table: tips\n", "may not set create"),
        ("  url: jdbc:h2:db;INIT=RUNSCRIPT FROM 'x'\n  table: tips\n", "may not set INIT"),
        ("  url: jdbc:postgresql://h/db?socketFactory=x\n  table: tips\n", "may not set socketFactory"),
    ],
)
def test_a_table_that_is_not_said_clearly(home_with: HomeWith, text: str, told: str) -> None:
    with pytest.raises(SpecError) as refused:
        load_pipeline(home_with(jdbc(text)), "tips")
    assert told in str(refused.value)
    assert "pipelines/tips.yaml:" in str(refused.value)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("  format: csv\n", 'key "source.path" is missing'),
        ("  format: csv\n  path: raw\n  table: tips\n", "source.table is of format jdbc alone"),
        ("  format: csv\n  path: raw\n  options: {mode: DROPMALFORMED}\n", "hide no rows"),
        ("  format: csv\n  path: raw\n  options: {pathGlobFilter: '*.csv'}\n", "hide no files"),
        (
            "  format: csv\n  path: raw\n  options: {nulValue: x}\n",
            "tips.yaml:7: source.options may not set nulValue; ",
        ),
        ("  format: csv\n  path: raw\n  options: {fetchsize: 10}\n", "documents for reading csv"),
        ("  format: parquet\n  path: raw\n  options: {header: true}\n", "documents for reading parquet"),
        ("  format: xml\n  path: raw\n  options: {rowValidationXSDPath: /x}\n", "name no other file"),
        ("  format: delta\n  path: raw\n  options: {ignoreCorruptFiles: true}\n", "hide no files"),
        ("  format: delta\n  path: raw\n  options: {sfPassword: x}\n", "never in a file"),
        ("  format: org.apache.spark.sql.jdbc\n  path: raw\n", "of Spark's own by another name"),
        ("  format: com.databricks.spark.csv\n  path: raw\n", "of Spark's own by another name"),
        ("  format: csv\n  path: s3a://key:hush@bucket/x\n", "source.path holds a secret"),
        ("  format: csv\n  path: https://a.example/x?sig=abc\n", "source.path holds a secret"),
        ("  format: image\n  path: raw\n", "has columns of its own"),
    ],
)
def test_files_that_are_not_said_clearly(home_with: HomeWith, text: str, told: str) -> None:
    with pytest.raises(SpecError) as refused:
        load_pipeline(home_with((FILES, text)), "tips")
    assert told in str(refused.value)


def test_libsvm_says_how_long_its_vectors_are(home_with: HomeWith) -> None:
    with pytest.raises(SpecError, match="numFeatures is missing"):
        load_pipeline(home_with((FILES + SCHEMA, "  format: libsvm\n  path: raw/{date}\n")), "tips")


URI = "AIRFLOW_CONN_SHOP"


@pytest.mark.parametrize(
    ("text", "url", "user", "password"),
    [
        (
            '{"conn_type": "jdbc", "host": "jdbc:h2:mem:x", "login": "ann", "password": "a/b"}',
            "jdbc:h2:mem:x",
            "ann",
            "a/b",
        ),
        ("postgresql://ann:a%2Fb@db:5433/shop", "jdbc:postgresql://db:5433/shop", "ann", "a/b"),
        (
            '{"conn_type": "postgres", "host": "db", "schema": "shop", "login": "ann", "password": "hush"}',
            "jdbc:postgresql://db/shop",
            "ann",
            "hush",
        ),
        ("jdbc://ann:hush@jdbc%3Aderby%3Adb", "jdbc:derby:db", "ann", "hush"),
    ],
)
def test_a_connection_as_airflow_writes_it(text: str, url: str, user: str, password: str) -> None:
    login = login_of("shop", {URI: text})
    assert (login.url, login.user, login.password) == (url, user, password)
    assert password not in repr(login)
    assert url not in repr(login)


@pytest.mark.parametrize(
    "text",
    [
        '{"conn_type": "jdbc", "host": "jdbc:x:y?user=ann&password=hush"}',
        '{"conn_type": "jdbc", "host": "jdbc:x://ann:hush@db/shop"}',
        '{"conn_type": "ftp", "host": "db", "password": "hush"}',
        '{"conn_type": "jdbc", "password": "hush"',
        "postgresql://ann:hush@db:port/shop",
        '["hush"]',
    ],
)
def test_a_connection_that_cannot_be_used_is_not_quoted(text: str) -> None:
    with pytest.raises(EnvironmentProblem, match="'shop' cannot be used") as refused:
        login_of("shop", {URI: text})
    assert "hush" not in str(refused.value)
    assert refused.value.__cause__ is None
    assert refused.value.__suppress_context__ or refused.value.__context__ is None


def test_a_driver_s_words_are_told_without_secrets() -> None:
    login = login_of("shop", {URI: "postgresql://ann:a%2Fb@db/shop"})
    words = login.without_secrets("no jdbc:postgresql://db/shop for ann with a/b, that is a%2Fb")
    assert words == "no *** for *** with ***, that is ***"


@pytest.mark.parametrize(
    ("url", "options"),
    [
        ("jdbc:postgresql://db/shop", {"readOnly": "true", "readOnlyMode": "always"}),
        ("jdbc:mysql://db/shop", {"sessionInitStatement": "SET SESSION TRANSACTION READ ONLY"}),
        ("jdbc:sqlite:shop.db", {"open_mode": "1"}),
    ],
)
def test_a_session_is_read_only_where_that_can_be_asked_for(url: str, options: dict[str, str]) -> None:
    assert options.items() <= embedded(url).options().items()


@pytest.mark.parametrize(
    "text",
    [
        '  connection: shop\n  table: sales."Tips of a day"\n',
        "  connection: shop\n  table: '[dbo].[tips]'\n",
        "  connection: shop\n  query: SELECT 'a;b''); DELETE FROM x' AS c, \"update\" FROM tips;\n",
        "  connection: shop\n  query: (SELECT a FROM t) UNION ALL (SELECT a FROM u) -- both; all\n",
        "  connection: shop\n  table: tips\n  options: {sslmode: require, FETCHSIZE: 100}\n",
    ],
)
def test_what_reads_is_not_refused(home_with: HomeWith, text: str) -> None:
    alone = [(", min_days: 4", ""), ("{by: date, test_days: 3}", "{by: key, test_fraction: 0.5}")]
    assert load_pipeline(home_with(jdbc(text), *alone), "tips").source.is_jdbc


@pytest.mark.parametrize(
    ("path", "told"),
    [
        ("raw/{date:%Y}/{date:%m}", "leaves the day open"),
        ("raw/{date:%d}", "leaves the year open"),
        ("raw/{date:%Y-%d}", "leaves the month open"),
        ("raw/{date:%b %d %Y}", "%b in {date:%b %d %Y} is not known"),
        ("raw/{date:%Y%m%d%H}", "%H in {date:%Y%m%d%H} is not known"),
        ("raw/{date:yyyyMMdd}", "has no directive"),
        ("raw/{date:}", "has no directive"),
        ("raw/{Date}", "{Date} has no meaning"),
        ("raw/{date-1}", "{date-1} has no meaning"),
        ("raw/{ds}", "{ds} has no meaning"),
        ("raw/{day:%Y%m%d}", "{day:%Y%m%d} has no meaning"),
    ],
)
def test_another_form_of_the_date_is_refused(home_with: HomeWith, path: str, told: str) -> None:
    with pytest.raises(SpecError) as error:
        load_pipeline(home_with(("raw/{date}", f'"{path}"')), "tips")
    assert told in str(error.value)


def test_undated_rows_need_a_date_column(home_with: HomeWith) -> None:
    with pytest.raises(SpecError, match="undated_rows needs a date_column"):
        load_pipeline(home_with(("raw/{date}\n", "raw/{date}\n  undated_rows: allow\n")), "tips")


@pytest.mark.parametrize(
    ("columns", "told"),
    [
        ("[region=eu]", "the name before the ="),
        ("[size, SIZE]", 'has "size" twice'),
        ("[region]", 'the schema lacks the partition column "region"'),
    ],
)
def test_partition_columns_are_the_schemas(home_with: HomeWith, columns: str, told: str) -> None:
    with pytest.raises(SpecError, match=told):
        load_pipeline(home_with(("raw/{date}\n", f"raw/{{date}}\n  partition_columns: {columns}\n")), "tips")


def test_a_source_has_years_of_its_own(home_with: HomeWith) -> None:
    home = home_with(("raw/{date}\n", "raw/{date}\n  years: [1, 9999]\n"))
    assert load_pipeline(home, "tips").source.years == (1, 9999)
    with pytest.raises(SpecError, match="no range of years"):
        load_pipeline(home_with(("raw/{date}\n", "raw/{date}\n  years: [2024, 2023]\n")), "tips")
