"""`preprocess.function`: a user's function that makes feature rows, held to what it promises."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from vintage.errors import SpecError, first_line
from vintage.store.user_code import CannotImport, import_path, look_in

if TYPE_CHECKING:
    from datetime import date

    from pyspark.sql import DataFrame

    from vintage.spec import Pipeline, Problem


def function_problems(pipeline: Pipeline) -> list[Problem]:
    """Return what is wrong with `preprocess.function`, found by importing it; no Spark is started."""
    path = pipeline.preprocess.function
    if path is None:
        return []
    look_in(pipeline.home)
    at = ("preprocess", "function")
    try:
        found = import_path(path)
    except CannotImport as error:
        return [pipeline.problem(at, error.what, hint=error.hint)]
    if not callable(found):
        return [
            pipeline.problem(at, f'"{path}" is no function', expected="def …(rows: DataFrame) -> DataFrame")
        ]
    return []


def apply_function(rows: DataFrame, pipeline: Pipeline, day: date) -> DataFrame:
    """Return what `preprocess.function` makes of one date's rows.

    Args:
        rows: those of the SQL, or the raw ones.
        pipeline: names the function, and the columns that it is to give, where they are declared.
        day: for the messages.

    Raises:
        SpecError: the function cannot be imported, raises, gives no frame, or gives other columns.
    """
    from pyspark.sql import DataFrame as Frame

    path = str(pipeline.preprocess.function)
    look_in(pipeline.home)
    try:
        made: Any = import_path(path)(rows)
    except CannotImport as error:
        raise SpecError(f"preprocess.function of {pipeline.name}: {error.what}", fix=error.hint) from error
    # What the user's function raises can be anything.
    except Exception as error:
        raise SpecError(
            f"preprocess.function {path} of {pipeline.name} fails on the rows of {day}",
            found=f"{type(error).__name__}: {first_line(error) if str(error) else ''}",
            fix="The traceback is above.",
        ) from error
    if not isinstance(made, Frame):
        raise SpecError(
            f"preprocess.function {path} of {pipeline.name} returns no DataFrame", found=type(made).__name__
        )
    return _held(made, pipeline, path)


def _held(made: DataFrame, pipeline: Pipeline, path: str) -> DataFrame:
    """Return the frame, whose columns are those declared, in their order."""
    from pyspark.sql.types import DataType

    declared = pipeline.preprocess.declared_columns
    if declared is None:
        return made
    wanted = {
        column.name: "vector" if column.type == "VECTOR" else DataType.fromDDL(column.type).simpleString()
        for column in declared
    }
    found = dict(made.dtypes)
    differences = [f"missing: {name}" for name in wanted if name not in found]
    differences += [f"added: {name}" for name in found if name not in wanted]
    differences += [
        f"retyped: {name} is {found[name]} instead of {kind}"
        for name, kind in wanted.items()
        if found.get(name, kind) != kind
    ]
    if differences:
        raise SpecError(
            f"preprocess.function {path} of {pipeline.name} returns other columns than preprocess.columns",
            found="; ".join(differences),
            fix="Correct the function or the declaration.",
        )
    return made.select(*(f"`{name}`" for name in wanted))
