"""Where the report of an evaluation lies: beside the artifacts, because it can be written again."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    from vintage.store.artifacts import Artifact, Store


def report_folder(store: Store, evaluation: Artifact) -> Path:
    """Return the folder of `report.html` and `pictures/`, whether or not it was written."""
    return store.folder / "reports" / f"date={evaluation.manifest.date}" / evaluation.key
