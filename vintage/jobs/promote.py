"""Promotes the model of a date if it may serve, and completes the pages about it."""

from __future__ import annotations

import logging
from dataclasses import replace
from typing import TYPE_CHECKING

from vintage.errors import StoreError, TrackingError
from vintage.flow.promote import promote
from vintage.registry.tracking import Tracking
from vintage.report.html import write_report
from vintage.report.markdown import as_text, links_of
from vintage.report.version_tags import version_tags
from vintage.spec.markdown import with_entities

if TYPE_CHECKING:
    from collections.abc import Callable

    from vintage.flow.job import Job
    from vintage.flow.promote import Decided
    from vintage.registry.ledger import Entry
    from vintage.registry.loadability import Loaded, Loading

log = logging.getLogger(__name__)


def run(
    job: Job,
    approved_by: str | None = None,
    rejected_by: str | None = None,
    asked_about: str | None = None,
    *,
    load: Callable[[Loading], Loaded] | None = None,
) -> Entry:
    """Decide on the model of the run's date as `vintage.flow.promote` does, and show what was decided."""
    decided = promote(job, approved_by, rejected_by, asked_about, load=load)
    _show(job, decided)
    return decided.entry


def _show(job: Job, decided: Decided) -> None:
    """Complete the pages about a model, which were written before it was decided on."""
    store, evaluation, known = job.store, decided.evaluation, decided.version
    tracking = Tracking.of(job.home)
    try:
        report = write_report(store, evaluation)
        summary, links = report.summary, links_of(job.home, store, evaluation)
        if (links.shown or "").startswith("/"):
            # An address within Airflow's own server leads nowhere in MLflow.
            links = replace(links, shown=None)
        tracking.log_decision(
            known,
            store.pipeline,
            with_entities(as_text(summary, links)),
            tags=version_tags(summary, links),
            serves=summary.champion is not None and summary.champion.key == known.key,
            report=report.html.parent,
        )
    except (StoreError, TrackingError) as error:
        # The decision stands, and the ledger has it: an ancestor may be gone, or a run deleted in MLflow.
        log.warning(
            "the report and MLflow do not show what was decided on version %d: %s", known.version, error
        )
