"""The run of a date with nothing made: the jobs' own decisions, over a store in which things are planned."""

from __future__ import annotations

import contextlib
import logging
from dataclasses import dataclass, field
from datetime import date
from functools import cached_property
from typing import TYPE_CHECKING, Final

from vintage.errors import SpecError, StoreError, VintageError
from vintage.flow import evaluate, fit, snapshot
from vintage.flow.graph import Flow
from vintage.flow.job import Job, require_valid_stages
from vintage.flow.plan import Move
from vintage.flow.plan import Step as PlannedStep
from vintage.flow.planned_store import PlannedStore
from vintage.flow.steps import STEPS
from vintage.ml.families import family_of
from vintage.registry import ledger
from vintage.registry.baseline import StoredBaseline, baseline_of, model_of
from vintage.registry.gates import NoBaseline
from vintage.registry.prospects import case_of, promotion_eligibility
from vintage.registry.timeline import champion_as_of
from vintage.session import SparkProvider
from vintage.spec import SOURCE_VIEW
from vintage.spec.flow import ON_DEMAND
from vintage.store import Rows, steps
from vintage.store.reasons import reasons

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from vintage.flow.graph import Step, Target
    from vintage.flow.plan import Action
    from vintage.flow.snapshot import Observed
    from vintage.registry.baseline import BaselineModel
    from vintage.registry.ledger import Entry
    from vintage.spec import Home, Pipeline
    from vintage.store import Artifact, Ingredients, Kind, Store
    from vintage.store.details import Details
    from vintage.store.reasons import Why

_UNREAD: Final = "not read yet"


@dataclass
class Tried:
    """What the run of a date would do in one case.

    Attributes:
        steps: every artifact that it needs, in the order of the flow.
        baseline: date of the model that its own is compared with; None without one.
        champion: whether it could move it; None when it does not get that far.
        fails: why it would fail; empty when nothing speaks for that.
        warnings: what it would warn of.
    """

    steps: list[PlannedStep] = field(default_factory=list)
    baseline: str | None = None
    champion: Move | None = None
    fails: str = ""
    warnings: list[str] = field(default_factory=list)


class DryRun:
    """Runs dates in their order, each finding what those before it would make.

    What is not known before it happens is taken one way: that rows which are read again are others than
    before and that every model which could become champion does, or neither of both.

    Args:
        home: where the suites are.
        pipeline: the spec.
        store: nothing is planned in it yet.
        most: whether all of that happens, so that the most is made.
    """

    def __init__(self, home: Home, pipeline: Pipeline, store: PlannedStore, *, most: bool) -> None:
        self._home = home
        self._pipeline = pipeline
        self._store = store
        self._most = most
        self._past = ledger.read(store.ledger_path)
        self._moves: list[Entry] = []
        self._why: dict[str, tuple[Why, ...]] = {}
        self._tried = Tried()
        self._noted: set[tuple[Kind, str, str]] = set()

    def run(self, day: date) -> Tried:
        """Return what the run of a date does after those that were tried before.

        Raises:
            SpecError: the pipeline or a suite is not what it must be.
        """
        self._tried = tried = Tried()
        self._noted.clear()
        job = Job(self._home, self._pipeline, day, self._store, SparkProvider("dry run"))
        with _warnings_of_the_jobs() as warned:
            try:
                self._flow(job)
            except SpecError:
                raise
            except VintageError as error:
                tried.fails = str(error)
        tried.warnings = list(dict.fromkeys(warned))
        return tried

    def _flow(self, job: Job) -> None:
        require_valid_stages(job)
        for observed in snapshot.observe(job):
            self._foresee(job, observed)
        flow = _Planned(job, self)
        for step in STEPS:
            if step.kind not in ON_DEMAND:
                flow.of(step)
        held_against = model_of(flow.baseline)
        self._tried.baseline = str(held_against.date) if held_against else None
        self._tried.champion = self._promote(flow.one(fit.STEP), flow.one(evaluate.STEP))

    def _foresee(self, job: Job, observed: Observed) -> None:
        """Plan snapshots of what was observed: of rows that are not known yet, or of those known before."""
        binding = observed.binding
        for day, delivery in observed.batches.items():
            store = _planned(binding.store)
            schema = binding.source.fixed_schema or store.contract() or store.plan_contract(_UNREAD)
            before, note = store.current("snapshot", day), store.pointer("snapshot", day)
            known = before.manifest.rows if before is not None else None
            # The plan's own assumption: raw data stands still while the backfill goes on.
            still = before is not None and (
                store.is_planned(before) or (note is not None and delivery.stands(note, before.row_count))
            )
            if known is None or (self._most and not still):
                known = Rows(
                    count=known.count if known and known.count else 1, spark_schema={}, fingerprint=_UNREAD
                )
            named = steps.snapshot(job.pipeline, binding.source, day, schema=schema, rows=known.fingerprint)
            self.plan(store, named, view=binding.view, rows=known, note=delivery.note())

    def baseline(self, day: date) -> BaselineModel:
        """Return the champion as of the date, where those of the plan may have become champion as well."""
        if not compares(self._pipeline):
            return NoBaseline()
        entry = champion_as_of([*self._past, *self._moves], day.isoformat())
        if entry is None or entry not in self._moves:
            return baseline_of(self._store, day)
        planned = self._store.find("model", date.fromisoformat(entry.date), entry.model_key)
        return NoBaseline() if planned is None else StoredBaseline(planned)

    def _promote(self, model: Artifact, evaluation: Artifact) -> Move:
        measured = not self._store.is_planned(evaluation)
        case = case_of(model, evaluation, mode=self._pipeline.promote, measured=measured)
        possible, why = promotion_eligibility(case, self._past, measured=measured)
        if possible and self._most:
            self._moves.append(
                ledger.Entry(
                    action="promoted",
                    pipeline=self._pipeline.name,
                    date=str(model.date),
                    model_key=model.key,
                    evaluation_key=evaluation.key,
                    version=0,
                    champion_before=None,
                    reasons=(),
                )
            )
        return Move(possible=possible, why=why)

    def plan(
        self,
        store: PlannedStore,
        named: Ingredients,
        *,
        view: str = SOURCE_VIEW,
        rows: Rows | None = None,
        details: Details | None = None,
        note: Mapping[str, object] | None = None,
    ) -> Artifact:
        """Return the artifact of these ingredients: found, or planned and noted as made, and why."""
        day = named.date
        found = store.find(named.kind, day, named.key)
        reads = note is not None
        if found is None:
            before = None
            # What no run reads, none is stopped by.
            with contextlib.suppress(StoreError):
                before = store.current(named.kind, day)
            why = (
                reasons(named, before.manifest.ingredients, self._why, before.manifest.modules)
                if before
                else reasons(named, None, self._why)
            )
            found = store.plan(named, rows=rows, details=details, note=note)
            self._why[found.key] = why
            self._note(found, view, "made", why, reads_raw=reads)
            return found
        if reads:
            store.point_to(found, note)
        self._note(found, view, "reused", reads_raw=reads)
        return found

    def _note(
        self,
        artifact: Artifact,
        view: str,
        action: Action,
        why: tuple[Why, ...] = (),
        *,
        reads_raw: bool = False,
    ) -> None:
        """Note what becomes of an artifact, the first time that the run asks for it."""
        kind, day = artifact.manifest.kind, str(artifact.date)
        if (kind, view, day) not in self._noted:
            self._noted.add((kind, view, day))
            step = PlannedStep(kind=kind, view=view, date=day, action=action, why=why, reads_raw=reads_raw)
            self._tried.steps.append(step)


class _Planned(Flow):
    """The graph of a date in a dry run: what does not exist is planned, after its inputs."""

    def __init__(self, job: Job, dry_run: DryRun) -> None:
        super().__init__(job)
        self._dry_run = dry_run

    def obtain(self, step: Step) -> Iterator[tuple[Target, Artifact]]:
        """Yield what is there or planned."""
        for target in self.targets(step):
            if target.find() is None:
                for each in step.reads:
                    self.of(each)
            store = _planned(target.store)
            yield target, self._dry_run.plan(store, target.named, view=target.view, details=step.expected)

    @cached_property
    def baseline(self) -> BaselineModel:
        """What the model would be compared with."""
        return self._dry_run.baseline(self.job.date)


def _planned(store: Store) -> PlannedStore:
    """Return the same store: whatever is below a planned one is planned as well."""
    if not isinstance(store, PlannedStore):
        raise TypeError(f"{store.folder} would be written")
    return store


def compares(pipeline: Pipeline) -> bool:
    """Return whether a model of the pipeline is compared with another."""
    return pipeline.evaluate.compares or family_of(pipeline.task).COMPARES


@contextlib.contextmanager
def _warnings_of_the_jobs() -> Iterator[list[str]]:
    """Collect what the jobs' code warns of, which would else be told as current."""
    told: list[str] = []

    class Collecting(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            if record.levelno >= logging.WARNING:
                told.append(record.getMessage())

    jobs, collecting = logging.getLogger("vintage"), Collecting()
    propagated = jobs.propagate
    jobs.addHandler(collecting)
    jobs.propagate = False
    try:
        yield told
    finally:
        jobs.removeHandler(collecting)
        jobs.propagate = propagated
