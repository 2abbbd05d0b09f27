"""A suite's rules as Great Expectations' own objects, and what is wrong with them before Spark starts."""

from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING, Any, Final

from vintage.errors import first_line
from vintage.spec import InvalidSpec, did_you_mean
from vintage.spec.names import list_names
from vintage.spec.sql import SOURCE_VIEW, BadSql, expression_columns, read_query

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping

    from great_expectations.expectations.expectation import Expectation

    from vintage.spec import ExpectationSpec, Problem, Suite

# Great Expectations registers these, and has no Spark implementation or needs a second data source for them.
NOT_ON_SPARK: Final[Mapping[str, str]] = {
    "expect_column_values_to_be_dateutil_parseable": "expect_column_values_to_match_strftime_format",
    "expect_column_values_to_match_like_pattern": "expect_column_values_to_match_regex",
    "expect_column_values_to_match_like_pattern_list": "expect_column_values_to_match_regex_list",
    "expect_column_values_to_not_match_like_pattern": "expect_column_values_to_not_match_regex",
    "expect_column_values_to_not_match_like_pattern_list": "expect_column_values_to_not_match_regex_list",
    "expect_query_results_to_match_comparison": "unexpected_rows_expectation",
    "expect_table_row_count_to_equal_other_table": "expect_table_row_count_to_be_between",
}

# Fields of an expectation object that are not its arguments: the suite file gives the severity beside the
# kwargs, and how results are made is not for a rule to say.
_NOT_KWARGS: Final = frozenset(
    {"batch_id", "catch_exceptions", "id", "rendered_content", "result_format", "severity", "windows"}
)
# Every value may also be a reference to a suite parameter, a dict; nobody who wrote a wrong value meant that.
_NOISE: Final = "value is not a valid dict"
# The classes of the types that SQL has other words for.
_CLASSES: Final[Mapping[str, str]] = {
    **dict.fromkeys(("int", "integer"), "IntegerType"),
    **dict.fromkeys(("bigint", "long"), "LongType"),
    **dict.fromkeys(("smallint", "short"), "ShortType"),
    **dict.fromkeys(("tinyint", "byte"), "ByteType"),
    **dict.fromkeys(("float", "real"), "FloatType"),
    **dict.fromkeys(("decimal", "dec", "numeric"), "DecimalType"),
    **dict.fromkeys(("string", "str", "text"), "StringType"),
    **dict.fromkeys(("boolean", "bool"), "BooleanType"),
    **{word: f"{word.capitalize()}Type" for word in ("double", "date", "timestamp", "binary")},
    **{word: f"{word.capitalize()}Type" for word in ("array", "map", "struct", "varchar", "char")},
}
# Python's words for what is wrong in Java's regular expressions as well.
_IN_ANY_REGEX: Final = (
    *("unterminated character set", "unterminated subpattern", "unbalanced parenthesis"),
    "nothing to repeat",
)
_CONDITION_PARSERS: Final = ("great_expectations", "spark")


def check_suite(suite: Suite) -> list[Problem]:
    """Return what Great Expectations would refuse in a suite: unknown types, wrong kwargs. Needs no Spark."""
    rules = enumerate(suite.expectations)
    return [problem for index, rule in rules for problem in _check(suite, index, rule)]


def build_expectations(suite: Suite) -> list[Expectation]:
    """Return the suite's rules as expectation objects, in the suite's order.

    Raises:
        SpecError: a type is unknown or kwargs are wrong; every problem, with the nearest right name.
    """
    problems = check_suite(suite)
    if problems:
        raise InvalidSpec(problems)
    from great_expectations.expectations.metadata_types import FailureSeverity

    known = _known_types()
    return [
        known[rule.type](**rule.kwargs, severity=FailureSeverity(rule.severity))
        for rule in suite.expectations
    ]


def _known_types() -> Mapping[str, type[Expectation]]:
    # The import takes seconds, so a job that has nothing to validate must not pay for it.
    import great_expectations  # noqa: F401 (fills the registry)
    from great_expectations.expectations import registry

    names = registry.list_registered_expectation_implementations()
    return {name: registry.get_expectation_impl(name) for name in sorted(names)}


def _check(suite: Suite, index: int, rule: ExpectationSpec) -> Iterator[Problem]:
    known = _known_types()
    at_type = ("expectations", index, "type")
    if rule.type not in known:
        yield suite.problem(
            at_type,
            f'Great Expectations has no rule "{rule.type}"',
            expected="one of its own types, like expect_column_values_to_not_be_null",
            hint=did_you_mean(rule.type, known),
        )
        return
    if rule.type in NOT_ON_SPARK:
        yield suite.problem(
            at_type,
            f"{rule.type} does not run on Spark",
            hint=f"{NOT_ON_SPARK[rule.type]} may be equivalent",
        )
        return
    at_kwargs = ("expectations", index, "kwargs")
    fields = known[rule.type].__fields__
    allowed = [name for name in fields if name not in _NOT_KWARGS]
    for name in rule.kwargs:
        if name not in allowed:
            yield suite.problem(
                (*at_kwargs, name),
                f'{rule.type} has no argument "{name}"',
                expected=list_names(allowed),
                hint=did_you_mean(name, allowed),
            )
    given = {name: value for name, value in rule.kwargs.items() if name in allowed}
    refused = _refusals(known[rule.type], given)
    for name, messages in refused.items():
        if name not in allowed:
            yield suite.problem(at_kwargs, f"{rule.type}: {'; '.join(messages)}")
        elif name not in given:
            yield suite.problem(at_kwargs, f'{rule.type} misses its argument "{name}"')
        else:
            yield suite.problem(
                (*at_kwargs, name),
                f'{rule.type} refuses this value of "{name}"',
                expected=" or ".join(messages),
                found=repr(given[name]),
            )
    yield from _check_types(suite, index, rule)
    if not refused:
        # What is left out, or lies the wrong way round, of a rule that is not refused as a whole.
        yield from _check_arguments(suite, index, rule, allowed)
    yield from _check_condition(suite, index, rule)


def _refusals(expectation: type[Expectation], kwargs: Mapping[str, Any]) -> dict[str, list[str]]:
    """Argument → what Great Expectations says against its value; "" → what it says against all together."""
    from great_expectations.compatibility import pydantic

    try:
        expectation(**kwargs)
    except pydantic.ValidationError as error:
        found: dict[str, list[str]] = {}
        for entry in error.errors():
            name = str(entry["loc"][0]) if entry["loc"] and entry["loc"][0] != "__root__" else ""
            message = str(entry["msg"])
            if message not in (*found.setdefault(name, []), _NOISE):
                found[name].append(message)
        # Told against all arguments together, after one of them was refused, it is only an echo.
        return {name: messages for name, messages in found.items() if name or len(found) == 1}
    except (TypeError, ValueError) as error:
        return {"": [first_line(error)]}
    return {}


def _check_types(suite: Suite, index: int, rule: ExpectationSpec) -> Iterator[Problem]:
    """Great Expectations knows Spark's types by their classes' names, and passes over others."""
    from pyspark.sql import types

    known = sorted(name for name, value in vars(types).items() if _is_type(value))
    for argument in ("type_", "type_list"):
        given = rule.kwargs.get(argument)
        for name in given if isinstance(given, list | tuple) else [given]:
            if name is None or name in known:
                continue
            meant = _CLASSES.get(str(name).partition("(")[0].strip().lower())
            yield suite.problem(
                ("expectations", index, "kwargs", argument),
                f'{rule.type} knows no type "{name}"',
                expected="the name of a class of pyspark.sql.types",
                hint=f'did you mean "{meant}"?' if meant else did_you_mean(str(name), known),
            )


def _is_type(value: object) -> bool:
    from pyspark.sql.types import DataType

    return isinstance(value, type) and issubclass(value, DataType) and value.__name__.endswith("Type")


def _check_arguments(
    suite: Suite, index: int, rule: ExpectationSpec, allowed: Collection[str]
) -> Iterator[Problem]:
    """Arguments that Great Expectations takes, and that no row, or every row, can fulfil."""
    for name, expected in _unfit(rule.kwargs, allowed):
        there = name in rule.kwargs
        yield suite.problem(
            ("expectations", index, "kwargs", name) if there else ("expectations", index, "kwargs"),
            f'{rule.type} cannot hold rows to this "{name}"' if there else f'{rule.type} misses its "{name}"',
            expected=expected,
            found=repr(rule.kwargs[name]) if there else "",
        )


def _unfit(kwargs: Mapping[str, Any], allowed: Collection[str]) -> Iterator[tuple[str, str]]:
    """Yield argument, and what was expected of it."""
    given = {name: value for name, value in kwargs.items() if value is not None}
    low, high = given.get("min_value"), given.get("max_value")
    bounds = [each for each in (low, high) if each is not None]
    if {"min_value", "max_value"} <= set(allowed) and "threshold" not in allowed and not bounds:
        yield "min_value", "min_value, max_value or both"
    elif any(isinstance(each, float) and math.isnan(each) for each in bounds):
        yield "min_value" if isinstance(low, float) and math.isnan(low) else "max_value", "a number"
    elif isinstance(low, int | float) and isinstance(high, int | float):
        strict = given.get("strict_min") or given.get("strict_max")
        if low > high or (low == high and strict):
            yield "min_value", f"values between it and max_value, {high}"
    for name in ("value_set", "type_list", "regex_list", "column_set", "column_list"):
        if name in allowed and name in given and not given[name]:
            yield name, "one at least"
    for name in ("regex", "partition_object", "value_set"):
        if name in allowed and name not in given:
            yield name, "it: left out, every row would pass, or none could be measured"
    regexes = [given.get("regex"), *(given.get("regex_list") or ())]
    for regex in regexes:
        if isinstance(regex, str) and (why := _no_regex(regex)):
            yield "regex" if regex == given.get("regex") else "regex_list", f"a regular expression; {why}"
    if "quantile_ranges" in given and not _are_ranges(given["quantile_ranges"]):
        yield "quantile_ranges", "quantiles from 0 to 1, and for each a pair of bounds in value_ranges"
    query = given.get("unexpected_rows_query")
    if isinstance(query, str) and (expected := _unfit_query(query)):
        yield "unexpected_rows_query", expected


def _no_regex(regex: str) -> str:
    """Return why a text is no regular expression in Java either; empty where that is uncertain."""
    try:
        re.compile(regex)
    except re.error as error:
        # Java has classes and quotes that Python lacks.
        alike = any(sign in error.msg for sign in _IN_ANY_REGEX) and "\\Q" not in regex and "&&[" not in regex
        return error.msg if alike else ""
    return ""


def _are_ranges(value: Any) -> bool:
    quantiles, ranges = (dict(value).get(name, ()) for name in ("quantiles", "value_ranges"))
    return (
        0 < len(quantiles) == len(ranges)
        and all(isinstance(each, int | float) and 0 <= each <= 1 for each in quantiles)
        and all(isinstance(each, list | tuple) and len(each) == 2 for each in ranges)  # noqa: PLR2004
    )


def _unfit_query(query: str) -> str:
    if "{batch}" not in query:
        return "a query of {batch}, which stands for the rows of the date"
    try:
        read_query(query.replace("{batch}", SOURCE_VIEW))
    except BadSql as error:
        return f"SQL: {error.what}"
    return ""


def _check_condition(suite: Suite, index: int, rule: ExpectationSpec) -> Iterator[Problem]:
    parser = rule.kwargs.get("condition_parser")
    if isinstance(rule.kwargs.get("row_condition"), str) and parser not in _CONDITION_PARSERS:
        yield suite.problem(
            ("expectations", index, "kwargs", "row_condition"),
            "row_condition needs a condition_parser that Spark has",
            expected=" or ".join(_CONDITION_PARSERS),
            found=repr(parser) if parser is not None else "none",
        )
    elif isinstance(rule.kwargs.get("row_condition"), str) and parser == "spark":
        try:
            expression_columns(rule.kwargs["row_condition"])
        except BadSql as error:
            yield suite.problem(
                ("expectations", index, "kwargs", "row_condition"), f"row_condition: {error.what}"
            )


def needs_every_column(rules: Iterable[ExpectationSpec]) -> bool:
    """Return whether a rule is about the table's columns themselves, or columns that only its SQL names."""
    return any(_is_about_all(rule) for rule in rules)


def _is_about_all(rule: ExpectationSpec) -> bool:
    if rule.type.startswith(("expect_table_column", "unexpected_rows")):
        return True
    if rule.type == "expect_column_to_exist":
        return rule.kwargs.get("column_index") is not None
    condition = rule.kwargs.get("row_condition")
    return condition is not None and rule.kwargs.get("condition_parser") != "great_expectations"
