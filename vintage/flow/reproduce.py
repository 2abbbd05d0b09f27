"""Makes the model of a date again from the manifests alone, beside the original, and compares the two."""

from __future__ import annotations

import logging
import time
from datetime import date
from typing import TYPE_CHECKING

from vintage.errors import NotReproduced, SpecError, StoreError
from vintage.flow.environment import environment
from vintage.flow.job import Job
from vintage.flow.recipe import pipeline_of
from vintage.flow.reproducer import Reproducer
from vintage.flow.reproduction import Reproduction, Restated
from vintage.flow.signs import Signs
from vintage.lineage.graph import Lineage, current_evaluation, evaluation_with, lineage_of
from vintage.session import SparkProvider, recorded_conf
from vintage.spec import Home, did_you_mean, load_pipeline, submit_conf
from vintage.spec.names import list_names, require_name, sentence
from vintage.store import Store, check_files
from vintage.store.engines import java_major
from vintage.store.scratch import Scratch, scratch_store
from vintage.store.steps import input_name
from vintage.store.user_code import ingredients_of, look_in
from vintage.store.windows import store_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from vintage.spec import Pipeline

log = logging.getLogger(__name__)


def reproduce(  # noqa: PLR0913 - where it runs, works and is told of may each be left out
    home: Home,
    name: str,
    day: date,
    key: str = "",
    *,
    spark: SparkProvider | None = None,
    scratch: Scratch | None = None,
    signs: Signs | None = None,
) -> Reproduction:
    """Make an evaluated model again, and everything on the way to it from the snapshots on.

    Args:
        home: its store has the model; code that is named by dotted path is looked for in it.
        name: the pipeline's.
        day: the partition date.
        key: the model's, or its evaluation's, or how it begins; empty takes what is current for the date.
        spark: an open session; without it one is opened, with the settings that the model was made under.
        scratch: where to work; beside the original when left out.
        signs: told of each step.

    Raises:
        SpecError: the name or the key is invalid.
        StoreError: there is no such model, or something that it was made from is gone or damaged.
        VintageError: a step cannot be made again at all.
    """
    started = time.monotonic()
    store = existing_store(home, name)
    evaluation = evaluation_with(store, day, key) if key else current_evaluation(store, day)
    lineage = lineage_of(store, evaluation)
    pipeline = pipeline_of(lineage, home.path)
    java_major()
    log.info(
        "model %s of %s for %s: %d dates of features, made by commit %s",
        lineage.model.key.short,
        name,
        day,
        len(lineage.features),
        lineage.model.manifest.git.get("commit"),
    )
    check_files(lineage.artifacts)
    with scratch_store(store, scratch or Scratch()) as beside:
        provider = spark or SparkProvider(f"reproduce {name} {day}", conf=_conf(home, pipeline, lineage))
        try:
            held = environment(lineage.steps, recorded_conf(provider()), _user_code(pipeline))
            for each in held:
                if not each.same:
                    log.warning("another environment: %s was %s, is %s", each.what, each.then, each.now)
            compared, first = Reproducer(Job(home, pipeline, evaluation.date, beside, provider), lineage).run(
                signs or Signs()
            )
        finally:
            if spark is None:
                provider.stop()
    return Reproduction(
        pipeline=name,
        date=str(day),
        key=lineage.model.key,
        evaluation=evaluation.key,
        same=first is None,
        environment=held,
        steps=compared,
        first_difference=first,
        restated=tuple(_restated(store, lineage)),
        seconds=round(time.monotonic() - started, 2),
    )


def require_same(found: Reproduction) -> None:
    """Raise what a reproduction that is not the same ends with.

    Raises:
        NotReproduced: something differs; the text says what did first, and why.
    """
    first = found.first_difference
    if first is not None:
        raise NotReproduced(
            f"model {found.key.short} of {found.pipeline} for {found.date} was not reproduced exactly",
            expected=f"{first.step} of {first.date} as the store has it",
            found=f"another: {first.reason}",
        )


def existing_store(home: Home, name: str) -> Store:
    """Return the store of a pipeline that has been run; its file may be gone or changed since.

    Raises:
        SpecError: the name is none, or nothing of that pipeline was ever made.
    """
    require_name("pipeline", name)
    store = Store(home.store, name)
    if not store.folder.is_dir():
        known = sorted(path.parent.name for path in home.store.glob("[!.]*/evaluation"))
        raise SpecError(
            f"{home.store} holds nothing of a pipeline {name}",
            expected=f"one of {list_names(known)}" if known else "a store in which something was evaluated",
            fix=sentence(did_you_mean(name, known)),
        )
    return store


def _conf(home: Home, pipeline: Pipeline, lineage: Lineage) -> dict[str, str]:
    """Return the settings for the session: today's memory and the like, and the settings of the fit."""
    try:
        today = load_pipeline(home, pipeline.name)
    except SpecError:
        log.warning("pipelines/%s.yaml is gone or wrong; Spark is opened without its settings", pipeline.name)
        today = pipeline
    then = lineage.model.manifest.spark_conf
    return submit_conf(today, home) | {
        setting: value for setting, value in then.items() if setting.startswith("spark.sql.")
    }


def _user_code(pipeline: Pipeline) -> dict[str, str]:
    """Today's digest, or version, of each package that the pipeline names by dotted path."""
    look_in(pipeline.home)
    function = pipeline.preprocess.function
    return ingredients_of([*([function] if function else []), *pipeline.stage_paths])


def _restated(store: Store, lineage: Lineage) -> Iterator[Restated]:
    """Yield the dates whose raw rows are others today."""
    seen = {(view, found.date): found for views in lineage.raw.values() for view, found in views.items()}
    for (view, day), then in sorted(seen.items(), key=lambda each: each[0]):
        try:
            now = store_of(store, view).current("snapshot", day)
        except StoreError as error:
            log.warning("what stands for %s of %s now is not known: %s", day, view, error)
            continue
        if now is not None and now.manifest.ingredients.inputs != then.manifest.ingredients.inputs:
            yield Restated(
                source=input_name(view), date=str(day), rows_then=then.row_count, rows_now=now.row_count
            )
