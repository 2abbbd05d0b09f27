"""What a restatement touches, as a person reads it in a terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, get_args

from rich import box
from rich.console import Console, Group
from rich.table import Table
from rich.text import Text

from vintage.cli.screen import hanging
from vintage.flow.restatement import Role
from vintage.spec.names import list_names

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from rich.console import RenderableType

    from vintage.data.changed_rows import RowChange
    from vintage.flow.restatement import Impact, Restated, ScoredRows, TouchedModel, Use, Watched

_SHORT: Final = 12
_SHORTER: Final = 8
_MOST_DATES: Final = 2


def show(impact: Impact, console: Console) -> None:
    """Print what is touched, then the commands that retrain it, each on a line of its own."""
    console.print(Text(_head(impact), style="bold"))
    parts: list[RenderableType] = []
    if impact.restated:
        parts.append(_versions(impact.restated))
        parts += [hanging(line) for each in impact.restated for line in _rows(each)]
    if impact.pending:
        parts.append(_pending(impact))
    if impact.models:
        parts.append(_models(impact.models))
    if impact.predictions:
        parts.append(_scored(impact.predictions))
    if impact.watched:
        parts.append(_watched(impact.watched))
    console.print(Group(*parts))
    if impact.retrain:
        _commands(console, "to retrain the current models:", impact.commands)
        if len(impact.commands) > 1:
            _commands(console, "or all of it in one Spark session:", impact.backfills)
        _commands(console, "or in Airflow:", impact.airflow_backfills)
    elif impact.models:
        console.print("The current models are of the current rows: nothing has to be retrained.")
    if impact.score:
        _commands(console, "to repeat the current predictions:", impact.score)
    if impact.watch:
        _commands(console, "to repeat the current monitors and qualities:", impact.watch)
    for model in impact.models:
        if model.champion == "serves":
            again = f'vintage promote {impact.pipeline} --date {model.date} --force --why "restated"'
            told = "the champion is of old rows; it serves until a later date is promoted, or else:"
            _commands(console, told, (again,))


def _commands(console: Console, told: str, commands: Iterable[str]) -> None:
    console.print(Text(told, style="bold"))
    for command in commands:
        console.print(f"  {command}", markup=False, soft_wrap=True)


def _head(impact: Impact) -> str:
    if not impact.restated and not impact.pending:
        return f"{impact.pipeline}: no date's raw data was restated"
    told = [f"{_count(len(impact.restated), 'date')} restated"] if impact.restated else []
    told += [f"{_count(len(impact.pending), 'date')} with other raw files since"] if impact.pending else []
    sets = sum(len(model.evaluations) for model in impact.models) + len(impact.predictions)
    made = f"{_count(len(impact.models), 'model')} and {_count(sets, 'set')} of predictions touched"
    return f"{impact.pipeline}: {', '.join(told)}\n{made}, {_count(len(impact.retrain), 'date')} to retrain"


def _count(number: int, thing: str) -> str:
    return f"{number or 'no'} {thing}{'' if number == 1 else 's'}"


def _versions(restated: tuple[Restated, ...]) -> Table:
    table = Table("date", "rows of", "snapshot", "taken (UTC)", "rows", "", box=box.SIMPLE_HEAD)
    for each in restated:
        for version in each.versions:
            state = "current" if version.current else "same rows" if version not in each.old else "old"
            table.add_row(
                str(each.date),
                each.source,
                version.key.short,
                f"{version.taken:%Y-%m-%d %H:%M}",
                str(version.rows),
                Text(state, style="bold green" if version.current else ""),
            )
    return table


def _rows(restated: Restated) -> Iterator[str]:
    for change in restated.changes:
        counts = [f"{change.added} added", f"{change.removed} removed"]
        if change.by:
            counts.append(f"{change.changed} changed")
        how = f"by {', '.join(change.by)}" if change.by else "as whole rows"
        yield f"{restated.source} {restated.date}, {change.old[:_SHORT]} → {change.new[:_SHORT]}, {how}:"
        yield f"  {', '.join(counts)}"
        yield from (f"  column {name}: {told}" for name, told in change.columns.items())
        yield from _examples(change)


def _examples(change: RowChange) -> Iterator[str]:
    for example in change.examples:
        key = ", ".join(f"{name}={value}" for name, value in example.key.items())
        values = ", ".join(f"{name} {old} → {new}" for name, (old, new) in example.values.items())
        yield f"  · {key}: {values}"


def _pending(impact: Impact) -> Table:
    table = Table("date", "rows of", "raw files changed since its snapshot", box=box.SIMPLE_HEAD)
    for each in impact.pending:
        table.add_row(str(each.date), each.source, Text(each.told))
    table.caption = "the next run with the date in its window takes a new snapshot"
    table.caption_justify = "left"
    return table


def _models(models: tuple[TouchedModel, ...]) -> Table:
    table = Table("date", "model", "version", "old rows", "champion", "stands", box=box.SIMPLE_HEAD)
    for model in models:
        champion = Text(
            "" if model.champion == "never" else model.champion,
            style="bold red" if model.champion == "serves" else "",
        )
        stands = "retrain" if model.retrain else "yes" if model.stands else "replaced"
        version = "" if model.version is None else str(model.version)
        used = Text("\n".join(_roles(model.uses)))
        table.add_row(str(model.date), model.key[:_SHORTER], version, used, champion, stands)
    return table


def _scored(predictions: tuple[ScoredRows, ...]) -> Table:
    table = Table("date", "predictions", "by version", "old rows", "stands", box=box.SIMPLE_HEAD)
    for each in predictions:
        learnt = ("the model is of old rows",) if each.model_touched else ()
        told = Text("\n".join([*_roles(each.uses), *learnt]))
        stands = "score again" if each.again else "yes" if each.stands else "replaced"
        table.add_row(str(each.date), each.key[:_SHORTER], str(each.version), told, stands)
    return table


def _watched(watched: tuple[Watched, ...]) -> Table:
    table = Table("date", "made after scoring", "key", "old rows", "stands", box=box.SIMPLE_HEAD)
    for each in watched:
        told = Text("\n".join(_roles(each.uses)))
        stands = "again" if each.again else "yes" if each.stands else "replaced"
        table.add_row(str(each.date), each.kind, each.key[:_SHORTER], told, stands)
    return table


def _roles(uses: Sequence[Use]) -> Iterator[str]:
    for role in get_args(Role):
        names = {
            (str(use.date) if use.source == "source" else f"{use.source} {use.date}"): None
            for use in uses
            if use.role == role
        }
        if names:
            yield f"{role} {list_names(tuple(names), most=_MOST_DATES)}"
