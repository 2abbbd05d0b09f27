"""What the program says of itself: its version, its help at 80 columns, and the list of pipelines."""

from __future__ import annotations

import json
from datetime import date
from importlib import metadata
from typing import TYPE_CHECKING

import jsonschema
import pytest
import typer
from typer.testing import CliRunner

from local import publish_schemas
from tests.airflow.conftest import write_home
from tests.artifacts import publish
from vintage.cli.main import app
from vintage.registry import ledger
from vintage.store import Store

if TYPE_CHECKING:
    from pathlib import Path

DAY = date(2024, 3, 1)
COMMANDS = [
    "list",
    "init",
    "check",
    "run",
    "plan",
    "backfill",
    "impact",
    "show",
    "history",
    "report",
    "promote",
    "rollback",
    "diff",
    "drift",
    "quality",
    "monitor",
    "reproduce",
    "score",
    "serve",
    "gc",
    "verify",
]


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = write_home(tmp_path / "home")
    monkeypatch.setenv("VINTAGE_HOME", str(path))
    monkeypatch.delenv("VINTAGE_STORE", raising=False)
    monkeypatch.setenv("COLUMNS", "80")
    return path


def said(*words: str) -> str:
    answer = CliRunner().invoke(app, words)
    assert answer.exit_code == 0, answer.output
    return answer.output


def test_it_says_its_version() -> None:
    assert said("--version") == f"vintage {metadata.version('vintage-retraining')}\n"


@pytest.mark.parametrize("command", COMMANDS)
def test_the_help_of_a_command_fits_a_terminal(home: Path, command: str) -> None:
    text = said(command, "--help")
    assert max(map(len, text.splitlines())) <= 80
    assert "…" not in text
    # The first sentence of the list of commands is that of the command's own help.
    summary = text.splitlines()[3].strip().split(".")[0]
    assert " ".join(summary.split()[:4]) in " ".join(said("--help").split())


def test_pipelines_are_listed_with_who_serves(home: Path) -> None:
    store = Store(home / "data" / "store", "tiny")
    model = publish(store, "model", DAY, {})
    evaluation = publish(store, "evaluation", DAY, {"model": [model]})
    store.set_current(evaluation)
    line = {"action": "promoted", "pipeline": "tiny", "date": str(DAY), "version": 3, "champion_before": None}
    keys = {"model_key": model.key, "evaluation_key": evaluation.key, "reasons": ("all gates passed",)}
    ledger.append(store.ledger_path, ledger.Entry.model_validate(line | keys))
    (home / "pipelines" / "wrong.yaml").write_text("name: wrong\n", encoding="utf-8")
    text = said("list")
    assert max(map(len, text.splitlines())) <= 80
    assert "version 3 of 2024-03-01" in " ".join(text.split())
    assert "run vintage check" in " ".join(text.split())
    tiny, wrong = json.loads(said("list", "--json"))["pipelines"]
    assert (tiny["task"], tiny["latest"], tiny["champion"]) == ("classification", "2024-03-01", 3)
    assert (wrong["task"], wrong["champion"]) == (None, None)
    assert wrong["error"]


def test_a_home_without_pipelines_says_so(home: Path) -> None:
    (home / "pipelines" / "tiny.yaml").unlink()
    assert "There is no pipeline" in said("list")


def test_what_is_printed_as_json_has_a_published_schema(home: Path) -> None:
    program = typer.main.get_command(app)
    commands = {**program.commands, "registry repair": program.commands["registry"].commands["repair"]}
    told = {name for name, each in commands.items() if "--json" in {o for p in each.params for o in p.opts}}
    assert told == set(publish_schemas.OUTPUTS) == {*COMMANDS, "registry repair"} - {"serve"}
    for command in ("list", "check", "gc"):
        if command == "gc":
            (home / "data" / "store").mkdir(parents=True)
        name = publish_schemas.OUTPUTS[command].__name__.lower()
        schema = json.loads((publish_schemas.FOLDER / "output" / f"{name}.schema.json").read_text())
        jsonschema.validate(json.loads(said(command, "--json")), schema)
