"""Holds a DataFrame to a suite with Great Expectations on Spark, and writes its Data Docs."""

from __future__ import annotations

import copy
import logging
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from vintage.spec import did_you_mean
from vintage.spec.names import list_names
from vintage.validation.outcomes import RuleOutcome, ValidationReport, outcome_of
from vintage.validation.rules import build_expectations, check_suite, needs_every_column

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from great_expectations.core import ExpectationSuiteValidationResult, ExpectationValidationResult
    from great_expectations.datasource.fluent.interfaces import Batch
    from great_expectations.expectations.expectation import Expectation
    from pyspark.sql import DataFrame

    from vintage.spec import ExpectationSpec, Suite

__all__ = ["RuleOutcome", "ValidationReport", "check_suite", "run_suite"]

log = logging.getLogger(__name__)

SAMPLE: Final = 200
"""Unexpected values that are fetched for a failed rule, however many there are."""

SHOWN: Final = 20
"""Of those, how many stay in GX's JSON and in the Data Docs."""

_POSITION: Final = "position"
"""Key of an expectation's meta for its position in the suite: GX returns results in an order of its own."""


def run_suite(df: DataFrame, suite: Suite, *, name: str, docs_dir: Path) -> ValidationReport:
    """Hold a DataFrame to a suite, in passes over a cached copy of the columns that the rules name.

    Nothing is collected that grows with the rows. Several threads may do this at once.

    Args:
        df: the rows.
        suite: the rules.
        name: what the Data Docs call the data, `flights 2013-02-28`, for example.
        docs_dir: gets `index.html`, the Data Docs of this result in one file; made if it does not exist.

    Raises:
        SpecError: the suite names an unknown rule, or gives one wrong arguments.
    """
    from vintage.validation.data_docs import write_page

    started = time.monotonic()
    checks = _checks(df, suite)
    rows = _packed(_narrowed(df, suite)).cache()
    try:
        result = _validated(rows, checks, name)
    finally:
        rows.unpersist()
    outcomes = tuple(
        outcome_of(check.rule, found.to_json_dict())
        for check, found in zip(checks, result.results, strict=True)
    )
    _shorten(result)
    report = ValidationReport(outcomes, result.to_json_dict())  # type: ignore[no-untyped-call]
    write_page(result, report, docs_dir / "index.html", title=name)
    log.info("%s: %s, %.1f s", name, report.summary, time.monotonic() - started)
    return report


@dataclass(frozen=True)
class _Check:
    """A rule, GX's object for it, and why it cannot be asked (empty when it can)."""

    rule: ExpectationSpec
    expectation: Expectation
    refusal: str


def _checks(df: DataFrame, suite: Suite) -> list[_Check]:
    expectations = build_expectations(suite)
    checks = []
    for position, (rule, expectation) in enumerate(zip(suite.expectations, expectations, strict=True)):
        expectation.meta = {**(expectation.meta or {}), _POSITION: position}
        checks.append(_Check(rule, expectation, _missing(df, rule)))
    return checks


def _missing(df: DataFrame, rule: ExpectationSpec) -> str:
    """Return what is said of a rule whose column does not exist; empty when all are.

    GX is not asked such a rule: a metric that raises makes it try each metric of the suite singly, and again.
    """
    if rule.type.startswith(("expect_table_column", "expect_column_to_exist")):
        return ""
    for column in rule.columns:
        if _top_level(df, column) is None:
            hint = did_you_mean(column, df.columns) or f"the columns are {list_names(df.columns)}"
            return f'there is no column "{column}"; {hint}'
    return ""


def _top_level(df: DataFrame, column: str) -> str | None:
    """Return the frame's column that a rule's column is, or is a field of."""
    if column in df.columns:
        return column
    head = column.partition(".")[0]
    return head if head != column and head in df.columns else None


def _narrowed(df: DataFrame, suite: Suite) -> DataFrame:
    """Only the columns that the rules name."""
    from pyspark.sql import functions as f

    if needs_every_column(suite.expectations):
        return df
    named = {_top_level(df, column) for column in suite.columns}
    kept = [column for column in df.columns if column in named] or df.columns[:1]
    return df.select(*(f.col("`" + column.replace("`", "``") + "`") for column in kept))


def _packed(rows: DataFrame) -> DataFrame:
    """Mark a single partition as such: Spark then plans every aggregate without a shuffle."""
    return rows.coalesce(1) if rows.rdd.getNumPartitions() == 1 else rows


def _validated(rows: DataFrame, checks: Sequence[_Check], name: str) -> ExpectationSuiteValidationResult:
    """GX's result, in the suite's order.

    Counts come first, for all rules in few passes; values are fetched for the failed rules alone, because the
    unexpected values of a rule are a Spark job of their own even when there are none.
    """
    import great_expectations as gx

    # It sets the level of this one logger by itself, and would tell of a folder for each date.
    logging.getLogger("great_expectations.data_context.types.base").setLevel(logging.WARNING)

    # A context costs 10 ms. GX keeps batches by name in it, so threads may not share one. It writes no file.
    context = gx.get_context(mode="ephemeral")
    context.variables.progress_bars = {"globally": False}  # type: ignore[assignment]
    source = context.data_sources.add_spark("vintage", persist=False)
    asset = source.add_dataframe_asset(name)
    batch = asset.add_batch_definition_whole_dataframe("rows").get_batch({"dataframe": rows})

    asked = [check.expectation for check in checks if not check.refusal]
    result = _run(batch, name, asked, {"result_format": "BASIC", "partial_unexpected_count": 0})
    found = {_position(one): one for one in result.results}
    failed = [at for at, one in found.items() if not one.success and one.result.get("unexpected_count")]
    if failed:
        again = [checks[at].expectation for at in failed]
        sampled = _run(batch, name, again, {"result_format": "SUMMARY", "partial_unexpected_count": SAMPLE})
        found |= {_position(one): one for one in sampled.results}
    found |= {at: _refused(check) for at, check in enumerate(checks) if check.refusal}
    result.results = [found[at] for at in range(len(checks))]
    _recount(result)
    # GX's own meta holds the time of the load; the same rows must give the same JSON.
    result.meta = {"great_expectations_version": gx.__version__}
    return result


def _run(
    batch: Batch, name: str, expectations: Sequence[Expectation], result_format: dict[str, Any]
) -> ExpectationSuiteValidationResult:
    import great_expectations as gx

    suite = gx.ExpectationSuite(name=name, expectations=[copy.copy(one) for one in expectations])
    return batch.validate(suite, result_format=result_format)


def _position(found: ExpectationValidationResult) -> int:
    position: int = found.expectation_config.meta[_POSITION]  # type: ignore[union-attr]
    return position


def _refused(check: _Check) -> ExpectationValidationResult:
    from great_expectations.core import ExpectationValidationResult

    return ExpectationValidationResult(
        success=False,
        expectation_config=check.expectation.configuration,
        exception_info={
            "raised_exception": True,
            "exception_message": check.refusal,
            "exception_traceback": check.refusal,
        },
    )


def _recount(result: ExpectationSuiteValidationResult) -> None:
    """GX's own counts, over the results that were put together here."""
    from great_expectations.validator.validation_statistics import calc_validation_statistics

    counts = calc_validation_statistics(result.results)
    result.success = counts.success
    result.statistics = {
        "evaluated_expectations": counts.evaluated_expectations,
        "successful_expectations": counts.successful_expectations,
        "unsuccessful_expectations": counts.unsuccessful_expectations,
        "success_percent": counts.success_percent,
    }


def _shorten(result: ExpectationSuiteValidationResult) -> None:
    for one in result.results:
        for key in ("partial_unexpected_list", "partial_unexpected_counts"):
            if key in one.result:
                one.result[key] = one.result[key][:SHOWN]
