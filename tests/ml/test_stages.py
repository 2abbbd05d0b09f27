"""Stages are checked without a JVM and made as they were declared."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from vintage.ml.catalogue import MODULES, known_stages, params_of
from vintage.ml.column_flow import _ADDED, _READ, stage_flow
from vintage.ml.stages import build_stages, check_stages, over_columns, resolved_params, stage_columns
from vintage.spec import InvalidSpec, Pipeline, load_pipeline
from vintage.spec.loading import read_text

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

# pyspark's own collect() leaves its socket to the garbage collector.
pytestmark = pytest.mark.filterwarnings("ignore:unclosed <socket:ResourceWarning")

ROOT = Path(__file__).parents[2]
FEATURES = ("id", "bill", "day", "place", "tip")
STAGES = """\
- Imputer: {inputCols: [bill], outputCols: [bill_filled], strategy: median}
- StringIndexer:
    inputCols: [day, place]
    outputCols: [day_ix, place_ix]
    handleInvalid: keep
- VectorAssembler:
    inputCols:
      - bill_filled
      - day_ix
      - place_ix
    outputCol: features
- LogisticRegression: {maxIter: 5, regParam: 0.1}
"""


def pipeline_of(stages: str = STAGES, **more: Any) -> Pipeline:
    document, problems = read_text(stages, "stages.yaml")
    assert problems == []
    model = Pipeline.model_validate(
        {
            "name": "tips",
            "schedule": "0 2 * * *",
            "start_date": "2020-01-01",
            "source": {"format": "csv", "path": "raw"},
            "expectations": "tips",
            "window": {"days": 3},
            "preprocess": {"sql": "SELECT * FROM source", "key": ["id"]},
            "split": {"by": "key", "test_fraction": 0.2},
            "task": "classification",
            "stages": document.data,
            "evaluate": {"metric": "areaUnderROC"},
            **more,
        }
    )
    # The stages alone stand in this file: their lines as those of a pipeline's `stages`.
    lines = {("stages", *path): line for path, line in document.lines.items()}
    return model.placed(ROOT, type(document)("stages.yaml", {"stages": document.data}, lines))


def problems_of(stages: str, columns: tuple[str, ...] | None = FEATURES) -> list[str]:
    return [str(problem) for problem in check_stages(pipeline_of(stages), columns)]


def test_right_stages_have_no_problems_and_read_what_they_name() -> None:
    assert problems_of(STAGES) == []
    assert problems_of(STAGES, None) == []
    assert stage_columns(pipeline_of()) == ("bill", "day", "place", "label")


def test_checking_starts_no_jvm() -> None:
    code = (
        "from pyspark import SparkContext; from vintage.spec import Home, feature_columns, load_pipeline;"
        "from vintage.ml.stages import check_stages, stage_columns;"
        f"pipeline = load_pipeline(Home.from_environment({{'VINTAGE_HOME': {str(ROOT)!r}}}), 'flight_delay');"
        "print(check_stages(pipeline, feature_columns(pipeline)), len(stage_columns(pipeline)),"
        " SparkContext._gateway, SparkContext._jvm)"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[] 10 None None"


WRONG: list[tuple[str, str, list[str]]] = [
    (
        "LogisticRegression:",
        "LogisticRegresion:",
        ['stages.yaml:12: unknown stage "LogisticRegresion"; did you mean "LogisticRegression"?'],
    ),
    (
        "strategy:",
        "stratgy:",
        ['stages.yaml:1: Imputer has no Param "stratgy"; did you mean "strategy"?'],
    ),
    (
        "handleInvalid: keep",
        "handleInvalid: 1",
        ["stages.yaml:5: StringIndexer.handleInvalid cannot be 1; expected a text; how to handle"],
    ),
    (
        "maxIter: 5",
        "maxIter: 5.5",
        ["stages.yaml:12: LogisticRegression.maxIter cannot be 5.5; expected a whole number; max"],
    ),
    (
        "regParam: 0.1",
        "regParam: low",
        [
            'stages.yaml:12: LogisticRegression.regParam cannot be "low"; expected a number; '
            "regularization parameter (>= 0)"
        ],
    ),
    ("regParam: 0.1", "uid: x", ['LogisticRegression has no Param "uid"']),
    (
        "regParam: 0.1",
        "regParam:",
        ["cannot be null; expected a value; leave the Param out for Spark's default"],
    ),
    (
        "[bill]",
        "[bil]",
        ['stages.yaml:1: Imputer reads column "bil", which does not exist; did you mean "bill"?'],
    ),
    (
        "- bill_filled",
        "- bill_fileld",
        [
            'stages.yaml:8: VectorAssembler reads column "bill_fileld", which does not exist; '
            'did you mean "bill_filled"?'
        ],
    ),
    (
        "outputCols: [bill_filled]",
        "outputCols: [tip]",
        [
            'stages.yaml:1: Imputer adds column "tip", which already exists; give it a name of its own',
            'stages.yaml:8: VectorAssembler reads column "bill_filled", which does not exist',
        ],
    ),
    ("    outputCol: features\n", "", ["stages.yaml:6: VectorAssembler has no outputCol"]),
    (
        "[day_ix, place_ix]",
        "[day_ix]",
        ["stages.yaml:4: StringIndexer has 2 inputCols and 1 outputCols; expected as many"],
    ),
    (
        "handleInvalid: keep",
        "inputCol: day",
        ["stages.yaml:3: StringIndexer has both inputCol and inputCols; expected one of them"],
    ),
    (
        "outputCol: features",
        "outputCol: vector",
        ['stages.yaml:12: LogisticRegression reads column "features", which does not exist'],
    ),
    (
        "- LogisticRegression: {maxIter: 5, regParam: 0.1}\n",
        "",
        ["stages.yaml:6: no stage is a classification model; expected for example LogisticRegression"],
    ),
    (
        "LogisticRegression: {maxIter: 5, regParam: 0.1}",
        "KMeans: {k: 3}",
        ["stages.yaml:12: KMeans is a clustering model, and the task is classification; expected for"],
    ),
    (
        "LogisticRegression: {maxIter: 5, regParam: 0.1}",
        "StringIndexerModel: {}",
        ['stages.yaml:12: unknown stage "StringIndexerModel"; did you mean "StringIndexer"?'],
    ),
]


@pytest.mark.parametrize(("old", "new", "told"), WRONG, ids=[new or old for old, new, _ in WRONG])
def test_a_mistake_is_named_with_its_line_and_the_nearest_name(old: str, new: str, told: list[str]) -> None:
    found = problems_of(STAGES.replace(old, new, 1))
    assert len(found) == len(told)
    assert all(part in problem for part, problem in zip(told, found, strict=True))


def test_columns_that_nobody_knows_are_not_missed() -> None:
    assert problems_of(STAGES.replace("[bill]", "[anything]"), None) == []


def test_sql_and_formula_stages_say_what_they_read_and_add() -> None:
    stages = """\
- SQLTransformer: {statement: "SELECT *, bill * 2 AS twice FROM __THIS__"}
- RFormula: {formula: "tip ~ twice + day"}
- LogisticRegression: {labelCol: label}
"""
    assert stage_columns(pipeline_of(stages)) == ("bill", "tip", "day", "label")
    assert problems_of(stages, FEATURES) == []
    assert problems_of('- SQLTransformer: {statement: "SELECT 1"}')[0].startswith(
        "stages.yaml:1: the statement of"
    )
    dropping = """\
- SQLTransformer: {statement: "SELECT bill FROM __THIS__"}
- VectorAssembler: {inputCols: [day], outputCol: x}
"""
    assert any('reads column "day", which does not exist' in problem for problem in problems_of(dropping))


def test_a_stage_of_ones_own_is_named_by_its_path(
    spark: SparkSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(str(Path(__file__).parent))
    own = "- own_stages.Doubler: {inputCol: bill, outputCol: twice, by: 3}\n"
    pipeline = pipeline_of(own + STAGES.replace("[bill]", "[twice]"))
    assert check_stages(pipeline, FEATURES) == []
    [doubler, *_] = build_stages(pipeline)
    rows = doubler.transform(spark.createDataFrame([(2.0,)], "bill DOUBLE")).collect()
    assert rows[0]["twice"] == 6.0
    told = {
        "own_stages.Dubler": 'module own_stages has no "Dubler"; did you mean "Doubler"?',
        "own_stages.NoStage": '"own_stages.NoStage" is no stage; expected a Transformer or an Estimator',
        "no_such.Doubler": "cannot be imported (ModuleNotFoundError: No module named 'no_such')",
        "pyspark.mllib.clustering.KMeans": "is of the old RDD API; expected a class of pyspark.ml",
        "pyspark.ml.feature.StringIndexerModel": "is no stage",
    }
    for path, part in told.items():
        assert part in problems_of(f"- {path}: {{}}\n")[0]


def test_the_catalogue_holds_what_pyspark_offers_and_no_fitted_model() -> None:
    assert {"Imputer", "LogisticRegression", "LinearRegression", "KMeans", "ALS", "FPGrowth"} <= set(
        known_stages()
    )
    assert not [name for name in known_stages() if name.endswith("Model") or name.startswith(("_", "Java"))]
    assert {stage.__module__.rpartition(".")[2] for stage in known_stages().values()} == set(MODULES)


@pytest.mark.parametrize("name", sorted(known_stages()))
def test_the_columns_that_spark_takes_by_default_are_those_assumed(spark: SparkSession, name: str) -> None:
    stage = known_stages()[name]()
    assert {param.name for param in stage.params} == set(params_of(known_stages()[name]))
    for param in stage.params:
        if not param.name.endswith(("Col", "Cols")) or name == "RFormula":
            continue
        if param.name == "categoricalCols":
            continue
        assert param.name in {**_READ, **_ADDED}, "a Param that names columns and is neither read nor added"
        default = stage.getOrDefault(param) if stage.isDefined(param) else None
        if default and stage.uid in default:
            default = None
        assert (default or None) == {**_READ, **_ADDED}[param.name]


def test_stages_are_made_as_declared_with_the_pipelines_seed(spark: SparkSession) -> None:
    forest = STAGES.replace(
        "LogisticRegression: {maxIter: 5, regParam: 0.1}", "RandomForestClassifier: {numTrees: 3}"
    )
    made = resolved_params(build_stages(pipeline_of(forest, seed=7)))
    assert made["3.RandomForestClassifier.seed"] == "7"
    assert made["3.RandomForestClassifier.numTrees"] == "3"
    assert made["3.RandomForestClassifier.maxDepth"] == "5"
    assert made["0.Imputer.strategy"] == "median"
    assert made["0.Imputer.missingValue"] == "nan"
    assert made["1.StringIndexer.outputCols"] == '["day_ix", "place_ix"]'
    assert made == resolved_params(build_stages(pipeline_of(forest, seed=7))), "no random id among the values"
    own_seed = pipeline_of(forest.replace("{numTrees: 3}", "{numTrees: 3, seed: 1}"), seed=7)
    assert resolved_params(build_stages(own_seed))["3.RandomForestClassifier.seed"] == "1"


def test_a_value_that_only_spark_can_judge_is_refused_before_the_fit(spark: SparkSession) -> None:
    with pytest.raises(
        InvalidSpec, match=r"yaml:1: Spark refuses a Param: .*strategy given invalid value medain"
    ):
        build_stages(pipeline_of(STAGES.replace("median", "medain")))
    with pytest.raises(InvalidSpec, match='has no Param "stratgy"'):
        build_stages(pipeline_of(STAGES.replace("strategy", "stratgy")))


def test_the_stages_of_the_flights_fit_and_transform(spark: SparkSession) -> None:
    from pyspark.ml import Pipeline as SparkPipeline

    from vintage.spec import Home

    pipeline = load_pipeline(Home.from_environment({"VINTAGE_HOME": str(ROOT)}), "flight_delay")
    columns = stage_columns(pipeline)
    assert columns == (
        *("humid", "wind_speed", "precip", "visib"),
        *("carrier", "origin", "dest", "hour", "distance", "label"),
    )
    rows = [
        (50.0, 3.0, None, 10.0, carrier, origin, "LAX", hour, 2475.0, float(carrier == "AA"))
        for carrier in ("AA", "UA")
        for origin in ("JFK", "EWR")
        for hour in ("6", "18")
    ] + [(50.0, 3.0, 0.1, 9.0, "AA", "JFK", "SFO", "6", 2586.0, 1.0)]
    schema = (
        "humid DOUBLE, wind_speed DOUBLE, precip DOUBLE, visib DOUBLE, carrier STRING, origin STRING, "
        "dest STRING, hour STRING, distance DOUBLE, label DOUBLE"
    )
    frame = spark.createDataFrame(rows, schema)
    scored = SparkPipeline(stages=build_stages(pipeline)).fit(frame).transform(frame)
    assert scored.where("prediction = label").count() == len(rows)


@pytest.mark.parametrize(
    ("task", "model", "right"),
    [
        ("clustering", "LDA: {k: 3}", True),
        ("clustering", "GaussianMixture: {k: 3}", True),
        ("regression", "LogisticRegression: {}", False),
        ("recommendation", "LinearRegression: {}", False),
        ("recommendation", "ALS: {userCol: id, itemCol: day_ix, ratingCol: tip}", True),
        ("reduction", "PCA: {k: 2, inputCol: features, outputCol: short}", True),
        ("reduction", "MinMaxScaler: {inputCol: features, outputCol: short}", False),
    ],
)
def test_the_model_is_of_the_task(task: str, model: str, right: bool) -> None:
    stages = STAGES.replace("LogisticRegression: {maxIter: 5, regParam: 0.1}", model)
    problems = check_stages(pipeline_of(stages, task=task), FEATURES)
    assert (problems == []) is right
    assert right or task in str(problems[0])


@pytest.mark.parametrize(
    ("formula", "read"),
    [
        ("label ~ bill + day", ["label", "bill", "day"]),
        ("label ~ bill:day + 0", ["label", "bill", "day"]),
        ("label ~ bill * day - day - 1", ["label", "bill", "day"]),
        ("label ~ (bill + day)^2", ["label", "bill", "day"]),
        ("label ~ bill + day - day", ["label", "bill"]),
        ("label ~ x.y + bill", ["label", "x.y", "bill"]),
        ("label ~ .", ["label", "id", "bill", "1x1"]),
        ("label ~ . - id", ["label", "bill", "1x1"]),
        ("label ~ . - id + bill:day", ["label", "bill", "day", "1x1"]),
        ("bill ~ . - label - id", ["bill", "1x1"]),
    ],
)
def test_formula_reads_what_spark_reads(formula: str, read: list[str]) -> None:
    stages = f"- RFormula: {{formula: '{formula}'}}\n- LogisticRegression: {{}}\n"
    pipeline = over_columns(pipeline_of(stages), ["id", "bill", "1x1", "trainable"])
    assert [column.name for column in stage_flow(pipeline.stages[0]).reads] == read


def test_dot_is_resolved_by_the_rows_or_not_at_all() -> None:
    stages = "- RFormula: {formula: 'label ~ . - id'}\n- LogisticRegression: {}\n"
    assert problems_of(stages, None) == []
    with pytest.raises(InvalidSpec, match="only the rows determine what RFormula reads"):
        stage_columns(pipeline_of(stages))
    taken = over_columns(pipeline_of(stages), ["id", "bill"])
    assert stage_columns(taken) == ("label", "bill")
    [problem] = problems_of("- RFormula: {formula: 'tip ~ .'}\n- LogisticRegression: {}\n")
    assert "the . of RFormula takes label, the answer" in problem
    assert "label ~ ., or tip ~ . - label" in problem
