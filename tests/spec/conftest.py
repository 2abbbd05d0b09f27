"""A home with one small pipeline, which each test bends in its own way."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from vintage.spec import Home

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

PIPELINE = """\
name: tips
schedule: "0 2 * * *"
start_date: 2020-01-01
source:
  format: csv
  path: raw/{date}
  options: {header: true, samplingRatio: 0.5}
  schema: id INT, bill DOUBLE, tip DOUBLE, day STRING
expectations: tips
window: {days: 10, min_days: 4}
preprocess:
  sql: |
    SELECT
      id, bill, day,
      tip
    FROM source
  key: [id]
  label: CAST(tip > 2 AS DOUBLE)
  train_where: tip IS NOT NULL
split: {by: date, test_days: 3}
task: classification
stages:
  - StringIndexer: {inputCol: day, outputCol: day_ix}
  - VectorAssembler: {inputCols: [bill, day_ix], outputCol: features}
  - LogisticRegression: {maxIter: 5, regParam: 1e-2}
evaluate:
  metric: areaUnderROC
  gates:
    - {metric: areaUnderROC, min: 0.5}
trigger_params: [LogisticRegression.regParam]
"""

SUITE = """\
description: Tips of a day.
expectations:
  - {type: expect_column_values_to_not_be_null, kwargs: {column: id}}
  - {type: expect_column_values_to_be_in_set, kwargs: {column: day, value_set: [Sat, NO]}, severity: warning}
"""


@pytest.fixture
def home_with(tmp_path: Path) -> Callable[..., Home]:
    """Makes a home of the pipeline `tips` with texts replaced: `home_with(("days: 10", "days: ten"))`."""

    def make(*replaced: tuple[str, str], pipeline: str = PIPELINE, suite: str = SUITE) -> Home:
        for old, new in replaced:
            assert (old in pipeline) != (old in suite), f"{old!r} stands in neither or in both files"
            pipeline, suite = pipeline.replace(old, new, 1), suite.replace(old, new, 1)
        for folder, text in (("pipelines", pipeline), ("expectations", suite)):
            (tmp_path / folder).mkdir(exist_ok=True)
            (tmp_path / folder / "tips.yaml").write_text(text, encoding="utf-8")
        return Home.from_environment({"VINTAGE_HOME": str(tmp_path)})

    return make
