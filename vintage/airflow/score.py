"""One DAG `score_<name>` for each file of pipelines/: the model that serves scores one partition date."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Final

from airflow.sdk import DAG, Param, PartitionedAssetTimetable, chain

from vintage.airflow.alerts import on_failure
from vintage.airflow.assets import model_of, predictions_of, raw_of
from vintage.airflow.drift import MONITOR, drifted, early_retraining
from vintage.airflow.pipelines import daily, date_param, display_name, nightly_arguments, run_of
from vintage.airflow.spark_submit import MACROS, python_job, spark_job
from vintage.spec.markdown import code

if TYPE_CHECKING:
    from vintage.spec import Home, Pipeline

JOB: Final = "score"
QUALITY: Final = "quality"
DATE: Final = "--date={{ partition_of(dag_run, params) }}"
VERSION: Final = "--version={{ params['version'] or '' }}"


def scoring(pipeline: Pipeline, home: Home) -> DAG:
    """Return the DAG of one pipeline: it scores a date and monitors it, skipped while no version serves.

    Where the pipeline says when labels are available, it also measures the predictions of the date whose
    labels have arrived by then.

    It follows each night, for the night's date, unless the pipeline has a schedule for scoring.
    """
    own, end = pipeline.score.schedule, pipeline.end_date
    first = dt.datetime.combine(pipeline.start_date, dt.time(), dt.UTC)
    with DAG(
        f"{JOB}_{pipeline.name}",
        dag_display_name=display_name(pipeline, JOB),
        auto_register=False,
        description=f"Scores the rows of a date with the model of {pipeline.name} that serves.",
        doc_md=documentation(pipeline),
        tags={"vintage", JOB, pipeline.task, pipeline.name},
        schedule=daily(own) if own else PartitionedAssetTimetable(assets=model_of(pipeline)),
        start_date=run_of(own, pipeline.start_date) if own else first,
        end_date=run_of(own, end) if own and end else None,
        catchup=False,
        max_active_runs=1,
        default_args=nightly_arguments(pipeline),
        params={
            "partition_date": date_param(
                "Used when the run has no partition key. Empty: the last closed day (UTC)."
            ),
            "version": Param(
                None,
                type=["null", "integer"],
                minimum=1,
                title="Version",
                description="The registered version that scores. Empty: the champion.",
            ),
        },
        on_failure_callback=on_failure() or None,
        user_defined_macros=dict(MACROS),
    ) as dag:
        named = [f"--pipeline={pipeline.name}", DATE]
        scored = spark_job(
            JOB,
            pipeline,
            home,
            arguments=[*named, VERSION],
            inlets=[model_of(pipeline), *raw_of(pipeline)],
            outlets=[predictions_of(pipeline)],
        )
        retrain = early_retraining(pipeline)
        chain(
            scored,
            python_job(MONITOR, pipeline, arguments=named),
            drifted(pipeline),
            *([retrain] if retrain else []),
        )
        after = pipeline.monitor.label_after
        if after is not None:
            labelled = f"--date={{{{ macros.ds_add(partition_of(dag_run, params), -{after}) }}}}"
            # Of an earlier date, whose predictions are there also where nothing serves now.
            scored >> spark_job(
                QUALITY,
                pipeline,
                home,
                arguments=[f"--pipeline={pipeline.name}", labelled],
                inlets=[predictions_of(pipeline), *raw_of(pipeline)],
                trigger_rule="none_failed",
            )
    return dag


def documentation(pipeline: Pipeline) -> str:
    """Return what the Airflow UI says of the DAG, in Markdown."""
    started = (
        f"By its own schedule, `{pipeline.score.schedule}`, for the day before."
        if pipeline.score.schedule
        else f"After each night of `retrain_{pipeline.name}`, for the same date."
    )
    rows = f"those where {code(pipeline.score.where)}" if pipeline.score.where else "all of the date"
    return "\n".join(
        [
            f"Scores rows with the champion of `{pipeline.name}`, label or not. {started}",
            "",
            "The date's rows are snapshotted, validated and prepared first, if no night has done so. Each",
            "prediction carries the model's key and its registered version. Rows that the model cannot score",
            "are kept aside, with the reason. While no version serves, the task is skipped.",
            "",
            "`monitor` compares the date with its reference. A warning or an alarm is reported; an alarm",
            f"raises an event of the asset `drifted_{pipeline.name}`{_retraining(pipeline)}.",
            "",
            f"- **Rows**: {rows}",
            f"- **Key**: {', '.join(map(code, pipeline.preprocess.key))}",
            f"- **File**: `pipelines/{pipeline.name}.yaml`",
        ]
    )


def _retraining(pipeline: Pipeline) -> str:
    retrain = pipeline.monitor.retrain
    if retrain is None:
        return ""
    return f", and retrains the model for its date, at most once in {retrain.every} days"
