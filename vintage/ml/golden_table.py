"""A stored golden batch without Spark: each row that a model did not leave out, and what it made of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from vintage.twin.parity import beside

if TYPE_CHECKING:
    from pathlib import Path

    import pyarrow as pa

FOLDER: Final = "golden"
"""Of the batch, within that of the model."""
GIVEN: Final = "given"
MADE: Final = "made"
NUMBER: Final = "golden_row"
"""Column of the batch: a row's number, the hash of what was in it."""


def golden_table(model: Path) -> pa.Table:
    """Read the golden batch of a model's folder."""
    return beside(model / FOLDER / GIVEN, model / FOLDER / MADE, NUMBER)
