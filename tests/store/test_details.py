"""What a manifest holds of its own kind is typed, and written again as it was read."""

from __future__ import annotations

import json
from datetime import date
from typing import TYPE_CHECKING, Any, get_args

import pytest
from pydantic import ValidationError

from tests.artifacts import details_of, publish
from vintage.store import Ingredients, Kind, Store
from vintage.store.details import DETAILS, EvaluationDetails, FeaturesDetails, ModelDetails
from vintage.store.manifest import NAME, read_manifest
from vintage.store.sealing import seal

if TYPE_CHECKING:
    from pathlib import Path

    from vintage.store import Artifact

DAY = date(2024, 3, 1)
OF_AN_EARLIER_RELEASE: dict[str, Any] = {
    "task": "regression",
    "rows": {"train": 20},
    "params": {},
    "reproducibility": {"mode": "parallel", "partitions": 16},
    "left_since": [1, {"x": None}],
}


@pytest.fixture
def model(tmp_path: Path) -> Artifact:
    return publish(Store(tmp_path, "demo"), "model", DAY, **OF_AN_EARLIER_RELEASE)


def test_every_kind_has_its_model() -> None:
    assert set(DETAILS) == set(get_args(Kind))


def test_a_manifest_of_an_earlier_release_is_read_and_written_as_it_was(model: Artifact) -> None:
    path = model.folder / NAME
    given = json.loads(path.read_text(encoding="utf-8"))
    # Format 1 had neither of the two.
    given = {name: value for name, value in given.items() if name not in {"format", "digest", "modules"}}
    path.write_text(json.dumps(given), encoding="utf-8")
    found = read_manifest(model.folder)
    assert found is not None
    assert ModelDetails.of(model).reproducibility.mode == "parallel"
    assert found.details.as_json() == given["details"] == OF_AN_EARLIER_RELEASE
    assert json.loads(found.model_dump_json())["ingredients"] == given["ingredients"]
    assert seal(json.loads(found.sealed().model_dump_json())) == json.loads(found.sealed().model_dump_json())


def test_details_of_another_kind_are_refused(model: Artifact) -> None:
    with pytest.raises(TypeError, match=f"model {model.key.short} of demo for 2024-03-01 has no Features"):
        FeaturesDetails.of(model)
    with pytest.raises(ValidationError, match="promote"):
        details_of("evaluation", decision={"reasons": []})


def test_a_key_does_not_depend_on_how_its_date_is_given() -> None:
    given = {"kind": "features", "spec": {}, "seed": 1, "code": "c", "engines": {}}
    texts = Ingredients(date="2024-03-01", inputs={"snapshot": {"2024-03-01": "a" * 64}}, **given)
    dates = Ingredients(date=DAY, inputs={"snapshot": {DAY: "a" * 64}}, **given)
    assert texts == dates
    assert texts.key == dates.key == "0e6d7dcdd2a8db34e2ec93b9ff67d89adb15e72e63044e4574e840a1fc6a1179"
    assert texts.inputs["snapshot"][DAY].short == "a" * 12


@pytest.mark.parametrize("intervals", [None, {"metrics": {"rmse": {"low": None, "high": 2.0}}}, {}])
def test_intervals_of_an_earlier_release_are_read_and_written_as_they_were(intervals: Any) -> None:
    """One without an end, or none at all."""
    part = {"column": "port", "value": None, "rows": 3, "metrics": {"rmse": None}, "interval": None}
    given = details_of("evaluation", intervals=intervals, slices=[part])
    assert isinstance(given, EvaluationDetails)
    assert given.as_json()["intervals"] == intervals
    assert given.as_json()["slices"] == [part]
    assert given.metric_intervals == (intervals or {}).get("metrics", {})
