"""What a suite is: the model of an `expectations/<name>.yaml`, in Great Expectations' own names."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Annotated, Any, Final, Literal

from pydantic import Field, PrivateAttr, field_validator

from vintage.spec.base import Listed, SpecModel, Text, refusal
from vintage.spec.loading import Document, KeyPath
from vintage.spec.problem import Problem
from vintage.spec.sql import SOURCE_VIEW, BadSql, expression_columns, read_query

# The kwargs by which Great Expectations' rules name columns.
_ONE_COLUMN: Final = ("column", "column_A", "column_B")
_COLUMN_LISTS: Final = ("column_list", "column_set")
_CONDITION_COLUMN: Final = re.compile(r"""col\(\s*["']([^"']+)["']\s*\)""")


class ExpectationSpec(SpecModel):
    """A rule that each date's rows are held to."""

    type: Annotated[
        Text,
        Field(
            description="The rule, by Great Expectations' own name.",
            examples=["expect_column_values_to_not_be_null", "expect_column_values_to_be_between"],
        ),
    ]
    kwargs: Annotated[
        Mapping[str, Any],
        Field(
            description="The rule's arguments, in Great Expectations' names: column, min_value, mostly, …",
            examples=[{"column": "distance", "min_value": 10, "max_value": 6000, "mostly": 0.99}],
        ),
    ] = Field(default_factory=dict)
    severity: Annotated[
        Literal["critical", "warning", "info"],
        Field(description="critical: a failure stops the run. warning, info: it is reported, no more."),
    ] = "critical"

    @field_validator("type")
    @classmethod
    def _is_rule(cls, value: str) -> str:
        if not re.fullmatch(r"expect_[a-z0-9_]+|unexpected_rows_expectation", value):
            raise refusal(
                f'"{value}" is not the name of a rule',
                expected="for example expect_column_values_to_not_be_null",
            )
        return value

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns that the rule names, in the order of its arguments, each once."""
        names = [self.kwargs[key] for key in _ONE_COLUMN if key in self.kwargs]
        for key in _COLUMN_LISTS:
            listed = self.kwargs.get(key, [])
            names += listed if isinstance(listed, list | tuple) else [listed]
        names += _CONDITION_COLUMN.findall(str(self.kwargs.get("row_condition", "")))
        return tuple(dict.fromkeys(name for name in names if isinstance(name, str)))

    @property
    def columns_in_sql(self) -> list[str]:
        """The columns that a condition in Spark SQL, or a query of the batch, reads."""
        condition, query = self.kwargs.get("row_condition"), self.kwargs.get("unexpected_rows_query")
        found: list[str] = []
        try:
            if isinstance(condition, str) and self.kwargs.get("condition_parser") == "spark":
                found += expression_columns(condition)
            if isinstance(query, str):
                read = read_query(query.replace("{batch}", SOURCE_VIEW))
                found += [each.name for each in read.unknown_columns({SOURCE_VIEW: ()})]
        except BadSql:
            # Told where the suite is checked.
            return []
        return found


class Suite(SpecModel):
    """What must hold for a data set: rules, each with what a failure means."""

    description: Annotated[
        str, Field(description="What the data set is, in a line; shown in the Data Docs.")
    ] = ""
    expectations: Annotated[Listed[ExpectationSpec], Field(min_length=1, description="The rules.")]

    _document: Document = PrivateAttr(default_factory=lambda: Document("suite"))

    def placed(self, document: Document) -> Suite:
        """Return the same suite, knowing the file that it was read from."""
        copy = self.model_copy()
        copy._document = document
        return copy

    @property
    def file(self) -> str:
        """The file that it was read from, for messages."""
        return self._document.file

    def problem(
        self, path: KeyPath, what: str, *, expected: str = "", found: str = "", hint: str = ""
    ) -> Problem:
        """Return a problem at the line of a key path such as `("expectations", 2, "type")`."""
        return self._document.problem(path, what, expected=expected, found=found, hint=hint)

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns that the rules name, each once, in the order of the rules."""
        return tuple(dict.fromkeys(name for rule in self.expectations for name in rule.columns))
