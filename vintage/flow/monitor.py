"""Compares a scored date with its reference, by profiles alone, and says what that amounts to."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Final

from vintage.monitoring.drift import UNDATED, answer, ask
from vintage.monitoring.feeds import with_feeds
from vintage.monitoring.state import columns_before, details_of, digest_of
from vintage.store import steps
from vintage.store.details import MonitorDetails

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import date

    from vintage.flow.job import Job
    from vintage.monitoring.drift import Question
    from vintage.monitoring.state import Columns
    from vintage.store import Artifact, Ingredients

log = logging.getLogger(__name__)

DRIFT: Final = "drift.json"
"""File of a monitor's data: the JSON of `vintage drift` for the date."""


def run(job: Job) -> Artifact:
    """Monitor the run's date, or find the monitor that was made from the same ingredients; starts no Spark.

    Raises:
        StoreError: the date was not snapshotted, no version ever served, or something of the store is
            damaged.
    """
    watched = job.pipeline.monitor
    question = ask(job.store, job.date, watched.against, job.pipeline.joins)
    before = columns_before(job.store, job.date, watched.alarm)
    named = _named(job, question, before)
    artifact = job.store.find("monitor", job.date, named.key)
    if artifact is None:
        artifact = _make(job, named, question, before)
    else:
        artifact.check_files()
        log.info("monitor %s for %s is found by its key", artifact.key.short, job.date)
    job.store.set_current(artifact)
    told = MonitorDetails.of(artifact)
    log.info("%s: %s, %d columns drifted", job.date, told.state, len(told.drifted))
    for kind, why in told.missing.items():
        level = logging.INFO if why == UNDATED else logging.WARNING
        log.log(level, "%s of %s: not compared, %s", kind, job.date, why)
    return artifact


def _named(job: Job, question: Question, before: Mapping[date, Columns]) -> Ingredients:
    return steps.monitor(
        job.pipeline,
        job.date,
        compared={
            sides.kind: {**sides.past, job.date: sides.asked} for sides in question.sides if sides.asked
        },
        reference={sides.kind: sides.reference for sides in question.sides if sides.asked},
        model=question.model,
        before={day: digest_of(columns) for day, columns in before.items()},
    )


def _make(job: Job, named: Ingredients, question: Question, before: Mapping[date, Columns]) -> Artifact:
    job.store.check_writable()
    watched = job.pipeline.monitor
    drift = with_feeds(answer(question, watched.overrides), job.pipeline)
    with job.store.attempt("monitor", job.date) as attempt:
        attempt.data.mkdir()
        (attempt.data / DRIFT).write_text(drift.model_dump_json(indent=2) + "\n", encoding="utf-8")
        return job.store.publish(attempt, named, details=details_of(drift, before, watched.alarm))
