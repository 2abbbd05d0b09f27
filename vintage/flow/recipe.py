"""The pipeline as it was when an evaluation was made, from its manifests alone and no file of today."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from pydantic import ValidationError

from vintage.errors import StoreError
from vintage.spec import Evaluate, Pipeline, Preprocess, Stage, Window
from vintage.spec.loading import Document
from vintage.store.keys import KEY_FORMAT
from vintage.store.partitions import partitions_then

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from vintage.lineage.graph import Lineage
    from vintage.store.artifacts import Artifact

# No manifest keeps these, because no result depends on them once there are snapshots.
_FILLED_IN: Final[Mapping[str, Any]] = {
    "schedule": "0 0 * * *",
    "start_date": "0001-01-01",
    "source": {"format": "parquet", "path": "snapshot"},
    "expectations": "validated",
}


def pipeline_of(lineage: Lineage, home: Path) -> Pipeline:
    """Return the pipeline that gives the same ingredients, as far as the spec decides them.

    Args:
        lineage: its manifests hold the parts of the spec that decided something.
        home: where code that is named by dotted path is looked for.

    Raises:
        StoreError: a manifest lacks a part, or has one that this version of Vintage does not read.
    """
    features = list(lineage.features.values())
    model, evaluation = lineage.model, lineage.evaluated
    for artifact in lineage.steps:
        if artifact.manifest.ingredients.format != KEY_FORMAT:
            raise _unreadable(
                artifact,
                f"key format {artifact.manifest.ingredients.format} where this version writes {KEY_FORMAT}",
            )
    if lineage.tuning is not None:
        tuning = {"tuning": _tuning(_part(lineage.tuning, "tuning"), lineage.tuning)}
    else:
        tuning = {}
    spec = {
        **_FILLED_IN,
        "name": evaluation.manifest.pipeline,
        "window": {"days": len(features)},
        "preprocess": _shared(features, "preprocess"),
        "task": _part(model, "task"),
        "stages": _part(model, "stages"),
        "split": _part(model, "split"),
        "partitions": partitions_then(model),
        "seed": model.manifest.ingredients.seed,
        "evaluate": _part(evaluation, "evaluate"),
        **tuning,
    }
    try:
        pipeline = Pipeline.model_validate(spec)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"]))
        raise _unreadable(model, f"{first['msg']} at {where or 'the top'}") from error
    return pipeline.placed(home, Document(f"{evaluation.manifest.pipeline} of {evaluation.manifest.date}"))


def to_score_with(pipeline: Pipeline, model: Artifact, learnt_from: Artifact) -> Pipeline:
    """Today's pipeline for one date at a time, its rows prepared as a model's were, with the stages it has.

    What serves may be older than the file: with rows of today's SQL it would be asked something else than it
    learned to answer.

    Args:
        pipeline: today's; where raw rows are and what they are held to stays.
        model: what scores.
        learnt_from: feature rows that it was fitted on.

    Raises:
        StoreError: a manifest lacks a part, or has one that this version of Vintage does not read.
    """
    preprocess = _part(learnt_from, "preprocess")
    try:
        return pipeline.model_copy(
            update={
                "preprocess": Preprocess.model_validate(preprocess),
                "stages": tuple(Stage.model_validate(each) for each in _part(model, "stages")),
                "task": _part(model, "task"),
                "window": Window(days=1),
                "tuning": None,
            }
        )
    except ValidationError as error:
        raise _unreadable(model, error.errors()[0]["msg"]) from error


def to_judge_by(pipeline: Pipeline, evaluation: Artifact | None) -> Pipeline:
    """Return the pipeline with the metric, gates and slices that a model was evaluated by, if that is kept.

    Raises:
        StoreError: the manifest lacks them, or has some that this version of Vintage does not read.
    """
    if evaluation is None:
        return pipeline
    try:
        evaluate = Evaluate.model_validate(_part(evaluation, "evaluate"))
    except ValidationError as error:
        raise _unreadable(evaluation, error.errors()[0]["msg"]) from error
    return pipeline.model_copy(update={"evaluate": evaluate})


def _tuning(search: Mapping[str, Any], artifact: Artifact) -> dict[str, Any]:
    """Return the section `tuning`; a manifest has its grid as a list, because the first of equals wins."""
    parts = {name: search[name] for name in ("method", "folds", "train_fraction") if name in search}
    if not {"method", "grid", "metric"} <= set(search):
        raise _unreadable(artifact, "no method, grid or metric of the tuning")
    return {**parts, "grid": dict(search["grid"]), "metric": search["metric"]}


def _shared(artifacts: Iterable[Artifact], name: str) -> Any:
    """Return a part of the spec that all of them have alike."""
    found = [(_part(artifact, name), artifact) for artifact in artifacts]
    for part, artifact in found:
        if part != found[0][0]:
            raise _unreadable(artifact, f"another {name} than that of {found[0][1].manifest.date}")
    return found[0][0]


def _part(artifact: Artifact, name: str) -> Any:
    spec = artifact.manifest.ingredients.spec
    if name not in spec:
        raise _unreadable(artifact, f"no {name} in its ingredients")
    return spec[name]


def _unreadable(artifact: Artifact, found: str) -> StoreError:
    manifest = artifact.manifest
    commit = manifest.git.get("commit")
    return StoreError(
        f"the {manifest.kind} of {manifest.pipeline} for {manifest.date} cannot be reproduced here",
        expected=f"the parts of a pipeline in {artifact.folder}",
        found=found,
        fix=f"Check out commit {commit}, which made it." if commit else "Use the version that made it.",
    )
