"""A model is loaded anew before it serves, and one that does not give what it gave does not serve."""

from __future__ import annotations

import json
import shutil
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.flow.declared import declare
from vintage.errors import ModelRefused, StoreError, TrackingError
from vintage.jobs import promote
from vintage.ml import golden
from vintage.registry import ledger
from vintage.registry.copies import verified_copy
from vintage.registry.loadability import Loaded, Loading, load_here, loading_of, place_of
from vintage.registry.loading_process import LoadingProcess
from vintage.registry.tracking import Tracking
from vintage.store.sealing import seal

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.flow.conftest import Team

pytestmark = [
    pytest.mark.long,
    pytest.mark.spark,
    # Of MLflow's scoring server and of what it imports.
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
    pytest.mark.filterwarnings("ignore::FutureWarning"),
    pytest.mark.filterwarnings("ignore::UserWarning"),
]

DAY = date(2024, 3, 6)
SOURCE = {
    "format": "csv",
    "path": "raw/date={date}",
    "options": {"header": True},
    "schema": "id INT, colour STRING, size DOUBLE, seen TIMESTAMP, late INT",
}
EVALUATE = {"metric": "areaUnderROC", "gates": []}
WAYS = ("PipelineModel.transform", "MLflow's pyfunc", "MLflow's REST server")


def tracking_of(team: Team) -> Tracking:
    return Tracking.of(team.home)


@contextmanager
def loading(team: Team) -> Iterator[Loading]:
    """The day's model, as it is registered, with what MLflow holds of it."""
    model = team.store.current("model", DAY)
    assert model is not None
    [version] = tracking_of(team).versions(team.name)
    with verified_copy(tracking_of(team), model, version) as copy:
        yield loading_of(model, 1, copy)


def promoted(team: Team) -> ledger.Entry:
    """What the job does, in the suite's session."""
    return promote.run(team.job(), load=lambda wanted: load_here(wanted, team.provider()))


@pytest.mark.integration
def test_a_clean_process_gives_the_same_in_every_way(done: Team) -> None:
    job = done.job()
    with LoadingProcess(place_of(job.home, job.pipeline)) as apart, loading(done) as wanted:
        apart.start()
        told = apart.load(wanted)
        # It stays for the next one, as in a backfill; what is not there is no end of it.
        gone = apart.load(wanted.model_copy(update={"served": wanted.served / "nothing"}))
        assert [each.split(" fails: ")[0] for each in gone.problems] == [WAYS[1]]
        again = apart.load(wanted)
    assert again == told
    assert (told.problems, told.unchecked, told.ways) == ((), (), WAYS)
    assert told.exact
    assert told.rows == golden.ROWS
    assert told.reasons == (
        f"{', '.join(WAYS)} give the {told.rows} golden rows the same outputs, to the last bit",
    )


def test_the_golden_batch_goes_with_the_model_to_mlflow_and_holds_no_label(done: Team) -> None:
    import mlflow
    from mlflow.models import Model

    [version] = tracking_of(done).versions(done.name)
    mlflow.set_tracking_uri(done.home.tracking_uri)
    try:
        folder = Path(mlflow.artifacts.download_artifacts(f"models:/{done.name}/{version.version}"))
    finally:
        mlflow.set_tracking_uri(None)  # type: ignore[arg-type]
    batch = golden.read(done.provider(), folder / golden.FOLDER)
    assert set(batch.given.columns) == {"colour", "size", golden.NUMBER}
    assert {"prediction", "probability", "rawPrediction", "features"} <= set(batch.made.columns)
    assert Model.load(str(folder)).signature.inputs.input_names() == ["size", "colour"]


@pytest.mark.fault("a model that scores its golden batch otherwise", outcome="exit 5; the champion stays")
def test_a_model_that_gives_something_else_is_refused_until_it_is_mended(team: Team, tmp_path: Path) -> None:
    team.edit("regParam: 0.01", "regParam: 0.01, threshold: 0.5")
    team.run("snapshot", "validate", "preprocess", "fit", "evaluate")
    model = team.store.current("model", DAY)
    assert model is not None
    [metadata] = (model.data / "model" / "sparkml" / "stages").glob("3_*/metadata/part-*")
    whole = metadata.read_text(encoding="utf-8")
    turned = whole.replace('"threshold":0.5', '"threshold":0.0')
    assert turned != whole
    # The file keeps its size, and is another all the same: nothing of it is loaded.
    metadata.write_text(turned, encoding="utf-8")
    with pytest.raises(StoreError, match=r"is damaged: .*metadata/part-\S+; expected SHA-256"):
        promoted(team)
    metadata.write_text(whole, encoding="utf-8")
    # As if it were what was fitted: only its answers tell.
    elsewhere = shutil.copytree(model.data / "model", tmp_path / "model")
    (elsewhere / metadata.relative_to(model.data / "model")).write_text(turned, encoding="utf-8")

    def another(wanted: Loading) -> Loaded:
        return load_here(wanted.model_copy(update={"model": elsewhere}), team.provider())

    told = (
        r"cannot serve; found PipelineModel\.transform returns other .*prediction: expected 0\.0, found 1\.0"
    )
    with pytest.raises(ModelRefused, match=told) as refused:
        promote.run(team.job(), load=another)
    assert refused.value.exit_code == 5
    with pytest.raises(ModelRefused):
        promote.run(team.job(), load=another)
    [entry] = ledger.read(team.store.ledger_path)
    assert (entry.action, tracking_of(team).champion(team.name)) == ("refused", None)
    assert "returns other outputs" in entry.reasons[-1]
    promoted(team)
    assert [each.action for each in ledger.read(team.store.ledger_path)] == ["refused", "promoted"]

    # What MLflow serves is a copy, and may be lost by itself.
    [copied] = team.home.mlflow_artifacts.rglob("sparkml")
    shutil.rmtree(copied)
    with (
        pytest.raises(StoreError, match=r"MLflow's copy of version 1.*sparkml/\S+ is missing"),
        loading(team),
    ):
        pass


def test_a_model_without_a_batch_or_with_a_file_or_decision_that_is_another_is_not_even_loaded(
    team: Team,
) -> None:
    team.run("snapshot", "validate", "preprocess", "fit", "evaluate")
    model = team.store.current("model", DAY)
    assert model is not None
    evaluation = team.store.current("evaluation", DAY)
    assert evaluation is not None
    signed = (evaluation.folder / "manifest.json").read_text(encoding="utf-8")
    edited = signed.replace('"promote": true', '"promote": false')
    assert edited != signed
    (evaluation.folder / "manifest.json").write_text(edited, encoding="utf-8")
    with pytest.raises(StoreError):
        promoted(team)
    (evaluation.folder / "manifest.json").write_text(signed, encoding="utf-8")
    batch = model.data / "model" / golden.FOLDER
    manifest = model.folder / "manifest.json"
    shutil.rmtree(batch)
    with pytest.raises(StoreError, match="no such file"):
        promoted(team)
    told = json.loads(manifest.read_text(encoding="utf-8"))
    told["files"] = [each for each in told["files"] if f"/{golden.FOLDER}/" not in each["path"]]
    manifest.write_text(json.dumps(seal(told)), encoding="utf-8")
    # Of a model that never had one, MLflow has none either; here its copy is another than the store's.
    with pytest.raises(StoreError, match=r"golden/given/\S+ is no file of the model"):
        promoted(team)
    assert ledger.read(team.store.ledger_path) == ()
    assert tracking_of(team).champion(team.name) is None


def test_what_mlflow_cannot_read_from_json_is_said_and_does_not_refuse(team: Team) -> None:
    stages = [
        {"SQLTransformer": {"statement": "SELECT *, CAST(day(day) + size AS DOUBLE) AS n FROM __THIS__"}},
        {"VectorAssembler": {"inputCols": ["n"], "outputCol": "features"}},
        {"LogisticRegression": {"maxIter": 2}},
    ]
    columns = "SELECT id, CAST(size AS DOUBLE) AS size, CAST(seen AS DATE) AS day, late FROM source"
    declare(team, SOURCE, f"{columns} WHERE late IS NOT NULL", stages=stages, evaluate=EVALUATE)
    team.run("snapshot", "validate", "preprocess", "fit", "evaluate")

    def away(_: Loading) -> Loaded:
        raise TrackingError("MLflow cannot be reached")

    # MLflow goes away when the version is registered and the alias not yet moved: one of each in the end.
    with pytest.raises(TrackingError):
        promote.run(team.job(), load=away)
    assert (tracking_of(team).champion(team.name), ledger.read(team.store.ledger_path)) == (None, ())
    entry = promoted(team)
    assert [each.version for each in tracking_of(team).versions(team.name)] == [1]
    assert len(ledger.read(team.store.ledger_path)) == 1
    assert entry.action == "promoted"
    assert entry.reasons[-1] == (
        "MLflow's REST server is not checked: MLflow has no signature for a model of these columns"
    )
    assert entry.reasons[-2].startswith("PipelineModel.transform, MLflow's pyfunc give")


def test_a_model_without_predictions_is_held_to_its_outputs(team: Team) -> None:
    stages = [
        {"VectorAssembler": {"inputCols": ["size", "id"], "outputCol": "features"}},
        {"PCA": {"k": 1, "inputCol": "features", "outputCol": "reduced"}},
    ]
    declare(
        team,
        SOURCE,
        "SELECT id, CAST(size AS DOUBLE) AS size, late FROM source WHERE late IS NOT NULL",
        stages=stages,
        task="reduction",
        trigger_params=[],
        evaluate={"metric": "explainedVariance", "gates": []},
    )
    team.run("snapshot", "validate", "preprocess", "fit", "evaluate")
    entry = promoted(team)
    assert entry.reasons[-2].startswith("PipelineModel.transform give the 16 golden rows")
    assert "they serve the column prediction, and there is none" in entry.reasons[-1]


def test_a_missing_number_that_mlflow_hands_over_as_another_is_named(done: Team, tmp_path: Path) -> None:
    """The stages fill nulls, and a NaN is none: who asks MLflow gets another answer than a table gives."""
    from pyspark.ml import Pipeline
    from pyspark.ml.classification import LogisticRegression
    from pyspark.ml.feature import SQLTransformer, VectorAssembler

    rows = done.provider().sql(
        "SELECT id, IF(id % 20 = 0, NULL, CAST(id AS DOUBLE)) AS size, CAST(id % 3 = 0 AS DOUBLE) AS label "
        "FROM range(60)"
    )
    stages = [
        SQLTransformer(statement="SELECT *, coalesce(size, -1) AS filled FROM __THIS__"),
        VectorAssembler(inputCols=["filled"], outputCol="features"),
        LogisticRegression(maxIter=2),
    ]
    model = Pipeline(stages=stages).fit(rows)
    batch, name, tracking = golden.golden_batch(model, rows, ["size", "label"]), "nulls", tracking_of(done)
    given, made = batch.inputs.toPandas(), batch.made.select("prediction").toPandas()
    tracking.save_model(model, tmp_path / "model", example=given, output=made, requirements=["pyspark"])
    golden.write(batch, tmp_path / "model" / golden.FOLDER)
    run_id = tracking.start_run(pipeline=name, date=str(DAY), key=name, tags={})
    tracking.log_fit(run_id, params={}, datasets=[], model_dir=tmp_path / "model", metrics={})
    tracking.register(pipeline=name, date=str(DAY), key=name, run_id=run_id, tags={})
    [version] = tracking.versions(name)
    (tmp_path / "copy").mkdir()
    copy = tracking.fetch_copy(version, name, tmp_path / "copy")
    wanted = Loading(pipeline=name, version=version.version, model=tmp_path / "model", served=copy)
    told = load_here(wanted, done.provider())
    assert told.ways == WAYS[:1]
    assert [each.split(" fails: ")[0] for each in told.problems[:2]] == list(WAYS[1:])
    assert told.problems[2] == (
        "3 of the rows lack a number, which MLflow hands to Spark as NaN, not as null"
    )
