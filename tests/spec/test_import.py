"""The spec is quick to import: a scheduler reads it with every DAG file."""

from __future__ import annotations

import subprocess
import sys

HEAVY = ("pyspark", "airflow", "mlflow", "great_expectations", "pandas", "numpy", "sqlglot")


def test_nothing_heavy_is_imported() -> None:
    code = f"import sys, vintage.spec; print([name for name in {HEAVY} if name in sys.modules])"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[]"
