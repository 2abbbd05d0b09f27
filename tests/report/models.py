"""Models and what they were made from, published without Spark: what tests hold side by side."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

from tests.artifacts import ingredients, publish_as

if TYPE_CHECKING:
    from collections.abc import Mapping

    from vintage.store import Artifact, Store
    from vintage.store.keys import Kind

DAY = date(2024, 3, 6)
STAGES = (
    {"type": "StringIndexer", "params": {"inputCol": "a", "outputCol": "a_ix"}},
    {"type": "StringIndexer", "params": {"inputCol": "b", "outputCol": "b_ix"}},
    {"type": "VectorAssembler", "params": {"inputCols": ["a_ix", "b_ix", "c"], "outputCol": "features"}},
    {"type": "LogisticRegression", "params": {"regParam": 0.01}},
)
SQL = "SELECT id, a, b,\n  c * 2 AS c\nFROM source\n"


@dataclass(frozen=True)
class Made:
    """What a model is made with; a test changes one thing.

    Attributes:
        restated: dates whose raw rows are others than usual, with how many there are then.
        stock: how many rows the joined source `stock` has on each date; None joins nothing.
        extra: of the model's details.
    """

    day: date = DAY
    days: int = 3
    restated: Mapping[date, int] = field(default_factory=dict)
    stock: int | None = None
    sql: str = SQL
    stages: tuple[Mapping[str, Any], ...] = STAGES
    code: str = "c" * 64
    own_code: Mapping[str, str] = field(default_factory=dict)
    engines: Mapping[str, str] = field(default_factory=lambda: {"spark": "4.1.4"})
    seed: int = 1
    conf: Mapping[str, str] = field(default_factory=lambda: {"spark.sql.ansi.enabled": "true"})
    metrics: Mapping[str, float | None] = field(default_factory=lambda: {"areaUnderROC": 0.7, "logLoss": 0.5})
    spread: float = 0.02
    gates: Mapping[str, bool] = field(default_factory=lambda: {"areaUnderROC >= 0.6": True})
    baseline: Mapping[str, Any] | None = None
    evaluated: bool = True
    extra: Mapping[str, Any] = field(default_factory=dict)

    def publish(self, store: Store) -> Artifact:
        """The model; its evaluation, if there is one, is made the current one of its date."""
        window = [self.day - timedelta(days=back) for back in range(self.days - 1, -1, -1)]
        features = {day.isoformat(): self._features(store, day).key for day in window}
        params = {
            f"{place}.{stage['type']}.{name}": str(value)
            for place, stage in enumerate(self.stages)
            for name, value in stage["params"].items()
        }
        own = {"own_code": dict(self.own_code)} if self.own_code else {}
        model = self._publish(
            store,
            "model",
            self.day,
            {"features": {day: features[day] for day in list(features)[:-1]}},
            spec={
                "stages": [dict(stage) for stage in self.stages],
                "split": {"by": "date", "test_days": 1},
                "key": ["id"],
                **own,
            },
            details={"task": "classification", "rows": {"train": 20}, "params": params, **self.extra},
        )
        if self.evaluated:
            store.set_current(self._evaluation(store, model, features))
        return model

    def _evaluation(self, store: Store, model: Artifact, features: Mapping[str, str]) -> Artifact:
        day = self.day.isoformat()
        passed = all(self.gates.values())
        metrics = {
            name: {"low": value - self.spread, "high": value + self.spread}
            for name, value in self.metrics.items()
            if value is not None
        }
        return self._publish(
            store,
            "evaluation",
            self.day,
            {"model": {day: model.key}, "features": {day: features[day]}},
            spec={
                "evaluate": {"metric": "areaUnderROC", "gates": [{"metric": gate} for gate in self.gates]},
                "split": {"by": "date", "test_days": 1},
            },
            rows=10,
            details={
                "model": model.key,
                "rows": {"train": 20, "test": 10},
                "metrics": dict(self.metrics),
                "intervals": {"confidence": 0.95, "metrics": metrics},
                "baseline": self.baseline,
                "details": {},
                "gates": [{"gate": gate, "value": 0.7, "passed": kept} for gate, kept in self.gates.items()],
                "decision": {
                    "promote": passed,
                    "reasons": [f"{gate}: {ok}" for gate, ok in self.gates.items()],
                },
            },
        )

    def _features(self, store: Store, day: date) -> Artifact:
        count = self.restated.get(day, 24)
        inputs = {"snapshot": {day.isoformat(): self._snapshot(store, day, count).key}}
        if self.stock is not None:
            held = self._snapshot(store.joined("stock"), day, self.stock)
            inputs["join.stock"] = {day.isoformat(): held.key}
        return self._publish(
            store,
            "features",
            day,
            inputs,
            spec={"preprocess": {"sql": self.sql, "key": ["id"], "label": "late"}},
            details={"validation": {"source": "v"}, "rows_of_repeated_keys": 2 if day == self.day else 0},
        )

    def _snapshot(self, store: Store, day: date, count: int) -> Artifact:
        rows = {day.isoformat(): f"{day:%Y%m%d}{count}"}
        spec = {"format": "csv", "options": {"header": "true"}, "schema": "id INT"}
        return self._publish(store, "snapshot", day, {"rows": rows}, spec=spec, rows=count)

    def _publish(
        self,
        store: Store,
        kind: Kind,
        day: date,
        inputs: Mapping[str, Mapping[str, str]],
        *,
        spec: Mapping[str, Any],
        rows: int = 0,
        details: Mapping[str, Any] | None = None,
    ) -> Artifact:
        named = ingredients(
            kind, day, inputs, spec=spec, seed=self.seed, code=self.code, engines=self.engines
        )
        return publish_as(store, named, counted=rows or None, conf=self.conf, **(details or {}))
