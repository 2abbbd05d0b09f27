"""The registered versions of a pipeline's model: one for each key."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final

from vintage.errors import TrackingError
from vintage.registry.tracking.connection import already_there_is_fine, quoted
from vintage.registry.tracking.records import DATE, KEY, LEDGER, PIPELINE, Registered, Version
from vintage.registry.tracking.runs import model_id_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mlflow import MlflowClient
    from mlflow.entities.model_registry import ModelVersion

    from vintage.registry.tracking.connection import Connection

CHAMPION: Final = "champion"
# What MLflow says of an alias, or of a model, that does not exist.
_ABSENT: Final = ("RESOURCE_DOES_NOT_EXIST", "INVALID_PARAMETER_VALUE")


def register(connection: Connection, client: MlflowClient, run_id: str, tags: Mapping[str, str]) -> Version:
    """Return the version whose key the tags hold; made from the run's logged model if there is none.

    Of several that were made at once the lowest stays, and who made a later one deletes it.
    """
    name, key = tags[PIPELINE], tags[KEY]
    with connection.endpoint.lock("version"):
        found = _search(client, name, key)
        if not found:
            model_id = model_id_of(client.get_run(run_id))
            if model_id is None:
                raise TrackingError(f"The MLflow run {run_id} has no model to register", fix="Fit it again.")
            with already_there_is_fine():
                client.create_registered_model(name, tags={PIPELINE: name})
            with connection.as_default():
                made = client.create_model_version(
                    name,
                    f"models:/{model_id}",
                    run_id,
                    tags=dict(tags),
                    await_creation_for=0,
                    model_id=model_id,
                )
            found = _search(client, name, key) or [made]
            if int(found[0].version) != int(made.version):
                client.delete_model_version(name, str(made.version))
        return _version(found[0])


def listed(client: MlflowClient, pipeline: str) -> tuple[Version, ...]:
    """Return every version, oldest first."""
    return tuple(_version(each) for each in _search(client, pipeline))


def champion(client: MlflowClient, pipeline: str) -> Version | None:
    """Return the version that has the alias."""
    from mlflow.exceptions import MlflowException

    try:
        return _version(client.get_model_version_by_alias(pipeline, CHAMPION))
    except MlflowException as error:
        if error.error_code in _ABSENT:
            return None
        raise


def registered(client: MlflowClient, pipeline: str) -> Registered:
    """Return all that there is of a pipeline; nothing where it was never registered."""
    from mlflow.exceptions import MlflowException

    try:
        tags = client.get_registered_model(pipeline).tags
    except MlflowException as error:
        if error.error_code not in _ABSENT:
            raise
        return Registered()
    return Registered(listed(client, pipeline), champion(client, pipeline), tags.get(LEDGER))


def fetch(connection: Connection, client: MlflowClient, pipeline: str, version: int, scratch: Path) -> Path:
    """Return a copy of a version's artifacts in a folder."""
    from mlflow.artifacts import download_artifacts

    place = client.get_model_version_download_uri(pipeline, str(version))
    with connection.as_default():
        fetched = Path(download_artifacts(artifact_uri=place, dst_path=str(scratch)))
    # MLflow's own note of where it came from.
    (fetched / "registered_model_meta").unlink(missing_ok=True)
    return fetched


def _search(client: MlflowClient, pipeline: str, key: str | None = None) -> list[ModelVersion]:
    wanted = f"name = {quoted(pipeline)}" + (f" AND tags.`{KEY}` = {quoted(key)}" if key else "")
    found: list[ModelVersion] = []
    token = None
    while True:
        page = client.search_model_versions(wanted, page_token=token)
        found += page
        token = page.token
        if not token:
            return sorted(found, key=lambda each: int(each.version))


def _version(found: ModelVersion) -> Version:
    return Version(int(found.version), found.run_id or "", found.tags.get(KEY, ""), found.tags.get(DATE, ""))
