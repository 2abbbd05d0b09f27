"""The digest of all pipelines of a store: of each its last date, what was decided, drift and quality."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal

from vintage.errors import StoreError
from vintage.lineage.graph import current_evaluation
from vintage.monitoring.quality import kept_quality
from vintage.registry import ledger
from vintage.registry.timeline import latest_move
from vintage.report.details import number
from vintage.report.measured import told_value
from vintage.report.templating import template
from vintage.spec.names import NAME, list_names
from vintage.spec.page_policy import POLICY
from vintage.store import Store
from vintage.store.details import MonitorDetails
from vintage.store.files import replace_text
from vintage.store.reports import dates_page, digest_page, drift_page, report_page

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from datetime import date
    from pathlib import Path

Tone = Literal["good", "warn", "bad", ""]
_TONES: Final[Mapping[str, Tone]] = {"calm": "good", "warn": "warn", "alarm": "bad", "unknown": "warn"}
_MOST: Final = 3
_AGAINST: Final = ("refused", "rejected")


@dataclass(frozen=True)
class Told:
    """What there is to say of one thing.

    Attributes:
        text: in words; empty where there is nothing.
        tone: whether it is as it should be.
        page: where more of it stands.
    """

    text: str = ""
    tone: Tone = ""
    page: Path | None = None


@dataclass(frozen=True)
class Line:
    """A pipeline on the page.

    Attributes:
        pipeline: its name.
        page: that of its dates.
        last: the latest date that was evaluated; None where none was.
        decision, serves, drift, quality: of the latest date that has each.
        problem: why nothing more is shown.
    """

    pipeline: str
    page: Path | None = None
    last: date | None = None
    decision: Told = Told()
    serves: Told = Told()
    drift: Told = Told()
    quality: Told = Told()
    problem: str = ""


def write_digest(root: Path) -> Path:
    """Write the page of a store's root, unless it says the same already.

    A pipeline whose store cannot be read is on it with the reason.

    Raises:
        StoreError: it cannot be written.
    """
    page = digest_page(root)
    text = template("digest.html.j2").render(
        policy=POLICY,
        lines=list(_lines(root)),
        link=lambda path: os.path.relpath(path, page.parent),
    )
    if not page.is_file() or page.read_text(encoding="utf-8") != text:
        replace_text(page, text)
    return page


def _lines(root: Path) -> Iterator[Line]:
    for name in sorted(path.name for path in root.glob("*/") if NAME.fullmatch(path.name)):
        store = Store(root, name)
        try:
            yield _line(store)
        except StoreError as error:
            yield Line(name, problem=str(error))


def _line(store: Store) -> Line:
    entries, dates = ledger.read(store.ledger_path), store.dates("evaluation")
    serving, dated = latest_move(entries), dates_page(store)
    serves = Told(f"version {serving.version} of {serving.date}") if serving else Told("nobody", "warn")
    return Line(
        store.pipeline,
        page=dated if dated.is_file() else None,
        last=dates[-1] if dates else None,
        decision=_decision(store, dates[-1], entries) if dates else Told(),
        serves=serves,
        drift=_drift(store),
        quality=_quality(store),
    )


def _decision(store: Store, day: date, entries: Sequence[ledger.Entry]) -> Told:
    """Return what became of the model of a date."""
    evaluation = current_evaluation(store, day)
    report = report_page(store, evaluation)
    page = report if report.is_file() else None
    decided = next((each for each in reversed(entries) if each.evaluation_key == evaluation.key), None)
    if decided is None:
        return Told("not decided", "warn", page)
    tone: Tone = "good" if decided.moves else "bad" if decided.action in _AGAINST else "warn"
    return Told(decided.told, tone, page)


def _drift(store: Store) -> Told:
    """Return what the drift of the latest monitored date amounts to."""
    dates = store.dates("monitor")
    found = store.current("monitor", dates[-1]) if dates else None
    page = drift_page(store)
    shown = page if page.is_file() else None
    if found is None:
        return Told("page", "", shown) if shown else Told()
    details = MonitorDetails.of(found)
    names = [f"{each.rows} {each.column}" for each in details.drifted]
    columns = f": {list_names(names, most=_MOST)}" if names else ""
    return Told(f"{found.date}: {details.state}{columns}", _TONES[details.state], shown)


def _quality(store: Store) -> Told:
    """Return how right the predictions of the latest date were that was looked at."""
    kept = kept_quality(store, 1)
    if not kept:
        return Told()
    [last] = kept
    model = last.found.predicted if last.found else None
    if last.found is None or model is None:
        return Told(f"{last.date}: {last.why}", "warn")
    metric = last.found.metric
    promised = model.holdout.get(metric)
    against = "" if promised is None else f", {number(promised)} on its holdout"
    missed = not model.found.decision.promote
    value = f"{last.date}: {metric} {told_value(model, metric)}{against}"
    text = "; ".join([value, *(["misses a gate"] if missed else []), *last.warnings])
    return Told(text, "bad" if missed else "warn" if last.warnings else "good")
