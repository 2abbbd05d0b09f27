"""A twin as MLflow calls it: pandas in, pandas out."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import pytest

from vintage.twin import BadInput, Description, Input, InvalidRow, Stage, Twin, description
from vintage.twin.pyfunc import TwinFunction, _load_pyfunc

if TYPE_CHECKING:
    from pathlib import Path

INDEXER = Stage(
    "StringIndexerModel",
    {"inputCol": "colour", "outputCol": "place", "handleInvalid": "skip"},
    {"labelsArray": [[["red", "blue"]]]},
)
IMPUTER = Stage(
    "ImputerModel",
    {"inputCols": ["size"], "outputCols": ["filled"], "missingValue": "NaN"},
    {"size": np.array([7.0])},
)
ASSEMBLER = Stage(
    "VectorAssembler", {"inputCols": ["place", "filled"], "outputCol": "features", "handleInvalid": "error"}
)
REGRESSION = Stage(
    "LinearRegressionModel",
    {"featuresCol": "features", "predictionCol": "prediction"},
    {"coefficients": np.array([[10.0, 1.0]]), "intercept": np.array([0.5])},
)
INPUTS = (Input("colour", "string"), Input("size", "double"))
DESCRIBED = Description("4.1.4", INPUTS, (INDEXER, IMPUTER, ASSEMBLER, REGRESSION))
FUNCTION = TwinFunction(Twin(DESCRIBED))


def test_it_answers_with_what_the_model_predicts() -> None:
    rows = pd.DataFrame({"colour": ["blue", "red"], "size": [1, 2], "other": ["?", "?"]})
    assert FUNCTION.predict(rows).to_dict("list") == {"prediction": [11.5, 2.5]}


def test_a_row_that_is_left_out_leaves_the_others_their_index() -> None:
    rows = pd.DataFrame({"colour": ["red", "green", None, "blue"], "size": 1.0}, index=[3, 5, 7, 9])
    assert FUNCTION.predict(rows)["prediction"].to_dict() == {3: 1.5, 9: 11.5}


@pytest.mark.parametrize("missing", [None, math.nan, pd.NA])
def test_what_pandas_calls_missing_is_a_null(missing: object) -> None:
    rows = pd.DataFrame({"colour": ["red", "red"], "size": [1.0, missing]})
    assert FUNCTION.predict(rows)["prediction"].tolist() == [1.5, 7.5]


def test_a_missing_column_and_a_wrong_type_are_named() -> None:
    with pytest.raises(BadInput, match="expected columns size, found colour"):
        FUNCTION.predict(pd.DataFrame({"colour": ["red"]}))
    with pytest.raises(BadInput, match="'colour', row 0: expected string, found int"):
        FUNCTION.predict(pd.DataFrame({"colour": [1], "size": [1.0]}))


def test_a_refused_row_is_named() -> None:
    strict = Stage(INDEXER.kind, {**INDEXER.params, "handleInvalid": "error"}, INDEXER.data)
    with pytest.raises(InvalidRow, match="StringIndexerModel refuses row 1"):
        TwinFunction(Twin(Description("", INPUTS, (strict,)))).predict(
            pd.DataFrame({"colour": ["red", "green"], "size": 1.0})
        )


def test_mlflow_loads_it_from_its_folder(tmp_path: Path) -> None:
    description.save(DESCRIBED, tmp_path / "twin")
    rows = pd.DataFrame({"colour": ["blue"], "size": [1.0]})
    assert _load_pyfunc(str(tmp_path / "twin")).predict(rows)["prediction"].tolist() == [11.5]


def test_vectors_of_spark_s_own_are_taken() -> None:
    from pyspark.ml.linalg import Vectors

    given = Description("4.1.4", (Input("features", "vector"),), (REGRESSION,))
    rows = pd.DataFrame({"features": [Vectors.dense(1.0, 2.0), Vectors.sparse(2, [1], [2.0])]})
    assert TwinFunction(Twin(given)).predict(rows)["prediction"].tolist() == [12.5, 2.5]
