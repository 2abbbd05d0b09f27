"""The Spark session of a job: fixed settings that make a result independent of the machine it ran on."""

from __future__ import annotations

import contextlib
import logging
import os
import re
import threading
import time
from importlib import metadata
from typing import TYPE_CHECKING, Any, Final

from vintage.errors import REFUSALS, EnvironmentProblem, OutOfMemory, first_line
from vintage.ordered import (
    CONTEXT,
    EXECUTORS_SIGN,
    GROUPS_SIGN,
    JARS_SETTING,
    MANAGER_SETTING,
    PLANS_SETTING,
    SHUFFLE_MANAGER,
    jar,
    with_ordered,
)
from vintage.processes import own_interrupt
from vintage.spec.permissions import umask_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from pyspark.sql import SparkSession

log = logging.getLogger(__name__)

# What a step computes depends on these, so they are fixed here and are part of every key
# (this file is in the code digest). Nothing in a pipeline's YAML may change them.
FIXED_CONF: Final[Mapping[str, str]] = {
    "spark.sql.session.timeZone": "UTC",
    "spark.sql.ansi.enabled": "true",
    "spark.sql.caseSensitive": "false",
    "spark.sql.files.ignoreCorruptFiles": "false",
    "spark.sql.files.ignoreMissingFiles": "false",
    "spark.sql.sources.partitionColumnTypeInference.enabled": "false",
    "spark.sql.sources.partitionOverwriteMode": "static",
    "spark.sql.legacy.timeParserPolicy": "CORRECTED",
    "spark.sql.parquet.compression.codec": "zstd",
    # Whichever machine reads a page compares it with the checksum that was written with it.
    "spark.hadoop.parquet.page.write-checksum.enabled": "true",
    "spark.hadoop.parquet.page.verify-checksum.enabled": "true",
}

# Settings of speed alone: no result depends on them.
EMBEDDED_CONF: Final[Mapping[str, str]] = {
    "spark.ui.enabled": "false",
    "spark.ui.showConsoleProgress": "false",
    "spark.sql.shuffle.partitions": "8",
    "spark.sql.sources.parallelPartitionDiscovery.threshold": "400",
    "spark.hadoop.mapreduce.fileoutputcommitter.algorithm.version": "2",
    "spark.hadoop.mapreduce.fileoutputcommitter.marksuccessfuljobs": "false",
    "spark.sql.catalogImplementation": "in-memory",
    "spark.scheduler.mode": "FAIR",
    "spark.python.sql.dataFrameDebugging.enabled": "false",
}
# A task that runs out of memory ends the whole JVM, which in local mode is the driver's: so it only fails.
_LOCAL_CONF: Final[Mapping[str, str]] = {"spark.executor.killOnFatalError.depth": "0"}

# What of the settings an artifact keeps, and what of those it does not: the archive of loaded classes, when
# the JVM's second compiler begins, and by which addresses it is reached.
_RECORDED: Final = (
    "spark.sql.",
    "spark.driver.extraJavaOptions",
    "spark.executor.extraJavaOptions",
    "spark.master",
)
_LEFT_OUT: Final = re.compile(
    r"(?:-XX:SharedArchiveFile=|-Xshare:|-XX:Tier4\w+Threshold=|-Djava\.net\.preferIPv6Addresses=)\S+\s*"
)

DAMAGED: Final = ("CRC checksum verification failed", "FAILED_READ_FILE")
"""What stands in Spark's errors of a Parquet file that is not as it was written."""
UMASK_SETTING: Final = "spark.hadoop.fs.permissions.umask-mode"

_TOO_LONG: Final = "Requested array size exceeds VM limit"
_NO_MEMORY: Final = re.compile(
    rf"{_TOO_LONG}|Java heap space|GC overhead limit exceeded|Metaspace|Direct buffer memory"
    r"|unable to create (?:new )?native thread|OutOfMemoryError(?:: [\w ]+)?|UNABLE_TO_ACQUIRE_MEMORY"
    r"|Cannot allocate memory|Container killed .{0,60}memory limits|OOMKilled"
    rf"|{GROUPS_SIGN}"
    r"|exit(?:ed with)? (?:code|status):? (?:52|137)\b",
    re.IGNORECASE,
)
_EXECUTOR: Final = re.compile(
    r"ExecutorLostFailure|executor \d+ exited|\(\S+ executor \d+\): |Container killed|OOMKilled",
    re.IGNORECASE,
)
_JAVA_CLASS: Final = re.compile(r"^(?:\w+\.)+[\w$]+: ")
_GONE: Final = re.compile(r"Answer from Java side is empty|Error while (?:sending|receiving)")


class SparkProvider:
    """Opens a job's one session when it is first asked for; a job with nothing to do starts none."""

    def __init__(
        self, app_name: str, *, conf: Mapping[str, str] | None = None, master: str | None = None
    ) -> None:
        self._app_name = app_name
        self._conf = dict(conf or {})
        self._master = master
        self._session: SparkSession | None = None
        self._failure: EnvironmentProblem | None = None
        self._opening = threading.Lock()
        self._background: threading.Thread | None = None

    @classmethod
    def of(cls, session: SparkSession) -> SparkProvider:
        """Return a provider of a session that is already open (tests share one)."""
        provider = cls("shared")
        provider._session = session
        return provider

    def __call__(self) -> SparkSession:
        """Return the open session.

        Raises:
            EnvironmentProblem: Spark did not start.
        """
        with self._opening:
            if self._failure is not None:
                # A master that does not exist is waited for for a minute; the threads of a job do so once.
                raise self._failure
            if self._session is None:
                started = time.monotonic()
                log.info("starting spark", extra={"doing": "starting Spark"})
                try:
                    self._session = _open(self._app_name, self._conf, self._master)
                except EnvironmentProblem as error:
                    self._failure = error
                    raise
                log.info(
                    "spark %s on %s is up after %.1f s",
                    self._session.version,
                    self._session.sparkContext.master,
                    time.monotonic() - started,
                    extra={"doing": ""},
                )
            return self._session

    def begin(self) -> None:
        """Open the session in the background, while its job imports what it needs beside it.

        What goes wrong goes wrong again, and is reported, when the session is asked for.
        """
        if self._session is not None or self._background is not None:
            return
        # First, because two threads that import the same packages at once get in each other's way.
        import pyspark.ml  # noqa: F401

        def opened() -> None:
            with contextlib.suppress(Exception):
                self()

        self._background = threading.Thread(target=opened, name="spark", daemon=True)
        self._background.start()

    def apart(self) -> SparkSession:
        """Return a further session beside the first, with temporary views of its own.

        Whatever observes a write, and whatever fits, does so apart: a fitted model's summary keeps its
        session, and Spark 4.1 cannot send one that has observed a write to executors (its ObservationManager
        is not serializable).
        """
        return self().newSession()

    def learning(self, partitions: int) -> SparkSession:
        """Return a new session in which SQL is planned the same on every machine, for fits and metrics.

        Adaptive execution puts partitions together by the number of cores; what a stage groups would come in
        another order. An aggregation of objects, such as vectors, sorts from a number of groups on, and then
        merges as its memory has it: here it holds all groups. A sort that spills no longer keeps equal rows
        as they came: here the last thing that it sorts by is their place.
        """
        session = self.apart()
        session.conf.set("spark.sql.adaptive.enabled", "false")
        session.conf.set(PLANS_SETTING, "true")
        session.conf.set("spark.sql.objectHashAggregate.sortBased.fallbackThreshold", str(2**31 - 1))
        session.conf.set("spark.sql.shuffle.partitions", str(partitions))
        return session

    def stop(self) -> None:
        """End the session, if one was opened or is being opened."""
        if self._background is not None:
            self._background.join()
        if self._session is not None:
            self._session.stop()
            self._session = None


def disk_refusal(error: Exception) -> str:
    """Return the operating system's message for a refused write, wherever it occurs; empty otherwise."""
    return next((sign for told in causes(error) for sign in REFUSALS if sign in told), "")


def damaged_read(error: Exception) -> str:
    """Return Spark's message for an unreadable Parquet file in one line; empty for any other error."""
    told = tuple(causes(error))
    if not any(sign in each for each in told for sign in DAMAGED):
        return ""
    lines = (_JAVA_CLASS.sub("", each.strip()).partition("\n")[0] for each in told)
    return "; ".join(dict.fromkeys(filter(None, lines)))


def causes(error: BaseException) -> Iterator[str]:
    """Yield the texts of an error and of what caused it, those of Java's exceptions below it among them."""
    for each in _chain(error):
        yield str(each)
        yield from _java_words(each)


def memory_refusal(error: BaseException, doing: str = "") -> OutOfMemory | None:
    """Return what to tell where Spark had too little memory; None where it had enough.

    Args:
        error: what it came of is looked through too, for a step may have taken it for a bad file.
        doing: at what, for the message.
    """
    words = "\n".join(causes(error))
    sign = _NO_MEMORY.search(words)
    if sign is None:
        return None
    what = f"{doing}: " if doing else ""
    if _TOO_LONG in sign[0]:
        return OutOfMemory(
            f"{what}a value is longer than a JVM can hold, whatever its memory ({sign[0]})",
            expected="values of less than 2 GB",
            fix="Correct the delivery, and run again.",
        )
    which = "spark.executor.memory" if _EXECUTOR.search(words) else "spark.driver.memory"
    return OutOfMemory(
        f"{what}Spark ran out of memory ({sign[0]})",
        expected="enough for its largest rows",
        fix=f"Raise {which} in the pipeline, for example spark: {{conf: {{{which}: 4g}}}}. "
        "Look for values of hundreds of megabytes; for CSV, source.options.maxCharsPerColumn bounds them.",
    )


def executors_refusal(error: BaseException) -> EnvironmentProblem | None:
    """Return what to tell where no executor of a cluster starts; None where that is not it."""
    said = next((each for each in causes(error) if EXECUTORS_SIGN in each), None)
    if said is None:
        return None
    reason = said.partition(f"{EXECUTORS_SIGN}: ")[2].splitlines()[0]
    return EnvironmentProblem(
        "no executor of the cluster starts",
        expected=f"machines with Spark {metadata.version('pyspark')} that can fetch {jar()} from the driver",
        found=reason,
        fix="See the log of an executor, its stderr on the worker: another version of Spark, or "
        f"{SHUFFLE_MANAGER} that is not found.",
    )


def jvm_is_gone(error: BaseException) -> bool:
    """Return whether an error is of a JVM that ended, and not of what it did."""
    return any(
        type(each).__module__.startswith("py4j") and (not any(_java_words(each)) or _GONE.search(str(each)))
        for each in _chain(error)
    )


def _chain(error: BaseException) -> Iterator[BaseException]:
    seen: BaseException | None = error
    while seen is not None:
        yield seen
        seen = seen.__cause__ or seen.__context__


def _java_words(error: BaseException) -> Iterator[str]:
    java = getattr(error, "java_exception", None) or getattr(error, "_origin", None)
    # A JVM that ended cannot be asked any more.
    with contextlib.suppress(Exception):
        while java is not None:
            yield str(java.toString())
            java = java.getCause()


def root_cause(error: Exception) -> str:
    """One line that says what happened below an error of Spark: the innermost Java exception's message."""
    java = getattr(error, "java_exception", None)
    if java is None:
        return first_line(error)
    while java.getCause() is not None:
        java = java.getCause()
    return str(java.getMessage() or java.getClass().getName()).splitlines()[0]


def recorded_conf(session: SparkSession) -> dict[str, str]:
    """Return the settings that a result could depend on; none that names a machine or holds a secret.

    Of a JVM's options, those that Spark itself puts before all others follow from its version.
    """
    java: Any = session.sparkContext._jvm
    spark_s_own = java.org.apache.spark.launcher.JavaModuleOptions.defaultModuleOptions()
    conf = session.sparkContext.getConf().getAll()
    return {
        name: _LEFT_OUT.sub("", value.replace(spark_s_own, "")).strip()
        for name, value in sorted(conf)
        if name.startswith(_RECORDED) and "warehouse" not in name and "://" not in value
    }


def is_ordered(session: SparkSession) -> bool:
    """Return whether the session's driver merges results and shuffled rows in the order of partitions."""
    java: Any = session.sparkContext._jvm
    context = session.sparkContext._jsc.sc()
    manager = java.org.apache.spark.SparkEnv.get().shuffleManager()
    return (context.getClass().getName(), manager.getClass().getName()) == (CONTEXT, SHUFFLE_MANAGER)


def require_classes(java: Any, jars: str | None) -> None:
    """Raise an error when the JVM was started without the jar of ordered execution and of profiles.

    Args:
        java: the JVM.
        jars: what its `spark.jars` are.

    Raises:
        EnvironmentProblem: it says what to start it with.
    """
    from py4j.java_gateway import JavaPackage

    # A package is what py4j gives for a class that the JVM has not.
    if isinstance(java.org.apache.spark.ordered.OrderedSparkContext, JavaPackage):
        raise EnvironmentProblem(
            "Spark was started without the classes of Vintage",
            expected=f"{jar()} in spark.jars",
            found=jars or "no spark.jars",
            fix="`make setup` compiles that jar. Name further jars in the pipeline, spark: {conf: "
            "{spark.jars: …}}, which keeps that one; `spark-submit --jars` and `jars` of an operator "
            "replace it.",
        )


def _open_ordered_context(app_name: str, master: str, conf: Mapping[str, str]) -> None:
    """Open the context of ordered execution, where the settings name its shuffle manager.

    A process has one context: one that is open stays.
    """
    from pyspark import SparkConf, SparkContext

    class OrderedContext(SparkContext):
        def _initialize_context(self, jconf: Any) -> Any:
            java: Any = self._jvm
            require_classes(java, settings.get(JARS_SETTING))
            return java.JavaSparkContext(java.org.apache.spark.ordered.OrderedSparkContext(jconf))

    if SparkContext._active_spark_context is not None:
        return
    # Under spark-submit this has what was submitted.
    settings = SparkConf().setAppName(app_name).setMaster(master)
    for name, value in conf.items():
        settings.set(name, value)
    if settings.get(MANAGER_SETTING) == SHUFFLE_MANAGER:
        OrderedContext(conf=settings)


def _open(app_name: str, conf: Mapping[str, str], master: str | None) -> SparkSession:
    from py4j.protocol import Py4JError
    from pyspark import SparkConf, SparkContext
    from pyspark.errors import PySparkException
    from pyspark.sql import SparkSession

    chosen = master or os.environ.get("VINTAGE_SPARK_MASTER", "local[*]")
    try:
        builder = SparkSession.builder.appName(app_name)
        if "PYSPARK_GATEWAY_PORT" in os.environ:
            # Under spark-submit the JVM runs already and knows the submitted settings; they win.
            SparkContext._ensure_initialized()
            submitted = dict(SparkConf().getAll())
            chosen = submitted.get("spark.master", chosen)
            given = {name: value for name, value in EMBEDDED_CONF.items() if name not in submitted}
        else:
            if chosen.startswith("local"):
                # On loopback alone, also where the host's name does not resolve.
                os.environ.setdefault("SPARK_LOCAL_IP", "127.0.0.1")
            builder = builder.master(chosen)
            given = with_ordered({**EMBEDDED_CONF, **conf})
        # Hadoop sets a file's permissions by itself, whatever the process's umask.
        given |= {UMASK_SETTING: umask_of(os.environ)}
        given |= _LOCAL_CONF if chosen.startswith("local") else {}
        for name, value in {**given, **FIXED_CONF}.items():
            builder = builder.config(name, value)
        with own_interrupt():
            _open_ordered_context(app_name, chosen, {**given, **FIXED_CONF})
            session = builder.getOrCreate()
    except (PySparkException, OSError, RuntimeError) as error:
        raise EnvironmentProblem(
            f"Spark did not start ({first_line(error)})",
            expected="Java 17 or later in JAVA_HOME or on the PATH",
            fix="Run `make setup`, or set JAVA_HOME; the reason is in the lines above.",
        ) from error
    except Py4JError as error:
        # Java is there. A master that never answers shows as a context that stopped while it was made.
        raise EnvironmentProblem(
            f"Spark did not start on {chosen} ({root_cause(error)})",
            expected="a Spark master that answers there",
            fix="Start it, or correct VINTAGE_SPARK_MASTER (under Airflow, the connection spark_default); "
            "the reason is in the lines above.",
        ) from error
    session.sparkContext.setLogLevel("WARN")
    return session
