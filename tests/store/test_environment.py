"""What made an artifact, held against another: which task it was, and which of a JVM's options differ."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.artifacts import ingredients, publish_as
from vintage.flow.environment import causes
from vintage.store import Store
from vintage.store.engines import AIRFLOW_VARIABLES, git_state
from vintage.store.files import file_digest, lock_digest

if TYPE_CHECKING:
    from vintage.store import Artifact

DAY = date(2013, 2, 28)
SETTING = "spark.driver.extraJavaOptions"


def made_under(store: Store, options: str, seed: int = 1) -> Artifact:
    return publish_as(store, ingredients("model", DAY, seed=seed), conf={SETTING: options})


@pytest.mark.parametrize(
    ("then", "now", "told"),
    [
        ("-Xss4m --add-opens=a=b", "-Xss4m --add-opens=a=b", None),
        ("-Xss4m --add-opens=a=b", "-Xss8m --add-opens=a=b", ("-Xss4m", "-Xss8m")),
        ("-Xss4m --add-opens=a=b", "--add-opens=a=b", ("-Xss4m", "without")),
        # Of an option that is given twice the last counts, so that the order is told.
        ("-Xss4m -Xss8m", "-Xss8m -Xss4m", ("-Xss4m -Xss8m", "-Xss8m -Xss4m")),
    ],
)
def test_of_a_jvm_s_options_those_are_told_that_differ(
    store: Store, then: str, now: str, told: tuple[str, str] | None
) -> None:
    found = causes(made_under(store, then), made_under(store, now, seed=2))
    settings = [(each.then, each.now) for each in found if each.what == f"setting {SETTING}"]
    assert settings == ([told] if told else [])


def test_a_manifest_tells_which_of_airflow_s_tasks_made_it(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    from airflow.sdk.execution_time.context import AIRFLOW_VAR_NAME_FORMAT_MAPPING

    theirs = {each["env_var_format"] for each in AIRFLOW_VAR_NAME_FORMAT_MAPPING.values()}
    assert theirs >= set(AIRFLOW_VARIABLES.values())
    for name, variable in AIRFLOW_VARIABLES.items():
        monkeypatch.setenv(variable, f"the {name}")
    assert made_under(store, "").manifest.airflow == {name: f"the {name}" for name in AIRFLOW_VARIABLES}


def test_a_checkout_has_a_lock_and_a_commit_to_record() -> None:
    assert lock_digest() == file_digest(Path(__file__).parents[2] / "uv.lock")
    assert git_state()["commit"]
