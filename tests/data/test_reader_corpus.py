"""What stands in raw files, however odd, is read as it is meant or refused for what it is."""

from __future__ import annotations

import gzip
from typing import TYPE_CHECKING

import pytest

from tests.data.cases import Case, csv, differences, json
from vintage.data import raw
from vintage.errors import DataError

if TYPE_CHECKING:
    from pathlib import Path

    from pyspark.sql import SparkSession

pytestmark = pytest.mark.spark

QUOTES = [
    csv("doubled quotes", 'id,v\n1,"19"" DE"\n', [("1", '19" DE')]),
    csv("doubled quotes at both ends", 'id,v\n1,"""a"""\n', [("1", '"a"')]),
    csv("only a quote", 'id,v\n1,""""\n', [("1", '"')]),
    csv("an empty text", 'id,v\n1,""\n', [("1", None)]),
    csv(
        "an empty text beside a null value",
        'id,v\n1,""\n2,\n3,NA\n',
        [("1", ""), ("2", None), ("3", None)],
        nullValue="NA",
    ),
    csv("a separator in quotes", 'id,v\n1,"a,""b"",c"\n', [("1", 'a,"b",c')]),
    csv("a quote within", 'id,v\n1,19" DE\n', [("1", '19" DE')]),
    csv("a backslash before a quote", 'id,v\n1,"C:\\data\\"\n', [("1", "C:\\data\\")]),
    csv("a backslash that escapes", 'id,v\n1,"a\\"b"\n', [("1", 'a"b')], escape="\\"),
    csv("blanks after a quote", 'id,v\n1,"a" \n', [("1", "a")]),
    csv("no quotes at all", 'id,v\n1,"a\n', [("1", '"a')], quote=""),
    csv("single quotes", "id,v\n1,'a,''b'\n", [("1", "a,'b")], quote="'"),
    csv("a long text of quotes", 'id,v\n1,"' + 'x""' * 20_000 + '"\n', [("1", 'x"' * 20_000)]),
    csv("a comment with a quote", 'id,v\n#"x\n1,a\n', [("1", "a")], comment="#"),
    csv("a quoted header", '"id","v"\n1,a\n', [("1", "a")]),
    csv("columns in another order", "v,id\na,1\n", [("1", "a")]),
    csv("a separator of two", 'id::v\n1::"a::b"\n', [("1", "a::b")], sep="::"),
    csv("tabs", "id\tv\n1\ta,b\n", [("1", "a,b")], sep="\t"),
    csv("tabs and quotes", 'id\tv\n1\t"a\t""b"\n"2"\t""\n', [("1", 'a\t"b'), ("2", None)], sep="\t"),
    csv("carriage returns", "id,v\r\n1,a\r\n2,b\r\n", [("1", "a"), ("2", "b")]),
    csv("no last line end", "id,v\n1,a", [("1", "a")]),
    csv(
        "line breaks in quotes", 'id,v\n1,"a\n""b"""\n2,c\n', [("1", 'a\n"b"'), ("2", "c")], multiLine="true"
    ),
    csv(
        "line breaks as Excel writes them",
        'id,v\r\n1,"a\nb"\r\n2,"c\r\nd ""e"""\r\n3,\r\n',
        [("1", "a\nb"), ("2", 'c\r\nd "e"'), ("3", None)],
        multiLine="true",
    ),
    csv("text after a closing quote", 'id,v\n1,"a"b\n', None, r"line 2.*text after a closing quote.*escape"),
    csv("text after an empty quote", 'id,v\n1,""a\n', None, r"line 2.*text after a closing quote"),
    csv(
        "a quote open at a line's end",
        'id,v\n1,"a\n2,b"\n',
        None,
        r"line 2.*open at the end of the line.*multiLine",
    ),
    csv(
        "a quote open at the end",
        'id,v\n1,a\n2,"all is w',
        None,
        r"line 3.*open at the end of the file.*cut short",
    ),
    csv(
        "a quote open at the last line's end",
        'id,v\n1,a\n2,"all is w\n',
        None,
        r"line 3.*open at the end of the file",
    ),
    csv(
        "an open quote with line breaks allowed",
        'id,v\n1,"a\n2,b\n',
        None,
        r"line 2.*open at the end of the file",
        multiLine="true",
    ),
    csv("an open quote of another kind", "id,v\n1,'a\n", None, "open at the end", quote="'"),
    csv(
        "a long line that is quoted by the book",
        'id,v\n1,"' + 'x"",' * 100_000 + '"\n',
        [("1", 'x",' * 100_000)],
    ),
    csv("a cut escape", 'id,v\n1,"a\\"\n', None, "open at the end", escape="\\"),
    csv("too few fields", "id,v\n1\n", None, r"do not parse.*rows of 2 fields.*1 such row: 1"),
    csv("too many fields", "id,v\n1,a,b\n2,c\n", None, r"do not parse.*1 such row: 1,a,b"),
    csv("a name twice", "id,v,V\n1,a,b\n", None, "occurs twice.*v"),
    csv("a name missing", "id\n1\n", None, "missing: v"),
]
UMLAUT = "id,v\n1,Köln\n"
ENCODINGS = [
    csv("UTF-8", UMLAUT, [("1", "Köln")]),
    csv("UTF-8 with a mark", b"\xef\xbb\xbf" + UMLAUT.encode(), [("1", "Köln")]),
    csv("a mark before a quoted name", b'\xef\xbb\xbf"id","v"\n1,a\n', [("1", "a")]),
    csv("a mark without a header", b"\xef\xbb\xbf1,a\n", [("1", "a")], header="false"),
    csv("Latin-1", UMLAUT.encode("latin-1"), [("1", "Köln")], encoding="ISO-8859-1"),
    csv("Windows-1252", "id,v\n1,5 €\n".encode("cp1252"), [("1", "5 €")], encoding="windows-1252"),
    csv("Shift_JIS", "id,v\n1,表\n".encode("shift_jis"), [("1", "表")], charset="Shift_JIS"),
    csv("UTF-16 with a mark", UMLAUT.encode("utf-16"), [("1", "Köln")], encoding="UTF-16"),
    csv("UTF-16LE", UMLAUT.encode("utf-16-le"), [("1", "Köln")], encoding="UTF-16LE"),
    csv("UTF-16BE", UMLAUT.encode("utf-16-be"), [("1", "Köln")], encoding="UTF-16BE"),
    csv("UTF-32", UMLAUT.encode("utf-32"), [("1", "Köln")], encoding="UTF-32"),
    Case(
        "Latin-1 packed",
        "id INT, v STRING",
        {"a.csv.gz": gzip.compress(UMLAUT.encode("latin-1"))},
        [("1", "Köln")],
        options={"encoding": "latin1"},
    ),
    csv(
        "Latin-1 that nobody declared",
        UMLAUT.encode("latin-1"),
        None,
        r"a\.csv for 2024-05-03, line 2, byte 8: bytes that are not UTF-8.*K\\xf6ln.*encoding",
    ),
    csv(
        "a character cut in two", "id,v\n1,Kö".encode()[:-1], None, "line 2, byte 8: bytes that are not UTF-8"
    ),
    csv(
        "UTF-8 declared as ASCII",
        UMLAUT,
        None,
        "line 2, byte 8: bytes that are not US-ASCII",
        encoding="US-ASCII",
    ),
    csv(
        "no Shift_JIS", b"id,v\n1,\x81\n", None, "line 2.*bytes that are not Shift_JIS", encoding="Shift_JIS"
    ),
    csv("UTF-16 that nobody declared", UMLAUT.encode("utf-16"), None, "is UTF-16.*FF FE.*encoding: UTF-16"),
    csv("UTF-32 that nobody declared", UMLAUT.encode("utf-32"), None, "is UTF-32.*encoding: UTF-32"),
    csv("UTF-16 without a mark", UMLAUT.encode("utf-16-le"), None, "looks like UTF-16LE.*encoding: UTF-16LE"),
    csv(
        "UTF-16 in no order", UMLAUT.encode("utf-16-be"), None, "in which order.*UTF-16BE", encoding="UTF-16"
    ),
    csv(
        "UTF-8 declared as Latin-1",
        b"\xef\xbb\xbf" + UMLAUT.encode(),
        None,
        "is UTF-8, as its first bytes say",
        encoding="ISO-8859-1",
    ),
    Case(
        "a mark in one file of two",
        "id INT, v STRING",
        {"a.csv": b"\xef\xbb\xbf" + UMLAUT.encode(), "b.csv": "id,v\n2,a\n"},
        [("1", "Köln"), ("2", "a")],
    ),
    Case(
        "text",
        "value STRING",
        "Köln\n".encode("latin-1"),
        [("Köln",)],
        options={"encoding": "ISO-8859-1"},
        kind="text",
    ),
    Case(
        "text that is not UTF-8",
        "value STRING",
        "Köln\n".encode("latin-1"),
        refusal="line 1, byte 1: bytes that are not UTF-8",
        kind="text",
    ),
    Case(
        "json in UTF-16",
        "v STRING",
        '{"v":"Köln"}\n{"v":"a"}\n'.encode("utf-16"),
        [("Köln",), ("a",)],
        options={"encoding": "UTF-16"},
        kind="json",
    ),
    Case(
        "json that is not UTF-8",
        "v STRING",
        '{"v":"Köln"}\n'.encode("latin-1"),
        refusal="line 1, byte 7: bytes that are not UTF-8",
        kind="json",
    ),
    Case(
        "xml in Latin-1",
        "v STRING",
        "<r><t><v>Köln</v></t></r>".encode("latin-1"),
        [("Köln",)],
        options={"encoding": "ISO-8859-1", "rowTag": "t"},
        kind="xml",
    ),
    Case(
        "xml that is not UTF-8",
        "v STRING",
        "<r><t><v>Köln</v></t></r>".encode("latin-1"),
        refusal="line 1, byte 10: bytes that are not UTF-8",
        options={"rowTag": "t"},
        kind="xml",
    ),
]


NESTED = "id INT, v STRUCT<a: ARRAY<DOUBLE>, d: DATE>, m MAP<STRING, DECIMAL(5,2)>"
OTHERS = [
    json(
        "numbers",
        "i INT, d DOUBLE, n DECIMAL(10,2), b BOOLEAN",
        '{"i":1,"d":1e3,"n":59.12,"b":true}\n',
        [("1", "1000.0", "59.12", "true")],
    ),
    json("numbers as texts", "i INT, n DECIMAL(10,2)", '{"i":"1","n":"59.12"}\n', [("1", "59.12")]),
    json("a number where a text is declared", "v STRING", '{"v":1.50}\n{"v":"x"}\n', [("1.50",), ("x",)]),
    json("null", "i INT, v STRING", '{"i":null,"v":"a"}\n', [(None, "a")]),
    json("special numbers", "d DOUBLE", '{"d":NaN}\n{"d":"-Infinity"}\n', [("NaN",), ("-Infinity",)]),
    json(
        "nested",
        NESTED,
        '{"id":1,"v":{"a":[1,2.5],"d":"2024-05-03"},"m":{"x":1.5}}\n{"id":2,"v":null,"m":null}\n',
        [("1", "{[1.0, 2.5], 2024-05-03}", "{x -> 1.50}"), ("2", None, None)],
    ),
    json(
        "a bad number within",
        NESTED,
        '{"id":1,"v":{"a":[1,"2,5"],"d":"2024-05-03"},"m":{"x":1.5}}\n',
        None,
        r"column v: 1 not struct.*2,5",
    ),
    json(
        "a bad date within",
        NESTED,
        '{"id":1,"v":{"a":[1],"d":"240503"},"m":{"x":1.5}}\n',
        None,
        "column v: 1 not struct.*240503",
    ),
    json(
        "a bad decimal within a map",
        NESTED,
        '{"id":1,"v":{"a":[1],"d":"2024-05-03"},"m":{"x":"1,5"}}\n',
        None,
        "column m: 1 not map",
    ),
    json(
        "epoch milliseconds",
        "t TIMESTAMP",
        '{"t":1714739400000}\n',
        None,
        r"column t: 1 not timestamp.*1714739400000.*timestamp_millis",
    ),
    json(
        "1000.0 for an INT",
        "i INT",
        '{"i":1000.0}\n',
        None,
        r"column i: 1 not int, such as '1000.0' \(a.json\).*declare it DOUBLE",
    ),
    json("an object for an INT", "i INT", '{"i":{"x":1}}\n', None, "column i: 1 not int, such as"),
    json("a comma", "n DECIMAL(10,2)", '{"n":"59,12"}\n', None, "column n: 1 not decimal.*59,12.*locale"),
    json("a key twice", "a INT", '{"a":1,"a":2}\n', None, "column a.*twice|a occurs twice.*"),
    csv(
        "blanks around numbers",
        "id,v\n 1 ,a\n",
        [("1", "a")],
        ignoreLeadingWhiteSpace="true",
        ignoreTrailingWhiteSpace="true",
    ),
    csv(
        "blanks that nobody declared",
        "id,v\n 1,a\n",
        None,
        r"column id: 1 not int, such as ' 1' \(a\.csv\).*ignoreLeadingWhiteSpace: true",
    ),
    csv("a null value", "id,v\nn/a,a\n", [(None, "a")], nullValue="n/a"),
    csv(
        "n/a that nobody declared",
        "id,v\nn/a,a\n",
        None,
        "column id: 1 not int, such as 'n/a'.*nullValue: 'n/a'",
    ),
    json("no json", "a INT", '{"a":1}\n{"a":\n', None, r'do not parse.*1 such row: \{"a":'),
    Case(
        "xml numbers",
        "i INT, n DECIMAL(10,2), b BOOLEAN",
        "<r><t><i>1</i><n>59.12</n><b>1</b></t><t><i/><n>1</n><b>false</b></t></r>",
        [("1", "59.12", "true"), (None, "1.00", "false")],
        options={"rowTag": "t"},
        kind="xml",
    ),
    Case(
        "xml with a comma",
        "n DECIMAL(10,2)",
        "<r><t><n>59,12</n></t></r>",
        refusal="column n: 1 not decimal.*59,12",
        options={"rowTag": "t"},
        kind="xml",
    ),
    Case(
        "xml with a year",
        "d DATE",
        "<r><t><d>2024</d></t></r>",
        refusal="column d: 1 not date.*2024",
        options={"rowTag": "t"},
        kind="xml",
    ),
    Case(
        "years that are declared",
        "d DATE",
        "d\n9999-12-31\n0001-01-01\n",
        [("9999-12-31",), ("0001-01-01",)],
        years=(1, 9999),
    ),
    Case(
        "several files",
        "d DECIMAL(4,2)",
        {"b.csv": "d\n1,5\n2,5\n", "a.csv": "d\n1\n3,5\n"},
        refusal=r"column d: 3 not decimal.*'1,5' and '3,5' \(a.csv, b.csv\)",
        options={"sep": ";"},
    ),
]
BY_REGION = "id INT, region STRING, hour INT"
FOLDERS = [
    Case(
        "folders as columns",
        BY_REGION,
        {
            "region=eu/hour=03/a.csv": "id\n1\n",
            "region=a%2Fb c+d/hour=4/b.csv": "id\n2\n",
            "region=5%/hour=5/c.csv": b"\xef\xbb\xbfid\n3\n",
            "region=__HIVE_DEFAULT_PARTITION__/hour=6/c.csv": b"\xef\xbb\xbfid\n4\n",
        },
        [("1", "eu", "3"), ("2", "a/b c+d", "4"), ("3", "5%", "5"), ("4", None, "6")],
        folders=("region", "hour"),
    ),
    Case(
        "folders without a header",
        "region STRING, id INT",
        {"region=eu/a.csv": "1\n"},
        [("eu", "1")],
        options={"header": "false"},
        folders=("region",),
    ),
    Case(
        "folders of json",
        BY_REGION,
        {"hour=1/region=Köln/x=1/a.json": '{"id":1}\n'},
        [("1", "Köln", "1")],
        kind="json",
        folders=("region", "hour"),
    ),
    Case(
        "folders of text",
        "value STRING, region STRING",
        {"region=eu/a.txt": "a\n"},
        [("a", "eu")],
        kind="text",
        folders=("region",),
    ),
    Case(
        "a folder that is no number",
        BY_REGION,
        {"region=eu/hour=3h/a.csv": "id\n1\n"},
        refusal="column hour: 1 not int, such as '3h'",
        folders=("region", "hour"),
    ),
    Case(
        "a file in no folder",
        BY_REGION,
        {"region=eu/hour=3/a.csv": "id\n1\n", "region=eu/b.csv": "id\n1\n"},
        refusal="region=eu/b.csv.*does not lie in one folder hour=.*found the folders region=eu",
        folders=("region", "hour"),
    ),
    Case(
        "folders that are not declared",
        "id INT, region STRING",
        {"region=eu/a.csv": "id\n1\n"},
        refusal=r"missing: region.*no column unless.*region=eu.*source.partition_columns: \[region\]",
    ),
    Case(
        "a folder's column in the file too",
        "id INT, region STRING",
        {"region=eu/a.csv": "id,region\n1,eu\n"},
        refusal="occurs twice.*region",
        folders=("region",),
    ),
]
CASES = [*QUOTES, *ENCODINGS, *OTHERS, *FOLDERS]


def test_what_is_read_and_what_is_refused(spark: SparkSession, tmp_path: Path) -> None:
    wrong = differences(spark, tmp_path, CASES)
    assert not wrong, "\n".join(wrong)


def test_lines_of_a_large_delivery_are_refused_as_those_of_a_small_one(
    spark: SparkSession, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(raw, "BYTES_PER_FILE", 8)
    right = csv("right", 'id,v\n1,"a"\n2,b\n', [("1", "a"), ("2", "b")])
    assert not differences(spark, tmp_path, [right])
    for name in ("a quote open at a line's end", "text after a closing quote"):
        [case] = [each for each in QUOTES if each.name == name]
        with pytest.raises(DataError, match=case.refusal):
            case.read(spark, tmp_path)
