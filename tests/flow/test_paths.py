"""A path is a path: a home whose name is full of other languages' signs gives what any other home gives."""

from __future__ import annotations

import itertools
import os
import shutil
from typing import TYPE_CHECKING

import pytest

from tests.flow.conftest import DAY, Team, written_home
from vintage.flow import score
from vintage.flow.reproduce import reproduce, require_same
from vintage.jobs import promote
from vintage.registry.loadability import load_here
from vintage.session import SparkProvider
from vintage.spec import Home
from vintage.spec.permissions import close_to_others

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from pyspark.sql import SparkSession

pytestmark = pytest.mark.spark

HOSTILE = "a{b,c}[d]*\\ #b%c%41?:d ö'\"$x;&@é "
SIBLING = "abdZZ #b%c%41?:d"
"""What the hostile name would match, read as a pattern."""


@pytest.mark.fault(
    "a home and a store with signs of patterns, URIs and shells in their names",
    outcome="the same rows and models as anywhere",
)
def test_a_hostile_path_gives_what_any_other_gives(
    new_team: Callable[[], Team],
    spark: SparkSession,
    tmp_path: Path,
    names: itertools.count[int],
    request: pytest.FixtureRequest,
) -> None:
    plain = new_team()
    umask = os.umask(0)
    request.addfinalizer(lambda: os.umask(umask))
    close_to_others({})
    plain.run("snapshot")
    place = tmp_path / HOSTILE
    name = written_home(place, f"things_{next(names)}")
    home = Home.from_environment({"VINTAGE_HOME": str(place), "VINTAGE_STORE": f"st*re %20 {HOSTILE}"})
    team = Team(home, name, SparkProvider.of(spark))
    team.deliver_days()
    shutil.copytree(place, tmp_path / SIBLING)
    team.run("snapshot", "validate", "preprocess", "fit", "evaluate")
    entry = promote.run(
        team.job(),
        load=lambda wanted: load_here(wanted, spark),
    )
    assert entry.action == "promoted", entry.reasons
    assert "PipelineModel.transform" in " ".join(entry.reasons)
    then, now = plain.store.current("snapshot", DAY), team.store.current("snapshot", DAY)
    assert then is not None
    assert now is not None
    assert now.manifest.rows == then.manifest.rows
    assert score.run(team.job())
    require_same(reproduce(home, name, DAY, spark=team.provider))
    # What was written is its owner's alone, by whatever it was: Spark, MLflow, SQLite.
    made = [each for folder in (home.store, place / "data") for each in folder.rglob("*")]
    assert any(each.name == "mlflow.db" for each in made)
    assert [str(each) for each in made if each.lstat().st_mode & 0o077 and not each.is_symlink()] == []
    # Nothing was made beside what was named.
    assert not (tmp_path / SIBLING / "data").exists()
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted([HOSTILE, SIBLING])
