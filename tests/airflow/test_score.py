"""The Dag that scores a date: after each night or by a schedule of its own, one submitted job."""

from __future__ import annotations

import re
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest
from airflow.sdk.exceptions import AirflowFailException, AirflowSkipException, ParamValidationError
from airflow.sdk.execution_time import macros
from markdown_it import MarkdownIt

from tests.airflow.conftest import CHECKOUT, RUN_AFTER, load_dags
from tests.airflow.test_schedule import scheduled_keys
from tests.hostile import MARKUP
from vintage.airflow import retrain, score
from vintage.airflow.spark_submit import failure, tell_outlets
from vintage.errors import DataError, NothingServes
from vintage.spec import Home, load_pipeline

if TYPE_CHECKING:
    from airflow.sdk import DAG


def loaded() -> DAG:
    bag = load_dags()
    assert bag.import_errors == {}
    return bag.dags["score_tiny"]


@pytest.fixture
def dag(home: Path) -> DAG:
    return loaded()


def declare(home: Path, score: str) -> None:
    path = home / "pipelines" / "tiny.yaml"
    path.write_text(path.read_text() + f"score: {score}\n")


def rendered(dag: DAG, *, partition_key: str | None = None, **form: Any) -> list[str]:
    run = SimpleNamespace(partition_key=partition_key, run_after=RUN_AFTER)
    context = {"dag_run": run, "params": {**dag.params.dump(), **form}, **dag.user_defined_macros}
    task = dag.get_task("score")
    return [
        task.render_template(argument, context, jinja_env=dag.get_template_env())
        for argument in task.application_args
    ]


def test_it_follows_each_night_s_model_and_tells_of_predictions(dag: DAG) -> None:
    from airflow.serialization.serialized_objects import DagSerialization

    task = dag.get_task("score")
    assert type(task).__name__ == "SparkJob"
    assert Path(task.application) == CHECKOUT / "spark_jobs" / "score.py"
    assert Path(task.application).is_file()
    assert dag.timetable.asset_condition.name == "model_tiny"
    assert [asset.name for asset in task.inlets] == ["model_tiny", "raw_tiny_source"]
    assert [asset.name for asset in task.outlets] == ["predictions_tiny"]
    # A model's answers depend on BLAS, and so on both compilers of the JVM.
    assert "TieredStopAtLevel" not in task.conf["spark.driver.extraJavaOptions"]
    assert DagSerialization.from_dict(DagSerialization.to_dict(dag)).timetable.partitioned


def test_a_schedule_of_its_own_takes_the_day_before_from_the_start_date_on(home: Path) -> None:
    declare(home, '{schedule: "30 5 * * *", where: x > 0}')
    dag = loaded()
    assert scheduled_keys(dag, 2) == [
        ("2024-01-02T05:30:00+00:00", "2024-01-01"),
        ("2024-01-03T05:30:00+00:00", "2024-01-02"),
    ]
    assert "`x > 0`" in dag.doc_md


def test_what_the_file_holds_is_text_in_what_the_ui_shows(home: Path) -> None:
    said = " ".join(MARKUP)
    pipeline = load_pipeline(Home.from_environment({"VINTAGE_HOME": str(home)}), "tiny")
    pipeline = pipeline.model_copy(
        update={"description": said, "score": pipeline.score.model_copy(update={"where": said})}
    )
    for documentation in (retrain.documentation, score.documentation):
        html = MarkdownIt("commonmark", {"html": True}).render(documentation(pipeline))
        assert set(re.findall(r"<(\w+)[^>]*>", html)) <= {"p", "ul", "li", "strong", "code"}
        assert re.findall(r"<\w+ [^>]*>", html) == []


def test_its_arguments_are_single_words(dag: DAG) -> None:
    night = rendered(dag, partition_key="2024-03-01")
    assert night == ["--pipeline=tiny", "--date=2024-03-01", "--version="]
    by_hand = rendered(dag, partition_date="2024-01-07", version=3)
    assert by_hand == ["--pipeline=tiny", "--date=2024-01-07", "--version=3"]


def test_predictions_are_measured_on_the_date_whose_labels_are_there(home: Path) -> None:
    path = home / "pipelines" / "tiny.yaml"
    path.write_text(path.read_text() + "monitor: {label_after: 3}\n")
    dag = loaded()
    task = dag.get_task("quality")
    assert task.upstream_task_ids == {"score"}
    assert Path(task.application).is_file()
    # It looks at an earlier date, also where nothing serves now; where scoring failed, the run fails.
    assert task.trigger_rule == "none_failed"
    run = SimpleNamespace(partition_key="2024-03-01", run_after=RUN_AFTER)
    context = {"dag_run": run, "params": dag.params.dump(), "macros": macros, **dag.user_defined_macros}
    arguments = [
        task.render_template(argument, context, jinja_env=dag.get_template_env())
        for argument in task.application_args
    ]
    assert arguments == ["--pipeline=tiny", "--date=2024-02-27"]


@pytest.mark.parametrize("bad", [0, 1.5, "3", "1 --set=x"])
def test_what_is_no_version_is_refused_by_the_form(dag: DAG, bad: Any) -> None:
    with pytest.raises(ParamValidationError):
        dag.params.get_param("version").resolve(bad)


def test_a_job_is_skipped_while_nothing_serves_and_fails_for_good_on_refused_data() -> None:
    skipped = failure("score", NothingServes.exit_code, ["vintage: no version of tiny serves"])
    assert isinstance(skipped, AirflowSkipException)
    assert str(skipped) == "no version of tiny serves"
    assert isinstance(failure("score", DataError.exit_code, []), AirflowFailException)


def test_a_run_without_a_key_tells_the_date_of_its_predictions(dag: DAG) -> None:
    from airflow.sdk.execution_time.context import OutletEventAccessors

    task = dag.get_task("score")
    [asset] = task.outlets
    events = OutletEventAccessors()
    run = SimpleNamespace(partition_key=None, run_after=RUN_AFTER)
    tell_outlets(task.outlets, {"dag_run": run, "params": {}, "outlet_events": events})
    assert events[asset].partition_keys == {"2024-03-01"}


@pytest.mark.parametrize(
    ("score", "told"),
    [
        ("{schedule: hourly}", "is no cron line"),
        ("{where: rand() > 0.5}", "score.where uses rand"),
        ("{where: y > 1}", 'column "y" is not provided by the SQL'),
        ("{were: x > 1}", "were"),
    ],
)
def test_a_wrong_block_is_refused_with_its_line(home: Path, score: str, told: str) -> None:
    from vintage.errors import SpecError
    from vintage.spec import Home, load_pipeline

    declare(home, score)
    with pytest.raises(SpecError, match=r"tiny\.yaml:") as refused:
        load_pipeline(Home.from_environment({"VINTAGE_HOME": str(home)}), "tiny")
    assert told in str(refused.value)
