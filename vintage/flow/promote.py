"""Registers the evaluated model, and makes it the champion if its gates passed and it is the latest."""

from __future__ import annotations

import logging
from contextlib import ExitStack
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING

from vintage.errors import ModelRefused
from vintage.flow.evaluated import asked_about as evaluation_asked_about
from vintage.flow.evaluated import made_now
from vintage.flow.job import Job
from vintage.registry import agreement, ledger
from vintage.registry.choice import Answer, PromotionCandidate, answer_of, choose, likely_to_serve
from vintage.registry.copies import verified_copy
from vintage.registry.loadability import loading_of, place_of
from vintage.registry.loading_process import LoadingProcess
from vintage.registry.recording import registered
from vintage.registry.timeline import latest_move
from vintage.registry.tracking import Tracking

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from vintage.registry.agreement import Registry
    from vintage.registry.ledger import Entry
    from vintage.registry.loadability import Loaded, Loading
    from vintage.registry.tracking import Version
    from vintage.store import Artifact, Store

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Challenger:
    """What is decided on.

    Attributes:
        version: the registered model.
        evaluation: what was measured of it.
        mode: the spec's `promote`.
        approved_by: who let it pass, where a person is asked.
        rejected_by: who did not.
    """

    version: Version
    evaluation: Artifact
    mode: str
    approved_by: str | None = None
    rejected_by: str | None = None

    @property
    def case(self) -> PromotionCandidate:
        """The same, to be decided on."""
        answer = _answer(self.approved_by, self.rejected_by)
        return PromotionCandidate.of(self.evaluation, key=self.version.key, mode=self.mode, answer=answer)


@dataclass(frozen=True)
class Decided:
    """What became of a model: the ledger's line, the registered version, and what was measured of it."""

    entry: Entry
    version: Version
    evaluation: Artifact


def promote(
    job: Job,
    approved_by: str | None = None,
    rejected_by: str | None = None,
    asked_about: str | None = None,
    *,
    load: Callable[[Loading], Loaded] | None = None,
) -> Decided:
    """Register and, if it may, promote the model of the run's date; doing it again changes nothing.

    Args:
        job: pipeline and date.
        approved_by: who let the model pass, where a person is asked.
        rejected_by: who did not.
        asked_about: key of the evaluation that the person read.
        load: how a model that is to serve is loaded and scored before; in a new process when left out.

    Raises:
        StoreError: the model has not been fitted and evaluated, or is not in the store as it was made; or
            ledger and registry contradict each other.
        DataError: the person was asked about what is no longer so.
        TrackingError: MLflow cannot be reached.
        ModelRefused: the model would serve, but does not load or gives something else.
    """
    tracking = Tracking.of(job.home)
    if latest_move(ledger.read(job.store.ledger_path)) is None:
        # A ledger that was lost names no baseline either.
        agreement.standing(job.store, tracking)
    if asked_about:
        evaluation, model = evaluation_asked_about(
            job.pipeline, job.store, job.date, asked_about, tracking.registered
        )
    else:
        evaluation, model = made_now(job)
    mode = job.pipeline.promote
    with ExitStack() as ends:
        if load is None:
            apart = ends.enter_context(LoadingProcess(place_of(job.home, job.pipeline)))
            load = apart.load
            case = PromotionCandidate.of(
                evaluation, key=model.key, mode=mode, answer=_answer(approved_by, rejected_by)
            )
            if likely_to_serve(case, ledger.read(job.store.ledger_path)):
                # While MLflow is imported and asked here.
                apart.start()
        tracking.check()
        # Before anything is registered: what is contradicted is not to be added to.
        agreement.standing(job.store, tracking)
        known = registered(tracking, job.store, model, evaluation)
        loads = partial(_load, load, tracking, model, known)
        challenger = Challenger(known, evaluation, mode, approved_by, rejected_by)
        entry = settle(tracking, job.store, challenger, loads)
    log.info(
        "version %d of %s for %s: %s (%s)",
        known.version,
        entry.pipeline,
        entry.date,
        entry.action,
        "; ".join(entry.reasons),
    )
    return Decided(entry, known, evaluation)


def settle(tracking: Registry, store: Store, challenger: Challenger, loads: Callable[[], Loaded]) -> Entry:
    """Decide on a version, move the champion if allowed, and record it; one at a time per pipeline.

    A model that is to become champion is loaded first, while others may decide; then all is decided anew.

    Args:
        tracking: who serves, and how that is changed.
        store: the pipeline's, with its ledger.
        challenger: what is decided on.
        loads: loads the model and scores its golden batch.

    Raises:
        StoreError: the ledger cannot be written, or it and the registry contradict each other.
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
            fix=f"The champion stays. Mend what it says, and run `vintage promote {store.pipeline} --date "
            f"{entry.date}`.",
        )
    return entry


def _decided(tracking: Registry, store: Store, challenger: Challenger, loaded: Loaded | None) -> Entry | None:
    """Carry out and record the decision, and return it; None when the model must be loaded first."""
    version, evaluation = challenger.version, challenger.evaluation
    with ledger.one_decision_at_a_time(store.ledger_path):
        now = agreement.standing_to_decide(store, tracking)
        champion, past = now.champion, now.ledger.entries
        answer = answer_of(past, challenger.case)
        action, reasons = choose(replace(challenger.case, answer=answer), champion, past)
        serves = champion is not None and champion.key == version.key
        if action == "promoted" and not serves:
            if loaded is None:
                return None
            reasons = (*reasons, *loaded.reasons)
            action = "refused" if loaded.problems else action
        entry = ledger.Entry(
            action=action,
            pipeline=store.pipeline,
            date=evaluation.date.isoformat(),
            model_key=version.key,
            evaluation_key=evaluation.key,
            version=version.version,
            champion_before=champion.version if champion else None,
            champion_before_key=champion.key if champion else None,
            reasons=reasons,
            by=answer.by if answer and action == "rejected" else None,
            approved_by=answer.by if answer and answer.approved else None,
            airflow_run=evaluation.manifest.airflow.get("run_id"),
        )
        known = _recorded(entry, past, serves=serves)
        if known is None:
            # The line comes first: a move that a crash leaves undone is finished by whoever decides next.
            ledger.append(store.ledger_path, entry)
            if entry.moves and not serves:
                tracking.set_champion(store.pipeline, version.version)
        agreement.remember(store, tracking, now.registered.ledger)
    return known or entry


def _answer(approved_by: str | None, rejected_by: str | None) -> Answer | None:
    by = rejected_by or approved_by
    return Answer(approved=not rejected_by, by=by) if by else None


def _load(load: Callable[[Loading], Loaded], tracking: Tracking, model: Artifact, known: Version) -> Loaded:
    with verified_copy(tracking, model, known) as copy:
        return load(loading_of(model, known.version, copy))


def _recorded(entry: Entry, past: Sequence[Entry], *, serves: bool) -> Entry | None:
    """Return the entry that already answers a repeated run; None when a new line is needed."""
    moves = [each for each in past if each.moves]
    if serves and entry.action != "rejected":
        return moves[-1] if moves[-1].is_about(entry) else None
    return entry if entry.action == "registered" and any(each.is_about(entry) for each in moves) else None
