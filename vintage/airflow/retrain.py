"""One DAG `retrain_<name>` for each file of pipelines/: it makes the model of one partition date."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from airflow.sdk import DAG, Param, TaskGroup, chain

from vintage.airflow.alerts import deadline_of, on_failure
from vintage.airflow.approval import ANSWER_ARGS, ANSWER_MACROS, WAITING_DAYS, approval
from vintage.airflow.assets import model_of, raw_of
from vintage.airflow.pipelines import daily, date_param, display_name, nightly_arguments, run_of
from vintage.airflow.spark_submit import MACROS, python_job, spark_job
from vintage.airflow.waiting import wait_for_data
from vintage.airflow.waiting_rows import wait_for_rows
from vintage.spec.flow import TRAINING
from vintage.spec.markdown import code, plain
from vintage.spec.wait import told

if TYPE_CHECKING:
    from vintage.airflow.spark_submit import PythonJob, SparkJob
    from vintage.spec import Home, Pipeline
    from vintage.spec.flow import StepName

RUNS_AT_ONCE: Final = 4
"""How many dates may be under way, a backfill's among them; each finds what another made by its key."""


def retrain(pipeline: Pipeline, home: Home) -> DAG:
    """Return the nightly chain of one pipeline."""
    asks = pipeline.promote == "approve"
    with DAG(
        f"retrain_{pipeline.name}",
        dag_display_name=display_name(pipeline, "retrain"),
        auto_register=False,
        description=pipeline.description,
        doc_md=documentation(pipeline),
        tags={"vintage", "retrain", pipeline.task, pipeline.name},
        schedule=daily(pipeline.schedule),
        start_date=run_of(pipeline.schedule, pipeline.start_date),
        end_date=run_of(pipeline.schedule, pipeline.end_date) if pipeline.end_date else None,
        catchup=False,
        # A run that waits, for late data or a person, keeps none of the next nights from being trained.
        max_active_runs=WAITING_DAYS + 1 if asks else RUNS_AT_ONCE,
        default_args={
            **nightly_arguments(pipeline),
            # Of the runs beside each other, one at a time does a step.
            **({"max_active_tis_per_dag": 1} if asks else {}),
        },
        params=trigger_form(pipeline),
        on_failure_callback=on_failure() or None,
        deadline=deadline_of(pipeline),
        user_defined_macros={**MACROS, **ANSWER_MACROS},
    ) as dag:
        # The ids of tasks stay as they are without groups.
        with TaskGroup("data", prefix_group_id=False, tooltip="Read, validate and prepare the rows"):
            waits = [each for each in (wait_for_data(pipeline, home), wait_for_rows(pipeline, home)) if each]
            data = [_job(each, pipeline, home) for each in TRAINING if each.by_date]
        with TaskGroup("model", prefix_group_id=False, tooltip="Fit the model, evaluate it on the holdout"):
            model = [_job(each, pipeline, home) for each in TRAINING if not each.by_date]
        with TaskGroup("serving", prefix_group_id=False, tooltip="Promote the model, or not"):
            approve = approval(pipeline) if asks else None
            promote = promote_job(pipeline)

        if waits:
            waits >> data[0]
        chain(*data, *model, *([approve] if approve else []), promote)
    return dag


def _job(step: StepName, pipeline: Pipeline, home: Home) -> SparkJob:
    """Return the task of a step; the first reads the raw data."""
    inlets = raw_of(pipeline) if step.kind == "snapshot" else None
    return spark_job(step.job, pipeline, home, inlets=inlets)


def promote_job(pipeline: Pipeline) -> PythonJob:
    """Return the task that registers the model, and promotes it as the gates and the person say."""
    told: dict[str, Any] = {}
    if pipeline.promote == "approve":
        # No approval is needed for a model that could not serve; its outcome is recorded too.
        told = {"further": ANSWER_ARGS, "trigger_rule": "none_failed"}
    return python_job("promote", pipeline, outlets=[model_of(pipeline)], **told)


def trigger_form(pipeline: Pipeline) -> dict[str, Param]:
    """Return what a person may set for one run: its date, and the Params that the pipeline offers."""
    form = {
        "partition_date": date_param(
            "For a run without a partition key; not for a backfill. Empty: the last closed day (UTC)."
        )
    }
    for name in pipeline.trigger_params:
        tried = pipeline.tried(name)
        declared = pipeline.parameter(name)
        if tried:
            otherwise = f"Empty: the best of {', '.join(map(repr, tried))}."
        elif declared is None:
            otherwise = "Empty: Spark's own default."
        else:
            otherwise = f"The pipeline says {declared!r}."
        form[name] = Param(
            # A value in the form would fix what is tuned, night for night.
            None if tried else declared,
            type=["null", *json_types(tried[0] if tried else declared)],
            title=name,
            description=f"For this run alone. {otherwise}",
        )
    return form


def json_types(declared: Any) -> list[str]:
    """Return the JSON types that a form accepts for a Param, from the value that the pipeline declares."""
    match declared:
        case None:
            return ["number", "string", "boolean"]
        case bool():
            return ["boolean"]
        case int():
            return ["integer"]
        case float():
            return ["number"]
        case str():
            return ["string"]
        case _:
            return ["array"]


def _window(days: int, least: int) -> str:
    return "the date alone" if days == 1 else f"{days} days up to the date, {least} or more with data"


def documentation(pipeline: Pipeline) -> str:
    """Return what the Airflow UI says of the DAG, in Markdown."""
    gates = [gate.described for gate in pipeline.evaluate.gates]
    facts = {
        "Data": plain(pipeline.source.described),
        **{f"Joined as `{name}`": plain(source.described) for name, source in pipeline.joins.items()},
        "Expectations": code(f"expectations/{pipeline.expectations}.yaml"),
        "Waits for its data": f"{told(pipeline.wait.timeout)} at the most, when it is scheduled",
        "Window": _window(pipeline.window.days, pipeline.window.min_days),
        "Model": plain(" → ".join(stage.type for stage in pipeline.stages)),
        "Gates": plain(", ".join(gates)) or "none",
        "Promotion": pipeline.promote,
        "Tried again": "twice, after 1 and 2 minutes; not for refused data or a wrong file",
        "Deadline": told(pipeline.deadline) if pipeline.deadline else "none",
        "Pool": "`default_pool`; `backfill` for the runs of a backfill, where Airflow's policy says so",
        "File": code(f"pipelines/{pipeline.name}.yaml"),
    }
    return "\n".join(
        [
            plain(pipeline.description),
            "",
            "Retrains the model for one partition date. A run of the schedule takes the day before; a run of",
            "yours takes its partition key, else the form's partition date, else the last closed day (UTC).",
            "Running a date again is free: finished steps are found by their keys.",
            "",
            *(f"- **{name}**: {fact}" for name, fact in facts.items()),
        ]
    )
