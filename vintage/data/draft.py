"""A first pipeline and suite for a file of somebody's own, as texts that a person goes on to edit."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

from vintage.data.first_look import FEW, NUMBERS, plain

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    import pandas as pd

    from vintage.data.first_look import Column, FirstLook

MOST_DAYS: Final = 7
MOST_ROWS: Final = 5000
"""Rows of a day in the sample."""
_CLASSES: Final = 2


def pipeline_text(name: str, look: FirstLook, start: str) -> str:
    """Return a pipeline's file: it learns the label from every other column that a first model can use."""
    dated = len(look.dates) > 1
    options: dict[str, Any] = {"header": True, **({"nullValue": look.null} if look.null else {})}
    if look.separator != ",":
        options["sep"] = look.separator
    features = [each for each in look.columns if _is_feature(each, look)]
    # Where there is nothing else, from what identifies the rows.
    features = features or [each for each in look.columns if each.type in NUMBERS and each != look.label]
    is_classes = _is_classes(look.label)
    columns = [each.name for each in look.columns if each.name != look.label.name]
    lines = [
        f"# Made by `vintage init` from {len(look.rows)} rows: look at each line marked with ?",
        f"name: {name}",
        f"description: What is {look.label.name}?",
        'schedule: "0 3 * * *"',
        f"start_date: {start}",
        "source:",
        f"  format: {look.format}",
        f"  path: raw/{name}/date={{date}}",
        *([f"  options: {_flow(options)}"] if look.format == "csv" else []),
        f"  schema: {', '.join(f'{each.name} {each.type}' for each in look.columns)}   # ?",
        f"expectations: {name}",
        f"window: {{days: {min(len(look.dates), MOST_DAYS) if dated else 1}, min_days: {2 if dated else 1}}}   # ?",
        "preprocess:",
        "  sql: |",
        f"    SELECT {', '.join(_quoted(each) for each in columns)},",
        f"      {_label_sql(look.label)} AS the_label",
        "    FROM source",
        f"  key: {_flow(list(look.key))}   # ? what tells the rows of a date apart",
        "  label: the_label   # ? what the model predicts",
        "  train_where: the_label IS NOT NULL" if look.label.nulls else "",
        "split: {by: date, test_days: 1}" if dated else "split: {by: key, test_fraction: 0.25}",
        f"task: {'classification' if is_classes else 'regression'}",
        "stages:   # ?",
        *(f"  - {_flow(stage)}" for stage in _stages(features, is_classes=is_classes)),
        "evaluate:",
        f"  metric: {_metric(look.label)}",
        f"  gates: [{_gate(look.label)}]   # ?",
    ]
    return "\n".join(line for line in lines if line) + "\n"


def suite_text(look: FirstLook) -> str:
    """Return a suite that the file's own rows hold: no gaps where there are none, values within their bounds."""
    rules = [rule for each in look.columns for rule in _rules(each)]
    lines = [
        f"description: What held for {len(look.rows)} rows when `vintage init` looked at them; to be edited.",
        "expectations:",
        "  - {type: expect_table_row_count_to_be_between, kwargs: {min_value: 1}, severity: critical}",
        *(f"  - {_flow(rule)}" for rule in rules),
    ]
    return "\n".join(lines) + "\n"


def write_sample(look: FirstLook, folder: Path, day: str) -> list[str]:
    """Write the latest days' rows, each into a folder of its day; return the days.

    Args:
        look: what was seen of the file.
        folder: that of the raw data.
        day: that of rows without days.
    """
    days = dict(list(look.dates.items())[-MOST_DAYS:]) or {day: look.rows}
    for each, rows in days.items():
        place = folder / f"date={each}"
        place.mkdir(parents=True)
        _write(look, rows.head(MOST_ROWS), place / f"rows.{look.format}")
    return list(days)


def _write(look: FirstLook, rows: pd.DataFrame, file: Path) -> None:
    rows = rows[[each.name for each in look.columns]]
    match look.format:
        case "csv":
            rows.to_csv(file, index=False, sep=look.separator)
        case "parquet":
            rows.to_parquet(file, index=False)
        case _:
            rows.to_json(file, orient="records", lines=True)


def _is_classes(label: Column) -> bool:
    return label.type in {"BOOLEAN", "STRING"} or (label.type != "DOUBLE" and label.distinct == _CLASSES)


def _label_sql(label: Column) -> str:
    """Return a label as Spark takes it: classes are 0.0, 1.0 and so on."""
    name = _quoted(label.name)
    if label.type == "BOOLEAN":
        return f"CAST(CAST({name} AS INT) AS DOUBLE)"
    if label.type == "STRING" or (_is_classes(label) and label.values != ("0", "1")):
        cases = " ".join(
            f"WHEN {_literal(value, label.type)} THEN {place}D" for place, value in enumerate(label.values)
        )
        return f"CASE {name} {cases} END"
    return f"CAST({name} AS DOUBLE)"


def _literal(value: str, kind: str) -> str:
    if kind in NUMBERS:
        return value
    escaped = value.replace("\\", "\\\\").replace("'", "\\'")
    return f"'{escaped}'"


def _is_feature(column: Column, look: FirstLook) -> bool:
    """Return whether a first model can use a column: not a label, id, timestamp or text of many values."""
    if column.name == look.label.name or column.distinct < _CLASSES:
        return False
    identifies = look.key == (column.name,)
    return not identifies and (column.type in NUMBERS or (column.type == "STRING" and bool(column.values)))


def _stages(features: list[Column], *, is_classes: bool) -> Iterator[dict[str, Any]]:
    numbers = [each for each in features if each.type in NUMBERS]
    gaps = [each.name for each in numbers if each.nulls]
    texts = [each.name for each in features if each.type == "STRING"]
    if gaps:
        yield {"Imputer": {"inputCols": gaps, "outputCols": [f"{each}_filled" for each in gaps]}}
    if texts:
        index, hot = ([f"{each}_{end}" for each in texts] for end in ("ix", "oh"))
        yield {"StringIndexer": {"inputCols": texts, "outputCols": index, "handleInvalid": "keep"}}
        yield {"OneHotEncoder": {"inputCols": index, "outputCols": hot}}
    inputs = [f"{each.name}_filled" if each.nulls else each.name for each in numbers]
    inputs += [f"{each}_oh" for each in texts]
    yield {"VectorAssembler": {"inputCols": inputs, "outputCol": "features"}}
    yield {"LogisticRegression" if is_classes else "LinearRegression": {"maxIter": 50, "regParam": 0.01}}


def _metric(label: Column) -> str:
    if not _is_classes(label):
        return "rmse"
    return "areaUnderROC" if label.distinct == _CLASSES else "accuracy"


def _gate(label: Column) -> str:
    if not _is_classes(label):
        return "{metric: r2, min: 0.0}"
    return "{metric: areaUnderROC, min: 0.55}" if label.distinct == _CLASSES else "{metric: accuracy, min: 0.4}"


def _rules(column: Column) -> Iterator[Mapping[str, Any]]:
    if not column.nulls:
        yield _rule("expect_column_values_to_not_be_null", "critical", column=column.name)
    if column.type in NUMBERS and column.low is not None and column.high is not None:
        bounds = {"min_value": plain(column.low), "max_value": plain(column.high)}
        yield _rule("expect_column_values_to_be_between", "warning", column=column.name, **bounds)
    if column.type == "STRING" and len(column.values) in range(1, FEW):
        values = list(column.values)
        yield _rule("expect_column_values_to_be_in_set", "warning", column=column.name, value_set=values)


def _rule(kind: str, severity: str, **kwargs: Any) -> dict[str, Any]:
    return {"type": kind, "kwargs": kwargs, "severity": severity}


def _flow(value: Any) -> str:
    """Return a value in YAML's flow style: that of JSON, with plain words left bare."""
    match value:
        case dict():
            return "{" + ", ".join(f"{key}: {_flow(each)}" for key, each in value.items()) + "}"
        case list():
            return "[" + ", ".join(map(_flow, value)) + "]"
        case str() if value.isidentifier() and value.lower() not in _WORDS:
            return value
        case _:
            return json.dumps(value, ensure_ascii=False)


# What YAML 1.1 takes for a truth or for nothing.
_WORDS: Final = frozenset({"true", "false", "yes", "no", "on", "off", "y", "n", "null", "nan"})


def _quoted(name: str) -> str:
    return f"`{name}`"
