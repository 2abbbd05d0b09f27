"""The pictures of an evaluation: one function a kind of detail, where the evaluation has that detail."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from vintage.report.details import number
from vintage.report.drawing import GRID, INK, SERIES, Canvas, Picture, shortened

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from matplotlib.axes import Axes

MOST_BARS: Final = 20
_COUNTED_CLASSES: Final = 12
_MOST_CLASSES: Final = 60
_BAR: Final = 0.19
_ROOM: Final = 0.75
_DARKEST: Final = 0.6


def detail_pictures(details: Mapping[str, Any]) -> Iterator[Picture]:
    """Yield the charts of the available details, whatever the task; call it within `drawing`."""
    for name, draw in _PICTURES.items():
        picture = draw(details[name]) if details.get(name) else None
        if picture is not None:
            yield picture


def _confusion(matrix: Mapping[str, Any]) -> Picture | None:
    labels = [f"{label:g}" for label in matrix["labels"]]
    if not 0 < len(labels) <= _MOST_CLASSES:
        return None
    canvas = Canvas()
    for down, counts in enumerate(matrix["counts"]):
        most = max(sum(counts), 1)
        for across, count in enumerate(counts):
            if not count and len(labels) > _COUNTED_CLASSES:
                continue
            color = SERIES[0] if across == down else SERIES[1]
            share = count / most * _DARKEST
            canvas.axes.fill_between(
                (across - 0.48, across + 0.48), down - 0.48, down + 0.48, color=color, alpha=share, lw=0
            )
            if len(labels) <= _COUNTED_CLASSES:
                size = 9 if len(labels) <= _COUNTED_CLASSES // 2 else 7
                canvas.axes.text(across, down, f"{count:,}", ha="center", va="center", fontsize=size)
    step = -(-len(labels) // MOST_BARS)
    canvas.axes.set_xticks(range(0, len(labels), step), labels[::step])
    canvas.axes.set_yticks(range(0, len(labels), step), labels[::step])
    canvas.axes.set(
        xlabel="predicted", ylabel="label", xlim=(-0.5, len(labels) - 0.5), ylim=(len(labels) - 0.5, -0.5)
    )
    canvas.axes.tick_params(length=0)
    canvas.axes.spines[:].set_visible(False)
    right = sum(counts[place] for place, counts in enumerate(matrix["counts"]))
    total = sum(map(sum, matrix["counts"]))
    return canvas.picture(
        "confusion",
        "Confusion matrix",
        f"{right:,} of {total:,} rows lie on the diagonal, where the prediction is the label. "
        "The stronger a cell's colour, the larger its share of the label's rows.",
    )


def _roc(curve: Mapping[str, Sequence[float]]) -> Picture | None:
    if not curve["x"]:
        return None
    canvas = Canvas()
    canvas.axes.plot((0, 1), (0, 1), color=GRID, lw=1, ls="--", label="guessing")
    canvas.axes.plot(curve["x"], curve["y"], color=SERIES[0], label="this model")
    _unit_square(canvas.axes, "false positive rate", "recall")
    return canvas.picture(
        "roc",
        "ROC curve",
        "Recall by false positive rate, from the highest score to the lowest. Guessing follows the diagonal.",
    )


def _pr(curve: Mapping[str, Sequence[float]]) -> Picture | None:
    if not curve["x"]:
        return None
    canvas = Canvas()
    canvas.axes.plot(curve["x"], curve["y"], color=SERIES[0])
    _unit_square(canvas.axes, "recall", "precision")
    return canvas.picture(
        "precision-recall",
        "Precision and recall",
        f"Precision by recall, from the highest score to the lowest; it ends at {curve['y'][-1]:.3f}, the "
        "share of positives.",
    )


def _calibration(bins: Sequence[Mapping[str, float]]) -> Picture | None:
    seen = [each for each in bins if each["rows"]]
    # A score that is no probability promises nothing that could be compared with what came.
    if not seen or not all(0 <= each["predicted"] <= 1 for each in seen):
        return None
    canvas = Canvas()
    most = max(each["rows"] for each in seen)
    canvas.axes.plot((0, 1), (0, 1), color=GRID, lw=1, ls="--", label="as predicted")
    predicted, observed = ([each[name] for each in seen] for name in ("predicted", "observed"))
    canvas.axes.plot(predicted, observed, color=SERIES[0], lw=1)
    sizes = [12 + 70 * each["rows"] / most for each in seen]
    canvas.axes.scatter(predicted, observed, s=sizes, color=SERIES[0], lw=0, label="bins, by their rows")
    _unit_square(canvas.axes, "mean predicted probability", "share of positives")
    return canvas.picture(
        "calibration",
        "Calibration",
        f"In {len(seen)} bins of the predicted probability, the share of rows that are positive. On the "
        "diagonal the probabilities are calibrated.",
    )


def _scores(scores: Mapping[str, Any]) -> Picture | None:
    if not scores["edges"]:
        return None
    canvas = Canvas()
    edges = scores["edges"]
    for (label, rows), color in zip(sorted(scores["rows"].items()), SERIES, strict=False):
        total = sum(rows) or 1
        shares = [count / total for count in rows]
        canvas.axes.stairs(shares, edges, color=color, fill=True, alpha=0.2, lw=0)
        canvas.axes.stairs(shares, edges, color=color, lw=1.5, label=f"label {label}")
    canvas.axes.set(xlabel="score", ylabel="share of the label's rows", xlim=(edges[0], edges[-1]))
    as_percent(canvas.axes.yaxis)
    canvas.axes.legend()
    return canvas.picture(
        "scores",
        "Scores by label",
        "How the scores of each label's rows are spread. The less they overlap, the better the "
        "model separates them.",
    )


def _predicted(bins: Sequence[Mapping[str, float]]) -> Picture:
    canvas = Canvas()
    predicted, actual, spread = ([each[name] for each in bins] for name in ("predicted", "actual", "rmse"))
    ends = min(*predicted, *actual), max(*predicted, *actual)
    canvas.axes.plot(ends, ends, color=GRID, lw=1, ls="--", label="as predicted")
    canvas.axes.errorbar(
        predicted,
        actual,
        yerr=spread,
        fmt="o",
        color=SERIES[0],
        ms=4,
        elinewidth=1,
        label="mean of a bin, ± its root mean squared error",
    )
    canvas.axes.set(xlabel="predicted", ylabel="actual")
    canvas.axes.grid(visible=True, lw=0.5)
    canvas.axes.legend(loc="lower left", bbox_to_anchor=(0, 1))
    off = max(bins, key=lambda each: abs(each["actual"] - each["predicted"]))
    return canvas.picture(
        "predicted",
        "Predicted against actual",
        f"{len(bins)} bins of about as many rows each, by prediction. On the diagonal the predictions are "
        f"right on average; farthest from it, {number(off['predicted'])} is predicted where the mean is "
        f"{number(off['actual'])}.",
    )


def _residuals(found: Mapping[str, Sequence[float]]) -> Picture | None:
    if not found["rows"]:
        return None
    canvas = Canvas()
    canvas.axes.stairs(found["rows"], found["edges"], color=SERIES[0], fill=True, alpha=0.65, lw=0)
    canvas.axes.axvline(0, color=INK, lw=0.8)
    canvas.axes.set(xlabel="residual (label less prediction)", ylabel="rows")
    return canvas.picture(
        "residuals",
        "Residuals",
        f"How {sum(found['rows']):,} residuals are spread, from {found['edges'][0]:.4g} to "
        f"{found['edges'][-1]:.4g}. Right of zero the model predicts too little.",
    )


def _quantiles(quantiles: Mapping[str, float]) -> Picture:
    canvas = Canvas()
    shares = [float(share) for share in quantiles]
    canvas.axes.axhline(0, color=GRID, lw=0.8)
    canvas.axes.plot(shares, list(quantiles.values()), color=SERIES[0], marker="o", ms=4)
    canvas.axes.set(xlabel="share of rows", ylabel="residual is at most")
    as_percent(canvas.axes.xaxis)
    canvas.axes.grid(visible=True, lw=0.5)
    middle = quantiles.get("0.5")
    return canvas.picture(
        "residual-quantiles",
        "Residuals by share of rows",
        "What residual a share of the rows does not exceed"
        + (f"; half of them are at most {middle:.4g}." if middle is not None else "."),
    )


def _clusters(sizes: Mapping[str, int]) -> Picture:
    found = sorted(sizes.items(), key=lambda item: -item[1])
    total = sum(sizes.values()) or 1
    return bars(
        "cluster-sizes",
        "Rows by cluster",
        f"{len(sizes)} clusters, of which the largest has {found[0][1] / total:.0%} of the rows"
        + (f"; the {MOST_BARS} largest are shown." if len(found) > MOST_BARS else "."),
        {f"cluster {cluster}": float(rows) for cluster, rows in found},
        shown=lambda rows: f"{rows:,.0f}",
    )


def _variance(variance: Mapping[str, Any]) -> Picture | None:
    if not variance["by_component"] or not variance["in_all"]:
        return None
    canvas = Canvas()
    shares = [value / variance["in_all"] for value in variance["by_component"]]
    together = [sum(shares[: place + 1]) for place in range(len(shares))]
    places = range(1, len(shares) + 1)
    canvas.axes.bar(places, shares, color=SERIES[0], alpha=0.65, width=0.8, label="of the component")
    canvas.axes.plot(places, together, color=SERIES[1], marker="o", ms=3, label="up to it, together")
    canvas.axes.set(xlabel="component", ylabel="share of the variance", ylim=(0, 1.02))
    canvas.axes.locator_params(axis="x", integer=True)
    as_percent(canvas.axes.yaxis)
    canvas.axes.legend(loc="center right")
    return canvas.picture(
        "variance",
        "Variance by component",
        f"{len(shares)} components keep {together[-1]:.1%} of the holdout's variance; the first alone "
        f"{shares[0]:.1%}.",
    )


def bars(
    name: str,
    title: str,
    description: str,
    values: Mapping[str, float],
    *,
    shown: Callable[[float], str] = number,
) -> Picture:
    """Horizontal bars, the first on top, with their values beside; those below zero in another colour."""
    names = list(values)[:MOST_BARS]
    told = [values[each] for each in names]
    canvas = Canvas(height=_ROOM + _BAR * len(names))
    canvas.axes.barh(
        range(len(names)),
        told,
        color=[SERIES[0] if value >= 0 else SERIES[1] for value in told],
        alpha=0.75,
        height=0.72,
    )
    reach = max((abs(value) for value in told), default=0.0) or 1.0
    for place, value in enumerate(told):
        # Beside the bar's end, or beside zero where the bar goes to the left.
        canvas.axes.text(max(value, 0) + reach * 0.02, place, shown(value), va="center", fontsize=8)
    canvas.axes.set_yticks(range(len(names)), [shortened(each) for each in names])
    canvas.axes.set_ylim(len(names) - 0.4, -0.6)
    canvas.axes.set_xlim(min(0.0, *told) * 1.05, max(0.0, *told) + reach * 0.24)
    canvas.axes.spines["left"].set_visible(False)
    canvas.axes.axvline(0, color=INK, lw=0.8)
    canvas.axes.tick_params(axis="y", length=0)
    canvas.axes.locator_params(axis="x", nbins=4)
    return canvas.picture(name, title, description)


def _unit_square(axes: Axes, across: str, up: str) -> None:
    axes.set(xlabel=across, ylabel=up, xlim=(-0.01, 1.01), ylim=(-0.01, 1.02))
    axes.grid(visible=True, lw=0.5)
    if axes.get_legend_handles_labels()[0]:
        axes.legend(loc="lower right" if up == "recall" else "upper left")


def as_percent(axis: Any) -> None:
    """Label an axis of shares in percent."""
    from matplotlib.ticker import PercentFormatter

    axis.set_major_formatter(PercentFormatter(1.0, decimals=None))


_PICTURES: Final[Mapping[str, Callable[[Any], Picture | None]]] = {
    "confusion_matrix": _confusion,
    "roc": _roc,
    "pr": _pr,
    "calibration": _calibration,
    "scores": _scores,
    "predicted": _predicted,
    "residuals": _residuals,
    "residual_quantiles": _quantiles,
    "cluster_sizes": _clusters,
    "variance": _variance,
}
