"""Every Transformer and Estimator of pyspark.ml: declared, checked, fitted, saved, loaded, still the same."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from tests.ml.every_stage import CASES, DECLARED, GROUPS, ROWS, SEED, declared, of_any_task
from tests.ml.test_stages import pipeline_of
from tests.ml.twins import Case, check, farthest, made_by, variations
from vintage.flow.fit import fit
from vintage.ml.catalogue import MODULES, find_stage_class, known_stages, params_of
from vintage.ml.column_flow import flow_of
from vintage.ml.model_digest import model_digest
from vintage.ml.stages import check_stages, resolved_params
from vintage.twin import Input, Stage
from vintage.twin.compiler import NotPortable, compile_stages

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from pyspark.ml import PipelineModel
    from pyspark.sql import Row, SparkSession

pytestmark = [
    pytest.mark.spark,
    pytest.mark.long,
    pytest.mark.filterwarnings("ignore:unclosed <socket:ResourceWarning"),
]


WITHOUT_TWIN = {"FPGrowth", "LDA", "SQLTransformer"}
"""Classes that are no functions of one row, or that begin with numbers drawn at random."""


@dataclass(frozen=True)
class Gone:
    """A group that went all the way: what its model adds before it was saved and after it was loaded.

    And the digests of that model and of one that was fitted again on the rows in another order. `folder` is
    where it was saved, `kinds` the types of all columns, and `notes` what Spark ML notes of their slots.
    """

    fitted: PipelineModel
    loaded: PipelineModel
    before: list[Row]
    after: list[Row]
    declared: dict[str, str]
    declared_again: dict[str, str]
    digests: tuple[str, str]
    folder: Path
    kinds: dict[str, str]
    notes: dict[str, dict[str, Any]]


@pytest.fixture(scope="module")
def gone(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[str], Gone]]:
    """Takes a group through Vintage's own checks and fit, once."""
    from pyspark.ml import Pipeline, PipelineModel
    from pyspark.sql import functions as F

    done: dict[str, Gone] = {}

    def of(group: str) -> Gone:
        if group in done:
            return done[group]
        session = spark.newSession()
        session.conf.set("spark.sql.shuffle.partitions", "2")
        rows = ROWS[GROUPS[group]["rows"]](session).coalesce(1)
        pipeline = pipeline_of(yaml.safe_dump(declared(group)), task="reduction", seed=SEED)
        assert check_stages(pipeline, rows.columns) == []
        fitted = fit(rows, pipeline)
        folder = tmp_path_factory.mktemp(group)
        fitted.model.save(str(folder / "model"))
        fitted.unfitted.save(str(folder / "pipeline"))
        shuffled = rows.repartition(3).orderBy(F.rand(seed=3))
        fit(shuffled, pipeline).model.save(str(folder / "second"))
        loaded = PipelineModel.load(str(folder / "model"))
        transformed = loaded.transform(rows)
        again = Pipeline.load(str(folder / "pipeline"))
        done[group] = Gone(
            fitted.model,
            loaded,
            fitted.model.transform(rows).orderBy("id").collect(),
            transformed.orderBy("id").collect(),
            dict(fitted.params),
            resolved_params(again.getStages()),
            (model_digest(folder / "model"), model_digest(folder / "second")),
            folder / "model",
            dict(transformed.dtypes),
            {field.name: field.metadata for field in transformed.schema},
        )
        return done[group]

    with of_any_task():
        yield of


def told(value: Any, name: str) -> str:
    """A value as a text: a NaN is not equal to itself, and what FPGrowth predicts is a set."""
    return str(sorted(value) if name == "FPGrowth" else value)


def test_every_class_of_spark_has_a_case_or_a_reason() -> None:
    assert set(known_stages()) - set(CASES) == set(), "new in Spark: give each a case in every_stage.yaml"
    assert set(CASES) - set(known_stages()) == set(), "gone from Spark: take them out"


def test_what_is_no_stage_is_left_out_with_its_reason() -> None:
    import importlib

    from pyspark.ml import Estimator, Transformer
    from pyspark.ml.param import Params

    beside = {
        name
        for module in MODULES
        for name, found in vars(importlib.import_module(f"pyspark.ml.{module}")).items()
        if name in importlib.import_module(f"pyspark.ml.{module}").__all__
        and issubclass(found, Params)
        and not issubclass(found, Estimator | Transformer)
    }
    assert beside == set(DECLARED["left_out"])


@pytest.mark.parametrize("name", sorted(CASES))
def test_a_stage_goes_all_the_way(gone: Callable[[str], Gone], name: str) -> None:
    group = CASES[name]
    found = gone(group)
    [(index, params)] = [(index, stage[name]) for index, stage in enumerate(declared(group)) if name in stage]
    flow = flow_of(name, params_of(known_stages()[name]), params, own=False)
    assert len(found.before) == len(found.after) > 0
    # A classifier of three iterations may predict one class, but its probabilities differ.
    varied = [column for column in flow.adds if len({str(row[column.name]) for row in found.before}) > 1]
    assert bool(varied) == bool(flow.adds), f"what {name} adds is the same in every row"
    for column in flow.adds:
        values = [row[column.name] for row in found.before]
        assert [told(row[column.name], name) for row in found.after] == [
            told(value, name) for value in values
        ]
    made, loaded = found.fitted.stages[index], found.loaded.stages[index]
    assert type(loaded) is type(made)
    assert loaded.uid == made.uid
    own = {param: value for param, value in found.declared.items() if param.startswith(f"{index}.{name}.")}
    assert own.items() <= found.declared_again.items()
    if "seed" in params_of(find_stage_class(name)):
        assert own[f"{index}.{name}.seed"] == str(SEED)


@pytest.mark.parametrize("group", GROUPS)
def test_fitted_again_it_is_the_same_model(gone: Callable[[str], Gone], group: str) -> None:
    first, second = gone(group).digests
    assert second == first


@pytest.mark.parametrize("name", sorted(set(CASES) - WITHOUT_TWIN))
def test_its_twin_gives_what_spark_gives(spark: SparkSession, gone: Callable[[str], Gone], name: str) -> None:
    found = gone(CASES[name])
    case = twin_of(found, name)
    made = made_by(case.twin, [row.asDict() for row in found.after])
    expected = {number: row.asDict() for number, row in enumerate(found.after)}
    added = set(next(iter(made.values()))) - set(case.reads)
    assert added or name == "VectorSizeHint"
    told = {number: {each: row[each] for each in added} for number, row in expected.items() if number in made}
    assert set(made) == set(told)
    apart = [farthest(case, told, made)]
    apart += [check(spark, varied) for varied in variations(case)]
    print(f"{name}: at most {max(apart):.1e} apart")  # noqa: T201 - for `pytest -rP`


@pytest.mark.parametrize("name", sorted(WITHOUT_TWIN))
def test_what_has_no_twin_says_why(gone: Callable[[str], Gone], name: str) -> None:
    found = gone(CASES[name])
    assert isinstance(compiled(found, name), NotPortable)


def compiled(found: Gone, name: str) -> Stage | NotPortable:
    """A stage of a group, as the compiler has it."""
    inputs = [Input(column, kind) for column, kind in found.kinds.items()]
    [place] = [place for place, stage in enumerate(declared(CASES[name])) if name in stage]
    return compile_stages(found.folder, inputs)[place]


def twin_of(found: Gone, name: str) -> Case:
    """A stage of a group, and its twin."""
    [(place, params)] = [
        (place, stage[name]) for place, stage in enumerate(declared(CASES[name])) if name in stage
    ]
    described = compiled(found, name)
    assert isinstance(described, Stage), described
    flow = flow_of(name, params_of(known_stages()[name]), params, own=False)
    reads = [column.name for column in flow.reads if not column.answers]
    reads = [each for each in reads if each in found.kinds] or ["petal_length", "species"]
    return Case(found.loaded.stages[place], described, found.after, found.kinds, found.notes, reads)


def test_the_stage_within_a_stage_has_its_params(gone: Callable[[str], Gone]) -> None:
    params = gone("one_vs_rest").declared
    assert params["1.OneVsRest.classifier.LinearSVC.regParam"] == "0.1"
    assert params["1.OneVsRest.classifier.LinearSVC.maxIter"] == "3"
