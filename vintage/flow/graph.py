"""What a step is, and the graph of a date's steps, which runs, plans and reproductions interpret."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Final

from vintage.errors import DataError, StoreError
from vintage.flow.job import for_each_date
from vintage.registry.baseline import baseline_for
from vintage.registry.tracking import Tracking
from vintage.spec import SOURCE_VIEW, SplitByKey, load_suite
from vintage.spec.flow import BY_DATE, FLOW, ON_DEMAND
from vintage.store import check_files, windows

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from datetime import date
    from typing import Any

    from vintage.flow.job import Job
    from vintage.registry.baseline import BaselineModel
    from vintage.spec import Pipeline, Suite
    from vintage.spec.flow import Kind
    from vintage.store import Artifact, Ingredients, Store
    from vintage.store.details import Details

log = logging.getLogger(__name__)

_JOBS: Final = {each.kind: each.job for each in FLOW}


@dataclass(frozen=True)
class Target:
    """One artifact that a step gives for a date.

    Attributes:
        named: what it is made from.
        store: where it is kept.
        reads: the artifacts whose files are read for it.
        view: the source that it belongs to.
    """

    named: Ingredients
    store: Store
    reads: tuple[Artifact, ...] = ()
    view: str = SOURCE_VIEW

    def find(self) -> Artifact | None:
        """Return the artifact, if it was made."""
        return self.store.find(self.named.kind, self.named.date, self.named.key)


@dataclass(frozen=True)
class Step:
    """How one kind of artifact comes about.

    Attributes:
        kind: what is made.
        targets: what a date needs of the kind, and what each is made from.
        reads: the steps whose artifacts it reads, the champion's model aside.
        make: makes a target and publishes it; None of snapshots, whose key is known once they are taken.
        prepare: what is done once before some of them are made.
        compared: name → what of an artifact must be the same when it is reproduced; None where nothing is.
        expected: what the manifest records when all goes well, for who plans.
    """

    kind: Kind
    targets: Callable[[Flow], Iterable[Target]]
    reads: tuple[Step, ...] = ()
    make: Callable[[Flow, Target], Artifact] | None = None
    prepare: Callable[[Flow, Sequence[Target]], None] | None = None
    compared: Callable[[Artifact], Mapping[str, Any]] | None = None
    expected: Details | None = None


class Flow:
    """The graph of a date's steps by today's data, spec and code; each is obtained when first asked for.

    As it is, it looks up what the jobs before have made. Who plans or reproduces obtains them otherwise.

    Args:
        job: pipeline, date and store.
    """

    def __init__(self, job: Job) -> None:
        self.job = job
        self._targets: dict[Kind, tuple[Target, ...]] = {}
        self._obtained: dict[Kind, dict[str, dict[date, Artifact]]] = {}

    def obtain(self, step: Step) -> Iterable[tuple[Target, Artifact]]:
        """Return what a date needs of a kind; what has no job of its own is made, where it does not exist.

        Raises:
            StoreError: an earlier job has not made it.
        """
        if step.kind in ON_DEMAND:
            check_files(carry_out(self, step).values())
        return [(target, required(self.job, target)) for target in self.targets(step)]

    def targets(self, step: Step) -> tuple[Target, ...]:
        """Return what a date needs of a kind, whether or not it exists."""
        if step.kind not in self._targets:
            self._targets[step.kind] = tuple(step.targets(self))
        return self._targets[step.kind]

    def of(
        self, step: Step, dates: Iterable[date] | None = None, *, view: str = SOURCE_VIEW
    ) -> Mapping[date, Artifact]:
        """Date → artifact of a kind, of all dates that have one or of those that are named."""
        if step.kind not in self._obtained:
            by_view: dict[str, dict[date, Artifact]] = {}
            for target, artifact in self.obtain(step):
                by_view.setdefault(target.view, {})[artifact.date] = artifact
            self._obtained[step.kind] = by_view
        found = self._obtained[step.kind].get(view, {})
        return found if dates is None else {day: found[day] for day in dates}

    def one(self, step: Step) -> Artifact:
        """Return the only artifact of a kind."""
        [found] = self.of(step).values()
        return found

    @cached_property
    def suites(self) -> Mapping[str, Suite]:
        """View → what its snapshots must hold."""
        return {view: load_suite(self.job.home, name) for view, name in self.job.pipeline.suites.items()}

    @cached_property
    def snapshots(self) -> Mapping[date, Mapping[str, Artifact]]:
        """Date → view → snapshot, of the dates that the run needs and that have rows, oldest first.

        Raises:
            StoreError: the run's own date has no snapshot.
        """
        job = self.job
        found = windows.window_snapshots(job.pipeline, job.store, job.dates)
        # Of an undated source, the date that is tuned on is no other date's to take, but may be there.
        on = windows.window_of(job.pipeline, job.pipeline.tuning_date(job.date))
        further = [day for day in on if day not in job.dates and job.store.current("snapshot", day)]
        return dict(sorted({**windows.window_snapshots(job.pipeline, job.store, further), **found}.items()))

    @cached_property
    def dates(self) -> tuple[date, ...]:
        """The window's dates that have rows, oldest first."""
        window = set(self.job.window)
        return tuple(day for day in self.snapshots if day in window)

    @cached_property
    def absent(self) -> Mapping[date, str]:
        """Date of the window → why none of its rows is used."""
        return windows.absent_dates(self.job.pipeline, self.job.store, self.job.date, self.dates)

    @cached_property
    def sides(self) -> tuple[tuple[date, ...], tuple[date, ...]]:
        """The dates that one trains on, and those that one tests on; of a split by key both are all.

        Raises:
            DataError: a side of the split has no date.
        """
        pipeline, day = self.job.pipeline, self.job.date
        if isinstance(pipeline.split, SplitByKey):
            return self.dates, self.dates
        train, test = pipeline.split_dates(list(self.dates), day)
        for name, dates in (("train", train), ("test", test)):
            if not dates:
                raise DataError(
                    f"no date is left to {name} {pipeline.name} on for {day}",
                    expected=f"dates with rows within the last {pipeline.split.test_days} days and before "
                    "them",
                    found=", ".join(map(str, self.dates)) or "none",
                    fix="Widen the window, or deliver the missing dates.",
                )
        return tuple(train), tuple(test)

    @cached_property
    def tuned_on(self) -> tuple[date, tuple[date, ...]]:
        """The date that is tuned on, and the training dates: the run's own, or the date's to refresh on.

        When that date's window has fewer dates with rows than `min_days`, or none to train on, the run's
        own training rows take their place.
        """
        pipeline, day = self.job.pipeline, self.job.date
        on = pipeline.tuning_date(day)
        if on != day:
            window = set(windows.window_of(pipeline, on))
            dates = [each for each in self.snapshots if each in window]
            learnt = pipeline.split_dates(dates, on)[0] if dates and pipeline.source.dated else dates
            if learnt and len(dates) >= pipeline.window.min_days:
                return on, tuple(learnt)
        return day, self.sides[0]

    @cached_property
    def baseline(self) -> BaselineModel:
        """What the model is compared with."""
        job = self.job
        tracking = Tracking.of(job.home)
        return baseline_for(job.pipeline, job.store, job.date, tracking.registered)

    def pipeline_for(self, kind: Kind) -> Pipeline:
        """Return the spec of a kind's ingredients."""
        return self.job.pipeline


def carry_out(flow: Flow, step: Step) -> dict[date, Artifact]:
    """Find what a date needs of a kind or make it, and have each stand for its date; those of the own source.

    Raises:
        StoreError: an input does not exist, or is damaged.
    """
    obtained = {}
    for view in dict.fromkeys(target.view for target in flow.targets(step)):
        targets = {each.named.date: each for each in flow.targets(step) if each.view == view}
        done = {day: found for day, target in targets.items() if (found := target.find())}
        missing = {day: target for day, target in targets.items() if day not in done}
        log.info("%s: %d of %d %s are to be made", view, len(missing), len(targets), step.kind)
        if missing:
            flow.job.begin()
            check_files({each.folder: each for one in missing.values() for each in one.reads}.values())
        artifacts = dict(sorted((done | make_all(flow, step, missing)).items()))
        for day, found in artifacts.items():
            targets[day].store.set_current(found)
        obtained[view] = artifacts
    return obtained.get(SOURCE_VIEW, {})


def make_all(flow: Flow, step: Step, targets: Mapping[date, Target]) -> dict[date, Artifact]:
    """Make some targets of a kind; of kinds that a window has one of for each date, several at once."""
    make = step.make
    if make is None:
        raise TypeError(f"a {step.kind} is not made from others")
    if targets and step.prepare:
        step.prepare(flow, list(targets.values()))
    if step.kind in BY_DATE:
        return for_each_date(lambda day: make(flow, targets[day]), targets, doing=step.kind)
    return {day: make(flow, target) for day, target in targets.items()}


def required(job: Job, target: Target) -> Artifact:
    """Return an artifact that an earlier step of a run made.

    Raises:
        StoreError: it has not been made; names what makes it.
    """
    found = target.find()
    if found is None:
        named = target.named
        snapshot = named.inputs.get("snapshot", {}).get(named.date)
        made_from = f" of snapshot {snapshot.short}" if snapshot else ""
        run = f"`vintage run {job.pipeline.name} --date {job.date}`"
        same = "" if named.kind in BY_DATE else ", with the same --set"
        raise StoreError(
            _missing(target.store, named),
            expected=f"{named.kind} {named.key.short}{made_from}",
            fix=f"It was never made, or data, code or file changed since: run {run}{same}; "
            f"in Airflow, clear the run from {_JOBS[named.kind]} on.",
        )
    return found


def _missing(store: Store, named: Ingredients) -> str:
    day = named.date
    match named.kind:
        case "validation":
            return f"the snapshot of {store.pipeline} for {day} has not been validated"
        case "features":
            return f"{day} has no feature rows"
        case "evaluation":
            model = named.inputs["model"][day].short
            return f"model {model} of {store.pipeline} for {day} has not been evaluated"
        case _:
            return f"{store.pipeline} has no {named.kind} for {day} from today's features and spec"
