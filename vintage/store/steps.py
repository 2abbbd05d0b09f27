"""What each step is made from: the one place that says which ingredients decide which artifact."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Any, Final

from vintage.ordered import source_digest
from vintage.spec import SOURCE_VIEW
from vintage.store.code import code_digest
from vintage.store.engines import engines, engines_without_spark
from vintage.store.keys import Ingredients, Key, Kind
from vintage.store.partitions import partitions_for
from vintage.store.user_code import ingredients_of, look_in

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from vintage.spec import Pipeline, Source, Suite, Tuning
    from vintage.store.artifacts import Artifact

JOINED: Final = "join."
_ORDERED_KINDS: Final = frozenset({"tuning", "model", "evaluation", "predictions", "quality"})
"""What is made under ordered execution, and follows from how that merges."""


def snapshot(pipeline: Pipeline, source: Source, day: date, *, schema: str, rows: str) -> Ingredients:
    """Return the ingredients of a date's raw rows: their content, whatever bytes deliver it.

    Args:
        pipeline: the spec.
        source: one of its sources.
        day: the partition date.
        schema: the schema the rows are held to, as DDL.
        rows: the rows' content fingerprint.
    """
    spec: dict[str, Any] = {"format": source.format, "options": source.value_options, "schema": schema}
    if source.years is not None:
        spec["years"] = list(source.years)
    if source.partition_columns:
        spec["partition_columns"] = list(source.partition_columns)
    return _ingredients("snapshot", pipeline, day, {"rows": {day: Key(rows)}}, spec)


def input_name(view: str) -> str:
    """Return the name of a view's snapshot in a feature partition's manifest: `snapshot`, `join.<name>`."""
    return "snapshot" if view == SOURCE_VIEW else JOINED + view


def is_raw(name: str) -> bool:
    """Whether a view's snapshots have such a name."""
    return name == "snapshot" or name.startswith(JOINED)


def view_of(name: str) -> str:
    """Return the view whose snapshots have such a name; the pipeline's own source of any other name."""
    return name.removeprefix(JOINED) if name.startswith(JOINED) else SOURCE_VIEW


def validation(pipeline: Pipeline, suite: Suite, day: date, *, snapshot_key: Key) -> Ingredients:
    """Return the ingredients of the validation of a date's snapshot by a suite."""
    return _ingredients(
        "validation",
        pipeline,
        day,
        {"snapshot": {day: snapshot_key}},
        {"suite": suite.model_dump(mode="json")},
        packages=("great-expectations",),
    )


def features(pipeline: Pipeline, day: date, *, snapshots: Mapping[str, Artifact]) -> Ingredients:
    """Return a date's feature rows. The suites are no ingredient: they decide whether rows are used.

    Args:
        pipeline: the spec.
        day: the partition date.
        snapshots: view that the SQL reads → the snapshot whose rows it holds.
    """
    function = pipeline.preprocess.function
    return _ingredients(
        "features",
        pipeline,
        day,
        {input_name(view): {found.date: found.key} for view, found in snapshots.items()},
        {
            "preprocess": pipeline.preprocess.model_dump(mode="json", exclude={"allow_label_columns"})
            | {"label": pipeline.label},
            **_user_code(pipeline, [function] if function else []),
        },
    )


def tuning(
    pipeline: Pipeline,
    tuned: Tuning,
    day: date,
    *,
    train: Mapping[date, Artifact],
) -> Ingredients:
    """Return the best Params of a grid.

    How many candidates are fitted at once, and how often one tunes, changes nothing that a tuning finds.

    Args:
        pipeline: the spec, with the trigger's overrides in it.
        tuned: its tuning.
        day: the date that is tuned on.
        train: date → feature partition that candidates are fitted and judged on.
    """
    search = {
        "method": tuned.method,
        **({"folds": tuned.parts} if tuned.method == "cross_validation" else {"train_fraction": tuned.share}),
        # A list, because of equal candidates the first wins.
        "grid": [[name, list(values)] for name, values in tuned.grid.items()],
        "metric": pipeline.tuning_metric.name,
        "ranking": {"k": pipeline.evaluate.k, "relevant": pipeline.evaluate.relevant},
        "weight": pipeline.evaluate.weight,
    }
    learning = _learning(pipeline, partitions_for(pipeline, train.values()))
    return _ingredients("tuning", pipeline, day, {"features": _keys(train)}, learning | {"tuning": search})


def model(
    pipeline: Pipeline,
    day: date,
    *,
    train: Mapping[date, Artifact],
    tuned: Ingredients | None = None,
) -> Ingredients:
    """Return a fitted model.

    Args:
        pipeline: the spec, with the trigger's overrides in it.
        day: the partition date.
        train: date → feature partition that it is trained on.
        tuned: the tuning that chooses its Params, where one does.
    """
    inputs = {"features": _keys(train)}
    if tuned is not None:
        inputs["tuning"] = {tuned.date: tuned.key}
    learning = _learning(pipeline, partitions_for(pipeline, train.values()))
    return _ingredients("model", pipeline, day, inputs, learning)


def evaluation(
    pipeline: Pipeline,
    day: date,
    *,
    model: Artifact,
    test: Mapping[date, Artifact],
    baseline: Artifact | None,
    unreadable: Mapping[str, str] | None = None,
) -> Ingredients:
    """Return a model's metrics on its holdout and the gates' verdicts.

    Args:
        pipeline: the spec.
        day: the partition date.
        model: what is evaluated.
        test: date → feature partition that it is tested on.
        baseline: the model that it is compared with, where it is.
        unreadable: date and key of that model when it cannot be read; once it can, the evaluation is another.
    """
    parts: dict[str, Any] = {
        "task": pipeline.task,
        "evaluate": pipeline.evaluate.model_dump(mode="json"),
        "split": pipeline.split.model_dump(mode="json"),
        # On which sums of fractions over the holdout are added up.
        "partitions": partitions_for(pipeline, test.values()),
    }
    inputs = {"model": {day: model.key}, "features": _keys(test)}
    if baseline is not None:
        inputs["baseline"] = {baseline.date: baseline.key}
    if unreadable is not None:
        parts["unreadable_baseline"] = dict(unreadable)
    # What reads the profiles of the window's rows, where a gate asks for them.
    packages = ("datasketches", "numpy") if pipeline.evaluate.judges_data else ()
    return _ingredients("evaluation", pipeline, day, inputs, parts, packages)


def predictions(
    pipeline: Pipeline, day: date, *, model: Artifact, features: Artifact, version: int
) -> Ingredients:
    """Return what a model says of a date's feature rows.

    Args:
        pipeline: the spec, with the stages that were fitted.
        day: the partition date.
        model: what scores.
        features: the date's rows, prepared as the model's were.
        version: the model's in the registry, with which each row is stamped.
    """
    parts = {"version": version, "where": pipeline.score.where, "task": pipeline.task}
    inputs = {"model": {model.date: model.key}, "features": {features.date: features.key}}
    return _ingredients(
        "predictions", pipeline, day, inputs, parts | _user_code(pipeline, pipeline.stage_paths)
    )


def quality(
    pipeline: Pipeline,
    day: date,
    *,
    inputs: Mapping[str, Artifact],
) -> Ingredients:
    """Return how right a date's predictions were.

    Args:
        pipeline: the spec, with what the model that made the predictions was evaluated by.
        day: the partition date.
        inputs: name → `predictions`, the `model` that made them and its `evaluation`, the `features` that
            have the labels; where another model serves, `serving`, `serving_evaluation` and
            `serving_features`; and the `earlier` look that labels are compared with.
    """
    parts = {
        "task": pipeline.task,
        "evaluate": pipeline.evaluate.model_dump(mode="json"),
        "key": list(pipeline.preprocess.key),
    }
    named = {name: {found.date: found.key} for name, found in inputs.items()}
    return _ingredients("quality", pipeline, day, named, parts | _user_code(pipeline, pipeline.stage_paths))


def monitor(
    pipeline: Pipeline,
    day: date,
    *,
    compared: Mapping[str, Mapping[date, Artifact]],
    reference: Mapping[str, Iterable[date]],
    model: Artifact | None,
    before: Mapping[date, Key],
) -> Ingredients:
    """Return how far a date's rows are from their reference.

    Args:
        pipeline: the spec.
        day: the partition date.
        compared: kind of rows, `join.<name>` of a joined source → date → what is read of it, the date's own
            among them.
        reference: kind of rows → the dates that the date is compared with.
        model: whose training rows these are; None where they are not.
        before: earlier date that the alarm counts → digest of the columns that drifted on it. Not the keys of
            their monitors: each would name the one before, back to the first.
    """
    watched = pipeline.monitor
    spec = {
        "against": watched.against,
        "bounds": watched.overrides,
        "alarm": watched.alarm.model_dump(mode="json"),
        "reference": {kind: [str(each) for each in sorted(days)] for kind, days in reference.items()},
        # It determines which features a raw column is said to feed.
        "preprocess": pipeline.preprocess.model_dump(mode="json"),
        "columns": {view: source.column_names for view, source in pipeline.views.items()},
        "undated": sorted(name for name, source in pipeline.joins.items() if not source.dated),
    }
    inputs: dict[str, Mapping[date, Key]] = {kind: _keys(found) for kind, found in compared.items()}
    if model is not None:
        inputs["model"] = {model.date: model.key}
    return _ingredients("monitor", pipeline, day, inputs | {"drifted": before}, spec)


def _user_code(pipeline: Pipeline, paths: Iterable[str]) -> dict[str, Any]:
    """Code that is named by dotted path: package → digest of its source, or the version that is installed."""
    look_in(pipeline.home)
    found = ingredients_of(paths)
    return {"own_code": found} if found else {}


def _keys(parts: Mapping[date, Artifact]) -> dict[date, Key]:
    return {day: found.key for day, found in parts.items()}


def _learning(pipeline: Pipeline, partitions: int) -> dict[str, Any]:
    """Return what of the spec decides what rows teach."""
    parts = {
        "task": pipeline.task,
        "stages": [stage.model_dump(mode="json") for stage in pipeline.stages],
        "partitions": partitions,
        "key": list(pipeline.preprocess.key),
        "split": pipeline.split.model_dump(mode="json"),
    }
    return parts | _user_code(pipeline, pipeline.stage_paths)


def _ingredients(
    kind: Kind,
    pipeline: Pipeline,
    day: date,
    inputs: Mapping[str, Mapping[date, Key]],
    spec: Mapping[str, Any],
    packages: tuple[str, ...] = (),
) -> Ingredients:
    return Ingredients(
        kind=kind,
        date=day,
        inputs={name: dict(sorted(dated.items())) for name, dated in inputs.items()},
        spec=spec,
        seed=pipeline.seed,
        code=code_digest(kind),
        engines=_engines(kind, packages),
    )


def _engines(kind: Kind, packages: tuple[str, ...]) -> dict[str, str]:
    if kind == "monitor":
        return engines_without_spark("datasketches", "numpy", *packages)
    return engines(*packages) | ({"ordered": source_digest()[:12]} if kind in _ORDERED_KINDS else {})
