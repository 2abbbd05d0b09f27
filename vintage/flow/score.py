"""Scores a date's rows with the model that serves, and keeps aside with the reason what it cannot score."""

from __future__ import annotations

import logging
from dataclasses import dataclass, replace
from datetime import date
from typing import TYPE_CHECKING, Final

from vintage.data.profile import write_profiled
from vintage.data.rows import read_rows, schema_json
from vintage.errors import DataError, NothingServes, SpecError, first_line
from vintage.flow import preprocess, snapshot, validate
from vintage.flow.job import Job, ship_user_code
from vintage.flow.recipe import to_score_with
from vintage.lineage.graph import follow, references
from vintage.ml.arithmetic import require_pinned
from vintage.ml.fitting import naming_the_stage
from vintage.ml.scoring import ROW, classes_of, identified, lenient_model, predict
from vintage.ml.unscored import REASON, unscored
from vintage.registry import ledger
from vintage.registry.agreement import standing
from vintage.registry.baseline import model_of_version
from vintage.registry.intervention import registered_version
from vintage.registry.tracking import Tracking
from vintage.session import recorded_conf
from vintage.store import Rows, check_files, steps
from vintage.store.details import PredictionsDetails
from vintage.store.fingerprint import fingerprint, fingerprint_sql

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

    from vintage.registry.tracking import Version
    from vintage.store import Artifact, Ingredients, Store

log = logging.getLogger(__name__)

REJECTED: Final = "rejected"
"""Folder of an artifact's own, beside `data`: the feature rows that were not scored, `reason` and `found`."""
MODEL_KEY: Final = "model_key"
MODEL_VERSION: Final = "model_version"
ROWS_PER_FILE: Final = 2_000_000


@dataclass(frozen=True)
class Scorer:
    """What scores: a registered version, and its model in the store."""

    version: Version
    model: Artifact


def run(job: Job, version: str | None = None) -> Artifact:
    """Scores the run's date, or finds the predictions that were made from the same ingredients.

    The date's rows are snapshotted, validated and prepared as a night does it, if they are not yet; prepared
    by the SQL or function that the model learned with, whatever the file says by now.

    Args:
        job: pipeline and date.
        version: the registered version that scores; the champion when it is not given.

    Raises:
        NothingServes: the pipeline has no champion.
        SpecError: there is no such version.
        DataError: the date has no data, or none of its rows can be scored.
        StoreError: the model is not in the store, or something of the store is damaged.
        TrackingError: MLflow cannot be reached.
    """
    tracking = Tracking.of(job.home)
    tracking.check()
    scorer = find_scorer(tracking, job.store, version)
    fitted = prepared_for(job, scorer.model)
    if _prepares(fitted) != _prepares(job):
        log.warning(
            "version %d was fitted on rows of another preprocess than the file's; its own is used",
            scorer.version.version,
        )
    if scorer.model.date > job.date:
        log.warning("version %d is of %s, later than the rows", scorer.version.version, scorer.model.date)
    snapshot.run(fitted)
    validate.run(fitted)
    features = preprocess.run(fitted)[job.date]
    named = steps.predictions(
        fitted.pipeline, job.date, model=scorer.model, features=features, version=scorer.version.version
    )
    artifact = job.store.find("predictions", job.date, named.key)
    if artifact is None:
        job.begin()
        check_files([scorer.model, features])
        artifact = make(fitted, named, scorer, features, tracking)
    else:
        artifact.check_files()
        log.info("predictions %s for %s are found by their key", artifact.key.short, job.date)
    _require_some(artifact)
    job.store.set_current(artifact)
    rows = PredictionsDetails.of(artifact).rows
    log.info(
        "%d rows of %s scored by version %d, %d kept aside",
        rows["scored"],
        job.date,
        scorer.version.version,
        rows["rejected"],
    )
    return artifact


def prepared_for(job: Job, model: Artifact) -> Job:
    """Return the job for its date alone, with the rows prepared as a model's were."""
    last = max(references(model.manifest, "features"), key=lambda each: each.date)
    learnt_from = follow(job.store, model, last)
    return replace(job, pipeline=to_score_with(job.pipeline, model, learnt_from))


def find_scorer(tracking: Tracking, store: Store, version: str | None = None) -> Scorer:
    """Return the version that is asked for, or else the champion, with its model.

    Raises:
        NothingServes: no version is asked for, and none serves.
        SpecError: there is no such version.
        StoreError: the model is not in the store, or ledger and registry contradict each other.
        TrackingError: MLflow cannot be reached.
    """
    if version:
        past, registered = ledger.read(store.ledger_path), tracking.registered(store.pipeline)
        chosen = registered_version(store.pipeline, version, past, registered)
    else:
        champion = standing(store, tracking).champion
        if champion is None:
            raise NothingServes(
                f"no version of {store.pipeline} serves, so that nothing can be scored",
                fix=f"`vintage history {store.pipeline}` shows why none was promoted; --version N scores "
                "with any that is registered.",
            )
        chosen = champion
    day = date.fromisoformat(chosen.date)
    return Scorer(chosen, model_of_version(store, chosen.version, day, chosen.key))


def make(job: Job, named: Ingredients, scorer: Scorer, features: Artifact, tracking: Tracking) -> Artifact:
    """Make the predictions that are named, and publish them in the job's store.

    Args:
        job: its pipeline is that of the model, for its date alone.
        named: what the predictions are made from.
        scorer: what scores.
        features: the date's rows.
        tracking: loads models.

    Raises:
        EnvironmentProblem: a JVM would give other bits than it does elsewhere.
    """
    require_pinned(job.spark(), job.pipeline)
    ship_user_code(job, job.pipeline.stage_paths)
    with job.store.attempt("predictions", job.date) as attempt:
        session = job.spark.apart()
        loaded = tracking.load_model(scorer.model.data / "model")
        rows = _wanted(identified(read_rows(session, [features]), loaded, job.pipeline), job)
        scored = predict(rows, loaded, job.pipeline).persist()
        try:
            with naming_the_stage(lenient_model(loaded), rows, job.pipeline, rows_of="rows to score"):
                count = scored.count()
            stamped = _stamped(scored, scorer)
            kept = stamped.drop(ROW).schema
            observed, seen = write_profiled(
                stamped,
                attempt.data,
                {"content": fingerprint_sql(kept)},
                files=1 + count // ROWS_PER_FILE,
                drop=(ROW,),
                also=classes_of(scored, job.pipeline.task),
            )
            seen.write(attempt.folder)
            total = rows.count()
            reasons = {}
            if total > count:
                aside = unscored(rows, scored, loaded, job.pipeline).persist()
                reasons = _counted(aside)
                aside.coalesce(1 + (total - count) // ROWS_PER_FILE).write.parquet(
                    str(attempt.folder / REJECTED)
                )
                aside.unpersist()
        finally:
            scored.unpersist()
        for reason, number in reasons.items():
            log.warning("%d rows are kept aside: %s", number, reason)
        return job.store.publish(
            attempt,
            named,
            rows=Rows(
                count=observed["content"]["rows"],
                spark_schema=schema_json(kept),
                fingerprint=fingerprint(observed["content"]),
            ),
            details=PredictionsDetails(
                model=scorer.model.key,
                model_date=scorer.model.date,
                version=scorer.version.version,
                rows={"given": total, "scored": count, "rejected": total - count},
                rejected=reasons,
            ),
            spark_conf=recorded_conf(session),
            mlflow_run_id=scorer.model.manifest.mlflow_run_id,
        )


def _prepares(job: Job) -> object:
    """Return what determines the columns that a model reads; neither the label nor the trainable rows."""
    return job.pipeline.preprocess.model_copy(update={"label": None, "train_where": None})


def _wanted(rows: DataFrame, job: Job) -> DataFrame:
    from pyspark.errors import AnalysisException

    where = job.pipeline.score.where
    if where is None:
        return rows
    try:
        return rows.where(where)
    except AnalysisException as error:
        raise SpecError(
            f"score.where of {job.pipeline.name} does not run on the features of {job.date}",
            found=first_line(error),
            fix="Name columns that the SQL of the model's own preprocess provides.",
        ) from error


def _stamped(scored: DataFrame, scorer: Scorer) -> DataFrame:
    from pyspark.sql import functions as F

    return scored.select(
        "*",
        F.lit(scorer.model.key).alias(MODEL_KEY),
        F.lit(scorer.version.version).alias(MODEL_VERSION),
    )


def _counted(aside: DataFrame) -> dict[str, int]:
    """Reason → rows, the commonest first."""
    found = [(row[REASON], row["count"]) for row in aside.groupBy(REASON).count().collect()]
    return dict(sorted(found, key=lambda each: (-each[1], each[0])))


def _require_some(artifact: Artifact) -> None:
    manifest, details = artifact.manifest, PredictionsDetails.of(artifact)
    rows = details.rows
    if rows["rejected"] and not rows["scored"]:
        raise DataError(
            f"none of {rows['given']} rows of {manifest.pipeline} for {manifest.date} "
            f"can be scored by version {details.version}",
            found="; ".join(f"{number} rows: {why}" for why, number in details.rejected.items()),
            fix=f"They are in {artifact.folder / REJECTED}. What was current for the date stays so.",
        )
