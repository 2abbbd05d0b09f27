"""Every JVM adds in the pinned way, or an exact fit does not begin."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from spark_jobs.errors import EnvironmentProblem
from spark_jobs.ml.arithmetic import (
    PINNED,
    Arithmetic,
    _of_executors,
    arithmetic_of,
    refuse_other,
    require_pinned,
)
from tests.ml.test_stages import pipeline_of

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
    monkeypatch.setattr("spark_jobs.ml.arithmetic.is_ordered", lambda _: False)
    with pytest.raises(EnvironmentProblem, match=r"tips would be fitted in an order.*`partitions: 1`"):
        require_pinned(spark, EXACT)
    require_pinned(spark, pipeline_of(partitions=1))
