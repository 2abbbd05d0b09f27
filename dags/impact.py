"""One Dag `impact_<name>` for each file of pipelines/: looks after each night whether data was restated."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

from airflow.sdk import DAG, PartitionedAssetTimetable

from dags.assets import model_of, restated_of
from dags.each_pipeline import make_dags
from dags.restatement import restatement_check

if TYPE_CHECKING:
    from vintage.spec import Home, Pipeline


def impact(pipeline: Pipeline, _home: Home) -> DAG:
    """The check of one pipeline."""
    with DAG(
        f"impact_{pipeline.name}",
        auto_register=False,
        description=f"Was raw data restated under a model of {pipeline.name}?",
        doc_md=documentation(pipeline),
        tags={"vintage", "impact"},
        schedule=PartitionedAssetTimetable(assets=model_of(pipeline)),
        start_date=dt.datetime.combine(pipeline.start_date, dt.time(), dt.UTC),
        catchup=False,
        max_active_runs=1,
        default_args={
            "owner": pipeline.owner,
            "retries": 2,
            "retry_delay": dt.timedelta(minutes=1),
            "execution_timeout": dt.timedelta(hours=1),
        },
    ) as dag:
        restatement_check(pipeline)
    return dag


def documentation(pipeline: Pipeline) -> str:
    """What the Airflow UI says of the Dag, in Markdown."""
    return "\n".join(
        [
            f"After each night of `retrain_{pipeline.name}` it looks for dates whose standing model, or its",
            "predictions, are of raw rows that came again otherwise, or of raw files that changed since.",
            f"For each such date it raises one event of the asset `{restated_of(pipeline).name}`, with the",
            f"date as partition key. `vintage impact {pipeline.name}` tells all, and what retrains them.",
        ]
    )


globals().update(make_dags(__name__, "impact", impact))
