"""One byte that is not as it was written stops whoever would use it, is told by verify, and is mended."""

from __future__ import annotations

import json
import shutil
import subprocess
from dataclasses import replace
from datetime import timedelta
from types import SimpleNamespace
from typing import TYPE_CHECKING

import pytest
from py4j.protocol import Py4JJavaError
from pyspark.errors import PySparkException
from typer.testing import CliRunner

from tests.flow.conftest import DAY, STEPS
from vintage.cli import store as cli_store
from vintage.cli.main import app
from vintage.data.rows import write_rows
from vintage.errors import StoreError
from vintage.flow import evaluate, score
from vintage.flow.job import readable
from vintage.flow.verify import verify
from vintage.lineage.checking import check
from vintage.registry.baseline import StoredBaseline
from vintage.spec import Home
from vintage.store.sealing import seal

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import date
    from pathlib import Path

    from pyspark.sql import SparkSession

    from tests.flow.conftest import Team

pytestmark = pytest.mark.spark

TUNING = """\
tuning:
  method: train_validation_split
  grid: {LogisticRegression.regParam: [0.01]}
evaluate:"""


@pytest.fixture(scope="module")
def made(new_team: Callable[[], Team]) -> Team:
    """A home where DAY was run, tuned, promoted and scored."""
    team = new_team()
    team.edit("evaluate:", TUNING)
    team.run()
    score.run(team.job())
    return team


@pytest.fixture
def copied(made: Team, tmp_path: Path) -> Team:
    """The same home in another place, which a test may spoil."""
    shutil.copytree(made.home.path, tmp_path / "home")
    home = Home.from_environment(
        {"VINTAGE_HOME": str(tmp_path / "home"), "MLFLOW_TRACKING_URI": made.home.tracking_uri}
    )
    return replace(made, home=home)


def folder_of(team: Team, kind: str, day: date = DAY) -> Path:
    found = team.store.current(kind, day)  # type: ignore[arg-type]
    assert found is not None
    return found.folder


def flip(path: Path) -> Path:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 0x10
    path.write_bytes(content)
    return path


# What is damaged, what is taken away so that it is needed, and who needs it.
CASES = [
    ("snapshot", "data/*.parquet", ["features"], "preprocess"),
    ("snapshot", "data/*.parquet", ["validation"], "validate"),
    ("snapshot", "manifest.json", [], "validate"),
    ("snapshot", "../current.json", [], "snapshot"),
    ("validation", "data/validation.json", ["features"], "preprocess"),
    ("validation", "manifest.json", [], "preprocess"),
    ("features", "data/*.parquet", ["model"], "fit"),
    ("features", "data/*.parquet", ["evaluation"], "evaluate"),
    ("features", "data/*.parquet", ["predictions"], "score"),
    ("features", "manifest.json", [], "fit"),
    ("tuning", "data/tuning.json", ["model"], "fit"),
    ("tuning", "manifest.json", ["model"], "fit"),
    ("model", "data/model/sparkml/stages/*LogisticRegression*/data/*.parquet", ["predictions"], "score"),
    ("model", "data/model/sparkml/stages/*LogisticRegression*/data/*.parquet", ["evaluation"], "evaluate"),
    ("model", "data/model/golden/made/*.parquet", ["evaluation"], "evaluate"),
    ("model", "data/model/MLmodel", ["predictions"], "score"),
    ("model", "manifest.json", [], "evaluate"),
    ("evaluation", "data/evaluation.json", [], "promote"),
    ("evaluation", "data/predictions/*.parquet", [], "promote"),
    ("evaluation", "manifest.json", [], "promote"),
    ("predictions", "data/*.parquet", [], "score"),
    ("predictions", "manifest.json", [], "score"),
]


@pytest.mark.fault(
    "one byte of a snapshot, validation, feature partition, tuning, model, golden batch, evaluation, "
    "prediction, manifest or pointer that is not as it was written",
    outcome="exit 4 that names the file, what was expected and found; nothing is made from it",
)
@pytest.mark.parametrize(("kind", "pattern", "gone", "step"), CASES)
def test_the_next_who_reads_it_stops(
    copied: Team, kind: str, pattern: str, gone: list[str], step: str
) -> None:
    # What is learnt from, where that is asked for; DAY is what is tested on.
    folder = folder_of(copied, kind, DAY - timedelta(days=1) if (kind, step) == ("features", "fit") else DAY)
    for other in gone:
        shutil.rmtree(folder_of(copied, other))
    spoilt = flip(sorted(folder.glob(pattern))[0])
    before = set(copied.store.root.rglob("*"))
    with pytest.raises(StoreError) as raised:
        (score.run if step == "score" else STEPS[step])(copied.job())
    assert raised.value.exit_code == 4
    assert spoilt.name in str(raised.value)
    assert raised.value.found
    assert set(copied.store.root.rglob("*")) == before


def test_verify_tells_every_file_that_was_changed_and_no_other(
    copied: Team, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cli_store, "configure_logging", lambda: None)
    environment = {"VINTAGE_HOME": str(copied.home.path), "COLUMNS": "80"}
    words = ["verify", copied.name]
    told = CliRunner().invoke(app, words, env=environment)
    assert (told.exit_code, told.stdout.count("nothing damaged")) == (0, 1)

    own = {path for path in copied.store.folder.rglob("*") if path.is_file()}
    own -= {path for path in own if "reports" in path.parts or path.name in {"ledger.jsonl", "ledger.lock"}}
    outer = {path for path in own if path.name in {"manifest.json", "current.json"}}
    assert len(own - outer) > 40
    for spoilt in (own - outer, outer):
        kept = {path: path.read_bytes() for path in spoilt}
        for path in spoilt:
            flip(path)
        assert {each.path for each in check(copied.store).broken} == spoilt
        for path, content in kept.items():
            path.write_bytes(content)
    assert check(copied.store).broken == []

    file = flip(next(folder_of(copied, "features").glob("data/*.parquet")))
    shown = CliRunner().invoke(app, words, env=environment)
    assert shown.exit_code == 4
    assert "found SHA-256" in shown.stdout
    found = json.loads(CliRunner().invoke(app, [*words, "--json"], env=environment).stdout)
    [damaged] = found["pipelines"][0]["damaged"]
    # A path is on one line whatever the width: it is to be copied.
    assert f"  {damaged['path']}" in shown.stdout.splitlines()
    assert damaged["path"] == file.relative_to(copied.home.store).as_posix()
    assert (damaged["what"], damaged["date"], damaged["repair"]) == ("features", str(DAY), "")


@pytest.mark.fault(
    "a damaged artifact that `vintage verify --repair` set aside",
    outcome="the next run makes it again, with the same rows or model, or stops with exit 4",
)
def test_what_was_set_aside_is_made_again_under_its_key_and_is_the_same(copied: Team) -> None:
    before = set(copied.store.folder.rglob("manifest.json"))
    kinds = ("snapshot", "features", "tuning", "model", "evaluation", "predictions")
    for kind in kinds:
        flip(next(path for path in sorted(folder_of(copied, kind).glob("data/**/*")) if path.is_file()))
    [repaired] = verify(copied.home, [copied.name], repair=True)
    assert {each.what for each in repaired.damaged} == set(kinds)
    assert repaired.left == ()
    [again] = verify(copied.home, [copied.name])
    assert again.damaged == ()
    assert again.artifacts == repaired.artifacts - len(kinds)
    copied.run()
    score.run(copied.job())
    hidden = set(copied.store.folder.rglob(".damaged-*/manifest.json"))
    assert len(hidden) == len(kinds)
    assert set(copied.store.folder.rglob("manifest.json")) == before | hidden
    assert check(copied.store).broken == []

    # What another one promised is not what is made.
    features = folder_of(copied, "features")
    [promise] = features.parent.glob(f".damaged-{features.name}-*/manifest.json")
    content = json.loads(promise.read_text(encoding="utf-8"))
    content["rows"]["fingerprint"] = "another"
    promise.write_text(json.dumps(seal(content)), encoding="utf-8")
    shutil.rmtree(features)
    with pytest.raises(StoreError, match=r"made again it is another: its rows' fingerprint differs.*another"):
        copied.run("preprocess")
    assert not features.exists()


@pytest.mark.fault(
    "a page of a Parquet file that a Spark executor reads otherwise than it was written",
    outcome="exit 4, by the page's own checksum; no champion is blamed for it",
)
def test_a_page_that_an_executor_reads_otherwise_is_damage(
    spark: SparkSession, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # What observes a write does so apart: see SparkProvider.apart.
    rows = spark.newSession().range(10_000).selectExpr("id", "hash(id) AS noise")
    write_rows(rows, tmp_path / "rows", {"count": "count(1)"})
    [file] = (tmp_path / "rows").glob("*.parquet")
    content = bytearray(file.read_bytes())
    content[len(content) // 3] ^= 1
    file.write_bytes(content)
    file.with_name(f".{file.name}.crc").unlink(missing_ok=True)

    def read(*_: object) -> None:
        spark.read.parquet(str(tmp_path / "rows")).selectExpr("sum(noise)").collect()

    # As the holdout of a comparison.
    monkeypatch.setattr(evaluate, "compare", read)
    compares = SimpleNamespace(pipeline=SimpleNamespace(evaluate=SimpleNamespace(compares=True)))
    champion = StoredBaseline(SimpleNamespace(date=DAY, key="k"))
    for reader in (read, lambda: evaluate._compared(compares, SimpleNamespace(rows=1), champion, "")):
        with pytest.raises((PySparkException, Py4JJavaError)) as raised:
            reader()
        told = readable(raised.value)
        assert isinstance(told, StoreError)
        assert str(told).count("CRC checksum verification failed") == 1


@pytest.mark.fault(
    "a store on a read-only file system", outcome="what was made is shown and scored; making more is exit 4"
)
def test_what_was_made_can_be_used_where_nothing_can_be_written(
    copied: Team, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = copied.home.store
    bound = subprocess.run(["mount", "--bind", store, store], check=False, capture_output=True)
    if bound.returncode:
        pytest.skip(f"mounting is not permitted: {bound.stderr.decode()}")
    try:
        subprocess.run(["mount", "-o", "remount,ro,bind", store], check=True)
        monkeypatch.setattr(cli_store, "configure_logging", lambda: None)
        environment = {
            "VINTAGE_HOME": str(copied.home.path),
            "MLFLOW_TRACKING_URI": copied.home.tracking_uri,
        }
        for words in (
            ["show", copied.name],
            ["history", copied.name],
            ["diff", copied.name, str(DAY), str(DAY)],
            ["verify", copied.name],
        ):
            ended = CliRunner().invoke(app, words, env=environment, catch_exceptions=False)
            assert ended.exit_code == 0, ended.output
        assert score.run(copied.job()).manifest.details.rows["scored"] == 24
        with pytest.raises(StoreError, match=r"Read-only file system.*Mount it for writing"):
            copied.run(day=DAY - timedelta(days=1))
    finally:
        subprocess.run(["umount", store], check=True)
