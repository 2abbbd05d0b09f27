"""MLflow: runs, logged models, registered versions. The only room that imports mlflow, and lazily."""

from spark_jobs.registry.tracking.model_folder import DESCRIPTION, MODEL, SPARK_MODEL, describes_the_same
from spark_jobs.registry.tracking.model_folder import load as load_model
from spark_jobs.registry.tracking.records import Registered, TrainingData, TriedCandidate, Version
from spark_jobs.registry.tracking.serving import Served, preload_serving
from spark_jobs.registry.tracking.serving import load as load_served
from spark_jobs.registry.tracking.tracking import Tracking

__all__ = [
    "DESCRIPTION",
    "MODEL",
    "SPARK_MODEL",
    "Registered",
    "Served",
    "Tracking",
    "TrainingData",
    "TriedCandidate",
    "Version",
    "describes_the_same",
    "load_model",
    "load_served",
    "preload_serving",
]
