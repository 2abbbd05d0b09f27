"""Each slice is measured as if its rows were all, in the same pass; and two models on the same rows."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from sklearn import metrics as reference

from tests.ml.families.conftest import holdout_of
from tests.ml.test_stages import pipeline_of
from vintage.ml.families import EvaluationResult, Slice, classification, counting, family_of
from vintage.ml.families.classification import measure_scored
from vintage.ml.families.slices import LEADING, SLICES, Sliced, leading

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

pytestmark = pytest.mark.spark

PORTS = ("EWR", "JFK", None)


def rows_of(count: int = 600) -> tuple[np.ndarray, np.ndarray, list[str | None]]:
    """Labels, scores that tell them better in some ports than in others, and the ports."""
    random = np.random.default_rng(11)
    labels = (random.random(count) < 0.4).astype(float)
    ports = random.integers(0, len(PORTS), count)
    scores = np.clip(random.normal(0.35 + 0.15 * ports * labels, 0.2), 0.001, 0.999)
    return labels, scores, [PORTS[port] for port in ports]


def scored_of(spark: SparkSession, count: int = 600) -> DataFrame:
    labels, scores, ports = rows_of(count)
    rows = [
        (float(label), float(score > 0.5), [1 - float(score), float(score)], float(score), (port,), place)
        for place, (label, score, port) in enumerate(zip(labels, scores, ports, strict=True))
    ]
    kinds = "label double, prediction double, probability array<double>, score double"
    return spark.createDataFrame(rows, f"{kinds}, {SLICES} struct<port: string>, id int")


def by_value(slices: tuple[Slice, ...]) -> dict[str | None, Slice]:
    return {each.value: each for each in slices if not each.others}


def measured(scored: DataFrame, rows: int = 600, **wanted: tuple[str | None, ...]) -> EvaluationResult:
    sliced = leading(scored, wanted or {"port": ()})
    return measure_scored(scored, rows=rows, sliced=sliced, metric="areaUnderROC", confidence=0.95, seed=1)


def test_a_slice_has_the_metrics_of_its_rows_alone(spark: SparkSession) -> None:
    found = measured(scored_of(spark))
    labels, scores, ports = rows_of()
    assert set(by_value(found.slices)) == set(PORTS)
    assert sum(each.rows for each in found.slices) == found.rows == 600
    for port, each in by_value(found.slices).items():
        here = np.array([name == port for name in ports])
        assert each.rows == here.sum()
        assert each.values["areaUnderROC"] == pytest.approx(
            reference.roc_auc_score(labels[here], scores[here]), abs=1e-12
        )
        assert each.values["f1"] == pytest.approx(reference.f1_score(labels[here], scores[here] > 0.5))
        assert each.values["logLoss"] == pytest.approx(reference.log_loss(labels[here], scores[here]))
        assert each.interval is not None
        assert each.interval.low < each.values["areaUnderROC"] < each.interval.high


def test_slices_change_nothing_of_the_whole(spark: SparkSession) -> None:
    scored = scored_of(spark)
    plain = measure_scored(scored, rows=600)
    assert (plain.values, plain.details, plain.slices) == (
        measured(scored).values,
        measured(scored).details,
        (),
    )


def test_beyond_the_leading_values_are_the_others_but_for_those_that_are_wanted(spark: SparkSession) -> None:
    """Ten thousand values, the first sixty of them with two rows more than the rest."""
    few = [(f"v{value:05d}",) for value in range(10_000)]
    many = [(f"v{value:05d}",) for value in range(60) for _ in range(2)]
    rows = [(float(place % 2), 1.0, None, 0.5, value) for place, value in enumerate([*few, *many])]
    kinds = "label double, prediction double, probability array<double>, score double"
    scored = spark.createDataFrame(rows, f"{kinds}, {SLICES} struct<port: string>")
    found = measured(scored, len(rows), port=("v09999", "nowhere"))
    named = by_value(found.slices)
    assert len(named) == LEADING + 1
    assert {value for value in named if value is not None} == {
        *(f"v{value:05d}" for value in range(LEADING)),
        "v09999",
    }
    [others] = [each for each in found.slices if each.others]
    assert others.rows == len(rows) - 3 * LEADING - 1
    assert others.value is None


def test_a_slice_in_bins_is_near_the_exact_one(spark: SparkSession, monkeypatch: pytest.MonkeyPatch) -> None:
    scored = scored_of(spark)
    exact = by_value(measured(scored).slices)
    monkeypatch.setattr(counting, "EXACT_ROWS", 10)
    binned = by_value(measured(scored).slices)
    for port, each in binned.items():
        assert each.values["areaUnderROC"] == pytest.approx(exact[port].values["areaUnderROC"], abs=1e-3)
        assert each.values["logLoss"] == pytest.approx(exact[port].values["logLoss"], abs=1e-12)


def test_raw_scores_are_binned_however_far_they_reach(
    spark: SparkSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    from pyspark.sql import functions as F

    monkeypatch.setattr(counting, "EXACT_ROWS", 10)
    margins = scored_of(spark).withColumns(
        {
            "score": F.log(F.col("score") / (1 - F.col("score"))) * 3,
            "probability": F.lit(None).cast("array<double>"),
        }
    )
    labels, scores, _ = rows_of()
    found = measure_scored(margins, rows=600)
    assert found.values["areaUnderROC"] == pytest.approx(reference.roc_auc_score(labels, scores), abs=1e-3)
    assert np.isnan(found.values["logLoss"])
    assert "calibration" not in found.details


def test_a_score_that_is_nan_ranks_nothing_and_breaks_nothing(
    spark: SparkSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    from pyspark.sql import functions as F

    broken = scored_of(spark).withColumn(
        "score", F.when(F.col("id") == 7, F.lit(float("nan"))).otherwise(F.col("score"))
    )
    for most in (counting.EXACT_ROWS, 10):
        monkeypatch.setattr(counting, "EXACT_ROWS", most)
        found = measured(broken)
        assert np.isnan(found.values["areaUnderROC"])
        assert "areaUnderROC" not in found.intervals
        assert found.values["accuracy"] > 0.5
        assert "roc" not in found.details


def test_what_is_drawn_adds_up_to_the_rows(spark: SparkSession) -> None:
    labels, scores, _ = rows_of()
    details = measured(scored_of(spark)).details
    assert [details["roc"][axis][place] for place in (0, -1) for axis in "xy"] == [0, 0, 1, 1]
    assert np.trapezoid(details["roc"]["y"], details["roc"]["x"]) == pytest.approx(
        reference.roc_auc_score(labels, scores), abs=2e-3
    )
    assert len(details["roc"]["x"]) <= 201
    assert sum(details["scores"]["rows"]["1"]) == labels.sum()
    assert sum(details["scores"]["rows"]["0"]) == 600 - labels.sum()
    assert sum(each["rows"] for each in details["calibration"]) == 600
    for each in details["calibration"]:
        here = (scores >= each["low"]) & (scores < each["high"])
        assert each["rows"] == here.sum()
        assert each["predicted"] == pytest.approx(scores[here].mean())
        assert each["observed"] == pytest.approx(labels[here].mean())


@pytest.mark.parametrize("exact", [True, False])
def test_two_models_are_compared_on_the_same_rows(
    spark: SparkSession, monkeypatch: pytest.MonkeyPatch, exact: bool
) -> None:
    """As if each were measured by itself; and the model against itself gains nothing."""
    from pyspark.ml import Pipeline
    from pyspark.ml.classification import LogisticRegression
    from pyspark.ml.feature import VectorAssembler

    from vintage.ml.families import compare

    random = np.random.default_rng(2)
    points = [(place, *map(float, random.normal(0, 1, 2))) for place in range(400)]
    rows = spark.createDataFrame(
        [(place, x, z, float(x + z + random.normal(0, 1) > 0)) for place, x, z in points],
        "id int, x double, z double, label double",
    )
    spec = pipeline_of(evaluate={"metric": "areaUnderROC"})
    models = [
        Pipeline(
            stages=[VectorAssembler(inputCols=names, outputCol="features"), LogisticRegression(maxIter=5)]
        ).fit(rows)
        for names in (["x", "z"], ["x"])
    ]
    family = family_of("classification")
    apart = [measure_scored(family.score(rows, model, spec), rows=400).values for model in models]
    if not exact:
        monkeypatch.setattr(counting, "EXACT_ROWS", 10)
        monkeypatch.setattr(classification, "PAIR_BINS", 64)
    holdout = holdout_of(rows, model=models[0], baseline=models[1], pipeline=spec)
    found = compare(holdout, EvaluationResult(400, apart[0]))
    assert found.rows == 400
    assert found.values == pytest.approx(apart[1], abs=0 if exact else 1e-4)
    for name, gain in found.gains.items():
        sign = -1 if name == "logLoss" else 1
        assert gain.value == pytest.approx(sign * (apart[0][name] - apart[1][name]), abs=1e-4)
        assert gain.value > 0
        assert gain.interval is not None
        assert 0 < gain.interval.low < gain.value < gain.interval.high
    itself = compare(
        holdout_of(rows, model=models[0], baseline=models[0], pipeline=spec), EvaluationResult(400, {})
    )
    assert {gain.value for gain in itself.gains.values()} == {0.0}


def test_the_code_of_a_value_is_its_place_and_0_is_any_other(spark: SparkSession) -> None:
    frame = spark.createDataFrame(
        [(("a",),), (("b",),), ((None,),), (("c",),)], f"{SLICES} struct<x: string>"
    )
    codes = frame.select(Sliced("x", ("b", None, "a")).code.alias("code")).collect()
    assert [row["code"] for row in codes] == [3, 1, 2, 0]


def test_a_regression_s_slices_have_its_errors_and_intervals(spark: SparkSession) -> None:
    random = np.random.default_rng(3)
    labels = random.normal(10, 3, 900)
    sides = random.integers(0, 2, 900)
    predictions = labels + random.normal(0, 1 + sides)
    rows = [
        (place, float(label), float(guess), (str(side),))
        for place, (label, guess, side) in enumerate(zip(labels, predictions, sides, strict=True))
    ]
    scored = spark.createDataFrame(
        rows, f"id int, label double, prediction double, {SLICES} struct<side: string>"
    )
    spec = pipeline_of(
        "- LinearRegression: {}", task="regression", evaluate={"metric": "rmse", "slices": ["side"]}
    )
    found = family_of("regression").measure(holdout_of(scored, pipeline=spec, thorough=True))
    whole = found.intervals["rmse"]
    error = np.std((labels - predictions) ** 2, ddof=1) / np.sqrt(900) / 2 / found.values["rmse"]
    assert (whole.high - whole.low) / 2 == pytest.approx(2.01 * error, rel=0.3)
    for side, each in by_value(found.slices).items():
        here = sides == int(side or "")
        assert each.rows == here.sum()
        assert each.values["rmse"] == pytest.approx(
            reference.root_mean_squared_error(labels[here], predictions[here])
        )
        assert each.values["r2"] == pytest.approx(reference.r2_score(labels[here], predictions[here]))
        assert each.interval is not None
        assert each.interval.low < each.values["rmse"] < each.interval.high
    assert len(found.slices) == 2
