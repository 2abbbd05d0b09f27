"""Registers the evaluated model, and makes it the champion if its gates passed and it is the latest."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from spark_jobs.errors import ModelRefused
from spark_jobs.job import Job, main
from spark_jobs.registry import ledger
from spark_jobs.registry.baseline import baseline_for
from spark_jobs.registry.loadability import load_apart, loading_of
from spark_jobs.registry.recording import registered
from spark_jobs.registry.timeline import replaced_by
from spark_jobs.registry.tracking import Tracking
from spark_jobs.spec import submit_conf
from spark_jobs.store import steps, windows

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import date

    from spark_jobs.registry.ledger import Action, Entry
    from spark_jobs.registry.loadability import Loaded, Loading
    from spark_jobs.registry.tracking import Version
    from spark_jobs.store import Artifact, Store

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Challenger:
    """What is decided on.

    Attributes:
        version: the registered model.
        evaluation: what was measured of it.
        mode: the spec's `promote`.
        approved_by: who let it pass, where a person is asked.
    """

    version: Version
    evaluation: Artifact
    mode: str
    approved_by: str | None = None


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
        serves = "it serves already and goes on; `vintage rollback` takes it out of service"
        return ("promoted", tuple(reasons)) if passed else ("refused", (*reasons, serves))
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


def run(job: Job, approved_by: str | None = None, *, load: Callable[[Loading], Loaded] = load_apart) -> Entry:
    """Registers and, if it may, promotes the model of the run's date; doing it again changes nothing.

    Args:
        job: pipeline and date.
        approved_by: who let the model pass, where a person is asked.
        load: how a model that is to serve is loaded and scored before.

    Raises:
        StoreError: the model has not been fitted and evaluated.
        TrackingError: MLflow cannot be reached.
        ModelRefused: the model would serve, but does not load or gives something else.
    """
    features = windows.window_features(job.pipeline, job.store, job.window)
    train, test = windows.sides(job.pipeline, features, job.date)
    model = windows.window_model(job.pipeline, job.store, job.date, train)
    baseline = baseline_for(job.pipeline, job.store, job.date)
    named = steps.evaluation(job.pipeline, job.date, model=model, test=test, baseline=baseline)
    evaluation = windows.window_evaluation(job.store, job.date, named)
    tracking = Tracking(job.home.tracking_uri, job.home.mlflow_artifacts)
    tracking.check()
    known = registered(tracking, job.store, model, evaluation)

    def loads() -> Loaded:
        conf = submit_conf(job.pipeline, job.home, "promote")
        paths = job.pipeline.stage_paths
        return load(loading_of(job.home, model, known.version, stage_paths=paths, conf=conf))

    challenger = Challenger(known, evaluation, job.pipeline.promote, approved_by)
    entry = settle(tracking, job.store, challenger, loads)
    log.info(
        "version %d of %s for %s: %s (%s)",
        known.version,
        entry.pipeline,
        entry.date,
        entry.action,
        "; ".join(entry.reasons),
    )
    return entry


def settle(tracking: Registry, store: Store, challenger: Challenger, loads: Callable[[], Loaded]) -> Entry:
    """Decides on a registered version, moves the champion if it may, and records it, alone of its pipeline.

    A model that is to become champion is loaded first, while others may decide; then all is decided anew.

    Args:
        tracking: who serves, and how that is changed.
        store: the pipeline's, with its ledger.
        challenger: what is decided on.
        loads: loads the model and scores its golden batch.

    Raises:
        StoreError: the ledger cannot be written.
        TrackingError: MLflow cannot be reached.
        ModelRefused: the gates passed, but the model does not load or gives something else.
    """
    loaded: Loaded | None = None
    while (entry := _decided(tracking, store, challenger, loaded)) is None:
        loaded = loads()
    if entry.action == "refused" and loaded is not None and loaded.problems:
        raise ModelRefused(
            f"version {entry.version} of {store.pipeline} for {entry.date} passed its gates and cannot serve",
            found="; ".join(loaded.problems),
            fix="The champion stays. Mend what it says, and run promote again.",
        )
    return entry


def _decided(tracking: Registry, store: Store, challenger: Challenger, loaded: Loaded | None) -> Entry | None:
    """The decision, carried out and recorded; None, and nothing done, when the model must be loaded first."""
    version, evaluation = challenger.version, challenger.evaluation
    gates = evaluation.manifest.details["decision"]
    with ledger.one_decision_at_a_time(store.ledger_path):
        champion = tracking.champion(store.pipeline)
        past = ledger.read(store.ledger_path)
        action, reasons = choose(
            version.version,
            evaluation.date,
            champion,
            mode=challenger.mode,
            passed=gates["promote"],
            reasons=gates["reasons"],
        )
        serves = champion is not None and champion.version == version.version
        replaced = replaced_by(past, version.version)
        if action == "promoted" and not serves and replaced is not None:
            # A retry, or the date run again, must not undo what a person decided since.
            why = f", {replaced.why}" if replaced.why else ""
            served = f"it served until version {replaced.version} took its place ({replaced.action}{why})"
            action, reasons = "registered", (*reasons, served)
        if action == "promoted" and not serves:
            if loaded is None:
                return None
            reasons = (*reasons, *loaded.reasons)
            if loaded.problems:
                action = "refused"
            else:
                tracking.set_champion(store.pipeline, version.version)
        entry = ledger.Entry(
            action=action,
            pipeline=store.pipeline,
            date=evaluation.date.isoformat(),
            model_key=version.key,
            evaluation_key=evaluation.key,
            version=version.version,
            champion_before=_before(champion, version, past),
            reasons=reasons,
            approved_by=challenger.approved_by,
            airflow_run=evaluation.manifest.airflow.get("run_id"),
        )
        known = _recorded(entry, past, serves=serves)
        if known is None:
            ledger.append(store.ledger_path, entry)
    return known or entry


def _before(champion: Version | None, version: Version, past: Sequence[Entry]) -> int | None:
    """Who was champion, also when a crash came between the move to this version and its line."""
    if champion is None or champion.version != version.version:
        return champion.version if champion else None
    return next((entry.version for entry in reversed(past) if entry.moves), None)


def _recorded(entry: Entry, past: Sequence[Entry], *, serves: bool) -> Entry | None:
    """What to answer without a new line: this evaluation had its turn before, and is only run again."""
    moves = [each for each in past if each.moves]
    if serves:
        return moves[-1] if moves and moves[-1].is_about(entry) else None
    return entry if entry.action == "registered" and any(each.is_about(entry) for each in moves) else None


if __name__ == "__main__":
    main(run, __doc__, {"approved_by": "who let the model pass, where a person is asked"})
