"""Stages of a user's own, for the tests: a plain Python Transformer, and things that are no stage."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pyspark.ml import Transformer
from pyspark.ml.param import Param, Params, TypeConverters
from pyspark.ml.param.shared import HasInputCol, HasOutputCol
from pyspark.ml.util import DefaultParamsReadable, DefaultParamsWritable
from pyspark.sql import functions as F

if TYPE_CHECKING:
    from pyspark.sql import DataFrame


class Doubler(Transformer, HasInputCol, HasOutputCol, DefaultParamsReadable, DefaultParamsWritable):
    """Multiplies a column."""

    by: Param[float] = Param(Params._dummy(), "by", "the factor", typeConverter=TypeConverters.toFloat)

    def __init__(self) -> None:
        super().__init__()
        self._setDefault(by=2.0)

    def _transform(self, dataset: DataFrame) -> DataFrame:
        return dataset.withColumn(
            self.getOrDefault(self.outputCol),
            F.col(self.getOrDefault(self.inputCol)) * self.getOrDefault(self.by),
        )


class NoStage:
    """Not a stage."""
