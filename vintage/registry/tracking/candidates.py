"""The candidates of a tuning: one child run each, however many models are fitted by that tuning."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from vintage.registry.tracking import runs
from vintage.registry.tracking.connection import quoted
from vintage.registry.tracking.records import (
    DATE,
    LONGEST_NAME,
    PIPELINE,
    accepted_params,
    accepted_tags,
    accepted_text,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mlflow import MlflowClient
    from mlflow.entities import Run

    from vintage.registry.tracking.endpoint import Endpoint
    from vintage.registry.tracking.records import TriedCandidate

TUNING: Final = "vintage.tuning_key"
CANDIDATE_OF: Final = "vintage.candidate_of"
CANDIDATE: Final = "vintage.candidate"
# MLflow shows the run under the one that this tag names.
_PARENT: Final = "mlflow.parentRunId"
_ENDED: Final = ("FINISHED", "FAILED")


def log(
    client: MlflowClient, endpoint: Endpoint, parent: Run, key: str, tried: Sequence[TriedCandidate]
) -> None:
    """Make the runs that MLflow does not have yet, and completes those that a killed job left half-made.

    Args:
        client: of the tracking store.
        endpoint: where it is.
        parent: the run of the model that was fitted with the winner.
        key: the tuning's. Its candidates are children of the first model that was recorded with it.
        tried: every candidate.
    """
    runs.log_tags(client, parent.info.run_id, {TUNING: key})
    with endpoint.lock("candidates"):
        found = client.search_runs([parent.info.experiment_id], f"tags.`{CANDIDATE_OF}` = {quoted(key)}")
        known = {run.data.tags[CANDIDATE]: run for run in found}
        for each in tried:
            run = known.get(str(each.number))
            if run is None:
                run = _made(client, parent, key, each)
            if run.info.status not in _ENDED:
                runs.log_params(client, run, accepted_params(each.params))
                runs.log_metrics(client, run, each.metrics, None)
                client.set_terminated(run.info.run_id, "FAILED" if each.error else "FINISHED")


def _made(client: MlflowClient, parent: Run, key: str, tried: TriedCandidate) -> Run:
    tags = {
        _PARENT: parent.info.run_id,
        PIPELINE: parent.data.tags[PIPELINE],
        DATE: parent.data.tags[DATE],
        "vintage.kind": "candidate",
        CANDIDATE_OF: key,
        CANDIDATE: str(tried.number),
        **({"vintage.won": "true"} if tried.won else {}),
        **({"vintage.error": tried.error} if tried.error else {}),
    }
    name = ", ".join(f"{param.rpartition('.')[2]}={value}" for param, value in tried.params.items())
    return client.create_run(
        parent.info.experiment_id, tags=accepted_tags(tags), run_name=accepted_text(name, LONGEST_NAME)
    )
