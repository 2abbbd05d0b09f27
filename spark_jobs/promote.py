"""Registers the evaluated model, and makes it the champion if its gates passed and it is the latest."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

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

log = logging.getLogger(__name__)


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
    decision = evaluation.manifest.details["decision"]
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
    champion = tracking.champion(job.pipeline.name)
    action, reasons = choose(
        known.version,
        job.date,
        champion,
        mode=job.pipeline.promote,
        passed=decision["promote"],
        reasons=decision["reasons"],
    )
    if action == "promoted" and (champion is None or champion.version != known.version):
        tracking.set_champion(job.pipeline.name, known.version)
    entry = ledger.Entry(
        action=action,
        pipeline=job.pipeline.name,
        date=job.date.isoformat(),
        model_key=model.key,
        evaluation_key=evaluation.key,
        version=known.version,
        champion_before=champion.version if champion else None,
        reasons=reasons,
        airflow_run=evaluation.manifest.airflow.get("run_id"),
    )
    ledger.append(job.store.ledger_path, entry)
    log.info(
        "version %d of %s for %s: %s (%s)",
        known.version,
        entry.pipeline,
        entry.date,
        action,
        "; ".join(reasons),
    )
    return entry


if __name__ == "__main__":
    main(run, __doc__)
