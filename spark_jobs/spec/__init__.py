"""What a pipeline is: the YAML's models, read and checked without Spark, Airflow or MLflow."""

from __future__ import annotations

from spark_jobs.spec.evaluation import NOT_WORSE, Evaluate, Gate
from spark_jobs.spec.features import feature_columns, feature_types
from spark_jobs.spec.files import load_pipeline, load_suite, read_home
from spark_jobs.spec.home import Home
from spark_jobs.spec.metrics import METRICS, Metric
from spark_jobs.spec.names import did_you_mean, nearest
from spark_jobs.spec.partition import last_closed_date, parse_partition_date
from spark_jobs.spec.parts import Preprocess, SplitByDate, SplitByKey, Stage, Window
from spark_jobs.spec.pipeline import Pipeline
from spark_jobs.spec.problem import InvalidSpec, Problem, contained
from spark_jobs.spec.source import JoinedSource, Source, connection_variable
from spark_jobs.spec.sql import SOURCE_VIEW
from spark_jobs.spec.submission import submit_conf
from spark_jobs.spec.suite import ExpectationSpec, Suite
from spark_jobs.spec.tuning import Tuning

__all__ = [
    "METRICS",
    "NOT_WORSE",
    "SOURCE_VIEW",
    "Evaluate",
    "ExpectationSpec",
    "Gate",
    "Home",
    "InvalidSpec",
    "JoinedSource",
    "Metric",
    "Pipeline",
    "Preprocess",
    "Problem",
    "Source",
    "SplitByDate",
    "SplitByKey",
    "Stage",
    "Suite",
    "Tuning",
    "Window",
    "connection_variable",
    "contained",
    "did_you_mean",
    "feature_columns",
    "feature_types",
    "last_closed_date",
    "load_pipeline",
    "load_suite",
    "nearest",
    "parse_partition_date",
    "read_home",
    "submit_conf",
]
