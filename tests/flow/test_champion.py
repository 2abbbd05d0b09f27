"""A model is held against the champion of its date, both measured on the same rows."""

from __future__ import annotations

import re
from datetime import date, timedelta
from typing import TYPE_CHECKING

import pytest

from tests.flow.conftest import rows_of
from vintage.lineage.difference import difference_of
from vintage.lineage.graph import find_lineage
from vintage.registry import ledger
from vintage.report.summary import summarise

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.flow.conftest import Team

pytestmark = [pytest.mark.spark, pytest.mark.long]

DAY = date(2024, 3, 6)
EVE = DAY - timedelta(days=1)
WEAK = ["LogisticRegression.regParam=1000.0", "LogisticRegression.maxIter=1"]


@pytest.fixture(scope="module")
def nights(new_team: Callable[[], Team]) -> Team:
    """Two nights: a champion of the eve, and a model of the day that is not to be worse; rows are weighed."""
    team = new_team()
    team.edit(
        "gates: [{metric: areaUnderROC, min: 0.5}]",
        "gates: [{metric: logLoss, vs_champion: -0.05}]\n  weight: size",
    )
    team.run(day=EVE)
    team.run()
    return team


def test_the_first_model_has_nobody_to_be_held_against(nights: Team) -> None:
    first = summarise(nights.store, EVE)
    assert first.baseline is None
    assert first.decision.promote
    assert first.decision.reasons == (
        "gate logLoss vs champion >= -0.05 does not apply: there is no baseline",
    )


def test_the_champion_is_measured_on_the_same_rows(nights: Team) -> None:
    """The eve's model, scored by hand on the day's holdout, has the metrics that stand in the evaluation."""
    from vintage.data.rows import TRAINABLE, read_rows
    from vintage.flow import preprocess
    from vintage.flow.graph import Flow
    from vintage.ml.families import Holdout, family_of
    from vintage.ml.splits import in_split
    from vintage.registry.tracking import Tracking

    second = summarise(nights.store, DAY)
    assert second.baseline is not None
    eve = summarise(nights.store, EVE)
    assert (second.baseline["date"], second.baseline["key"]) == (str(EVE), eve.keys["model"])
    job = nights.job()
    flow = Flow(job)
    test = flow.of(preprocess.STEP, flow.sides[1])
    rows = read_rows(job.spark.apart(), list(test.values())).where(TRAINABLE)
    holdout = in_split(rows, job.pipeline, "test")
    artifact = nights.store.find("model", EVE, eve.keys["model"])
    assert artifact is not None
    model = Tracking.of(job.home).load_model(artifact.data / "model")
    family = family_of("classification")
    scored = family.score(holdout, model, job.pipeline)
    by_hand = family.measure(Holdout(scored, holdout.count(), job.pipeline, rows=holdout, model=model)).values
    assert second.baseline["metrics"] == by_hand
    assert second.decision.promote
    [reason] = second.decision.reasons
    assert f"against {by_hand['logLoss']:.6g} of {EVE}" in reason


def test_a_worse_model_is_refused_and_the_champion_stays(nights: Team) -> None:
    before = ledger.read(nights.store.ledger_path)
    entry = nights.run(overrides=WEAK)
    assert isinstance(entry, ledger.Entry)
    assert entry.action == "refused"
    assert "vs champion >= -0.05 failed" in entry.reasons[0]
    assert len(ledger.read(nights.store.ledger_path)) == len(before) + 1
    # The baseline of a later night is a model that serves, not the one that was refused.
    again = summarise(nights.store, DAY)
    assert again.baseline is not None
    assert again.baseline["date"] == str(EVE)


@pytest.mark.fault(
    "a champion of which a file was cut to a byte, and a holdout delivered with the rows of a training date",
    outcome="the next model is refused for both; the reason says how to go on",
)
def test_a_damaged_champion_fails_the_gate_and_says_why(nights: Team) -> None:
    eve = summarise(nights.store, EVE)
    artifact = nights.store.find("model", EVE, eve.keys["model"])
    assert artifact is not None
    [metadata, *_] = sorted((artifact.data / "model" / "sparkml" / "metadata").glob("part-*"))
    whole = metadata.read_bytes()
    for check in metadata.parent.glob(".*.crc"):
        check.unlink()
    metadata.write_bytes(b"#")
    nights.deliver(DAY, rows_of(EVE))
    try:
        entry = nights.run(overrides=["LogisticRegression.regParam=0.02"])
    finally:
        metadata.write_bytes(whole)
        nights.deliver(DAY)
    assert isinstance(entry, ledger.Entry)
    assert entry.action == "refused"
    same, damaged = entry.reasons
    assert re.search(rf"the champion \w+ of {EVE} cannot be read", damaged)
    assert f"`vintage verify {nights.name} --repair`" in damaged
    assert f"`vintage promote {nights.name} --date {DAY} --force --why …`" in damaged
    assert f"{DAY} has the same rows as {EVE}" in same


def test_a_champion_of_other_columns_fails_the_gate_and_says_why(nights: Team) -> None:
    nights.edit("SELECT id, seen, colour, size, late FROM source", "SELECT id, seen, size, late FROM source")
    nights.edit("  - StringIndexer: {inputCol: colour, outputCol: colour_ix, handleInvalid: keep}\n", "")
    nights.edit("inputCols: [size_filled, colour_ix]", "inputCols: [size_filled]")
    entry = nights.run()
    assert isinstance(entry, ledger.Entry)
    assert entry.action == "refused"
    assert f"the champion of {EVE} does not run on these rows" in entry.reasons[0]
    assert "colour" in entry.reasons[0]
    found = summarise(nights.store, DAY).baseline
    assert found is not None
    assert (found["metrics"], "colour" in found["incomparable"]) == ({}, True)


def test_what_changed_since_the_eve_is_told_from_the_manifests(nights: Team) -> None:
    """The last model of the day, which reads no colour, against the eve's champion."""
    sides = find_lineage(nights.store, str(EVE)), find_lineage(nights.store, str(DAY))
    found = difference_of(nights.name, *sides, ledger.read(nights.store.ledger_path))
    assert (found.data.window.only_old, found.data.window.only_new) == ((date(2024, 3, 2),), (DAY,))
    assert found.data.restated == ()
    spec = {each.path: each for each in found.spec.changes}
    assert set(spec) == {
        "preprocess.sql",
        "order of stages",
        "stages.StringIndexer",
        "stages.VectorAssembler.inputCols",
    }
    assert spec["stages.VectorAssembler.inputCols"].new == ["size_filled"]
    assert {each.path.split(".")[0] for each in found.params.changes} == {"StringIndexer", "VectorAssembler"}
    assert all(part.same for part in (found.code, found.engines, found.packages, found.seed))
    assert (found.old.action, found.new.action) == ("promoted", "refused")
    assert found.metrics.metrics[0].name == "areaUnderROC"
    again = difference_of(nights.name, sides[1], find_lineage(nights.store, sides[1].model.key))
    assert again.changed == ()
