"""How a session's JVMs add: with which BLAS, in how many lanes, and in which order.

All three decide how a sum is cut, and so its last bits.
"""

from __future__ import annotations

import re
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Final

from vintage.errors import EnvironmentProblem
from vintage.ordered import SHUFFLE_MANAGER
from vintage.session import is_ordered

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from pyspark.sql import SparkSession

    from vintage.spec import Pipeline

VECTOR_BITS: Final = 128
"""Of a vector in which the pinned BLAS adds: two doubles, which any CPU that Spark runs on has."""
_PACKAGE: Final = "dev.ludovic.netlib.blas"
_SHAPE: Final = "jdk.incubator.vector.VectorShape"
_MOST_ASKED: Final = 64
PARTS: Final = "spark.default.parallelism"
"""How many parts an RDD that is shuffled has; where it is not set, as many as the one before."""


@dataclass(frozen=True, order=True)
class Arithmetic:
    """How one JVM adds.

    Attributes:
        blas: the classes of its BLAS; `VectorBLAS` adds in lanes, `JNIBLAS` is a library of the machine.
        vector_bits: of its vectors; 0 where it has no vector API.
    """

    blas: str
    vector_bits: int


PINNED: Final = Arithmetic("VectorBLAS", VECTOR_BITS)


def arithmetic_of(spark: SparkSession) -> tuple[Arithmetic, ...]:
    """Return how the driver adds, and every executor that answers; the same ones told once.

    Executors are asked by a job of one task for each of their cores.
    """
    context = spark.sparkContext
    ways = {_of_the_driver(spark)}
    if not str(context.master).startswith("local"):
        ways |= _of_executors(spark)
    return tuple(sorted(ways))


def require_pinned(spark: SparkSession, pipeline: Pipeline) -> dict[str, Any]:
    """Look that every JVM adds in the pinned way, and merges in order.

    Returns:
        The arithmetic, for the manifest.

    Raises:
        EnvironmentProblem: a JVM, or how the cluster is set, would give other bits.
    """
    refuse_other(arithmetic_of(spark), spark.sparkContext.getConf().get(PARTS), pipeline)
    if pipeline.partitions != 1:
        _require_ordered(spark, pipeline)
    return asdict(PINNED)


def _require_ordered(spark: SparkSession, pipeline: Pipeline) -> None:
    """Raise an error unless the driver and every executor that answers merge in the order of partitions.

    Raises:
        EnvironmentProblem: it says which does not.
    """
    context, found = spark.sparkContext, set()
    if not is_ordered(spark):
        found.add(f"the driver has {context._jsc.sc().getClass().getName()} with {_manager_of(spark)}")
    elif not str(context.master).startswith("local"):
        told = _asked(spark, {"told": ("org.apache.spark.ordered.OrderedExecution", "told")})
        found |= {f"an executor has {each}" for [each] in told} - {
            f"an executor has {spark.version} {SHUFFLE_MANAGER}"
        }
    if found:
        raise EnvironmentProblem(
            f"{pipeline.name} would be fitted in an order that differs from run to run",
            expected="a session with ordered execution, on the driver and on every executor",
            found="; ".join(sorted(found)),
            fix="Run `make setup`, which compiles it, and start the job by Airflow or `vintage`: another "
            "spark.jars than the pipeline's, such as --jars, leaves it out. Where the platform owns the "
            "session, declare `partitions: 1`.",
        )


def _manager_of(spark: SparkSession) -> str:
    java: Any = spark.sparkContext._jvm
    return str(java.org.apache.spark.SparkEnv.get().shuffleManager().getClass().getName())


def refuse_other(ways: Iterable[Arithmetic], parts: str | None, pipeline: Pipeline) -> None:
    """Raise an error when sums would be cut otherwise than elsewhere.

    Args:
        ways: how the JVMs add.
        parts: what `spark.default.parallelism` is set to, if it is.
        pipeline: for the message.

    Raises:
        EnvironmentProblem: it says what was found.
    """
    others = [way for way in ways if way != PINNED]
    if others:
        raise EnvironmentProblem(
            f"a JVM of {pipeline.name} would add in another way than other machines do",
            expected=_told(PINNED),
            found="; ".join(map(_told, others)),
            fix="Start the job by Airflow or `vintage`, which give the JVM its options, and look at "
            "JAVA_TOOL_OPTIONS and JDK_JAVA_OPTIONS.",
        )
    if parts is not None:
        raise EnvironmentProblem(
            f"stages of {pipeline.name} would cut their sums by a setting of this cluster",
            expected=f"no {PARTS}, so that they follow the rows",
            found=f"{PARTS}={parts}",
            fix="Take it out of spark-defaults.conf.",
        )


def _told(way: Arithmetic) -> str:
    return f"{way.blas} with vectors of {way.vector_bits} bits"


def _of_the_driver(spark: SparkSession) -> Arithmetic:
    java: Any = spark.sparkContext._jvm
    blas = java.dev.ludovic.netlib.blas
    shape = java.jdk.incubator.vector.VectorShape
    # A package is what py4j gives for a class that the JVM has not.
    found = shape.preferredShape().toString() if hasattr(shape, "preferredShape") else ""
    return _read((blas.JavaBLAS.getInstance().toString(), blas.BLAS.getInstance().toString()), found)


def _of_executors(spark: SparkSession) -> set[Arithmetic]:
    told = _asked(
        spark,
        {
            "java": (f"{_PACKAGE}.JavaBLAS", "getInstance"),
            # The machine's, where it has one.
            "any": (f"{_PACKAGE}.BLAS", "getInstance"),
            "shape": (_SHAPE, "preferredShape"),
        },
    )
    return {_read((java, machine_s), shape) for java, machine_s, shape in told}


def _asked(spark: SparkSession, questions: Mapping[str, tuple[str, str]]) -> set[tuple[str, ...]]:
    """Return the results of static methods, by class and name, on executors: one task for each core."""
    from pyspark.sql import functions as F

    tasks = min(spark.sparkContext.defaultParallelism, _MOST_ASKED)
    answers = [
        F.expr(f"java_method('{name}', '{method}')").alias(alias)
        for alias, (name, method) in questions.items()
    ]
    return {tuple(map(str, row)) for row in spark.range(0, tasks, 1, tasks).select(*answers).collect()}


def _read(blas: Iterable[str], shape: str) -> Arithmetic:
    """Return what the JVM's output means: `dev.ludovic.netlib.blas.VectorBLAS@1b2c3d`, `Shape[S_128_BIT]`."""
    names = {each.partition("@")[0].rpartition(".")[2] for each in blas}
    bits = re.search(r"\d+", shape)
    return Arithmetic(", ".join(sorted(names)), int(bits[0]) if bits else 0)
