"""How right the predictions of a date were, once its labels were there: as the store keeps it."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Literal

from pydantic import BaseModel, ConfigDict

# pydantic reads the fields' types when the module is loaded.
from vintage.store.details import QualityDetails
from vintage.store.keys import Key

if TYPE_CHECKING:
    from collections.abc import Iterator

    from vintage.store import Artifact, Store
    from vintage.store.details import QualityOfModel

State = Literal["measured", "unlabelled", "not_due", "not_scored", "no_label", "failed"]


class QualityOfDate(BaseModel):
    """How right the predictions of a date were, or why that is not known.

    Attributes:
        pipeline, date: whose predictions.
        state: `measured`; `unlabelled` where labels are due and no prediction has one that counts; `not_due`;
            `not_scored`; `no_label` where the task learns none; `failed` where the date's rows are refused.
        why: what there is to say of it, in words.
        key: of the artifact; null where there is none.
        found: what it holds.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    pipeline: str
    date: dt.date
    state: State
    why: str = ""
    key: Key | None = None
    found: QualityDetails | None = None

    @property
    def warnings(self) -> tuple[str, ...]:
        """What keeps predictions from being measured, or makes what was measured before wrong."""
        if self.found is None:
            return ()
        counts = self.found.counts
        told = {
            "have no label, though labels are due": counts.unlabelled,
            "have no row any more": counts.without_row,
            "share their row key with another prediction": counts.said_twice,
            "have more than one row": counts.of_several_rows,
            "have another label than at the earlier look": counts.changed,
            "have lost their label since the earlier look": counts.withdrawn,
        }
        return tuple(
            f"{rows} of {counts.predictions} predictions {what}" for what, rows in told.items() if rows
        )

    @property
    def notes(self) -> tuple[str, ...]:
        """All there is to say beside the numbers: why there are none, warnings, gates that are missed."""
        missed: tuple[str, ...] = ()
        if self.found is not None and self.found.predicted is not None:
            decision = self.found.predicted.found.decision
            missed = () if decision.promote else decision.reasons
        incomparable = self.found.incomparable if self.found else ""
        return tuple(filter(None, (self.why, *self.warnings, *missed, incomparable)))


class Quality(BaseModel):
    """How right the predictions of some dates were, oldest first."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    pipeline: str
    dates: tuple[QualityOfDate, ...]


def quality_of(artifact: Artifact) -> QualityOfDate:
    """Return what an artifact of quality tells."""
    found = QualityDetails.of(artifact)
    return QualityOfDate(
        pipeline=artifact.manifest.pipeline,
        date=artifact.date,
        state="measured" if found.predicted else "unlabelled",
        why="" if found.predicted else "none of its predictions has a label that counts",
        key=artifact.key,
        found=found,
    )


def kept_quality(store: Store, last: int) -> tuple[QualityOfDate, ...]:
    """Return what stands for the latest dates that were looked at, oldest first.

    Raises:
        StoreError: a manifest is damaged.
    """
    return tuple(_kept(store, store.dates("quality")[-last:]))


def _kept(store: Store, dates: tuple[dt.date, ...]) -> Iterator[QualityOfDate]:
    for day in dates:
        artifact = store.current("quality", day)
        if artifact is not None:
            yield quality_of(artifact)


def value_of(model: QualityOfModel, metric: str) -> tuple[float | None, tuple[float, float] | None]:
    """Return a metric of a date and its interval, as far as they are defined."""
    interval = model.found.metric_intervals.get(metric, {})
    low, high = interval.get("low"), interval.get("high")
    return model.found.metrics.get(metric), None if low is None or high is None else (low, high)
