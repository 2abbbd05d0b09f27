"""A past model is made again from its manifests and is the same; what is not the same is named, and why."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.flow.conftest import Team, rows_of
from vintage.errors import NotReproduced, SpecError, StoreError
from vintage.flow import fit
from vintage.flow.reproduce import reproduce, require_same
from vintage.flow.reproduction import Reproduction
from vintage.report.summary import summarise
from vintage.spec import Home
from vintage.store import Ingredients, partitions, steps
from vintage.store.files import file_digest
from vintage.store.scratch import Scratch
from vintage.store.sealing import seal

if TYPE_CHECKING:
    from collections.abc import Callable

    from vintage.store import Kind

pytestmark = [pytest.mark.spark, pytest.mark.long]

DAY = date(2024, 3, 6)
EVE = DAY - timedelta(days=1)
OLDEST = DAY - timedelta(days=3)
CHECKOUT = Path(__file__).resolve().parents[2]
REG = "LogisticRegression.regParam"

FEATURES = """
from pyspark.sql import functions as F

FACTOR = 1


def sized(rows):
    return rows.withColumn("size", F.when(F.col("id") == 3, F.col("size") * FACTOR).otherwise(F.col("size")))
"""
JOINED = """\
joins:
  paint: {format: json, path: raw/paint.json, schema: "colour STRING, price INT"}
expectations:"""
SQL = "SELECT s.id, s.seen, s.colour, s.size, s.late, p.price FROM source AS s JOIN paint AS p USING (colour)"
TUNING = """\
tuning:
  method: train_validation_split
  grid: {LogisticRegression.regParam: [10.0, 0.01]}
evaluate:"""


@pytest.fixture(scope="module")
def made(new_team: Callable[[], Team]) -> Team:
    """A home where two dates were run: own code, a join, a tuning, and a champion to be held against."""
    team = new_team()
    package = team.home.path / "remade_package"
    package.mkdir()
    (package / "__init__.py").write_text("")
    (package / "features.py").write_text(FEATURES)
    (team.home.path / "raw" / "paint.json").write_text(
        '{"colour": "red", "price": 7}\n{"colour": "blue", "price": 5}\n'
    )
    team.edit("expectations:", JOINED)
    team.edit("SELECT id, seen, colour, size, late FROM source", SQL)
    team.edit("  key: [id, seen]", "  function: remade_package.features.sized\n  key: [id, seen]")
    team.edit("evaluate:", TUNING)
    team.edit("min: 0.5}]", "min: 0.5}, {metric: areaUnderROC, vs_champion: -1.0}]")
    team.run(day=EVE)
    team.run()
    return team


@pytest.fixture
def copied(made: Team, tmp_path: Path) -> Team:
    """The same home in another place, with no MLflow to be asked; a test may spoil it."""
    shutil.copytree(made.home.path, tmp_path / "home")
    nobody = "http://127.0.0.1:1"
    home = Home.from_environment({"VINTAGE_HOME": str(tmp_path / "home"), "MLFLOW_TRACKING_URI": nobody})
    return replace(made, home=home)


def remake(team: Team, day: date = DAY, key: str = "", **other: Any) -> Reproduction:
    return reproduce(team.home, team.name, day, key, spark=team.provider, **other)


def edit_json(path: Path, change: Callable[[dict[str, Any]], None]) -> None:
    """Changes a sealed file as one may who knows how it is sealed."""
    content = json.loads(path.read_text())
    change(content)
    path.write_text(json.dumps(seal(content)))


def write_as_the_release_before(team: Team) -> None:
    """Give the last night's artifacts the specs of before: with a mode, and no number of partitions."""
    keys: dict[str, str] = {}
    kinds: tuple[Kind, ...] = ("tuning", "model", "evaluation")
    for kind in kinds:
        folder = folder_of(team, kind)
        for path in (folder / "manifest.json", *folder.glob("data/*.json")):
            text = path.read_text()
            for now, then in keys.items():
                text = text.replace(now, then)
            path.write_text(text)
        manifest = json.loads((folder / "manifest.json").read_text())
        for entry in manifest["files"]:
            entry["sha256"] = file_digest(folder / entry["path"])
        assert manifest["ingredients"]["spec"].pop("partitions") == 1
        if kind != "evaluation":
            manifest["ingredients"]["spec"]["reproducibility"] = "exact"
        if kind == "model":
            manifest["details"]["reproducibility"] = {"mode": "exact"}
        key = Ingredients.model_validate(manifest["ingredients"]).key
        keys[manifest["key"]] = key
        (folder / "manifest.json").write_text(json.dumps(seal(manifest | {"key": key})))
        folder.rename(folder.parent / key)
        edit_json(folder.parent / "current.json", lambda pointer, key=key: pointer.update(key=key))


def folder_of(team: Team, kind: Kind, day: date = DAY) -> Path:
    found = team.store.current(kind, day)
    assert found is not None
    return found.folder


def steps_of(found: Reproduction) -> dict[str, int]:
    names = [each.step for each in found.steps]
    return {name: names.count(name) for name in names}


def test_it_is_the_same_and_nothing_is_changed(made: Team) -> None:
    from mlflow import MlflowClient

    client = MlflowClient(made.home.tracking_uri)
    [experiment] = [each for each in client.search_experiments() if each.name == made.name]
    runs = len(client.search_runs([experiment.experiment_id]))
    before = {path: path.stat().st_mtime_ns for path in made.store.root.rglob("*") if path.is_file()}

    found = remake(made)

    require_same(found)
    assert found.same
    assert found.first_difference is None
    summary = summarise(made.store, DAY)
    assert (found.key, found.evaluation) == (summary.keys["model"], summary.keys["evaluation"])
    counted = steps_of(found)
    assert counted.pop("baseline") == 1
    # What a source without dates held is snapshotted once, as long as it stays so.
    assert counted.pop("join.paint") == 1
    assert counted == {
        "snapshot": 4,
        "features": 4,
        **dict.fromkeys(("tuning", "model", "twin", "predictions", "rows", "metrics"), 1),
        **dict.fromkeys(("intervals", "slices", "details", "gates", "decision"), 1),
    }
    metrics = next(each for each in found.steps if each.step == "metrics")
    assert metrics.now == summary.metrics
    assert {each.what for each in found.environment} >= {
        *("uv.lock", "java", "package numpy", "git commit", "git tree", "code of model"),
        *("own code remade_package", "setting spark.sql.session.timeZone"),
    }
    assert found.other_environment == ()
    assert len(client.search_runs([experiment.experiment_id])) == runs
    after = {path: path.stat().st_mtime_ns for path in made.store.root.rglob("*") if path.is_file()}
    assert after == before
    assert made.leftovers() == []


def test_what_has_changed_since_does_not_matter(copied: Team) -> None:
    """Restated rows, another joined table, a moved store, a pipeline whose file is gone, an older release."""
    restated = DAY - timedelta(days=2)
    copied.deliver(restated, rows_of(restated, count=20))
    paint = copied.home.path / "raw" / "paint.json"
    paint.write_text(paint.read_text() + '{"colour": "green", "price": 1}\n')
    copied.run("snapshot")
    (copied.home.path / "pipelines" / f"{copied.name}.yaml").unlink()
    write_as_the_release_before(copied)
    first = summarise(copied.store, DAY)

    found = remake(copied)

    assert found.same
    assert found.key == first.keys["model"]
    told = [(each.source, each.date, each.rows_then, each.rows_now) for each in found.restated]
    # The table has no dates: what it holds today is nothing that was restated.
    assert told == [("snapshot", str(restated), 24, 20)]


def test_own_code_that_was_changed_is_the_reason_and_the_rows_are_counted(copied: Team) -> None:
    code = copied.home.path / "remade_package" / "features.py"
    code.write_text(code.read_text().replace("FACTOR = 1", "FACTOR = 2"))

    found = remake(copied)

    assert "own code remade_package" in {each.what for each in found.other_environment}
    first = found.first_difference
    assert first is not None
    assert (first.step, first.date) == ("features", str(OLDEST))
    assert [each.what for each in first.why] == ["own code remade_package"]
    assert first.rows is not None
    assert (first.rows.added, first.rows.removed, first.rows.changed) == (0, 0, 1)
    [example] = first.rows.examples
    assert example.key["id"] == "3"
    assert set(example.values) == {"size"}
    differing = {each.step: each.follows for each in found.steps if not each.same}
    assert differing["features"] is False
    assert differing["model"] is True
    assert differing["predictions"] is True
    with pytest.raises(NotReproduced, match="expected features of 2024-03-03") as raised:
        require_same(found)
    assert raised.value.exit_code == 6
    assert "own code remade_package was" in str(raised.value)


def test_a_fit_that_is_another_is_told_by_stage_and_param(
    made: Team, monkeypatch: pytest.MonkeyPatch
) -> None:
    build, code = fit.build_stages, "0" * 64

    def other(pipeline: Any) -> Any:
        stages = build(pipeline)
        stages[-1].setMaxIter(3)
        return stages

    monkeypatch.setattr(fit, "build_stages", other)
    digest = steps.code_digest
    monkeypatch.setattr(steps, "code_digest", lambda kind: code if kind == "model" else digest(kind))

    first = remake(made).first_difference

    assert first is not None
    assert (first.step, first.date) == ("model", str(DAY))
    assert [each.what for each in first.why] == ["code"]
    assert first.why[0].now.startswith(code[:12])
    assert "Param 3.LogisticRegression.maxIter: 5 then, 3 now" in first.told
    assert any(line.startswith("stage 3, LogisticRegression") for line in first.told)


def test_the_number_of_partitions_is_that_of_the_manifest(
    new_team: Callable[[], Team], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(partitions, "ROWS_PER_PARTITION", 5)
    team = new_team()
    team.run()
    manifest = json.loads((folder_of(team, "model") / "manifest.json").read_text())
    number = manifest["ingredients"]["spec"]["partitions"]
    assert number > 1
    assert manifest["details"]["reproducibility"] == {"partitions": number, "declared": False}

    # Whatever the rule and the file say by now.
    monkeypatch.setattr(partitions, "ROWS_PER_PARTITION", 1000)
    team.edit("task: classification", "task: classification\npartitions: 1")
    require_same(remake(team))


def test_rows_under_a_key_that_is_not_theirs_are_the_first_difference(copied: Team) -> None:
    """Whoever puts other rows there, and the manifest right, cannot make the key that of those rows."""
    theirs, ours = (folder_of(copied, "snapshot", day) for day in (EVE, DAY))
    key = json.loads((ours / "manifest.json").read_text())["key"]
    shutil.rmtree(ours / "data")
    shutil.copytree(theirs / "data", ours / "data")
    other = json.loads((theirs / "manifest.json").read_text())
    sketches = [each for each in other["files"] if not each["path"].startswith("data/")]

    def forge(manifest: dict[str, Any]) -> None:
        kept = [each for each in manifest["files"] if not each["path"].startswith("data/")]
        manifest["files"] = [*(each for each in other["files"] if each not in sketches), *kept]
        manifest["rows"] = other["rows"]

    edit_json(ours / "manifest.json", forge)

    found = remake(copied)

    first = found.first_difference
    assert first is not None
    assert (first.step, first.date) == ("snapshot", str(DAY))
    assert first.now == other["rows"]["fingerprint"]
    assert "holds other rows than its key names" in first.why[0].detail
    assert key in first.why[0].detail


def flip_a_byte(team: Team) -> None:
    [file] = sorted((folder_of(team, "features", OLDEST) / "data").glob("*.parquet"))[:1]
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 1
    file.write_bytes(content)


def edit_ingredients(team: Team) -> None:
    def change(manifest: dict[str, Any]) -> None:
        manifest["ingredients"]["seed"] = 43

    edit_json(folder_of(team, "model") / "manifest.json", change)


def edit_results(team: Team) -> None:
    def change(manifest: dict[str, Any]) -> None:
        manifest["details"]["metrics"]["areaUnderROC"] = 1.0

    edit_json(folder_of(team, "evaluation") / "manifest.json", change)


@pytest.mark.fault(
    "a damaged or missing artifact, when a model is made again", outcome="exit 4 before anything is made"
)
@pytest.mark.parametrize(
    ("spoil", "told"),
    [
        (flip_a_byte, r"is damaged: .*\.parquet; expected SHA-256 \w{64} .*found SHA-256 \w{64}"),
        (edit_ingredients, "does not match its own key"),
        (
            edit_results,
            r"is damaged: .*manifest.json; expected what .*evaluation.json tells; found other metrics",
        ),
        (
            lambda team: shutil.rmtree(folder_of(team, "snapshot", OLDEST)),
            "snapshot .* of 2024-03-03 is gone",
        ),
        (lambda team: shutil.rmtree(folder_of(team, "model")), "model .* is gone, from which evaluation"),
        (lambda team: shutil.rmtree(folder_of(team, "evaluation")), "names an artifact that is gone"),
        (
            lambda team: (folder_of(team, "model") / "data" / "params.json").unlink(),
            r"params.json; .* found no such file",
        ),
    ],
)
def test_what_is_damaged_or_gone_is_refused_before_anything_is_made(
    copied: Team, spoil: Callable[[Team], Any], told: str
) -> None:
    spoil(copied)
    with pytest.raises(StoreError, match=told) as raised:
        remake(copied)
    assert raised.value.exit_code == 4
    assert copied.leftovers() == []


def test_a_manifest_that_lacks_what_is_needed_is_refused(copied: Team) -> None:
    """As one of an older version might, under a key that is right."""
    folder = folder_of(copied, "evaluation")

    def change(manifest: dict[str, Any]) -> None:
        del manifest["ingredients"]["spec"]["evaluate"]
        manifest["key"] = Ingredients.model_validate(manifest["ingredients"]).key

    edit_json(folder / "manifest.json", change)
    key = json.loads((folder / "manifest.json").read_text())["key"]
    folder.rename(folder.parent / key)
    edit_json(folder.parent / "current.json", lambda pointer: pointer.update(key=key))
    with pytest.raises(
        StoreError, match=r"cannot be reproduced here; .* found no evaluate in its ingredients"
    ):
        remake(copied)


def test_a_pipeline_or_a_folder_that_is_not_there_is_refused(made: Team, tmp_path: Path) -> None:
    with pytest.raises(SpecError, match=f'Did you mean "{made.name}"'):
        reproduce(made.home, f"{made.name}x", DAY)
    with pytest.raises(StoreError, match="has no evaluated model for 2024-03-04"):
        remake(made, day=DAY - timedelta(days=2))
    with pytest.raises(SpecError, match="is no folder"):
        remake(made, scratch=Scratch(tmp_path / "nowhere"))


@pytest.mark.integration
def test_the_program_says_so_by_its_exit_code_and_in_json(made: Team) -> None:
    """By the beginning of a key that is not the date's latest: the model of the evening before."""
    key = summarise(made.store, EVE).keys["model"]
    given = {"VINTAGE_HOME": str(made.home.path), "MLFLOW_TRACKING_URI": made.home.tracking_uri}
    words = ["reproduce", made.name, "--date", str(EVE), "--key", key[:8], "--json"]
    ended = subprocess.run(
        [sys.executable, "-m", "vintage", *words],
        env={**os.environ, **given},
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr[-3000:]
    told = json.loads(ended.stdout)
    assert (told["pipeline"], told["date"], told["key"]) == (made.name, str(EVE), key)
    assert told["same"] is True
    assert told["first_difference"] is None
    # The suite's session and the program's have other settings, and the program says so first.
    assert told["environment"][0]["then"] != told["environment"][0]["now"]
    assert "another environment: setting spark" in ended.stderr
    assert {"step", "date", "same", "then", "now", "seconds"} <= set(told["steps"][0])
