"""What each rule of a suite found, in words and numbers that need no Great Expectations to read."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from vintage.spec import ExpectationSpec

SEVERITIES: Final = ("critical", "warning", "info")

_EXAMPLES: Final = 5
_LONGEST: Final = 200
_COLUMN_KWARGS: Final = frozenset({"column", "column_A", "column_B", "column_list"})
_TEXT_KWARGS: Final = frozenset({"meta", "notes", "description"})


@dataclass(frozen=True)
class RuleOutcome:
    """What one rule found.

    `checked` counts the values that the rule looked at (nulls are left out, but by rules about nulls), and
    `unexpected_percent` is of those. All three numbers are None for a rule about the table or an aggregate,
    which has `observed` instead. `examples` are the most frequent of the unexpected values, with their counts
    among the first `sampled` of them; nulls are no examples.
    """

    rule: str
    column: str | None
    kwargs: Mapping[str, Any]
    severity: str
    passed: bool
    checked: int | None
    unexpected: int | None
    unexpected_percent: float | None
    examples: tuple[str, ...]
    observed: str | None
    error: str | None
    sampled: int = 0

    @property
    def found(self) -> str:
        """The numbers, the examples and what was expected, or why the rule could not be checked."""
        wanted = self.error is None and not self.passed and self.expected
        return "; ".join(filter(None, (self.seen, f"expected {self.expected}" if wanted else "")))

    @property
    def seen(self) -> str:
        """The numbers and the examples, or why the rule could not be checked."""
        if self.error is not None:
            return f"could not be checked: {self.error}"
        parts = []
        if self.unexpected is not None:
            of = f" of {self.checked:,} values" if self.checked is not None else " values"
            percent = f" ({_percent(self.unexpected_percent)})" if self.unexpected_percent is not None else ""
            parts.append(f"{self.unexpected:,}{of} unexpected{percent}")
        if self.observed is not None:
            parts.append(f"observed {self.observed}")
        if self.examples:
            of_how_many = f" (of the first {self.sampled:,})" if self.sampled < (self.unexpected or 0) else ""
            parts.append(f"examples {', '.join(self.examples)}{of_how_many}")
        return "; ".join(parts)

    @property
    def expected(self) -> str:
        """The rule's arguments, but the columns."""
        told = self.kwargs.items()
        return ", ".join(
            f"{name} {_text(value)}" for name, value in told if name not in _COLUMN_KWARGS | _TEXT_KWARGS
        )

    def describe(self) -> str:
        """Return the outcome in one line: severity, rule, column, and what was found."""
        place = f" on {self.column}" if self.column else ""
        return f"{self.severity}: {self.rule}{place}: {self.found}"


@dataclass(frozen=True)
class ValidationReport:
    """What a suite found in one DataFrame: the outcomes in the suite's order, and GX's own JSON of them."""

    outcomes: tuple[RuleOutcome, ...]
    result: Mapping[str, Any]

    @property
    def passed(self) -> bool:
        """Whether every critical rule holds; a rule that could not be checked does not hold."""
        return not self.failures("critical")

    def failures(self, severity: str | None = None) -> tuple[RuleOutcome, ...]:
        """Return the rules that do not hold, of one severity or of all."""
        return tuple(
            outcome
            for outcome in self.outcomes
            if not outcome.passed and (severity is None or outcome.severity == severity)
        )

    @property
    def summary(self) -> str:
        """How many rules hold, and how many of each severity do not."""
        counts = {severity: len(self.failures(severity)) for severity in SEVERITIES}
        failed = [f"{count} {severity} failed" for severity, count in counts.items() if count]
        held = sum(outcome.passed for outcome in self.outcomes)
        return ", ".join([f"{held} of {len(self.outcomes)} rules hold", *failed])

    def describe(self) -> str:
        """Return the summary, then a line for each rule that does not hold, the critical ones first."""
        lines = [f"  {outcome.describe()}" for severity in SEVERITIES for outcome in self.failures(severity)]
        return "\n".join([self.summary, *lines])


def outcome_of(rule: ExpectationSpec, found: Mapping[str, Any]) -> RuleOutcome:
    """Return the outcome of a rule from GX's JSON of its result."""
    numbers: Mapping[str, Any] = found.get("result") or {}
    passed = bool(found["success"])
    elements = numbers.get("element_count")
    sample = () if passed else numbers.get("partial_unexpected_list") or ()
    return RuleOutcome(
        rule=rule.type,
        column=None if rule.type.startswith("expect_table_") else ", ".join(rule.columns) or None,
        kwargs=rule.kwargs,
        severity=rule.severity,
        passed=passed,
        checked=None if elements is None else elements - (numbers.get("missing_count") or 0),
        unexpected=numbers.get("unexpected_count"),
        unexpected_percent=numbers.get("unexpected_percent"),
        examples=_examples(sample),
        observed=_observed(numbers),
        error=None if passed else _error(found.get("exception_info") or {}),
        sampled=len(sample),
    )


def _examples(values: Iterable[Any]) -> tuple[str, ...]:
    counted = Counter(_text(value) for value in values if value is not None)
    most = sorted(counted.items(), key=lambda item: (-item[1], item[0]))[:_EXAMPLES]
    return tuple(f"{text} ({count} times)" if count > 1 else text for text, count in most)


def _observed(numbers: Mapping[str, Any]) -> str | None:
    value = numbers.get("observed_value")
    return None if value is None else _text(value)


def _error(info: Mapping[str, Any]) -> str | None:
    """Return the first line of what was raised; GX tells it at the top, or under the id of each metric."""
    entries = [info, *(entry for entry in info.values() if isinstance(entry, dict))]
    for entry in entries:
        if entry.get("raised_exception"):
            lines = str(entry.get("exception_message") or "").strip().splitlines()
            return _short(lines[0]) if lines else "it raised an error without a text"
    return None


def _text(value: Any) -> str:
    return _short(json.dumps(value, ensure_ascii=False, default=str))


def _short(text: str) -> str:
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"


def _percent(value: float) -> str:
    shown = f"{value:.2f}"
    return f"{shown} %" if value == 0 or float(shown) > 0 else "under 0.01 %"
