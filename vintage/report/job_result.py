"""The result of a job: rows, metric and decision in a few values, and where to read more."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from pydantic import BaseModel, ConfigDict

from vintage.errors import TrackingError
from vintage.monitoring.quality import QualityOfDate
from vintage.monitoring.state import already_learnt
from vintage.registry.ledger import Entry
from vintage.report.partitions import undated_rows
from vintage.spec.home import mlflow_run_page
from vintage.store import Artifact
from vintage.store.details import (
    EvaluationDetails,
    ModelDetails,
    MonitorDetails,
    PredictionsDetails,
    ValidationDetails,
)
from vintage.store.reports import drift_page, report_page

if TYPE_CHECKING:
    from datetime import date
    from pathlib import Path

    from vintage.spec import Home
    from vintage.store import Store

DATA_DOCS = "Data Docs"
MLFLOW_RUN = "MLflow run"
REPORT = "Report"
DRIFT = "Drift"


class JobResult(BaseModel):
    """What came of a job.

    Attributes:
        facts: name → value.
        links: name → address.
    """

    model_config = ConfigDict(frozen=True)

    facts: Mapping[str, Any] = {}
    links: Mapping[str, str] = {}


def result_of(home: Home, store: Store, day: date, result: object, window: Sequence[date] = ()) -> JobResult:
    """Return what is to be told of what a job gave: one or more artifacts, a decision, a quality."""
    if isinstance(result, Entry):
        facts = {"decision": result.told, "version": result.version, "reasons": list(result.reasons)}
        model = store.find("model", day, result.model_key)
        return JobResult(facts=facts, links=_mlflow(home, model))
    if isinstance(result, QualityOfDate):
        return _of_quality(result)
    if isinstance(result, Artifact):
        return _of_artifact(home, store, result)
    if isinstance(result, Mapping) and isinstance(found := result.get(day), Artifact):
        own = _of_artifact(home, store, found)
        facts = {**own.facts, "dates": len(result)}
        if found.manifest.kind == "snapshot" and (absent := [day for day in window if day not in result]):
            facts["no raw data"] = list(map(str, absent))
        return own.model_copy(update={"facts": facts})
    return JobResult()


def _of_artifact(home: Home, store: Store, artifact: Artifact) -> JobResult:
    facts: dict[str, Any] = {"key": artifact.key}
    links: dict[str, str] = {}
    match artifact.manifest.kind:
        case "snapshot" | "features":
            facts["rows"] = artifact.row_count
            if artifact.manifest.kind == "snapshot" and (undated := undated_rows(artifact)):
                facts["undated rows"] = undated
        case "validation":
            validated = ValidationDetails.of(artifact)
            facts |= {"passed": validated.passed, "warnings": len(validated.failures.warning)}
            links[DATA_DOCS] = page_address(home, artifact.place / "index.html")
        case "model":
            facts["rows"] = ModelDetails.of(artifact).rows["train"]
            links |= _mlflow(home, artifact)
        case "evaluation":
            evaluated = EvaluationDetails.of(artifact)
            metric = artifact.manifest.ingredients.spec["evaluate"]["metric"]
            facts |= {
                "rows": evaluated.rows["test"],
                metric: evaluated.metrics.get(metric),
                "gates": "passed" if evaluated.decision.promote else "failed",
                "reasons": list(evaluated.decision.reasons),
            }
            for absent, why in sorted((evaluated.absent or {}).items()):
                facts.setdefault(why, []).append(str(absent))
            links |= _mlflow(home, artifact)
            page = report_page(store, artifact)
            if page.exists():
                links[REPORT] = page_address(home, page)
        case "predictions":
            scored = PredictionsDetails.of(artifact)
            facts |= {"rows": scored.rows, "rejected": scored.rejected, "version": scored.version}
            links |= _mlflow(home, artifact)
        case "monitor":
            monitored = MonitorDetails.of(artifact)
            facts |= {
                "state": monitored.state,
                "drifted": [f"{each.rows} {each.column}: {each.told}" for each in monitored.drifted],
                "learnt": already_learnt(store, artifact.date),
            }
            drift = drift_page(store)
            if drift.exists():
                links[DRIFT] = page_address(home, drift)
    return JobResult(facts=facts, links=links)


def _of_quality(quality: QualityOfDate) -> JobResult:
    facts: dict[str, Any] = {"quality of": str(quality.date), "state": quality.state.replace("_", " ")}
    if quality.why:
        facts["why"] = quality.why
    if quality.found is not None:
        facts |= {"key": quality.key, "measured": quality.found.counts.measured}
        for name, model in (("", quality.found.predicted), (" of the champion", quality.found.serving)):
            if model is not None:
                facts[quality.found.metric + name] = model.found.metrics.get(quality.found.metric)
                facts["gates" + name] = "passed" if model.found.decision.promote else "failed"
        facts |= {"warnings": list(quality.warnings)} if quality.warnings else {}
    return JobResult(facts=facts)


def _mlflow(home: Home, artifact: Artifact | None) -> dict[str, str]:
    run = artifact.manifest.mlflow_run_id if artifact else None
    if artifact is None or not run or not home.mlflow_url:
        return {}
    return {
        MLFLOW_RUN: mlflow_run_page(home.mlflow_url, run, experiment_of(home, artifact.manifest.pipeline))
    }


def experiment_of(home: Home, pipeline: str) -> str | None:
    """Return the id of a pipeline's experiment in MLflow; None where MLflow does not tell."""
    from vintage.registry.tracking import Tracking

    try:
        tracking = Tracking.of(home)
        return tracking.experiment(pipeline) if tracking.exists else None
    except TrackingError:
        return None


def page_address(home: Home, page: Path) -> str:
    """Return the address of a page of the store; a file's own address without a known web server."""
    if home.store_url is None:
        return page.as_uri()
    return f"{home.store_url.rstrip('/')}/{quote(page.relative_to(home.store).as_posix())}"
