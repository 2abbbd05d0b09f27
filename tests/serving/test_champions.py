"""A new champion takes over once it is proved; a bad one never does, and who served goes on."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from tests.serving.conftest import with_intercept
from tests.twin.test_pyfunc import DESCRIBED
from vintage.serving import champions
from vintage.serving.app import health_of
from vintage.twin import Stage, description

if TYPE_CHECKING:
    from tests.serving.conftest import Desk
    from vintage.serving import Followed


def answers(followed: Followed) -> list[float]:
    assert followed.model is not None
    frame = followed.model.twin.transform({"colour": ["red"], "size": [1.0]})
    return list(frame["prediction"].to_list())


def test_a_new_champion_takes_over_and_who_answers_already_goes_on(desk: Desk) -> None:
    followed = desk.followed()
    assert not followed.follow()
    assert health_of(followed) == {"serves": None, "registry": "it names no champion"}
    first = desk.promoted()
    assert followed.follow()
    before = followed.model
    assert not followed.follow()
    assert followed.model == before
    second = desk.promoted(with_intercept(100.0))
    assert followed.follow()
    assert answers(followed) == [101.0]
    assert before is not None
    assert (before.version, before.told["key"]) == (first, first.key)
    assert health_of(followed)["serves"]["version"] == second.version
    assert health_of(followed)["registry"] == "reached"


@pytest.mark.fault("a champion whose golden batch its twin does not give", outcome="who served goes on")
def test_one_that_does_not_give_its_golden_batch_never_takes_over(desk: Desk) -> None:
    followed = desk.followed()
    desk.promoted()
    followed.follow()
    bad = desk.promoted(golden=[11.5, 7.5, 99.0])
    assert not followed.follow()
    assert answers(followed) == [1.5]
    told = health_of(followed)["refused"]
    assert (told["version"], told["key"]) == (bad.version, bad.key)
    assert "it leaves out row 2" in told["why"]


@pytest.mark.parametrize(
    ("fitted", "held", "told"),
    [
        ({"reason": "SQLTransformer is not portable"}, None, "SQLTransformer is not portable"),
        (None, None, "it was fitted before there were twins"),
        ({"reason": ""}, None, "its twin was not compared with Spark"),
        (
            {"reason": ""},
            {
                "rows": 3,
                "columns": ["prediction"],
                "apart": 0.1,
                "differs": "row 2 is 1",
                "stage": "Bucketizer",
            },
            "the twin differs on the holdout, from the stage Bucketizer on: row 2 is 1",
        ),
    ],
)
def test_one_that_spark_serves_never_takes_over(
    desk: Desk, fitted: dict[str, str] | None, held: dict[str, object] | None, told: str
) -> None:
    followed = desk.followed()
    desk.promoted()
    followed.follow()
    desk.promoted(with_intercept(2.0), fitted=fitted, twin=held)
    assert not followed.follow()
    assert answers(followed) == [1.5]
    assert followed.refused is not None
    assert told in followed.refused.why


@pytest.mark.fault(
    "one byte changed in the twin of a champion", outcome="refused by its digest; who served goes on"
)
@pytest.mark.parametrize(
    "name", ["twin/arrays.npz", "twin/twin.json", "twin/SHA256SUMS", "golden/given/part-0.parquet"]
)
def test_one_of_which_a_byte_is_another_never_takes_over(desk: Desk, name: str) -> None:
    followed = desk.followed()
    desk.promoted()
    followed.follow()
    path = desk.folder(desk.promoted(with_intercept(2.0))) / name
    raw = bytearray(path.read_bytes())
    raw[len(raw) // 2] ^= 1
    path.write_bytes(raw)
    assert not followed.follow()
    assert answers(followed) == [1.5]
    assert followed.refused is not None
    assert "is damaged" in followed.refused.why


@pytest.mark.fault("a champion whose twin a later release wrote", outcome="refused; who served goes on")
def test_one_of_a_later_format_never_takes_over(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    followed = desk.followed()
    desk.promoted()
    followed.follow()
    with monkeypatch.context() as later:
        later.setattr(description, "FORMAT", description.FORMAT + 1)
        desk.promoted(with_intercept(2.0))
    assert not followed.follow()
    assert answers(followed) == [1.5]
    assert followed.refused is not None
    assert "LaterFormat" in followed.refused.why


def test_one_of_a_stage_without_an_evaluator_never_takes_over(desk: Desk) -> None:
    followed = desk.followed()
    desk.promoted()
    followed.follow()
    odd = replace(DESCRIBED, stages=(*DESCRIBED.stages, Stage("Later", {})))
    desk.promoted(odd, golden=[11.5, 7.5])
    assert not followed.follow()
    assert answers(followed) == [1.5]


@pytest.mark.fault(
    "the champion's alias and its model are deleted while it serves", outcome="it goes on, and /health tells"
)
def test_a_champion_that_is_deleted_while_it_serves_goes_on(desk: Desk) -> None:
    import shutil

    followed = desk.followed()
    version = desk.promoted()
    followed.follow()
    shutil.rmtree(desk.folder(version).parents[1])
    desk.serves = None
    followed.follow()
    assert answers(followed) == [1.5]
    assert health_of(followed)["registry"] == "it names no champion"


@pytest.mark.fault(
    "the registry is away while a server serves", outcome="it goes on with what it has, and /health tells"
)
def test_a_registry_that_is_away_is_told_and_who_serves_goes_on(desk: Desk) -> None:
    followed = desk.followed()
    desk.promoted()
    followed.follow()
    desk.away = True
    desk.promoted(with_intercept(2.0))
    assert not followed.follow()
    assert answers(followed) == [1.5]
    assert health_of(followed)["registry"] == "MLflow does not answer."
    desk.away = False
    assert followed.follow()
    assert answers(followed) == [3.0]
    assert health_of(followed)["registry"] == "reached"


def test_a_refused_champion_is_told_while_the_registry_is_away_too(desk: Desk) -> None:
    followed = desk.followed()
    desk.promoted()
    followed.follow()
    desk.promoted(golden=[1.0, 2.0])
    followed.follow()
    desk.away = True
    followed.follow()
    assert set(health_of(followed)) == {"serves", "refused", "registry"}


def test_a_champion_that_the_registry_counts_otherwise_keeps_serving_under_its_new_number(desk: Desk) -> None:
    followed = desk.followed()
    version = desk.promoted()
    followed.follow()
    desk.serves = replace(version, version=7)
    assert not followed.follow()
    assert health_of(followed)["serves"]["version"] == 7


def test_a_ledger_that_cannot_be_read_is_told(desk: Desk) -> None:
    desk.promoted()
    desk.store.ledger_path.write_text("no ledger", encoding="utf-8")
    desk.away = True
    followed = desk.followed()
    assert not followed.follow()
    assert "the ledger" in health_of(followed)["registry"]


@pytest.mark.fault(
    "the registry is away when a server starts", outcome="it serves who is champion by the ledger"
)
def test_a_server_that_starts_while_the_registry_is_away_serves_by_the_ledger(desk: Desk) -> None:
    version = desk.promoted()
    desk.away = True
    followed = desk.followed()
    assert followed.follow()
    assert followed.model is not None
    assert (followed.model.version.key, followed.model.version.version) == (version.key, 1)


def test_a_champion_that_the_ledger_does_not_name_never_takes_over(desk: Desk) -> None:
    first = desk.promoted()
    followed = desk.followed()
    followed.follow()
    desk.promoted(with_intercept(2.0))
    followed.follow()
    desk.serves = first
    assert not followed.follow()
    assert answers(followed) == [3.0]
    assert followed.refused is not None
    assert "name different champions" in followed.refused.why


def test_a_refused_one_is_tried_again_later_not_at_once(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    followed = desk.followed()
    version = desk.promoted()
    path = desk.folder(version) / "twin" / "twin.json"
    good = path.read_bytes()
    path.write_bytes(json.dumps({}).encode())
    assert not followed.follow()
    path.write_bytes(good)
    assert not followed.follow()
    monkeypatch.setattr(champions, "AGAIN", 0.0)
    assert followed.follow()


def test_two_swaps_at_once_leave_one_champion_and_it_is_the_last(desk: Desk) -> None:
    followed = desk.followed()
    desk.promoted()
    desk.promoted(with_intercept(2.0))
    with ThreadPoolExecutor(8) as pool:
        took = list(pool.map(lambda _: followed.follow(), range(8)))
    assert took.count(True) == 1
    assert answers(followed) == [3.0]
