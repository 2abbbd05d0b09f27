"""The details that a manifest of each kind needs at least; a test names what it is about."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from vintage.store.details import DETAILS, Details

if TYPE_CHECKING:
    from collections.abc import Mapping

    from vintage.store import Kind

_LEAST: Final[Mapping[Kind, Mapping[str, Any]]] = {
    "validation": {"passed": True, "summary": "1 of 1 rules hold", "failures": {}},
    "tuning": {
        "metric": "areaUnderROC",
        "larger_is_better": True,
        "rows": 3,
        "winner": {"candidate": 0, "params": {}},
        "candidates": [{"params": {}}],
    },
    "model": {"task": "classification", "rows": {"train": 3}, "params": {}},
    "evaluation": {
        "model": "m" * 64,
        "rows": {"train": 3, "test": 1},
        "metrics": {},
        "details": {},
        "gates": [],
        "decision": {"promote": True, "reasons": []},
    },
    "predictions": {
        "model": "m" * 64,
        "model_date": "2024-03-01",
        "version": 1,
        "rows": {"given": 3, "scored": 3, "rejected": 0},
        "rejected": {},
    },
    "quality": {"metric": "areaUnderROC", "larger_is_better": True, "counts": {"predictions": 3}},
    "monitor": {"state": "calm", "against": "training"},
}


def details(kind: Kind, **given: Any) -> Details:
    """The details of a kind: those that are given, and the least of what else there must be."""
    return DETAILS[kind].model_validate({**_LEAST.get(kind, {}), **given})
