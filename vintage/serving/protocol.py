"""MLflow's scoring protocol: from a request's body to columns, and from answers to JSON."""

from __future__ import annotations

import io
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from vintage.twin import BadInput, InvalidRow
from vintage.twin.columns import NUMBERS

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from vintage.serving.champions import ServedModel
    from vintage.twin import Frame, Input, Twin
    from vintage.twin.evaluator import Answered
    from vintage.twin.raw import RawTwin

JSON: Final = "application/json"
CSV: Final = "text/csv"
FORMATS: Final = ("dataframe_split", "dataframe_records", "instances", "inputs")
_WHOLE: Final = frozenset(NUMBERS) - {"float", "double", "boolean"}

Columns = dict[str, "list[Any]"]


class Refused(Exception):
    """A request that is not answered with predictions.

    Attributes:
        status: of HTTP.
        code: MLflow's name for it.
        message: what is wrong, in a line; no value of the request is in it but what a stage names.
    """

    def __init__(self, status: int, message: str, code: str = "BAD_REQUEST") -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message

    @property
    def body(self) -> bytes:
        """As MLflow words it."""
        return json.dumps({"error_code": self.code, "message": self.message}).encode()


@dataclass(frozen=True)
class Answer:
    """What a request gets.

    Attributes:
        body: JSON.
        rows: how many were given.
    """

    body: bytes
    rows: int


def respond(model: ServedModel, body: bytes, content_type: str, most_rows: int) -> Answer:
    """Read a request, evaluate it and word the answer.

    Raises:
        Refused: the request is not of the protocol, holds too many rows, or the model refuses a row.
    """
    try:
        columns = read(body, content_type, model.twin.inputs, most_rows)
        answered = model.twin.answer(columns)
    except InvalidRow as error:
        raise Refused(400, str(error), "INVALID_PARAMETER_VALUE") from error
    except BadInput as error:
        raise Refused(400, str(error)) from error
    except UnicodeEncodeError as error:
        raise Refused(400, "a text holds half a character, which no encoding has") from error
    count = len(next(iter(columns.values()), ()))
    return Answer(_worded(model, answered, count), count)


def read(body: bytes, content_type: str, inputs: Sequence[Input], most_rows: int) -> Columns:
    """Return the columns of a request that the model reads; further ones are left out, as MLflow does.

    Raises:
        Refused: it is not of the protocol, or holds too many rows.
        BadInput: a column is missing.
    """
    mime, *parameters = (each.strip().lower() for each in content_type.split(";"))
    if any(each != "charset=utf-8" for each in parameters):
        raise Refused(415, "the content type may have no parameter but charset=utf-8")
    if mime == CSV:
        columns, rows = _of_csv(body, inputs, most_rows)
    elif mime == JSON:
        columns, rows = _of_json(body, inputs)
    else:
        raise Refused(415, f"expected the content type {JSON} or {CSV}")
    if rows > most_rows:
        raise Refused(413, f"expected at most {most_rows} rows, found {rows}; send them in several requests")
    for each in inputs:
        if each.type in _WHOLE and each.name in columns:
            columns[each.name] = [_whole(value) for value in columns[each.name]]
    return columns


def _whole(value: Any) -> Any:
    """Return a whole number as an int: pandas and JavaScript write integers beside a null as doubles."""
    return int(value) if type(value) is float and value.is_integer() else value


def _of_json(body: bytes, inputs: Sequence[Input]) -> tuple[Columns, int]:
    try:
        told = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise Refused(400, f"the body is no JSON: {type(error).__name__}") from error
    found = [name for name in FORMATS if name in told] if isinstance(told, dict) else []
    if len(found) != 1:
        raise Refused(400, f"expected a JSON object with exactly one of the fields {', '.join(FORMATS)}")
    content = told[found[0]]
    if found[0] == "dataframe_split":
        return _of_split(content, inputs)
    if isinstance(content, dict) and found[0] == "inputs":
        return _of_columns(content, inputs)
    if isinstance(content, list) and all(isinstance(each, dict) for each in content):
        return _of_records(content, inputs)
    raise Refused(400, f"expected in {found[0]} a list of objects, one for each row")


def _of_records(records: list[dict[str, Any]], inputs: Sequence[Input]) -> tuple[Columns, int]:
    """Return the columns of records; a name that only some lack is null there, as in pandas."""
    if records:
        first = records[0]
        missing = [
            each.name
            for each in inputs
            if each.name not in first and not any(each.name in record for record in records)
        ]
        _require(missing, first)
    return {each.name: [record.get(each.name) for record in records] for each in inputs}, len(records)


def _of_split(content: Any, inputs: Sequence[Input]) -> tuple[Columns, int]:
    names, data = (content.get("columns"), content.get("data")) if isinstance(content, dict) else (None, None)
    if not (isinstance(names, list) and isinstance(data, list) and all(isinstance(x, str) for x in names)):
        raise Refused(400, "expected in dataframe_split the fields columns, a list of names, and data")
    if len(set(names)) != len(names):
        raise Refused(400, "expected in dataframe_split names of columns that differ from each other")
    if any(not isinstance(row, list) or len(row) != len(names) for row in data):
        raise Refused(400, f"expected in data a list of {len(names)} values for each row")
    _require([each.name for each in inputs if each.name not in names], names)
    places = {name: place for place, name in enumerate(names)}
    return {each.name: [row[places[each.name]] for row in data] for each in inputs}, len(data)


def _of_columns(content: dict[str, Any], inputs: Sequence[Input]) -> tuple[Columns, int]:
    _require([each.name for each in inputs if each.name not in content], content)
    columns = {each.name: content[each.name] for each in inputs}
    if not all(isinstance(each, list) for each in columns.values()):
        raise Refused(400, "expected in inputs a list of values for each column")
    if len({len(each) for each in columns.values()}) > 1:
        raise Refused(400, "expected in inputs columns of one length")
    return columns, len(next(iter(columns.values()), ()))


def _of_csv(body: bytes, inputs: Sequence[Input], most_rows: int) -> tuple[Columns, int]:
    import pandas as pd

    texts = {each.name: str for each in inputs if each.type not in NUMBERS}
    try:
        # One more than are taken says that there are too many.
        rows = pd.read_csv(io.BytesIO(body), dtype=texts, nrows=most_rows + 1)
    except (ValueError, OverflowError) as error:
        raise Refused(400, "the body is no CSV, with a line of names first, in UTF-8") from error
    _require([each.name for each in inputs if each.name not in rows], list(map(str, rows.columns)))
    return {each.name: _without_nan(rows[each.name].tolist()) for each in inputs}, len(rows)


def _without_nan(values: list[Any]) -> list[Any]:
    """Return an empty field of a CSV is a null; pandas reads NaN, which alone is not equal to itself."""
    return [None if value != value else value for value in values]  # noqa: PLR0124


def _require(missing: Sequence[str], found: Sequence[str] | Mapping[str, Any]) -> None:
    if missing:
        raise BadInput(f"expected columns {', '.join(missing)}, found {', '.join(map(str, found)) or 'none'}")


def _worded(model: ServedModel, answered: Answered, given: int) -> bytes:
    frame = answered.frame
    answer: dict[str, Any] = {"predictions": records(model.twin, frame), "model": model.told}
    if len(frame.rows) != given:
        # A stage left rows out: which ones are answered.
        answer["rows"] = frame.rows.tolist()
    if answered.left_out:
        # Not by a stage, but by the SQL: a row that the model was never to see.
        answer["left_out"] = {"rows": list(answered.left_out), "by": f"WHERE {answered.condition}"}
    return json.dumps(answer).encode()


def records(twin: Twin | RawTwin, frame: Frame) -> list[dict[str, Any]]:
    """Return the answers row by row, by Spark's names of their columns."""
    names = twin.outputs
    return [
        dict(zip(names, row, strict=True))
        for row in zip(*(frame[name].to_list() for name in names), strict=True)
    ]
