"""How important the features behind a column that drifted are to the model."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any

import pytest

from tests.artifacts import ingredients, publish, publish_as
from vintage.ml.feature_shares import feature_shares
from vintage.monitoring.drift import Drift, DriftOfColumn, DriftOfRows
from vintage.monitoring.weighed import with_importance
from vintage.spec import Stage
from vintage.store import Store

if TYPE_CHECKING:
    from pathlib import Path

DAY = dt.date(2024, 3, 6)
STAGES: list[dict[str, Any]] = [
    {"Imputer": {"inputCols": ["Size"], "outputCols": ["size_filled"]}},
    {"StringIndexer": {"inputCol": "shop", "outputCol": "shop_ix"}},
    {"OneHotEncoder": {"inputCol": "shop_ix", "outputCol": "shop_is"}},
    {"VectorAssembler": {"inputCols": ["size_filled", "shop_is", "fee"], "outputCol": "all"}},
    {"StandardScaler": {"inputCol": "all", "outputCol": "features"}},
    {"LogisticRegression": {"maxIter": 2}},
]
WEIGHTS = {
    "kind": "coefficients",
    "features": [
        {"feature": "size_filled", "value": -4.0},
        {"feature": "shop_is_north", "value": 2.0},
        {"feature": "shop_is_south", "value": 2.0},
        {"feature": "fee", "value": None},
        {"feature": "features[9]", "value": 2.0},
    ],
    "left_out": 0,
}


def stages() -> list[Stage]:
    return [Stage.model_validate(each) for each in STAGES]


def test_weights_are_followed_to_the_columns_that_slots_are_made_of() -> None:
    found = feature_shares(WEIGHTS, stages())
    # A slot of which nothing is known may be made of any of them.
    assert found == {"Size": pytest.approx(0.6), "shop": pytest.approx(0.6), "fee": pytest.approx(0.2)}
    by_class = {
        "kind": "centres",
        "by": ["cluster 0", "cluster 1"],
        "features": [{"feature": "Size", "values": [5.0, 6.0]}, {"feature": "fee", "values": [-1.0, 2.0]}],
    }
    assert feature_shares(by_class, stages()) == {"Size": pytest.approx(0.25), "fee": pytest.approx(0.75)}
    scaled = {
        "kind": "coefficients",
        "features": [
            {"feature": "Size", "value": 9.0, "standardised": -0.1},
            {"feature": "fee", "value": 0.1, "standardised": 0.3},
        ],
    }
    assert feature_shares(scaled, stages()) == {"Size": pytest.approx(0.25), "fee": pytest.approx(0.75)}
    nothing = {"kind": "importances", "features": [{"feature": "fee", "value": 0.0}]}
    assert feature_shares(nothing, stages()) == {}


def test_a_drifted_column_tells_how_much_of_the_model_it_reaches(tmp_path: Path) -> None:
    store = Store(tmp_path, "shop")
    spec = {"stages": [each.model_dump(mode="json") for each in stages()]}
    model = publish_as(store, ingredients("model", DAY, spec=spec))
    store.set_current(
        publish(
            store, "evaluation", DAY, {"model": [model]}, model=model.key, details={"importances": WEIGHTS}
        )
    )

    def column(name: str, *, drifted: bool = True, feeds: tuple[str, ...] = ()) -> DriftOfColumn:
        return DriftOfColumn(
            column=name,
            kind="number",
            drifted=drifted,
            severity=2.0 if drifted else 0.5,
            worst="psi",
            measures={"psi": 0.4},
            bounds={"psi": 0.2},
            feeds=feeds,
        )

    raw = (column("width", feeds=("size", "fee")), column("note"), column("calm", drifted=False))
    parts = tuple(
        DriftOfRows(kind=kind, rows=3, reference=(DAY,), calm=0, columns=columns)
        for kind, columns in (("snapshot", raw), ("features", (column("shop"),)))
    )
    drift = Drift(
        pipeline="shop",
        date=DAY,
        against="training",
        model=model.key,
        model_date=DAY,
        parts=parts,
    )
    found = with_importance(drift, store)
    told = {each.column: each.importance for part in found.parts for each in part.columns}
    assert told == {
        "width": pytest.approx(0.8),
        "note": None,
        "calm": None,
        "shop": pytest.approx(0.6),
    }
    # Another reference, and nobody serves: nobody knows how important it is.
    other = drift.model_copy(update={"model": None, "model_date": None, "against": "yesterday"})
    assert with_importance(other, store) == other
