"""What the tests of whole stacks share."""

from __future__ import annotations

import os


def plain_environment() -> dict[str, str]:
    """This process's environment without what names an Airflow, a home or an MLflow of its own."""
    return {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("AIRFLOW", "VINTAGE_HOME", "VINTAGE_STORE", "VINTAGE_AIRFLOW", "MLFLOW"))
    }
