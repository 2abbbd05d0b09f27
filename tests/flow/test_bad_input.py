"""Bad input ends in one clear error that names the place, and nothing of it is published."""

from __future__ import annotations

import os
import subprocess
from datetime import date, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from vintage.errors import DataError, SpecError, StoreError, TrackingError, TrainingError, ValidationFailed
from vintage.flow.job import readable
from vintage.spec import Home

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.flow.conftest import Team

pytestmark = pytest.mark.spark

DAY = date(2024, 3, 6)


def lines_of(team: Team, day: date = DAY) -> list[str]:
    return team.raw(day).read_text(encoding="utf-8").splitlines()[1:]


@pytest.mark.fault("no raw data for a date", outcome="exit 3; names the nearest dates")
def test_no_raw_data_names_the_nearest_dates(team: Team) -> None:
    with pytest.raises(DataError, match=r"no raw data for 2024-03-09.*date=2024-03-09.*2024-03-06"):
        team.run("snapshot", day="2024-03-09")
    assert team.published()["snapshot"] == 0


def test_an_empty_day(team: Team) -> None:
    team.deliver(DAY, [])
    with pytest.raises(DataError, match="the raw data of 2024-03-06 has no rows"):
        team.run("snapshot")


@pytest.mark.fault("a date that is delivered again, empty", outcome="exit 3; its old rows are used no more")
@pytest.mark.long
def test_a_day_that_became_empty_loses_its_old_rows(team: Team, monkeypatch: pytest.MonkeyPatch) -> None:
    team.edit("min_days: 3", "min_days: 2")
    first = DAY - timedelta(days=3)
    team.raw(first).unlink()
    team.run()
    earlier = DAY - timedelta(days=1)
    team.deliver(earlier, [])
    # Great Expectations is not asked again about a suite that it took.
    monkeypatch.setattr("vintage.validation.rules.check_suite", None)
    team.run()
    from vintage.report.job_result import result_of
    from vintage.report.summary import summarise

    found = summarise(team.store, DAY)
    assert earlier not in found.window
    # The window's first date too, before which no row tells that there should be some.
    assert found.absent_dates == {"no raw data": (first,), "no rows": (earlier,)}
    told = result_of(team.home, team.store, DAY, team.store.current("evaluation", DAY)).facts
    assert (told["no raw data"], told["no rows"]) == ([str(first)], [str(earlier)])


@pytest.mark.fault("a suite that Great Expectations refuses", outcome="exit 2, before a row is read")
def test_a_suite_is_looked_at_before_the_first_step(team: Team) -> None:
    rule = "  - {type: expect_column_values_to_be_of_type, kwargs: {column: id, type_: INT}}\n"
    suite = team.home.path / "expectations" / "things.yaml"
    suite.write_text(suite.read_text(encoding="utf-8") + rule, encoding="utf-8")
    with pytest.raises(SpecError, match=r'no type "INT".*did you mean "IntegerType"'):
        team.run("snapshot")
    assert team.published()["snapshot"] == 0


@pytest.mark.fault("fewer days than `window.min_days`", outcome="exit 3; names the absent dates")
def test_fewer_days_than_min_days(team: Team) -> None:
    for back in (2, 3):
        team.raw(DAY - timedelta(days=back)).unlink()
    with pytest.raises(
        DataError,
        match=r"too few days.*at least 3.*2024-03-05, 2024-03-06\); no raw data: .*2024-03-03, 2024-03-04",
    ):
        team.run("snapshot")


@pytest.mark.fault("columns added, removed or renamed", outcome="exit 3; names them")
@pytest.mark.parametrize(
    ("header", "line", "difference"),
    [
        ("id,colour,seen,late", "1,red,2024-03-06T00:00:00Z,1", "missing: size"),
        ("id,colour,size,seen,late,gate", "1,red,2,2024-03-06T00:00:00Z,1,A", "added: gate"),
        ("id,color,size,seen,late", "1,red,2,2024-03-06T00:00:00Z,1", "missing: colour; added: color"),
        ("id,colour,size,seen,late,Late", "1,red,2,2024-03-06T00:00:00Z,1,1", "occurs twice"),
    ],
)
def test_columns_that_are_not_the_contract_s(team: Team, header: str, line: str, difference: str) -> None:
    team.deliver(DAY, [line], header=header)
    with pytest.raises(DataError, match=difference):
        team.run("snapshot")
    assert team.store.current("snapshot", DAY) is None
    assert team.leftovers() == []


@pytest.mark.fault("values of another type", outcome="exit 3; names column, count and value")
def test_a_retyped_column_names_column_count_and_value(team: Team) -> None:
    team.deliver(DAY, [line.replace("red", "red").replace(",", ",", 1) for line in lines_of(team)])
    lines = [f"{number},red,big,{DAY}T00:00:00Z,1" for number in range(3)]
    team.deliver(DAY, [*lines_of(team), *lines])
    with pytest.raises(DataError, match=r"do not parse: column size: 3 not double, such as 'big'"):
        team.run("snapshot")
    assert team.store.current("snapshot", DAY) is None


def test_a_row_that_does_not_parse_is_shown(team: Team) -> None:
    team.deliver(DAY, [*lines_of(team), "77,red"])
    with pytest.raises(DataError, match=r"raw rows of 2024-03-06 do not parse.*1 such row: 77,red"):
        team.run("snapshot")


@pytest.mark.fault("a file of no bytes", outcome="exit 3; names the file")
def test_a_zero_byte_file(team: Team) -> None:
    team.raw(DAY).with_name("second.csv").touch()
    with pytest.raises(DataError, match=r"second.csv for 2024-03-06 has zero bytes"):
        team.run("snapshot")


@pytest.mark.fault("a CSV file cut in a row", outcome="exit 3")
def test_a_csv_cut_in_the_middle_of_a_row(team: Team) -> None:
    path = team.raw(DAY)
    path.write_bytes(path.read_bytes()[:-14])
    with pytest.raises(DataError, match="do not parse"):
        team.run("snapshot")


def declare_parquet(team: Team) -> None:
    """Has the team's pipeline read Parquet of id, colour and size."""
    team.edit("format: csv", "format: parquet")
    team.edit("options: {header: true}", "options: {}")
    team.edit(
        "id INT, colour STRING, size DOUBLE, seen TIMESTAMP, late INT", "id INT, colour STRING, size DOUBLE"
    )
    team.edit(
        "SELECT id, seen, colour, size, late FROM source",
        "SELECT id, colour, size, id AS late, id AS seen FROM source",
    )


@pytest.mark.fault("a Parquet file cut short", outcome="exit 3; names the file")
def test_a_parquet_file_cut_short(team: Team) -> None:
    frame = (
        team.provider().createDataFrame([(1, "red", 2.0)], "id INT, colour STRING, size DOUBLE").coalesce(1)
    )
    folder = team.raw(DAY).parent
    for each in range(4):
        frame.write.mode("overwrite").parquet(
            str(team.home.path / "raw" / f"date={DAY - timedelta(days=each)}")
        )
    [part] = folder.glob("*.parquet")
    for crc in folder.glob(".*.crc"):
        crc.unlink()
    part.write_bytes(part.read_bytes()[:-20])
    declare_parquet(team)
    with pytest.raises(DataError, match=r"part-.*parquet of 2024-03-06 is no whole Parquet file"):
        team.run("snapshot")
    assert team.store.current("snapshot", DAY) is None


def test_a_retyped_parquet_column(team: Team) -> None:
    for each in range(4):
        day = DAY - timedelta(days=each)
        kind = "STRING" if day == DAY else "DOUBLE"
        frame = team.provider().sql(f"SELECT 1 AS id, 'red' AS colour, CAST(2 AS {kind}) AS size")
        frame.write.mode("overwrite").parquet(str(team.home.path / "raw" / f"date={day}"))
    declare_parquet(team)
    with pytest.raises(DataError, match="retyped: size is string instead of double"):
        team.run("snapshot")


@pytest.mark.fault(
    "rows that break a critical expectation", outcome="exit 3; nothing downstream is made; the Data Docs stay"
)
def test_a_critical_expectation_stops_the_chain_and_leaves_data_docs(team: Team) -> None:
    team.deliver(DAY, [*lines_of(team), f"98,green,1,{DAY}T00:00:00Z,1", f"99,green,1,{DAY}T00:00:00Z,0"])
    team.run("snapshot")
    told = r"expect_column_values_to_be_in_set on colour: 2 of 26.*green.*index\.html"
    with pytest.raises(ValidationFailed, match=told) as failed:
        team.run("validate")
    docs = Path(str(failed.value).rsplit("Data Docs: ", 1)[1])
    assert "green" in docs.read_text(encoding="utf-8")
    with pytest.raises(ValidationFailed, match="did not pass"):
        team.run("preprocess")
    assert team.published()["features"] == 0
    with pytest.raises(ValidationFailed, match=told):
        team.run("validate")


def test_preprocess_asks_for_validation(team: Team) -> None:
    team.run("snapshot")
    with pytest.raises(StoreError, match="has not been validated"):
        team.run("preprocess")


def test_steps_out_of_order_say_what_makes_the_missing_one(team: Team) -> None:
    run = f"un `vintage run {team.name} --date {DAY}`"
    with pytest.raises(StoreError, match=f"{run}; in Airflow, clear the run from snapshot on"):
        team.run("validate")
    team.run("snapshot", "validate")
    with pytest.raises(StoreError, match=f"{run}; in Airflow, clear the run from preprocess on"):
        team.run("fit")
    team.run("preprocess")
    with pytest.raises(
        StoreError, match=f"{run}, with the same --set; in Airflow, clear the run from fit on"
    ):
        team.run("evaluate")
    team.run("fit")
    with pytest.raises(
        StoreError, match=f"{run}, with the same --set; in Airflow, clear the run from evaluate on"
    ):
        team.run("promote")


@pytest.mark.fault("labels of one class, or null throughout", outcome="exit 3; no model")
@pytest.mark.parametrize(
    ("sql", "label", "told"),
    [
        ("late", "late * 0 + 1", "one class only.*1 in all"),
        ("late", "CAST(NULL AS DOUBLE)", "label of .* is null"),
    ],
)
def test_labels_that_teach_nothing(team: Team, sql: str, label: str, told: str) -> None:
    team.edit("label: CAST(late AS DOUBLE)", f"label: {label}")
    team.run("snapshot", "validate", "preprocess")
    with pytest.raises(TrainingError, match=told):
        team.run("fit")
    assert team.published()["model"] == 0
    assert team.leftovers() == []


@pytest.mark.fault("a feature that is null throughout", outcome="exit 3; names the column")
def test_a_column_that_is_null_throughout(team: Team) -> None:
    team.edit(
        "SELECT id, seen, colour, size, late", "SELECT id, seen, colour, CAST(NULL AS DOUBLE) AS size, late"
    )
    team.run("snapshot", "validate", "preprocess")
    with pytest.raises(TrainingError, match=r"null in every row.*size"):
        team.run("fit")


def test_no_row_to_learn_from(team: Team) -> None:
    team.edit("train_where: late IS NOT NULL", "train_where: late > 5")
    team.run("snapshot", "validate", "preprocess")
    with pytest.raises(TrainingError, match=r"training set of .* is empty"):
        team.run("fit")


@pytest.mark.parametrize("day", ["2013-02-30", "../x", "{{ 7*7 }}", "", "2024-3-6", "2024-03-06 --conf x=y"])
def test_what_is_no_date(team: Team, day: str) -> None:
    with pytest.raises(SpecError, match="YYYY-MM-DD"):
        team.job(day)


def test_a_date_to_come(team: Team) -> None:
    with pytest.raises(SpecError, match="date 2999-01-01 is in the future"):
        team.job("2999-01-01")


@pytest.mark.parametrize("name", ["unknown", "../things", "{{ 7*7 }}", ""])
def test_what_is_no_pipeline(team: Team, name: str) -> None:
    from vintage.flow.job import open_job

    with pytest.raises(SpecError):
        open_job(team.home, name, str(DAY))


@pytest.mark.fault("rows that share their key", outcome="a warning with the count")
def test_keys_that_are_not_a_row_s_own_are_told(team: Team, caplog: pytest.LogCaptureFixture) -> None:
    team.edit("FROM source", "FROM source LATERAL VIEW explode(IF(id < 2, array(1, 2), array(1))) AS n")
    team.run("snapshot", "validate", "preprocess")
    assert f"features {DAY}: in 4 of 26 rows the key id, seen is not theirs alone" in caplog.text
    found = team.store.current("features", DAY)
    assert found is not None
    assert found.manifest.details.rows_of_repeated_keys == 4


def test_a_param_that_was_set_by_hand_is_named_as_it_was_given(team: Team) -> None:
    with pytest.raises(SpecError, match=r"--set LogisticRegression\.maxItr: LogisticRegression has no Param"):
        team.run("snapshot", overrides=["LogisticRegression.maxItr=3"])


def test_sql_that_does_not_run(team: Team) -> None:
    team.edit(
        "SELECT id, seen, colour, size, late FROM",
        "SELECT id, seen, colour, no_function(size) AS size, late FROM",
    )
    team.run("snapshot", "validate")
    with pytest.raises(SpecError, match="does not run on the snapshot"):
        team.run("preprocess")


@pytest.mark.fault("MLflow cannot be reached", outcome="exit 4; what was made stays")
def test_mlflow_that_is_not_there(team: Team) -> None:
    away = Home.from_environment(
        {"VINTAGE_HOME": str(team.home.path), "MLFLOW_TRACKING_URI": "http://127.0.0.1:9"}
    )
    lost = type(team)(away, team.name, team.provider)
    lost.run("snapshot", "validate", "preprocess")
    with pytest.raises(TrackingError, match=r"http://127\.0\.0\.1:9"):
        lost.run("fit")
    assert lost.published()["model"] == 0
    team.run()
    assert team.published()["model"] == 1


@pytest.fixture
def full_disk(tmp_path: Path) -> Iterator[Path]:
    if os.geteuid() != 0:
        pytest.skip("only root may mount a small file system")
    place = tmp_path / "small"
    place.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=96k", "tmpfs", str(place)], check=True)
    try:
        yield place
    finally:
        subprocess.run(["umount", "--lazy", str(place)], check=True)  # Spark may hold a file open


@pytest.mark.fault("a full disk", outcome="exit 4; nothing half-published")
def test_a_full_disk(team: Team, full_disk: Path) -> None:
    team.deliver(DAY, [f"{number},red,{number},{DAY}T00:00:00Z,1" for number in range(40_000)])
    home = Home.from_environment(
        {
            "VINTAGE_HOME": str(team.home.path),
            "VINTAGE_STORE": str(full_disk),
            "MLFLOW_TRACKING_URI": "sqlite://",
        }
    )
    crowded = type(team)(home, team.name, team.provider)
    with pytest.raises(Exception, match=r".") as refused:  # Spark's own error, or the store's
        crowded.run("snapshot")
    told = readable(refused.value)
    assert isinstance(told, StoreError), told
    assert "VINTAGE_STORE" in str(told)
    assert crowded.store.current("snapshot", DAY) is None
    assert crowded.leftovers() == []


@pytest.mark.fault("a read-only store", outcome="exit 4")
def test_a_store_that_cannot_be_written(team: Team) -> None:
    home = Home.from_environment({"VINTAGE_HOME": str(team.home.path), "VINTAGE_STORE": "/proc/store"})
    with pytest.raises(StoreError, match=r"cannot be written at /proc/store.*VINTAGE_STORE"):
        type(team)(home, team.name, team.provider).run("snapshot")
