"""The evaluation of a date that is decided on, and its model."""

from __future__ import annotations

from typing import TYPE_CHECKING

from vintage.errors import DataError, StoreError
from vintage.flow import evaluate, fit
from vintage.flow.graph import Flow
from vintage.registry.baseline import baseline_for, model_of
from vintage.store import check_files

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from datetime import date

    from vintage.flow.job import Job
    from vintage.registry.tracking import Registered
    from vintage.spec import Pipeline
    from vintage.store import Artifact, Key, Store


def made_now(job: Job) -> tuple[Artifact, Artifact]:
    """Return the evaluation and the model that today's data, spec, code and champion give for a date.

    Raises:
        StoreError: the model has not been fitted and evaluated, or one of the two is not as it was made.
        TrackingError: MLflow cannot be reached.
    """
    flow = Flow(job)
    evaluation, model = flow.one(evaluate.STEP), flow.one(fit.STEP)
    check_files([evaluation, model])
    return evaluation, model


def asked_about(
    pipeline: Pipeline, store: Store, day: date, key: str, registered: Callable[[str], Registered]
) -> tuple[Artifact, Artifact]:
    """Return the evaluation that a person was asked about, and its model, if the answer still holds.

    Days may lie between the question and the answer. That the code changed meanwhile changes nothing of what
    the person read; that the date was measured anew does, and so does another baseline.

    Raises:
        DataError: the answer holds no more.
        StoreError: the evaluation or its model is gone, or is not as it was made.
    """
    again = "Run the date again, or clear the run from evaluate on: it is asked anew."
    stands = store.current("evaluation", day)
    if stands is None or stands.key != key:
        raise DataError(
            f"{pipeline.name} for {day} was evaluated anew after a person was asked",
            expected=f"evaluation {key[:12]}",
            found=f"evaluation {stands.key.short}" if stands else "none",
            fix=again,
        )
    inputs = stands.manifest.ingredients.inputs
    then = set(inputs.get("baseline", {}).values())
    baseline = model_of(baseline_for(pipeline, store, day, registered))
    now = {baseline.key} if baseline is not None else set()
    if then != now:
        raise DataError(
            f"{pipeline.name} has another baseline for {day} than when a person was asked",
            expected=f"model {_told(then)}",
            found=f"model {_told(now)}",
            fix=again,
        )
    model = store.find("model", day, inputs["model"][day])
    if model is None:
        raise StoreError(f"the model that {pipeline.name} was evaluated with for {day} is gone", fix=again)
    check_files([stands, model])
    return stands, model


def _told(keys: Iterable[Key]) -> str:
    return ", ".join(key.short for key in keys) or "none"
