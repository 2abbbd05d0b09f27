"""Makes every step behind an evaluation again, by the jobs' own functions, beside the original."""

from __future__ import annotations

import hashlib
import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from vintage.data.rows import read_rows
from vintage.flow import evaluate, fit, preprocess
from vintage.flow.evaluated import named_evaluation
from vintage.flow.explanation import explained, saved_model
from vintage.flow.job import Job, for_each_date, ship_user_code
from vintage.flow.reproduction import FirstDifference, Step, marked
from vintage.ml.model_digest import model_digest
from vintage.registry.baseline import baseline_then
from vintage.registry.tracking import Tracking
from vintage.store import steps
from vintage.store.details import FeaturesDetails
from vintage.store.fingerprint import fingerprint, fingerprint_sql, with_vector_contents
from vintage.store.keys import canonical_json
from vintage.store.partitions import partitions_then

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import date

    from vintage.lineage.graph import Lineage
    from vintage.store import Artifact

log = logging.getLogger(__name__)

# What an evaluation tells, in the order in which one part follows from another; short ones are told whole.
_TOLD: Final = ("rows", "metrics", "intervals", "slices", "details", "baseline", "gates", "decision")
_WHOLE: Final = ("rows", "metrics", "gates", "decision")
_IN_PARALLEL: Final = "it was fitted in parallel by an earlier version, which promised no bits"


@dataclass(frozen=True)
class Compared:
    """A comparison with what it is between; a snapshot is not made again."""

    step: Step
    original: Artifact
    made: Artifact | None


class Reproducer:
    """An evaluation's steps, made again one after the other.

    Args:
        job: its pipeline is that of then, and its store is where things are made.
        lineage: the originals.
    """

    def __init__(self, job: Job, lineage: Lineage) -> None:
        self._job = job
        self._lineage = lineage
        self._compared: list[Compared] = []
        # Writes and reads models' folders; MLflow itself is asked nothing.
        self._tracking = Tracking(job.home.tracking_uri, job.home.mlflow_artifacts)

    def run(self) -> tuple[tuple[Step, ...], FirstDifference | None]:
        """Make and compare all of it, in the order of the flow.

        Raises:
            VintageError: a step cannot be made again at all.
        """
        log.info("step 1 of 5: the rows of %d dates' snapshots", len(self._lineage.raw))
        self._check_snapshots()
        log.info("step 2 of 5: features of %d dates", len(self._lineage.features))
        features = self._make_features()
        log.info("step 3 of 5: tuning%s", "" if self._lineage.tuning else ": there was none")
        tuning = self._make_tuning(features)
        log.info("step 4 of 5: model, fitted on %d dates", len(self._lineage.train))
        model = self._make_model(features, tuning)
        log.info("step 5 of 5: evaluation on %d dates", len(self._lineage.test))
        self._make_evaluation(features, model)
        found = marked([each.step for each in self._compared])
        first = next((each for each in self._compared if not each.step.same), None)
        if first is None:
            return found, None
        difference = explained(first.step, first.original, first.made, self._job)
        if self._lineage.model.manifest.ingredients.spec.get("reproducibility") == "parallel":
            difference = difference.model_copy(update={"told": (_IN_PARALLEL, *difference.told)})
        return found, difference

    def _check_snapshots(self) -> None:
        """Count the raw rows' fingerprint anew from the Parquet: a key names the rows by it."""
        by_view: dict[str, dict[date, Artifact]] = {}
        for views in self._lineage.raw.values():
            for view, snapshot in views.items():
                by_view.setdefault(view, {})[snapshot.date] = snapshot
        for view, dated in by_view.items():
            name = steps.input_name(view)
            for day, now in for_each_date(
                self._content_of(dated), sorted(dated), doing=f"rows, {name}"
            ).items():
                [then] = dated[day].manifest.ingredients.inputs["rows"].values()
                self._compare(name, (dated[day], None), then, now)

    def _content_of(self, dated: Mapping[date, Artifact]) -> Callable[[date], str]:
        def content(day: date) -> str:
            from pyspark.sql import functions as F

            rows = read_rows(self._job.spark.apart(), [dated[day]])
            watched, _ = with_vector_contents(rows)
            [found] = watched.agg(F.expr(fingerprint_sql(rows.schema)).alias("content")).collect()
            return fingerprint(found["content"].asDict())

        return content

    def _make_features(self) -> dict[date, Artifact]:
        originals, snapshots = self._lineage.features, self._lineage.raw
        pipeline = self._job.pipeline
        named = {day: steps.features(pipeline, day, snapshots=snapshots[day]) for day in originals}
        if pipeline.preprocess.function is not None:
            ship_user_code(self._job, [pipeline.preprocess.function])

        def make(day: date) -> Artifact:
            validated = FeaturesDetails.of(originals[day]).validation
            return preprocess.make(self._job, named[day], snapshots[day], validated)

        made = for_each_date(make, originals, doing="features")
        for day, part in made.items():
            self._compare("features", (originals[day], part), _rows(originals[day]), _rows(part))
        return made

    def _make_tuning(self, features: Mapping[date, Artifact]) -> Artifact | None:
        original, pipeline = self._lineage.tuning, self._job.pipeline
        if original is None or pipeline.tuning is None:
            return None
        ship_user_code(self._job, pipeline.stage_paths)
        parts = {day: features[day] for day in self._lineage.tuned_on}
        named = steps.tuning(
            pipeline, pipeline.tuning, original.date, train=parts, partitions=partitions_then(original)
        )
        made = fit.make_tuning(self._job, named, list(parts.values()))
        then, now = original.manifest.details.as_json(), made.manifest.details.as_json()
        self._compare("tuning", (original, made), then, now)
        return made

    def _make_model(self, features: Mapping[date, Artifact], tuning: Artifact | None) -> Artifact:
        original, pipeline = self._lineage.model, self._job.pipeline
        ship_user_code(self._job, pipeline.stage_paths)
        train = {day: features[day] for day in self._lineage.train}
        tuned = None if tuning is None else tuning.manifest.ingredients
        named = steps.model(
            pipeline, self._job.date, train=train, tuned=tuned, partitions=partitions_then(original)
        )
        made = fit.make(self._job, named, train, tuning, self._tracking)
        then, now = model_digest(saved_model(original)), model_digest(saved_model(made))
        self._compare("model", (original, made), then, now)
        return made

    def _make_evaluation(self, features: Mapping[date, Artifact], model: Artifact) -> None:
        original, baseline = self._lineage.evaluated, self._lineage.baseline
        train, test = (
            {day: features[day] for day in dates} for dates in (self._lineage.train, self._lineage.test)
        )
        held = baseline_then(original, baseline)
        spec = original.manifest.ingredients.spec
        partitions = spec.get("partitions", partitions_then(self._lineage.model))
        pipeline = self._job.pipeline.on_partitions(partitions)
        named = named_evaluation(pipeline, self._job.date, model, test, held)
        inputs = evaluate.EvaluationInputs(model, train, test, held)
        made = evaluate.make(self._job, named, inputs, self._tracking)
        self._compare("predictions", (original, made), _rows(original), _rows(made))
        then, now = original.manifest.details.as_json(), made.manifest.details.as_json()
        for name in _TOLD:
            if name in then or name in now:
                shown = (lambda value: value) if name in _WHOLE else _digest
                self._compare(name, (original, made), then.get(name), now.get(name), shown=shown)

    def _compare(
        self,
        name: str,
        pair: tuple[Artifact, Artifact | None],
        then: Any,
        now: Any,
        *,
        shown: Callable[[Any], Any] = lambda value: value,
    ) -> None:
        original, made = pair
        step = Step(
            step=name,
            date=str(original.date),
            same=then == now,
            then=shown(then),
            now=shown(now),
            seconds=0.0 if made is None or name in _TOLD else round(made.manifest.seconds, 2),
        )
        self._compared.append(Compared(step, original, made))
        if not step.same:
            log.warning("%s differs: %s then, %s now", step.named, step.then, step.now)


def _rows(artifact: Artifact) -> str:
    return "" if artifact.manifest.rows is None else artifact.manifest.rows.fingerprint


def _digest(value: Any) -> str:
    return hashlib.sha256(canonical_json(value).encode()).hexdigest()
