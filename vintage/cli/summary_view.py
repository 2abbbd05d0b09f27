"""The summary as a person reads it in a terminal: the decision first."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from rich import box
from rich.console import Console, Group
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from vintage.cli.screen import hanging
from vintage.report.details import between, detail_tables, number, slice_name
from vintage.report.headline import headline_of
from vintage.report.summary import metrics_named_twice
from vintage.spec.partition import spans

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rich.console import RenderableType

    from vintage.report.summary import Summary
    from vintage.store.details import ModelTuning


STYLES: Final = {"good": "bold green", "open": "bold yellow", "bad": "bold red"}
MOST_CANDIDATES: Final = 10
MOST_SLICES: Final = 10
KEY_DIGITS: Final = 12
_GAP: Final = 4


def show(summary: Summary, console: Console) -> None:
    """Print a summary."""
    parts = [_decision(summary), _metrics(summary, console), _made_from(summary)]
    if summary.tuning is not None:
        parts.insert(2, _candidates(summary.tuning))
    console.print(Group(*parts))


def _decision(summary: Summary) -> RenderableType:
    found = headline_of(summary)
    lines: list[RenderableType] = [
        Text(found.decision, style=STYLES[found.tone]),
        *(hanging(f"· {reason}") for reason in found.reasons),
        Text(found.serving),
    ]
    title = f"{summary.pipeline} {summary.date}"
    return Panel(Group(*lines), title=title, title_align="left", box=box.ROUNDED, expand=False)


def _metrics(summary: Summary, console: Console) -> RenderableType:
    table = Table("metric", "on the holdout", box=box.SIMPLE_HEAD)
    before, spread = summary.baseline, summary.metric_intervals
    if summary.intervals is not None and spread:
        table.add_column(f"{summary.intervals.confidence:.0%} interval")
    if before is not None:
        table.add_column(f"champion of {before['date']}")
    twice = metrics_named_twice(summary)
    if twice:
        table.caption = f"the same again: {', '.join(twice)}"
    for name, value in summary.metrics.items():
        if name in twice:
            continue
        theirs = () if before is None else (number(before["metrics"].get(name)),)
        table.add_row(name, number(value), *((between(spread.get(name)),) if spread else ()), *theirs)
    details = Group(*_slices(summary), *detail_tables(summary.details))
    needed = sum(console.measure(part).maximum for part in (table, details)) + _GAP
    if needed > console.width:
        return Group(table, details)
    side_by_side = Table.grid(padding=(0, _GAP))
    side_by_side.add_row(table, details)
    return side_by_side


def _slices(summary: Summary) -> Iterator[Table]:
    """Yield the worst slices by the metric that decides."""
    if not summary.slices:
        return
    table = Table("slice", "rows", summary.metric, "interval", box=box.SIMPLE_HEAD)
    for each in summary.slices[:MOST_SLICES]:
        name = Text(slice_name(each))
        metric = number(each.metrics.get(summary.metric))
        table.add_row(name, str(each.rows), metric, between(each.interval))
    if len(summary.slices) > MOST_SLICES:
        table.caption = f"the worst of {len(summary.slices)}; the report shows all"
    yield table


def _candidates(tuning: ModelTuning) -> RenderableType:
    best, names = tuning.winner.candidate, list(tuning.winner.params)
    table = Table(box=box.SIMPLE_HEAD, title=f"tuned on {tuning.date}", title_justify="left")
    for name in names:
        # Stage over Param: a few of them side by side are wider than a terminal.
        table.add_column(name.replace(".", ".\n", 1), overflow="fold")
    table.add_column(f"mean {tuning.metric}", overflow="fold")
    tried = tuning.candidates
    # The best first; those that failed last.
    sign = -1 if tuning.larger_is_better else 1
    order = sorted(
        range(len(tried)),
        key=lambda place: (tried[place].mean is None, sign * (tried[place].mean or 0), place),
    )
    for place in order[:MOST_CANDIDATES]:
        mean, error = tried[place].mean, tried[place].error
        told = f"failed: {error}" if error else number(mean)
        values = [Text(str(value)) for value in tried[place].params.values()]
        table.add_row(*values, Text(told), style="bold green" if place == best else "")
    if len(order) > MOST_CANDIDATES:
        table.caption = f"and {len(order) - MOST_CANDIDATES} more candidates; --json shows all"
    return table


def _made_from(summary: Summary) -> RenderableType:
    table = Table.grid(padding=(0, 2))
    table.add_column()
    table.add_column(overflow="fold")
    clean = " with changes not committed" if summary.git.get("clean") is False else ""
    table.add_row(
        "window", f"{summary.window[0]} to {summary.window[-1]}, {len(summary.window)} dates with rows"
    )
    for why, days in summary.absent_dates.items():
        table.add_row(why, Text(spans(days), style="yellow"))
    if summary.undated_warning:
        table.add_row("undated rows", Text(summary.undated_warning, style="yellow"))
    table.add_row("rows", f"{summary.rows['train']} training, {summary.rows['test']} holdout")
    if summary.overlap_warning:
        table.add_row("holdout", Text(summary.overlap_warning, style="yellow"))
    if summary.key_warning:
        table.add_row("row key", Text(summary.key_warning, style="yellow"))
    table.add_row("raw data", f"fingerprint {summary.fingerprints[summary.date]} on {summary.date}")
    for name, dated in summary.joined_fingerprints.items():
        table.add_row(f"joined {name}", f"fingerprint {dated[summary.date]} on {summary.date}")
    if summary.scored is not None:
        table.add_row("scored", Text(summary.scored.told))
    # Enough of each to name it; `--json` has all of it.
    table.add_row("model key", summary.keys["model"][:KEY_DIGITS])
    if summary.model_digest:
        table.add_row("model digest", summary.model_digest[:KEY_DIGITS])
    if summary.served_by:
        table.add_row("served by", Text(summary.served_by))
    if summary.how_exact:
        table.add_row("reproducibility", summary.how_exact)
    table.add_row("code", f"commit {str(summary.git.get('commit') or 'unknown')[:KEY_DIGITS]}{clean}")
    table.add_row("MLflow run", summary.mlflow.run_id or "none")
    table.add_row("seconds", ", ".join(f"{step} {seconds:.1f}" for step, seconds in summary.seconds.items()))
    return table
