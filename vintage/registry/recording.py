"""Record in MLflow what the store holds. The store is the truth; recording it again changes nothing."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Literal

from vintage.lineage.graph import references
from vintage.registry.people import os_user
from vintage.registry.served_by import served_by
from vintage.registry.tables import tables_of
from vintage.registry.tracking import MODEL, TrainingData, TriedCandidate
from vintage.store.details import EvaluationDetails, ModelDetails, TuningDetails
from vintage.store.engines import git_state
from vintage.store.reports import report_folder

if TYPE_CHECKING:
    from collections.abc import Iterator

    from vintage.registry.tracking import Tracking, Version
    from vintage.store import Artifact, Ingredients, Store

Context = Literal["training", "testing"]


def tags_of(named: Ingredients) -> dict[str, str]:
    """Run tags that say which code a model comes from."""
    commit = git_state()["commit"]
    tags = {"vintage.kind": named.kind, "vintage.code": named.code}
    return tags | (
        {"mlflow.source.git.commit": str(commit), "vintage.git_commit": str(commit)} if commit else {}
    )


def run_tags(pipeline: str, named: Ingredients) -> dict[str, str]:
    """Tags of a run that fill MLflow's own columns as well: its source, and the user."""
    source = {"mlflow.source.name": f"pipelines/{pipeline}.yaml", "mlflow.source.type": "LOCAL"}
    return tags_of(named) | source | {"mlflow.user": os_user()}


def record_model(tracking: Tracking, store: Store, model: Artifact) -> str:
    """Log a model with its params and training data to its run, which is made if MLflow does not have it.

    The candidates that its Params were chosen among become runs under it.

    Returns:
        The run's id.

    Raises:
        TrackingError: MLflow cannot be reached.
    """
    manifest, details = model.manifest, ModelDetails.of(model)
    airflow = {f"airflow.{name}": value for name, value in manifest.airflow.items()}
    run_id = tracking.start_run(
        pipeline=manifest.pipeline,
        date=str(manifest.date),
        key=manifest.key,
        tags=run_tags(manifest.pipeline, manifest.ingredients) | _digest_tag(model) | airflow,
    )
    tracking.log_fit(
        run_id,
        params=dict(details.params),
        datasets=list(_datasets(store, model, "training")),
        model_dir=model.data / "model",
        metrics={"training_rows": float(details.rows["train"]), "fit_seconds": manifest.seconds},
    )
    if details.tuning is not None:
        tracking.log_candidates(run_id, tuning=details.tuning.key, tried=list(_candidates(details.tuning)))
    tracking.finish_run(run_id)
    return run_id


def record_evaluation(tracking: Tracking, store: Store, model: Artifact, evaluation: Artifact) -> str:
    """Log a model's metrics, its holdout, the decision and the report, if there is one, to the model's run.

    Its metrics become a point of the pipeline's history as well; its gates, slices and the like are tables.

    Returns:
        The run's id.

    Raises:
        TrackingError: MLflow cannot be reached.
    """
    run_id = record_model(tracking, store, model)
    details = EvaluationDetails.of(evaluation)
    served = served_by(ModelDetails.of(model), details)
    metrics = {name: math.nan if value is None else float(value) for name, value in details.metrics.items()}
    rows = float(details.rows["test"])
    artifacts = {
        "evaluation": evaluation.data / "evaluation.json",
        "report": report_folder(store, evaluation),
    }
    tracking.log_evaluation(
        run_id,
        metrics=metrics | {"holdout_rows": rows},
        artifacts={name: path for name, path in artifacts.items() if path.exists()},
        datasets=list(_datasets(store, evaluation, "testing")),
        at=evaluation.manifest.finished,
        tags={
            "vintage.evaluation_key": evaluation.key,
            "vintage.gates": "passed" if details.decision.promote else "failed",
            "vintage.served_because": served.why,
        },
    )
    tracking.log_tables(run_id, tables_of(details))
    finite = {name: value for name, value in metrics.items() if math.isfinite(value)}
    tracking.log_history(model.manifest.pipeline, evaluation.date, finite)
    tracking.serve_by(run_id, served.by, model.data / MODEL, rows=served.rows)
    return run_id


def registered(tracking: Tracking, store: Store, model: Artifact, evaluation: Artifact) -> Version:
    """Return the one registered version of an evaluated model, which is made if MLflow does not have it.

    Raises:
        TrackingError: MLflow cannot be reached.
    """
    pipeline, key = model.manifest.pipeline, model.key
    known = next((each for each in tracking.versions(pipeline) if each.key == key), None)
    return known or tracking.register(
        pipeline=pipeline,
        date=str(model.date),
        key=key,
        run_id=record_evaluation(tracking, store, model, evaluation),
        tags=version_tags(model),
    )


def version_tags(model: Artifact) -> dict[str, str]:
    """Tags of a registered version that say what it is and which code it comes from."""
    return tags_of(model.manifest.ingredients) | _digest_tag(model)


def _digest_tag(model: Artifact) -> dict[str, str]:
    """Return what the model is, by value; a model of an earlier release has none."""
    digest = ModelDetails.of(model).digest
    return {"vintage.model_digest": digest} if digest else {}


def _candidates(tuning: TuningDetails) -> Iterator[TriedCandidate]:
    name = tuning.metric
    for number, each in enumerate(tuning.candidates):
        values = {f"{name}.part_{part}": value for part, value in enumerate(each.metrics, start=1)}
        if not each.error:
            values[name] = each.mean
        yield TriedCandidate(
            number=number,
            params={param: str(value) for param, value in each.params.items()},
            metrics={key: math.nan if value is None else value for key, value in values.items()},
            error=each.error or "",
            won=number == tuning.winner.candidate,
        )


def _datasets(store: Store, artifact: Artifact, context: Context) -> Iterator[TrainingData]:
    for each in references(artifact.manifest, "features"):
        features = store.find(each.kind, each.date, each.key)
        if features is None or features.manifest.rows is None:
            continue
        rows = features.manifest.rows
        yield TrainingData(
            name=f"{artifact.manifest.pipeline} {each.date}",
            date=str(each.date),
            fingerprint=rows.fingerprint,
            rows=rows.count,
            path=str(features.place),
            schema={field["name"]: str(field["type"]) for field in rows.spark_schema["fields"]},
            context=context,
        )
