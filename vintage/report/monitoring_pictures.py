"""Pictures of a model's later dates: its quality over time, and a column against its reference."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from vintage.monitoring.quality import value_of
from vintage.report.details import number
from vintage.report.drawing import GRID, INK, SERIES, Canvas, Picture, shortened
from vintage.report.pictures import as_percent

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import date

    from vintage.monitoring.distribution import Distribution
    from vintage.monitoring.quality import QualityOfDate
    from vintage.store.details import QualityOfModel

_TICKS: Final = 5
_MOST_MARKS: Final = 12


@dataclass(frozen=True)
class _Point:
    """A date on the picture: its place from the first, and the models that were measured on it."""

    date: date
    place: int
    model: QualityOfModel
    serving: QualityOfModel | None


def quality_picture(dates: Sequence[QualityOfDate], promoted: Mapping[date, int]) -> Picture | None:
    """Return the deciding metric by date with its interval, beside the holdout's; None without any.

    Args:
        dates: oldest first.
        promoted: date → version that became the champion on it.
    """
    measured = [each for each in dates if each.found is not None and each.found.predicted is not None]
    metric = measured[-1].found.metric if measured and measured[-1].found else ""
    points = [
        _Point(each.date, (each.date - measured[0].date).days, each.found.predicted, each.found.serving)
        for each in measured
        if each.found and each.found.predicted and value_of(each.found.predicted, metric)[0] is not None
    ]
    if not points:
        return None
    canvas = Canvas()
    serving = [(each.place + 0.25, each.serving) for each in points if each.serving is not None]
    _bars(canvas, metric, [(each.place, each.model) for each in points], SERIES[0], "as predicted")
    _bars(canvas, metric, serving, SERIES[2], "current champion")
    for each in points:
        promised = each.model.holdout.get(metric)
        if promised is not None:
            ends = (each.place - 0.5, each.place + 0.5)
            canvas.axes.plot(ends, (promised, promised), color=INK, lw=1.2)
    missed = [each for each in points if not each.model.found.decision.promote]
    if missed:
        values = [value_of(each.model, metric)[0] or 0.0 for each in missed]
        places = [each.place for each in missed]
        canvas.axes.plot(places, values, "X", color=SERIES[1], ms=8, label="misses a gate")
    _marks(canvas, points, promoted)
    first, span = measured[0].date, points[-1].place
    ticks = sorted({round(span * part / (_TICKS - 1)) for part in range(_TICKS)})
    canvas.axes.set_xticks(ticks, [f"{first + timedelta(days=tick):%m-%d}" for tick in ticks])
    canvas.axes.set(ylabel=metric, xlim=(-0.8, span + 0.8))
    canvas.axes.grid(visible=True, axis="y", lw=0.5, color=GRID)
    canvas.axes.margins(y=0.15)
    canvas.axes.legend(ncols=2, loc="lower left", bbox_to_anchor=(0, 1), handletextpad=0.4, columnspacing=1)
    return canvas.picture("quality", f"{metric} by date", _told(points, metric, len(missed)))


def _told(points: Sequence[_Point], metric: str, missed: int) -> str:
    last = points[-1]
    promised = last.model.holdout.get(metric)
    against = f", {number(promised)} on the holdout of version {last.model.version}" if promised else ""
    return (
        f"{len(points)} dates from {points[0].date} to {last.date}, each with its interval. The short line "
        "is what the version reached on its holdout; at a dotted line another version begins; a triangle is "
        f"a promotion. On {last.date} it was {number(value_of(last.model, metric)[0])}{against}; gates "
        f"are missed on {missed} of the dates."
    )


def _bars(
    canvas: Canvas, metric: str, models: Sequence[tuple[float, QualityOfModel]], color: str, label: str
) -> None:
    known = [(place, *value_of(model, metric)) for place, model in models]
    for place, value, interval in known:
        if value is not None and interval is not None:
            canvas.axes.plot((place, place), interval, color=color, lw=1.4, alpha=0.7)
    points = [(place, value) for place, value, _ in known if value is not None]
    if points:
        canvas.axes.plot(*zip(*points, strict=True), "o", color=color, ms=4.5, label=label)


def _marks(canvas: Canvas, points: Sequence[_Point], promoted: Mapping[date, int]) -> None:
    """Mark where another version made the predictions, and where one was promoted."""
    across = canvas.axes.get_xaxis_transform()
    before = [None, *(each.model.version for each in points)]
    marks = [each for each, version in zip(points, before, strict=False) if each.model.version != version]
    step = -(-len(marks) // _MOST_MARKS)
    for number_of, each in enumerate(marks):
        canvas.axes.axvline(each.place - 0.5, color=GRID, lw=1, ls=":")
        if number_of % step == 0:
            name = f"v{each.model.version}"
            canvas.axes.text(each.place - 0.4, 0.99, name, transform=across, fontsize=7.5, va="top")
    first = points[0].date - timedelta(days=points[0].place)
    places = [(day - first).days for day in promoted if points[0].date <= day <= points[-1].date]
    if places:
        heights = [0.02] * len(places)
        canvas.axes.plot(places, heights, "^", color=SERIES[2], ms=5, transform=across, label="promoted")


def distribution_picture(kind: str, column: str, spread: Distribution, day: date, reference: str) -> Picture:
    """Return the shares of a column's values on a date, against those of the reference.

    Args:
        kind: of the rows; part of the picture's name.
        column: its name.
        spread: both distributions.
        day: the date.
        reference: what it is compared with, in words.
    """
    sides = ((spread.reference, SERIES[0], "reference"), (spread.found, SERIES[1], str(day)))
    if spread.edges:
        canvas = Canvas()
        for shares, color, label in sides:
            canvas.axes.stairs(shares, spread.edges, color=color, fill=True, alpha=0.2, lw=0)
            canvas.axes.stairs(shares, spread.edges, color=color, lw=1.5, label=label)
        canvas.axes.set(xlabel=shortened(column), ylabel="share of the values")
        canvas.axes.locator_params(axis="x", nbins=5)
        as_percent(canvas.axes.yaxis)
    else:
        canvas = Canvas(height=0.9 + 0.3 * len(spread.values))
        for place, (shares, color, label) in enumerate(sides):
            at = [down + 0.2 * (2 * place - 1) for down in range(len(shares))]
            canvas.axes.barh(at, shares, 0.38, color=color, label=label)
        canvas.axes.set_yticks(range(len(spread.values)), [shortened(each) for each in spread.values])
        canvas.axes.set(ylim=(len(spread.values) - 0.5, -0.5), xlabel="share of the values")
        canvas.axes.tick_params(axis="y", length=0)
        as_percent(canvas.axes.xaxis)
    canvas.axes.legend(ncols=2, loc="lower left", bbox_to_anchor=(0, 1))
    return canvas.picture(
        f"distribution-{kind}",
        f"{shortened(column)} on {day}",
        f"The column that moved furthest: the shares of its values on {day}, against {reference}.",
    )
