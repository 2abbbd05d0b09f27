"""What became of a pipeline's models: each decision as it was recorded, and the metric from date to date."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Final

from pydantic import BaseModel, ConfigDict
from rich import box
from rich.bar import Bar
from rich.console import Console, Group
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from vintage.registry import ledger

# pydantic reads the fields' types when the module is loaded.
from vintage.registry.ledger import Entry
from vintage.report.details import number
from vintage.store import Key
from vintage.store.details import EvaluationDetails

if TYPE_CHECKING:
    from rich.console import RenderableType

    from vintage.store import Store

LAST: Final = 30
"""Dates that are shown unless more are asked for."""
_BAR: Final = 24
_STYLES: Final = {
    "promoted": "bold green",
    "refused": "bold red",
    "rejected": "bold red",
    "forced": "bold yellow",
    "rolled_back": "bold yellow",
}


class TrendPoint(BaseModel):
    """The evaluation that stands for a date.

    Attributes:
        value: the deciding metric on the date's holdout; None where the holdout does not define it.
        model_key, evaluation_key: what was measured.
        action: what the ledger says became of it; None when it was not decided on.
        version: the model's version in the registry; None when it has none.
        serves: whether that model is the champion now.
    """

    model_config = ConfigDict(frozen=True, protected_namespaces=())

    date: dt.date
    value: float | None
    model_key: Key
    evaluation_key: Key
    action: str | None
    version: int | None
    serves: bool


class History(BaseModel):
    """A pipeline's past.

    Attributes:
        metric: the one that decides.
        decisions: the ledger's lines, oldest first.
        trend: the metric by partition date, oldest first.
    """

    model_config = ConfigDict(frozen=True)

    pipeline: str
    metric: str
    decisions: tuple[Entry, ...]
    trend: tuple[TrendPoint, ...]


def history_of(
    store: Store, metric: str, *, champion: str | None, last: int = LAST, until: dt.date | None = None
) -> History:
    """Return the past of a pipeline, from its ledger and the manifests of its evaluations.

    Args:
        store: the pipeline's store.
        metric: the one that decides.
        champion: key of the model that serves, if one does and it is known.
        last: how many decisions, and how many partition dates, at most; the latest of each.
        until: the latest partition date to tell of; None tells all.
    """
    decisions = ledger.read(store.ledger_path)
    decided = {entry.evaluation_key: entry for entry in decisions}
    trend = []
    for day in [each for each in store.dates("evaluation") if until is None or each <= until][-last:]:
        evaluation = store.current("evaluation", day)
        if evaluation is None:
            continue
        details = EvaluationDetails.of(evaluation)
        entry = decided.get(evaluation.key)
        trend.append(
            TrendPoint(
                date=day,
                value=details.metrics.get(metric),
                model_key=details.model,
                evaluation_key=evaluation.key,
                action=entry.action if entry else None,
                version=entry.version if entry else None,
                serves=details.model == champion,
            )
        )
    return History(pipeline=store.pipeline, metric=metric, decisions=decisions[-last:], trend=tuple(trend))


def show(history: History, console: Console) -> None:
    """Print a history: the metric by date, then the decisions as they were made."""
    if not history.trend and not history.decisions:
        console.print(f"{history.pipeline} has no history yet: nothing was evaluated.", markup=False)
        return
    console.print(Group(_trend(history), _decisions(history)))


def _trend(history: History) -> RenderableType:
    table = Table("date", history.metric, "", "version", "decision", "", box=box.SIMPLE_HEAD)
    known = [each.value for each in history.trend if each.value is not None]
    low, high = (min(known), max(known)) if known else (0.0, 0.0)
    for each in history.trend:
        bar: RenderableType = ""
        if each.value is not None:
            # The least value still has a mark; where all are the same, so are the bars.
            share = (each.value - low) / (high - low) if high > low else 1.0
            bar = Bar(_BAR, 0, 1 + share * (_BAR - 1), width=_BAR)
        version = "" if each.version is None else str(each.version)
        decision = Text(
            (each.action or "not decided").replace("_", " "), style=_STYLES.get(each.action or "", "")
        )
        table.add_row(
            str(each.date), number(each.value), bar, version, decision, "serves" if each.serves else ""
        )
    if high > low:
        table.caption = f"bars from {number(low)} to {number(high)}"
        table.caption_justify = "left"
    return table


def _decisions(history: History) -> RenderableType:
    """Each decision in a line, and its reasons below: a column of them would be too narrow to read."""
    parts: list[RenderableType] = []
    for entry in history.decisions:
        decided = Text(f"{entry.at:%Y-%m-%d %H:%M} UTC  {entry.date} version {entry.version}: ")
        parts.append(decided.append(entry.told, style=_STYLES.get(entry.action, "")))
        parts += [Padding(Text(f"· {reason}", overflow="fold"), (0, 0, 0, 2)) for reason in entry.reasons]
    return Group(*parts)
