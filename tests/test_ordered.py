"""Ordered execution: partial results are merged by partition, whichever task is first."""

from __future__ import annotations

from importlib import metadata
from typing import TYPE_CHECKING, Any

import pytest

from spark_jobs.ordered import (
    CONTEXT,
    JARS_SETTING,
    MANAGER_SETTING,
    SHUFFLE_MANAGER,
    jar,
    source_digest,
    with_ordered,
)
from spark_jobs.session import is_ordered

if TYPE_CHECKING:
    from pathlib import Path

    from pyspark.sql import SparkSession

OURS = {JARS_SETTING: str(jar()), MANAGER_SETTING: SHUFFLE_MANAGER}


pytestmark = pytest.mark.spark


def methods(spark: SparkSession, name: str) -> set[str]:
    """What a class declares itself: names with the types of parameters."""
    java: Any = spark._jvm
    loader = java.Thread.currentThread().getContextClassLoader()
    declared = java.java.lang.Class.forName(name, True, loader).getDeclaredMethods()
    found = (str(each.toString()).replace(f"{name}.", "").split(" throws ")[0] for each in declared)
    return {each.split(" ")[-1] for each in found if "$" not in each}


def test_it_was_tested_with_the_installed_spark(spark: SparkSession) -> None:
    java: Any = spark._jvm
    assert java.org.apache.spark.ordered.OrderedExecution.TESTED() == metadata.version("pyspark")
    assert is_ordered(spark)


@pytest.mark.parametrize(
    ("ours", "spark_s", "overridden"),
    [
        (CONTEXT, "org.apache.spark.SparkContext", {"runJob", "doubleAccumulator"}),
        (SHUFFLE_MANAGER, "org.apache.spark.shuffle.sort.SortShuffleManager", {"getReader", "getWriter"}),
    ],
)
def test_each_method_that_it_overrides_is_one_of_spark_s(
    spark: SparkSession, ours: str, spark_s: str, overridden: set[str]
) -> None:
    own = {each for each in methods(spark, ours) if each.split("(")[0] in overridden}
    assert {each.split("(")[0] for each in own} == overridden
    assert own <= methods(spark, spark_s)


def test_results_are_merged_by_partition_whichever_task_is_first(spark: SparkSession) -> None:
    # 0 + 1e16 + 1 - 1e16 + 1 is 1; had the tasks that do not sleep come first, it would be 0.
    values = [1e16, 1.0, -1e16, 1.0]
    slow = "java_method('java.lang.Thread', 'sleep', CAST(400 * ((id + 1) % 2) AS BIGINT))"
    numbers = spark.range(0, 4, 1, 4).selectExpr(
        f"CASE WHEN {slow} IS NULL THEN 0D ELSE array({', '.join(map(repr, values))})[int(id)] END AS value"
    )
    java: Any = spark._jvm
    doubles = getattr(numbers._jdf, "as")(java.org.apache.spark.sql.Encoders.scalaDouble()).rdd()
    assert java.org.apache.spark.api.java.JavaDoubleRDD(doubles).sum() == 1.0


def test_settings_get_the_jar_and_the_shuffle_beside_what_they_have() -> None:
    assert jar().is_file()
    assert with_ordered({}) == OURS
    assert with_ordered({JARS_SETTING: "/driver.jar"})[JARS_SETTING] == f"/driver.jar,{jar()}"
    assert with_ordered(OURS) == OURS


def test_without_the_jar_settings_stay_as_they_are(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("spark_jobs.ordered.SOURCES", tmp_path)
    assert with_ordered({"spark.master": "local"}) == {"spark.master": "local"}


def test_a_comment_does_not_change_what_is_learnt_with(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    digests = []
    for number, text in enumerate(("val a = 1", "val a = 1 // one\n/* and\n * so on */", "val a = 2")):
        folder = tmp_path / str(number)
        folder.mkdir()
        (folder / "A.scala").write_text(text)
        monkeypatch.setattr("spark_jobs.ordered.SOURCES", folder)
        source_digest.cache_clear()
        digests.append(source_digest())
    source_digest.cache_clear()
    assert digests[0] == digests[1] != digests[2]
