"""Why something is made anew: what of its ingredients differs, and what its inputs hand on."""

from __future__ import annotations

from typing import Any

import pytest

from vintage.store import Ingredients
from vintage.store.code import short_digests
from vintage.store.reasons import Why, reasons

DAY = "2024-03-06"


def model(**changed: Any) -> Ingredients:
    fields = {
        "kind": "model",
        "date": DAY,
        "inputs": {"features": {"2024-03-04": "a", "2024-03-05": "b"}},
        "spec": {"stages": [{"type": "PCA", "params": {"k": 2}}], "task": "reduction"},
        "seed": 42,
        "code": "c",
        "engines": {"spark": "4.1.4"},
    }
    return Ingredients.model_validate({**fields, **changed})


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        (
            {"inputs": {"features": {"2024-03-04": "a", "2024-03-05": "x"}}},
            ("data", "features of 2024-03-05"),
        ),
        ({"inputs": {"features": {"2024-03-05": "b"}}}, ("data", "features of 2024-03-04")),
        (
            {"spec": {"stages": ({"type": "PCA", "params": {"k": 3}},), "task": "reduction"}},
            ("spec", "stages[0].params.k"),
        ),
        ({"code": "d"}, ("code", "code of model")),
        ({"engines": {"spark": "4.1.5"}}, ("engine", "spark 4.1.4 → 4.1.5")),
        ({"engines": {"spark": "4.1.4", "java": "17"}}, ("engine", "java none → 17")),
        ({"seed": 7}, ("seed", "42 → 7")),
    ],
)
def test_what_differs_is_the_reason(changed: dict[str, Any], told: tuple[str, str]) -> None:
    [why] = reasons(model(**changed), model(), {})
    assert (why.reason, why.what) == told


def test_the_same_ingredients_give_no_reason() -> None:
    assert reasons(model(), Ingredients.model_validate_json(model().model_dump_json()), {}) == ()


def test_nothing_before_is_a_reason() -> None:
    assert [why.reason for why in reasons(model(), None, {})] == ["new"]


def test_an_input_that_is_made_hands_on_why() -> None:
    code = Why(reason="code", what="code of features")
    new = Why(reason="new", what="2024-03-05 has no features yet")
    wanted = model(inputs={"features": {"2024-03-04": "x", "2024-03-05": "y"}})
    assert reasons(wanted, model(), {"x": (code,), "y": (code,)}) == (code,)
    assert reasons(wanted, model(), {"x": (code,), "y": (new,)}) == (
        code,
        Why(reason="data", what="features of 2024-03-05"),
    )


def test_another_champion_is_a_reason_of_its_own() -> None:
    wanted = model(inputs={**model().inputs, "baseline": {"2024-03-01": "p"}})
    assert reasons(wanted, model(), {}) == (Why(reason="baseline", what="the champion of 2024-03-01"),)


def test_code_of_one_s_own_is_code() -> None:
    spec = {"stages": [], "own_code": {"mine": "1"}}
    [why] = reasons(model(spec={**spec, "own_code": {"mine": "2"}}), model(spec=spec), {})
    assert (why.reason, why.what) == ("code", "your own: mine")


def test_modules_whose_code_changed_are_named() -> None:
    recorded = short_digests("model") | {"vintage.ml.splits": "0" * 12, "vintage.ml.gone": "1" * 12}

    [why] = reasons(model(code="other"), model(), {}, recorded)

    assert why == Why(reason="code", what="code of model: ml/gone.py, ml/splits.py")
