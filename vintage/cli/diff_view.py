"""What changed between two models, as a person reads it in a terminal."""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any, Final

from rich import box
from rich.console import Console, Group
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from vintage.lineage.difference import COMMIT, Difference, Section, Side
from vintage.report.details import number

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from rich.console import RenderableType

    from vintage.lineage.changed_data import DataSection, Restated
    from vintage.lineage.changed_metrics import Interval, MetricsSection
    from vintage.lineage.changes import Change

MOST_RESTATED: Final = 20
_DIGITS: Final = 12
_HASH: Final = re.compile(r"[0-9a-f]{32,}(-\d+)?")
_WIDE: Final = 110
"""Columns of a terminal from which every metric has room for its intervals."""
_LONG: Final = 60
"""Characters beyond which a text that changed is shown line by line."""
_NAMES: Final[Mapping[str, str]] = {
    "conf": "Spark settings",
    "params": "Params as used",
    "model": "what came out",
}
_SECTIONS: Final = (
    *("rows", "spec", "params", "tuning", "code", "engines", "packages", "conf", "seed"),
    *("model", "gates", "decision"),
)
_VERDICTS: Final[Mapping[str, str]] = {"better": "green", "worse": "red"}


def show(difference: Difference, console: Console) -> None:
    """Print a difference: which parts changed, then each of these."""
    parts: list[RenderableType] = [_head(difference)]
    if not difference.data.same:
        parts.append(_data(difference.data))
    for name in _SECTIONS:
        section: Section = getattr(difference, name)
        # Another commit of the same code is reported too.
        if section.changes:
            parts += _section(_NAMES.get(name, name), section)
        if name == "code":
            parts += _commits(section)
        if name == "model" and not difference.metrics.same:
            parts.append(_metrics(difference, console.width))
    console.print(Group(*parts))


def _head(difference: Difference) -> RenderableType:
    sides = Table.grid(padding=(0, 2))
    for name, side in (("old", difference.old), ("new", difference.new)):
        sides.add_row(name, str(side.date), f"model {side.model.short}", _became(side))
    every = ("data", *_SECTIONS[:-2], "metrics", *_SECTIONS[-2:])
    same = [_NAMES.get(name, name) for name in every if name not in difference.changed]
    changed = [_NAMES.get(name, name) for name in every if name in difference.changed]
    told = [Text(f"changed: {', '.join(changed)}", style="bold yellow")] if changed else []
    told += [Text(f"the same: {', '.join(same)}", style="green")] if same else []
    if difference.old.model == difference.new.model:
        told.insert(0, Text("both are one and the same model", style="bold"))
    return Panel(
        Group(sides, *told), title=difference.pipeline, title_align="left", box=box.ROUNDED, expand=False
    )


def _became(side: Side) -> str:
    if side.evaluation is None:
        return "not evaluated"
    if side.action is None or side.version is None:
        return "not decided"
    return f"version {side.version}, {side.action.replace('_', ' ')}"


def _data(data: DataSection) -> RenderableType:
    parts: list[RenderableType] = [Text("data", style="bold")]
    for told, dates in (("trained on", data.learnt), ("tested on", data.tested)):
        for sign, only, style in (("-", dates.only_old, "red"), ("+", dates.only_new, "green")):
            if only:
                parts.append(Text(f"  {sign} {told} {date_ranges(only)}", style=style))
    if data.restated:
        parts += _restated(data.restated)
    elif both := len(data.window.both):
        told = f"the {both} dates of both have" if both > 1 else "the one date of both has"
        parts.append(Text(f"  {told} the same rows"))
    else:
        parts.append(Text("  no date is in the window of both"))
    return Group(*parts)


def _restated(restated: Sequence[Restated]) -> Iterator[RenderableType]:
    """Yield the dates whose rows differ, and a line for those with the same rows in another snapshot."""
    alike = [each for each in restated if each.old.fingerprint == each.new.fingerprint]
    for source in dict.fromkeys(each.source for each in alike):
        dates = date_ranges([each.date for each in alike if each.source == source])
        yield Text(f"  the same rows of {source} in other snapshots, read, typed or kept otherwise: {dates}")
    changed = [each for each in restated if each not in alike]
    if not changed:
        return
    table = Table("restated", "date", "rows", "fingerprint", box=box.SIMPLE_HEAD)
    for each in changed[:MOST_RESTATED]:
        old, new = each.old, each.new
        rows = f"{old.rows:,}" if old.rows == new.rows else f"{old.rows:,} → {new.rows:,}"
        table.add_row(
            each.source, str(each.date), rows, f"{_short(old.fingerprint)} → {_short(new.fingerprint)}"
        )
    if len(changed) > MOST_RESTATED:
        table.caption = f"and {len(changed) - MOST_RESTATED} more; --json has all"
    yield table


def _section(name: str, section: Section) -> Iterator[RenderableType]:
    """Yield a table of the short values, then each long text line by line."""
    table = Table(box=box.SIMPLE_HEAD)
    table.add_column(name, overflow="fold")
    table.add_column("old", overflow="fold", style="red")
    table.add_column("new", overflow="fold", style="green")
    texts = [each for each in section.changes if _is_long(each)]
    for each in section.changes:
        if each not in texts:
            old, new = _cells(each)
            table.add_row(Text(each.path), Text(old), Text(new))
    if table.row_count:
        yield table
    for each in texts:
        yield Text(f"{name}: {each.path}", style="bold")
        yield _lines(str(each.old), str(each.new))


def _commits(code: Section) -> Iterator[RenderableType]:
    """Yield how to see what of the code differs, where git can tell."""
    moved = next((each for each in code.changes if each.path == COMMIT), None)
    if not code.same and moved is not None and moved.old and moved.new:
        yield Text(f"  shown by: git diff {moved.old[:_DIGITS]} {moved.new[:_DIGITS]} -- vintage")


def _is_long(change: Change) -> bool:
    values = (change.old, change.new)
    return all(isinstance(each, str) for each in values) and any(
        "\n" in each.strip() or (len(each) > _LONG and not _HASH.fullmatch(each)) for each in values
    )


def _cells(change: Change) -> tuple[str, str]:
    if change.change == "added":
        return "", _told(change.new)
    if change.change == "removed":
        return _told(change.old), ""
    if isinstance(change.old, list | tuple) and isinstance(change.new, list | tuple):
        gone = [each for each in change.old if each not in change.new]
        come = [each for each in change.new if each not in change.old]
        if gone or come:
            # Of a long list only what differs.
            return _signed_list("-", gone), _signed_list("+", come)
    return _told(change.old), _told(change.new)


def _signed_list(sign: str, values: Sequence[Any]) -> str:
    """Names stand side by side, sentences one below the other."""
    told = [_told(each) for each in values]
    apart = "\n" if any(" " in each for each in told) else " "
    return apart.join(f"{sign}{each}" for each in told)


def _lines(old: str, new: str) -> Text:
    told = Text()
    for line in difflib.ndiff(old.strip().splitlines(), new.strip().splitlines()):
        if not line.startswith("?"):
            style = {"-": "red", "+": "green"}.get(line[0], "")
            told.append(f"  {line}\n", style=style)
    return told


def _metrics(difference: Difference, width: int) -> RenderableType:
    section: MetricsSection = difference.metrics
    wide = width >= _WIDE
    table = Table("metric", box=box.SIMPLE_HEAD)
    for name in ("old", *(["interval"] if wide else []), "new", *(["interval"] if wide else []), "new - old"):
        table.add_column(name, justify="right")
    table.add_column("verdict")
    for each in section.metrics:
        before = [number(each.old), *([_between(each.old_interval)] if wide else [])]
        after = [number(each.new), *([_between(each.new_interval)] if wide else [])]
        verdict = Text(each.verdict, style=_VERDICTS.get(each.verdict, ""))
        table.add_row(each.name, *before, *after, _signed(each.difference), verdict)
    parts: list[RenderableType] = [table]
    if not section.same_holdout:
        parts.append(Text("  Each was measured on the holdout of its own date."))
    first = section.metrics[0] if section.metrics else None
    if first is not None and first.overlap is not None:
        meet = "overlap" if first.overlap else "do not overlap"
        spans = f"{_between(first.old_interval)} and {_between(first.new_interval)}"
        parts.append(Text(f"  The intervals of {first.name} {meet}: {spans}."))
    if first is not None and first.gain is not None:
        told = f"  On the new one's rows, {first.name} gains {_signed(first.gain)} on the old model"
        span = f" ({_between(first.gain_interval)})" if first.gain_interval else ""
        parts.append(Text(f"{told}{span}."))
    return Group(*parts)


def date_ranges(days: Sequence[date]) -> str:
    """Dates, those that follow one another as a range: `2013-02-01 to 2013-02-04, 2013-02-07`."""
    found: list[list[date]] = []
    for day in days:
        if found and day - found[-1][-1] == timedelta(days=1):
            found[-1].append(day)
        else:
            found.append([day])
    return ", ".join(f"{each[0]} to {each[-1]}" if len(each) > 1 else str(each[0]) for each in found)


def _told(value: Any) -> str:
    if isinstance(value, Mapping):
        return ", ".join(f"{name}: {_told(each)}" for name, each in value.items()) or "nothing"
    if isinstance(value, list | tuple):
        return ", ".join(map(_told, value)) or "none"
    if isinstance(value, bool):
        return str(value).lower()
    return "none" if value is None else _short(str(value))


def _short(text: str | None) -> str:
    return "none" if text is None else text[:_DIGITS] + "…" if _HASH.fullmatch(text) else text


def _signed(value: float | None) -> str:
    return "" if value is None else ("+" if value > 0 else "") + number(value)


def _between(interval: Interval | None) -> str:
    return "" if interval is None else f"{number(interval.low)} to {number(interval.high)}"
