"""Pictures that have nothing to show are left out; names that are long, and many classes, have room."""

from __future__ import annotations

from typing import Any

import pytest

from vintage.report.comparisons import importances_picture
from vintage.report.details import slice_name
from vintage.report.drawing import drawing, shortened
from vintage.report.pictures import MOST_BARS, bars, detail_pictures
from vintage.store.details import SliceDetails


def drawn(details: dict[str, Any]) -> dict[str, str]:
    with drawing():
        return {picture.name: picture.svg for picture in detail_pictures(details)}


@pytest.mark.parametrize(
    "details",
    [
        {"confusion_matrix": {"labels": [], "counts": []}},
        {"confusion_matrix": {"labels": [0.0] * 61, "counts": [[1] * 61] * 61}},
        {"roc": {"x": [], "y": []}, "pr": {"x": [], "y": []}},
        {"calibration": [{"low": 0, "high": 1, "rows": 0, "predicted": None, "observed": None}]},
        {"calibration": [{"low": -3, "high": 4, "rows": 7, "predicted": -1.5, "observed": 0.2}]},
        {"residuals": {"edges": [], "rows": []}, "residual_quantiles": {}},
        {"cluster_sizes": {}, "variance": None},
        {"variance": {"by_component": [0.0, 0.0], "in_all": 0.0}},
        {"k": 10, "ranking_error": 0.0},
    ],
)
def test_nothing_to_show_is_no_picture(details: dict[str, Any]) -> None:
    assert drawn(details) == {}


def test_empty_clusters_and_one_bin_are_drawn() -> None:
    found = drawn(
        {
            "cluster_sizes": {"0": 0, "1": 0},
            "calibration": [{"low": 0, "high": 1, "rows": 3, "predicted": 0.4, "observed": 1.0}],
        }
    )
    assert set(found) == {"cluster-sizes", "calibration"}


def test_the_cells_of_many_classes_have_no_numbers() -> None:
    def counted(classes: int) -> str:
        labels = [float(each) for each in range(classes)]
        counts = [[4321 if down == across else 0 for across in range(classes)] for down in range(classes)]
        return drawn({"confusion_matrix": {"labels": labels, "counts": counts}})["confusion"]

    assert counted(12).count("4,321") == 12
    assert "4,321" not in counted(13)


def test_bars_keep_to_the_largest_and_say_how_large() -> None:
    with drawing():
        found = bars("many", "Many", "of them", {f"feature {place}": 100.0 - place for place in range(50)})
    assert f"feature {MOST_BARS - 1}<" in found.svg
    assert f"feature {MOST_BARS}<" not in found.svg
    assert ">100.0000<" in found.svg
    assert "var(--series-1" in found.svg


def test_a_value_below_zero_has_the_other_colour() -> None:
    with drawing():
        found = importances_picture(
            {"kind": "loadings", "by": ["component 1"], "features": [{"feature": "x", "values": [-0.5]}]}
        )
    assert "var(--series-2" in found.svg
    assert "var(--series-1" not in found.svg


def test_names_are_told() -> None:
    assert shortened("short") == "short"
    assert shortened("a" * 30 + "b" * 30) == "a" * 16 + "…" + "b" * 16
    known = SliceDetails(column="origin", value="JFK", rows=3, metrics={})
    assert slice_name(known) == "origin = JFK"
    assert slice_name(known.model_copy(update={"value": None})) == "origin is null"
    assert slice_name(known.model_copy(update={"value": None, "others": True})) == "origin: all others"


def test_names_are_shown_as_they_are_whatever_they_hold() -> None:
    with drawing():
        found = bars("odd", "Odd", "of them", {"a_$x^2$ & <b>": 1.0, "航空": 0.5})
    assert ">a_$x^2$ &amp; &lt;b&gt;<" in found.svg
    assert ">航空<" in found.svg
