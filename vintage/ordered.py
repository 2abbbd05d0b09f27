"""The jar that Spark runs with: ordered execution, which merges in one order, and profiles of rows."""

from __future__ import annotations

import contextlib
import functools
import hashlib
import re
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Final

from vintage.places import shipped

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from pyspark.sql import SparkSession

SOURCES: Final = shipped("jvm")
"""Ordered execution."""
PROFILE: Final = Path(__file__).resolve().parent / "data" / "profile.scala"
"""Beside the module whose part it is, in whose digest it counts."""
CONTEXT: Final = "org.apache.spark.ordered.OrderedSparkContext"
SHUFFLE_MANAGER: Final = "org.apache.spark.ordered.OrderedShuffleManager"
MANAGER_SETTING: Final = "spark.shuffle.manager"
JARS_SETTING: Final = "spark.jars"
LEARNING: Final = "vintage.learning"
"""The local property of jobs whose sums a model follows from; `OrderedExecution` reads it."""
PLANS_SETTING: Final = "spark.vintage.ordered.plans"
"""Of a session: whether its SQL sorts in an order that follows from the rows; `OrderedPlans` reads it."""
GROUPS_SIGN: Final = "SQL_GROUPS_OUT_OF_MEMORY"
"""What it says of a GROUP BY whose order of sums memory would decide."""
EXECUTORS_SIGN: Final = "NO_EXECUTOR_STARTS"
"""What it says of a cluster none of whose executors comes up."""

_COMMENT: Final = re.compile(r"/\*.*?\*/|(?<![:\"])//[^\n]*", re.DOTALL)


def sources() -> list[Path]:
    """Return the Scala files that the JAR is compiled from."""
    return [*_ordered_sources(), PROFILE]


@functools.cache
def source_digest() -> str:
    """SHA-256 over ordered execution's Scala files, without comments and blanks; an ingredient of keys."""
    return _digest(_ordered_sources())


def jar() -> Path:
    """Return where set-up puts the compiled JAR; its name depends on sources and Spark's version."""
    return SOURCES / "target" / f"vintage-{_digest(sources())[:12]}-spark-{metadata.version('pyspark')}.jar"


def _ordered_sources() -> list[Path]:
    return sorted(SOURCES.glob("*.scala"))


def _digest(files: Iterable[Path]) -> str:
    total = hashlib.sha256()
    for path in files:
        words = _COMMENT.sub(" ", path.read_text(encoding="utf-8")).split()
        total.update(f"{path.name}\n{' '.join(words)}\n".encode())
    return total.hexdigest()


def with_jar(conf: Mapping[str, str]) -> dict[str, str]:
    """Return the settings with the JAR among them.

    Where it is not compiled they are the given ones; whatever makes rows or a model then refuses.
    """
    built, jars = jar(), [each for each in conf.get(JARS_SETTING, "").split(",") if each]
    if not built.is_file() or str(built) in jars:
        return dict(conf)
    return {**conf, JARS_SETTING: ",".join([*jars, str(built)])}


def with_ordered(conf: Mapping[str, str]) -> dict[str, str]:
    """Return the settings with those of ordered execution among them: the JAR and its shuffle manager.

    Settings that name a shuffle manager are complete, and stay.
    """
    if MANAGER_SETTING in conf or not jar().is_file():
        return dict(conf)
    return {**with_jar(conf), MANAGER_SETTING: SHUFFLE_MANAGER}


@contextlib.contextmanager
def learning(spark: SparkSession) -> Iterator[None]:
    """Mark the thread's jobs as those that a model follows from; they fail where memory would decide."""
    spark.sparkContext.setLocalProperty(LEARNING, "true")
    try:
        yield
    finally:
        # None takes it away, whatever pyspark's types say.
        spark.sparkContext.setLocalProperty(LEARNING, None)  # type: ignore[arg-type]
