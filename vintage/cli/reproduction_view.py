"""A reproduction on a terminal: the verdict, the environment if it is another, and each step."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from rich import box
from rich.console import Group
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from vintage.cli.screen import hanging

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from rich.console import Console, RenderableType

    from vintage.data.changed_rows import RowChange
    from vintage.flow.reproduction import Reproduction, Step

_LONGEST: Final = 200
_MOST: Final = 12


def show(found: Reproduction, console: Console) -> None:
    """Print it: the verdict, the environment if it is another, and each step."""
    console.print(Group(*_parts(found)))


def _parts(found: Reproduction) -> Iterator[RenderableType]:
    yield _verdict(found)
    yield _environment(found)
    yield _steps(found.steps)
    if found.restated:
        dates = [
            f"{each.date} of {each.source} ({each.rows_then} rows then, {each.rows_now} now)"
            for each in found.restated[:_MOST]
        ]
        more = f" and {len(found.restated) - _MOST} more" if len(found.restated) > _MOST else ""
        yield Text(f"Raw data restated since, which changes nothing here: {', '.join(dates)}{more}\n")


def _verdict(found: Reproduction) -> RenderableType:
    first = found.first_difference
    lines: list[RenderableType]
    if first is None:
        lines = [
            Text(f"the same: model {found.key.short}, made again", style="bold green"),
            hanging(f"· {len(found.steps)} comparisons in {found.seconds:.0f} s, numbers to the last bit"),
        ]
        if found.other_environment:
            lines.append(Text("· though the environment is another"))
    else:
        lines = [
            Text(f"not the same: model {found.key.short}, made again", style="bold red"),
            hanging(
                f"· first, {first.step} of {first.date}: {_short(first.then)} then, {_short(first.now)} now"
            ),
            hanging(f"· why: {first.reason}"),
            *(hanging(f"· {line}") for line in first.told[:_MOST]),
            *_rows(first.rows),
        ]
    title = f"{found.pipeline} {found.date}"
    return Panel(Group(*lines), title=title, title_align="left", box=box.ROUNDED, expand=False)


def _rows(rows: RowChange | None) -> Iterator[RenderableType]:
    if rows is None:
        return
    yield hanging(f"· {rows.told}")
    for example in rows.examples:
        key = ", ".join(f"{name} {value}" for name, value in example.key.items())
        values = ", ".join(f"{name} {then} → {now}" for name, (then, now) in example.values.items())
        yield hanging(f"  {key}: {values}")


def _environment(found: Reproduction) -> RenderableType:
    differing = found.other_environment
    if not differing:
        return Text(f"\nThe environment is the same in all {len(found.environment)} things recorded.")
    told = f"{len(found.environment) - len(differing)} more are the same"
    if any(each.what == "git commit" for each in differing):
        told += "; see docs/reproduce.md for how to restore the original environment"
    table = Table("environment", "then", "now", box=box.SIMPLE_HEAD, caption=told, caption_justify="left")
    for column in table.columns:
        column.overflow = "fold"
    for each in differing:
        table.add_row(Text(each.what), Text(each.then), Text(each.now))
    return table


def _steps(steps: Sequence[Step]) -> RenderableType:
    """One row for each step; of one that is compared date by date, the first that differs."""
    table = Table("step", "compared", "", "seconds", box=box.SIMPLE_HEAD)
    for name in dict.fromkeys(each.step for each in steps):
        these = [each for each in steps if each.step == name]
        differing = [each for each in these if not each.same]
        compared = these[0].date if len(these) == 1 else f"{len(these)} dates"
        if differing:
            verdict = f"{len(differing)} differ" if len(these) > 1 else "differs"
            verdict += ", as follows from the above" if differing[0].follows else ""
            style = "yellow" if differing[0].follows else "bold red"
        else:
            verdict, style = "the same", "green"
        seconds = sum(each.seconds for each in these)
        table.add_row(Text(name), compared, Text(verdict, style=style), f"{seconds:.1f}" if seconds else "")
    return table


def _short(value: Any) -> str:
    text = str(value)
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"
