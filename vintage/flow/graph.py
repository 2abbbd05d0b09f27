"""The steps of a date by today's spec, each made from what those before it gave: what runs and plans walk."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

from vintage.errors import DataError, StoreError
from vintage.spec import SplitByKey
from vintage.store import steps
from vintage.store.windows import window_of, window_snapshots

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from datetime import date

    from vintage.spec import Pipeline
    from vintage.store.artifacts import Artifact, Store
    from vintage.store.keys import Ingredients


def required(store: Store, named: Ingredients) -> Artifact:
    """Return the artifact of some ingredients, which an earlier step made.

    Raises:
        StoreError: it has not been made; names the step to run.
    """
    found = store.find(named.kind, named.date, named.key)
    if found is None:
        what, fix = _missing(store, named)
        snapshot = named.inputs.get("snapshot", {}).get(named.date)
        made_from = f" of snapshot {snapshot.short}" if snapshot else ""
        raise StoreError(what, expected=f"{named.kind} {named.key.short}{made_from}", fix=fix)
    return found


@dataclass(frozen=True)
class Flow:
    """The graph of a date's steps after its snapshots; each is obtained when it is first asked for.

    Attributes:
        pipeline: the spec, with the trigger's overrides in it.
        store: where its artifacts are.
        day: the partition date.
        obtain: interprets the graph: a run looks up what other steps made; a plan has it made.
    """

    pipeline: Pipeline
    store: Store
    day: date
    obtain: Callable[[Store, Ingredients], Artifact] = required
    _parts: dict[date, Artifact] = field(default_factory=dict, init=False, repr=False, compare=False)

    @cached_property
    def features(self) -> Mapping[date, Artifact]:
        """Date → feature partition of the window's current snapshots, oldest first."""
        return self.features_of(window_of(self.pipeline, self.day))

    @property
    def train(self) -> Mapping[date, Artifact]:
        """Those that one trains on; of a split by key, all.

        Raises:
            DataError: a side of the split has no partition.
        """
        return self._sides[0]

    @property
    def test(self) -> Mapping[date, Artifact]:
        """Those that one tests on; likewise."""
        return self._sides[1]

    @cached_property
    def tuning(self) -> Ingredients | None:
        """What the model is tuned by; None when nothing is tuned."""
        tuned = self.pipeline.tuning
        if tuned is None:
            return None
        day, train = self.tuned_on
        return steps.tuning(self.pipeline, tuned, day, train=train)

    @cached_property
    def tuned_on(self) -> tuple[date, Mapping[date, Artifact]]:
        """The date that is tuned on, and its feature partitions: the run's own, or the date's to refresh on.

        When that date's window has fewer dates with rows than `min_days`, or none to learn from, the run's
        own training rows take their place.
        """
        on = self.pipeline.tuning_date(self.day)
        if on != self.day:
            dates = [each for each in window_of(self.pipeline, on) if self.store.current("snapshot", each)]
            features = self.features_of(dates) if dates else {}
            learnt = (
                self.pipeline.split_dates(list(features), on)[0]
                if self.pipeline.source.dated
                else tuple(features)
            )
            if learnt and len(features) >= self.pipeline.window.min_days:
                return on, {each: features[each] for each in learnt}
        return self.day, self.train

    @cached_property
    def named_model(self) -> Ingredients:
        """What the model is made from."""
        return steps.model(self.pipeline, self.day, train=self.train, tuned=self.tuning)

    @cached_property
    def model(self) -> Artifact:
        """The model."""
        return self.obtain(self.store, self.named_model)

    def features_of(self, dates: Iterable[date]) -> dict[date, Artifact]:
        """Date → feature partition of those of the dates that have rows, oldest first."""
        days = window_snapshots(self.pipeline, self.store, dates)
        for day, found in days.items():
            if day not in self._parts:
                named = steps.features(self.pipeline, day, snapshots=found)
                self._parts[day] = self.obtain(self.store, named)
        return {day: self._parts[day] for day in days}

    @cached_property
    def _sides(self) -> tuple[Mapping[date, Artifact], Mapping[date, Artifact]]:
        pipeline, artifacts = self.pipeline, self.features
        if isinstance(pipeline.split, SplitByKey):
            return artifacts, artifacts
        train, test = pipeline.split_dates(list(artifacts), self.day)
        for name, dates in (("train", train), ("test", test)):
            if not dates:
                raise DataError(
                    f"no date is left to {name} {pipeline.name} on for {self.day}",
                    expected=f"dates with rows within the last {pipeline.split.test_days} days and before "
                    "them",
                    found=", ".join(map(str, artifacts)) or "none",
                    fix="Widen the window, or deliver the missing dates.",
                )
        return {each: artifacts[each] for each in train}, {each: artifacts[each] for each in test}


def _missing(store: Store, named: Ingredients) -> tuple[str, str]:
    """Return what is missing, and what to do."""
    day = named.date
    match named.kind:
        case "validation":
            what = f"the snapshot of {store.pipeline} for {day} has not been validated"
            fix = "Run validate first; if it ran, data or suite changed meanwhile: run the chain again."
        case "features":
            what = f"{day} has no feature rows"
            fix = "Run preprocess first; if it ran, data or code changed meanwhile: run the chain again."
        case "evaluation":
            model = named.inputs["model"][day].short
            what = f"model {model} of {store.pipeline} for {day} has not been evaluated"
            fix = "Run evaluate first, with the same --set."
        case _:
            what = f"{store.pipeline} has no {named.kind} for {day} from today's features and spec"
            fix = "Run fit first, with the same --set; if it ran, data or code changed: run the chain again."
    return what, fix
