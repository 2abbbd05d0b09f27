"""The Spark settings with which a pipeline's jobs are submitted."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from vintage.ordered import MANAGER_SETTING, with_jar, with_ordered
from vintage.spec.flow import PREPARING
from vintage.spec.secret_names import is_secret

if TYPE_CHECKING:
    from collections.abc import Mapping

    from vintage.spec.home import Home
    from vintage.spec.pipeline import Pipeline

# Rounding follows from how a sum is cut. Spark's Java BLAS adds in as many lanes as the CPU's vectors have;
# 16 bytes is what every CPU of the architecture has. A native BLAS, found on one machine only, would cut in
# yet another way, so none is looked for. Then the same data gives the same bits everywhere.
# A database's driver reads a TIMESTAMP without a zone in the JVM's own.
PINNED_JVM: Final = (
    "-XX:MaxVectorSize=16",
    "-Duser.timezone=UTC",
    *(f"-Ddev.ludovic.netlib.{library}.nativeLib=none" for library in ("blas", "lapack", "arpack")),
)
# A night's date is planned and compiled for longer than it is worked on: with the first of the JVM's two
# compilers alone, 28 dates of flights are snapshotted in 54 s of CPU instead of 93. Jobs that use BLAS keep
# both: without the second, its vectors may have other lanes. A pipeline of large dates sets
# -XX:TieredStopAtLevel=4.
_QUICK_JIT: Final = "-XX:TieredStopAtLevel=1"
# To those the second gives its time only where it is worth it, ten times later than by the JVM's defaults: on
# two cores fit and evaluation of a window of flights take 34 s instead of 38. A loop over millions of rows is
# there within a second of its own.
_C2_DEFAULTS: Final = {"Invocation": 5000, "MinInvocation": 600, "Compile": 15000, "BackEdge": 40000}
_LATE_JIT: Final = " ".join(f"-XX:Tier4{name}Threshold={10 * calls}" for name, calls in _C2_DEFAULTS.items())
# Those that use no BLAS, and the process in which a promotion scores a few rows: there 17.5 s became 14.
_QUICK_JOBS: Final = frozenset({*PREPARING, "promote"})
_DRIVER_OPTIONS: Final = "spark.driver.extraJavaOptions"
_EXECUTOR_OPTIONS: Final = "spark.executor.extraJavaOptions"
_DEFAULTS: Final[Mapping[str, str]] = {
    "spark.ui.enabled": "false",
    "spark.ui.showConsoleProgress": "false",
}

# Where a pipeline names options of a JVM, and which of them would have it compute otherwise: its vectors and
# what replaces Math.exp and the like, the BLAS, the time zone, and whatever may hold further options.
_JVM_OPTIONS: Final = frozenset(
    f"spark.{side}.{which}javaoptions" for side in ("driver", "executor") for which in ("extra", "default")
)
_OF_THE_ARITHMETIC: Final = re.compile(
    r"-XX:[+-]?(?:MaxVectorSize|EnableVector\w*|\w*Intrinsic\w*|InlineMathNatives|Flags|VMOptionsFile)"
    r"|-D(?:dev\.ludovic\.netlib|jdk\.incubator|java\.version|user\.timezone)"
    r"|--(?:limit-modules|patch-module|upgrade-module-path)|@"
)

_UNFIT: Final = re.compile(r"[\s'\"\\]")
_RUNS_CODE: Final = re.compile(
    r"-javaagent|-agent(?:lib|path)|-XX:On(?:Error|OutOfMemoryError)|-X(?:run|debug)"
)

FIXED: Final = "results depend on it, so it is the same for every pipeline"
_UNORDERED: Final = "it hands map outputs over in an order of its own, which a model would follow from"
_REFUSED: Final[Mapping[str, str]] = {
    "spark.master": "the master comes from Airflow's connection spark_default, or from the command line",
    "spark.submit.deployMode": "the deploy mode comes from Airflow's connection spark_default",
    "spark.app.name": "the job's name is made of the pipeline, the step and the date",
    # How many parts a stage of pyspark.ml cuts its rows into, unless it follows them.
    "spark.default.parallelism": FIXED,
    MANAGER_SETTING: "a model follows from the order in which shuffled rows are read, and Vintage's own "
    "shuffle manager keeps it",
    "spark.shuffle.push.enabled": _UNORDERED,
    "spark.shuffle.sort.io.plugin.class": _UNORDERED,
    "spark.sql.session.timeZone": FIXED,
    "spark.sql.ansi.enabled": FIXED,
    "spark.sql.caseSensitive": FIXED,
    "spark.hadoop.parquet.page.write-checksum.enabled": FIXED,
    "spark.hadoop.parquet.page.verify-checksum.enabled": FIXED,
    "spark.files.ignoreCorruptFiles": FIXED,
    "spark.files.ignoreMissingFiles": FIXED,
    "spark.sql.files.ignoreCorruptFiles": FIXED,
    "spark.sql.files.ignoreMissingFiles": FIXED,
    "spark.sql.legacy.timeParserPolicy": FIXED,
    "spark.sql.parquet.compression.codec": FIXED,
    "spark.sql.sources.partitionColumnTypeInference.enabled": FIXED,
    "spark.sql.sources.partitionOverwriteMode": FIXED,
}
_FOREIGN_CODE: Final = "it runs code that is in no artifact's key"
_OTHER_PROGRAM: Final = "which programs run follows from the environment, or from Airflow's connection"
_LOADS_CODE: Final = """
spark.plugins spark.extraListeners spark.sql.extensions spark.sql.queryExecutionListeners
spark.sql.streaming.streamingQueryListeners spark.sql.cache.serializer
spark.closure.serializer spark.kryo.registrator
spark.kryo.classesToRegister spark.submit.pyFiles spark.yarn.dist.pyFiles spark.jars.repositories
spark.jars.ivy spark.jars.ivySettings spark.driver.userClassPathFirst
spark.executor.userClassPathFirst spark.metrics.conf spark.resources.discoveryPlugin
spark.sql.hive.metastore.jars spark.sql.hive.metastore.jars.path
"""
_PROGRAMS: Final = """
spark.pyspark.python spark.pyspark.driver.python spark.r.command spark.r.driver.command
spark.home spark.java.home
"""
_CODE: Final[Mapping[str, str]] = {
    **dict.fromkeys(
        _LOADS_CODE.split(),
        _FOREIGN_CODE,
    ),
    **dict.fromkeys(
        _PROGRAMS.split(),
        _OTHER_PROGRAM,
    ),
}
# Variables of the executors' processes that load code, or change what is imported.
_VARIABLE: Final = re.compile(
    r"spark\.(?:executorenv|yarn\.appmasterenv|kubernetes\.driverenv)"
    r"\.(?:ld_\w+|python(?!hashseed)\w*|java_\w+|_java_options|jdk_java_options|spark_\w+|bash_env|path)",
    re.IGNORECASE,
)
_DISCOVERY: Final = re.compile(
    r"spark\.(?:driver|executor|worker)\.resource\..*\.discoveryscript", re.IGNORECASE
)


def refused_setting(name: str) -> str | None:
    """Return why a pipeline may not set a Spark setting, or None when it may."""
    if not name.startswith("spark."):
        return "a Spark setting starts with spark."
    if is_secret(name):
        return "a secret belongs in the environment or in an Airflow connection, not in a file"
    if _VARIABLE.fullmatch(name) or _DISCOVERY.fullmatch(name):
        return _OTHER_PROGRAM
    return {known.lower(): why for known, why in {**_REFUSED, **_CODE}.items()}.get(name.lower())


def refused_option(name: str, value: str) -> str | None:
    """Return the option among those a pipeline gives a JVM that would change how it computes, or None.

    Args:
        name: the Spark setting.
        value: the options that it holds, if it is one that does.
    """
    if name.lower() not in _JVM_OPTIONS:
        return None
    return next((word for word in value.split() if _refused_word(word.strip("'\""))), None)


def _refused_word(word: str) -> bool:
    return any(each.match(word) for each in (_OF_THE_ARITHMETIC, _RUNS_CODE))


def submit_conf(pipeline: Pipeline, home: Home, job: str = "") -> dict[str, str]:
    """Return the settings of a submission: the pipeline's, the defaults, and the JVM options.

    The pipeline's own JVM options come after those that speed a job, so that they win, and before those that
    pin its results. Only the driver uses the archive of loaded classes, when there is one: it belongs to this
    machine's JVM.

    Args:
        pipeline: the spec.
        home: knows the archive.
        job: the job's name; empty when all of them run in one session.
    """
    conf = with_jar(pipeline.spark.conf) if job in PREPARING else with_ordered(pipeline.spark.conf)
    speed = [_QUICK_JIT if job in _QUICK_JOBS else _LATE_JIT] if job else []
    # Options of a JVM are parted by blanks, and quoted as a shell does.
    if (
        home.cds_archive is not None
        and home.cds_archive.is_file()
        and not _UNFIT.search(str(home.cds_archive))
    ):
        speed += [f"-XX:SharedArchiveFile={home.cds_archive}", "-Xshare:auto"]
    return {
        **_DEFAULTS,
        **conf,
        _DRIVER_OPTIONS: " ".join(filter(None, [*speed, conf.get(_DRIVER_OPTIONS, ""), *PINNED_JVM])),
        _EXECUTOR_OPTIONS: " ".join([conf.get(_EXECUTOR_OPTIONS, ""), *PINNED_JVM]).strip(),
    }
