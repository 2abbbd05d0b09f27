"""How much of what a model weighs lies in each column of its feature rows; no JVM is needed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from vintage.ml.column_flow import BadFlow, stage_flow
from vintage.ml.importances import BY_SPREAD
from vintage.ml.label_flow import added_from

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from vintage.spec import Stage


def feature_shares(weights: Mapping[str, Any], stages: Sequence[Stage]) -> dict[str, float]:
    """Return column of the feature rows → share of the sizes of the weights whose features are made of it.

    A feature that is made of several columns counts for each of them in full. Coefficients count as
    they are standardised; those of an earlier release are not, and depend on the units of the features.

    Args:
        weights: of `importances_of`.
        stages: as they were declared; what user code makes of its columns is taken to be of them all.
    """
    behind = _behind(stages)
    sizes = {each["feature"]: _size(each, weights["kind"]) for each in weights["features"]}
    total = sum(sizes.values())
    if not total:
        return {}
    found: dict[str, float] = {}
    for feature, size in sizes.items():
        for column in _columns_of(feature, behind):
            found[column] = found.get(column, 0.0) + size / total
    return found


def _behind(stages: Iterable[Stage]) -> dict[str, frozenset[str]]:
    """Column that a stage reads or makes → the columns of the feature rows that it is made of."""
    found: dict[str, frozenset[str]] = {}
    for stage in stages:
        try:
            flow = stage_flow(stage)
        except BadFlow:
            continue
        for column in flow.reads:
            found.setdefault(column.name, frozenset({column.name}))
        for name, sources in added_from(stage, flow).items():
            found[name] = frozenset().union(*(found.get(each, {each}) for each in sources))
    return found


def _columns_of(feature: str, behind: Mapping[str, frozenset[str]]) -> frozenset[str]:
    """Return what a slot is made of: it is named as a column, or begins with the name of a vector."""
    named = [name for name in behind if feature == name or feature.startswith((f"{name}_", f"{name}["))]
    return behind[max(named, key=len)] if named else frozenset()


def _size(weight: Mapping[str, Any], kind: str) -> float:
    told = weight.get("standardised", weight.get("values", weight.get("value")))
    values = [float(each or 0.0) for each in (told if isinstance(told, list) else [told])]
    return max(values) - min(values) if kind in BY_SPREAD else max(map(abs, values))
