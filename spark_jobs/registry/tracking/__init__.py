"""MLflow: runs, logged models, registered versions. The only room that imports mlflow, and lazily."""

from spark_jobs.registry.tracking.model_folder import SPARK_MODEL
from spark_jobs.registry.tracking.records import Registered, TrainingData, TriedCandidate, Version
from spark_jobs.registry.tracking.tracking import Tracking

__all__ = ["SPARK_MODEL", "Registered", "Tracking", "TrainingData", "TriedCandidate", "Version"]
