"""Holds twins of flight models against PMML, a second opinion on the same saved models.

    uv run --with pyspark2pmml==0.12.0 --with jpmml-evaluator==0.16.0 python -m benchmarks.pmml

`pyspark2pmml` converts a PipelineModel, and a Java evaluator scores the rows that the twin scores. Both are
under the AGPL, and nothing of Vintage needs them.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Mapping
from datetime import date, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from rich.console import Console

from benchmarks.chain import CHECKOUT
from examples.prepare import prepare
from vintage.ml.catalogue import find_stage_class
from vintage.ml.stages import build_stages, stage_columns
from vintage.session import SparkProvider
from vintage.spec import Home, Stage, load_pipeline
from vintage.twin import Description, Twin
from vintage.twin.compiler import compile_model
from vintage.twin.pyfunc import columns_of

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

    from vintage.spec import Pipeline

DAY = date(2013, 2, 28)
LEARNT = 14
"""Days before."""
MODELS: Mapping[str, Mapping[str, Any]] = {
    "LogisticRegression": {"maxIter": 50, "regParam": 0.01},
    "LinearSVC": {"maxIter": 20},
    "DecisionTreeClassifier": {"maxDepth": 8, "maxBins": 128},
    "RandomForestClassifier": {"maxDepth": 8, "numTrees": 20, "maxBins": 128},
    "GBTClassifier": {"maxIter": 10, "maxBins": 128},
    "NaiveBayes": {},
    "LinearRegression": {"regParam": 0.01},
    "GeneralizedLinearRegression": {"family": "binomial", "maxIter": 10, "regParam": 0.01},
    "RandomForestRegressor": {"maxDepth": 8, "numTrees": 20, "maxBins": 128},
    "KMeans": {"k": 8},
}
OF_NUMBERS = {"LinearRegression", "GeneralizedLinearRegression", "RandomForestRegressor"}


def main() -> None:
    """Print for each model how many rows were compared, how many answers differ, and how far numbers are."""
    import pyspark2pmml

    home = Home.from_environment({"VINTAGE_HOME": str(CHECKOUT)})
    prepare(("flight_delay",), home.path / "data" / "raw")
    spark = SparkProvider("pmml", conf={"spark.jars": pyspark2pmml.spark_jars()})
    pipeline = load_pipeline(home, "flight_delay")
    learnt = flights(spark, pipeline, [DAY - timedelta(days=back) for back in range(1, LEARNT + 1)]).cache()
    asked = flights(spark, pipeline, [DAY])
    failed = False
    for name in sys.argv[1:] or MODELS:
        try:
            told = compared(pipeline, name, learnt, asked)
        except Exception as error:
            # Of whatever kind: what PMML does not cover is told, and the others go on.
            told, failed = f"not compared: {type(error).__name__}: {str(error)[:300]}", True
        Console().print(f"{name}: {told}", soft_wrap=True)
    spark.stop()
    raise SystemExit(failed)


def flights(spark: SparkProvider, pipeline: Pipeline, days: list[date]) -> DataFrame:
    """Return the rows of `flight_delay` after preprocess, with a label."""
    paths = [str(CHECKOUT / pipeline.source.path.format(date=day)) for day in days]
    raw = spark().read.options(header=True, nullValue="NA").schema(pipeline.source.schema_ddl).csv(paths)
    raw.createOrReplaceTempView("source")
    made = spark().sql(pipeline.preprocess.sql).where(pipeline.preprocess.train_where)
    return made.selectExpr("*", f"{pipeline.preprocess.label} AS label").coalesce(1)


def compared(pipeline: Pipeline, name: str, learnt: DataFrame, asked: DataFrame) -> str:
    """Fit one model on the flights' own stages, and compare what its twin and its PMML make of the rows."""
    from jpmml_evaluator import make_evaluator
    from pyspark.ml import Pipeline as SparkPipeline
    from pyspark2pmml import PMMLBuilder

    model = SparkPipeline(stages=build_stages(with_last(pipeline, name))).fit(learnt)
    kinds = {
        each: kind for each, kind in learnt.dtypes if each in stage_columns(pipeline) and each != "label"
    }
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder)
        model.save(str(path / "model"))
        found = compile_model(path / "model", kinds)
        if not isinstance(found, Description):
            return str(found)
        PMMLBuilder(learnt, model).buildFile(str(path / "model.pmml"))
        evaluator = make_evaluator(str(path / "model.pmml"), backend="py4j")
    rows = asked.select(*kinds).toPandas()
    theirs, ours = evaluator.evaluateAll(rows), Twin(found).transform(columns_of(rows, found.inputs))
    answers = ours["prediction"].values
    other = theirs["prediction" if "prediction" in theirs else "label"].to_numpy(dtype=float)
    if name in OF_NUMBERS:
        told = f"{len(rows)} rows, within {np.max(np.abs(answers - other) / np.abs(answers)):.1e}"
    else:
        told = f"{len(rows)} rows, {(answers != other).sum()} other classes"
    shares = sorted(each for each in theirs if str(each).startswith("probability("))
    if "probability" in ours.columns and shares:
        apart = np.abs(ours["probability"].values - theirs[shares].to_numpy(dtype=float)).max()
        told += f", probabilities within {apart:.1e}"
    return told


def with_last(pipeline: Pipeline, name: str) -> Pipeline:
    """Return the pipeline with another model, without one-hot slots where it is a tree."""
    document = [{each.type: dict(each.params)} for each in pipeline.stages[:-1]]
    if "maxBins" in MODELS[name]:
        document = [each for each in document if "OneHotEncoder" not in each]
        assembler = document[-1]["VectorAssembler"]
        assembler["inputCols"] = [each.replace("_oh", "_ix") for each in assembler["inputCols"]]
    task = find_stage_class(name).__module__.rpartition(".")[2]
    stages = [Stage.model_validate(each) for each in [*document, {name: MODELS[name]}]]
    return pipeline.model_copy(update={"task": task, "stages": stages})


if __name__ == "__main__":
    main()
