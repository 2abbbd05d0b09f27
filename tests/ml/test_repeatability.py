"""What may keep a pipeline from giving the same model again: warnings, each at its line."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING, Any

import pytest
from typer.testing import CliRunner

from tests.ml.test_stages import STAGES, pipeline_of
from tests.spec.conftest import PIPELINE, SUITE
from vintage.cli.main import app
from vintage.flow.job import stage_problems
from vintage.ml.catalogue import known_stages, params_of
from vintage.ml.repeatability import repeatability_warnings
from vintage.ml.stages import SEEDS
from vintage.spec import Home, Pipeline, load_pipeline

if TYPE_CHECKING:
    from pathlib import Path

OWN = """
    import random
    from pyspark.ml import Transformer
    from pyspark.ml.param import Param, Params, TypeConverters
    from pyspark.ml.util import DefaultParamsReadable, DefaultParamsWritable


    class Drawing(Transformer, DefaultParamsReadable, DefaultParamsWritable):
        {param}: "Param[int]" = Param(Params._dummy(), "{param}", "draws", typeConverter=TypeConverters.toInt)

        def __init__(self, {argument}=1):
            super().__init__()

        def _transform(self, rows):
            return rows.limit(random.randint(1, 9))
"""


def told(pipeline: Pipeline) -> list[str]:
    return [str(each) for each in repeatability_warnings(pipeline)]


def test_every_seed_of_pyspark_ml_is_one_that_vintage_sets() -> None:
    seeds = {name for stage in known_stages().values() for name in params_of(stage) if "seed" in name.lower()}
    assert seeds == {SEEDS[0]}


def own_stage(home: Path, name: str, *, param: str, argument: str) -> Home:
    """A home whose pipeline has a stage of the module's, which has a Param and an argument of these names."""
    (home / f"{name}.py").write_text(textwrap.dedent(OWN.format(param=param, argument=argument)))
    stages = PIPELINE.replace("stages:\n", f"stages:\n  - {name}.Drawing\n")
    for folder, text in (("pipelines", stages), ("expectations", SUITE)):
        (home / folder).mkdir(exist_ok=True)
        (home / folder / "tips.yaml").write_text(text)
    return Home.from_environment({"VINTAGE_HOME": str(home)})


def test_a_seed_that_nobody_sets_and_code_that_draws(tmp_path: Path) -> None:
    home = own_stage(tmp_path, "drawing", param="randomSeed", argument="seed")
    file = "pipelines/tips.yaml:23"
    assert told(load_pipeline(home, "tips")) == [
        'drawing.py:15: limit without orderBy returns arbitrary rows; write .orderBy("id") before it',
        "drawing.py:15: random.randint returns different values each time; "
        "make a generator from a seed, or take a hash of the row's key",
        f"{file}: drawing.Drawing is made with a seed that is no Param, so that no declaration can set it; "
        "make it a Param: Vintage sets one that is called seed",
        f"{file}: drawing.Drawing.randomSeed looks like a seed, and is left at its default; "
        "declare it, or call the Param seed: then it is the pipeline's",
    ]
    own_stage(tmp_path, "drawing", param="seed", argument="size")
    assert [each.partition(":")[0] for each in told(load_pipeline(home, "tips"))] == ["drawing.py"] * 2


def test_several_workers_of_xgboost_are_told() -> None:
    pytest.importorskip("xgboost.spark")
    stage = "- xgboost.spark.SparkXGBClassifier: {n_estimators: 5, num_workers: 2}\n"
    [found] = told(pipeline_of(STAGES + stage))
    assert "with 2 num_workers adds up in an order that Vintage does not fix" in found
    assert told(pipeline_of(STAGES + stage.replace("2}", "1}"))) == []


@pytest.mark.parametrize(
    ("sql", "warning"),
    [
        ("SELECT id, avg(bill) AS bill FROM source GROUP BY id", "the SQL uses avg, which adds fractions"),
        (
            "SELECT id, row_number() OVER (PARTITION BY day ORDER BY tip) AS bill FROM source",
            "the SQL uses row_number over a window ordered by tip",
        ),
        ("SELECT id, bill, day FROM source", ""),
    ],
)
def test_sql_that_depends_on_the_rows(sql: str, warning: str) -> None:
    source: Any = {"format": "csv", "path": "raw", "schema": "id INT, bill DOUBLE, tip INT, day STRING"}
    found = told(pipeline_of(source=source, preprocess={"sql": sql, "key": ["id"]}))
    assert len(found) == bool(warning)
    assert all(warning in each for each in found)


def test_a_statement_that_a_run_is_given_is_held_to_the_same() -> None:
    pipeline = pipeline_of("- SQLTransformer: {statement: SELECT * FROM __THIS__}\n" + STAGES)
    assert stage_problems(pipeline) == []
    given = pipeline.with_overrides(["SQLTransformer.statement=SELECT *, rand() AS r FROM __THIS__"])
    [problem] = stage_problems(given)
    assert str(problem).startswith(
        "--set SQLTransformer.statement: SQLTransformer.statement uses rand, which"
    )


def test_a_warning_is_printed_and_is_no_failure(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    home = own_stage(tmp_path, "dice", param="seed", argument="size")
    monkeypatch.setenv("VINTAGE_HOME", str(home.path))
    result = CliRunner().invoke(app, ["check"], catch_exceptions=False)
    assert result.exit_code == 0
    assert "warning: dice.py:15: random.randint returns different values each time" in result.stderr
    assert result.stdout.splitlines()[-1].endswith("no problems, 2 warnings")
