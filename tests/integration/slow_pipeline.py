"""The pipeline `slow`: its fit stops within one task of an executor, until that is killed."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

SLOW = """\
import os
import time
from pathlib import Path

import pandas as pd
from pyspark.ml import Transformer
from pyspark.ml.param.shared import HasInputCol, HasOutputCol
from pyspark.ml.util import DefaultParamsReadable, DefaultParamsWritable
from pyspark.sql.functions import pandas_udf
from pyspark.sql.types import DoubleType


@pandas_udf(DoubleType())
def slowly(values: pd.Series) -> pd.Series:
    # Whoever is first says who it is, and stays until it is killed.
    try:
        with Path("{marker}").open("x") as file:
            file.write(str(os.getpid()))
    except FileExistsError:
        return values
    time.sleep(120)
    return values


class Slow(Transformer, HasInputCol, HasOutputCol, DefaultParamsReadable, DefaultParamsWritable):
    def _transform(self, rows):
        return rows.withColumn(self.getOrDefault("outputCol"), slowly(self.getOrDefault("inputCol")))
"""


def write_slow_pipeline(home: Path, marker: Path) -> None:
    """Adds `slow` beside `tiny`, over the same rows.

    Args:
        home: where `tiny` is.
        marker: where the process that waits says who it is; while the file is there, nobody else waits.
    """
    package = home / "slowness"
    package.mkdir()
    (package / "__init__.py").touch()
    (package / "stages.py").write_text(SLOW.format(marker=marker))
    text = (home / "pipelines" / "tiny.yaml").read_text().replace("name: tiny", "name: slow")
    stages = "stages:\n  - slowness.stages.Slow: {inputCol: x, outputCol: y}\n"
    text = text.replace("stages:\n", stages).replace("inputCols: [x]", "inputCols: [y]")
    (home / "pipelines" / "slow.yaml").write_text(text)
