"""What changed between two models: each part tells its own changes, and what is the same is said to be."""

from __future__ import annotations

import io
import json
from dataclasses import replace
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from rich.console import Console
from typer.testing import CliRunner

from tests.report.models import DAY, STAGES, Made
from vintage.cli.diff_view import date_ranges, show
from vintage.cli.main import app
from vintage.errors import SpecError, StoreError
from vintage.lineage import graph as lineage
from vintage.lineage.difference import Difference, difference_of
from vintage.lineage.graph import find_lineage
from vintage.registry import ledger
from vintage.store import Store, artifacts

if TYPE_CHECKING:
    from pathlib import Path

EVE = DAY - timedelta(days=1)
PARTS = [
    *("data", "rows", "spec", "params", "tuning", "code", "engines", "packages", "conf", "seed", "model"),
    *("metrics", "gates", "decision"),
]


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "data" / "store", "things")


def between(store: Store, old: Made, new: Made) -> Difference:
    found = [find_lineage(store, made.publish(store).key) for made in (old, new)]
    return difference_of("things", *found, ledger.read(store.ledger_path))


def told(part: Any) -> dict[str, tuple[Any, Any]]:
    return {each.path: (each.old, each.new) for each in part.changes}


def shown(difference: Difference, width: int = 80) -> str:
    console = Console(width=width, file=io.StringIO(), record=True, highlight=False)
    show(difference, console)
    text = console.export_text()
    assert max(len(line) for line in text.splitlines()) <= width
    return text


def test_a_model_is_the_same_as_itself(store: Store) -> None:
    found = between(store, Made(), Made())
    assert found.changed == ()
    assert all(getattr(found, part).same for part in PARTS)
    text = shown(found)
    assert "both are one and the same model" in text
    assert "changed" not in text
    assert "the same: data, rows, spec" in text


def test_another_date_has_another_window_and_the_rows_of_both_are_compared(store: Store) -> None:
    found = between(store, Made(day=EVE), Made(restated={EVE: 25}))
    assert found.changed == ("data", "model")
    assert found.data.learnt.only_old == (DAY - timedelta(days=3),)
    assert found.data.learnt.only_new == (EVE,)
    assert found.data.window.both == (DAY - timedelta(days=2), EVE)
    [restated] = found.data.restated
    assert (restated.source, restated.date) == ("source", EVE)
    assert (restated.old.rows, restated.new.rows) == (24, 25)
    assert restated.old.fingerprint != restated.new.fingerprint
    text = shown(found)
    assert "- trained on 2024-03-03" in text
    assert "+ tested on 2024-03-06" in text
    assert "24 → 25" in text


def test_dates_whose_snapshots_alone_are_others_are_one_line(store: Store) -> None:
    found = between(store, Made(), Made(restated={DAY: 25}, engines={"spark": "4.1.5"}))
    restated = [
        each
        if each.date == DAY
        else each.model_copy(update={"new": each.old.model_copy(update={"key": "k"})})
        for each in found.data.restated
    ]
    data = found.data.model_copy(update={"restated": restated})
    lines = shown(found.model_copy(update={"data": data})).splitlines()
    [place] = [at for at, line in enumerate(lines) if "the same rows of source in other snapshots" in line]
    assert "2024-03-04 to 2024-03-05" in " ".join(lines[place : place + 2])
    [changed] = [line for line in lines if line.lstrip().startswith("source")]
    assert str(DAY) in changed
    assert "24 → 25" in changed


def test_rows_of_a_joined_source_are_compared_too(store: Store) -> None:
    found = between(store, Made(stock=5), Made(stock=6))
    assert {(each.source, each.new.rows) for each in found.data.restated} == {("stock", 6)}
    joined = between(store, Made(seed=2), Made(seed=2, stock=5))
    assert not joined.data.same
    assert told(joined.spec).keys() == {"joins"}


def test_the_spec_is_told_path_by_path(store: Store) -> None:
    stages = (
        STAGES[0],
        {"type": "StringIndexer", "params": {"inputCol": "b", "outputCol": "b_ix", "handleInvalid": "keep"}},
        {"type": "VectorAssembler", "params": {"inputCols": ["a_ix", "b_ix", "d"], "outputCol": "features"}},
        {"type": "RandomForestClassifier", "params": {"numTrees": 20}},
    )
    sql = Made().sql.replace("c * 2 AS c", "c * 3 AS d")
    found = between(store, Made(), Made(stages=stages, sql=sql, gates={"areaUnderROC >= 0.65": True}))
    changed = told(found.spec)
    assert changed["preprocess.sql"] == (Made().sql, sql)
    assert changed["stages.StringIndexer[1].handleInvalid"] == (None, "keep")
    assert changed["stages.LogisticRegression"] == ({"regParam": 0.01}, None)
    assert changed["stages.RandomForestClassifier"] == (None, {"numTrees": 20})
    assert {each.change for each in found.spec.changes if each.path == "evaluate.gates"} == {
        "added",
        "removed",
    }
    assert told(found.params)["RandomForestClassifier.numTrees"] == (None, "20")
    assert told(found.gates) == {
        "areaUnderROC >= 0.6": ("passed", None),
        "areaUnderROC >= 0.65": (None, "passed"),
    }
    text = shown(found)
    # Of the SQL the lines that changed, of a list what is in one of the two only.
    assert "  -   c * 2 AS c" in text
    assert "  +   c * 3 AS d" in text
    assert "    FROM source" in text
    assert any("-c" in line and "+d" in line for line in text.splitlines())


def test_a_stage_in_front_of_others_is_one_change(store: Store) -> None:
    more = ({"type": "Imputer", "params": {"inputCols": ["c"]}}, *STAGES)
    found = between(store, Made(), Made(stages=more))
    assert told(found.spec).keys() == {"stages.Imputer", "order of stages"}
    assert told(found.params).keys() == {"Imputer.inputCols"}


def test_code_engines_seed_and_settings(store: Store) -> None:
    other = Made(
        code="d" * 64,
        own_code={"mypackage": "e" * 64},
        engines={"spark": "4.1.5"},
        seed=7,
        conf={"spark.sql.ansi.enabled": "false"},
    )
    found = between(store, Made(), other)
    assert told(found.code)["of model"] == ("c" * 64, "d" * 64)
    assert told(found.code)["own mypackage of model"] == (None, "e" * 64)
    assert told(found.engines) == {"spark": ("4.1.4", "4.1.5")}
    assert told(found.seed) == {"seed": (1, 7)}
    assert told(found.conf) == {"spark.sql.ansi.enabled": ("true", "false")}
    assert "cccccccccccc…" in shown(found)


def test_another_commit_of_the_same_code_is_told_and_is_the_same_code(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(artifacts, "git_state", lambda: {"commit": "a" * 40, "clean": True})
    monkeypatch.setattr(artifacts, "package_versions", lambda: {"numpy": "2.2.0", "java": "17.0.1"})
    Made(day=EVE).publish(store)
    monkeypatch.setattr(artifacts, "git_state", lambda: {"commit": "b" * 40, "clean": False})
    monkeypatch.setattr(artifacts, "package_versions", lambda: {"numpy": "2.2.1"})
    Made().publish(store)
    found = difference_of("things", find_lineage(store, str(EVE)), find_lineage(store, str(DAY)))
    assert found.code.same
    assert told(found.code) == {"git commit": ("a" * 40, "b" * 40), "git tree clean": (True, False)}
    assert told(found.packages) == {"numpy": ("2.2.0", "2.2.1"), "java": ("17.0.1", None)}
    assert "packages" in found.changed
    assert "code" not in found.changed
    assert "git diff" not in shown(found)
    Made(code="d" * 64, seed=9).publish(store)
    other = difference_of("things", find_lineage(store, str(EVE)), find_lineage(store, str(DAY)))
    assert f"git diff {'a' * 12} {'b' * 12} -- vintage" in shown(other)


def test_metrics_differ_and_their_intervals_may_overlap(store: Store) -> None:
    old = Made(metrics={"areaUnderROC": 0.7, "logLoss": 0.5, "f1": None, "accuracy": 0.6})
    new = Made(metrics={"areaUnderROC": 0.71, "logLoss": 0.6, "f1": 0.4, "accuracy": 0.6})
    found = between(store, replace(old, seed=2), replace(new, seed=3, gates={"areaUnderROC >= 0.5": True}))
    first, *others = found.metrics.metrics
    # Both were let through: that the reasons name other gates and values is no other decision.
    assert found.decision.same
    assert (first.name, first.verdict, first.overlap) == ("areaUnderROC", "no clear difference", True)
    assert first.difference == pytest.approx(0.01)
    by_name = {each.name: each for each in others}
    # Of a loss the larger one is the worse.
    assert (by_name["logLoss"].verdict, by_name["logLoss"].overlap) == ("worse", False)
    assert (by_name["f1"].difference, by_name["f1"].verdict, by_name["f1"].overlap) == (None, "", None)
    assert by_name["accuracy"].verdict == "the same"


def test_a_gain_on_the_same_rows_is_told_where_it_was_measured(store: Store) -> None:
    old = Made(day=EVE).publish(store)
    gains = {"areaUnderROC": {"value": 0.014, "low": 0.001, "high": 0.027}}
    baseline = {"date": str(EVE), "key": old.key, "rows": 10, "metrics": {}, "gains": gains}
    Made(metrics={"areaUnderROC": 0.72}, baseline=baseline).publish(store)
    found = difference_of("things", find_lineage(store, old.key[:8]), find_lineage(store, str(DAY)))
    assert not found.metrics.same_holdout
    assert found.metrics.metrics[0].gain == 0.014
    text = " ".join(shown(found).split())
    assert "The intervals of areaUnderROC overlap: 0.6800 to 0.7200 and 0.7000 to 0.7400." in text
    assert "areaUnderROC gains +0.0140 on the old model (0.0010 to 0.0270)." in text
    assert "0.6800 to 0.7200" in shown(found, 140).split("The intervals")[0]


def test_decisions_and_tunings(store: Store) -> None:
    tuning = {
        "date": "2024-03-01",
        "key": "f" * 64,
        "metric": "areaUnderROC",
        "larger_is_better": True,
        "rows": 20,
        "winner": {"candidate": 1, "params": {"LogisticRegression.regParam": 0.1}},
        "candidates": [{"params": {}, "mean": 0.6}, {"params": {}, "mean": 0.7}],
    }
    model = Made(day=EVE).publish(store)
    evaluation = store.current("evaluation", EVE)
    assert evaluation is not None
    entry = ledger.Entry(
        action="promoted",
        pipeline="things",
        date=str(EVE),
        model_key=model.key,
        evaluation_key=evaluation.key,
        version=4,
        champion_before=None,
        reasons=("passed",),
    )
    assert ledger.append(store.ledger_path, entry)
    Made(gates={"areaUnderROC >= 0.6": False}, extra={"tuning": tuning, "digest": "9" * 64}).publish(store)
    sides = find_lineage(store, str(EVE)), find_lineage(store, str(DAY))
    found = difference_of("things", *sides, ledger.read(store.ledger_path))
    assert told(found.decision)["gates"] == ("let it through", "refused it")
    assert set(told(found.decision)) == {"gates", "reasons", "became"}
    assert told(found.decision)["became"] == ("promoted", "not decided")
    assert told(found.tuning)["winner"] == (None, {"LogisticRegression.regParam": 0.1})
    assert told(found.tuning)["mean"] == (None, 0.7)
    assert told(found.model)["digest"] == (None, "9" * 64)
    assert (found.old.version, found.old.action, found.new.version) == (4, "promoted", None)
    assert "version 4, promoted" in shown(found)


def test_a_model_that_was_not_evaluated_has_no_metrics(store: Store) -> None:
    bare = Made(seed=5, evaluated=False).publish(store)
    found = difference_of("things", find_lineage(store, bare.key[:10]), find_lineage(store, bare.key))
    assert found.old.evaluation is None
    assert found.changed == ()
    assert "not evaluated" in shown(found)


def test_a_model_s_evaluation_is_found_though_another_is_current(store: Store) -> None:
    first = Made(seed=1).publish(store)
    Made(seed=2).publish(store)
    found = find_lineage(store, first.key)
    assert found.evaluation is not None
    assert found.evaluation.manifest.details.model == first.key


@pytest.mark.parametrize("wanted", ["latest", "abc", "0123456", "../../etc", "ABCDEF12", "*" * 8, ""])
def test_what_names_no_model(store: Store, wanted: str) -> None:
    with pytest.raises(SpecError, match="expected a date as YYYY-MM-DD, or the first 8 or more digits"):
        find_lineage(store, wanted)


def test_digits_of_no_model_and_of_several_are_told_with_those_there_are(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(
        SpecError, match='no key of a model of things begins with "00000000"; expected a fini'
    ):
        find_lineage(store, "0" * 8)
    made = Made().publish(store)
    with pytest.raises(SpecError, match=f"expected one of {made.key[:12]} of 2024-03-06"):
        find_lineage(store, "0" * 8)
    with pytest.raises(StoreError, match="no evaluated model for 2024-02-29"):
        find_lineage(store, "2024-02-29")
    with pytest.raises(SpecError, match="2024-02-30"):
        find_lineage(store, "2024-02-30")
    # Two keys with the same eight digits are not easily had: one digit stands for them.
    monkeypatch.setattr(lineage, "is_key", lambda text: True)
    keys = [made.key]
    while len({key[0] for key in keys}) == len(keys):
        keys.append(Made(seed=100 + len(keys), evaluated=False).publish(store).key)
    alike = sorted(key for key in keys if key[0] == keys[-1][0])
    with pytest.raises(SpecError) as caught:
        find_lineage(store, keys[-1][0])
    assert "several keys of a model of things begin with" in str(caught.value)
    assert all(f"{key[:12]} of 2024-03-06" in str(caught.value) for key in alike)


def test_an_artifact_on_the_way_that_is_gone_is_named(store: Store) -> None:
    made = Made().publish(store)
    [features] = (store.folder / "features" / f"date={DAY}").glob("[!.]*")
    features.rename(store.folder / "elsewhere")
    with pytest.raises(StoreError, match=f"features {features.name[:12]} of {DAY} is gone"):
        _ = find_lineage(store, made.key).window


def test_dates_that_follow_one_another_are_a_range() -> None:
    days = [date(2013, 2, 27), date(2013, 2, 28), date(2013, 3, 1), date(2013, 3, 5)]
    assert date_ranges(days) == "2013-02-27 to 2013-03-01, 2013-03-05"


def test_the_command_tells_people_and_programs_the_same(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from tests.report.test_command import PIPELINE, SUITE

    for folder, text in (("pipelines", PIPELINE), ("expectations", SUITE)):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "things.yaml").write_text(text, encoding="utf-8")
    monkeypatch.setenv("VINTAGE_HOME", str(tmp_path))
    monkeypatch.delenv("VINTAGE_STORE", raising=False)
    old = Made(day=EVE).publish(store)
    Made(seed=3).publish(store)
    words = ["diff", "things", old.key[:8], str(DAY)]
    printed = CliRunner().invoke(app, words, catch_exceptions=False)
    assert printed.exit_code == 0
    assert "changed: data, seed" in printed.stdout
    found = json.loads(CliRunner().invoke(app, [*words, "--json"], catch_exceptions=False).stdout)
    assert set(found) == {"pipeline", "old", "new", "changed", *PARTS}
    assert found["seed"]["changes"] == [{"path": "seed", "change": "changed", "old": 1, "new": 3}]
    assert (found["old"]["model"], found["new"]["date"]) == (old.key, str(DAY))
