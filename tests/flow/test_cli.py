"""The programs as a shell meets them: exit codes, one readable line, and JSON for other programs."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from vintage.registry import ledger
from vintage.report.summary import summarise

if TYPE_CHECKING:
    from tests.flow.conftest import Team

pytestmark = pytest.mark.spark

DAY = date(2024, 3, 6)
CHECKOUT = Path(__file__).resolve().parents[2]


def program(team: Team, *words: str, **environment: str) -> subprocess.CompletedProcess[str]:
    given = {"VINTAGE_HOME": str(team.home.path), "MLFLOW_TRACKING_URI": team.home.tracking_uri}
    return subprocess.run(
        [sys.executable, *words],
        env={**os.environ, **given, **environment},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.fault("no Java", outcome="exit 4 with one line")
def test_without_java_a_job_ends_with_one_readable_line(team: Team) -> None:
    ended = program(
        team,
        str(CHECKOUT / "spark_jobs" / "snapshot.py"),
        f"--pipeline={team.name}",
        f"--date={DAY}",
        JAVA_HOME="",
        PATH="/nonexistent",
    )
    assert ended.returncode == 4
    assert ended.stderr.splitlines()[-1].startswith("vintage: Java is not found; expected Java 17 or later")
    assert team.published()["snapshot"] == 0


@pytest.mark.parametrize(
    ("words", "code", "told"),
    [
        (["run", "nothing", "--date", "2024-03-06"], 2, "nothing"),
        (["run", "{name}", "--date", "2024-02-30"], 2, "2024-02-30"),
        (["run", "{name}", "--date", "2024-03-06", "--set", "LogisticRegression.regParm=1"], 2, "regParam"),
        (["show", "{name}", "--date", "2024-03-06"], 4, "has no evaluated model for 2024-03-06"),
        (["rollback", "{name}", "--why", "slow"], 2, "has no champion to go back from"),
        (["promote", "{name}", "--version", "1"], 2, "specify exactly one of --date or --version"),
        (
            ["promote", "{name}", "--date", "2024-03-06", "--force", "--why", "x"],
            4,
            "has no evaluated model for 2024-03-06",
        ),
    ],
)
def test_the_program_ends_with_one_line_and_its_code(
    team: Team, words: list[str], code: int, told: str
) -> None:
    ended = program(team, "-m", "vintage", *(word.format(name=team.name) for word in words))
    assert ended.returncode == code, ended.stderr
    assert ended.stderr.splitlines()[-1].startswith("vintage: ")
    assert told in ended.stderr.splitlines()[-1]
    assert "Traceback" not in ended.stderr


def test_check_tells_all_that_is_wrong_at_once(team: Team) -> None:
    team.edit("maxIter: 5, regParam: 0.01", "maxItr: 5, regParam: much")
    team.edit(
        "expect_column_values_to_not_be_null", "expect_column_values_to_not_be_nul", file="expectations"
    )
    # A mistake in the suite hides none of the pipeline's, nor does one of its metric those of its stages.
    team.edit("metric: areaUnderROC\n", "metric: areaUnderRC\n")
    team.edit("column: colour", "column: color", file="expectations")
    ended = program(team, "-m", "vintage", "check")
    assert ended.returncode == 2
    for told in (
        "areaUnderRC",
        'names column "color"',
        "maxItr",
        "maxIter",
        "much",
        "expect_column_values_to_not_be_nul",
        f"pipelines/{team.name}.yaml:",
    ):
        assert told in ended.stderr, ended.stderr


@pytest.mark.fault(
    "a column of the answer among the features, and the perfect model of who declares that it is meant",
    outcome="exit 2, nothing is read; then the model is refused, until a perfect one is declared as well",
)
def test_the_answer_among_the_features_is_let_through_when_it_is_meant(team: Team) -> None:
    team.edit("size, late FROM source", "size, late, late * 2 AS delay FROM source")
    team.edit("inputCols: [size_filled, colour_ix]", "inputCols: [size_filled, colour_ix, delay]")
    for words in (["check"], ["run", team.name, "--date", str(DAY)]):
        ended = program(team, "-m", "vintage", *words)
        assert ended.returncode == 2, ended.stderr
        assert f'pipelines/{team.name}.yaml:22: the model learns from "delay"' in ended.stderr
        assert "allow it with preprocess.allow_label_columns: [delay]" in ended.stderr
    assert team.published()["snapshot"] == 0
    team.edit("label: CAST(", "allow_label_columns: [delay]\n  label: CAST(")
    ended = program(team, "-m", "vintage", "check")
    assert ended.returncode == 0, ended.stderr
    refused = team.run()
    assert isinstance(refused, ledger.Entry)
    assert refused.action == "refused"
    assert "areaUnderROC is 1, which is perfect" in refused.reasons[0]
    assert "evaluate.allow_perfect" in refused.reasons[0]
    team.edit("evaluate:\n", "evaluate:\n  allow_perfect: true\n")
    promoted = team.run("evaluate", "promote")
    assert isinstance(promoted, ledger.Entry)
    assert promoted.action == "promoted"


def test_show_as_json_has_what_programs_need(done: Team) -> None:
    ended = program(done, "-m", "vintage", "show", done.name, "--json")
    assert ended.returncode == 0, ended.stderr
    shown = json.loads(ended.stdout)
    wanted = {
        "pipeline",
        "date",
        "window",
        "rows",
        "keys",
        "fingerprints",
        "metrics",
        "confusion_matrix",
        "gates",
    }
    assert wanted | {"decision", "mlflow", "champion", "seconds"} <= set(shown)
    assert shown["champion"] == {"version": 1, "date": str(DAY), "key": shown["keys"]["model"]}
    assert shown["mlflow"]["version"] == 1
    assert shown["decision"]["promote"] is True
    assert {"gate", "value", "passed"} <= set(shown["gates"][0])
    assert set(shown["confusion_matrix"]) == {"labels", "counts"}


def test_a_champion_that_is_forced_serves_already_and_nothing_is_done(done: Team) -> None:
    before = done.store.ledger_path.read_bytes()
    ended = program(
        done,
        "-m",
        "vintage",
        "promote",
        done.name,
        "--date",
        str(DAY),
        "--force",
        "--why",
        "to be sure",
    )
    assert ended.returncode == 0, ended.stderr
    assert ended.stdout.splitlines()[0] == f"version 1 of {done.name} for {DAY}: promoted"
    assert done.store.ledger_path.read_bytes() == before


def test_the_job_takes_who_approved_and_does_nothing_twice(done: Team) -> None:
    before = done.store.ledger_path.read_bytes()
    job = str(CHECKOUT / "spark_jobs" / "promote.py")
    ended = program(done, job, f"--pipeline={done.name}", f"--date={DAY}", "--approved-by=ada")
    assert ended.returncode == 0, ended.stderr
    assert done.store.ledger_path.read_bytes() == before


def test_history_as_json_has_the_metric_and_the_decision(done: Team) -> None:
    ended = program(done, "-m", "vintage", "history", done.name, "--json")
    assert ended.returncode == 0, ended.stderr
    told = json.loads(ended.stdout)
    [night], [decision] = told["trend"], told["decisions"]
    assert (night["date"], night["action"], night["version"], night["serves"]) == (
        str(DAY),
        "promoted",
        1,
        True,
    )
    assert night["value"] == summarise(done.store, DAY).metrics[told["metric"]]
    assert decision["evaluation_key"] == night["evaluation_key"]
