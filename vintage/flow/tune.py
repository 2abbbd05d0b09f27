"""Searches the declared grid for the best Params, on the training rows alone."""

from __future__ import annotations

import json
import logging
from typing import TYPE_CHECKING, Any, Final

from vintage.data.rows import TRAINABLE, read_rows
from vintage.flow import preprocess
from vintage.flow.graph import Step, Target
from vintage.flow.job import ship_user_code
from vintage.ml.arithmetic import require_pinned
from vintage.ml.splits import in_split
from vintage.ml.tuning import tune
from vintage.session import recorded_conf
from vintage.store import steps
from vintage.store.details import ModelTuning, TuningDetails

if TYPE_CHECKING:
    from collections.abc import Iterator

    from vintage.flow.graph import Flow
    from vintage.store import Artifact

log = logging.getLogger(__name__)


def _targets(flow: Flow) -> Iterator[Target]:
    pipeline = flow.pipeline_for("tuning")
    if pipeline.tuning is None:
        return
    day, dates = flow.tuned_on
    train = flow.of(preprocess.STEP, dates)
    named = steps.tuning(pipeline, pipeline.tuning, day, train=train)
    yield Target(named, flow.job.store, tuple(train.values()))


def _make(flow: Flow, target: Target) -> Artifact:
    job, day = flow.job, target.named.date
    wanted = job.pipeline.tuning_date(day)
    if day == job.date != wanted:
        log.warning("%s has too few dates with rows to be tuned on; %s is tuned on its own", wanted, day)
    require_pinned(job.spark(), job.pipeline)
    with job.store.attempt("tuning", day) as attempt:
        partitions = target.named.spec["partitions"]
        pipeline = job.pipeline.on_partitions(partitions)
        rows = read_rows(job.spark.learning(partitions), target.reads).where(TRAINABLE)
        details = tune(in_split(rows, pipeline, "train"), pipeline).details()
        attempt.data.mkdir()
        text = json.dumps(details.model_dump(mode="json"), indent=2)
        (attempt.data / "tuning.json").write_text(text + "\n", encoding="utf-8")
        return job.store.publish(
            attempt, target.named, details=details, spark_conf=recorded_conf(rows.sparkSession)
        )


STEP: Final = Step(
    "tuning",
    _targets,
    reads=(preprocess.STEP,),
    make=_make,
    prepare=lambda flow, _: ship_user_code(flow.job, flow.job.pipeline.stage_paths),
    compared=lambda made: {"tuning": made.manifest.details.as_json()},
)


def winner(tuned: Artifact) -> dict[str, Any]:
    """Return the Params that won."""
    return dict(TuningDetails.of(tuned).winner.params)


def told(tuned: Artifact) -> ModelTuning:
    """Return a tuning as a model's manifest records it."""
    return ModelTuning(date=tuned.date, key=tuned.key, **dict(TuningDetails.of(tuned)))
