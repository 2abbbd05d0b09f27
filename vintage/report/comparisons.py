"""Pictures that hold things against each other: features, slices, dates, rankings."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, Final

from vintage.report.details import number, slice_name
from vintage.report.drawing import GRID, INK, SERIES, Canvas, Picture, shortened
from vintage.report.pictures import MOST_BARS, bars

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import date

    from vintage.report.history import TrendPoint
    from vintage.report.summary import Summary
    from vintage.store.details import CandidateDetails, ModelTuning

RANKING: Final = ("precisionAtK", "recallAtK", "ndcgAtK", "meanAveragePrecision")
COVERAGE: Final = ("userCoverage", "itemCoverage", "catalogCoverage")
_ROW: Final = 0.21
_ROOM: Final = 0.8
_MOST_COLUMNS: Final = 10
_WORST, _BEST = 12, 7
"""Slices at either end that are shown where not all have room."""


def importances_picture(found: Mapping[str, Any]) -> Picture:
    """Return the largest features: bars, or shades where each has several values."""
    features = found["features"][:MOST_BARS]
    of = len(found["features"]) + found.get("left_out", 0)
    title = f"{found['kind'].capitalize()} by feature"
    if features and "standardised" in features[0]:
        title = f"Standardised {found['kind']} by feature"
        shown = "values" if "by" in found else "value"
        features = [{**each, shown: each["standardised"]} for each in features]
    told = f"The {len(features)} largest of {of}" if of > len(features) else f"All {of}"
    if "by" not in found:
        values = {each["feature"]: float(each["value"] or 0.0) for each in features}
        return bars("importances", title, f"{told}, by size; {features[0]['feature']} first.", values)
    columns = found["by"][:_MOST_COLUMNS]
    canvas = Canvas(height=_ROOM + _ROW * len(features))
    reach = max((abs(value or 0.0) for each in features for value in each["values"]), default=0.0) or 1.0
    for down, each in enumerate(features):
        for across, value in enumerate(each["values"][: len(columns)]):
            size = abs(value or 0.0) / reach
            canvas.axes.fill_between(
                (across - 0.49, across + 0.49),
                down - 0.48,
                down + 0.48,
                color=SERIES[0] if (value or 0.0) >= 0 else SERIES[1],
                alpha=0.7 * size,
                lw=0,
            )
            if len(columns) <= 5:  # noqa: PLR2004 - what has room for its number
                shown = "none" if value is None else f"{value:.3g}"
                canvas.axes.text(across, down, shown, ha="center", va="center", fontsize=8)
    canvas.axes.set_yticks(range(len(features)), [shortened(each["feature"]) for each in features])
    numbers = [name.rpartition(" ")[2] for name in columns]
    canvas.axes.set_xticks(range(len(columns)), numbers)
    canvas.axes.set(
        xlabel=columns[0].rpartition(" ")[0],
        xlim=(-0.5, len(columns) - 0.5),
        ylim=(len(features) - 0.5, -0.5),
    )
    canvas.axes.spines[:].set_visible(False)
    canvas.axes.tick_params(length=0)
    return canvas.picture(
        "importances",
        title,
        f"{told}, by size; the stronger the colour, the larger. Blue is above zero, orange below.",
    )


def slices_picture(summary: Summary) -> Picture | None:
    """Return the worst and best slices with intervals, the holdout as a line; None without any."""
    metric = summary.metric
    known = [each for each in summary.slices if each.metrics.get(metric) is not None]
    if not known:
        return None
    cut = len(known) > MOST_BARS
    shown = [*known[:_WORST], None, *known[-_BEST:]] if cut else known
    canvas = Canvas(height=_ROOM + _ROW * len(shown))
    for place, each in enumerate(shown):
        if each is None or (value := each.metrics[metric]) is None:
            continue
        color, interval = SERIES[2] if cut and place > _WORST else SERIES[0], each.interval or {}
        low, high = interval.get("low"), interval.get("high")
        if low is not None and high is not None:
            canvas.axes.plot((low, high), (place, place), color=color, lw=1.6)
        canvas.axes.plot([value], [place], "o", color=color, ms=5)
    whole = summary.metrics.get(metric)
    if whole is not None:
        canvas.axes.axvline(whole, color=INK, lw=1, ls="--")
    names = ["…" if each is None else f"{slice_name(each)} ({each.rows:,})" for each in shown]
    canvas.axes.set_yticks(range(len(names)), [shortened(name) for name in names])
    canvas.axes.set(xlabel=metric, ylim=(len(shown) - 0.4, -0.6))
    canvas.axes.tick_params(axis="y", length=0)
    canvas.axes.locator_params(axis="x", nbins=5)
    canvas.axes.grid(visible=True, axis="x", lw=0.5)
    which = f"The {_WORST} worst and the {_BEST} best of {len(known)}" if cut else f"All {len(known)}"
    ends = " and ".join(
        f"the {told} is {slice_name(each)} with {number(each.metrics[metric])}"
        for told, each in (("worst", known[0]), ("best", known[-1]))
    )
    return canvas.picture(
        "slices",
        f"{metric} by slice",
        f"{which} slices with their rows, the worst first: {ends}. The dashed line is the whole holdout"
        + (f", {number(whole)}." if whole is not None else "."),
    )


def tuning_picture(tuning: ModelTuning) -> Picture | None:
    """Return each candidate's metric and folds, the best first; None without any."""
    sign = -1 if tuning.larger_is_better else 1
    means = {place: each.mean for place, each in enumerate(tuning.candidates) if each.mean is not None}
    if not means:
        return None
    order = sorted(means, key=lambda place: (sign * means[place], place))[:MOST_BARS]
    canvas = Canvas(height=_ROOM + _ROW * len(order))
    for down, place in enumerate(order):
        color = SERIES[1] if place == tuning.winner.candidate else SERIES[0]
        parts = [value for value in tuning.candidates[place].metrics if value is not None]
        canvas.axes.plot(parts, [down] * len(parts), "|", color=color, ms=9, alpha=0.7)
        canvas.axes.plot([means[place]], [down], "o", color=color, ms=6)
    names = [_candidate(tuning.candidates[place]) for place in order]
    canvas.axes.set_yticks(range(len(names)), [shortened(name, 40) for name in names])
    canvas.axes.set(xlabel=f"{tuning.metric} (dot: mean, line: each part)", ylim=(len(order) - 0.4, -0.6))
    canvas.axes.tick_params(axis="y", length=0)
    canvas.axes.locator_params(axis="x", nbins=5)
    canvas.axes.grid(visible=True, axis="x", lw=0.5)
    best, failed = tuning.winner.candidate, len(tuning.candidates) - len(means)
    which = f"The {len(order)} best of {len(means)}" if len(means) > len(order) else f"All {len(means)}"
    return canvas.picture(
        "tuning",
        f"{tuning.metric} by candidate",
        f"{which} candidates that were measured, the best first. The winner, in the other colour, is "
        f"{_candidate(tuning.candidates[best])} with {number(tuning.candidates[best].mean)}"
        + (f"; {failed} failed." if failed else "."),
    )


def _candidate(found: CandidateDetails) -> str:
    """Name a candidate by its Params, without the stages that they belong to."""
    return ", ".join(f"{name.rpartition('.')[2]} {value}" for name, value in found.params.items())


def trend_picture(trend: Sequence[TrendPoint], metric: str, day: date) -> Picture | None:
    """Return the deciding metric by date, this one marked; None without a second date."""
    known = [each for each in trend if each.value is not None]
    if len(known) < 2:  # noqa: PLR2004 - one point is no trend
        return None
    canvas = Canvas()
    places = {each.date: place for place, each in enumerate(trend)}
    # A date whose holdout does not define the metric is a gap.
    values = {each.date: math.nan if each.value is None else each.value for each in trend}
    canvas.axes.plot(range(len(trend)), list(values.values()), color=SERIES[0], lw=1.4, marker="o", ms=3.5)
    for action, color, marker in (("promoted", SERIES[0], "o"), ("refused", SERIES[1], "X")):
        at = [each for each in known if each.action == action]
        if not at:
            continue
        canvas.axes.plot(
            [places[each.date] for each in at],
            [values[each.date] for each in at],
            marker,
            color=color,
            ms=7 if action == "refused" else 6,
            label=action,
        )
    here = [each for each in known if each.date == day]
    canvas.axes.plot(
        [places[each.date] for each in here],
        [values[each.date] for each in here],
        "o",
        color=INK,
        mfc="none",
        ms=11,
        label="this date",
    )
    step = -(-len(trend) // 5)
    ticks = range(len(trend) - 1, -1, -step)
    canvas.axes.set_xticks(ticks, [str(trend[place].date) for place in ticks], rotation=25, ha="right")
    canvas.axes.set(ylabel=metric)
    canvas.axes.grid(visible=True, axis="y", lw=0.5, color=GRID)
    canvas.axes.margins(y=0.18)
    canvas.axes.legend(ncols=3, loc="lower left", bbox_to_anchor=(0, 1), handletextpad=0.3, columnspacing=1)
    least, most = min(known, key=lambda each: each.value or 0), max(known, key=lambda each: each.value or 0)
    told = f"the least is {number(least.value)} on {least.date}, the most {number(most.value)} on {most.date}"
    if least.value == most.value:
        told = f"always {number(least.value)}"
    return canvas.picture(
        "trend",
        f"{metric} of the last {len(trend)} dates",
        f"From {trend[0].date} to {trend[-1].date}: {told}.",
    )


def ranking_picture(summary: Summary) -> Picture | None:
    """Return how good the recommendations are and how much they cover; None for what does not recommend."""
    known = {
        name: value for name in (*RANKING, *COVERAGE) if (value := summary.metrics.get(name)) is not None
    }
    if summary.task != "recommendation" or not known:
        return None
    k = summary.details.get("k")
    return bars(
        "ranking",
        f"Recommendations, the first {k}" if k else "Recommendations",
        "Means over the users that have something relevant in the holdout, and what share of users, items "
        "and catalogue the model reaches; 1 is the most.",
        known,
    )
