"""Stages and preprocessing of one's own: shipped to Python workers, and part of the keys."""

from __future__ import annotations

import textwrap
from datetime import date
from typing import TYPE_CHECKING

import pytest

from vintage.errors import SpecError
from vintage.flow.job import require_valid_stages, ship_user_code
from vintage.report.summary import summarise
from vintage.store.user_code import import_path

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.flow.conftest import Team

pytestmark = pytest.mark.spark

DAY = date(2024, 3, 6)
STAGES = '''
    """Stages of a team's own."""
    from pyspark.ml import Transformer
    from pyspark.ml.param import Param, Params, TypeConverters
    from pyspark.ml.param.shared import HasInputCol, HasOutputCol
    from pyspark.ml.util import DefaultParamsReadable, DefaultParamsWritable
    from pyspark.sql.functions import udf
    from pyspark.sql.types import DoubleType

    from {package}.numbers import FACTOR


    @udf(DoubleType())
    def multiplied(value):
        from {package}.numbers import times

        return times(value)


    class Larger(Transformer, HasInputCol, HasOutputCol, DefaultParamsReadable, DefaultParamsWritable):
        def _transform(self, rows):
            return rows.withColumn(self.getOrDefault("outputCol"), multiplied(self.getOrDefault("inputCol")))


    class NotSaved(Transformer):
        def _transform(self, rows):
            return rows


    class Needs(Larger):
        def __init__(self, size):
            super().__init__()
'''
NUMBERS = """
    FACTOR = {factor}


    def times(value):
        return value * FACTOR
"""
ROWS = """
    from pyspark.ml.functions import array_to_vector
    from pyspark.sql import functions as F

    NOT_A_FUNCTION = 1


    def prepared(rows):
        numbers = F.array("size", F.col("size") * 2)
        return rows.select("id", "seen", "colour", "size", "late", array_to_vector(numbers).alias("sizes"))


    def nothing(rows):
        return None


    def broken(rows):
        raise RuntimeError("no such thing")
"""


def write(team: Team, package: str = "mypackage", factor: float = 2.0) -> None:
    """The package in the team's home."""
    folder = team.home.path / package
    folder.mkdir(exist_ok=True)
    for file, text in (
        ("__init__", ""),
        ("features", STAGES.replace("{package}", package)),
        ("numbers", NUMBERS.format(factor=factor)),
        ("rows", ROWS),
    ):
        (folder / f"{file}.py").write_text(textwrap.dedent(text), encoding="utf-8")


def with_own_stage(team: Team) -> None:
    team.edit("[size_filled, colour_ix]", "[size_larger, colour_ix]")
    team.edit(
        "  - VectorAssembler",
        "  - mypackage.features.Larger: {inputCol: size_filled, outputCol: size_larger}\n  - VectorAssembler",
    )


@pytest.mark.long
def test_a_stage_of_ones_own_goes_through_the_chain_and_its_code_is_in_the_key(team: Team) -> None:
    from pyspark.sql import functions as F

    write(team)
    with_own_stage(team)
    team.run()
    first = summarise(team.store, DAY)
    model = team.store.current("model", DAY)
    assert model is not None
    assert set(model.manifest.ingredients.spec["own_code"]) == {"mypackage"}
    team.run()
    assert summarise(team.store, DAY) == first

    numbers = team.home.path / "mypackage" / "numbers.py"
    numbers.write_text("# A remark.\n" + numbers.read_text())
    team.run()
    assert summarise(team.store, DAY).keys == first.keys
    write(team, factor=3.0)
    team.run()
    again = summarise(team.store, DAY)
    assert again.keys["features"] == first.keys["features"]
    assert again.keys["model"] != first.keys["model"]

    from vintage.registry.tracking import Tracking

    found = team.store.current("model", DAY)
    assert found is not None
    loaded = Tracking.of(team.home).load_model(found.data / "model")
    rows = team.provider().sql("SELECT 5.0D AS size, 'red' AS colour")
    assert loaded.transform(rows).select(F.col("size_larger")).first()[0] == 15.0


def test_two_homes_with_packages_of_one_name_keep_apart_in_driver_and_workers(
    new_team: Callable[[], Team],
) -> None:
    """And their versions, of which Spark remembers all: more than four it hands on in no order."""
    path = "mypackage.features.Larger"
    one, other = new_team(), new_team()
    for number, factor in enumerate([*range(2, 12), 3, 2]):
        team = (one, other)[number % 2]
        write(team, factor=factor)
        ship_user_code(team.job(), [path])
        stage = import_path(path)()
        stage.set(stage.inputCol, "size")
        stage.set(stage.outputCol, "larger")
        rows = stage.transform(team.provider().range(4, numPartitions=2).selectExpr("id * 1.0D AS size"))
        assert [row["larger"] for row in rows.orderBy("size").collect()] == [
            each * factor for each in range(4)
        ]


def test_a_function_makes_the_features_vectors_among_them(team: Team) -> None:
    write(team)
    team.edit(
        "sql: SELECT id, seen, colour, size, late FROM source",
        "function: mypackage.rows.prepared\n"
        "  columns: id INT, seen TIMESTAMP, colour STRING, size DOUBLE, late INT, sizes VECTOR",
    )
    team.edit("[size_filled, colour_ix]", "[sizes, colour_ix]")
    team.run()
    features = team.store.current("features", DAY)
    assert features is not None
    assert set(features.manifest.ingredients.spec["own_code"]) == {"mypackage"}
    assert summarise(team.store, DAY).rows["test"] == 23
    team.edit("sizes VECTOR", "sizes ARRAY<DOUBLE>, more INT")
    told = r"other columns than preprocess.columns.*missing: more; retyped: sizes is vector instead of array"
    with pytest.raises(SpecError, match=told):
        team.run("preprocess")


@pytest.mark.parametrize(
    ("function", "told"),
    [
        ("nothing", "returns no DataFrame; found NoneType"),
        ("broken", "fails on the rows of 2024-03-03; found RuntimeError: no such thing"),
    ],
)
def test_a_function_that_does_not_do_its_work(team: Team, function: str, told: str) -> None:
    write(team)
    team.edit("key: [id, seen]", f"function: mypackage.rows.{function}\n  key: [id, seen]")
    team.run("snapshot", "validate")
    with pytest.raises(SpecError, match=told):
        team.run("preprocess")
    assert team.published()["features"] == 0
    assert team.leftovers() == []


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("mypackage.features.Larger", "mypackage.fetures.Larger", "cannot be imported (ModuleNotFoundError"),
        ("mypackage.features.Larger", "mypackage.features.Lager", 'has no "Lager"; did you mean "Larger"'),
        ("mypackage.features.Larger", "mypackage.features.udf", "is no stage"),
        ("mypackage.features.Larger", "mypackage.features.NotSaved", "can be made, but not saved and loaded"),
        ("mypackage.features.Larger", "mypackage.features.Needs", "cannot be made without size"),
        ("mypackage.features.Larger", "mypackage.raising.Larger", "(ZeroDivisionError: division by zero)"),
        ("key: [id", "function: mypackage.rows.prepare\n  key: [id", 'no "prepare"; did you mean "prepared"'),
        ("key: [id", "function: mypackage.rows.NOT_A_FUNCTION\n  key: [id", "is no function; expected def"),
    ],
)
def test_what_cannot_be_used_is_told_before_anything_is_read(
    team: Team, old: str, new: str, told: str
) -> None:
    write(team)
    (team.home.path / "mypackage" / "raising.py").write_text("1 / 0\n")
    with_own_stage(team)
    team.edit(old, new)
    with pytest.raises(SpecError) as caught:
        require_valid_stages(team.job())
    assert told in str(caught.value)
    assert f"pipelines/{team.name}.yaml:" in str(caught.value)
    assert team.published()["snapshot"] == 0
