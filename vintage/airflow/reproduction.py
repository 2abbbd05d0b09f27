"""The DAG `vintage_reproduction`, run by hand: a past model of a pipeline is reproduced and compared."""

from __future__ import annotations

import datetime as dt
import os
from typing import TYPE_CHECKING, Any, Final

from airflow.sdk import DAG, Param
from airflow.sdk.exceptions import AirflowFailException

from vintage.airflow.last_words import ON_FAILURE
from vintage.airflow.pipelines import date_param
from vintage.airflow.spark_submit import CONNECTION, JOBS, MACROS, SparkJob
from vintage.errors import SpecError
from vintage.spec import Home, load_pipeline, submit_conf

if TYPE_CHECKING:
    from collections.abc import Sequence

    from airflow.sdk import Context

    from vintage.spec import Pipeline

DAG_ID: Final = "vintage_reproduction"
JOB: Final = "reproduce"
KEY: Final = "^[0-9a-f]{8,64}$"
ARGS: Final = (
    "--pipeline={{ params['pipeline'] }}",
    "--date={{ partition_of(dag_run, params) }}",
    "--key={{ params['key'] or '' }}",
)


class ReproductionJob(SparkJob):
    """Submits the reproduction with the Spark settings of the pipeline that the form names."""

    def execute(self, context: Context) -> dict[str, Any]:  # type: ignore[override]
        """Make the model again; fails when it is not the same, or as any job does.

        Raises:
            AirflowFailException: the pipeline's file is wrong.
        """
        self.conf = settings_of(context["params"]["pipeline"])
        return super().execute(context)


def settings_of(name: str) -> dict[str, str]:
    """Return the Spark settings that a pipeline's reproduction is submitted with.

    Raises:
        AirflowFailException: there is no such pipeline, or its file is wrong.
    """
    home = Home.from_environment(os.environ)
    try:
        return submit_conf(load_pipeline(home, name), home, JOB)
    except SpecError as error:
        raise AirflowFailException(str(error)) from None


def reproduction(pipelines: Sequence[Pipeline]) -> DAG:
    """Return the DAG of all pipelines: one task, which fails when the model is not the same."""
    with DAG(
        DAG_ID,
        dag_display_name="vintage · reproduction",
        auto_register=False,
        description="Makes a past model again and compares it with the one in the store.",
        doc_md=DOCUMENTATION,
        tags={"vintage", JOB},
        schedule=None,
        # Nothing starts it but a person.
        is_paused_upon_creation=False,
        default_args={"retries": 1, "retry_delay": dt.timedelta(minutes=1), **ON_FAILURE},
        params={
            "pipeline": Param(
                type="string",
                enum=[each.name for each in pipelines],
                title="Pipeline",
                description="Partition date of the model to reproduce.",
            ),
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
        ReproductionJob(
            task_id=JOB,
            application=str(JOBS / f"{JOB}.py"),
            application_args=list(ARGS),
            conn_id=CONNECTION,
            name=f"vintage-{JOB}",
            durable=False,
            execution_timeout=dt.timedelta(hours=6),
        )
    return dag


DOCUMENTATION: Final = """\
Makes the model of a partition date again, from the manifests in the store and the snapshots that they
name, and compares: the rows of every date, the tuning, the model's digest, every prediction of the holdout,
every metric and the decision. The raw data and the file of the pipeline may have changed since.

The task succeeds when all is the same. Otherwise it fails, and the last line says what differed first, and
why. Nothing in the store or in MLflow is changed."""
