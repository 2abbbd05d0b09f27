"""One Dag `reproduce_<name>` for each pipeline, run by hand: a past model is made again and compared."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Final

from airflow.sdk import DAG, Param

from dags.each_pipeline import date_param, make_dags
from dags.spark_submit import MACROS, spark_job

if TYPE_CHECKING:
    from vintage.spec import Home, Pipeline

JOB: Final = "reproduce"
KEY: Final = "^[0-9a-f]{8,64}$"
ARGS: Final = ("--date={{ partition_of(dag_run, params) }}", "--key={{ params['key'] or '' }}")


def reproduction(pipeline: Pipeline, home: Home) -> DAG:
    """The Dag of one pipeline: one task, which fails when the model is not the same."""
    with DAG(
        f"{JOB}_{pipeline.name}",
        auto_register=False,
        description=f"Makes a model of {pipeline.name} again and compares it with the one in the store.",
        doc_md=DOCUMENTATION,
        tags={"vintage", JOB, pipeline.task},
        schedule=None,
        # Nothing starts it but a person.
        is_paused_upon_creation=False,
        max_active_runs=1,
        default_args={
            "owner": pipeline.owner,
            "retries": 1,
            "retry_delay": dt.timedelta(minutes=1),
            "execution_timeout": dt.timedelta(hours=6),
        },
        params={
            "partition_date": date_param("Of the model. Empty: the last closed day (UTC)."),
            "key": Param(
                None,
                type=["null", "string"],
                pattern=KEY,
                title="Key of the model",
                description="8 digits of it or more. Empty: the model that is current for the date.",
            ),
        },
        user_defined_macros=dict(MACROS),
    ) as dag:
        spark_job(JOB, pipeline, home, arguments=[f"--pipeline={pipeline.name}", *ARGS])
    return dag


DOCUMENTATION: Final = """\
Makes the model of a partition date again, from the manifests in the store and the snapshots that they
name, and compares: the rows of every date, the tuning, the model's digest, every prediction of the holdout,
every metric and the decision. The raw data and the file of the pipeline may have changed since.

The task succeeds when all is the same. Otherwise it fails, and the last line says what differed first, and
why. Nothing in the store or in MLflow is changed."""

globals().update(make_dags(__name__, JOB, reproduction))
