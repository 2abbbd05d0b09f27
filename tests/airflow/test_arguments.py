"""A job's arguments, and the form that they come from: whatever is given, one word each."""

from __future__ import annotations

import json
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest

from tests.airflow.conftest import RUN_AFTER, load_dags
from tests.airflow.test_retrain import JOBS

if TYPE_CHECKING:
    from pathlib import Path

    from airflow.sdk import DAG


def rendered(dag: DAG, task: str, *, partition_key: str | None = None, **form: Any) -> list[str]:
    """A task's arguments as Airflow renders them for a run."""
    values = {**dag.params.dump(), **form}
    run = SimpleNamespace(partition_key=partition_key, run_after=RUN_AFTER)
    operator = dag.get_task(task)
    context = {"dag_run": run, "params": values, **dag.user_defined_macros}
    return [
        operator.render_template(argument, context, jinja_env=dag.get_template_env())
        for argument in operator.application_args
    ]


def test_every_argument_is_one_word_with_the_declared_values(dag: DAG) -> None:
    assert rendered(dag, "fit", partition_key="2024-03-01") == [
        "--pipeline=tiny",
        "--date=2024-03-01",
        "--set=LogisticRegression.regParam=0.01",
        "--set=LogisticRegression.maxIter=5",
        "--set=LogisticRegression.fitIntercept=true",
        '--set=LogisticRegression.family="binomial"',
        "--set=LogisticRegression.elasticNetParam=null",
    ]


@pytest.mark.parametrize("task", JOBS)
def test_every_job_gets_the_same_arguments(dag: DAG, task: str) -> None:
    assert rendered(dag, task, partition_key="2024-03-01") == rendered(
        dag, "snapshot", partition_key="2024-03-01"
    )


def test_declared_values_change_nothing_in_the_pipeline(dag: DAG, home: Path) -> None:
    from vintage.spec import Home, load_pipeline

    pipeline = load_pipeline(Home.from_environment({"VINTAGE_HOME": str(home)}), "tiny")
    overrides = [word.removeprefix("--set=") for word in rendered(dag, "fit")[2:]]
    assert pipeline.with_overrides(overrides).stages == pipeline.stages


@pytest.mark.parametrize(("value", "text"), [(0.5, "0.5"), (1e-05, "1e-05"), (None, "null")])
def test_a_form_s_value_reaches_the_job(dag: DAG, value: float | None, text: str) -> None:
    words = rendered(dag, "fit", **{"LogisticRegression.regParam": value})
    assert words[2] == f"--set=LogisticRegression.regParam={text}"


def test_a_tiny_value_is_read_back_as_a_number(home: Path) -> None:
    from vintage.spec import Home, load_pipeline

    pipeline = load_pipeline(Home.from_environment({"VINTAGE_HOME": str(home)}), "tiny")
    changed = pipeline.with_overrides([f"LogisticRegression.regParam={json.dumps(1e-05)}"])
    assert changed.parameter("LogisticRegression.regParam") == 1e-05


@pytest.mark.parametrize(
    ("key", "form", "expected"),
    [
        ("2024-02-29", {"partition_date": "2024-01-07"}, "2024-02-29"),
        (None, {"partition_date": "2024-01-07"}, "2024-01-07"),
        (None, {}, "2024-03-01"),
    ],
    ids=["partition key", "form", "last closed day"],
)
def test_the_date_is_the_key_else_the_form_s_else_the_last_closed_day(
    dag: DAG, key: str | None, form: dict[str, str], expected: str
) -> None:
    assert rendered(dag, "fit", partition_key=key, **form)[1] == f"--date={expected}"


@pytest.mark.parametrize(
    "text",
    [
        "2013-02-28 --conf spark.x=y",
        "$(id)",
        "../x",
        "{{ 7*7 }}",
        "2013-02-30",
        "2013-2-8",
        "20130228",
        "2013-02-28\n",
    ],
)
@pytest.mark.parametrize("way", ["partition key", "form"])
def test_what_is_no_date_is_refused_before_anything_is_submitted(dag: DAG, text: str, way: str) -> None:
    from airflow.sdk.exceptions import AirflowFailException

    given = {"partition_date" if way == "form" else "partition_key": text}
    with pytest.raises(AirflowFailException, match="is not a partition date"):
        rendered(dag, "fit", **given)


@pytest.mark.parametrize(
    ("name", "bad"),
    [
        ("LogisticRegression.regParam", "0.1 --conf spark.x=y"),
        ("LogisticRegression.maxIter", 2.5),
        ("LogisticRegression.maxIter", "5"),
        ("LogisticRegression.fitIntercept", 1),
        ("LogisticRegression.family", 3),
        ("LogisticRegression.elasticNetParam", {"a": 1}),
        ("partition_date", "yesterday"),
        ("partition_date", 20130228),
    ],
)
def test_the_form_refuses_values_of_another_type(dag: DAG, name: str, bad: Any) -> None:
    from airflow.sdk.exceptions import ParamValidationError

    with pytest.raises(ParamValidationError):
        dag.params.get_param(name).resolve(bad)


def test_the_form_accepts_good_values(dag: DAG) -> None:
    good = {
        "LogisticRegression.regParam": 0.3,
        "LogisticRegression.maxIter": 7,
        "LogisticRegression.elasticNetParam": 0.5,
        "partition_date": "2024-01-07",
    }
    assert {name: dag.params.get_param(name).resolve(value) for name, value in good.items()} == good


def test_the_form_leaves_a_tuned_param_to_the_tuning(home: Path) -> None:
    file = home / "pipelines" / "tiny.yaml"
    tuning = "tuning: {method: cross_validation, grid: {LogisticRegression.regParam: [0.1, 0.2]}}\nevaluate:"
    file.write_text(file.read_text().replace("evaluate:", tuning))
    param = load_dags().dags["retrain_tiny"].params.get_param("LogisticRegression.regParam")
    assert param.value is None
    assert param.schema["type"] == ["null", "number"]
    assert "the best of 0.1, 0.2" in str(param.description)
    # What the form sends when nobody fills it in leaves the grid as it is.
    from vintage.spec import Home, load_pipeline

    pipeline = load_pipeline(Home.from_environment({"VINTAGE_HOME": str(home)}), "tiny")
    assert pipeline.with_overrides(["LogisticRegression.regParam=null"]).tuning == pipeline.tuning
