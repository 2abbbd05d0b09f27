"""Why a step that was reproduced is not what it was: what made it, which rows, which values."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any, Final

from vintage.data.changed_rows import RowChange, between
from vintage.flow.environment import Held, causes, paths_that_differ
from vintage.flow.evaluate import PREDICTIONS
from vintage.flow.fit import saved_model
from vintage.flow.reproduction import FirstDifference
from vintage.ml.model_digest import model_digest
from vintage.store.spark_paths import parquet

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from pyspark.sql import DataFrame

    from vintage.flow.job import Job
    from vintage.flow.reproduction import Step
    from vintage.store import Artifact

log = logging.getLogger(__name__)

_LINES: Final = 8
# Where in an artifact's data its rows are.
_ROWS_IN: Final[Mapping[str, str]] = {"features": "", "predictions": PREDICTIONS}


def explained(step: Step, original: Artifact, made: Artifact | None, job: Job) -> FirstDifference:
    """Return a difference with what may be why.

    Args:
        step: where the two differ.
        original: what the store has.
        made: the same made again; None of a snapshot, whose rows were read again.
        job: its pipeline has the row key, and Spark compares rows.
    """
    if made is None:
        why = Held(
            what="data",
            then=step.then,
            now=step.now,
            detail=f"{original.place} holds other rows than its key names",
        )
        return FirstDifference(step=step.step, date=step.date, then=step.then, now=step.now, why=(why,))
    rows = _changed_rows(step, original, made, job)
    return FirstDifference(
        step=step.step,
        date=step.date,
        then=step.then,
        now=step.now,
        why=causes(original, made),
        rows=rows,
        told=tuple(_told(step, original, made)),
    )


def rows_of(artifact: Artifact, step: str, job: Job) -> DataFrame:
    """Return the rows of `features`, or the `predictions` of an evaluation."""
    from pyspark.sql.types import StructType

    schema = artifact.manifest.rows.spark_schema if artifact.manifest.rows else {}
    reader = job.spark().read.schema(StructType.fromJson(dict(schema)))
    return parquet(reader, artifact.data / _ROWS_IN[step])


def _changed_rows(step: Step, original: Artifact, made: Artifact, job: Job) -> RowChange | None:
    if step.step not in _ROWS_IN:
        return None
    then, now = (rows_of(each, step.step, job) for each in (original, made))
    found = between((original.key, then), (made.key, now), job.pipeline.preprocess.key)
    log.warning("%s: %s", step.named, found.told)
    return found


def _told(step: Step, original: Artifact, made: Artifact) -> Iterator[str]:
    """Yield what differs within a step, a line each."""
    then, now = original.manifest.details.as_json(), made.manifest.details.as_json()
    if step.step == "model":
        yield from _lines(then["params"], now["params"], "Param ")
        yield from _stages_that_differ(saved_model(original), saved_model(made))
    elif step.step == "tuning":
        yield from _lines(then, now)
    elif step.step not in _ROWS_IN:
        yield from _lines(then.get(step.step), now.get(step.step))


def _lines(then: Any, now: Any, prefix: str = "") -> Iterator[str]:
    found = [
        f"{prefix}{each.what}: {each.then} then, {each.now} now" for each in paths_that_differ("", then, now)
    ]
    yield from found[:_LINES]
    if len(found) > _LINES:
        yield f"and {len(found) - _LINES} more"


def _stages_that_differ(then: Path, now: Path) -> Iterator[str]:
    """Yield the stages of two models that did not learn the same; each keeps what it learned in a folder."""
    for one, other in zip(_stages(then), _stages(now), strict=False):
        if model_digest(one) != model_digest(other):
            place, _, uid = one.name.partition("_")
            yield f"stage {place}, {uid.rpartition('_')[0]}, learned something else"


def _stages(model: Path) -> list[Path]:
    return sorted((model / "stages").iterdir(), key=lambda path: int(path.name.partition("_")[0]))
