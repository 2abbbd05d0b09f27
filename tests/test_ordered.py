"""Ordered execution: partial results are merged by partition, whichever task is first."""

from __future__ import annotations

from importlib import metadata
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest
from py4j.protocol import Py4JJavaError
from pyspark.errors import PySparkException
from pyspark.ml.regression import IsotonicRegression

from vintage.errors import EnvironmentProblem
from vintage.ml.fitting import fit_stage
from vintage.ordered import (
    CONTEXT,
    JARS_SETTING,
    MANAGER_SETTING,
    PLANS_SETTING,
    SHUFFLE_MANAGER,
    jar,
    learning,
    source_digest,
    with_ordered,
)
from vintage.session import SparkProvider, is_ordered, memory_refusal, require_classes
from vintage.spec import Home, load_pipeline, submit_conf
from vintage.spec.flow import FLOW, PREPARING

if TYPE_CHECKING:
    from pathlib import Path

    from pyspark.sql import SparkSession

SPILL_SETTING = "spark.shuffle.spill.numElementsForceSpillThreshold"
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
        (
            CONTEXT,
            "org.apache.spark.SparkContext",
            {"runJob", "submitJob", "runApproximateJob", "doubleAccumulator"},
        ),
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


def test_sums_of_accumulators_are_ordered(spark: SparkSession) -> None:
    java: Any = spark.sparkContext._jsc.sc()
    for made in (java.doubleAccumulator(), java.doubleAccumulator("named")):
        assert made.getClass().getName() == "org.apache.spark.ordered.OrderedDoubleAccumulator"


@pytest.mark.parametrize("kept", ["map", "result"])
@pytest.mark.fault("a stage groups by more than a task's memory holds", outcome="refused")
def test_a_group_by_whose_sums_memory_would_cut_is_refused_while_a_stage_learns(
    spark: SparkSession, kept: str
) -> None:
    session = SparkProvider.of(spark).learning(2)
    # Spark's own switch for its tests: from the third group on, as if there were no memory.
    session.conf.set("spark.sql.TungstenAggregate.testFallbackStartsAt", "2, 2")
    parts = session.range(0, 40, 1, 1 if kept == "result" else 2)
    sums = parts.selectExpr("id % 8 AS group", "id / 3 AS x").groupBy("group").sum("x")
    assert sums.count() == 8
    with learning(session), pytest.raises((PySparkException, Py4JJavaError)) as caught:
        sums.collect()
    refused = memory_refusal(caught.value)
    assert refused is not None
    assert "SQL_GROUPS_OUT_OF_MEMORY" in str(refused)
    assert "Raise spark.driver.memory" in str(refused)


def test_groups_of_objects_are_held_and_never_sorted_while_a_stage_learns(spark: SparkSession) -> None:
    session = SparkProvider.of(spark).learning(2)
    lists = session.range(0, 600, 1, 2).selectExpr("id % 300 AS group").groupBy("group")
    with learning(session):
        assert len(lists.agg({"group": "collect_list"}).collect()) == 300


@pytest.mark.parametrize(
    "statement",
    [
        # No hash aggregation holds a text that changes, such as the greatest so far.
        "SELECT id % 3 AS third, max(CAST(id AS STRING)), sum(x) AS sum FROM numbers GROUP BY id % 3",
        "SELECT DISTINCT id % 3 AS third, sum(x) OVER (PARTITION BY id % 3) AS sum FROM numbers",
    ],
)
@pytest.mark.fault("sorted rows that a stage adds up do not fit into memory", outcome="the same bits")
def test_what_sorts_and_spills_adds_in_the_order_of_the_rows(spark: SparkSession, statement: str) -> None:
    session = SparkProvider.of(spark).learning(2)
    numbers = session.range(0, 3000, 1, 3).selectExpr("id", "pow(10D, id % 31 - 15) / (id + 1) AS x")
    numbers.createOrReplaceTempView("numbers")
    java: Any = spark._jvm
    settings = java.org.apache.spark.SparkEnv.get().conf()

    def summed(ordered: str) -> dict[int, float]:
        session.conf.set(PLANS_SETTING, ordered)
        rows = session.sql(statement)
        assert "Sort" in rows._jdf.queryExecution().executedPlan().toString()
        return {row["third"]: row["sum"] for row in rows.collect()}

    in_memory = summed("true")
    settings.set(SPILL_SETTING, "100")
    try:
        assert summed("true") == in_memory
        # As Spark is, it adds in another order.
        assert summed("false") != in_memory
    finally:
        settings.remove(SPILL_SETTING)


@pytest.mark.fault("a stage's SQL orders all rows, at sampled bounds", outcome="they are on one partition")
def test_all_rows_in_order_are_on_one_partition(spark: SparkSession) -> None:
    session = SparkProvider.of(spark).learning(7)
    rows = session.range(0, 9, 1, 3).orderBy("id", ascending=False)
    assert rows.rdd.getNumPartitions() == 1
    assert [row["id"] for row in rows.collect()] == list(range(8, -1, -1))


def test_no_plan_of_a_fit_follows_from_the_number_of_cores(spark: SparkSession) -> None:
    spark.conf.set("spark.sql.adaptive.enabled", "true")
    grouped = "SELECT id % 50 AS part, count(*) FROM range(100) GROUP BY id % 50"
    learnt, usual = (each.sql(grouped) for each in (SparkProvider.of(spark).learning(7), spark))
    plans = [each._jdf.queryExecution().executedPlan().toString() for each in (learnt, usual)]
    assert ["AdaptiveSparkPlan" in each for each in plans] == [False, True]
    assert learnt.rdd.getNumPartitions() == 7


def test_what_samples_by_the_number_of_an_rdd_has_one_partition_whatever_is_before_it(
    spark: SparkSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(IsotonicRegression, "fit", lambda _, rows: rows.rdd.getNumPartitions())
    assert fit_stage(IsotonicRegression(), spark.range(0, 9, 1, 7)) == 1


def test_no_stage_learns_from_what_ends_by_the_clock(spark: SparkSession) -> None:
    rdd: Any = spark.range(4)._jdf.rdd()
    assert rdd.countApprox(10_000, 0.95).getFinalValue().mean() == 4.0
    with learning(spark), pytest.raises((PySparkException, Py4JJavaError), match="ends by the clock"):
        rdd.countApprox(10_000, 0.95)


def test_map_outputs_are_read_in_order_though_they_are_fetched_in_several_runs(spark: SparkSession) -> None:
    # 16 MiB are a run; these are some 40.
    one = spark.range(0, 4_000_000, 1, 8).repartition(1)
    assert one.selectExpr("id = monotonically_increasing_id() AS same").where("NOT same").count() == 0


def test_what_does_not_wait_is_ordered_as_well(spark: SparkSession) -> None:
    numbers: Any = spark.range(0, 6, 1, 3)._jdf.toJavaRDD()
    assert list(numbers.collectAsync().get()) == list(range(6))


@pytest.mark.parametrize(
    ("settings", "version", "told"),
    [
        ({}, "4.1.3", r"tested with Spark 4\.1\.4; this is Spark 4\.1\.3"),
        ({"spark.shuffle.push.enabled": "true"}, "4.1.4", "spark.shuffle.push.enabled=true"),
        ({"spark.shuffle.sort.io.plugin.class": "a.Remote"}, "4.1.4", r"plugin\.class=a\.Remote"),
    ],
)
@pytest.mark.fault("another Spark than the tested, or a shuffle that is pushed or remote", outcome="refused")
def test_a_jvm_whose_order_is_not_known_is_refused(
    spark: SparkSession, settings: dict[str, str], version: str, told: str
) -> None:
    java: Any = spark._jvm
    conf = java.org.apache.spark.SparkConf(False)
    for name, value in settings.items():
        conf.set(name, value)
    with pytest.raises((PySparkException, Py4JJavaError), match=told):
        java.org.apache.spark.ordered.OrderedExecution.checked(conf, version)


@pytest.mark.fault("`spark-submit --jars` replaces the jar of ordered execution", outcome="refused")
def test_a_jvm_that_was_started_with_other_jars_is_refused(spark: SparkSession) -> None:
    java: Any = spark._jvm
    require_classes(java, None)
    # A package, as py4j gives for what is not there.
    other: Any = SimpleNamespace(org=java.none)
    with pytest.raises(
        EnvironmentProblem, match=rf"expected {jar()} in .*found /driver\.jar.*`spark-submit --jars`"
    ):
        require_classes(other, "/driver.jar")


def test_another_pyspark_has_no_jar_until_set_up_compiles_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("vintage.ordered.metadata.version", lambda _: "4.2.0")
    assert with_ordered({}) == {}


def test_settings_get_the_jar_and_the_shuffle_beside_what_they_have() -> None:
    assert jar().is_file()
    assert with_ordered({}) == OURS
    assert with_ordered({JARS_SETTING: "/driver.jar"})[JARS_SETTING] == f"/driver.jar,{jar()}"
    assert with_ordered(OURS) == OURS


@pytest.mark.parametrize("job", sorted({each.job for each in FLOW}))
def test_every_submitted_job_has_the_jar(job: str) -> None:
    home = Home.from_environment({})
    conf = submit_conf(load_pipeline(home, "flight_delay"), home, job)
    assert conf[JARS_SETTING] == str(jar())
    # Rows of one date are in no order that a model follows from.
    assert (MANAGER_SETTING in conf) == (job not in PREPARING)


def test_without_the_jar_settings_stay_as_they_are(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("vintage.ordered.SOURCES", tmp_path)
    assert with_ordered({"spark.master": "local"}) == {"spark.master": "local"}


def test_a_comment_does_not_change_what_is_learnt_with(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    digests = []
    for number, text in enumerate(("val a = 1", "val a = 1 // one\n/* and\n * so on */", "val a = 2")):
        folder = tmp_path / str(number)
        folder.mkdir()
        (folder / "A.scala").write_text(text)
        monkeypatch.setattr("vintage.ordered.SOURCES", folder)
        source_digest.cache_clear()
        digests.append(source_digest())
    source_digest.cache_clear()
    assert digests[0] == digests[1] != digests[2]
