"""The evaluation of a date that is decided on, and its model."""

from __future__ import annotations

from typing import TYPE_CHECKING

from vintage.errors import DataError, StoreError
from vintage.flow.graph import Flow, required
from vintage.registry.baseline import baseline_for, model_of
from vintage.registry.gates import UnreadableBaseline
from vintage.store import check_files, steps

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from datetime import date

    from vintage.registry.baseline import BaselineModel
    from vintage.registry.tracking import Registered
    from vintage.spec import Pipeline
    from vintage.store import Artifact, Ingredients, Key, Store


def named_evaluation(
    pipeline: Pipeline,
    day: date,
    model: Artifact,
    test: Mapping[date, Artifact],
    baseline: BaselineModel,
) -> Ingredients:
    """What an evaluation is made from. Once a champion can be read again that could not, it is another one.

    Args:
        pipeline: the spec.
        day: the partition date.
        model: what is evaluated.
        test: date → feature partition that it is tested on.
        baseline: what it is compared with.
    """
    unreadable = None
    if isinstance(baseline, UnreadableBaseline):
        unreadable = {"date": baseline.date, "key": baseline.key}
    return steps.evaluation(
        pipeline,
        day,
        model=model,
        test=test,
        baseline=model_of(baseline),
        unreadable=unreadable,
    )


def made_now(
    pipeline: Pipeline, store: Store, day: date, registered: Callable[[str], Registered]
) -> tuple[Artifact, Artifact]:
    """Return the evaluation and the model that today's data, spec, code and champion give for a date.

    Args:
        pipeline: the spec.
        store: its store.
        day: the partition date.
        registered: what the registry knows.

    Raises:
        StoreError: the model has not been fitted and evaluated, or one of the two is not as it was made.
    """
    flow = Flow(pipeline, store, day)
    model = flow.model
    baseline = baseline_for(pipeline, store, day, registered)
    evaluation = required(store, named_evaluation(pipeline, day, model, flow.test, baseline))
    check_files([evaluation, model])
    return evaluation, model


def asked_about(
    pipeline: Pipeline, store: Store, day: date, key: str, registered: Callable[[str], Registered]
) -> tuple[Artifact, Artifact]:
    """Return the evaluation that a person was asked about, and its model, if the answer still holds.

    Days may lie between the question and the answer. That the code changed meanwhile changes nothing of what
    the person read; that the date was measured anew does, and so does another champion to be held against.

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
            f"{pipeline.name} has another champion to be held against for {day} than when a person was asked",
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
