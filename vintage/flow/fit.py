"""Fits the declared pipeline on the window's training side, in a canonical order, and tracks it in MLflow."""

from __future__ import annotations

import contextlib
import json
import logging
import time
from dataclasses import dataclass
from importlib import metadata
from typing import TYPE_CHECKING, Any, Final

from vintage.data.rows import TRAINABLE, read_rows
from vintage.errors import TrackingError
from vintage.flow import preprocess, tune
from vintage.flow.graph import Flow, Step, Target
from vintage.flow.job import Job, open_tracking, require_enough, require_valid_stages, ship_user_code
from vintage.flow.twins import make_twin
from vintage.ml import golden
from vintage.ml.arithmetic import require_pinned
from vintage.ml.fitting import fit_stages
from vintage.ml.importances import importances_of
from vintage.ml.label_flow import require_read
from vintage.ml.model_digest import model_digest, twin_digest
from vintage.ml.splits import in_split
from vintage.ml.stages import build_stages, over_rows, resolved_params, stage_columns
from vintage.ml.training import canonical, check_training_rows
from vintage.registry.recording import record_model, run_tags
from vintage.registry.tracking import SPARK_MODEL, TWIN, Tracking
from vintage.session import recorded_conf
from vintage.spec import SOURCE_VIEW
from vintage.store import Artifact, check_files, steps
from vintage.store.details import ModelDetails, Reproducibility
from vintage.store.user_code import distribution_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from pyspark.ml import Pipeline as SparkPipeline
    from pyspark.ml import PipelineModel
    from pyspark.sql import DataFrame

    from vintage.ml.golden import GoldenBatch
    from vintage.ml.training import TrainingRows
    from vintage.spec import Pipeline
    from vintage.store import Attempt
    from vintage.store.details import TwinDetails

log = logging.getLogger(__name__)

MODEL_REQUIREMENTS = ("mlflow", "pyspark", "numpy", "pandas")


@dataclass(frozen=True)
class Fitted:
    """What a fit gives.

    Attributes:
        unfitted: the pipeline as declared, to be fitted again.
        model: the fitted pipeline.
        params: `0.Imputer.strategy` → value, every Param of every stage, set or default.
        rows: what was found in the training rows.
        golden: a few training rows, and what the model makes of them.
        importances: what the model weighs, by feature, where it has them.
    """

    unfitted: SparkPipeline
    model: PipelineModel
    params: Mapping[str, str]
    rows: TrainingRows
    golden: GoldenBatch
    importances: Mapping[str, Any] | None


def fit(rows: DataFrame, pipeline: Pipeline) -> Fitted:
    """Fit the declared stages.

    Args:
        rows: feature rows of the training side, `label` and what the stages read among their columns.
        pipeline: its stages, seed and row key.

    Raises:
        InvalidSpec: the rows lack a column that a stage reads, or the label is among what an RFormula takes.
        TrainingError: the rows cannot give a model.
    """
    from pyspark.ml import Pipeline as SparkPipeline

    pipeline = over_rows(pipeline, rows)
    require_read(pipeline, rows.columns)
    columns = stage_columns(pipeline)
    ordered = canonical(rows, pipeline, columns).persist()
    try:
        found = check_training_rows(ordered, pipeline, columns)
        stages = build_stages(pipeline)
        unfitted = SparkPipeline(stages=stages)
        model = fit_stages(stages, ordered, pipeline)
        batch = golden.golden_batch(model, ordered, columns)
        return Fitted(unfitted, model, resolved_params(stages), found, batch, importances_of(model, ordered))
    finally:
        ordered.unpersist()


def run(job: Job) -> Artifact:
    """Fit the model of the run's date, or find the one that was made from the same ingredients.

    Raises:
        SpecError: the stages are not what they must be.
        DataError: too few dates have rows.
        StoreError: features or a tuning are damaged.
        EnvironmentProblem: a JVM would give other bits than it does elsewhere.
        TrainingError: the rows cannot give a model.
        TrackingError: MLflow cannot be reached.
    """
    require_valid_stages(job)
    flow = Flow(job)
    require_enough(job, flow.dates)
    [target] = flow.targets(STEP)
    named, found = target.named, target.find()
    if found is not None:
        log.info("model %s for %s is found by its key; nothing to fit", found.key.short, job.date)
        job.store.set_current(found)
        return found
    job.begin()
    check_files(target.reads)
    tracking = open_tracking(job)
    run_id = tracking.start_run(
        pipeline=job.pipeline.name,
        date=str(named.date),
        key=named.key,
        tags=run_tags(job.pipeline.name, named),
    )
    try:
        _prepare(flow, [target])
        artifact = _make(flow, target, mlflow_run_id=run_id)
        record_model(tracking, job.store, artifact)
    except BaseException:
        # What went wrong first is what must be told, whether or not MLflow still answers.
        with contextlib.suppress(TrackingError):
            tracking.finish_run(run_id, "FAILED")
        raise
    job.store.set_current(artifact)
    return artifact


def _targets(flow: Flow) -> Iterator[Target]:
    job = flow.job
    train = flow.of(preprocess.STEP, flow.sides[0])
    named = steps.model(
        flow.pipeline_for("model"),
        job.date,
        train=train,
        tuned=next((tuned.named for tuned in flow.targets(tune.STEP)), None),
    )
    yield Target(named, job.store, tuple(train.values()))


def _prepare(flow: Flow, _: Sequence[Target]) -> None:
    ship_user_code(flow.job, flow.job.pipeline.stage_paths)


def _make(flow: Flow, target: Target, *, mlflow_run_id: str | None = None) -> Artifact:
    """Fit the model and publish it; MLflow is asked nothing.

    Args:
        flow: its training data, and the tuning that chooses its Params, where one does.
        target: the model.
        mlflow_run_id: the model's run, for the record.

    Raises:
        EnvironmentProblem: a JVM would give other bits than it does elsewhere.
        TrainingError: the rows cannot give a model.
    """
    job, named = flow.job, target.named
    train = flow.of(preprocess.STEP, flow.sides[0])
    tuned = next(iter(flow.of(tune.STEP).values()), None)
    arithmetic = require_pinned(job.spark(), job.pipeline)
    partitions = named.spec["partitions"]
    pipeline = job.pipeline if tuned is None else job.pipeline.with_params(tune.winner(tuned))
    pipeline = pipeline.on_partitions(partitions)
    with job.store.attempt("model", job.date) as attempt:
        rows = read_rows(job.spark.learning(partitions), list(train.values())).where(TRAINABLE)
        started = time.monotonic()
        fitted = fit(in_split(rows, pipeline, "train"), pipeline)
        log.info(
            "fitted on %d rows in %d partitions, of %d dates: %.1f s",
            fitted.rows.count,
            partitions,
            len(train),
            time.monotonic() - started,
        )
        tracking = Tracking.of(job.home)
        raw = flow.snapshots.get(max(train), {}).get(SOURCE_VIEW)
        twin = _save(tracking, fitted, attempt, job.pipeline, raw)
        if tuned is not None:
            _write_json(attempt.data / "tuning.json", tune.told(tuned).model_dump(mode="json"))
        return job.store.publish(
            attempt,
            named,
            details=ModelDetails(
                task=job.pipeline.task,
                digest=model_digest(attempt.data / "model" / SPARK_MODEL),
                arithmetic=arithmetic,
                reproducibility=Reproducibility(
                    partitions=partitions, declared=job.pipeline.partitions is not None
                ),
                rows={"train": fitted.rows.count},
                labels={"min": fitted.rows.label_min, "max": fitted.rows.label_max},
                params=dict(fitted.params),
                columns=tuple(stage_columns(over_rows(pipeline, rows))),
                requirements=tuple(_requirements(job.pipeline)),
                importances=fitted.importances,
                twin=twin,
                snapshots={
                    day: artifact.manifest.ingredients.inputs["snapshot"][day]
                    for day, artifact in train.items()
                },
                **({"tuning": tune.told(tuned)} if tuned else {}),
            ),
            spark_conf=recorded_conf(rows.sparkSession),
            mlflow_run_id=mlflow_run_id,
        )


def _told(made: Artifact) -> dict[str, str]:
    """Return what must be the same of a model that is made again: what it learnt, and its twin."""
    told = {"model": model_digest(saved_model(made))}
    twin = made.data / "model" / TWIN
    if twin.is_dir() and (digest := twin_digest(twin, saved_model(made))):
        told["twin"] = digest
    return told


STEP: Final = Step(
    "model",
    _targets,
    reads=(preprocess.STEP, tune.STEP),
    make=_make,
    prepare=_prepare,
    compared=_told,
)


def saved_model(model: Artifact) -> Path:
    """Return the folder of the PipelineModel."""
    return model.data / "model" / SPARK_MODEL


def _save(
    tracking: Tracking, fitted: Fitted, attempt: Attempt, pipeline: Pipeline, raw: Artifact | None
) -> TwinDetails:
    """Write the fitted pipeline and the unfitted one.

    `model/` is an MLflow model folder with the PipelineModel in `sparkml/`, its golden batch in `golden/`,
    its twin in `twin/`; `pipeline/` holds the unfitted pipeline.
    """
    attempt.data.mkdir()
    made = fitted.golden.made
    plain = [f"`{name}`" for name, kind in made.dtypes if kind != "vector" and name != golden.NUMBER]
    tracking.save_model(
        fitted.model,
        attempt.data / "model",
        example=fitted.golden.inputs.toPandas(),
        output=made.select(*plain).toPandas(),
        requirements=_requirements(pipeline),
    )
    golden.write(fitted.golden, attempt.data / "model" / golden.FOLDER)
    twin = make_twin(fitted.golden, attempt.data / "model", pipeline, raw)
    fitted.unfitted.write().save(str(attempt.data / "pipeline"))
    _write_json(attempt.data / "params.json", dict(sorted(fitted.params.items())))
    return twin


def _write_json(path: Path, content: Mapping[str, Any]) -> None:
    path.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")


def _requirements(pipeline: Pipeline) -> list[str]:
    named = {distribution_of(path.partition(".")[0]) for path in pipeline.stage_paths} - {None}
    further = sorted(name for name in named if name and name not in MODEL_REQUIREMENTS)
    return [f"{name}=={metadata.version(name)}" for name in (*MODEL_REQUIREMENTS, *further)]
