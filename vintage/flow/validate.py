"""Decides by Great Expectations whether each date may be trained on, and leaves Data Docs to open."""

from __future__ import annotations

import json
import logging
from dataclasses import asdict
from typing import TYPE_CHECKING, Final

from vintage.data.rows import read_rows
from vintage.errors import ValidationFailed
from vintage.flow import snapshot
from vintage.flow.graph import Flow, Step, Target, carry_out
from vintage.spec import InvalidSpec
from vintage.store import steps, windows
from vintage.store.details import Failures, ValidationDetails
from vintage.validation.expectations import check_suite, run_suite

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from datetime import date

    from vintage.flow.job import Job
    from vintage.spec import Suite
    from vintage.store import Artifact
    from vintage.validation.expectations import ValidationReport

log = logging.getLogger(__name__)


def run(job: Job) -> Mapping[date, Artifact]:
    """Hold the snapshot of every date the run needs to the suite, unless it was held to it before.

    A result is kept whether good or bad, with its Data Docs, and a bad one stops the run.

    Raises:
        SpecError: the suite is not what it must be.
        StoreError: a date has not been snapshotted, or its snapshot is damaged.
        ValidationFailed: a critical expectation does not hold; names date, rule, column, count and examples.
    """
    flow = Flow(job)
    carry_out(flow, STEP)
    for view, suite in flow.suites.items():
        _judge(job, view, suite, flow.of(STEP, view=view))
    return flow.of(STEP)


def _targets(flow: Flow) -> Iterator[Target]:
    pipeline = flow.job.pipeline
    for view, suite in flow.suites.items():
        store = windows.store_of(flow.job.store, view)
        # An undated source that is joined has one snapshot for many dates.
        for found in flow.of(snapshot.STEP, view=view).values():
            named = steps.validation(pipeline, suite, found.date, snapshot_key=found.key)
            yield Target(named, store, (found,), view)


def _prepare(flow: Flow, targets: Sequence[Target]) -> None:
    for view in {target.view for target in targets}:
        if problems := check_suite(flow.suites[view]):
            raise InvalidSpec(problems)


def _make(flow: Flow, target: Target) -> Artifact:
    job, day, view = flow.job, target.named.date, target.view
    with target.store.attempt("validation", day) as attempt:
        attempt.data.mkdir()
        rows = read_rows(job.spark(), target.reads)
        name = f"{job.pipeline.suites[view]} {day}"
        found = run_suite(rows, flow.suites[view], name=name, docs_dir=attempt.data)
        text = json.dumps(found.result, indent=2, default=str)
        (attempt.data / "validation.json").write_text(text + "\n", encoding="utf-8")
        return target.store.publish(attempt, target.named, details=_details(found))


STEP: Final = Step(
    "validation",
    _targets,
    reads=(snapshot.STEP,),
    make=_make,
    prepare=_prepare,
    expected=ValidationDetails(passed=True, summary="", failures=Failures()),
)


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
