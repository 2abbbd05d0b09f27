"""What a pipeline is: the YAML's models, read and checked without Spark, Airflow or MLflow."""

from __future__ import annotations

from vintage.spec.evaluation import NOT_WORSE, Evaluate, Gate
from vintage.spec.features import feature_columns, feature_types
from vintage.spec.files import load_pipeline, load_suite, read_home
from vintage.spec.home import Home
from vintage.spec.metrics import METRICS, OF_DATA, Metric
from vintage.spec.monitor import Monitor
from vintage.spec.names import did_you_mean, nearest
from vintage.spec.partition import last_closed_date, parse_partition_date
from vintage.spec.parts import Preprocess, SplitByDate, SplitByKey, Stage, Window
from vintage.spec.pipeline import Pipeline
from vintage.spec.problem import InvalidSpec, Problem, contained
from vintage.spec.source import JoinedSource, Source, connection_variable
from vintage.spec.sql import SOURCE_VIEW
from vintage.spec.submission import submit_conf
from vintage.spec.suite import ExpectationSpec, Suite
from vintage.spec.tuning import Tuning

__all__ = [
    "METRICS",
    "NOT_WORSE",
    "OF_DATA",
    "SOURCE_VIEW",
    "Evaluate",
    "ExpectationSpec",
    "Gate",
    "Home",
    "InvalidSpec",
    "JoinedSource",
    "Metric",
    "Monitor",
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
