"""A short Spark job that touches what the nightly jobs touch, so that the JVM's archive holds their classes.

It computes nothing of interest: what counts is which classes Spark has loaded when it ends.
"""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from pyspark.ml import Pipeline, PipelineModel
from pyspark.ml.classification import LogisticRegression
from pyspark.ml.evaluation import BinaryClassificationEvaluator
from pyspark.ml.feature import Imputer, OneHotEncoder, StringIndexer, VectorAssembler
from pyspark.ml.functions import vector_to_array
from pyspark.sql import functions as F

from vintage.session import SparkProvider

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

ROWS = 200
SCHEMA = "carrier STRING, number INT, distance DOUBLE, delay INT, hour TIMESTAMP"


def csv_lines() -> str:
    """Return a small table with the kinds of values that the flights have."""
    lines = ["carrier,number,distance,delay,hour"]
    for row in range(ROWS):
        distance = "NA" if row % 17 == 0 else str(100 + row * 7 % 900)
        lines.append(
            f"{'AB'[row % 2]}{row % 5},{row},{distance},{row * 13 % 60 - 20},2013-01-01T{row % 24:02}:00:00Z"
        )
    return "\n".join(lines) + "\n"


def read_and_write(spark: SparkSession, folder: Path) -> DataFrame:
    """CSV in, checks and aggregates over it, Parquet out and in again."""
    raw = folder / "raw.csv"
    raw.write_text(csv_lines())
    source = spark.read.csv(
        str(raw),
        schema=f"{SCHEMA}, _corrupt STRING",
        header=True,
        nullValue="NA",
        mode="PERMISSIVE",
        columnNameOfCorruptRecord="_corrupt",
    ).cache()
    source.where("_corrupt IS NOT NULL").limit(3).collect()
    source.drop("_corrupt").createOrReplaceTempView("source")
    hashed = "CAST(xxhash64(carrier, number, distance, hour) AS DECIMAL(38, 0))"
    spark.sql(f"""
        SELECT count(*), count_if(distance IS NULL), avg(distance), stddev(distance), min(carrier), max(hour),
               sum({hashed}), approx_count_distinct(carrier), percentile_approx(distance, 0.5), min(delay)
        FROM source
    """).collect()  # noqa: S608 - the text is this file's own
    spark.sql(
        "SELECT carrier, count(*) n FROM source GROUP BY carrier ORDER BY n DESC, carrier LIMIT 5"
    ).toPandas()
    features = spark.sql("""
        SELECT *, CAST(delay >= 15 AS DOUBLE) AS label,
               row_number() OVER (PARTITION BY carrier ORDER BY number) AS nth
        FROM source WHERE delay IS NOT NULL AND carrier RLIKE '^[A-Z]'
    """)
    out = str(folder / "features")
    features.coalesce(1).write.option("compression", "zstd").parquet(out)
    source.unpersist()
    return spark.read.parquet(out)


def fit_and_save(spark: SparkSession, features: DataFrame, folder: Path) -> None:
    """Fit the usual stages, save and load them, and measure the predictions."""
    train = features.repartition(2, "carrier", "number").sortWithinPartitions("carrier", "number").cache()
    stages = [
        Imputer(inputCols=["distance"], outputCols=["filled"], strategy="median"),
        StringIndexer(inputCols=["carrier"], outputCols=["index"], handleInvalid="keep"),
        OneHotEncoder(inputCols=["index"], outputCols=["encoded"]),
        VectorAssembler(inputCols=["filled", "encoded"], outputCol="features"),
        LogisticRegression(maxIter=5, regParam=0.01),
    ]
    Pipeline(stages=stages).fit(train).write().overwrite().save(str(folder / "model"))
    scored = PipelineModel.load(str(folder / "model")).transform(train).cache()
    BinaryClassificationEvaluator().evaluate(scored)
    probability = vector_to_array("probability")[1]
    scored.groupBy("label", "prediction").agg(F.count("*"), F.sum(-F.log(probability))).collect()
    scored.select("label", probability.alias("score")).orderBy("score").toPandas()
    spark.catalog.clearCache()


def main() -> None:
    """Run it all in a folder of its own, which is gone afterwards."""
    provider = SparkProvider("vintage-archive")
    with tempfile.TemporaryDirectory() as name:
        spark = provider()
        fit_and_save(spark, read_and_write(spark, Path(name)), Path(name))
    provider.stop()


if __name__ == "__main__":
    main()
