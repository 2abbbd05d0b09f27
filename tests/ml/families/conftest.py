"""A holdout around a scored frame, for families that read no more of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tests.ml.test_stages import pipeline_of
from vintage.ml.families import Holdout

if TYPE_CHECKING:
    from pyspark.sql import DataFrame


def holdout_of(scored: DataFrame, **more: Any) -> Holdout:
    """A holdout of these scored rows; `more` are its other attributes."""
    given = {"rows": scored, "model": None, "pipeline": pipeline_of(), **more}
    return Holdout(scored=scored, count=scored.count(), **given)
