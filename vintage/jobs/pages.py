"""The pages that a job leaves behind however it ends."""

from __future__ import annotations

import logging
from contextlib import contextmanager
from typing import TYPE_CHECKING

from vintage.errors import StoreError
from vintage.report.all_dates import write_dates
from vintage.store.windows import store_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from vintage.flow.job import Job

log = logging.getLogger(__name__)


@contextmanager
def page_of_dates(job: Job) -> Iterator[None]:
    """Write the page that Data Docs lead back to, also after a date has failed its suite.

    Reports write it too, but none follows a date that failed.
    """
    try:
        yield
    finally:
        for view in job.pipeline.suites:
            store = store_of(job.store, view)
            try:
                if store.dates("validation"):
                    write_dates(store)
            except StoreError as error:
                # Why a date failed matters more than a page.
                log.warning("the page of the dates of %s was not written: %s", view, error)
