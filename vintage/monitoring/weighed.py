"""How important the features behind a column that drifted are to the model that serves."""

from __future__ import annotations

from typing import TYPE_CHECKING

from vintage.lineage.graph import lineage_of_model
from vintage.monitoring.drift import model_of
from vintage.registry import ledger
from vintage.registry.baseline import model_of_version
from vintage.registry.timeline import latest_move
from vintage.spec import Stage, parse_partition_date
from vintage.store.details import EvaluationDetails

if TYPE_CHECKING:
    from vintage.monitoring.drift import Drift, DriftOfColumn
    from vintage.store import Artifact, Store


def with_importance(drift: Drift, store: Store) -> Drift:
    """Return the same with the importance of each column that drifted, as in the model's evaluation.

    Args:
        drift: with the features that raw columns feed.
        store: the pipeline's.

    Raises:
        StoreError: the ledger, the model or its evaluation is damaged or gone.
    """
    model = _model(drift, store)
    shares = _shares(store, model) if drift.drifted and model is not None else {}
    if not shares:
        return drift

    def told(kind: str, column: DriftOfColumn) -> DriftOfColumn:
        names = (column.column,) if kind == "features" else column.feeds
        if not column.drifted or not names:
            return column
        found = sum(shares.get(name.lower(), 0.0) for name in names)
        return column.model_copy(update={"importance": min(1.0, found)})

    parts = tuple(
        part.model_copy(update={"columns": tuple(told(part.kind, column) for column in part.columns)})
        for part in drift.parts
    )
    return drift.model_copy(update={"parts": parts})


def _model(drift: Drift, store: Store) -> Artifact | None:
    """Return the model that the reference is of, or else the one that serves."""
    if drift.model is not None:
        return model_of(store, drift)
    entry = latest_move(ledger.read(store.ledger_path))
    if entry is None:
        return None
    return model_of_version(store, entry.version, parse_partition_date(entry.date), entry.model_key)


def _shares(store: Store, model: Artifact) -> dict[str, float]:
    """Column of the feature rows, in small letters → its share; empty without importances."""
    evaluation = lineage_of_model(store, model).evaluation
    weights = EvaluationDetails.of(evaluation).details.get("importances") if evaluation else None
    if not weights:
        return {}
    from vintage.ml.feature_shares import feature_shares

    stages = [Stage.model_validate(each) for each in model.manifest.ingredients.spec.get("stages", ())]
    return {name.lower(): share for name, share in feature_shares(weights, stages).items()}
