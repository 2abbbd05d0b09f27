"""`report.html`: an evaluation as a person reads it before a model serves, in one file that loads nothing."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING, Final

from vintage.registry import ledger
from vintage.report.all_dates import write_dates
from vintage.report.comparisons import (
    importances_picture,
    ranking_picture,
    slices_picture,
    trend_picture,
    tuning_picture,
)
from vintage.report.dates import date_pictures
from vintage.report.details import MOST
from vintage.report.digest import write_digest
from vintage.report.drawing import drawing
from vintage.report.headline import headline_of, with_decision
from vintage.report.history import LAST, TrendPoint, history_of
from vintage.report.pictures import detail_pictures
from vintage.report.quality import quality_of
from vintage.report.since import since_champion
from vintage.report.summary import metrics_named_twice, summary_of
from vintage.report.templating import template
from vintage.spec import SOURCE_VIEW
from vintage.spec.metrics import METRICS, OF_DATA
from vintage.spec.page_policy import POLICY
from vintage.store.files import replace_text
from vintage.store.reports import dates_page, report_page

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from vintage.registry.ledger import Entry
    from vintage.report.drawing import Picture
    from vintage.report.partitions import Partition
    from vintage.report.since import Since
    from vintage.report.summary import Summary
    from vintage.store import Artifact, Store
    from vintage.store.details import SliceDetails

WORST_SLICES: Final = 10
BEST_SLICES: Final = 5
MORE_SLICES: Final = 300
MOST_FEATURES: Final = 40
# Columns that paper has room for: of numbers with digits, and of counts.
MOST_COUNTS: Final = 12
MOST_LETTERS: Final = 75
# What a page may tell of; an evaluation has those of its family.
_DETAILS: Final = (
    "baseline",
    "catalogue",
    "classes",
    "confusion_matrix",
    "distance",
    "importances",
    "items",
    "pairs",
    "ranking_error",
    "residual_quantiles",
    "users",
)


@dataclass(frozen=True)
class ReportFiles:
    """A report on the disk: the page, the pictures in it as files of their own, and what the page tells."""

    html: Path
    pictures: tuple[Path, ...]
    summary: Summary


@dataclass(frozen=True)
class Row:
    """A metric in the table that holds the model against the champion.

    Attributes:
        direction: `higher` or `lower`, whichever is better.
        value, interval: the model's; the interval has `low` and `high`.
        theirs: the champion's value on the same rows.
        gain: by how much the model is better, with `low` and `high` where they are known.
        better: in words, which of the two is better, beyond doubt where there is an interval.
        guess: what guessing reaches on the same rows.
        lift: by how much the model is better than guessing.
    """

    name: str
    direction: str
    value: float | None
    interval: Mapping[str, float | None] | None
    theirs: float | None
    gain: Mapping[str, float | None] | None
    better: str
    guess: float | None = None
    lift: float | None = None


def write_report(store: Store, evaluation: Artifact, *, page: Path | None = None) -> ReportFiles:
    """Write the report of an evaluation beside it, from the manifests and the ledger alone.

    It is not part of the artifact: another page layout makes no other evaluation, and an old date can have
    today's. Written again, it tells the same, but for what was decided meanwhile.

    Args:
        store: the pipeline's.
        evaluation: a published one, whether or not it is its date's current one.
        page: another place for the page, which holds its pictures; then they are no files of their own.

    Raises:
        StoreError: what the evaluation was made from is gone, or the report cannot be written.
    """
    evaluated = summary_of(store, evaluation)
    trend = _trend(store, evaluated, evaluation)
    entries = ledger.read(store.ledger_path)
    decisions = [entry for entry in entries if entry.evaluation_key == evaluation.key]
    summary = with_decision(evaluated, entries)
    pictures = draw(evaluated, trend)
    html = page or report_page(store, evaluation)
    beside = Beside(trend, decisions, since_champion(store, evaluation, entries), dates_page(store))
    text = render(summary, beside, pictures, folder=html.parent)
    files = []
    if page is None:
        for picture in pictures.values():
            files.append(html.parent / "pictures" / f"{picture.name}.svg")
            _write(files[-1], picture.file_text)
    _write(html, text)
    if page is None:
        # Into the store too, which need not be writable for a page elsewhere.
        write_dates(store)
        write_digest(store.root)
        for joined in {part.source for part in summary.partitions} - {SOURCE_VIEW}:
            write_dates(store.joined(joined))
    return ReportFiles(html, tuple(files), summary)


def _write(file: Path, text: str) -> None:
    """Write a file, unless it has that text: a run that is repeated changes nothing."""
    if not file.is_file() or file.read_text(encoding="utf-8") != text:
        replace_text(file, text)


def draw(evaluated: Summary, trend: Sequence[TrendPoint]) -> dict[str, Picture]:
    """Return the pictures that the evaluation has something for, by name.

    Args:
        evaluated: without what the ledger says.
        trend: the deciding metric by date.
    """
    found = _drawn(_Evaluated(repr(evaluated), evaluated))
    with drawing():
        course = trend_picture(trend, evaluated.metric, evaluated.date)
    return {picture.name: picture for picture in (*found, course) if picture is not None}


@dataclass(frozen=True)
class _Evaluated:
    """The summary of an evaluation; two of one text are the same."""

    text: str
    summary: Summary = field(compare=False)


# A process that evaluates and then promotes writes the same page twice.
@lru_cache(maxsize=4)
def _drawn(evaluated: _Evaluated) -> tuple[Picture | None, ...]:
    summary = evaluated.summary
    with drawing():
        found = [
            *detail_pictures(summary.details),
            ranking_picture(summary),
            slices_picture(summary),
            *date_pictures(summary),
        ]
        if summary.tuning is not None:
            found.append(tuning_picture(summary.tuning))
        weights = summary.details.get("importances")
        if weights and weights["features"]:
            found.append(importances_picture(weights))
    return tuple(found)


@dataclass(frozen=True)
class Beside:
    """What a page tells beside the evaluation.

    Attributes:
        trend: the deciding metric by date.
        decisions: what the ledger says became of it, oldest first.
        since: what changed since the champion; None where there was none.
        dates: the page that leads to other dates.
    """

    trend: Sequence[TrendPoint]
    decisions: Sequence[Entry]
    since: Since | None
    dates: Path


def render(summary: Summary, beside: Beside, pictures: Mapping[str, Picture], *, folder: Path) -> str:
    """Return the page.

    Args:
        summary: the evaluation and what it was made from.
        beside: what else the page tells.
        pictures: by name.
        folder: where the page will lie; its links begin there.
    """
    return template("report.html.j2").render(
        policy=POLICY,
        headline=headline_of(summary),
        summary=summary,
        details={**dict.fromkeys(_DETAILS), **summary.details},
        beside=beside,
        trend=beside.trend,
        decisions=beside.decisions,
        since=beside.since,
        pictures=pictures,
        rows=metric_rows(summary),
        means=metrics_named_twice(summary),
        details_head=_details_head(summary, pictures),
        slice_metrics=_slice_metrics(summary),
        best_slices=_best_slices(summary),
        partitions=_grouped(summary),
        qualities={source: quality_of(dates) for source, dates in _grouped(summary).items()},
        tuned=_tuned(summary),
        link=lambda path: os.path.relpath(path, folder),
        most={
            "worst": WORST_SLICES,
            "best": BEST_SLICES,
            "slices": MORE_SLICES,
            "features": MOST_FEATURES,
            "counts": MOST_COUNTS,
            "letters": MOST_LETTERS,
            "classes": MOST,
        },
    )


def _details_head(summary: Summary, pictures: Mapping[str, Picture]) -> str:
    match summary.task:
        case "classification":
            # The curves are of two classes.
            return "Confusion matrix and curves" if "roc" in pictures else "Confusion matrix"
        case "regression":
            return "Predictions and residuals"
        case "clustering":
            return "Clusters"
        case "reduction":
            return "Components"
        case _:
            return "Recommendations"


def metric_rows(summary: Summary) -> list[Row]:
    """Return the metrics, the deciding one first."""
    directions = {**METRICS.get(summary.task, {}), **OF_DATA}  # type: ignore[call-overload]
    before, guesses = summary.baseline or {}, (summary.guess or {}).get("metrics", {})
    rows = []
    shown = summary.metrics.keys() - set(metrics_named_twice(summary))
    for name in sorted(shown, key=lambda name: (name != summary.metric, name)):
        larger = directions[name].larger_is_better if name in directions else True
        value, theirs = summary.metrics[name], before.get("metrics", {}).get(name)
        gain, guess = before.get("gains", {}).get(name), guesses.get(name)
        if gain is None and value is not None and theirs is not None:
            gain = {"value": value - theirs if larger else theirs - value}
        rows.append(
            Row(
                name=name,
                direction="higher" if larger else "lower",
                value=value,
                interval=summary.metric_intervals.get(name),
                theirs=theirs,
                gain=gain,
                better=_better(gain),
                guess=guess,
                lift=None if value is None or guess is None else (value - guess if larger else guess - value),
            )
        )
    return rows


def _slice_metrics(summary: Summary) -> list[str]:
    """Return the metrics in the table of slices: the deciding one, and those of gates."""
    asked = [str(gate["gate"]).partition(" ")[0] for gate in summary.gates]
    known = summary.slices[0].metrics if summary.slices else {}
    return [name for name in dict.fromkeys((summary.metric, *asked)) if name in known]


def _tuned(summary: Summary) -> set[tuple[int, str]]:
    """Return the Params that a tuning chose, as the place of the stage and the Param's name."""
    found = set()
    for name in summary.tuning.winner.params if summary.tuning else ():
        stage, _, param = name.rpartition(".")
        stage, _, nth = stage.partition("[")
        wanted = stage.rpartition(".")[2]
        places = [
            place
            for place, each in enumerate(summary.stages)
            if str(each["type"]).rpartition(".")[2] == wanted
        ]
        found |= {(place, param) for place in places[int(nth.rstrip("]") or 0) :][:1]}
    return found


def _best_slices(summary: Summary) -> list[SliceDetails]:
    """Return the slices of the largest values, the best first; those without a value are excluded."""
    known = [each for each in summary.slices if each.metrics.get(summary.metric) is not None]
    return known[: -BEST_SLICES - 1 : -1]


def _better(gain: Mapping[str, float | None] | None) -> str:
    """Return what a gain says; one whose interval holds zero tells neither."""
    if gain is None or gain["value"] is None:
        return ""
    low, high = gain.get("low"), gain.get("high")
    if low is not None and high is not None and (low, high) != (0, 0):
        return "better" if low > 0 else "worse" if high < 0 else "no clear difference"
    return "better" if gain["value"] > 0 else "worse" if gain["value"] < 0 else "the same"


def _trend(store: Store, summary: Summary, evaluation: Artifact) -> tuple[TrendPoint, ...]:
    """Return the metric of the last dates up to this one; for this date, that of the evaluation shown."""
    found = history_of(store, summary.metric, champion=None, last=LAST, until=evaluation.date).trend
    here = [each for each in found if each.evaluation_key == evaluation.key]
    own = TrendPoint(
        date=summary.date,
        value=summary.metrics.get(summary.metric),
        model_key=summary.keys["model"],
        evaluation_key=evaluation.key,
        action=None,
        version=None,
        serves=False,
    )
    return (*(each for each in found if each.date != summary.date), *(here or [own]))[-LAST:]


def _grouped(summary: Summary) -> dict[str, list[Partition]]:
    """Return the raw rows by source, the latest date first."""
    found: dict[str, list[Partition]] = {}
    for each in sorted(summary.partitions, key=lambda part: part.date, reverse=True):
        found.setdefault(each.source, []).append(each)
    return dict(sorted(found.items(), key=lambda item: (item[0] != "source", item[0])))
