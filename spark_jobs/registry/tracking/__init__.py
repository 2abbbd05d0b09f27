"""MLflow: runs, logged models, registered versions. The only room that imports mlflow, and lazily."""

from spark_jobs.registry.tracking.records import TrainingData, TriedCandidate, Version
from spark_jobs.registry.tracking.tracking import Tracking

__all__ = ["Tracking", "TrainingData", "TriedCandidate", "Version"]
