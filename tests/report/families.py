"""Evaluations of each family with everything that one can hold, and the artifacts they were made from."""

from __future__ import annotations

import math
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

from tests.artifacts import ingredients, publish_as

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from vintage.store import Artifact, Store
    from vintage.store.keys import Kind

DAY = date(2024, 3, 6)
# Nothing in a page may be taken for markup: data, file names and rules are other people's words.
ODD = '<script>alert(1)</script> & "co"'


def _interval(value: float, by: float = 0.02) -> dict[str, float]:
    return {"low": value - by, "high": value + by}


def _shell(metrics: Mapping[str, float | None], metric: str, details: Mapping[str, Any]) -> dict[str, Any]:
    """An evaluation around a family's details: intervals, a champion, gates, slices, a decision."""
    value = metrics[metric] or 0.0
    return {
        "rows": {"train": 17372, "test": 6239},
        "metrics": metrics,
        "intervals": {
            "confidence": 0.95,
            "method": "bootstrap over the rows, 1000 resamples",
            "metrics": {metric: _interval(value)},
        },
        "baseline": {
            "date": "2024-03-05",
            "key": "b" * 64,
            "rows": 6200,
            "metrics": {name: None if each is None else each * 0.98 for name, each in metrics.items()},
            "gains": {metric: {"value": 0.014, **_interval(0.014, 0.01)}},
        },
        "details": details,
        "slices": [
            {
                "column": "origin",
                "value": ODD if place == 0 else None if place == 1 else f"A{place:02d}",
                "rows": 900 - 17 * place,
                "metrics": {metric: None if place == 45 else value - 0.2 + place * 0.005},
                "interval": None if place == 45 else _interval(value - 0.2 + place * 0.005, 0.05),
            }
            for place in range(46)
        ]
        + [
            {
                "column": "carrier",
                "value": None,
                "others": True,
                "rows": 31,
                "metrics": {metric: value},
                "interval": None,
            }
        ],
        "gates": [
            {"gate": f"{metric} >= 0.1", "value": value, "passed": True, "interval": _interval(value)},
            {"gate": f"{metric} of origin = {ODD} >= 0.9", "value": None, "passed": False, "rows": 900},
        ],
        "inapplicable": {f"{metric} vs champion >= {ODD}": f"there is no baseline, {ODD}"},
        "decision": {
            "promote": False,
            "reasons": [f"gate {metric} of origin = {ODD} >= 0.9 failed: 0.5", "and another reason"],
        },
    }


def _classification() -> dict[str, Any]:
    shares = [place / 100 for place in range(101)]
    metrics = {"areaUnderROC": 0.699, "areaUnderPR": 0.435, "logLoss": 0.5256, "f1": None}
    edges = [place / 20 for place in range(21)]
    details = {
        "confusion_matrix": {"labels": [0.0, 1.0], "counts": [[4402, 219], [1367, 251]]},
        "ranking_error": 0.0001,
        "classes": [
            {"label": 0.0, "rows": 4621, "precision": 0.763, "recall": 0.953, "f1": 0.847},
            {"label": 1.0, "rows": 1618, "precision": 0.534, "recall": 0.155, "f1": 0.24},
        ],
        "roc": {"x": shares, "y": [share**0.45 for share in shares]},
        "pr": {"x": shares, "y": [0.26 + 0.5 * (1 - share) ** 2 for share in shares]},
        "calibration": [
            {
                "low": place / 10,
                "high": (place + 1) / 10,
                "rows": 0 if place == 9 else 1800 // (place + 1),
                "predicted": None if place == 9 else place / 10 + 0.05,
                "observed": None if place == 9 else min(1.0, place / 10 + 0.02 + 0.004 * place**2),
            }
            for place in range(10)
        ],
        "scores": {
            "edges": edges,
            "rows": {
                "0": [int(900 * math.exp(-((edge - 0.2) ** 2) / 0.02)) for edge in edges[:-1]],
                "1": [int(300 * math.exp(-((edge - 0.35) ** 2) / 0.03)) for edge in edges[:-1]],
            },
        },
        "importances": {
            "kind": "coefficients",
            "features": [
                {
                    "feature": f"carrier_oh_{ODD}" if place == 3 else f"dest_oh_{place}",
                    "value": (-0.9) ** place,
                }
                for place in range(60)
            ],
            "left_out": 7,
        },
    }
    return _shell(metrics, "areaUnderROC", details)


def _regression() -> dict[str, Any]:
    details = {
        "residual_quantiles": {"0": -91.5, "0.05": -21.0, "0.25": -6.5, "0.5": 0.4, "0.95": 25.1, "1": 140.0},
        "residuals": {
            "edges": [-100.0 + 12 * place for place in range(21)],
            "rows": [int(2000 * math.exp(-((place - 8) ** 2) / 6)) for place in range(20)],
        },
        "predicted": [
            {
                "rows": 300,
                "predicted": 30.0 * place,
                "actual": 31.0 * place - 4,
                "rmse": 10.0 + place,
            }
            for place in range(20)
        ],
        "importances": {
            "kind": "importances",
            "features": [{"feature": "distance", "value": 0.8}, {"feature": "hour", "value": 0.2}],
            "left_out": 0,
        },
    }
    return _shell({"rmse": 14.25, "r2": 0.91, "mae": 9.5, "var": 8100.0, "mse": 203.1}, "rmse", details)


def _clustering() -> dict[str, Any]:
    details = {
        "cluster_sizes": {str(place): 1200 // (place + 1) for place in range(25)},
        "distance": "squaredEuclidean",
        "baseline": {"clusters": 24},
        "importances": {
            "kind": "centres",
            "by": ["cluster 0", "cluster 1", "cluster 2"],
            "features": [
                {"feature": "traffic", "values": [3.5, -1.25, 0.0]},
                {"feature": "delay", "values": [0.5, None, 0.75]},
            ],
            "left_out": 0,
        },
    }
    return _shell({"silhouette": 0.61, "cost": 12345678.0, "stability": 0.97}, "silhouette", details)


def _reduction() -> dict[str, Any]:
    details = {
        "components": 8,
        "variance": {"by_component": [40.0 / 2**place for place in range(8)], "in_all": 90.0},
        "baseline": {"incomparable": "the baseline reads 3 features, this model 4"},
        "importances": {
            "kind": "loadings",
            "by": [f"component {place}" for place in range(1, 9)],
            "features": [
                {"feature": f"pixels[{slot}]", "values": [math.sin(slot + place) for place in range(8)]}
                for slot in range(30)
            ],
            "left_out": 34,
        },
    }
    metrics = {"explainedVariance": 0.886, "reconstructionError": 10.3, "subspaceChange": 0.0004}
    return _shell(metrics, "explainedVariance", details)


def _recommendation() -> dict[str, Any]:
    metrics = {
        "ndcgAtK": 0.269,
        "precisionAtK": 0.138,
        "recallAtK": 0.488,
        "meanAveragePrecision": 0.15,
        "userCoverage": 1.0,
        "itemCoverage": 0.93,
        "catalogCoverage": 0.74,
        "rmse": 1.06,
        "mae": 0.75,
    }
    details = {
        "pairs": {"known": 288, "unknown": 12},
        "users": {"known": 30, "unknown": 0},
        "items": {"known": 90, "unknown": 7},
        "catalogue": {"recommended": 74, "known": 100, "users": 26},
        "k": 10,
    }
    return _shell(metrics, "ndcgAtK", details)


EVALUATIONS = {
    "classification": _classification(),
    "regression": _regression(),
    "clustering": _clustering(),
    "reduction": _reduction(),
    "recommendation": _recommendation(),
}
"""Task → the details of an evaluation, but for its model's key."""

DECIDES = {
    "classification": "areaUnderROC",
    "regression": "rmse",
    "clustering": "silhouette",
    "reduction": "explainedVariance",
    "recommendation": "ndcgAtK",
}
TUNING = {
    "date": "2024-03-01",
    "rows": 17372,
    "metric": "areaUnderROC",
    "larger_is_better": True,
    "winner": {"candidate": 1, "params": {"LogisticRegression.regParam": 0.01}},
    "candidates": [
        {"params": {"LogisticRegression.regParam": 0.1}, "mean": 0.68, "metrics": [0.67, 0.69], "error": ""},
        {"params": {"LogisticRegression.regParam": 0.01}, "mean": 0.7, "metrics": [0.7, 0.7], "error": ""},
        {"params": {"LogisticRegression.regParam": 5}, "mean": None, "metrics": [], "error": f"no: {ODD}"},
    ],
}


def publish_run(
    store: Store,
    task: str,
    details: Mapping[str, Any],
    *,
    day: date = DAY,
    days: int = 3,
    tuned: bool = False,
    seed: int = 1,
    champion: Artifact | None = None,
) -> Artifact:
    """Publishes an evaluation and all that it was made from; it is not made the current one.

    Args:
        store: the pipeline's.
        task: what kind of model it is.
        details: of the evaluation, but for its model's key.
        day: the partition date.
        days: of the window.
        tuned: whether Params were tuned.
        seed: another one makes another model of the same rows.
        champion: an evaluation whose model this one is held against.
    """
    window = [day - timedelta(days=back) for back in range(days)]
    features = {each: _features(store, each) for each in window}
    used = {each.isoformat(): found.key for each, found in features.items()}
    stages = [
        {"type": "VectorAssembler", "params": {"inputCols": ["distance", ODD], "outputCol": "features"}},
        {"type": "LogisticRegression", "params": {"regParam": 0.01, "fitIntercept": True}},
    ]
    model = _publish(
        store,
        "model",
        day,
        {"features": used},
        spec={"stages": stages, "key": ["id", ODD]},
        seed=seed,
        details={
            "task": task,
            "rows": {"train": details["rows"]["train"]},
            "params": {"1.LogisticRegression.regParam": "0.01", "0.VectorAssembler.outputCol": ODD},
            **({"tuning": {"key": "t" * 64, **TUNING}} if tuned else {}),
        },
    )
    return _publish(
        store,
        "evaluation",
        day,
        {
            "model": {day.isoformat(): model.key},
            "features": {day.isoformat(): used[day.isoformat()]},
            **({"baseline": {str(champion.date): champion.manifest.details.model}} if champion else {}),
        },
        spec={"evaluate": {"metric": DECIDES[task]}},
        seed=seed,
        details={"model": model.key, **details},
    )


def _features(store: Store, day: date) -> Artifact:
    profile = {"profile": {"distance": {"nulls": day.day}, ODD: {"nulls": 7}, "hour": {"nulls": 0}}}
    snapshot = _publish(
        store, "snapshot", day, {"rows": {day.isoformat(): f"{day:%Y%m%d}"}}, rows=964, details=profile
    )
    failures = [f"warning: expect_column_values_to_be_between on distance: {ODD}"] if day == DAY else []
    validation = _publish(
        store,
        "validation",
        day,
        {"snapshot": {day.isoformat(): snapshot.key}},
        details={
            "passed": True,
            "summary": "11 of 12 rules hold, 1 warning failed" if failures else "12 of 12 rules hold",
            "failures": {"critical": [], "warning": failures, "info": []},
        },
        page="index.html",
    )
    return _publish(
        store,
        "features",
        day,
        {"snapshot": {day.isoformat(): snapshot.key}},
        details={
            "validation": {"source": validation.key},
            "rows_of_repeated_keys": 3 if day == DAY else 0,
        },
    )


def _publish(
    store: Store,
    kind: Kind,
    day: date,
    inputs: Mapping[str, Mapping[str, str]],
    *,
    spec: Mapping[str, Any] | None = None,
    seed: int = 1,
    rows: int | None = None,
    details: Mapping[str, Any] | None = None,
    page: str = "",
) -> Artifact:
    def fill(folder: Path) -> None:
        if page:
            (folder / page).write_text("<p>Data Docs</p>", encoding="utf-8")

    named = ingredients(kind, day, inputs, spec=spec, seed=seed, engines={"spark": "4.1.4"})
    return publish_as(store, named, fill=fill, counted=rows, **(details or {}))
