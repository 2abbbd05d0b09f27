"""The result of a job: a few facts, which become the result of its task, and the task's links."""

from __future__ import annotations

import json
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from airflow.sdk import BaseOperatorLink

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from airflow.sdk import BaseOperator
    from airflow.sdk.types import TaskInstanceKey

RESULT_FILE: Final = "VINTAGE_RESULT_FILE"


class _Link(BaseOperatorLink):
    """Leads where the job told; nowhere where it told nothing."""

    def get_link(self, operator: BaseOperator, *, ti_key: TaskInstanceKey) -> str:
        """Return the address."""
        told: JobResult | None = getattr(operator, "told", None)
        return told.links.get(self.name, "") if told else ""


class DataDocs(_Link):
    """To the page of a validation."""

    name = "Data Docs"


class MLflowRun(_Link):
    """To the model's run."""

    name = "MLflow run"


class Report(_Link):
    """To the page of an evaluation."""

    name = "Report"


class Drift(_Link):
    """To the pipeline's page of drift and quality."""

    name = "Drift"


LINKS: Final[Mapping[str, tuple[BaseOperatorLink, ...]]] = {
    "validate": (DataDocs(),),
    "fit": (MLflowRun(),),
    "evaluate": (Report(), MLflowRun()),
    "promote": (MLflowRun(),),
    "score": (MLflowRun(),),
    "monitor": (Drift(),),
}
"""Job → what its task links to."""


class JobResult:
    """What one run of a job told.

    Attributes:
        facts: name → value.
        links: name → address.
    """

    def __init__(self, file: Path) -> None:
        self._file = file
        self.environment: Mapping[str, str] = {RESULT_FILE: str(file)}
        self.facts: dict[str, Any] = {}
        self.links: dict[str, str] = {}

    def read(self) -> dict[str, Any]:
        """Return the facts, once the job has ended; none of a job that tells nothing."""
        if self._file.exists():
            found = json.loads(self._file.read_text(encoding="utf-8"))
            self.facts, self.links = found["facts"], found["links"]
        return self.facts


@contextmanager
def result_of_job() -> Iterator[JobResult]:
    """Yield the result of a job, which is read from a temporary file."""
    with tempfile.TemporaryDirectory(prefix="vintage-") as folder:
        yield JobResult(Path(folder) / "told.json")
