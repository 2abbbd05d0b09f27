"""The DAGs of Vintage, for any Airflow: one file in its DAG folder is enough.

    from vintage.airflow import retraining_dags

    globals().update(retraining_dags())

This is the only room that imports Airflow. Of the library it knows the specification and the errors.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Final

from vintage.errors import SpecError, first_line
from vintage.spec import Home, load_pipeline

if TYPE_CHECKING:
    from airflow.sdk import DAG

RESTATEMENT_SCHEDULE: Final = "0 6 * * *"


def retraining_dags(restatement_schedule: str | None = RESTATEMENT_SCHEDULE) -> dict[str, DAG]:
    """Return the DAGs of the pipelines of VINTAGE_HOME, by their ids.

    `retrain_<name>` and `score_<name>` for each pipeline; `vintage_restatement` and `vintage_reproduction`
    for all of them. While a task runs, Airflow asks for its own DAG, and that one alone is made.

    A pipeline whose file is wrong is left out, and the others stay: `require_valid_pipelines`, in a DAG file
    of its own, has Airflow show what is wrong with it.

    Args:
        restatement_schedule: when to look for restated raw data, as a cron line (UTC); None: by hand alone.
    """
    from airflow.sdk import get_parsing_context

    from vintage.airflow import reproduction, restatement, retrain, score
    from vintage.airflow.pipelines import make_dags, valid_pipelines

    home, wanted = Home.from_environment(os.environ), get_parsing_context().dag_id
    shared = wanted in {None, restatement.DAG_ID, reproduction.DAG_ID}
    own = {name for name in home.pipeline_names() if wanted in {f"retrain_{name}", f"score_{name}"}}
    pipelines = valid_pipelines(home, None if shared else own)
    dags = {
        **make_dags(home, pipelines, "retrain", retrain.retrain, wanted),
        **make_dags(home, pipelines, "score", score.scoring, wanted),
    }
    if shared and pipelines:
        of_all = (
            restatement.restatement(pipelines, restatement_schedule),
            reproduction.reproduction(pipelines),
        )
        dags |= {dag.dag_id: dag for dag in of_all if wanted in {None, dag.dag_id}}
    return dags


def require_valid_pipelines() -> None:
    """Raise what is wrong with the pipelines of VINTAGE_HOME that `retraining_dags` leaves out.

    A DAG file either loads or has one import error. In a file that makes no DAG, that error costs no pipeline
    its DAGs, and stands in Airflow's UI and in `airflow dags list-import-errors`.

    Raises:
        SpecError: a pipeline cannot be loaded, or made a DAG of; the message has each with its file and line.
    """
    from vintage.airflow import retrain, score

    home, broken = Home.from_environment(os.environ), []
    for name in home.pipeline_names():
        try:
            pipeline = load_pipeline(home, name)
            for make in (retrain.retrain, score.scoring):
                make(pipeline, home)
        except SpecError as error:
            broken.append(f"retrain_{name} is left out: {error}")
        except Exception as error:
            broken.append(f"retrain_{name} is left out: {type(error).__name__}: {first_line(error)}")
    if broken:
        raise SpecError("\n".join(broken))
