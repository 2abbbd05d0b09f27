"""Evaluations in a store, with nothing behind them: what tests of decisions and of histories begin with."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tests.manifests import details as details_of
from vintage.store import Ingredients

if TYPE_CHECKING:
    from datetime import date

    from vintage.store import Artifact, Store


def publish_evaluation(store: Store, day: date, model: str, *, seed: int = 1, **details: Any) -> Artifact:
    """Publishes the evaluation of a date's model, which is named by its key."""
    named = Ingredients(
        kind="evaluation",
        date=day.isoformat(),
        inputs={"model": {day.isoformat(): model}, "features": {}},
        spec={},
        seed=seed,
        code="c",
        engines={},
    )
    with store.attempt("evaluation", day) as attempt:
        attempt.data.mkdir()
        told = details_of("evaluation", model=model, **details)
        (attempt.data / "evaluation.json").write_text(told.model_dump_json(), encoding="utf-8")
        return store.publish(attempt, named, details=told)
