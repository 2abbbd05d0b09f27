"""Where the report of an evaluation lies: beside the artifacts, because it can be written again."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from pathlib import Path

    from vintage.store.artifacts import Artifact, Store

DATES_FROM_DOCS: Final = "../../../../reports/index.html"
"""From the Data Docs in `validation/date=D/KEY/data` to the page of the store's dates."""


def report_folder(store: Store, evaluation: Artifact) -> Path:
    """Return the folder of `report.html` and `pictures/`, whether or not it was written."""
    return store.folder / "reports" / f"date={evaluation.manifest.date}" / evaluation.key


def report_page(store: Store, evaluation: Artifact) -> Path:
    """Return the report of an evaluation, whether or not it was written."""
    return report_folder(store, evaluation) / "report.html"


def dates_page(store: Store) -> Path:
    """Return the page of a store's dates, whether or not it was written."""
    return store.folder / "reports" / "index.html"


def drift_page(store: Store) -> Path:
    """Return the page of a store's drift, whether or not it was written."""
    return store.folder / "reports" / "drift.html"


def digest_page(root: Path) -> Path:
    """Return the page of all pipelines below a store's root, whether or not it was written."""
    return root / "index.html"
