"""Registers the evaluated model, and makes it the champion if its gates passed and it is the latest."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Protocol

from spark_jobs.job import Job, main
from spark_jobs.registry import ledger
from spark_jobs.registry.baseline import baseline_for
from spark_jobs.registry.recording import record_evaluation, tags_of
from spark_jobs.registry.tracking import Tracking
from spark_jobs.store import steps, windows

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date

    from spark_jobs.registry.ledger import Action, Entry
    from spark_jobs.registry.tracking import Version
    from spark_jobs.store import Artifact, Store

log = logging.getLogger(__name__)


class Registry(Protocol):
    """Who serves, and how that is changed; `Tracking` is one."""

    def champion(self, pipeline: str) -> Version | None:
        """The version that serves; None when there is none."""

    def set_champion(self, pipeline: str, version: int) -> None:
        """Makes a version the one that serves."""


def choose(
    version: int,
    day: date,
    champion: Version | None,
    *,
    mode: str,
    passed: bool,
    reasons: Sequence[str],
) -> tuple[Action, tuple[str, ...]]:
    """What becomes of a registered version.

    Args:
        version: the model's version.
        day: its partition date.
        champion: who serves now.
        mode: the spec's `promote`.
        passed: whether all gates passed.
        reasons: what the gates said.

    Returns:
        The action and every reason for it.
    """
    if champion is not None and champion.version == version:
        return "promoted", tuple(reasons)
    if not passed:
        return "refused", tuple(reasons)
    if mode == "never":
        return "registered", (*reasons, "the spec says promote: never")
    if champion is not None and champion.date >= day.isoformat():
        return "registered", (
            *reasons,
            f"champion stays version {champion.version} of {champion.date}: {day} is not later",
        )
    return "promoted", tuple(reasons)


def run(job: Job) -> Entry:
    """Registers and, if it may, promotes the model of the run's date; doing it again changes nothing.

    Raises:
        StoreError: the model has not been fitted and evaluated.
        TrackingError: MLflow cannot be reached.
    """
    features = windows.window_features(job.pipeline, job.store, job.window)
    train, test = windows.sides(job.pipeline, features, job.date)
    model = windows.window_model(job.pipeline, job.store, job.date, train)
    baseline = baseline_for(job.pipeline, job.store, job.date)
    named = steps.evaluation(job.pipeline, job.date, model=model, test=test, baseline=baseline)
    evaluation = windows.window_evaluation(job.store, job.date, named)
    tracking = Tracking(job.home.tracking_uri, job.home.mlflow_artifacts)
    tracking.check()
    known = next((each for each in tracking.versions(job.pipeline.name) if each.key == model.key), None)
    if known is None:
        run_id = record_evaluation(tracking, job.store, model, evaluation)
        known = tracking.register(
            pipeline=job.pipeline.name,
            date=job.date.isoformat(),
            key=model.key,
            run_id=run_id,
            tags=tags_of(model.manifest.ingredients),
        )
    entry = settle(tracking, job.store, known, evaluation, mode=job.pipeline.promote)
    log.info(
        "version %d of %s for %s: %s (%s)",
        known.version,
        entry.pipeline,
        entry.date,
        entry.action,
        "; ".join(entry.reasons),
    )
    return entry


def settle(tracking: Registry, store: Store, version: Version, evaluation: Artifact, *, mode: str) -> Entry:
    """Decides on a registered version, moves the champion if it may, and records it, alone of its pipeline.

    Args:
        tracking: who serves, and how that is changed.
        store: the pipeline's, with its ledger.
        version: the registered model.
        evaluation: what was measured of it.
        mode: the spec's `promote`.

    Raises:
        StoreError: the ledger cannot be written.
        TrackingError: MLflow cannot be reached.
    """
    decision = evaluation.manifest.details["decision"]
    with ledger.one_decision_at_a_time(store.ledger_path):
        champion = tracking.champion(store.pipeline)
        action, reasons = choose(
            version.version,
            evaluation.date,
            champion,
            mode=mode,
            passed=decision["promote"],
            reasons=decision["reasons"],
        )
        if action == "promoted" and (champion is None or champion.version != version.version):
            tracking.set_champion(store.pipeline, version.version)
        entry = ledger.Entry(
            action=action,
            pipeline=store.pipeline,
            date=evaluation.date.isoformat(),
            model_key=version.key,
            evaluation_key=evaluation.key,
            version=version.version,
            champion_before=champion.version if champion else None,
            reasons=reasons,
            airflow_run=evaluation.manifest.airflow.get("run_id"),
        )
        ledger.append(store.ledger_path, entry)
    return entry


if __name__ == "__main__":
    main(run, __doc__)
