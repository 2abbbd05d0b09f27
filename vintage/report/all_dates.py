"""The page of a store's dates: from each to its Data Docs and its report."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING

from vintage.report.templating import template
from vintage.spec.page_policy import POLICY
from vintage.store.details import ValidationDetails
from vintage.store.files import replace_text
from vintage.store.reports import dates_page, report_page

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import date
    from pathlib import Path

    from vintage.store import Store


@dataclass(frozen=True)
class DatePages:
    """The pages of a date.

    Attributes:
        validation: what the suite found, and `docs` its page; None of a date that was not validated.
        report: the page of the current evaluation; None where none was written.
    """

    date: date
    validation: ValidationDetails | None
    docs: Path | None
    report: Path | None


def write_dates(store: Store) -> Path:
    """Write the page, unless it says the same already."""
    page = dates_page(store)
    text = template("dates.html.j2").render(
        policy=POLICY,
        pipeline=store.folder.name,
        dates=list(_dates(store)),
        link=lambda path: os.path.relpath(path, page.parent),
    )
    if not page.is_file() or page.read_text(encoding="utf-8") != text:
        replace_text(page, text)
    return page


def _dates(store: Store) -> Iterator[DatePages]:
    """Yield the pages of each date that has any, the latest date first."""
    for day in sorted({*store.dates("validation"), *store.dates("evaluation")}, reverse=True):
        validation, evaluation = (store.current(kind, day) for kind in ("validation", "evaluation"))
        report = report_page(store, evaluation) if evaluation else None
        yield DatePages(
            day,
            ValidationDetails.of(validation) if validation else None,
            validation.place / "index.html" if validation else None,
            report if report is not None and report.is_file() else None,
        )
