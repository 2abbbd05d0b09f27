"""The runs of a pipeline's experiment and what is logged to them; all of it may be repeated without harm."""

from __future__ import annotations

import json
import tempfile
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Final

from vintage.errors import TrackingError
from vintage.registry.tracking import model_folder
from vintage.registry.tracking.connection import already_there_is_fine, quoted
from vintage.registry.tracking.records import DATE, KEY, PIPELINE, accepted_name

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from mlflow import MlflowClient
    from mlflow.entities import LoggedModel, Run

    from vintage.registry.tracking.connection import Connection
    from vintage.registry.tracking.endpoint import Endpoint
    from vintage.registry.tracking.records import Table, TrainingData

LOGGED_MODEL: Final = "model"
KIND: Final = "vintage.kind"
HISTORY: Final = "history"
FIRST: Final = "vintage.first_date"
"""Of the history: the date of its step 0."""
TABLES: Final = "tables"
# MLflow's pages show a file as a table where this tag of the run names it as one.
_LOGGED_ARTIFACTS: Final = "mlflow.loggedArtifacts"
# So that MLflow's pages know it for one of trained models, where they ask the experiment.
_OF_TRAINING: Final = {"mlflow.experimentKind": "custom_model_development"}
SERVED_BY: Final = "vintage.served_by"
"""Tag of a run: what evaluates its model where MLflow is asked for a `python_function`."""
SERVED_ROWS: Final = "vintage.served_rows"
"""Tag of what a request holds: `raw` columns, or `features`."""
SPARK: Final = "spark"
FEATURES: Final = "features"


def start(client: MlflowClient, endpoint: Endpoint, name: str, tags: Mapping[str, str]) -> str:
    """Return the id of the run whose key the tags hold, reopened if it did not finish, or of a new one.

    Args:
        client: of the tracking store.
        endpoint: where it is.
        name: the experiment's.
        tags: of the run, its key among them.
    """
    with endpoint.lock("run"):
        experiment = _experiment(client, endpoint, name)
        runs = _runs_of(client, experiment, tags[KEY])
        if runs:
            info = runs[0].info
            log_tags(client, info.run_id, tags)
            if info.status not in ("RUNNING", "FINISHED"):
                client.update_run(info.run_id, status="RUNNING")
            return str(info.run_id)
        made = client.create_run(experiment, tags=dict(tags), run_name=f"{tags[DATE]} {tags[KEY][:8]}")
        # A machine that does not share the lock may have made one meanwhile; both keep the same one.
        first = (_runs_of(client, experiment, tags[KEY]) or [made])[0]
        if first.info.run_id != made.info.run_id:
            client.delete_run(made.info.run_id)
        return str(first.info.run_id)


def history(client: MlflowClient, endpoint: Endpoint, name: str, first: date) -> Run:
    """Return the one run that has each metric as a line over the partition dates.

    Args:
        client: of the tracking store.
        endpoint: where it is.
        name: the experiment's.
        first: the date of step 0, where the run is to be made.
    """
    with endpoint.lock("run"):
        experiment = _experiment(client, endpoint, name)
        found = client.search_runs([experiment], f"tags.`{KIND}` = {quoted(HISTORY)}", max_results=1)
        if found:
            return found[0]
        told = f"Each metric of the holdout by partition date: a step is a day, and step 0 is {first}."
        tags = {KIND: HISTORY, PIPELINE: name, FIRST: str(first), "mlflow.note.content": told}
        made = client.create_run(experiment, tags=tags, run_name=HISTORY)
        client.set_terminated(made.info.run_id)
        return made


def log_point(client: MlflowClient, run: Run, day: date, metrics: Mapping[str, float]) -> None:
    """Log the metrics of a partition date to the history, at its midnight in UTC."""
    from mlflow.entities import Metric

    at = int(datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp() * 1000)
    step = (day - date.fromisoformat(run.data.tags[FIRST])).days
    points = [Metric(accepted_name(name), float(value), at, step) for name, value in metrics.items()]
    client.log_batch(run.info.run_id, metrics=points)


def log_tables(client: MlflowClient, run_id: str, tables: Mapping[str, Table]) -> None:
    """Write tables as MLflow keeps them, each in place of what it was before."""
    for name, table in tables.items():
        content = {"columns": list(table.columns), "data": [list(row) for row in table.rows]}
        client.log_dict(run_id, content, f"{TABLES}/{name}.json")
    told = [{"path": f"{TABLES}/{name}.json", "type": "table"} for name in tables]
    if told:
        client.set_tag(run_id, _LOGGED_ARTIFACTS, json.dumps(told))


def log_tags(client: MlflowClient, run_id: str, tags: Mapping[str, str]) -> None:
    """Set tags of the run, all in one call."""
    from mlflow.entities import RunTag

    client.log_batch(run_id, tags=[RunTag(name, value) for name, value in tags.items()])


def log_params(client: MlflowClient, run: Run, params: Mapping[str, str]) -> None:
    """Log the params that the run does not have."""
    from mlflow.entities import Param

    missing = [Param(name, value) for name, value in params.items() if name not in run.data.params]
    client.log_batch(run.info.run_id, params=missing)


def log_metrics(
    client: MlflowClient,
    run: Run,
    metrics: Mapping[str, float],
    model_id: str | None,
    *,
    at: datetime | None = None,
) -> None:
    """Log metrics as of a fixed time, so that logging them again is the same entry and no new point.

    At the run's start a metric has one value, the first: MLflow refuses another. The seconds of a fit are
    others where the same model is fitted into another store.

    Args:
        client: of the tracking store.
        run: the model's.
        metrics: by name.
        model_id: the logged model that they are of.
        at: that time; None is the run's start.
    """
    from mlflow.entities import Metric

    milliseconds = run.info.start_time if at is None else int(at.timestamp() * 1000)
    first = run.data.metrics if at is None else {}
    client.log_batch(
        run.info.run_id,
        metrics=[
            Metric(accepted, first.get(accepted, float(value)), milliseconds, 0, model_id=model_id)
            for accepted, value in ((accepted_name(name), value) for name, value in metrics.items())
        ],
    )


def log_datasets(
    client: MlflowClient, endpoint: Endpoint, run: Run, datasets: Sequence[TrainingData]
) -> None:
    """List the datasets among the run's inputs, all in one call."""
    from mlflow.entities import Dataset, DatasetInput, InputTag
    from mlflow.exceptions import MlflowException

    known = {
        (each.dataset.name, each.dataset.digest) for each in (run.inputs.dataset_inputs if run.inputs else [])
    }
    inputs = [
        DatasetInput(
            dataset=Dataset(
                name=each.name,
                digest=each.digest,
                source_type="local",
                source=json.dumps({"uri": each.path}),
                schema=json.dumps({"mlflow_colspec": each.columns}),
                profile=json.dumps(
                    {"num_rows": each.rows, "date": each.date, "fingerprint": each.fingerprint}
                ),
            ),
            tags=[InputTag("mlflow.data.context", each.context), InputTag(DATE, each.date)],
        )
        for each in datasets
        if (each.name, each.digest) not in known
    ]
    if inputs:
        with endpoint.lock("datasets"):
            try:
                client.log_inputs(run.info.run_id, inputs)
            except MlflowException:
                # A job on another machine has inserted one of them meanwhile; now it is found.
                client.log_inputs(run.info.run_id, inputs)


def log_model(
    client: MlflowClient, endpoint: Endpoint, run: Run, model_dir: Path, params: Mapping[str, str]
) -> str:
    """Make the folder the run's logged model; one that a killed job left half-way is completed.

    Returns:
        The logged model's id.
    """
    from mlflow.entities import LoggedModelOutput
    from mlflow.exceptions import MlflowException

    run_id = run.info.run_id
    with endpoint.lock("model"):
        models = _logged_models(client, run)
        if not models:
            tags = {name: value for name, value in run.data.tags.items() if name.startswith("vintage.")}
            made = client.create_logged_model(
                run.info.experiment_id, LOGGED_MODEL, run_id, tags, dict(params)
            )
            models = _logged_models(client, run) or [made]
            if models[0].model_id != made.model_id:
                client.delete_logged_model(made.model_id)
    model = models[0]
    if str(model.status) != "READY":
        _upload(client, model, run_id, model_dir)
        client.finalize_logged_model(model.model_id, "READY")
    if model.model_id != model_id_of(run):
        try:
            client.log_outputs(run_id, [LoggedModelOutput(model.model_id, step=0)])
        except MlflowException:
            # MLflow refuses what another job of the same key has linked meanwhile.
            if model.model_id != model_id_of(client.get_run(run_id)):
                raise
    return str(model.model_id)


def renew(client: MlflowClient, connection: Connection, run_id: str, model_dir: Path) -> None:
    """Replace the files of the run's logged model by those of the folder.

    Raises:
        TrackingError: the run has no logged model.
    """
    from mlflow.store.artifact.artifact_repository_registry import get_artifact_repository

    model_id = model_id_of(client.get_run(run_id))
    if model_id is None:
        raise TrackingError(
            f"The MLflow run {run_id} has no model", fix="Delete the version and repair again."
        )
    model = client.get_logged_model(model_id)
    with connection.as_default():
        repository = get_artifact_repository(model.artifact_location)
        repository.delete_artifacts("")  # type: ignore[no-untyped-call]
    _upload(client, model, run_id, model_dir)


def serve_by(client: MlflowClient, run_id: str, by: str, rows: str, model_dir: Path) -> None:
    """Have MLflow load the run's logged model by its twin or by Spark; so it stays when it is renewed."""
    run = client.get_run(run_id)
    wanted, model_id = {SERVED_BY: by, SERVED_ROWS: rows}, model_id_of(run)
    description = _description(model_dir, wanted)
    if model_id and description != _description(model_dir, run.data.tags):
        _describe(client, client.get_logged_model(model_id), run_id, description)
    log_tags(client, run_id, wanted)


def _upload(client: MlflowClient, model: LoggedModel, run_id: str, model_dir: Path) -> None:
    client.log_model_artifacts(model.model_id, str(model_dir))
    _describe(client, model, run_id, _description(model_dir, client.get_run(run_id).data.tags))


def _description(model_dir: Path, tags: Mapping[str, str]) -> Path:
    """Return the file that tells MLflow how to load a model, by what its run's tags say."""
    if tags.get(SERVED_BY) == SPARK:
        name = model_folder.SPARKS_DESCRIPTION
    elif tags.get(SERVED_ROWS) == FEATURES:
        name = model_folder.FEATURES_DESCRIPTION
    else:
        name = model_folder.DESCRIPTION
    found = model_dir / name
    return found if found.is_file() else model_dir / model_folder.DESCRIPTION


def _describe(client: MlflowClient, model: LoggedModel, run_id: str, description: Path) -> None:
    with tempfile.TemporaryDirectory() as scratch:
        named = model_folder.named_after(model, run_id, description, Path(scratch))
        client.log_model_artifact(model.model_id, named)


def model_id_of(run: Run) -> str | None:
    """Return the id of the run's logged model."""
    outputs = run.outputs.model_outputs if run.outputs else []
    return str(outputs[0].model_id) if outputs else None


def _experiment(client: MlflowClient, endpoint: Endpoint, name: str) -> str:
    # Without a server, MLflow would keep artifacts in the working directory.
    place = None if endpoint.is_server else endpoint.artifacts.absolute().as_uri()
    found = client.get_experiment_by_name(name)
    if found is None:
        with already_there_is_fine():
            client.create_experiment(name, place, tags=dict(_OF_TRAINING))
        found = client.get_experiment_by_name(name)
    if found is None or found.lifecycle_stage != "active":
        raise TrackingError(
            f"The MLflow experiment {name!r} was deleted",
            fix="Restore it (`mlflow experiments restore`), or delete it for good (`mlflow gc`).",
        )
    for tag, value in _OF_TRAINING.items():
        if tag not in found.tags:
            client.set_experiment_tag(found.experiment_id, tag, value)
    return str(found.experiment_id)


def _runs_of(client: MlflowClient, experiment: str, key: str) -> list[Run]:
    runs = client.search_runs([experiment], f"tags.`{KEY}` = {quoted(key)}")
    return sorted(runs, key=lambda run: (run.info.start_time, run.info.run_id))


def _logged_models(client: MlflowClient, run: Run) -> list[LoggedModel]:
    wanted = f"source_run_id = {quoted(run.info.run_id)} AND name = {quoted(LOGGED_MODEL)}"
    models = client.search_logged_models([run.info.experiment_id], wanted)
    return sorted(
        models, key=lambda model: (str(model.status) != "READY", model.creation_timestamp, model.model_id)
    )
