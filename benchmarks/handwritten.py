"""The script that a team has before Vintage: one session, one night, everything read and checked again.

It does the same work as the six jobs: reads 28 days of raw CSV under the same schema, checks them with the
same Great Expectations suite, makes the same features, fits the same stages, computes the same metrics with
Spark's evaluators, saves features, predictions and model, and logs and registers in MLflow. It keeps no
manifests, fingerprints or profiles, and does not look whether a column was added or a row did not parse.
"""

from __future__ import annotations

import argparse
import os
from datetime import date, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from vintage.spec import Home, Pipeline, load_pipeline, load_suite

if TYPE_CHECKING:
    from vintage.spec.suite import ExpectationSpec

REQUIREMENTS = ["mlflow", "pyspark"]


def main() -> None:
    """Retrains for one date."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--date", required=True, type=date.fromisoformat)
    parser.add_argument("--out", required=True, type=Path)
    arguments = parser.parse_args()
    home = Home.from_environment(os.environ)
    retrain(home, load_pipeline(home, "flight_delay"), arguments.date, arguments.out)


def retrain(home: Home, pipeline: Pipeline, day: date, out: Path) -> None:
    """One night, as one would write it in a notebook."""
    import great_expectations as gx
    import mlflow
    from pyspark.ml import Pipeline as SparkPipeline
    from pyspark.ml import feature
    from pyspark.ml.classification import LogisticRegression
    from pyspark.ml.evaluation import BinaryClassificationEvaluator, MulticlassClassificationEvaluator
    from pyspark.ml.functions import vector_to_array
    from pyspark.sql import SparkSession
    from pyspark.sql import functions as F

    spark = (
        SparkSession.builder.appName("handwritten").config("spark.sql.session.timeZone", "UTC").getOrCreate()
    )
    days = [day - timedelta(days=back) for back in range(pipeline.window.days)]
    paths = [pipeline.source_path(each) for each in days]
    raw = spark.read.schema(pipeline.source.schema_ddl).csv(paths, header=True, nullValue="NA").cache()

    suite = load_suite(home, pipeline.expectations)
    context = gx.get_context(mode="ephemeral")
    asset = context.data_sources.add_spark("spark").add_dataframe_asset("flights")
    batch = asset.add_batch_definition_whole_dataframe("all").get_batch({"dataframe": raw})
    checks = gx.ExpectationSuite(
        name="flights",
        expectations=[
            {"type": rule.type, "kwargs": kwargs_for(rule, len(days)), "severity": rule.severity}
            for rule in suite.expectations
        ],
    )
    found = batch.validate(checks)
    if any(not one.success and one.expectation_config.severity == "critical" for one in found.results):
        raise SystemExit(f"the data of {day} is not fit to train on")

    local_day = F.make_date("year", "month", "day")
    holdout = F.lit(day - timedelta(days=pipeline.split.test_days - 1))
    sides = {}
    for side, chosen in {"train": local_day < holdout, "test": local_day >= holdout}.items():
        raw.where(chosen).createOrReplaceTempView("source")
        label = F.expr(pipeline.preprocess.label).alias("label")
        rows = spark.sql(pipeline.preprocess.sql).select("*", label)
        rows.where(pipeline.preprocess.train_where or "true").write.parquet(str(out / side))
        sides[side] = spark.read.parquet(str(out / side)).cache()
    train, test = sides["train"], sides["test"]

    classes = {"LogisticRegression": LogisticRegression}
    stages = [
        (classes.get(stage.type) or getattr(feature, stage.type))(**stage.params) for stage in pipeline.stages
    ]
    model = SparkPipeline(stages=stages).fit(train)
    scored = model.transform(test).cache()
    metrics = {
        name: BinaryClassificationEvaluator(metricName=name).evaluate(scored)
        for name in ("areaUnderROC", "areaUnderPR")
    }
    for name in (
        "accuracy",
        "f1",
        "logLoss",
        "weightedPrecision",
        "weightedRecall",
        "precisionByLabel",
        "recallByLabel",
    ):
        metrics[name] = MulticlassClassificationEvaluator(metricName=name, metricLabel=1.0).evaluate(scored)
    scored.groupBy("label", "prediction").count().collect()
    kept = scored.select(*pipeline.preprocess.key, "label", "prediction", vector_to_array("probability"))
    kept.write.parquet(str(out / "predictions"))

    mlflow.set_tracking_uri(home.tracking_uri)
    if mlflow.get_experiment_by_name("handwritten") is None:
        mlflow.create_experiment("handwritten", artifact_location=str(home.mlflow_artifacts))
    mlflow.set_experiment("handwritten")
    with mlflow.start_run(run_name=str(day)):
        mlflow.log_params(
            {
                f"{stage.type}.{name}": str(value)
                for stage in pipeline.stages
                for name, value in stage.params.items()
            }
        )
        mlflow.log_metrics(metrics)
        mlflow.spark.log_model(
            model, "model", pip_requirements=REQUIREMENTS, registered_model_name="handwritten"
        )
    spark.stop()


def kwargs_for(rule: ExpectationSpec, days: int) -> dict[str, Any]:
    """Return the rule's arguments for so many days at once: the suite counts the rows of one."""
    scale = days if rule.type == "expect_table_row_count_to_be_between" else 1
    return {name: value * scale if scale > 1 else value for name, value in rule.kwargs.items()}


if __name__ == "__main__":
    main()
