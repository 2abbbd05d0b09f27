"""A twin as the `python_function` flavor of an MLflow model: MLflow imports this by its name.

It needs pandas, which MLflow hands rows over in, and no part of MLflow itself.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from vintage.twin.columns import VECTOR, Array, Column
from vintage.twin.errors import BadInput
from vintage.twin.evaluator import Twin

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd

    from vintage.twin.description import Input


class TwinFunction:
    """What MLflow calls.

    Args:
        twin: the pipeline.
    """

    def __init__(self, twin: Twin) -> None:
        self.twin = twin

    def predict(self, model_input: pd.DataFrame, params: dict[str, Any] | None = None) -> pd.DataFrame:
        """Evaluate rows.

        Args:
            model_input: the columns that the pipeline reads. What pandas has as NaN is a null: JSON has no
                NaN, and a null among numbers becomes one.
            params: none are known.

        Returns:
            The columns that the pipeline predicts, as Spark names them, under the index of their rows.
            Vectors are lists.

        Raises:
            BadInput: a column is missing, or not of its type.
            InvalidRow: a stage refuses a row, as Spark's does.
        """
        import pandas as pd

        frame = self.twin.transform(columns_of(model_input, self.twin.inputs))
        made = {name: plain(frame[name]) for name in self.twin.outputs}
        return pd.DataFrame(made, index=model_input.index[frame.rows])


def columns_of(rows: pd.DataFrame, inputs: Sequence[Input]) -> dict[str, Array | list[Any]]:
    """Return the columns of pandas that a twin reads, as it takes them: None for what pandas calls missing.

    Raises:
        BadInput: one is missing.
    """
    missing = [each.name for each in inputs if each.name not in rows]
    if missing:
        raise BadInput(f"expected columns {', '.join(missing)}, found {', '.join(map(str, rows))}")
    return {each.name: _values(rows[each.name], each.type) for each in inputs}


def _values(series: pd.Series[Any], kind: str) -> Array | list[Any]:
    if kind == VECTOR:
        # Spark's own vectors, where a DataFrame of Spark's was made one of pandas.
        return [value.toArray() if hasattr(value, "toArray") else value for value in series.tolist()]
    if series.dtype.kind == "f" and not series.isna().any():
        return np.asarray(series)
    whole = kind not in {"double", "float"} and series.dtype.kind == "f"
    return [
        None if _is_missing(value) else int(value) if whole and value.is_integer() else value
        for value in series.tolist()
    ]


def _is_missing(value: Any) -> bool:
    """None, NaN, NaT or NA, which alone are not equal to themselves, or say that they do not know."""
    import pandas as pd

    # A NaN alone is not equal to itself.
    return value is None or value is pd.NA or value is pd.NaT or (isinstance(value, float) and value != value)  # noqa: PLR0124


def plain(column: Column) -> list[Any] | Array:
    """Return a column's values as pandas takes them."""
    if column.values.ndim == 1 and not column.null.any() and column.values.dtype != object:
        return column.values
    return column.to_list()


def _load_pyfunc(path: str) -> TwinFunction:
    """Load a twin; MLflow calls this by its name, with the folder that the model's description names."""
    return TwinFunction(Twin.load(Path(path)))
