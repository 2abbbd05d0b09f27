"""Makes every step behind an evaluation again, by the graph of its manifests, beside the original."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final

from vintage.data.rows import read_rows
from vintage.flow import fit
from vintage.flow.explanation import explained
from vintage.flow.graph import Flow, make_all
from vintage.flow.job import for_each_date
from vintage.flow.reproduction import FirstDifference, marked
from vintage.flow.reproduction import Step as Comparison
from vintage.flow.steps import STEPS
from vintage.registry.baseline import baseline_then
from vintage.store.fingerprint import fingerprint, fingerprint_sql, with_vector_contents
from vintage.store.partitions import partitions_then
from vintage.store.steps import input_name

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from datetime import date

    from vintage.flow.graph import Step, Target
    from vintage.flow.job import Job
    from vintage.flow.signs import Signs
    from vintage.lineage.graph import Lineage
    from vintage.registry.baseline import BaselineModel
    from vintage.spec import Pipeline, Suite
    from vintage.spec.flow import Kind
    from vintage.store import Artifact

log = logging.getLogger(__name__)

_IN_PARALLEL: Final = "it was fitted in parallel by an earlier version, which promised no bits"


@dataclass(frozen=True)
class Compared:
    """A comparison with what it is between; a snapshot is not made again."""

    comparison: Comparison
    original: Artifact
    made: Artifact | None


class Reproducer(Flow):
    """The graph of a date by its manifests: every step is reproduced and compared with its original.

    Args:
        job: its pipeline is that of then, and its store is where things are made.
        lineage: the originals.
    """

    suites: Mapping[str, Suite] = {}
    """A validation is not made again: it decided whether rows are used."""
    absent: Mapping[date, str] = {}

    def __init__(self, job: Job, lineage: Lineage) -> None:
        super().__init__(job)
        self._lineage = lineage
        self._originals = {(each.manifest.kind, each.date): each for each in lineage.steps}
        self._compared: list[Compared] = []

    def run(self, signs: Signs) -> tuple[tuple[Comparison, ...], FirstDifference | None]:
        """Make and compare all of it, in the order of the flow.

        Args:
            signs: told of each step.

        Raises:
            VintageError: a step cannot be made again at all.
        """
        steps = [step for step in STEPS if step.compared]
        with signs.step(1, len(steps) + 1, "snapshot"):
            self._check_snapshots()
        for number, step in enumerate(steps, start=2):
            with signs.step(number, len(steps) + 1, step.kind):
                self.of(step)
        found = marked([each.comparison for each in self._compared])
        first = next((each for each in self._compared if not each.comparison.same), None)
        if first is None:
            return found, None
        difference = explained(first.comparison, first.original, first.made, self.job)
        if self._lineage.model.manifest.ingredients.spec.get("reproducibility") == "parallel":
            difference = difference.model_copy(update={"told": (_IN_PARALLEL, *difference.told)})
        return found, difference

    def obtain(self, step: Step) -> Iterator[tuple[Target, Artifact]]:
        """Yield what was reproduced, each compared with its original."""
        targets = {target.named.date: target for target in self.targets(step)}
        for day, made in make_all(self, step, targets).items():
            original = self._originals[step.kind, day]
            then, now = (step.compared(each) if step.compared else {} for each in (original, made))
            seconds = round(made.manifest.seconds, 2)
            # A model of an earlier release, or one that Spark served then, has no twin to be compared.
            for name in then if step is fit.STEP else dict.fromkeys((*then, *now)):
                self._compare(name, (original, made), then.get(name), now.get(name), seconds)
                seconds = 0.0
            yield targets[day], made

    @cached_property
    def snapshots(self) -> Mapping[date, Mapping[str, Artifact]]:
        """Those behind the features."""
        return self._lineage.raw

    @cached_property
    def dates(self) -> tuple[date, ...]:
        """Those of the window then."""
        return tuple(self._lineage.window)

    @cached_property
    def sides(self) -> tuple[tuple[date, ...], tuple[date, ...]]:
        """Those that the model was trained on, and was tested on."""
        return tuple(self._lineage.train), tuple(self._lineage.test)

    @cached_property
    def tuned_on(self) -> tuple[date, tuple[date, ...]]:
        """What the tuning was of."""
        tuning = self._lineage.tuning
        return (self.job.date if tuning is None else tuning.date), tuple(self._lineage.tuned_on)

    @cached_property
    def baseline(self) -> BaselineModel:
        """What the model was compared with."""
        return baseline_then(self._lineage.evaluated, self._lineage.baseline)

    def pipeline_for(self, kind: Kind) -> Pipeline:
        """Return the spec with the number of partitions of then; the recipe has that of the model."""
        if kind == "tuning" and self._lineage.tuning is not None:
            return self.job.pipeline.on_partitions(partitions_then(self._lineage.tuning))
        if kind == "evaluation":
            # Of an earlier release, an evaluation names none.
            named = self._lineage.evaluated.manifest.ingredients.spec.get("partitions")
            return self.job.pipeline if named is None else self.job.pipeline.on_partitions(named)
        return self.job.pipeline

    def _check_snapshots(self) -> None:
        """Count the raw rows' fingerprint anew from the Parquet: a key names the rows by it."""
        by_view: dict[str, dict[date, Artifact]] = {}
        for views in self.snapshots.values():
            for view, snapshot in views.items():
                by_view.setdefault(view, {})[snapshot.date] = snapshot
        for view, dated in by_view.items():
            name = input_name(view)
            for day, now in for_each_date(
                self._content_of(dated), sorted(dated), doing=f"rows, {name}"
            ).items():
                [then] = dated[day].manifest.ingredients.inputs["rows"].values()
                self._compare(name, (dated[day], None), then, now)

    def _content_of(self, dated: Mapping[date, Artifact]) -> Callable[[date], str]:
        def content(day: date) -> str:
            from pyspark.sql import functions as F

            rows = read_rows(self.job.spark.apart(), [dated[day]])
            watched, _ = with_vector_contents(rows)
            [found] = watched.agg(F.expr(fingerprint_sql(rows.schema)).alias("content")).collect()
            return fingerprint(found["content"].asDict())

        return content

    def _compare(
        self, name: str, pair: tuple[Artifact, Artifact | None], then: Any, now: Any, seconds: float = 0.0
    ) -> None:
        original, made = pair
        step = Comparison(
            step=name, date=str(original.date), same=then == now, then=then, now=now, seconds=seconds
        )
        self._compared.append(Compared(step, original, made))
        if not step.same:
            log.warning("%s differs: %s then, %s now", step.named, step.then, step.now)
