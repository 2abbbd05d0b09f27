"""The `airflow` command as the embedded stack starts it: quicker to come up, and to start a task."""

from __future__ import annotations

import gc
import importlib
import sys
from typing import Final

# Airflow makes millions of lasting objects while it comes up; searching them for garbage, again and again,
# is a quarter of the API server's start.
gc.set_threshold(100_000, 20, 20)

# Tasks are forks of the scheduler, and each parse of a DAG file is one of the dag-processor: what the file
# imports is already loaded.
PRELOADED: Final = (
    "airflow.dag_processing.dagbag",
    "airflow.providers.apache.spark.operators.spark_submit",
    "airflow.providers.standard.hooks.subprocess",
    "airflow.providers.standard.operators.hitl",
    "croniter",
    "psutil",
    "pydantic",
    "sqlglot",
    "yaml",
)


def main() -> None:
    """Run `airflow` with the words of the command line."""
    from airflow.__main__ import main as airflow

    if sys.argv[1:2] in (["scheduler"], ["dag-processor"]):
        for module in PRELOADED:
            importlib.import_module(module)
    airflow()


if __name__ == "__main__":
    main()
