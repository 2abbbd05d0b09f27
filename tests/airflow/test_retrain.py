"""The retraining Dags as Airflow loads them: their chain, arguments, form and partitions."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.airflow.conftest import CHECKOUT, load_dags

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


def test_the_checkout_s_own_pipelines_load(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VINTAGE_HOME", str(CHECKOUT))
    bag = load_dags()
    assert bag.import_errors == {}
    pipelines = [path.stem for path in (CHECKOUT / "pipelines").glob("*.yaml")]
    expected = {f"{prefix}_{name}": {name} for prefix in ("retrain", "score") for name in pipelines}
    expected |= {"vintage_restatement": set(), "vintage_reproduction": set()}
    tagged = {dag_id: dag.tags & set(pipelines) for dag_id, dag in bag.dags.items()}
    assert tagged == expected


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

    from vintage.airflow.job_result import JobResult

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
    evaluate.told = JobResult(file)
    assert evaluate.told.read() == {"rows": 7}
    assert report.get_link(evaluate, ti_key=None) == "file:///r.html"
    assert run.get_link(evaluate, ti_key=None) == ""
    # What the API server knows of the task.
    stored = DagSerialization.from_dict(DagSerialization.to_dict(dag)).get_task("evaluate")
    assert [link.name for link in stored.operator_extra_links] == ["Report", "MLflow run"]


def test_promote_publishes_the_model(dag: DAG) -> None:
    assert [asset.name for asset in dag.get_task("promote").outlets] == ["model_tiny"]


@pytest.mark.fault("a broken pipeline file", outcome="an import error of its own; the other DAGs stay")
def test_a_broken_file_breaks_its_own_dag_alone(home: Path) -> None:
    text = (home / "pipelines" / "tiny.yaml").read_text()
    (home / "pipelines" / "other.yaml").write_text(
        text.replace("name: tiny", "name: other").replace("window:", "windw:")
    )
    bag = load_dags()
    assert {name for name in bag.dags if name.endswith(("_tiny", "_other"))} == {
        "retrain_tiny",
        "score_tiny",
    }
    assert bag.dags["vintage_restatement"].task_ids == ["tiny"]
    [(file, error)] = bag.import_errors.items()
    assert Path(file).name == "broken_pipelines.py"
    assert "retrain_other" in error
    assert "windw" in error
    assert "other.yaml" in error


def test_whatever_is_wrong_with_a_file_is_its_own_import_error(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = (home / "pipelines" / "tiny.yaml").read_text()
    levels = "".join(f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]\n" for n in range(1, 9))
    others = {
        "bomb": "a0: &a0 [x]\n" + levels,
        "deep": "a: " + "[" * 100_000,
        # Right for whoever reads the file; no run is on the day before the calendar's first.
        "early": text.replace("name: tiny", "name: early").replace("2024-01-01", "0001-01-01"),
    }
    for name, content in others.items():
        (home / "pipelines" / f"{name}.yaml").write_text(content)
    os.mkfifo(home / "pipelines" / "pipe.yaml")
    bag = load_dags()
    assert [name for name in bag.dags if name.startswith("retrain_")] == ["retrain_tiny"]
    [(file, error)] = bag.import_errors.items()
    assert Path(file).name == "broken_pipelines.py"
    assert all(f"retrain_{name} is left out" in error for name in (*others, "pipe"))


def test_loading_the_dags_imports_nothing_heavy(home: Path) -> None:
    modules = ", ".join(f"dags.{path.stem}" for path in (CHECKOUT / "dags").glob("*.py"))
    code = (
        f"import sys; import {modules}; heavy = {{'pyspark', 'mlflow', 'great_expectations', 'pandas'}}; "
        "print(sorted(heavy & set(sys.modules)))"
    )
    answer = subprocess.run(
        [sys.executable, "-c", code], cwd=CHECKOUT, env=os.environ, capture_output=True, text=True, check=True
    )
    assert answer.stdout.splitlines()[-1] == "[]"


def test_a_pipeline_s_dags_come_and_go_with_its_file(home: Path) -> None:
    file = home / "pipelines" / "tiny.yaml"
    text = file.read_text()
    # Renamed, under the file's old name: the one place where two pipelines might come to have one name.
    other = file.with_name("other.yaml")
    other.write_text(text)
    bag = load_dags()
    assert {name for name in bag.dags if name.endswith("_tiny")} >= {"retrain_tiny"}
    assert not [name for name in bag.dags if name.endswith("_other")]
    [error] = bag.import_errors.values()
    assert "name; expected other, as the file is called; found tiny" in error
    # Renamed as it should be.
    other.write_text(text.replace("name: tiny", "name: other"))
    file.unlink()
    bag = load_dags()
    assert bag.import_errors == {}
    assert set(bag.dags) == {"retrain_other", "score_other", "vintage_restatement", "vintage_reproduction"}
    # Deleted.
    other.unlink()
    bag = load_dags()
    assert (dict(bag.dags), bag.import_errors) == ({}, {})


def test_one_broken_file_among_eleven_hides_no_other(home: Path) -> None:
    text = (home / "pipelines" / "tiny.yaml").read_text()
    for number in range(9):
        (home / "pipelines" / f"more{number}.yaml").write_text(
            text.replace("name: tiny", f"name: more{number}")
        )
    (home / "pipelines" / "broken.yaml").write_text("name: broken\nstages: [")
    bag = load_dags()
    retrained = {name for name in bag.dags if name.startswith("retrain_")}
    assert retrained == {"retrain_tiny", *(f"retrain_more{number}" for number in range(9))}
    [error] = bag.import_errors.values()
    assert "retrain_broken is left out" in error
    assert "more" not in error
