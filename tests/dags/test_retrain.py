"""The retraining Dags as Airflow loads them: their chain, arguments, form and partitions."""

from __future__ import annotations

import datetime as dt
import json
import os
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest

from tests.dags.conftest import CHECKOUT, load_dags

if TYPE_CHECKING:
    from airflow.sdk import DAG

JOBS = ("snapshot", "validate", "preprocess", "fit", "evaluate", "promote")
CHAIN = {
    "wait_for_data": {"snapshot"},
    "snapshot": {"validate"},
    "validate": {"preprocess"},
    "preprocess": {"fit"},
    "fit": {"evaluate"},
    "evaluate": {"promote"},
    "promote": set(),
}
RUN_AFTER = dt.datetime(2024, 3, 2, 2, tzinfo=dt.UTC)


@pytest.fixture
def dag(home: Path) -> DAG:
    bag = load_dags()
    assert bag.import_errors == {}
    return bag.dags["retrain_tiny"]


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


def test_the_checkout_s_own_pipelines_load(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VINTAGE_HOME", str(CHECKOUT))
    bag = load_dags()
    assert bag.import_errors == {}
    pipelines = [path.stem for path in (CHECKOUT / "pipelines").glob("*.yaml")]
    assert {f"retrain_{name}" for name in pipelines} <= set(bag.dags)
    assert {f"impact_{name}" for name in pipelines} <= set(bag.dags)
    assert {f"reproduce_{name}" for name in pipelines} <= set(bag.dags)
    assert {f"score_{name}" for name in pipelines} <= set(bag.dags)


def test_a_task_loads_its_own_dag_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VINTAGE_HOME", str(CHECKOUT))
    # As Airflow sets it before a task reads the file.
    monkeypatch.setenv("_AIRFLOW_PARSING_CONTEXT_DAG_ID", "retrain_digits")
    assert set(load_dags().dags) == {"retrain_digits"}


def test_the_chain_is_the_design_s(dag: DAG) -> None:
    assert {task.task_id: task.downstream_task_ids for task in dag.tasks} == CHAIN


def test_every_application_is_a_file_of_the_checkout(dag: DAG) -> None:
    applications = {name: Path(dag.get_task(name).application) for name in JOBS}
    assert applications == {name: CHECKOUT / "spark_jobs" / f"{name}.py" for name in JOBS}
    assert all(path.is_file() for path in applications.values())


def test_spark_jobs_are_submitted_and_promote_is_plain_python(dag: DAG) -> None:
    kinds = {task.task_id: type(task).__name__ for task in dag.tasks}
    others = {"wait_for_data": "WaitForData", "promote": "PythonJob"}
    assert kinds == {**dict.fromkeys(JOBS, "SparkJob"), **others}


def test_only_arguments_are_rendered(dag: DAG) -> None:
    assert {tuple(dag.get_task(name).template_fields) for name in JOBS} == {("application_args",)}
    assert tuple(dag.get_task("wait_for_data").template_fields) == ()


def test_the_file_sets_what_the_ui_shows(dag: DAG) -> None:
    assert dag.description == "Is y above the line?"
    assert "VectorAssembler → LogisticRegression" in dag.doc_md
    assert {task.owner for task in dag.tasks} == {"ops-ml"}
    assert not dag.catchup
    assert all(
        task.retries and task.retry_exponential_backoff and task.execution_timeout for task in dag.tasks
    )


def test_the_tasks_are_grouped_as_the_flow_reads(dag: DAG) -> None:
    groups = {name: set(group.children) for name, group in dag.task_group.children.items()}
    assert groups == {
        "data": {"wait_for_data", "snapshot", "validate", "preprocess"},
        "model": {"fit", "evaluate"},
        "serving": {"promote"},
    }


def test_assets_lead_from_raw_data_to_the_model(dag: DAG) -> None:
    assert [asset.name for asset in dag.get_task("snapshot").inlets] == ["raw_tiny_source"]


def test_tasks_link_to_what_their_job_told(dag: DAG, tmp_path: Path) -> None:
    from airflow.serialization.serialized_objects import DagSerialization

    from dags.telling import Told

    links = {task.task_id: [link.name for link in task.operator_extra_links] for task in dag.tasks}
    assert {name: found for name, found in links.items() if found} == {
        "validate": ["Data Docs"],
        "fit": ["MLflow run"],
        "evaluate": ["Report", "MLflow run"],
        "promote": ["MLflow run"],
    }
    evaluate = dag.get_task("evaluate")
    [report, run] = evaluate.operator_extra_links
    assert report.get_link(evaluate, ti_key=None) == ""
    file = tmp_path / "told.json"
    file.write_text(json.dumps({"facts": {"rows": 7}, "links": {"Report": "file:///r.html"}}))
    evaluate.told = Told(file)
    assert evaluate.told.read() == {"rows": 7}
    assert report.get_link(evaluate, ti_key=None) == "file:///r.html"
    assert run.get_link(evaluate, ti_key=None) == ""
    # What the API server knows of the task.
    stored = DagSerialization.from_dict(DagSerialization.to_dict(dag)).get_task("evaluate")
    assert [link.name for link in stored.operator_extra_links] == ["Report", "MLflow run"]


def test_promote_publishes_the_model(dag: DAG) -> None:
    assert [asset.name for asset in dag.get_task("promote").outlets] == ["model_tiny"]


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
    from spark_jobs.spec import Home, load_pipeline

    pipeline = load_pipeline(Home.from_environment({"VINTAGE_HOME": str(home)}), "tiny")
    overrides = [word.removeprefix("--set=") for word in rendered(dag, "fit")[2:]]
    assert pipeline.with_overrides(overrides).stages == pipeline.stages


@pytest.mark.parametrize(("value", "text"), [(0.5, "0.5"), (1e-05, "1e-05"), (None, "null")])
def test_a_form_s_value_reaches_the_job(dag: DAG, value: float | None, text: str) -> None:
    words = rendered(dag, "fit", **{"LogisticRegression.regParam": value})
    assert words[2] == f"--set=LogisticRegression.regParam={text}"


def test_a_tiny_value_is_read_back_as_a_number(home: Path) -> None:
    from spark_jobs.spec import Home, load_pipeline

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


def scheduled_keys(dag: DAG, count: int) -> list[tuple[str, str]]:
    """The first runs of the schedule, as (when, partition key)."""
    from airflow.serialization.serialized_objects import DagSerialization
    from airflow.timetables.base import TimeRestriction

    timetable = DagSerialization.from_dict(DagSerialization.to_dict(dag)).timetable
    restriction = TimeRestriction(earliest=dag.start_date, latest=dag.end_date, catchup=True)
    found, info = [], None
    for _ in range(count):
        info = timetable.next_dagrun_info_v2(last_dagrun_info=info, restriction=restriction)
        if info is None:
            break
        found.append((info.run_after.isoformat(), info.partition_key))
    return found


def test_a_nightly_run_takes_the_day_before_and_the_first_partition_is_the_start_date(dag: DAG) -> None:
    assert scheduled_keys(dag, 3) == [
        ("2024-01-02T02:00:00+00:00", "2024-01-01"),
        ("2024-01-03T02:00:00+00:00", "2024-01-02"),
        ("2024-01-04T02:00:00+00:00", "2024-01-03"),
    ]


@pytest.mark.parametrize("cron", ["0 0 * * *", "59 23 * * *", "30 14 * * *"])
def test_the_first_partition_is_the_start_date_at_any_hour(home: Path, cron: str) -> None:
    path = home / "pipelines" / "tiny.yaml"
    path.write_text(path.read_text().replace("0 2 * * *", cron))
    keys = [key for _, key in scheduled_keys(load_dags().dags["retrain_tiny"], 2)]
    assert keys == ["2024-01-01", "2024-01-02"]


def test_the_last_partition_is_the_end_date(home: Path) -> None:
    path = home / "pipelines" / "tiny.yaml"
    path.write_text(
        path.read_text().replace("start_date: 2024-01-01", "start_date: 2024-01-01\nend_date: 2024-01-03")
    )
    keys = [key for _, key in scheduled_keys(load_dags().dags["retrain_tiny"], 9)]
    assert keys == ["2024-01-01", "2024-01-02", "2024-01-03"]


def test_a_backfill_s_range_holds_its_last_day_only_up_to_its_end(dag: DAG) -> None:
    """Airflow's own range ends at a moment: at midnight the last day's tick is still to come."""
    from airflow.serialization.serialized_objects import DagSerialization

    timetable = DagSerialization.from_dict(DagSerialization.to_dict(dag)).timetable
    first, midnight = dt.datetime(2024, 1, 5, tzinfo=dt.UTC), dt.datetime(2024, 1, 7, tzinfo=dt.UTC)

    def keys(last: dt.datetime) -> list[str]:
        return [
            info.partition_key for info in timetable.iter_partition_dagrun_infos(earliest=first, latest=last)
        ]

    assert keys(midnight) == ["2024-01-05", "2024-01-06"]
    assert keys(midnight + dt.timedelta(hours=23, minutes=59, seconds=59)) == [
        "2024-01-05",
        "2024-01-06",
        "2024-01-07",
    ]


def test_a_broken_file_breaks_its_own_dag_alone(home: Path) -> None:
    text = (home / "pipelines" / "tiny.yaml").read_text()
    (home / "pipelines" / "other.yaml").write_text(
        text.replace("name: tiny", "name: other").replace("window:", "windw:")
    )
    bag = load_dags()
    assert {name for name in bag.dags if name.endswith(("_tiny", "_other"))} == {
        "retrain_tiny",
        "impact_tiny",
        "reproduce_tiny",
        "score_tiny",
    }
    [(file, error)] = bag.import_errors.items()
    assert Path(file).name == "broken_pipelines.py"
    assert "retrain_other" in error
    assert "windw" in error
    assert "other.yaml" in error


def test_loading_the_dags_imports_nothing_heavy(home: Path) -> None:
    code = (
        "import sys; import dags.retrain; heavy = {'pyspark', 'mlflow', 'great_expectations', 'pandas'}; "
        "print(sorted(heavy & set(sys.modules)))"
    )
    answer = subprocess.run(
        [sys.executable, "-c", code], cwd=CHECKOUT, env=os.environ, capture_output=True, text=True, check=True
    )
    assert answer.stdout.splitlines()[-1] == "[]"


def test_the_form_leaves_a_tuned_param_to_the_tuning(home: Path) -> None:
    file = home / "pipelines" / "tiny.yaml"
    tuning = "tuning: {method: cross_validation, grid: {LogisticRegression.regParam: [0.1, 0.2]}}\nevaluate:"
    file.write_text(file.read_text().replace("evaluate:", tuning))
    param = load_dags().dags["retrain_tiny"].params.get_param("LogisticRegression.regParam")
    assert param.value is None
    assert param.schema["type"] == ["null", "number"]
    assert "the best of 0.1, 0.2" in str(param.description)
    # What the form sends when nobody fills it in leaves the grid as it is.
    from spark_jobs.spec import Home, load_pipeline

    pipeline = load_pipeline(Home.from_environment({"VINTAGE_HOME": str(home)}), "tiny")
    assert pipeline.with_overrides(["LogisticRegression.regParam=null"]).tuning == pipeline.tuning
