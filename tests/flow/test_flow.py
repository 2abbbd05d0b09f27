"""The chain makes what is missing, finds what is there, and its manifests tell what a model was made from."""

from __future__ import annotations

import json
import logging
from datetime import date, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow.parquet as pq
import pytest

from tests.flow.conftest import rows_of
from vintage.ml.model_digest import model_digest
from vintage.registry import ledger
from vintage.registry.tracking import SPARK_MODEL, Tracking
from vintage.report.summary import summarise
from vintage.store.details import EvaluationDetails
from vintage.store.reports import report_folder

if TYPE_CHECKING:
    from tests.flow.conftest import Team

pytestmark = pytest.mark.spark

DAY = date(2024, 3, 6)


def test_a_run_makes_each_date_once_and_a_champion(done: Team) -> None:
    assert done.published() == {"snapshot": 4, "validation": 4, "features": 4, "model": 1, "evaluation": 1}
    assert done.leftovers() == []
    [entry] = ledger.read(done.store.ledger_path)
    assert (entry.action, entry.version, entry.champion_before) == ("promoted", 1, None)
    champion = Tracking.of(done.home).champion(done.name)
    assert champion is not None
    assert (champion.version, champion.date, champion.key) == (1, str(DAY), entry.model_key)


def test_an_evaluation_without_its_report_gets_it(done: Team) -> None:
    [page] = done.store.folder.glob("reports/*/*/report.html")
    page.unlink()
    done.run("evaluate")
    assert page.is_file()


def test_the_same_run_again_makes_nothing(done: Team) -> None:
    before = {path: path.stat().st_mtime_ns for path in done.store.folder.rglob("*")}
    done.run()
    assert {path: path.stat().st_mtime_ns for path in done.store.folder.rglob("*")} == before


def test_the_manifests_lead_from_the_model_to_the_raw_rows(done: Team) -> None:
    summary = summarise(done.store, DAY)
    assert summary.window == tuple(DAY - timedelta(days=back) for back in (3, 2, 1, 0))
    assert summary.rows == {"train": 3 * 23, "test": 23}
    assert set(summary.keys) == {"snapshot", "validation", "features", "model", "evaluation"}
    assert list(summary.fingerprints) == list(summary.window)
    model = json.loads(
        (done.store.folder / "model" / f"date={DAY}" / summary.keys["model"] / "manifest.json").read_text()
    )
    assert set(model["ingredients"]["inputs"]["features"]) == set(map(str, summary.window[:-1]))
    assert model["ingredients"]["spec"]["stages"][3]["params"] == {"maxIter": 5, "regParam": 0.01}
    assert model["ingredients"]["seed"] == 42
    assert {"pyspark", "java", "python", "mlflow"} <= set(model["packages"])
    assert model["git"]["commit"]
    assert model["mlflow_run_id"] == summary.mlflow.run_id
    assert summary.params["3.LogisticRegression.regParam"] == "0.01"
    folder = done.store.folder / "model" / f"date={DAY}" / summary.keys["model"] / "data/model" / SPARK_MODEL
    assert model["details"]["digest"] == summary.model_digest == model_digest(folder)


def test_labels_guess_and_standardised_coefficients_are_kept(done: Team) -> None:
    summary = summarise(done.store, DAY)
    assert list(summary.labels) == list(summary.window)
    for labels in summary.labels.values():
        assert labels.rows == sum(labels.counts.values()) == 23
        assert labels.mean == pytest.approx(labels.counts["1.0"] / 23)
    learnt = [summary.labels[day] for day in summary.window[:-1]]
    common = max(("0.0", "1.0"), key=lambda label: sum(each.counts[label] for each in learnt))
    assert summary.guess is not None
    assert summary.guess["how"].startswith(f"always class {float(common):g}, as ")
    assert summary.guess["metrics"]["areaUnderROC"] == 0.5
    here = summary.labels[DAY]
    assert summary.guess["metrics"]["accuracy"] == pytest.approx(here.counts[common] / here.rows)
    sizes = [abs(each["standardised"]) for each in summary.details["importances"]["features"]]
    assert sizes == sorted(sizes, reverse=True)
    assert sizes[0] > 0


def test_a_key_names_no_time_host_path_or_run(done: Team) -> None:
    for manifest in done.store.folder.rglob("manifest.json"):
        ingredients = json.dumps(json.loads(manifest.read_text())["ingredients"])
        assert str(done.home.path) not in ingredients
        assert str(done.store.root) not in ingredients


def test_mlflow_has_params_metrics_data_and_tags(done: Team) -> None:
    from mlflow import MlflowClient

    summary = summarise(done.store, DAY)
    run = MlflowClient(done.home.tracking_uri).get_run(str(summary.mlflow.run_id))
    assert run.info.status == "FINISHED"
    assert run.data.params["3.LogisticRegression.regParam"] == "0.01"
    assert run.data.metrics["areaUnderROC"] == pytest.approx(summary.metrics["areaUnderROC"])
    assert run.data.tags["vintage.key"] == summary.keys["model"]
    assert run.data.tags["vintage.git_commit"] == summary.git["commit"]
    assert run.data.tags["vintage.model_digest"] == summary.model_digest
    assert run.data.tags["vintage.served_by"] == "twin"
    assert summary.served_by == (
        "its twin, without Spark: 23 holdout rows have the same prediction, probability, rawPrediction, "
        "to the last bit"
    )
    contexts = [
        tag.value
        for each in run.inputs.dataset_inputs
        for tag in each.tags
        if tag.key == "mlflow.data.context"
    ]
    assert sorted(contexts) == ["testing", "training", "training", "training"]


def test_mlflow_has_the_report_the_tables_and_each_metric_once(done: Team) -> None:
    from mlflow import MlflowClient

    summary = summarise(done.store, DAY)
    client, run_id = MlflowClient(done.home.tracking_uri), str(summary.mlflow.run_id)
    run = client.get_run(run_id)
    metrics, tags = run.data.metrics, run.data.tags
    assert set(metrics) == {*summary.metrics, "training_rows", "holdout_rows", "fit_seconds"}
    assert metrics["holdout_rows"] == summary.rows["test"]
    assert tags["mlflow.source.name"] == f"pipelines/{done.name}.yaml"
    assert tags["mlflow.user"]
    tables = {file.path for file in client.list_artifacts(run_id, "tables")}
    assert {"tables/gates.json", "tables/confusion_matrix.json"} <= tables
    assert {each["path"] for each in json.loads(tags["mlflow.loggedArtifacts"])} == tables
    [version] = client.search_model_versions(f"name = '{done.name}'")
    assert version.tags["vintage.decision"].startswith("promoted")
    assert version.tags["vintage.metric"].startswith(f"{summary.metric} ")
    assert client.get_registered_model(done.name).description == version.description
    evaluation = done.store.current("evaluation", DAY)
    assert evaluation is not None
    folder = report_folder(done.store, evaluation)
    kept = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}
    assert {"report.html", "pictures/confusion.svg"} <= kept
    logged = [*client.list_artifacts(run_id, "report"), *client.list_artifacts(run_id, "report/pictures")]
    assert {each.path for each in logged if not each.is_dir} == {f"report/{path}" for path in kept}
    # What was decided after the report was written.
    page = (folder / "report.html").read_text(encoding="utf-8")
    assert "✓ Promoted: version 1" in page
    assert Path(client.download_artifacts(run_id, "report/report.html")).read_text(encoding="utf-8") == page
    version = client.get_model_version(done.name, "1")
    assert "Promoted&#58; version 1" in version.description
    assert client.get_run(run_id).data.tags["mlflow.note.content"] == version.description


def test_the_next_night_makes_one_date(team: Team) -> None:
    team.run(day=DAY - timedelta(days=1))
    assert team.published()["snapshot"] == 4
    team.run()
    assert team.published() == {"snapshot": 5, "validation": 5, "features": 5, "model": 2, "evaluation": 2}
    assert [entry.action for entry in ledger.read(team.store.ledger_path)] == ["promoted", "promoted"]


@pytest.mark.long
def test_an_older_date_leaves_the_champion_alone(team: Team) -> None:
    team.run()
    team.run(day=DAY - timedelta(days=1))
    entries = ledger.read(team.store.ledger_path)
    assert [entry.action for entry in entries] == ["promoted", "registered"]
    assert "is not later" in entries[1].reasons[-1]
    champion = Tracking.of(team.home).champion(team.name)
    assert champion is not None
    assert champion.date == str(DAY)


@pytest.mark.long
def test_corrected_data_gives_new_keys_and_keeps_the_old(team: Team) -> None:
    team.run()
    old = summarise(team.store, DAY)
    corrected = DAY - timedelta(days=2)
    lines = team.raw(corrected).read_text().splitlines()[1:]
    team.deliver(corrected, [lines[0].replace("red", "blue"), *lines[1:]])
    team.run()
    new = summarise(team.store, DAY)
    changed = {day for day in new.fingerprints if new.fingerprints[day] != old.fingerprints[day]}
    assert changed == {corrected}
    assert new.keys["model"] != old.keys["model"]
    assert team.published() == {"snapshot": 5, "validation": 5, "features": 5, "model": 2, "evaluation": 2}


def test_the_same_rows_delivered_again_change_nothing(team: Team) -> None:
    team.run()
    header, *lines = team.raw(DAY).read_text().splitlines()
    names = header.split(",")
    turned = [names[::-1], *(line.split(",")[::-1] for line in reversed(lines))]
    half = len(turned) // 2
    team.raw(DAY).write_text("\n".join(",".join(words) for words in turned[:half]) + "\n")
    second = team.raw(DAY).with_name("more.csv")
    second.write_text("\n".join([header, *lines[: len(turned) - half]]) + "\n")
    before = summarise(team.store, DAY)
    team.run()
    assert summarise(team.store, DAY) == before


@pytest.mark.long
def test_an_override_is_another_model(team: Team) -> None:
    team.run()
    first = summarise(team.store, DAY)
    team.run(overrides=["LogisticRegression.regParam=0.5"])
    second = summarise(team.store, DAY)
    assert second.params["3.LogisticRegression.regParam"] == "0.5"
    assert second.keys["model"] != first.keys["model"]
    assert second.keys["features"] == first.keys["features"]
    team.run(overrides=["LogisticRegression.regParam=0.01"])
    assert summarise(team.store, DAY) == first


def test_a_gate_that_fails_registers_and_does_not_promote(team: Team) -> None:
    team.edit("min: 0.5", "min: 0.9999")
    team.run()
    [entry] = ledger.read(team.store.ledger_path)
    assert entry.action == "refused"
    assert entry.reasons[0].startswith("gate areaUnderROC >= 0.9999 failed")
    tracking = Tracking.of(team.home)
    assert len(tracking.versions(team.name)) == 1
    assert tracking.champion(team.name) is None


def test_a_window_with_broken_data_promotes_nothing(team: Team) -> None:
    team.edit("min: 0.5}]", "min: 0}, {metric: brokenDates, max: 0}]\n  allow_perfect: true")
    broken = DAY - timedelta(days=2)
    lines = [line.split(",") for line in rows_of(broken)]
    team.deliver(
        broken, [",".join([*line[:2], f"{float(line[2]) * 1000 + 500}", *line[3:]]) for line in lines]
    )
    team.run()
    [entry] = ledger.read(team.store.ledger_path)
    assert (entry.action, entry.reasons) == (
        "refused",
        (f"gate brokenDates <= 0 failed: 1, {broken} (size)",),
    )
    evaluation = team.store.current("evaluation", DAY)
    assert evaluation is not None
    assert EvaluationDetails.of(evaluation).metrics["brokenDates"] == 1
    # The corrected delivery is another window, and no broken one.
    team.deliver(broken)
    team.run()
    assert [each.action for each in ledger.read(team.store.ledger_path)] == ["refused", "promoted"]


@pytest.mark.long
def test_rows_are_weighed_and_one_without_a_weight_refuses(team: Team) -> None:
    from sklearn.metrics import roc_auc_score

    team.edit("  metric: areaUnderROC\n", "  metric: areaUnderROC\n  weight: size\n")
    team.run()
    evaluation = team.store.current("evaluation", DAY)
    assert evaluation is not None
    assert evaluation.manifest.details.weight == "size"
    scored = pq.read_table(evaluation.data / "predictions").to_pandas()
    assert set(scored.columns) == {"id", "seen", "label", "prediction", "probability", "score"}
    sizes = {int(line.split(",")[0]): float(line.split(",")[2]) for line in rows_of(DAY)}
    weights = [sizes[number] for number in scored["id"]]
    area = roc_auc_score(scored["label"], scored["score"], sample_weight=weights)
    assert evaluation.manifest.details.metrics["areaUnderROC"] == pytest.approx(area)
    assert area != pytest.approx(roc_auc_score(scored["label"], scored["score"]))
    team.deliver(DAY, [*rows_of(DAY), f"99,red,-1,{DAY}T00:00:00Z,1"])
    team.run()
    *_, entry = ledger.read(team.store.ledger_path)
    assert entry.action == "refused"
    assert "1 rows of the holdout have a weight that is null, negative or no finite number" in entry.reasons


def test_warnings_pass_and_are_reported(team: Team, caplog: pytest.LogCaptureFixture) -> None:
    team.deliver(DAY, [*team.raw(DAY).read_text().splitlines()[1:], f"99,red,77,{DAY}T00:00:00Z,1"])
    with caplog.at_level("WARNING"):
        team.run("snapshot", "validate")
    assert any("77" in text and "size" in text for text in map(logging.LogRecord.getMessage, caplog.records))
    manifest = team.store.current("validation", DAY)
    assert manifest is not None
    assert manifest.manifest.details.passed


def test_one_partition_and_one_order_whatever_the_delivery(team: Team) -> None:
    from vintage.data.rows import read_rows
    from vintage.flow import preprocess
    from vintage.flow.graph import Flow
    from vintage.ml.stages import stage_columns
    from vintage.ml.training import canonical

    team.run("snapshot", "validate", "preprocess")
    job = team.job()
    artifacts = list(Flow(job).of(preprocess.STEP).values())
    columns = stage_columns(job.pipeline)
    orders = []
    for shuffled in (1, 5):
        rows = read_rows(job.spark(), artifacts).repartition(shuffled)
        ordered = canonical(rows, job.pipeline, columns)
        assert ordered.rdd.getNumPartitions() == 1
        orders.append(ordered.rdd.glom().collect())
    assert orders[0] == orders[1]


def test_a_twin_that_differs_on_the_holdout_is_refused_by_row_and_stage(done: Team, tmp_path: Path) -> None:
    from dataclasses import replace
    from types import SimpleNamespace

    from vintage.data.rows import read_rows
    from vintage.flow import preprocess
    from vintage.flow.graph import Flow
    from vintage.flow.parity import holdout_parity
    from vintage.registry.tracking import MODEL, TWIN, load_model
    from vintage.twin import description

    model = done.store.current("model", DAY)
    assert model is not None
    kept = description.load(model.data / MODEL / TWIN)
    *stages, regression = kept.stages
    other = replace(
        regression, data={**regression.data, "interceptVector": regression.data["interceptVector"] + 1}
    )
    description.save(replace(kept, stages=(*stages, other)), tmp_path / MODEL / TWIN)
    job = done.job()
    rows = read_rows(job.spark(), [Flow(job).of(preprocess.STEP)[DAY]])
    found = holdout_parity(
        SimpleNamespace(data=tmp_path),
        load_model(model.data / MODEL),
        rows,
        tmp_path,  # type: ignore[arg-type]
    )
    assert found is not None
    assert (found.rows, found.stage) == (24, "LogisticRegressionModel")
    assert found.differs.startswith("`probability` of row 0 is [")


def test_raw_rows_that_give_other_features_are_told_by_row_and_column(done: Team, tmp_path: Path) -> None:
    from dataclasses import replace
    from types import SimpleNamespace

    from vintage.flow import preprocess
    from vintage.flow.graph import Flow
    from vintage.flow.raw_rows import holdout_raw_parity
    from vintage.registry.tracking import MODEL, TWIN
    from vintage.store.details import EvaluationDetails
    from vintage.twin import description
    from vintage.twin.sql import Expression

    model, evaluation = done.store.current("model", DAY), done.store.current("evaluation", DAY)
    assert model is not None
    assert evaluation is not None
    flow = Flow(done.job())
    features = flow.of(preprocess.STEP, flow.sides[1])
    told = EvaluationDetails.of(evaluation).raw
    assert told is not None
    assert (told.rows, told.differs) == (sum(each.row_count for each in features.values()), "")
    kept = description.load(model.data / MODEL / TWIN)
    assert kept.preparation is not None
    size = kept.preparation.columns["size"]
    limit = Expression("literal", "double", value=2.0)
    small = Expression("case", "double", (Expression("less", "boolean", (size, limit)), limit, size))
    for name, preparation, expected in (
        (
            "other",
            replace(kept.preparation, columns={**kept.preparation.columns, "size": small}),
            "`size` of kept row",
        ),
        (
            "fewer",
            replace(kept.preparation, where=Expression("less", "boolean", (size, limit))),
            "the SQL keeps",
        ),
    ):
        folder = tmp_path / name
        description.save(replace(kept, preparation=preparation), folder / MODEL / TWIN)
        found = holdout_raw_parity(SimpleNamespace(data=folder), flow.snapshots, features)  # type: ignore[arg-type]
        assert found is not None
        assert expected in found.differs
    description.save(replace(kept, preparation=None), tmp_path / "none" / MODEL / TWIN)
    none = SimpleNamespace(data=tmp_path / "none")
    assert holdout_raw_parity(none, flow.snapshots, features) is None  # type: ignore[arg-type]


def test_mlflow_has_spark_serve_a_model_whose_twin_is_refused_and_its_copy_is_intact(done: Team) -> None:
    from mlflow.models import Model

    from vintage.registry.copies import verified_copy
    from vintage.registry.tracking import MODEL

    model = done.store.current("model", DAY)
    assert model is not None
    tracking = Tracking.of(done.home)
    [version] = tracking.versions(done.name)
    loaders = {}
    for by, rows in (("twin", "features"), ("spark", "features"), ("spark", "raw"), ("twin", "raw")):
        tracking.serve_by(version.run_id, by, model.data / MODEL, rows=rows)  # type: ignore[arg-type]
        with verified_copy(tracking, model, version) as copy:
            loaders[by, rows] = Model.load(str(copy)).flavors["python_function"]["loader_module"]
    assert loaders == {
        ("twin", "features"): "vintage.twin.pyfunc",
        ("spark", "features"): "mlflow.spark",
        ("spark", "raw"): "mlflow.spark",
        ("twin", "raw"): "vintage.twin.raw_pyfunc",
    }


def test_the_server_gives_what_the_evaluation_stored_of_each_row(done: Team) -> None:
    from fastapi.testclient import TestClient

    from vintage.serving import Followed, application

    followed = Followed(done.store, Tracking.of(done.home))
    assert followed.follow(), followed.refused
    features, evaluation = done.store.current("features", DAY), done.store.current("evaluation", DAY)
    assert features is not None
    assert evaluation is not None
    given = {row["id"]: row for row in pq.read_table(features.data).to_pylist()}
    stored = pq.read_table(evaluation.data / "predictions").to_pylist()
    rows = [{name: given[each["id"]][name] for name in ("colour", "size")} for each in stored]
    with TestClient(application([followed])) as client:
        answer = client.post("/invocations", json={"dataframe_records": rows}).json()
    assert [each["prediction"] for each in answer["predictions"]] == [each["prediction"] for each in stored]
    assert [each["probability"] for each in answer["predictions"]] == [each["probability"] for each in stored]
    assert answer["model"]["key"] == evaluation.manifest.details.model
