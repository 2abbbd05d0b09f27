"""The page of a pipeline's drift: what moved, and how far each column was from its reference on each date."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Final

from vintage.monitoring.distribution import distribution
from vintage.monitoring.drift import profiles_of
from vintage.monitoring.quality import kept_quality
from vintage.monitoring.words import MEASURES, headline, important, reference_of, rows_of, value
from vintage.registry import ledger
from vintage.registry.timeline import champion_history
from vintage.report.digest import write_digest
from vintage.report.drawing import SERIES, Canvas, Picture, drawing, shortened
from vintage.report.measured import told_value
from vintage.report.monitoring_pictures import distribution_picture, quality_picture
from vintage.report.templating import template
from vintage.spec import parse_partition_date
from vintage.spec.page_policy import POLICY
from vintage.store.files import replace_text
from vintage.store.reports import digest_page, drift_page

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from datetime import date
    from pathlib import Path

    from vintage.monitoring.drift import Drift, DriftOfRows
    from vintage.store import Store

MOST_COLUMNS: Final = 40
MOST_DATES: Final = 60
"""Of quality."""
_LEVELS: Final = (
    (0.5, SERIES[0], 0.3),
    (1.0, SERIES[1], 0.45),
    (2.0, SERIES[1], 0.75),
    (5.0, SERIES[1], 1.0),
)
"""Severity from which a cell has a colour, the colour, and how strong it is."""
_TICKS: Final = 5


def write_drift(store: Store, drift: Drift) -> Path:
    """Write the page of a comparison, in place of the one before, and the digest of all pipelines.

    Raises:
        StoreError: it cannot be written.
    """
    quality = kept_quality(store, MOST_DATES)
    with drawing():
        drawn = [*map(_heat, drift.parts), *(_worst(store, drift, part) for part in drift.parts)]
        drawn.append(quality_picture(quality, _promotions(store)))
    pictures = {picture.name: picture for picture in drawn if picture is not None}
    text = template("drift.html.j2").render(
        policy=POLICY,
        drift=drift,
        reference=reference_of(drift),
        pictures=pictures,
        quality=quality[::-1],
        told_value=told_value,
        digest=os.path.relpath(digest_page(store.root), drift_page(store).parent),
        important=important,
        rows_of=rows_of,
        measures=MEASURES,
        headline=headline,
        told=value,
    )
    page = drift_page(store)
    replace_text(page, text)
    write_digest(store.root)
    return page


def _promotions(store: Store) -> dict[date, int]:
    """Partition date → version that became the champion by its model."""
    moves = champion_history(ledger.read(store.ledger_path))
    return {parse_partition_date(since): entry.version for since, entry in moves}


def _worst(store: Store, drift: Drift, part: DriftOfRows) -> Picture | None:
    """Return the column with the largest drift that has a distribution; None without any."""
    moved = [each for each in part.drifted if not each.change and each.kind != "other"]
    if not moved:
        return None
    column = moved[0].column
    before, found = profiles_of(store, drift, part)
    spread = distribution([each.get(column) for each in before], found.get(column))
    if spread is None:
        return None
    return distribution_picture(part.kind, column, spread, drift.date, reference_of(drift))


def _heat(part: DriftOfRows) -> Picture | None:
    """Return columns by dates; None where the reference moves with the date, so that there is no course."""
    days = sorted({day for column in part.columns for day in column.severities})
    if len(days) < 2:  # noqa: PLR2004 - one date is no course
        return None
    columns = sorted(
        part.columns,
        key=lambda each: -max(map(_height, each.severities.values()), default=0.0),
    )[:MOST_COLUMNS]
    canvas = Canvas(height=0.7 + 0.17 * len(columns))
    place = {day: number for number, day in enumerate(days)}
    for row, column in enumerate(columns):
        for cells, color, alpha in _cells(column.severities, place):
            canvas.axes.broken_barh(cells, (row - 0.45, 0.9), color=color, alpha=alpha, lw=0)
    canvas.axes.set_yticks(range(len(columns)), [shortened(each.column, 24) for each in columns])
    shown = days[:: max(1, len(days) // _TICKS)]
    canvas.axes.set_xticks([place[day] + 0.5 for day in shown], [day.strftime("%m-%d") for day in shown])
    canvas.axes.set(xlim=(0, len(days)), ylim=(len(columns) - 0.5, -0.5))
    if part.reference[-1] in place and part.reference[-1] != days[-1]:
        canvas.axes.axvline(place[part.reference[-1]] + 1, color=SERIES[2], lw=1)
    moved = len(part.drifted)
    more = f" of {len(part.columns)}" if len(part.columns) > len(columns) else ""
    return canvas.picture(
        f"heat-{part.kind}",
        f"{rows_of(part.kind).capitalize()} by date",
        f"{len(columns)}{more} columns by {len(days)} dates, the furthest first; the stronger the orange, "
        "the further above its bound a column was. The line ends the reference. "
        f"On {days[-1]} {moved} drifted.",
    )


def _height(severity: float | None) -> float:
    """Return a column that changed itself is beyond all measures."""
    return float("inf") if severity is None else severity


def _cells(
    severities: Mapping[date, float | None], place: Mapping[date, int]
) -> Iterator[tuple[list[tuple[float, float]], str, float]]:
    """Yield for each level the cells of it, their colour and how strong it is."""
    ends = [*(low for low, _, _ in _LEVELS[1:]), float("inf")]
    for (low, color, alpha), high in zip(_LEVELS, ends, strict=True):
        cells = [
            (place[day] + 0.05, 0.9)
            for day, severity in severities.items()
            if low < _height(severity) <= high
        ]
        if cells:
            yield cells, color, alpha
