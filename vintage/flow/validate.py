"""Decides by Great Expectations whether each date may be trained on, and leaves Data Docs to open."""

from __future__ import annotations

import json
import logging
from dataclasses import asdict
from typing import TYPE_CHECKING

from vintage.data.rows import read_rows
from vintage.errors import ValidationFailed
from vintage.flow.job import Job, for_each_date
from vintage.spec import SOURCE_VIEW, InvalidSpec, Suite, load_suite
from vintage.store import check_files, steps, windows
from vintage.store.details import Failures, ValidationDetails
from vintage.validation.expectations import check_suite, run_suite

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import date

    from vintage.store import Artifact
    from vintage.validation.expectations import ValidationReport

log = logging.getLogger(__name__)


def run(job: Job) -> dict[date, Artifact]:
    """Hold the snapshot of every date the run needs to the suite, unless it was held to it before.

    A result is kept whether good or bad, with its Data Docs, and a bad one stops the run.

    Raises:
        SpecError: the suite is not what it must be.
        StoreError: a date has not been snapshotted, or its snapshot is damaged.
        ValidationFailed: a critical expectation does not hold; names date, rule, column, count and examples.
    """
    window = windows.window_snapshots(job.pipeline, job.store, job.dates)
    suites = {view: load_suite(job.home, name) for view, name in job.pipeline.suites.items()}
    artifacts = {
        # An undated source that is joined has one snapshot for many dates.
        view: _validated(job, view, suite, {found[view].date: found[view] for found in window.values()})
        for view, suite in suites.items()
    }
    for view, suite in suites.items():
        _judge(job, view, suite, artifacts[view])
    return artifacts[SOURCE_VIEW]


def _validated(job: Job, view: str, suite: Suite, snapshots: Mapping[date, Artifact]) -> dict[date, Artifact]:
    """Return what the suite says of each snapshot of a view, found or made."""
    store = windows.store_of(job.store, view)
    wanted = {
        day: steps.validation(job.pipeline, suite, day, snapshot_key=found.key)
        for day, found in snapshots.items()
    }
    done = {
        day: found for day, named in wanted.items() if (found := store.find("validation", day, named.key))
    }
    missing = [day for day in snapshots if day not in done]
    log.info("%s: %d dates have rows, %d of them are to be validated", view, len(snapshots), len(missing))
    if missing:
        # Great Expectations takes as long to import as Spark to start.
        job.begin()
        check_files(snapshots[day] for day in missing)
        if problems := check_suite(suite):
            raise InvalidSpec(problems)

    def make(day: date) -> Artifact:
        with store.attempt("validation", day) as attempt:
            attempt.data.mkdir()
            rows = read_rows(job.spark(), [snapshots[day]])
            name = f"{job.pipeline.suites[view]} {day}"
            found = run_suite(rows, suite, name=name, docs_dir=attempt.data)
            text = json.dumps(found.result, indent=2, default=str)
            (attempt.data / "validation.json").write_text(text + "\n", encoding="utf-8")
            return store.publish(attempt, wanted[day], details=_details(found))

    artifacts = dict(sorted((done | for_each_date(make, missing, doing="validate")).items()))
    for artifact in artifacts.values():
        store.set_current(artifact)
    return artifacts


def _details(found: ValidationReport) -> ValidationDetails:
    outcomes = [asdict(outcome) for outcome in found.outcomes]

    def failures(severity: str) -> tuple[str, ...]:
        return tuple(outcome.describe() for outcome in found.failures(severity))

    return ValidationDetails(
        passed=found.passed,
        summary=found.summary,
        failures=Failures(critical=failures("critical"), warning=failures("warning"), info=failures("info")),
        outcomes=tuple(json.loads(json.dumps(outcomes, default=str))),
    )


def _judge(job: Job, view: str, suite: Suite, artifacts: Mapping[date, Artifact]) -> None:
    failed = [day for day, found in artifacts.items() if not ValidationDetails.of(found).passed]
    latest = max(artifacts, default=None)
    for day, artifact in artifacts.items():
        failures = ValidationDetails.of(artifact).failures
        for text in (*failures.warning, *failures.info):
            if day == latest:
                log.warning("%s: %s", day, text)
        for text in failures.critical:
            log.error("%s: %s", day, text)
    old = sum(
        bool(ValidationDetails.of(artifacts[day]).failures.warning) for day in artifacts if day != latest
    )
    if old:
        log.info("%d earlier dates of the window have warnings too", old)
    if failed:
        first = artifacts[failed[0]]
        more = f" (and {len(failed) - 1} more dates: {', '.join(map(str, failed[1:]))})" if failed[1:] else ""
        reasons = "; ".join(ValidationDetails.of(first).failures.critical)
        raise ValidationFailed(
            f"{failed[0]} does not hold the {len(suite.expectations)} expectations of "
            f"{job.pipeline.suites[view]}{more}: {reasons}",
            fix=f"Nothing was trained. Data Docs: {first.place / 'index.html'}",
        )
    docs = artifacts[latest].place / "index.html" if latest else "none"
    log.info("%s: %d dates may be trained on; Data Docs: %s", view, len(artifacts), docs)
