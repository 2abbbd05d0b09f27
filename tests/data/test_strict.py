"""Texts of every type as values: in a strict form, or refused with what cures it. One Spark job for all."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

from vintage.data.blame import cure
from vintage.data.contract import struct_of
from vintage.data.strict import YEARS, Forms, value_of

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

pytestmark = pytest.mark.spark


@dataclass(frozen=True)
class Case:
    """One text of a CSV file.

    Attributes:
        kind: the declared type.
        text: what stands in the file.
        meant: the value as Spark writes it as a text; None when it is refused.
        cure: what the error tells to write, when it is refused.
        options: the reader's.
    """

    kind: str
    text: str
    meant: str | None
    cure: str
    options: dict[str, str]


def value(kind: str, text: str, meant: str | None = None, **options: str) -> Case:
    """A text that is read; as itself, if nothing else is meant."""
    return Case(kind, text, meant or text, "", options)


def no_value(kind: str, text: str, cure: str = "", **options: str) -> Case:
    """A text that is refused."""
    return Case(kind, text, None, cure, options)


NUMBERS = [
    value("INT", "7"),
    value("INT", "-7"),
    value("INT", "+7", "7"),
    value("INT", "007", "7"),
    value("TINYINT", "127"),
    value("BIGINT", "9223372036854775807"),
    no_value("INT", "2147483648", "BIGINT"),
    no_value("BIGINT", "9223372036854775808", "DECIMAL"),
    no_value("INT", " 7", "ignoreLeadingWhiteSpace: true"),
    no_value("INT", "7 ", "ignoreTrailingWhiteSpace: true"),
    no_value("INT", "1000.0", "declare it DOUBLE"),
    no_value("INT", "1e3", "declare it DOUBLE"),
    no_value("INT", "1,000"),
    no_value("INT", "n/a", "nullValue: 'n/a'"),
    no_value("INT", "٣"),
    value("DOUBLE", "12", "12.0"),
    value("DOUBLE", "12.", "12.0"),
    value("DOUBLE", ".5", "0.5"),
    value("DOUBLE", "-1e-3", "-0.001"),
    value("DOUBLE", "1E3", "1000.0"),
    value("DOUBLE", "NaN"),
    value("DOUBLE", "Inf", "Infinity"),
    value("DOUBLE", "-Infinity"),
    value("DOUBLE", "inf", "Infinity", positiveInf="inf"),
    value("FLOAT", "0.1"),
    no_value("DOUBLE", "12d"),
    no_value("DOUBLE", "12f"),
    no_value("DOUBLE", "0x1p3"),
    no_value("DOUBLE", "1_000"),
    no_value("DOUBLE", "1e400"),
    no_value("FLOAT", "1e39"),
    no_value("DOUBLE", "12 "),
    no_value("DOUBLE", "59,12", "locale: de-DE"),
    no_value("DOUBLE", "$12"),
    no_value("DOUBLE", "12%"),
    no_value("DOUBLE", "-", "nullValue"),
    no_value("DOUBLE", "1.2.3"),
    value("DECIMAL(10,2)", "59.12"),
    value("DECIMAL(10,2)", "59", "59.00"),
    value("DECIMAL(10,2)", "59.1000", "59.10"),
    value("DECIMAL(10,2)", ".5", "0.50"),
    value("DECIMAL(10,2)", "5.", "5.00"),
    value("DECIMAL(10,2)", "1e2", "100.00"),
    value("DECIMAL(10,0)", "5.0", "5"),
    no_value("DECIMAL(10,2)", "59,12", "locale: de-DE"),
    no_value("DECIMAL(10,2)", "1,234.50", "locale: en-US"),
    no_value("DECIMAL(10,2)", "59.125", "as many digits"),
    no_value("DECIMAL(10,2)", "1e-5"),
    no_value("DECIMAL(4,2)", "100.00"),
    no_value("DECIMAL(10,2)", "59.12d"),
    value("DECIMAL(10,2)", "59,12", "59.12", locale="de-DE"),
    value("DECIMAL(10,2)", "1.234,5", "1234.50", locale="de-DE"),
    no_value("DECIMAL(10,2)", "59.12", locale="de-DE"),
    value("DECIMAL(10,2)", "1,234.50", "1234.50", locale="en-US"),
    no_value("DECIMAL(10,2)", "59,12", locale="en-US"),
    value("BOOLEAN", "True", "true"),
    value("BOOLEAN", "false"),
    no_value("BOOLEAN", "1"),
    no_value("BOOLEAN", "yes"),
    no_value("BOOLEAN", "t"),
]
MOMENTS = [
    value("DATE", "2024-05-03"),
    value("DATE", "2024-5-3", "2024-05-03"),
    value("DATE", "2024-05-03 00:00:00", "2024-05-03"),
    value("DATE", "03.05.2024", "2024-05-03", dateFormat="dd.MM.yyyy"),
    value("DATE", "240503", "2024-05-03", dateFormat="yyMMdd"),
    value("DATE", "3 Mai 2024", "2024-05-03", dateFormat="d MMMM yyyy", locale="de-DE"),
    no_value("DATE", "2024", "declare it INT"),
    no_value("DATE", "2024-05"),
    no_value("DATE", "240503", "yyMMdd"),
    no_value("DATE", "20240503", "yyyyMMdd"),
    no_value("DATE", "45414", "1899-12-30"),
    no_value("DATE", "03.05.2024", "dateFormat"),
    no_value("DATE", "03.05.24", dateFormat="d.M.y"),
    no_value("DATE", "24-05-03"),
    no_value("DATE", "0024-05-03", "source.years"),
    no_value("DATE", "9999-12-31", "source.years"),
    no_value("DATE", "2024-02-30"),
    no_value("DATE", "2024-05-03 12:30:00", "TIMESTAMP"),
    no_value("DATE", "2024-05-03 or so"),
    no_value("DATE", "2024-05-03", "as source.options.dateFormat", dateFormat="dd.MM.yyyy"),
    no_value("DATE", "today"),
    no_value("DATE", "31.02.2024", dateFormat="dd.MM.yyyy"),
    value("TIMESTAMP", "2024-05-03 12:30:00"),
    value("TIMESTAMP", "2024-05-03T12:30:00.123456Z", "2024-05-03 12:30:00.123456"),
    value("TIMESTAMP", "2024-05-03 12:30:00.123456000", "2024-05-03 12:30:00.123456"),
    value("TIMESTAMP", "2024-05-03 12:30:00+02:00", "2024-05-03 10:30:00"),
    value("TIMESTAMP", "2024-05-03 12:30:00 Europe/Berlin", "2024-05-03 10:30:00"),
    value("TIMESTAMP", "2024-05-03 12:30:00", "2024-05-03 10:30:00", timeZone="Europe/Berlin"),
    value("TIMESTAMP", "2024-05-03 12:30:00Z", "2024-05-03 12:30:00", timeZone="Europe/Berlin"),
    value("TIMESTAMP", "2024-05-03", "2024-05-03 00:00:00"),
    value("TIMESTAMP", "5/3/2024 14:05", "2024-05-03 14:05:00", timestampFormat="M/d/yyyy HH:mm"),
    value(
        "TIMESTAMP",
        "5/3/2024 14:05",
        "2024-05-03 12:05:00",
        timestampFormat="M/d/yyyy HH:mm",
        timeZone="Europe/Berlin",
    ),
    value("TIMESTAMP", "2024-10-27 02:30:00", "2024-10-27 00:30:00", timeZone="Europe/Berlin"),
    value("TIMESTAMP", "2018-11-04", "2018-11-04 03:00:00", timeZone="America/Sao_Paulo"),
    value(
        "TIMESTAMP",
        "31.03.2024 03:30+02:00",
        "2024-03-31 01:30:00",
        timestampFormat="dd.MM.yyyy HH:mmXXX",
        timeZone="Europe/Berlin",
    ),
    no_value("TIMESTAMP", "2024-03-31 02:30:00", "no such moment", timeZone="Europe/Berlin"),
    no_value(
        "TIMESTAMP",
        "31.03.2024 02:30",
        "clocks of Europe/Berlin skip it",
        timestampFormat="dd.MM.yyyy HH:mm",
        timeZone="Europe/Berlin",
    ),
    no_value(
        "TIMESTAMP",
        "31. März 2024 02:30",
        timestampFormat="dd. MMMM yyyy HH:mm",
        timeZone="Europe/Berlin",
        locale="de-DE",
    ),
    no_value("TIMESTAMP", "2024-03-31 02:30:00 Europe/Berlin", "no such moment"),
    value("TIMESTAMP", "2024-03-31 03:30:00 Europe/Berlin", "2024-03-31 01:30:00"),
    value("TIMESTAMP", "2024-10-27 02:30:00 Europe/Berlin", "2024-10-27 00:30:00"),
    no_value(
        "TIMESTAMP",
        "03/10/2024 02:30 America/New_York",
        "clocks of America/New_York skip it",
        timestampFormat="MM/dd/yyyy HH:mm VV",
    ),
    value("TIMESTAMP", "2024-05-03 12:30:00 Etc/GMT+2", "2024-05-03 14:30:00"),
    value("TIMESTAMP", "05/03/2024 12:30 Etc/GMT+2", "2024-05-03 14:30:00", timestampFormat="MM/dd/yyyy HH:mm VV"),
    value("TIMESTAMP", "2024-05-03 12:30 CET", "2024-05-03 10:30:00", timestampFormat="yyyy-MM-dd HH:mm VV"),
    value("TIMESTAMP", "2024-05-03 12:30 GMT+02:00", "2024-05-03 10:30:00", timestampFormat="yyyy-MM-dd HH:mm VV"),
    no_value(
        "TIMESTAMP", "2024-03-31 02:30 CET", "clocks of CET skip it", timestampFormat="yyyy-MM-dd HH:mm VV"
    ),
    no_value("TIMESTAMP", "2024-03-10 02:30 PST8PDT", timestampFormat="yyyy-MM-dd HH:mm VV"),
    no_value(
        "TIMESTAMP",
        "10. März 2024 02:30 America/New_York",
        timestampFormat="d. MMMM yyyy HH:mm VV",
        locale="de-DE",
    ),
    value(
        "TIMESTAMP",
        "03/10/2024 03:30 America/New_York",
        "2024-03-10 07:30:00",
        timestampFormat="MM/dd/yyyy HH:mm VV",
    ),
    value(
        "TIMESTAMP",
        "03.05.2024 12:30:00.123456000",
        "2024-05-03 12:30:00.123456",
        timestampFormat="dd.MM.yyyy HH:mm:ss.SSSSSSSSS",
    ),
    no_value(
        "TIMESTAMP",
        "03.05.2024 12:30:00.123456789",
        "microseconds",
        timestampFormat="dd.MM.yyyy HH:mm:ss.SSSSSSSSS",
    ),
    no_value(
        "TIMESTAMP_NTZ",
        "03.05.2024 12:30:00,1234567",
        "microseconds",
        timestampNTZFormat="dd.MM.yyyy HH:mm:ss[','SSSSSSS]",
    ),
    value("TIMESTAMP_NTZ", "2024-05-03 12:30:00"),
    no_value("TIMESTAMP_NTZ", "3.5.2024 12:30\n4.5.2024", timestampNTZFormat="d.M.yyyy HH:mm"),
    no_value("TIMESTAMP_NTZ", "3.5.2024 12:30\x01a", timestampNTZFormat="d.M.yyyy HH:mm"),
    value("TIMESTAMP_NTZ", "3.5.2024 12:30", "2024-05-03 12:30:00", timestampNTZFormat="d.M.yyyy HH:mm"),
    no_value("TIMESTAMP_NTZ", "2024-05-03 12:30:00Z"),
    no_value("TIMESTAMP", "2024-05-03 12:30:00.123456789", "microseconds"),
    no_value("TIMESTAMP", "2024", "INT"),
    no_value("TIMESTAMP", "12:30"),
    no_value("TIMESTAMP", "1714739400", "timestamp_seconds"),
    no_value("TIMESTAMP", "1714739400000", "timestamp_millis"),
    no_value("TIMESTAMP", "2024-05-03 25:00:00"),
    no_value("TIMESTAMP", "1024-05-03 00:00:00", "source.years"),
]
DECIMALS = {"": (".", ""), "de-DE": (",", "."), "en-US": (".", ",")}


def kind_of(name: str):  # type: ignore[no-untyped-def]
    return struct_of(f"v {name}").fields[0].dataType


def test_every_text_is_its_value_or_none(spark: SparkSession) -> None:
    from pyspark.sql import functions as F

    cases = [*NUMBERS, *MOMENTS]
    ways = list({(case.kind, tuple(case.options.items())): None for case in cases})
    texts = list(dict.fromkeys(case.text for case in cases))
    frame = spark.createDataFrame([(text,) for text in texts], "text STRING").coalesce(1)
    columns = []
    for index, (kind, options) in enumerate(ways):
        given = dict(options)
        forms = Forms.of("csv", given, YEARS, decimals=DECIMALS[given.get("locale", "")])
        columns.append(value_of(F.col("text"), kind_of(kind), forms).cast("string").alias(f"v{index}"))
    read = {row["text"]: row for row in frame.select("text", *columns).collect()}
    wrong = []
    for case in cases:
        way = ways.index((case.kind, tuple(case.options.items())))
        found = read[case.text][f"v{way}"]
        if found != case.meant:
            wrong.append(f"{case}: {found}")
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize("case", [case for case in (*NUMBERS, *MOMENTS) if case.cure], ids=str)
def test_what_cures_it(case: Case) -> None:
    given = {name.lower(): text for name, text in case.options.items()}
    assert re.search(case.cure, cure(kind_of(case.kind), case.text, "csv", given))
