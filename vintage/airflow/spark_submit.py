"""How a job file of `spark_jobs/` becomes an Airflow task: nothing else makes a SparkSubmitOperator."""

from __future__ import annotations

import json
import os
import sys
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from airflow.providers.apache.spark.hooks.spark_submit import SparkSubmitHook
from airflow.providers.apache.spark.operators.spark_submit import SparkSubmitOperator
from airflow.providers.standard.hooks.subprocess import SubprocessHook
from airflow.sdk import BaseHook, BaseOperator
from airflow.sdk.exceptions import (
    AirflowException,
    AirflowFailException,
    AirflowNotFoundException,
    AirflowSkipException,
)

from vintage.airflow.job_result import LINKS, result_of_job
from vintage.airflow.spark_connection import connection_problem, no_connection, no_program
from vintage.errors import (
    DataError,
    EnvironmentProblem,
    NotDelivered,
    NothingServes,
    NotReproduced,
    SpecError,
)
from vintage.places import shipped
from vintage.processes import end_tree, end_with_parent
from vintage.spec import connection_variable, last_closed_date, parse_partition_date, submit_conf
from vintage.spec.permissions import close_to_others

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from airflow.sdk import Context

    from vintage.airflow.job_result import JobResult
    from vintage.spec import Home, Pipeline

CONNECTION: Final = "spark_default"
JOBS: Final = shipped("spark_jobs")

# A wrong spec or refused data stays so until somebody changes it, and a model that came out otherwise once is
# not the same; everything else may pass by itself.
NO_RETRY: Final = frozenset({SpecError.exit_code, DataError.exit_code, NotReproduced.exit_code})

# Spark's own code for it, and what becomes of a process that the kernel ends for want of it.
_NO_MEMORY: Final = frozenset({52, 137, -9})

# The jobs that read raw data, and log in where it is.
_READ_SOURCES: Final = frozenset({"snapshot", "score", "quality", "wait_for_rows"})


def spark_job(
    name: str, pipeline: Pipeline, home: Home, *, arguments: Sequence[str] | None = None, **task: Any
) -> SparkJob:
    """Return the task that submits `spark_jobs/<name>.py` to the cluster of the connection `spark_default`.

    Args:
        name: the job's, and the task's.
        pipeline: what it works for.
        home: where the pipeline is.
        arguments: the job's own, as templates; those of a run's date when left out.
        task: what else the operator is given.
    """
    return SparkJob(
        task_id=name,
        application=str(JOBS / f"{name}.py"),
        application_args=list(arguments or application_args(pipeline)),
        conf=submit_conf(pipeline, home, name),
        conn_id=CONNECTION,
        name=f"vintage-{pipeline.name}-{name}",
        connections=pipeline.connections if name in _READ_SOURCES else (),
        # A retry submits anew: it finds by their keys the steps that an earlier try finished.
        durable=False,
        **task,
    )


def python_job(
    name: str,
    pipeline: Pipeline,
    *,
    arguments: Sequence[str] | None = None,
    further: Iterable[str] = (),
    **task: Any,
) -> PythonJob:
    """Return the task that runs `spark_jobs/<name>.py` as a Python program without a Spark session.

    Args:
        name: the job's, and the task's.
        pipeline: what it works for.
        arguments: the job's own, as templates; those of a run's date when left out.
        further: what it is told beside them.
        task: what else the operator is given.
    """
    return PythonJob(
        task_id=name,
        application=str(JOBS / f"{name}.py"),
        application_args=[*(arguments or application_args(pipeline)), *further],
        **task,
    )


def application_args(pipeline: Pipeline) -> list[str]:
    """Return a job's arguments as templates; each renders to a single word, whatever a form holds."""
    return [
        f"--pipeline={pipeline.name}",
        "--date={{ partition_of(dag_run, params) }}",
        *(
            f"--set={param}={{{{ as_json(params[{json.dumps(param)}]) }}}}"
            for param in pipeline.trigger_params
        ),
    ]


def partition_of(dag_run: Any, params: Mapping[str, Any]) -> str:
    """Return the run's date: its partition key, else the form's `partition_date`, else the last complete day.

    Raises:
        AirflowFailException: what was given is not a date; nothing is submitted and nothing retried.
    """
    given = dag_run.partition_key or params.get("partition_date")
    try:
        return (parse_partition_date(given) if given else last_closed_date(dag_run.run_after)).isoformat()
    except SpecError as error:
        raise AirflowFailException(str(error)) from None


MACROS: Final[Mapping[str, Callable[..., str]]] = {"partition_of": partition_of, "as_json": json.dumps}


class NotYet(AirflowException):
    """The job asks to be asked again later."""


class SparkJob(SparkSubmitOperator):
    """A SparkSubmitOperator that leaves no process behind, and fails with the job's own last words."""

    # Only arguments are rendered: no value of a trigger can reach conf, application or environment.
    template_fields: Sequence[str] = ("application_args",)

    def __init__(self, *, connections: Sequence[str] = (), **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.connections = tuple(connections)
        self.operator_extra_links = LINKS.get(self.task_id, ())
        self.told: JobResult | None = None

    def execute(self, context: Context) -> dict[str, Any]:  # type: ignore[override]
        """Submit the job and wait for it; what it told is the task's result.

        Raises:
            AirflowSkipException: there is nothing to do yet.
            NotYet: there may be, later.
            AirflowFailException: a retry cannot help: a connection that is missing or cannot be meant, no
                spark-submit, a wrong spec, refused data.
            AirflowException: the job ended in another error.
        """
        with result_of_job() as self.told:
            with self._failing_in_its_words():
                super().execute(context)
            tell_outlets(self.outlets, context)
            return self.told.read()

    def submit(self) -> None:
        """Submit the job from within another task and wait for it; raise what `execute` does."""
        with self._failing_in_its_words():
            self._hook = self._get_hook()
            self._hook.submit(self.application)

    def on_kill(self) -> None:
        """End spark-submit with all it started: the JVM, the job's Python and its workers."""
        process = self._hook._submit_sp if self._hook else None
        if process is not None:
            end_tree(process.pid)
        super().on_kill()

    @contextmanager
    def _failing_in_its_words(self) -> Iterator[None]:
        try:
            BaseHook.get_connection(self._conn_id)
        except AirflowNotFoundException:
            raise AirflowFailException(str(no_connection(self._conn_id))) from None
        try:
            yield
        except AirflowException:
            hook = self._hook
            if hook is None or hook._submit_sp is None or not hook._submit_sp.returncode:
                raise
            code, lines = hook._submit_sp.returncode, hook._last_submit_log_lines
            raise failure(self.task_id, code, lines) from None

    def _get_hook(self) -> SparkSubmitHook:
        hook = super()._get_hook()
        submit = hook.submit
        environment = dict(os.environ)
        of = hook._connection
        problem = connection_problem(self._conn_id, of["master"], of["deploy_mode"]) or no_program(
            of["spark_binary"], environment.get("PATH", "")
        )
        if problem is not None:
            raise AirflowFailException(str(problem))
        if hook._connection["master"].startswith("local"):
            # On loopback alone, also where the host's name does not resolve; executors elsewhere would not
            # reach a driver there.
            environment.setdefault("SPARK_LOCAL_IP", "127.0.0.1")
        # Of no other program: not in the task's own environment, in an argument or in a setting of Spark.
        environment |= source_connections(self.connections)
        environment |= self.told.environment if self.told else {}

        def submit_as_our_child(application: str = "", **popen: Any) -> str | None:
            return submit(application, preexec_fn=_as_a_job, env=environment, **popen)

        hook.submit = submit_as_our_child  # type: ignore[method-assign]
        return hook


class PythonJob(BaseOperator):
    """Runs a job file with the jobs' Python: a list of words and no shell."""

    template_fields: Sequence[str] = ("application_args",)

    def __init__(self, *, application: str, application_args: list[str], **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.application = application
        self.application_args = application_args
        self.operator_extra_links = LINKS.get(self.task_id, ())
        self.told: JobResult | None = None
        self._program = PythonProgram(self.task_id)

    def execute(self, context: Context) -> dict[str, Any]:
        """Run the job and wait for it; what it told is the task's result.

        Raises:
            AirflowFailException: a retry cannot help: a wrong spec, refused data.
            AirflowException: the job ended in another error.
        """
        with result_of_job() as self.told:
            self._program.run(self.application, *self.application_args, environment=self.told.environment)
            tell_outlets(self.outlets, context)
            return self.told.read()

    def on_kill(self) -> None:
        """End the job with all it started."""
        self._program.end()


class PythonProgram:
    """A job file that runs with the jobs' Python, for the task of a name."""

    def __init__(self, task_id: str) -> None:
        self._task_id = task_id
        self._hook: SubprocessHook | None = None

    def run(self, application: str, *words: str, environment: Mapping[str, str] | None = None) -> None:
        """Run it, with further variables in its environment, and wait for it.

        Raises:
            AirflowFailException: a retry cannot help: a wrong spec, refused data.
            AirflowException: the job ended in another error.
        """
        self._hook = SubprocessHook()
        result = self._hook.run_command(
            [_jobs_python(), application, *words],
            env={**os.environ, **(environment or {})},
            cwd=str(Path.cwd()),
        )
        if result.exit_code:
            raise failure(self._task_id, result.exit_code, [result.output])

    def end(self) -> None:
        """End it with all it started."""
        if self._hook and self._hook.sub_process:
            end_tree(self._hook.sub_process.pid)


def tell_outlets(outlets: Iterable[Any], context: Context) -> None:
    """Give the events of a task's assets its date, also in a run that was triggered without a key."""
    for asset in outlets:
        date = partition_of(context["dag_run"], context["params"])
        context["outlet_events"][asset].add_partitions(date)


def failure(job: str, exit_code: int, lines: Iterable[str]) -> AirflowException:
    """Return the error of a failed job with its last readable line; final where a retry cannot help."""
    words = [line for line in lines if line.startswith("vintage: ")]
    text = words[-1].removeprefix("vintage: ") if words else _unsaid(job, exit_code)
    if exit_code == NothingServes.exit_code:
        return AirflowSkipException(text)
    if exit_code == NotDelivered.exit_code:
        return NotYet(text)
    return (AirflowFailException if exit_code in NO_RETRY else AirflowException)(text)


def _unsaid(job: str, exit_code: int) -> str:
    """Return the message for a job that could not report any more."""
    if exit_code in _NO_MEMORY:
        return (
            f"{job} ended with code {exit_code}, most likely for want of memory; raise spark.driver.memory "
            "in the pipeline or give the machine more, unless somebody killed it"
        )
    return f"{job} ended with code {exit_code}; see its log"


def source_connections(names: Iterable[str]) -> dict[str, str]:
    """Return the variables that log a job in to its sources: variable → connection.

    Raises:
        AirflowFailException: Airflow knows no connection of that name.
    """
    found = {}
    for name in names:
        try:
            found[connection_variable(name)] = BaseHook.get_connection(name).as_json()
        except AirflowNotFoundException:
            problem = EnvironmentProblem(
                f"the Airflow connection {name!r} is missing, so the source's database cannot be asked",
                expected="a connection of type jdbc with the JDBC URL as host, or of a type such as postgres",
                fix=f"Add it in Admin → Connections, or set {connection_variable(name)}.",
            )
            raise AirflowFailException(str(problem)) from None
    return found


def _jobs_python() -> str:
    return os.environ.get("PYSPARK_DRIVER_PYTHON") or os.environ.get("PYSPARK_PYTHON") or sys.executable


def _as_a_job() -> None:
    """Prepare a process that a task starts: it ends with the task, and its files are private."""
    close_to_others(os.environ)
    end_with_parent()
