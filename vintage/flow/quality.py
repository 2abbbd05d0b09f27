"""Measures a date's predictions once its labels are available, and the champion on the same rows."""

from __future__ import annotations

import json
import logging
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from vintage.data.rows import read_rows
from vintage.errors import NothingServes, VintageError
from vintage.flow import preprocess, snapshot, validate
from vintage.flow.job import ship_user_code
from vintage.flow.recipe import to_judge_by
from vintage.flow.score import find_scorer, prepared_for
from vintage.lineage.graph import follow, lineage_of_model, references
from vintage.ml import late_labels
from vintage.ml.arithmetic import require_pinned
from vintage.ml.families import Answers, measure_answers
from vintage.ml.fitting import is_of_the_machine
from vintage.ml.scoring import identified, predict
from vintage.monitoring.quality import QualityOfDate, quality_of
from vintage.registry.baseline import model_of_version
from vintage.registry.gates import NoBaseline, decide
from vintage.registry.outcome import outcome
from vintage.registry.tracking import MODEL, Tracking, load_model
from vintage.session import recorded_conf, root_cause
from vintage.spec import METRICS, OF_DATA
from vintage.spec.metrics import LABELLED
from vintage.store import check_files, steps
from vintage.store.details import (
    EvaluationDetails,
    LabelCounts,
    PredictionsDetails,
    QualityDetails,
    QualityOfModel,
)

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

    from vintage.flow.job import Job
    from vintage.spec import Pipeline
    from vintage.store import Artifact, Ingredients

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class _Judged:
    """A model that is measured on a date.

    Attributes:
        pipeline: today's, with the rows prepared as the model's were.
        model, version: which one it is.
        features: the date's rows as they are now, prepared so.
        evaluation: what it was let through by; None where that is gone.
    """

    pipeline: Pipeline
    model: Artifact
    version: int
    features: Artifact
    evaluation: Artifact | None


def run(job: Job) -> QualityOfDate:
    """Measure the current predictions of the run's date, or find what was measured from the same ingredients.

    The labels are those of the raw rows as they are now. The date is snapshotted anew where they changed,
    validated and prepared by the SQL that the model learned with.

    Raises:
        DataError: the date's rows break the contract or the suite.
        StoreError: something of the store is damaged or gone.
        TrackingError: MLflow cannot be reached.
    """
    predictions = job.store.current("predictions", job.date)
    due = job.date + timedelta(days=job.pipeline.monitor.label_after or 0)
    told = QualityOfDate(pipeline=job.store.pipeline, date=job.date, state="not_scored")
    if job.pipeline.task not in LABELLED:
        why = f"a {job.pipeline.task} model has no label that its predictions could be compared with"
        return told.model_copy(update={"state": "no_label", "why": why})
    if predictions is None:
        why = f"no version has scored it; `vintage score {job.store.pipeline} --date {job.date}` does"
        return told.model_copy(update={"why": why})
    if datetime.now(UTC).date() < due:
        return told.model_copy(update={"state": "not_due", "why": f"its labels are available from {due} on"})
    tracking = Tracking.of(job.home)
    tracking.check()
    found = quality_of(_measured(job, predictions, tracking))
    for warning in found.warnings:
        log.warning("%s: %s", job.date, warning)
    return found


def _measured(job: Job, predictions: Artifact, tracking: Tracking) -> Artifact:
    details = PredictionsDetails.of(predictions)
    model = model_of_version(job.store, details.version, details.model_date, details.model)
    ours = _judged(job, model, details.version)
    ours = replace(ours, pipeline=to_judge_by(ours.pipeline, ours.evaluation))
    serving, why = _serving(job, ours, tracking)
    inputs = {"predictions": predictions, "model": model, "features": ours.features}
    if ours.evaluation is not None:
        inputs["evaluation"] = ours.evaluation
    if serving is not None:
        inputs |= {"serving": serving.model, "serving_features": serving.features}
        if serving.evaluation is not None:
            inputs["serving_evaluation"] = serving.evaluation
    earlier = _earlier(job, ours.features)
    if earlier is not None:
        inputs["earlier"] = earlier
    named = steps.quality(ours.pipeline, job.date, inputs=inputs)
    artifact = job.store.find("quality", job.date, named.key)
    if artifact is None:
        job.begin()
        check_files(inputs.values())
        artifact = _make(job, named, inputs, ours, serving, why)
    else:
        artifact.check_files()
        log.info("quality %s of %s is found by its key", artifact.key.short, job.date)
    job.store.set_current(artifact)
    return artifact


def _judged(job: Job, model: Artifact, version: int) -> _Judged:
    prepared = prepared_for(job, model)
    if not prepared.pipeline.source.dated:
        # What it holds now is the latest date's: the row may have got its label there.
        prepared = replace(prepared, date=max(job.store.dates("snapshot")))
    snapshot.run(prepared)
    validate.run(prepared)
    features = preprocess.run(prepared)[prepared.date]
    evaluation = lineage_of_model(job.store, model).evaluation
    return _Judged(prepared.pipeline, model, version, features, evaluation)


def _serving(job: Job, ours: _Judged, tracking: Tracking) -> tuple[_Judged | None, str]:
    """Return the champion, if it is another model and answers the same question; or why it does not."""
    try:
        scorer = find_scorer(tracking, job.store)
    except NothingServes:
        return None, ""
    if scorer.model.key == ours.model.key:
        return None, ""
    found = _judged(job, scorer.model, scorer.version.version)
    version = f"version {found.version}, which serves,"
    if found.pipeline.task != ours.pipeline.task:
        return None, f"{version} is a {found.pipeline.task} model"
    if found.pipeline.preprocess.key != ours.pipeline.preprocess.key:
        return None, f"{version} knows rows by {', '.join(found.pipeline.preprocess.key)}"
    return found, ""


def _earlier(job: Job, features: Artifact) -> Artifact | None:
    """Return the look at which the date had other rows; what was made since of the same rows keeps to it."""
    stands = job.store.current("quality", job.date)
    if stands is None:
        return None
    [rows] = references(stands.manifest, "features")
    if rows.key != features.key:
        return stands
    before = next(references(stands.manifest, "earlier"), None)
    return None if before is None else follow(job.store, stands, before)


def _make(
    job: Job,
    named: Ingredients,
    inputs: dict[str, Artifact],
    ours: _Judged,
    serving: _Judged | None,
    incomparable: str,
) -> Artifact:
    """Measure and publish.

    Raises:
        EnvironmentProblem: a JVM would give other bits than it does elsewhere.
    """
    metric = METRICS[ours.pipeline.task][ours.pipeline.evaluate.metric]
    require_pinned(job.spark(), ours.pipeline)
    session = job.spark.apart()
    before = None
    if "earlier" in inputs:
        earlier = inputs["earlier"]
        [rows] = references(earlier.manifest, "features")
        before = read_rows(session, [follow(job.store, earlier, rows)])
    said, labels = (read_rows(session, [inputs[name]]) for name in ("predictions", "features"))
    both = late_labels.matched(said, labels, ours.pipeline, before).persist()
    try:
        counts = LabelCounts.model_validate(late_labels.counted(both))
        predicted = by_serving = None
        if counts.measured:
            rows_of_date = late_labels.measured(both, ours.pipeline)
            predicted = _told(ours, Answers(rows_of_date, counts.measured, ours.pipeline))
            if serving is not None:
                by_serving, incomparable = _of_serving(job, session, serving, rows_of_date, ours.pipeline)
    finally:
        both.unpersist()
    details = QualityDetails(
        metric=metric.name,
        larger_is_better=metric.larger_is_better,
        counts=counts,
        predicted=predicted,
        serving=by_serving,
        incomparable=incomparable,
    )
    with job.store.attempt("quality", job.date) as attempt:
        attempt.data.mkdir()
        text = json.dumps(details.model_dump(mode="json"), indent=2)
        (attempt.data / "quality.json").write_text(text + "\n", encoding="utf-8")
        return job.store.publish(attempt, named, details=details, spark_conf=recorded_conf(session))


def _of_serving(
    job: Job, session: SparkSession, serving: _Judged, rows_of_date: DataFrame, pipeline: Pipeline
) -> tuple[QualityOfModel | None, str]:
    """Return how right the champion would have been on the same rows, or why it says nothing of them."""
    name = f"version {serving.version}, which serves,"
    try:
        ship_user_code(job, serving.pipeline.stage_paths)
        loaded = load_model(serving.model.data / MODEL)
        rows = identified(read_rows(session, [serving.features]), loaded, serving.pipeline)
        answers = predict(rows, loaded, serving.pipeline)
        scored = late_labels.answered(rows_of_date, answers, pipeline).persist()
        try:
            count = scored.count()
            if not count:
                return None, f"{name} says nothing of these rows"
            return _told(serving, Answers(scored, count, pipeline)), ""
        finally:
            scored.unpersist()
    except Exception as error:
        # A class of the user that is gone, a column that the rows lack: a model fails in many ways.
        if isinstance(error, VintageError) or is_of_the_machine(error):
            raise
        why = f"{name} does not run on these rows ({root_cause(error)})"
        log.warning("%s", why)
        return None, why


def _told(judged: _Judged, answers: Answers) -> QualityOfModel:
    pipeline = answers.pipeline
    measured = measure_answers(answers)
    # No gate here compares models, for the champion is measured too; none is about a window.
    gates = [
        gate for gate in pipeline.evaluate.gates if gate.vs_champion is None and gate.metric not in OF_DATA
    ]
    decision = decide(gates, measured, least_rows=pipeline.evaluate.min_rows)
    promised = EvaluationDetails.of(judged.evaluation) if judged.evaluation else None
    return QualityOfModel(
        date=judged.model.date,
        version=judged.version,
        holdout=promised.metrics if promised else {},
        holdout_intervals=promised.metric_intervals if promised else {},
        found=outcome(pipeline, judged.model, measured, decision, NoBaseline(), None),
    )
