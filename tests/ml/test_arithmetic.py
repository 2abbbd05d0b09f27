"""Every JVM adds in the pinned way, or an exact fit does not begin."""

from __future__ import annotations

from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest

from tests.ml.test_stages import pipeline_of
from vintage.errors import EnvironmentProblem
from vintage.ml.arithmetic import (
    PINNED,
    Arithmetic,
    _of_executors,
    arithmetic_of,
    refuse_other,
    require_pinned,
)
from vintage.session import is_ordered

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

EXACT = pipeline_of()


@pytest.mark.spark
def test_the_suites_own_jvm_is_pinned(spark: SparkSession) -> None:
    assert arithmetic_of(spark) == (PINNED,)
    assert require_pinned(spark, EXACT) == {"blas": "VectorBLAS", "vector_bits": 128}


@pytest.mark.spark
def test_executors_are_asked_where_they_run(spark: SparkSession) -> None:
    assert _of_executors(spark) == {PINNED}


@pytest.mark.parametrize(
    ("other", "told"),
    [
        (Arithmetic("VectorBLAS", 256), "VectorBLAS with vectors of 256 bits"),
        (Arithmetic("JNIBLAS, VectorBLAS", 128), "JNIBLAS, VectorBLAS with vectors of 128 bits"),
        (Arithmetic("Java11BLAS", 0), "Java11BLAS with vectors of 0 bits"),
    ],
)
def test_another_way_to_add_is_refused(other: Arithmetic, told: str) -> None:
    with pytest.raises(EnvironmentProblem, match=rf"tips would add .*expected VectorBLAS .*found {told}"):
        refuse_other([PINNED, other], None, EXACT)


def test_sums_that_are_cut_by_a_setting_are_refused() -> None:
    with pytest.raises(EnvironmentProblem, match=r"found spark\.default\.parallelism=8"):
        refuse_other([PINNED], "8", EXACT)
    refuse_other([PINNED], None, EXACT)


@pytest.mark.spark
def test_a_session_without_ordered_execution_is_refused_unless_one_partition_is_declared(
    spark: SparkSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("vintage.ml.arithmetic.is_ordered", lambda _: False)
    with pytest.raises(EnvironmentProblem, match=r"tips would be fitted in an order.*`partitions: 1`"):
        require_pinned(spark, EXACT)
    require_pinned(spark, pipeline_of(partitions=1))


@pytest.mark.parametrize(
    ("executor", "found"),
    [
        ("4.1.3 org.apache.spark.ordered.OrderedShuffleManager", r"an executor has 4\.1\.3 "),
        ("4.1.4 org.apache.spark.shuffle.sort.SortShuffleManager", "an executor has .*SortShuffleManager"),
    ],
)
@pytest.mark.fault("an executor has another Spark, or no ordered execution", outcome="refused")
def test_an_executor_that_is_not_ordered_is_refused(
    monkeypatch: pytest.MonkeyPatch, executor: str, found: str
) -> None:
    context = SimpleNamespace(master="spark://there:7077", getConf=dict)
    session: Any = SimpleNamespace(sparkContext=context, version="4.1.4")
    monkeypatch.setattr("vintage.ml.arithmetic.arithmetic_of", lambda _: (PINNED,))
    monkeypatch.setattr("vintage.ml.arithmetic.is_ordered", lambda _: True)
    ours = "4.1.4 org.apache.spark.ordered.OrderedShuffleManager"
    monkeypatch.setattr("vintage.ml.arithmetic._asked", lambda *_: {(ours,), (executor,)})
    with pytest.raises(EnvironmentProblem, match=found):
        require_pinned(session, EXACT)


@pytest.mark.spark
@pytest.mark.fault("a plug-in puts a SparkContext of its own in the place of ours", outcome="refused")
def test_a_context_of_another_class_is_refused(spark: SparkSession) -> None:
    java: Any = spark._jvm
    # Whatever is not exactly ours, were it a subclass.
    other = SimpleNamespace(_jvm=java, _jsc=SimpleNamespace(sc=java.java.lang.Object))
    session: Any = SimpleNamespace(sparkContext=other)
    assert not is_ordered(session)
