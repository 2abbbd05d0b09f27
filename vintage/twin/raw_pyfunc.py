"""A twin that takes raw rows as the `python_function` flavor of an MLflow model; see `pyfunc`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from vintage.twin.pyfunc import columns_of, plain
from vintage.twin.raw import RawTwin

if TYPE_CHECKING:
    import pandas as pd

LEFT_OUT: Final = "left_out"
"""Column of an answer that says why a row has none, where the SQL has a WHERE."""


class RawFunction:
    """What MLflow calls.

    Args:
        twin: the pipeline, with the SQL of preprocess.
    """

    def __init__(self, twin: RawTwin) -> None:
        self.twin = twin

    def predict(self, model_input: pd.DataFrame, params: dict[str, Any] | None = None) -> pd.DataFrame:
        """Evaluate raw rows.

        Args:
            model_input: the raw columns. What pandas has as NaN is a null.
            params: none are known.

        Returns:
            The columns that the pipeline predicts, under the index of their rows. Where the SQL has a WHERE,
            every row is there: one that it does not keep has no values, and its condition in `left_out`.

        Raises:
            BadInput: a column is missing, or not of its type.
            InvalidRow: Spark raises on a row in the SQL, or a stage refuses it.
        """
        import pandas as pd

        twin = self.twin
        answered = twin.answer(columns_of(model_input, twin.inputs))
        frame, index = answered.frame, model_input.index
        if not twin.condition:
            made = {name: plain(frame[name]) for name in twin.outputs}
            return pd.DataFrame(made, index=index[frame.rows])
        none = [None] * len(twin.outputs)
        rows: dict[int, list[Any]] = {row: [*none, f"WHERE {twin.condition}"] for row in answered.left_out}
        values = zip(*(frame[name].to_list() for name in twin.outputs), strict=True)
        rows |= {int(row): [*each, None] for row, each in zip(frame.rows, values, strict=True)}
        order = sorted(rows)
        names = [*twin.outputs, LEFT_OUT]
        return pd.DataFrame([rows[row] for row in order], columns=names, index=index[order], dtype=object)


def _load_pyfunc(path: str) -> RawFunction:
    """Load a twin; MLflow calls this by its name, with the folder that the model's description names."""
    return RawFunction(RawTwin.load(Path(path)))
