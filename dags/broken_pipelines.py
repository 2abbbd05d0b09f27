"""The import error of pipelines that cannot become a DAG; it makes none, so that it costs none."""

from vintage.airflow import require_valid_pipelines

require_valid_pipelines()
