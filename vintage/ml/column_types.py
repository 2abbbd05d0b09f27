"""Stages that cannot read a column because of its type; without a JVM, where the type is declared."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from vintage.ml.catalogue import find_stage_class, is_sparks_own
from vintage.ml.column_flow import LABEL, stage_flow

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from vintage.spec import Pipeline, Problem

# What each reads by inputCol or inputCols; what is not named here may read text.
_READS_NUMBERS: Final = frozenset(
    {"VectorAssembler", "Imputer", "Bucketizer", "QuantileDiscretizer", "Binarizer", "OneHotEncoder"}
)
_READS_VECTORS: Final = frozenset(
    {
        *("StandardScaler", "MinMaxScaler", "MaxAbsScaler", "RobustScaler", "Normalizer", "VectorSlicer"),
        *("PCA", "DCT", "PolynomialExpansion", "ElementwiseProduct", "IDF", "VectorIndexer"),
        *("BucketedRandomProjectionLSH", "MinHashLSH", "VectorSizeHint"),
    }
)
_READS_TEXT: Final = frozenset({"Tokenizer", "RegexTokenizer"})
_READS_WORDS: Final = frozenset({"StopWordsRemover", "NGram", "HashingTF", "CountVectorizer", "Word2Vec"})
_NUMERIC_PARAMS: Final = frozenset({"featuresCol", "weightCol", "offsetCol", "censorCol", "ratingCol"})

_NO_NUMBERS: Final = frozenset({"STRING", "CHAR", "VARCHAR", "DATE", "TIMESTAMP", "BINARY", "MAP", "STRUCT"})
_TEXTS: Final = frozenset({"STRING", "CHAR", "VARCHAR"})


def type_problems(pipeline: Pipeline, types: Mapping[str, str]) -> Iterator[Problem]:
    """Yield what stages of Spark's own cannot read, each at its line.

    Args:
        pipeline: its stages have no other problem.
        types: column → Spark type in upper case, of the feature columns whose type is known.
    """
    known = {name: kind for name, kind in types.items() if name != LABEL}
    for index, stage in enumerate(pipeline.stages):
        flow = stage_flow(stage)
        told = is_sparks_own(find_stage_class(stage.type))
        for column in flow.reads if told else ():
            kind = known.get(column.name)
            wrong = None if kind is None else _wrong(stage.type, str(column.at[0]), kind)
            if wrong is not None:
                expected, hint = wrong
                yield pipeline.problem(
                    ("stages", index, stage.type, *column.at),
                    f'{stage.type} cannot read column "{column.name}"',
                    expected=expected,
                    found=str(kind),
                    hint=hint,
                )
        if not flow.keeps:
            # What passes on may be another column of the same name.
            return


def _wrong(stage: str, param: str, kind: str) -> tuple[str, str] | None:
    """Return the type that a Param reads instead, and the fix; None where it can read the given type."""
    # DECIMAL(8,2), ARRAY<STRING> and TIMESTAMP_NTZ are of the family that they begin with.
    family = re.split(r"[(<_]", kind, maxsplit=1)[0]
    by_input = param in {"inputCol", "inputCols"}
    if (by_input and stage in _READS_NUMBERS) or param in _NUMERIC_PARAMS:
        if family in _NO_NUMBERS or (by_input and family == "ARRAY"):
            vectors = stage == "VectorAssembler" or param == "featuresCol"
            return "a number or a vector" if vectors else "a number", _make_numbers(family)
    elif by_input and stage in _READS_VECTORS:
        if family not in {"VECTOR", "ARRAY"}:
            return "a vector", "a VectorAssembler before it makes one of numbers"
    elif by_input and stage in _READS_TEXT:
        if family not in _TEXTS:
            return "STRING", "CAST(… AS STRING) in preprocess.sql"
    elif by_input and stage in _READS_WORDS and family != "ARRAY":
        return "ARRAY<STRING>", "a Tokenizer before it makes words of a text" if family in _TEXTS else ""
    return None


def _make_numbers(family: str) -> str:
    if family in _TEXTS:
        return "a StringIndexer makes numbers of categories, CAST(… AS DOUBLE) in preprocess.sql of digits"
    if family in {"DATE", "TIMESTAMP"}:
        return "take a number of it in preprocess.sql: hour(…), dayofweek(…), unix_timestamp(…)"
    return "take numbers of it in preprocess.sql"
