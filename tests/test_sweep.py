"""`vintage gc` asks who names what before anything goes, and deletes nothing when it gets no answer."""

from __future__ import annotations

from datetime import date, timedelta
from typing import TYPE_CHECKING

import pytest
from typer.testing import CliRunner

from tests.artifacts import age, decide, publish
from vintage.cli import store as cli_store
from vintage.cli.main import app
from vintage.errors import SpecError, TrackingError
from vintage.flow.sweep import sweep
from vintage.registry.tracking import Tracking, Version
from vintage.spec import Home
from vintage.store import Store

if TYPE_CHECKING:
    from pathlib import Path

    from vintage.store import Artifact

DAY = date(2024, 3, 6)
NOBODY = "http://127.0.0.1:9"


@pytest.fixture
def home(tmp_path: Path) -> Home:
    (tmp_path / "pipelines").mkdir()
    return Home.from_environment({"VINTAGE_HOME": str(tmp_path)})


def old_model(home: Home, name: str) -> Artifact:
    return age(publish(Store(home.store, name), "model", DAY), 100)


class Registry:
    """Versions by pipeline; MLflow's own are asked for in the tests of the flow."""

    def __init__(self, **versions: str) -> None:
        self._versions = versions

    def check(self) -> None:
        """It is there."""

    def versions(self, pipeline: str) -> tuple[Version, ...]:
        key = self._versions.get(pipeline)
        return (Version(1, "run", key, str(DAY)),) if key else ()


def test_without_mlflow_nothing_goes(home: Home) -> None:
    made = old_model(home, "demo")
    with pytest.raises(TrackingError, match="cannot be reached"):
        sweep(home, Tracking(NOBODY, home.mlflow_artifacts))
    made.check_files()


def test_what_is_registered_stays_and_every_pipeline_of_the_store_is_swept(
    home: Home,
) -> None:
    kept, gone, other = old_model(home, "demo"), old_model(home, "gone"), old_model(home, "other")
    (home.store / ".scratch").mkdir()
    registry = Registry(demo=kept.key)
    would = sweep(home, registry, ["gone"], dry_run=True)
    assert [(each.pipeline, [item.key for item in each.swept]) for each in would] == [("gone", [gone.key])]
    assert gone.folder.exists()
    found = sweep(home, registry)
    assert {each.pipeline: [item.path for item in each.swept] for each in found} == {
        "demo": [],
        "gone": [f"gone/model/date={DAY}/{gone.key}"],
        "other": [f"other/model/date={DAY}/{other.key}"],
    }
    kept.check_files()
    assert not gone.folder.exists()
    assert [each.swept for each in sweep(home, registry)] == [(), (), ()]


def test_an_mlflow_that_is_not_the_store_s_deletes_nothing(home: Home) -> None:
    made, store = old_model(home, "demo"), Store(home.store, "demo")
    other = publish(store, "model", DAY, seed=1)
    decide(store, other, other, version=3)
    with pytest.raises(
        TrackingError, match=r"has no version of demo; expected version 3.*MLFLOW_TRACKING_URI"
    ):
        sweep(home, Registry())
    made.check_files()
    [swept] = sweep(home, Registry(demo=other.key))
    assert [each.key for each in swept.swept] == [made.key]


def test_a_wrong_name_and_a_time_too_short_are_refused(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    # It would take the place of what pytest listens by.
    monkeypatch.setattr(cli_store, "configure_logging", lambda: None)
    made = old_model(home, "demo")
    with pytest.raises(SpecError, match=r"no pipeline 'demmo'; expected one of demo\. Did you mean \"demo\""):
        sweep(home, Registry(), ["demmo"])
    with pytest.raises(SpecError, match="younger than a day is not swept"):
        sweep(home, Registry(), older_than=timedelta(0))
    told = CliRunner().invoke(app, ["gc", "--older-than", "90"], env={"VINTAGE_HOME": str(home.path)})
    assert isinstance(told.exception, SpecError)
    assert "a number of days, such as 90d" in str(told.exception)
    made.check_files()


def test_an_empty_store_needs_no_mlflow(home: Home) -> None:
    assert sweep(home, Tracking(NOBODY, home.mlflow_artifacts)) == ()
