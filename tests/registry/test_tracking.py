"""What Vintage tells MLflow is there once, however often and by however many it is told."""

from __future__ import annotations

import json
import math
import subprocess
import sys
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import pytest

from tests.hostile import MARKUP, OBEYED
from vintage.errors import TrackingError, printable
from vintage.registry.tracking import Table, Tracking, TrainingData, TriedCandidate, Version

if TYPE_CHECKING:
    from mlflow import MlflowClient

KEY = "ab12" * 16
OTHER = "cd34" * 16


@pytest.fixture
def client(tracking: Tracking) -> MlflowClient:
    """MLflow's own client, to see what a user of MLflow would."""
    tracking.check()
    from mlflow import MlflowClient

    uri = tracking._connection.endpoint.uri
    return MlflowClient(uri, uri)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A model folder for tests that do not load the model."""
    (tmp_path / "model" / "sparkml").mkdir(parents=True)
    (tmp_path / "model" / "MLmodel").write_text(
        "flavors: {}\nutc_time_created: '2013-03-01 02:00:00'\nmodel_uuid: x\n"
    )
    (tmp_path / "model" / "sparkml" / "part-0").write_text("weights")
    return tmp_path / "model"


def day(number: int, context: Literal["training", "testing"] = "training") -> TrainingData:
    date = f"2013-02-{number:02}"
    schema = {"carrier": "string", "distance": "double", "features": "vector", "time_hour": "timestamp"}
    return TrainingData(
        f"flights {date}", date, f"{number:064x}", 900 + number, f"/data/{date}", schema, context
    )


def start(tracking: Tracking, pipeline: str, key: str = KEY, **tags: str) -> str:
    return tracking.start_run(pipeline=pipeline, date="2013-02-28", key=key, tags=tags)


def log(tracking: Tracking, run_id: str, folder: Path, **params: str) -> str:
    return tracking.log_fit(
        run_id, params=params, datasets=[day(1)], model_dir=folder, metrics={"training_rows": 3.0}
    )


def test_a_run_carries_its_key_date_and_pipeline_under_a_name_that_a_person_can_read(
    tracking: Tracking, client: MlflowClient
) -> None:
    run = client.get_run(start(tracking, "named", **{"airflow.dag_id": "retrain_named", "long": "x" * 9000}))
    assert run.info.run_name == "2013-02-28 ab12ab12"
    assert run.info.status == "RUNNING"
    assert run.data.tags["vintage.key"] == KEY
    assert run.data.tags["vintage.date"] == "2013-02-28"
    assert run.data.tags["vintage.pipeline"] == "named"
    assert run.data.tags["airflow.dag_id"] == "retrain_named"
    assert run.data.tags["long"].endswith("of 9000 characters")
    assert client.get_experiment(run.info.experiment_id).name == "named"


def test_a_key_has_one_run(tracking: Tracking, client: MlflowClient) -> None:
    first = start(tracking, "single")
    tracking.finish_run(first, "FAILED")
    assert client.get_run(first).info.status == "FAILED"
    assert start(tracking, "single", attempt="2") == first
    reopened = client.get_run(first)
    assert reopened.info.status == "RUNNING"
    assert reopened.data.tags["attempt"] == "2"
    assert start(tracking, "single", key=OTHER) != first


def test_a_finished_run_stays_finished_and_keeps_its_time(tracking: Tracking, client: MlflowClient) -> None:
    run_id = start(tracking, "finished")
    tracking.finish_run(run_id)
    ended = client.get_run(run_id).info.end_time
    assert start(tracking, "finished") == run_id
    tracking.finish_run(run_id)
    assert client.get_run(run_id).info.status == "FINISHED"
    assert client.get_run(run_id).info.end_time == ended


def test_a_deleted_run_is_not_found_again(tracking: Tracking) -> None:
    run_id = start(tracking, "deleted")
    tracking.delete_run(run_id)
    assert start(tracking, "deleted") != run_id


def test_a_run_of_mlflow_that_is_active_in_the_environment_is_left_alone(
    tracking: Tracking, monkeypatch: pytest.MonkeyPatch
) -> None:
    parent = start(tracking, "parent")
    monkeypatch.setenv("MLFLOW_RUN_ID", parent)
    assert start(tracking, "parent", key=OTHER) != parent


def test_a_fit_is_logged_once_and_a_retry_adds_nothing(
    tracking: Tracking, client: MlflowClient, folder: Path
) -> None:
    run_id = start(tracking, "retried")
    params = {f"0.Imputer.param{number}": "v" for number in range(150)} | {
        "sql": "x" * 20_000,
        "odd(name)": "",
    }
    datasets = [day(number, "testing" if number > 21 else "training") for number in range(1, 29)]
    metrics = {"rows": 900.0, "undefined": math.nan}
    logged = {
        tracking.log_fit(run_id, params=params, datasets=datasets, model_dir=folder, metrics=metrics)
        for _ in range(2)
    }
    run = client.get_run(run_id)
    assert [each.model_id for each in run.outputs.model_outputs] == list(logged)
    assert len(client.search_logged_models([run.info.experiment_id])) == 1
    assert len(run.data.params) == 152
    assert run.data.params["sql"].endswith("of 20000 characters")
    assert run.data.params["odd_name_"] == ""
    assert run.data.metrics["rows"] == 900.0
    assert math.isnan(run.data.metrics["undefined"])
    assert [len(client.get_metric_history(run_id, name)) for name in metrics] == [1, 1]
    assert len(run.inputs.dataset_inputs) == 28


def test_the_same_model_of_another_store_leaves_the_first_one_s_seconds(
    tracking: Tracking, client: MlflowClient, folder: Path
) -> None:
    """A laptop and a cluster fit it each for itself, and record it in one MLflow."""
    run_id = start(tracking, "stores")
    for seconds in (1.5, 2.5):
        model_id = tracking.log_fit(
            run_id, params={}, datasets=[], model_dir=folder, metrics={"fit.seconds": seconds}
        )
        assert client.get_run(run_id).data.metrics == {"fit.seconds": 1.5}
        assert [each.value for each in client.get_logged_model(model_id).metrics] == [1.5]


def test_a_dataset_says_what_it_is(tracking: Tracking, client: MlflowClient, folder: Path) -> None:
    run_id = start(tracking, "inputs")
    log(tracking, run_id, folder)
    [given] = client.get_run(run_id).inputs.dataset_inputs
    assert {tag.key: tag.value for tag in given.tags} == {
        "mlflow.data.context": "training",
        "vintage.date": "2013-02-01",
    }
    assert given.dataset.name == "flights 2013-02-01"
    assert given.dataset.digest == f"{1:064x}"[:36]
    assert json.loads(given.dataset.source) == {"uri": "/data/2013-02-01"}
    assert json.loads(given.dataset.profile) == {
        "num_rows": 901,
        "date": "2013-02-01",
        "fingerprint": f"{1:064x}",
    }
    columns = json.loads(given.dataset.schema)["mlflow_colspec"]
    assert [column["type"] for column in columns] == ["string", "double", "vector", "datetime"]


@pytest.mark.fault("SIGKILL while a model is logged to MLflow", outcome="it is completed")
def test_a_model_that_a_killed_job_left_half_logged_is_completed(
    tracking: Tracking, client: MlflowClient, folder: Path
) -> None:
    run_id = start(tracking, "killed")
    left = client.create_logged_model(client.get_run(run_id).info.experiment_id, "model", run_id)
    assert log(tracking, run_id, folder) == left.model_id
    assert str(client.get_logged_model(left.model_id).status) == "READY"
    names = {file.path for file in client.list_logged_model_artifacts(left.model_id)}
    assert names == {"MLmodel", "sparkml"}


@pytest.mark.fault(
    "markup, formulas, escape sequences, NUL, half a character and texts without end in what MLflow is told",
    outcome="each is kept as text; what no database takes, or a terminal obeys, is written out",
)
def test_hostile_values_are_text(tracking: Tracking, client: MlflowClient, folder: Path) -> None:
    """As tags, Params, datasets and candidates; Vintage writes no notes and no descriptions."""
    texts = (*MARKUP, *OBEYED, "two\n\tlines", "a\x00b", "\ud800", "\x00" * 3000, "x" * 20_000)
    hostile = {f"odd.{number}": text for number, text in enumerate(texts)} | {"=1+1<b>\x00": "name"}
    names = {"<img src=x>": "string", "=cmd|' /C calc'!A0": "double", "a\x00\n\ud800": "double"}
    rows = TrainingData("hostile", "2013-02-01", f"{7:064x}", 9, "/data/\udcff<b>", names, "training")
    tried = [TriedCandidate(number, {"T.p": text}, {}, error=text) for number, text in enumerate(texts[-5:])]
    run_id = start(tracking, "hostile", **hostile)
    tracking.log_fit(run_id, params=hostile, datasets=[rows], model_dir=folder, metrics={})
    tracking.log_candidates(run_id, tuning=OTHER, tried=tried)
    tracking.register(pipeline="hostile", date="2013-02-28", key=KEY, run_id=run_id, tags=hostile)
    run = client.get_run(run_id)
    version = client.get_model_version("hostile", "1")
    experiment = run.info.experiment_id
    children = client.search_runs([experiment], f"tags.`mlflow.parentRunId` = '{run_id}'")
    told = {int(each.data.tags["vintage.candidate"]): each for each in children}
    tags = [(run.data.tags[f"odd.{number}"], text) for number, text in enumerate(texts)]
    tags += [(version.tags[f"odd.{number}"], text) for number, text in enumerate(texts)]
    tags += [(told[each.number].data.tags["vintage.error"], each.error) for each in tried]
    params = [(run.data.params[f"odd.{number}"], text) for number, text in enumerate(texts)]
    params += [(told[each.number].data.params["T.p"], each.error) for each in tried]
    for found, text in (*tags, *params):
        whole = printable(text, keep="\n\t")
        assert found == whole or (found[:5000] == whole[:5000] and "sha256:" in found)
    for each in tried:
        name = "p=" + printable(each.error, keep="\n\t")
        assert told[each.number].info.run_name.startswith(name[:200])
    assert run.data.params["_1_1_b__"] == "name"
    [given] = run.inputs.dataset_inputs
    assert {each["name"] for each in json.loads(given.dataset.schema)["mlflow_colspec"]} == set(names)


def test_an_evaluation_lands_in_the_run_and_on_its_model(
    tracking: Tracking, client: MlflowClient, folder: Path, tmp_path: Path
) -> None:
    run_id = start(tracking, "evaluated")
    model_id = log(tracking, run_id, folder)
    (tmp_path / "decision.json").write_text("{}")
    for _ in range(2):
        tracking.log_evaluation(
            run_id,
            metrics={"areaUnderROC": 0.7, "recall": math.nan},
            artifacts={"evaluation": tmp_path / "decision.json", "whole": folder},
            tags={"vintage.gates": "passed"},
            datasets=[day(28, "testing")],
        )
    run = client.get_run(run_id)
    assert run.data.metrics["areaUnderROC"] == 0.7
    assert math.isnan(run.data.metrics["recall"])
    assert run.data.tags["vintage.gates"] == "passed"
    assert [file.path for file in client.list_artifacts(run_id, "evaluation")] == ["evaluation/decision.json"]
    assert {file.path for file in client.list_artifacts(run_id, "whole")} == {
        "whole/MLmodel",
        "whole/sparkml",
    }
    assert len(run.inputs.dataset_inputs) == 2
    measured = {metric.key: metric.value for metric in client.get_logged_model(model_id).metrics}
    assert measured["areaUnderROC"] == 0.7


def test_the_history_has_a_point_for_each_date_once(tracking: Tracking, client: MlflowClient) -> None:
    for number in (2, 1, 2):
        tracking.log_history("told over dates", date(2013, 2, number), {"f1": number / 10})
    experiment = client.get_experiment_by_name("told over dates")
    assert experiment is not None
    assert tracking.experiment("told over dates") == experiment.experiment_id
    assert tracking.experiment("never told") is None
    assert experiment.tags["mlflow.experimentKind"] == "custom_model_development"
    [run] = client.search_runs([experiment.experiment_id])
    points = sorted(client.get_metric_history(run.info.run_id, "f1"), key=lambda point: point.step)
    assert [(point.step, point.value) for point in points] == [(-1, 0.1), (0, 0.2)]
    assert points[0].timestamp == datetime(2013, 2, 1, tzinfo=UTC).timestamp() * 1000
    assert run.info.status == "FINISHED"


def test_a_table_is_one_that_mlflow_reads(tracking: Tracking, client: MlflowClient, folder: Path) -> None:
    run_id = start(tracking, "with tables")
    for passed in (False, True):
        tracking.log_tables(run_id, {"gates": Table(("gate", "value", "passed"), (("a >= 1", 2.5, passed),))})
    experiment = client.get_experiment_by_name("with tables")
    assert experiment is not None
    with tracking._connection.as_default():
        read = client.load_table(experiment.experiment_id, "tables/gates.json", [run_id])
    assert read.to_dict("records") == [{"gate": "a >= 1", "value": 2.5, "passed": True}]
    tags = client.get_run(run_id).data.tags
    assert json.loads(tags["mlflow.loggedArtifacts"]) == [{"path": "tables/gates.json", "type": "table"}]


def test_a_model_that_is_measured_again_has_the_later_values(
    tracking: Tracking, client: MlflowClient, folder: Path
) -> None:
    run_id = start(tracking, "measured again")
    model_id = log(tracking, run_id, folder)
    first = datetime(2030, 1, 1, tzinfo=UTC)
    for value, at in ((0.7, first), (0.7, first), (0.8, first + timedelta(hours=1))):
        tracking.log_evaluation(run_id, metrics={"accuracy": value}, artifacts={}, tags={}, at=at)
    assert client.get_run(run_id).data.metrics["accuracy"] == 0.8
    assert [point.value for point in client.get_metric_history(run_id, "accuracy")] == [0.7, 0.8]
    latest = max(client.get_logged_model(model_id).metrics, key=lambda metric: metric.timestamp)
    assert (latest.key, latest.value) == ("accuracy", 0.8)


def test_a_key_has_one_version_and_the_champion_moves(tracking: Tracking, folder: Path) -> None:
    assert tracking.champion("registered") is None
    assert tracking.versions("registered") == ()
    made = []
    for key in (KEY, OTHER, KEY):
        run_id = start(tracking, "registered", key)
        log(tracking, run_id, folder)
        made.append(
            tracking.register(
                pipeline="registered", date="2013-02-28", key=key, run_id=run_id, tags={"why": "x"}
            )
        )
    assert [version.version for version in made] == [1, 2, 1]
    assert made[0] == Version(1, start(tracking, "registered"), KEY, "2013-02-28")
    assert tracking.versions("registered") == (made[0], made[1])
    assert tracking.champion("registered") is None
    tracking.set_champion("registered", 1)
    tracking.set_champion("registered", 2)
    assert tracking.champion("registered") == made[1]


def test_a_version_leads_to_its_logged_model_and_run(
    tracking: Tracking, client: MlflowClient, folder: Path
) -> None:
    run_id = start(tracking, "linked")
    model_id = log(tracking, run_id, folder)
    tracking.register(pipeline="linked", date="2013-02-28", key=KEY, run_id=run_id, tags={"why": "x"})
    version = client.get_model_version("linked", "1")
    assert version.source == f"models:/{model_id}"
    assert version.run_id == run_id
    assert version.tags["why"] == "x"


def test_a_run_without_a_model_cannot_be_registered(tracking: Tracking) -> None:
    run_id = start(tracking, "empty")
    with pytest.raises(TrackingError, match="has no model to register"):
        tracking.register(pipeline="empty", date="2013-02-28", key=KEY, run_id=run_id, tags={})
    assert tracking.versions("empty") == ()


def test_what_mlflow_refuses_is_one_readable_line(tracking: Tracking) -> None:
    with pytest.raises(
        TrackingError, match=r"did not make version 7 the champion of nobody .*not found"
    ) as caught:
        tracking.set_champion("nobody", 7)
    assert "\n" not in str(caught.value)


def test_a_deleted_experiment_is_named(tracking: Tracking, client: MlflowClient) -> None:
    start(tracking, "gone")
    client.delete_experiment(client.get_experiment_by_name("gone").experiment_id)
    with pytest.raises(TrackingError, match="'gone' was deleted"):
        start(tracking, "gone")


RACER = """
import sys
from pathlib import Path
from vintage.registry.tracking import Tracking
uri, home, folder, key = sys.argv[1:]
tracking = Tracking(uri, Path(home) / "artifacts")
tracking.preload()
tracking.check()
sys.stdin.readline()
run_id = tracking.start_run(pipeline="raced", date="2013-02-28", key=key, tags={})
model_id = tracking.log_fit(
    run_id, params={"a": "1"}, datasets=[], model_dir=Path(folder), metrics={"rows": 1.0}
)
version = tracking.register(pipeline="raced", date="2013-02-28", key=key, run_id=run_id, tags={})
sys.stdout.write(f"{run_id} {model_id} {version.version}")
"""


def race(uri: str, home: Path, folder: Path) -> set[str]:
    command = [sys.executable, "-W", "ignore", "-c", RACER, uri, str(home), str(folder), KEY]
    racers = [
        subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=Path.cwd())
        for _ in range(2)
    ]
    for racer in racers:
        assert racer.stdin is not None
        racer.stdin.write("go\n")
        racer.stdin.flush()
    outputs = [racer.communicate(timeout=300)[0] for racer in racers]
    assert [racer.returncode for racer in racers] == [0, 0]
    return set(outputs)


@pytest.mark.fault("two processes register one key at once", outcome="one version")
@pytest.mark.long
def test_two_processes_at_once_share_a_run_a_model_and_a_version(
    tracking_uri: str, tmp_path: Path, folder: Path
) -> None:
    if tracking_uri.startswith("sqlite"):
        # They make the database too.
        tracking_uri = f"sqlite:///{tmp_path / 'state' / 'mlflow.db'}"
    assert len(race(tracking_uri, tmp_path, folder)) == 1
    versions = Tracking(tracking_uri, tmp_path / "artifacts").versions("raced")
    assert [version.version for version in versions] == [1]


def test_nothing_is_written_outside_the_folder_that_was_given(
    tmp_path: Path, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    home = tmp_path / "a home#1"
    tracking = Tracking(f"sqlite:///{home / 'mlflow.db'}", home / "artifacts")
    log(tracking, start(tracking, "placed"), folder)
    assert list(Path.cwd().iterdir()) == []
    assert [file.read_text() for file in home.rglob("part-0")] == ["weights"]


def test_mlflow_does_not_report_its_use(tracking: Tracking) -> None:
    tracking.check()
    from mlflow.telemetry import get_telemetry_client

    assert get_telemetry_client() is None
