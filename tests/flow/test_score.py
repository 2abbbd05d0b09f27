"""A date's rows are scored by who serves; what cannot be scored is kept aside with the reason."""

from __future__ import annotations

import json
import logging
from contextlib import contextmanager
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from typer.testing import CliRunner

from tests.flow.conftest import DAY, rows_of
from vintage.cli.main import app
from vintage.data.rows import read_rows
from vintage.errors import DataError, NothingServes, SpecError, ValidationFailed
from vintage.flow import score
from vintage.registry import ledger

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from datetime import date

    from pyspark.sql import DataFrame, SparkSession

    from tests.flow.conftest import Team
    from vintage.store import Artifact

pytestmark = pytest.mark.spark

INDEXER = "stage 1, StringIndexer, has not seen the value"


@pytest.fixture(scope="module")
def served(new_team: Callable[[], Team]) -> Team:
    """A team whose model of DAY serves, and takes no category that it did not learn."""
    team = new_team()
    team.edit("handleInvalid: keep", "handleInvalid: error")
    team.edit("window: {days: 4, min_days: 3}", "window: {days: 2, min_days: 1}")
    team.edit("[red, blue]", "[red, blue, green]", file="expectations")
    team.run()
    return team


@pytest.fixture(scope="module")
def unlabelled(served: Team) -> date:
    """The day after: no label, two colours that were not learnt, a size without end, one that lacks."""
    day = DAY + timedelta(days=1)
    lines = [line.rsplit(",", 1)[0] + "," for line in rows_of(day)]
    lines[3] = lines[3].replace("blue", "green")
    lines[4] = lines[4].replace("red", "")
    lines[5] = f"5,blue,Infinity,{day}T05:00:00Z,"
    lines[6] = f"6,red,,{day}T06:00:00Z,"
    served.deliver(day, lines)
    return day


@contextmanager
def edited(team: Team, old: str, new: str) -> Iterator[None]:
    team.edit(old, new)
    try:
        yield
    finally:
        team.edit(new, old)


def rejected(spark: SparkSession, artifact: Artifact) -> DataFrame:
    return spark.read.parquet(str(artifact.folder / score.REJECTED))


def test_nothing_is_scored_before_something_serves(team: Team) -> None:
    with pytest.raises(NothingServes, match=r"no version of .* serves"):
        score.run(team.job())
    assert not team.store.folder.joinpath("snapshot").exists()


def test_a_night_s_date_is_scored_by_its_champion_from_the_features_that_are_there(
    served: Team, spark: SparkSession, caplog: pytest.LogCaptureFixture
) -> None:
    before = served.published()
    with caplog.at_level(logging.WARNING):
        made = score.run(served.job())
    assert "preprocess" not in caplog.text
    assert served.published() == before
    manifest = made.manifest
    [entry] = ledger.read(served.store.ledger_path)
    features, evaluation = (served.store.current(kind, DAY) for kind in ("features", "evaluation"))
    assert manifest.ingredients.inputs == {
        "model": {DAY: entry.model_key},
        "features": {DAY: features.key},
    }
    # Also the row without a label.
    assert manifest.details.rows == {"given": 24, "scored": 24, "rejected": 0}
    assert (manifest.details.version, manifest.details.model) == (entry.version, entry.model_key)
    rows = read_rows(spark, [made])
    answer = ["prediction", "probability", "score"]
    assert rows.columns == ["id", "seen", *answer, "model_key", "model_version"]
    stamps = rows.select("model_key", "model_version").distinct().collect()
    assert [tuple(row) for row in stamps] == [(entry.model_key, entry.version)]
    assert not (made.folder / score.REJECTED).exists()

    # The same as the evaluation has of the same rows.
    measured = spark.read.parquet(str(evaluation.data / "predictions")).select("id", *answer).collect()
    told = rows.select("id", *answer).collect()
    assert len(measured) == 23
    assert set(map(str, measured)) < set(map(str, told))

    again = score.run(served.job())
    assert again.key == made.key
    assert served.store.current("predictions", DAY).key == made.key


@pytest.mark.fault("rows that cannot be scored", outcome="kept aside with the reason")
def test_a_date_without_labels_is_scored_and_what_cannot_be_is_kept_aside(
    served: Team, unlabelled: date, spark: SparkSession, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING):
        made = score.run(served.job(unlabelled))

    details = made.manifest.details
    assert details.rows == {"given": 24, "scored": 21, "rejected": 3}
    infinite = "column size has infinite values"
    assert details.rejected == {INDEXER: 2, infinite: 1}
    assert f"2 rows are kept aside: {INDEXER}" in caplog.text
    aside = rejected(spark, made)
    assert aside.columns == ["id", "seen", "colour", "size", "late", "label", "trainable", "reason", "found"]
    assert {row["id"]: (row["reason"], row["found"]) for row in aside.collect()} == {
        3: (INDEXER, "colour=green"),
        4: (INDEXER, "colour=null"),
        5: (infinite, "size=Infinity"),
    }
    # The Imputer has an answer to a size that is not there.
    assert 6 in {row["id"] for row in read_rows(spark, [made]).select("id").collect()}
    # Nothing was trained.
    assert served.store.current("model", unlabelled) is None


def test_a_date_of_which_no_row_can_be_scored_leaves_what_was_current(served: Team) -> None:
    day = DAY - timedelta(days=1)
    first = score.run(served.job(day))
    served.deliver(day, [line.replace("red", "green").replace("blue", "green") for line in rows_of(day)])
    for _ in range(2):
        with pytest.raises(DataError, match=r"none of 24 rows .* has not seen the value"):
            score.run(served.job(day))
    assert served.store.current("predictions", day).key == first.key


def test_rows_are_prepared_as_for_the_model_that_serves_whatever_the_file_says_now(
    served: Team, caplog: pytest.LogCaptureFixture
) -> None:
    first = score.run(served.job())
    other = edited(served, "colour, size, late FROM", "colour, 100 * size AS size, late FROM")
    with other, edited(served, "regParam: 0.01", "regParam: 0.5"), caplog.at_level(logging.WARNING):
        again = score.run(served.job())
    assert again.key == first.key
    assert "another preprocess than the file's" in caplog.text


def test_a_version_can_be_asked_for_and_where_chooses_rows(served: Team) -> None:
    with edited(served, "trigger_params:", "score: {where: label IS NULL}\ntrigger_params:"):
        made = score.run(served.job(), version="1")
    assert made.manifest.details.rows == {"given": 1, "scored": 1, "rejected": 0}
    with pytest.raises(SpecError, match=r"has no version 7 that Vintage registered; expected one of 1"):
        score.run(served.job(), version="7")


def test_the_command_tells_counts_reasons_and_places(
    served: Team, unlabelled: date, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VINTAGE_HOME", str(served.home.path))
    monkeypatch.setenv("MLFLOW_TRACKING_URI", served.home.tracking_uri)
    day = str(unlabelled)
    made = score.run(served.job(day))
    # It finds them by their key, and so opens no Spark of its own.
    words = ["score", served.name, "--date", day]
    shown = CliRunner().invoke(app, [*words, "--json"], catch_exceptions=False)
    found = json.loads(shown.stdout)
    assert (found["key"], found["version"], found["rows"]["rejected"]) == (made.key, 1, 3)
    assert found["rejected_path"] == str(made.folder / score.REJECTED)
    told = CliRunner().invoke(app, words, catch_exceptions=False).stdout
    assert f"{served.name} {day}: 21 rows scored by version 1 of {DAY}, 3 kept aside" in told
    assert f"2 rows: {INDEXER}" in told
    score.run(served.job())
    shown = CliRunner().invoke(app, ["show", served.name, "--json"], catch_exceptions=False)
    assert json.loads(shown.stdout)["scored"]["date"] == str(DAY)


def test_rows_that_break_the_suite_are_not_scored(served: Team) -> None:
    day = DAY + timedelta(days=2)
    served.deliver(day, [",red,1,2024-03-08T00:00:00Z,"])
    with pytest.raises(ValidationFailed):
        score.run(served.job(day))
    assert served.store.current("predictions", day) is None
    assert served.leftovers() == []
