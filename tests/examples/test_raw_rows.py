"""Which example pipelines take raw rows, as docs/serving.md tells; without a JVM."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from examples.catalogue import EXAMPLES
from tests.airflow.conftest import CHECKOUT
from vintage.ml.row_sql import LeftToSpark, compile_query
from vintage.spec import Home, load_pipeline
from vintage.spec.features import feature_types
from vintage.twin.description import Preparation

if TYPE_CHECKING:
    from collections.abc import Mapping

    from vintage.spec import Pipeline

WANTED = {
    "airport_profiles": {"miles": "double", "busy": "double", "carriers": "double", "late_share": "double"},
    "digit_components": {"r0c0": "double", "r7c7": "double"},
    "digits": {"features": "vector"},
    "flight_delay": {
        **dict.fromkeys(("carrier", "origin", "dest", "hour"), "string"),
        **dict.fromkeys(("distance", "humid", "wind_speed", "precip", "visib"), "double"),
    },
    "movie_ratings": {"user": "int", "movie": "int"},
    "plane_engines": {"named": "string"},
    "wine_cultivar": {"alcohol": "double", "proline": "double"},
}
"""What the stages of each read, where the twin computes it; of many alike two."""
LEFT = {"flight_time": "the SQL has a join"}


def made_of(pipeline: Pipeline) -> Mapping[str, str]:
    if pipeline.source.format == "libsvm":
        return {"label": "double", "features": "vector"}
    return {each.name: each.type.lower() for each in pipeline.source.columns or ()}


@pytest.fixture(scope="module")
def home() -> Home:
    return Home.from_environment({"VINTAGE_HOME": str(CHECKOUT)})


def test_every_example_is_told() -> None:
    # That of digit_images is a function: no SQL makes what the model reads.
    assert {*WANTED, *LEFT, "digit_images"} == set(EXAMPLES)
    told = (CHECKOUT / "docs/serving.md").read_text(encoding="utf-8").partition("| example |")[2]
    rows = [line for line in told.partition("\n\n")[0].splitlines() if "`" in line]
    raw = {
        name for line in rows if "| raw columns |" in line for name in WANTED | LEFT if f"`{name}`" in line
    }
    assert raw == set(WANTED)


@pytest.mark.parametrize("name", WANTED)
def test_an_example_takes_raw_rows(name: str, home: Home) -> None:
    pipeline = load_pipeline(home, name)
    assert pipeline.preprocess.function is None
    made = compile_query(pipeline.preprocess.sql or "", made_of(pipeline), WANTED[name])
    assert isinstance(made, Preparation), made
    known = feature_types(pipeline)
    assert {each: made.columns[each].type.upper() for each in WANTED[name] if each in known} == {
        each: known[each] for each in WANTED[name] if each in known
    }


@pytest.mark.parametrize("name", LEFT)
def test_an_example_takes_features(name: str, home: Home) -> None:
    pipeline = load_pipeline(home, name)
    made = compile_query(pipeline.preprocess.sql or "", made_of(pipeline), {"distance": "double"})
    assert isinstance(made, LeftToSpark)
    assert made.reason == LEFT[name]
