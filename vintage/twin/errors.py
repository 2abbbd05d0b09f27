"""What can be wrong with a twin, and with a row that it is given."""

from __future__ import annotations


class TwinError(ValueError):
    """Base of the errors of this package."""


class DamagedTwin(TwinError):
    """A twin's files are not those that were written: one is missing, is changed, or is one too many."""


class LaterFormat(TwinError):
    """A twin was written by a later version, whose format this one does not know."""


class BadInput(TwinError):
    """What is to be evaluated lacks a column, or holds a value that is not of its column's type."""


class InvalidRow(TwinError):
    """A row that Spark's stage refuses too: an unseen category under `handleInvalid: error`, a null, a NaN.

    Attributes:
        stage: its class in Spark.
        row: its number in what was given, from 0.
        reason: what it has, and what is expected.
    """

    def __init__(self, stage: str, row: int, reason: str) -> None:
        super().__init__(f"{stage} refuses row {row}: {reason}")
        self.stage = stage
        self.row = row
        self.reason = reason
