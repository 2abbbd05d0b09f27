"""Holds a stage's twin against Spark: on the rows of a case, and on rows made to hurt."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from vintage.twin import Description, Input, InvalidRow, Stage, Twin
from vintage.twin.columns import TYPES

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from pyspark.ml import Transformer
    from pyspark.sql import Row, SparkSession

NUMBER = "row_number"
HURT: Mapping[str, Sequence[Any]] = {
    "double": [None, math.nan, math.inf, -math.inf, -0.0, 0.0, 1e300, -1e-300, 5e-324, -1.0, 0.5, 2.0, 7.0],
    "float": [None, math.nan, math.inf, -0.0, -1.0, 1.5, 3.0],
    "int": [None, 0, -1, 3, 2**31 - 1],
    "string": [None, "", " ", "unseen", "Ångström \t und  İ ", "😀 virginica", "setosa"],
    "array<string>": [None, [], [""], ["unseen"], ["a", "b", "A", "a"], ["😀", "field", "Airport"]],
}
VARIED: Mapping[str, Sequence[Mapping[str, Any]]] = {
    "Binarizer": [{"threshold": -1.0}, {"threshold": 0.0}],
    "StandardScalerModel": [{"withMean": False}, {"withStd": False}],
    "RobustScalerModel": [{"withCentering": False}, {"withScaling": False}],
    "MinMaxScalerModel": [{"min": -1.0, "max": 3.0}],
    "Normalizer": [{"p": 2.0}, {"p": 3.0}, {"p": math.inf}],
    "PolynomialExpansion": [{"degree": 3}],
    "DCT": [{"inverse": True}],
    "OneHotEncoderModel": [{"dropLast": False}, {"dropLast": False, "handleInvalid": "keep"}],
    "TargetEncoderModel": [{"smoothing": 0.0, "targetType": "continuous"}],
    "HashingTF": [{"binary": True}],
    "CountVectorizerModel": [{"minTF": 2.0}, {"minTF": 0.4}, {"binary": True}],
    "StopWordsRemover": [{"caseSensitive": True}],
    "NGram": [{"n": 1}, {"n": 3}],
    "RegexTokenizer": [
        {"gaps": True, "pattern": "[aeiou]", "minTokenLength": 2},
        {"gaps": True, "pattern": r"\s", "toLowercase": False},
    ],
    "VectorSlicer": [{"indices": [3, 0]}],
    "LogisticRegressionModel": [{"thresholds": [0.9, 0.0, 0.3]}, {"rawPredictionCol": ""}],
    "RandomForestClassificationModel": [{"thresholds": [0.9, 0.2, 0.3], "leafCol": "leaves"}],
    "DecisionTreeClassificationModel": [{"thresholds": [0.9, 0.2, 0.3]}],
    "NaiveBayesModel": [{"thresholds": [0.9, 0.2, 0.3]}],
    "GBTClassificationModel": [{"thresholds": [0.9, 0.2], "leafCol": "leaves"}],
    "FMClassificationModel": [{"thresholds": [0.2, 0.8]}],
    "LinearSVCModel": [{"threshold": 1.5}],
    "GBTRegressionModel": [{"leafCol": "leaves"}],
    "RandomForestRegressionModel": [{"leafCol": "leaves"}],
    "AFTSurvivalRegressionModel": [{"quantileProbabilities": [0.1, 0.5, 0.999]}],
    "ALSModel": [{"coldStartStrategy": "nan"}],
}
"""Class → Params to try besides those of its case."""
STRICTER = frozenset({"DCT"})
"""Classes whose twin refuses an infinity, of which Spark makes NaN here and there."""
INVALID = ("error", "keep", "skip")
LANES = 1e-9
"""How far a number may be from Spark's, relative to the largest of its vector."""


@dataclass(frozen=True)
class Case:
    """A fitted stage in Spark, its twin's description, and rows as the stage is given them.

    Attributes:
        stage: in Spark.
        described: compiled.
        rows: as Spark collected them after the pipeline.
        kinds: column → type, of all columns.
        notes: column → what Spark ML notes of its slots.
        reads: the columns that the stage reads.
    """

    stage: Transformer
    described: Stage
    rows: Sequence[Row]
    kinds: Mapping[str, str]
    notes: Mapping[str, dict[str, Any]]
    reads: Sequence[str]

    @property
    def twin(self) -> Twin:
        inputs = tuple(Input(name, self.kinds[name]) for name in self.reads)
        return Twin(Description("", inputs, (self.described,)))

    def with_params(self, params: Mapping[str, Any]) -> Case:
        """The case with other Params, on both sides."""
        stage = self.stage.copy({self.stage.getParam(name): value for name, value in params.items()})
        described = replace(self.described, params={**self.described.params, **params})
        return replace(self, stage=stage, described=described)


def variations(case: Case) -> Iterator[Case]:
    """The case, and the case with other Params."""
    yield case
    for params in VARIED.get(case.described.kind, ()):
        yield case.with_params(params)
    if "handleInvalid" in case.described.params:
        for invalid in INVALID:
            try:
                varied = case.with_params({"handleInvalid": invalid})
                varied.stage._transfer_params_to_java()  # type: ignore[attr-defined]
            except Exception as error:
                if "parameter handleInvalid given invalid value" not in str(error):
                    raise
            else:
                yield varied


def hurtful(case: Case) -> list[dict[str, Any]]:
    """Rows of which one column hurts, for each column and each value that may hurt it."""
    base = {name: case.rows[0][name] for name in case.reads}
    return [{**base, name: value} for name in case.reads for value in _values(case.kinds[name], base[name])]


def _values(kind: str, like: Any) -> Sequence[Any]:
    from pyspark.ml.linalg import Vectors

    if kind != "vector":
        return HURT[kind]
    size = like.size
    ones = np.ones(size)
    mixed = np.resize([math.inf, -3.5, 0.0, math.nan, 1e-300], size)
    return [
        None,
        Vectors.sparse(size, [], []),
        Vectors.dense(np.zeros(size)),
        Vectors.dense(-np.zeros(size)),
        Vectors.sparse(size, [size - 1], [2.5]),
        Vectors.dense(ones),
        Vectors.dense(-ones),
        Vectors.dense(np.resize([3.0, 0.0, 7.5], size)),
        Vectors.dense(ones * math.nan),
        Vectors.dense(ones * math.inf),
        Vectors.dense(mixed),
        Vectors.dense(ones * 1e150),
        Vectors.dense(ones * -1e-150),
    ]


def plain(value: Any) -> Any:
    """A value of Spark's as the twin takes and gives it."""
    if hasattr(value, "toArray"):
        return value.toArray().tolist()
    if isinstance(value, list):
        return [plain(each) for each in value]
    return value


def made_by(twin: Twin, rows: Sequence[Mapping[str, Any]]) -> dict[int, dict[str, Any]]:
    """What a twin makes, by row."""
    given = {each.name: [plain(row[each.name]) for row in rows] for each in twin.inputs}
    frame = twin.transform(given)
    columns = {name: column.to_list() for name, column in frame.columns.items()}
    return {
        int(number): {name: values[place] for name, values in columns.items()}
        for place, number in enumerate(frame.rows)
    }


def differences(expected: Any, found: Any) -> float:
    """How far a value is from Spark's: 0.0 the same, infinity another one, else relative to the largest."""
    if isinstance(expected, list) and isinstance(found, list):
        if len(expected) != len(found):
            return math.inf
        if expected and isinstance(expected[0], float):
            size = max((abs(each) for each in expected if math.isfinite(each)), default=0.0)
            return max(map(lambda a, b: _apart(a, b, size), expected, found))
        return max(map(differences, expected, found), default=0.0)
    if isinstance(expected, float) and isinstance(found, float):
        return _apart(expected, found, abs(expected))
    return 0.0 if expected == found and type(expected) is type(found) else math.inf


def _apart(expected: float, found: float, size: float) -> float:
    if expected == found or (math.isnan(expected) and math.isnan(found)):
        return 0.0
    if not (math.isfinite(expected) and math.isfinite(found) and size):
        return math.inf
    return abs(expected - found) / size


def check(spark: SparkSession, case: Case) -> float:
    """Hold a twin against Spark on rows made to hurt.

    Returns:
        How far the farthest number is from Spark's, relative to the largest of its vector.
    """
    rows, twin = hurtful(case), case.twin
    alone: dict[int, dict[str, Any]] = {}
    refused: dict[str, int] = {}
    kept = []
    for number, row in enumerate(rows):
        try:
            for made in made_by(twin, [row]).values():
                alone[number] = made
        except InvalidRow as error:
            refused.setdefault(error.reason, number)
        else:
            kept.append(number)
    together = made_by(twin, [rows[number] for number in kept])
    assert str({kept[place]: made for place, made in together.items()}) == str(alone)
    for reason, number in refused.items():
        if case.described.kind in STRICTER and "is not finite" in reason:
            continue
        assert refuses(spark, case, rows[number]), f"{case.described.kind} takes {rows[number]}: {reason}"
    expected = transformed(spark, case, {number: rows[number] for number in kept})
    assert set(expected) == set(alone), f"{case.described.kind} keeps other rows"
    return farthest(case, expected, alone)


def farthest(
    case: Case, expected: Mapping[int, Mapping[str, Any]], found: Mapping[int, Mapping[str, Any]]
) -> float:
    """The largest difference of what two made of the same rows.

    A column of Spark's that the twin lacks is told, unless it is the label, which nobody has who asks.
    """
    worst = 0.0
    for number, row in expected.items():
        for name, value in row.items():
            if name not in found[number]:
                assert name in {"formula_label"}, f"{case.described.kind} makes no {name}"
                continue
            apart = differences(plain(value), found[number][name])
            assert apart <= LANES, (
                f"{case.described.kind} {dict(case.described.params)}: {name} of row {number} {row}: "
                f"Spark has {value}, the twin {found[number][name]}"
            )
            worst = max(worst, apart)
    return worst


def transformed(
    spark: SparkSession, case: Case, rows: Mapping[int, Mapping[str, Any]]
) -> dict[int, dict[str, Any]]:
    """What Spark makes of rows, by their number."""
    from pyspark.ml.linalg import VectorUDT
    from pyspark.sql.types import StructField, StructType, _parse_datatype_string

    kinds = [
        StructField(
            name,
            VectorUDT() if case.kinds[name] == "vector" else _parse_datatype_string(case.kinds[name]),
            metadata=case.notes.get(name, {}),
        )
        for name in case.reads
    ]
    schema = StructType([*kinds, StructField(NUMBER, _parse_datatype_string("int"))])
    given = spark.createDataFrame([(*row.values(), number) for number, row in rows.items()], schema)
    made = case.stage.transform(given.coalesce(1)).collect()
    return {
        row[NUMBER]: {name: value for name, value in row.asDict().items() if name != NUMBER} for row in made
    }


def refuses(spark: SparkSession, case: Case, row: Mapping[str, Any]) -> bool:
    """Whether Spark fails on a row."""
    from py4j.protocol import Py4JJavaError
    from pyspark.errors import PySparkException

    try:
        transformed(spark, case, {0: row})
    except (PySparkException, Py4JJavaError):
        return True
    return False


def portable(kinds: Mapping[str, str], names: Sequence[str]) -> list[str]:
    """Those of some columns that a twin can take."""
    return [name for name in names if kinds[name] in TYPES]
