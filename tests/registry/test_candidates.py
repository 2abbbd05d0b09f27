"""The candidates of a tuning are runs under a model's, once."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import pytest

from vintage.registry.tracking import Tracking, TriedCandidate

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities import Run

TUNING = "ef56" * 16
TRIED = [
    TriedCandidate(0, {"LogisticRegression.regParam": "0.1"}, {"f1": 0.5, "f1.part_1": 0.5}),
    TriedCandidate(1, {"LogisticRegression.regParam": "-1"}, {}, error="regParam given invalid value -1.0"),
    TriedCandidate(2, {"LogisticRegression.regParam": "0.2"}, {"f1": 0.75, "f1.part_1": 0.75}, won=True),
    TriedCandidate(3, {"LogisticRegression.regParam": "9"}, {"f1": math.nan}),
]


@pytest.fixture
def client(tracking: Tracking) -> MlflowClient:
    tracking.check()
    from mlflow import MlflowClient

    uri = tracking._connection.endpoint.uri
    return MlflowClient(uri, uri)


def start(tracking: Tracking, pipeline: str, key: str) -> str:
    return tracking.start_run(pipeline=pipeline, date="2013-02-28", key=key * 16, tags={})


def children_of(client: MlflowClient, run_id: str) -> list[Run]:
    experiment = client.get_run(run_id).info.experiment_id
    found = client.search_runs([experiment], f"tags.`mlflow.parentRunId` = '{run_id}'")
    return sorted(found, key=lambda run: run.data.tags["vintage.candidate"])


def test_each_candidate_is_a_run_under_the_model_s(tracking: Tracking, client: MlflowClient) -> None:
    parent = start(tracking, "tuned", "ab12")
    tracking.log_candidates(parent, tuning=TUNING, tried=TRIED)
    children = children_of(client, parent)
    assert [run.info.status for run in children] == ["FINISHED", "FAILED", "FINISHED", "FINISHED"]
    assert [run.data.params for run in children] == [dict(each.params) for each in TRIED]
    assert children[0].data.metrics == {"f1": 0.5, "f1.part_1": 0.5}
    assert math.isnan(children[3].data.metrics["f1"])
    assert children[1].data.tags["vintage.error"] == "regParam given invalid value -1.0"
    assert [run.data.tags.get("vintage.won") for run in children] == [None, None, "true", None]
    assert children[2].info.run_name == "regParam=0.2"
    assert client.get_run(parent).data.tags["vintage.tuning_key"] == TUNING
    # A child is no model: the model's key still has one run.
    assert start(tracking, "tuned", "ab12") == parent


def test_told_again_or_by_another_model_nothing_is_added(tracking: Tracking, client: MlflowClient) -> None:
    first, second = start(tracking, "again", "ab12"), start(tracking, "again", "cd34")
    tracking.log_candidates(first, tuning=TUNING, tried=TRIED)
    before = [str(run.to_dictionary()) for run in children_of(client, first)]
    tracking.log_candidates(first, tuning=TUNING, tried=TRIED)
    tracking.log_candidates(second, tuning=TUNING, tried=TRIED)
    assert [str(run.to_dictionary()) for run in children_of(client, first)] == before
    assert children_of(client, second) == []
    assert client.get_run(second).data.tags["vintage.tuning_key"] == TUNING


def test_one_that_was_left_half_made_is_completed(tracking: Tracking, client: MlflowClient) -> None:
    parent = start(tracking, "half", "ab12")
    tracking.log_candidates(parent, tuning=TUNING, tried=TRIED[:1])
    [child] = children_of(client, parent)
    client.update_run(child.info.run_id, status="RUNNING")
    tracking.log_candidates(parent, tuning=TUNING, tried=TRIED)
    children = children_of(client, parent)
    assert len(children) == len(TRIED)
    assert children[0].info.run_id == child.info.run_id
    assert children[0].info.status == "FINISHED"
