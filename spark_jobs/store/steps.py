"""What each step is made from: the one place that says which ingredients decide which artifact."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Any, Final

from spark_jobs.errors import DataError, StoreError
from spark_jobs.spec import SplitByKey
from spark_jobs.store.code import code_digest
from spark_jobs.store.engines import engines
from spark_jobs.store.keys import Ingredients, Kind
from spark_jobs.store.own_code import ingredients_of, look_in

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from spark_jobs.spec import Pipeline, Suite, Tuning
    from spark_jobs.store.artifacts import Artifact, Store

# What a tuning and a fit both learn with.
_LEARNING: Final = (
    "session.py",
    "ml/catalogue.py",
    "ml/column_flow.py",
    "ml/fitting.py",
    "ml/nested.py",
    "ml/row_checks.py",
    "ml/splits.py",
    "ml/stages.py",
    "ml/task_model.py",
    "ml/training.py",
    "ml/values.py",
    "sources/rows.py",
    "store/fingerprint.py",
)

# The source that computes each kind, relative to spark_jobs/. A test follows the jobs' imports and
# fails when one of them computes with a module that is not named here.
CODE: Final[Mapping[Kind, tuple[str, ...]]] = {
    "snapshot": (
        "snapshot.py",
        "session.py",
        "sources/connection.py",
        "sources/contract.py",
        "sources/database.py",
        "sources/deliveries.py",
        "sources/libsvm.py",
        "sources/profile.py",
        "sources/raw.py",
        "sources/reader.py",
        "sources/rows.py",
        "store/fingerprint.py",
    ),
    "validation": (
        "validate.py",
        "session.py",
        "sources/data_docs.py",
        "sources/expectations.py",
        "sources/outcomes.py",
        "sources/rules.py",
        "sources/rows.py",
        "store/fingerprint.py",
    ),
    "features": (
        "preprocess.py",
        "session.py",
        "sources/own_function.py",
        "sources/rows.py",
        "store/fingerprint.py",
    ),
    "tuning": ("ml/families", "ml/grid.py", "ml/tuning.py", *_LEARNING),
    "model": ("fit.py", *_LEARNING),
    "evaluation": (
        "evaluate.py",
        "session.py",
        "ml/families",
        "ml/catalogue.py",
        "ml/column_flow.py",
        "ml/fitting.py",
        "ml/row_checks.py",
        "ml/splits.py",
        "ml/training.py",
        "registry/baseline.py",
        "registry/gates.py",
        "registry/ledger.py",
        "sources/rows.py",
        "store/fingerprint.py",
    ),
}


def snapshot(pipeline: Pipeline, day: date, *, schema: str, rows: str) -> Ingredients:
    """A date's raw rows, by their content: bytes delivered again that hold the same rows change nothing.

    Args:
        pipeline: the spec.
        day: the partition date.
        schema: the schema the rows are held to, as DDL.
        rows: the rows' content fingerprint.
    """
    spec = {"format": pipeline.source.format, "options": pipeline.source.value_options, "schema": schema}
    return _ingredients("snapshot", pipeline, day, {"rows": {day: rows}}, spec)


def validation(pipeline: Pipeline, suite: Suite, day: date, *, snapshot_key: str) -> Ingredients:
    """Whether a date's snapshot holds the suite."""
    return _ingredients(
        "validation",
        pipeline,
        day,
        {"snapshot": {day: snapshot_key}},
        {"suite": suite.model_dump(mode="json")},
        packages=("great-expectations",),
    )


def features(pipeline: Pipeline, day: date, *, snapshot_key: str) -> Ingredients:
    """A date's feature rows. The suite is no ingredient: it decides whether rows are used."""
    function = pipeline.preprocess.function
    return _ingredients(
        "features",
        pipeline,
        day,
        {"snapshot": {day: snapshot_key}},
        {
            "preprocess": pipeline.preprocess.model_dump(mode="json") | {"label": pipeline.label},
            **_own_code(pipeline, [function] if function else []),
        },
    )


def tuning(pipeline: Pipeline, tuned: Tuning, day: date, *, train: Mapping[date, str]) -> Ingredients:
    """The best Params of a grid.

    How many candidates are fitted at once, and how often one tunes, changes nothing that a tuning finds.

    Args:
        pipeline: the spec, with the trigger's overrides in it.
        tuned: its tuning.
        day: the date that is tuned on.
        train: date → key of each feature partition that candidates learn from and are judged on.
    """
    search = {
        "method": tuned.method,
        **({"folds": tuned.parts} if tuned.method == "cross_validation" else {"train_fraction": tuned.share}),
        # A list, because of equal candidates the first wins.
        "grid": [[name, list(values)] for name, values in tuned.grid.items()],
        "metric": pipeline.tuning_metric.name,
        "ranking": {"k": pipeline.evaluate.k, "relevant": pipeline.evaluate.relevant},
    }
    return _ingredients(
        "tuning", pipeline, day, {"features": train}, _learning(pipeline) | {"tuning": search}
    )


def model(
    pipeline: Pipeline, day: date, *, train: Mapping[date, str], tuned: Ingredients | None = None
) -> Ingredients:
    """A fitted model.

    Args:
        pipeline: the spec, with the trigger's overrides in it.
        day: the partition date.
        train: date → key of each feature partition that it learns from.
        tuned: the tuning that chooses its Params, where one does.
    """
    inputs = {"features": train}
    if tuned is not None:
        inputs["tuning"] = {date.fromisoformat(tuned.date): tuned.key}
    return _ingredients("model", pipeline, day, inputs, _learning(pipeline))


def evaluation(
    pipeline: Pipeline,
    day: date,
    *,
    model: Artifact,
    test: Mapping[date, Artifact],
    baseline: Artifact | None,
) -> Ingredients:
    """A model's metrics on its holdout and the gates' verdicts.

    Args:
        pipeline: the spec.
        day: the partition date.
        model: what is evaluated.
        test: date → feature partition that it is tested on.
        baseline: the model that it is compared with, where it is.
    """
    parts: Mapping[str, Any] = {
        "task": pipeline.task,
        "evaluate": pipeline.evaluate.model_dump(mode="json"),
        "split": pipeline.split.model_dump(mode="json"),
    }
    inputs = {
        "model": {day: model.key},
        "features": {each: found.key for each, found in test.items()},
    }
    if baseline is not None:
        inputs["baseline"] = {baseline.date: baseline.key}
    return _ingredients("evaluation", pipeline, day, inputs, parts)


def window_snapshots(store: Store, dates: Iterable[date]) -> dict[date, Artifact]:
    """The current snapshots of a window's dates that have rows, oldest first.

    Raises:
        StoreError: the last date, which is the run's own, has none.
    """
    wanted = list(dates)
    found = {day: artifact for day in wanted if (artifact := store.current("snapshot", day))}
    if wanted[-1] not in found:
        raise StoreError(
            f"{wanted[-1]} has no snapshot in {store.folder}", expected="one", fix="Run snapshot first."
        )
    return {day: artifact for day, artifact in found.items() if artifact.row_count}


def window_features(pipeline: Pipeline, store: Store, dates: Iterable[date]) -> dict[date, Artifact]:
    """The feature partitions of the window's current snapshots, oldest first.

    Raises:
        StoreError: one has not been made.
    """
    artifacts = {}
    for day, snapshotted in window_snapshots(store, dates).items():
        named = features(pipeline, day, snapshot_key=snapshotted.key)
        found = store.find("features", day, named.key)
        if found is None:
            raise StoreError(
                f"{day} has no feature rows",
                expected=f"features {named.key[:12]} of snapshot {snapshotted.key[:12]}",
                fix="Run preprocess first; if it ran, data or code changed meanwhile: run the chain again.",
            )
        artifacts[day] = found
    return artifacts


def sides(
    pipeline: Pipeline, artifacts: Mapping[date, Artifact], day: date
) -> tuple[dict[date, Artifact], dict[date, Artifact]]:
    """Which partitions one trains on and which one tests on; by key, both are all of them.

    Raises:
        DataError: a side has no partition.
    """
    if isinstance(pipeline.split, SplitByKey):
        return dict(artifacts), dict(artifacts)
    train, test = pipeline.split_dates(list(artifacts), day)
    for name, dates in (("train", train), ("test", test)):
        if not dates:
            raise DataError(
                f"no date is left to {name} {pipeline.name} on for {day}",
                expected=f"dates with rows within the last {pipeline.split.test_days} days and before them",
                found=", ".join(map(str, artifacts)) or "none",
                fix="Widen the window, or deliver the missing dates.",
            )
    return {each: artifacts[each] for each in train}, {each: artifacts[each] for each in test}


def window_of(pipeline: Pipeline, day: date) -> tuple[date, ...]:
    """The dates that a run of that date learns from and tests on, oldest first.

    An undated source has only the run's own: all of it was snapshotted then.
    """
    return pipeline.window_dates(day) if pipeline.source.dated else (day,)


def window_tuning(
    pipeline: Pipeline, store: Store, day: date, train: Mapping[date, Artifact]
) -> Ingredients | None:
    """What the model of a date is tuned by: by its own training rows, or those of the date to refresh on.

    When that date's window has fewer dates with rows than `min_days`, or none to learn from, the run's own
    training rows take their place.

    Args:
        pipeline: the spec, with the trigger's overrides in it.
        store: where the features are.
        day: the partition date.
        train: the date's own training partitions.

    Returns:
        The tuning's ingredients; None when nothing is tuned.

    Raises:
        StoreError: the features of the date to refresh on have not been made.
    """
    if pipeline.tuning is None:
        return None
    on = pipeline.tuning_date(day)
    if on != day:
        dates = [each for each in window_of(pipeline, on) if store.current("snapshot", each)]
        features = window_features(pipeline, store, dates) if dates else {}
        learnt = pipeline.split_dates(list(features), on)[0] if pipeline.source.dated else tuple(features)
        if learnt and len(features) >= pipeline.window.min_days:
            return tuning(pipeline, pipeline.tuning, on, train={each: features[each].key for each in learnt})
    return tuning(pipeline, pipeline.tuning, day, train={each: found.key for each, found in train.items()})


def window_model(pipeline: Pipeline, store: Store, day: date, train: Mapping[date, Artifact]) -> Artifact:
    """The model that was fitted on those partitions.

    Raises:
        StoreError: it has not been fitted.
    """
    tuned = window_tuning(pipeline, store, day, train)
    named = model(pipeline, day, train={each: found.key for each, found in train.items()}, tuned=tuned)
    found = store.find("model", day, named.key)
    if found is None:
        raise StoreError(
            f"{pipeline.name} has no model for {day} from today's features and spec",
            expected=f"model {named.key[:12]}",
            fix="Run fit first, with the same --set; if it ran, data or code changed: run the chain again.",
        )
    return found


def window_evaluation(store: Store, day: date, named: Ingredients) -> Artifact:
    """The evaluation that is named.

    Raises:
        StoreError: it has not been evaluated.
    """
    found = store.find("evaluation", day, named.key)
    if found is None:
        model_key = named.inputs["model"][day.isoformat()]
        raise StoreError(
            f"model {model_key[:12]} of {store.pipeline} for {day} has not been evaluated",
            expected=f"evaluation {named.key[:12]}",
            fix="Run evaluate first, with the same --set.",
        )
    return found


def _own_code(pipeline: Pipeline, paths: Iterable[str]) -> dict[str, Any]:
    """Code that is named by dotted path: package → digest of its source, or the version that is installed."""
    look_in(pipeline.home)
    found = ingredients_of(paths)
    return {"own_code": found} if found else {}


def _learning(pipeline: Pipeline) -> dict[str, Any]:
    """What of the spec decides what rows teach."""
    parts = {
        "task": pipeline.task,
        "stages": [stage.model_dump(mode="json") for stage in pipeline.stages],
        "reproducibility": pipeline.reproducibility,
        "key": list(pipeline.preprocess.key),
        "split": pipeline.split.model_dump(mode="json"),
    }
    return parts | _own_code(pipeline, pipeline.stage_paths)


def _ingredients(
    kind: Kind,
    pipeline: Pipeline,
    day: date,
    inputs: Mapping[str, Mapping[date, str]],
    spec: Mapping[str, Any],
    packages: tuple[str, ...] = (),
) -> Ingredients:
    return Ingredients(
        kind=kind,
        date=day.isoformat(),
        inputs={
            name: {when.isoformat(): key for when, key in sorted(dated.items())}
            for name, dated in inputs.items()
        },
        spec=spec,
        seed=pipeline.seed,
        code=code_digest(*CODE[kind]),
        engines=engines(*packages),
    )
