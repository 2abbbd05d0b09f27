"""How two models' metrics differ, and whether by more than their intervals allow for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

from pydantic import BaseModel, ConfigDict

from vintage.spec import METRICS, OF_DATA
from vintage.store.details import EvaluationDetails, ModelDetails

if TYPE_CHECKING:
    from collections.abc import Mapping

    from vintage.lineage.graph import Lineage


class Interval(BaseModel):
    """Where a metric, or a gain, is with the confidence that the pipeline asks for."""

    model_config = ConfigDict(frozen=True)

    low: float
    high: float


class MetricChange(BaseModel):
    """A metric of both models, each on its own holdout.

    Attributes:
        old, new: None where a holdout does not define it, or a model was not evaluated.
        difference: new minus old.
        verdict: which is better; `no clear difference` where the intervals overlap.
        overlap: whether the intervals do; None where one has none.
        gain: by how much the new one is better on the new one's own rows, where it was compared with the old
            one there; with its interval.
    """

    model_config = ConfigDict(frozen=True)

    name: str
    old: float | None
    new: float | None
    difference: float | None
    verdict: Literal["better", "worse", "no clear difference", "the same", ""]
    old_interval: Interval | None
    new_interval: Interval | None
    overlap: bool | None
    gain: float | None = None
    gain_interval: Interval | None = None


class MetricsSection(BaseModel):
    """The metrics.

    Attributes:
        same: whether every one has the same value.
        same_holdout: whether both were measured on the same rows.
        metrics: the deciding one first.
    """

    model_config = ConfigDict(frozen=True)

    same: bool
    same_holdout: bool
    metrics: tuple[MetricChange, ...]


def compare_metrics(old: Lineage, new: Lineage) -> MetricsSection:
    """Return how the metrics differ."""
    before, after = _details(old), _details(new)
    task = ModelDetails.of(new.model).task
    evaluated = new.evaluation or old.evaluation
    spec = evaluated.manifest.ingredients.spec if evaluated is not None else {}
    decides = spec.get("evaluate", {}).get("metric")
    names = dict.fromkeys([*_metrics(after), *_metrics(before)])
    baseline = (after.baseline if after else None) or {}
    gains = baseline.get("gains", {}) if baseline.get("key") == old.model.key else {}
    found = tuple(
        _change(name, before, after, task, gains.get(name) or {})
        for name in sorted(names, key=lambda name: (name != decides, name))
    )
    return MetricsSection(
        same=all(each.old == each.new for each in found)
        and _metrics(before).keys() == _metrics(after).keys(),
        same_holdout=_holdout(old) == _holdout(new),
        metrics=found,
    )


def _change(
    name: str,
    before: EvaluationDetails | None,
    after: EvaluationDetails | None,
    task: str,
    gain: Mapping[str, Any],
) -> MetricChange:
    old, new = (_metrics(side).get(name) for side in (before, after))
    one, other = (_interval(side.metric_intervals.get(name) if side else None) for side in (before, after))
    overlap = None if one is None or other is None else one.low <= other.high and other.low <= one.high
    return MetricChange(
        name=name,
        old=old,
        new=new,
        difference=None if old is None or new is None else new - old,
        verdict=_verdict(name, task, old, new, overlap),
        old_interval=one,
        new_interval=other,
        overlap=overlap,
        gain=gain.get("value"),
        gain_interval=_interval(gain),
    )


def _verdict(
    name: str, task: str, old: float | None, new: float | None, overlap: bool | None
) -> Literal["better", "worse", "no clear difference", "the same", ""]:
    known = {**METRICS.get(task, {}), **OF_DATA}  # type: ignore[call-overload]
    if old is None or new is None or name not in known:
        return ""
    if old == new:
        return "the same"
    if overlap:
        return "no clear difference"
    return "better" if (new > old) == known[name].larger_is_better else "worse"


def _interval(found: Mapping[str, Any] | None) -> Interval | None:
    low, high = (None, None) if found is None else (found.get("low"), found.get("high"))
    return None if low is None or high is None else Interval(low=low, high=high)


def _details(lineage: Lineage) -> EvaluationDetails | None:
    return EvaluationDetails.of(lineage.evaluation) if lineage.evaluation is not None else None


def _metrics(details: EvaluationDetails | None) -> Mapping[str, float | None]:
    return details.metrics if details is not None else {}


def _holdout(lineage: Lineage) -> object:
    """Return what the holdout was taken from, and how."""
    if lineage.evaluation is None:
        return None
    ingredients = lineage.evaluation.manifest.ingredients
    return ingredients.inputs.get("features"), ingredients.spec.get("split")
