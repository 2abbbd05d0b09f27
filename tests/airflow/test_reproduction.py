"""The Dag that makes a past model again: run by hand, one submitted job, its date and key as single words."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest
from airflow.sdk.exceptions import AirflowFailException, ParamValidationError

from tests.airflow.conftest import CHECKOUT, load_dags
from vintage.airflow.reproduction import settings_of

if TYPE_CHECKING:
    from airflow.sdk import DAG


@pytest.fixture
def dag(home: Path) -> DAG:
    bag = load_dags()
    assert bag.import_errors == {}
    return bag.dags["vintage_reproduction"]


def rendered(dag: DAG, **form: Any) -> list[str]:
    run = SimpleNamespace(partition_key=None, run_after=dt.datetime(2024, 3, 2, 2, tzinfo=dt.UTC))
    context = {
        "dag_run": run,
        "params": {**dag.params.dump(), "pipeline": "tiny", **form},
        **dag.user_defined_macros,
    }
    [task] = dag.tasks
    return [
        task.render_template(argument, context, jinja_env=dag.get_template_env())
        for argument in task.application_args
    ]


def test_it_is_one_job_that_only_a_person_starts(dag: DAG) -> None:
    [task] = dag.tasks
    assert type(task).__name__ == "ReproductionJob"
    assert Path(task.application) == CHECKOUT / "spark_jobs" / "reproduce.py"
    assert Path(task.application).is_file()
    assert tuple(task.template_fields) == ("application_args",)
    assert dag.timetable.can_be_scheduled is False


def test_it_is_submitted_with_the_settings_of_the_form_s_pipeline(home: Path) -> None:
    file = home / "pipelines" / "tiny.yaml"
    file.write_text(file.read_text() + "spark: {conf: {spark.driver.memory: 3g}}\n")
    settings = settings_of("tiny")
    assert settings["spark.driver.memory"] == "3g"
    # A model's bits depend on both compilers of the JVM: what makes the others quicker is not set.
    assert "TieredStopAtLevel" not in settings["spark.driver.extraJavaOptions"]
    assert "-XX:MaxVectorSize=16" in settings["spark.driver.extraJavaOptions"]
    with pytest.raises(AirflowFailException, match='no pipeline "gone"'):
        settings_of("gone")


def test_the_form_offers_the_pipelines_and_needs_one(dag: DAG) -> None:
    assert dag.params.get_param("pipeline").schema["enum"] == ["tiny"]
    with pytest.raises(ParamValidationError):
        dag.params.get_param("pipeline").resolve()


def test_date_and_key_are_single_words(dag: DAG) -> None:
    key = "0123456789abcdef"
    assert rendered(dag, partition_date="2024-01-07", key=key) == [
        "--pipeline=tiny",
        "--date=2024-01-07",
        f"--key={key}",
    ]
    assert rendered(dag) == ["--pipeline=tiny", "--date=2024-03-01", "--key="]


@pytest.mark.parametrize("bad", ["0123", "ABCDEF012345", "0123456789 --keep", "../../x", 12345678])
def test_what_is_no_key_is_refused_by_the_form(dag: DAG, bad: Any) -> None:
    with pytest.raises(ParamValidationError):
        dag.params.get_param("key").resolve(bad)
    assert dag.params.get_param("key").resolve("0123abcd") == "0123abcd"
