"""Files like those that people reported of readers: read as they are meant, or refused for what they are."""

from __future__ import annotations

import bz2
import datetime as dt
import gzip
import io
import lzma
import zipfile
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pyarrow import orc

from tests.data.cases import Case, Row, csv, differences, json

if TYPE_CHECKING:
    from pathlib import Path

    from pyspark.sql import SparkSession

pytestmark = pytest.mark.spark

TEXTS = "id STRING, v STRING"
TWO = "id,v\n1,a\n2,b\n"


def packed(name: str, content: bytes, rows: list[Row] | None = None, refusal: str = "") -> Case:
    alone = refusal.startswith(("cut short", "damaged"))
    return Case(f"packed {name}", "id INT, v STRING", {name: content}, rows, refusal, alone=alone)


def texts(
    name: str, raw: str | bytes, rows: list[Row] | None = None, refusal: str = "", **options: str
) -> Case:
    return Case(f"texts {name}", TEXTS, raw, rows, refusal, options)


def of_type(name: str, kind: str, text: str, refusal: str, **options: str) -> Case:
    return Case(f"{kind} {name}", f"v {kind}, w STRING", f"v,w\n{text},x\n", None, refusal, options)


def xml(
    name: str, schema: str, raw: str | bytes, rows: list[Row] | None = None, refusal: str = "", **options: str
) -> Case:
    return Case(f"xml {name}", schema, raw, rows, refusal, {"rowTag": "t", **options}, "xml")


def parquet(
    name: str,
    schema: str,
    columns: dict[str, Any],
    rows: list[Row] | None = None,
    refusal: str = "",
    **options: Any,
) -> Case:
    out = io.BytesIO()
    pq.write_table(pa.table(columns), out, **options)
    alone = name in {"brotli", "split streams of bytes"}
    return Case(f"parquet {name}", schema, out.getvalue(), rows, refusal, kind="parquet", alone=alone)


def orc_file(
    name: str, schema: str, columns: dict[str, Any], rows: list[Row] | None = None, refusal: str = ""
) -> Case:
    out = io.BytesIO()
    orc.write_table(pa.table(columns), out)
    return Case(f"orc {name}", schema, out.getvalue(), rows, refusal, kind="orc")


def zipped(content: str) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("a.csv", content)
    return out.getvalue()


LINES = [
    csv("a zero byte", "id,v\n1,a\0b\n", None, "line 2.*zero byte"),
    csv("zero bytes at the end, as after a crash", TWO.encode() + b"\0" * 300, None, "zero byte"),
    csv("the end of a DOS file", TWO + "\x1a", [("1", "a"), ("2", "b")]),
    csv("a separator after each row", "id,v\n1,a,\n2,b,\n", None, "do not parse.*2 such rows: 1,a,"),
    csv("a separator after the header too", "id,v,\n1,a,\n", None, "added: _c2"),
    csv("Excel's line of the separator", "sep=,\nid,v\n1,a\n", None, "missing: id, v"),
    csv("blank lines", "\nid,v\n\n1,a\n   \n2,b\n\n", [("1", "a"), ("2", "b")]),
    csv("old Macintosh lines", "id,v\r1,a\r2,b\r", [("1", "a"), ("2", "b")]),
    csv(
        "old Macintosh lines and quotes",
        'id,v\r1,"a\rb"\r2,b\r',
        [("1", "a\rb"), ("2", "b")],
        multiLine="true",
    ),
    csv("lines that are none", "id,v\n1,a\u2028b\x0bc\x85d\n", [("1", "a\u2028b\x0bc\x85d")]),
    csv("a header of two lines", 'id,"v\nw"\n1,a\n', None, r"missing: v; added: 'v\\nw'", multiLine="true"),
    csv("blanks in the header", "id, v\n1,a\n", None, r"missing: v; added: ' v'"),
    csv("a page of an error", "<html>\n<body>404</body>\n</html>\n", None, "missing: id, v"),
    texts("the header again, as cat leaves it", "id,v\n1,a\nid,v\n2,b\n", None, "1 such row.*id.*v"),
    texts("a header that is not declared", TWO, None, "header is not true: id,v", header="false"),
    Case("one text like its column", "word STRING", "word\n", [("word",)], options={"header": "false"}),
    csv(
        "a header of numbers that is not declared",
        TWO,
        None,
        r"id: its own name stands.*header: true",
        header="false",
    ),
    Case(
        "a file of two without its header",
        TEXTS,
        {"a.csv": TWO, "b.csv": "3,c\n"},
        None,
        "b.csv.*it may be no header",
    ),
    csv(
        "fields that are separated otherwise",
        "id;v\n1;a\n",
        None,
        r"added: id;v.*separated otherwise \(sep\)",
    ),
    csv("a comment before the header", "# of a tool\nid,v\n1,a\n", None, r"before it \(comment\)"),
    texts("the header again after a mark", "id,v\n1,a\n\ufeffid,v\n2,b\n", None, "1 such row"),
    csv(
        "a quote at the end of a block of text",
        f'id,v\n1,"{"x" * 200_000}\n2,b\n',
        None,
        "open at the end of the line",
    ),
    csv("an escaped escape", 'id,v\n1,"a\\\\"\n', [("1", "a\\")], escape="\\"),
    csv("a separator that quotes hold", 'id|v\n1|"a|b"\n', [("1", "a|b")], sep="|"),
    csv("NaN where a text is", "id,v\n1,NaN\n2,null\n", [("1", "NaN"), ("2", "null")]),
]
WHOLE = gzip.compress(TWO.encode())
PACKED = [
    packed(
        "a.csv.gz",
        gzip.compress(TWO[:9].encode()) + gzip.compress(TWO[9:].encode()),
        [("1", "a"), ("2", "b")],
    ),
    packed("a.csv.bz2", bz2.compress(TWO.encode()), [("1", "a"), ("2", "b")]),
    packed("a.csv", gzip.compress(TWO.encode()), None, r"packed by gzip.*Name it a\.csv\.gz"),
    packed("b.csv.GZ", gzip.compress(TWO.encode()), None, "packed by gzip"),
    packed("c.csv", zipped(TWO), None, "packed by zip"),
    packed("d.csv.zip", zipped(TWO), None, "packed by zip"),
    packed("i.csv", lzma.compress(TWO.encode()), None, "packed by xz.*pack it by gzip"),
    packed("j.csv", b"%PDF-1.4\n", None, "is a PDF"),
    packed("e.csv.gz", TWO.encode(), None, "e.csv.gz.*not packed by gzip|does not begin as gzip"),
    packed("f.csv.gz", gzip.compress(TWO.encode() * 500)[:-20], None, "cut short"),
    packed("k.csv.gz", WHOLE[:-8] + bytes(4) + WHOLE[-4:], None, "damaged.*CRC check failed"),
    packed("l.csv.gz", WHOLE + b"junk", None, "damaged.*[Nn]ot a gzipped file"),
    packed("m.csv.gz", WHOLE[:12] + bytes(8) + WHOLE[20:], None, "damaged"),
    packed("n.csv.bz2", b"BZh9" + bytes(40), None, "damaged"),
    packed("g.csv.bz2", bz2.compress(TWO.encode() * 500)[:-20], None, "cut short"),
    packed("h.csv.gz", gzip.compress(b""), None, "no header|no columns|missing: id, v"),
]
CHARACTERS = [
    csv(
        "UTF-8 declared as Windows-1252",
        "id,v\n1,Köln\n",
        None,
        "line 2, byte 8: bytes that are UTF-8",
        encoding="cp1252",
    ),
    csv("UTF-8 declared as KOI8-R", "id,v\n1,Москва\n", None, "encoding: UTF-8", encoding="KOI8-R"),
    csv(
        "Windows-1252 declared as Latin-1",
        "id,v\n1,5 €\n".encode("cp1252"),
        None,
        "byte 9: a control of ISO-8859-1.*encoding: windows-1252",
        encoding="ISO-8859-1",
    ),
    csv(
        "Windows-1252 that nobody declared",
        "id,v\n1,5 €\n".encode("cp1252"),
        None,
        "windows-1252, for example",
    ),
    csv("ASCII declared as Latin-1", TWO, [("1", "a"), ("2", "b")], encoding="ISO-8859-1"),
    csv("Greek", "id,v\n1,Αθήνα\n".encode("iso8859-7"), [("1", "Αθήνα")], encoding="ISO-8859-7"),
    csv("GBK", "id,v\n1,联通\n".encode("gbk"), [("1", "联通")], encoding="GBK"),
    csv("EBCDIC", "id,v\n1,a\n".encode("cp037"), [("1", "a")], encoding="cp037"),
]
VALUES = [
    of_type("a hard blank", "INT", "\u00a07", "not int.*declare it STRING"),
    of_type("a real minus", "INT", "\u22125", "not int"),
    of_type("Hive's null", "INT", "\\N", r"nullValue: '\\N'"),
    of_type("a comma of thousands or not", "DECIMAL(10,2)", '"1,234"', "en-US.*de-DE|de-DE.*en-US"),
    of_type("midnight elsewhere", "DATE", "2024-05-03T00:00:00+02:00", "declare it TIMESTAMP"),
    of_type("24 o'clock", "TIMESTAMP", "2024-05-03 24:00:00", "not timestamp"),
    of_type("a leap second", "TIMESTAMP", "2024-05-03 23:59:60", "not timestamp"),
    of_type("a comma of seconds", "TIMESTAMP", '"2024-05-03 12:30:00,5"', "not timestamp.*declare it STRING"),
    of_type("a number of Excel's", "DOUBLE", '="12"', "not double"),
    of_type("infinity as NumPy writes it", "DOUBLE", "-inf", "negativeInf: '-inf'"),
    of_type("digits of another script", "INT", "\u096b", "not int.*declare it STRING"),
]
JSON = [
    json("in one array", "a INT", '[{"a":1},{"a":2}]\n', [("1",), ("2",)]),
    json("over several lines", "a INT", '{\n "a": 1\n}\n', None, "multiLine: true"),
    json(
        "over several lines that are declared",
        "a INT",
        '[{\n "a": 1\n}, {"a": 2}]\n',
        [("1",), ("2",)],
        multiLine="true",
    ),
    json(
        "of lines, read as one",
        "a INT",
        '{"a":1}\n{"a":2}\n',
        None,
        "a.json.*line 2.*multiLine",
        multiLine="true",
    ),
    json(
        "of objects, read as one",
        "a INT",
        '{\n"a":1\n}\n{\n"a":2\n}\n',
        None,
        "line 4.*multiLine",
        multiLine="true",
    ),
    json("two in a line", "a INT", '{"a":1}{"a":2}\n', None, "such row"),
    json("two in a line with a comma", "a INT", '{"a":1},{"a":2}\n', None, "such row"),
    json("text after an object", "a INT", '{"a":1} and more\n', None, "such row"),
    json("a comma after each line", "a INT", '{"a":1},\n{"a":2}\n', None, "such row"),
    json("nested arrays", "a ARRAY<STRUCT<b: INT>>", '{"a":[{"b":1},{"b":2}]}\n', [("[{1}, {2}]",)]),
    json("braces in texts", "a STRING, b INT", '{"a":"}{\\"},{","b":1}\n', [('}{"},{', "1")]),
    json("null for a row", "a INT", '{"a":1}\nnull\n', None, "such row"),
    json("a number for a row", "a INT", '{"a":1}\n5\n', None, "such row"),
    json("blank lines", "a INT", '\n{"a":1}\n   \n', [("1",)]),
    json("half of a pair", "a STRING", '{"a":"x\\ud83d"}\n', None, "such row"),
    json("a whole pair", "a STRING", '{"a":"\\ud83d\\ude00"}\n', [("\U0001f600",)]),
    json("a large number", "a BIGINT", '{"a":12345678901234567890}\n', None, "not bigint.*DECIMAL"),
    json("a key in capitals", "a INT", '{"A":1}\n', None, "missing: a; added: A"),
    json("single quotes", "a STRING", "{'a':'b'}\n", [("b",)]),
    json(
        "a field that is not declared", "a STRUCT<b: INT>", '{"a":{"b":1,"z":2}}\n', None, "a has field z too"
    ),
    json(
        "a field within an array that is not declared",
        "a ARRAY<STRUCT<b: INT>>",
        '{"a":[{"b":1},{"b":2,"z":[3]}]}\n',
        None,
        "a's element has field z too",
    ),
    json(
        "a field that one row lacks",
        "a STRUCT<b: INT, c: INT>",
        '{"a":{"c":2,"b":1}}\n{"a":{"b":1}}\n',
        [("{1, 2}",), ("{1, null}",)],
    ),
    json(
        "a moment of MongoDB's",
        "t TIMESTAMP",
        '{"t":{"$date":"2024-05-03T12:00:00Z"}}\n',
        None,
        "not timestamp.*declare it STRING",
    ),
    json("a key twice within", "a STRUCT<b: INT>", '{"a":{"b":1,"b":2}}\n', None, "twice"),
    json("cut short", "a INT, b STRING", '{"a":1,"b":"x"}\n{"a":2,"b":"y', None, "such row"),
]
XML = [
    xml(
        "of another encoding in its first line",
        "v STRING",
        '<?xml version="1.0" encoding="ISO-8859-1"?><r><t><v>Köln</v></t></r>'.encode("latin-1"),
        [("Köln",)],
        encoding="ISO-8859-1",
    ),
    xml(
        "of an encoding that its first line alone tells",
        "v STRING",
        '<?xml version="1.0" encoding="ISO-8859-1"?><r><t><v>K\xc3\xb6ln</v></t></r>'.encode("latin-1"),
        None,
        "first line says.*encoding: iso8859-1",
    ),
    xml(
        "CDATA and entities",
        "v STRING",
        "<r><t><v><![CDATA[a<b]]></v></t><t><v>a&amp;b</v></t></r>",
        [("a<b",), ("a&b",)],
    ),
    xml("a comment", "v STRING", "<r><!-- <t><v>old</v></t> --><t><v>a</v></t></r>", [("a",)]),
    xml("attributes", "_id INT, v STRING", '<r><t id="1"><v>a</v></t></r>', [("1", "a")]),
    xml(
        "cut short",
        "v STRING",
        "<r><t><v>a</v></t><t><v>b</v",
        None,
        "open at the end of the file.*cut short",
    ),
    xml("cut between rows", "v STRING", "<r><t><v>a</v></t>", None, "open at the end of the file.*cut short"),
    xml("no such row", "v STRING", "<r><x><v>a</v></x></r>", None, "rowTag"),
    xml("an element twice", "v STRING", "<r><t><v>a</v><v>b</v></t></r>", None, "several times.*v"),
]
PARQUET = [
    parquet(
        "whole numbers without a sign",
        "a DECIMAL(20,0), b BIGINT, c INT, d SMALLINT",
        {
            "a": pa.array([2**64 - 1], pa.uint64()),
            "b": pa.array([2**32 - 1], pa.uint32()),
            "c": pa.array([65535], pa.uint16()),
            "d": pa.array([255], pa.uint8()),
        },
        [("18446744073709551615", "4294967295", "65535", "255")],
    ),
    parquet(
        "categories",
        "a STRING",
        {"a": pa.array(["x", "y", "x"]).dictionary_encode()},
        [("x",), ("y",), ("x",)],
    ),
    parquet(
        "large texts and lists",
        "a STRING, b ARRAY<STRING>",
        {"a": pa.array(["x"], pa.large_string()), "b": pa.array([["y"]], pa.large_list(pa.large_string()))},
        [("x", "[y]")],
    ),
    parquet(
        "milliseconds",
        "a TIMESTAMP_NTZ, b DATE",
        {
            "a": pa.array([1_714_698_000_000], pa.timestamp("ms")),
            "b": pa.array([dt.date(2024, 5, 3)], pa.date64()),
        },
        [("2024-05-03 01:00:00", "2024-05-03")],
    ),
    parquet(
        "names with signs",
        "`a b` BIGINT, `c.d` BIGINT, `e,f` BIGINT",
        {"a b": [1], "c.d": [2], "e,f": [3]},
        [("1", "2", "3")],
    ),
    parquet(
        "brotli",
        "a INT",
        {"a": pa.array([1], pa.int32())},
        None,
        "compressed by BROTLI",
        compression="brotli",
    ),
    parquet("zstd", "a INT", {"a": pa.array([1], pa.int32())}, [("1",)], compression="zstd"),
    parquet("lz4", "a INT", {"a": pa.array([1], pa.int32())}, [("1",)], compression="lz4"),
    parquet(
        "split streams of bytes",
        "a DOUBLE",
        {"a": pa.array([1.5, 2.5])},
        [("1.5",), ("2.5",)],
        use_byte_stream_split=True,
        use_dictionary=False,
    ),
    parquet(
        "deltas",
        "a INT, b STRING",
        {"a": pa.array([1, 2], pa.int32()), "b": ["x", "xy"]},
        [("1", "x"), ("2", "xy")],
        use_dictionary=False,
        column_encoding={"a": "DELTA_BINARY_PACKED", "b": "DELTA_BYTE_ARRAY"},
    ),
    parquet(
        "a date far off",
        "a DATE",
        {"a": pa.array([dt.date(24, 5, 3)])},
        None,
        r"column a: 1 not date.*0024-05-03' \(a.parquet\)",
    ),
    parquet(
        "nanoseconds",
        "a TIMESTAMP_NTZ",
        {"a": pa.array([1], pa.timestamp("ns"))},
        None,
        r"below a microsecond.*\(a.parquet\)",
    ),
    parquet(
        "texts of another encoding",
        "a STRING",
        {"a": pa.array([b"K\xf6ln", b"Bonn"], pa.binary()).view(pa.string())},
        None,
        r"a is not UTF-8: bytes 4BF66C6E.*\(a.parquet\)",
    ),
    parquet(
        "texts of another encoding in a list",
        "a ARRAY<STRING>",
        {"a": pa.ListArray.from_arrays([0, 1], pa.array([b"K\xf6ln"], pa.binary()).view(pa.string()))},
        None,
        r"a is not UTF-8.*\(a.parquet\)",
    ),
    parquet(
        "a map's key twice",
        "a MAP<STRING, INT>",
        {"a": pa.array([[("k", 1), ("k", 2)]], pa.map_(pa.string(), pa.int32()))},
        None,
        r"a has a key twice.*\(a.parquet\)",
    ),
    parquet(
        "a map's key twice in a struct",
        "a STRUCT<m: MAP<INT, INT>>",
        {"a": pa.array([{"m": [(1, 1), (1, 2)]}], pa.struct([("m", pa.map_(pa.int32(), pa.int32()))]))},
        None,
        r"a has a key twice.*\(a.parquet\)",
    ),
    parquet("a number in a column of texts", "a STRING", {"a": [1]}, None, "a is bigint instead of string"),
    parquet("bytes in a column of texts", "a STRING", {"a": [b"x"]}, None, "a is binary instead of string"),
    Case("parquet that is csv", "id INT, v STRING", TWO, None, "no whole Parquet file", kind="parquet"),
    Case(
        "csv that is parquet",
        "id INT, v STRING",
        {"a.csv": parquet("", "", {"a": [1]}).raw},
        None,
        "is a Parquet file",
    ),
    orc_file(
        "nanoseconds",
        "a TIMESTAMP",
        {"a": pa.array([1_709_683_200_000_000_001], pa.timestamp("ns"))},
        None,
        "below a microsecond",
    ),
    orc_file(
        "microseconds",
        "a TIMESTAMP",
        {"a": pa.array([1_709_683_200_000_001_000], pa.timestamp("ns"))},
        [("2024-03-06 00:00:00.000001",)],
    ),
    orc_file(
        "a date far off",
        "a DATE",
        {"a": pa.array([dt.date(24, 5, 3)])},
        None,
        r"column a: 1 not date.*\(a.orc\)",
    ),
    Case(
        "orc that is cut short",
        "a INT",
        orc_file("", "", {"a": pa.array(range(9999), pa.int32())}).raw[:-30],
        None,
        "cut short",
        kind="orc",
    ),
]
TEXT = [
    Case("text with zero bytes", "value STRING", "a\0b\n", None, "zero byte", kind="text"),
    Case(
        "text of other line ends",
        "value STRING",
        "a;b;c",
        [("a",), ("b",), ("c",)],
        options={"lineSep": ";"},
        kind="text",
    ),
    Case("text of Windows", "value STRING", "a\r\n\r\nb", [("a",), ("",), ("b",)], kind="text"),
    Case("text that is packed", "value STRING", gzip.compress(b"a\n"), None, "packed by gzip", kind="text"),
]
FOLDERS = [
    Case(
        "a folder in capitals",
        "id INT, region STRING",
        {"Region=eu/a.csv": "id\n1\n"},
        None,
        "does not lie in one folder region=",
        folders=("region",),
    ),
    Case(
        "a folder without a value",
        "id INT, region STRING",
        {"region=/a.csv": "id\n1\n"},
        [("1", "")],
        folders=("region",),
    ),
    Case(
        "a folder that is a date",
        "id INT, day DATE",
        {"day=2024-05-03/a.csv": "id\n1\n"},
        [("1", "2024-05-03")],
        folders=("day",),
    ),
    Case(
        "a folder that is no date",
        "id INT, day DATE",
        {"day=03.05.2024/a.csv": "id\n1\n"},
        None,
        "column day: 1 not date",
        folders=("day",),
    ),
    Case(
        "names that look like patterns",
        "id INT",
        {"a [1].csv": "id\n1\n", "b{2}.csv": "id\n2\n", "c#%20?.csv": "id\n3\n", "-d,e.csv": "id\n4\n"},
        [("1",), ("2",), ("3",), ("4",)],
    ),
    Case(
        "names of other letters",
        "id INT",
        {"Größe.csv": "id\n1\n", "Gro\u0308ße.csv": "id\n2\n", "数据.csv": "id\n3\n"},
        [("1",), ("2",), ("3",)],
    ),
]
CASES = [*LINES, *CHARACTERS, *PACKED, *VALUES, *JSON, *XML, *PARQUET, *TEXT, *FOLDERS]


def test_what_is_read_and_what_is_refused(spark: SparkSession, tmp_path: Path) -> None:
    wrong = differences(spark, tmp_path, CASES)
    assert not wrong, "\n".join(wrong)
