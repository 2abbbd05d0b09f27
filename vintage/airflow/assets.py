"""The assets whose events other DAGs follow; each event carries a partition date."""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow.sdk import Asset

if TYPE_CHECKING:
    from vintage.spec import Pipeline


def raw_of(pipeline: Pipeline) -> list[Asset]:
    """Return the raw data of each source: where the lineage begins. Nothing in Vintage raises its events."""
    return [
        Asset(
            name=f"raw_{pipeline.name}_{view}", uri=f"vintage://raw/{pipeline.name}/{view}", group="raw data"
        )
        for view in pipeline.views
    ]


def model_of(pipeline: Pipeline) -> Asset:
    """Return the asset that a DAG follows to work with each new model."""
    return Asset(name=f"model_{pipeline.name}", uri=f"vintage://model/{pipeline.name}", group="model")


def predictions_of(pipeline: Pipeline) -> Asset:
    """Return the asset that a DAG follows to work with the predictions of a date."""
    return Asset(
        name=f"predictions_{pipeline.name}", uri=f"vintage://predictions/{pipeline.name}", group="predictions"
    )


def drifted_of(pipeline: Pipeline) -> Asset:
    """Return the asset that a DAG follows to act on drift: it has an event for each date with an alarm."""
    return Asset(name=f"drifted_{pipeline.name}", uri=f"vintage://drifted/{pipeline.name}", group="drifted")


def restated_of(pipeline: Pipeline) -> Asset:
    """Return the asset of restatements, which a DAG can follow to retrain or to notify."""
    return Asset(
        name=f"restated_{pipeline.name}", uri=f"vintage://restated/{pipeline.name}", group="restated"
    )
