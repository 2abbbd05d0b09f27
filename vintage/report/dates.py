"""Pictures of a window by date: rows, null values and labels, with the dates that are missing marked."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Final

from vintage.report.details import number
from vintage.report.drawing import GRID, SERIES, Canvas, Picture, shortened
from vintage.report.pictures import as_percent
from vintage.spec import SOURCE_VIEW

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from datetime import date

    from vintage.report.partitions import Partition
    from vintage.report.summary import Summary

_HEIGHT: Final = 2.1
_TICKS: Final = 5
_LINES: Final = len(SERIES)
_MOST_MARKED: Final = 60
"""Dates up to which each has a mark of its own on a line."""


def date_pictures(summary: Summary) -> Iterator[Picture]:
    """Yield the pictures of the window; one of a single date tells nothing that its numbers do not."""
    rows = {part.date: part for part in summary.partitions if part.source == SOURCE_VIEW}
    days = sorted({*rows, *summary.absent})
    if len(days) < 2:  # noqa: PLR2004 - one date is no course
        return
    yield _rows(days, rows, summary.absent)
    pictures = (_labels(days, rows, summary), _nulls(days, rows))
    yield from (each for each in pictures if each is not None)


def _rows(days: Sequence[date], parts: Mapping[date, Partition], absent: Mapping[date, str]) -> Picture:
    canvas = _canvas(days, parts)
    counts = [parts[day].rows for day in days if day in parts]
    canvas.axes.bar(
        [_place(days, day) for day in parts],
        [each.rows for each in parts.values()],
        color=SERIES[0],
        alpha=0.75,
    )
    canvas.axes.set(ylabel="rows", ylim=(0, max(counts, default=0) * 1.12 or 1))
    gone = [day for day in days if day not in parts]
    low, high = f"{min(counts, default=0):,}", f"{max(counts, default=0):,}"
    told = f"{low if low == high else f'{low} to {high}'} rows a date" if counts else "no rows"
    return canvas.picture(
        "rows-by-date",
        "Rows by date",
        f"{told}; {_missing(gone)}.",
    )


def _labels(days: Sequence[date], parts: Mapping[date, Partition], summary: Summary) -> Picture | None:
    """Return the shares of the most frequent classes, of class 1 for two classes, or the mean of numbers."""
    known = {day: each for day, each in summary.labels.items() if each.rows and each.mean is not None}
    if len(known) < 2 or summary.task not in {"classification", "regression"}:  # noqa: PLR2004 - no course
        return None
    lines: dict[str, dict[date, float]]
    counted: Counter[str] = Counter()
    for each in known.values():
        counted.update(each.counts)
    classes = summary.task == "classification" and bool(counted)
    if classes:
        chosen = (
            ["1.0"] if set(counted) == {"0.0", "1.0"} else [name for name, _ in counted.most_common(_LINES)]
        )
        lines = {
            f"class {float(name):g}": {
                day: each.counts.get(name, 0) / each.rows for day, each in known.items()
            }
            for name in chosen
        }
    else:
        lines = {"mean": {day: each.mean for day, each in known.items() if each.mean is not None}}
    canvas = _canvas(days, parts)
    _lines(canvas, days, lines)
    if classes:
        as_percent(canvas.axes.yaxis)
    canvas.axes.set(ylabel="share of the rows" if classes else "label")
    told = "; ".join(
        f"{name} {_from_to(*(_shown(end(values.values()), classes) for end in (min, max)))}"
        for name, values in lines.items()
    )
    most = (
        f", the {len(lines)} most frequent of {len(counted)} classes" if 1 < len(lines) < len(counted) else ""
    )
    return canvas.picture("labels-by-date", "Labels by date", f"Of the trainable rows{most}: {told}.")


def _from_to(low: str, high: str) -> str:
    return low if low == high else f"from {low} to {high}"


def _shown(value: float, share: object) -> str:
    return f"{value:.1%}" if share else number(value)


def _nulls(days: Sequence[date], parts: Mapping[date, Partition]) -> Picture | None:
    """Return the columns whose share of null values varies most; None where no value is null."""
    shares = {
        name: {day: part.nulls.get(name, 0) / part.rows for day, part in parts.items() if part.rows}
        for name in {name for part in parts.values() for name in part.nulls}
    }
    if not shares:
        return None
    spread = {name: max(values.values()) - min(values.values()) for name, values in shares.items()}
    chosen = sorted(shares, key=lambda name: (-spread[name], -max(shares[name].values()), name))[:_LINES]
    canvas = _canvas(days, parts)
    _lines(canvas, days, {name: shares[name] for name in chosen})
    canvas.axes.set_ylim(bottom=0)
    as_percent(canvas.axes.yaxis)
    canvas.axes.set(ylabel="null values")
    most = max(chosen, key=lambda name: max(shares[name].values()))
    highest = max(shares[most], key=lambda day: shares[most][day])
    others = f" of the {len(shares)} that have any" if len(shares) > len(chosen) else ""
    return canvas.picture(
        "nulls-by-date",
        "Null values by date",
        f"The {len(chosen)} columns{others} whose share of null values varies most; the largest share is "
        f"{shares[most][highest]:.1%}, of {most} on {highest}.",
    )


def _lines(canvas: Canvas, days: Sequence[date], lines: Mapping[str, Mapping[date, float]]) -> None:
    """Draw a line for each name; a date without a value is a gap."""
    every = [days[0].fromordinal(each) for each in range(days[0].toordinal(), days[-1].toordinal() + 1)]
    for (name, values), color in zip(lines.items(), SERIES, strict=False):
        canvas.axes.plot(
            range(len(every)),
            [values.get(day, float("nan")) for day in every],
            color=color,
            lw=1.4,
            marker="o" if len(every) <= _MOST_MARKED else None,
            ms=3,
            label=shortened(name, 22),
        )
    canvas.axes.legend(
        ncols=_LINES, loc="lower left", bbox_to_anchor=(0, 1), handletextpad=0.3, columnspacing=1
    )


def _canvas(days: Sequence[date], there: Mapping[date, object]) -> Canvas:
    """Return an axis of days on which those that are missing are marked."""
    canvas = Canvas(height=_HEIGHT)
    last = _place(days, days[-1])
    gone = [_place(days, day) for day in days if day not in there]
    for place in gone:
        canvas.axes.axvspan(place - 0.5, place + 0.5, color=SERIES[1], alpha=0.2, lw=0)
    if gone:
        # On the axis, whatever its values are.
        canvas.axes.plot(
            gone,
            [0.04] * len(gone),
            "x",
            color=SERIES[1],
            ms=6,
            mew=1.8,
            transform=canvas.axes.get_xaxis_transform(),
        )
    step = max(1, -(-(last + 1) // _TICKS))
    ticks = range(last, -1, -step)
    names = [str(days[0].fromordinal(days[0].toordinal() + tick)) for tick in ticks]
    canvas.axes.set_xticks(ticks, names, rotation=25, ha="right")
    canvas.axes.set_xlim(-0.7, last + 0.7)
    canvas.axes.grid(visible=True, axis="y", lw=0.5, color=GRID)
    canvas.axes.set_axisbelow(True)
    return canvas


def _place(days: Sequence[date], day: date) -> int:
    return day.toordinal() - days[0].toordinal()


def _missing(gone: Sequence[date]) -> str:
    if not gone:
        return "no date is missing"
    shown = ", ".join(map(str, gone[:_TICKS])) + (", …" if gone[_TICKS:] else "")
    return f"{len(gone)} missing date{'s' if gone[1:] else ''} marked with a cross: {shown}"
