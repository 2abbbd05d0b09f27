"""The server speaks MLflow's scoring protocol, and refuses what is none with a clear 4xx."""

from __future__ import annotations

import asyncio
import json
import logging
import math
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pytest
from fastapi.testclient import TestClient

from tests.serving.conftest import Desk, of_raw_rows, with_intercept
from tests.twin.test_pyfunc import ASSEMBLER, DESCRIBED, FUNCTION, REGRESSION
from vintage.ml.row_sql import compile_query
from vintage.registry.tracking import Version
from vintage.serving import Limits, application, protocol
from vintage.serving.app import ACCESS
from vintage.serving.champions import ServedModel
from vintage.store import Store
from vintage.twin import Description, Input, Twin

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from pathlib import Path

    import httpx
    from fastapi import FastAPI

    from vintage.serving import Followed

ROWS = pd.DataFrame({"colour": ["blue", "red"], "size": [1.0, None]})
JSON = (b"content-type", b"application/json")
EXPECTED = [{"prediction": 11.5}, {"prediction": 7.5}]


@pytest.fixture
def followed(desk: Desk) -> Followed:
    desk.promoted()
    found = desk.followed()
    found.follow()
    return found


@pytest.fixture
def client(followed: Followed) -> TestClient:
    return TestClient(application([followed]))


def asked(client: TestClient, body: Any, path: str = "/invocations") -> httpx.Response:
    return client.post(path, json=body)


def sent_by(
    app: FastAPI, receive: Callable[[], Awaitable[dict[str, Any]]], *headers: tuple[bytes, bytes]
) -> list[Any]:
    """Post a body that no client would send; what the application sends."""
    sent: list[Any] = []

    async def send(message: Any) -> None:
        sent.append(message)

    scope = {
        "type": "http",
        "method": "POST",
        "path": "/invocations",
        "query_string": b"",
        "headers": list(headers),
    }
    asyncio.run(app(scope, receive, send))
    return sent


SPLIT = {"columns": ["size", "more", "colour"], "data": [[1, "?", "blue"], [None, "?", "red"]]}
RECORDS = [{"colour": "blue", "size": 1}, {"colour": "red"}]


@pytest.mark.parametrize(
    "body",
    [
        {"dataframe_split": SPLIT},
        {"dataframe_split": {**SPLIT, "index": [7, 9]}},
        {"dataframe_records": RECORDS},
        {"instances": RECORDS, "params": {}},
        {"inputs": {"colour": ["blue", "red"], "size": [1.0, None]}},
        {"inputs": RECORDS},
    ],
)
def test_every_form_of_mlflow_s_json_gets_predictions_and_says_by_which_model(
    client: TestClient, followed: Followed, body: dict[str, Any]
) -> None:
    answer = asked(client, body)
    assert followed.model is not None
    assert answer.status_code == 200
    assert answer.json() == {"predictions": EXPECTED, "model": followed.model.told}
    assert answer.headers["x-vintage-model-key"] == followed.model.version.key
    assert answer.headers["x-vintage-model-version"] == "1"


def test_csv_as_pandas_writes_it_is_taken(client: TestClient) -> None:
    answer = client.post(
        "/invocations", content=ROWS.to_csv(index=False), headers={"content-type": "text/csv"}
    )
    assert answer.json()["predictions"] == EXPECTED


def test_it_answers_what_mlflow_s_python_function_answers(client: TestClient) -> None:
    from mlflow.utils.proto_json_utils import dump_input_data

    body = dump_input_data(ROWS, inputs_key="dataframe_split")
    answer = client.post("/invocations", content=body, headers={"content-type": "application/json"})
    assert answer.json()["predictions"] == FUNCTION.predict(ROWS).to_dict("records")


def test_rows_that_a_stage_leaves_out_are_told_by_those_that_are_answered(client: TestClient) -> None:
    rows = [{"colour": colour, "size": 1.0} for colour in ("red", "green", None, "blue")]
    answer = asked(client, {"dataframe_records": rows}).json()
    assert answer["predictions"] == [{"prediction": 1.5}, {"prediction": 11.5}]
    assert answer["rows"] == [0, 3]


@pytest.mark.parametrize(
    ("body", "told"),
    [
        (b"", "the body is no JSON"),
        (b"{", "the body is no JSON"),
        (b"\xff\xfe", "the body is no JSON"),
        (b"[" * 100_000, "the body is no JSON"),
        (b"[]", "exactly one of the fields"),
        (b"3", "exactly one of the fields"),
        (b"{}", "exactly one of the fields"),
        (b'{"inputs": {}, "instances": []}', "exactly one of the fields"),
        (b'{"instances": [[1, 2]]}', "a list of objects, one for each row"),
        (b'{"dataframe_records": {"colour": ["red"]}}', "a list of objects, one for each row"),
        (b'{"dataframe_split": [1]}', "the fields columns"),
        (b'{"dataframe_split": {"columns": [1], "data": []}}', "the fields columns"),
        (b'{"dataframe_split": {"columns": ["size", "size"], "data": []}}', "differ from each other"),
        (b'{"dataframe_split": {"columns": ["colour", "size"], "data": [["red"]]}}', "2 values for each row"),
        (b'{"inputs": {"colour": "red", "size": 1.0}}', "a list of values for each column"),
        (b'{"inputs": {"colour": ["red"], "size": [1.0, 2.0]}}', "columns of one length"),
        (b'{"inputs": {"colour": ["red"]}}', "expected columns size, found colour"),
        (
            b'{"dataframe_records": [{"color": "red", "size": 1}]}',
            "expected columns colour, found color, size",
        ),
        (
            b'{"dataframe_records": [{"colour": "red", "size": "1.0"}]}',
            "'size', row 0: expected double, found str",
        ),
        (
            b'{"dataframe_records": [{"colour": 1, "size": 1.0}]}',
            "'colour', row 0: expected string, found int",
        ),
        (b'{"dataframe_records": [{"colour": "red", "size": true}]}', "expected double, found bool"),
        (b'{"dataframe_records": [{"colour": "red", "size": 1' + b"0" * 400 + b"}]}", "that is no double"),
        (b'{"dataframe_records": [{"colour": "red", "size": {}}]}', "expected double, found dict"),
    ],
)
def test_what_is_no_request_is_a_400_that_says_what_is(client: TestClient, body: bytes, told: str) -> None:
    answer = client.post("/invocations", content=body, headers={"content-type": "application/json"})
    assert answer.status_code == 400
    assert told in answer.json()["message"]
    assert answer.json()["error_code"] == "BAD_REQUEST"


def test_a_row_that_a_stage_refuses_is_a_400_that_names_it(desk: Desk) -> None:
    indexer, *rest = DESCRIBED.stages
    strict = replace(indexer, params={**indexer.params, "handleInvalid": "error"})
    desk.promoted(replace(DESCRIBED, stages=(strict, *rest)), golden=[11.5, 7.5])
    followed = desk.followed()
    followed.follow()
    rows = [{"colour": "red", "size": 1.0}, {"colour": "green", "size": 1.0}]
    answer = asked(TestClient(application([followed])), {"instances": rows})
    assert answer.status_code == 400
    assert answer.json()["error_code"] == "INVALID_PARAMETER_VALUE"
    assert "StringIndexerModel refuses row 1" in answer.json()["message"]


@pytest.mark.parametrize(
    ("content_type", "status"),
    [
        ("text/plain", 415),
        ("application/json; charset=latin-1", 415),
        ("application/json; charset=UTF-8", 200),
    ],
)
def test_other_content_types_are_a_415(client: TestClient, content_type: str, status: int) -> None:
    body = json.dumps({"instances": RECORDS})
    assert (
        client.post("/invocations", content=body, headers={"content-type": content_type}).status_code
        == status
    )


def test_nan_stays_nan_and_an_integer_stands_for_a_double(desk: Desk) -> None:
    """Unlike with MLflow's own server, which takes NaN for a null."""
    twin = replace(
        DESCRIBED,
        inputs=(Input("size", "double"), Input("count", "int")),
        stages=(
            replace(
                ASSEMBLER,
                params={**ASSEMBLER.params, "inputCols": ["count", "size"], "handleInvalid": "keep"},
            ),
            REGRESSION,
        ),
    )
    followed = desk.followed()
    followed.model = ServedModel(Version(1, "", "k", "2024-03-01"), Twin(twin), {})
    client = TestClient(application([followed]))
    rows = '{"inputs": {"size": [NaN, 3, Infinity], "count": [1, 2.0, 3]}}'
    answer = client.post("/invocations", content=rows, headers={"content-type": "application/json"})
    made = [each["prediction"] for each in answer.json()["predictions"]]
    assert math.isnan(made[0])
    assert made[1:] == [23.5, math.inf]
    assert (
        "expected int, found float"
        in asked(client, {"inputs": {"size": [1], "count": [1.5]}}).json()["message"]
    )


def test_a_batch_of_none_and_one_of_100_000_rows_are_answered(client: TestClient) -> None:
    assert asked(client, {"dataframe_records": []}).json()["predictions"] == []
    count = 100_000
    sizes = np.arange(count, dtype=float)
    answer = asked(client, {"inputs": {"colour": ["blue"] * count, "size": sizes.tolist()}})
    made = np.array([each["prediction"] for each in answer.json()["predictions"]])
    assert np.array_equal(made, 10.5 + sizes)


def test_too_many_rows_and_too_large_a_body_are_a_413(followed: Followed) -> None:
    client = TestClient(application([followed], Limits(rows=1, body=200)))
    answer = asked(client, {"instances": RECORDS})
    assert (answer.status_code, "at most 1 rows, found 2" in answer.json()["message"]) == (413, True)
    csv = client.post(
        "/invocations", content="colour,size\nred,1\nred,2\n", headers={"content-type": "text/csv"}
    )
    assert csv.status_code == 413
    large = {"instances": [{"colour": "r" * 300, "size": 1.0}]}
    assert asked(client, large).status_code == 413
    # Of a length that is not told before.
    parts = iter([b"x" * 150] * 2)
    streamed = client.post("/invocations", content=parts, headers={"content-type": "application/json"})
    assert (streamed.status_code, "at most 200 bytes" in streamed.json()["message"]) == (413, True)


def test_100_megabytes_are_refused_before_a_byte_of_them_is_read(followed: Followed) -> None:
    async def receive() -> dict[str, Any]:
        raise AssertionError("it was read")

    length = (b"content-length", b"%d" % (100 * 2**20))
    sent = sent_by(application([followed]), receive, JSON, length)
    assert sent[0]["status"] == 413


def test_a_body_that_does_not_come_is_a_408(followed: Followed) -> None:
    async def receive() -> dict[str, Any]:
        await asyncio.sleep(3600)
        raise AssertionError

    sent = sent_by(application([followed], Limits(seconds=1)), receive, JSON)
    assert sent[0]["status"] == 408


def test_a_client_that_goes_away_is_no_failure_of_ours(
    followed: Followed, caplog: pytest.LogCaptureFixture
) -> None:
    async def receive() -> dict[str, Any]:
        return {"type": "http.disconnect"}

    with caplog.at_level(logging.INFO, ACCESS.name):
        sent_by(application([followed]), receive)
    assert [each.levelname for each in caplog.records] == ["INFO"]
    assert "CLIENT_DISCONNECTED" in caplog.text


def test_more_requests_than_may_be_are_a_429_and_slow_rows_a_503_that_counts_until_they_end(
    followed: Followed, monkeypatch: pytest.MonkeyPatch
) -> None:
    import threading

    begun, goes_on = threading.Event(), threading.Event()

    def slow(*_: Any) -> protocol.Answer:
        begun.set()
        goes_on.wait(30)
        return protocol.Answer(b"{}", 1)

    monkeypatch.setattr("vintage.serving.app.respond", slow)
    large = {"instances": [{"colour": "r" * 20_000, "size": 1.0}]}
    with TestClient(application([followed], Limits(seconds=1, requests=1))) as client:
        assert asked(client, large).status_code == 503
        assert begun.is_set()
        answer = asked(client, large)
        assert (answer.status_code, answer.headers["retry-after"]) == (429, "1")
        goes_on.set()
        assert until_200(client, large)


def until_200(client: TestClient, body: dict[str, Any]) -> bool:
    return any(asked(client, body).status_code == 200 for _ in range(200))


def test_a_model_of_another_schema_that_takes_over_says_what_it_expects(
    desk: Desk, followed: Followed
) -> None:
    client = TestClient(application([followed]))
    rows = [{"size": 1.0}]
    assert asked(client, {"instances": rows}).status_code == 400
    assembler = replace(ASSEMBLER, params={**ASSEMBLER.params, "inputCols": ["size", "size"]})
    desk.promoted(
        replace(DESCRIBED, inputs=(Input("size", "double"),), stages=(assembler, REGRESSION)),
        golden=[11.5],
    )
    followed.follow()
    assert asked(client, {"instances": rows}).json()["predictions"] == [{"prediction": 11.5}]
    assert asked(client, {"instances": [{"colour": "red"}]}).status_code == 400


def test_several_pipelines_have_a_path_each_and_none_at_the_top(followed: Followed, tmp_path: Path) -> None:
    other = Desk(Store(tmp_path / "other", "lack"))
    other.promoted(with_intercept(100.0))
    second = other.followed()
    second.follow()
    client = TestClient(application([followed, second]))
    body = {"instances": [{"colour": "red", "size": 1.0}]}
    made = {
        name: asked(client, body, f"/{name}/invocations").json()["predictions"] for name in ("paint", "lack")
    }
    assert made == {"paint": [{"prediction": 1.5}], "lack": [{"prediction": 101.0}]}
    for path in ("/invocations", "/other/invocations"):
        answer = asked(client, body, path)
        assert answer.status_code == 404
        assert "expected one of /paint/invocations, /lack/invocations" in answer.json()["message"]
    assert set(client.get("/health").json()) == {"paint", "lack"}
    assert client.get("/lack/health").json()["lack"]["serves"]["pipeline"] == "lack"
    assert client.get("/other/ping").status_code == 404


def test_nothing_serves_is_a_503_that_says_why(desk: Desk) -> None:
    followed = desk.followed()
    client = TestClient(application([followed]))
    assert client.get("/ping").status_code == 503
    assert asked(client, {"instances": RECORDS}).status_code == 503
    desk.promoted(fitted={"reason": "it is a FPGrowthModel"})
    followed.follow()
    answer = asked(client, {"instances": RECORDS})
    assert answer.status_code == 503
    assert "it is a FPGrowthModel" in answer.json()["message"]
    assert client.get("/health").json()["paint"]["serves"] is None


def test_ping_version_and_health_are_those_of_the_protocol(client: TestClient) -> None:
    import mlflow

    assert (client.get("/ping").status_code, client.get("/ping").text) == (200, "\n")
    assert client.get("/version").text == mlflow.__version__
    assert client.get("/health").status_code == 200


def test_what_was_counted_is_in_prometheus_format(client: TestClient) -> None:
    asked(client, {"instances": RECORDS})
    asked(client, {})
    lines = client.get("/metrics").text.splitlines()
    assert 'vintage_requests_total{pipeline="paint",status="200"} 1.0' in lines
    assert 'vintage_requests_total{pipeline="paint",status="400"} 1.0' in lines
    assert 'vintage_rows_total{pipeline="paint"} 2.0' in lines
    assert 'vintage_champion_version{pipeline="paint"} 1.0' in lines
    assert 'vintage_registry_reached{pipeline="paint"} 1.0' in lines


def test_the_access_log_has_a_line_of_json_a_request_and_no_value(
    client: TestClient, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO, ACCESS.name):
        asked(client, {"instances": [{"colour": "red", "size": 1234.5}]})
        asked(client, {"instances": [{"colour": "red", "size": "hunter2"}]})
        asked(client, {}, "/hunter2/invocations")
    lines = [json.loads(each.getMessage()) for each in caplog.records if each.name == ACCESS.name]
    assert [(each["pipeline"], each["status"], each.get("rows")) for each in lines] == [
        ("paint", 200, 1),
        ("paint", 400, None),
        ("", 404, None),
    ]
    assert "1234" not in caplog.text
    assert "hunter2" not in caplog.text


def test_a_failure_of_our_own_is_a_500_without_its_text(
    client: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: Any) -> Any:
        raise ZeroDivisionError("secret")

    monkeypatch.setattr("vintage.serving.app.respond", broken)
    answer = asked(client, {"instances": RECORDS})
    assert answer.status_code == 500
    assert "secret" not in answer.text


def test_vectors_that_are_none_are_a_400(desk: Desk) -> None:
    given = Description("4.1.4", (Input("features", "vector"),), (REGRESSION,))
    followed = desk.followed()
    followed.model = ServedModel(Version(1, "", "k", "2024-03-01"), Twin(given), {})
    client = TestClient(application([followed]))
    assert asked(client, {"instances": [{"features": [1, 2]}]}).json()["predictions"] == [
        {"prediction": 12.5}
    ]
    sparse = {"size": 2, "indices": [1], "values": [2.0]}
    assert asked(client, {"instances": [{"features": sparse}]}).json()["predictions"] == [{"prediction": 2.5}]
    for odd in (
        "x",
        7,
        ["a", "b"],
        [[1.0], [2.0]],
        {"size": 2, "indices": [9], "values": [1.0]},
        {"size": 1e12, "indices": [0], "values": [1.0]},
        {"size": 2**40, "indices": [0], "values": [1.0]},
        {"indices": [0]},
        {},
        [None, 1.0],
    ):
        answer = asked(client, {"instances": [{"features": odd}]})
        assert (answer.status_code, odd) == (400, odd)


@pytest.fixture
def raw_client(desk: Desk) -> TestClient:
    desk.promoted(**of_raw_rows())
    followed = desk.followed()
    assert followed.follow(), followed.refused
    return TestClient(application([followed]))


def test_raw_rows_are_taken_and_one_that_the_where_drops_is_told_apart(raw_client: TestClient) -> None:
    rows = [{"colour": "blue", "millimetres": 10}, {"colour": "red", "millimetres": 0}, {"colour": "red"}]
    answer = asked(raw_client, {"dataframe_records": rows}).json()
    assert answer["predictions"] == [{"prediction": 11.5}]
    assert (answer["rows"], answer["left_out"]) == ([0], {"rows": [1, 2], "by": "WHERE millimetres > 0"})
    whole = asked(raw_client, {"dataframe_records": rows[:1]}).json()
    assert whole.keys() == {"predictions", "model"}


def test_a_raw_row_lacks_a_column_or_is_of_another_type(raw_client: TestClient) -> None:
    missing = asked(raw_client, {"dataframe_records": [{"colour": "blue", "size": 1.0}]})
    assert (missing.status_code, missing.json()["message"]) == (
        400,
        "expected columns millimetres, found colour, size",
    )
    mistyped = asked(raw_client, {"inputs": {"colour": ["blue"], "millimetres": ["10"]}})
    assert "column 'millimetres', row 0: expected int, found str" in mistyped.json()["message"]


def test_where_spark_would_raise_the_row_is_refused(desk: Desk) -> None:
    made = of_raw_rows()
    divided = compile_query(
        "SELECT colour, 10 / millimetres AS size FROM source",
        {"colour": "string", "millimetres": "int"},
        {"colour": "string", "size": "double"},
    )
    desk.promoted(**made | {"described": replace(DESCRIBED, preparation=divided)})
    followed = desk.followed()
    assert followed.follow(), followed.refused
    client = TestClient(application([followed]))
    answer = asked(client, {"inputs": {"colour": ["blue", "red"], "millimetres": [1, 0]}})
    assert answer.status_code == 400
    assert answer.json() == {
        "error_code": "INVALID_PARAMETER_VALUE",
        "message": "preprocess.sql refuses row 1: `size`: it divides by zero",
    }
