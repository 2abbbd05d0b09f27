"""Every kind of file goes from raw data to feature rows; no file, line or column of it is lost on the way."""

from __future__ import annotations

import json
import os
import shutil
from datetime import date
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from PIL import Image

from tests.flow.declared import declare
from vintage.data.contract import struct_of
from vintage.data.libsvm import first_bad_line
from vintage.data.rows import read_rows
from vintage.errors import DataError
from vintage.store.fingerprint import fingerprint, fingerprint_sql, with_vector_contents

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from pyspark.sql import DataFrame, SparkSession

    from tests.flow.conftest import Team
    from vintage.store import Artifact

pytestmark = pytest.mark.spark

DAY = date(2024, 3, 6)
THINGS = [(number, number + 0.5, number % 2) for number in range(6)]
SQL = "SELECT id, size, late FROM source"
VECTORS = [{"LogisticRegression": {"maxIter": 2}}]


def in_spark(team: Team, folder: Path, kind: str) -> None:
    frame = team.provider().createDataFrame(THINGS, "id INT, size DOUBLE, late INT").coalesce(1)
    options = {"rowTag": "thing"} if kind == "xml" else {}
    frame.write.format(kind).options(**options).save(str(folder))


def lines(folder: Path, made: list[str], name: str = "things.txt") -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_text("\n".join(made) + "\n", encoding="utf-8")
    return folder / name


def pictures(folder: Path) -> None:
    for number, _, late in THINGS:
        path = folder / f"{late}" / f"a+[{number}] ü.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(np.full((3, 4 + number), 10 * number, dtype=np.uint8)).save(path)


def deliver(team: Team, kind: str, folder: Path) -> dict[str, Any]:
    """Writes the things in a format; gives the options of its reader and an SQL for it."""
    if kind == "json":
        lines(folder, [json.dumps({"late": c, "id": a, "size": b}) for a, b, c in THINGS])
    elif kind == "text":
        lines(folder, [f"{a}|{b}|{c}" for a, b, c in THINGS])
        parts = "split(value, '[|]')"
        return {
            "sql": f"SELECT INT({parts}[0]) id, DOUBLE({parts}[1]) size, INT({parts}[2]) late FROM source",
            # A line is one column, which all of them are computed from.
            "allowed": ["size"],
        }
    elif kind == "binaryFile":
        for number, _, late in THINGS:
            lines(folder / f"{late}", ["x" * number], f"{number}.txt")
        return {
            "sql": "SELECT INT(regexp_extract(path, '([0-9]+).txt', 1)) AS id, DOUBLE(length) - 0.5 AS size, "
            "INT(substring_index(path, '/', 1)) AS late FROM source"
        }
    elif kind == "image":
        pictures(folder)
        return {
            "sql": r"SELECT INT(regexp_extract(image.origin, '\\[([0-9]+)', 1)) AS id, "
            "DOUBLE(image.width) - 3.5 AS size, "
            "INT(substring_index(image.origin, '/', 1)) AS late FROM source"
        }
    elif kind == "libsvm":
        lines(folder, [f"{c} 1:{a} 3:{b}" for a, b, c in THINGS])
        return {
            "options": {"numFeatures": 4},
            "sql": "SELECT xxhash64(features) AS id, features, label AS late FROM source",
            "stages": VECTORS,
        }
    else:
        in_spark(team, folder, kind)
        return {"options": {"rowTag": "thing"}} if kind == "xml" else {}
    return {}


def declared(team: Team, kind: str, **given: Any) -> Team:
    options, sql = given.pop("options", {}), given.pop("sql", SQL)
    source = {"format": kind, "path": "raw/{date}", "options": options, **given.pop("source", {})}
    return declare(team, source, sql, **given)


def current(team: Team, kind: str) -> Artifact:
    found = team.store.current(kind, DAY)
    assert found is not None
    return found


def features(team: Team) -> DataFrame:
    return read_rows(team.provider(), [current(team, "features")])


@pytest.mark.parametrize("kind", ["json", "parquet", "orc", "text", "xml", "binaryFile", "image", "libsvm"])
def test_a_format_from_raw_data_to_feature_rows(team: Team, new_team: Callable[[], Team], kind: str) -> None:
    given = deliver(team, kind, team.home.path / "raw" / str(DAY))
    declared(team, kind, **given)
    team.run("snapshot", "validate", "preprocess")
    snapshot = current(team, "snapshot")
    assert snapshot.row_count == len(THINGS)
    assert set(snapshot.manifest.details.profile) == {
        field["name"] for field in snapshot.manifest.rows.spark_schema["fields"]
    }
    if kind == "libsvm":
        found = sorted((*row.features.toArray(), row.late) for row in features(team).collect())
        assert found == [(a, 0.0, b, 0.0, c) for a, b, c in THINGS]
    else:
        assert sorted((row.id, row.size, row.late) for row in features(team).collect()) == THINGS
    # The same files elsewhere and later: neither a path nor a time is in a row.
    elsewhere = new_team()
    shutil.copytree(team.home.path / "raw" / str(DAY), elsewhere.home.path / "raw" / str(DAY))
    for path in (elsewhere.home.path / "raw").rglob("*"):
        os.utime(path, (10**9, 10**9))
    declared(elsewhere, kind, **given)
    elsewhere.run("snapshot")
    assert current(elsewhere, "snapshot").manifest.rows == snapshot.manifest.rows


@pytest.mark.fault("a picture that cannot be decoded", outcome="exit 3; names the file")
@pytest.mark.parametrize("content", [b"no picture", b"\x89PNG\r\n\x1a\n", None])
def test_a_picture_that_cannot_be_decoded_is_named(team: Team, content: bytes | None) -> None:
    folder = team.home.path / "raw" / str(DAY)
    given = deliver(team, "image", folder)
    path = folder / "0" / "a+[2] ü.png"
    path.write_bytes(path.read_bytes()[:40] if content is None else content)
    declared(team, "image", **given)
    with pytest.raises(DataError, match=r"1 raw image of 2024-03-06 cannot be decoded: 0/a\+\[2\] ü\.png"):
        team.run("snapshot")
    assert team.published()["snapshot"] == 0
    assert team.leftovers() == []


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("1 1:2 x", "'x' is no index:value"),
        ("1 1:2:3", "'1:2:3' is no index:value"),
        ("one 1:2", "'one' is no label"),
        ("1 2:1 1:2", "index 1 does not come after 2"),
        ("1 1:1 1:2", "index 1 does not come after 1"),
        ("1 0:1", "index 0 is below 1"),
        ("1 5:1", "index 5 is beyond 4"),
        ("1\t1:2", r"'1\\t1:2' is no label"),
        ("1 1:1e999", "1:1e999 is beyond DOUBLE"),
        ("1 1:nan", "'1:nan' is no index:value"),
    ],
)
def test_a_line_that_is_not_libsvm(tmp_path: Path, line: str, reason: str) -> None:
    path = lines(tmp_path, ["# a comment", "", "0 1:2 4:3e-2 ", line, "0 1:2"])
    found = first_bad_line(path, 4)
    assert found is not None
    assert found[0] == 4
    assert found[1].replace("\\", "\\\\") == reason or found[1] == reason


def test_a_bad_line_of_libsvm_is_named_with_its_file(team: Team) -> None:
    folder = team.home.path / "raw" / str(DAY)
    given = deliver(team, "libsvm", folder)
    declared(team, "libsvm", **given)
    for bad in ("1 1:2:3", "1 2:1 1:2", "1 5:1", "word", "1 1:1e999", "-1e400 1:1"):
        lines(folder, ["0 1:1", "# fine", bad], "second.txt")
        with pytest.raises(DataError, match=r"line 3 of second\.txt for 2024-03-06 is not LIBSVM"):
            team.run("snapshot")
    assert team.published()["snapshot"] == 0


def test_a_vector_is_its_values_however_it_is_kept(spark: SparkSession) -> None:
    from pyspark.ml.linalg import Vectors

    def of(*vectors: object) -> str:
        rows, _ = with_vector_contents(
            spark.createDataFrame([(each,) for each in vectors], struct_of("v VECTOR"))
        )
        sums = rows.selectExpr(f"{fingerprint_sql(rows.select('v').schema)} AS sums").first()
        assert sums is not None
        return fingerprint(sums["sums"].asDict())

    dense = of(Vectors.dense(0.0, 2.0, 0.0), Vectors.dense(1.0, 0.0, 0.0), None)
    assert of(None, Vectors.sparse(3, {0: 1.0}), Vectors.sparse(3, {0: 0.0, 1: 2.0})) == dense
    assert of(None, Vectors.sparse(4, {0: 1.0}), Vectors.sparse(3, {1: 2.0})) != dense
    assert of(None, Vectors.sparse(3, {0: 1.0}), Vectors.sparse(3, {2: 2.0})) != dense


NAMES = ["a.b", "the size", "größe", "x1", "x2"]


@pytest.mark.parametrize("schema", [None, "`a.b` INT, `the size` DOUBLE, `größe` INT, x1 INT, x2 INT"])
def test_names_with_a_dot_a_space_and_other_letters(team: Team, schema: str | None) -> None:
    folder = team.home.path / "raw" / str(DAY)
    rows = [(number, number + 0.5, number % 2) for number in range(40)]
    lines(folder, [",".join(NAMES), *(f"{a},{b},{c},1,2" for a, b, c in rows)], "things.csv")
    source = {} if schema is None else {"schema": schema}
    sql = "SELECT `a.b` AS id, `the size` AS size, `größe` AS late, `a.b`, `größe` FROM source"
    declared(
        team,
        "csv",
        options={"header": True},
        sql=sql,
        source=source,
        split={"by": "key", "test_fraction": 0.2},
    )
    suite = team.home.path / "expectations" / "things.yaml"
    rules = [{"type": "expect_column_values_to_not_be_null", "kwargs": {"column": name}} for name in NAMES]
    suite.write_text(json.dumps({"expectations": rules}), encoding="utf-8")
    team.run("snapshot", "validate", "preprocess", "fit")
    assert list(current(team, "snapshot").manifest.details.profile) == NAMES
    assert sorted((row[0], row[1], row[2]) for row in features(team).collect()) == rows


def test_names_that_differ_in_case_alone(team: Team) -> None:
    folder = team.home.path / "raw" / str(DAY)
    lines(folder, ["id,size,late,Late", "1,2.5,0,0"], "things.csv")
    declared(team, "csv", options={"header": True})
    with pytest.raises(DataError, match=r"occurs twice.*Late, late"):
        team.run("snapshot")
    assert team.store.contract() is None


def test_a_file_of_many_days_is_cut_by_its_date_column(team: Team) -> None:
    days = [DAY.replace(day=5), DAY]
    made = [f"{a},{b},{c},{days[a % 2]} 10:00:00" for a, b, c in THINGS]
    path = lines(team.home.path / "raw", ["id,size,late,seen", *made, "9,1,1,"], "all.csv")
    source = {
        "path": "raw/all.csv",
        "date_column": "seen",
        "undated_rows": 1,
        "schema": "id INT, size DOUBLE, late INT, seen TIMESTAMP",
    }
    declared(team, "csv", options={"header": True}, source=source)
    team.run("snapshot", "validate", "preprocess")
    assert sorted(row.id for row in features(team).collect()) == [1, 3, 5]
    path.write_text(path.read_text(encoding="utf-8") + "10,2,x,2024-01-01 00:00:00\n", encoding="utf-8")
    with pytest.raises(DataError, match="column late: 1 not int"):
        team.run("snapshot")
