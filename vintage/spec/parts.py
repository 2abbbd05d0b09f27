"""The parts of a pipeline file, one model a section; the field descriptions are what an editor shows."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Mapping
from typing import Annotated, Any, Final, Literal

from pydantic import AfterValidator, Discriminator, Field, PrivateAttr, field_validator, model_validator
from pydantic_core import core_schema

from vintage.spec import date_in_text
from vintage.spec.base import Dated, Ddl, Listed, ScalarText, SpecModel, Text, refusal
from vintage.spec.ddl import Column, parse_ddl
from vintage.spec.secret_names import holds_secret
from vintage.spec.submission import FIXED, refused_option, refused_setting

_STAGE_NAME: Final = re.compile(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)*")


class Window(SpecModel):
    """How many days a model is trained on and is tested on."""

    days: Annotated[
        int, Field(ge=1, le=3660, description="Calendar days up to and including the partition date.")
    ]
    min_days: Annotated[
        int, Field(ge=1, description="A run stops when the source has fewer days of the window than this.")
    ] = 1

    @model_validator(mode="after")
    def _ordered(self) -> Window:
        if self.min_days > self.days:
            raise refusal(
                f"min_days {self.min_days} is more than days {self.days}", expected="min_days ≤ days"
            )
        return self


class Preprocess(SpecModel):
    """How the raw rows of one date become feature rows."""

    sql: Annotated[
        Dated | None,
        Field(
            description="One Spark SQL query over the view `source`, which holds one date's rows. `{date}` "
            "becomes the partition date. Nothing here may depend on other dates, on the clock or on chance."
        ),
    ] = None
    function: Annotated[
        Text | None,
        Field(
            description="A Python function `DataFrame → DataFrame` by dotted path, from VINTAGE_HOME or an "
            "installed package: it is given the SQL's rows, or the raw ones where there is no SQL. It works "
            "row by row, as the SQL does.",
            examples=["mypackage.features.with_distance"],
        ),
    ] = None
    columns: Annotated[
        Ddl | None,
        Field(
            description="The columns that the function gives, as Spark writes them: `id INT, x DOUBLE`; a "
            "vector's type is VECTOR. With them the stages are checked before Spark starts, and the function "
            "is held to them."
        ),
    ] = None
    key: Annotated[
        Listed[Text],
        Field(
            min_length=1,
            description="The columns that identify a row: no two rows of a date may agree in all.",
        ),
    ]
    label: Annotated[
        Text | None,
        Field(
            description="What the model learns to tell: a column of the SQL, or an expression over them. "
            "A classifier or a regression reads the column `label` when this is left out.",
            examples=["CAST(arr_delay >= 15 AS DOUBLE)"],
        ),
    ] = None
    allow_label_columns: Annotated[
        Listed[Text],
        Field(
            description="Columns that a model may learn from although the label is computed from the same "
            "raw columns, since they are known before the answer is.",
            examples=[["sched_arr_time"]],
        ),
    ] = ()
    train_where: Annotated[
        Text | None,
        Field(description="A condition on rows that one may learn from; scoring takes all rows."),
    ] = None

    @field_validator("function")
    @classmethod
    def _dotted(cls, value: str | None) -> str | None:
        if value is not None and not (_STAGE_NAME.fullmatch(value) and "." in value):
            raise refusal(
                f'"{value}" is not a dotted path', expected="for example mypackage.features.my_function"
            )
        return value

    @model_validator(mode="after")
    def _something(self) -> Preprocess:
        if self.sql is None and self.function is None:
            raise refusal(
                "preprocess is empty",
                expected="sql, or function, or both: the function is given the SQL's rows",
            )
        if self.columns is not None and self.function is None:
            raise refusal(
                "preprocess.columns is for a function", expected="no columns: the SQL names its own"
            )
        return self

    def sql_for(self, date: dt.date) -> str:
        """Return the query with `{date}` filled in; all of `source` where there is none."""
        return date_in_text.filled(self.sql or "SELECT * FROM source", date)

    @property
    def declared_columns(self) -> tuple[Column, ...] | None:
        """The columns that the function is to give; None when they are not declared."""
        return None if self.columns is None else parse_ddl(self.columns, vectors=True)


class SplitByDate(SpecModel):
    """The last days of the window are the holdout."""

    by: Annotated[
        Literal["date"],
        Field(description="Hold out the last days, so that nothing is trained on the future."),
    ]
    test_days: Annotated[
        int, Field(ge=1, description="Calendar days of the window's end that test the model.")
    ]


class SplitByKey(SpecModel):
    """A share of the rows, chosen by a hash of the row key, is the holdout."""

    by: Annotated[
        Literal["key"], Field(description="Hold out rows by a hash of the key: the same rows every time.")
    ]
    test_fraction: Annotated[float, Field(gt=0, lt=1, description="The share of rows that test the model.")]


Split = Annotated[SplitByDate | SplitByKey, Discriminator("by")]


class Stage(SpecModel):
    """A stage of the ML pipeline: a class by its name, and its Params in Spark's own names.

    In YAML it is a mapping of one key: `- LogisticRegression: {maxIter: 50}`.
    """

    type: Text
    params: Mapping[str, Any] = Field(default_factory=dict)
    _there: tuple[str, ...] | None = PrivateAttr(default=None)

    @property
    def there(self) -> tuple[str, ...] | None:
        """The feature columns that it may read without naming them; None while they are not known."""
        return self._there

    def over(self, columns: tuple[str, ...]) -> Stage:
        """Return the same stage, of rows with these columns."""
        copy = self.model_copy()
        copy._there = columns
        return copy

    @model_validator(mode="before")
    @classmethod
    def _from_yaml(cls, value: Any) -> Any:
        if isinstance(value, dict) and "type" in value and set(value) <= {"type", "params"}:
            return value
        if isinstance(value, str):
            return {"type": value, "params": {}}
        if not isinstance(value, dict) or len(value) != 1:
            raise refusal(
                "a stage is one class and its Params",
                expected="for example - StringIndexer: {inputCol: a, outputCol: b}",
            )
        [(name, params)] = value.items()
        if params is not None and not isinstance(params, dict):
            raise refusal(f"the Params of {name} are no mapping", expected="for example {maxIter: 50}")
        return {"type": name, "params": params or {}}

    @field_validator("type")
    @classmethod
    def _class_name(cls, value: str) -> str:
        if not _STAGE_NAME.fullmatch(value):
            raise refusal(
                f'"{value}" is not the name of a class', expected="LogisticRegression or my.module.MyStage"
            )
        return value

    @classmethod
    def __get_pydantic_json_schema__(cls, schema: core_schema.CoreSchema, handler: Any) -> dict[str, Any]:
        params = {"type": ["object", "null"], "description": "The class's Params, in Spark's own names."}
        name = f"^{_STAGE_NAME.pattern}$"
        return {
            "description": "A Transformer or Estimator of pyspark.ml by name, or a dotted path to your own.",
            "examples": [{"LogisticRegression": {"maxIter": 50, "regParam": 0.01}}],
            "oneOf": [
                {"type": "string", "pattern": name},
                {
                    "type": "object",
                    "patternProperties": {name: params},
                    "additionalProperties": False,
                    "minProperties": 1,
                    "maxProperties": 1,
                },
            ],
        }


def _allowed_setting(name: str) -> str:
    why = refused_setting(name)
    if why:
        raise refusal(f'setting "{name}" cannot be set here', hint=why)
    return name


Setting = Annotated[str, AfterValidator(_allowed_setting)]


class Spark(SpecModel):
    """Settings of the Spark jobs of this pipeline."""

    conf: Annotated[
        dict[Setting, ScalarText],
        Field(
            description="Spark settings for spark-submit, such as memory and cores. Those that results "
            "depend on are fixed; the master comes from Airflow's connection or from the environment."
        ),
    ] = Field(default_factory=dict)

    @field_validator("conf")
    @classmethod
    def _allowed_options(cls, conf: dict[str, str]) -> dict[str, str]:
        for name, value in conf.items():
            if holds_secret(value):
                raise refusal(
                    f'setting "{name}" holds a secret',
                    hint="a secret belongs in the environment or in an Airflow connection, not in a file",
                )
            option = refused_option(name, value)
            if option:
                raise refusal(f'setting "{name}" cannot hold {option}', hint=FIXED)
        return conf
