"""Which columns a stage reads and which it adds, told from its Params without a JVM."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any, Final

from vintage.ml.catalogue import find_stage_class, is_sparks_own, params_of
from vintage.ml.formula import Formula
from vintage.spec.sql import SOURCE_VIEW, BadSql, read_query

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping, Sequence

    from vintage.spec import Stage

TO_LEARN_FROM: Final = ("labelCol", "weightCol", "censorCol", "ratingCol", "validationIndicatorCol")
"""Params that name what a stage reads to learn, and usually not to transform."""

# What Spark takes when the Param is not set; None where it then takes none.
_READ: Final[Mapping[str, str | None]] = {
    "featuresCol": "features",
    "inputCol": None,
    "inputCols": None,
    "labelCol": "label",
    "weightCol": None,
    "offsetCol": None,
    "censorCol": "censor",
    "validationIndicatorCol": None,
    "userCol": "user",
    "itemCol": "item",
    "ratingCol": "rating",
    "itemsCol": "items",
    # xgboost.spark's.
    "features_cols": None,
    "base_margin_col": None,
    "qid_col": None,
}
_ADDED: Final[Mapping[str, str | None]] = {
    "outputCol": None,
    "outputCols": None,
    "predictionCol": "prediction",
    "rawPredictionCol": "rawPrediction",
    "probabilityCol": "probability",
    "topicDistributionCol": "topicDistribution",
    "leafCol": None,
    "varianceCol": None,
    "quantilesCol": None,
    "linkPredictionCol": None,
    "pred_contrib_col": None,
}
LABEL: Final = "label"


class BadFlow(ValueError):
    """A stage whose columns cannot be derived from its Params; `param` is the one to look at."""

    def __init__(self, what: str, *, param: str, expected: str = "") -> None:
        super().__init__(what)
        self.what = what
        self.param = param
        self.expected = expected


@dataclass(frozen=True, slots=True)
class NamedColumn:
    """A column, and where it is named: the Param, and the place in it when that is a list.

    `answers` tells of a column that is read only to train on, and makes no feature.
    """

    name: str
    at: tuple[str | int, ...]
    answers: bool = False


@dataclass(frozen=True, slots=True)
class Flow:
    """What a stage does to the columns.

    Attributes:
        reads: what it needs, in order.
        adds: what it adds, in order.
        keeps: whether the columns that were there stay; only an SQLTransformer may drop them.
        open: whether it may add columns that its Params do not name, as a user's stage can.
        unresolved: whether it reads columns that only the rows tell, besides.
    """

    reads: tuple[NamedColumn, ...] = ()
    adds: tuple[NamedColumn, ...] = ()
    keeps: bool = True
    open: bool = False
    unresolved: bool = False


def stage_flow(stage: Stage) -> Flow:
    """Return the flow of a declared stage, whose class and Params are known to exist.

    Raises:
        BadFlow: an input or an output is missing, or there are more of one than of the other.
    """
    found = find_stage_class(stage.type)
    own = not is_sparks_own(found)
    return flow_of(found.__name__, params_of(found), stage.params, own=own, there=stage.there)


def flow_of(
    class_name: str,
    params: Collection[str],
    values: Mapping[str, Any],
    *,
    own: bool,
    there: Sequence[str] | None = None,
) -> Flow:
    """Return the flow of a stage.

    Args:
        class_name: the class's name, without its module.
        params: the names of all Params that the class has.
        values: those that are set.
        own: whether the class is the user's own.
        there: the feature columns that a `.` of an RFormula may take; None where they are not known.

    Raises:
        BadFlow: an input or an output is missing, or there are more of one than of the other.
    """
    if class_name == "SQLTransformer" and not own:
        return _of_statement(str(values.get("statement", "")))
    if class_name == "RFormula" and not own:
        return _of_formula(values, there)
    if not own:
        _require_columns(class_name, params, values)
    # Where single columns are named, xgboost reads no vector.
    read = {**_READ, "featuresCol": None} if "features_cols" in values else _READ
    reads = tuple(_named(read, params, values))
    adds = tuple(_named(_ADDED, params, values))
    return Flow(reads, adds, open=own and not adds)


def _named(
    defaults: Mapping[str, str | None], params: Collection[str], values: Mapping[str, Any]
) -> Iterator[NamedColumn]:
    for param, default in defaults.items():
        if param in params:
            value = values.get(param, default)
            if isinstance(value, list | tuple):
                yield from (NamedColumn(name, (param, place)) for place, name in enumerate(value))
            # An empty text is Spark's way to say: no such column.
            elif value:
                yield NamedColumn(str(value), (param,), param in TO_LEARN_FROM)


def _require_columns(class_name: str, params: Collection[str], values: Mapping[str, Any]) -> None:
    inputs = [name for name in ("inputCol", "inputCols") if name in params]
    outputs = [name for name in ("outputCol", "outputCols") if name in params]
    for choices in (inputs, outputs):
        given = [name for name in choices if name in values]
        if choices and not given:
            # Spark would make up an output's name from a random id, another one each night.
            raise BadFlow(f"{class_name} has no {' or '.join(choices)}", param=choices[0])
        if len(given) > 1:
            raise BadFlow(
                f"{class_name} has both {' and '.join(given)}", param=given[1], expected="one of them"
            )
    if "inputCols" in values and "outputCol" in values and "outputCols" in outputs:
        raise BadFlow(f"{class_name} has inputCols and outputCol", param="outputCol", expected="outputCols")
    if "inputCol" in values and "outputCols" in values:
        raise BadFlow(f"{class_name} has inputCol and outputCols", param="outputCols", expected="outputCol")
    sources, targets = values.get("inputCols"), values.get("outputCols")
    if isinstance(sources, list) and isinstance(targets, list) and len(sources) != len(targets):
        raise BadFlow(
            f"{class_name} has {len(sources)} inputCols and {len(targets)} outputCols",
            param="outputCols",
            expected="as many of one as of the other",
        )


@cache
def _of_statement(statement: str) -> Flow:
    if "__THIS__" not in statement:
        raise BadFlow(
            "the statement of SQLTransformer does not read __THIS__",
            param="statement",
            expected="for example SELECT *, a + b AS c FROM __THIS__",
        )
    try:
        query = read_query(statement.replace("__THIS__", SOURCE_VIEW))
    except BadSql as error:
        raise BadFlow(error.what, param="statement", expected=error.expected) from error
    reads = tuple(
        NamedColumn(column.name, ("statement",)) for column in query.unknown_columns({SOURCE_VIEW: ()})
    )
    # Of a source without columns, a star stands for none: what is left is what the statement adds.
    adds = tuple(NamedColumn(name, ("statement",)) for name in query.columns({SOURCE_VIEW: ()}) or () if name)
    return Flow(reads, adds, keeps=query.has_star)


def _of_formula(values: Mapping[str, Any], there: Sequence[str] | None) -> Flow:
    formula = Formula.read(str(values.get("formula", "")))
    if formula is None:
        raise BadFlow(
            "the formula of RFormula has no label or no terms",
            param="formula",
            expected="for example label ~ a + b",
        )
    if formula.rest and formula.label != LABEL and LABEL not in formula.removed:
        raise BadFlow(
            f"the . of RFormula takes {LABEL}, the answer, for a feature",
            param="formula",
            expected=f"{LABEL} ~ ., or {formula.label} ~ . - {LABEL}",
        )
    target = str(values.get("labelCol", "label"))
    adds = [NamedColumn(str(values.get("featuresCol", "features")), ("featuresCol",))]
    # Spark leaves a label that is there as it is, and every row of ours has one of that name.
    if target not in {formula.label, LABEL}:
        adds.append(NamedColumn(target, ("labelCol",)))
    used = formula.taken(there or ())
    reads = (
        NamedColumn(name, ("formula",), name not in used) for name in dict.fromkeys([formula.label, *used])
    )
    return Flow(tuple(reads), tuple(adds), unresolved=formula.rest and there is None)
