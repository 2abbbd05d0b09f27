"""Scores the holdout with the stored model, as a consumer would load it, and decides by the gates."""

from __future__ import annotations

import json
import logging
from dataclasses import asdict, replace
from typing import TYPE_CHECKING, Any, Final, Literal

from vintage.data.rows import TRAINABLE, read_rows, schema_json, write_rows
from vintage.flow import fit, preprocess
from vintage.flow.graph import Flow, Step, Target
from vintage.flow.job import Job, open_tracking, ship_user_code
from vintage.flow.parity import holdout_parity
from vintage.flow.raw_rows import holdout_raw_parity
from vintage.ml.arithmetic import require_pinned
from vintage.ml.families import Holdout, compare, family_of
from vintage.ml.fitting import is_of_the_machine, naming_the_stage
from vintage.ml.guess import guess_of
from vintage.ml.overlap import overlap_of
from vintage.ml.splits import in_split
from vintage.monitoring.broken import broken_dates
from vintage.registry.baseline import BaselineModel, StoredBaseline, model_of
from vintage.registry.gates import Baseline, Compared, NoBaseline, UnreadableBaseline, decide
from vintage.registry.outcome import outcome
from vintage.registry.suspicions import suspicions
from vintage.registry.tracking import Tracking
from vintage.session import recorded_conf, root_cause
from vintage.spec.metrics import BROKEN_DATES
from vintage.store import Artifact, Rows, check_files, steps
from vintage.store.details import EvaluationDetails, FeaturesDetails, ModelDetails, OverlapDetails
from vintage.store.fingerprint import fingerprint, fingerprint_sql
from vintage.store.keys import digest

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from datetime import date

    from pyspark.ml import PipelineModel
    from pyspark.sql import DataFrame

    from vintage.ml.families import EvaluationResult

log = logging.getLogger(__name__)

PREDICTIONS: Final = "predictions"
"""Folder of the holdout's rows with what the model says of them, within an evaluation's data."""

_TOLD: Final = ("rows", "metrics", "intervals", "slices", "details", "baseline", "gates", "decision")
_SHORT: Final = ("rows", "metrics", "gates", "decision")


def run(job: Job) -> Artifact:
    """Evaluate the model of the run's date, or find the evaluation that was made from the same ingredients.

    Raises:
        StoreError: the model has not been fitted, or it or the features are damaged.
        TrackingError: MLflow cannot be reached.
    """
    flow = Flow(job)
    [target] = flow.targets(STEP)
    found = target.find()
    if found is not None:
        log.info("evaluation %s for %s is found by its key", found.key.short, job.date)
        job.store.set_current(found)
        return found
    job.begin()
    check_files(target.reads)
    open_tracking(job)
    _prepare(flow, [target])
    artifact = _make(flow, target)
    job.store.set_current(artifact)
    log.info("%s", "; ".join(EvaluationDetails.of(artifact).decision.reasons))
    return artifact


def _targets(flow: Flow) -> Iterator[Target]:
    job, baseline = flow.job, flow.baseline
    model, test = flow.one(fit.STEP), flow.of(preprocess.STEP, flow.sides[1])
    unreadable = None
    if isinstance(baseline, UnreadableBaseline):
        # Once it can be read again, the evaluation is another one.
        unreadable = {"date": baseline.date, "key": baseline.key}
    named = steps.evaluation(
        flow.pipeline_for("evaluation"),
        job.date,
        model=model,
        test=test,
        baseline=model_of(baseline),
        unreadable=unreadable,
    )
    yield Target(named, job.store, (model, *test.values()))


def _prepare(flow: Flow, _: Sequence[Target]) -> None:
    ship_user_code(flow.job, flow.job.pipeline.stage_paths)


def _make(flow: Flow, target: Target) -> Artifact:
    """Measure the model and publish what was found; MLflow is asked nothing.

    Raises:
        EnvironmentProblem: a JVM would give other bits than it does elsewhere.
    """
    job, named, baseline = flow.job, target.named, flow.baseline
    train, test = (flow.of(preprocess.STEP, dates) for dates in flow.sides)
    model, family = flow.one(fit.STEP), family_of(job.pipeline.task)
    tracking = Tracking.of(job.home)
    require_pinned(job.spark(), job.pipeline)
    job = replace(job, pipeline=job.pipeline.on_partitions(named.spec["partitions"]))
    with job.store.attempt("evaluation", job.date) as attempt:
        session = job.spark.learning(named.spec["partitions"])

        def side(artifacts: Mapping[date, Artifact], name: Literal["train", "test"]) -> DataFrame:
            rows = read_rows(session, list(artifacts.values())).where(TRAINABLE)
            return in_split(rows, job.pipeline, name)

        holdout = side(test, "test")
        learnt = side(train, "train") if family.READS_TRAIN else None
        loaded = tracking.load_model(model.data / "model")
        before, unloadable = _load_baseline(tracking, baseline)
        scored = family.score(holdout, loaded, job.pipeline).persist()
        try:
            attempt.data.mkdir()
            kept = scored.drop(*family.UNWRITTEN).schema
            with naming_the_stage(loaded, holdout, job.pipeline):
                content = write_rows(
                    scored,
                    attempt.data / PREDICTIONS,
                    {"content": fingerprint_sql(kept)},
                    drop=family.UNWRITTEN,
                )
            count = content["content"]["rows"]
            tested = Holdout(
                scored,
                count,
                job.pipeline,
                rows=holdout,
                model=loaded,
                baseline=before,
                train=learnt,
                thorough=True,
            )
            measured = family.measure(tested)
            if unloadable or isinstance(baseline, UnreadableBaseline):
                # What needs the baseline is not to be let through just because it is broken.
                measured = replace(measured, uncompared=())
            guess = guess_of(tested, measured, [FeaturesDetails.of(part).labels for part in train.values()])
        finally:
            scored.unpersist()
        compared = _compared(tested, measured, baseline, unloadable)
        if job.pipeline.evaluate.judges_data:
            broken = broken_dates({**train, **test})
            measured = replace(
                measured,
                values={**measured.values, BROKEN_DATES: broken.count},
                notes={BROKEN_DATES: broken.told},
            )
        spec = job.pipeline.evaluate
        overlap = overlap_of(
            job.pipeline,
            holdout,
            count,
            lambda: side(train, "train"),
            train=train,
            test=test,
        )
        decision = decide(
            spec.gates,
            measured,
            least_rows=spec.min_rows,
            baseline=compared,
            suspicions=tuple(suspicions(job.pipeline, measured, overlap)),
        )
        importances = ModelDetails.of(model).importances
        details = outcome(job.pipeline, model, measured, decision, compared, importances)
        told = {
            "overlap": OverlapDetails(**asdict(overlap)),
            "absent": flow.absent,
            "guess": guess,
            "twin": holdout_parity(model, loaded, holdout, attempt.folder),
            "raw": holdout_raw_parity(model, flow.snapshots, test),
        }
        details = details.model_copy(update=told)
        text = json.dumps(details.model_dump(mode="json"), indent=2)
        (attempt.data / "evaluation.json").write_text(text + "\n", encoding="utf-8")
        return job.store.publish(
            attempt,
            named,
            rows=Rows(
                count=count,
                spark_schema=schema_json(kept),
                fingerprint=fingerprint(content["content"]),
            ),
            details=details,
            spark_conf=recorded_conf(session),
            mlflow_run_id=model.manifest.mlflow_run_id,
        )


def _told(made: Artifact) -> dict[str, Any]:
    """Return the results of an evaluation, in the order in which one part follows from another."""
    told = made.manifest.details.as_json()
    return {"predictions": made.rows_fingerprint} | {
        name: told[name] if name in _SHORT else digest(told[name]) for name in _TOLD if name in told
    }


STEP: Final = Step(
    "evaluation",
    _targets,
    reads=(preprocess.STEP, fit.STEP),
    make=_make,
    prepare=_prepare,
    compared=_told,
)


def _load_baseline(tracking: Tracking, baseline: BaselineModel) -> tuple[PipelineModel | None, str]:
    """Return the model of the champion as of the date, if there is one; or why it does not load."""
    if not isinstance(baseline, StoredBaseline):
        return None, ""
    artifact = baseline.model
    folder = artifact.data / "model"
    try:
        return tracking.load_model(folder), ""
    except Exception as error:
        if is_of_the_machine(error):
            raise
        # A metadata that is no JSON, a user's class that is gone: loading fails in many ways.
        why = f"the champion of {artifact.date} does not load under this Spark ({root_cause(error)})"
        log.warning("%s", why)
        return None, why


def _compared(
    tested: Holdout, measured: EvaluationResult, baseline: BaselineModel, unloadable: str
) -> Compared:
    """Return the baseline's metrics on the same rows, if a gate needs them and there is a baseline."""
    from py4j.protocol import Py4JJavaError
    from pyspark.errors import PySparkException

    if not isinstance(baseline, StoredBaseline):
        return baseline
    if not tested.pipeline.evaluate.compares:
        return NoBaseline()
    artifact = baseline.model
    told = Baseline(artifact.date.isoformat(), artifact.key, rows=measured.rows)
    if unloadable:
        return replace(told, incomparable=unloadable)
    try:
        found = compare(tested, measured)
    except (PySparkException, Py4JJavaError, LookupError) as error:
        if is_of_the_machine(error):
            raise
        why = f"the champion of {told.date} does not run on these rows ({root_cause(error)})"
        log.warning("%s", why)
        return replace(told, incomparable=why)
    return replace(told, metrics=found.values, gains=found.gains, rows=found.rows)
