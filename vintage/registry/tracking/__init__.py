"""MLflow: runs, logged models, registered versions. The only room that imports mlflow, and lazily."""

from vintage.registry.tracking.model_folder import DESCRIPTION, MODEL, SPARK_MODEL, described_alike
from vintage.registry.tracking.model_folder import load as load_model
from vintage.registry.tracking.records import Registered, Table, TrainingData, TriedCandidate, Version
from vintage.registry.tracking.serving import Served, preload_serving
from vintage.registry.tracking.serving import load as load_served
from vintage.registry.tracking.tracking import Tracking
from vintage.registry.tracking.twin_flavor import RAW_EXAMPLE, TWIN, raw_example, raw_frame, raw_predictions
from vintage.registry.tracking.twin_flavor import add as serve_by_twin

__all__ = [
    "DESCRIPTION",
    "MODEL",
    "RAW_EXAMPLE",
    "SPARK_MODEL",
    "TWIN",
    "Registered",
    "Served",
    "Table",
    "Tracking",
    "TrainingData",
    "TriedCandidate",
    "Version",
    "described_alike",
    "load_model",
    "load_served",
    "preload_serving",
    "raw_example",
    "raw_frame",
    "raw_predictions",
    "serve_by_twin",
]
